//! What always holds, looked at after every step: our rows beside Stripe's ledger. Each breach is
//! a sentence.

use std::collections::{BTreeMap, BTreeSet};

use simulators::stripe::{EventSummary, LedgerEntry};
use uuid::Uuid;

use super::{
    Native,
    books::{Books, Order, Product, order_of},
    merchant,
    paid::{self, Sessions},
    refunds,
};
use crate::{
    books::{compare_disputes, compare_histories, compare_refunds, on_their_way},
    shop::SHELVES,
};

/// Statuses of a payment that can still be paid, or may already be under way.
const ALIVE: [&str; 5] = [
    "requires_payment_method",
    "requires_confirmation",
    "requires_action",
    "requires_capture",
    "processing",
];

/// Statuses of a payment that was confirmed, by whomever, and may bring money by itself.
const UNDER_WAY: [&str; 3] = ["requires_action", "requires_capture", "processing"];

/// What was known after the last step.
#[derive(Default)]
pub struct Memory {
    /// State of order and payment, and the event that paid.
    orders: BTreeMap<Uuid, (String, Option<String>, Option<String>)>,
    items: usize,
    sessions: Sessions,
    refunds: refunds::Seen,
}

impl Memory {
    /// Whether an order was there after the last step.
    pub fn knows(&self, order: &str) -> bool {
        order.parse().is_ok_and(|id: Uuid| self.orders.contains_key(&id))
    }
}

/// Looks at everything; the first breach is told.
pub fn check(world: &Native, memory: &mut Memory) -> Result<(), String> {
    let books = world.town.street.block_on(Books::read(&world.town.ground.store));
    let books = books.map_err(|error| error.to_string())?;
    let ledger = world.stripe.ledger();
    check_ledger(&books, &ledger)?;
    check_carts(world, &books, &ledger)?;
    let events = world.stripe.events();
    for order in &books.orders {
        check_order(world, order, &ledger, &events)?;
        check_forward(memory, order)?;
    }
    if books.orders.len() < memory.orders.len() || books.items.len() < memory.items {
        return Err("an order or an item for a person has vanished".to_owned());
    }
    memory.items = books.items.len();
    paid::check(world, &mut memory.sessions, &books, &ledger)?;
    refunds::check(world, &mut memory.refunds, &books, &ledger)?;
    check_stock(world, &books)?;
    check_items(world, &books)
}

/// Every payment at Stripe is of an order of ours, the only one, of its amount, and charged once.
fn check_ledger(books: &Books, ledger: &[LedgerEntry]) -> Result<(), String> {
    let mut asked = BTreeSet::new();
    for entry in ledger {
        if entry.charges_succeeded > 1 {
            return Err(format!("{} was charged {} times", entry.id, entry.charges_succeeded));
        }
        let order = order_of(entry).and_then(|id| books.orders.iter().find(|one| one.id == id));
        let Some(order) = order else { return Err(format!("{} has no order", entry.id)) };
        if entry.amount != order.total || !entry.currency.eq_ignore_ascii_case(&order.currency) {
            return Err(format!("{} asks for another amount than {}", entry.id, order.id));
        }
        if !asked.insert(order.id) {
            return Err(format!("Stripe has two payments of order {}", order.id));
        }
        let has_money = entry.status == "succeeded" && entry.refunds.is_empty();
        let is_over = order.state == "failed" || order.state == "cancelled";
        if has_money && is_over && !books.calls_for(entry) {
            return Err(format!(
                "{} has taken money for {}, which is {}, and nobody was called",
                entry.id, order.id, order.state
            ));
        }
    }
    Ok(())
}

