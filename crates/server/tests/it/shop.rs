//! A whole shop for one story: the real server on a real port and a real database, and a Stripe
//! that remembers. Closing it compares our books with Stripe's; forgetting to close it fails the
//! story.

use std::{
    collections::HashMap,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use domain::{
    catalog::{Product, Stock},
    id::ProductId,
    money::Money,
};
use futures::future::LocalBoxFuture;
use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use server::{
    cli::catalog::{import, sheet},
    clock::{Clock, Ids},
    config::{Config, Sources},
    context::Cx,
    serve::{Parts, ServeError, Server},
};
use sha2::Sha256;
use simulators::stripe::{Options, Stripe};
use storage::{Limits, Store, StoreError, catalog};
use tokio::{net::TcpListener, runtime::Runtime, task::JoinHandle};
use tokio_util::sync::CancellationToken;

use crate::{
    books,
    database::{Database, On},
    guest::{Guest, Intent},
};

/// Makes three tests of a story, one for each database.
macro_rules! stories {
    ($($(#[$meta:meta])* async fn $name:ident($shop:ident: Shop) $body:block)+) => {$(
        $(#[$meta])*
        async fn $name($shop: $crate::shop::Shop) $body

        mod $name {
            #[test]
            fn sqlite() {
                $crate::shop::tell($crate::database::On::Sqlite, super::$name);
            }

            #[test]
            fn postgres() {
                $crate::shop::tell($crate::database::On::Postgres, super::$name);
            }

            #[test]
            fn mysql() {
                $crate::shop::tell($crate::database::On::Mysql, super::$name);
            }
        }
    )+};
}
pub(crate) use stories;

/// Opens a shop on a database and tells a story in it.
pub fn tell<F: Future<Output = ()> + 'static>(on: On, story: impl FnOnce(Shop) -> F + 'static) {
    tell_boxed(on, Box::new(move |shop| Box::pin(story(shop))));
}

/// One for all stories: a runtime of its own for each type of story takes the compiler minutes.
fn tell_boxed(on: On, story: Box<dyn FnOnce(Shop) -> LocalBoxFuture<'static, ()>>) {
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    let runtime = runtime.worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        if let Some(shop) = Shop::open(on).await {
            story(shop).await;
        }
    });
}

/// What lies on the shelves when a shop opens: SKU, minor units, pieces, whether it must be sent.
pub const SHELVES: [(&str, i64, u32, bool); 6] = [
    ("mug", 1200, 100, true),
    ("lamp", 8900, 10, true),
    ("print", 2450, 1, true),
    ("sticker", 30, 1000, false),
    ("gift", 0, 50, false),
    ("book", 1999, 100, false),
];

pub struct Shop {
    /// Where the server is.
    pub url: String,
    /// The Stripe behind it.
    pub stripe: Stripe,
    /// Where that is.
    pub stripe_url: String,
    /// What the server's flows are handed; for looking, not for touching.
    pub cx: Cx,
    /// For guests and strangers.
    pub http: reqwest::Client,
    settings: HashMap<String, String>,
    /// Nothing once it has been left to the next story.
    database: Option<Database>,
    products: HashMap<String, ProductId>,
    offset_ms: Arc<AtomicI64>,
    address: SocketAddr,
    simulator: JoinHandle<()>,
    /// Nothing while the server is down.
    running: Option<Running>,
    /// Items for a person that the story means to cause.
    expected_items: i64,
    closed: bool,
}

/// A server on a machine of its own: when that is taken away, everything on it stops where it is.
struct Running {
    machine: Runtime,
    stop: CancellationToken,
    server: JoinHandle<Result<(), ServeError>>,
}

