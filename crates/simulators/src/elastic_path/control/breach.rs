//! What must hold whatever went wrong, as sentences about what does not.

use std::collections::BTreeMap;

use crate::elastic_path::ElasticPath;
use crate::elastic_path::objects::payment_intent::PaymentIntent;
use crate::elastic_path::objects::transaction::{Gateway, Status, Transaction};
use crate::elastic_path::state::State;

impl ElasticPath {
    /// Everything that is wrong with the books. `reconciling` are the payment intents of which the
    /// shop knows that a person or a later run has to look after them.
    pub fn breaches(&self, reconciling: &[String]) -> Vec<String> {
        let state = self.lock();
        let mut breaches = state.paid_twice();
        breaches.extend(state.money_without_an_order(reconciling));
        breaches.extend(state.orders_without_money());
        breaches.extend(state.stock_below_nothing());
        breaches
    }
}

/// Whether a shopper's money is here and has not been given back.
fn is_kept(intent: &PaymentIntent) -> bool {
    intent.status.holds_money() && intent.amount_refunded < intent.amount
}

impl State {
    /// One try to pay takes money once. A try is what `metadata.attempt` says, else a cart.
    fn paid_twice(&self) -> Vec<String> {
        let mut tries: BTreeMap<String, Vec<&str>> = BTreeMap::new();
        for intent in self.payment_intents.iter().filter(|intent| is_kept(intent)) {
            let attempt = intent.metadata.get("attempt").and_then(|name| name.as_str());
            let of = match attempt {
                Some(name) => format!("the attempt {name}"),
                None => format!("the cart {}", intent.cart_id),
            };
            tries.entry(of).or_default().push(&intent.id);
        }
        let twice = tries.into_iter().filter(|(_, intents)| intents.len() > 1);
        twice.map(|(of, intents)| format!("{of} was paid by {}", intents.join(" and "))).collect()
    }

    /// Money that is here belongs to one order, or somebody is looking after it.
    fn money_without_an_order(&self, reconciling: &[String]) -> Vec<String> {
        let kept = self.payment_intents.iter().filter(|intent| is_kept(intent));
        let open = kept.filter(|intent| !reconciling.contains(&intent.id));
        let complete = |id: &str| {
            let of = |one: &&Transaction| one.reference == id && one.status == Status::Complete;
            self.transactions.iter().filter(of).count()
        };
        open.filter_map(|intent| match complete(&intent.id) {
            0 => Some(format!("{} holds money and no order has it", intent.id)),
            1 => None,
            several => Some(format!("{} pays {several} times", intent.id)),
        })
        .collect()
    }

    /// What is paid has been paid, to the last cent.
    fn orders_without_money(&self) -> Vec<String> {
        let mut breaches = Vec::new();
        for order in &self.orders {
            if !matches!(order.payment(), "paid" | "authorized") {
                continue;
            }
            let own = self.transactions.iter().filter(|one| one.order_id == order.id);
            let complete: Vec<&Transaction> =
                own.filter(|one| one.status == Status::Complete).collect();
            for one in complete.iter().filter(|one| one.gateway == Gateway::Stripe) {
                let intent = self.payment_intent(&one.reference);
                if !intent.is_some_and(|intent| intent.status.holds_money()) {
                    breaches.push(format!(
                        "{} is paid by {}, which holds nothing",
                        order.id, one.reference
                    ));
                }
            }
            let sum: i64 = complete.iter().map(|one| one.amount).sum();
            if sum != order.total() {
                let total = order.total();
                breaches.push(format!("{} costs {total} and its transactions say {sum}", order.id));
            }
        }
        breaches
    }

    fn stock_below_nothing(&self) -> Vec<String> {
        let counted = self.products.values().filter_map(|one| Some((one, one.stock?)));
        let below = counted.filter(|(_, stock)| *stock < 0);
        below.map(|(one, stock)| format!("{stock} of {} are left", one.sku)).collect()
    }
}
