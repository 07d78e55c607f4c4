//! A whole shop in one thread, with a Stripe behind it, to which anything may be sent.

use std::{
    cell::RefCell,
    sync::atomic::{AtomicU64, Ordering},
};

use axum::{Router, body::Body};
use http::{HeaderMap, Request, header};
use jiff::Timestamp;
use serde_json::{Value, json};
use server::{
    cli::catalog::{import, sheet},
    clock::{Clock, Ids},
    config::{Config, Sources},
    serve::{Parts, Server, TICK},
};
use simulators::stripe::{Options, Stripe};
use storage::{SqliteFile, Store, StoreError};
use tempfile::TempDir;
use tokio::runtime::Runtime;
use tower::ServiceExt;
use uuid::Uuid;

use super::signature::NOW;

storage::statements! {
    /// Another number after every commit of somebody else that changed anything.
    VERSION = "select data_version from pragma_data_version";
}

const PRODUCTS: &str = "sku,name,description,image,price,currency,stock,active,requires_shipping\n\
                        mug,Mug,,,12.00,EUR,1000000000,true,true\n\
                        book,Book,,,19.99,EUR,1000000000,true,false\n";

pub struct Shop {
    runtime: Runtime,
    server: Server,
    /// The same database, as another process sees it.
    onlooker: Store,
    stripe: Stripe,
    /// What stands for Ada's cookies, her line, her order, her way of sending and her card, and for a
    /// product.
    names: RefCell<Vec<(&'static str, String)>>,
    _folder: TempDir,
}

/// An answer, whole.
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
    pub json: Value,
}

impl Shop {
    /// A shop in which Ada has a mug in her cart, an order that waits for its payment, and a session in
    /// which she has filled in everything.
    pub fn open() -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let folder = tempfile::tempdir().unwrap();
        let file = SqliteFile::Path(folder.path().join("till.db"));
        let start = Timestamp::from_second(NOW).unwrap();
        let options = Options { seed: Some(1), start: Some(start), ..Options::default() };
        let config = config(&options);
        let stripe = Stripe::new(options);
        let store = Store::sqlite_inline(&file).unwrap();
        let onlooker = Store::sqlite_inline(&file).unwrap();
        let next = AtomicU64::new(1);
        let ids = Ids::from_fn(move || Uuid::from_u128(next.fetch_add(1, Ordering::SeqCst).into()));
        let clock = Clock::from_fn(move || start);
        runtime.block_on(async {
            store.migrate().await.unwrap();
            let rows = sheet::read(PRODUCTS.as_bytes(), "EUR".parse().unwrap()).unwrap();
            import(&store, rows, &clock, &ids).await.unwrap();
        });
        let transport = gateways::in_process::<Router, Body, Body>(stripe.router());
        let merchant = transport.clone();
        let parts = Parts { store, transport, merchant, clock, ids, tick: TICK };
        let server = Server::new(config, parts).unwrap();
        let names = RefCell::default();
        let shop = Self { runtime, server, onlooker, stripe, names, _folder: folder };
        shop.welcome_ada();
        shop
    }

    /// Ada comes for the first time, once more.
    pub fn welcome_ada(&self) {
        let page = self.ask(Request::get("/api/products?q=mug").body(Body::empty()).unwrap());
        let mug = page.json["items"][0]["id"].as_str().unwrap().to_owned();
        let item = json!({ "productId": mug, "quantity": 2 });
        let cart = self.post("/api/cart/items", "", &item);
        let cookie = cookie(&cart);
        let line = cart.json["items"][0]["id"].as_str().unwrap().to_owned();
        let address = json!({
            "name": "Ada Beispiel", "street": "Hauptstr. 1", "postalCode": "10115",
            "city": "Berlin", "country": "DE",
        });
        let form = json!({
            "email": "ada@example.org", "shippingAddress": address, "acceptsMarketing": false,
        });
        let intent = self.post("/api/checkout/intent", &cookie, &form);
        let order = intent.json["orderId"].as_str().unwrap().to_owned();
        let (session, rate) = self.fill_in_session(&cookie);
        *self.names.borrow_mut() = vec![
            ("$ada", cookie),
            ("$session", session),
            ("$mug", mug),
            ("$line", line),
            ("$order", order),
            ("$rate", rate),
            ("$token", self.token()),
        ];
    }

    /// Ada opens a session and fills it in. Returns its cookie and the rate that she chose.
    fn fill_in_session(&self, visitor: &str) -> (String, String) {
        let session = cookie(&self.post("/api/checkout/sessions", visitor, &json!({})));
        let cookies = format!("{visitor}; {session}");
        let address = json!({
            "firstName": "Ada", "lastName": "Beispiel", "line1": "Hauptstr. 1", "city": "Berlin",
            "country": "DE", "postcode": "10115",
        });
        let form = json!({
            "customerInfo": { "name": "Ada Beispiel", "email": "ada@example.org" },
            "shippingAddress": address,
            "billingAddress": address,
        });
        self.send("PATCH", "/api/checkout/sessions/current", &cookies, &form);
        let offered =
            self.post("/api/checkout/sessions/current/shipping", &cookies, &Value::Null).json;
        let rate = offered["data"]["session"]["availableShippingRates"][0]["id"].clone();
        let choice = json!({ "selectedShippingRateId": rate });
        self.send("PATCH", "/api/checkout/sessions/current", &cookies, &choice);
        (session, rate.as_str().unwrap().to_owned())
    }

    /// What Ada's browser makes of her card.
    fn token(&self) -> String {
        let key = Options::default().publishable_key;
        let form = format!(
            "key={key}&payment_method_data[type]=card\
             &payment_method_data[card][number]=4242424242424242\
             &payment_method_data[card][exp_month]=12&payment_method_data[card][exp_year]=2040\
             &payment_method_data[card][cvc]=123"
        );
        let request = Request::post("/v1/confirmation_tokens")
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(Body::from(form))
            .unwrap();
        let answer = self.answer_of(self.stripe.router(), request);
        answer.json["id"].as_str().unwrap().to_owned()
    }

    fn post(&self, path: &str, cookie: &str, body: &Value) -> Answer {
        self.send("POST", path, cookie, body)
    }

    fn send(&self, method: &str, path: &str, cookie: &str, body: &Value) -> Answer {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::COOKIE, cookie)
            .body(Body::from(if body.is_null() { String::new() } else { body.to_string() }))
            .unwrap();
        let answer = self.ask(request);
        assert!((200..300).contains(&answer.status), "{path}: {}", answer.json);
        answer
    }

    pub fn ask(&self, request: Request<Body>) -> Answer {
        self.answer_of(self.server.router(), request)
    }

    fn answer_of(&self, router: Router, request: Request<Body>) -> Answer {
        self.runtime.block_on(async {
            let response = router.oneshot(request).await.unwrap();
            let (parts, body) = response.into_parts();
            let body = axum::body::to_bytes(body, usize::MAX).await.unwrap().to_vec();
            let json = serde_json::from_slice(&body).unwrap_or_default();
            Answer { status: parts.status.as_u16(), headers: parts.headers, body, json }
        })
    }

    /// The bytes, with what the names in them stand for.
    pub fn fill_in(&self, bytes: &[u8]) -> Vec<u8> {
        self.names.borrow().iter().fold(bytes.to_vec(), |bytes, (name, value)| {
            replace(&bytes, name.as_bytes(), value.as_bytes())
        })
    }

    /// Another number whenever something has been written.
    pub fn version(&self) -> i64 {
        let read = self.onlooker.read((), |tx, ()| {
            Box::pin(async move {
                let row = tx.query_opt(&VERSION, &[]).await?;
                row.map_or(Ok(0), |row| row.read("version").int("data_version"))
            })
        });
        let version: Result<i64, StoreError> = self.runtime.block_on(read);
        version.unwrap()
    }
}

