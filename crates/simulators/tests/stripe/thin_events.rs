//! API v2: event destinations and the thin events they get.

use std::time::Duration;

use axum::body::Body;
use serde_json::{Value, json};

use crate::webhooks::{PAID, Shop, verifies};
use crate::world::{Answer, PUBLISHABLE, SECRET, World};

const PATH: &str = "/v2/core/event_destinations";

async fn send(world: &World, method: &str, path: &str, body: Value, key: &str) -> Answer {
    let mut request = http::Request::builder()
        .method(method)
        .uri(path)
        .header("authorization", format!("Bearer {SECRET}"))
        .header("content-type", "application/json");
    if !key.is_empty() {
        request = request.header("idempotency-key", key);
    }
    let body = if body.is_null() { String::new() } else { body.to_string() };
    let response = world.raw(request.body(Body::from(body)).unwrap()).await;
    let status = response.status().as_u16();
    let headers = response.headers().clone();
    let bytes = http_body_util::BodyExt::collect(response.into_body()).await.unwrap().to_bytes();
    Answer { status, headers, body: serde_json::from_slice(&bytes).unwrap() }
}

async fn post(world: &World, path: &str, body: Value) -> Answer {
    send(world, "POST", path, body, "").await
}

fn thin(url: &str) -> Value {
    json!({
        "name": "shop",
        "type": "webhook_endpoint",
        "event_payload": "thin",
        "enabled_events": ["v1.payment_intent.created", "v1.payment_intent.succeeded"],
        "webhook_endpoint": { "url": url },
        "include": ["webhook_endpoint.signing_secret", "webhook_endpoint.url"],
        "metadata": { "a": "1" },
    })
}

#[tokio::test]
async fn a_destination_shows_its_secret_once_and_its_url_when_asked() {
    let world = World::new();
    let made = post(&world, PATH, thin("https://shop.test/v2")).await;
    assert_eq!(made.status, 200, "{:#}", made.body);
    let secret = made.body["webhook_endpoint"]["signing_secret"].as_str().unwrap();
    assert!(secret.starts_with("whsec_"));
    assert!(made.id().starts_with("ed_test_"));
    let path = format!("{PATH}/{}", made.id());
    let plain = world.get(&path, &[]).await.body;
    assert_eq!(
        plain,
        json!({
            "id": made.id(),
            "object": "v2.core.event_destination",
            "created": "2026-11-21T12:00:00.000Z",
            "description": "",
            "enabled_events": ["v1.payment_intent.created", "v1.payment_intent.succeeded"],
            "event_payload": "thin",
            "events_from": ["@self"],
            "livemode": false,
            "metadata": { "a": "1" },
            "name": "shop",
            "snapshot_api_version": null,
            "status": "enabled",
            "status_details": null,
            "type": "webhook_endpoint",
            "updated": "2026-11-21T12:00:00.000Z",
            "webhook_endpoint": { "signing_secret": null, "url": null },
        })
    );
    let with_url = world.get(&path, &[("include", "webhook_endpoint.url")]).await.body;
    assert_eq!(with_url["webhook_endpoint"]["url"], "https://shop.test/v2");
    let secret = [("include[0]", "webhook_endpoint.signing_secret")];
    assert_eq!(world.get(&path, &secret).await.status, 400);
    let list = world.get(PATH, &[]).await.body;
    assert_eq!(list, json!({ "data": [plain], "next_page_url": null, "previous_page_url": null }));
}

#[tokio::test]
async fn thin_events_are_delivered_signed_and_name_their_snapshot() {
    let world = World::new();
    let (shop, url) = Shop::open().await;
    let made = post(&world, PATH, thin(&url)).await.body;
    let secret = made["webhook_endpoint"]["signing_secret"].as_str().unwrap();
    let id = world.pay("pm_card_visa").await.id();
    assert_eq!(world.stripe.deliver_pending().await, 2);
    assert_eq!(shop.kinds(), ["v1.payment_intent.created", "v1.payment_intent.succeeded"]);
    let got = shop.got()[1].clone();
    assert!(verifies(&got, secret) && !verifies(&got, "whsec_other"));
    let snapshot = world.stripe.events().into_iter().find(|event| event.kind == PAID[2]).unwrap();
    assert_eq!(got.event["snapshot_event"], snapshot.id);
    assert_eq!(
        got.event["related_object"],
        json!({ "id": id, "type": "payment_intent", "url": format!("/v1/payment_intents/{id}") })
    );
    assert_eq!(got.event["object"], "v2.core.event");
    assert_eq!(got.event["created"], "2026-11-21T12:00:00.000Z");
    assert_eq!(got.event["reason"]["type"], "request");
    assert!(got.event["reason"]["request"]["id"].as_str().unwrap().starts_with("req_"));
    assert!(got.event.get("data").is_none());
    let related = got.event["related_object"]["url"].as_str().unwrap();
    assert_eq!(world.get(related, &[]).await.body["status"], "succeeded");
    let path = format!("/v2/core/events/{}", got.event["id"].as_str().unwrap());
    let mut fetched = world.get(&path, &[]).await.body;
    assert_eq!(fetched.as_object_mut().unwrap().remove("changes"), Some(Value::Null));
    assert_eq!(fetched, got.event);
}

