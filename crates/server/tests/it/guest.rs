//! A shopper and her browser: a cookie, a cart, a card.

use std::{fmt, sync::Mutex};

use http::Method;
use serde_json::{Value, json};
use simulators::stripe::Options;

use crate::{coverage, shop::Shop};

/// Cards of Stripe's test table.
#[derive(Debug, Clone, Copy)]
pub enum Card {
    Good,
    Declined,
    InsufficientFunds,
    Stolen,
    ThreeDSecure,
    ReportedAsFraud,
}

impl Card {
    fn number(self) -> &'static str {
        match self {
            Self::Good => "4242424242424242",
            Self::Declined => "4000000000000002",
            Self::InsufficientFunds => "4000000000009995",
            Self::Stolen => "4000000000009979",
            Self::ThreeDSecure => "4000000000003220",
            Self::ReportedAsFraud => "4000000000005423",
        }
    }
}

pub struct Guest<'shop> {
    pub shop: &'shop Shop,
    cookie: Mutex<Option<String>>,
}

/// An answer of the server.
#[derive(Debug, Clone)]
pub struct Reply {
    pub status: u16,
    pub body: Value,
    /// The body as it came, for what a parser would round.
    pub text: String,
    pub headers: http::HeaderMap,
}

/// What the browser got to pay with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Intent {
    pub order: String,
    pub secret: String,
}

impl<'shop> Guest<'shop> {
    pub fn new(shop: &'shop Shop) -> Self {
        Self::returning(shop, None)
    }

    /// Somebody whose browser has kept this cookie.
    pub fn returning(shop: &'shop Shop, cookie: Option<String>) -> Self {
        Self { shop, cookie: Mutex::new(cookie) }
    }

