//! What always holds of checkout sessions on the native backend.

use std::collections::BTreeMap;

use simulators::stripe::LedgerEntry;
use storage::{Store, StoreError};
use uuid::Uuid;

use super::{
    Intent, Native,
    books::{Books, order_of},
    plan::Means,
};
use crate::simulation::{
    browser::{Ask, Told},
    street::Reply,
};

storage::statements! {
    SESSIONS = "select s.id, s.state, s.order_id, s.bought_order, p.state as payment_state \
        from checkout_sessions s left join payments p on p.order_id = s.order_id order by s.id";
}

struct Row {
    id: Uuid,
    state: String,
    order: Option<Uuid>,
    bought: Option<String>,
    payment: Option<String>,
}

/// What every session has come to.
pub type Sessions = BTreeMap<Uuid, Option<String>>;

async fn rows(store: &Store) -> Result<Vec<Row>, StoreError> {
    store
        .read((), |tx, ()| {
            Box::pin(async move {
                let mut all = Vec::new();
                for row in tx.query(&SESSIONS, &[]).await? {
                    let mut row = row.read("checkout_sessions");
                    all.push(Row {
                        id: row.id("id")?,
                        state: row.text("state")?,
                        order: row.id_opt("order_id")?,
                        bought: row.text_opt("bought_order")?,
                        payment: row.text_opt("payment_state")?,
                    });
                }
                Ok(all)
            })
        })
        .await
}

/// Each session shows how its payment stands, none shows success without money, and what is bought
/// stays bought. Returns those that are not at an end.
pub fn check(
    world: &Native,
    memory: &mut Sessions,
    books: &Books,
    ledger: &[LedgerEntry],
) -> Result<(), String> {
    for row in read(world)? {
        let Row { id, state, payment, .. } = &row;
        let entry = ledger.iter().find(|entry| row.order.is_some() && order_of(entry) == row.order);
        if let Some(payment) = payment
            && !shows(payment).contains(&state.as_str())
            // It was paid, and an operator has ended the order after all of it went back.
            && !(state == "complete" && payment == "cancelled" && entry.is_some_and(went_back))
        {
            return Err(format!("session {id} is {state}, and its payment is {payment}"));
        }
        let before = memory.insert(*id, row.bought.clone()).flatten();
        if before.is_some() && before != row.bought {
            return Err(format!("session {id} was bought as {before:?} and is {:?}", row.bought));
        }
        if state != "complete" {
            continue;
        }
        let order = books.orders.iter().find(|order| Some(order.id) == row.order);
        let Some(order) = order else { return Err(format!("session {id} bought no order")) };
        let is_paid = entry.is_some_and(|entry| entry.status == "succeeded");
        if !is_paid && order.total > 0 {
            return Err(format!("session {id} shows success, and {} has no money", order.id));
        }
    }
    Ok(())
}

/// Sessions that still follow a payment.
pub fn open(world: &Native, books: &Books) -> Result<Vec<String>, String> {
    let under_way = read(world)?.into_iter().filter(|row| {
        let order = books.orders.iter().find(|order| Some(order.id) == row.order);
        let reference = order.and_then(|order| order.reference.as_ref());
        let is_odd = reference.is_some_and(|known| world.drifted.contains(known));
        matches!(row.state.as_str(), "processing" | "action_required") && !is_odd
    });
    Ok(under_way.map(|row| format!("session {} is {}", row.id, row.state)).collect())
}

fn read(world: &Native) -> Result<Vec<Row>, String> {
    let read = rows(&world.town.ground.store);
    world.town.street.block_on(read).map_err(|error| error.to_string())
}

fn went_back(entry: &LedgerEntry) -> bool {
    entry.status == "succeeded" && entry.amount_refunded == entry.amount_received
}

/// How a session may stand that follows a payment in this state.
fn shows(payment: &str) -> &'static [&'static str] {
    match payment {
        "answered" | "succeeded" => &["complete"],
        "declined" | "failed" | "cancelled" => &["open", "expired"],
        "requires_action" => &["action_required", "processing"],
        _ => &["processing"],
    }
}

impl Native {
    /// Whoever pays beside another is told of the same order, and what is charged for a session is
    /// what its page has shown.
    pub fn keep_session(
        &mut self,
        shopper: usize,
        ask: &Ask<Means>,
        reply: &Reply,
    ) -> Result<(), String> {
        let browser = &mut self.shoppers[shopper].browser;
        let seen = Told::of(&reply.text).and_then(|told| {
            let tab = browser.tab_of(&told.id)?;
            Some((tab.total?, tab.order.is_some()))
        });
        let Some(told) = browser.learn(reply) else { return Ok(()) };
        if let Some((reference, secret)) = told.challenge {
            self.handed_out.insert(reference);
            let intents = &mut self.shoppers[shopper].intents;
            if intents.iter().all(|intent| intent.secret != secret) {
                intents.push(Intent { order: None, secret });
            }
        }
        let is_payment = matches!(ask, Ask::Pay(_) | Ask::PayAgain(_));
        let (true, Some(order), Some((total, false))) = (is_payment, told.order, seen) else {
            return Ok(());
        };
        let entry = self
            .stripe
            .ledger()
            .into_iter()
            .find(|entry| order_of(entry).is_some_and(|id| id.to_string() == order));
        let is_new = !self.memory.knows(&order);
        if let Some(entry) = entry.as_ref().filter(|_| is_new)
            && !self.shoppers[shopper].browser.agreed_to(entry.amount)
        {
            return Err(format!("{order} costs {}, and no click of hers said so", entry.amount));
        }
        if let Some(entry) = entry.filter(|entry| is_new && entry.amount != total)
            && self.calls == 1
        {
            return Err(format!("{order} costs {} and its page showed {total}", entry.amount));
        }
        if !is_new {
            return Ok(());
        }
        match self.bought.insert(shopper, order.clone()) {
            Some(first) if first != order => {
                Err(format!("two clicks at once were told of {first} and of {order}"))
            }
            Some(_) | None => Ok(()),
        }
    }
}
