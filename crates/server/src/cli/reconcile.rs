//! `till reconcile`: our books beside Stripe's, for a period. Works on the database itself, beside a
//! server or without one; it may be stopped at any moment and started again.

use std::io::{self, Write};

use domain::money::Money;
use jiff::{Timestamp, civil, tz::TimeZone};
use serde_json::{Value, json};

use crate::{
    context::Context,
    flows::{
        FlowError,
        compare_books::{BothSides, Finding, Hands, Outcome, Period, Sums, Told, compare},
    },
};

/// How far back books are compared when nothing else is asked for, in hours: as long as Stripe keeps
/// the events that prove its payments.
const HOURS_BACK: i64 = 30 * 24;

/// Why books were not compared, or differ.
#[derive(Debug, thiserror::Error)]
pub enum ReconcileError {
    /// Not a point in time.
    #[error(
        "{0:?} is neither a date, such as 2026-11-01, nor a time, such as 2026-11-01T12:00:00Z"
    )]
    Time(String),
    /// The period is empty.
    #[error("the period ends before it begins")]
    Period,
    /// It ended before its end.
    #[error(
        "the books were not compared to the end ({0}); what was done so far stays, and the same \
         command goes on"
    )]
    Stopped(#[from] FlowError),
    /// Differences are left.
    #[error("the books differ: what becomes of {0} of the differences is for a person to decide")]
    Differ(u64),
    /// Differences would be left, or ended.
    #[error("the books differ: {0} differences, and nothing was changed")]
    NotTouched(u64),
    /// Nobody reads the output.
    #[error("the output cannot be written")]
    Io(#[from] io::Error),
}

/// What the operator asked for, as she typed it.
#[derive(Debug, clap::Args)]
pub struct Asked {
    /// From when on: a date (UTC) or a time; without it, 30 days back
    #[arg(long, value_name = "TIME")]
    pub since: Option<String>,
    /// Until when: a date (UTC, excluded) or a time; without it, now
    #[arg(long, value_name = "TIME")]
    pub until: Option<String>,
    /// Print JSON, one object in each line; the last one holds the sums
    #[arg(long)]
    pub json: bool,
    /// Change nothing: say what differs
    #[arg(long)]
    pub dry_run: bool,
    /// List payments at Stripe that are not this shop's too
    #[arg(long)]
    pub all: bool,
}

/// Below `till reconcile --help`.
pub const HELP: &str = "Every payment and refund that either side has is held against the other's. What Till can end by \
itself
it ends: it fetches a lost event, reads a payment or refund again, cancels what can still be paid
for an order that is over. What remains is left to a person, and `till orders show` shows it.
A running server does the same daily for the last days.

Exit code 0: the books agree. 1: differences are left.

Examples:
  till reconcile
  till reconcile --since 2026-10-01 --until 2026-11-01
  till reconcile --dry-run --json";

impl Asked {
    fn period(&self, now: Timestamp) -> Result<Period, ReconcileError> {
        let to = self.until.as_deref().map_or(Ok(now), read_time)?;
        let back = jiff::SignedDuration::from_hours(HOURS_BACK);
        let default = to.checked_sub(back).unwrap_or(Timestamp::MIN);
        let from = self.since.as_deref().map_or(Ok(default), read_time)?;
        if from >= to { Err(ReconcileError::Period) } else { Ok(Period { from, to }) }
    }
}

fn read_time(text: &str) -> Result<Timestamp, ReconcileError> {
    let wrong = |_| ReconcileError::Time(text.to_owned());
    if let Ok(time) = text.parse::<Timestamp>() {
        return Ok(time);
    }
    let date: civil::Date = text.parse().map_err(wrong)?;
    date.to_zoned(TimeZone::UTC).map(|midnight| midnight.timestamp()).map_err(wrong)
}

/// Compares, prints what is found to `out` and how far it has come to `progress`.
pub async fn reconcile(
    cx: &Context,
    asked: Asked,
    mut out: impl Write + Send,
    mut progress: impl Write + Send,
) -> Result<(), ReconcileError> {
    let period = asked.period(cx.clock.now())?;
    let hands = if asked.dry_run { Hands::Still } else { Hands::Mend };
    writeln!(progress, "Comparing from {} to {}.", period.from, period.to)?;
    let mut written = Ok(());
    let sums = compare(cx, period, hands, &mut |told| {
        if written.is_ok() {
            written = print(&asked, &told, &mut out, &mut progress);
        }
    })
    .await?;
    written?;
    let Sums { left, mended, under_way, .. } = sums;
    match asked.json {
        true => writeln!(out, "{}", sums_in_json(&sums))?,
        false => print_sums(&sums, &mut out)?,
    }
    match (left, asked.dry_run) {
        (0, _) if asked.json => Ok(()),
        (0, _) => {
            let end = match (mended, under_way) {
                (0, 0) => "The books agree.".to_owned(),
                (mended, 0) => format!("The books agree now: {mended} differences were ended."),
                (mended, moving) => {
                    format!("{mended} differences were ended, {moving} still move.")
                }
            };
            Ok(writeln!(out, "{end}")?)
        }
        (left, true) => Err(ReconcileError::NotTouched(left)),
        (left, false) => Err(ReconcileError::Differ(left)),
    }
}

fn print(
    asked: &Asked,
    told: &Told<'_>,
    out: &mut impl Write,
    progress: &mut impl Write,
) -> io::Result<()> {
    match told {
        Told::Until(until) => writeln!(progress, "Compared until {until}."),
        Told::Foreign(_) if !asked.all => Ok(()),
        Told::Foreign(payment) if asked.json => {
            writeln!(out, "{}", json!({ "foreign": payment.as_str() }))
        }
        Told::Foreign(payment) => writeln!(out, "not ours      payment {payment}"),
        Told::Finding(finding) if asked.json => writeln!(out, "{}", in_json(finding)),
        Told::Finding(finding) => print_finding(finding, out),
    }
}

fn print_finding(finding: &Finding, out: &mut impl Write) -> io::Result<()> {
    let Finding { difference, order, payment, refund, outcome } = finding;
    let word = match outcome {
        Outcome::Mended => "ended",
        Outcome::UnderWay => "still moves",
        Outcome::NeedsPerson => "for a person",
        Outcome::NotTouched => "not touched",
    };
    write!(out, "{word:<12}  payment {payment}")?;
    if let Some(refund) = refund {
        write!(out, "  refund {refund}")?;
    }
    if let Some(order) = order {
        write!(out, "  order {order}")?;
    }
    writeln!(out, "\n{:14}{}", "", difference.sentence())?;
    match outcome {
        Outcome::NeedsPerson => writeln!(out, "{:14}{}", "", difference.advice()),
        Outcome::Mended | Outcome::UnderWay | Outcome::NotTouched => Ok(()),
    }
}

fn print_sums(sums: &Sums, out: &mut impl Write) -> io::Result<()> {
    let Sums { orders, payments, refunds, foreign, .. } = sums;
    writeln!(
        out,
        "Compared {orders} orders here, {payments} payments at Stripe and {refunds} refunds; \
         {foreign} payments at Stripe are not this shop's."
    )?;
    for (currency, sides) in &sums.money {
        let [received_here, received_there, returned_here, returned_there] = amounts(sides);
        writeln!(
            out,
            "{currency}: received {received_here} here and {received_there} there, given back \
             {returned_here} here and {returned_there} there."
        )?;
    }
    Ok(())
}

fn amounts(sides: &BothSides) -> [String; 4] {
    let BothSides { received_here, received_there, returned_here, returned_there } = *sides;
    [received_here, received_there, returned_here, returned_there].map(Money::major)
}

fn in_json(finding: &Finding) -> Value {
    let Finding { difference, order, payment, refund, outcome } = finding;
    json!({
        "difference": difference.name(),
        "outcome": outcome.name(),
        "orderId": order.map(|order| order.to_string()),
        "payment": payment.as_str(),
        "refund": refund.as_ref().map(|refund| refund.as_str()),
        "sentence": difference.sentence(),
        "advice": difference.advice(),
    })
}

fn sums_in_json(sums: &Sums) -> Value {
    let money = sums.money.iter().map(|(currency, sides)| {
        let [received_here, received_there, returned_here, returned_there] = amounts(sides);
        json!({
            "currency": currency,
            "received": { "here": received_here, "there": received_there },
            "returned": { "here": returned_here, "there": returned_there },
        })
    });
    json!({
        "orders": sums.orders,
        "payments": sums.payments,
        "refunds": sums.refunds,
        "foreign": sums.foreign,
        "mended": sums.mended,
        "underWay": sums.under_way,
        "left": sums.left,
        "money": money.collect::<Vec<_>>(),
    })
}
