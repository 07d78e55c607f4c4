//! Lines of carts and orders: goods, what the shop adds itself, promotions, subscriptions.

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::elastic_path::objects::price::{Amounts, display};
use crate::elastic_path::objects::promotion::Reduction;
use crate::elastic_path::objects::written;

#[derive(Debug, Clone)]
pub(crate) struct Line {
    pub id: String,
    pub content: Content,
    pub name: String,
    pub description: String,
    pub sku: String,
    pub quantity: i64,
    /// Minor units; nothing for a promotion, which is worth what its cart makes of it.
    pub unit_amount: i64,
    pub includes_tax: bool,
    pub tax_basis_points: i64,
    pub custom_inputs: Option<Value>,
    pub shipping_group_id: Option<String>,
    pub location: Option<String>,
    pub created: Timestamp,
    pub updated: Timestamp,
}

/// What a line is.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Content {
    Product { id: String, counted: bool },
    Custom,
    Promotion { code: String, reduction: Reduction },
    Subscription { offering: String, configuration: Value },
}

/// A line with what it costs.
#[derive(Debug, Clone)]
pub(crate) struct Priced {
    pub line: Line,
    pub unit: Amounts,
    pub value: Amounts,
}

impl Line {
    pub fn kind(&self) -> &'static str {
        match self.content {
            Content::Product { .. } => "cart_item",
            Content::Custom => "custom_item",
            Content::Promotion { .. } => "promotion_item",
            Content::Subscription { .. } => "subscription_item",
        }
    }

    pub fn product_id(&self) -> Option<&str> {
        match &self.content {
            Content::Product { id, .. } => Some(id),
            Content::Custom | Content::Promotion { .. } | Content::Subscription { .. } => None,
        }
    }

    pub fn promotion_code(&self) -> Option<&str> {
        match &self.content {
            Content::Promotion { code, .. } => Some(code),
            Content::Product { .. } | Content::Custom | Content::Subscription { .. } => None,
        }
    }

    /// What it costs among goods of this price.
    pub fn priced(&self, goods: i64) -> Priced {
        let price = |times: i64| match &self.content {
            Content::Promotion { reduction, .. } => Amounts::off(reduction.of(goods)),
            Content::Product { .. } | Content::Custom | Content::Subscription { .. } => {
                Amounts::taxed(self.unit_amount * times, self.tax_basis_points, self.includes_tax)
            }
        };
        Priced { unit: price(1), value: price(self.quantity), line: self.clone() }
    }
}

impl Priced {
    /// As a cart shows it.
    pub fn in_cart(&self, currency: &str, base_url: &str) -> Value {
        let line = &self.line;
        let mut item = json!({
            "id": line.id,
            "type": line.kind(),
            "name": line.name,
            "description": line.description,
            "sku": line.sku,
            "slug": "",
            "image": { "mime_type": "", "file_name": "", "href": "" },
            "quantity": line.quantity,
            "manage_stock": false,
            "unit_price": self.price(self.unit, currency),
            "value": self.price(self.value, currency),
            "links": {},
            "meta": {
                "display_price": self.display_price(currency),
                "timestamps": self.timestamps(),
            },
            "relationships": {
                "taxes": { "data": null },
                "custom_discounts": { "data": null },
                "promotions": { "data": null },
            },
        });
        match &line.content {
            Content::Product { id, counted } => {
                item["product_id"] = json!(id);
                item["slug"] = json!(line.sku);
                item["catalog_id"] = json!(CATALOGUE);
                item["catalog_source"] = json!("pim");
                item["manage_stock"] = json!(counted);
                item["links"] = json!({ "product": format!("{base_url}/v2/products/{id}") });
            }
            Content::Custom => {}
            Content::Promotion { code, .. } => item["promotion_id"] = json!(code),
            Content::Subscription { offering, configuration } => {
                item["subscription_offering_id"] = json!(offering);
                item["subscription_configuration"] = configuration.clone();
            }
        }
        if let Some(inputs) = &line.custom_inputs {
            item["custom_inputs"] = inputs.clone();
        }
        for (name, value) in
            [("shipping_group_id", &line.shipping_group_id), ("location", &line.location)]
        {
            if let Some(value) = value {
                item[name] = json!(value);
            }
        }
        item
    }

    /// As an order shows it.
    pub fn in_order(&self, id: &str, currency: &str) -> Value {
        let line = &self.line;
        let kind = match line.content {
            Content::Promotion { .. } => "promotion_item",
            Content::Product { .. } | Content::Custom | Content::Subscription { .. } => {
                "order_item"
            }
        };
        let mut item = json!({
            "type": kind,
            "id": id,
            "quantity": line.quantity,
            "name": line.name,
            "sku": line.sku,
            "unit_price": self.price(self.unit, currency),
            "value": self.price(self.value, currency),
            "links": {},
            "meta": {
                "display_price": self.display_price(currency),
                "timestamps": self.timestamps(),
            },
            "relationships": {
                "cart_item": { "data": { "type": line.kind(), "id": line.id } },
            },
        });
        if let Some(id) = line.product_id() {
            item["product_id"] = json!(id);
        }
        if let Content::Subscription { offering, configuration } = &line.content {
            item["subscription_offering_id"] = json!(offering);
            item["subscription_configuration"] = configuration.clone();
        }
        if let Some(inputs) = &line.custom_inputs {
            item["custom_inputs"] = inputs.clone();
        }
        if let Some(group) = &line.shipping_group_id {
            item["shipping_group_id"] = json!(group);
        }
        item
    }

    /// The price as it was set, with or without its tax.
    fn price(&self, amounts: Amounts, currency: &str) -> Value {
        let includes_tax = self.line.includes_tax;
        let amount = if includes_tax { amounts.with_tax } else { amounts.without_tax };
        json!({ "amount": amount, "currency": currency, "includes_tax": includes_tax })
    }

    fn display_price(&self, currency: &str) -> Value {
        let pair = |of: fn(Amounts) -> i64| {
            json!({
                "unit": display(of(self.unit), currency),
                "value": display(of(self.value), currency),
            })
        };
        json!({
            "with_tax": pair(|amounts| amounts.with_tax),
            "without_tax": pair(|amounts| amounts.without_tax),
            "tax": pair(Amounts::tax),
            "discount": pair(|amounts| amounts.discount),
            "without_discount": pair(|amounts| amounts.with_tax - amounts.discount),
        })
    }

    fn timestamps(&self) -> Value {
        json!({
            "created_at": written(self.line.created),
            "updated_at": written(self.line.updated),
        })
    }
}

/// The one catalogue of the store.
const CATALOGUE: &str = "6c9a4f0e-5a0e-4a58-8a8a-9f0b1c2d3e4f";
