//! An order as its shopper reads it: what was ordered, for whom, and what it comes to. Nothing is
//! decided by it; what decides is [`OrderView`].

use domain::{
    elastic_path::{EpItemId, EpOrderId, EpProductId},
    money::{Currency, Money},
};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;

use super::{
    Admin, Caller, ElasticPath, EpError, WireError,
    cart::SHIPPING_SKU,
    checkout::EpAddress,
    get,
    order::OrderView,
    wire::{self, Entity, Price, id, money, need, related, some_id},
};

/// An order with everything that its shopper may want to see. All amounts contain their tax.
#[derive(Debug, Clone)]
pub struct PlacedOrder {
    /// Where it stands.
    pub order: OrderView,
    /// The goods, in Elastic Path's order.
    pub goods: Vec<PlacedLine>,
    /// What sending costs: the lines and the groups that it is charged by.
    pub shipping: Money,
    /// The tax in it.
    pub tax: Money,
    /// What it comes to.
    pub total: Money,
    /// Whom Elastic Path would write to; nothing where the order has been made anonymous.
    pub email: Option<String>,
    /// Where the bill goes.
    pub billing_address: EpAddress,
    /// Where the goods go.
    pub shipping_address: EpAddress,
    /// When it was made.
    pub created_at: Timestamp,
    /// When all of it was paid.
    pub paid_at: Option<Timestamp>,
}

/// Some pieces of something that was ordered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlacedLine {
    /// Its id.
    pub id: EpItemId,
    /// The product; a line of a price of its own has none.
    pub product: Option<EpProductId>,
    /// The article's number.
    pub sku: Option<String>,
    /// What it is called.
    pub name: String,
    /// How many.
    pub quantity: u32,
    /// For one piece.
    pub unit: Money,
    /// For all of them.
    pub value: Money,
}

impl ElasticPath {
    /// Reads an order with its lines.
    pub async fn placed_order(
        &self,
        admin: &Admin,
        order: &EpOrderId,
    ) -> Result<PlacedOrder, EpError> {
        let call = get("/v2/orders/{id}", format!("/v2/orders/{order}?include=items"));
        let reply = self.call(Caller::Admin(admin), &call).await?;
        let view = OrderView::read(&reply)?;
        wire::read(&reply, |answer| placed(view, answer))
    }
}

#[derive(Deserialize)]
struct WirePlaced {
    meta: Option<PlacedMeta>,
    customer: Option<Person>,
    contact: Option<Person>,
    #[serde(default)]
    billing_address: Option<WirePlace>,
    #[serde(default)]
    shipping_address: Option<WirePlace>,
    relationships: Option<Value>,
}

#[derive(Deserialize, Default)]
struct PlacedMeta {
    display_price: Option<OrderPrice>,
    timestamps: Option<Times>,
}

#[derive(Deserialize, Default)]
struct OrderPrice {
    with_tax: Option<Price>,
    tax: Option<Price>,
    shipping: Option<Price>,
}

#[derive(Deserialize, Default)]
struct Times {
    created_at: Option<Timestamp>,
    fully_paid_at: Option<Timestamp>,
}

#[derive(Deserialize)]
struct Person {
    email: Option<String>,
}

#[derive(Deserialize, Default)]
struct WirePlace {
    first_name: Option<String>,
    last_name: Option<String>,
    company_name: Option<String>,
    line_1: Option<String>,
    line_2: Option<String>,
    city: Option<String>,
    county: Option<String>,
    region: Option<String>,
    postcode: Option<String>,
    country: Option<String>,
    phone_number: Option<String>,
    instructions: Option<String>,
}

#[derive(Deserialize)]
struct Included {
    items: Option<Vec<WireItem>>,
}

#[derive(Deserialize)]
struct WireItem {
    id: Option<String>,
    product_id: Option<String>,
    sku: Option<String>,
    name: Option<String>,
    quantity: Option<i64>,
    unit_price: Option<Price>,
    value: Option<Price>,
    meta: Option<ItemMeta>,
}

