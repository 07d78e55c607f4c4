//! What happens in a history on the native backend. Whoever is named by a number is counted from 0;
//! payments and sessions from the newest.

pub use simulators::stripe::RefundCourse;

use crate::simulation::browser::Ask;

/// What happens elsewhere: at Stripe, at a bank, in the operator's office.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Deed {
    /// The operator imports a product at another price, with so many pieces more or less.
    Import { sku: usize, cents: i64, pieces: i64 },
    /// A bank settles a debit; without an outcome as its account says.
    Settle { payment: usize, paid: Option<bool> },
    /// Stripe says of a payment that it brought another amount.
    Drift { payment: usize, amount: i64 },
    /// A shopper disputes a payment, or her bank asks about it first.
    Dispute { payment: usize, inquiry: bool },
    /// A bank decides about a dispute, counted from the newest.
    Judge { dispute: usize, verdict: Verdict },
    /// Somebody cancels a payment in Stripe's dashboard.
    CancelThere { payment: usize },
    /// Nobody answers a challenge for too long.
    Forget { payment: usize },
    /// The next refund takes this course.
    Course(RefundCourse),
    /// A refund comes to its end, counted from the newest; also one that had arrived fails.
    EndRefund { refund: usize, end: End },
    /// The merchant's own server does so from now on.
    Merchant(Manner),
    /// Stripe keeps webhooks back.
    Hold(Types),
    /// Stripe loses webhooks.
    Lose(Types),
    /// Stripe sends what it kept, and loses no more; the newest first if so said.
    Release { reversed: bool },
    /// From now on webhooks come so many seconds late.
    Delay(Types, u64),
    /// From now on webhooks come so often.
    Repeat(Types, u32),
    /// Stripe makes a second event of something that happened.
    Duplicate { event: usize },
    /// The next requests to Stripe fail.
    Fault(Place, Trouble, u32),
    /// Nothing fails any more.
    Mend,
}

/// What somebody asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Call {
    /// A shopper puts something in her cart.
    Add { shopper: usize, sku: usize, quantity: u32 },
    /// She changes how many.
    Change { shopper: usize, line: usize, quantity: u32 },
    /// She empties it.
    Empty { shopper: usize },
    /// She looks at it.
    Cart { shopper: usize },
    /// She goes to the checkout with one of several addresses.
    Intent { shopper: usize, form: usize },
    /// Her browser confirms a payment at Stripe.
    Pay { shopper: usize, payment: usize, means: Means },
    /// She passes or fails the challenge.
    Challenge { shopper: usize, payment: usize, passed: bool },
    /// Her browser says that it has confirmed.
    Confirm { shopper: usize, payment: usize },
    /// She looks at her order.
    Order { shopper: usize, payment: usize },
    /// She gives it up.
    Cancel { shopper: usize, payment: usize },
    /// A page asks something of one of her sessions.
    Session { shopper: usize, tab: usize, ask: Ask<Means> },
    /// Whoever a bank wants to see passes or fails; counted among those who wait.
    Prove { payment: usize, passed: bool },
    /// Stripe delivers what is due.
    Deliver,
    /// Stripe delivers every event once more, the newest first.
    DeliverAgain,
    /// The worker does what is due.
    Work { node: usize },
    /// So much time passes in the middle of everything that all claims have run out, and the worker
    /// takes over from those who are still at it. It begins after so many turns.
    Overtake { node: usize, after: u32 },
    /// The poller fetches Stripe's events.
    Poll { node: usize },
    /// The operator gives back what a payment has brought: so much of it, or all that is left.
    GiveBack { node: usize, payment: usize, cents: Option<i64> },
    /// Somebody does the same in Stripe's dashboard, after so many turns.
    GiveBackThere { payment: usize, cents: Option<i64>, after: u32 },
    /// The operator gives up the order of a payment.
    CancelHere { node: usize, payment: usize },
    /// The operator compares the books, from the first day on.
    Reconcile { node: usize },
}

/// What a shopper pays with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Means {
    Good,
    Declined,
    NoFunds,
    ThreeDSecure,
    Debit,
    DebitThatFails,
}

/// How a bank decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    Won,
    Lost,
    Closed,
    Prevented,
    Escalated,
}

/// How a refund ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    Arrives,
    Fails,
    Stopped,
}

/// What the merchant's own server does with what it is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Manner {
    Takes,
    Refuses,
    /// It takes it, and says nothing.
    Silent,
}

/// Kinds of events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Types {
    All,
    Succeeded,
    Hints,
    Ends,
}

/// Which requests to Stripe.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    Any,
    Change,
    Question,
    Cancel,
    Events,
    Refunds,
}

/// What goes wrong with a request to Stripe.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    LoseBefore,
    LoseAfter,
    Status(u16),
    LockTimeout,
    FailBefore,
    FailAfter,
    SlowBy(u64),
    SlowAfterBy(u64),
    Truncated,
    Garbage,
}
