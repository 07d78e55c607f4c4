//! `till demo`: two whole shops on one machine, one with orders of its own and one at Elastic Path.
//! The simulated Stripe and the simulated Elastic Path run in this process; each shop's server is a
//! process of its own, started from the same executable, so that it can be killed like a real one and
//! started again on the same database. Nothing is configured, no money moves.

mod client;
mod folder;
mod native_purchase;
mod platform_purchase;
mod server;
mod shop;
mod story;

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
use server::{Server, until_stopped};
use shop::{Ground, NativeShop, PlatformShop};

/// What the demo is to show.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  till demo                                   both shops, until Ctrl-C
  till demo --backend elastic-path            the one at Elastic Path alone
  till demo --checkout                        a purchase in the native shop, step by step, then the end
  till demo --checkout --backend elastic-path the same in the shop at Elastic Path
  till demo --checkout --kill-after charge    the same with a crash at the worst moment, in either
  till demo --data shop --listen 127.0.0.1:9000")]
pub struct DemoArguments {
    /// Address and port of the shop, of two shops of the native one [default: 127.0.0.1:8080 and
    /// 8081, or any free port]
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<SocketAddr>,
    /// Only the shop with this backend [default: both; with --checkout the native one]
    #[arg(long, value_name = "BACKEND")]
    backend: Option<Backend>,
    /// Buys something over HTTP, tells each step, and ends; fails unless everything adds up
    #[arg(long)]
    checkout: bool,
    /// Kills the server after this step of the purchase, and starts it again
    #[arg(long, value_name = "STEP", requires = "checkout")]
    kill_after: Option<Step>,
    /// Keeps databases and logs in this folder, and goes on with what is there
    #[arg(long, value_name = "FOLDER")]
    data: Option<PathBuf>,
    /// Begins with empty databases in that folder
    #[arg(long, requires = "data")]
    fresh: bool,
}

/// Who has the catalogue and the orders.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Backend {
    /// Till itself
    Native,
    /// Elastic Path
    ElasticPath,
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
    let DemoArguments { listen, backend, checkout, kill_after, data, fresh } = arguments;
    let fate = if data.is_some() { "kept" } else { "removed at the end" };
    let mut ground = Ground::new(data, listen, fresh)?;
    match (checkout, backend) {
        (true, None | Some(Backend::Native)) => {
            let mut shop = unless_stopped(NativeShop::open(&mut ground)).await?;
            let told = unless_stopped(native_purchase::tell(&mut shop, kill_after)).await;
            told.and(shop.close().await)
        }
        (true, Some(Backend::ElasticPath)) => {
            let mut shop = unless_stopped(PlatformShop::open(&mut ground)).await?;
            let told = unless_stopped(platform_purchase::tell(&mut shop, kill_after)).await;
            told.and(shop.close().await)
        }
        (false, backend) => {
            let mut shops = unless_stopped(Shops::open(&mut ground, backend)).await?;
            say(&shops.welcome(&ground, fate));
            let stopped = until_stopped(shops.servers()).await;
            stopped.and(shops.close().await)
        }
    }
}

/// The shops that are open for everybody.
struct Shops {
    native: Option<NativeShop>,
    platform: Option<PlatformShop>,
}

impl Shops {
    /// Opens the shop with this backend, or both.
    async fn open(ground: &mut Ground, only: Option<Backend>) -> Result<Self, DemoError> {
        let mut shops = Self { native: None, platform: None };
        if only != Some(Backend::ElasticPath) {
            shops.native = Some(NativeShop::open(ground).await?);
        }
        if only != Some(Backend::Native) {
            shops.platform = Some(PlatformShop::open(ground).await?);
        }
        Ok(shops)
    }

    fn servers(&mut self) -> Vec<&mut Server> {
        let native = self.native.iter_mut().map(|shop| &mut shop.server);
        native.chain(self.platform.iter_mut().map(|shop| &mut shop.server)).collect()
    }

    fn welcome(&self, ground: &Ground, fate: &str) -> String {
        let ink = Ink::of(&io::stdout());
        let version = env!("CARGO_PKG_VERSION");
        let mut text = format!("\n{}\n", ink.strong(format!("Till {version} is open for trial.")));
        let mut part = |title: &str, rows: &[(&str, String)]| {
            text.push_str(&format!("\n{}\n", ink.strong(title)));
            for (label, value) in rows {
                text.push_str(&format!("  {}  {value}\n", ink.soft(format!("{label:<22}"))));
            }
        };
        if let Some(shop) = &self.native {
            part("The native shop: catalogue, stock and orders of its own", &shop.rows());
        }
        if let Some(shop) = &self.platform {
            part("The shop at Elastic Path: catalogue, carts and orders are there", &shop.rows());
        }
        let card = "4242 4242 4242 4242, any date to come, any three digits";
        let folder = format!("{} ({fate})", ground.folder.path().display());
        part("To try it", &[("Test card", card.to_owned()), ("Databases, logs", folder)]);
        text.push_str("\nNo money moves. Ctrl-C closes everything.\n");
        text
    }

    async fn close(self) -> Result<(), DemoError> {
        let (mut native, mut platform) = (Ok(()), Ok(()));
        if let Some(shop) = self.native {
            native = shop.close().await;
        }
        if let Some(shop) = self.platform {
            platform = shop.close().await;
        }
        native.and(platform)
    }
}

/// Does something unless the demo is stopped meanwhile. What is given up takes the servers with it.
async fn unless_stopped<T>(
    work: impl Future<Output = Result<T, DemoError>>,
) -> Result<T, DemoError> {
    tokio::select! {
        done = work => done,
        () = server::interrupted() => Err(DemoError::Stopped),
        () = server::terminated() => Err(DemoError::Stopped),
    }
}

/// Who does not listen any more misses it.
fn say(text: &str) {
    let mut out = io::stdout().lock();
    let _nobody_listens = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}
