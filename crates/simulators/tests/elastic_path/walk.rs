//! Random walks of requests, orders and faults, after each step of which the books must add up.

use std::collections::BTreeSet;

use http::Method;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::{Value, json};
use simulators::elastic_path::{
    ConfirmAgain, ErrorShape, Fault, FaultKind, Ledger, MAGIC_TOKENS, Modes, Pending,
};

use crate::world::{PAN, World, checkout, payment};

const WALKS: u64 = 16;
const STEPS: usize = 50;
const CARTS: [&str; 2] = ["first", "second"];

struct Walk {
    world: World,
    dice: ChaCha8Rng,
}

#[tokio::test]
async fn whatever_is_asked_in_whatever_order_the_books_add_up() {
    let mut seen = BTreeSet::new();
    for seed in 0..WALKS {
        let mut walk = Walk { world: World::new().await, dice: ChaCha8Rng::seed_from_u64(seed) };
        for step in 0..STEPS {
            walk.step().await;
            walk.check(&format!("seed {seed}, step {step}")).await;
            let ledger = walk.world.store.ledger();
            seen.extend(ledger.orders.iter().map(|order| order.payment));
            seen.extend(ledger.transactions.iter().map(|one| one.status));
        }
    }
    for state in ["unpaid", "paid", "authorized", "pending", "complete"] {
        assert!(seen.contains(state), "no walk has led to {state}, but to {seen:?}");
    }
}

#[tokio::test]
async fn the_same_walk_has_the_same_end() {
    let end = || async {
        let mut walk = Walk { world: World::new().await, dice: ChaCha8Rng::seed_from_u64(99) };
        for _ in 0..STEPS {
            walk.step().await;
        }
        (walk.world.store.ledger(), walk.world.store.requests())
    };
    assert_eq!(end().await, end().await);
}

impl Walk {
    fn one_of<T: Copy>(&mut self, things: &[T]) -> Option<T> {
        (!things.is_empty()).then(|| things[self.dice.random_range(0..things.len())])
    }

    /// Asks for something; whether it is answered or not is all the same.
    async fn ask(&self, method: &str, path: &str, body: Value) {
        let bearer = format!("Bearer {}", self.world.server);
        let headers = [("authorization", bearer.as_str())];
        let answer = self.world.with_headers(&headers, method, path, body).await;
        assert!(answer.is_none_or(|answer| answer.status != 401));
    }

    async fn step(&mut self) {
        let cart = self.one_of(&CARTS).unwrap();
        let path = format!("/v2/carts/{cart}");
        match self.dice.random_range(0..16) {
            0 | 1 => {
                let data = json!({ "type": "cart_item", "id": PAN, "quantity": 1 });
                self.ask("POST", &format!("{path}/items"), json!({ "data": data })).await;
            }
            2 => {
                let data = json!({ "type": "promotion_item", "code": "SAVE10" });
                self.ask("POST", &format!("{path}/items"), json!({ "data": data })).await;
            }
            3 | 4 => {
                // The first of them get further than a decline.
                let choice = [&MAGIC_TOKENS[..3], &MAGIC_TOKENS[..]];
                let (word, _) = self.one_of(&choice).and_then(|words| self.one_of(words)).unwrap();
                let token = format!("{word}_{}", self.dice.random_range(0..40));
                self.ask("POST", &format!("{path}/payments"), payment(&token)).await;
            }
            5..=7 => self.ask("POST", &format!("{path}/checkout"), checkout()).await,
            8 => self.ask("DELETE", &path, Value::Null).await,
            9 => self.order_something_wrong(),
            10 => self.bank(),
            11 => self.change_modes(),
            _ => self.after_the_order().await,
        }
    }

    fn order_something_wrong(&mut self) {
        let kinds = [
            FaultKind::LoseBefore,
            FaultKind::LoseAfter,
            FaultKind::FailAfter,
            FaultKind::GatewayPageAfter,
            FaultKind::SoftErrors,
            FaultKind::Status(503, ErrorShape::Object),
        ];
        let kind = self.one_of(&kinds).unwrap();
        let path = self.one_of(&["/payments", "/checkout", "/confirm", "/v2/carts/{}"]).unwrap();
        let nth = self.dice.random_range(1..3);
        self.world.store.inject(Fault::once(path, kind).of(Method::POST).nth(nth));
    }

    fn bank(&mut self) {
        let payments = self.world.store.ledger().payments;
        let well = self.one_of(&[None, Some(true), Some(false)]).unwrap();
        for payment in &payments {
            match payment.status {
                "requires_action" => assert!(self.world.store.authenticate(&payment.id, well)),
                "processing" => assert!(self.world.store.settle(&payment.id, well)),
                _ => assert!(!self.world.store.settle(&payment.id, well)),
            }
        }
    }

