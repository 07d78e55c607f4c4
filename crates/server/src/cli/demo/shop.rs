//! The demo's two shops: each a server with a database of its own, and the simulated Stripe or
//! Elastic Path that it works with, in this process.

use std::{
    fs, io,
    net::{Ipv4Addr, SocketAddr},
    path::PathBuf,
    time::Duration,
};

use domain::money::Currency;
use gateways::{Transport, TransportLimits};
use serde::Deserialize;
use simulators::{
    elastic_path::{self, ElasticPath},
    stripe::{self, Stripe},
};
use storage::{DatabaseUrl, Limits, Store};
use tokio::{net::TcpListener, task::JoinHandle};
use url::Url;

use super::{
    DemoError,
    client::Client,
    folder::{self, Folder, MAILS},
    server::{Server, database, free_address, free_listener, local_url},
};
use crate::{
    cli::catalog::{self, ImportError, sheet},
    clock::{Clock, Ids},
};

const CATALOGUE: &[u8] = include_bytes!("../../../assets/demo/catalog.csv");
const CURRENCY: &str = "EUR";

/// The addresses of `till serve`, of a second one, and of `till simulate`, if nobody has them.
const NATIVE: SocketAddr = local(8080);
const PLATFORM: SocketAddr = local(8081);
const STRIPE: SocketAddr = local(12111);
const ELASTIC_PATH: SocketAddr = local(12112);
/// A shop may think for ten seconds about a payment that is under way.
const EXCHANGE: Duration = Duration::from_secs(15);
const DEAF: &str = "a simulator cannot listen";

const fn local(port: u16) -> SocketAddr {
    SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), port)
}

/// What all shops of a demo share.
pub struct Ground {
    /// Where databases and logs lie.
    pub folder: Folder,
    listen: Option<SocketAddr>,
    transport: Transport,
}

impl Ground {
    /// The ground for shops in a folder; the first of them listens where somebody has said so.
    pub fn new(
        data: Option<PathBuf>,
        listen: Option<SocketAddr>,
        fresh: bool,
    ) -> Result<Self, DemoError> {
        let folder = Folder::make(data)?;
        if fresh {
            folder.empty()?;
        }
        let limits = TransportLimits { exchange: EXCHANGE, ..TransportLimits::default() };
        let transport = gateways::https(limits)?;
        Ok(Self { folder, listen, transport })
    }

    /// Where a shop listens: where it was asked to, the first of them, or at its usual port.
    fn place(&mut self, usual: SocketAddr) -> Result<SocketAddr, DemoError> {
        match self.listen.take() {
            Some(listen) => Ok(listen),
            None => free_address(usual),
        }
    }

    fn server(
        &self,
        name: &str,
        listen: SocketAddr,
        settings: Vec<(&'static str, String)>,
    ) -> Result<Server, DemoError> {
        Server::new(self.transport.clone(), (self.folder.path(), name), listen, settings)
    }
}

/// A shop with a catalogue and orders of its own, and a simulated Stripe.
pub struct NativeShop {
    /// The shop's server.
    pub server: Server,
    stripe_url: Url,
    /// The simulated Stripe.
    pub stripe: Stripe,
    mails: PathBuf,
    transport: Transport,
    simulator: JoinHandle<io::Result<()>>,
}

/// A shop whose catalogue, carts and orders are a simulated Elastic Path's.
pub struct PlatformShop {
    /// The shop's server.
    pub server: Server,
    elastic_path_url: Url,
    /// The simulated Elastic Path.
    pub elastic_path: ElasticPath,
    simulator: JoinHandle<io::Result<()>>,
}

/// The answer that makes a webhook endpoint shows its secret, once.
#[derive(Deserialize)]
struct Endpoint {
    secret: String,
}

impl NativeShop {
    /// Opens the shop: everything runs and answers when this returns.
    pub async fn open(ground: &mut Ground) -> Result<Self, DemoError> {
        let listen = ground.place(NATIVE)?;
        let keys = stripe::Options::default();
        let stripe = Stripe::new(keys.clone());
        let (listener, stripe_url) = simulated(STRIPE)?;
        let serving = stripe.clone();
        let simulator = tokio::spawn(async move { serving.serve(listener).await });

        let transport = ground.transport.clone();
        let mut dashboard = Client::new(transport.clone(), stripe_url.clone());
        let webhook_url = format!("{}api/webhooks/stripe", local_url(listen)?);
        let fields =
            [("key", keys.secret_key.as_str()), ("url", &webhook_url), ("enabled_events[]", "*")];
        let endpoint: Endpoint = dashboard.post_form("/v1/webhook_endpoints", &fields).await?;

        fill(&database(ground.folder.path(), folder::NATIVE)).await?;
        let mails = ground.folder.path().join(MAILS);
        let settings = vec![
            ("TILL_SHOP_NAME", "Till's trial shop".to_owned()),
            ("TILL_CURRENCY", CURRENCY.to_owned()),
            ("TILL_SHIPPING", "*:4.90/50.00".to_owned()),
            ("TILL_TAX_RATES", "*:19".to_owned()),
            ("TILL_MAIL", format!("folder:{}", mails.display())),
            ("TILL_MAIL_FROM", "Till's trial shop <orders@shop.example>".to_owned()),
            ("STRIPE_API_BASE", stripe_url.to_string()),
            ("STRIPE_JS_URL", format!("{stripe_url}endive/stripe.js")),
            ("STRIPE_SECRET_KEY", keys.secret_key),
            ("STRIPE_PUBLISHABLE_KEY", keys.publishable_key),
            ("STRIPE_WEBHOOK_SECRET", endpoint.secret),
        ];
        let mut server = ground.server(folder::NATIVE, listen, settings)?;
        server.start().await?;
        Ok(Self { server, stripe_url, stripe, mails, transport, simulator })
    }

