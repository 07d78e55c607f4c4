//! Checkout over HTTP: the intent, and the browser's word that it has confirmed.

use axum::{Extension, Json, extract::State};
use domain::{
    checkout::CheckoutRequest as Asked,
    contact::{Address as Known, Email, EmailError},
    id::{OrderId, VisitorId},
    order::Marketing,
    session::Attributes,
    shield::Network,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{
    error::{ApiError, Code},
    order::{self, Address, Order},
    read::Body,
    routes::Web,
    wire::{Amount, currency},
};
use crate::flows::{
    confirm::confirm,
    customer::Asker,
    shield::{Asking, Solution as Solved},
    start_checkout::{Intent, start_checkout},
};

/// Who buys, and where it goes.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CheckoutRequest {
    /// Where the receipt goes.
    email: String,
    /// Where the goods go.
    shipping_address: Address,
    /// Where the bill goes, if elsewhere.
    #[schema(nullable = false)]
    billing_address: Option<Address>,
    /// Whether the shopper wants to hear from the shop.
    accepts_marketing: bool,
    /// The challenge of a `checkout.challengeRequired`, solved.
    #[schema(nullable = false)]
    challenge: Option<Solution>,
}

/// A challenge, solved.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(tag = "kind", rename_all = "camelCase")]
#[schema(as = Solution)]
pub enum Solution {
    /// A proof of work.
    Work {
        /// The challenge as it was given.
        challenge: String,
        /// The number that was found, in decimal digits.
        answer: String,
    },
    /// The token of the widget.
    Turnstile {
        /// The token; empty where the widget could not be loaded.
        token: String,
    },
}

/// What the browser needs to pay.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CheckoutIntent {
    /// The order: `pending`, or `paid` already where there is nothing to pay.
    pub order_id: Uuid,
    /// For Stripe.js; absent only when nothing is left to pay.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub client_secret: Option<String>,
    /// For Stripe.js.
    pub publishable_key: String,
    /// Where the page loads Stripe.js from.
    pub stripe_js_url: String,
    /// What will be charged.
    pub amount: Amount,
    /// The shop's currency, such as `eur`.
    pub currency: String,
}

/// Which order the browser has confirmed.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ConfirmRequest {
    /// The order.
    #[schema(value_type = Uuid)]
    order_id: String,
}

/// Makes the cart an order, reserves its stock and starts its payment. The same cart and request
/// again give the same order.
#[utoipa::path(post, path = "/api/checkout/intent", tag = "checkout",
    request_body = CheckoutRequest,
    responses((status = 200, description = "What the browser needs to pay.", body = CheckoutIntent)))]
pub async fn start_intent(
    State(web): State<Web>,
    Extension(visitor): Extension<VisitorId>,
    Extension(network): Extension<Option<Network>>,
    Body(mut body): Body<CheckoutRequest>,
) -> Result<Json<CheckoutIntent>, ApiError> {
    let who = Asking { visitor, network, solution: body.challenge.take().map(Into::into) };
    let asked = parse(body)?;
    let cx = web.cx.clone();
    let flow = async move { start_checkout(&cx, who, asked).await };
    let Intent { order, client_secret } = web.cx.see_through(flow).await?;
    let total = order.totals.total();
    Ok(Json(CheckoutIntent {
        order_id: order.id.0,
        client_secret,
        publishable_key: web.cx.shop.publishable_key.clone(),
        stripe_js_url: web.cx.shop.stripe_js_url.to_string(),
        amount: total.into(),
        currency: currency(total),
    }))
}

/// Asks the gateway how the payment stands, after the browser has confirmed it. Optional: the
/// order is paid by the gateway's event with or without this call.
#[utoipa::path(post, path = "/api/checkout/confirm", tag = "checkout",
    request_body = ConfirmRequest,
    responses((status = 200, description = "The order as it stands.", body = Order)))]
pub async fn confirm_order(
    State(web): State<Web>,
    Extension(asker): Extension<Asker>,
    Body(body): Body<ConfirmRequest>,
) -> Result<Json<Order>, ApiError> {
    let cx = web.cx.clone();
    let id = body.order_id.parse::<OrderId>().map_err(|_| ApiError::new(Code::OrderNotFound))?;
    let flow = async move { confirm(&cx, asker, id).await };
    order::render(&web.cx.see_through(flow).await?)
}

impl From<Solution> for Solved {
    fn from(solution: Solution) -> Self {
        match solution {
            Solution::Work { challenge, answer } => Self::Work { challenge, answer },
            Solution::Turnstile { token } => Self::Turnstile { token },
        }
    }
}

fn parse(body: CheckoutRequest) -> Result<Asked, ApiError> {
    let email = body.email.parse::<Email>().map_err(|EmailError| {
        ApiError::contact("email".to_owned(), format!("email: {EmailError}."))
    })?;
    let address = |of: &str, address: Address| {
        Known::parse(&address.draft()).map_err(|error| ApiError::address(of, &error))
    };
    let shipping_address = address("shippingAddress", body.shipping_address)?;
    let billing_address = match body.billing_address {
        Some(billing) => address("billingAddress", billing)?,
        None => shipping_address.clone(),
    };
    let marketing = match body.accepts_marketing {
        true => Marketing::Accepted,
        false => Marketing::Declined,
    };
    Ok(Asked {
        email,
        shipping_address,
        billing_address,
        marketing,
        token: None,
        shipping: None,
        attributes: Attributes::default(),
    })
}
