//! What both purchases of the demo share: how a step is told, and a guest who looks around and fills
//! her cart.

use std::{fmt::Display, future::Future, io};

use domain::money::{Currency, Money, MoneyError};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::{
    DemoError, PATIENCE,
    client::{AskError, Client},
    say,
};
use crate::cli::ink::Ink;

#[derive(Deserialize)]
struct Page {
    items: Vec<Product>,
}

/// A product as the shop shows it.
#[derive(Deserialize)]
pub struct Product {
    /// The shop's name for it.
    pub id: String,
    /// The merchant's number.
    pub sku: String,
    /// The shopper's name for it.
    pub name: String,
    /// What one costs.
    pub price: Amount,
    /// In which currency.
    pub currency: String,
    /// How many there are, as far as the shop knows.
    pub available: u32,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct NewLine<'a> {
    product_id: &'a str,
    quantity: u32,
}

/// A line of a cart.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Line {
    name: String,
    quantity: u32,
    line_total: Amount,
}

/// A cart as the shop shows it.
#[derive(Deserialize)]
pub struct Cart {
    /// What is in it.
    pub items: Vec<Line>,
    subtotal: Amount,
    currency: String,
}

/// The digits of an amount as they came: they are never a float.
#[derive(Deserialize)]
pub struct Amount(Box<RawValue>);

impl Amount {
    /// The amount, in a currency.
    pub fn money(&self, currency: &str) -> Result<Money, DemoError> {
        let read = currency.parse::<Currency>().and_then(|c| Money::parse_major(self.0.get(), c));
        read.map_err(|error: MoneyError| DemoError::Broken(format!("the shop's amount: {error}")))
    }
}

/// The one who tells.
pub struct Story {
    /// How it is written.
    pub ink: Ink,
    steps: u32,
}

impl Story {
    /// One who begins to tell.
    pub fn begin(title: &str) -> Self {
        let ink = Ink::of(&io::stdout());
        say(&format!("\n{}\n", ink.strong(title)));
        Self { ink, steps: 0 }
    }

    /// The next thing that happens, and how.
    pub fn step(&mut self, what: &str, how: &str) {
        self.steps += 1;
        let (number, ink) = (self.steps, self.ink);
        say(&format!("\n{number:>2}  {}  {}\n", ink.strong(format!("{what:<32}")), ink.soft(how)));
    }

    /// What was seen of it.
    pub fn fact(&self, label: &str, value: impl Display) {
        say(&format!("      {}  {value}\n", self.ink.soft(format!("{label:<30}"))));
    }

    /// A guest looks at what there is; `left` says how many.
    pub async fn look_around(
        &mut self,
        guest: &mut Client,
        left: impl Fn(&Product) -> Option<i64>,
    ) -> Result<Vec<Product>, DemoError> {
        self.step("Looks at the products", "GET /api/products");
        let products = products(guest).await?;
        for product in &products {
            let price = product.price.money(&product.currency)?;
            let left = left(product).map(|left| format!("{left:>8} left")).unwrap_or_default();
            self.fact(&product.name, format!("{:>8} {left}", price.major()));
        }
        Ok(products)
    }

    /// A guest puts two things into her cart; answers their ids and how many of each.
    pub async fn fill_cart(
        &mut self,
        guest: &mut Client,
        products: &[Product],
    ) -> Result<Vec<(String, u32)>, DemoError> {
        self.step("Fills the cart", "POST /api/cart/items");
        let left = products.iter().filter(|product| product.available >= 2);
        let chosen: Vec<(&Product, u32)> = left.zip([2, 1]).collect();
        let mut cart = None;
        for (product, quantity) in &chosen {
            let line = NewLine { product_id: &product.id, quantity: *quantity };
            cart = Some(guest.post::<Cart>("/api/cart/items", &line).await?);
        }
        let cart = cart.ok_or_else(|| {
            DemoError::Broken("everything is sold out; begin anew with --fresh".to_owned())
        })?;
        for line in &cart.items {
            let total = line.line_total.money(&cart.currency)?.major();
            self.fact(&format!("{} x {}", line.quantity, line.name), format!("{total:>8}"));
        }
        let subtotal = cart.subtotal.money(&cart.currency)?;
        self.fact("Subtotal", format!("{:>8} {}", subtotal.major(), subtotal.currency()));
        Ok(chosen.into_iter().map(|(product, count)| (product.id.clone(), count)).collect())
    }
}

/// What is for sale.
pub async fn products(guest: &mut Client) -> Result<Vec<Product>, AskError> {
    Ok(guest.get::<Page>("/api/products").await?.items)
}

/// What must be so.
pub fn expect(is_so: bool, otherwise: &str) -> Result<(), DemoError> {
    if is_so { Ok(()) } else { Err(DemoError::Broken(otherwise.to_owned())) }
}

/// Something that must happen before everybody is bored.
pub async fn in_time<T>(
    otherwise: &str,
    wait: impl Future<Output = Result<T, DemoError>>,
) -> Result<T, DemoError> {
    match tokio::time::timeout(PATIENCE, wait).await {
        Ok(done) => done,
        Err(_) => Err(DemoError::Broken(otherwise.to_owned())),
    }
}
