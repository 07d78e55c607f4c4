//! The wire contract of failure: every code, its status and its sentence, in one `match`.

use std::{borrow::Cow, time::Duration};

use axum::{
    Json,
    response::{IntoResponse, Response},
};
use domain::{
    cart::{CartError, PriceChange, Shortage},
    checkout::Refusal,
    contact::{AddressError, AddressField},
};
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
use uuid::Uuid;

use super::wire::Amount;
use crate::flows::{FlowError, shield::Challenge as Asked};

/// Every code that an answer can carry. Codes are never renamed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Code {
    /// Nothing in the cart.
    CartEmpty,
    /// An address or the e-mail is wrong.
    AddressInvalid,
    /// Less in stock than the cart asks for.
    StockChanged,
    /// Prices other than the shopper saw.
    PriceChanged,
    /// Above zero, and below what can be charged.
    AmountTooSmall,
    /// A challenge must be solved first.
    ChallengeRequired,
    /// A bank said no.
    Declined,
    /// 3-D Secure is pending.
    AuthRequired,
    /// The gateway did not answer.
    PaymentUnknown,
    /// The request cannot be understood.
    Invalid,
    /// The request comes from a page that is not the shop's.
    CrossOrigin,
    /// Only for those who are signed in.
    SignIn,
    /// No such product.
    ProductNotFound,
    /// No such line in the visitor's cart.
    LineNotFound,
    /// No such order, or not the asker's.
    OrderNotFound,
    /// No such address of the customer's.
    AddressNotFound,
    /// A link from a letter that works no more.
    LinkNotFound,
    /// No such route.
    RouteNotFound,
    /// The route has no such method.
    MethodNotAllowed,
    /// The order, or another one of the cart, is being paid or has been paid.
    Conflict,
    /// The shop's backend does not do this.
    BackendUnsupported,
    /// The body is too large.
    TooLarge,
    /// Too many requests.
    RateLimited,
    /// Our fault.
    Server,
    /// The database cannot be reached, or the server is busy.
    Unavailable,
}

impl Code {
    /// All of them, in the order of the documentation.
    pub const ALL: [Self; 25] = [
        Self::CartEmpty,
        Self::AddressInvalid,
        Self::StockChanged,
        Self::PriceChanged,
        Self::AmountTooSmall,
        Self::ChallengeRequired,
        Self::Declined,
        Self::AuthRequired,
        Self::PaymentUnknown,
        Self::Invalid,
        Self::CrossOrigin,
        Self::SignIn,
        Self::ProductNotFound,
        Self::LineNotFound,
        Self::OrderNotFound,
        Self::AddressNotFound,
        Self::LinkNotFound,
        Self::RouteNotFound,
        Self::MethodNotAllowed,
        Self::Conflict,
        Self::BackendUnsupported,
        Self::TooLarge,
        Self::RateLimited,
        Self::Server,
        Self::Unavailable,
    ];

