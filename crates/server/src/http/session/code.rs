//! The session contract's words of failure: every code, its status and its sentence, in one `match`,
//! and which failure of a flow is which.

use std::{borrow::Cow, time::Duration};

use axum::response::{IntoResponse, Response};
use domain::{checkout::Refusal, session::CheckoutSession};
use gateways::elastic_path::{EpError, Unsent};
use http::{StatusCode, header::RETRY_AFTER};
use serde::{Serialize, Serializer};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{
        RefOr,
        schema::{ObjectBuilder, Schema, SchemaType, Type},
    },
};

use super::body::{Failure, SessionAnswer};
use crate::{
    flows::{FlowError, purchase::PayError, session::SessionError},
    http::error::Challenge,
};

/// Every code that an answer of the session routes can carry. Codes are never renamed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SessionCode {
    /// The request cannot be understood, or nothing can be made of it.
    Validation,
    /// The session is over, or never was.
    Gone,
    /// The session is complete, or a payment is under way.
    NotOpen,
    /// Not all that an order needs has been said.
    MissingFields,
    /// Nobody has said where it goes.
    MissingShippingAddress,
    /// The cart is not what the shopper saw.
    CartMismatch,
    /// The selected rate is not offered.
    RateUnresolvable,
    /// Nobody says what sending costs.
    Shipping,
    /// There is no such gateway.
    UnknownGateway,
    /// The gateway did not answer, or refused us, before anything was charged.
    Adapter,
    /// The platform did not answer, or refused us.
    Platform,
    /// Our own fault.
    Store,
    /// No challenge was under way.
    NotResumable,
    /// The challenge has not been solved.
    StillRequiresAction,
    /// No challenge waits that could be given up.
    NotAbandonable,
    /// Nothing is confirmed by itself here.
    NotConfirmable,
    /// Too many requests.
    RateLimited,
    /// A challenge must be solved first.
    ChallengeRequired,
    /// The cart holds what only an account can buy.
    AccountRequired,
    /// Whoever was signed in to an account no longer is.
    AccountToken,
}

/// What whoever confirms by itself reads.
const PAY_CONFIRMS: &str = "A payment is confirmed by the call that makes it: POST /current/pay. After a \
     challenge it goes on with POST /current/resume-payment.";

/// What whoever must solve a challenge reads.
const NO_ROBOT: &str = "One moment: your browser must show first that it is not a robot's.";

impl SessionCode {
    /// All of them, in the order of the documentation.
    pub const ALL: [Self; 20] = [
        Self::Validation,
        Self::Gone,
        Self::NotOpen,
        Self::MissingFields,
        Self::MissingShippingAddress,
        Self::CartMismatch,
        Self::RateUnresolvable,
        Self::Shipping,
        Self::UnknownGateway,
        Self::Adapter,
        Self::Platform,
        Self::Store,
        Self::NotResumable,
        Self::StillRequiresAction,
        Self::NotAbandonable,
        Self::NotConfirmable,
        Self::RateLimited,
        Self::ChallengeRequired,
        Self::AccountRequired,
        Self::AccountToken,
    ];

    /// The code on the wire, its status, and its sentence for people.
    pub fn wire(self) -> (&'static str, StatusCode, &'static str) {
        use StatusCode as S;
        match self {
            Self::Validation => {
                ("VALIDATION_ERROR", S::BAD_REQUEST, "The request cannot be understood.")
            }
            Self::Gone => ("SESSION_GONE", S::GONE, "This checkout is over. Start a new one."),
            Self::NotOpen => {
                ("SESSION_NOT_OPEN", S::BAD_REQUEST, "It is being paid, or has been paid.")
            }
            Self::MissingFields => {
                ("MISSING_FIELDS", S::BAD_REQUEST, "Missing required fields: customerInfo")
            }
            Self::MissingShippingAddress => {
                ("MISSING_SHIPPING_ADDRESS", S::BAD_REQUEST, "Say first where it goes.")
            }
            Self::CartMismatch => {
                ("CART_MISMATCH", S::CONFLICT, "The cart has changed. Look at it, then pay.")
            }
            Self::RateUnresolvable => (
                "SHIPPING_RATE_UNRESOLVABLE",
                S::CONFLICT,
                "The selected way of shipping is not offered any more. Choose again.",
            ),
            Self::Shipping => {
                ("SHIPPING_ERROR", S::BAD_GATEWAY, "What shipping costs is not known. Try again.")
            }
            Self::UnknownGateway => {
                ("UNKNOWN_GATEWAY", S::BAD_REQUEST, "There is no such payment gateway.")
            }
            Self::Adapter => (
                "ADAPTER_ERROR",
                S::BAD_GATEWAY,
                "The payment provider cannot be reached. Nothing was charged; try again.",
            ),
            Self::Platform => ("EP_ERROR", S::BAD_GATEWAY, "Failed to fetch cart"),
            Self::Store => (
                "STORE_ERROR",
                S::INTERNAL_SERVER_ERROR,
                "Something is wrong on our side. It has been written down.",
            ),
            Self::NotResumable => {
                ("SESSION_NOT_RESUMABLE", S::BAD_REQUEST, "No payment waits to be resumed.")
            }
            Self::StillRequiresAction => {
                ("PAYMENT_STILL_REQUIRES_ACTION", S::CONFLICT, "Your bank still waits for you.")
            }
            Self::NotAbandonable => {
                ("SESSION_NOT_ABANDONABLE", S::BAD_REQUEST, "No payment can be given up.")
            }
            Self::NotConfirmable => ("SESSION_NOT_CONFIRMABLE", S::BAD_REQUEST, PAY_CONFIRMS),
            Self::RateLimited => (
                "RATE_LIMITED",
                S::TOO_MANY_REQUESTS,
                "Too many requests. Wait a moment and try again.",
            ),
            Self::ChallengeRequired => ("CHALLENGE_REQUIRED", S::FORBIDDEN, NO_ROBOT),
            Self::AccountRequired => (
                "ACCOUNT_REQUIRED",
                S::FORBIDDEN,
                "A subscription is bought with an account: sign in first.",
            ),
            Self::AccountToken => {
                ("ACCOUNT_TOKEN_INVALID", S::UNAUTHORIZED, "Your sign-in is over. Sign in again.")
            }
        }
    }
}

