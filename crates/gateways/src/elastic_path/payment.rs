//! The payment of a cart. One call makes it and charges it: what comes back must be read with care,
//! because money has moved if it says so, and may have moved if it does not say.
//!
//! Elastic Path passes on what Stripe answered, in one of several places, or wraps a bank's no into
//! an error, with or without a status of its own. A success is a success only where Stripe's own
//! word for it is there and nothing beside it speaks of errors.

use domain::{
    contact::Email,
    elastic_path::{EpCartId, EpPaymentId, ExternalRef},
    money::Money,
};
use serde_json::{Value, json};
use url::Url;

use super::{
    Admin, Call, Caller, ElasticPath, EpError, Repeat, Sequence, data,
    errors::{entries_in, sentence, text},
    post, put,
};
use crate::stripe::{ClientSecret, decline_sentence, money_from_stripe};

/// Elastic Path's name for its own Stripe gateway.
pub(super) const GATEWAY: &str = "elastic_path_payments_stripe";

/// The longest sentence that is passed on to a shopper.
const SENTENCE_CHARS_MAX: usize = 300;

/// Where Stripe's answer may lie, in the order in which it is looked for.
const PLACES: [&str; 6] = [
    "/meta/payment_intent/payment_intent",
    "/meta/payment_intent",
    "/data/meta/payment_intent/payment_intent",
    "/data/meta/payment_intent",
    "/data/payment_intent/payment_intent",
    "/data/payment_intent",
];

/// What makes the payment of a cart. It holds a secret, so it has no `Debug`.
#[derive(Clone, Copy)]
pub struct PaymentRequest<'a> {
    /// There is room for the charge and all that follows it.
    pub sequence: &'a Sequence,
    /// The shopper's consent, made in her browser. It is good for one charge; while the outcome is
    /// unknown, the same one is sent again and no other.
    pub confirmation_token: &'a str,
    /// Where a bank's page sends her back to.
    pub return_url: &'a Url,
    /// Where Stripe sends its receipt.
    pub receipt_email: Option<&'a Email>,
    /// Our name for the order to come, written on the charge.
    pub external_ref: &'a ExternalRef,
}

impl PaymentRequest<'_> {
    fn body(&self) -> String {
        let mut options = json!({
            "automatic_payment_methods": {"enabled": true},
            "confirm": true,
            "confirmation_token": self.confirmation_token,
            "return_url": self.return_url.as_str(),
            "metadata": {"attempt": self.external_ref.as_str()},
        });
        if let Some(email) = self.receipt_email {
            options["receipt_email"] = email.as_str().into();
        }
        data(&json!({"gateway": GATEWAY, "method": "purchase", "options": options}))
    }
}

/// How the payment of a cart stands.
#[derive(Debug, Clone)]
pub enum CartPayment {
    /// The money moved.
    Succeeded {
        /// Which payment.
        payment: EpPaymentId,
        /// How much; where it is not told, it cannot be compared, and a person must look.
        amount: Option<Money>,
    },
    /// The bank holds the money for us. It cannot arise from the requests that we make.
    Authorized {
        /// Which payment.
        payment: EpPaymentId,
        /// How much.
        amount: Option<Money>,
    },
    /// The money is on its way. It is no success yet, and may become either.
    Processing {
        /// Which payment.
        payment: EpPaymentId,
        /// How much.
        amount: Option<Money>,
    },
    /// The shopper must prove to her bank that it is she.
    RequiresAction {
        /// Which payment.
        payment: EpPaymentId,
        /// How much.
        amount: Option<Money>,
        /// For her browser alone.
        client_secret: ClientSecret,
    },
    /// No money moved.
    Declined {
        /// The payment that Stripe said it of. Where there is none, only this request was refused:
        /// if the same token was sent before without an answer, that may have succeeded.
        payment: Option<EpPaymentId>,
        /// A sentence for the shopper.
        message: String,
    },
    /// No money moved, and nobody has tried yet: a page may be about to.
    Untried {
        /// Which payment.
        payment: EpPaymentId,
    },
    /// It answers and does not say: look before anything is tried again.
    Unclear {
        /// The payment that the cart is linked to, if it says so.
        payment: Option<EpPaymentId>,
    },
}

/// A payment that a cart names, as Elastic Path answers when it is asked how it stands.
#[derive(Debug)]
pub struct PaymentView {
    /// How it stands.
    pub stands: CartPayment,
    /// The name that whoever made it wrote on it; ours is [`PaymentRequest::external_ref`].
    pub named: Option<String>,
}

impl ElasticPath {
    /// Makes the payment of a cart and charges it. It is never sent again once it may have got
    /// through: after an [`EpError::Unknown`] read the cart, and the payment that it is linked to.
    pub async fn create_payment(
        &self,
        admin: &Admin,
        cart: &EpCartId,
        request: &PaymentRequest<'_>,
    ) -> Result<CartPayment, EpError> {
        let path = format!("/v2/carts/{cart}/payments");
        let call = post("/v2/carts/{id}/payments", path, request.body());
        match self.payment(admin, &call).await {
            Err(EpError::Refused(no)) if matches!(no.status, 400 | 402 | 422) => {
                let message = shown(no.sentence());
                Ok(CartPayment::Declined { payment: None, message })
            }
            answer => Ok(read(&answer?)),
        }
    }

