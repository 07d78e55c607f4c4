//! A way to a database server that breaks at the worst moment: the COMMIT of a refund is carried out,
//! its answer is lost, and nobody gets through any more.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

/// The address of the database through such a way.
pub async fn through(url: &str) -> String {
    let mut url = url::Url::parse(url).unwrap();
    let standard = if url.scheme() == "mysql" { 3306 } else { 5432 };
    let port = url.port().unwrap_or(standard);
    let server = format!("{}:{port}", url.host_str().unwrap());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    url.set_host(Some("127.0.0.1")).unwrap();
    url.set_port(Some(listener.local_addr().unwrap().port())).unwrap();
    tokio::spawn(async move {
        let broken = Arc::new(AtomicBool::new(false));
        while let Ok((client, _)) = listener.accept().await {
            if !broken.load(Ordering::SeqCst) {
                let server = TcpStream::connect(&server).await.unwrap();
                tokio::spawn(carry(client, server, broken.clone()));
            }
        }
    });
    url.to_string()
}

/// Both protocols send a statement's text when it is prepared, and COMMIT as plain text in a message
/// of its own.
async fn carry(mut client: TcpStream, mut server: TcpStream, broken: Arc<AtomicBool>) {
    let (mut up, mut down) = (vec![0; 64 * 1024], vec![0; 64 * 1024]);
    let mut writes_refund = false;
    loop {
        tokio::select! {
            read = client.read(&mut up) => {
                let Ok(count @ 1..) = read else { return };
                let sent = &up[..count];
                writes_refund |= sent.windows(20).any(|text| text == b"insert into refunds ");
                if server.write_all(sent).await.is_err() {
                    return;
                }
                let commits = [&b"commit\0"[..], b"commit"].iter().any(|end| sent.ends_with(end));
                if writes_refund && commits {
                    // The answer means that it is done; it goes no further.
                    assert!(server.read(&mut down).await.unwrap() > 0);
                    broken.store(true, Ordering::SeqCst);
                    return;
                }
            }
            read = server.read(&mut down) => {
                let Ok(count @ 1..) = read else { return };
                if client.write_all(&down[..count]).await.is_err() {
                    return;
                }
            }
        }
    }
}
