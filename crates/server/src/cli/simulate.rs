//! `till simulate`: somebody else's server on this machine, to develop against.

use std::{
    io::{self, Write as _},
    net::SocketAddr,
};

use clap::{Args, ValueEnum};
use simulators::elastic_path::{self, ElasticPath};
use simulators::stripe::{Options, RateLimits, Stripe};
use tokio::net::TcpListener;

use super::ink::Ink;

/// How the simulated Stripe is started.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  till simulate stripe
  till simulate stripe --retries sandbox --limits sandbox
  curl http://127.0.0.1:12111/v1/webhook_endpoints -u sk_test_till_0123456789abcdef: \\
    -d url=http://127.0.0.1:8080/api/webhooks/stripe -d 'enabled_events[]=*'")]
pub struct StripeArguments {
    /// Address and port to listen on
    #[arg(long, default_value = "127.0.0.1:12111", value_name = "ADDRESS")]
    listen: SocketAddr,
    /// The same number and the same requests give the same ids
    #[arg(long, value_name = "NUMBER")]
    seed: Option<u64>,
    /// When a webhook that was not taken is sent again
    #[arg(long, value_enum, default_value_t = Retries::Quick)]
    retries: Retries,
    /// Refuse more requests a second than Stripe does
    #[arg(long, value_enum, default_value_t = Limits::None)]
    limits: Limits,
}

/// The pauses between the tries of a webhook.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Retries {
    /// Seconds: five retries within a minute and a half
    Quick,
    /// As in Stripe's sandboxes: three over a few hours
    Sandbox,
    /// As for real money: up to three days
    Live,
}

/// How many requests a second are answered.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Limits {
    /// All of them
    None,
    /// As in Stripe's sandboxes: 25
    Sandbox,
    /// As for real money: 100, of which 25 to one endpoint
    Live,
}

impl StripeArguments {
    fn options(&self) -> Options {
        let options = Options { seed: self.seed, ..Options::default() };
        Options {
            retry_delays: match self.retries {
                Retries::Quick => options.retry_delays.clone(),
                Retries::Sandbox => Options::sandbox_retry_delays(),
                Retries::Live => Options::live_retry_delays(),
            },
            rate_limits: match self.limits {
                Limits::None => None,
                Limits::Sandbox => Some(RateLimits::sandbox()),
                Limits::Live => Some(RateLimits::live()),
            },
            ..options
        }
    }
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

/// How the simulated Elastic Path is started.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  till simulate elastic-path
  till simulate elastic-path --stripe 127.0.0.1:12111      # for pages with Stripe.js
  curl http://127.0.0.1:12112/oauth/access_token -d grant_type=implicit \\
    -d client_id=ep_till_client_0123456789abcdef")]
pub struct ElasticPathArguments {
    /// Address and port to listen on
    #[arg(long, default_value = "127.0.0.1:12112", value_name = "ADDRESS")]
    listen: SocketAddr,
    /// The same number and the same requests give the same ids
    #[arg(long, value_name = "NUMBER")]
    seed: Option<u64>,
    /// The currency of the catalogue and of carts
    #[arg(long, default_value = "USD", value_name = "CODE")]
    currency: String,
    /// Simulates a Stripe there too, at which pages with Stripe.js pay
    #[arg(long, value_name = "ADDRESS")]
    stripe: Option<SocketAddr>,
}

/// Simulates a Stripe until Ctrl-C.
pub async fn stripe(arguments: StripeArguments) -> Result<(), SimulateError> {
    let (listener, base) = listen(arguments.listen).await?;
    let options = arguments.options();
    let ink = Ink::of(&io::stdout());
    let mut out = io::stdout();
    writeln!(out, "{} at {base} (what happens there: {base}/)", ink.strong("Simulated Stripe"))?;
    writeln!(out)?;
    writeln!(out, "  STRIPE_API_BASE         {base}")?;
    writeln!(out, "  STRIPE_SECRET_KEY       {}", options.secret_key)?;
    writeln!(out, "  STRIPE_PUBLISHABLE_KEY  {}", options.publishable_key)?;
    writeln!(out, "  STRIPE_WEBHOOK_SECRET   in the answer to POST {base}/v1/webhook_endpoints")?;
    writeln!(out)?;
    writeln!(out, "{}", ink.soft(ENDS))?;
    Ok(Stripe::new(options).serve_with_shutdown(listener, stop()).await?)
}

/// Simulates an Elastic Path with a small catalogue until Ctrl-C.
pub async fn elastic_path(arguments: ElasticPathArguments) -> Result<(), SimulateError> {
    let ElasticPathArguments { listen: address, seed, currency, stripe } = arguments;
    let (listener, base) = listen(address).await?;
    let options = elastic_path::Options { seed, currency, ..Default::default() };
    let ink = Ink::of(&io::stdout());
    let mut out = io::stdout();
    let title = ink.strong("Simulated Elastic Path");
    writeln!(out, "{title} at {base} (what it has on its books: {base}/_sim/ledger)")?;
    writeln!(out)?;
    writeln!(out, "  client id       {}", options.client_id)?;
    writeln!(out, "  client secret   {}", options.client_secret)?;
    writeln!(out, "  stripe account  {}", options.stripe_account)?;
    writeln!(out)?;
    let store = ElasticPath::new(options);
    elastic_path::sample_catalogue(&store);
    let Some(address) = stripe else {
        writeln!(out, "{}", ink.soft(ENDS))?;
        return Ok(store.serve_with_shutdown(listener, stop()).await?);
    };
    let (at_stripe, url) = self::listen(address).await?;
    let options = Options { seed, ..Options::default() };
    writeln!(out, "Its payments are at a simulated Stripe (what happens there: {url}/)")?;
    writeln!(out)?;
    writeln!(out, "  publishable key  {}", options.publishable_key)?;
    writeln!(out, "  STRIPE_JS_URL    {url}/endive/stripe.js")?;
    writeln!(out)?;
    writeln!(out, "{}", ink.soft(ENDS))?;
    let stripe = Stripe::new(options);
    let store = store.paid_at(stripe.clone(), &url);
    let serving = stripe.serve_with_shutdown(at_stripe, stop());
    tokio::try_join!(store.serve_with_shutdown(listener, stop()), serving)?;
    Ok(())
}

const ENDS: &str = "Nothing is kept when it stops. Ctrl-C stops it.";

/// The socket, and where it is reached.
async fn listen(address: SocketAddr) -> Result<(TcpListener, String), SimulateError> {
    let listener = TcpListener::bind(address)
        .await
        .map_err(|source| SimulateError::Listen { address, source })?;
    let base = format!("http://{}", listener.local_addr()?);
    Ok((listener, base))
}

/// Ends with Ctrl-C; without signals it runs until it is killed.
async fn stop() {
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
}
