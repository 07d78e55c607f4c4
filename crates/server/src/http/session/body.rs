//! The session contract's bodies. Amounts are in the currency's minor unit here.

use std::collections::BTreeMap;

use domain::{
    money::Money,
    session::{
        AddressPart, AllowedAttributes, AttributeValue, Attributes, CheckoutSession, Customer,
        FormAddress, NumberText, Patch, Rate, RateId, SessionCart, SessionState, TextError,
    },
};
use serde::{Deserialize, Serialize};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{
        RefOr,
        schema::{ObjectBuilder, Schema, SchemaType, Type},
    },
};
use uuid::Uuid;

use super::code::{SessionCode, SessionFault};
use crate::{
    flows::purchase::Answer,
    http::{checkout::Solution, error::Challenge, wire::CustomAttributes},
};

/// The envelope of every answer.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SessionAnswer {
    /// Whether the request was carried out. A bank's no is an answer, not a failure.
    success: bool,
    /// The session, where there is something to show.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    data: Option<SessionData>,
    /// What went wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    error: Option<Failure>,
    /// Why the last try to pay came to nothing, and the shopper may try again; or, where a person
    /// looks at the payment, what is certain about her money.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    payment_error: Option<String>,
    /// A person looks at the payment: it is not to be made again.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    reconciliation_pending: Option<bool>,
}

/// What the envelope holds.
#[derive(Debug, Serialize, ToSchema)]
pub struct SessionData {
    /// The session; null where there is none.
    session: Option<Session>,
}

/// A failure: a stable code and a sentence.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SessionError)]
pub struct Failure {
    /// Stable; switch on it.
    pub code: SessionCode,
    /// A sentence for people.
    pub message: String,
    /// What must be solved; the solution goes into the same request as `challenge`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub challenge: Option<Challenge>,
}

/// A checkout session.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = CheckoutSession)]
pub struct Session {
    /// The session.
    id: Uuid,
    /// Whether the shopper may still pay.
    status: SessionStatus,
    /// What is bought.
    cart_id: String,
    /// Who buys; null until she has said so.
    customer_info: Option<CustomerInfo>,
    /// Where the goods go; null until she has said so.
    shipping_address: Option<SessionAddress>,
    /// Where the bill goes; null until she has said so.
    billing_address: Option<SessionAddress>,
    /// How it is sent; null until she has chosen.
    selected_shipping_rate_id: Option<String>,
    /// How it can be sent.
    available_shipping_rates: Vec<ShippingRate>,
    /// Null before the cart has been priced.
    totals: Option<SessionTotals>,
    /// What the storefront says; the goods may say otherwise.
    requires_shipping: bool,
    /// What the storefront notes with the order, of what the shop takes.
    custom_attributes: CustomAttributes,
    /// How the payment stands.
    payment: SessionPayment,
    /// The order that came of it; null before.
    order: Option<SessionOrder>,
    /// In milliseconds since 1970.
    expires_at: i64,
}

/// Whether the shopper may still pay.
#[derive(Debug, Serialize)]
pub struct SessionStatus(&'static str);

/// How far the payment is; `requires_action` waits for the shopper and her bank.
#[derive(Debug, Serialize)]
pub struct SessionPaymentStatus(&'static str);

impl PartialSchema for SessionStatus {
    fn schema() -> RefOr<Schema> {
        one_of("Whether the shopper may still pay.", &SessionState::STATUSES)
    }
}

impl ToSchema for SessionStatus {}

impl PartialSchema for SessionPaymentStatus {
    fn schema() -> RefOr<Schema> {
        let description = "`requires_action` waits for the shopper and her bank.";
        one_of(description, &SessionState::PAYMENT_STATUSES)
    }
}

impl ToSchema for SessionPaymentStatus {}

fn one_of(description: &str, words: &[&'static str]) -> RefOr<Schema> {
    ObjectBuilder::new()
        .schema_type(SchemaType::Type(Type::String))
        .description(Some(description))
        .enum_values(Some(words.iter().copied()))
        .into()
}

/// Who buys.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct CustomerInfo {
    /// Her name.
    #[serde(default)]
    name: String,
    /// Her e-mail address.
    #[serde(default)]
    email: String,
}

/// An address as a form has it; each part may be empty.
#[derive(Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct SessionAddress {
    /// Given name.
    first_name: String,
    /// Family name.
    last_name: String,
    /// Company.
    company: String,
    /// Street and number.
    line1: String,
    /// What else the carrier must know.
    line2: String,
    /// Town.
    city: String,
    /// County, state or region.
    county: String,
    /// ISO 3166-1 alpha-2.
    country: String,
    /// Postal code.
    postcode: String,
}

/// One way to send it.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ShippingRate {
    /// By which it is selected.
    id: String,
    /// Its name.
    name: String,
    /// A sentence; may be empty.
    description: String,
    /// In the minor unit.
    amount: i64,
    /// ISO 4217, in capitals.
    currency: &'static str,
    /// How long it takes; may be empty.
    delivery_time: String,
    /// How fast, in one word; may be empty.
    service_level: String,
    /// Who brings it; may be empty.
    carrier: String,
}