    /// Asks how a cart's payment stands, whoever has made it: by an update that brings nothing new,
    /// for Elastic Path has no other way. It may bring the amount of one that is open up to the
    /// cart's. One that is over cannot be updated: that is refused, and says nothing of how it ended.
    pub async fn ask_payment(
        &self,
        admin: &Admin,
        cart: &EpCartId,
        payment: &EpPaymentId,
    ) -> Result<PaymentView, EpError> {
        let body = data(&json!({"gateway": GATEWAY, "method": "purchase"}));
        let path = format!("/v2/carts/{cart}/payments/{payment}");
        let ask = put("/v2/carts/{id}/payments/{id}", path, body);
        let body = self.payment(admin, &Call { repeat: Repeat::Always, ..ask }).await?;
        let stands = match read(&body) {
            // Here it is the question that was refused.
            CartPayment::Declined { payment: None, .. } => CartPayment::Unclear { payment: None },
            stands => stands,
        };
        Ok(PaymentView { stands, named: Seen::find(&body).and_then(|seen| seen.named) })
    }

    /// Unlinks a cart from its payment, so that no later order takes it along. The payment itself
    /// stays as it is: the shopper may still complete it.
    pub async fn detach_payment(&self, admin: &Admin, cart: &EpCartId) -> Result<(), EpError> {
        let body = data(&json!({"payment_intent_id": ""}));
        let detach = put("/v2/carts/{id}", format!("/v2/carts/{cart}"), body);
        let detach = Call { repeat: Repeat::Always, ..detach };
        self.call(Caller::Admin(admin), &detach).await?.done()
    }

    async fn payment(&self, admin: &Admin, call: &Call) -> Result<Value, EpError> {
        let reply = self.call(Caller::Admin(admin), call).await?;
        serde_json::from_slice(&reply.body).map_err(EpError::unreadable)
    }
}

/// What an answer says of the payment.
fn read(body: &Value) -> CartPayment {
    let errors = entries_in(body);
    let stripe = Seen::find(body).unwrap_or_default();
    let linked = || text(body.get("data")?, "payment_intent_id")?.parse().ok();
    let payment: Option<EpPaymentId> = stripe.payment.clone().or_else(linked);
    let amount = stripe.amount;
    match (stripe.status.as_deref(), payment) {
        (None, None) if !errors.is_empty() => {
            CartPayment::Declined { payment: None, message: shown(sentence(&errors)) }
        }
        (Some("requires_payment_method" | "requires_confirmation"), Some(payment))
            if stripe.declined.is_none() && errors.is_empty() =>
        {
            CartPayment::Untried { payment }
        }
        (
            Some(status @ ("requires_payment_method" | "requires_confirmation" | "canceled")),
            payment,
        ) => {
            let message = stripe.declined.or_else(|| sentence(&errors).map(str::to_owned));
            let message = message.unwrap_or_else(|| format!("Payment did not complete ({status})"));
            CartPayment::Declined { payment, message: shown(Some(&message)) }
        }
        (_, payment) if !errors.is_empty() => CartPayment::Unclear { payment },
        (Some("succeeded"), Some(payment)) => CartPayment::Succeeded { payment, amount },
        (Some("requires_capture"), Some(payment)) => CartPayment::Authorized { payment, amount },
        (Some("processing"), Some(payment)) => CartPayment::Processing { payment, amount },
        (Some("requires_action"), Some(payment)) => match stripe.client_secret {
            Some(client_secret) => CartPayment::RequiresAction { payment, amount, client_secret },
            None => CartPayment::Unclear { payment: Some(payment) },
        },
        (_, payment) => CartPayment::Unclear { payment },
    }
}

/// Stripe's payment as Elastic Path passes it on.
#[derive(Default)]
pub(super) struct Seen {
    pub payment: Option<EpPaymentId>,
    /// In Stripe's words.
    pub status: Option<String>,
    pub amount: Option<Money>,
    pub client_secret: Option<ClientSecret>,
    declined: Option<String>,
    named: Option<String>,
}

impl Seen {
    fn find(body: &Value) -> Option<Self> {
        PLACES.iter().filter_map(|place| body.pointer(place)).find_map(Self::read)
    }

    /// Reads the object, field by field: one that is odd must not hide the others. An object with
    /// neither an id nor a status is how Elastic Path writes that there is none.
    pub fn read(object: &Value) -> Option<Self> {
        let named = object.as_str().map(str::to_owned).or_else(|| text(object, "id"));
        let payment = named.and_then(|id| id.parse().ok());
        let status = text(object, "status");
        if payment.is_none() && status.is_none() {
            return None;
        }
        let field = match status.as_deref() {
            Some("succeeded") => "amount_received",
            Some(_) | None => "amount",
        };
        let amount = object.get(field).and_then(Value::as_i64);
        let currency = text(object, "currency");
        let amount = amount
            .zip(currency)
            .and_then(|(amount, currency)| money_from_stripe(amount, &currency).ok());
        let client_secret = text(object, "client_secret").map(ClientSecret::from);
        let error = object.get("last_payment_error").filter(|error| error.is_object());
        let declined = error.and_then(|error| {
            let (code, reason) = (text(error, "code"), text(error, "decline_code"));
            let message = text(error, "message");
            let is_there = code.is_some() || reason.is_some() || message.is_some();
            is_there.then(|| decline_sentence([&reason, &code], message.as_deref()))
        });
        let named = object.get("metadata").and_then(|metadata| text(metadata, "attempt"));
        Some(Self { payment, status, amount, client_secret, declined, named })
    }
}

/// A sentence for a shopper, of a length that a page has room for.
fn shown(sentence: Option<&str>) -> String {
    let sentence = sentence.unwrap_or("Payment did not complete");
    sentence.chars().filter(|one| !one.is_control()).take(SENTENCE_CHARS_MAX).collect()
}

#[cfg(test)]
mod tests;
