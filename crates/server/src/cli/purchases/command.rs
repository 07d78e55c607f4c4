//! The arguments of `till purchases`, and what is done with them.

use std::io;

use clap::{Args, Subcommand, ValueEnum};

use super::{PurchasesError, end, list, show};
use crate::{
    cli::{CliError, beside_the_platform, on_the_books, orders::Form},
    flows::purchase::settle::{Verdict, Wish},
};

/// What can be asked for.
#[derive(Debug, Subcommand)]
pub enum PurchasesCommand {
    /// Lists purchases, newest first: id, time, state or what is wrong, amount, cart
    #[command(after_help = LIST_HELP)]
    List {
        /// Only those that need a person, or that are paid
        #[arg(long)]
        state: Option<Which>,
        /// How many at most
        #[arg(long, default_value_t = 50)]
        limit: u32,
        /// For programs: one JSON object on each line
        #[arg(long)]
        json: bool,
    },
    /// Shows a purchase and its history
    #[command(after_help = SHOW_HELP)]
    Show {
        /// The purchase's id
        purchase: String,
        /// For programs: one JSON object
        #[arg(long)]
        json: bool,
    },
    /// Ends a purchase that needs a person, after Elastic Path was asked
    #[command(after_help = SETTLE_HELP)]
    Settle {
        /// The purchase's id
        purchase: String,
        #[command(flatten)]
        verdict: VerdictFlags,
        /// What you did; kept in the purchase's history
        #[arg(long)]
        note: Option<String>,
    },
}

/// Which purchases are listed.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum Which {
    /// They need a person.
    NeedsPerson,
    /// They are paid, and tidied up.
    Cleaned,
    /// They were given up.
    Abandoned,
    /// A bank said no.
    Declined,
}

impl Which {
    fn state(self) -> &'static str {
        match self {
            Self::NeedsPerson => "needs_reconciliation",
            Self::Cleaned => "cleaned",
            Self::Abandoned => "abandoned",
            Self::Declined => "declined",
        }
    }
}

/// What a person has found: one of them.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub struct VerdictFlags {
    /// This order at Elastic Path is paid for it
    #[arg(long, value_name = "ORDER")]
    paid: Option<String>,
    /// Nothing was charged
    #[arg(long)]
    not_paid: bool,
    /// What was charged has been given back, at Stripe
    #[arg(long)]
    refunded: bool,
}

impl VerdictFlags {
    fn verdict(self) -> Result<Verdict, PurchasesError> {
        Ok(match (self.paid, self.refunded) {
            (Some(order), _) => Verdict::Paid(order.parse()?),
            (None, true) => Verdict::Refunded,
            (None, false) => Verdict::NotPaid,
        })
    }
}

const LIST_HELP: &str = "Examples:
  till purchases list
  till purchases list --state needs-person
  till purchases list --json --limit 1000 | jq .amount";

const SHOW_HELP: &str = "Examples:
  till purchases show 0197f3c2-5b1e-7c3a-9d2e-2f6b8a4c1d00
  till purchases show 0197f3c2-5b1e-7c3a-9d2e-2f6b8a4c1d00 --json | jq -r '.history[].sentence'";

const SETTLE_HELP: &str = "It asks nothing. An order that you name must be there, paid, and come to the \
same sum. Otherwise
nothing may be paid or payable any more, as far as Elastic Path tells; that money was given back at
Stripe it does not know. Orders that nobody has paid are cancelled. Then the shopper can pay her cart
again, or it is tidied up if it is paid.

Examples:
  till purchases settle 0197f3c2-5b1e-7c3a-9d2e-2f6b8a4c1d00 --paid aa854b8f-5930-476d-951a-e9b9cfbdefb1
  till purchases settle 0197f3c2-5b1e-7c3a-9d2e-2f6b8a4c1d00 --not-paid
  till purchases settle 0197f3c2-5b1e-7c3a-9d2e-2f6b8a4c1d00 --refunded --note \"sold out, refund re_1\"";

/// Does what was asked.
pub async fn run(command: PurchasesCommand) -> Result<(), CliError> {
    let out = io::stdout();
    let form = |json: bool| if json { Form::Json } else { Form::Table };
    match command {
        PurchasesCommand::List { state, limit, json } => {
            let which = (state.map(Which::state), limit);
            on_the_books(async |store| list(store, which, form(json), out).await).await
        }
        PurchasesCommand::Show { purchase, json } => {
            on_the_books(async |store| show(store, &purchase, form(json), out).await).await
        }
        PurchasesCommand::Settle { purchase, verdict, note } => {
            let purchase = purchase.parse().map_err(PurchasesError::Id)?;
            let wish = Wish { purchase, verdict: verdict.verdict()?, note };
            beside_the_platform(async |px| end(px, wish, out).await).await
        }
    }
}
