//! What a customer pays with: a card or a SEPA debit, made inline with a payment.
//!
//! A method that belongs to a customer may pay again; any other is used up by its first charge.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::stripe::api::error::ApiError;
use crate::stripe::api::params::{Field, Params};
use crate::stripe::rules::cards::{self, Card};
use crate::stripe::rules::debits::{self, Account};
use crate::stripe::state::State;
use crate::stripe::table::Row;

pub(crate) struct PaymentMethod {
    pub id: String,
    pub created: i64,
    pub kind: Kind,
    pub billing_details: Value,
    pub allow_redisplay: String,
    pub fingerprint: String,
    pub metadata: BTreeMap<String, String>,
    pub customer: Option<String>,
    pub livemode: bool,
    /// Without a customer a method pays once.
    pub used_up: bool,
}

#[derive(Clone)]
pub(crate) enum Kind {
    Card { card: &'static Card, number: Number, exp_month: i64, exp_year: i64, cvc_given: bool },
    SepaDebit { account: &'static Account, iban: String },
}

/// A test card number. Never printed, as a real one would not be.
#[derive(Clone)]
pub(crate) struct Number(String);

impl Number {
    pub fn last4(&self) -> &str {
        self.0.get(self.0.len().saturating_sub(4)..).unwrap_or_default()
    }

    pub fn brand(&self) -> &'static str {
        cards::brand(&self.0)
    }

    fn funding(&self) -> &'static str {
        if self.0 == "4000056655665556" { "debit" } else { "credit" }
    }
}

/// A checked wish to pay with something; nothing is stored until it is made.
pub(crate) enum Choice {
    Existing(String),
    New(Draft),
}

#[derive(Clone)]
pub(crate) struct Draft {
    kind: Kind,
    billing_details: Value,
    allow_redisplay: String,
}

/// Reads `payment_method` or `payment_method_data`; an absent or emptied one is `None`.
pub(crate) fn choice(state: &State, params: &Params) -> Result<Field<Choice>, ApiError> {
    let data = params.map("payment_method_data").is_some();
    match params.field("payment_method")? {
        Field::Set(_) if data => Err(ApiError::invalid(
            "You may only specify one of these parameters: payment_method, payment_method_data.",
        )
        .code("parameters_exclusive")
        .param("payment_method")),
        Field::Set(id) => by_id(state, id).map(Field::Set),
        _ if data => draft(state, params).map(|draft| Field::Set(Choice::New(draft))),
        Field::Unset => Ok(Field::Unset),
        Field::Absent => Ok(Field::Absent),
    }
}

fn by_id(state: &State, id: String) -> Result<Choice, ApiError> {
    if let Some(method) = state.payment_methods.get(&id) {
        if method.used_up {
            return Err(ApiError::invalid(
                "The provided PaymentMethod was previously used with a PaymentIntent without \
                 Customer attachment, shared with a connected account without Customer \
                 attachment, or was detached from a Customer. It may not be used again. To use a \
                 PaymentMethod multiple times, you must attach it to a Customer first.",
            )
            .code("payment_method_unexpected_state")
            .param("payment_method"));
        }
        return Ok(Choice::Existing(id));
    }
    let kind = if let Some(card) = cards::by_token(&id) {
        let exp_year = i64::from(state.clock.now().to_zoned(jiff::tz::TimeZone::UTC).year()) + 1;
        let number = Number(card.number.to_owned());
        Kind::Card { card, number, exp_month: 12, exp_year, cvc_given: true }
    } else if let Some(account) = debits::by_token(&id) {
        Kind::SepaDebit { account, iban: account.iban.to_owned() }
    } else {
        return Err(ApiError::missing("PaymentMethod", &id, "payment_method").status(400));
    };
    Ok(Choice::New(Draft {
        kind,
        billing_details: billing_details(&Params::default())?,
        allow_redisplay: "unspecified".into(),
    }))
}

