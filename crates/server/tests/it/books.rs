//! Our books, read below the server's own code, and compared with Stripe's.

use std::collections::{BTreeSet, HashMap};

use jiff::Timestamp;
use simulators::stripe::Stripe;
use storage::{Store, StoreError, attention, delivery, inbox, notice, order, outbox};

storage::statements! {
    PAYMENTS = "select o.id, o.state, o.total_minor, o.currency, o.paid_by_event, \
        p.gateway_reference, p.state as payment_state from orders o \
        left join payments p on p.order_id = o.id";
    ANSWERS = "select count(*) as answers from payment_attempts where outcome is not null";
    STOCK = "select id, sku, on_hand, reserved from products";
    RESERVED = "select l.product_id, l.quantity from order_lines l \
        join orders o on o.id = l.order_id where o.state = 'pending'";
    INBOX = "select id, kind, outcome from inbox order by received_at, id";
    REFUNDS = "select r.gateway_reference, r.amount_minor, r.currency, r.state, \
        p.gateway_reference as payment, r.created_at, r.id from refunds r \
        join payments p on p.id = r.payment_id \
        union all select gateway_reference, amount_minor, currency, state, \
        stray as payment, created_at, id from stray_refunds order by created_at, id";
    DISPUTES = "select gateway_reference, payment_reference, amount_minor, currency, state \
        from disputes order by created_at, id";
    HISTORY = "select h.order_id, h.position, h.kind, h.sentence, o.state, o.total_minor \
        from history h join orders o on o.id = h.order_id order by h.order_id, h.position";
    ORDERS = "select count(*) as n from orders";
    OUTCOMES = "select id, last_outcome from deliveries where last_outcome is not null \
        order by created_at, id";
    CLAIMED = "select count(*) as n from deliveries where lease_token is not null";
    OVERDUE = "select count(*) as n from payments where due_at <= ?1";
}

struct Order {
    id: String,
    state: String,
    total: i64,
    currency: String,
    event: Option<String>,
    reference: Option<String>,
}

/// How many questions for a payment have their answer written down.
pub async fn answers(store: &Store) -> i64 {
    let read = store.read((), |tx, ()| {
        Box::pin(async move {
            let row = tx.query_opt(&ANSWERS, &[]).await?.expect("a count is a row");
            row.read("payment_attempts").int("answers")
        })
    });
    let answers: Result<i64, StoreError> = read.await;
    answers.unwrap()
}

/// Stripe counts these in hundredths although they have none (docs.stripe.com/currencies).
const IN_HUNDREDTHS: [&str; 2] = ["ISK", "UGX"];

impl Order {
    /// The total as Stripe's books should have it.
    fn total_at_stripe(&self) -> i64 {
        self.total * if IN_HUNDREDTHS.contains(&self.currency.as_str()) { 100 } else { 1 }
    }
}

/// Orders by state, such as `1 paid, 2 pending`.
pub async fn orders(store: &Store) -> String {
    let read = store.read((), |tx, ()| Box::pin(order::count_by_state(tx)));
    let counted: Result<Vec<(String, i64)>, StoreError> = read.await;
    let mut counted = counted.unwrap();
    counted.sort();
    let counted = counted.into_iter().filter(|(_, count)| *count > 0);
    counted.map(|(state, count)| format!("{count} {state}")).collect::<Vec<_>>().join(", ")
}

/// Whether nothing waits for the worker.
pub async fn is_quiet(store: &Store) -> bool {
    let read = store.read((), |tx, ()| {
        Box::pin(async move {
            let waiting = inbox::unapplied_count(tx).await? + outbox::open_count(tx).await?;
            Ok(waiting + notice::due_count(tx).await? == 0)
        })
    });
    let quiet: Result<bool, StoreError> = read.await;
    quiet.unwrap()
}

/// How many notices are on their way to somebody.
pub async fn on_their_way(store: &Store) -> i64 {
    let read = store.read((), |tx, ()| {
        Box::pin(
            async move { Ok(notice::due_count(tx).await? + delivery::waiting_count(tx).await?) },
        )
    });
    let counted: Result<i64, StoreError> = read.await;
    counted.unwrap()
}

