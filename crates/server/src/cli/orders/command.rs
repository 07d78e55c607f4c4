//! The arguments of `till orders`, and what is done with them.

use std::io::{self, IsTerminal as _, Write as _};

use clap::{Args, Subcommand};
use domain::id::OrderId;
use jiff::{Timestamp, civil::Date, tz::TimeZone};
use storage::order::Filter;

use super::{
    Asked, OrdersError,
    attention::{attention, resolve},
    cancel,
    export::export,
    give_back,
    list::{Form, Wanted, list},
    show::show,
};
use crate::{
    cli::{CliError, beside_the_server, on_the_books},
    clock::Clock,
    http::order::OrderStatus,
};

#[derive(Debug, Subcommand)]
pub enum OrdersCommand {
    /// Lists orders, newest first
    #[command(after_help = LIST_HELP)]
    List {
        #[command(flatten)]
        which: Which,
        /// How many at most
        #[arg(long, default_value_t = 50)]
        limit: usize,
        /// Those after this one, as the last line of a list says
        #[arg(long, value_name = "ORDER")]
        after: Option<OrderId>,
        #[command(flatten)]
        form: JsonFlag,
    },
    /// Shows an order: lines, payment, refunds, what waits for a person, and its history
    #[command(after_help = SHOW_HELP)]
    Show {
        /// The order's id
        order: String,
        #[command(flatten)]
        form: JsonFlag,
    },
    /// Gives money back through Stripe, at once: all that is left, or a part
    #[command(after_help = REFUND_HELP)]
    Refund {
        /// The order's id
        order: String,
        /// How much, such as 12.50 in the order's currency; without it, all that is left
        #[arg(long)]
        amount: Option<String>,
        /// Why; kept with the refund, and told to nobody else
        #[arg(long)]
        reason: Option<String>,
    },
    /// Cancels an order that is not paid: first its payment at Stripe, then its stock is free
    #[command(after_help = CANCEL_HELP)]
    Cancel {
        /// The order's id
        order: String,
        /// Why; kept in the order's history, and told to nobody else
        #[arg(long)]
        reason: Option<String>,
    },
    /// Writes orders as CSV to standard output, newest first
    #[command(after_help = EXPORT_HELP)]
    Export {
        #[command(flatten)]
        which: Which,
    },
    /// Lists what waits for a person: why, and what to do
    #[command(after_help = ATTENTION_HELP)]
    Attention {
        /// How many at most, oldest first
        #[arg(long, default_value_t = 50)]
        limit: u32,
        #[command(flatten)]
        form: JsonFlag,
    },
    /// Closes an item that you have dealt with
    #[command(after_help = RESOLVE_HELP)]
    Resolve {
        /// The item's id
        item: String,
        /// What you did; kept in the order's history
        #[arg(long)]
        note: Option<String>,
    },
}

/// Which orders are wanted.
#[derive(Debug, Args)]
pub struct Which {
    /// Only those that have come so far
    #[arg(long, value_name = "STATE")]
    state: Option<OrderStatus>,
    /// Only those of this e-mail address
    #[arg(long)]
    email: Option<String>,
    /// Made at this time or later: 2026-11-22, or 2026-11-22T08:30:00Z
    #[arg(long, value_name = "TIME", value_parser = moment)]
    since: Option<Timestamp>,
    /// Made before this time
    #[arg(long, value_name = "TIME", value_parser = moment)]
    until: Option<Timestamp>,
}

#[derive(Debug, Args)]
pub struct JsonFlag {
    /// For programs: one JSON object on each line
    #[arg(long)]
    json: bool,
}

impl JsonFlag {
    fn form(&self) -> Form {
        if self.json { Form::Json } else { Form::Table }
    }
}

impl Which {
    fn wanted(self, before: Option<OrderId>) -> Wanted {
        let all = Filter::all();
        let filter = Filter {
            state: Wanted::state(self.state),
            email: self.email.unwrap_or_default(),
            since: self.since.unwrap_or(all.since),
            until: self.until.unwrap_or(all.until),
        };
        Wanted { filter, status: self.state, before }
    }
}