/// What it costs, in the minor unit.
#[derive(Debug, Serialize, ToSchema)]
pub struct SessionTotals {
    /// The lines.
    subtotal: i64,
    /// The tax.
    tax: i64,
    /// The sending.
    shipping: i64,
    /// What is charged.
    total: i64,
    /// ISO 4217, in capitals.
    currency: &'static str,
}

/// How the payment stands.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SessionPayment {
    /// `stripe`, or `manual` where there was nothing to pay; null before the first try.
    gateway: Option<&'static str>,
    /// How far it is.
    status: SessionPaymentStatus,
    /// For Stripe.js, while the bank wants to see the shopper.
    client_token: Option<String>,
    /// What else is known.
    gateway_metadata: GatewayMetadata,
    /// What the browser is to do; null where there is nothing.
    action_data: Option<ActionData>,
}

/// What else is known of the payment.
#[derive(Debug, Default, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct GatewayMetadata {
    /// Stripe's name of the payment, from the moment in which there is one. At Elastic Path one that was
    /// declined is forgotten.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    payment_intent_id: Option<String>,
    /// A person looks at it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    needs_reconciliation: Option<bool>,
    /// There was nothing to pay.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    free: Option<bool>,
    /// Why the last try came to nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    last_error: Option<String>,
}

/// What the browser is to do.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ActionData {
    /// `stripe_3ds`.
    #[serde(rename = "type")]
    kind: &'static str,
    /// Stripe's name of the payment.
    payment_intent_id: String,
}

/// The order that came of it.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SessionOrder {
    /// The order.
    id: String,
    /// What paid it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    transaction_id: Option<String>,
}

/// With what a session begins.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct OpenSession {
    /// A cart at Elastic Path; without it the visitor's own.
    #[schema(nullable = false)]
    pub cart_id: Option<String>,
    /// Whether something must be sent.
    #[schema(nullable = false)]
    pub requires_shipping: Option<bool>,
}

/// What changes; what is not there stays.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PatchSession {
    /// Who buys.
    #[schema(nullable = false)]
    customer_info: Option<CustomerInfo>,
    /// Where the goods go.
    #[schema(nullable = false)]
    shipping_address: Option<SessionAddress>,
    /// Where the bill goes.
    #[schema(nullable = false)]
    billing_address: Option<SessionAddress>,
    /// How it is sent: the id of a rate.
    #[schema(nullable = false)]
    selected_shipping_rate_id: Option<String>,
    /// Whether something must be sent.
    #[schema(nullable = false)]
    requires_shipping: Option<bool>,
    /// Texts, numbers, and true or false, put over the old ones.
    #[schema(nullable = false, value_type = Option<CustomAttributes>)]
    custom_attributes: Option<BTreeMap<String, serde_json::Value>>,
}

