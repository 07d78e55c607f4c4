//! The session API over HTTP, the same on both backends: a cookie names the session, the row carries
//! everything else.

pub mod body;
pub mod code;
pub mod form;

use axum::{
    Extension, Json,
    body::Bytes,
    extract::{FromRef, FromRequest, Request, State},
    response::{IntoResponse, Response},
};
use domain::{
    elastic_path::EpCartId,
    id::VisitorId,
    purchase::PayToken,
    session::{CheckoutSession, Patch, SeenTotal, SessionCart, SessionState},
    shield::Network,
};
use gateways::elastic_path::AccountToken;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header::SET_COOKIE};
use serde::de::DeserializeOwned;

use super::{
    better_auth::BetterAuth, cookie::SignedCookie, gate::ACCOUNT_TOKEN, read::Raw, routes::Front,
};
use crate::{
    context::Backend,
    flows::{
        FlowError,
        purchase::{self, Answer},
        session::{
            self, Named, Opening, SessionError, pay,
            platform::{self, Ready},
        },
        shield::Asking,
    },
};
use body::{OpenSession, PatchSession, PaySession, SessionAnswer};
use code::{SessionCode, SessionFault};
use form::Form;

/// What the handlers of the session routes are handed.
#[derive(Clone)]
pub struct SessionWeb {
    /// Who asks, and whether she may.
    pub front: Front,
    /// For the flows.
    pub backend: Backend,
    /// Names the session.
    pub cookie: SignedCookie,
    /// The storefront's own sessions, where it has some.
    pub better_auth: Option<BetterAuth>,
}

impl FromRef<SessionWeb> for Front {
    fn from_ref(web: &SessionWeb) -> Self {
        web.front.clone()
    }
}

/// A row says when a session is over, after a day at the latest if its shopper does nothing. The cookie
/// is kept longer, for a payment that takes its time.
const LIFETIME: time::Duration = time::Duration::days(7);

/// The cookie that names a session; `secret` signs it.
pub fn cookie(secret: &str, https: bool) -> SignedCookie {
    SignedCookie::new("ep_checkout_session", LIFETIME, secret, https)
}

/// Opens a session on the visitor's cart, and gives her its cookie.
#[utoipa::path(post, path = "/api/checkout/sessions", tag = "sessions",
    request_body = OpenSession,
    responses((status = 201, description = "The session.", body = SessionAnswer)))]
pub async fn open_session(
    State(web): State<SessionWeb>,
    Extension(visitor): Extension<VisitorId>,
    headers: HeaderMap,
    Said(body): Said<OpenSession>,
) -> Result<Response, SessionFault> {
    let named = match body.cart_id {
        Some(id) => Some(id.parse::<EpCartId>().map_err(|_| {
            SessionFault::invalid(
                "cartId is required and must be a string of letters, digits, - and _.",
            )
        })?),
        None => None,
    };
    let now = web.backend.clock.now();
    let of_storefront = web.better_auth.as_ref().and_then(|ours| ours.cart(&headers, now));
    let cart = named.or(of_storefront);
    let opening =
        Opening { visitor, cart: cart.clone(), requires_shipping: body.requires_shipping };
    let session = match session::open(&web.backend, opening).await {
        Ok(session) => session,
        Err(error) => {
            let is_gone = matches!(error, SessionError::NoCart);
            let mut response = SessionFault::from(error).into_response();
            // The storefront still names a cart that has become an order.
            if let Some(cart) = cart.filter(|_| is_gone) {
                take_cart_away(&web, &headers, &cart, &mut response);
            }
            return Ok(response);
        }
    };
    let answer = Json(SessionAnswer::of(Some(&session)));
    let mut response = (StatusCode::CREATED, answer).into_response();
    response.headers_mut().extend(set_cookie(&web, &headers, &session));
    Ok(response)
}