#[derive(Deserialize)]
struct ItemMeta {
    display_price: Option<ItemPrices>,
}

#[derive(Deserialize)]
struct ItemPrices {
    with_tax: Option<ItemPrice>,
}

#[derive(Deserialize, Default)]
struct ItemPrice {
    unit: Option<Price>,
    value: Option<Price>,
}

fn placed(
    order: OrderView,
    answer: Entity<WirePlaced, Included>,
) -> Result<PlacedOrder, WireError> {
    let WirePlaced { meta, customer, contact, .. } = answer.data;
    let PlacedMeta { display_price, timestamps } = meta.unwrap_or_default();
    let (price, times) = (display_price.unwrap_or_default(), timestamps.unwrap_or_default());
    let items = answer.included.and_then(|included| included.items).unwrap_or_default();
    // An order whose lines were left out must not look like one of fewer things.
    if related(answer.data.relationships.as_ref(), "items").len() > items.len() {
        return Err(WireError::Missing("included.items"));
    }
    let total = need(money(price.with_tax.as_ref())?, "meta.display_price.with_tax")?;
    let of_groups = money(price.shipping.as_ref())?.unwrap_or(Money::zero(total.currency()));
    let (goods, shipping) = sorted(items, of_groups)?;
    let email = [customer, contact].into_iter().flatten().find_map(|person| person.email);
    Ok(PlacedOrder {
        order,
        goods,
        shipping,
        tax: need(money(price.tax.as_ref())?, "meta.display_price.tax")?,
        total,
        email: email.filter(|email| !email.is_empty()),
        billing_address: answer.data.billing_address.unwrap_or_default().read(),
        shipping_address: answer.data.shipping_address.unwrap_or_default().read(),
        created_at: need(times.created_at, "meta.timestamps.created_at")?,
        paid_at: times.fully_paid_at,
    })
}

/// The goods, and what the lines for shipping add to that of groups. What takes something off, as a
/// promotion does, is neither: it is in the total.
fn sorted(items: Vec<WireItem>, of_groups: Money) -> Result<(Vec<PlacedLine>, Money), WireError> {
    let (mut goods, mut shipping) = (Vec::new(), of_groups);
    for item in items {
        let Priced { unit, value } = item.priced()?;
        if value < 0 || unit < 0 {
            continue;
        }
        let value = Money::new(value, of_groups.currency())?;
        if item.sku.as_deref() == Some(SHIPPING_SKU) {
            shipping = shipping.plus(value)?;
        } else {
            goods.push(item.line(of_groups.currency(), unit, value)?);
        }
    }
    Ok((goods, shipping))
}

/// Minor units, tax included; below zero where something is taken off.
struct Priced {
    unit: i64,
    value: i64,
}

impl WireItem {
    fn priced(&self) -> Result<Priced, WireError> {
        let shown = self.meta.as_ref().and_then(|meta| meta.display_price.as_ref());
        let shown = shown.and_then(|prices| prices.with_tax.as_ref());
        let amount = |price: Option<&Price>| price.and_then(|price| price.amount);
        let unit = amount(shown.and_then(|price| price.unit.as_ref()));
        let value = amount(shown.and_then(|price| price.value.as_ref()));
        Ok(Priced {
            unit: need(unit.or(amount(self.unit_price.as_ref())), "unit_price")?,
            value: need(value.or(amount(self.value.as_ref())), "value")?,
        })
    }

    fn line(self, currency: Currency, unit: i64, value: Money) -> Result<PlacedLine, WireError> {
        let quantity = self.quantity.and_then(|quantity| u32::try_from(quantity).ok());
        Ok(PlacedLine {
            id: id(self.id.as_deref(), "id")?,
            product: some_id(self.product_id.as_deref())?,
            sku: self.sku.filter(|sku| !sku.is_empty()),
            name: self.name.unwrap_or_default(),
            quantity: need(quantity, "quantity")?,
            unit: Money::new(unit, currency)?,
            value,
        })
    }
}

