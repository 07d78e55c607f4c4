//! A cart at Elastic Path. Whoever knows its id may change it, so what is charged is compared with
//! what the shopper saw by the cart's hash.
//!
//! Elastic Path answers every id with a cart: a cart that is gone cannot be told from one that is
//! empty, except by what should be in it.

use std::{collections::BTreeMap, num::NonZeroU32};

use domain::{
    elastic_path::{EpAccountId, EpCartId, EpItemId, EpPaymentId, EpProductId},
    money::Money,
};
use serde::{Deserialize, Serialize};
use serde_json::{Number, Value, json};
use sha2::{Digest, Sha256};

use super::{
    Call, Caller, ElasticPath, EpError, Repeat, WireError, data, delete, get, post, put,
    wire::{self, Entity, List, Meta, Price, id, money, need, related, some_id},
};

/// The line that shipping is charged by. The server owns it: it is not part of what the shopper put
/// into the cart.
pub const SHIPPING_SKU: &str = "__ep_shipping";

/// A cart as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CartView {
    /// Its id.
    pub id: EpCartId,
    /// What is in it, in Elastic Path's order.
    pub lines: Vec<CartLine>,
    /// Before tax.
    pub subtotal: Option<Money>,
    /// The tax.
    pub tax: Option<Money>,
    /// What would be charged. It need not be there, and then nothing may be charged.
    pub total: Option<Money>,
    /// The payment that it is linked to; an order made from it would take it along.
    pub payment: Option<EpPaymentId>,
    /// The accounts that it belongs to.
    pub accounts: Vec<EpAccountId>,
    /// What is kept beside it, as Elastic Path has it: under each name its type and its value.
    pub attributes: serde_json::Map<String, Value>,
}

/// A line of a cart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CartLine {
    /// Its id.
    pub id: EpItemId,
    /// What it is.
    pub kind: LineKind,
    /// The product; a line of our own has none.
    pub product: Option<EpProductId>,
    /// The article's number.
    pub sku: Option<String>,
    /// What it is called.
    pub name: String,
    /// How many.
    pub quantity: i64,
    /// In the minor unit: for one piece, or for the line where only that is known. A promotion's is
    /// below zero, so it is no `Money`.
    pub price_minor: i64,
    /// Of a line that shipping is charged by: the rate.
    pub rate: Option<String>,
}

/// What a line is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LineKind {
    /// A product.
    Product,
    /// A line at a price of its own, shipping for instance.
    Custom,
    /// A subscription.
    Subscription,
    /// A promotion.
    Promotion,
    /// A word that did not exist when this was written.
    Other(String),
}

impl CartView {
    /// What the shopper put into the cart, as a digest: the lines but shipping, sorted by id, each
    /// `id:quantity:price`, joined by `|`; SHA-256 in hexadecimal. An empty cart has one too.
    /// Totals, tax and promotions by code are not in it: compare [`total`](Self::total) as well.
    pub fn hash(&self) -> String {
        let mut lines: Vec<&CartLine> =
            self.lines.iter().filter(|line| !line.is_shipping()).collect();
        lines.sort_by(|one, other| one.id.cmp(&other.id));
        let words: Vec<String> = lines
            .iter()
            .map(|line| format!("{}:{}:{}", line.id, line.quantity, line.price_minor))
            .collect();
        hex::encode(Sha256::digest(words.join("|")))
    }

    /// Whether something in it is paid again and again.
    pub fn has_subscription(&self) -> bool {
        self.lines.iter().any(|line| line.kind == LineKind::Subscription)
    }
}

impl CartLine {
    /// Whether shipping is charged by it.
    pub fn is_shipping(&self) -> bool {
        self.sku.as_deref() == Some(SHIPPING_SKU)
    }
}

/// What is added to a cart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NewItem {
    /// A product at the catalogue's price.
    Product {
        /// Which.
        product: EpProductId,
        /// How many.
        quantity: NonZeroU32,
    },
    /// Shipping at the server's price.
    Shipping(ShippingLine),
}

/// What is charged for shipping. Remove the old line first: two with one number become one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShippingLine {
    /// What the shopper reads, such as `Standard Shipping`.
    pub name: String,
    /// The rate that she chose.
    pub rate_id: String,
    /// The carrier's word for it, such as `standard`; may be empty.
    pub service_level: String,
    /// Tax included.
    pub price: Money,
}

