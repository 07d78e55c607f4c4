//! A database for each test, made before it and dropped after it, and the things a test needs to
//! tell a story: products, carts, orders.

use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use domain::cart::{Cart, Line};
use domain::catalog::{Offer, Product, Quantity, Stock};
use domain::contact::{Address, AddressDraft};
use domain::id::{CartId, LineId, OrderId, PaymentId, ProductId, VisitorId};
use domain::money::Money;
use domain::order::{Fingerprint, Marketing, Order, OrderParts};
use domain::payment::{Attempt, IdempotencyKey, Payment};
use domain::pricing::{TaxMode, Totals};
use domain::session::{AttributeValue, Attributes, NumberText};
use futures::FutureExt;
use jiff::Timestamp;
use mysql_async::prelude::Queryable;
use storage::{DatabaseUrl, Dialect, Limits, Store, StoreError, Tx, Work, catalog};
use tempfile::TempDir;
use tokio::runtime::Handle;
use tokio::sync::Semaphore;
use tokio_postgres::NoTls;
use uuid::Uuid;

/// No test takes a tenth of it; one that hangs must not hang the suite.
const TEST_MAX: Duration = Duration::from_secs(120);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which {
    Sqlite,
    Postgres,
    Mysql,
}

/// A database of the test's own, with the schema in it.
pub struct Database {
    pub which: Which,
    pub store: Store,
    pub url: DatabaseUrl,
    /// The folder of an SQLite file.
    pub folder: TempDir,
    /// The server and the database made on it.
    server: Option<(String, String)>,
}

/// Expands each story to one test for each database.
macro_rules! on_every_database {
    ($($story:ident)+) => {
        mod sqlite { $(#[test] fn $story() {
            crate::harness::run(crate::harness::Which::Sqlite, |db| Box::pin(super::$story(db)));
        })+ }
        mod postgres { $(#[test] fn $story() {
            crate::harness::run(crate::harness::Which::Postgres, |db| Box::pin(super::$story(db)));
        })+ }
        mod mysql { $(#[test] fn $story() {
            crate::harness::run(crate::harness::Which::Mysql, |db| Box::pin(super::$story(db)));
        })+ }
    };
}

/// The same for the databases that are servers.
macro_rules! on_every_server {
    ($($story:ident)+) => {
        mod postgres { $(#[test] fn $story() {
            crate::harness::run(crate::harness::Which::Postgres, |db| Box::pin(super::$story(db)));
        })+ }
        mod mysql { $(#[test] fn $story() {
            crate::harness::run(crate::harness::Which::Mysql, |db| Box::pin(super::$story(db)));
        })+ }
    };
}

pub(crate) use {on_every_database, on_every_server};

/// Runs a story on a fresh database, or says why not.
pub fn run<T>(
    which: Which,
    story: impl for<'a> FnOnce(&'a Database) -> Pin<Box<dyn Future<Output = T> + 'a>>,
) -> Option<T> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let db = Database::make(which).await?;
        db.store.migrate().await.unwrap();
        let told =
            AssertUnwindSafe(tokio::time::timeout(TEST_MAX, story(&db))).catch_unwind().await;
        db.drop().await;
        match told {
            Ok(in_time) => Some(in_time.expect("the story did not end")),
            Err(panic) => std::panic::resume_unwind(panic),
        }
    })
}

impl Database {
    /// A database without a schema.
    pub async fn make(which: Which) -> Option<Database> {
        let folder = tempfile::tempdir().unwrap();
        let (url, server) = match which {
            Which::Sqlite => (format!("sqlite://{}/till.db", folder.path().display()), None),
            Which::Postgres => on_server(which, "TILL_TEST_POSTGRES_URL").await?,
            Which::Mysql => on_server(which, "TILL_TEST_MYSQL_URL").await?,
        };
        let url = DatabaseUrl::parse(&url).unwrap();
        let store = Store::open(&url, &limits()).await.unwrap();
        Some(Database { which, store, url, folder, server })
    }

    pub async fn drop(self) {
        self.store.close().await;
        if let Some((server, name)) = &self.server {
            let text = match self.which {
                Which::Postgres => format!("drop database {name} with (force)"),
                Which::Sqlite | Which::Mysql => format!("drop database {name}"),
            };
            on_admin(self.which, server, &text).await;
        }
    }

    /// Runs SQL behind the store's back, on a connection of its own.
    pub async fn behind(&self, sql: &str) {
        match &self.server {
            None => {
                let path = self.folder.path().join("till.db");
                rusqlite::Connection::open(path).unwrap().execute_batch(sql).unwrap();
            }
            Some((server, name)) => {
                let mut url = url::Url::parse(server).unwrap();
                url.set_path(name);
                on_admin(self.which, url.as_str(), sql).await;
            }
        }
    }