/// How the last try of each delivery ended, of those that were tried.
pub async fn last_outcomes(store: &Store) -> Vec<String> {
    let read = store.read((), |tx, ()| {
        Box::pin(async move {
            let rows = tx.query(&OUTCOMES, &[]).await?;
            rows.into_iter().map(|row| row.read("deliveries").text("last_outcome")).collect()
        })
    });
    let outcomes: Result<Vec<String>, StoreError> = read.await;
    outcomes.unwrap()
}

/// How many deliveries somebody is trying.
pub async fn claimed(store: &Store) -> i64 {
    let read = store.read((), |tx, ()| {
        Box::pin(async move {
            let row = tx.query_opt(&CLAIMED, &[]).await?;
            row.map_or(Ok(0), |row| row.read("deliveries").int("n"))
        })
    });
    let counted: Result<i64, StoreError> = read.await;
    counted.unwrap()
}

/// What came in, kind and outcome, in the order of arrival.
pub async fn inbox(store: &Store) -> Vec<(String, String)> {
    let events = read_inbox(store).await.into_iter();
    events.map(|[_, kind, outcome]| (kind, outcome)).collect()
}

/// Id, kind and outcome of what came in.
async fn read_inbox(store: &Store) -> Vec<[String; 3]> {
    let read = store.read((), |tx, ()| {
        Box::pin(async move {
            let rows = tx.query(&INBOX, &[]).await?;
            rows.into_iter()
                .map(|row| {
                    let mut row = row.read("inbox");
                    let (id, kind) = (row.text("id")?, row.text("kind")?);
                    Ok([id, kind, row.text_opt("outcome")?.unwrap_or_default()])
                })
                .collect()
        })
    });
    let inbox: Result<_, StoreError> = read.await;
    inbox.unwrap()
}

/// Whether a payment waits for the worker's look.
pub async fn is_overdue(store: &Store, now: Timestamp) -> bool {
    let read = store.read(now, |tx, now| {
        Box::pin(async move {
            let row = tx.query_opt(&OVERDUE, &[(*now).into()]).await?;
            row.map_or(Ok(0), |row| row.read("payments").int("n"))
        })
    });
    let counted: Result<i64, StoreError> = read.await;
    counted.unwrap() > 0
}

/// How many items wait for a person.
pub async fn items(store: &Store) -> i64 {
    let read = store.read((), |tx, ()| Box::pin(attention::open_count(tx)));
    let items: Result<i64, StoreError> = read.await;
    items.unwrap()
}

/// Payments at Stripe beyond the first of their order. What we write into a payment names both.
pub fn asked_twice(stripe: &Stripe) -> Vec<String> {
    let mut known = BTreeSet::new();
    let ledger = stripe.ledger();
    let second = ledger.iter().filter(|entry| !known.insert(entry.metadata.clone()));
    second.map(|entry| format!("{} is a second payment of its order", entry.id)).collect()
}

/// Every difference, as a sentence.
pub async fn compare(store: &Store, stripe: &Stripe, expected_items: i64) -> Vec<String> {
    let mut differences = compare_payments(&read_orders(store).await, stripe);
    differences.extend(compare_refunds(store, stripe).await);
    differences.extend(compare_disputes(store, stripe).await);
    differences.extend(compare_stock(store).await);
    differences.extend(compare_histories(store).await);
    let items = items(store).await;
    if items != expected_items {
        differences.push(format!("{items} items for a person, expected {expected_items}"));
    }
    differences
}

