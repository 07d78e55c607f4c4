//! A checkout session on a cart at Elastic Path, up to the moment before it is paid.

use std::time::Duration;

use axum::{Router, body::Body};
use http::{Method, Request, header};
use serde_json::{Value, json};
use server::{
    clock::{Clock, Ids},
    config::{Config, Sources},
    serve::{Parts, Server},
};
use simulators::elastic_path::{
    ElasticPath, ErrorShape, Fault, FaultKind, Options, sample_catalogue,
};
use storage::{SqliteFile, Store};

use super::session::address;
use crate::{guest::with_cookie, stage::exchange};

const SESSIONS: &str = "/api/checkout/sessions";
pub(super) const CURRENT: &str = "/api/checkout/sessions/current";

/// What the sample catalogue sells.
pub(super) const PAN: &str = "3281ce38-87a7-488e-a113-9a6b2f616908";

/// A shop at Elastic Path, and one browser in it.
pub(super) struct Storefront {
    pub ep: ElasticPath,
    router: Router,
    pub cookie: String,
}

impl Storefront {
    pub async fn open() -> Self {
        let ep = ElasticPath::new(Options { seed: Some(1), ..Options::default() });
        sample_catalogue(&ep);
        let store = Store::sqlite_inline(&SqliteFile::Memory).unwrap();
        store.migrate().await.unwrap();
        let keys = Options::default();
        let settings = [
            ("TILL_BACKEND", "elastic-path"),
            ("TILL_SECRET", "a secret for stories that is long enough"),
            ("TILL_CURRENCY", "USD"),
            ("TILL_SHIPPING", "US:5.99, DE:14.50"),
            ("DATABASE_URL", "sqlite://x"),
            ("EP_CLIENT_ID", &keys.client_id),
            ("EP_CLIENT_SECRET", &keys.client_secret),
            ("EP_API_BASE_URL", "http://127.0.0.1:81"),
            ("EP_CALLS_PER_SECOND", "1000"),
        ];
        let config = Config::load(Sources::of_texts(settings, "", "")).unwrap();
        let transport = gateways::in_process::<Router, Body, Body>(ep.router());
        let (clock, ids, tick) = (Clock::system(), Ids::system(), Duration::from_secs(1));
        let merchant = transport.clone();
        let parts = Parts { store, transport, merchant, clock, ids, tick };
        let router = Server::new(config, parts).unwrap().router();
        Self { ep, router, cookie: String::new() }
    }

    pub async fn ask(&mut self, method: Method, path: &str, body: Value) -> (u16, Value) {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::COOKIE, &self.cookie)
            .body(Body::from(body.to_string()))
            .unwrap();
        let (status, headers, text) = exchange(self.router.clone(), request).await.unwrap();
        for cookie in headers.get_all(header::SET_COOKIE) {
            self.cookie = with_cookie(&self.cookie, cookie);
        }
        (status, serde_json::from_str(&text).unwrap_or(Value::Null))
    }

    pub async fn add(&mut self, product: &str, quantity: u32) {
        let item = json!({ "productId": product, "quantity": quantity });
        assert_eq!(self.ask(Method::POST, "/api/cart/items", item).await.0, 200);
    }

    /// A session with everything that is needed to pay.
    pub async fn ready(&mut self) {
        self.add(PAN, 2).await;
        assert_eq!(self.ask(Method::POST, SESSIONS, json!({})).await.0, 201);
        let mut home = address();
        home["country"] = "US".into();
        home["postcode"] = "62701".into();
        let form = json!({
            "customerInfo": { "name": "Ada Beispiel", "email": "ada@example.org" },
            "shippingAddress": home,
            "billingAddress": home,
        });
        self.patch(form).await;
        self.ask(Method::POST, &format!("{CURRENT}/shipping"), json!({})).await;
        self.patch(json!({ "selectedShippingRateId": "standard" })).await;
    }

    pub async fn pay(&mut self, token: &str) -> (u16, Value) {
        let body = json!({ "gateway": "stripe", "confirmation_token": token });
        self.ask(Method::POST, &format!("{CURRENT}/pay"), body).await
    }

    async fn patch(&mut self, body: Value) -> Value {
        let (status, answer) = self.ask(Method::PATCH, CURRENT, body).await;
        assert_eq!(status, 200, "{answer}");
        answer["data"]["session"].clone()
    }
}

/// The two words of a session's state.
pub(super) fn state((status, answer): &(u16, Value)) -> String {
    let session = &answer["data"]["session"];
    let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    format!("{status} {} {}", word(&session["status"]), word(&session["payment"]["status"]))
}

pub(super) fn code(answer: &(u16, Value)) -> String {
    format!("{} {}", answer.0, answer.1["error"]["code"].as_str().unwrap_or_default())
}

#[tokio::test]
async fn a_session_on_a_cart_at_the_platform_is_priced_by_the_platform_with_its_shipping() {
    let mut shop = Storefront::open().await;
    shop.add(PAN, 2).await;
    let (status, opened) = shop.ask(Method::POST, SESSIONS, json!({})).await;
    assert_eq!(status, 201);
    let session = &opened["data"]["session"];
    assert_eq!((&session["status"], &session["totals"]["total"]), (&json!("open"), &json!(3000)));
    assert_eq!(session.get("cartHash"), None);

    let form = json!({
        "customerInfo": { "name": "Ada Beispiel", "email": "ada@example.org" },
        "shippingAddress": address(),
        "billingAddress": address(),
    });
    shop.patch(form).await;
    let (_, offered) = shop.ask(Method::POST, &format!("{CURRENT}/shipping"), json!({})).await;
    assert_eq!(offered["data"]["session"]["availableShippingRates"][0]["amount"], 1450);
    let chosen = shop.patch(json!({ "selectedShippingRateId": "standard" })).await;
    let totals = &chosen["totals"];
    assert_eq!((&totals["shipping"], &totals["total"]), (&json!(1450), &json!(4450)));
    assert_eq!(totals["subtotal"], 3000);

    // Another country costs something else, in the platform's cart too.
    let mut home = address();
    home["country"] = "US".into();
    home["postcode"] = "62701".into();
    let moved = shop.patch(json!({ "shippingAddress": home })).await;
    assert_eq!(moved["totals"]["total"], 3599);
    let (_, shown) = shop.ask(Method::GET, CURRENT, Value::Null).await;
    assert_eq!(shown["data"]["session"], moved);
}