impl Shop {
    /// A shop with goods on its [`SHELVES`]; `None` where the database is not at hand.
    pub async fn open(on: On) -> Option<Self> {
        let database = Database::fresh(on).await?;
        let stripe = Stripe::new(Options {
            // Deliveries are tried again at once; stories do not wait.
            retry_delays: [50, 100, 200, 400, 800].map(Duration::from_millis).to_vec(),
            // The bank of a debit answers when a story says so.
            debit_delay: Duration::from_secs(14 * 24 * 60 * 60),
            ..Options::default()
        });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let stripe_url = format!("http://{}", listener.local_addr().unwrap());
        let simulator = tokio::spawn({
            let stripe = stripe.clone();
            async move { stripe.serve(listener).await.unwrap() }
        });
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let url = format!("http://{address}");
        let secret = stripe.create_webhook_endpoint(&format!("{url}/api/webhooks/stripe"));
        let settings = settings(&url, &stripe_url, &database.url, &secret);
        let offset_ms = Arc::new(AtomicI64::new(0));
        let (cx, running) = start(&settings, &offset_ms, listener).await;
        let products = fill_shelves(&cx.store, &Ids::system()).await;
        // A second story finds it installed.
        let http = http_client();
        let closed = false;
        Some(Self {
            url,
            stripe,
            stripe_url,
            cx,
            http,
            settings,
            database: Some(database),
            products,
            offset_ms,
            address,
            simulator,
            running: Some(running),
            expected_items: 0,
            closed,
        })
    }

    /// For the command line.
    pub fn database_url(&self) -> &str {
        &self.database.as_ref().unwrap().url
    }

    /// For a server that runs as a process of its own.
    pub fn settings(&self) -> &HashMap<String, String> {
        &self.settings
    }