fn draft(state: &State, params: &Params) -> Result<Draft, ApiError> {
    let kind = match params.required("payment_method_data.type")?.as_str() {
        "card" => card(state, params)?,
        "sepa_debit" => sepa_debit(params)?,
        other => {
            return Err(ApiError::not_simulated(
                &format!("payment methods of the type {other}"),
                "payment_method_data[type]",
            ));
        }
    };
    let allow_redisplay = params
        .one_of("payment_method_data.allow_redisplay", &["always", "limited", "unspecified"])?
        .unwrap_or_else(|| "unspecified".into());
    Ok(Draft { kind, billing_details: billing_details(params)?, allow_redisplay })
}

fn card(state: &State, params: &Params) -> Result<Kind, ApiError> {
    let number = params.required("payment_method_data.card.number")?.replace([' ', '-'], "");
    let refuse = |code: &str, param: &str, message: &str| {
        ApiError::new(402, "card_error", message).code(code).param(param)
    };
    let digits = number.bytes().all(|byte| byte.is_ascii_digit());
    if !digits || !(12..=19).contains(&number.len()) || !cards::luhn_holds(&number) {
        return Err(refuse("incorrect_number", "number", "Your card number is incorrect."));
    }
    let exp_month = params
        .integer("payment_method_data.card.exp_month")?
        .ok_or_else(|| ApiError::missing_param("payment_method_data[card][exp_month]"))?;
    let exp_year = params
        .integer("payment_method_data.card.exp_year")?
        .ok_or_else(|| ApiError::missing_param("payment_method_data[card][exp_year]"))?;
    let exp_year = if exp_year < 100 { exp_year + 2000 } else { exp_year };
    if !(1..=12).contains(&exp_month) {
        let text = "Your card's expiration month is invalid.";
        return Err(refuse("invalid_expiry_month", "exp_month", text));
    }
    let today = state.clock.now().to_zoned(jiff::tz::TimeZone::UTC);
    let (year, month) = (i64::from(today.year()), i64::from(today.month()));
    if exp_year < year || exp_year > year + 50 || (exp_year == year && exp_month < month) {
        let text = "Your card's expiration year is invalid.";
        return Err(refuse("invalid_expiry_year", "exp_year", text));
    }
    let cvc = params.text("payment_method_data.card.cvc")?;
    if let Some(cvc) = &cvc
        && (!matches!(cvc.len(), 3 | 4) || !cvc.bytes().all(|byte| byte.is_ascii_digit()))
    {
        return Err(refuse("invalid_cvc", "cvc", "Your card's security code is invalid."));
    }
    let card = cards::by_number(&number);
    Ok(Kind::Card { card, number: Number(number), exp_month, exp_year, cvc_given: cvc.is_some() })
}

fn sepa_debit(params: &Params) -> Result<Kind, ApiError> {
    let iban = params.required("payment_method_data.sepa_debit.iban")?.replace(' ', "");
    let account = debits::by_iban(&iban).ok_or_else(|| {
        ApiError::invalid("The IBAN you provided is invalid.")
            .code("invalid_bank_account_iban")
            .param("sepa_debit[iban]")
    })?;
    for needed in ["name", "email"] {
        params.required(&format!("payment_method_data.billing_details.{needed}"))?;
    }
    Ok(Kind::SepaDebit { account, iban })
}

fn billing_details(params: &Params) -> Result<Value, ApiError> {
    let text = |name: &str| -> Result<Value, ApiError> {
        match params.field(&format!("payment_method_data.billing_details.{name}"))? {
            Field::Set(text) => Ok(text.into()),
            _ => Ok(Value::Null),
        }
    };
    Ok(json!({
        "address": {
            "city": text("address.city")?,
            "country": text("address.country")?,
            "line1": text("address.line1")?,
            "line2": text("address.line2")?,
            "postal_code": text("address.postal_code")?,
            "state": text("address.state")?,
        },
        "email": text("email")?,
        "name": text("name")?,
        "phone": text("phone")?,
        "tax_id": null,
    }))
}

