//! `till orders list`: orders as a table for people or as lines of JSON for programs, newest first,
//! read a page at a time.

use std::io::Write;

use clap::ValueEnum as _;
use domain::{id::OrderId, refund::given_back};
use storage::{Store, StoreError, order};

use super::OrdersError;
use crate::{
    flows::see_order::{self, Seen},
    http::order::{OrderStatus, on_the_wire, status},
};

/// How an answer looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// For people.
    Table,
    /// For programs: one object on each line.
    Json,
}

/// Which orders are wanted.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// What storage can tell.
    pub filter: order::Filter,
    /// How far they have come; what was given back is known only after they are read.
    pub status: Option<OrderStatus>,
    /// Those before this one, which ended the last page.
    pub before: Option<OrderId>,
}

impl Wanted {
    /// The state that orders of a status are in.
    pub fn state(status: Option<OrderStatus>) -> &'static str {
        match status {
            None => "",
            Some(OrderStatus::Pending) => "pending",
            Some(OrderStatus::Paid | OrderStatus::Refunded) => "paid",
            Some(OrderStatus::Failed) => "failed",
            Some(OrderStatus::Cancelled) => "cancelled",
        }
    }
}

/// Orders that are read at a time.
const PAGE: u32 = 200;

/// The wanted orders, a page after the other.
pub struct Pages<'a> {
    store: &'a Store,
    wanted: Wanted,
}

impl<'a> Pages<'a> {
    /// Begins with the newest.
    pub fn new(store: &'a Store, wanted: Wanted) -> Self {
        Self { store, wanted }
    }

    /// The next page; nothing at the end. A page may be empty, where none of it was wanted.
    pub async fn next(&mut self) -> Result<Option<Vec<(OrderStatus, Seen)>>, OrdersError> {
        let input = (self.wanted.filter.clone(), self.wanted.before);
        let page = self.store.read(input, |tx, (filter, before)| {
            Box::pin(async move {
                let mut page = Vec::new();
                for id in order::newest(tx, filter, *before, PAGE).await? {
                    page.extend(see_order::read(tx, id).await?);
                }
                Ok::<_, StoreError>(page)
            })
        });
        let page = page.await?;
        let Some(last) = page.last() else { return Ok(None) };
        self.wanted.before = Some(last.order.id);
        let mut known = Vec::with_capacity(page.len());
        for seen in page {
            let status = status(&seen.order, given_back(&seen.refunds)?);
            if self.wanted.status.is_none_or(|wanted| wanted == status) {
                known.push((status, seen));
            }
        }
        Ok(Some(known))
    }
}

/// Lists at most `limit` orders.
pub async fn list(
    store: &Store,
    wanted: Wanted,
    limit: usize,
    form: Form,
    mut out: impl Write,
) -> Result<(), OrdersError> {
    let mut pages = Pages::new(store, wanted);
    let (mut listed, mut last) = (0, None);
    while let Some(page) = pages.next().await? {
        for (status, seen) in page {
            if listed == limit {
                // There are more.
                return match (form, last) {
                    (Form::Table, Some(last)) => Ok(writeln!(out, "more with --after {last}")?),
                    (Form::Table | Form::Json, _) => Ok(()),
                };
            }
            match form {
                Form::Table => print(&mut out, listed, status, &seen)?,
                Form::Json => {
                    writeln!(out, "{}", serde_json::to_string(&on_the_wire(&seen)?)?)?;
                }
            }
            (listed, last) = (listed + 1, Some(seen.order.id));
        }
    }
    if listed == 0 && form == Form::Table {
        writeln!(out, "There are no such orders.")?;
    }
    Ok(())
}

fn print(
    out: &mut impl Write,
    listed: usize,
    status: OrderStatus,
    seen: &Seen,
) -> Result<(), OrdersError> {
    if listed == 0 {
        writeln!(out, "{:<36}  {:<24}  {:<9}  {:>16}  E-MAIL", "ORDER", "MADE", "STATUS", "TOTAL")?;
    }
    let order = &seen.order;
    let (made, total) = (order.created_at.to_string(), order.totals.total().to_string());
    let (id, email) = (order.id.to_string(), order.email.as_str());
    let status = name(status);
    Ok(writeln!(out, "{id:<36}  {made:<24}  {status:<9}  {total:>16}  {email}")?)
}

/// The status as it is typed and printed.
pub fn name(status: OrderStatus) -> String {
    status.to_possible_value().map_or_else(String::new, |value| value.get_name().to_owned())
}
