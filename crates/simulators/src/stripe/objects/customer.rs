//! A customer: who buys, and what is known of them.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::stripe::table::Row;

pub(crate) struct Customer {
    pub id: String,
    pub created: i64,
    /// Stays in the books, so that what it paid still names it.
    pub deleted: bool,
    pub address: Option<Value>,
    pub business_name: Option<String>,
    pub description: Option<String>,
    pub email: Option<String>,
    pub individual_name: Option<String>,
    pub name: Option<String>,
    pub phone: Option<String>,
    pub preferred_locales: Vec<String>,
    pub shipping: Option<Value>,
    pub tax_exempt: String,
    /// What invoices would be paid with.
    pub default_payment_method: Option<String>,
    pub invoice_footer: Option<String>,
    /// The start of the numbers of invoices, as the API shows it for every customer.
    pub invoice_prefix: String,
    pub metadata: BTreeMap<String, String>,
    pub livemode: bool,
}

impl Row for Customer {
    fn id(&self) -> &str {
        &self.id
    }

    fn created(&self) -> i64 {
        self.created
    }
}

impl Customer {
    /// All that is left of a deleted one is its id.
    pub fn render(&self) -> Value {
        if self.deleted {
            return json!({ "id": self.id, "object": "customer", "deleted": true });
        }
        let mut object = json!({
            "id": self.id,
            "object": "customer",
            "address": self.address,
            "balance": 0,
            "created": self.created,
            "currency": null,
            "customer_account": null,
            "default_source": null,
            "delinquent": false,
            "description": self.description,
            "discount": null,
            "email": self.email,
            "invoice_prefix": self.invoice_prefix,
            "invoice_settings": {
                "custom_fields": null,
                "default_payment_method": self.default_payment_method,
                "footer": self.invoice_footer,
                "rendering_options": null,
            },
            "livemode": self.livemode,
            "metadata": self.metadata,
            "name": self.name,
            "next_invoice_sequence": 1,
            "phone": self.phone,
            "preferred_locales": self.preferred_locales,
            "shipping": self.shipping,
            "tax_exempt": self.tax_exempt,
            "test_clock": null,
        });
        // Only there when they have been given.
        if let Some(name) = &self.business_name {
            object["business_name"] = name.clone().into();
        }
        if let Some(name) = &self.individual_name {
            object["individual_name"] = name.clone().into();
        }
        object
    }
}