/// The visitor's session as it stands; null where there is none.
#[utoipa::path(get, path = "/api/checkout/sessions/current", tag = "sessions",
    params(("EP-Account-Management-Authentication-Token" = Option<String>, Header,
        description = "Elastic Path backend only: the form that one sign-in has filled in is shown to no \
                       other.")),
    responses((status = 200, description = "The session.", body = SessionAnswer)))]
pub async fn current_session(
    State(web): State<SessionWeb>,
    Extension(visitor): Extension<VisitorId>,
    headers: HeaderMap,
) -> Result<Response, SessionFault> {
    let session = match named(&web, visitor, &headers) {
        Ok(named) => session::current(&web.backend, named).await.map_err(FlowError::from)?,
        Err(_) => None,
    };
    match session {
        Some(session) => render(&web, &headers, seen(&web, &headers, session)).await,
        None => Ok(Json(SessionAnswer::of(None)).into_response()),
    }
}

/// Takes in what the shopper typed.
#[utoipa::path(patch, path = "/api/checkout/sessions/current", tag = "sessions",
    request_body = PatchSession,
    params(("EP-Account-Management-Authentication-Token" = Option<String>, Header,
        description = "Elastic Path backend only: the form that one sign-in has filled in is shown to no \
                       other.")),
    responses((status = 200, description = "The session.", body = SessionAnswer)))]
pub async fn patch_session(
    State(web): State<SessionWeb>,
    Extension(visitor): Extension<VisitorId>,
    headers: HeaderMap,
    Said(body): Said<PatchSession>,
) -> Result<Response, SessionFault> {
    let named = named(&web, visitor, &headers)?;
    let is_anothers = Form::of(&web.cookie, &headers).is_some_and(|form| form.is_anothers());
    let patch = Patch { is_anew: is_anothers, ..body.read(&web.backend.attributes)? };
    let session = session::patch(&web.backend, named, patch).await?;
    let cookie = set_cookie(&web, &headers, &session).filter(|_| is_anothers);
    let mut response = render(&web, &headers, session).await?;
    response.headers_mut().extend(cookie);
    Ok(response)
}

/// Offers the ways in which the order can be sent.
#[utoipa::path(post, path = "/api/checkout/sessions/current/shipping", tag = "sessions",
    params(("EP-Account-Management-Authentication-Token" = Option<String>, Header,
        description = "Elastic Path backend only: the form that one sign-in has filled in is shown to no \
                       other.")),
    responses((status = 200, description = "The session with its rates.", body = SessionAnswer)))]
pub async fn offer_shipping(
    State(web): State<SessionWeb>,
    Extension(visitor): Extension<VisitorId>,
    headers: HeaderMap,
) -> Result<Response, SessionFault> {
    let named = named(&web, visitor, &headers)?;
    let session = session::offer_shipping(&web.backend, named).await?;
    render(&web, &headers, seen(&web, &headers, session)).await
}

/// Pays the session: one call, one charge. Called again it answers how that one stands. A bank's no
/// is an answer too (`paymentError`), and another token may be tried.
#[utoipa::path(post, path = "/api/checkout/sessions/current/pay", tag = "sessions",
    request_body = PaySession,
    params(("EP-Account-Management-Authentication-Token" = Option<String>, Header,
        description = "Elastic Path backend only: whoever is signed in to an account there buys in its \
                       name.")),
    responses((status = 200, description = "The session.", body = SessionAnswer)))]