    /// The same person in another tab: the same cookie.
    pub fn other_tab(&self) -> Guest<'shop> {
        Self::returning(self.shop, self.cookie())
    }

    /// What her browser keeps, to come back with when the shop has opened again.
    pub fn cookie(&self) -> Option<String> {
        self.cookie.lock().unwrap().clone()
    }

    pub async fn get(&self, path: &str) -> Reply {
        self.send(Method::GET, path, None, &[]).await
    }

    pub async fn post(&self, path: &str, body: Value) -> Reply {
        self.send(Method::POST, path, Some(body.to_string()), &[]).await
    }

    pub async fn patch(&self, path: &str, body: Value) -> Reply {
        self.send(Method::PATCH, path, Some(body.to_string()), &[]).await
    }

    pub async fn delete(&self, path: &str) -> Reply {
        self.send(Method::DELETE, path, None, &[]).await
    }

    /// Sends what a browser would, and keeps the cookie.
    pub async fn send(
        &self,
        method: Method,
        path: &str,
        body: Option<String>,
        headers: &[(&str, &str)],
    ) -> Reply {
        let mut request =
            self.shop.http.request(method.clone(), format!("{}{path}", self.shop.url));
        if let Some(body) = &body {
            if headers.iter().all(|(name, _)| *name != "content-type") {
                request = request.header("content-type", "application/json");
            }
            request = request.body(body.clone());
        }
        if let Some(cookie) = self.cookie.lock().unwrap().clone() {
            request = request.header("cookie", cookie);
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = request.send().await.unwrap();
        for cookie in response.headers().get_all("set-cookie") {
            let mut kept = self.cookie.lock().unwrap();
            *kept = Some(with_cookie(kept.as_deref().unwrap_or_default(), cookie));
        }
        let status = response.status().as_u16();
        let headers = response.headers().clone();
        let text = response.text().await.unwrap();
        let sent = body.and_then(|body| serde_json::from_str(&body).ok());
        let body = serde_json::from_str(&text).unwrap_or(Value::Null);
        let reply = Reply { status, body, text, headers };
        coverage::record(&method, path, sent.as_ref(), &reply);
        reply
    }

    pub async fn add(&self, sku: &str, quantity: u32) -> Reply {
        let product = self.shop.product(sku).to_string();
        self.post("/api/cart/items", json!({ "productId": product, "quantity": quantity })).await
    }

    /// The id of the cart's line with this product.
    pub async fn line(&self, sku: &str) -> String {
        let cart = self.get("/api/cart").await.body;
        let items = cart["items"].as_array().unwrap().iter();
        let line = items.clone().find(|line| line["sku"] == sku);
        line.unwrap_or_else(|| panic!("no {sku} in {cart}"))["id"].as_str().unwrap().to_owned()
    }

    /// What is in the cart, such as `2 x mug, 1 x lamp`.
    pub async fn cart(&self) -> String {
        let cart = self.get("/api/cart").await.body;
        let items = cart["items"].as_array().unwrap().iter();
        let lines =
            items.map(|line| format!("{} x {}", line["quantity"], line["sku"].as_str().unwrap()));
        lines.collect::<Vec<_>>().join(", ")
    }

    /// Asks for an intent with the usual address.
    pub async fn ask_intent(&self) -> Reply {
        self.post("/api/checkout/intent", checkout_request()).await
    }

    /// Asks for an intent with another form.
    pub async fn ask_intent_with(&self, request: Value) -> Reply {
        self.post("/api/checkout/intent", request).await
    }

    /// Asks for an intent that must succeed.
    pub async fn intent(&self) -> Intent {
        let reply = self.ask_intent().await;
        assert_eq!(reply.status, 200, "{reply}");
        reply.intent()
    }

    /// The browser confirms with Stripe. Returns Stripe's status of the payment, or the code of
    /// its error.
    pub async fn confirm_at_stripe(&self, intent: &Intent, card: Card) -> String {
        let form = [
            ("payment_method_data[type]", "card"),
            ("payment_method_data[card][number]", card.number()),
            ("payment_method_data[card][exp_month]", "12"),
            ("payment_method_data[card][exp_year]", "2040"),
            ("payment_method_data[card][cvc]", "123"),
        ];
        self.at_stripe(intent, &form).await
    }

    /// What her browser makes of a card, for one try to pay.
    pub async fn token(&self, card: Card) -> String {
        let form = [
            ("payment_method_data[type]", "card"),
            ("payment_method_data[card][number]", card.number()),
            ("payment_method_data[card][exp_month]", "12"),
            ("payment_method_data[card][exp_year]", "2040"),
            ("payment_method_data[card][cvc]", "123"),
        ];
        self.token_of(&form).await
    }

    /// The same of a bank that wants to see her on a page of its own.
    pub async fn token_of_a_bank(&self) -> String {
        let form = [
            ("payment_method_data[type]", "ideal"),
            ("payment_method_data[billing_details][name]", "Ada Beispiel"),
        ];
        self.token_of(&form).await
    }

    /// The same of an account that a debit is taken from, which takes days.
    pub async fn token_of_a_debit(&self) -> String {
        let form = [
            ("payment_method_data[type]", "sepa_debit"),
            ("payment_method_data[sepa_debit][iban]", "DE89370400440532013000"),
            ("payment_method_data[billing_details][name]", "Ada Beispiel"),
            ("payment_method_data[billing_details][email]", "ada@example.org"),
        ];
        self.token_of(&form).await
    }

    async fn token_of(&self, method: &[(&str, &str)]) -> String {
        let key = Options::default().publishable_key;
        let form = [&[("key", key.as_str())], method].concat();
        let url = format!("{}/v1/confirmation_tokens", self.shop.stripe_url);
        let response = self.shop.http.post(url).form(&form).send().await.unwrap();
        let body: Value = serde_json::from_str(&response.text().await.unwrap()).unwrap();
        body["id"].as_str().unwrap_or_else(|| panic!("{body}")).to_owned()
    }

    /// The browser confirms with a debit from this account.
    pub async fn confirm_debit(&self, intent: &Intent, iban: &str) -> String {
        let form = [
            ("payment_method_data[type]", "sepa_debit"),
            ("payment_method_data[sepa_debit][iban]", iban),
            ("payment_method_data[billing_details][name]", "Ada"),
            ("payment_method_data[billing_details][email]", "ada@example.org"),
        ];
        self.at_stripe(intent, &form).await
    }

    async fn at_stripe(&self, intent: &Intent, form: &[(&str, &str)]) -> String {
        let payment = intent.payment();
        let key = Options::default().publishable_key;
        let mut form: Vec<_> = form.to_vec();
        form.push(("key", &key));
        form.push(("client_secret", &intent.secret));
        form.push(("return_url", "https://shop.example/return"));
        form.push(("use_stripe_sdk", "true"));
        let url = format!("{}/v1/payment_intents/{payment}/confirm", self.shop.stripe_url);
        let response = self.shop.http.post(url).form(&form).send().await.unwrap();
        let body: Value = serde_json::from_str(&response.text().await.unwrap()).unwrap();
        let said = body["status"].as_str().or_else(|| body["error"]["code"].as_str());
        said.unwrap_or_else(|| panic!("{body}")).to_owned()
    }

    /// Tells the server that the browser has confirmed.
    pub async fn confirm(&self, intent: &Intent) -> Reply {
        self.post("/api/checkout/confirm", json!({ "orderId": intent.order })).await
    }

    pub async fn order(&self, intent: &Intent) -> Reply {
        self.get(&format!("/api/orders/{}", intent.order)).await
    }

    /// The whole way with a card. Returns what the server says at the end, such as `200 paid`.
    pub async fn pay_with(&self, card: Card) -> String {
        let reply = self.ask_intent().await;
        if reply.status != 200 {
            return reply.to_string();
        }
        let intent = reply.intent();
        self.confirm_at_stripe(&intent, card).await;
        self.confirm(&intent).await.to_string()
    }

    /// Waits until the order has come this far.
    pub async fn until_order_is(&self, intent: &Intent, status: &str) {
        let what = format!("order {} is {status}", intent.order);
        self.shop
            .until(&what, || async { self.order(intent).await.body["status"] == status })
            .await;
    }
}

