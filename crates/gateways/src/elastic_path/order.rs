//! An order at Elastic Path and what it knows of its payment. A confirmation charges nothing: it
//! tells the order of the cart's payment, as a transaction. That it answers 200 says nothing; the
//! order is paid when it says so itself ([`OrderPayment::Paid`]).

use std::{collections::BTreeMap, fmt};

use domain::{
    elastic_path::{EpOrderId, EpPaymentId, EpTransactionId, ExternalRef},
    money::Money,
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    Admin, Call, Caller, ElasticPath, EpError, WireError,
    cart::Attribute,
    data,
    errors::text,
    get,
    payment::Seen,
    post, put,
    send::Reply,
    wire::{self, Entity, List, Meta, Price, id, money, need, some_id},
};
use crate::{Doubt, stripe::ClientSecret};

/// Elastic Path's largest page.
const PAGE_SIZE: u32 = 100;

/// A look-up by our own name finds one order, or a few twins.
const FIND_PAGES_MAX: u32 = 10;

/// An order as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderView {
    /// Its id.
    pub id: EpOrderId,
    /// Where it stands as a whole.
    pub status: OrderStatus,
    /// Where its payment stands.
    pub payment: OrderPayment,
    /// What it comes to, tax included.
    pub total: Option<Money>,
    /// The payment that it was linked to by the checkout; gone once it is confirmed.
    pub linked: Option<EpPaymentId>,
    /// Our name for it.
    pub external_ref: Option<String>,
}

/// Where an order stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OrderStatus {
    /// Not paid.
    Incomplete,
    /// The money is held.
    Processing,
    /// Paid.
    Complete,
    /// Given up.
    Cancelled,
    /// A word that did not exist when this was written.
    Other(String),
}

/// Where an order's payment stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OrderPayment {
    /// Nothing has been received.
    Unpaid,
    /// A part is held.
    PartiallyAuthorized,
    /// A part has been received.
    PartiallyPaid,
    /// All of it is held.
    Authorized,
    /// All of it has been received.
    Paid,
    /// All of it has been given back.
    Refunded,
    /// A word that did not exist when this was written.
    Other(String),
}

/// What an order knows of a payment.
#[derive(Debug, Clone)]
pub struct TransactionView {
    /// Its id.
    pub id: EpTransactionId,
    /// Where it stands.
    pub status: TransactionStatus,
    /// What it is.
    pub kind: TransactionKind,
    /// How much.
    pub amount: Option<Money>,
    /// The payment that it is about.
    pub payment: Option<EpPaymentId>,
    /// Where that payment stands, in Stripe's words.
    pub payment_status: Option<String>,
    /// For the shopper's browser, while she has something to do.
    pub client_secret: Option<ClientSecret>,
    /// Elastic Path offers to cancel it.
    pub can_be_cancelled: bool,
}

/// Where a transaction stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TransactionStatus {
    /// Something is still to come.
    Pending,
    /// It has happened.
    Complete,
    /// It will not happen.
    Failed,
    /// It has been taken back.
    Cancelled,
    /// A word that did not exist when this was written.
    Other(String),
}

/// What a transaction is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TransactionKind {
    /// Money comes.
    Purchase,
    /// Money is held.
    Authorize,
    /// Money that was held comes.
    Capture,
    /// Money goes back.
    Refund,
    /// A word that did not exist when this was written.
    Other(String),
}

/// What a transaction that is pending waits for, by Stripe's word on its payment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WaitsFor {
    /// The shopper must prove to her bank that it is she.
    Shopper,
    /// A bank, or somebody who brings the transaction up to date.
    Bank,
    /// Another way to pay: this one came to nothing.
    AnotherWay,
    /// Nothing: the payment is given up.
    Nothing,
}

/// What can be changed of an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OrderChange {
    /// It is given up. No money goes back by that.
    Cancel,
    /// The goods are out. It must be paid.
    Fulfil,
    /// Fields of the shop's own.
    Fields(OrderFields),
}