impl NewItem {
    fn body(&self) -> String {
        let body = match self {
            Self::Product { product, quantity } => {
                json!({"type": "cart_item", "id": product.as_str(), "quantity": quantity})
            }
            Self::Shipping(line) => json!({
                "type": "custom_item",
                "name": line.name,
                "sku": SHIPPING_SKU,
                "quantity": 1,
                "price": {"amount": line.price.minor(), "includes_tax": true},
                "custom_inputs": {
                    "kind": "shipping",
                    "rateId": line.rate_id,
                    "serviceLevel": line.service_level,
                },
            }),
        };
        data(&body)
    }
}

/// What a shop keeps beside a cart under a name of its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Attribute {
    /// A text.
    Text(String),
    /// A number.
    Number(Number),
    /// Yes or no.
    Flag(bool),
}

impl Attribute {
    fn kind(&self) -> &'static str {
        match self {
            Self::Text(_) => "string",
            Self::Number(number) if number.is_i64() || number.is_u64() => "integer",
            Self::Number(_) => "float",
            Self::Flag(_) => "boolean",
        }
    }
}

impl ElasticPath {
    /// Reads a cart with its lines. One that does not exist is made by that.
    pub async fn cart(&self, caller: Caller<'_>, cart: &EpCartId) -> Result<CartView, EpError> {
        let path = format!("/v2/carts/{cart}?include=items");
        let reply = self.call(caller, &get("/v2/carts/{id}", path)).await?;
        wire::read(&reply, view)
    }

    /// Adds a line; answers all lines. After an [`EpError::Unknown`] read the cart: sent again it
    /// could add it twice.
    pub async fn add_item(
        &self,
        caller: Caller<'_>,
        cart: &EpCartId,
        item: &NewItem,
    ) -> Result<Vec<CartLine>, EpError> {
        let path = format!("/v2/carts/{cart}/items");
        let reply = self.call(caller, &post("/v2/carts/{id}/items", path, item.body())).await?;
        wire::read(&reply, |list: List<WireLine>| lines(list.data.unwrap_or_default()))
    }

    /// Sets how many of a product are in the cart.
    pub async fn change_quantity(
        &self,
        caller: Caller<'_>,
        cart: &EpCartId,
        item: &EpItemId,
        quantity: NonZeroU32,
    ) -> Result<(), EpError> {
        let path = format!("/v2/carts/{cart}/items/{item}");
        let body = data(&json!({"type": "cart_item", "id": item.as_str(), "quantity": quantity}));
        self.call(caller, &put("/v2/carts/{id}/items/{id}", path, body)).await?.done()
    }

    /// Takes a line out. One that is not there is out.
    pub async fn remove_item(
        &self,
        caller: Caller<'_>,
        cart: &EpCartId,
        item: &EpItemId,
    ) -> Result<(), EpError> {
        let path = format!("/v2/carts/{cart}/items/{item}");
        self.gone(caller, delete("/v2/carts/{id}/items/{id}", path)).await
    }

    /// Takes everything out of a cart. After an [`EpError::Unknown`] look first: sent again it would
    /// take what has been put in since.
    pub async fn empty_cart(&self, caller: Caller<'_>, cart: &EpCartId) -> Result<(), EpError> {
        let empty = delete("/v2/carts/{id}/items", format!("/v2/carts/{cart}/items"));
        self.gone(caller, Call { repeat: Repeat::OnlyUnsent, ..empty }).await
    }

    /// Keeps this beside a cart, over what it has of the same names. To say so replaces all that is
    /// there, so what others have put there is said again; where nothing would change nothing is said.
    pub async fn add_attributes(
        &self,
        caller: Caller<'_>,
        cart: &CartView,
        attributes: &BTreeMap<String, Attribute>,
    ) -> Result<(), EpError> {
        let typed = |(name, value): (&String, &Attribute)| {
            (name.clone(), json!({"type": value.kind(), "value": value}))
        };
        let mut all = cart.attributes.clone();
        all.extend(attributes.iter().map(typed));
        if all == cart.attributes {
            return Ok(());
        }
        let body = data(&json!({ "custom_attributes": all }));
        let path = format!("/v2/carts/{}", cart.id);
        self.call(caller, &put("/v2/carts/{id}", path, body)).await?.done()
    }

    /// Deletes a cart with all that is in it. One that is not there is deleted. After an
    /// [`EpError::Unknown`] look first: a cart of this name may have been begun anew.
    pub async fn delete_cart(&self, caller: Caller<'_>, cart: &EpCartId) -> Result<(), EpError> {
        let delete = delete("/v2/carts/{id}", format!("/v2/carts/{cart}"));
        self.gone(caller, Call { repeat: Repeat::OnlyUnsent, ..delete }).await
    }

