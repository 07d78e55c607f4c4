//! What is sold, for how much, how many, and to whom by name.

use axum::extract::{Path, State as Shared};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::json;

use crate::elastic_path::control::{done, refused};
use crate::elastic_path::objects::account::Account;
use crate::elastic_path::state::State;
use crate::elastic_path::{Commodity, ElasticPath, Product, Promotion, Reduction};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Stock {
    stock: Option<i64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Price {
    currency: String,
    amount: i64,
}

pub(crate) fn router() -> Router<ElasticPath> {
    Router::new()
        .route("/_sim/products", post(add_product))
        .route("/_sim/products/{id}/stock", post(set_stock))
        .route("/_sim/products/{id}/price", post(set_price))
        .route("/_sim/promotions", post(add_promotion))
        .route("/_sim/accounts", post(add_account))
}

async fn add_product(Shared(store): Shared<ElasticPath>, Json(product): Json<Product>) -> Response {
    Json(json!({ "id": store.add_product(product) })).into_response()
}

fn unknown(id: &str) -> Response {
    refused(StatusCode::NOT_FOUND, format!("no product {id}"))
}

async fn set_stock(
    Shared(store): Shared<ElasticPath>,
    Path(id): Path<String>,
    Json(order): Json<Stock>,
) -> Response {
    if store.set_stock(&id, order.stock) { done() } else { unknown(&id) }
}

async fn set_price(
    Shared(store): Shared<ElasticPath>,
    Path(id): Path<String>,
    Json(order): Json<Price>,
) -> Response {
    if store.set_price(&id, &order.currency, order.amount) { done() } else { unknown(&id) }
}

async fn add_promotion(
    Shared(store): Shared<ElasticPath>,
    Json(promotion): Json<Promotion>,
) -> Response {
    store.add_promotion(promotion);
    done()
}

async fn add_account(Shared(store): Shared<ElasticPath>) -> Response {
    let (id, token) = store.add_account();
    Json(json!({ "id": id, "token": token })).into_response()
}

impl ElasticPath {
    /// Sells something from now on; its id.
    pub fn add_product(&self, mut product: Product) -> String {
        let mut state = self.lock();
        if product.id.is_empty() {
            product.id = state.ids.uuid();
        }
        let id = product.id.clone();
        state.products.insert(id.clone(), product);
        id
    }

    /// How many of a product there are; `None`: nobody counts. False when there is no such product.
    pub fn set_stock(&self, product_id: &str, stock: Option<i64>) -> bool {
        let mut state = self.lock();
        let product = state.products.get_mut(product_id);
        product.map(|product| product.stock = stock).is_some()
    }

    /// How many of a product there are; `None` when nobody counts, or there is no such product.
    pub fn stock(&self, product_id: &str) -> Option<i64> {
        self.lock().products.get(product_id)?.stock
    }

    /// What a product costs from now on, also in carts that have it already. False when there is no
    /// such product.
    pub fn set_price(&self, product_id: &str, currency: &str, amount: i64) -> bool {
        let mut state = self.lock();
        let Some(product) = state.products.get_mut(product_id) else { return false };
        product.prices.insert(currency.to_owned(), amount);
        for cart in state.carts.values_mut() {
            if cart.currency.as_deref() == Some(currency) {
                let own = |id: Option<&str>| id == Some(product_id);
                cart.lines
                    .iter_mut()
                    .filter(|line| own(line.product_id()))
                    .for_each(|line| line.unit_amount = amount);
            }
        }
        true
    }

    /// Takes a code from now on.
    pub fn add_promotion(&self, promotion: Promotion) {
        self.lock().promotions.insert(promotion.code.clone(), promotion);
    }

    /// Forgets a code; carts that have it cost more again.
    pub fn end_promotion(&self, code: &str) {
        let mut state = self.lock();
        state.promotions.remove(code);
        for cart in state.carts.values_mut() {
            cart.lines.retain(|line| line.promotion_code() != Some(code));
        }
    }

    /// A shopper with a name: the id of her account, and the token of her having logged in.
    pub fn add_account(&self) -> (String, String) {
        let mut state = self.lock();
        let member = state.ids.uuid();
        log_in(&mut state, member)
    }

    /// Another account of whoever has the account of this id, and her token for it.
    pub fn add_account_beside(&self, account: &str) -> Option<(String, String)> {
        let mut state = self.lock();
        let member = state.accounts.iter().find(|one| one.id == account)?.member.clone();
        Some(log_in(&mut state, member))
    }

    /// Another token for an account; `None`: there is no such account.
    pub fn log_in(&self, account: &str) -> Option<String> {
        let mut state = self.lock();
        let now = state.now();
        let State { accounts, ids, .. } = &mut *state;
        let account = accounts.iter_mut().find(|one| one.id == account)?;
        Some(account.log_in(ids, now))
    }
}

fn log_in(state: &mut State, member: String) -> (String, String) {
    let now = state.now();
    let mut account = Account::new(state.ids.uuid(), member);
    let token = account.log_in(&mut state.ids, now);
    let id = account.id.clone();
    state.accounts.push(account);
    (id, token)
}

/// A few things to sell, whose ids are always the same, and the code `SAVE10`.
pub fn sample_catalogue(store: &ElasticPath) {
    let currency = store.lock().options.currency.clone();
    let sample = |id: &str, sku: &str, name: &str, amount: i64| Product {
        id: id.into(),
        stock: Some(100),
        ..Product::new(sku, name, &currency, amount)
    };
    store.add_product(Product {
        description: "26 cm".into(),
        ..sample("3281ce38-87a7-488e-a113-9a6b2f616908", "fry-pan-26", "Fry Pan", 1500)
    });
    store.add_product(sample("7f2c1a52-52b5-4d0c-8a52-4f8c2d6f7b10", "kettle-17", "Kettle", 4900));
    store.add_product(Product {
        commodity: Commodity::Digital,
        stock: None,
        ..sample("c1b6a7f4-2f0e-4b8b-9f36-0d5c54b1a9e3", "recipes-ebook", "Recipes", 900)
    });
    store.add_promotion(Promotion {
        code: "SAVE10".into(),
        name: "Ten percent off".into(),
        reduction: Reduction::Percent(10),
    });
}