impl WirePlace {
    fn read(self) -> EpAddress {
        let text = Option::unwrap_or_default;
        EpAddress {
            first_name: text(self.first_name),
            last_name: text(self.last_name),
            company_name: text(self.company_name),
            line_1: text(self.line_1),
            line_2: text(self.line_2),
            city: text(self.city),
            county: text(self.county),
            region: text(self.region),
            postcode: text(self.postcode),
            country: text(self.country),
            phone_number: text(self.phone_number),
            instructions: text(self.instructions),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        elastic_path::script::{ORDER, answer, ep, example, order, outcome},
        stripe::script::says,
    };

    async fn read(body: &Value) -> Result<PlacedOrder, EpError> {
        let (ep, admin, _) = ep([answer(200, body)]);
        ep.placed_order(&admin, &order()).await
    }

    fn paid() -> Value {
        serde_json::from_str(example!("order.get.paid.200")).unwrap()
    }

    #[tokio::test]
    async fn an_order_is_read_with_its_goods_apart_from_its_shipping() {
        let (ep, admin, asked) = ep([says(200, example!("order.get.paid.200"))]);
        let placed = ep.placed_order(&admin, &order()).await.unwrap();
        let (_, path, _) = crate::elastic_path::script::last(&asked);
        assert_eq!(path, format!("/v2/orders/{ORDER}?include=items"));
        let [pan] = placed.goods.as_slice() else { panic!("{:?}", placed.goods) };
        assert_eq!((pan.quantity, pan.unit.minor(), pan.value.minor()), (2, 1500, 3000));
        assert_eq!((placed.shipping.minor(), placed.total.minor()), (599, 3599));
        assert_eq!(placed.email.as_deref(), Some("jane@example.com"));
        assert_eq!(placed.shipping_address.city, "Springfield");
        assert!(placed.paid_at.is_some_and(|paid| paid > placed.created_at));
        assert!(!format!("{placed:?}").contains("Main St"));
    }

    #[tokio::test]
    async fn the_tax_that_comes_on_top_is_in_every_amount() {
        let mut body = paid();
        body["included"]["items"][0]["meta"]["display_price"]["with_tax"] =
            serde_json::json!({"unit": {"amount": 1800}, "value": {"amount": 3600}});
        let placed = read(&body).await.unwrap();
        assert_eq!(placed.goods[0].value.minor(), 3600);
    }

    #[tokio::test]
    async fn what_takes_something_off_is_no_thing_that_was_ordered() {
        let mut body = paid();
        let mut off = body["included"]["items"][0].clone();
        off["meta"] = Value::Null;
        for field in ["unit_price", "value"] {
            off[field] = serde_json::json!({"amount": -300, "currency": "USD"});
        }
        body["included"]["items"].as_array_mut().unwrap().push(off);
        assert_eq!(read(&body).await.unwrap().goods.len(), 1);
    }

    #[tokio::test]
    async fn an_order_whose_lines_or_prices_were_left_out_is_not_shown_as_less() {
        let prices = ["with_tax", "tax"].map(|name| format!("/data/meta/display_price/{name}"));
        for left_out in prices.into_iter().chain(["/included/items".to_owned()]) {
            let mut body = paid();
            *body.pointer_mut(&left_out).unwrap() = Value::Null;
            assert_eq!(outcome(&read(&body).await), "unknown, unreadable", "{left_out}");
        }
    }

    #[tokio::test]
    async fn an_order_that_was_made_anonymous_names_nobody() {
        let mut body = paid();
        body["data"]["customer"] = Value::Null;
        body["data"]["shipping_address"] = Value::Null;
        let placed = read(&body).await.unwrap();
        assert_eq!((placed.email, placed.shipping_address), (None, EpAddress::default()));
    }
}