/// The one cookie that an answer sets, as a browser sends it back.
fn cookie(answer: &Answer) -> String {
    let cookie = answer.headers[header::SET_COOKIE].to_str().unwrap();
    cookie.split(';').next().unwrap().to_owned()
}

fn replace(bytes: &[u8], name: &[u8], value: &[u8]) -> Vec<u8> {
    match bytes.windows(name.len()).position(|window| window == name) {
        Some(place) => {
            let rest = replace(&bytes[place + name.len()..], name, value);
            [&bytes[..place], value, &rest].concat()
        }
        None => bytes.to_vec(),
    }
}

fn config(keys: &Options) -> Config {
    let pairs = [
        ("TILL_PUBLIC_URL", "http://127.0.0.1:80"),
        ("TILL_SECRET", "a secret for promises that is long enough"),
        ("TILL_SHIPPING", "*:4.90/50.00"),
        ("TILL_RATE_VISITOR_PER_MINUTE", "1000000"),
        ("TILL_RATE_ADDRESS_PER_MINUTE", "1000000"),
        ("TILL_SHIELD", "off"),
        ("TILL_CUSTOM_ATTRIBUTES", "gift_note"),
        ("DATABASE_URL", "sqlite://not-opened.db"),
        ("STRIPE_API_BASE", "http://127.0.0.1:81"),
        ("STRIPE_SECRET_KEY", &keys.secret_key),
        ("STRIPE_PUBLISHABLE_KEY", &keys.publishable_key),
        ("STRIPE_WEBHOOK_SECRET", "whsec_ours"),
    ];
    Config::load(Sources::of_texts(pairs, "", "")).unwrap()
}
