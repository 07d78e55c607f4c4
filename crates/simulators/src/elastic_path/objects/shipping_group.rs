//! A parcel of a cart, with its own price and address.

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::elastic_path::objects::{price, written};

#[derive(Debug, Clone)]
pub(crate) struct ShippingGroup {
    pub id: String,
    pub shipping_type: String,
    /// Minor units.
    pub total: i64,
    pub tracking_reference: String,
    pub address: Value,
    pub delivery_estimate: Value,
    pub created: Timestamp,
    pub updated: Timestamp,
}

impl ShippingGroup {
    pub fn render(&self, cart_id: &str, currency: &str) -> Value {
        let total = price::display(self.total, currency);
        let mut group = json!({
            "type": "shipping_group",
            "id": self.id,
            "relation": "cart",
            "cart_id": cart_id,
            "shipping_type": self.shipping_type,
            "tracking_reference": self.tracking_reference,
            "created_at": written(self.created),
            "updated_at": written(self.updated),
            "relationships": { "cart": { "data": { "type": "cart", "id": cart_id } } },
            "meta": { "shipping_display_price": { "total": total.clone(), "base": total } },
        });
        for (name, value) in
            [("address", &self.address), ("delivery_estimate", &self.delivery_estimate)]
        {
            if value.is_object() {
                group[name] = value.clone();
            }
        }
        group
    }
}
