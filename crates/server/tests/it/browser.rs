//! A shopper's browser at a shop at Elastic Path: HTTP to a server that runs on the shop's database and
//! over its wire, beside the one that the shop itself works with.

use std::{sync::Mutex, time::Duration};

use axum::body::Body;
use gateways::Transport;
use http::{Method, Request, header};
use serde_json::{Value, json};
use server::{
    clock::Ids,
    config::{Config, Sources},
    serve::{Parts, Server},
};

use crate::{
    coverage,
    guest::{Reply, with_cookie},
    platform::{PAN, Platform, settings},
    stage::exchange,
};

pub const SESSIONS: &str = "/api/checkout/sessions";
pub const CURRENT: &str = "/api/checkout/sessions/current";

/// The header by which a storefront says that its shopper is signed in.
pub const ACCOUNT: &str = "ep-account-management-authentication-token";

pub struct Browser<'shop> {
    pub shop: &'shop Platform,
    pub server: Server,
    cookie: Mutex<String>,
    /// What her storefront sends with every request.
    pub headers: Vec<(&'static str, String)>,
}

impl<'shop> Browser<'shop> {
    /// Somebody new, at a server with these settings changed.
    pub fn open(shop: &'shop Platform, changes: &[(&str, &str)]) -> Self {
        Self::with_merchant(shop, shop.wire.clone(), changes)
    }

    /// The same where the merchant's own servers are reached over `merchant`.
    pub fn with_merchant(
        shop: &'shop Platform,
        merchant: Transport,
        changes: &[(&str, &str)],
    ) -> Self {
        let shipping = ("TILL_SHIPPING", "US:5.99, DE:14.50");
        let settings = settings(&[&[shipping], changes].concat());
        let pairs = settings.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let config = Config::load(Sources::of_texts(pairs, "", "")).unwrap();
        let (store, transport) = (shop.px.store.clone(), shop.wire.clone());
        let (clock, ids, tick) = (shop.px.clock.clone(), Ids::system(), Duration::from_secs(1));
        let parts = Parts { store, transport, merchant, clock, ids, tick };
        let server = Server::new(config, parts).unwrap();
        Self { shop, server, cookie: Mutex::default(), headers: Vec::new() }
    }

    /// The same person in another tab: the same cookies, at a server with these settings changed.
    pub fn other_tab(&self, changes: &[(&str, &str)]) -> Self {
        let other = Self::open(self.shop, changes);
        other.keep(&self.cookie());
        other
    }

    /// Her cookies.
    pub fn cookie(&self) -> String {
        self.cookie.lock().unwrap().clone()
    }

    /// She has other cookies from now on.
    pub fn keep(&self, cookie: &str) {
        cookie.clone_into(&mut self.cookie.lock().unwrap());
    }

    pub async fn get(&self, path: &str) -> Reply {
        self.ask(Method::GET, path, None).await
    }

    pub async fn post(&self, path: &str, body: Value) -> Reply {
        self.ask(Method::POST, path, Some(body)).await
    }

    pub async fn patch(&self, body: Value) -> Reply {
        self.ask(Method::PATCH, CURRENT, Some(body)).await
    }

    pub async fn ask(&self, method: Method, path: &str, body: Option<Value>) -> Reply {
        let mut request = Request::builder().method(method.clone()).uri(path);
        request = request.header(header::CONTENT_TYPE, "application/json");
        request = request.header(header::COOKIE, self.cookie());
        for (name, value) in &self.headers {
            request = request.header(*name, value);
        }
        let sent = body.as_ref().map(Value::to_string).unwrap_or_default();
        let request = request.body(Body::from(sent)).unwrap();
        let (status, headers, text) = exchange(self.server.router(), request).await.unwrap();
        for cookie in headers.get_all(header::SET_COOKIE) {
            let kept = with_cookie(&self.cookie(), cookie);
            self.keep(&kept);
        }
        let answer = serde_json::from_str(&text).unwrap_or(Value::Null);
        let reply = Reply { status, body: answer, text, headers };
        coverage::record(&method, path, body.as_ref(), &reply);
        reply
    }

