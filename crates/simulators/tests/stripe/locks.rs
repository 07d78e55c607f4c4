//! Objects that a slow request works on are locked for the others.

use std::time::Duration;

use simulators::stripe::{Fault, FaultKind, Options, Stripe};
use tokio::time::{Instant, sleep};

use crate::world::{Answer, INTENT, World, options};

fn slow(world: &World, path: &str, ms: u64) {
    let kind = FaultKind::Slow(Duration::from_millis(ms));
    world.stripe.inject(Fault::once(path, kind));
}

async fn after(ms: u64, call: impl Future<Output = Answer>) -> Answer {
    sleep(Duration::from_millis(ms)).await;
    call.await
}

async fn intent(world: &World) -> String {
    format!("/v1/payment_intents/{}", world.intent().await["id"].as_str().unwrap())
}

#[tokio::test(start_paused = true)]
async fn a_request_waits_while_another_works_on_its_object() {
    let world = World::new();
    let path = intent(&world).await;
    slow(&world, "/v1/payment_intents/{}/confirm", 1500);
    let confirm = format!("{path}/confirm");
    let start = Instant::now();
    let paying = world.post(&confirm, &[("payment_method", "pm_card_visa")]);
    let cancel = format!("{path}/cancel");
    let (paid, late) = tokio::join!(paying, after(100, world.post(&cancel, &[])));
    assert_eq!(paid.body["status"], "succeeded");
    assert_eq!(late.code(), "400 payment_intent_unexpected_state");
    assert_eq!(start.elapsed().as_millis() / 100, 15);
}

#[tokio::test(start_paused = true)]
async fn a_request_that_waits_too_long_is_refused_and_leaves_its_key_free() {
    let options = Options { lock_wait: Duration::from_millis(300), ..options() };
    let world = World { stripe: Stripe::new(options) };
    let path = intent(&world).await;
    slow(&world, &path, 1000);
    let start = Instant::now();
    let key = [("idempotency-key", "k")];
    let update = || world.send("POST", &path, &[("description", "b")], &key);
    let (first, (second, waited)) =
        tokio::join!(world.post(&path, &[("description", "a")]), async {
            (after(100, update()).await, start.elapsed().as_millis())
        });
    assert_eq!(first.body["description"], "a");
    assert_eq!(second.code(), "429 lock_timeout");
    assert_eq!(second.header("stripe-rate-limited-reason"), None);
    assert_eq!(second.header("stripe-should-retry"), Some("true"));
    assert_eq!(waited / 10, 40);
    let again = update().await;
    assert_eq!(again.body["description"], "b");
    assert_eq!(again.header("idempotent-replayed"), None);
}

#[tokio::test(start_paused = true)]
async fn who_waits_longest_is_next() {
    let world = World::new();
    let path = intent(&world).await;
    slow(&world, &path, 1000);
    // How many updates an answer shows is the place at which its own was carried out.
    let update = async |at: u64, name: &'static str| {
        let answer = after(at, world.post(&path, &[(name, "done")])).await;
        let metadata = answer.body["metadata"].as_object().unwrap().clone();
        metadata.values().filter(|value| **value == "done").count()
    };
    let places = tokio::join!(
        update(0, "metadata[a]"),
        update(30, "metadata[b]"),
        update(20, "metadata[c]"),
        update(40, "metadata[d]")
    );
    assert_eq!(places, (1, 3, 2, 4));
}

#[tokio::test(start_paused = true)]
async fn slow_requests_on_one_object_run_one_after_the_other() {
    let world = World::new();
    let path = intent(&world).await;
    slow(&world, &path, 700);
    slow(&world, &path, 700);
    let start = Instant::now();
    let update = || world.post(&path, &[("description", "a")]);
    let (one, two) = tokio::join!(update(), update());
    assert_eq!((one.status, two.status), (200, 200));
    assert_eq!(start.elapsed().as_millis() / 100, 14);
}

#[tokio::test(start_paused = true)]
async fn reads_creations_and_other_objects_do_not_wait() {
    let world = World::new();
    let (path, other) = (intent(&world).await, intent(&world).await);
    slow(&world, &path, 1000);
    let start = Instant::now();
    let changing = world.post(&path, &[("description", "a")]);
    let others = async {
        sleep(Duration::from_millis(10)).await;
        let statuses = [
            world.get(&path, &[]).await.status,
            world.post("/v1/payment_intents", &INTENT).await.status,
            world.post(&other, &[("description", "b")]).await.status,
        ];
        (statuses, start.elapsed().as_millis())
    };
    let (changed, (statuses, took)) = tokio::join!(changing, others);
    assert_eq!((changed.status, statuses), (200, [200; 3]));
    assert!(took < 100, "{took}");
}

#[tokio::test(start_paused = true)]
async fn a_key_that_waits_for_a_lock_is_in_use() {
    let world = World::new();
    let path = intent(&world).await;
    slow(&world, &path, 1000);
    let update = || {
        let key = [("idempotency-key", "k")];
        let (world, path) = (&world, &path);
        async move { world.send("POST", path, &[("description", "b")], &key).await }
    };
    let (_, waiting, repeated) = tokio::join!(
        world.post(&path, &[("description", "a")]),
        after(10, update()),
        after(20, update())
    );
    assert_eq!(waiting.body["description"], "b");
    assert_eq!(repeated.code(), "409 idempotency_key_in_use");
}

#[tokio::test(start_paused = true)]
async fn a_caller_who_hangs_up_in_the_queue_does_not_keep_the_lock() {
    let world = World::new();
    let path = intent(&world).await;
    slow(&world, &path, 1000);
    let hangs_up = async {
        sleep(Duration::from_millis(10)).await;
        let call = world.post(&path, &[("description", "b")]);
        tokio::time::timeout(Duration::from_millis(10), call).await.is_err()
    };
    let (_, hung_up) = tokio::join!(world.post(&path, &[("description", "a")]), hangs_up);
    assert!(hung_up);
    sleep(Duration::from_millis(10)).await;
    assert_eq!(world.get(&path, &[]).await.body["description"], "b");
    assert_eq!(world.post(&path, &[("description", "c")]).await.body["description"], "c");
}

#[tokio::test(start_paused = true)]
async fn refunds_of_one_payment_wait_for_each_other() {
    let world = World::new();
    let paid = world.pay("pm_card_visa").await;
    let (intent, charge) = (paid.id(), paid.body["latest_charge"].as_str().unwrap().to_owned());
    slow(&world, "/v1/refunds", 3000);
    let by_intent = [("payment_intent", intent.as_str()), ("amount", "1500")];
    let by_charge = [("charge", charge.as_str()), ("amount", "500")];
    let (first, second) = tokio::join!(
        world.post("/v1/refunds", &by_intent),
        after(100, world.post("/v1/refunds", &by_charge))
    );
    assert_eq!((first.status, second.code()), (200, "429 lock_timeout".into()));
}

#[tokio::test(start_paused = true)]
async fn a_request_of_the_time_before_a_reset_has_no_effect_after_it() {
    let world = World::new();
    slow(&world, "/v1/payment_intents", 1000);
    let request = crate::world::request("POST", "/v1/payment_intents", &INTENT, &[]);
    let reset = async {
        sleep(Duration::from_millis(100)).await;
        world.stripe.reset();
    };
    let (response, ()) = tokio::join!(world.raw(request), reset);
    assert!(response.extensions().get::<simulators::stripe::ConnectionLost>().is_some());
    assert!(world.stripe.ledger().is_empty());
}
