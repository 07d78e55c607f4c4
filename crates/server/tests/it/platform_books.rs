//! Our purchases compared with what Elastic Path has on its books.

use std::collections::BTreeMap;

use domain::{
    id::{PurchaseId, SessionId},
    purchase::{Means, Purchase, PurchaseState, Reached},
    session::{CheckoutSession, Followed},
};
use simulators::elastic_path::{ElasticPath, Ledger};
use storage::{
    Store, StoreError, attention,
    purchase::{self, Stored},
    session,
};

storage::statements! {
    PURCHASES = "select id from purchases order by created_at, id";
    FOLLOWERS = "select id from checkout_sessions where purchase_id is not null order by id";
}

/// Every purchase.
pub async fn purchases(store: &Store) -> Vec<Purchase> {
    stored(store).await.into_iter().map(|stored| stored.purchase).collect()
}

/// The same with what the store adds to each.
pub async fn stored(store: &Store) -> Vec<Stored> {
    let read = store.read((), |tx, ()| {
        Box::pin(async move {
            let mut all = Vec::new();
            for row in tx.query(&PURCHASES, &[]).await? {
                let id = PurchaseId(row.read("purchases").id("id")?);
                all.extend(purchase::by_id(tx, id).await?);
            }
            Ok(all)
        })
    });
    let all: Result<Vec<Stored>, StoreError> = read.await;
    all.unwrap()
}

/// Purchases by state, such as `1 cleaned, 1 declined`.
pub async fn by_state(store: &Store) -> String {
    let mut counts = BTreeMap::<&str, u32>::new();
    for purchase in purchases(store).await {
        *counts.entry(purchase.state().name()).or_default() += 1;
    }
    let words: Vec<String> = counts.iter().map(|(name, count)| format!("{count} {name}")).collect();
    words.join(", ")
}

/// The kinds of matters that wait for a person.
pub async fn items(store: &Store) -> Vec<String> {
    open_items(store).await.into_iter().map(|item| item.kind).collect()
}

/// What waits for a person, oldest first.
pub async fn open_items(store: &Store) -> Vec<attention::Item> {
    let read = store.read((), |tx, ()| Box::pin(attention::open(tx, 100)));
    let items: Result<Vec<attention::Item>, StoreError> = read.await;
    items.unwrap()
}

/// Every difference, as a sentence. `strays` are payments that are not ours, or of which a person has
/// heard otherwise.
pub async fn compare(
    store: &Store,
    ep: &ElasticPath,
    expected_items: i64,
    strays: &[String],
) -> Vec<String> {
    let purchases = purchases(store).await;
    let ledger = ep.ledger();
    let mut known: Vec<String> = strays.to_vec();
    known.extend(purchases.iter().filter_map(|one| known_payment(one, &ledger)));
    let mut faults = ep.breaches(&known);
    for purchase in &purchases {
        faults.extend(fault_of(purchase, &ledger));
    }
    for order in unknown_orders(&purchases, &ledger) {
        faults.push(format!("order {order} is paid and no purchase knows of it"));
    }
    let stuck = purchases.iter().filter(|one| is_stuck(one)).count();
    let items = items(store).await;
    if items.len() as i64 != stuck as i64 + expected_items {
        faults.push(format!("{stuck} purchases wait for a person, who is told {items:?}"));
    }
    faults.extend(shown_otherwise(&followers(store).await, &purchases));
    faults
}

/// Orders that are paid for a purchase which is not bought.
pub fn unknown_orders(purchases: &[Purchase], ledger: &Ledger) -> Vec<String> {
    let paid = ledger.orders.iter().filter(|order| order.payment == "paid");
    let unknown = paid.filter(|order| {
        let name = order.external_ref.clone().unwrap_or_default();
        !purchases.iter().any(|one| one.terms.id.to_string() == name && is_sold(one))
    });
    unknown.map(|order| order.id.clone()).collect()
}

/// Whether it waits for a person.
pub fn is_stuck(purchase: &Purchase) -> bool {
    matches!(purchase.state(), PurchaseState::NeedsReconciliation { .. })
}

/// Whether its order is paid.
pub fn is_sold(purchase: &Purchase) -> bool {
    matches!(purchase.state(), PurchaseState::Confirmed { .. } | PurchaseState::Cleaned { .. })
}

