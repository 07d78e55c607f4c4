//! An order: what a cart was at its checkout, and what has been paid for it since.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::elastic_path::objects::line::Priced;
use crate::elastic_path::objects::price::{Totals, display};
use crate::elastic_path::objects::written;

#[derive(Debug, Clone)]
pub(crate) struct Order {
    pub id: String,
    pub cart_id: String,
    pub order_number: Option<String>,
    pub external_ref: Option<String>,
    /// `customer`, or `contact` and `account`.
    pub buyer: Buyer,
    pub billing_address: Value,
    pub shipping_address: Value,
    pub custom_attributes: Option<Value>,
    /// Fields that a flow of the store added to its orders.
    pub flow_fields: Map<String, Value>,
    /// Until it is confirmed.
    pub payment_intent: Option<String>,
    /// The one it was confirmed with.
    pub confirmed_intent: Option<String>,
    /// With the id of each in this order.
    pub lines: Vec<(String, Priced)>,
    pub totals: Totals,
    /// What complete transactions have taken, set aside, and given back.
    pub paid: i64,
    pub authorized: i64,
    pub refunded: i64,
    /// Free orders are settled, not paid.
    pub settled: bool,
    pub allocated: bool,
    pub fulfilled: bool,
    pub cancelled: bool,
    pub created: Timestamp,
    pub updated: Timestamp,
    pub fully_paid: Option<Timestamp>,
}

/// Who has ordered.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Buyer {
    Guest { customer: Value },
    Account { account_id: String, contact: Value },
}

impl Buyer {
    pub fn field(&self, name: &str) -> Option<&str> {
        match self {
            Self::Guest { customer } => customer[name].as_str(),
            Self::Account { contact, .. } => contact[name].as_str(),
        }
    }
}

impl Order {
    pub fn total(&self) -> i64 {
        self.totals.with_tax()
    }

    /// What nobody has paid or set aside yet.
    pub fn balance_owing(&self) -> i64 {
        (self.total() - self.paid - self.authorized).max(0)
    }

    pub fn payment(&self) -> &'static str {
        let total = self.total();
        if self.refunded > 0 && self.refunded >= self.paid {
            "refunded"
        } else if self.settled || (self.paid > 0 && self.paid >= total) {
            "paid"
        } else if self.authorized > 0 && self.authorized + self.paid >= total {
            "authorized"
        } else if self.paid > 0 {
            "partially_paid"
        } else if self.authorized > 0 {
            "partially_authorized"
        } else {
            "unpaid"
        }
    }

    pub fn status(&self) -> &'static str {
        match (self.cancelled, self.payment()) {
            (true, _) => "cancelled",
            (false, "paid" | "refunded") => "complete",
            (false, "authorized") => "processing",
            (false, _) => "incomplete",
        }
    }

    pub fn shipping(&self) -> &'static str {
        if self.fulfilled { "fulfilled" } else { "unfulfilled" }
    }

    pub fn render(&self) -> Value {
        let items: Vec<Value> =
            self.lines.iter().map(|(id, _)| json!({ "type": "item", "id": id })).collect();
        let mut order = json!({
            "type": "order",
            "id": self.id,
            "status": self.status(),
            "payment": self.payment(),
            "shipping": self.shipping(),
            "anonymized": false,
            "shipping_address": self.shipping_address,
            "billing_address": self.billing_address,
            "links": {},
            "meta": { "display_price": self.display_price(), "timestamps": self.timestamps() },
            "relationships": { "items": { "data": items } },
        });
        match &self.buyer {
            Buyer::Guest { customer } => order["customer"] = customer.clone(),
            Buyer::Account { account_id, contact } => {
                order["contact"] = contact.clone();
                order["relationships"]["account"] =
                    json!({ "data": { "type": "account", "id": account_id } });
            }
        }
        let texts = [
            ("order_number", &self.order_number),
            ("external_ref", &self.external_ref),
            ("payment_intent_id", &self.payment_intent),
        ];
        for (name, text) in texts {
            if let Some(text) = text {
                order[name] = json!(text);
            }
        }
        if let Some(attributes) = &self.custom_attributes {
            order["custom_attributes"] = attributes.clone();
        }
        for (name, value) in &self.flow_fields {
            order[name] = value.clone();
        }
        order
    }

    pub fn render_items(&self) -> Vec<Value> {
        let currency = &self.totals.currency;
        self.lines.iter().map(|(id, line)| line.in_order(id, currency)).collect()
    }

    fn display_price(&self) -> Value {
        let mut prices = self.totals.render();
        let show = |amount| display(amount, &self.totals.currency);
        prices["balance_owing"] = show(self.balance_owing());
        prices["paid"] = show(self.paid);
        prices["authorized"] = show(self.authorized);
        prices
    }

    fn timestamps(&self) -> Value {
        let mut times = json!({
            "created_at": written(self.created),
            "updated_at": written(self.updated),
        });
        if let Some(at) = self.fully_paid {
            times["fully_paid_at"] = json!(written(at));
        }
        times
    }
}