/// A day, from its beginning in UTC, or a time.
fn moment(text: &str) -> Result<Timestamp, String> {
    if let Ok(time) = text.parse::<Timestamp>() {
        return Ok(time);
    }
    let day = text.parse::<Date>().ok().and_then(|day| day.to_zoned(TimeZone::UTC).ok());
    let day = day.ok_or("expected a day such as 2026-11-22 or a time such as 2026-11-22T08:30:00Z");
    Ok(day?.timestamp())
}

const LIST_HELP: &str = "Examples:
  till orders list
  till orders list --state pending --since 2026-11-22
  till orders list --email ada@example.org
  till orders list --json --limit 1000 | jq .total";

const SHOW_HELP: &str = "Examples:
  till orders show 0197f3c2-5b1e-7c3a-9d2e-2f6b8a4c1d00
  till orders show 0197f3c2-5b1e-7c3a-9d2e-2f6b8a4c1d00 --json | jq -r '.history[].sentence'";

const REFUND_HELP: &str = "It asks nothing. What has been given back, or is on its way, never \
exceeds what was received. If Stripe
does not answer, the refund stays written down and a running server asks again under the same key.

Examples:
  till orders refund 0197f3c2-5b1e-7c3a-9d2e-2f6b8a4c1d00
  till orders refund 0197f3c2-5b1e-7c3a-9d2e-2f6b8a4c1d00 --amount 12.50 --reason \"one cup broken\"";

const CANCEL_HELP: &str =
    "It asks nothing. An order that is paid, or whose payment is under way, is not \
cancelled. If Stripe does
not answer, the wish stays written down and a running server carries it out.

Examples:
  till orders cancel 0197f3c2-5b1e-7c3a-9d2e-2f6b8a4c1d00
  till orders cancel 0197f3c2-5b1e-7c3a-9d2e-2f6b8a4c1d00 --reason \"sold out\"";

const EXPORT_HELP: &str =
    "Times are UTC, amounts have the decimals of their currency. Text that a \
spreadsheet would take for a
formula (it begins with =, +, - or @) gets an apostrophe in front. Progress goes to standard error.

Examples:
  till orders export > orders.csv
  till orders export --state paid --since 2026-11-01 --until 2026-12-01 > november.csv";

const ATTENTION_HELP: &str = "Examples:
  till orders attention
  till orders attention --json | jq -r .sentence";

const RESOLVE_HELP: &str = "An item that is closed is not raised again.

Examples:
  till orders resolve 0197f3c2-5b1e-7c3a-9d2e-2f6b8a4c1d00
  till orders resolve 0197f3c2-5b1e-7c3a-9d2e-2f6b8a4c1d00 --note \"refunded by bank transfer\"";

/// Does what was asked.
pub async fn run(command: OrdersCommand) -> Result<(), CliError> {
    let out = io::stdout();
    match command {
        OrdersCommand::List { which, limit, after, form } => {
            let (wanted, form) = (which.wanted(after), form.form());
            on_the_books(async |store| list(store, wanted, limit, form, out).await).await
        }
        OrdersCommand::Show { order, form } => {
            on_the_books(async |store| show(store, &order, form.form(), out).await).await
        }
        OrdersCommand::Refund { order, amount, reason } => {
            let asked = Asked { order, amount, reason };
            beside_the_server(async |cx| give_back(cx, asked, out).await).await
        }
        OrdersCommand::Cancel { order, reason } => {
            beside_the_server(async |cx| cancel(cx, &order, reason, out).await).await
        }
        OrdersCommand::Export { which } => {
            on_the_books(async |store| {
                let written = export(store, which.wanted(None), out.lock(), told).await?;
                Ok::<_, OrdersError>(writeln!(io::stderr(), "{written} orders are exported.")?)
            })
            .await
        }
        OrdersCommand::Attention { limit, form } => {
            let now = Clock::system().now();
            on_the_books(async |store| attention(store, limit, form.form(), now, out).await).await
        }
        OrdersCommand::Resolve { item, note } => {
            let now = Clock::system().now();
            on_the_books(async |store| resolve(store, &item, note, now, out).await).await
        }
    }
}

/// How far an export is, where a person looks.
fn told(written: usize) {
    let mut err = io::stderr();
    if err.is_terminal() {
        let _nobody_looks = write!(err, "{written} orders\r");
    }
}
