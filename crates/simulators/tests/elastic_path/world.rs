//! A store on a clock that stands still, and the ways to talk to it.

use axum::body::Body;
use http_body_util::BodyExt;
use serde_json::{Value, json};
use simulators::elastic_path::{ElasticPath, Options, sample_catalogue};
use simulators::stripe::ConnectionLost;
use tower::ServiceExt;

use crate::schema;

pub const PAN: &str = "3281ce38-87a7-488e-a113-9a6b2f616908";
pub const EBOOK: &str = "c1b6a7f4-2f0e-4b8b-9f36-0d5c54b1a9e3";
pub const CART: &str = "5f6c8d3e-1b7a-4c8d-9f0e-2a3b4c5d6e7f";

pub struct World {
    pub store: ElasticPath,
    pub shopper: String,
    pub server: String,
}

#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: http::HeaderMap,
    pub text: String,
    pub body: Value,
}

pub fn options() -> Options {
    Options {
        seed: Some(7),
        start: Some("2026-11-21T10:00:00Z".parse().unwrap()),
        ..Options::default()
    }
}

impl World {
    /// With the sample catalogue, and a token of each grant.
    pub async fn new() -> Self {
        let store = ElasticPath::new(options());
        sample_catalogue(&store);
        let mut world = Self { store, shopper: String::new(), server: String::new() };
        world.shopper = world.mint("implicit").await;
        world.server = world.mint("client_credentials").await;
        world
    }

    pub async fn token(&self, form: &str) -> Answer {
        let request = http::Request::post("/oauth/access_token")
            .header("content-type", "application/x-www-form-urlencoded")
            .body(Body::from(form.to_owned()))
            .unwrap();
        self.raw(request).await.unwrap()
    }

    pub async fn mint(&self, grant: &str) -> String {
        let Options { client_id, client_secret, .. } = options();
        let secret = format!("&client_secret={client_secret}");
        let secret = if grant == "implicit" { "" } else { &secret };
        let form = format!("grant_type={grant}&client_id={client_id}{secret}");
        let answer = self.token(&form).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.body["access_token"].as_str().unwrap().to_owned()
    }

    /// `None`: the connection broke.
    pub async fn raw(&self, request: http::Request<Body>) -> Option<Answer> {
        let (method, path) = (request.method().clone(), request.uri().path().to_owned());
        let response = self.store.router().oneshot(request).await.unwrap();
        if response.extensions().get::<ConnectionLost>().is_some() {
            return None;
        }
        let status = response.status().as_u16();
        let headers = response.headers().clone();
        let bytes = response.into_body().collect().await.unwrap().to_bytes();
        let text = String::from_utf8(bytes.to_vec()).unwrap();
        let body = serde_json::from_str(&text).unwrap_or(Value::Null);
        if !body.is_null() {
            schema::check(method.as_str(), &path, status, &body);
        }
        Some(Answer { status, headers, text, body })
    }

    pub async fn with_headers(
        &self,
        headers: &[(&str, &str)],
        method: &str,
        path: &str,
        body: Value,
    ) -> Option<Answer> {
        let mut request = http::Request::builder()
            .method(method)
            .uri(path)
            .header("host", "ep.test")
            .header("content-type", "application/json");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let body = if body.is_null() { String::new() } else { body.to_string() };
        self.raw(request.body(Body::from(body)).unwrap()).await
    }

    pub async fn ask_as(&self, token: &str, method: &str, path: &str, body: Value) -> Answer {
        let authorization = format!("Bearer {token}");
        let headers = [("authorization", authorization.as_str())];
        self.with_headers(&headers, method, path, body).await.expect("the answer got lost")
    }

    /// As the shop's server.
    pub async fn ask(&self, method: &str, path: &str, body: Value) -> Answer {
        self.ask_as(&self.server, method, path, body).await
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.ask("GET", path, Value::Null).await
    }

    pub async fn add(&self, data: Value) -> Answer {
        self.ask("POST", &format!("/v2/carts/{CART}/items"), json!({ "data": data })).await
    }

    /// Two pans, 30 dollars.
    pub async fn fill(&self) {
        let answer = self.add(json!({ "type": "cart_item", "id": PAN, "quantity": 2 })).await;
        assert_eq!(answer.status, 201, "{answer:?}");
    }

    pub async fn pay(&self, token: &str) -> Answer {
        self.ask("POST", &format!("/v2/carts/{CART}/payments"), payment(token)).await
    }

    pub async fn check_out(&self) -> Answer {
        self.ask("POST", &format!("/v2/carts/{CART}/checkout"), checkout()).await
    }

    /// A filled cart, paid with this token, checked out: the order's id.
    pub async fn ordered(&self, token: &str) -> String {
        self.fill().await;
        assert_eq!(self.pay(token).await.status, 201);
        self.check_out().await.id()
    }

    pub async fn confirm(&self, order: &str) -> Answer {
        self.ask("POST", &format!("/v2/orders/{order}/confirm"), json!({ "data": {} })).await
    }

    pub async fn order(&self, id: &str) -> Value {
        self.get(&format!("/v2/orders/{id}")).await.body["data"].clone()
    }

    /// The only payment there is.
    pub fn payment(&self) -> simulators::elastic_path::LedgerPayment {
        let [payment] = self.store.ledger().payments.try_into().unwrap();
        payment
    }
}

pub fn payment(token: &str) -> Value {
    json!({ "data": {
        "gateway": "elastic_path_payments_stripe",
        "method": "purchase",
        "options": {
            "automatic_payment_methods": { "enabled": true },
            "confirm": true,
            "confirmation_token": token,
            "return_url": "https://shop.example/return",
        },
    }})
}

pub fn address() -> Value {
    json!({
        "first_name": "Jane", "last_name": "Doe", "company_name": "", "line_1": "123 Main St",
        "line_2": "", "city": "Springfield", "county": "", "region": "IL", "postcode": "62701",
        "country": "US",
    })
}

pub fn checkout() -> Value {
    json!({ "data": {
        "customer": { "name": "Jane Doe", "email": "jane@example.com" },
        "billing_address": address(),
        "shipping_address": address(),
    }})
}

impl Answer {
    pub fn id(&self) -> String {
        self.body["data"]["id"].as_str().unwrap_or_else(|| panic!("{self:?}")).to_owned()
    }

    /// `400 Insufficient stock`.
    pub fn refusal(&self) -> String {
        let title = self.body["errors"][0]["title"].as_str().unwrap_or("-");
        format!("{} {title}", self.status)
    }

    pub fn intent(&self) -> &Value {
        &self.body["meta"]["payment_intent"]["payment_intent"]
    }

    pub fn total(&self) -> &Value {
        let meta = match self.body["meta"].get("display_price") {
            Some(_) => &self.body["meta"],
            None => &self.body["data"]["meta"],
        };
        &meta["display_price"]["with_tax"]["amount"]
    }
}
