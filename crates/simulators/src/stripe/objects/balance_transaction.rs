//! A line in the account's balance: money that came in or went out, and what Stripe keeps of it.

use serde_json::{Value, json};

use crate::stripe::state::State;
use crate::stripe::table::Row;

pub(crate) struct BalanceTransaction {
    pub id: String,
    pub created: i64,
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
}

impl Kind {
    /// `type`, and the category under which reports count it.
    fn names(self) -> (&'static str, &'static str) {
        match self {
            Self::Charge => ("charge", "charge"),
            Self::Payment => ("payment", "charge"),
        }
    }
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
        let id = self.ids.make("txn_3", 23);
        self.balance_transactions.insert(BalanceTransaction {
            id: id.clone(),
            created: self.clock.seconds(),
            amount,
            fee: fee(amount),
            currency: currency.to_owned(),
            kind,
            source: source.to_owned(),
            description: None,
        });
        id
    }
}

impl BalanceTransaction {
    pub fn render(&self) -> Value {
        let (kind, category) = self.kind.names();
        let fees = json!({
            "amount": self.fee,
            "application": null,
            "currency": self.currency,
            "description": "Stripe processing fees",
            "type": "stripe_fee",
        });
        json!({
            "id": self.id,
            "object": "balance_transaction",
            "amount": self.amount,
            "available_on": self.created,
            "balance_type": "payments",
            "created": self.created,
            "currency": self.currency,
            "description": self.description,
            "exchange_rate": null,
            "fee": self.fee,
            "fee_details": if self.fee == 0 { json!([]) } else { json!([fees]) },
            "net": self.amount - self.fee,
            "reporting_category": category,
            "source": self.source,
            "status": "available",
            "type": kind,
        })
    }
}