    /// The code on the wire, its status, and its sentence for people.
    pub fn wire(self) -> (&'static str, StatusCode, &'static str) {
        use StatusCode as S;
        match self {
            Self::CartEmpty => ("checkout.cartEmpty", S::BAD_REQUEST, "Cart is empty."),
            Self::AddressInvalid => {
                ("checkout.addressInvalid", S::BAD_REQUEST, "The address is not valid.")
            }
            Self::StockChanged => (
                "checkout.stockChanged",
                S::CONFLICT,
                "Some of it is no longer in stock. Look at the cart and try again.",
            ),
            Self::PriceChanged => (
                "checkout.priceChanged",
                S::CONFLICT,
                "A price has changed. Look at the cart and try again.",
            ),
            Self::AmountTooSmall => (
                "checkout.amountTooSmall",
                S::BAD_REQUEST,
                "The total is too small to be paid by card.",
            ),
            Self::ChallengeRequired => (
                "checkout.challengeRequired",
                S::FORBIDDEN,
                "One moment: your browser must show first that it is not a robot's.",
            ),
            Self::Declined => {
                ("payment.declined", S::PAYMENT_REQUIRED, "The payment was declined.")
            }
            Self::AuthRequired => (
                "payment.authRequired",
                S::PAYMENT_REQUIRED,
                "Your bank wants you to confirm the payment. Confirm it, then try again.",
            ),
            Self::PaymentUnknown => (
                "payment.unknown",
                S::SERVICE_UNAVAILABLE,
                "We are checking your payment. Nothing is lost; please ask again in a moment.",
            ),
            Self::Invalid => {
                ("request.invalid", S::BAD_REQUEST, "The request cannot be understood.")
            }
            Self::CrossOrigin => (
                "request.crossOrigin",
                S::FORBIDDEN,
                "This page may not change anything in the shop. Add its origin to \
                 TILL_ALLOWED_ORIGINS if it should.",
            ),
            Self::SignIn => ("auth.required", S::UNAUTHORIZED, "Sign in first."),
            Self::ProductNotFound => {
                ("product.notFound", S::NOT_FOUND, "There is no such product.")
            }
            Self::LineNotFound => {
                ("cartLine.notFound", S::NOT_FOUND, "There is no such line in the cart.")
            }
            Self::OrderNotFound => ("order.notFound", S::NOT_FOUND, "There is no such order."),
            Self::AddressNotFound => {
                ("address.notFound", S::NOT_FOUND, "There is no such address.")
            }
            Self::LinkNotFound => (
                "link.notFound",
                S::NOT_FOUND,
                "This link does not work any more. Ask for another one.",
            ),
            Self::RouteNotFound => ("route.notFound", S::NOT_FOUND, "There is nothing here."),
            Self::MethodNotAllowed => (
                "request.methodNotAllowed",
                S::METHOD_NOT_ALLOWED,
                "This address does not answer to that method.",
            ),
            Self::Conflict => (
                "request.conflict",
                S::CONFLICT,
                "An order of this cart is being paid or has been paid. Look at that order first.",
            ),
            Self::BackendUnsupported => (
                "backend.unsupported",
                S::NOT_FOUND,
                "This shop's orders are made by checkout sessions: /api/checkout/sessions.",
            ),
            Self::TooLarge => {
                ("request.tooLarge", S::PAYLOAD_TOO_LARGE, "The request is too large.")
            }
            Self::RateLimited => (
                "rate.limited",
                S::TOO_MANY_REQUESTS,
                "Too many requests. Wait a moment and try again.",
            ),
            Self::Server => (
                "server.error",
                S::INTERNAL_SERVER_ERROR,
                "Something is wrong on our side. It has been written down.",
            ),
            Self::Unavailable => (
                "server.unavailable",
                S::SERVICE_UNAVAILABLE,
                "The shop cannot answer right now. Please try again in a moment.",
            ),
        }
    }
}

impl Serialize for Code {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.wire().0)
    }
}

impl PartialSchema for Code {
    fn schema() -> RefOr<Schema> {
        let names = Self::ALL.map(|code| code.wire().0);
        ObjectBuilder::new()
            .schema_type(SchemaType::Type(Type::String))
            .description(Some("What went wrong. Codes are never renamed; there may be more."))
            .enum_values(Some(names))
            .into()
    }
}

impl ToSchema for Code {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("ErrorCode")
    }
}

/// A failure as a client sees it.
#[derive(Debug)]
pub struct ApiError {
    code: Code,
    message: String,
    details: Option<Box<Details>>,
    retry_after: Option<Duration>,
}

/// What went wrong.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Error)]
pub struct ErrorBody {
    /// What went wrong.
    pub error: ErrorContent,
}

/// A failure: a stable code, a sentence, and details where they help.
#[derive(Debug, Serialize, ToSchema)]
pub struct ErrorContent {
    /// Stable; switch on it.
    pub code: Code,
    /// A sentence for people.
    pub message: String,
    /// Where it helps.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub details: Option<Details>,
}

/// What helps the client to mend it; which fields are there follows from the code.
#[derive(Debug, Default, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Details {
    /// The field that is wrong, such as `shippingAddress.postalCode`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub field: Option<String>,
    /// The lines whose price or stock is different now.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    pub lines: Vec<ChangedLine>,
    /// The order that stands in the way.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub order_id: Option<Uuid>,
    /// The least that can be charged, in the major unit.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub minimum: Option<Amount>,
    /// What must be solved; the solution goes into the same request as `challenge`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub challenge: Option<Challenge>,
}

/// What must be solved.
#[derive(Debug, Serialize, ToSchema)]
#[serde(tag = "kind", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Challenge {
    /// Find a number so that the SHA-256 of `challenge:number` begins with so many zero bits.
    Work {
        /// The challenge; send it back as it is.
        challenge: String,
        /// How many bits.
        bits: u32,
    },
    /// Show Cloudflare's Turnstile widget.
    Turnstile {
        /// Its site key.
        #[serde(rename = "siteKey")]
        site_key: String,
    },
}

/// A line that is not as the shopper saw it.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ChangedLine {
    /// The line, where it stands in the cart already.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub line_id: Option<Uuid>,
    /// The product.
    pub product_id: Uuid,
    /// Its name.
    pub name: String,
    /// The price the shopper saw, where the price has changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub old_unit_price: Option<Amount>,
    /// The price now, where it has changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub new_unit_price: Option<Amount>,
    /// How many were asked for, where there are fewer.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub wanted: Option<u32>,
    /// How many there are, where there are fewer.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub available: Option<u32>,
}