fn compare_payments(orders: &[Order], stripe: &Stripe) -> Vec<String> {
    let mut differences = Vec::new();
    let by_reference: HashMap<_, _> = orders
        .iter()
        .filter_map(|order| order.reference.as_deref().map(|reference| (reference, order)))
        .collect();
    for entry in stripe.ledger() {
        let order = by_reference.get(entry.id.as_str());
        if entry.charges_succeeded > 1 {
            differences.push(format!("{} was charged {} times", entry.id, entry.charges_succeeded));
        }
        match (entry.status, order) {
            // What another payment brought that names an order must have gone back.
            ("succeeded", None) if entry.amount_refunded != entry.amount_received => {
                differences.push(format!("{} has no order", entry.id));
            }
            // Money for an order that was over must have gone back.
            ("succeeded", Some(order))
                if order.state != "paid" && entry.amount_refunded != entry.amount_received =>
            {
                differences
                    .push(format!("{} succeeded, {} is {}", entry.id, order.id, order.state));
            }
            ("succeeded", Some(order))
                if entry.amount_received != order.total_at_stripe()
                    || !entry.currency.eq_ignore_ascii_case(&order.currency) =>
            {
                differences.push(format!("{} received another amount than {}", entry.id, order.id));
            }
            (_, Some(order)) if entry.status != "succeeded" && order.state == "paid" => {
                differences.push(format!("{} is {}, {} is paid", entry.id, entry.status, order.id));
            }
            (_, Some(_) | None) => {}
        }
    }
    differences.extend(orders.iter().filter_map(|order| check_event(order, stripe)));
    differences
}

struct Refund {
    reference: Option<String>,
    payment: Option<String>,
    amount: i64,
    currency: String,
    state: String,
}

/// Refunds in the order in which they were written down, such as `400 succeeded, 290 pending`.
pub async fn refunds(store: &Store) -> String {
    let refunds = read_refunds(store).await.into_iter();
    refunds.map(|one| format!("{} {}", one.amount, one.state)).collect::<Vec<_>>().join(", ")
}

/// Every refund of Stripe's is in our books as it stands there, ours are there, and no payment has
/// given back more than it received.
pub async fn compare_refunds(store: &Store, stripe: &Stripe) -> Vec<String> {
    let ours = read_refunds(store).await;
    let mut differences = Vec::new();
    let mut at_stripe = 0;
    for entry in stripe.ledger() {
        if entry.amount_refunded > entry.amount_received {
            differences.push(format!("{} gave back more than it received", entry.id));
        }
        for refund in &entry.refunds {
            at_stripe += 1;
            let known = ours.iter().find(|one| one.reference.as_ref() == Some(&refund.id));
            let as_it_is = known.is_some_and(|one| {
                let hundredths = IN_HUNDREDTHS.contains(&one.currency.as_str());
                let amount = one.amount * if hundredths { 100 } else { 1 };
                let state = match refund.status {
                    "requires_action" => "pending",
                    "canceled" => "cancelled",
                    other => other,
                };
                one.payment.as_ref() == Some(&entry.id)
                    && amount == refund.amount
                    && one.state == state
            });
            if !as_it_is {
                differences.push(format!("{} is {} at Stripe", refund.id, refund.status));
            }
        }
    }
    let named = ours.iter().filter(|one| one.reference.is_some()).count();
    if named != at_stripe {
        differences.push(format!("{named} refunds here, {at_stripe} at Stripe"));
    }
    let open = ours.iter().filter(|one| one.reference.is_none() && one.state != "refused");
    differences.extend(open.map(|one| format!("a refund of {} is {}", one.amount, one.state)));
    differences
}

async fn read_refunds(store: &Store) -> Vec<Refund> {
    let read = store.read((), |tx, ()| {
        Box::pin(async move {
            let rows = tx.query(&REFUNDS, &[]).await?;
            rows.into_iter()
                .map(|row| {
                    let mut row = row.read("refunds");
                    Ok(Refund {
                        reference: row.text_opt("gateway_reference")?,
                        amount: row.int("amount_minor")?,
                        currency: row.text("currency")?,
                        state: row.text("state")?,
                        payment: row.text_opt("payment")?,
                    })
                })
                .collect()
        })
    });
    let refunds: Result<Vec<Refund>, StoreError> = read.await;
    refunds.unwrap()
}

struct Dispute {
    reference: String,
    payment: String,
    amount: i64,
    currency: String,
    state: String,
}

