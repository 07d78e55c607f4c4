//! A line in the account's balance: money that came in or went out, and what Stripe keeps of it.
//!
//! Lines are only ever added: what is taken back is a line of its own.

use serde_json::{Value, json};

use crate::stripe::objects::payment_method;
use crate::stripe::rules::cards::Afterwards;
use crate::stripe::state::State;
use crate::stripe::table::Row;

/// Money that came in can be paid out from its third day on.
const AVAILABLE_AFTER_SECONDS: i64 = 2 * 24 * 60 * 60;

pub(crate) struct BalanceTransaction {
    pub id: String,
    pub created: i64,
    /// From when on its money can be paid out.
    pub available_on: i64,
    /// Minor units; negative when money leaves.
    pub amount: i64,
    /// Minor units that Stripe keeps.
    pub fee: i64,
    pub currency: String,
    pub kind: Kind,
    /// The charge, refund or dispute it comes from.
    pub source: String,
    pub description: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Kind {
    /// A card was charged.
    Charge,
    /// Something else than a card paid.
    Payment,
    /// Money went back to a card.
    Refund,
    /// Money went back to something else than a card.
    PaymentRefund,
    /// A refund failed or was canceled after it had been paid for.
    RefundFailure,
    /// A dispute took money away.
    Dispute,
    /// A dispute gave money back.
    DisputeReversal,
}

impl Kind {
    /// `type` of the line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Charge => "charge",
            Self::Payment => "payment",
            Self::Refund => "refund",
            Self::PaymentRefund => "payment_refund",
            Self::RefundFailure => "refund_failure",
            Self::Dispute | Self::DisputeReversal => "adjustment",
        }
    }

    /// The category under which reports count it (docs.stripe.com/reports/reporting-categories).
    fn category(self) -> &'static str {
        match self {
            Self::Charge | Self::Payment => "charge",
            Self::Refund | Self::PaymentRefund => "refund",
            Self::RefundFailure => "refund_failure",
            Self::Dispute => "dispute",
            Self::DisputeReversal => "dispute_reversal",
        }
    }

    /// What a fee on it is called.
    fn fee_name(self) -> &'static str {
        match self {
            Self::Charge
            | Self::Payment
            | Self::Refund
            | Self::PaymentRefund
            | Self::RefundFailure => "Stripe processing fees",
            Self::Dispute | Self::DisputeReversal => "Dispute fee",
        }
    }
}

/// A line to be written.
pub(crate) struct Booking {
    pub kind: Kind,
    /// The charge, refund or dispute it comes from.
    pub source: String,
    /// Minor units; negative when money leaves.
    pub amount: i64,
    pub fee: i64,
    pub currency: String,
    pub description: Option<String>,
}

impl Row for BalanceTransaction {
    fn id(&self) -> &str {
        &self.id
    }

    fn created(&self) -> i64 {
        self.created
    }
}

/// 1.5 % and 25 minor units, as a European card costs: this account's only tariff.
fn fee(amount: i64) -> i64 {
    (amount * 15 + 500) / 1000 + 25
}

impl State {
    /// Writes money that came in for `source` into the balance and returns the id.
    pub fn book_charge(&mut self, kind: Kind, source: &str, amount: i64, currency: &str) -> String {
        let charge = self.charges.get(source);
        let description = charge.and_then(|charge| charge.description.clone());
        let wait = if self.is_available_at_once(source) { 0 } else { AVAILABLE_AFTER_SECONDS };
        let booking = Booking {
            kind,
            source: source.to_owned(),
            amount,
            fee: fee(amount),
            currency: currency.to_owned(),
            description,
        };
        self.book_available_after(booking, wait)
    }

    /// Writes a line that counts at once and returns its id.
    pub fn book(&mut self, booking: Booking) -> String {
        self.book_available_after(booking, 0)
    }

    fn book_available_after(&mut self, booking: Booking, seconds: i64) -> String {
        let id = self.ids.make("txn_3", 23);
        let created = self.clock.seconds();
        self.balance_transactions.insert(BalanceTransaction {
            id: id.clone(),
            created,
            available_on: created + seconds,
            amount: booking.amount,
            fee: booking.fee,
            currency: booking.currency,
            kind: booking.kind,
            source: booking.source,
            description: booking.description,
        });
        id
    }

    /// Whether the test card that paid says so.
    fn is_available_at_once(&self, charge_id: &str) -> bool {
        let charge = self.charges.get(charge_id);
        let method = charge.and_then(|charge| self.payment_methods.get(&charge.payment_method));
        match method.map(|method| &method.kind) {
            Some(payment_method::Kind::Card { card, .. }) => {
                card.afterwards == Afterwards::AvailableAtOnce
            }
            Some(payment_method::Kind::SepaDebit { .. } | payment_method::Kind::Redirect(_))
            | None => false,
        }
    }
}

impl BalanceTransaction {
    pub fn render(&self, now: i64) -> Value {
        let fees = json!({
            "amount": self.fee,
            "application": null,
            "currency": self.currency,
            "description": self.kind.fee_name(),
            "type": "stripe_fee",
        });
        json!({
            "id": self.id,
            "object": "balance_transaction",
            "amount": self.amount,
            "available_on": self.available_on,
            "balance_type": "payments",
            "created": self.created,
            "currency": self.currency,
            "description": self.description,
            "exchange_rate": null,
            "fee": self.fee,
            "fee_details": if self.fee == 0 { json!([]) } else { json!([fees]) },
            "net": self.amount - self.fee,
            "reporting_category": self.kind.category(),
            "source": self.source,
            "status": if now < self.available_on { "pending" } else { "available" },
            "type": self.kind.name(),
        })
    }
}