/// What a browser keeps after an answer: a cookie takes the place of the one with its name.
pub fn with_cookie(kept: &str, set_cookie: &http::HeaderValue) -> String {
    let pair = set_cookie.to_str().unwrap().split(';').next().unwrap();
    let name = pair.split('=').next();
    let others = kept.split("; ").filter(|other| other.split('=').next() != name);
    let all: Vec<&str> = others.filter(|other| !other.is_empty()).chain([pair]).collect();
    all.join("; ")
}

/// The usual order form.
pub fn checkout_request() -> Value {
    json!({
        "email": "ada@example.org",
        "shippingAddress": address(),
        "acceptsMarketing": false,
    })
}

/// The usual address.
pub fn address() -> Value {
    json!({
        "name": "Ada Beispiel",
        "street": "Hauptstr. 1",
        "postalCode": "10115",
        "city": "Berlin",
        "country": "DE",
    })
}

impl Intent {
    /// Stripe's id of the payment, as the browser reads it from the secret.
    pub fn payment(&self) -> &str {
        self.secret.split("_secret_").next().unwrap()
    }
}

impl Reply {
    pub fn intent(&self) -> Intent {
        let text = |name: &str| self.body[name].as_str().unwrap_or_default().to_owned();
        Intent { order: text("orderId"), secret: text("clientSecret") }
    }

    /// The code of an error, or an order's status.
    pub fn word(&self) -> Option<&str> {
        self.body["error"]["code"].as_str().or_else(|| self.body["status"].as_str())
    }

    /// Fails unless the answer holds this text, digit for digit.
    #[track_caller]
    pub fn says(&self, text: &str) {
        assert!(self.text.contains(text), "no {text} in {} {}", self.status, self.text);
    }

    pub fn details(&self) -> &Value {
        &self.body["error"]["details"]
    }
}

impl fmt::Display for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.word() {
            Some(word) => write!(f, "{} {word}", self.status),
            None => write!(f, "{} {}", self.status, self.text),
        }
    }
}