    /// The texts that a query behind the store's back selects.
    pub async fn ask(&self, sql: &str) -> Vec<String> {
        let Some((server, name)) = &self.server else {
            let path = self.folder.path().join("till.db");
            let connection = rusqlite::Connection::open(path).unwrap();
            let mut statement = connection.prepare(sql).unwrap();
            let rows = statement.query_map([], |row| row.get(0)).unwrap();
            return rows.map(Result::unwrap).collect();
        };
        let mut url = url::Url::parse(server).unwrap();
        url.set_path(name);
        if self.which == Which::Postgres {
            let (client, connection) = tokio_postgres::connect(url.as_str(), NoTls).await.unwrap();
            tokio::spawn(connection);
            let rows = client.query(sql, &[]).await.unwrap();
            return rows.iter().map(|row| row.get(0)).collect();
        }
        let opts = mysql_async::Opts::from_url(url.as_str()).unwrap();
        let mut conn = mysql_async::Conn::new(opts).await.unwrap();
        conn.query(sql).await.unwrap()
    }

    /// The URL of this database as text, with another address for the server.
    pub fn url_through(&self, port: u16) -> DatabaseUrl {
        let (server, name) = self.server.as_ref().expect("SQLite has no server");
        let mut url = url::Url::parse(server).unwrap();
        url.set_path(name);
        url.set_host(Some("127.0.0.1")).unwrap();
        url.set_port(Some(port)).unwrap();
        DatabaseUrl::parse(url.as_str()).unwrap()
    }

    /// Where the server listens.
    pub fn server_address(&self) -> String {
        let (server, _) = self.server.as_ref().expect("SQLite has no server");
        let url = url::Url::parse(server).unwrap();
        let port = url.port().unwrap_or(if self.which == Which::Mysql { 3306 } else { 5432 });
        format!("{}:{port}", url.host_str().unwrap())
    }

    pub async fn write<I, T>(
        &self,
        input: I,
        operation: for<'a> fn(&'a mut Tx, &'a I) -> Work<'a, T, StoreError>,
    ) -> Result<T, StoreError>
    where
        I: Send + Sync + 'static,
        T: Send + 'static,
    {
        self.store.write(input, operation).await
    }
}

/// A door that one side opens and another waits for, inside an operation or outside.
#[derive(Clone)]
pub struct Gate {
    opened: Arc<Semaphore>,
    runtime: Handle,
}

impl Gate {
    pub fn closed() -> Gate {
        Gate { opened: Arc::new(Semaphore::new(0)), runtime: Handle::current() }
    }

    pub fn open(&self) {
        self.opened.add_permits(1_000);
    }

    pub async fn passed(&self) {
        self.opened.acquire().await.unwrap().forget();
    }

    /// Waits inside an operation: on SQLite, where nothing may be awaited, it holds up the thread.
    pub async fn wait(&self, dialect: Dialect) {
        match dialect {
            Dialect::Sqlite => self.runtime.block_on(self.passed()),
            Dialect::Postgres | Dialect::Mysql => self.passed().await,
        }
    }
}

/// Small enough that a test can fill them, short enough that it can wait for them.
pub fn limits() -> Limits {
    Limits { connections_max: 16, wait_ms: 20_000, ..Limits::default() }
}

async fn on_server(which: Which, setting: &str) -> Option<(String, Option<(String, String)>)> {
    let Ok(server) = std::env::var(setting) else {
        eprintln!(
            "{which:?} is skipped: set {setting} to a server on which databases may be made, or \
             run `cargo xtask test`"
        );
        return None;
    };
    let name = format!("till_{}", Uuid::new_v4().simple());
    on_admin(which, &server, &format!("create database {name}")).await;
    let mut url = url::Url::parse(&server).unwrap();
    url.set_path(&name);
    Some((url.to_string(), Some((server, name))))
}