/// Fields of the shop's own, of which none is one of Elastic Path's: under its name the order would
/// be cancelled, fulfilled, or given another address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderFields(BTreeMap<String, Attribute>);

impl OrderFields {
    /// Those of these names that are the shop's own; nothing where none is.
    pub fn new(mut fields: BTreeMap<String, Attribute>) -> Option<Self> {
        fields.retain(|name, _| !OWN_FIELDS.contains(&name.as_str()));
        (!fields.is_empty()).then_some(Self(fields))
    }
}

/// What Elastic Path itself keeps of an order.
const OWN_FIELDS: [&str; 21] = [
    "id",
    "type",
    "status",
    "payment",
    "shipping",
    "shipping_address",
    "billing_address",
    "customer",
    "contact",
    "account",
    "external_ref",
    "order_number",
    "payment_intent_id",
    "custom_attributes",
    "anonymized",
    "meta",
    "links",
    "relationships",
    "included",
    "errors",
    "options",
];

impl ElasticPath {
    /// Reads an order.
    pub async fn order(&self, admin: &Admin, order: &EpOrderId) -> Result<OrderView, EpError> {
        let call = get("/v2/orders/{id}", format!("/v2/orders/{order}"));
        OrderView::read(&self.call(Caller::Admin(admin), &call).await?)
    }

    /// All orders of our name. An order that has just been made may not be found at once, so none
    /// proves nothing before some minutes have passed; more than one has to be looked into.
    pub async fn orders_named(
        &self,
        admin: &Admin,
        external_ref: &ExternalRef,
    ) -> Result<Vec<OrderView>, EpError> {
        let filter = format!("filter=eq(external_ref,{external_ref})");
        let route = ("/v2/orders", "/v2/orders".to_owned());
        self.all(admin, route, &filter, OrderView::from_wire).await
    }

    /// Tells an order of the payment that it is linked to, and writes the order's id and our name
    /// for it on the charge. After an [`EpError::Unknown`] read the order and its transactions: a
    /// second confirmation could make a second transaction.
    pub async fn confirm(
        &self,
        admin: &Admin,
        order: &EpOrderId,
        external_ref: &ExternalRef,
    ) -> Result<TransactionView, EpError> {
        let stamp = json!({"order_id": order.as_str(), "attempt": external_ref.as_str()});
        let body = data(&json!({"options": {"metadata": stamp}}));
        let path = format!("/v2/orders/{order}/confirm");
        self.transaction(admin, post("/v2/orders/{id}/confirm", path, body)).await
    }

    /// All that an order knows of payments.
    pub async fn transactions(
        &self,
        admin: &Admin,
        order: &EpOrderId,
    ) -> Result<Vec<TransactionView>, EpError> {
        let route = ("/v2/orders/{id}/transactions", format!("/v2/orders/{order}/transactions"));
        self.all(admin, route, "", |one: Value| TransactionView::from_wire(&one)).await
    }

    /// Brings a pending transaction up to date after the shopper has done her part.
    pub async fn confirm_transaction(
        &self,
        admin: &Admin,
        order: &EpOrderId,
        transaction: &EpTransactionId,
    ) -> Result<TransactionView, EpError> {
        let path = format!("/v2/orders/{order}/transactions/{transaction}/confirm");
        let template = "/v2/orders/{id}/transactions/{id}/confirm";
        self.transaction(admin, post(template, path, data(&json!({})))).await
    }

    /// Gives a pending transaction up, and its payment with it, where Elastic Path allows it.
    pub async fn cancel_transaction(
        &self,
        admin: &Admin,
        order: &EpOrderId,
        transaction: &EpTransactionId,
    ) -> Result<TransactionView, EpError> {
        let path = format!("/v2/orders/{order}/transactions/{transaction}/cancel");
        let template = "/v2/orders/{id}/transactions/{id}/cancel";
        self.transaction(admin, post(template, path, data(&json!({})))).await
    }

