//! `till demo`: a whole shop on one machine. The simulated Stripe runs in this process; the server
//! is a process of its own, started from the same executable, so that it can be killed like a real
//! one and started again on the same database. Nothing is configured, no money moves.

mod client;
mod purchase;
mod shop;

use std::{
    future::Future,
    io::{self, Write as _},
    net::SocketAddr,
    path::PathBuf,
    time::Duration,
};

use clap::{Args, ValueEnum};
use storage::StoreError;

use super::{catalog::ImportError, ink::Ink};
use shop::Shop;

/// What the demo is to show.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  till demo                                 runs until Ctrl-C
  till demo --checkout                      a purchase, step by step, then the end
  till demo --checkout --kill-after charge  the same with a crash at the worst moment
  till demo --data shop --listen 127.0.0.1:9000")]
pub struct DemoArguments {
    /// Address and port of the shop [default: 127.0.0.1:8080, or any free port]
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<SocketAddr>,
    /// Buys something over HTTP, tells each step, and ends; fails unless everything adds up
    #[arg(long)]
    checkout: bool,
    /// Kills the server after this step of the purchase, and starts it again
    #[arg(long, value_name = "STEP", requires = "checkout")]
    kill_after: Option<Step>,
    /// Keeps database and log in this folder, and goes on with what is there
    #[arg(long, value_name = "FOLDER")]
    data: Option<PathBuf>,
    /// Begins with an empty database in that folder
    #[arg(long, requires = "data")]
    fresh: bool,
}

/// Where a purchase is interrupted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Step {
    /// The card has been charged, and the server has not heard of it
    Charge,
}

/// Why the demo did not come to its end.
#[derive(Debug, thiserror::Error)]
pub enum DemoError {
    /// This machine did not let us.
    #[error("{what}")]
    Io {
        /// What was tried.
        what: String,
        /// Why it did not work.
        source: io::Error,
    },
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The sample catalogue could not be imported.
    #[error(transparent)]
    Import(#[from] ImportError),
    /// There is no client for HTTP on this machine.
    #[error(transparent)]
    Client(#[from] gateways::HttpsError),
    /// A server did not answer as it should.
    #[error(transparent)]
    Asked(#[from] client::AskError),
    /// The server ended by itself, or did not begin to answer.
    #[error("the server {what}; the end of its log:\n{log}")]
    Server {
        /// What it did.
        what: &'static str,
        /// Its last lines.
        log: String,
    },
    /// Somebody stopped it.
    #[error("the demo was stopped before its end")]
    Stopped,
    /// The purchase did not go as promised.
    #[error("{0}")]
    Broken(String),
}

impl DemoError {
    fn io(what: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let what = what.into();
        move |source| Self::Io { what, source }
    }
}

/// How long the demo waits for anything: far longer than all of it takes on a slow machine.
const PATIENCE: Duration = Duration::from_secs(30);
/// Between two looks at something that is waited for.
const GLANCE: Duration = Duration::from_millis(50);

/// Runs the demo to its end, or until Ctrl-C.
pub async fn demo(arguments: DemoArguments) -> Result<(), DemoError> {
    let (checkout, kill_after) = (arguments.checkout, arguments.kill_after);
    let kept = arguments.data.is_some();
    let opened = Shop::open(arguments.listen, arguments.data, arguments.fresh);
    let mut shop = unless_stopped(opened).await?;
    let told = if checkout {
        unless_stopped(purchase::tell(&mut shop, kill_after)).await
    } else {
        welcome(&shop, kept);
        shop.until_stopped().await
    };
    told.and(shop.close().await)
}

/// Does something unless the demo is stopped meanwhile. What is given up takes the server and the
/// folder with it.
async fn unless_stopped<T>(
    work: impl Future<Output = Result<T, DemoError>>,
) -> Result<T, DemoError> {
    tokio::select! {
        done = work => done,
        () = shop::interrupted() => Err(DemoError::Stopped),
        () = shop::terminated() => Err(DemoError::Stopped),
    }
}

fn welcome(shop: &Shop, kept: bool) {
    let ink = Ink::of(&io::stdout());
    let version = env!("CARGO_PKG_VERSION");
    let folder = shop.folder().display();
    let fate = if kept { "kept" } else { "removed at the end" };
    let rows = [
        ("Shop", shop.url.to_string()),
        ("API", format!("{}docs", shop.url)),
        ("Simulated Stripe", shop.stripe_url.to_string()),
        ("Metrics", format!("{}metrics", shop.url)),
        ("Test card", "4242 4242 4242 4242, any date to come, any three digits".to_owned()),
        ("Mail to shoppers", shop.mails().display().to_string()),
        ("Database, log", format!("{folder} ({fate})")),
    ];
    let mut text = format!("\n{}\n\n", ink.strong(format!("Till {version} is open for trial.")));
    for (label, value) in rows {
        text.push_str(&format!("  {}  {value}\n", ink.soft(format!("{label:<16}"))));
    }
    text.push_str("\nNo money moves. Ctrl-C closes the shop.\n");
    say(&text);
}

/// Who does not listen any more misses it.
fn say(text: &str) {
    let mut out = io::stdout().lock();
    let _nobody_listens = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}