/// Of each cart at most one payment can still bring money, and a new order comes
/// after the older one's end.
fn check_carts(world: &Native, books: &Books, ledger: &[LedgerEntry]) -> Result<(), String> {
    let mut live: BTreeMap<Uuid, &str> = BTreeMap::new();
    for entry in ledger {
        let known = world.handed_out.contains(&entry.id) && ALIVE.contains(&entry.status);
        if !known && !UNDER_WAY.contains(&entry.status) {
            continue;
        }
        let order = order_of(entry).and_then(|id| books.orders.iter().find(|one| one.id == id));
        let Some(order) = order else {
            return Err(format!("{} can be paid, and no order knows it", entry.id));
        };
        if let Some(other) = live.insert(order.cart, &entry.id) {
            return Err(format!(
                "a cart has two payments that can be paid: {other} and {}",
                entry.id
            ));
        }
        if order.state != "pending" {
            return Err(format!("{} can be paid, and {} is {}", entry.id, order.id, order.state));
        }
    }
    let bought = |order: &&Order| order.state == "paid" && order.total > 0;
    for paid in books.orders.iter().filter(bought) {
        let overlapping = books.orders.iter().find(|other| {
            other.id != paid.id
                && other.cart == paid.cart
                && bought(other)
                && other.created_at > paid.created_at
                && paid.state_at.is_some_and(|at| at > other.created_at)
        });
        if let Some(other) = overlapping {
            return Err(format!("{} and {} of one cart were paid side by side", paid.id, other.id));
        }
    }
    Ok(())
}

/// A paid order has its money, by an event of Stripe's.
fn check_order(
    world: &Native,
    order: &Order,
    ledger: &[LedgerEntry],
    events: &[EventSummary],
) -> Result<(), String> {
    if order.state != "paid" || order.total == 0 {
        return Ok(());
    }
    let entry = ledger.iter().find(|entry| Some(&entry.id) == order.reference.as_ref());
    let Some(entry) = entry else { return Err(format!("{} is paid by nothing", order.id)) };
    if entry.status != "succeeded" || entry.charges_succeeded != 1 {
        return Err(format!("{} is paid, {} is {}", order.id, entry.id, entry.status));
    }
    if entry.amount_received != order.total || order_of(entry) != Some(order.id) {
        return Err(format!("{} is paid by another amount or another order's money", order.id));
    }
    let event = events.iter().find(|event| Some(&event.id) == order.event.as_ref());
    let stands = event.is_some_and(|event| {
        event.kind == "payment_intent.succeeded" && event.payment_intent.as_ref() == Some(&entry.id)
    });
    // Stripe forgets an event after thirty days.
    let recent = order.state_at.is_some_and(|at| world.town.now() - at < 29 * 86_400_000);
    if recent && !stands {
        return Err(format!("{} is paid without an event of Stripe's", order.id));
    }
    Ok(())
}

/// States only move forward, and an end is an end.
fn check_forward(memory: &mut Memory, order: &Order) -> Result<(), String> {
    let now = (order.state.clone(), order.payment.clone(), order.event.clone());
    if let Some(before) = memory.orders.get(&order.id) {
        let over = before.0 != "pending" && *before != now;
        let ends = ["succeeded", "failed", "cancelled"];
        let ended = before.1.as_deref().is_some_and(|state| ends.contains(&state));
        let asked =
            before.1.as_deref().is_some_and(|state| !["created", "unknown"].contains(&state));
        let back =
            asked && now.1.as_deref().is_some_and(|state| ["created", "unknown"].contains(&state));
        if over || back || (ended && before.1 != now.1) {
            return Err(format!("{} went from {before:?} to {now:?}", order.id));
        }
    }
    memory.orders.insert(order.id, now);
    Ok(())
}

/// What lies there was there at first, or came in, and was not sold; what is set aside is set
/// aside for orders that wait.
fn check_stock(world: &Native, books: &Books) -> Result<(), String> {
    for product in &books.products {
        let Product { sku, on_hand, reserved, ordered } = product;
        if *on_hand < 0 || *reserved < 0 || reserved > on_hand {
            return Err(format!("{sku}: {on_hand} on hand, {reserved} reserved"));
        }
        let waiting = ordered.get("pending").copied().unwrap_or(0);
        if *reserved != waiting {
            return Err(format!("{sku}: {reserved} reserved, pending orders hold {waiting}"));
        }
        let (at_first, came) = (first_count(sku), world.delivered.get(sku.as_str()).unwrap_or(&0));
        let sold = ordered.get("paid").copied().unwrap_or(0);
        if on_hand + sold != at_first + came {
            return Err(format!("{sku}: {on_hand} on hand, {sold} sold of {at_first} and {came}"));
        }
    }
    Ok(())
}

