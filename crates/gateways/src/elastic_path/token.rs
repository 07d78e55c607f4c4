//! Tokens. The implicit one lets a shopper's cart be read and changed; it is kept for all requests and
//! renewed before it runs out. The one of [`Admin`] may do everything; it is made for one request,
//! once however often and however many at once ask for it, and goes with the request.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use http::{HeaderValue, Method};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use tokio::sync::{Mutex, OnceCell};
use tokio::time::{Instant, sleep, timeout_at};
use url::form_urlencoded::Serializer;

use super::{
    Busy, ElasticPath, Inner, Sequence,
    errors::{EpError, Unsent},
    send::{Body, Call, Credentials, Repeat, Reply},
};
use crate::Doubt;

/// A token is renewed so long before it runs out, or with a tenth of its life left if that is
/// shorter: longer than a call lasts, which it has to outlive.
const RENEWED_EARLY: Duration = Duration::from_secs(60);

/// Where the token comes from that a call is made with. It is said for every call, and a call that
/// has none of the right kind is not made with another.
#[derive(Debug, Clone, Copy)]
pub enum Caller<'a> {
    /// A shopper whom nobody knows.
    Implicit,
    /// The shop itself.
    Admin(&'a Admin),
    /// A shopper who is signed in to an account.
    Account(&'a AccountToken),
}

/// What proves that a shopper is signed in to an account. It is handed in for each call and kept
/// nowhere.
#[derive(Clone)]
pub struct AccountToken(HeaderValue);

/// The text cannot be a token. It is not repeated here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a token is printable ASCII")]
pub struct TokenError;

impl AccountToken {
    /// A token as the shopper's session holds it.
    pub fn new(token: &SecretString) -> Result<Self, TokenError> {
        secret_header(token.expose_secret().to_owned()).map(Self)
    }

    /// As it was handed in: printable ASCII.
    pub(super) fn text(&self) -> &str {
        self.0.to_str().unwrap_or_default()
    }
}

impl fmt::Debug for AccountToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AccountToken(…)")
    }
}

/// The shop's own right to ask, for one incoming request or one job of the worker. Clones share
/// the token; whoever makes a second one makes a second token.
#[derive(Clone)]
pub struct Admin(Arc<OneRequest>);

struct OneRequest {
    ep: ElasticPath,
    secret: SecretString,
    minted: OnceCell<Result<Token, Arc<EpError>>>,
    /// Calls that are admitted and not made yet.
    admitted: AtomicU32,
}

impl fmt::Debug for Admin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Admin(…)")
    }
}

impl Admin {
    pub(super) fn new(ep: ElasticPath, secret: SecretString) -> Self {
        let (minted, admitted) = (OnceCell::new(), AtomicU32::new(0));
        Self(Arc::new(OneRequest { ep, secret, minted, admitted }))
    }

    /// Waits for room for a sequence of `calls` calls, before the first of them. They are then made
    /// without asking again.
    pub async fn admit(&self, calls: u32) -> Result<Sequence, Busy> {
        let OneRequest { ep, admitted, .. } = &*self.0;
        let (sequence, wait) = ep.0.limit.admit(calls, Instant::now())?;
        admitted.fetch_add(calls, Ordering::Relaxed);
        if !wait.is_zero() {
            sleep(wait).await;
        }
        Ok(sequence)
    }

    /// Asks for room for `calls` calls of somebody who only looks.
    pub fn look(&self, calls: u32) -> Result<(), Busy> {
        let OneRequest { ep, admitted, .. } = &*self.0;
        ep.0.limit.look(calls, Instant::now())?;
        admitted.fetch_add(calls, Ordering::Relaxed);
        Ok(())
    }

    /// A call is made: one of those that were admitted, or one that is counted now.
    pub(super) fn spend(&self) {
        let OneRequest { ep, admitted, .. } = &*self.0;
        let (order, less) = (Ordering::Relaxed, |left: u32| left.checked_sub(1));
        if admitted.fetch_update(order, order, less).is_err() {
            ep.0.limit.count(Instant::now());
        }
    }

    /// The token. Whoever asks while it is being made waits for the same one; a failure is
    /// remembered too, because it comes after retries of its own.
    async fn token(&self) -> Result<Token, Unsent> {
        let OneRequest { ep, secret, minted, .. } = &*self.0;
        let mint = || {
            self.spend();
            ep.0.mint("client_credentials", Some(secret))
        };
        let minted = minted.get_or_init(|| async { mint().await.map_err(Arc::new) }).await;
        minted.clone().map_err(Unsent::NoToken)
    }
}

/// The header that a token is sent in, and until when it is good.
#[derive(Clone)]
struct Token {
    bearer: HeaderValue,
    renew_at: Instant,
}

