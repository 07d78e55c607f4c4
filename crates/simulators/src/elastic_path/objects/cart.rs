//! A cart: lines, what they cost, and the payment it is linked to.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::elastic_path::objects::line::{Content, Line, Priced};
use crate::elastic_path::objects::price::{Amounts, Totals};
use crate::elastic_path::objects::shipping_group::ShippingGroup;
use crate::elastic_path::objects::written;

#[derive(Debug, Clone)]
pub(crate) struct Cart {
    pub id: String,
    pub name: String,
    pub description: String,
    /// `{email}` of a guest.
    pub contact: Option<Value>,
    pub defer_inventory_check: bool,
    pub custom_discounts_enabled: bool,
    pub use_rule_promotions: bool,
    pub custom_attributes: Option<Value>,
    pub payment_intent: Option<String>,
    pub lines: Vec<Line>,
    /// That of its first line.
    pub currency: Option<String>,
    pub shipping_groups: Vec<ShippingGroup>,
    /// At most one.
    pub accounts: Vec<String>,
    pub created: Timestamp,
    pub updated: Timestamp,
    days: i64,
}

impl Cart {
    pub fn new(id: &str, now: Timestamp, days: i64) -> Self {
        Self {
            id: id.to_owned(),
            name: "Cart".into(),
            description: String::new(),
            contact: None,
            defer_inventory_check: false,
            custom_discounts_enabled: false,
            use_rule_promotions: false,
            custom_attributes: None,
            payment_intent: None,
            lines: Vec::new(),
            currency: None,
            shipping_groups: Vec::new(),
            accounts: Vec::new(),
            created: now,
            updated: now,
            days,
        }
    }

    /// The lines with what they cost; promotions are measured by all the others.
    pub fn priced(&self) -> Vec<Priced> {
        let is_promotion = |line: &&Line| matches!(line.content, Content::Promotion { .. });
        let others = self.lines.iter().filter(|line| !is_promotion(line));
        let goods: i64 = others.map(|line| line.unit_amount * line.quantity).sum();
        let mut left = goods;
        let price = |line: &Line| {
            let priced = line.priced(goods);
            if priced.value.discount == 0 {
                return priced;
            }
            // Several codes together take off no more than there is.
            let discount = (-priced.value.discount).min(left);
            left -= discount;
            let value = Amounts::off(discount);
            Priced { unit: value, value, ..priced }
        };
        self.lines.iter().map(price).collect()
    }

    pub fn totals(&self, default_currency: &str) -> Totals {
        let goods = self.priced().iter().fold(Amounts::default(), |sum, one| sum.plus(one.value));
        Totals {
            goods,
            shipping: self.shipping_groups.iter().map(|group| group.total).sum(),
            currency: self.currency(default_currency),
        }
    }

    pub fn currency(&self, default_currency: &str) -> String {
        self.currency.clone().unwrap_or_else(|| default_currency.to_owned())
    }

    pub fn render(&self, default_currency: &str, base_url: &str) -> Value {
        let named: Vec<Value> =
            self.lines.iter().map(|line| json!({ "type": line.kind(), "id": line.id })).collect();
        let accounts: Vec<Value> =
            self.accounts.iter().map(|id| json!({ "type": "account", "id": id })).collect();
        let mut cart = json!({
            "id": self.id,
            "type": "cart",
            "name": self.name,
            "description": self.description,
            "discount_settings": {
                "custom_discounts_enabled": self.custom_discounts_enabled,
                "use_rule_promotions": self.use_rule_promotions,
            },
            "inventory_settings": { "defer_inventory_check": self.defer_inventory_check },
            "links": { "self": format!("{base_url}/v2/carts/{}", self.id) },
            "meta": self.meta(default_currency),
            "relationships": {
                "items": { "data": if named.is_empty() { Value::Null } else { named.into() } },
                "customers": {},
                "accounts": if accounts.is_empty() { json!({}) } else { json!({ "data": accounts }) },
            },
        });
        if let Some(intent) = &self.payment_intent {
            cart["payment_intent_id"] = json!(intent);
        }
        for (name, value) in
            [("contact", &self.contact), ("custom_attributes", &self.custom_attributes)]
        {
            if let Some(value) = value {
                cart[name] = value.clone();
            }
        }
        cart
    }

    /// Prices and times, which a cart shows and so do its items.
    pub fn meta(&self, default_currency: &str) -> Value {
        let lifetime = SignedDuration::from_hours(24 * self.days);
        let expires = self.updated.checked_add(lifetime).unwrap_or(Timestamp::MAX);
        json!({
            "display_price": self.totals(default_currency).render(),
            "timestamps": {
                "created_at": written(self.created),
                "updated_at": written(self.updated),
                "expires_at": written(expires),
            },
        })
    }

    /// Its lines alone.
    pub fn render_items(&self, default_currency: &str, base_url: &str) -> Vec<Value> {
        let currency = self.currency(default_currency);
        self.priced().iter().map(|line| line.in_cart(&currency, base_url)).collect()
    }
}
