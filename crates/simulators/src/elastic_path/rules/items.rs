//! What gets into a cart, and what keeps it out.

use serde_json::{Value, json};

use crate::elastic_path::api::error::ApiError;
use crate::elastic_path::objects::cart::Cart;
use crate::elastic_path::objects::line::{Content, Line};
use crate::elastic_path::objects::product::Product;
use crate::elastic_path::state::State;

/// Different lines in one cart.
const LINES_MAX: usize = 100;

/// What the shopper asked for, in the currency she wants to pay in.
pub(crate) struct Wanted<'a> {
    pub data: &'a Value,
    pub currency: &'a str,
}

impl State {
    /// Changes a cart, or leaves it wholly as it is.
    pub fn change_cart<T>(
        &mut self,
        id: &str,
        change: impl FnOnce(&mut Self, &mut Cart) -> Result<T, ApiError>,
    ) -> Result<T, ApiError> {
        let mut cart = self.cart(id).clone();
        let done = change(self, &mut cart)?;
        cart.updated = self.now();
        if cart.lines.is_empty() {
            cart.currency = None;
        }
        self.carts.insert(id.to_owned(), cart);
        Ok(done)
    }
}

/// Adds what one body asks for.
pub(crate) fn add(state: &mut State, cart: &mut Cart, wanted: &Wanted<'_>) -> Result<(), ApiError> {
    match wanted.data["type"].as_str().unwrap_or_default() {
        "cart_item" => add_product(state, cart, wanted),
        "custom_item" => add_custom(state, cart, wanted),
        "promotion_item" => add_promotion(state, cart, wanted.data),
        "subscription_item" => add_subscription(state, cart, wanted),
        "cart_items" => merge(state, cart, wanted),
        "order_items" => Err(ApiError::not_simulated("adding the items of an order")),
        other => Err(ApiError::field(
            "data.type",
            "enum",
            format!("data.type must be a kind of item, not \"{other}\""),
        )),
    }
}

/// A whole number of at least one.
pub(crate) fn quantity(data: &Value) -> Result<i64, ApiError> {
    let given = data["quantity"].as_i64().filter(|quantity| *quantity > 0);
    given.ok_or_else(|| {
        ApiError::field("data.quantity", "number_gte", "Must be greater than or equal to 1")
    })
}

fn product<'a>(state: &'a State, data: &Value) -> Result<&'a Product, ApiError> {
    let found = match (data["id"].as_str(), data["sku"].as_str()) {
        (Some(id), _) => state.products.get(id),
        (None, Some(sku)) => state.products.values().find(|product| product.sku == sku),
        (None, None) => None,
    };
    found.ok_or_else(|| {
        ApiError::new(404, "Product not found", "The requested product could not be found")
    })
}

fn add_product(state: &mut State, cart: &mut Cart, wanted: &Wanted<'_>) -> Result<(), ApiError> {
    let quantity = quantity(wanted.data)?;
    let product = product(state, wanted.data)?.clone();
    let unit_amount = price(cart, &product, wanted.currency)?;
    let line = Line {
        content: Content::Product { id: product.id.clone(), counted: product.stock.is_some() },
        name: product.name.clone(),
        description: product.description.clone(),
        sku: product.sku.clone(),
        unit_amount,
        includes_tax: false,
        tax_basis_points: product.tax_basis_points,
        location: wanted.data["location"].as_str().map(str::to_owned),
        ..new_line(state, wanted.data, quantity)
    };
    put(cart, line)?;
    check_stock(cart, &product)
}

/// What a unit costs; the first line decides on the currency of the cart.
fn price(cart: &mut Cart, product: &Product, currency: &str) -> Result<i64, ApiError> {
    let currency = cart.currency.get_or_insert_with(|| currency.to_owned());
    let amount = product.prices.get(currency.as_str());
    amount.copied().ok_or_else(|| {
        ApiError::new(
            400,
            "Price not found",
            format!("{} has no price in {currency}", product.name),
        )
    })
}

/// Whether there is as much as the cart wants, if it wants to know.
pub(crate) fn check_stock(cart: &Cart, product: &Product) -> Result<(), ApiError> {
    let of_product = cart.lines.iter().filter(|line| line.product_id() == Some(&product.id));
    let wanted: i64 = of_product.map(|line| line.quantity).sum();
    match product.stock {
        Some(stock) if stock < wanted && !cart.defer_inventory_check => Err(out_of_stock(product)),
        Some(_) | None => Ok(()),
    }
}

pub(crate) fn out_of_stock(product: &Product) -> ApiError {
    let detail = format!("There is not enough stock to add {} to your cart", product.name);
    ApiError::new(400, "Insufficient stock", detail)
        .with("meta", json!({ "id": product.id, "sku": product.sku }))
}

