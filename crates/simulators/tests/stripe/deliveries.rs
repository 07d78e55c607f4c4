//! Webhooks by event type, to several endpoints.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};
use simulators::stripe::{Options, ReleaseOrder, Stripe};

use crate::webhooks::{PAID, Shop};
use crate::world::{World, options};

/// What arrived where, in order.
#[derive(Clone, Default)]
struct Mailbox(Arc<Mutex<Vec<(String, Value)>>>);

impl Mailbox {
    fn kinds(&self) -> Vec<String> {
        let got = self.0.lock().unwrap();
        got.iter().map(|(_, event)| event["type"].as_str().unwrap().to_owned()).collect()
    }

    fn empty(&self) -> Vec<(String, Value)> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

/// A world whose webhooks land in a mailbox; `http://down.test` answers 500.
fn posted() -> (World, Mailbox) {
    posted_by(options())
}

fn posted_by(options: Options) -> (World, Mailbox) {
    let world = World { stripe: Stripe::new(options) };
    let mailbox = Mailbox::default();
    let got = mailbox.clone();
    world.stripe.deliver_with(Arc::new(move |request| {
        let host = request.uri().host().unwrap().to_owned();
        let answer = if host == "down.test" { 500 } else { 200 };
        let event = serde_json::from_slice(request.body()).unwrap();
        got.0.lock().unwrap().push((host, event));
        Box::pin(async move { Ok(answer) })
    }));
    (world, mailbox)
}

async fn endpoints(world: &World) -> Vec<String> {
    let list = world.get("/v1/webhook_endpoints", &[]).await.body;
    let oldest_first = list["data"].as_array().unwrap().iter().rev();
    oldest_first.map(|endpoint| endpoint["id"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn types_are_held_and_released_by_name() {
    let (world, mailbox) = posted();
    world.stripe.create_webhook_endpoint("http://shop.test/");
    let hold = json!({ "types": ["charge.*", "payment_intent.succeeded"] });
    assert_eq!(world.control("/_sim/webhooks/hold", hold).await.status, 200);
    world.pay("pm_card_visa").await;
    assert_eq!(world.stripe.deliver_pending().await, 1);
    assert_eq!(mailbox.kinds(), ["payment_intent.created"]);
    let release = json!({ "types": ["payment_intent.succeeded"] });
    world.control("/_sim/webhooks/release", release).await;
    assert_eq!(world.stripe.deliver_pending().await, 1);
    world.control("/_sim/webhooks/resume", json!({})).await;
    assert_eq!(world.stripe.deliver_pending().await, 2);
    assert_eq!(
        mailbox.kinds(),
        [
            "payment_intent.created",
            "payment_intent.succeeded",
            "charge.succeeded",
            "charge.updated"
        ]
    );
}

#[tokio::test]
async fn rules_and_what_waits_are_shown_and_the_newest_rule_counts() {
    let (world, _) = posted();
    world.stripe.create_webhook_endpoint("http://shop.test/");
    world.stripe.hold_webhooks_of(&["charge.*"]);
    world.stripe.drop_webhooks_of(&["charge.updated"]);
    world.stripe.delay_webhooks(&["payment_intent.created"], Duration::from_millis(1500));
    world.stripe.repeat_webhooks(&["charge.succeeded"], 2);
    world.pay("pm_card_visa").await;
    assert_eq!(world.stripe.deliver_pending().await, 1);
    let shown = world.get("/_sim/webhooks", &[]).await.body;
    assert_eq!(
        shown["rules"],
        json!([
            { "order": "hold", "types": ["charge.*"] },
            { "order": "drop", "types": ["charge.updated"] },
            { "order": "delay", "types": ["payment_intent.created"], "ms": 1500 },
            { "order": "repeat", "types": ["charge.succeeded"], "times": 2 },
        ])
    );
    let waiting: Vec<(&str, bool, bool)> = shown["waiting"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| {
            let flag = |name: &str| row[name].as_bool().unwrap();
            (row["type"].as_str().unwrap(), flag("held"), flag("repeat"))
        })
        .collect();
    assert_eq!(
        waiting,
        [
            ("charge.succeeded", true, false),
            ("charge.succeeded", true, true),
            ("payment_intent.created", false, false),
        ]
    );
    world.stripe.release_webhooks();
    assert_eq!(world.stripe.deliver_pending().await, 2);
    let rules = world.get("/_sim/webhooks", &[]).await.body["rules"].clone();
    assert_eq!(rules.as_array().unwrap().len(), 2, "a release ends holds and drops alone");
}

#[tokio::test]
async fn the_seed_shuffles_what_is_released() {
    let shuffled = async |seed: u64| {
        let (world, mailbox) = posted_by(Options { seed: Some(seed), ..options() });
        world.stripe.create_webhook_endpoint("http://shop.test/");
        world.stripe.hold_webhooks();
        world.pay("pm_card_visa").await;
        world.pay("pm_card_visa").await;
        let order = json!({ "order": "shuffle" });
        assert_eq!(world.control("/_sim/webhooks/release", order).await.status, 200);
        assert_eq!(world.stripe.deliver_pending().await, 8);
        mailbox.kinds()
    };
    let first = shuffled(1).await;
    assert_eq!(first, shuffled(1).await);
    assert_ne!(first, [PAID, PAID].concat());
    assert_ne!(first, shuffled(2).await);
    let (mut sorted, mut made) = (first, [PAID, PAID].concat());
    sorted.sort();
    made.sort();
    assert_eq!(sorted, made);
}

#[tokio::test]
async fn a_release_in_reverse_leaves_other_types_in_their_place() {
    let (world, mailbox) = posted();
    world.stripe.create_webhook_endpoint("http://shop.test/");
    world.stripe.hold_webhooks();
    world.pay("pm_card_visa").await;
    world.stripe.release_webhooks_of(&["payment_intent.*"], ReleaseOrder::Reverse);
    assert_eq!(world.stripe.deliver_pending().await, 2);
    world.stripe.release_webhooks();
    assert_eq!(world.stripe.deliver_pending().await, 2);
    assert_eq!(
        mailbox.kinds(),
        [
            "payment_intent.succeeded",
            "payment_intent.created",
            "charge.succeeded",
            "charge.updated"
        ]
    );
}

#[tokio::test]
async fn lost_types_stay_lost_and_the_events_can_be_found() {
    let (world, mailbox) = posted();
    world.stripe.create_webhook_endpoint("http://shop.test/");
    let order = json!({ "types": ["payment_intent.succeeded"] });
    world.control("/_sim/webhooks/drop", order.clone()).await;
    world.pay("pm_card_visa").await;
    world.control("/_sim/webhooks/resume", order).await;
    assert_eq!(world.stripe.deliver_pending().await, 3);
    assert!(!mailbox.kinds().contains(&"payment_intent.succeeded".into()));
    let lost = world.get("/v1/events", &[("delivery_success", "false")]).await.body;
    assert_eq!(lost["data"].as_array().unwrap().len(), 1);
    assert_eq!(lost["data"][0]["type"], "payment_intent.succeeded");
}

#[tokio::test]
async fn delayed_types_come_when_the_clock_says_so() {
    let (world, mailbox) = posted();
    world.stripe.create_webhook_endpoint("http://shop.test/");
    let order = json!({ "types": ["payment_intent.succeeded"], "ms": 60_000 });
    assert_eq!(world.control("/_sim/webhooks/delay", order).await.status, 200);
    world.pay("pm_card_visa").await;
    assert_eq!(world.stripe.deliver_pending().await, 3);
    world.stripe.advance(Duration::from_millis(59_999));
    assert_eq!(world.stripe.deliver_pending().await, 0);
    world.stripe.advance(Duration::from_millis(1));
    assert_eq!(world.stripe.deliver_pending().await, 1);
    assert_eq!(mailbox.kinds()[3], "payment_intent.succeeded");
    world.stripe.delay_webhooks(&["payment_intent.succeeded"], Duration::ZERO);
    world.pay("pm_card_visa").await;
    assert_eq!(world.stripe.deliver_pending().await, 4);
}

#[tokio::test]
async fn future_events_can_be_delivered_more_than_once() {
    let (world, mailbox) = posted();
    world.stripe.create_webhook_endpoint("http://shop.test/");
    world.stripe.create_webhook_endpoint("http://down.test/");
    let order = json!({ "types": ["payment_intent.succeeded"], "times": 3 });
    assert_eq!(world.control("/_sim/webhooks/repeat", order).await.status, 200);
    world.pay("pm_card_visa").await;
    assert_eq!(world.stripe.deliver_pending().await, 6 + 2 * 3);
    let got = mailbox.empty();
    let paid = got
        .iter()
        .filter(|(host, event)| host == "shop.test" && event["type"] == "payment_intent.succeeded");
    let ids: Vec<&Value> = paid.map(|(_, event)| &event["id"]).collect();
    assert_eq!(ids.len(), 3);
    assert!(ids.iter().all(|id| **id == *ids[0]));
    let event = world.get(&format!("/v1/events/{}", ids[0].as_str().unwrap()), &[]).await.body;
    assert_eq!(event["pending_webhooks"], 1, "the endpoint that is down counts once");
    world.stripe.advance(Duration::from_secs(1));
    assert_eq!(world.stripe.deliver_pending().await, 4, "repeats are not tried again");
}

#[tokio::test]
async fn a_served_simulator_delivers_repeats_side_by_side() {
    let stripe = Stripe::new(Options { start: None, ..options() });
    let (shop, url) = Shop::open().await;
    stripe.create_webhook_endpoint(&url);
    stripe.repeat_webhooks(&["*"], 4);
    let running = stripe.clone();
    let deliveries = tokio::spawn(async move { running.run_deliveries().await });
    World { stripe }.intent().await;
    let arrived = async {
        while shop.got().len() < 4 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), arrived).await.unwrap();
    assert_eq!(shop.kinds(), ["payment_intent.created"; 4]);
    deliveries.abort();
}

#[tokio::test]
async fn one_happening_may_get_a_second_event_of_its_own() {
    let (world, mailbox) = posted();
    world.stripe.create_webhook_endpoint("http://shop.test/");
    world.intent().await;
    world.stripe.deliver_pending().await;
    let first = world.stripe.events()[0].id.clone();
    let path = format!("/_sim/events/{first}/duplicate");
    let second = world.control(&path, json!({})).await.body["id"].clone();
    assert_ne!(second, first);
    world.stripe.deliver_pending().await;
    let got = mailbox.empty();
    assert_eq!((&got[0].1["id"], &got[1].1["id"]), (&json!(first), &second));
    for name in ["type", "data", "request", "created"] {
        assert_eq!(got[0].1[name], got[1].1[name], "{name}");
    }
    assert_eq!(world.get("/v1/events", &[]).await.body["data"].as_array().unwrap().len(), 2);
    assert_eq!(world.control("/_sim/events/evt_none/duplicate", json!({})).await.status, 404);
}

#[tokio::test]
async fn one_event_goes_to_one_endpoint_alone() {
    let (world, mailbox) = posted();
    world.stripe.create_webhook_endpoint("http://one.test/");
    world.stripe.create_webhook_endpoint("http://two.test/");
    let ids = endpoints(&world).await;
    world.intent().await;
    world.stripe.deliver_pending().await;
    mailbox.empty();
    let path = format!("/_sim/events/{}/send", world.stripe.events()[0].id);
    let answer = world.control(&path, json!({ "endpoint": ids[1] })).await;
    assert_eq!(answer.body, json!({ "answers": [200] }));
    let got = mailbox.empty();
    assert_eq!(got.len(), 1);
    assert_eq!(got[0].0, "two.test");
    assert_eq!(world.control(&path, json!({ "endpoint": "we_none" })).await.status, 404);
    let disable = format!("/v1/webhook_endpoints/{}", ids[1]);
    world.post(&disable, &[("disabled", "true")]).await;
    assert_eq!(world.control(&path, json!({ "endpoint": ids[1] })).await.status, 404);
}

#[tokio::test]
async fn pending_webhooks_count_down_with_every_endpoint_that_answers() {
    let (world, mailbox) = posted();
    for host in ["one", "two", "down"] {
        world.stripe.create_webhook_endpoint(&format!("http://{host}.test/"));
    }
    world.intent().await;
    let pending = async || {
        let events = world.get("/v1/events", &[]).await.body;
        events["data"][0]["pending_webhooks"].as_i64().unwrap()
    };
    assert_eq!(pending().await, 3);
    world.stripe.deliver_pending().await;
    let seen: Vec<i64> = mailbox
        .empty()
        .iter()
        .map(|(_, event)| event["pending_webhooks"].as_i64().unwrap())
        .collect();
    assert_eq!(seen, [3, 2, 1]);
    assert_eq!(pending().await, 1);
    let found = async |success: &str| {
        let found = world.get("/v1/events", &[("delivery_success", success)]).await.body;
        found["data"].as_array().unwrap().len()
    };
    assert_eq!((found("false").await, found("true").await), (1, 0));
    let ids = endpoints(&world).await;
    let up = format!("/v1/webhook_endpoints/{}", ids[2]);
    world.post(&up, &[("url", "http://up.test/")]).await;
    world.stripe.advance(Duration::from_secs(1));
    world.stripe.deliver_pending().await;
    assert_eq!((found("false").await, found("true").await), (0, 1));
}

#[tokio::test]
async fn an_endpoint_that_is_gone_or_disabled_gets_no_retry() {
    let (world, mailbox) = posted();
    for _ in 0..3 {
        world.stripe.create_webhook_endpoint("http://down.test/");
    }
    let ids = endpoints(&world).await;
    let path = |place: usize| format!("/v1/webhook_endpoints/{}", ids[place]);
    world.intent().await;
    world.stripe.deliver_pending().await;
    mailbox.empty();
    world.send("DELETE", &path(0), &[], &[]).await;
    world.post(&path(1), &[("disabled", "true")]).await;
    world.post(&path(2), &[("disabled", "true")]).await;
    // Enabled again before its retry, an endpoint gets it.
    world.post(&path(2), &[("disabled", "false")]).await;
    world.stripe.advance(Duration::from_secs(1));
    assert_eq!(world.stripe.deliver_pending().await, 1);
    world.post(&path(1), &[("disabled", "false"), ("url", "http://up.test/")]).await;
    world.post(&path(2), &[("url", "http://up.test/")]).await;
    world.stripe.advance(Duration::from_secs(3600));
    assert_eq!(world.stripe.deliver_pending().await, 1);
    let events = world.get("/v1/events", &[("delivery_success", "false")]).await.body;
    assert_eq!(events["data"][0]["pending_webhooks"], 2);
}

#[tokio::test]
async fn orders_about_no_type_are_refused() {
    let (world, _) = posted();
    for path in ["hold", "release", "drop", "resume", "delay", "repeat"] {
        for types in [json!([]), json!(["*.succeeded"]), json!([""])] {
            let mut order = json!({ "types": types });
            if path == "delay" {
                order["ms"] = 1.into();
            }
            let path = format!("/_sim/webhooks/{path}");
            assert_eq!(world.control(&path, order).await.status, 400, "{path}");
        }
    }
    let both = json!({ "types": ["*"], "event": "evt_1" });
    assert_eq!(world.control("/_sim/webhooks/repeat", both).await.status, 400);
    let never = json!({ "types": ["*"], "times": 0 });
    assert_eq!(world.control("/_sim/webhooks/repeat", never).await.status, 400);
}

#[test]
fn live_retries_double_and_end_within_three_days() {
    let delays = Options::live_retry_delays();
    assert!(delays.windows(2).all(|pair| pair[1] == pair[0] * 2));
    let whole: Duration = delays.iter().sum();
    let hours = whole.as_secs() / 3600;
    assert!((48..=72).contains(&hours), "{hours}");
}

#[tokio::test]
async fn a_reset_forgets_rules_and_deliveries_and_may_set_the_seed() {
    let (world, mailbox) = posted();
    world.stripe.create_webhook_endpoint("http://shop.test/");
    let run = async || {
        assert_eq!(world.control("/_sim/reset", json!({ "seed": 5 })).await.status, 200);
        let id = world.intent().await["id"].clone();
        world.stripe.hold_webhooks();
        id
    };
    let first = run().await;
    assert_eq!(first, run().await);
    assert_eq!(world.get("/_sim/webhooks", &[]).await.body["waiting"].as_array().unwrap().len(), 1);
    world.stripe.reset();
    let shown = world.get("/_sim/webhooks", &[]).await.body;
    assert_eq!(shown, json!({ "rules": [], "waiting": [] }));
    world.intent().await;
    assert_eq!(world.stripe.deliver_pending().await, 1);
    assert_eq!(mailbox.empty().len(), 1);
    assert_eq!(world.control("/_sim/seed", json!({ "seed": 5 })).await.status, 200);
    assert_eq!(world.intent().await["id"], first);
    // An endpoint made with the seed of one that stayed is another one all the same.
    world.stripe.seed(9);
    world.stripe.create_webhook_endpoint("http://one.test/");
    world.stripe.reset();
    world.stripe.seed(9);
    world.stripe.create_webhook_endpoint("http://two.test/");
    assert_eq!(endpoints(&world).await.len(), 3);
}