#[tokio::test]
async fn without_a_cart_or_with_a_name_that_is_none_there_is_no_session() {
    let mut shop = Storefront::open().await;
    let none = shop.ask(Method::POST, SESSIONS, json!({})).await;
    assert_eq!(code(&none), "400 VALIDATION_ERROR");
    let elsewhere = json!({ "cartId": "..%2Forders" });
    let hostile = shop.ask(Method::POST, SESSIONS, elsewhere).await;
    assert_eq!(code(&hostile), "400 VALIDATION_ERROR");
    assert!(shop.ep.requests().iter().all(|one| !one.path.contains("orders")));
}

#[tokio::test]
async fn what_needs_orders_of_our_own_is_not_there_at_the_platform() {
    let mut shop = Storefront::open().await;
    let cancel = "/api/orders/aa854b8f/cancel";
    for path in ["/api/checkout/intent", "/api/checkout/confirm", "/api/webhooks/stripe", cancel] {
        let answer = shop.ask(Method::POST, path, json!({})).await;
        assert_eq!(code(&answer), "404 backend.unsupported");
    }
}

#[tokio::test]
async fn a_cart_that_the_platform_does_not_show_opens_no_session() {
    let mut shop = Storefront::open().await;
    shop.add(PAN, 1).await;
    let broken = FaultKind::Status(500, ErrorShape::Number);
    shop.ep.inject(Fault::once("/v2/carts", broken).of(Method::GET).times(100));
    let answer = shop.ask(Method::POST, SESSIONS, json!({})).await;
    assert_eq!(code(&answer), "502 EP_ERROR");
    assert_eq!(answer.1["error"]["message"], "Failed to fetch cart");
    let (_, shown) = shop.ask(Method::GET, CURRENT, Value::Null).await;
    assert_eq!(shown["data"]["session"], Value::Null);
}

#[tokio::test]
async fn shipping_that_the_platform_does_not_take_is_not_shown_as_chosen() {
    let mut shop = Storefront::open().await;
    shop.add(PAN, 1).await;
    shop.ask(Method::POST, SESSIONS, json!({})).await;
    shop.patch(json!({ "shippingAddress": address() })).await;
    shop.ask(Method::POST, &format!("{CURRENT}/shipping"), json!({})).await;
    let broken = FaultKind::Status(422, ErrorShape::Number);
    shop.ep.inject(Fault::once("/items", broken).of(Method::POST).times(100));
    let choice = json!({ "selectedShippingRateId": "standard" });
    let answer = shop.ask(Method::PATCH, CURRENT, choice).await;
    assert_eq!(code(&answer), "502 EP_ERROR");
    assert_eq!(answer.1["error"]["message"], "Failed to apply shipping");
    let (_, shown) = shop.ask(Method::GET, CURRENT, Value::Null).await;
    assert_eq!(shown["data"]["session"]["selectedShippingRateId"], Value::Null);
}

#[tokio::test]
async fn a_session_at_the_platform_is_paid_in_one_call_and_its_cart_is_gone() {
    let mut shop = Storefront::open().await;
    shop.ready().await;
    let declined = shop.pay("ctoken_decline_4xx").await;
    assert_eq!(state(&declined), "200 open failed");
    assert!(declined.1["paymentError"].is_string(), "{declined:?}");

    let paid = shop.pay("ctoken_ok").await;
    assert_eq!(state(&paid), "200 complete succeeded");
    assert!(paid.1["data"]["session"]["order"]["transactionId"].is_string());
    let again = shop.pay("ctoken_ok_2").await;
    assert_eq!(again.1["data"]["session"]["order"], paid.1["data"]["session"]["order"]);

    // The next product makes another cart.
    let (_, cart) = shop.ask(Method::GET, "/api/cart", Value::Null).await;
    assert_eq!((&cart["id"], &cart["items"]), (&json!(""), &json!([])));
    shop.add(PAN, 1).await;
    let (_, next) = shop.ask(Method::GET, "/api/cart", Value::Null).await;
    assert_ne!(next["id"], paid.1["data"]["session"]["cartId"]);
}

#[tokio::test]
async fn a_challenge_at_the_platform_is_resumed_or_abandoned() {
    let mut shop = Storefront::open().await;
    shop.ready().await;
    let asked = shop.pay("ctoken_3ds").await;
    assert_eq!(state(&asked), "200 open requires_action");
    let early = shop.ask(Method::POST, &format!("{CURRENT}/resume-payment"), json!({})).await;
    assert_eq!(code(&early), "409 PAYMENT_STILL_REQUIRES_ACTION");
    let abandoned = shop.ask(Method::POST, &format!("{CURRENT}/abandon-payment"), json!({})).await;
    assert_eq!(abandoned.0, 200, "{abandoned:?}");
    assert_ne!(state(&abandoned), "200 complete succeeded");
}
