//! How a request leaves this machine. A [`Transport`] takes one HTTP request, brings one HTTP
//! response, and says of every failure whether anything had left this machine: a connection that
//! was refused can be tried again by anyone, a request without an answer cannot.

use std::{error::Error, sync::Arc, time::Duration};

use bytes::Bytes;
use http_body_util::BodyExt;
use rustls::ClientConfig;
use rustls_platform_verifier::Verifier;
use tower::{Service, ServiceExt, service_fn, util::BoxCloneSyncService};

/// Any error, kept for the log.
pub type BoxError = Box<dyn Error + Send + Sync>;

/// One HTTP exchange: pooled HTTPS in production ([`https()`]), a simulator's router in tests
/// ([`in_process`]). Faults are a layer around it.
pub type Transport =
    BoxCloneSyncService<http::Request<Bytes>, http::Response<Bytes>, TransportError>;

/// Why an exchange brought no response.
#[derive(Debug, thiserror::Error)]
pub enum TransportError {
    /// Nothing left this machine: no such host, connection refused, no agreement on TLS, or a
    /// request that cannot be written down.
    #[error("nothing was sent")]
    NotSent(#[source] BoxError),
    /// It was sent, wholly or in part, and no whole response came.
    #[error("sent, but no whole answer came")]
    NoAnswer(#[source] BoxError),
}

/// The ends of every wait of a transport.
#[derive(Debug, Clone, Copy)]
pub struct TransportLimits {
    /// Until a connection stands, TLS included.
    pub connect: Duration,
    /// From the start of one exchange to the last byte of its response.
    pub exchange: Duration,
    /// The longest response that is read.
    pub body_bytes_max: usize,
}

impl Default for TransportLimits {
    /// Five seconds to connect: three lost SYN packets. Eight for an exchange, so that one lost
    /// answer leaves room for a second try within a call's ten. 16 MiB: a page of a hundred
    /// events of the largest size seen, ten times over.
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(5),
            exchange: Duration::from_secs(8),
            body_bytes_max: 16 * 1024 * 1024,
        }
    }
}

/// The HTTPS client cannot be made on this machine.
#[derive(Debug, thiserror::Error)]
pub enum HttpsError {
    /// TLS has no protocol version to work with.
    #[error("TLS cannot be set up")]
    Tls(#[source] BoxError),
    /// The client cannot be made.
    #[error("the HTTPS client cannot be made")]
    Client(#[source] BoxError),
}

#[derive(Debug, thiserror::Error)]
#[error("the response is longer than {0} bytes")]
struct TooLong(usize);

/// A pooled client that trusts what this machine trusts. It speaks plain HTTP too, for a
/// simulator; it follows no redirect, because a redirected POST is a second request; and it keeps
/// to HTTP/1.1, where one stalled connection holds up one exchange and not all of them.
pub fn https(limits: TransportLimits) -> Result<Transport, HttpsError> {
    let client = reqwest::Client::builder()
        .tls_backend_preconfigured(tls()?)
        .http1_only()
        .redirect(reqwest::redirect::Policy::none())
        .connect_timeout(limits.connect)
        .timeout(limits.exchange)
        .user_agent(concat!("till/", env!("CARGO_PKG_VERSION")))
        .build()
        .map_err(|error| HttpsError::Client(error.into()))?;
    Ok(Transport::new(service_fn(move |request| {
        exchange(client.clone(), request, limits.body_bytes_max)
    })))
}

/// TLS by ring, named here because no process-wide choice is made for it. A machine without a
/// trust store, such as an empty container, gets the one of Mozilla that is compiled in.
fn tls() -> Result<ClientConfig, HttpsError> {
    let ring = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&ring))
        .with_safe_default_protocol_versions()
        .map_err(|error| HttpsError::Tls(error.into()))?;
    let config = match Verifier::new(ring) {
        Ok(verifier) => builder.dangerous().with_custom_certificate_verifier(Arc::new(verifier)),
        Err(error) => {
            tracing::warn!(%error, "this machine has no trust store; using the compiled-in one");
            let roots = webpki_roots::TLS_SERVER_ROOTS.iter().cloned();
            builder.with_root_certificates(rustls::RootCertStore::from_iter(roots))
        }
    };
    Ok(config.with_no_client_auth())
}

async fn exchange(
    client: reqwest::Client,
    request: http::Request<Bytes>,
    body_bytes_max: usize,
) -> Result<http::Response<Bytes>, TransportError> {
    let request = reqwest::Request::try_from(request)
        .map_err(|error| TransportError::NotSent(error.into()))?;
    let mut answer = client.execute(request).await.map_err(|error| {
        let sent = !(error.is_connect() || error.is_builder());
        // The address holds ids that belong to no log.
        let error = error.without_url().into();
        if sent { TransportError::NoAnswer(error) } else { TransportError::NotSent(error) }
    })?;
    let mut body = Vec::new();
    while let Some(chunk) = answer
        .chunk()
        .await
        .map_err(|error| TransportError::NoAnswer(error.without_url().into()))?
    {
        if body.len() + chunk.len() > body_bytes_max {
            return Err(TransportError::NoAnswer(TooLong(body_bytes_max).into()));
        }
        body.extend_from_slice(&chunk);
    }
    let mut response = http::Response::new(Bytes::from(body));
    *response.status_mut() = answer.status();
    *response.headers_mut() = std::mem::take(answer.headers_mut());
    Ok(response)
}

/// A transport that calls `service` in this process: a web framework's router, or any other
/// service from request to response. Its own errors count as "sent, no answer", because it had
/// the request.
pub fn in_process<S, RequestBody, ResponseBody>(service: S) -> Transport
where
    S: Service<http::Request<RequestBody>, Response = http::Response<ResponseBody>>,
    S: Clone + Send + Sync + 'static,
    S::Future: Send,
    S::Error: Into<BoxError>,
    RequestBody: From<Bytes> + Send + 'static,
    ResponseBody: BodyExt + Send,
    ResponseBody::Data: Send,
    ResponseBody::Error: Into<BoxError>,
{
    Transport::new(service_fn(move |request: http::Request<Bytes>| {
        let service = service.clone();
        async move {
            let response = service
                .oneshot(request.map(RequestBody::from))
                .await
                .map_err(|error| TransportError::NoAnswer(error.into()))?;
            let (parts, body) = response.into_parts();
            let body =
                body.collect().await.map_err(|error| TransportError::NoAnswer(error.into()))?;
            Ok(http::Response::from_parts(parts, body.to_bytes()))
        }
    }))
}