impl ApiError {
    /// A failure with its usual sentence.
    pub fn new(code: Code) -> Self {
        let (_, _, message) = code.wire();
        Self { code, message: message.to_owned(), details: None, retry_after: None }
    }

    /// Somebody has asked too often, and when it is worth asking again.
    pub fn rate_limited(wait: Duration) -> Self {
        Self { retry_after: Some(wait), ..Self::new(Code::RateLimited) }
    }

    /// A request that cannot be understood, and why.
    pub fn invalid(message: impl Into<String>) -> Self {
        Self { message: message.into(), ..Self::new(Code::Invalid) }
    }

    /// A field that cannot be understood, and why.
    pub fn field(field: &str, error: &impl std::fmt::Display) -> Self {
        let details = Details { field: Some(field.to_owned()), ..Details::default() };
        Self::invalid(sentence(&format!("{field}: {error}"))).with(details)
    }

    /// A customer's address that is wrong, and where.
    pub fn kept_address(error: &AddressError) -> Self {
        Self::contact(error.field.name().to_owned(), error.reason.clone())
    }

    /// A contact that is wrong, and where.
    pub fn address(of: &str, error: &AddressError) -> Self {
        let field = format!("{of}.{}", error.field.name());
        Self::contact(field, error.reason.clone())
    }

    /// A field of the contact that is wrong.
    pub fn contact(field: String, message: String) -> Self {
        let details = Details { field: Some(field), ..Details::default() };
        Self { message, ..Self::new(Code::AddressInvalid) }.with(details)
    }

    fn with(self, details: Details) -> Self {
        Self { details: Some(Box::new(details)), ..self }
    }
}

/// Longer than any sentence of ours. What is longer repeats what was sent.
const MESSAGE_CHARS_MAX: usize = 400;

impl IntoResponse for ApiError {
    fn into_response(mut self) -> Response {
        let (name, status, _) = self.code.wire();
        metrics::counter!("till_errors_total", "code" => name).increment(1);
        if let Some((end, _)) = self.message.char_indices().nth(MESSAGE_CHARS_MAX) {
            self.message.replace_range(end.., "…");
        }
        let error = ErrorContent {
            code: self.code,
            message: self.message,
            details: self.details.map(|details| *details),
        };
        let mut response = (status, Json(ErrorBody { error })).into_response();
        if let Some(wait) = self.retry_after {
            response.headers_mut().insert(RETRY_AFTER, wait.as_secs().max(1).into());
        }
        response
    }
}

impl From<FlowError> for ApiError {
    fn from(error: FlowError) -> Self {
        match error {
            FlowError::NoSuchProduct => Self::new(Code::ProductNotFound),
            FlowError::NoSuchOrder => Self::new(Code::OrderNotFound),
            FlowError::Cart(error) => error.into(),
            FlowError::Refused(refusal) => refusal.into(),
            FlowError::AmountTooSmall => Self::new(Code::AmountTooSmall),
            FlowError::Conflict { order } => {
                let details = Details { order_id: Some(order.0), ..Details::default() };
                Self::new(Code::Conflict).with(details)
            }
            FlowError::CartBeingPaid => Self::new(Code::Conflict),
            FlowError::NotCancellable { order, reason } => {
                let details = Details { order_id: Some(order.0), ..Details::default() };
                let message = sentence(&format!("{reason}; it can no longer be cancelled"));
                Self { message, ..Self::new(Code::Conflict) }.with(details)
            }
            FlowError::PaymentUnknown => Self::new(Code::PaymentUnknown),
            FlowError::TooOften { wait } => Self::rate_limited(in_minutes(wait)),
            FlowError::TooManyPieces { .. } => Self::invalid(sentence(&error.to_string())),
            FlowError::ChallengeRequired(challenge) => {
                let details = Details { challenge: Some(challenge.into()), ..Details::default() };
                Self::new(Code::ChallengeRequired).with(details)
            }
            FlowError::Declined { message } => Self { message, ..Self::new(Code::Declined) },
            FlowError::AuthRequired => Self::new(Code::AuthRequired),
            FlowError::ContactRefused { field } => {
                let field = field.map(|field| format!("shippingAddress.{}", field.name()));
                let field = field.unwrap_or_else(|| "email".to_owned());
                let message = format!("The payment provider does not accept this {field}.");
                Self::contact(field, message)
            }
            FlowError::NoSuchLine => Self::new(Code::LineNotFound),
            FlowError::NotAsSeen | FlowError::Session(_) => Self::new(Code::Conflict),
            FlowError::Platform(error) => of_platform(&error),
            FlowError::SignInRefused => {
                let message = "E-mail address or password is wrong, or the address is not \
                               confirmed yet.";
                Self { message: message.to_owned(), ..Self::new(Code::SignIn) }
            }
            FlowError::NobodySignedIn => Self::new(Code::SignIn),
            FlowError::PasswordNeeded => Self::field("password", &"your present one is needed"),
            FlowError::LinkOver => Self::new(Code::LinkNotFound),
            FlowError::NoSuchAddress => Self::new(Code::AddressNotFound),
            FlowError::TooManyAddresses => Self::invalid(sentence(&error.to_string())),
            FlowError::Store(error) => {
                tracing::error!(%error, "the database failed");
                Self::new(Code::Unavailable)
            }
            FlowError::GatewayRefusesUs(_) | FlowError::Broken(_) => {
                tracing::error!(%error, "a flow failed");
                Self::new(Code::Server)
            }
        }
    }
}