    pub async fn add(&self, product: &str, quantity: u32) {
        let item = json!({ "productId": product, "quantity": quantity });
        assert_eq!(self.post("/api/cart/items", item).await.status, 200);
    }

    /// The cart that the server knows her by; empty where it knows none.
    pub async fn cart(&self) -> String {
        let cart = self.get("/api/cart").await;
        cart.body["id"].as_str().unwrap().to_owned()
    }

    /// A session on her cart.
    pub async fn open_session(&self) -> Reply {
        let opened = self.post(SESSIONS, json!({})).await;
        assert_eq!(opened.status, 201, "{opened}");
        opened
    }

    /// A session with everything that is needed to pay.
    pub async fn ready(&self) {
        self.add(PAN, 2).await;
        self.open_session().await;
        self.fill_in().await;
    }

    /// She types what is asked and selects the first rate.
    pub async fn fill_in(&self) {
        let form = json!({
            "customerInfo": { "name": "Ada Beispiel", "email": "ada@example.org" },
            "shippingAddress": home(),
            "billingAddress": home(),
        });
        assert_eq!(self.patch(form).await.status, 200);
        let offered = self.offer().await;
        let rate = &offered.body["data"]["session"]["availableShippingRates"][0]["id"];
        let chosen = self.patch(json!({ "selectedShippingRateId": rate })).await;
        assert_eq!(chosen.status, 200, "{chosen}");
    }

    /// She asks how it can be sent.
    pub async fn offer(&self) -> Reply {
        self.post(&format!("{CURRENT}/shipping"), json!({})).await
    }

    /// She pays, and what is done after the answer is done.
    pub async fn pay(&self, token: &str) -> Reply {
        let reply = self.click(token).await;
        self.rest().await;
        reply
    }

    /// The same without waiting for what is done after the answer.
    pub async fn click(&self, token: &str) -> Reply {
        let body = json!({ "gateway": "stripe", "confirmation_token": token });
        self.post(&format!("{CURRENT}/pay"), body).await
    }

    /// She pays what her page shows, in minor units.
    pub async fn pay_seeing(&self, token: &str, total: impl Into<Value>) -> Reply {
        let seen = total.into();
        let body = json!({ "gateway": "stripe", "confirmation_token": token, "total": seen });
        let reply = self.post(&format!("{CURRENT}/pay"), body).await;
        self.rest().await;
        reply
    }

    pub async fn resume(&self) -> Reply {
        self.post(&format!("{CURRENT}/resume-payment"), json!({})).await
    }

    pub async fn abandon(&self) -> Reply {
        self.post(&format!("{CURRENT}/abandon-payment"), json!({})).await
    }

    pub async fn session(&self) -> Value {
        self.get(CURRENT).await.body["data"]["session"].clone()
    }

    /// What was begun here comes to its end.
    pub async fn rest(&self) {
        while !self.server.backend.tasks.is_empty() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

/// An address that the shop sends to.
pub fn home() -> Value {
    json!({
        "firstName": "Ada", "lastName": "Beispiel", "company": "", "line1": "Hauptstr. 1",
        "line2": "", "city": "Springfield", "county": "", "country": "US", "postcode": "62701",
    })
}

/// Another, where sending costs more.
pub fn abroad() -> Value {
    let mut address = home();
    address["country"] = "DE".into();
    address["postcode"] = "10115".into();
    address
}

/// The two words of a session's state, such as `200 complete succeeded`.
pub fn state(reply: &Reply) -> String {
    let session = &reply.body["data"]["session"];
    let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let (status, payment) = (word(&session["status"]), word(&session["payment"]["status"]));
    format!("{} {status} {payment}", reply.status)
}