impl Choice {
    /// The type as `payment_method_types` names it.
    pub fn type_name(&self, state: &State) -> &'static str {
        match self {
            Self::Existing(id) => state.payment_methods.get(id).map_or("card", |m| m.type_name()),
            Self::New(draft) => draft.kind.type_name(),
        }
    }

    /// Stores a new method and returns the id.
    pub fn make(self, state: &mut State) -> String {
        let draft = match self {
            Self::Existing(id) => return id,
            Self::New(draft) => draft,
        };
        let id = state.ids.make("pm_1", 23);
        let fingerprint = state.ids.make("", 16);
        let method = PaymentMethod {
            id: id.clone(),
            created: state.clock.seconds(),
            kind: draft.kind,
            billing_details: draft.billing_details,
            allow_redisplay: draft.allow_redisplay,
            fingerprint,
            metadata: BTreeMap::new(),
            customer: None,
            livemode: state.settings.livemode,
            used_up: false,
        };
        state.payment_methods.insert(method);
        id
    }
}

impl Kind {
    pub fn type_name(&self) -> &'static str {
        match self {
            Self::Card { .. } => "card",
            Self::SepaDebit { .. } => "sepa_debit",
        }
    }
}

impl PaymentMethod {
    pub fn type_name(&self) -> &'static str {
        self.kind.type_name()
    }

    /// Address and CVC checks; a thing not given is not checked.
    fn checks(&self, card: &Card, cvc_given: bool) -> Value {
        let address = &self.billing_details["address"];
        let unless_null =
            |given: &Value, result: &str| if given.is_null() { Value::Null } else { result.into() };
        json!({
            "address_line1_check": unless_null(&address["line1"], card.checks.line1),
            "address_postal_code_check":
                unless_null(&address["postal_code"], card.checks.postal_code),
            "cvc_check": if cvc_given { card.checks.cvc.into() } else { Value::Null },
        })
    }

    /// The `card` or `sepa_debit` part of the object, as both the method and its charge show it.
    pub fn common_details(&self) -> Value {
        match &self.kind {
            Kind::Card { card, number, exp_month, exp_year, cvc_given } => json!({
                "brand": number.brand(),
                "checks": self.checks(card, *cvc_given),
                "country": "US",
                "exp_month": exp_month,
                "exp_year": exp_year,
                "fingerprint": self.fingerprint,
                "funding": number.funding(),
                "last4": number.last4(),
                "regulated_status": "unregulated",
                "wallet": null,
            }),
            Kind::SepaDebit { iban, .. } => json!({
                "bank_code": iban.get(4..12),
                "branch_code": null,
                "country": iban.get(..2),
                "fingerprint": self.fingerprint,
                "last4": iban.get(iban.len().saturating_sub(4)..),
            }),
        }
    }

    pub fn render(&self) -> Value {
        let mut details = self.common_details();
        details["generated_from"] = Value::Null;
        if let Kind::Card { number, .. } = &self.kind {
            details["display_brand"] = number.brand().into();
            details["networks"] = json!({ "available": [number.brand()], "preferred": null });
            details["three_d_secure_usage"] = json!({ "supported": number.brand() != "amex" });
        }
        json!({
            "id": self.id,
            "object": "payment_method",
            "allow_redisplay": self.allow_redisplay,
            "billing_details": self.billing_details,
            "created": self.created,
            "customer": self.customer,
            "customer_account": null,
            "livemode": self.livemode,
            "metadata": self.metadata,
            "type": self.type_name(),
            (self.type_name()): details,
        })
    }
}

impl Row for PaymentMethod {
    fn id(&self) -> &str {
        &self.id
    }

    fn created(&self) -> i64 {
        self.created
    }
}
