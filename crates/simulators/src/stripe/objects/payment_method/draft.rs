//! What a request wants to pay with: a method that is there, or one it describes.
//!
//! Everything is checked when it is read, and nothing is stored until it is made.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{Kind, Number, PaymentMethod, REDISPLAY, Standing, is_type};
use crate::stripe::api::error::ApiError;
use crate::stripe::api::params::{Field, Params, bracketed_path};
use crate::stripe::rules::banks;
use crate::stripe::rules::cards::{self, Card};
use crate::stripe::rules::debits;
use crate::stripe::rules::details::{MetadataChange, blank_address, change_address};
use crate::stripe::state::State;

/// A checked wish to pay with something; nothing is stored until it is made.
#[derive(Clone)]
pub(crate) enum Choice {
    Existing(String),
    New(Draft),
}

/// A method that has been checked and is not yet there.
#[derive(Clone)]
pub(crate) struct Draft {
    pub kind: Kind,
    billing_details: Value,
    allow_redisplay: String,
    metadata: BTreeMap<String, String>,
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
        Field::Set(id) => by_id(state, &id).map(Field::Set),
        _ if data => Draft::read(state, params, "payment_method_data.")
            .map(|draft| Field::Set(Choice::New(draft))),
        Field::Unset => Ok(Field::Unset),
        Field::Absent => Ok(Field::Absent),
    }
}

/// A stored method that may still pay, or a new one that a `pm_card_…` token names.
pub(crate) fn by_id(state: &State, id: &str) -> Result<Choice, ApiError> {
    match state.payment_methods.get(id) {
        Some(method) => method.check_usable().map(|()| Choice::Existing(id.to_owned())),
        None => Draft::by_token(state, id)
            .map(Choice::New)
            .ok_or_else(|| ApiError::missing("PaymentMethod", id, "payment_method").status(400)),
    }
}

impl Draft {
    /// Reads a method described under `prefix`, which is empty or ends with a dot.
    pub fn read(state: &State, params: &Params, prefix: &str) -> Result<Self, ApiError> {
        let at = |name: &str| format!("{prefix}{name}");
        let kind = match params.required(&at("type"))?.as_str() {
            "card" if params.has(&at("card.token")) => card_by_token(state, params, &at("card"))?,
            "card" => card(state, params, &at("card"))?,
            "sepa_debit" => sepa_debit(params, prefix)?,
            other if let Some(bank) = banks::by_name(other) => {
                params.required(&at("billing_details.name"))?;
                Kind::Redirect(bank)
            }
            other if is_type(other) => {
                return Err(ApiError::not_simulated(
                    &format!("payment methods of the type {other}"),
                    &bracketed_path(&at("type")),
                ));
            }
            other => {
                let name = bracketed_path(&at("type"));
                let text = format!("Invalid {name}: {other} is not a payment method type");
                return Err(ApiError::invalid(text).param(name));
            }
        };
        let allow_redisplay = params.one_of(&at("allow_redisplay"), REDISPLAY)?;
        let change = MetadataChange::read_at(params, &at("metadata"))?;
        let mut metadata = BTreeMap::new();
        change.check(&metadata)?;
        change.apply(&mut metadata);
        Ok(Self {
            kind,
            billing_details: billing_details(params, &at("billing_details"))?,
            allow_redisplay: allow_redisplay.unwrap_or_else(|| "unspecified".into()),
            metadata,
        })
    }

    /// The method that a test token such as `pm_card_visa` stands for: a new one each time.
    pub fn by_token(state: &State, token: &str) -> Option<Self> {
        let kind = match cards::by_token(token) {
            Some(card) => known_card(state, card),
            None => {
                let account = debits::by_token(token)?;
                Kind::SepaDebit { account, iban: account.iban.to_owned() }
            }
        };
        let billing_details = no_billing_details();
        let allow_redisplay = "unspecified".into();
        Some(Self { kind, billing_details, allow_redisplay, metadata: BTreeMap::new() })
    }

    pub fn type_name(&self) -> &'static str {
        self.kind.type_name()
    }

    /// Stores it and returns the id.
    pub fn make(self, state: &mut State) -> String {
        let id = state.ids.make("pm_1", 23);
        let method = self.named(id.clone(), state);
        state.payment_methods.insert(method);
        id
    }

    /// The method that this would become, under an id.
    pub fn named(self, id: String, state: &State) -> PaymentMethod {
        PaymentMethod {
            id,
            created: state.clock.seconds(),
            kind: self.kind,
            billing_details: self.billing_details,
            allow_redisplay: self.allow_redisplay,
            metadata: self.metadata,
            standing: Standing::New,
            checked: false,
            livemode: state.settings.livemode,
        }
    }
}

fn known_card(state: &State, card: &'static Card) -> Kind {
    let exp_year = i64::from(state.clock.now().to_zoned(jiff::tz::TimeZone::UTC).year()) + 1;
    Kind::Card {
        card,
        number: Number(card.number.to_owned()),
        exp_month: 12,
        exp_year,
        cvc_given: true,
    }
}

