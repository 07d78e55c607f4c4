//! Whose form a session shows. Browsers are shared: after somebody has signed out of her account, or
//! into another, whoever sits there next must not read her name and address. So the cookie that names
//! the session also says by which sign-in its form is filled in, or by none; to any other the form is
//! empty, and what the other writes begins an empty one. A sign-in is known by a digest of its token:
//! whoever signs in anew fills in anew.

use domain::{id::SessionId, session::CheckoutSession};
use http::{HeaderMap, HeaderValue};
use sha2::{Digest, Sha256};

use crate::http::{cookie::SignedCookie, gate::ACCOUNT_TOKEN};

/// So much of a digest that no two are alike.
const DIGEST_BYTES: usize = 16;

/// A session, as its cookie names it, and who asks.
pub struct Form {
    session: SessionId,
    filled_in_by: String,
    asked_by: String,
}

impl Form {
    /// What the request's cookie and its sign-in say; nothing where no session is named.
    pub fn of(cookie: &SignedCookie, headers: &HeaderMap) -> Option<Self> {
        let said = cookie.read(headers)?;
        let (session, filled_in_by) = said.split_once('.').unwrap_or((&said, ""));
        let (session, filled_in_by) = (session.parse().ok()?, filled_in_by.to_owned());
        Some(Self { session, filled_in_by, asked_by: sign_in(headers) })
    }

    /// Which session.
    pub fn session(&self) -> SessionId {
        self.session
    }

    /// Whether another sign-in filled it in than the one that asks.
    pub fn is_anothers(&self) -> bool {
        self.filled_in_by != self.asked_by
    }

    /// The session as whoever asks may see it.
    pub fn seen(&self, mut session: CheckoutSession) -> CheckoutSession {
        if self.is_anothers() {
            session.form = session.form.without_person();
        }
        session
    }
}

/// The cookie of a session whose form is filled in by whoever asks.
pub fn cookie(
    cookie: &SignedCookie,
    headers: &HeaderMap,
    session: SessionId,
) -> Option<HeaderValue> {
    let asked_by = sign_in(headers);
    let between = if asked_by.is_empty() { "" } else { "." };
    cookie.set(&format!("{session}{between}{asked_by}"))
}

/// By what a sign-in is known again; empty where nobody is signed in.
fn sign_in(headers: &HeaderMap) -> String {
    let token = headers.get(ACCOUNT_TOKEN).filter(|token| !token.is_empty());
    let digest = |token: &HeaderValue| hex::encode(&Sha256::digest(token)[..DIGEST_BYTES]);
    token.map(digest).unwrap_or_default()
}
