//! `till orders show`: one order with everything that belongs to it, and its history: who did what,
//! when, and on whose word.

use std::io::Write;

use domain::{
    id::OrderId,
    refund::{RefundOrigin, given_back},
};
use jiff::Timestamp;
use serde::Serialize;
use storage::{
    Store, StoreError, Tx,
    attention::{self, Item},
    history::{self, Line},
    refund::{self, Stored},
};
use uuid::Uuid;

use super::{OrdersError, list::Form};
use crate::{
    flows::see_order::{self, Seen},
    http::{
        order::{Order, on_the_wire},
        wire::CustomAttributes,
    },
};

/// Lines of a history that are read at a time.
const LINES: u32 = 500;

/// An order with everything that belongs to it.
struct Whole {
    seen: Seen,
    refunds: Vec<Stored>,
    items: Vec<Item>,
    history: Vec<Line>,
}

/// The same for programs: the order as the API answers it, and what only the shop may know.
#[derive(Serialize)]
struct ForPrograms<'a> {
    order: Order,
    refunds: Vec<RefundForPrograms<'a>>,
    attention: Vec<ItemForPrograms<'a>>,
    history: Vec<LineForPrograms<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct RefundForPrograms<'a> {
    id: Uuid,
    reference: Option<&'a str>,
    status: &'static str,
    amount: String,
    currency: &'static str,
    origin: &'static str,
    created_at: Timestamp,
}

/// An open item, for programs.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ItemForPrograms<'a> {
    id: Uuid,
    #[serde(skip_serializing_if = "Option::is_none")]
    order_id: Option<Uuid>,
    kind: &'a str,
    sentence: &'a str,
    raised_at: Timestamp,
}

#[derive(Serialize)]
struct LineForPrograms<'a> {
    at: Timestamp,
    actor: &'static str,
    kind: &'static str,
    sentence: &'a str,
}

impl<'a> ItemForPrograms<'a> {
    /// An item as a program reads it.
    pub fn of(item: &'a Item) -> Self {
        let Item { id, order, kind, sentence, at, .. } = item;
        Self { id: *id, order_id: order.map(|order| order.0), kind, sentence, raised_at: *at }
    }
}

/// Shows an order.
pub async fn show(store: &Store, id: &str, form: Form, out: impl Write) -> Result<(), OrdersError> {
    let id: OrderId = id.parse()?;
    let whole = store.read(id, |tx, id| Box::pin(read(tx, *id))).await?;
    let whole = whole.ok_or(OrdersError::NoSuchOrder)?;
    match form {
        Form::Table => print(&whole, out),
        Form::Json => print_json(&whole, out),
    }
}

async fn read(tx: &mut Tx, id: OrderId) -> Result<Option<Whole>, StoreError> {
    let Some(seen) = see_order::read(tx, id).await? else { return Ok(None) };
    let refunds = refund::of_order(tx, id).await?;
    let items = attention::of_order(tx, id).await?;
    let mut history = Vec::new();
    loop {
        let after = history.last().map_or(0, |line: &Line| line.position);
        let page = history::of_order(tx, id, after, LINES).await?;
        if page.is_empty() {
            return Ok(Some(Whole { seen, refunds, items, history }));
        }
        history.extend(page);
    }
}

fn print(whole: &Whole, mut out: impl Write) -> Result<(), OrdersError> {
    let Whole { seen, refunds, items, history } = whole;
    let Seen { order, payment, refunds: given, disputes, customer: _ } = seen;
    let state = order.state().name();
    writeln!(out, "order    {}  {state}  {}", order.id, order.email.as_str())?;
    writeln!(out, "made     {}", order.created_at)?;
    for line in &order.lines {
        let (quantity, price) = (line.quantity.count(), line.unit_price);
        writeln!(out, "line     {quantity} x {}  {}  {price}", line.sku, line.name)?;
    }
    writeln!(out, "total    {}", order.totals.total())?;
    if let Some(noted) = CustomAttributes::some(&order.attributes) {
        writeln!(out, "noted    {}", serde_json::to_string(&noted)?)?;
    }
    if let Some(stored) = payment {
        let name = stored.payment.reference().map_or("not at Stripe", |name| name.as_str());
        writeln!(out, "payment  {name}  {}", stored.payment.state().name())?;
    }
    for Stored { refund, created_at, .. } in refunds {
        let name = refund.reference().map_or("not at Stripe", |name| name.as_str());
        let mut note = match &refund.origin {
            RefundOrigin::Operator { note: Some(note) } => format!("operator: {note}"),
            RefundOrigin::Operator { note: None }
            | RefundOrigin::Automatic
            | RefundOrigin::Elsewhere => refund.origin.name().to_owned(),
        };
        if let Some(stray) = &refund.stray {
            note += &format!(" of the second payment {stray}");
        }
        let (amount, state) = (refund.amount, refund.state().name());
        writeln!(out, "refund   {name}  {state}  {amount}  {created_at}  {note}")?;
    }
    if let Some(sum) = given_back(given)? {
        writeln!(out, "given back {sum}")?;
    }
    for dispute in disputes {
        let news = dispute.news();
        let (name, state, reason) = (&news.reference, news.state.name(), &news.reason);
        writeln!(out, "dispute  {name}  {state}  {}  {reason}", news.amount)?;
    }
    for item in items {
        writeln!(out, "look at  {}  {}  (item {})", item.at, item.sentence, item.id)?;
    }
    writeln!(out, "\nhistory")?;
    for Line { entry, .. } in history {
        writeln!(
            out,
            "{:<24}  {:<8}  {}",
            entry.at.to_string(),
            entry.actor.name(),
            entry.sentence
        )?;
    }
    Ok(())
}

fn print_json(whole: &Whole, mut out: impl Write) -> Result<(), OrdersError> {
    let refunds = whole.refunds.iter().map(|Stored { refund, created_at, .. }| RefundForPrograms {
        id: refund.id.0,
        reference: refund.reference().map(|name| name.as_str()),
        status: refund.state().name(),
        amount: refund.amount.major(),
        currency: refund.amount.currency().code(),
        origin: refund.origin.name(),
        created_at: *created_at,
    });
    let history = whole.history.iter().map(|Line { entry, .. }| LineForPrograms {
        at: entry.at,
        actor: entry.actor.name(),
        kind: entry.kind.name(),
        sentence: &entry.sentence,
    });
    let all = ForPrograms {
        order: on_the_wire(&whole.seen)?,
        refunds: refunds.collect(),
        attention: whole.items.iter().map(ItemForPrograms::of).collect(),
        history: history.collect(),
    };
    Ok(writeln!(out, "{}", serde_json::to_string(&all)?)?)
}