fn first_count(sku: &str) -> i64 {
    SHELVES.iter().find(|shelf| shelf.0 == sku).map_or(0, |shelf| shelf.2.into())
}

/// Money that does not fit is only where Stripe was told to bring another amount.
fn check_items(world: &Native, books: &Books) -> Result<(), String> {
    let odd = ["refund_due", "discrepancy"];
    let unasked = books
        .items
        .iter()
        .find(|item| odd.contains(&item.kind.as_str()) && !world.drifted.contains(&item.subject));
    unasked.map_or(Ok(()), |item| {
        Err(format!("{} of {} was raised, and nothing at Stripe was odd", item.kind, item.subject))
    })
}

/// After the faults have ended and some minutes: whoever paid has an order, or somebody was
/// called; and nothing waits that could be done.
pub fn check_money(world: &Native) -> Result<(), String> {
    let books = world.town.street.block_on(Books::read(&world.town.ground.store));
    let books = books.map_err(|error| error.to_string())?;
    for entry in world.stripe.ledger().iter().filter(|entry| entry.status == "succeeded") {
        let paid = books.by_reference(&entry.id).is_some_and(|order| order.state == "paid");
        // Money that came too late has gone back.
        let returned = entry.amount_refunded == entry.amount_captured;
        if !paid && !returned && !books.calls_for(entry) {
            return Err(format!(
                "{} has money, and after minutes there is no paid order",
                entry.id
            ));
        }
        if !paid
            && !returned
            && entry.amount_received == entry.amount
            && entry.disputes.is_empty()
            && entry.refunds.is_empty()
            && !world.drifted.contains(&entry.id)
        {
            return Err(format!("{} has the right money, and its order is not paid", entry.id));
        }
    }
    Ok(())
}

/// At the end: the histories tell what the books have, and so was the merchant told.
pub fn check_told(world: &Native) -> Result<(), String> {
    let (street, store) = (&world.town.street, &world.town.ground.store);
    if let Some(difference) = street.block_on(compare_histories(store)).pop() {
        return Err(difference);
    }
    let books = street.block_on(Books::read(store)).map_err(|error| error.to_string())?;
    merchant::check(world, &books, &world.memory.refunds)
}

/// What is still open; nothing once every deadline has passed.
pub fn open(world: &Native) -> Result<Vec<String>, String> {
    let books = world.town.street.block_on(Books::read(&world.town.ground.store));
    let books = books.map_err(|error| error.to_string())?;
    let mut open = Vec::new();
    // A person has to look at it, and what is wished of it waits till then.
    let is_odd =
        |order: &Order| order.reference.as_ref().is_some_and(|known| world.drifted.contains(known));
    for order in &books.orders {
        if order.state == "pending" && !is_odd(order) {
            open.push(format!("{} is pending, payment {:?}", order.id, order.payment));
        }
        if order.state != "pending" && order.due_at.is_some() {
            open.push(format!("{} is over and due", order.id));
        }
    }
    let (street, store, stripe) = (&world.town.street, &world.town.ground.store, &world.stripe);
    open.extend(street.block_on(compare_disputes(store, stripe)));
    open.extend(street.block_on(compare_refunds(store, stripe)));
    let notices = street.block_on(on_their_way(store));
    if notices > 0 {
        open.push(format!("{notices} notices are on their way"));
    }
    open.extend(paid::open(world, &books)?);
    let odd: Vec<Uuid> = books.orders.iter().filter(|one| is_odd(one)).map(|one| one.id).collect();
    let effects = books.open_effects.iter().filter(|order| !odd.contains(order)).count();
    if books.open_events + effects > 0 {
        open.push(format!("{} events and {effects} effects wait", books.open_events));
    }
    Ok(open)
}