/// The implicit token that is kept.
#[derive(Default)]
pub(super) struct Kept(Mutex<Option<Token>>);

/// An answer of the token endpoint. It is not wrapped like all others.
#[derive(Deserialize)]
struct Minted {
    access_token: String,
    expires_in: u64,
}

impl Inner {
    /// The headers that `caller` is known by.
    pub async fn credentials(
        &self,
        caller: Caller<'_>,
        deadline: Instant,
    ) -> Result<Credentials, EpError> {
        let token = async {
            match caller {
                Caller::Admin(admin) => admin.token().await,
                Caller::Implicit | Caller::Account(_) => self.implicit(None).await,
            }
        };
        let too_late = |_| Unsent::NoToken(Arc::new(EpError::Unknown(Doubt::Deadline)));
        let token = timeout_at(deadline, token).await.map_err(too_late).flatten();
        let account = match caller {
            Caller::Account(account) => Some(account.0.clone()),
            Caller::Implicit | Caller::Admin(_) => None,
        };
        let bearer = Some(token.map_err(EpError::NotSent)?.bearer);
        Ok(Credentials { bearer, account })
    }

    /// The headers again after the implicit token in them was refused.
    pub async fn renewed(
        &self,
        refused: Credentials,
        deadline: Instant,
    ) -> Result<Credentials, EpError> {
        let token = timeout_at(deadline, self.implicit(refused.bearer.as_ref())).await;
        let too_late = |_| Unsent::NoToken(Arc::new(EpError::Unknown(Doubt::Deadline)));
        let token = token.map_err(too_late).flatten().map_err(EpError::NotSent)?;
        Ok(Credentials { bearer: Some(token.bearer), ..refused })
    }

    /// The kept token, or a new one: where there is none, where it is nearly over, and where it is
    /// the one that was `refused`. One at a time makes it; the others wait for that one.
    async fn implicit(&self, refused: Option<&HeaderValue>) -> Result<Token, Unsent> {
        let mut kept = self.implicit.0.lock().await;
        if let Some(token) = &*kept
            && Instant::now() < token.renew_at
            && Some(&token.bearer) != refused
        {
            return Ok(token.clone());
        }
        self.limit.count(Instant::now());
        let minted = self.mint("implicit", None).await;
        let token = minted.map_err(|error| Unsent::NoToken(Arc::new(error)))?;
        *kept = Some(token.clone());
        Ok(token)
    }

    async fn mint(&self, grant: &str, secret: Option<&SecretString>) -> Result<Token, EpError> {
        let path = "/oauth/access_token";
        let call = Call {
            method: Method::POST,
            template: path,
            path: path.to_owned(),
            body: Body::Form(self.grant(grant, secret)),
            repeat: Repeat::Always,
        };
        let now = Instant::now();
        // Half of a call's time: the other half is for what the token is needed for, and whoever
        // waits for the token hears how it ended.
        let deadline = now + self.sender.retry.deadline / 2;
        let reply = self.sender.send(&call, &Credentials::default(), deadline).await?;
        read(&reply, now)
    }

    fn grant(&self, grant: &str, secret: Option<&SecretString>) -> String {
        let mut form = Serializer::new(String::new());
        form.append_pair("grant_type", grant).append_pair("client_id", &self.client_id);
        if let Some(secret) = secret {
            form.append_pair("client_secret", secret.expose_secret());
        }
        form.finish()
    }
}

/// The life of a token is counted from before it was asked for, on a clock that nobody sets.
fn read(reply: &Reply, asked_at: Instant) -> Result<Token, EpError> {
    // An error of the parser could quote the token.
    let minted: Minted =
        serde_json::from_slice(&reply.body).map_err(|_| EpError::unreadable("not a token"))?;
    let bearer = format!("Bearer {}", minted.access_token);
    let bearer = secret_header(bearer).map_err(EpError::unreadable)?;
    let life = Duration::from_secs(minted.expires_in.min(LIFE_SECONDS_MAX));
    Ok(Token { bearer, renew_at: asked_at + life - RENEWED_EARLY.min(life / 10) })
}

/// Elastic Path's tokens live an hour. A day is not believed: it could not be added to a clock.
const LIFE_SECONDS_MAX: u64 = 24 * 60 * 60;

fn secret_header(text: String) -> Result<HeaderValue, TokenError> {
    if text.is_empty() || !text.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
        return Err(TokenError);
    }
    let mut value = HeaderValue::try_from(text).map_err(|_| TokenError)?;
    value.set_sensitive(true);
    Ok(value)
}

#[cfg(test)]
mod tests;
