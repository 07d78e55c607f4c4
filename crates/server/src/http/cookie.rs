//! Cookies that scripts cannot read and nobody can forge.

use axum::response::IntoResponse;
use axum_extra::extract::cookie::{Cookie, Key, SameSite, SignedCookieJar};
use http::{HeaderMap, HeaderValue, header::SET_COOKIE};

/// A cookie's name, its key, how long it is kept, and whether it travels by HTTPS alone.
#[derive(Clone)]
pub struct SignedCookie {
    name: &'static str,
    key: Key,
    lifetime: time::Duration,
    secure: bool,
}

impl SignedCookie {
    /// `secret` signs it.
    pub fn new(name: &'static str, lifetime: time::Duration, secret: &str, https: bool) -> Self {
        Self { name, key: Key::derive_from(secret.as_bytes()), lifetime, secure: https }
    }

    /// What we wrote into it.
    pub fn read(&self, headers: &HeaderMap) -> Option<String> {
        let jar = SignedCookieJar::from_headers(headers, self.key.clone());
        Some(jar.get(self.name)?.value().to_owned())
    }

    /// The header that sets it.
    pub fn set(&self, value: &str) -> Option<HeaderValue> {
        self.header(value, self.lifetime)
    }

    /// The header that makes browsers forget it.
    pub fn forget(&self) -> Option<HeaderValue> {
        self.header("", time::Duration::ZERO)
    }

    fn header(&self, value: &str, lifetime: time::Duration) -> Option<HeaderValue> {
        let cookie = Cookie::build((self.name, value.to_owned()))
            .path("/")
            .http_only(true)
            .secure(self.secure)
            .same_site(SameSite::Lax)
            .max_age(lifetime)
            .build();
        let response = (SignedCookieJar::new(self.key.clone()).add(cookie), ()).into_response();
        response.headers().get(SET_COOKIE).cloned()
    }
}