/// With what it is paid.
#[derive(Debug, Deserialize, ToSchema)]
pub struct PaySession {
    /// `stripe`; `manual` where there is nothing to pay.
    #[schema(required = true, nullable = false)]
    pub gateway: Option<String>,
    /// What Stripe.js has made of the card.
    #[schema(nullable = false)]
    pub confirmation_token: Option<String>,
    /// What the page showed the shopper that it costs, in the currency's minor unit: where it costs
    /// something else by now, nothing is charged (`CART_MISMATCH`). Without it the session's total is
    /// charged, which another click of hers may have changed a moment ago.
    #[schema(nullable = false)]
    pub total: Option<u64>,
    /// The challenge of a `CHALLENGE_REQUIRED`, solved.
    #[schema(nullable = false)]
    pub challenge: Option<Solution>,
}

impl SessionAnswer {
    /// A session that nobody has tried to pay, or none.
    pub fn of(session: Option<&CheckoutSession>) -> Self {
        Self {
            success: true,
            data: Some(SessionData { session: session.map(Session::of) }),
            error: None,
            payment_error: None,
            reconciliation_pending: None,
        }
    }

    /// A session, and what its shopper must know of her payment: its name, why it failed, or that a
    /// person looks at it.
    pub fn told(answer: &Answer) -> Self {
        let is_looked_at =
            matches!(answer.session.state(), SessionState::Processing { reconciling: true, .. });
        let mut session = Session::of(&answer.session);
        let named = &mut session.payment.gateway_metadata.payment_intent_id;
        *named = named.take().or_else(|| answer.payment.clone());
        Self {
            data: Some(SessionData { session: Some(session) }),
            payment_error: answer.sentence().map(str::to_owned),
            reconciliation_pending: is_looked_at.then_some(true),
            ..Self::of(None)
        }
    }

    /// A failure, with the session where that has changed.
    pub fn failed(failure: Failure, session: Option<&CheckoutSession>) -> Self {
        Self {
            success: false,
            data: session.map(|session| SessionData { session: Some(Session::of(session)) }),
            error: Some(failure),
            payment_error: None,
            reconciliation_pending: None,
        }
    }
}

impl Session {
    fn of(session: &CheckoutSession) -> Self {
        let form = &session.form;
        Self {
            id: session.id.0,
            status: SessionStatus(session.state().status()),
            cart_id: match &session.cart {
                SessionCart::Here(cart) => cart.to_string(),
                SessionCart::Platform(cart) => cart.to_string(),
            },
            customer_info: form.customer.as_ref().map(|customer| CustomerInfo {
                name: customer.name().to_owned(),
                email: customer.email().to_owned(),
            }),
            shipping_address: form.shipping_address.as_ref().map(SessionAddress::of),
            billing_address: form.billing_address.as_ref().map(SessionAddress::of),
            selected_shipping_rate_id: form.rate.as_ref().map(|rate| rate.as_str().to_owned()),
            available_shipping_rates: session.rates().iter().map(ShippingRate::of).collect(),
            totals: session.totals.as_ref().map(|totals| SessionTotals {
                subtotal: totals.subtotal().minor(),
                tax: totals.tax().minor(),
                shipping: totals.shipping().minor(),
                total: totals.total().minor(),
                currency: Money::currency(totals.total()).code(),
            }),
            requires_shipping: form.requires_shipping,
            custom_attributes: form.attributes.clone().into(),
            payment: SessionPayment::of(session.state()),
            order: match session.state() {
                SessionState::Complete { order, .. } => Some(SessionOrder {
                    id: order.id.clone(),
                    transaction_id: order.transaction.clone(),
                }),
                SessionState::Open { .. }
                | SessionState::Processing { .. }
                | SessionState::ActionRequired { .. }
                | SessionState::Expired { .. } => None,
            },
            expires_at: session.expires_at().as_millisecond(),
        }
    }
}

