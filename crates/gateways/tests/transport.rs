//! The real client against a server on this machine that misbehaves in one way at a time: what
//! counts is whether it says "nothing was sent" or "no answer came".

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::{convert::Infallible, time::Duration};

use bytes::Bytes;
use gateways::{Transport, TransportError, TransportLimits, https, in_process};
use http_body_util::Full;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};
use tower::{ServiceExt, service_fn};

/// Short enough to wait for, long enough for a busy machine to answer.
const LIMITS: TransportLimits = TransportLimits {
    connect: Duration::from_secs(2),
    exchange: Duration::from_secs(2),
    body_bytes_max: 1000,
};

async fn listen() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address.to_string())
}

/// Serves one connection: reads the request's head and body, writes `answer`, closes.
fn serve(listener: TcpListener, answer: &'static str) -> JoinHandle<String> {
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let request = read_request(&mut stream).await;
        stream.write_all(answer.as_bytes()).await.unwrap();
        stream.shutdown().await.unwrap();
        request
    })
}

async fn read_request(stream: &mut TcpStream) -> String {
    let mut request = Vec::new();
    while !request.ends_with(b"amount=1") {
        let mut chunk = [0; 1000];
        match stream.read(&mut chunk).await.unwrap() {
            0 => break,
            length => request.extend_from_slice(&chunk[..length]),
        }
    }
    String::from_utf8(request).unwrap()
}

async fn post(transport: Transport, uri: String) -> Result<http::Response<Bytes>, TransportError> {
    let request = http::Request::post(uri)
        .header("idempotency-key", "till:1")
        .body(Bytes::from("amount=1"))
        .unwrap();
    transport.oneshot(request).await
}

fn is_unsent(result: &Result<http::Response<Bytes>, TransportError>) -> bool {
    matches!(result, Err(TransportError::NotSent(_)))
}

fn is_unanswered(result: &Result<http::Response<Bytes>, TransportError>) -> bool {
    matches!(result, Err(TransportError::NoAnswer(_)))
}

#[tokio::test]
async fn a_request_arrives_as_it_was_written_and_so_does_its_response() {
    let (listener, address) = listen().await;
    let server = serve(
        listener,
        "HTTP/1.1 402 Payment Required\r\nrequest-id: req_1\r\ncontent-length: 2\r\n\r\n{}",
    );
    let answer =
        post(https(LIMITS).unwrap(), format!("http://{address}/v1/x?a[0]=b")).await.unwrap();
    assert_eq!(answer.status(), 402);
    assert_eq!(answer.headers()["request-id"], "req_1");
    assert_eq!(answer.body(), "{}");
    let request = server.await.unwrap();
    assert!(request.starts_with("POST /v1/x?a[0]=b HTTP/1.1\r\n"), "{request}");
    assert!(request.contains("idempotency-key: till:1\r\n"), "{request}");
    assert!(request.ends_with("\r\n\r\namount=1"), "{request}");
}

#[tokio::test]
async fn a_refused_connection_sent_nothing() {
    let (listener, address) = listen().await;
    drop(listener);
    let result = post(https(LIMITS).unwrap(), format!("http://{address}/")).await;
    assert!(is_unsent(&result), "{result:?}");
}

#[tokio::test]
async fn a_server_that_speaks_no_tls_was_sent_nothing() {
    let (listener, address) = listen().await;
    let server = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        stream.write_all(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n").await.unwrap();
    });
    let result = post(https(LIMITS).unwrap(), format!("https://{address}/")).await;
    assert!(is_unsent(&result), "{result:?}");
    server.await.unwrap();
}

#[tokio::test]
async fn a_connection_that_breaks_before_the_whole_answer_leaves_it_unknown() {
    for answer in [
        "",
        "HTTP/1.1 200 OK\r\n",
        "HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\nhalf\r\n",
        "no HTTP at all",
    ] {
        let (listener, address) = listen().await;
        let server = serve(listener, answer);
        let result = post(https(LIMITS).unwrap(), format!("http://{address}/")).await;
        assert!(is_unanswered(&result), "{answer:?} gave {result:?}");
        assert!(server.await.unwrap().ends_with("amount=1"));
    }
}

#[tokio::test]
async fn a_server_that_never_answers_leaves_it_unknown() {
    let (listener, address) = listen().await;
    let limits = TransportLimits { exchange: Duration::from_millis(200), ..LIMITS };
    let result = post(https(limits).unwrap(), format!("http://{address}/")).await;
    assert!(is_unanswered(&result), "{result:?}");
    drop(listener);
}

#[tokio::test]
async fn an_answer_beyond_the_limit_is_not_read_to_its_end() {
    let (listener, address) = listen().await;
    let limits = TransportLimits { body_bytes_max: 9, ..LIMITS };
    let server = serve(listener, "HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n0123456789");
    let result = post(https(limits).unwrap(), format!("http://{address}/")).await;
    assert!(is_unanswered(&result), "{result:?}");
    server.await.unwrap();
}

#[tokio::test]
async fn a_redirect_is_an_answer_and_is_not_followed() {
    let (listener, address) = listen().await;
    let server = serve(
        listener,
        "HTTP/1.1 307 Temporary Redirect\r\nlocation: /again\r\ncontent-length: 0\r\n\r\n",
    );
    let answer = post(https(LIMITS).unwrap(), format!("http://{address}/")).await.unwrap();
    assert_eq!(answer.status(), 307);
    server.await.unwrap();
}

#[tokio::test]
async fn an_address_that_cannot_be_dialled_sent_nothing() {
    let result = post(https(LIMITS).unwrap(), "ftp://127.0.0.1/".into()).await;
    assert!(is_unsent(&result), "{result:?}");
    let result = post(https(LIMITS).unwrap(), "/v1/x".into()).await;
    assert!(is_unsent(&result), "{result:?}");
}

#[tokio::test]
async fn a_service_of_this_process_can_stand_in_for_a_server() {
    let echo = service_fn(|request: http::Request<Full<Bytes>>| async move {
        let (parts, body) = request.into_parts();
        let response = http::Response::builder().status(201).header("path", parts.uri.path());
        Ok::<_, Infallible>(response.body(body).unwrap())
    });
    let answer = post(in_process(echo), "http://stripe.test/v1/x".into()).await.unwrap();
    assert_eq!((answer.status().as_u16(), answer.body().as_ref()), (201, &b"amount=1"[..]));
    assert_eq!(answer.headers()["path"], "/v1/x");

    let broken = service_fn(|_: http::Request<Full<Bytes>>| async {
        Err::<http::Response<Full<Bytes>>, _>(std::io::Error::other("crashed"))
    });
    let result = post(in_process(broken), "http://stripe.test/".into()).await;
    assert!(is_unanswered(&result), "{result:?}");
}
