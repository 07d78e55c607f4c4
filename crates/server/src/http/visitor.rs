//! Who is asking: a browser is known by a signed cookie that its scripts cannot read.

use axum::{
    extract::{Request, State},
    middleware::Next,
    response::Response,
};
use axum_extra::extract::cookie::{Cookie, Key, SameSite, SignedCookieJar};
use domain::id::VisitorId;
use http::{HeaderValue, header::SET_COOKIE};

use super::routes::Front;

/// A year: a cart should still be there after a holiday. Browsers cap it at 400 days.
const LIFETIME: time::Duration = time::Duration::days(365);

/// How the visitor cookie looks: its name, its key, and whether it travels by HTTPS alone.
#[derive(Clone)]
pub struct VisitorCookie {
    name: &'static str,
    key: Key,
    secure: bool,
}

impl VisitorCookie {
    /// `secret` signs it. Where the shop is reached by HTTPS the browser is told to send it by
    /// nothing else and to this host alone (`__Host-`).
    pub fn new(secret: &str, https: bool) -> Self {
        let name = if https { "__Host-till_visitor" } else { "till_visitor" };
        Self { name, key: Key::derive_from(secret.as_bytes()), secure: https }
    }

    fn read(&self, request: &Request) -> Option<VisitorId> {
        let jar = SignedCookieJar::from_headers(request.headers(), self.key.clone());
        jar.get(self.name)?.value().parse().ok()
    }

    fn set_cookie(&self, visitor: VisitorId) -> Option<HeaderValue> {
        let cookie = Cookie::build((self.name, visitor.to_string()))
            .path("/")
            .http_only(true)
            .secure(self.secure)
            .same_site(SameSite::Lax)
            .max_age(LIFETIME)
            .build();
        let jar = SignedCookieJar::new(self.key.clone()).add(cookie);
        let response = axum::response::IntoResponse::into_response((jar, ()));
        response.headers().get(SET_COOKIE).cloned()
    }
}

/// Knows the visitor, or makes her known from her first request on.
pub async fn know(State(front): State<Front>, mut request: Request, next: Next) -> Response {
    let known = front.cookie.read(&request);
    let visitor = known.unwrap_or_else(|| VisitorId(front.base.ids.next()));
    request.extensions_mut().insert(visitor);
    let mut response = next.run(request).await;
    if known.is_none()
        && let Some(cookie) = front.cookie.set_cookie(visitor)
    {
        response.headers_mut().append(SET_COOKIE, cookie);
    }
    response
}