    fn change_modes(&mut self) {
        let pending = self.one_of(&[Pending::Waits, Pending::FollowsStripe]).unwrap();
        let again = self.one_of(&[ConfirmAgain::Refused, ConfirmAgain::Duplicate]).unwrap();
        let modes = Modes { pending, confirm_again: again, ..Modes::default() };
        self.world.store.set_modes(modes);
    }

    async fn after_the_order(&mut self) {
        let ledger = self.world.store.ledger();
        let orders: Vec<&str> = ledger.orders.iter().map(|order| order.id.as_str()).collect();
        let Some(order) = self.one_of(&orders) else { return };
        let path = format!("/v2/orders/{order}");
        let own = ledger.transactions.iter().filter(|one| one.order_id == order);
        let own: Vec<&str> = own.map(|one| one.id.as_str()).collect();
        let put = |data: Value| json!({ "data": data });
        let by_hand = json!({ "gateway": "manual", "method": "purchase" });
        match self.dice.random_range(0..10) {
            0..4 => self.ask("POST", &format!("{path}/confirm"), put(json!({}))).await,
            4 => self.ask("PUT", &path, put(json!({ "status": "cancelled" }))).await,
            5 => self.ask("PUT", &path, put(json!({ "shipping": "fulfilled" }))).await,
            6 => self.ask("POST", &format!("{path}/payments"), put(by_hand)).await,
            _ => {
                let Some(transaction) = self.one_of(&own) else { return };
                let verb = self.one_of(&["confirm", "capture", "refund", "cancel"]).unwrap();
                let path = format!("{path}/transactions/{transaction}/{verb}");
                self.ask("POST", &path, put(json!({ "amount": 500 }))).await;
            }
        }
    }

    async fn check(&self, when: &str) {
        let ledger = self.world.store.ledger();
        for cart in CARTS {
            let answer = self.world.get(&format!("/v2/carts/{cart}?include=items")).await;
            let items = answer.body["included"]["items"].as_array().cloned().unwrap_or_default();
            let amount = |item: &Value| {
                item["meta"]["display_price"]["with_tax"]["value"]["amount"].as_i64().unwrap()
            };
            assert_eq!(*answer.total(), items.iter().map(amount).sum::<i64>(), "{when}");
        }
        let mut sold = 0;
        for order in &ledger.orders {
            let shown = self.world.get(&format!("/v2/orders/{}?include=items", order.id)).await;
            self.check_order(&ledger, &shown.body, when);
            if order.allocated {
                let items = shown.body["included"]["items"].as_array().unwrap();
                let pans = items.iter().filter(|item| item["product_id"] == PAN);
                sold += pans.map(|item| item["quantity"].as_i64().unwrap()).sum::<i64>();
            }
        }
        assert_eq!(self.world.store.stock(PAN), Some(100 - sold), "{when}");
        for one in ledger.transactions.iter().filter(|one| one.reference != "manual") {
            let payment = ledger.payments.iter().find(|payment| payment.id == one.reference);
            let status = payment.unwrap().status;
            if one.status == "complete" {
                assert!(["succeeded", "requires_capture"].contains(&status), "{when}");
                assert_eq!(one.amount, payment.unwrap().amount, "{when}");
            }
        }
        for payment in &ledger.payments {
            assert!(payment.amount_refunded <= payment.amount, "{when}");
        }
    }

    /// What an order says has been paid is what its transactions say.
    fn check_order(&self, ledger: &Ledger, shown: &Value, when: &str) {
        let prices = &shown["data"]["meta"]["display_price"];
        let amount = |name: &str| prices[name]["amount"].as_i64().unwrap();
        let own = ledger.transactions.iter().filter(|one| shown["data"]["id"] == one.order_id);
        let complete: Vec<_> = own.filter(|one| one.status == "complete").collect();
        let sum = |authorize: bool| -> i64 {
            let fitting = complete.iter().filter(|one| (one.kind == "authorize") == authorize);
            fitting.map(|one| one.amount).sum()
        };
        assert_eq!((amount("paid"), amount("authorized")), (sum(false), sum(true)), "{when}");
        let owing = (amount("with_tax") - sum(false) - sum(true)).max(0);
        assert_eq!(amount("balance_owing"), owing, "{when}");
        if shown["data"]["payment"] == "paid" {
            assert!(sum(false) >= amount("with_tax"), "{when}");
        }
    }
}
