//! `till orders`: the operator looks at orders, gives money back, cancels, and closes what waits for
//! her. The commands work on the database itself, beside a server or without one; both send the same
//! refund under the same key, and both find a wish to cancel that is written down, so that it does
//! not matter who is first, or whether the command is stopped half-way.

mod attention;
pub(super) mod command;
mod export;
mod list;
mod show;

pub use list::Form;
use std::io::{self, Write};

use domain::{
    cancellation::NotCancellable,
    id::{IdError, OrderId},
    money::{Money, MoneyError},
    refund::{NotMade, RefundState},
};
use storage::{
    Store, StoreError, outbox,
    refund::{self, Stored},
};

use crate::{
    context::Context,
    flows::{
        FlowError,
        cancel_order::{self, Canceller, cancel_order},
        refund::{RequestError, Wish, carry_out, request},
        see_order::{self, Seen},
    },
};

/// Why a command did not do what it was asked for.
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
    NotRequested(RequestError),
    /// The database did not say whether it has kept the refund.
    #[error(
        "it is not known whether the refund is written down ({0}); if it is, a running server makes \
         it. Look at `till orders show` before you ask for another one"
    )]
    PerhapsRequested(StoreError),
    /// There is no such order.
    #[error("there is no such order; `till orders list` shows those that there are")]
    NoSuchOrder,
    /// There is no such item.
    #[error("there is no such item; `till orders attention` shows those that are open")]
    NoSuchItem,
    /// A table cannot be written.
    #[error("the export cannot be written")]
    Csv(#[from] csv::Error),
    /// An order cannot be written as JSON.
    #[error("the output cannot be written")]
    Json(#[from] serde_json::Error),
    /// Stripe said no.
    #[error("nothing was given back: {}", .0.sentence())]
    NotMade(NotMade),
    /// The bank sent it back.
    #[error("the refund failed ({0}); the shopper does not have the money")]
    Failed(String),
    /// It is too late.
    #[error("it cannot be cancelled: {reason}{}", advice(*.reason))]
    NotCancellable {
        /// Why.
        reason: NotCancellable,
    },
    /// Stripe did not answer.
    #[error(
        "it is not known yet whether the order is cancelled ({0}); the wish is written down, and a \
         running server carries it out unless the order is paid first. `till orders show` says what \
         became of it"
    )]
    NotYetCancelled(FlowError),
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
    let order = read_order(&cx.store, asked.order.parse()?).await?.order;
    let currency = order.totals.total().currency();
    let amount = asked.amount.map(|text| Money::parse_major(&text, currency)).transpose()?;
    let wish = Wish { order: order.id, amount, note: asked.reason };
    let wanted = request(cx, wish).await.map_err(not_requested)?;
    let amount = wanted.amount;
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
    let made = made.await.map_err(|error| OrdersError::NotYet(FlowError::Store(error)))?;
    let Some(Stored { refund, .. }) = made else { return Err(OrdersError::NoSuchOrder) };
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

/// Whoever hears that nothing was given back asks again, so that is said only where it is known.
fn not_requested(error: RequestError) -> OrdersError {
    match error {
        RequestError::Store(error @ StoreError::OutcomeUnknown(_)) => {
            OrdersError::PerhapsRequested(error)
        }
        RequestError::NoSuchOrder
        | RequestError::Refused(_)
        | RequestError::Amount(_)
        | RequestError::Store(_) => OrdersError::NotRequested(error),
    }
}

/// Cancels an order, and says what became of it.
pub async fn cancel(
    cx: &Context,
    order: &str,
    reason: Option<String>,
    mut out: impl Write,
) -> Result<(), OrdersError> {
    let order: OrderId = order.parse()?;
    let wish = cancel_order::Wish { order, by: Canceller::Operator { reason } };
    match cancel_order(cx, wish).await {
        Ok(()) => {
            let state = read_order(&cx.store, order).await?.order.state().name();
            Ok(writeln!(out, "Order {order} is {state}: no money can come, its pieces are free.")?)
        }
        Err(FlowError::NoSuchOrder) => Err(OrdersError::NoSuchOrder),
        Err(FlowError::NotCancellable { reason, .. }) => {
            Err(OrdersError::NotCancellable { reason })
        }
        Err(FlowError::Store(error)) => Err(error.into()),
        Err(error) => Err(OrdersError::NotYetCancelled(error)),
    }
}

/// What to do instead of cancelling.
fn advice(reason: NotCancellable) -> &'static str {
    match reason {
        NotCancellable::Paid => "; `till orders refund` gives the money back",
        NotCancellable::Answered | NotCancellable::Processing => {
            "; once it is paid, `till orders refund` gives the money back"
        }
        NotCancellable::NothingToPay | NotCancellable::Closing => "",
    }
}

async fn read_order(store: &Store, id: OrderId) -> Result<Seen, OrdersError> {
    let seen = store.read(id, |tx, id| Box::pin(see_order::read(tx, *id))).await?;
    seen.ok_or(OrdersError::NoSuchOrder)
}