fn add_custom(state: &mut State, cart: &mut Cart, wanted: &Wanted<'_>) -> Result<(), ApiError> {
    let data = wanted.data;
    let quantity = quantity(data)?;
    let Some(name) = data["name"].as_str() else {
        return Err(ApiError::field("data.name", "required", "name is required"));
    };
    let Some(amount) = data["price"]["amount"].as_i64() else {
        return Err(ApiError::field("data.price.amount", "required", "amount is required"));
    };
    if amount < 0 {
        let error = ApiError::new(400, "number_gte", "Must be greater than or equal to 0");
        return Err(error.with("meta", json!({ "value": amount.to_string() })));
    }
    if cart.currency.is_none() {
        cart.currency = Some(wanted.currency.to_owned());
    }
    let line = Line {
        name: name.to_owned(),
        description: text(data, "description"),
        sku: text(data, "sku"),
        unit_amount: amount,
        includes_tax: data["price"]["includes_tax"].as_bool().unwrap_or(true),
        ..new_line(state, data, quantity)
    };
    put(cart, line)
}

fn add_promotion(state: &mut State, cart: &mut Cart, data: &Value) -> Result<(), ApiError> {
    let code = data["code"].as_str().unwrap_or_default();
    if cart.custom_discounts_enabled {
        return Err(ApiError::new(
            422,
            "Could not apply EP promotion with the given code",
            "The cart is configured to use custom discounts",
        ));
    }
    let Some(promotion) = state.promotions.get(code).cloned() else {
        let error =
            ApiError::new(404, "Not Found", "No promotion could be found with the given code.");
        return Err(error.with("meta", json!({ "code": code })));
    };
    let line = Line {
        content: Content::Promotion { code: code.to_owned(), reduction: promotion.reduction },
        name: promotion.name,
        sku: code.to_owned(),
        ..new_line(state, data, 1)
    };
    match cart.lines.iter().any(|known| known.content == line.content) {
        true => Ok(()),
        false => put(cart, line),
    }
}

/// Priced like the product of its offering's id.
fn add_subscription(
    state: &mut State,
    cart: &mut Cart,
    wanted: &Wanted<'_>,
) -> Result<(), ApiError> {
    let quantity = quantity(wanted.data)?;
    let configuration = wanted.data["subscription_configuration"].clone();
    if !configuration["pricing_option"].is_string() {
        let source = "data.subscription_configuration.pricing_option";
        return Err(ApiError::field(source, "required", "pricing_option is required"));
    }
    let offering = product(state, wanted.data)?.clone();
    let unit_amount = price(cart, &offering, wanted.currency)?;
    let line = Line {
        content: Content::Subscription { offering: offering.id, configuration },
        name: offering.name,
        description: offering.description,
        sku: offering.sku,
        unit_amount,
        includes_tax: false,
        tax_basis_points: offering.tax_basis_points,
        ..new_line(state, wanted.data, quantity)
    };
    put(cart, line)
}

/// Adds what is in another cart.
fn merge(state: &mut State, cart: &mut Cart, wanted: &Wanted<'_>) -> Result<(), ApiError> {
    let Some(other) = wanted.data["cart_id"].as_str() else {
        return Err(ApiError::field("data.cart_id", "required", "cart_id is required"));
    };
    let other = state.cart(other).clone();
    let same_currency = other.currency.is_none() || cart.currency.is_none();
    if !same_currency && other.currency != cart.currency {
        let detail = format!("This cart uses {}", cart.currency.as_deref().unwrap_or_default());
        return Err(ApiError::new(400, "Cart Currency Mismatch", detail));
    }
    cart.currency = cart.currency.take().or(other.currency);
    for line in other.lines {
        let product = line.product_id().and_then(|id| state.products.get(id)).cloned();
        put(cart, Line { id: state.ids.uuid(), ..line })?;
        if let Some(product) = product {
            check_stock(cart, &product)?;
        }
    }
    Ok(())
}

fn new_line(state: &mut State, data: &Value, quantity: i64) -> Line {
    Line {
        id: state.ids.uuid(),
        content: Content::Custom,
        name: String::new(),
        description: String::new(),
        sku: String::new(),
        quantity,
        unit_amount: 0,
        includes_tax: true,
        tax_basis_points: 0,
        custom_inputs: data.get("custom_inputs").filter(|inputs| inputs.is_object()).cloned(),
        shipping_group_id: data["shipping_group_id"].as_str().map(str::to_owned),
        location: None,
        created: state.now(),
        updated: state.now(),
    }
}

/// Appends a line, or adds it to its like: goods with the same extras, custom items with the same
/// number. The price of the line that was there first stays.
fn put(cart: &mut Cart, line: Line) -> Result<(), ApiError> {
    let alike = |known: &&mut Line| match (&known.content, &line.content) {
        (Content::Custom, Content::Custom) => !line.sku.is_empty() && known.sku == line.sku,
        (Content::Product { .. } | Content::Subscription { .. }, _) => {
            known.content == line.content
                && known.custom_inputs == line.custom_inputs
                && known.shipping_group_id == line.shipping_group_id
                && known.location == line.location
        }
        (Content::Custom | Content::Promotion { .. }, _) => false,
    };
    if let Some(known) = cart.lines.iter_mut().find(alike) {
        known.quantity += line.quantity;
        known.updated = line.updated;
        return Ok(());
    }
    if cart.lines.len() == LINES_MAX {
        let detail = format!("A cart can have {LINES_MAX} different items.");
        return Err(ApiError::new(400, "Bad Request", detail));
    }
    cart.lines.push(line);
    Ok(())
}

fn text(data: &Value, name: &str) -> String {
    data[name].as_str().unwrap_or_default().to_owned()
}