/// Disputes in the order in which we heard of them, such as `1690 needs_response`.
pub async fn disputes(store: &Store) -> String {
    let disputes = read_disputes(store).await.into_iter();
    disputes.map(|one| format!("{} {}", one.amount, one.state)).collect::<Vec<_>>().join(", ")
}

/// Every dispute of Stripe's is in our books as it stands there, and there are no others.
pub async fn compare_disputes(store: &Store, stripe: &Stripe) -> Vec<String> {
    let ours = read_disputes(store).await;
    let mut differences = Vec::new();
    let mut at_stripe = 0;
    for entry in stripe.ledger() {
        for dispute in &entry.disputes {
            at_stripe += 1;
            let as_it_is = ours.iter().any(|one| {
                let hundredths = IN_HUNDREDTHS.contains(&one.currency.as_str());
                let amount = one.amount * if hundredths { 100 } else { 1 };
                one.reference == dispute.id
                    && one.payment == entry.id
                    && amount == dispute.amount
                    && stripes_word(&one.state) == Some(dispute.status)
            });
            if !as_it_is {
                differences.push(format!("{} is {} at Stripe", dispute.id, dispute.status));
            }
        }
    }
    if ours.len() != at_stripe {
        differences.push(format!("{} disputes here, {at_stripe} at Stripe", ours.len()));
    }
    differences
}

/// What Stripe calls a state of ours.
fn stripes_word(state: &str) -> Option<&'static str> {
    Some(match state {
        "inquiry" => "warning_needs_response",
        "inquiry_under_review" => "warning_under_review",
        "inquiry_closed" => "warning_closed",
        "inquiry_lost" | "lost" => "lost",
        "needs_response" => "needs_response",
        "under_review" => "under_review",
        "won" => "won",
        "prevented" => "prevented",
        _ => return None,
    })
}

async fn read_disputes(store: &Store) -> Vec<Dispute> {
    let read = store.read((), |tx, ()| {
        Box::pin(async move {
            let rows = tx.query(&DISPUTES, &[]).await?;
            rows.into_iter()
                .map(|row| {
                    let mut row = row.read("disputes");
                    Ok(Dispute {
                        reference: row.text("gateway_reference")?,
                        payment: row.text("payment_reference")?,
                        amount: row.int("amount_minor")?,
                        currency: row.text("currency")?,
                        state: row.text("state")?,
                    })
                })
                .collect()
        })
    });
    let disputes: Result<Vec<Dispute>, StoreError> = read.await;
    disputes.unwrap()
}

/// Every paid order with a total above zero names an event that stands in Stripe's log.
fn check_event(order: &Order, stripe: &Stripe) -> Option<String> {
    if order.state != "paid" || order.total == 0 {
        return None;
    }
    let stands = stripe.events().iter().any(|event| {
        Some(&event.id) == order.event.as_ref()
            && event.kind == "payment_intent.succeeded"
            && event.payment_intent == order.reference
    });
    (!stands).then(|| format!("{} is paid without an event of Stripe's", order.id))
}

async fn compare_stock(store: &Store) -> Vec<String> {
    let read = store.read((), |tx, ()| {
        Box::pin(async move {
            let mut reserved: HashMap<uuid::Uuid, i64> = HashMap::new();
            for row in tx.query(&RESERVED, &[]).await? {
                let mut row = row.read("order_lines");
                *reserved.entry(row.id("product_id")?).or_default() += row.int("quantity")?;
            }
            let mut differences = Vec::new();
            for row in tx.query(&STOCK, &[]).await? {
                let mut row = row.read("products");
                let (id, sku) = (row.id("id")?, row.text("sku")?);
                let (_, held) = (row.int("on_hand")?, row.int("reserved")?);
                let wanted = reserved.get(&id).copied().unwrap_or(0);
                if held != wanted {
                    let line = format!("{sku}: {held} reserved, pending orders hold {wanted}");
                    differences.push(line);
                }
            }
            Ok(differences)
        })
    });
    let differences: Result<Vec<String>, StoreError> = read.await;
    differences.unwrap()
}