impl Serialize for SessionCode {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.wire().0)
    }
}

impl PartialSchema for SessionCode {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(SchemaType::Type(Type::String))
            .description(Some("What went wrong. Codes are never renamed; there may be more."))
            .enum_values(Some(Self::ALL.map(|code| code.wire().0)))
            .into()
    }
}

impl ToSchema for SessionCode {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("SessionErrorCode")
    }
}

/// A failure as the session's client sees it.
#[derive(Debug)]
pub struct SessionFault {
    code: SessionCode,
    message: String,
    session: Option<Box<CheckoutSession>>,
    challenge: Option<Challenge>,
    retry_after: Option<Duration>,
}

impl SessionFault {
    /// A failure with its usual sentence.
    pub fn new(code: SessionCode) -> Self {
        let message = code.wire().2.to_owned();
        Self { code, message, session: None, challenge: None, retry_after: None }
    }

    /// A request that cannot be understood, and why.
    pub fn invalid(message: impl Into<String>) -> Self {
        Self::new(SessionCode::Validation).saying(message)
    }

    fn saying(self, message: impl Into<String>) -> Self {
        Self { message: message.into(), ..self }
    }

    fn showing(self, session: Box<CheckoutSession>) -> Self {
        Self { session: Some(session), ..self }
    }

    fn rate_limited(wait: Duration) -> Self {
        Self { retry_after: Some(wait), ..Self::new(SessionCode::RateLimited) }
    }
}

impl IntoResponse for SessionFault {
    fn into_response(self) -> Response {
        let (name, status, _) = self.code.wire();
        metrics::counter!("till_errors_total", "code" => name).increment(1);
        let Self { code, message, session, challenge, retry_after } = self;
        let failure = Failure { code, message, challenge };
        let answer = SessionAnswer::failed(failure, session.as_deref());
        let mut response = (status, axum::Json(answer)).into_response();
        if let Some(wait) = retry_after {
            response.headers_mut().insert(RETRY_AFTER, wait.as_secs().max(1).into());
        }
        response
    }
}

impl From<SessionError> for SessionFault {
    fn from(error: SessionError) -> Self {
        use SessionCode as C;
        match error {
            SessionError::Gone => Self::new(C::Gone),
            SessionError::NotOpen => Self::new(C::NotOpen),
            SessionError::NoCart => Self::invalid(
                "cartId is required and must be a string: the visitor has no cart with anything in it.",
            ),
            SessionError::Invalid(message) => Self::invalid(message),
            SessionError::Missing(fields) => Self::new(C::MissingFields)
                .saying(format!("Missing required fields: {}", fields.join(", "))),
            SessionError::NoShippingAddress => Self::new(C::MissingShippingAddress),
            SessionError::CartMismatch(session) => Self::new(C::CartMismatch).showing(session),
            SessionError::RateUnresolvable => Self::new(C::RateUnresolvable),
            SessionError::UnknownGateway => Self::new(C::UnknownGateway),
            SessionError::NotResumable => Self::new(C::NotResumable),
            SessionError::StillRequiresAction(session) => {
                Self::new(C::StillRequiresAction).showing(session)
            }
            SessionError::NotAbandonable => Self::new(C::NotAbandonable),
            SessionError::NotSignedIn => Self::new(C::AccountToken),
            SessionError::AccountUnreadable(error) => {
                of_platform(&error, "Failed to read the account")
            }
            SessionError::RatesUnknown(error) => {
                tracing::warn!(?error, "the merchant's server does not say what sending costs");
                Self::new(C::Shipping)
            }
            SessionError::CartUnreadable(error) => of_platform(&error, "Failed to fetch cart"),
            SessionError::CartUnpriced => {
                tracing::warn!("Elastic Path does not say what the cart costs");
                Self::new(C::Platform)
            }
            SessionError::CartUncountable => Self::new(C::Shipping),
            SessionError::ShippingNotApplied(error) => {
                of_platform(&error, "Failed to apply shipping")
            }
            SessionError::Flow(error) => error.into(),
        }
    }
}

