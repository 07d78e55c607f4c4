//! Random walks through the API and the control API: whatever is asked for in whatever order, the
//! books stay right ([`books`]).
//!
//! A walk follows from its seed. `WALK_SEED=17 cargo test -p simulators --test stripe walk` repeats
//! one walk; a walk that fails says which and shows its steps.

mod books;

use axum::Router;
use http_body_util::BodyExt;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::{Value, json};
use simulators::stripe::{ConnectionLost, Options, Stripe};
use tower::ServiceExt;

use crate::world::{options, request};
use books::Books;

const METHODS: &[&str] = &[
    "pm_card_visa",
    "pm_card_visa",
    "pm_card_visa",
    "pm_card_visa_chargeDeclined",
    "pm_card_chargeCustomerFail",
    "pm_card_threeDSecure2Required",
    "pm_card_authenticationRequired",
    "pm_card_authenticationRequiredChargeDeclinedInsufficientFunds",
    "pm_card_createDispute",
    "pm_card_createDisputeInquiry",
    "pm_card_createMultipleDisputes",
    "pm_card_createIssuerFraudRecord",
    "pm_card_pendingRefund",
    "pm_card_refundFail",
    "pm_card_radarBlock",
    "pm_sepaDebit_success_de",
    "pm_sepaDebit_failed_de",
    "pm_sepaDebit_successDelayed_de",
    "pm_sepaDebit_disputed_de",
];