#[tokio::test]
async fn thin_deliveries_are_retried_and_ordered_by_their_own_names() {
    let world = World::new();
    let (shop, url) = Shop::open().await;
    post(&world, PATH, thin(&url)).await;
    world.stripe.create_webhook_endpoint(&url);
    world.stripe.hold_webhooks_of(&["v1.*"]);
    world.intent().await;
    assert_eq!(world.stripe.deliver_pending().await, 1);
    assert_eq!(shop.kinds(), ["payment_intent.created"]);
    world.stripe.release_webhooks();
    shop.answer(&[500]);
    assert_eq!(world.stripe.deliver_pending().await, 1);
    world.stripe.advance(Duration::from_secs(1));
    assert_eq!(world.stripe.deliver_pending().await, 1);
    assert_eq!(shop.got()[1].event, shop.got()[2].event);
}

#[tokio::test]
async fn a_destination_may_get_snapshots() {
    let world = World::new();
    let (shop, url) = Shop::open().await;
    let mut order = thin(&url);
    order["event_payload"] = "snapshot".into();
    order["enabled_events"] = json!(["payment_intent.succeeded"]);
    order["snapshot_api_version"] = "2026-10-28.endive".into();
    let made = post(&world, PATH, order).await;
    assert_eq!(made.body["snapshot_api_version"], "2026-10-28.endive");
    world.pay("pm_card_visa").await;
    assert_eq!(world.stripe.deliver_pending().await, 1);
    crate::schema::check(&shop.got()[0].event);
    assert_eq!(shop.got()[0].event["pending_webhooks"], 1);
}

#[tokio::test]
async fn a_destination_is_changed_disabled_enabled_and_deleted() {
    let world = World::new();
    let (shop, url) = Shop::open().await;
    let made = post(&world, PATH, thin(&url)).await;
    let path = format!("{PATH}/{}", made.id());
    world.stripe.advance(Duration::from_millis(1500));
    let disabled = post(&world, &format!("{path}/disable"), Value::Null).await.body;
    assert_eq!(disabled["status"], "disabled");
    assert_eq!(disabled["status_details"]["disabled"]["reason"], "user");
    assert_eq!(disabled["updated"], "2026-11-21T12:00:01.500Z");
    world.intent().await;
    assert_eq!(world.stripe.deliver_pending().await, 0);
    let enabled = post(&world, &format!("{path}/enable"), json!({})).await.body;
    assert_eq!((&enabled["status"], &enabled["status_details"]), (&json!("enabled"), &Value::Null));
    let change = json!({ "name": "new", "description": "d", "metadata": { "a": null, "b": "2" } });
    let changed = post(&world, &path, change).await.body;
    assert_eq!((&changed["name"], &changed["description"]), (&json!("new"), &json!("d")));
    assert_eq!(changed["metadata"], json!({ "b": "2" }));
    let ping = post(&world, &format!("{path}/ping"), Value::Null).await.body;
    assert_eq!(ping["related_object"]["id"], made.id());
    assert_eq!(world.stripe.deliver_pending().await, 1);
    assert_eq!(shop.kinds(), ["v2.core.event_destination.ping"]);
    let gone = send(&world, "DELETE", &path, Value::Null, "").await;
    assert_eq!(gone.body, json!({ "id": made.id(), "object": "v2.core.event_destination" }));
    let missing = world.get(&path, &[]).await;
    assert_eq!(missing.code(), "404 not_found");
}