fn card_by_token(state: &State, params: &Params, at: &str) -> Result<Kind, ApiError> {
    if let Some(name) = ["number", "exp_month", "exp_year", "cvc"]
        .into_iter()
        .find(|name| params.has(&format!("{at}.{name}")))
    {
        return Err(ApiError::invalid(format!(
            "You may only specify one of these parameters: token, {name}."
        ))
        .code("parameters_exclusive")
        .param(bracketed_path(&format!("{at}.token"))));
    }
    let path = format!("{at}.token");
    let token = params.required(&path)?;
    let card = cards::by_card_token(&token)
        .ok_or_else(|| ApiError::missing("token", &token, &bracketed_path(&path)))?;
    Ok(known_card(state, card))
}

fn card(state: &State, params: &Params, at: &str) -> Result<Kind, ApiError> {
    let number = params.required(&format!("{at}.number"))?.replace([' ', '-'], "");
    let refuse = |code: &str, param: &str, message: &str| {
        ApiError::new(402, "card_error", message).code(code).param(param)
    };
    let digits = number.bytes().all(|byte| byte.is_ascii_digit());
    if !digits || !(12..=19).contains(&number.len()) || !cards::luhn_holds(&number) {
        return Err(refuse("incorrect_number", "number", "Your card number is incorrect."));
    }
    let needed = |name: &str| -> Result<i64, ApiError> {
        let path = format!("{at}.{name}");
        params.integer(&path)?.ok_or_else(|| ApiError::missing_param(&bracketed_path(&path)))
    };
    let (exp_month, exp_year) = expiry(state, needed("exp_month")?, needed("exp_year")?)?;
    let cvc = params.text(&format!("{at}.cvc"))?;
    if let Some(cvc) = &cvc
        && (!matches!(cvc.len(), 3 | 4) || !cvc.bytes().all(|byte| byte.is_ascii_digit()))
    {
        return Err(refuse("invalid_cvc", "cvc", "Your card's security code is invalid."));
    }
    let card = cards::by_number(&number);
    Ok(Kind::Card { card, number: Number(number), exp_month, exp_year, cvc_given: cvc.is_some() })
}

/// Month and year of four digits, if the card is still good.
pub(crate) fn expiry(state: &State, exp_month: i64, exp_year: i64) -> Result<(i64, i64), ApiError> {
    let refuse = |name: &str, word: &str| {
        let message = format!("Your card's expiration {word} is invalid.");
        let error = ApiError::new(402, "card_error", message);
        Err(error.code(&format!("invalid_expiry_{word}")).param(name))
    };
    let exp_year = if exp_year < 100 { exp_year + 2000 } else { exp_year };
    if !(1..=12).contains(&exp_month) {
        return refuse("exp_month", "month");
    }
    let today = state.clock.now().to_zoned(jiff::tz::TimeZone::UTC);
    let (year, month) = (i64::from(today.year()), i64::from(today.month()));
    if exp_year < year || exp_year > year + 50 || (exp_year == year && exp_month < month) {
        return refuse("exp_year", "year");
    }
    Ok((exp_month, exp_year))
}

fn sepa_debit(params: &Params, prefix: &str) -> Result<Kind, ApiError> {
    let iban = params.required(&format!("{prefix}sepa_debit.iban"))?.replace(' ', "");
    let account = debits::by_iban(&iban).ok_or_else(|| {
        ApiError::invalid("The IBAN you provided is invalid.")
            .code("invalid_bank_account_iban")
            .param("sepa_debit[iban]")
    })?;
    for needed in ["name", "email"] {
        params.required(&format!("{prefix}billing_details.{needed}"))?;
    }
    Ok(Kind::SepaDebit { account, iban })
}

fn no_billing_details() -> Value {
    json!({
        "address": blank_address(), "email": null, "name": null, "phone": null, "tax_id": null,
    })
}

fn billing_details(params: &Params, at: &str) -> Result<Value, ApiError> {
    let mut details = no_billing_details();
    change_billing_details(params, at, &mut details)?;
    Ok(details)
}

/// Writes what is given under `at`; an emptied value is removed.
pub(crate) fn change_billing_details(
    params: &Params,
    at: &str,
    details: &mut Value,
) -> Result<(), ApiError> {
    let address = format!("{at}.address");
    for name in ["email", "name", "phone"] {
        match params.field(&format!("{at}.{name}"))? {
            Field::Set(text) => details[name] = text.into(),
            Field::Unset => details[name] = Value::Null,
            Field::Absent => {}
        }
    }
    match params.field_or_map(&address)? {
        Field::Set(()) => change_address(params, &address, &mut details["address"])?,
        Field::Unset => details["address"] = blank_address(),
        Field::Absent => {}
    }
    Ok(())
}

impl Choice {
    /// The type as `payment_method_types` names it.
    pub fn type_name(&self, state: &State) -> &'static str {
        match self {
            Self::Existing(id) => state.payment_methods.get(id).map_or("card", |m| m.type_name()),
            Self::New(draft) => draft.type_name(),
        }
    }

    /// Stores a new method and returns the id.
    pub fn make(self, state: &mut State) -> String {
        match self {
            Self::Existing(id) => id,
            Self::New(draft) => draft.make(state),
        }
    }
}
