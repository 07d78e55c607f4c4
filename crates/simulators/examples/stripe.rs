//! Serves the Stripe simulator alone: `cargo run -p simulators --example stripe [127.0.0.1:12111]`.

use simulators::stripe::{Options, Stripe};

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:12111".into());
    let listener = tokio::net::TcpListener::bind(&address).await?;
    let options = Options::default();
    println!("http://{}  secret key {}", listener.local_addr()?, options.secret_key);
    Stripe::new(options).serve(listener).await
}
