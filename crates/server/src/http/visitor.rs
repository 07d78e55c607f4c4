//! Who is asking: a browser is known by a signed cookie that its scripts cannot read, and a customer by
//! another one while she is signed in. Then she is the account's visitor to all that follows, and not
//! her browser's.

use axum::{
    extract::{Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};
use domain::id::VisitorId;
use http::{HeaderMap, header::SET_COOKIE};
use storage::{
    StoreError,
    customer::{self, SignedIn},
};

use super::{cookie::SignedCookie, error::ApiError, routes::Front};
use crate::flows::{FlowError, customer::Asker};

/// A year: a cart should still be there after a holiday. Browsers cap it at 400 days.
const LIFETIME: time::Duration = time::Duration::days(365);

/// The visitor's cookie.
#[derive(Clone)]
pub struct VisitorCookie(SignedCookie);

impl VisitorCookie {
    /// `secret` signs it. Where the shop is reached by HTTPS the browser is told to send it by
    /// nothing else and to this host alone (`__Host-`).
    pub fn new(secret: &str, https: bool) -> Self {
        let name = if https { "__Host-till_visitor" } else { "till_visitor" };
        Self(SignedCookie::new(name, LIFETIME, secret, https))
    }
}

/// Knows the visitor, or makes her known from her first request on.
pub async fn know(State(front): State<Front>, mut request: Request, next: Next) -> Response {
    let known = front.cookie.0.read(request.headers()).and_then(|id| id.parse().ok());
    let browser = known.unwrap_or_else(|| VisitorId(front.base.ids.next()));
    let signed_in = match who_is_signed_in(&front, request.headers()).await {
        Ok(signed_in) => signed_in,
        Err(error) => return ApiError::from(FlowError::Store(error)).into_response(),
    };
    request.extensions_mut().insert(Asker { browser, signed_in });
    request.extensions_mut().insert(signed_in.map_or(browser, |signed_in| signed_in.visitor));
    let mut response = next.run(request).await;
    if known.is_none()
        && let Some(cookie) = front.cookie.0.set(&browser.to_string())
    {
        response.headers_mut().append(SET_COOKIE, cookie);
    }
    response
}

async fn who_is_signed_in(
    front: &Front,
    headers: &HeaderMap,
) -> Result<Option<SignedIn>, StoreError> {
    let named = front.customers.as_ref().and_then(|cookie| cookie.read(headers));
    let Some(named) = named else { return Ok(None) };
    let input = (named, front.base.clock.now());
    let read =
        front.base.store.read(input, |tx, (id, now)| Box::pin(customer::signed_in(tx, *id, *now)));
    read.await
}
