//! What was compared, counted and added up.

use std::collections::BTreeMap;

use domain::{
    event::Report,
    money::{Money, MoneyError},
    refund::{Refund, RefundReport, given_back},
};
use gateways::stripe::books::{PaymentEntry, RefundEntry};

use super::Known;

/// What was compared.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sums {
    /// Orders of ours with something to pay.
    pub orders: u64,
    /// Payments at Stripe that are ours.
    pub payments: u64,
    /// Refunds of them, on either side.
    pub refunds: u64,
    /// Payments at Stripe that are not ours.
    pub foreign: u64,
    /// Differences that were ended.
    pub mended: u64,
    /// Differences that still move.
    pub under_way: u64,
    /// Differences that are left: for a person, or because nothing was to be done.
    pub left: u64,
    /// Amounts, by currency.
    pub money: BTreeMap<&'static str, BothSides>,
}

/// Amounts of one currency as each side has them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BothSides {
    /// What came, here.
    pub received_here: Money,
    /// What came, there.
    pub received_there: Money,
    /// What went back, here.
    pub returned_here: Money,
    /// What went back, there.
    pub returned_there: Money,
}

impl Sums {
    /// Counts a payment once, with what both sides say of it.
    pub(super) fn count_payment(
        &mut self,
        theirs: Option<&PaymentEntry>,
        ours: Option<&Known>,
    ) -> Result<(), MoneyError> {
        // A second payment of an order does not count the order again.
        let is_same = |known: &&Known| {
            let ours = known.stored.payment.reference();
            theirs.is_none_or(|entry| ours.is_none_or(|ours| *ours == entry.reference))
        };
        let ours = ours.filter(is_same);
        self.payments += u64::from(theirs.is_some());
        self.orders += u64::from(ours.is_some());
        let there = match theirs.map(|entry| &entry.news) {
            Some(Ok(news)) => match news.report {
                Report::Succeeded { received } => Some(received),
                Report::Open
                | Report::Declined(_)
                | Report::RequiresAction
                | Report::Processing
                | Report::Cancelled => None,
            },
            Some(Err(_)) | None => None,
        };
        let here = ours.and_then(|known| known.ours().received());
        self.add(here, |sides| &mut sides.received_here)?;
        self.add(there, |sides| &mut sides.received_there)
    }

    /// Counts a refund once.
    pub(super) fn count_refund(
        &mut self,
        theirs: Option<&RefundEntry>,
        ours: Option<&Refund>,
    ) -> Result<(), MoneyError> {
        self.refunds += 1;
        let there = match theirs.map(|entry| &entry.news) {
            Some(Ok(news)) => match news.report {
                RefundReport::Pending | RefundReport::Succeeded => Some(news.amount),
                RefundReport::Failed { .. } | RefundReport::Cancelled => None,
            },
            Some(Err(_)) | None => None,
        };
        let here = ours.map(std::slice::from_ref).map_or(Ok(None), given_back)?;
        self.add(here, |sides| &mut sides.returned_here)?;
        self.add(there, |sides| &mut sides.returned_there)
    }

    fn add(
        &mut self,
        amount: Option<Money>,
        side: fn(&mut BothSides) -> &mut Money,
    ) -> Result<(), MoneyError> {
        let Some(amount) = amount else { return Ok(()) };
        let none = Money::zero(amount.currency());
        let nothing = BothSides {
            received_here: none,
            received_there: none,
            returned_here: none,
            returned_there: none,
        };
        let sum = side(self.money.entry(amount.currency().code()).or_insert(nothing));
        *sum = sum.plus(amount)?;
        Ok(())
    }
}