    /// The visitor's browser, as it speaks with Stripe.
    pub fn visitor_at_stripe(&self) -> Client {
        Client::new(self.transport.clone(), self.stripe_url.clone())
    }

    /// What a newcomer wants to know of it.
    pub fn rows(&self) -> [(&'static str, String); 5] {
        let url = &self.server.url;
        [
            ("Shop", url.to_string()),
            ("API", format!("{url}docs")),
            ("Metrics", format!("{url}metrics")),
            ("Simulated Stripe", self.stripe_url.to_string()),
            ("Mail to shoppers", self.mails.display().to_string()),
        ]
    }

    /// A letter to the shopper, and where it lies.
    pub fn letter(&self) -> Result<Option<(PathBuf, String)>, DemoError> {
        let failed = || DemoError::io("the mail folder cannot be read");
        for file in fs::read_dir(&self.mails).map_err(failed())? {
            let path = file.map_err(failed())?.path();
            if path.extension().is_some_and(|kind| kind == "eml") {
                let text = fs::read_to_string(&path).map_err(failed())?;
                return Ok(Some((path, text)));
            }
        }
        Ok(None)
    }

    /// Closes everything that was opened.
    pub async fn close(mut self) -> Result<(), DemoError> {
        let killed = self.server.kill().await;
        self.simulator.abort();
        killed
    }
}

impl PlatformShop {
    /// Opens the shop: everything runs and answers when this returns.
    pub async fn open(ground: &mut Ground) -> Result<Self, DemoError> {
        let listen = ground.place(PLATFORM)?;
        let keys = elastic_path::Options::default();
        let elastic_path = ElasticPath::new(keys.clone());
        elastic_path::sample_catalogue(&elastic_path);
        let (listener, elastic_path_url) = simulated(ELASTIC_PATH)?;
        let serving = elastic_path.clone();
        let simulator = tokio::spawn(async move { serving.serve(listener).await });

        let settings = vec![
            ("TILL_BACKEND", "elastic-path".to_owned()),
            ("TILL_SHOP_NAME", "Till's trial shop at Elastic Path".to_owned()),
            ("TILL_CURRENCY", keys.currency),
            ("TILL_SHIPPING", "*:5.99".to_owned()),
            ("EP_API_BASE_URL", elastic_path_url.to_string()),
            ("EP_CLIENT_ID", keys.client_id),
            ("EP_CLIENT_SECRET", keys.client_secret),
            ("EP_CLOSES_CHALLENGES", "yes".to_owned()),
        ];
        let mut server = ground.server(folder::PLATFORM, listen, settings)?;
        server.start().await?;
        Ok(Self { server, elastic_path_url, elastic_path, simulator })
    }

    /// What a newcomer wants to know of it.
    pub fn rows(&self) -> [(&'static str, String); 5] {
        let url = &self.server.url;
        [
            ("Shop", url.to_string()),
            ("API", format!("{url}docs")),
            ("Metrics", format!("{url}metrics")),
            ("Simulated Elastic Path", format!("{}_sim/ledger", self.elastic_path_url)),
            (
                "Token of the test card",
                "ctoken_ok, ctoken_ok_2 and so on: each pays once".to_owned(),
            ),
        ]
    }

    /// Closes everything that was opened.
    pub async fn close(mut self) -> Result<(), DemoError> {
        let killed = self.server.kill().await;
        self.simulator.abort();
        killed
    }
}

/// Where a simulator listens, and is reached.
fn simulated(usual: SocketAddr) -> Result<(TcpListener, Url), DemoError> {
    let listener = free_listener(usual)?;
    let url = local_url(listener.local_addr().map_err(DemoError::io(DEAF))?)?;
    listener.set_nonblocking(true).map_err(DemoError::io(DEAF))?;
    Ok((TcpListener::from_std(listener).map_err(DemoError::io(DEAF))?, url))
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
