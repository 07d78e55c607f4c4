//! The demo's shop: a simulated Stripe in this process, a folder with the database, and the server
//! in a process of its own.

use std::{
    fs::{self, OpenOptions},
    future::Future,
    io,
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    process::{ExitStatus, Stdio},
    time::Duration,
};

use domain::money::Currency;
use gateways::{Transport, TransportLimits};
use serde::Deserialize;
use simulators::stripe::{Options, Stripe};
use storage::{DatabaseUrl, Limits, Store};
use tokio::{
    net::TcpListener,
    process::{Child, Command},
    task::JoinHandle,
};
use url::Url;

use super::{DemoError, GLANCE, PATIENCE, client::Client};
use crate::{
    cli::catalog::{self, ImportError, sheet},
    clock::{Clock, Ids, throwaway_secret},
    config,
};

const CATALOGUE: &[u8] = include_bytes!("../../../assets/demo/catalog.csv");
const CURRENCY: &str = "EUR";

/// The addresses of `till serve` and `till simulate stripe`, if nobody has them.
const SHOP_PORT: u16 = 8080;
const STRIPE_PORT: u16 = 12111;
const DEAF: &str = "the simulated Stripe cannot listen";

/// How long a server that was asked to stop may take; after that it is killed. So is every server
/// that nobody has asked: the database bears it, and `--kill-after` shows that it does.
const FAREWELL: Duration = Duration::from_secs(5);

const DATABASE: &str = "till.db";
const LOG: &str = "server.log";
const MAILS: &str = "mails";

/// A shop for trial.
pub struct Shop {
    /// Where it is reached.
    pub url: Url,
    /// Where the simulated Stripe is reached.
    pub stripe_url: Url,
    /// The simulated Stripe.
    pub stripe: Stripe,
    server: Option<Child>,
    simulator: JoinHandle<io::Result<()>>,
    transport: Transport,
    settings: Vec<(&'static str, String)>,
    folder: Folder,
}

/// Where the shop's database and the server's log lie.
struct Folder {
    path: PathBuf,
    is_temporary: bool,
}

/// The answer that makes a webhook endpoint shows its secret, once.
#[derive(Deserialize)]
struct Endpoint {
    secret: String,
}

impl Shop {
    /// Opens the shop: everything runs and answers when this returns.
    pub async fn open(
        listen: Option<SocketAddr>,
        data: Option<PathBuf>,
        fresh: bool,
    ) -> Result<Self, DemoError> {
        let folder = Folder::make(data)?;
        if fresh {
            folder.empty()?;
        }
        let transport = gateways::https(TransportLimits::default())?;
        let listen = match listen {
            Some(listen) => listen,
            None => address_of(&free_listener(SHOP_PORT)?)?,
        };
        let url = local_url(listen)?;
        let listener = free_listener(STRIPE_PORT)?;
        let stripe_url = local_url(address_of(&listener)?)?;
        listener.set_nonblocking(true).map_err(DemoError::io(DEAF))?;
        let listener = TcpListener::from_std(listener).map_err(DemoError::io(DEAF))?;
        let keys = Options::default();
        let stripe = Stripe::new(keys.clone());
        let serving = stripe.clone();
        let simulator = tokio::spawn(async move { serving.serve(listener).await });

        let mut dashboard = Client::new(transport.clone(), stripe_url.clone());
        let webhook_url = format!("{url}api/webhooks/stripe");
        let fields =
            [("key", keys.secret_key.as_str()), ("url", &webhook_url), ("enabled_events[]", "*")];
        let endpoint: Endpoint = dashboard.post_form("/v1/webhook_endpoints", &fields).await?;

        let database = format!("sqlite://{}", folder.path.join(DATABASE).display());
        fill(&database).await?;
        let settings = vec![
            ("TILL_LISTEN", listen.to_string()),
            ("DATABASE_URL", database),
            ("TILL_SECRET", throwaway_secret()),
            ("TILL_SHOP_NAME", "Till's trial shop".to_owned()),
            ("TILL_CURRENCY", CURRENCY.to_owned()),
            ("TILL_SHIPPING", "*:4.90/50.00".to_owned()),
            ("TILL_TAX_RATES", "*:19".to_owned()),
            ("TILL_MAIL", format!("folder:{}", folder.path.join(MAILS).display())),
            ("TILL_MAIL_FROM", "Till's trial shop <orders@shop.example>".to_owned()),
            ("STRIPE_API_BASE", stripe_url.to_string()),
            ("STRIPE_SECRET_KEY", keys.secret_key),
            ("STRIPE_PUBLISHABLE_KEY", keys.publishable_key),
            ("STRIPE_WEBHOOK_SECRET", endpoint.secret),
        ];
        let server = None;
        let mut shop =
            Self { url, stripe_url, stripe, server, simulator, transport, settings, folder };
        shop.start_server().await?;
        Ok(shop)
    }

