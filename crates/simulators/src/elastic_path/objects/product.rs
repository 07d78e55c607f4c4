//! What is sold: prices in each currency, and how many there are.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::elastic_path::objects::price;

/// Something to buy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Product {
    /// Empty: the store makes one.
    #[serde(default)]
    pub id: String,
    /// The merchant's own number.
    pub sku: String,
    /// What shoppers read.
    pub name: String,
    /// More of it.
    #[serde(default)]
    pub description: String,
    /// Minor units by currency code; without tax.
    pub prices: BTreeMap<String, i64>,
    /// How many can be sold; `None`: nobody counts.
    #[serde(default)]
    pub stock: Option<i64>,
    /// Whether it has to be sent.
    #[serde(default)]
    pub commodity: Commodity,
    /// Tax on top of the price, in hundredths of a percent.
    #[serde(default)]
    pub tax_basis_points: i64,
}

/// Whether something has to be sent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Commodity {
    /// It has.
    #[default]
    Physical,
    /// It has not.
    Digital,
}

impl Product {
    /// Something physical, without tax, of which there is no end.
    pub fn new(sku: &str, name: &str, currency: &str, amount: i64) -> Self {
        Self {
            id: String::new(),
            sku: sku.into(),
            name: name.into(),
            description: String::new(),
            prices: BTreeMap::from([(currency.to_owned(), amount)]),
            stock: None,
            commodity: Commodity::Physical,
            tax_basis_points: 0,
        }
    }

    /// As the catalogue shows it to a shopper who pays in `currency`.
    pub(crate) fn render(&self, currency: &str) -> Value {
        let commodity = match self.commodity {
            Commodity::Physical => "physical",
            Commodity::Digital => "digital",
        };
        let prices: BTreeMap<&String, Value> = self
            .prices
            .iter()
            .map(|(code, amount)| (code, json!({ "amount": amount, "includes_tax": false })))
            .collect();
        let mut product = json!({
            "type": "product",
            "id": self.id,
            "attributes": {
                "name": self.name,
                "description": self.description,
                "sku": self.sku,
                "slug": self.sku,
                "status": "live",
                "commodity_type": commodity,
                "price": prices,
            },
            "meta": {},
            "relationships": {},
        });
        if let Some(amount) = self.prices.get(currency) {
            product["meta"]["display_price"] =
                json!({ "without_tax": price::display(*amount, currency) });
        }
        product
    }
}