    /// Makes a cart belong to an account. Done twice it is done once.
    pub async fn associate(
        &self,
        caller: Caller<'_>,
        cart: &EpCartId,
        account: &EpAccountId,
    ) -> Result<(), EpError> {
        let path = format!("/v2/carts/{cart}/relationships/accounts");
        let call = post(ACCOUNTS, path, of_account(account));
        self.call(caller, &call).await?.done()
    }

    /// Takes a cart away from an account. One that does not belong to it is taken away.
    pub async fn dissociate(
        &self,
        caller: Caller<'_>,
        cart: &EpCartId,
        account: &EpAccountId,
    ) -> Result<(), EpError> {
        let path = format!("/v2/carts/{cart}/relationships/accounts");
        let call = post(ACCOUNTS, path.clone(), of_account(account));
        let Call { method, repeat, .. } = delete(ACCOUNTS, path);
        self.gone(caller, Call { method, repeat, ..call }).await
    }

    /// Carries a deletion out: what is not there is gone.
    async fn gone(&self, caller: Caller<'_>, call: Call) -> Result<(), EpError> {
        match self.call(caller, &call).await {
            Ok(reply) => reply.done(),
            Err(EpError::Refused(no)) if no.is_not_found() => Ok(()),
            Err(error) => Err(error),
        }
    }
}

const ACCOUNTS: &str = "/v2/carts/{id}/relationships/accounts";

fn of_account(account: &EpAccountId) -> String {
    data(&json!([{"id": account.as_str(), "type": "account"}]))
}

#[derive(Deserialize)]
struct WireCart {
    id: Option<String>,
    meta: Option<Meta>,
    payment_intent_id: Option<String>,
    relationships: Option<Value>,
    custom_attributes: Option<Value>,
}

#[derive(Deserialize)]
struct Included {
    items: Option<Vec<WireLine>>,
}

#[derive(Deserialize)]
struct WireLine {
    id: Option<String>,
    #[serde(rename = "type")]
    kind: Option<String>,
    product_id: Option<String>,
    sku: Option<String>,
    name: Option<String>,
    quantity: Option<i64>,
    unit_price: Option<Price>,
    value: Option<Price>,
    custom_inputs: Option<Value>,
}

fn view(answer: Entity<WireCart, Included>) -> Result<CartView, WireError> {
    let WireCart { id: name, meta, payment_intent_id, relationships, custom_attributes } =
        answer.data;
    let included = answer.included.and_then(|included| included.items).unwrap_or_default();
    // A cart whose lines were left out must not look like an empty one.
    if related(relationships.as_ref(), "items").len() > included.len() {
        return Err(WireError::Missing("included.items"));
    }
    let accounts = related(relationships.as_ref(), "accounts");
    let price = meta.and_then(|meta| meta.display_price).unwrap_or_default();
    Ok(CartView {
        id: id(name.as_deref(), "id")?,
        lines: lines(included)?,
        subtotal: money(price.without_tax.as_ref())?,
        tax: money(price.tax.as_ref())?,
        total: money(price.with_tax.as_ref())?,
        payment: some_id(payment_intent_id.as_deref())?,
        accounts: accounts.iter().map(|id| Ok(id.parse()?)).collect::<Result<_, WireError>>()?,
        attributes: custom_attributes.and_then(of_object).unwrap_or_default(),
    })
}

fn of_object(value: Value) -> Option<serde_json::Map<String, Value>> {
    match value {
        Value::Object(fields) => Some(fields),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
            None
        }
    }
}

fn lines(lines: Vec<WireLine>) -> Result<Vec<CartLine>, WireError> {
    lines.into_iter().map(line).collect()
}

fn line(line: WireLine) -> Result<CartLine, WireError> {
    let amount = |price: Option<Price>| price.and_then(|price| price.amount);
    let kind = match need(line.kind, "type")?.as_str() {
        "cart_item" => LineKind::Product,
        "custom_item" => LineKind::Custom,
        "subscription_item" => LineKind::Subscription,
        "promotion_item" => LineKind::Promotion,
        other => LineKind::Other(other.to_owned()),
    };
    Ok(CartLine {
        id: id(line.id.as_deref(), "id")?,
        kind,
        product: some_id(line.product_id.as_deref())?,
        sku: line.sku.filter(|sku| !sku.is_empty()),
        name: line.name.unwrap_or_default(),
        quantity: need(line.quantity, "quantity")?,
        price_minor: amount(line.unit_price).or(amount(line.value)).unwrap_or(0),
        rate: line
            .custom_inputs
            .and_then(|inputs| Some(inputs.get("rateId")?.as_str()?.to_owned())),
    })
}

#[cfg(test)]
mod tests;
