//! `till simulate`: somebody else's server on this machine, to develop against.

use std::{
    io::{self, Write as _},
    net::SocketAddr,
};

use clap::Args;
use simulators::stripe::{Options, Stripe};
use tokio::net::TcpListener;

use super::ink::Ink;

/// How the simulated Stripe is started.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  till simulate stripe
  curl http://127.0.0.1:12111/v1/webhook_endpoints -u sk_test_till_0123456789abcdef: \\
    -d url=http://127.0.0.1:8080/api/webhooks/stripe -d 'enabled_events[]=*'")]
pub struct StripeArguments {
    /// Address and port to listen on
    #[arg(long, default_value = "127.0.0.1:12111", value_name = "ADDRESS")]
    listen: SocketAddr,
    /// The same number and the same requests give the same ids
    #[arg(long, value_name = "NUMBER")]
    seed: Option<u64>,
}

/// Why a simulator did not start, or stopped.
#[derive(Debug, thiserror::Error)]
pub enum SimulateError {
    /// The address is taken or not ours.
    #[error("cannot listen on {address}; choose another with --listen")]
    Listen {
        /// Where.
        address: SocketAddr,
        /// Why not.
        source: io::Error,
    },
    /// The socket broke.
    #[error("the simulator has stopped")]
    Io(#[from] io::Error),
}

/// Simulates until Ctrl-C.
pub async fn stripe(arguments: StripeArguments) -> Result<(), SimulateError> {
    let address = arguments.listen;
    let listener = TcpListener::bind(address)
        .await
        .map_err(|source| SimulateError::Listen { address, source })?;
    let base = format!("http://{}", listener.local_addr()?);
    let options = Options { seed: arguments.seed, ..Options::default() };
    let ink = Ink::of(&io::stdout());
    let mut out = io::stdout();
    writeln!(out, "{} at {base} (what happens there: {base}/)", ink.strong("Simulated Stripe"))?;
    writeln!(out)?;
    writeln!(out, "  STRIPE_API_BASE         {base}")?;
    writeln!(out, "  STRIPE_SECRET_KEY       {}", options.secret_key)?;
    writeln!(out, "  STRIPE_PUBLISHABLE_KEY  {}", options.publishable_key)?;
    writeln!(out, "  STRIPE_WEBHOOK_SECRET   in the answer to POST {base}/v1/webhook_endpoints")?;
    writeln!(out)?;
    writeln!(out, "{}", ink.soft("Nothing is kept when it stops. Ctrl-C stops it."))?;
    let stop = async {
        // Without signals it runs until it is killed.
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    };
    Ok(Stripe::new(options).serve_with_shutdown(listener, stop).await?)
}
