//! `/receipts/{charge}`: what `receipt_url` of a charge that succeeded leads to.

use axum::extract::{Path, State as Shared};
use axum::response::Response;
use http::StatusCode;
use minijinja::{Value, context, value::Serde};

use crate::stripe::Stripe;
use crate::stripe::objects::charge::ChargeStatus;
use crate::stripe::pages::document;
use crate::stripe::pages::view::{Lens, Sum};
use crate::stripe::routes::account::SHOP;

pub(crate) async fn show(Shared(stripe): Shared<Stripe>, Path(id): Path<String>) -> Response {
    let state = stripe.lock();
    let paid =
        |charge: &&crate::stripe::objects::charge::Charge| charge.status == ChargeStatus::Succeeded;
    let Some(charge) = state.charges.get(&id).filter(paid) else {
        let page = context! {
            title => "No receipt",
            text => "There is no charge of this name that was paid.",
            link => "/",
            link_text => "All payments",
            message => (),
        };
        return document::own_page(StatusCode::NOT_FOUND, "over.html", page);
    };
    let lens = Lens::new(&state);
    let sum = |amount| Value::from(Serde(Sum::new(amount, &charge.currency)));
    let intent = charge.payment_intent.as_deref();
    let intent = intent.and_then(|id| state.payment_intents.get(id));
    let page = context! {
        shop => SHOP,
        id => charge.id.clone(),
        sum => sum(charge.amount),
        when => Value::from(Serde(lens.dated(charge.created))),
        method => intent.and_then(|intent| lens.method(intent)),
        description => charge.description.clone(),
        email => charge.receipt_email.clone(),
        refunded => (charge.amount_refunded > 0).then(|| sum(charge.amount_refunded)),
        rest => sum(charge.amount - charge.amount_refunded),
        payment => charge.payment_intent.clone(),
    };
    document::own_page(StatusCode::OK, "receipt.html", page)
}
