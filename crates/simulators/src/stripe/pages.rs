//! The pages a person sees: a dashboard of what happened and what can be ordered, the bank's 3-D
//! Secure challenge, the bank's own page for methods that lead there, receipts, and the forms of
//! the stand-in for Stripe.js.
//!
//! Every page but those forms works without its script. Nothing is loaded from another server.

mod challenge;
mod dashboard;
mod document;
mod elements;
mod forward;
mod order;
mod payment;
mod receipt;
mod redirect;
mod view;

use axum::Router;
use axum::middleware::from_fn;
use axum::routing::{get, post};

use crate::guard;
use crate::stripe::Stripe;

pub(crate) fn router() -> Router<Stripe> {
    let orders = Router::new()
        .route("/dashboard/order", post(forward::order))
        .route_layer(from_fn(guard::refuse_other_sites));
    Router::new()
        .route("/", get(dashboard::overview))
        .route("/payments/{id}", get(payment::show))
        .route("/receipts/{id}", get(receipt::show))
        .route("/pages/{file}", get(document::asset))
        .route("/endive/stripe.js", get(elements::script))
        .route("/elements/{file}", get(elements::file))
        .route("/3d_secure/challenge/{id}", get(challenge::show).post(challenge::answer))
        .route("/redirect/{id}", get(redirect::show).post(redirect::answer))
        .merge(orders)
}
