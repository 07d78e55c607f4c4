//! What happens in a history at Elastic Path. Whoever is named by a number is counted from 0; payments
//! and sessions from the newest.

pub use simulators::elastic_path::Course;

use crate::simulation::browser::Ask;

/// What somebody asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Call {
    /// A shopper puts something in her cart.
    Add { shopper: usize, product: usize, quantity: u32 },
    /// She empties it.
    Empty { shopper: usize },
    /// She looks at it.
    Cart { shopper: usize },
    /// Another program puts something into her cart, past this server.
    AddThere { shopper: usize, product: usize },
    /// Another program pays her cart, past this server.
    PayThere { shopper: usize, course: Course },
    /// A page asks something of one of her sessions.
    Session { shopper: usize, tab: usize, ask: Ask<Course> },
    /// She signs in to one of the accounts.
    SignIn { shopper: usize, account: usize },
    /// She signs out.
    SignOut { shopper: usize },
    /// Whoever a bank wants to see passes or fails, or does as her card says.
    Prove { payment: usize, passed: Option<bool> },
    /// The worker does what is due.
    Work { node: usize },
    /// So much time passes in the middle of everything that all claims have run out, and the worker
    /// takes over from those who are still at it. It begins after so many turns.
    Overtake { node: usize, after: u32 },
}

/// What happens elsewhere: at the platform, or at a bank.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Deed {
    /// A bank settles a debit; without an outcome as its account says.
    Settle { payment: usize, paid: Option<bool> },
    /// There are so many of a product from now on.
    Stock { product: usize, pieces: i64 },
    /// A product costs so much from now on.
    Price { product: usize, cents: i64 },
    /// The platform knows no token of before any more.
    ForgetTokens,
    /// The next requests to the platform fail.
    Fault(Place, Trouble, u32),
    /// Nothing fails any more.
    Mend,
}

/// Which requests to the platform.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    Any,
    Token,
    ReadCart,
    Items,
    ReadAccount,
    Associate,
    Charge,
    AskPayment,
    Detach,
    Delete,
    CheckOut,
    Confirm,
    Orders,
    Order,
    Transactions,
    AskTransaction,
    CancelTransaction,
    Catalogue,
}

/// What goes wrong with a request to the platform.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    LoseBefore,
    LoseAfter,
    Status(u16),
    TooMany,
    FailAfter,
    Page,
    PageAfter,
    SlowBy(u64),
    SlowAfterBy(u64),
    Garbage,
    SoftErrors,
}
