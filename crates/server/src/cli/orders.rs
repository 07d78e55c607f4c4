//! `till orders`: the operator looks at one order, or gives its money back. The command works on
//! the database itself, beside a server or without one; both send the same refund under the same
//! key, so that it does not matter who is first, or whether the command is stopped half-way.

use std::io::{self, Write};

use domain::{
    id::{IdError, OrderId},
    money::{Money, MoneyError},
    order::Order,
    refund::{NotMade, RefundOrigin, RefundState, given_back},
};
use storage::{
    Store, StoreError, attention, order, outbox, payment,
    refund::{self, Stored},
};

use crate::{
    context::Context,
    flows::{
        FlowError,
        refund::{RequestError, Wish, carry_out, request},
    },
};

/// Why an order was not shown, or its money not given back.
#[derive(Debug, thiserror::Error)]
pub enum OrdersError {
    /// Not an id.
    #[error(transparent)]
    Id(#[from] IdError),
    /// Not an amount in the order's currency.
    #[error(transparent)]
    Amount(#[from] MoneyError),
    /// It may not be given back, or there is no such order.
    #[error("nothing was given back: {0}")]
    NotRequested(#[from] RequestError),
    /// There is no such order.
    #[error("there is no such order")]
    NoSuchOrder,
    /// Stripe said no.
    #[error("nothing was given back: {}", .0.sentence())]
    NotMade(NotMade),
    /// The bank sent it back.
    #[error("the refund failed ({0}); the shopper does not have the money")]
    Failed(String),
    /// Stripe did not answer.
    #[error(
        "it is not known yet whether Stripe has made the refund ({0}); it is written down, and a \
         running server asks again. `till orders show` says what became of it; do not ask for \
         another one"
    )]
    NotYet(FlowError),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Nobody reads the output.
    #[error("the output cannot be written")]
    Io(#[from] io::Error),
}

/// What the operator asked for, as she typed it.
#[derive(Debug)]
pub struct Asked {
    /// The order.
    pub order: String,
    /// In the major unit; without it, all that is left.
    pub amount: Option<String>,
    /// For the shop alone.
    pub reason: Option<String>,
}

/// Gives money back, and says what will happen and what has.
pub async fn give_back(cx: &Context, asked: Asked, mut out: impl Write) -> Result<(), OrdersError> {
    let order = read(&cx.store, asked.order.parse()?).await?.order;
    let currency = order.totals.total().currency();
    let amount = asked.amount.map(|text| Money::parse_major(&text, currency)).transpose()?;
    let wish = Wish { order: order.id, amount, note: asked.reason };
    let wanted = request(cx, wish).await?;
    let amount = told(wanted.amount);
    writeln!(out, "Giving back {amount} of order {} (refund {}).", order.id, wanted.id)?;
    carry_out(cx, wanted.id).await.map_err(OrdersError::NotYet)?;
    let input = (wanted.id, cx.clock.now());
    let made = cx.store.write(input, |tx, (id, now)| {
        Box::pin(async move {
            let made = refund::by_id(tx, *id).await?;
            // Its outcome is known, so nobody need send it again.
            outbox::done(tx, id.0, *now).await?;
            Ok::<_, StoreError>(made)
        })
    });
    let Some(Stored { refund, .. }) = made.await? else { return Err(OrdersError::NoSuchOrder) };
    match refund.state() {
        RefundState::Succeeded => writeln!(out, "Done: Stripe has sent {amount}.")?,
        RefundState::Pending => writeln!(out, "Stripe has it: {amount} is on its way.")?,
        RefundState::Cancelled => writeln!(out, "It was stopped at Stripe: the money stays.")?,
        RefundState::Refused { reason } => return Err(OrdersError::NotMade(*reason)),
        RefundState::Failed { reason } => return Err(OrdersError::Failed(reason.clone())),
        RefundState::Requested | RefundState::Unknown => {
            return Err(OrdersError::NotYet(FlowError::PaymentUnknown));
        }
    }
    Ok(())
}

/// An order with everything that belongs to it.
struct Seen {
    order: Order,
    payment: Option<payment::Stored>,
    refunds: Vec<Stored>,
    items: Vec<attention::Item>,
}

async fn read(store: &Store, id: OrderId) -> Result<Seen, OrdersError> {
    let seen = store.read(id, |tx, id| {
        Box::pin(async move {
            let Some(order) = order::load(tx, *id).await? else { return Ok(None) };
            let payment = payment::of_order(tx, *id).await?;
            let refunds = refund::of_order(tx, *id).await?;
            let items = attention::of_order(tx, *id).await?;
            Ok::<_, StoreError>(Some(Seen { order, payment, refunds, items }))
        })
    });
    seen.await?.ok_or(OrdersError::NoSuchOrder)
}

/// Shows an order: its lines, its payment, its refunds, and what waits for a person.
pub async fn show(store: &Store, id: &str, mut out: impl Write) -> Result<(), OrdersError> {
    let Seen { order, payment, refunds, items } = read(store, id.parse()?).await?;
    let state = order.state().name();
    writeln!(out, "order    {}  {state}  {}", order.id, order.email.as_str())?;
    writeln!(out, "made     {}", order.created_at)?;
    for line in &order.lines {
        let (quantity, price) = (line.quantity.count(), told(line.unit_price));
        writeln!(out, "line     {quantity} x {}  {}  {price}", line.sku, line.name)?;
    }
    writeln!(out, "total    {}", told(order.totals.total()))?;
    if let Some(stored) = payment {
        let payment = stored.payment;
        let name = payment.reference().map_or("not at Stripe", |name| name.as_str());
        writeln!(out, "payment  {name}  {}", payment.state().name())?;
    }
    let mut all = Vec::new();
    for Stored { refund, created_at, .. } in refunds {
        let name = refund.reference().map_or("not at Stripe", |name| name.as_str());
        let note = match &refund.origin {
            RefundOrigin::Operator { note: Some(note) } => format!("operator: {note}"),
            RefundOrigin::Operator { note: None }
            | RefundOrigin::Automatic
            | RefundOrigin::Elsewhere => refund.origin.name().to_owned(),
        };
        let (amount, state) = (told(refund.amount), refund.state().name());
        writeln!(out, "refund   {name}  {state}  {amount}  {created_at}  {note}")?;
        all.push(refund);
    }
    if let Some(sum) = given_back(&all)? {
        writeln!(out, "given back {}", told(sum))?;
    }
    for item in items {
        writeln!(out, "look at  {}  {}", item.at, item.sentence)?;
    }
    Ok(())
}

fn told(money: Money) -> String {
    format!("{} {}", money.major(), money.currency())
}