pub async fn pay_session(
    State(web): State<SessionWeb>,
    Extension(visitor): Extension<VisitorId>,
    Extension(network): Extension<Option<Network>>,
    headers: HeaderMap,
    Said(mut body): Said<PaySession>,
) -> Result<Response, SessionFault> {
    let named = named(&web, visitor, &headers)?;
    let means = means(&body)?;
    let seen = SeenTotal(body.total);
    match web.backend.clone() {
        Backend::Native(cx) => {
            let solution = body.challenge.take().map(Into::into);
            let who = Asking { visitor, network, solution };
            // The flow is large, and is moved.
            let wish = pay::Wish { means, seen };
            let flow = async move { Ok(Box::pin(pay::pay(&cx, named, who, wish)).await) };
            render(&web, &headers, web.backend.see_through(flow).await??).await
        }
        Backend::Platform(px) => {
            let token = match means {
                pay::Means::Stripe(token) => Some(token),
                pay::Means::Nothing => None,
            };
            let account = match platform::make_ready(&px, named, account_token(&headers)?).await? {
                Ready::ToPay(account) => account,
                Ready::ToBeTold(session) => return render(&web, &headers, *session).await,
            };
            let session = named.session;
            let wish = purchase::Pay { visitor, session, seen, token, account };
            show(&web, &headers, &purchase::pay(&px, wish).await?).await
        }
    }
}

/// Asks how the payment stands, after the shopper has been at her bank's.
#[utoipa::path(post, path = "/api/checkout/sessions/current/resume-payment", tag = "sessions",
    responses((status = 200, description = "The session.", body = SessionAnswer)))]
pub async fn resume_payment(
    State(web): State<SessionWeb>,
    Extension(visitor): Extension<VisitorId>,
    headers: HeaderMap,
) -> Result<Response, SessionFault> {
    let named = named(&web, visitor, &headers)?;
    match web.backend.clone() {
        Backend::Native(cx) => {
            let flow = async move { Ok(pay::resume(&cx, named).await) };
            render(&web, &headers, web.backend.see_through(flow).await??).await
        }
        Backend::Platform(px) => {
            session::alive(&px, named).await?;
            show(&web, &headers, &purchase::resume(&px, visitor, named.session).await?).await
        }
    }
}

/// Gives up a payment that waits for its shopper.
#[utoipa::path(post, path = "/api/checkout/sessions/current/abandon-payment", tag = "sessions",
    responses((status = 200, description = "The session.", body = SessionAnswer)))]
pub async fn abandon_payment(
    State(web): State<SessionWeb>,
    Extension(visitor): Extension<VisitorId>,
    headers: HeaderMap,
) -> Result<Response, SessionFault> {
    let named = named(&web, visitor, &headers)?;
    match web.backend.clone() {
        Backend::Native(cx) => {
            let flow = async move { Ok(pay::abandon(&cx, named).await) };
            render(&web, &headers, web.backend.see_through(flow).await??).await
        }
        Backend::Platform(px) => {
            session::alive(&px, named).await?;
            show(&web, &headers, &purchase::abandon(&px, visitor, named.session).await?).await
        }
    }
}

/// Of gateways that are confirmed by themselves: here a payment is made and confirmed by `pay`, and goes
/// on after a challenge by `resume-payment`.
#[utoipa::path(post, path = "/api/checkout/sessions/current/confirm", tag = "sessions",
    responses((status = 400, description = "There is nothing to confirm.", body = SessionAnswer)))]
pub async fn confirm_session(
    State(web): State<SessionWeb>,
    Extension(visitor): Extension<VisitorId>,
    headers: HeaderMap,
) -> SessionFault {
    let named = match named(&web, visitor, &headers) {
        Ok(named) => named,
        Err(fault) => return fault,
    };
    match session::alive(&web.backend, named).await {
        Ok(_) => SessionFault::new(SessionCode::NotConfirmable),
        Err(error) => error.into(),
    }
}

/// The session that the visitor's cookie names.
fn named(web: &SessionWeb, visitor: VisitorId, headers: &HeaderMap) -> Result<Named, SessionFault> {
    let form =
        Form::of(&web.cookie, headers).ok_or_else(|| SessionFault::new(SessionCode::Gone))?;
    Ok(Named { session: form.session(), visitor })
}

/// The session as whoever asks may see it.
fn seen(web: &SessionWeb, headers: &HeaderMap, session: CheckoutSession) -> CheckoutSession {
    match Form::of(&web.cookie, headers) {
        Some(form) => form.seen(session),
        None => session,
    }
}

