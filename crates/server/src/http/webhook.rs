//! Stripe's events, delivered. The signature is checked over the bytes as they came; then the
//! event is stored, and only then does Stripe hear that we have it.

use axum::extract::State;
use gateways::stripe::webhook::{SignatureError, verify};
use http::{HeaderMap, StatusCode};
use storage::inbox::Source;

use super::{error::ApiError, read::Raw, routes::Web};
use crate::flows::{FlowError, receive_event::receive};

/// Where Stripe delivers its events.
pub const PATH: &str = "/api/webhooks/stripe";

/// The header that carries the signature.
const SIGNATURE: &str = "stripe-signature";

/// Takes a signed event in. It is answered as soon as it is stored, and applied afterwards;
/// events that are unknown to us or for somebody else are stored too.
#[utoipa::path(post, path = PATH, tag = "webhooks",
    request_body(content = String, description = "The event as Stripe sends it.",
        content_type = "application/json"),
    params(("Stripe-Signature" = String, Header, description = "Made with the endpoint's secret.")),
    responses((status = 200, description = "The event is stored.")))]
pub async fn stripe_webhook(
    State(web): State<Web>,
    headers: HeaderMap,
    Raw(body): Raw,
) -> Result<StatusCode, ApiError> {
    let signature = headers.get(SIGNATURE).and_then(|value| value.to_str().ok()).unwrap_or("");
    let secrets = &web.cx.shop.webhook_secrets;
    let event = verify(&body, signature, secrets, web.cx.clock.now()).map_err(refuse)?;
    receive(&web.cx, std::slice::from_ref(&event), Source::Webhook)
        .await
        .map_err(FlowError::Store)?;
    Ok(StatusCode::OK)
}

fn refuse(error: SignatureError) -> ApiError {
    metrics::counter!("till_webhooks_refused_total").increment(1);
    tracing::warn!(%error, "a webhook was refused");
    ApiError::invalid(format!("The event is not accepted: {error}."))
}