    /// A visitor without a past.
    pub fn visitor(&self) -> Client {
        Client::new(self.transport.clone(), self.url.clone())
    }

    /// The visitor's browser, as it speaks with Stripe.
    pub fn visitor_at_stripe(&self) -> Client {
        Client::new(self.transport.clone(), self.stripe_url.clone())
    }

    /// Where database and log lie.
    pub fn folder(&self) -> &Path {
        &self.folder.path
    }

    /// Where the shopper's mails lie.
    pub fn mails(&self) -> PathBuf {
        self.folder.path.join(MAILS)
    }

    /// A letter to the shopper, and where it lies.
    pub fn letter(&self) -> Result<Option<(PathBuf, String)>, DemoError> {
        let failed = || DemoError::io("the mail folder cannot be read");
        for file in fs::read_dir(self.mails()).map_err(failed())? {
            let path = file.map_err(failed())?.path();
            if path.extension().is_some_and(|kind| kind == "eml") {
                let text = fs::read_to_string(&path).map_err(failed())?;
                return Ok(Some((path, text)));
            }
        }
        Ok(None)
    }

    /// Starts the server on the database as it lies there, and waits until it answers.
    pub async fn start_server(&mut self) -> Result<(), DemoError> {
        let failed = || DemoError::io("the server cannot be started");
        let program = std::env::current_exe().map_err(failed())?;
        let log = OpenOptions::new().create(true).append(true).open(self.folder.path.join(LOG));
        let log = log.map_err(failed())?;
        let mut command = Command::new(program);
        // Neither this process's settings nor a .env where it was started are meant for the demo.
        for name in config::variables_of_process() {
            command.env_remove(name);
        }
        let settings = self.settings.iter().map(|(name, value)| (name, value));
        command.arg("serve").envs(settings).current_dir(&self.folder.path);
        let errors = log.try_clone().map_err(failed())?;
        command.stdin(Stdio::null()).stdout(log).stderr(errors).kill_on_drop(true);
        let child = command.spawn().map_err(failed())?;
        let child = self.server.insert(child);

        let mut visitor = Client::new(self.transport.clone(), self.url.clone());
        let ready = async {
            while !visitor.is_well("/readyz").await {
                tokio::time::sleep(GLANCE).await;
            }
        };
        let what = tokio::select! {
            done = tokio::time::timeout(PATIENCE, ready) => match done {
                Ok(()) => return Ok(()),
                Err(_) => "does not answer",
            },
            _ = child.wait() => "did not start",
        };
        Err(self.server_error(what))
    }

    /// Ends the server as a power cut would: it learns nothing of it.
    pub async fn kill_server(&mut self) -> Result<(), DemoError> {
        let Some(mut child) = self.server.take() else { return Ok(()) };
        if matches!(child.try_wait(), Ok(Some(_))) {
            return Ok(());
        }
        child.kill().await.map_err(DemoError::io("the server cannot be killed"))
    }

    /// Waits until somebody stops the demo. Ctrl-C reaches the server as well, which then finishes
    /// what is under way; a second one does not wait for that. SIGTERM reaches this process alone.
    pub async fn until_stopped(&mut self) -> Result<(), DemoError> {
        let Some(child) = &mut self.server else { return Ok(()) };
        let ended: io::Result<ExitStatus> = tokio::select! {
            () = interrupted() => {
                tokio::select! {
                    _ = tokio::time::timeout(FAREWELL, child.wait()) => {}
                    () = interrupted() => {}
                }
                return Ok(());
            }
            () = terminated() => return Ok(()),
            ended = child.wait() => ended,
        };
        self.server = None;
        let what = if ended.is_ok_and(|status| status.success()) { "stopped" } else { "failed" };
        Err(self.server_error(what))
    }