async fn on_admin(which: Which, url: &str, sql: &str) {
    match which {
        Which::Sqlite => {}
        Which::Postgres => {
            let (client, connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
            let driver = tokio::spawn(connection);
            client.batch_execute(sql).await.unwrap();
            drop(client);
            driver.await.unwrap().unwrap();
        }
        Which::Mysql => {
            let opts = mysql_async::Opts::from_url(url).unwrap();
            let mut conn = mysql_async::Conn::new(opts).await.unwrap();
            match conn.query_drop(sql).await {
                // A connection that was to be killed has ended by itself.
                Err(mysql_async::Error::Server(error)) if error.code == 1094 => {}
                done => done.unwrap(),
            }
            conn.disconnect().await.unwrap();
        }
    }
}

/// An id that no other of the test has; they grow, as the server's do.
pub fn id() -> Uuid {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    Uuid::from_u128((0x0197_u128 << 112) | u128::from(NEXT.fetch_add(1, Ordering::Relaxed)))
}

/// Some milliseconds after the beginning of the story.
pub fn at(ms: i64) -> Timestamp {
    Timestamp::from_millisecond(1_790_000_000_000 + ms).unwrap()
}

pub fn eur(minor: i64) -> Money {
    Money::new(minor, "EUR".parse().unwrap()).unwrap()
}

pub fn product(sku: &str, on_hand: u32) -> Product {
    Product {
        id: ProductId(id()),
        sku: sku.to_owned(),
        name: format!("A {sku}"),
        description: "Holds coffee. Größe: 0,3 l; 100% dishwasher-safe".to_owned(),
        image: None,
        price: eur(1250),
        stock: Stock::new(on_hand, 0).unwrap(),
        active: true,
        requires_shipping: true,
    }
}

/// A product in the catalogue.
pub async fn stocked(db: &Database, sku: &str, on_hand: u32) -> Product {
    let product = product(sku, on_hand);
    let stored = db.write(product.clone(), |tx, product| {
        Box::pin(catalog::insert_product(tx, product, at(0)))
    });
    assert!(stored.await.unwrap());
    product
}

pub async fn stock_of(db: &Database, id: ProductId) -> Stock {
    let found = db.store.read(id, |tx, id| Box::pin(catalog::product(tx, *id)));
    let found: Result<_, StoreError> = found.await;
    found.unwrap().unwrap().stock
}

pub fn cart_of(products: &[(&Product, i64)]) -> Cart {
    let mut cart = Cart::empty(CartId(id()), VisitorId(id()), eur(0).currency());
    for (product, count) in products {
        let offer = Offer { product: (*product).clone(), held: 0 };
        let quantity = Quantity::new(*count).unwrap();
        (cart, _) = cart.add(&offer, quantity, LineId(id())).unwrap();
    }
    cart
}

pub fn address(country: &str, postal_code: &str) -> Address {
    Address::parse(&AddressDraft {
        name: "Ada Lovelace".to_owned(),
        company: None,
        street: "Straße des 17. Juni 1".to_owned(),
        postal_code: postal_code.to_owned(),
        city: "Berlin".to_owned(),
        country: country.to_owned(),
        phone: Some("+49 30 1234".to_owned()),
    })
    .unwrap()
}

/// A pending order of a cart's lines.
pub fn order_of(cart: &Cart) -> Order {
    let subtotal = cart.subtotal().unwrap();
    let totals = Totals::restore(
        subtotal,
        eur(490),
        eur(100),
        TaxMode::Included,
        subtotal.plus(eur(490)).unwrap(),
    );
    Order::place(
        OrderParts {
            id: OrderId(id()),
            visitor: cart.visitor,
            cart: cart.id,
            email: "ada@example.org".parse().unwrap(),
            marketing: Marketing::Accepted,
            shipping_address: address("DE", "10115"),
            billing_address: address("GB", "SW1A 1AA"),
            lines: cart.lines().to_vec(),
            totals: totals.unwrap(),
            attributes: noted(),
            fingerprint: Fingerprint([7; 32]),
            created_at: at(5),
        },
        at(600_000),
    )
}

pub fn payment_of(order: &Order) -> (Payment, Attempt) {
    let payment = Payment::new(PaymentId(id()), order.id, order.totals.total(), false);
    let attempt = Attempt {
        payment: payment.id,
        number: 1,
        key: IdempotencyKey::create(payment.id, 1),
        request: "amount=1740&currency=eur".to_owned(),
        created_at: at(6),
    };
    (payment, attempt)
}

pub fn lines(products: &[(&Product, i64)]) -> Vec<Line> {
    cart_of(products).lines().to_vec()
}

/// One of each kind, and a text that looks like another line of its column.
pub fn noted() -> Attributes {
    let number = NumberText::new("1.50").map(AttributeValue::Number);
    let attributes = [
        ("a\\name", AttributeValue::Text("line\nflag\nyes\\n".into())),
        ("empty", AttributeValue::Text(String::new())),
        ("gift", AttributeValue::Flag(false)),
        ("price", number.unwrap()),
    ];
    Attributes::new(attributes.map(|(name, value)| (name.to_owned(), value))).unwrap()
}