    /// Somebody new.
    pub fn guest(&self) -> Guest<'_> {
        Guest::new(self)
    }

    /// Somebody new, with goods in her cart.
    pub async fn guest_with_cart<const N: usize>(&self, goods: [(&str, u32); N]) -> Guest<'_> {
        let guest = self.guest();
        for (sku, quantity) in goods {
            let reply = guest.add(sku, quantity).await;
            assert_eq!(reply.status, 200, "{sku}: {reply}");
        }
        guest
    }

    /// The merchant brings goods in from rows of the spreadsheet, in the currency that they name.
    /// Stories then know them by their numbers.
    pub async fn import(&mut self, rows: &str, currency: &str) {
        let file = format!("{}\n{rows}", sheet::COLUMNS.join(","));
        let rows = sheet::read(file.as_bytes(), currency.parse().unwrap()).unwrap();
        import(&self.cx.store, rows, &self.cx.clock, &self.cx.ids).await.unwrap();
        let read = self.cx.store.read((), |tx, ()| Box::pin(catalog::all_products(tx, None, 1000)));
        let products: Result<Vec<Product>, StoreError> = read.await;
        let known = products.unwrap().into_iter().map(|product| (product.sku, product.id));
        self.products.extend(known);
    }

    pub fn product(&self, sku: &str) -> ProductId {
        self.products[sku]
    }

    /// What the catalogue says of a product now.
    pub async fn shelf(&self, sku: &str) -> Product {
        let read =
            self.cx.store.read(self.product(sku), |tx, id| Box::pin(catalog::product(tx, *id)));
        let product: Result<_, StoreError> = read.await;
        product.unwrap().unwrap()
    }

    /// Pieces on the shelf, and how many of them are set aside.
    pub async fn stock(&self, sku: &str) -> (u32, u32) {
        let stock = self.shelf(sku).await.stock;
        (stock.on_hand(), stock.reserved())
    }

    /// The merchant changes a product.
    pub async fn change(&self, sku: &str, change: impl FnOnce(&mut Product)) {
        let mut product = self.shelf(sku).await;
        change(&mut product);
        let write = self.cx.store.write((product, Timestamp::now()), |tx, (product, at)| {
            Box::pin(catalog::update_product(tx, product, *at))
        });
        let changed: Result<bool, StoreError> = write.await;
        assert!(changed.unwrap());
    }

    /// Somebody changes a payment at Stripe, with the shop's own key.
    pub async fn edit_at_stripe(&self, intent: &Intent, form: &[(&str, &str)]) {
        let url = format!("{}/v1/payment_intents/{}", self.stripe_url, intent.payment());
        let request = self.http.post(url).bearer_auth(Options::default().secret_key).form(form);
        assert_eq!(request.send().await.unwrap().status(), 200);
    }

    /// Time passes, here and at Stripe.
    pub fn advance(&self, by: Duration) {
        let ms = i64::try_from(by.as_millis()).unwrap();
        self.offset_ms.fetch_add(ms, Ordering::SeqCst);
        self.stripe.advance(by);
        self.cx.bells.ring_work();
        self.cx.bells.poll.notify_one();
    }

    /// The story begins so long ago, here and at Stripe: commands, whose clock is the machine's,
    /// find what it leaves behind. Called before anything happens.
    pub fn begin_earlier(&self, by: Duration) {
        let ms = i64::try_from(by.as_millis()).unwrap();
        self.offset_ms.fetch_sub(ms, Ordering::SeqCst);
        self.stripe.set_clock(self.stripe.now() - by);
    }

    /// The story causes items for a person; closing expects so many.
    pub fn expect_items(&mut self, count: i64) {
        self.expected_items = count;
    }

    /// The server stops as at the end of a day: it finishes what is under way.
    pub async fn stop(&mut self) {
        let running = self.running.take().unwrap();
        running.stop.cancel();
        running.server.await.unwrap().unwrap();
        running.machine.shutdown_background();
    }

    /// The server stops, and an operator's commands work on: what flows are handed is theirs now.
    pub async fn rest(&mut self) {
        self.stop().await;
        let store = open_store(&self.settings["DATABASE_URL"]).await;
        self.cx = new_server(&self.settings, store, &self.offset_ms).native().unwrap().clone();
    }

    /// The server dies where it is.
    pub fn kill(&mut self) {
        self.running.take().unwrap().machine.shutdown_background();
    }

    /// The server starts again on the same database.
    pub async fn start(&mut self) {
        // A machine that was just taken away gives its port back a moment later.
        let mut listener = std::net::TcpListener::bind(self.address);
        for _ in 0..200 {
            if listener.is_ok() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(25)).await;
            listener = std::net::TcpListener::bind(self.address);
        }
        let (cx, running) = start(&self.settings, &self.offset_ms, listener.unwrap()).await;
        self.cx = cx;
        self.running = Some(running);
    }

    /// The server stops and starts again with other settings.
    pub async fn restart_with<const N: usize>(&mut self, changes: [(&str, &str); N]) {
        self.stop().await;
        for (name, value) in changes {
            self.settings.insert(name.to_owned(), value.to_owned());
        }
        self.start().await;
    }

    /// Waits until `done`; a story that waits in vain fails with `what`.
    pub async fn until<F: Future<Output = bool>>(&self, what: &str, done: impl Fn() -> F) {
        for _ in 0..600 {
            if done().await {
                return;
            }
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
        panic!("waited in vain: {what}");
    }

    /// Orders by state, such as `1 paid, 2 pending`.
    pub async fn orders(&self) -> String {
        books::orders(&self.cx.store).await
    }

    /// Waits until everything that came in has been worked off.
    pub async fn quiet(&self) {
        self.until("the worker finishes", || async { books::is_quiet(&self.cx.store).await }).await;
    }

    /// Signs a body as Stripe would with the endpoint's secret.
    pub fn sign(&self, body: &str, at_second: i64) -> String {
        let key = self.settings["STRIPE_WEBHOOK_SECRET"].as_bytes();
        let mut mac = Hmac::<Sha256>::new_from_slice(key).unwrap();
        mac.update(format!("{at_second}.{body}").as_bytes());
        format!("t={at_second},v1={}", hex::encode(mac.finalize().into_bytes()))
    }

    /// Stops the server and compares our books with Stripe's.
    pub async fn close(self) {
        self.close_apart(&[]).await;
    }

    /// Closes a shop whose books differ on purpose, each time in words that contain the expected
    /// ones.
    pub async fn close_apart(mut self, expected: &[&str]) {
        self.quiet().await;
        let books = books::compare(&self.cx.store, &self.stripe, self.expected_items).await;
        self.stop().await;
        self.closed = true;
        let as_expected = books.len() == expected.len()
            && books.iter().zip(expected).all(|(found, word)| found.contains(word));
        assert!(as_expected, "the books differ:\n{}", books.join("\n"));
        self.database.take().unwrap().leave();
    }
}

impl Drop for Shop {
    fn drop(&mut self) {
        self.simulator.abort();
        if let Some(running) = self.running.take() {
            running.machine.shutdown_background();
        }
        if !self.closed && !std::thread::panicking() {
            panic!("a story must close its shop, so that the books are compared");
        }
    }
}

/// What a browser or a script sends HTTP with.
pub fn http_client() -> reqwest::Client {
    // A second one finds it installed.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::new()
}

