//! Webhooks over real sockets.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use bytes::Bytes;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;

use crate::schema;
use crate::world::{SECRET, World, form};

/// A shop that writes down what it gets and answers as told, else 200.
#[derive(Clone, Default)]
pub struct Shop {
    got: Arc<Mutex<Vec<Got>>>,
    arrived: Arc<tokio::sync::Notify>,
    answers: Arc<Mutex<VecDeque<u16>>>,
}

#[derive(Clone)]
pub struct Got {
    pub signature: String,
    pub headers: HeaderMap,
    pub body: Bytes,
    pub event: Value,
}

async fn receive(State(shop): State<Shop>, headers: HeaderMap, body: Bytes) -> StatusCode {
    let event: Value = serde_json::from_slice(&body).unwrap();
    let signature = headers["stripe-signature"].to_str().unwrap().to_owned();
    shop.got.lock().unwrap().push(Got { signature, headers, body, event });
    shop.arrived.notify_one();
    let answer = shop.answers.lock().unwrap().pop_front().unwrap_or(200);
    StatusCode::from_u16(answer).unwrap()
}

impl Shop {
    /// Opens, and returns the URL for webhooks.
    pub async fn open() -> (Self, String) {
        let shop = Self::default();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/webhooks", listener.local_addr().unwrap());
        let router =
            Router::new().route("/webhooks", axum::routing::post(receive)).with_state(shop.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        (shop, url)
    }

    pub fn got(&self) -> Vec<Got> {
        self.got.lock().unwrap().clone()
    }

    pub fn kinds(&self) -> Vec<String> {
        let kind = |got: &Got| got.event["type"].as_str().unwrap().to_owned();
        self.got().iter().map(kind).collect()
    }

    pub fn answer(&self, statuses: &[u16]) {
        self.answers.lock().unwrap().extend(statuses);
    }
}

/// As a receiver does it: every `v1` against the secret.
pub fn verifies(got: &Got, secret: &str) -> bool {
    let part = |name: &str| -> Vec<String> {
        let pairs = got.signature.split(',').filter_map(|item| item.split_once('='));
        pairs.filter(|(key, _)| *key == name).map(|(_, value)| value.to_owned()).collect()
    };
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(part("t")[0].as_bytes());
    mac.update(b".");
    mac.update(&got.body);
    let expected = hex::encode(mac.finalize().into_bytes());
    part("v1").contains(&expected)
}

pub const PAID: [&str; 4] =
    ["payment_intent.created", "charge.succeeded", "payment_intent.succeeded", "charge.updated"];

#[tokio::test]
async fn every_event_is_delivered_signed_and_in_order() {
    let world = World::new();
    let (shop, url) = Shop::open().await;
    let secret = world.stripe.create_webhook_endpoint(&url);
    world.pay("pm_card_visa").await;
    assert_eq!(world.stripe.deliver_pending().await, 4);
    assert_eq!(shop.kinds(), PAID);
    for got in shop.got() {
        schema::check(&got.event);
        assert!(verifies(&got, &secret));
        assert!(!verifies(&got, "whsec_other"));
        assert!(got.signature.starts_with(&format!("t={},", world.stripe.now().as_second())));
        assert_eq!(got.headers["content-type"], "application/json; charset=utf-8");
        assert!(got.headers["user-agent"].to_str().unwrap().starts_with("Stripe/1.0"));
        assert!(got.body.starts_with(b"{\n  \""));
        assert_eq!(got.event["pending_webhooks"], 1);
    }
    let events = world.get("/v1/events", &[("delivery_success", "true")]).await.body;
    assert_eq!(events["data"].as_array().unwrap().len(), 4);
    assert_eq!(events["data"][0]["pending_webhooks"], 0);
}

#[tokio::test]
async fn a_failed_delivery_is_tried_again_with_pauses_until_the_tries_are_used_up() {
    let world = World::new();
    let (shop, url) = Shop::open().await;
    let secret = world.stripe.create_webhook_endpoint(&url);
    world.intent().await;
    shop.answer(&[500, 302]);
    assert_eq!(world.stripe.deliver_pending().await, 1);
    let undelivered = world.get("/v1/events", &[("delivery_success", "false")]).await.body;
    assert_eq!(undelivered["data"][0]["pending_webhooks"], 1);
    assert_eq!(world.stripe.deliver_pending().await, 0);
    world.stripe.advance(Duration::from_secs(1));
    assert_eq!(world.stripe.deliver_pending().await, 1);
    world.stripe.advance(Duration::from_secs(2));
    assert_eq!(world.stripe.deliver_pending().await, 1);
    assert!(shop.got().iter().all(|got| verifies(got, &secret)));
    assert_ne!(shop.got()[0].signature, shop.got()[2].signature);
    assert_eq!(shop.got()[0].event["id"], shop.got()[2].event["id"]);

    world.intent().await;
    shop.answer(&[500; 6]);
    for _ in 0..10 {
        world.stripe.deliver_pending().await;
        world.stripe.advance(Duration::from_secs(60));
    }
    assert_eq!(shop.got().len(), 3 + 6);
}

#[tokio::test]
async fn webhooks_can_be_held_reversed_dropped_and_repeated() {
    let world = World::new();
    let (shop, url) = Shop::open().await;
    world.stripe.create_webhook_endpoint(&url);
    world.stripe.hold_webhooks();
    let id = world.pay("pm_card_visa").await.id();
    assert_eq!(world.stripe.deliver_pending().await, 0);
    world.stripe.release_webhooks_reversed();
    world.stripe.deliver_pending().await;
    let mut reversed = PAID.to_vec();
    reversed.reverse();
    assert_eq!(shop.kinds(), reversed);

    let succeeded = world.stripe.events().into_iter().find(|event| {
        event.kind == "payment_intent.succeeded" && event.payment_intent == Some(id.clone())
    });
    let answers = world.stripe.repeat_event(&succeeded.unwrap().id, 5).await;
    assert_eq!(answers, vec![Ok(200); 5]);
    assert_eq!(shop.got().len(), 9);
    assert_eq!(world.stripe.repeat_all_reversed().await.len(), 4);
    assert_eq!(shop.kinds()[9..], reversed);

    world.stripe.drop_webhooks();
    world.pay("pm_card_visa").await;
    world.stripe.release_webhooks();
    assert_eq!(world.stripe.deliver_pending().await, 0);
    let lost = world.get("/v1/events", &[("delivery_success", "false")]).await.body;
    assert_eq!(lost["data"].as_array().unwrap().len(), 4);
}

#[tokio::test]
async fn endpoints_choose_their_events_and_show_their_secret_once() {
    let world = World::new();
    let (shop, url) = Shop::open().await;
    let fields = [
        ("url", url.as_str()),
        ("enabled_events[]", "payment_intent.succeeded"),
        ("enabled_events[]", "payment_intent.payment_failed"),
        ("description", "shop"),
    ];
    let made = world.post("/v1/webhook_endpoints", &fields).await;
    assert!(made.body["secret"].as_str().unwrap().starts_with("whsec_"));
    let path = format!("/v1/webhook_endpoints/{}", made.id());
    assert_eq!(world.get(&path, &[]).await.body.get("secret"), None);
    world.pay("pm_card_visa").await;
    world.stripe.deliver_pending().await;
    assert_eq!(shop.kinds(), ["payment_intent.succeeded"]);

    let updated = world.post(&path, &[("disabled", "true"), ("description", "")]).await;
    assert_eq!(updated.body["status"], "disabled");
    assert_eq!(updated.body["description"], Value::Null);
    world.pay("pm_card_visa").await;
    assert_eq!(world.stripe.deliver_pending().await, 0);
    let list = world.get("/v1/webhook_endpoints", &[]).await.body;
    assert_eq!(list["data"].as_array().unwrap().len(), 1);
    let gone = world.send("DELETE", &path, &[], &[]).await;
    assert_eq!(
        gone.body,
        json!({ "id": made.id(), "object": "webhook_endpoint", "deleted": true })
    );
    assert_eq!(world.get(&path, &[]).await.status, 404);
    let nowhere = [("url", "shop.test"), ("enabled_events[]", "*")];
    assert_eq!(world.post("/v1/webhook_endpoints", &nowhere).await.code(), "400 url_invalid");
}

#[tokio::test]
async fn a_rolled_secret_signs_beside_its_successor_for_a_day() {
    let world = World::new();
    let (shop, url) = Shop::open().await;
    let old = world.stripe.create_webhook_endpoint(&url);
    let list = world.get("/v1/webhook_endpoints", &[]).await.body;
    let id = list["data"][0]["id"].as_str().unwrap();
    let new = world.stripe.roll_webhook_secret(id).unwrap();
    world.intent().await;
    world.stripe.deliver_pending().await;
    assert!(verifies(&shop.got()[0], &old) && verifies(&shop.got()[0], &new));
    world.stripe.advance(Duration::from_secs(24 * 60 * 60));
    world.intent().await;
    world.stripe.deliver_pending().await;
    assert!(!verifies(&shop.got()[1], &old) && verifies(&shop.got()[1], &new));
}

#[tokio::test]
async fn a_courier_takes_webhooks_where_no_socket_is() {
    let world = World::new();
    world.stripe.create_webhook_endpoint("http://shop.test/webhooks");
    let seen = Arc::new(Mutex::new(Vec::new()));
    let notes = seen.clone();
    world.stripe.deliver_with(Arc::new(move |request| {
        notes.lock().unwrap().push(request.uri().to_string());
        Box::pin(async { Ok(200) })
    }));
    world.intent().await;
    assert_eq!(world.stripe.deliver_pending().await, 1);
    assert_eq!(*seen.lock().unwrap(), ["http://shop.test/webhooks"]);
}

#[tokio::test]
async fn a_served_simulator_delivers_by_itself_and_retries_on_the_systems_clock() {
    let options = simulators::stripe::Options {
        start: None,
        retry_delays: vec![Duration::from_millis(20); 3],
        ..crate::world::options()
    };
    let stripe = simulators::stripe::Stripe::new(options);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let server = stripe.clone();
    let serving = tokio::spawn(async move { server.serve(listener).await });
    let (shop, url) = Shop::open().await;
    stripe.create_webhook_endpoint(&url);
    shop.answer(&[503, 503]);
    let body = form(&[("amount", "2000"), ("currency", "eur")]);
    let _chosen_before = rustls::crypto::ring::default_provider().install_default();
    let created = reqwest::Client::new()
        .post(format!("{base}/v1/payment_intents"))
        .bearer_auth(SECRET)
        .header("content-type", "application/x-www-form-urlencoded")
        .body(body)
        .send()
        .await
        .unwrap();
    assert_eq!(created.status(), 200);
    let delivered = async {
        while shop.got().len() < 3 {
            shop.arrived.notified().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), delivered).await.unwrap();
    serving.abort();
}

#[tokio::test]
async fn an_endpoint_names_whole_types_and_no_more_metadata_than_others() {
    let world = World::new();
    let url = ("url", "http://shop.test/");
    for kind in ["charge.*", "*.succeeded", "charge"] {
        let fields = [url, ("enabled_events[]", kind)];
        assert_eq!(world.post("/v1/webhook_endpoints", &fields).await.status, 400, "{kind}");
    }
    let keys: Vec<String> = (0..51).map(|key| format!("metadata[{key}]")).collect();
    let mut fields = vec![url, ("enabled_events[]", "*")];
    fields.extend(keys.iter().map(|key| (key.as_str(), "x")));
    assert_eq!(world.post("/v1/webhook_endpoints", &fields).await.status, 400);
    fields.pop();
    let made = world.post("/v1/webhook_endpoints", &fields).await.id();
    let path = format!("/v1/webhook_endpoints/{made}");
    assert_eq!(world.post(&path, &[("metadata[one]", "more")]).await.status, 400);
}