    /// Makes an order paid by hand. For orders that come to nothing only: no money moves.
    pub async fn pay_manually(
        &self,
        admin: &Admin,
        order: &EpOrderId,
    ) -> Result<TransactionView, EpError> {
        let body = data(&json!({
            "gateway": "manual",
            "method": "purchase",
            "paymentmethod_meta": {"custom_reference": "free", "name": "Free order"},
        }));
        let path = format!("/v2/orders/{order}/payments");
        self.transaction(admin, post("/v2/orders/{id}/payments", path, body)).await
    }

    /// Changes an order.
    pub async fn change_order(
        &self,
        admin: &Admin,
        order: &EpOrderId,
        change: &OrderChange,
    ) -> Result<OrderView, EpError> {
        let mut body = match change {
            OrderChange::Cancel => json!({"status": "cancelled"}),
            OrderChange::Fulfil => json!({"shipping": "fulfilled"}),
            OrderChange::Fields(OrderFields(fields)) => json!(fields),
        };
        body["type"] = "order".into();
        let call = put("/v2/orders/{id}", format!("/v2/orders/{order}"), data(&body));
        OrderView::read(&self.call(Caller::Admin(admin), &call).await?)
    }

    async fn transaction(&self, admin: &Admin, call: Call) -> Result<TransactionView, EpError> {
        let reply = self.call(Caller::Admin(admin), &call).await?;
        wire::read(&reply, |answer: Entity<Value>| TransactionView::from_wire(&answer.data))
    }

    /// Every page of a list.
    async fn all<T: serde::de::DeserializeOwned, V>(
        &self,
        admin: &Admin,
        (template, path): (&'static str, String),
        filter: &str,
        view: impl Fn(T) -> Result<V, WireError>,
    ) -> Result<Vec<V>, EpError> {
        let mut found = Vec::new();
        for page in 0..FIND_PAGES_MAX {
            let offset = page * PAGE_SIZE;
            let between = if filter.is_empty() { "" } else { "&" };
            let paging = format!("page%5Blimit%5D={PAGE_SIZE}&page%5Boffset%5D={offset}");
            let call = get(template, format!("{path}?{filter}{between}{paging}"));
            let reply = self.call(Caller::Admin(admin), &call).await?;
            let items = wire::read(&reply, |list: List<T>| {
                need(list.data, "data")?.into_iter().map(&view).collect::<Result<Vec<V>, _>>()
            })?;
            let is_last = items.len() < PAGE_SIZE as usize;
            found.extend(items);
            if is_last {
                return Ok(found);
            }
        }
        Err(EpError::Unknown(Doubt::TooManyPages { pages: FIND_PAGES_MAX }))
    }
}

#[derive(Deserialize)]
struct WireOrder {
    id: Option<String>,
    status: Option<String>,
    payment: Option<String>,
    payment_intent_id: Option<String>,
    external_ref: Option<String>,
    meta: Option<Meta>,
}

impl OrderView {
    pub(super) fn read(reply: &Reply) -> Result<Self, EpError> {
        wire::read(reply, |answer: Entity<WireOrder>| Self::from_wire(answer.data))
    }