struct Line {
    order: String,
    position: i64,
    kind: String,
    sentence: String,
    state: String,
    total: i64,
}

/// Every order's history begins with its making, tells its end once, tells every applied event once,
/// and nothing that is nobody else's business.
pub async fn compare_histories(store: &Store) -> Vec<String> {
    // First: what is applied in the meantime is told by then.
    let events = read_inbox(store).await.into_iter();
    let (orders, lines) = read_histories(store).await;
    let mut differences = Vec::new();
    let mut told = 0;
    for history in lines.chunk_by(|one, next| one.order == next.order) {
        told += 1;
        let first = &history[0];
        let mut say = |what: &str| differences.push(format!("history of {}: {what}", first.order));
        if first.kind != "order_made" {
            say("it does not begin with the order");
        }
        if !history.iter().map(|line| line.position).eq(1..=history.len() as i64) {
            say("a position is missing");
        }
        let ends = [
            ("The order is paid;", first.state == "paid" && first.total > 0),
            ("The order has failed;", first.state == "failed"),
            ("The order is cancelled;", first.state == "cancelled"),
        ];
        for (words, expected) in ends {
            let count = history.iter().filter(|line| line.sentence.contains(words)).count();
            if count != usize::from(expected) {
                say(&format!("{words:?} is told {count} times, and it is {}", first.state));
            }
        }
        for private in ["@", "_secret_", "Hauptstr", "Beispiel"] {
            if history.iter().any(|line| line.sentence.contains(private)) {
                say(&format!("it tells {private}"));
            }
        }
    }
    if told != orders {
        differences.push(format!("{orders} orders, {told} histories"));
    }
    let applied = events.filter(|[_, _, outcome]| outcome == "applied");
    differences.extend(applied.filter_map(|[id, _, _]| {
        let words = format!("Event {id} (");
        let told: Vec<&Line> =
            lines.iter().filter(|line| line.sentence.starts_with(&words)).collect();
        // One event may be the first word of several refunds, each of which is told.
        let is_of_refunds = told.iter().all(|line| line.kind == "refund_moved");
        let refunds: BTreeSet<&str> = told.iter().map(|line| line.sentence.as_str()).collect();
        let expected = if is_of_refunds { refunds.len().max(1) } else { 1 };
        (told.len() != expected).then(|| format!("{id} is told {} times", told.len()))
    }));
    differences
}

async fn read_histories(store: &Store) -> (i64, Vec<Line>) {
    let read = store.read((), |tx, ()| {
        Box::pin(async move {
            let orders = tx.query_opt(&ORDERS, &[]).await?;
            let orders = orders.map_or(Ok(0), |row| row.read("orders").int("n"))?;
            let rows = tx.query(&HISTORY, &[]).await?.into_iter();
            let lines = rows.map(|row| {
                let mut row = row.read("history");
                Ok(Line {
                    order: row.id("order_id")?.to_string(),
                    position: row.int("position")?,
                    kind: row.text("kind")?,
                    sentence: row.text("sentence")?,
                    state: row.text("state")?,
                    total: row.int("total_minor")?,
                })
            });
            Ok::<_, StoreError>((orders, lines.collect::<Result<_, StoreError>>()?))
        })
    });
    read.await.unwrap()
}

async fn read_orders(store: &Store) -> Vec<Order> {
    let read = store.read((), |tx, ()| {
        Box::pin(async move {
            let rows = tx.query(&PAYMENTS, &[]).await?;
            rows.into_iter()
                .map(|row| {
                    let mut row = row.read("orders");
                    Ok(Order {
                        id: row.id("id")?.to_string(),
                        state: row.text("state")?,
                        total: row.int("total_minor")?,
                        currency: row.text("currency")?,
                        event: row.text_opt("paid_by_event")?,
                        reference: row.text_opt("gateway_reference")?,
                    })
                })
                .collect()
        })
    });
    let orders: Result<Vec<Order>, StoreError> = read.await;
    orders.unwrap()
}