/// What a merchant would write into `.env`.
pub fn settings(url: &str, stripe: &str, database: &str, secret: &str) -> HashMap<String, String> {
    let keys = Options::default();
    let pairs = [
        ("TILL_LISTEN", "127.0.0.1:1"),
        ("TILL_PUBLIC_URL", url),
        ("TILL_SECRET", "a secret for stories that is long enough"),
        // It is there or not as somebody has built it or not.
        ("TILL_STOREFRONT", "off"),
        ("TILL_SHIPPING", "*:4.90/50.00, CH:12.00"),
        ("TILL_TAX_RATES", "*:19, AT:20"),
        ("TILL_RATE_VISITOR_PER_MINUTE", "10000"),
        ("TILL_RATE_ADDRESS_PER_MINUTE", "10000"),
        // All guests come from one machine, and most have one e-mail address.
        ("TILL_SHIELD_ORDERS", "visitor:10000, network:10000, email:10000"),
        ("TILL_SHIELD_DECLINES", "visitor:10000, network:10000, email:10000, card:10000"),
        ("TILL_SHIELD_UNPAID", "orders:10000, pieces:1000000"),
        ("TILL_SHIELD_BREAKER_PERCENT", "100"),
        ("DATABASE_URL", database),
        ("STRIPE_API_BASE", stripe),
        ("STRIPE_SECRET_KEY", &keys.secret_key),
        ("STRIPE_PUBLISHABLE_KEY", &keys.publishable_key),
        ("STRIPE_WEBHOOK_SECRET", secret),
    ];
    pairs.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

async fn start(
    settings: &HashMap<String, String>,
    offset_ms: &Arc<AtomicI64>,
    listener: std::net::TcpListener,
) -> (Cx, Running) {
    let mut machine = tokio::runtime::Builder::new_multi_thread();
    let machine = machine.worker_threads(2).enable_all().build().unwrap();
    let (settings, offset_ms) = (settings.clone(), offset_ms.clone());
    let opened = machine.spawn(async move {
        let store = open_store(&settings["DATABASE_URL"]).await;
        store.migrate().await.unwrap();
        new_server(&settings, store, &offset_ms)
    });
    let server = opened.await.unwrap();
    let (cx, stop) = (server.native().unwrap().clone(), server.stopper());
    listener.set_nonblocking(true).unwrap();
    let server = machine.spawn(async move {
        let listener = TcpListener::from_std(listener).unwrap();
        server.run(listener).await
    });
    (cx, Running { machine, stop, server })
}

async fn open_store(url: &str) -> Store {
    let limits = Limits { connections_max: 8, ..Limits::default() };
    Store::open(&storage::DatabaseUrl::parse(url).unwrap(), &limits).await.unwrap()
}

fn new_server(
    settings: &HashMap<String, String>,
    store: Store,
    offset_ms: &Arc<AtomicI64>,
) -> Server {
    let pairs = settings.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    let config = Config::load(Sources::of_texts(pairs, "", "")).unwrap();
    let offset_ms = offset_ms.clone();
    let clock = Clock::from_fn(move || {
        Timestamp::now() + jiff::SignedDuration::from_millis(offset_ms.load(Ordering::SeqCst))
    });
    let transport = gateways::https(gateways::TransportLimits::default()).unwrap();
    let tick = Duration::from_millis(50);
    let merchant = gateways::https(gateways::merchant::LIMITS).unwrap();
    let ids = Ids::system();
    let parts = Parts { store, transport, merchant, clock, ids, tick };
    Server::new(config, parts).unwrap()
}

/// Puts goods on the shelves.
pub async fn fill_shelves(store: &Store, ids: &Ids) -> HashMap<String, ProductId> {
    let currency = "EUR".parse().unwrap();
    let products: Vec<Product> = SHELVES
        .iter()
        .map(|(sku, minor, on_hand, requires_shipping)| Product {
            id: ProductId(ids.next()),
            sku: (*sku).to_owned(),
            name: format!("A {sku}"),
            description: format!("What everybody wants: a {sku}."),
            image: Some(format!("/assets/{sku}.svg")),
            price: Money::new(*minor, currency).unwrap(),
            stock: Stock::new(*on_hand, 0).unwrap(),
            active: true,
            requires_shipping: *requires_shipping,
        })
        .collect();
    let known = products.iter().map(|product| (product.sku.clone(), product.id)).collect();
    let write = store.write(products, |tx, products| {
        Box::pin(async move {
            for product in products {
                assert!(catalog::insert_product(tx, product, Timestamp::now()).await?);
            }
            Ok(())
        })
    });
    let written: Result<(), StoreError> = write.await;
    written.unwrap();
    known
}
