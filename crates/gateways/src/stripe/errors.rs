//! Stripe's no. Status, type and code are matched; texts never are:
//! <https://docs.stripe.com/error-codes> (read 2026-11-21).

use domain::{contact::AddressField, event::Decline};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::{Answer, wire::PaymentError};

/// What a shopper reads where Stripe's reason must stay with the shop. These are Stripe's own
/// words for a decline without a reason, so that nobody can tell the one from the other.
const GENERIC: &str = "Your card was declined.";

/// Declines whose reason is for the shop alone: telling a thief that a card is reported stolen
/// helps the thief. <https://docs.stripe.com/declines/codes> (read 2026-11-21).
const UNSPOKEN: [&str; 5] =
    ["fraudulent", "lost_card", "stolen_card", "pickup_card", "merchant_blacklist"];

/// Stripe read the request and will not carry it out.
///
/// It says nothing about earlier requests under the same key where
/// [`is_operator_fault`](Self::is_operator_fault) holds: those are refused before the key is
/// looked at.
#[derive(Debug, thiserror::Error)]
#[error("Stripe refused: {status} {} (request {})", self.label(), request_id.as_deref().unwrap_or("unnamed"))]
pub struct Refused {
    /// HTTP status: 400, 401, 402, 403 or 404.
    pub status: u16,
    /// Stripe's `type`, such as `card_error`.
    pub kind: String,
    /// Stripe's `code`, such as `resource_missing`.
    pub code: Option<String>,
    /// The bank's reason, such as `insufficient_funds`.
    pub decline_code: Option<String>,
    /// The parameter that is wrong, such as `shipping[address][postal_code]`.
    pub param: Option<String>,
    /// Stripe's sentence, for the operator. What a shopper may read is in
    /// [`decline`](Self::decline).
    pub message: String,
    /// Stripe's name of the exchange, for its support.
    pub request_id: Option<String>,
    /// The payment as it stands, where Stripe sent it along: it exists.
    pub payment: Option<Box<Answer>>,
    /// The bank's no, where that is what this is.
    decline: Option<Decline>,
}

impl Refused {
    /// There is no such object for this key: deleted, of the other mode, or of another account.
    pub fn is_not_found(&self) -> bool {
        self.status == 404
    }

    /// The payment is in a state that the request does not start from.
    pub fn is_unexpected_state(&self) -> bool {
        self.code.as_deref() == Some("payment_intent_unexpected_state")
    }

    /// The key is wrong, expired or may not do this: nothing will work until an operator acts.
    pub fn is_operator_fault(&self) -> bool {
        matches!(self.status, 401 | 403)
    }

    /// The amount is below Stripe's minimum for this account.
    pub fn is_amount_too_small(&self) -> bool {
        self.code.as_deref() == Some("amount_too_small")
    }

    /// The field of the shipping address that Stripe does not take. Where it only says that the
    /// address as a whole does not exist, the street stands for it.
    pub fn address_field(&self) -> Option<AddressField> {
        let param = self.param.as_deref().unwrap_or_default();
        Some(match (param, self.code.as_deref()) {
            ("shipping[name]", _) => AddressField::Name,
            ("shipping[address][line1]", _) => AddressField::Street,
            ("shipping[address][city]", _) => AddressField::City,
            ("shipping[address][country]", _) => AddressField::Country,
            ("shipping[address][postal_code]", _) | (_, Some("postal_code_invalid")) => {
                AddressField::PostalCode
            }
            (_, Some("shipping_address_invalid")) => AddressField::Street,
            _ => return None,
        })
    }

    /// The bank's no (402): the parameters were right, the payment failed.
    pub fn decline(&self) -> Option<&Decline> {
        self.decline.as_ref()
    }

    fn label(&self) -> &str {
        self.decline_code.as_deref().or(self.code.as_deref()).unwrap_or(&self.kind)
    }
}

/// The body of an answer that is not a success.
#[derive(Deserialize)]
pub(super) struct ErrorBody<'a> {
    #[serde(borrow)]
    pub error: ErrorObject<'a>,
}

/// Stripe's `error` object.
#[derive(Deserialize)]
pub(super) struct ErrorObject<'a> {
    #[serde(rename = "type")]
    pub kind: Option<String>,
    pub param: Option<String>,
    #[serde(borrow)]
    pub payment_intent: Option<&'a RawValue>,
    #[serde(flatten)]
    pub payment_error: PaymentError,
}

impl ErrorObject<'_> {
    /// The key was first used with another request, so a payment may exist under it.
    pub fn is_key_reused(&self) -> bool {
        self.kind.as_deref() == Some("idempotency_error")
    }

    /// Stripe's no, as our callers see it.
    pub fn refused(self, status: u16, request_id: Option<String>) -> Refused {
        let payment = self.payment_intent.and_then(|raw| Answer::read(raw.get()).ok());
        let decline = (status == 402).then(|| self.payment_error.decline());
        Refused {
            status,
            kind: self.kind.unwrap_or_default(),
            code: self.payment_error.code,
            decline_code: self.payment_error.decline_code,
            param: self.param,
            message: self.payment_error.message.unwrap_or_default(),
            request_id,
            payment: payment.map(Box::new),
            decline,
        }
    }
}

/// What a shopper may read about a decline with one of these codes.
pub(crate) fn sentence(codes: [&Option<String>; 2], message: Option<&str>) -> String {
    let unspoken = codes.into_iter().flatten().any(|code| UNSPOKEN.contains(&code.as_str()));
    let message = message.filter(|message| !unspoken && !message.trim().is_empty());
    message.unwrap_or(GENERIC).to_owned()
}
