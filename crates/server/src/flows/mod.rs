//! The verbs: in which order things happen. A flow reads, decides (in `domain`) and writes; no
//! transaction is open while it waits for the gateway.

pub mod announce;
pub mod apply;
pub mod ask;
pub mod call_person;
pub mod cancel_order;
pub mod compare_books;
pub mod confirm;
pub mod customer;
pub mod deliver;
pub mod dispute;
pub mod expire;
pub mod fill_cart;
pub mod notify;
pub mod platform_cart;
pub mod poll_events;
pub mod purchase;
pub mod receive_event;
pub mod reconcile;
pub mod refund;
pub mod see_order;
pub mod see_placed_order;
pub mod session;
pub mod shield;
pub mod start_checkout;
pub mod tell;

use std::{future::Future, time::Duration};

use domain::{
    cancellation::NotCancellable, cart::CartError, checkout::Refusal, contact::AddressField,
    id::OrderId, money::MoneyError, session::SessionRefusal,
};
use futures::StreamExt;
use gateways::elastic_path::EpError;
use jiff::Timestamp;
use storage::StoreError;

use shield::Challenge;

/// Why a flow ended without what it was asked for.
#[derive(Debug, thiserror::Error)]
pub enum FlowError {
    /// There is no such product for sale.
    #[error("no such product")]
    NoSuchProduct,
    /// There is no such line in the cart.
    #[error("no such line in the cart")]
    NoSuchLine,
    /// The platform did not do what it was asked, and no money is in it.
    #[error(transparent)]
    Platform(#[from] EpError),
    /// There is no such order, or it is not this visitor's.
    #[error("no such order")]
    NoSuchOrder,
    /// The cart cannot be changed as asked.
    #[error(transparent)]
    Cart(#[from] CartError),
    /// The cart cannot become an order.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The gateway takes no amount as small as this; it does not say from which on it does.
    #[error("the gateway refuses the amount as too small")]
    AmountTooSmall,
    /// Another order of the same cart is being paid.
    #[error("order {order} of the same cart is being paid")]
    Conflict {
        /// That order.
        order: OrderId,
    },
    /// The cart is being paid, and is not changed meanwhile.
    #[error("the cart is being paid")]
    CartBeingPaid,
    /// The order cannot be cancelled.
    #[error("order {order} cannot be cancelled: {reason}")]
    NotCancellable {
        /// The order.
        order: OrderId,
        /// Why not.
        reason: NotCancellable,
    },
    /// The gateway did not say; the order keeps its reservation.
    #[error("the gateway has not answered yet")]
    PaymentUnknown,
    /// Somebody has asked too often. Which limit it was is not said.
    #[error("too many orders or declines; worth asking again in {} s", wait.as_secs())]
    TooOften {
        /// When it is worth asking again.
        wait: Duration,
    },
    /// More pieces than any order may have.
    #[error("an order has at most {max} pieces")]
    TooManyPieces {
        /// The most.
        max: u32,
    },
    /// The order needs a proof.
    #[error("a challenge must be solved first")]
    ChallengeRequired(Challenge),
    /// A bank said no.
    #[error("the payment was declined")]
    Declined {
        /// A sentence the shopper may read.
        message: String,
    },
    /// The shopper must prove who she is first.
    #[error("authentication is pending")]
    AuthRequired,
    /// The gateway refused the address or the e-mail.
    #[error("the gateway refused the {}", field.map_or("e-mail address", AddressField::name))]
    ContactRefused {
        /// The field, or none for the e-mail address.
        field: Option<AddressField>,
    },
    /// The gateway refuses to work with us: a key or the account is wrong. An operator must act.
    #[error("the gateway refuses us: {0}")]
    GatewayRefusesUs(String),
    /// What a session's shopper saw is not what her cart holds, or what it costs.
    #[error("the cart is not what the shopper saw")]
    NotAsSeen,
    /// A session has moved on: another request of its shopper was faster.
    #[error(transparent)]
    Session(#[from] SessionRefusal),
    /// E-mail address and password do not belong together. Which of them is wrong is not said.
    #[error("e-mail address or password is wrong")]
    SignInRefused,
    /// Only for those who are signed in.
    #[error("nobody is signed in")]
    NobodySignedIn,
    /// The customer's own password is needed, and was not given or is wrong.
    #[error("the password is needed for this, and is wrong")]
    PasswordNeeded,
    /// A link from a letter was used before, is too old, or was never one of ours.
    #[error("the link does not work any more")]
    LinkOver,
    /// The customer has no such address.
    #[error("no such address")]
    NoSuchAddress,
    /// The customer has as many addresses as anybody may.
    #[error("a customer has at most {} addresses", domain::customer::ADDRESSES_MAX)]
    TooManyAddresses,
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A bug: a flow panicked, or an amount overflowed.
    #[error("a flow broke: {0}")]
    Broken(String),
}

impl From<MoneyError> for FlowError {
    fn from(error: MoneyError) -> Self {
        Self::Broken(error.to_string())
    }
}

/// Pieces of work that wait for the gateway at the same time, and how many are claimed at once, so
/// that none waits under a claim that runs out. Stripe allows 25 requests a second on a route, and
/// shoppers need most of them.
const AT_ONCE: u32 = 8;

/// Does pieces of work side by side, a few at a time: a gateway that is slow with one does not
/// hold up the others. All are done, and the first error is returned.
async fn side_by_side<F>(work: impl Iterator<Item = F>) -> Result<(), StoreError>
where
    F: Future<Output = Result<(), StoreError>>,
{
    let results = futures::stream::iter(work).buffer_unordered(AT_ONCE as usize);
    results.fold(Ok(()), async |first, result| first.and(result)).await
}

/// How long to wait before the `tries`th repetition: doubling from one second to five minutes.
/// Five minutes is what the promise "within a bounded time" can bear.
pub fn back_off(tries: u32) -> Duration {
    const LONGEST: Duration = Duration::from_secs(300);
    Duration::from_secs(1 << tries.min(9)).min(LONGEST)
}

/// About when work was first tried that has been tried so often, with [`back_off`] in between.
pub fn first_try(now: Timestamp, tries: u32) -> Timestamp {
    let waited: Duration = (0..tries.min(20)).map(back_off).sum();
    now.checked_sub(waited).unwrap_or(Timestamp::MIN)
}