impl From<PayError> for SessionFault {
    fn from(error: PayError) -> Self {
        use SessionCode as C;
        match error {
            PayError::Gone => Self::new(C::Gone),
            PayError::NotOpen => Self::new(C::NotOpen),
            PayError::CartMismatch(session) => Self::new(C::CartMismatch).showing(session),
            PayError::AccountRequired => Self::new(C::AccountRequired),
            PayError::Missing(fields) => SessionError::Missing(fields).into(),
            PayError::RateUnresolvable => Self::new(C::RateUnresolvable),
            PayError::NoGateway => Self::new(C::UnknownGateway),
            PayError::NoToken => Self::invalid("confirmation_token is required"),
            PayError::NoTotal => SessionError::CartUnpriced.into(),
            PayError::Busy(busy) => Self::rate_limited(busy.retry_after),
            PayError::NotBegun => Self::new(C::Adapter),
            PayError::NotResumable => Self::new(C::NotResumable),
            PayError::StillRequiresAction(session) => {
                Self::new(C::StillRequiresAction).showing(session)
            }
            PayError::NotAbandonable => Self::new(C::NotAbandonable),
            PayError::Unready(error) => (*error).into(),
            PayError::Flow(error) => error.into(),
        }
    }
}

fn of_platform(error: &EpError, message: &str) -> SessionFault {
    if let EpError::NotSent(Unsent::TooMany { retry_after }) = error {
        return SessionFault::rate_limited(retry_after.unwrap_or(Duration::from_secs(1)));
    }
    tracing::warn!(%error, "Elastic Path failed a session");
    SessionFault::new(SessionCode::Platform).saying(message)
}

/// What a shopper reads where an earlier payment of her cart may have moved money.
const UNCERTAIN: &str = "It is not certain how the payment of this cart stands. Nothing new was charged, and it is \
     being checked. Please look again in a moment.";

impl From<FlowError> for SessionFault {
    fn from(error: FlowError) -> Self {
        use SessionCode as C;
        match error {
            FlowError::Session(_) => Self::new(C::NotOpen),
            FlowError::NotAsSeen => Self::new(C::CartMismatch),
            FlowError::Platform(error) => of_platform(&error, "Failed to fetch cart"),
            FlowError::TooOften { wait } => Self::rate_limited(wait),
            FlowError::ChallengeRequired(challenge) => {
                Self { challenge: Some(challenge.into()), ..Self::new(C::ChallengeRequired) }
            }
            FlowError::Refused(refusal) => of_refusal(&refusal),
            FlowError::TooManyPieces { .. }
            | FlowError::AmountTooSmall
            | FlowError::ContactRefused { .. } => Self::invalid(error.to_string()),
            FlowError::PaymentUnknown | FlowError::Conflict { .. } => {
                tracing::warn!(%error, "nobody knows how the payment of a session's cart stands");
                Self::new(C::Adapter).saying(UNCERTAIN)
            }
            FlowError::CartBeingPaid => Self::new(C::NotOpen),
            FlowError::NotCancellable { .. } | FlowError::GatewayRefusesUs(_) => {
                tracing::warn!(%error, "a session could not be paid");
                Self::new(C::Adapter)
            }
            FlowError::NoSuchProduct
            | FlowError::NoSuchLine
            | FlowError::NoSuchOrder
            | FlowError::Cart(_)
            | FlowError::Declined { .. }
            | FlowError::AuthRequired
            | FlowError::SignInRefused
            | FlowError::NobodySignedIn
            | FlowError::PasswordNeeded
            | FlowError::LinkOver
            | FlowError::NoSuchAddress
            | FlowError::TooManyAddresses
            | FlowError::Store(_)
            | FlowError::Broken(_) => {
                tracing::error!(%error, "a session's flow failed");
                Self::new(C::Store)
            }
        }
    }
}

/// Why the cart cannot become an order, before any money is in it.
fn of_refusal(refusal: &Refusal) -> SessionFault {
    match refusal {
        Refusal::CartEmpty => SessionFault::invalid("Cart is empty."),
        Refusal::PriceChanged(_) => SessionFault::new(SessionCode::CartMismatch),
        Refusal::StockChanged(short) => {
            let names: Vec<&str> = short.iter().map(|short| short.name.as_str()).collect();
            // Not a mismatch: the cart is as it was seen, and to look at it again would not help.
            let message = format!(
                "Order creation failed: no longer in stock: {}. Nothing was charged.",
                names.join(", ")
            );
            SessionFault::new(SessionCode::Platform).saying(message)
        }
        Refusal::NotSentTo(_) => SessionFault::new(SessionCode::RateUnresolvable),
        Refusal::AmountTooSmall { .. } | Refusal::AmountNotChargeable => {
            SessionFault::invalid(refusal.to_string())
        }
    }
}