/// The payment that holds money for a purchase of which a person knows, or that is still under way.
fn known_payment(purchase: &Purchase, ledger: &Ledger) -> Option<String> {
    let reached = match purchase.state() {
        PurchaseState::NeedsReconciliation { reached, .. } => reached,
        _ => return None,
    };
    match reached {
        Reached::Means(Means::Payment(payment)) | Reached::Order(Means::Payment(payment), _) => {
            Some(payment.to_string())
        }
        Reached::Means(Means::Free) | Reached::Order(Means::Free, _) => None,
        // The person is told the cart.
        Reached::Nothing => of_attempt(purchase, ledger).into_iter().next(),
    }
}

/// The payments that were made for a purchase.
pub fn of_attempt(purchase: &Purchase, ledger: &Ledger) -> Vec<String> {
    let name = purchase.terms.id.to_string();
    let is_its = |metadata: &serde_json::Value| metadata["attempt"] == name.as_str();
    let payments = ledger.payments.iter().filter(|one| is_its(&one.metadata));
    payments.map(|one| one.id.clone()).collect()
}

/// What is wrong with a purchase that is over.
pub fn fault_of(purchase: &Purchase, ledger: &Ledger) -> Vec<String> {
    let name = purchase.terms.id.to_string();
    let state = purchase.state().name();
    let own = of_attempt(purchase, ledger);
    let holds = |id: &String| {
        let payment = ledger.payments.iter().find(|one| one.id == *id);
        payment.is_some_and(|one| matches!(one.status, "succeeded" | "requires_capture"))
    };
    let mut faults = Vec::new();
    match purchase.state() {
        PurchaseState::Confirmed { booking, .. } | PurchaseState::Cleaned { booking } => {
            let order = ledger.orders.iter().find(|order| order.id == booking.order.to_string());
            let is_right = order.is_some_and(|order| {
                order.external_ref.as_deref() == Some(&name)
                    && matches!(order.payment, "paid" | "authorized")
                    && order.total == purchase.terms.amount.minor()
            });
            if !is_right {
                faults.push(format!("{name} is {state}, and its order is {order:?}"));
            }
            let live = ledger.orders.iter().filter(|order| {
                order.external_ref.as_deref() == Some(&name) && order.status != "cancelled"
            });
            let live = live.count();
            if live != 1 {
                faults.push(format!("{name} has {live} orders"));
            }
        }
        PurchaseState::Declined { .. } | PurchaseState::Abandoned { .. } => {
            for payment in own.iter().filter(|payment| holds(payment)) {
                faults.push(format!("{name} is {state}, and {payment} holds money for it"));
            }
        }
        _ => {}
    }
    let kept = own.iter().filter(|payment| holds(payment)).count();
    if kept > 1 {
        faults.push(format!("{name} was charged {kept} times"));
    }
    faults
}

/// The sessions that follow a purchase.
pub async fn followers(store: &Store) -> Vec<CheckoutSession> {
    let read = store.write((), |tx, ()| {
        Box::pin(async move {
            let mut all = Vec::new();
            for row in tx.query(&FOLLOWERS, &[]).await? {
                let id = SessionId(row.read("checkout_sessions").id("id")?);
                all.extend(session::lock(tx, id).await?);
            }
            Ok(all)
        })
    });
    let all: Result<Vec<CheckoutSession>, StoreError> = read.await;
    all.unwrap()
}

/// Each session shows how the purchase stands that it follows.
pub fn shown_otherwise(sessions: &[CheckoutSession], purchases: &[Purchase]) -> Vec<String> {
    let mut faults = Vec::new();
    for session in sessions {
        let Some(Followed::Purchase(id)) = session.followed() else { continue };
        let Some(purchase) = purchases.iter().find(|one| one.terms.id == id) else {
            faults.push(format!("session {} follows a purchase that is not there", session.id));
            continue;
        };
        let at = session.expires_at();
        let shown = session.clone().show(
            Followed::Purchase(id),
            purchase.standing_for(session.visitor),
            purchase.terms.cart_hash,
            at,
        );
        if shown.state() != session.state() {
            let (is, should) = (session.state().name(), shown.state().name());
            faults.push(format!("session {} shows {is} and should show {should}", session.id));
        }
    }
    faults
}