type Fields = Vec<(&'static str, String)>;

struct Walk {
    router: Router,
    rng: ChaCha8Rng,
    seed: u64,
    steps: Vec<String>,
    keys: u32,
    books: Books,
    /// Whether the clock has moved since the last look.
    jumped: bool,
    customers: Vec<String>,
    /// Methods that are saved or may be.
    methods: Vec<String>,
}

/// An answer that arrived whole.
#[derive(Debug, PartialEq)]
struct Answer {
    status: u16,
    body: Value,
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

fn walk(seeds: std::ops::Range<u64>, steps: u32) {
    let repeated = std::env::var("WALK_SEED").ok().map(|seed| seed.parse::<u64>().unwrap());
    let seeds = seeds.filter(|seed| repeated.is_none_or(|only| only == *seed));
    runtime().block_on(async {
        for seed in seeds {
            Walk::new(seed).run(steps).await;
        }
    });
}

#[test]
fn the_books_are_right_after_every_step_of_many_short_walks() {
    walk(0..200, 10);
}

#[test]
fn the_books_are_right_after_every_step_of_some_long_walks() {
    walk(500..510, 30);
}

#[test]
fn the_same_walk_again_makes_the_same_ids_bodies_and_events() {
    runtime().block_on(async {
        for seed in 1000..1003 {
            let mut first = Walk::new(seed);
            let mut second = Walk::new(seed);
            let states = [first.run(25).await, second.run(25).await];
            assert!(states[0] == states[1], "seed {seed} made two states");
            assert_eq!(first.steps, second.steps);
        }
    });
}

impl Walk {
    fn new(seed: u64) -> Self {
        let stripe = Stripe::new(Options { seed: Some(seed), ..options() });
        stripe.create_webhook_endpoint("http://127.0.0.1:9/");
        Self {
            router: stripe.router(),
            rng: ChaCha8Rng::seed_from_u64(seed),
            seed,
            steps: Vec::new(),
            keys: 0,
            books: Books::default(),
            jumped: false,
            customers: Vec::new(),
            methods: Vec::new(),
        }
    }

    /// Returns all there is in the end.
    async fn run(&mut self, steps: u32) -> Value {
        for _ in 0..steps {
            let done = self.steps.len();
            self.step().await;
            if self.steps.len() > done {
                self.audit().await;
            }
        }
        self.order("DELETE", "/_sim/faults", Value::Null).await;
        self.audit_pages().await;
        self.audit_references().await;
        self.order("GET", "/_sim/state", Value::Null).await.body
    }

    fn fail(&self, why: &str) -> ! {
        let steps = self.steps.join("\n  ");
        panic!("WALK_SEED={}: {why}\nThe steps were\n  {steps}", self.seed);
    }

    fn below(&mut self, end: usize) -> usize {
        self.rng.random_range(0..end)
    }

    fn chance(&mut self, percent: u32) -> bool {
        self.rng.random_range(0..100) < percent
    }

    fn pick(&mut self, from: &[String]) -> Option<String> {
        if from.is_empty() { None } else { Some(from[self.below(from.len())].clone()) }
    }

    fn intent(&mut self) -> Option<String> {
        let ids = self.books.ids("payment_intent");
        self.pick(&ids)
    }

    async fn step(&mut self) {
        match self.below(100) {
            0..22 => self.create().await,
            22..36 => self.confirm().await,
            36..42 => self.update().await,
            42..46 => self.cancel().await,
            46..54 => self.capture().await,
            54..66 => self.refund().await,
            66..76 => self.bank().await,
            76..84 => self.dispute().await,
            84..88 => self.customer().await,
            88..93 => self.fault().await,
            _ => self.clock().await,
        }
    }

    async fn create(&mut self) {
        let amount = self.rng.random_range(40..5000).to_string();
        let mut fields: Fields = vec![
            ("amount", amount),
            ("currency", "eur".into()),
            ("automatic_payment_methods[enabled]", "true".into()),
            ("automatic_payment_methods[allow_redirects]", "never".into()),
            ("metadata[order]", "1".into()),
        ];
        if self.chance(30) {
            fields.push(("capture_method", "manual".into()));
        } else if self.chance(30) {
            fields.push(("capture_method", "automatic".into()));
        }
        if self.chance(15) {
            fields.push(("confirmation_method", "manual".into()));
        }
        if self.chance(30)
            && let Some(customer) = self.pick(&self.customers.clone())
        {
            fields.push(("customer", customer));
            if self.chance(50) {
                fields.push(("setup_future_usage", "off_session".into()));
            }
        }
        if self.chance(70) {
            fields.push(("confirm", "true".into()));
            self.how_to_pay(&mut fields).await;
        } else if self.chance(50) {
            fields.push(("payment_method", self.method()));
        }
        self.post("/v1/payment_intents".into(), fields).await;
    }

    fn method(&mut self) -> String {
        match self.chance(20) {
            true => self.pick(&self.methods.clone()).unwrap_or_else(|| METHODS[0].into()),
            false => METHODS[self.below(METHODS.len())].into(),
        }
    }

    /// A method or a confirmation token.
    async fn how_to_pay(&mut self, fields: &mut Fields) {
        let method = self.method();
        if self.chance(15) {
            let token = vec![("payment_method", method)];
            let made = self.post("/v1/test_helpers/confirmation_tokens".into(), token).await;
            let id = made.map(|answer| answer.body["id"].as_str().unwrap_or_default().to_owned());
            fields.push(("confirmation_token", id.unwrap_or_else(|| "ctoken_lost".into())));
        } else {
            fields.push(("payment_method", method));
        }
        if self.chance(10) {
            fields.push(("error_on_requires_action", "true".into()));
        }
        if self.chance(10) {
            fields.push(("off_session", "true".into()));
        }
    }

    async fn confirm(&mut self) {
        let Some(id) = self.intent() else { return };
        let mut fields = Vec::new();
        if self.chance(70) {
            self.how_to_pay(&mut fields).await;
        }
        self.post(format!("/v1/payment_intents/{id}/confirm"), fields).await;
    }

    async fn update(&mut self) {
        let Some(id) = self.intent() else { return };
        let amount = self.rng.random_range(40..5000).to_string();
        let fields = match self.below(3) {
            0 => vec![("amount", amount)],
            1 => vec![("payment_method", self.method())],
            _ => vec![("metadata[note]", amount)],
        };
        self.post(format!("/v1/payment_intents/{id}"), fields).await;
    }

    async fn cancel(&mut self) {
        let Some(id) = self.intent() else { return };
        match self.chance(70) {
            true => {
                self.post(format!("/v1/payment_intents/{id}/cancel"), vec![]).await;
            }
            false => {
                self.tell(format!("/_sim/payment_intents/{id}/cancel"), json!({})).await;
            }
        }
    }

    async fn capture(&mut self) {
        let held = self.books.in_status("payment_intent", "requires_capture");
        let Some(id) = self.pick(&held).or_else(|| self.intent()) else { return };
        let amount = self.rng.random_range(1..5000).to_string();
        let fields = if self.chance(50) { vec![("amount_to_capture", amount)] } else { vec![] };
        self.post(format!("/v1/payment_intents/{id}/capture"), fields).await;
    }

    async fn refund(&mut self) {
        let course =
            ["succeeds", "pending", "fails_later", "insufficient_funds", "requires_action"];
        let (paid, refunds) =
            (self.books.in_status("payment_intent", "succeeded"), self.books.ids("refund"));
        let amount = self.rng.random_range(1..3000);
        match self.below(10) {
            0 => {
                let outcome = course[self.below(course.len())];
                self.tell("/_sim/refunds/next".into(), json!({ "outcome": outcome })).await;
            }
            1..4 => {
                let Some(id) = self.pick(&refunds) else { return };
                let outcome = ["succeeded", "failed", "canceled"][self.below(3)];
                let path = format!("/_sim/refunds/{id}/settle");
                self.tell(path, json!({ "outcome": outcome })).await;
            }
            4 => {
                let Some(id) = self.pick(&refunds) else { return };
                self.post(format!("/v1/refunds/{id}/cancel"), vec![]).await;
            }
            5 => {
                let Some(id) = self.pick(&paid).or_else(|| self.intent()) else { return };
                let path = format!("/_sim/payment_intents/{id}/refund");
                self.tell(path, json!({ "amount": amount })).await;
            }
            _ => {
                let Some(id) = self.pick(&paid).or_else(|| self.intent()) else { return };
                let mut fields = vec![("payment_intent", id)];
                if self.chance(70) {
                    fields.push(("amount", amount.to_string()));
                }
                self.post("/v1/refunds".into(), fields).await;
            }
        }
    }

    /// What a holder or a bank does to a payment.
    async fn bank(&mut self) {
        let Some(id) = self.intent() else { return };
        let waiting = self.books.in_status("payment_intent", "requires_action");
        let asked = self.pick(&waiting).unwrap_or_else(|| id.clone());
        let outcome = ["succeeded", "failed"][self.below(2)];
        let (id, order, body) = match self.below(5) {
            0 => (id, "settle", json!({ "outcome": outcome })),
            1 => (asked, "expire_authentication", json!({})),
            _ => (asked, "authenticate", json!({ "outcome": outcome })),
        };
        self.tell(format!("/_sim/payment_intents/{id}/{order}"), body).await;
    }

    async fn dispute(&mut self) {
        let disputes = self.books.ids("dispute");
        let paid = self.books.in_status("payment_intent", "succeeded");
        let amount = self.rng.random_range(1..3000);
        let known = self.pick(&disputes);
        match (self.below(8), known) {
            (0, Some(id)) => {
                self.post(format!("/v1/disputes/{id}/close"), vec![]).await;
            }
            (1, Some(id)) => {
                self.tell(format!("/_sim/disputes/{id}/escalate"), json!({})).await;
            }
            (2..4, Some(id)) => {
                let texts = ["winning_evidence", "losing_evidence", "a letter"];
                let text = texts[self.below(texts.len())].to_owned();
                let fields = vec![("evidence[uncategorized_text]", text)];
                self.post(format!("/v1/disputes/{id}"), fields).await;
            }
            (4..6, Some(id)) => {
                let outcome = ["won", "lost", "warning_closed", "prevented"][self.below(4)];
                let path = format!("/_sim/disputes/{id}/decide");
                self.tell(path, json!({ "outcome": outcome })).await;
            }
            _ => {
                let Some(id) = self.pick(&paid) else { return };
                let order = match self.below(3) {
                    0 => json!({}),
                    1 => json!({ "amount": amount }),
                    _ => json!({ "amount": amount, "inquiry": true }),
                };
                self.tell(format!("/_sim/payment_intents/{id}/dispute"), order).await;
            }
        }
    }

    async fn customer(&mut self) {
        if self.chance(15)
            && let Some(id) = self.pick(&self.customers.clone())
        {
            self.steps.push(format!("DELETE {id}"));
            self.send("DELETE", &format!("/v1/customers/{id}"), &[], None).await;
            return;
        }
        let method = METHODS[self.below(METHODS.len())].to_owned();
        let fields = vec![("payment_method", method)];
        let Some(made) = self.post("/v1/customers".into(), fields).await else { return };
        let Some(customer) = made.body["id"].as_str() else { return };
        self.customers.push(customer.to_owned());
        let path = format!("/v1/customers/{customer}/payment_methods");
        let Some(methods) = self.send("GET", &path, &[], None).await else { return };
        self.methods.extend(methods.body["data"][0]["id"].as_str().map(str::to_owned));
    }

    async fn fault(&mut self) {
        let kinds =
            ["lose_before", "lose_after", "truncated", "garbage", "500_before", "500_after"];
        let kind = kinds[self.below(kinds.len())];
        let order = json!({ "method": "POST", "path": "/v1/", "kind": kind });
        self.tell("/_sim/faults".into(), order).await;
    }

    async fn clock(&mut self) {
        self.jumped = true;
        let seconds = [1, 4, 60, 86_400, 8 * 86_400, 130 * 86_400][self.below(6)];
        self.tell("/_sim/clock/advance".into(), json!({ "seconds": seconds })).await;
    }

    /// An order to the control API, done or refused.
    async fn tell(&mut self, path: String, body: Value) {
        let answer = self.order("POST", &path, body.clone()).await;
        self.steps.push(format!("{path} {body} -> {}", answer.status));
        if ![200, 400, 404, 409].contains(&answer.status) {
            self.fail("the control API answered neither yes nor no");
        }
    }

    async fn order(&self, method: &str, path: &str, body: Value) -> Answer {
        let request = http::Request::builder()
            .method(method)
            .uri(path)
            .header("content-type", "application/json")
            .body(body.to_string().into())
            .unwrap();
        let answer = self.answer(request).await;
        answer.unwrap_or_else(|| self.fail("the control API hung up"))
    }

    /// A request under a key of its own, sometimes sent twice.
    async fn post(&mut self, path: String, fields: Fields) -> Option<Answer> {
        self.keys += 1;
        let key = format!("key_{}", self.keys);
        let first = self.send("POST", &path, &fields, Some(&key)).await;
        let text = first.as_ref().map_or("lost".into(), |answer| answer.status.to_string());
        self.steps.push(format!("{path} {fields:?} -> {text}"));
        if first.is_some() && !self.chance(20) {
            return first;
        }
        // A fault may meet this one too.
        let second = self.send("POST", &path, &fields, Some(&key)).await;
        let text = second.as_ref().map_or("lost".into(), |answer| answer.status.to_string());
        self.steps.push(format!("the same again -> {text}"));
        let kept = |answer: &Answer| answer.status < 400 || answer.status == 402;
        if let (Some(first), Some(second)) = (&first, &second)
            && kept(first)
            && !first.body.is_null()
            && !second.body.is_null()
            && second.status != 500
            && first != second
        {
            self.fail(&format!("a repeated request got another answer: {second:#?}"));
        }
        second
    }

    async fn send(
        &self,
        method: &str,
        path: &str,
        fields: &[(&'static str, String)],
        key: Option<&str>,
    ) -> Option<Answer> {
        let fields: Vec<(&str, &str)> =
            fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let headers = [("idempotency-key", key.unwrap_or_default())];
        self.answer(request(method, path, &fields, &headers)).await
    }

    /// `None` when it got lost or broke off.
    async fn answer(&self, request: http::Request<axum::body::Body>) -> Option<Answer> {
        let response = self.router.clone().oneshot(request).await.unwrap();
        if response.extensions().get::<ConnectionLost>().is_some() {
            return None;
        }
        let status = response.status().as_u16();
        let bytes = response.into_body().collect().await.ok()?.to_bytes();
        Some(Answer { status, body: serde_json::from_slice(&bytes).unwrap_or(Value::Null) })
    }
}