/// What the commerce platform did not do, where no money is in it.
fn of_platform(error: &EpError) -> ApiError {
    match error {
        EpError::NotSent(Unsent::TooMany { retry_after }) => {
            ApiError::rate_limited(retry_after.unwrap_or(Duration::from_secs(1)))
        }
        EpError::Refused(no) if no.is_out_of_stock() => ApiError::new(Code::StockChanged),
        EpError::Refused(no) if no.is_operator_fault() => {
            tracing::error!(%error, "Elastic Path refuses us");
            ApiError::new(Code::Unavailable)
        }
        EpError::Refused(no) => {
            let said = no.sentence().unwrap_or("it does not say why");
            ApiError::invalid(format!("The shop's platform refuses this: {said}."))
        }
        EpError::NotSent(Unsent::NoConnection(_) | Unsent::NoToken(_)) | EpError::Unknown(_) => {
            tracing::warn!(%error, "Elastic Path did not answer");
            ApiError::new(Code::Unavailable)
        }
    }
}

impl From<CartError> for ApiError {
    fn from(error: CartError) -> Self {
        match error {
            CartError::NoSuchLine => Self::new(Code::LineNotFound),
            CartError::Short(shortage) => Refusal::StockChanged(vec![shortage]).into(),
            CartError::TooManyLines | CartError::Quantity(_) | CartError::Money(_) => {
                Self::invalid(sentence(&error.to_string()))
            }
        }
    }
}

impl From<Refusal> for ApiError {
    fn from(refusal: Refusal) -> Self {
        let lines = |lines| Details { lines, ..Details::default() };
        match refusal {
            Refusal::CartEmpty => Self::new(Code::CartEmpty),
            Refusal::PriceChanged(changes) => {
                let details = lines(changes.iter().map(repriced).collect());
                Self::new(Code::PriceChanged).with(details)
            }
            Refusal::StockChanged(shortages) => {
                let details = lines(shortages.iter().map(short).collect());
                Self::new(Code::StockChanged).with(details)
            }
            Refusal::NotSentTo(country) => {
                let field = format!("shippingAddress.{}", AddressField::Country.name());
                Self::contact(field, format!("This shop does not send to {country}."))
            }
            Refusal::AmountTooSmall { minimum } => {
                let details =
                    Details { minimum: Some(Amount::from(minimum)), ..Details::default() };
                Self::new(Code::AmountTooSmall).with(details)
            }
            Refusal::AmountNotChargeable => Self::invalid(sentence(&refusal.to_string())),
        }
    }
}

impl From<Asked> for Challenge {
    fn from(challenge: Asked) -> Self {
        match challenge {
            Asked::Work { challenge, bits } => Self::Work { challenge, bits },
            Asked::Turnstile { site_key } => Self::Turnstile { site_key },
        }
    }
}

/// Whole minutes: to the second it would tell a tester which limit it was.
fn in_minutes(wait: Duration) -> Duration {
    Duration::from_secs(wait.as_secs().div_ceil(60).max(1) * 60)
}

fn repriced(change: &PriceChange) -> ChangedLine {
    ChangedLine {
        line_id: Some(change.line.0),
        product_id: change.product.0,
        name: change.name.clone(),
        old_unit_price: Some(change.old.into()),
        new_unit_price: Some(change.new.into()),
        wanted: None,
        available: None,
    }
}

fn short(shortage: &Shortage) -> ChangedLine {
    ChangedLine {
        line_id: shortage.line.map(|line| line.0),
        product_id: shortage.product.0,
        name: shortage.name.clone(),
        old_unit_price: None,
        new_unit_price: None,
        wanted: Some(shortage.wanted),
        available: Some(shortage.available),
    }
}

/// An error's text as a sentence.
fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    match letters.next() {
        Some(first) => format!("{}{}.", first.to_uppercase(), letters.as_str()),
        None => String::new(),
    }
}