#[tokio::test]
async fn events_are_listed_by_object_type_and_page() {
    let world = World::new();
    let paid = world.pay("pm_card_visa").await.id();
    world.intent().await;
    let ids = async |fields: &[(&str, &str)]| {
        let list = world.get("/v2/core/events", fields).await.body;
        let kinds = list["data"].as_array().unwrap().iter();
        kinds.map(|event| event["type"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let of_intent = ids(&[("object_id", &paid)]).await;
    assert_eq!(of_intent, ["v1.payment_intent.succeeded", "v1.payment_intent.created"]);
    let created = "v1.payment_intent.created";
    assert_eq!(ids(&[("types[0]", created)]).await, [created; 2]);
    assert_eq!(ids(&[("types", created), ("object_id", &paid)]).await, [created]);
    assert!(ids(&[("created[gt]", "2026-11-21T12:00:00Z")]).await.is_empty());
    assert_eq!(ids(&[("created[lte]", "2026-11-21T12:00:00Z")]).await.len(), 5);

    let mut url = "/v2/core/events?limit=2&types[0]=v1.payment_intent.created&types[1]=v1.charge\
                   .succeeded"
        .to_owned();
    let mut pages = Vec::new();
    loop {
        let page = world.get(&url, &[]).await.body;
        pages.push(page["data"].as_array().unwrap().len());
        let Some(next) = page["next_page_url"].as_str() else {
            let previous = world.get(page["previous_page_url"].as_str().unwrap(), &[]).await.body;
            assert_eq!(previous["data"].as_array().unwrap().len(), 2);
            assert_eq!(previous["previous_page_url"], Value::Null);
            break;
        };
        url = next.to_owned();
    }
    assert_eq!(pages, [2, 1]);
    assert_eq!(world.get("/v2/core/events", &[("page", "2")]).await.code(), "400 invalid_fields");
    world.stripe.advance(Duration::from_secs(30 * 24 * 60 * 60));
    assert!(ids(&[]).await.is_empty());
}

#[tokio::test]
async fn requests_that_v2_does_not_take_are_refused_in_its_own_form() {
    let world = World::new();
    let good = thin("https://shop.test/v2");
    let with = |name: &str, value: Value| {
        let mut order = good.clone();
        order[name] = value;
        order
    };
    for wrong in [
        with("name", Value::Null),
        with("name", json!(5)),
        with("type", json!("pigeon")),
        with("type", json!("amazon_eventbridge")),
        with("event_payload", json!("thick")),
        with("enabled_events", json!([])),
        with("enabled_events", json!(["payment_intent.succeeded"])),
        with("webhook_endpoint", json!({ "url": "shop.test" })),
        with("snapshot_api_version", json!("2026-10-28.endive")),
        with("events_from", json!(["@accounts"])),
        with("colour", json!("red")),
        json!([]),
    ] {
        let refused = post(&world, PATH, wrong).await;
        assert_eq!(refused.code(), "400 invalid_fields");
        assert!(refused.body["error"].get("param").is_none());
    }
    assert_eq!(world.post(PATH, &[("name", "shop")]).await.status, 400, "a form is no JSON");
    let authorization = format!("Bearer {PUBLISHABLE}");
    let browser = [("authorization", authorization.as_str())];
    assert_eq!(world.send("GET", PATH, &[], &browser).await.status, 401);
    assert_eq!(world.get("/v2/core/nothing", &[]).await.code(), "404 not_found");
    assert_eq!(world.get("/v2/core/events/evt_none", &[]).await.code(), "404 not_found");
    assert_eq!(world.get(PATH, &[]).await.body["data"], json!([]));
}

#[tokio::test]
async fn a_key_of_v2_keeps_successes_alone_for_thirty_days() {
    let world = World::new();
    let good = thin("https://shop.test/v2");
    let mut wrong = good.clone();
    wrong["type"] = "pigeon".into();
    assert_eq!(send(&world, "POST", PATH, wrong.clone(), "k").await.status, 400);
    let first = send(&world, "POST", PATH, good.clone(), "k").await;
    assert_eq!(first.status, 200);
    world.stripe.advance(Duration::from_secs(29 * 24 * 60 * 60));
    let second = send(&world, "POST", PATH, good.clone(), "k").await;
    assert_eq!(second.body, first.body);
    assert_eq!(second.header("idempotent-replayed"), Some("true"));
    assert_eq!(send(&world, "POST", PATH, wrong, "k").await.code(), "409 idempotency_error");
    let path = format!("{PATH}/{}", first.id());
    let gone = send(&world, "DELETE", &path, Value::Null, "d").await;
    let again = send(&world, "DELETE", &path, Value::Null, "d").await;
    assert_eq!((gone.status, again.status), (200, 200));
    world.stripe.advance(Duration::from_secs(30 * 24 * 60 * 60));
    assert_ne!(send(&world, "POST", PATH, good, "k").await.id(), first.id());
}
