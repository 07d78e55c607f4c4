//! What always holds of money that goes back: never more than came, each refund that we ask for is made
//! once, and nothing goes back that nobody wanted back.

use std::collections::{BTreeMap, BTreeSet};

use simulators::stripe::LedgerEntry;
use uuid::Uuid;

use super::{
    Native,
    books::{Books, order_of},
};

/// The states that each refund of ours was seen in, with the reason where it came to nothing.
pub type Seen = BTreeMap<Uuid, BTreeSet<(String, Option<String>)>>;

/// What is final at Stripe.
const ENDS: [&str; 2] = ["failed", "cancelled"];

/// Looks at the refunds on both sides, and keeps what was seen.
pub fn check(
    world: &Native,
    seen: &mut Seen,
    books: &Books,
    ledger: &[LedgerEntry],
) -> Result<(), String> {
    let mut made = BTreeSet::new();
    for entry in ledger.iter().filter(|entry| !entry.refunds.is_empty()) {
        if entry.amount_refunded > entry.amount_captured {
            return Err(format!("{}: more was given back than was taken", entry.id));
        }
        for refund in entry.refunds.iter().filter(|refund| refund.created_by_api) {
            let id = refund.metadata.get("refund_id").and_then(|id| id.parse::<Uuid>().ok());
            let ours = books.refunds.iter().find(|one| Some(one.id) == id);
            let is_ours = ours.is_some_and(|one| {
                one.amount == refund.amount && Some(one.order) == order_of(entry)
            });
            if !is_ours {
                return Err(format!("{} was made, and our books do not want it", refund.id));
            }
            if !made.insert(id) {
                return Err(format!("{} is a second refund for one wish", refund.id));
            }
        }
        let order = order_of(entry).and_then(|id| books.orders.iter().find(|one| one.id == id));
        let is_paid = order.filter(|order| order.state == "paid");
        if let Some(order) = is_paid
            && entry.amount_refunded > 0
            && !world.wanted_back.contains(&order.id.to_string())
        {
            return Err(format!("{} is paid, and money went back that nobody wanted", order.id));
        }
    }
    for refund in &books.refunds {
        let now = (refund.state.clone(), refund.failure.clone());
        let before = seen.entry(refund.id).or_default();
        let ended = before.iter().find(|(state, _)| ENDS.contains(&state.as_str()));
        if ended.is_some_and(|ended| *ended != now) {
            return Err(format!("refund {} was {ended:?} and is {now:?}", refund.id));
        }
        before.insert(now);
    }
    match seen.len() > books.refunds.len() {
        true => Err("a refund has vanished".to_owned()),
        false => Ok(()),
    }
}