/// The header by which a browser is given the session, whose form is then that of whoever asks.
fn set_cookie(
    web: &SessionWeb,
    headers: &HeaderMap,
    session: &CheckoutSession,
) -> Option<(HeaderName, HeaderValue)> {
    Some((SET_COOKIE, form::cookie(&web.cookie, headers, session.id)?))
}

fn means(body: &PaySession) -> Result<pay::Means, SessionFault> {
    match (body.gateway.as_deref(), &body.confirmation_token) {
        (None | Some(""), _) => Err(SessionFault::invalid("gateway is required")),
        (Some("manual"), _) => Ok(pay::Means::Nothing),
        (Some("stripe"), Some(token)) => {
            let token = PayToken::new(token.as_str());
            let token = token
                .map_err(|error| SessionFault::invalid(format!("confirmation_token: {error}.")))?;
            Ok(pay::Means::Stripe(token))
        }
        (Some("stripe"), None) => Err(SessionFault::invalid("confirmation_token is required")),
        (Some(_), _) => Err(SessionFault::new(SessionCode::UnknownGateway)),
    }
}

/// The token of a shopper who is signed in to an account at the platform.
fn account_token(headers: &HeaderMap) -> Result<Option<AccountToken>, SessionFault> {
    let Some(header) = headers.get(ACCOUNT_TOKEN).filter(|header| !header.is_empty()) else {
        return Ok(None);
    };
    let invalid = || SessionFault::new(SessionCode::AccountToken);
    let token = header.to_str().map_err(|_| invalid())?.to_owned();
    AccountToken::new(&token.into()).map(Some).map_err(|_| invalid())
}

/// The session as it stands, with what its shopper must know of a payment that a person looks at.
async fn render(
    web: &SessionWeb,
    headers: &HeaderMap,
    session: CheckoutSession,
) -> Result<Response, SessionFault> {
    let answer = match &web.backend {
        Backend::Native(cx) => pay::told(cx, session).await,
        Backend::Platform(px) => platform::told(px, session).await,
    };
    let answer = answer.map_err(FlowError::from)?;
    show(web, headers, &answer).await
}

/// The session as the storefront sees it. One that is bought takes its cart away from whoever still
/// names it.
async fn show(
    web: &SessionWeb,
    headers: &HeaderMap,
    answer: &Answer,
) -> Result<Response, SessionFault> {
    let session = &answer.session;
    let mut response = Json(SessionAnswer::told(answer)).into_response();
    if let (Backend::Platform(px), SessionState::Complete { .. }, SessionCart::Platform(cart)) =
        (&web.backend, session.state(), &session.cart)
    {
        platform::forget(px, session.visitor, cart).await.map_err(FlowError::from)?;
        take_cart_away(web, headers, cart, &mut response);
    }
    Ok(response)
}

fn take_cart_away(web: &SessionWeb, headers: &HeaderMap, cart: &EpCartId, to: &mut Response) {
    let Some(better_auth) = &web.better_auth else { return };
    let (now, nonce) = (web.backend.clock.now(), web.backend.ids.next());
    for cookie in better_auth.without_cart(headers, cart, now, nonce) {
        to.headers_mut().append(SET_COOKIE, cookie);
    }
}

/// A JSON body; none at all is an empty one.
#[derive(Debug)]
pub struct Said<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Said<T> {
    type Rejection = Response;
    async fn from_request(request: Request, state: &S) -> Result<Self, Response> {
        let Raw(bytes) = Raw::from_request(request, state).await.map_err(|e| e.into_response())?;
        let bytes = if bytes.is_empty() { Bytes::from_static(b"{}") } else { bytes };
        serde_json::from_slice(&bytes).map(Self).map_err(|error| {
            SessionFault::invalid(format!("The body is not as documented: {error}."))
                .into_response()
        })
    }
}