    fn from_wire(order: WireOrder) -> Result<Self, WireError> {
        let price = order.meta.and_then(|meta| meta.display_price).unwrap_or_default();
        Ok(Self {
            id: id(order.id.as_deref(), "id")?,
            status: OrderStatus::read(&need(order.status, "status")?),
            payment: OrderPayment::read(&need(order.payment, "payment")?),
            total: money(price.with_tax.as_ref())?,
            linked: some_id(order.payment_intent_id.as_deref())?,
            external_ref: order.external_ref.filter(|name| !name.is_empty()),
        })
    }
}

impl OrderStatus {
    fn read(word: &str) -> Self {
        match word {
            "incomplete" => Self::Incomplete,
            "processing" => Self::Processing,
            "complete" => Self::Complete,
            "cancelled" | "canceled" => Self::Cancelled,
            other => Self::Other(other.to_owned()),
        }
    }
}

impl OrderPayment {
    fn read(word: &str) -> Self {
        match word {
            "unpaid" => Self::Unpaid,
            "partially_authorized" => Self::PartiallyAuthorized,
            "partially_paid" => Self::PartiallyPaid,
            "authorized" => Self::Authorized,
            "paid" => Self::Paid,
            "refunded" => Self::Refunded,
            other => Self::Other(other.to_owned()),
        }
    }
}

impl TransactionView {
    /// Whether, by its own word, the money is there or held. The order has to say so too.
    pub fn has_happened(&self) -> bool {
        match (&self.kind, &self.status) {
            (TransactionKind::Purchase | TransactionKind::Capture, TransactionStatus::Complete) => {
                true
            }
            (TransactionKind::Authorize, TransactionStatus::Complete) => {
                self.payment_status.as_deref() == Some("requires_capture")
            }
            (
                TransactionKind::Purchase
                | TransactionKind::Capture
                | TransactionKind::Authorize
                | TransactionKind::Refund
                | TransactionKind::Other(_),
                _,
            ) => false,
        }
    }

    /// What it waits for while it is pending.
    pub fn waits_for(&self) -> WaitsFor {
        match self.payment_status.as_deref() {
            Some("requires_action") => WaitsFor::Shopper,
            Some("requires_payment_method" | "requires_confirmation") => WaitsFor::AnotherWay,
            Some("canceled") => WaitsFor::Nothing,
            Some(_) | None => WaitsFor::Bank,
        }
    }

    /// Reads a transaction, its pieces one by one: whatever is odd about Stripe's object must not
    /// hide how the transaction stands.
    fn from_wire(transaction: &Value) -> Result<Self, WireError> {
        let word = |name| text(transaction, name);
        let stripe = transaction.get("payment_intent").and_then(Seen::read).unwrap_or_default();
        let parameters = transaction.get("client_parameters");
        let secret = parameters.and_then(|parameters| text(parameters, "secret"));
        let kind = word("transaction_type").or_else(|| word("transaction-type"));
        let reference = word("reference").and_then(|reference| reference.parse().ok());
        let details = transaction.get("payment_details");
        let detailed = details.and_then(|details| text(details, "detailed_status"));
        let next = transaction.get("next_actions").and_then(Value::as_array);
        let price = Price {
            amount: transaction.get("amount").and_then(Value::as_i64),
            currency: word("currency"),
        };
        Ok(Self {
            id: id(word("id").as_deref(), "id")?,
            status: TransactionStatus::read(&need(word("status"), "status")?),
            kind: TransactionKind::read(&need(kind, "transaction_type")?),
            amount: price.money()?,
            payment: stripe.payment.or(reference),
            payment_status: stripe.status.or(detailed),
            client_secret: secret.map(ClientSecret::from).or(stripe.client_secret),
            can_be_cancelled: next.is_some_and(|next| next.iter().any(|one| one == "cancel")),
        })
    }
}

impl TransactionStatus {
    fn read(word: &str) -> Self {
        match word {
            "pending" => Self::Pending,
            "complete" | "completed" => Self::Complete,
            "failed" | "declined" => Self::Failed,
            "cancelled" | "canceled" => Self::Cancelled,
            other => Self::Other(other.to_owned()),
        }
    }
}

impl TransactionKind {
    fn read(word: &str) -> Self {
        match word {
            "purchase" => Self::Purchase,
            "authorize" => Self::Authorize,
            "capture" => Self::Capture,
            "refund" => Self::Refund,
            other => Self::Other(other.to_owned()),
        }
    }
}

impl fmt::Display for OrderPayment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unpaid => "unpaid",
            Self::PartiallyAuthorized => "partially authorized",
            Self::PartiallyPaid => "partially paid",
            Self::Authorized => "authorized",
            Self::Paid => "paid",
            Self::Refunded => "refunded",
            Self::Other(word) => word,
        })
    }
}

#[cfg(test)]
mod tests;