impl SessionPayment {
    fn of(state: &SessionState) -> Self {
        let mut payment = Self {
            gateway: state.followed().map(|_| "stripe"),
            status: SessionPaymentStatus(state.payment_status()),
            client_token: None,
            gateway_metadata: GatewayMetadata::default(),
            action_data: None,
        };
        match state {
            SessionState::Open { failed } | SessionState::Expired { failed } => {
                let message = failed.as_ref().map(|failed| failed.message.clone());
                payment.gateway_metadata.last_error = message;
            }
            SessionState::Processing { reconciling, .. } => {
                payment.gateway_metadata.needs_reconciliation = reconciling.then_some(true);
            }
            SessionState::ActionRequired { action, .. } => {
                let payment_intent_id = action.reference.clone();
                payment.client_token = Some(action.client_secret.reveal().to_owned());
                payment.gateway_metadata.payment_intent_id = Some(payment_intent_id.clone());
                payment.action_data = Some(ActionData { kind: "stripe_3ds", payment_intent_id });
            }
            SessionState::Complete { order, .. } if order.is_free => {
                payment.gateway = Some("manual");
                payment.gateway_metadata.free = Some(true);
            }
            SessionState::Complete { .. } => {}
        }
        payment
    }
}

impl ShippingRate {
    fn of(rate: &Rate) -> Self {
        let words = rate.words.clone();
        Self {
            id: rate.id.as_str().to_owned(),
            name: words.name,
            description: words.description,
            amount: rate.amount.minor(),
            currency: Money::currency(rate.amount).code(),
            delivery_time: words.delivery_time,
            service_level: words.service_level,
            carrier: words.carrier,
        }
    }
}

impl SessionAddress {
    fn of(address: &FormAddress) -> Self {
        let part = |part| address.get(part).to_owned();
        Self {
            first_name: part(AddressPart::FirstName),
            last_name: part(AddressPart::LastName),
            company: part(AddressPart::Company),
            line1: part(AddressPart::Line1),
            line2: part(AddressPart::Line2),
            city: part(AddressPart::City),
            county: part(AddressPart::County),
            country: part(AddressPart::Country),
            postcode: part(AddressPart::Postcode),
        }
    }

    fn read(self) -> Result<FormAddress, TextError> {
        FormAddress::new(|part| {
            let text = match part {
                AddressPart::FirstName => &self.first_name,
                AddressPart::LastName => &self.last_name,
                AddressPart::Company => &self.company,
                AddressPart::Line1 => &self.line1,
                AddressPart::Line2 => &self.line2,
                AddressPart::City => &self.city,
                AddressPart::County => &self.county,
                AddressPart::Country => &self.country,
                AddressPart::Postcode => &self.postcode,
            };
            text.clone()
        })
    }
}

impl PatchSession {
    /// What changes, of what the shop takes.
    pub fn read(self, allowed: &AllowedAttributes) -> Result<Patch, SessionFault> {
        let text = |error: TextError| SessionFault::invalid(format!("{error}."));
        let customer = self.customer_info.map(|info| Customer::new(&info.name, &info.email));
        let rate = self.selected_shipping_rate_id.map(|rate| RateId::new(&rate));
        let address = |address: Option<SessionAddress>| address.map(SessionAddress::read);
        let attributes = self.custom_attributes.unwrap_or_default().into_iter();
        let attributes: Vec<_> =
            attributes.map(|(name, value)| attribute(name, value)).collect::<Result<_, _>>()?;
        let attributes = Attributes::new(attributes);
        let attributes = attributes.map_err(|error| SessionFault::invalid(format!("{error}.")))?;
        Ok(Patch {
            is_anew: false,
            customer: customer.transpose().map_err(text)?,
            shipping_address: address(self.shipping_address).transpose().map_err(text)?,
            billing_address: address(self.billing_address).transpose().map_err(text)?,
            rate: rate.transpose().map_err(text)?,
            requires_shipping: self.requires_shipping,
            attributes: attributes.allowed(allowed),
        })
    }
}

fn attribute(
    name: String,
    value: serde_json::Value,
) -> Result<(String, AttributeValue), SessionFault> {
    use serde_json::Value as V;
    let value = match value {
        V::String(text) => Some(AttributeValue::Text(text)),
        V::Bool(flag) => Some(AttributeValue::Flag(flag)),
        V::Number(number) => NumberText::new(&number.to_string()).map(AttributeValue::Number),
        V::Null | V::Array(_) | V::Object(_) => None,
    };
    match value {
        Some(value) => Ok((name, value)),
        None => Err(SessionFault::invalid(
            "customAttributes: each value is a text, a number, true or false.",
        )),
    }
}
