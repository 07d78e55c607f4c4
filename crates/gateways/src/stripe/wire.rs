//! Stripe's objects as they travel, read leniently: only what we use, every field optional, and
//! an error that names the field that is missing. A new field, a new status or another version of
//! the API must not make a payment unreadable.

use domain::{
    event::{CardFingerprint, Decline, GatewayReference, News, ReferenceError, Report, Word},
    id::{OrderId, PaymentId},
};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::{
    errors,
    money::{self, AmountError},
};

/// Why something that Stripe wrote cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum WireError {
    /// It is not JSON, or a field has another type.
    #[error("not the JSON that was expected")]
    Json(#[from] serde_json::Error),
    /// It is not UTF-8.
    #[error("not UTF-8")]
    NotText(#[from] std::str::Utf8Error),
    /// A field that must be there is not.
    #[error("the field {0:?} is missing")]
    Missing(&'static str),
    /// A point in time that no calendar has.
    #[error("not a point in time")]
    Time(#[from] jiff::Error),
    /// An id that is empty or too long.
    #[error(transparent)]
    Reference(#[from] ReferenceError),
    /// A name of what happened that is longer than any, or holds a control character.
    #[error("not the name of an event")]
    Kind,
    /// An amount that has no place in our books.
    #[error(transparent)]
    Amount(#[from] AmountError),
}

/// Where a PaymentIntent stands, in Stripe's words:
/// <https://docs.stripe.com/payments/paymentintents/lifecycle> (read 2026-11-21).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// New, or a bank said no.
    RequiresPaymentMethod,
    /// Waits for a confirmation.
    RequiresConfirmation,
    /// The shopper must authenticate.
    RequiresAction,
    /// An asynchronous method is under way.
    Processing,
    /// Authorised, and not captured.
    RequiresCapture,
    /// It can no longer succeed.
    Canceled,
    /// The money moved.
    Succeeded,
    /// A word that did not exist when this was written.
    Unknown,
}

impl Status {
    fn read(word: &str) -> Self {
        match word {
            "requires_payment_method" => Self::RequiresPaymentMethod,
            "requires_confirmation" => Self::RequiresConfirmation,
            "requires_action" => Self::RequiresAction,
            "processing" => Self::Processing,
            "requires_capture" => Self::RequiresCapture,
            "canceled" => Self::Canceled,
            "succeeded" => Self::Succeeded,
            _ => Self::Unknown,
        }
    }

    /// How near to success; of two payments of one order, the nearer matters more.
    pub(super) fn nearness(self) -> u8 {
        match self {
            Self::Canceled => 0,
            Self::Unknown => 1,
            Self::RequiresPaymentMethod => 2,
            Self::RequiresConfirmation => 3,
            Self::RequiresAction => 4,
            Self::RequiresCapture => 5,
            Self::Processing => 6,
            Self::Succeeded => 7,
        }
    }
}

/// A PaymentIntent.
#[derive(Deserialize)]
pub(super) struct PaymentIntent {
    pub id: Option<String>,
    pub amount: Option<i64>,
    pub amount_received: Option<i64>,
    pub currency: Option<String>,
    pub livemode: Option<bool>,
    pub status: Option<String>,
    pub client_secret: Option<String>,
    pub metadata: Option<Metadata>,
    pub last_payment_error: Option<PaymentError>,
}

/// What we wrote into a PaymentIntent.
#[derive(Deserialize)]
pub(super) struct Metadata {
    pub order_id: Option<String>,
    pub payment_id: Option<String>,
}

/// Why the last try failed.
#[derive(Deserialize)]
pub(super) struct PaymentError {
    pub charge: Option<String>,
    pub code: Option<String>,
    pub decline_code: Option<String>,
    pub message: Option<String>,
    pub payment_method: Option<TriedMethod>,
}

/// With what the last try was made.
#[derive(Deserialize)]
pub(super) struct TriedMethod {
    pub id: Option<String>,
    pub card: Option<TriedCard>,
}

/// A card, by the name that Stripe has for its number.
#[derive(Deserialize)]
pub(super) struct TriedCard {
    pub fingerprint: Option<String>,
}

/// Any object, by its id.
#[derive(Deserialize)]
pub(super) struct Identified {
    pub id: Option<String>,
}

/// A refund, a dispute, or something else that is about a payment.
#[derive(Deserialize)]
pub(super) struct OfPayment {
    pub id: Option<String>,
    pub payment_intent: Option<String>,
}

/// A page of a list, newest first.
#[derive(Deserialize)]
pub(super) struct List<'a> {
    #[serde(borrow)]
    pub data: Vec<&'a RawValue>,
    pub has_more: bool,
}

/// An event: the classic kind with a snapshot of the object, or the thin kind with its id alone.
#[derive(Deserialize)]
pub(super) struct Envelope<'a> {
    pub id: Option<String>,
    pub object: Option<String>,
    #[serde(rename = "type")]
    pub kind: Option<String>,
    pub livemode: Option<bool>,
    pub created: Option<Created>,
    pub api_version: Option<String>,
    #[serde(borrow)]
    pub data: Option<Snapshot<'a>>,
    pub related_object: Option<Identified>,
}

/// What an event is about, as it was then.
#[derive(Deserialize)]
pub(super) struct Snapshot<'a> {
    #[serde(borrow)]
    pub object: Option<&'a RawValue>,
}

/// Classic events count seconds, thin ones write RFC 3339.
#[derive(Deserialize)]
#[serde(untagged)]
pub(super) enum Created {
    Seconds(i64),
    Text(String),
}

impl Created {
    pub fn timestamp(&self) -> Result<Timestamp, WireError> {
        Ok(match self {
            Self::Seconds(seconds) => Timestamp::from_second(*seconds)?,
            Self::Text(text) => text.parse()?,
        })
    }
}

/// The field, or the error that names it.
pub(super) fn need<T>(field: Option<T>, name: &'static str) -> Result<T, WireError> {
    field.ok_or(WireError::Missing(name))
}

impl PaymentIntent {
    /// The order that we wrote into it; another shop's PaymentIntent names none of ours.
    pub fn order(&self) -> Option<OrderId> {
        self.metadata.as_ref()?.order_id.as_ref()?.parse().ok()
    }

    /// Whether it carries an order and a payment of ours by the look of them.
    pub fn is_like_ours(&self) -> bool {
        let payment = self.metadata.as_ref().and_then(|ours| ours.payment_id.as_ref());
        self.order().is_some() && payment.is_some_and(|id| id.parse::<PaymentId>().is_ok())
    }

    /// Where it stands.
    pub fn status(&self) -> Result<Status, WireError> {
        Ok(Status::read(need(self.status.as_deref(), "status")?))
    }

    /// What it says of the payment.
    pub fn news(&self, word: Word) -> Result<News, WireError> {
        let reference = GatewayReference::new(need(self.id.as_deref(), "id")?)?;
        let currency = need(self.currency.as_deref(), "currency")?;
        let amount = money::from_stripe(need(self.amount, "amount")?, currency)?;
        let livemode = need(self.livemode, "livemode")?;
        let report = self.report(currency)?;
        let card = self.last_payment_error.as_ref().and_then(PaymentError::card);
        Ok(News { reference, order: self.order(), amount, livemode, word, report, card })
    }

    /// A status that is new to us reads as [`Report::Open`], which moves no payment that has got
    /// further: it is neither a success nor a failure. `requires_capture` cannot arise from the
    /// requests we make; the money is held, so the stock must stay held too.
    fn report(&self, currency: &str) -> Result<Report, WireError> {
        Ok(match self.status()? {
            Status::RequiresPaymentMethod => match &self.last_payment_error {
                Some(error) => Report::Declined(error.decline()),
                None => Report::Open,
            },
            Status::RequiresConfirmation | Status::Unknown => Report::Open,
            Status::RequiresAction => Report::RequiresAction,
            Status::Processing | Status::RequiresCapture => Report::Processing,
            Status::Canceled => Report::Cancelled,
            Status::Succeeded => {
                let received = need(self.amount_received, "amount_received")?;
                Report::Succeeded { received: money::from_stripe(received, currency)? }
            }
        })
    }
}

impl PaymentError {
    /// The card that a bank said no to. Other methods have none, and a name that is none is no
    /// reason to leave the news unread.
    fn card(&self) -> Option<CardFingerprint> {
        let card = self.payment_method.as_ref()?.card.as_ref()?;
        CardFingerprint::new(card.fingerprint.as_deref()?).ok()
    }

    /// The bank's no. A try is known by its failed charge. A failed authentication makes no
    /// charge: there the PaymentMethod stands for the try, which the Payment Element makes anew
    /// for each.
    pub fn decline(&self) -> Decline {
        let code = self.decline_code.as_ref().or(self.code.as_ref());
        let code = code.map_or("unknown", String::as_str);
        let method = self.payment_method.as_ref().and_then(|method| method.id.as_deref());
        let attempt = self.charge.as_deref().or(method).unwrap_or(code);
        Decline {
            attempt: attempt.to_owned(),
            code: code.to_owned(),
            message: errors::sentence([&self.decline_code, &self.code], self.message.as_deref()),
        }
    }
}
