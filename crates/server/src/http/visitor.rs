//! Who is asking: a browser is known by a signed cookie that its scripts cannot read.

use axum::{
    extract::{Request, State},
    middleware::Next,
    response::Response,
};
use domain::id::VisitorId;
use http::header::SET_COOKIE;

use super::{cookie::SignedCookie, routes::Front};

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
    let visitor = known.unwrap_or_else(|| VisitorId(front.base.ids.next()));
    request.extensions_mut().insert(visitor);
    let mut response = next.run(request).await;
    if known.is_none()
        && let Some(cookie) = front.cookie.0.set(&visitor.to_string())
    {
        response.headers_mut().append(SET_COOKIE, cookie);
    }
    response
}