    /// Closes everything that was opened.
    pub async fn close(mut self) -> Result<(), DemoError> {
        let killed = self.kill_server().await;
        self.simulator.abort();
        killed
    }

    fn server_error(&self, what: &'static str) -> DemoError {
        const LINES: usize = 15;
        let log = fs::read_to_string(self.folder.path.join(LOG)).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        let log = lines[lines.len().saturating_sub(LINES)..].join("\n");
        DemoError::Server { what, log }
    }
}

/// Fills an empty database with the sample catalogue; one with products is left as it is.
async fn fill(database: &str) -> Result<(), DemoError> {
    let store = Store::open(&DatabaseUrl::parse(database)?, &Limits::default()).await?;
    let done = fill_store(&store).await;
    store.close().await;
    done
}

async fn fill_store(store: &Store) -> Result<(), DemoError> {
    store.migrate().await?;
    let first =
        store.read((), |tx, ()| Box::pin(storage::catalog::all_products(tx, None, 1))).await?;
    if !first.is_empty() {
        return Ok(());
    }
    let currency: Currency =
        CURRENCY.parse().map_err(|error| DemoError::Broken(format!("{error}")))?;
    let rows = sheet::read(CATALOGUE, currency).map_err(ImportError::Rows)?;
    catalog::import(store, rows, &Clock::system(), &Ids::system()).await?;
    Ok(())
}

/// Listens at the usual port of this machine, or at any other if it is taken.
fn free_listener(usual: u16) -> Result<std::net::TcpListener, DemoError> {
    let bind = |port| std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, port));
    bind(usual).or_else(|_| bind(0)).map_err(DemoError::io("no port is free on this machine"))
}

fn address_of(listener: &std::net::TcpListener) -> Result<SocketAddr, DemoError> {
    listener.local_addr().map_err(DemoError::io(DEAF))
}

fn local_url(address: SocketAddr) -> Result<Url, DemoError> {
    let text = format!("http://{address}/");
    Url::parse(&text).map_err(|error| DemoError::Broken(format!("{text} is no address: {error}")))
}

/// Until Ctrl-C; for ever where signals cannot be heard.
pub async fn interrupted() {
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
}

/// Until SIGTERM; for ever where there is none.
pub fn terminated() -> impl Future<Output = ()> {
    #[cfg(unix)]
    let signal = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate());
    async move {
        #[cfg(unix)]
        if let Ok(mut signal) = signal {
            signal.recv().await;
            return;
        }
        std::future::pending::<()>().await;
    }
}

impl Folder {
    /// The folder that was asked for, or one that is removed at the end.
    fn make(asked: Option<PathBuf>) -> Result<Self, DemoError> {
        let is_temporary = asked.is_none();
        let unique = || std::env::temp_dir().join(format!("till-demo-{}", Ids::system().next()));
        let path = asked.unwrap_or_else(unique);
        let failed = || DemoError::io(format!("the folder {} cannot be used", path.display()));
        let mut builder = fs::DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        if is_temporary {
            // Everybody may look into the system's folder for such things.
            std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        }
        builder.create(&path).map_err(failed())?;
        let whole = fs::canonicalize(&path).map_err(failed())?;
        Ok(Self { path: whole, is_temporary })
    }

    /// Removes what an earlier demo left, and nothing else.
    fn empty(&self) -> Result<(), DemoError> {
        for name in [DATABASE, "till.db-wal", "till.db-shm", LOG] {
            match fs::remove_file(self.path.join(name)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    return Err(DemoError::io(format!("{name} cannot be removed"))(error));
                }
                Ok(()) | Err(_) => {}
            }
        }
        match fs::remove_dir_all(self.path.join(MAILS)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(DemoError::io("the mails cannot be removed")(error))
            }
            Ok(()) | Err(_) => Ok(()),
        }
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if self.is_temporary {
            // What cannot be removed lies where the system clears up by itself.
            let _removed = fs::remove_dir_all(&self.path);
        }
    }
}
