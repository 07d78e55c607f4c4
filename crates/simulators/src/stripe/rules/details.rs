//! What create, update and confirm can write into a payment intent.
//!
//! Everything is read and checked before anything is written, so a refused request leaves no
//! trace.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::stripe::api::call::Call;
use crate::stripe::api::error::ApiError;
use crate::stripe::api::form::Form;
use crate::stripe::api::params::{Field, Params, bracketed_path, cannot_be_unset};
use crate::stripe::objects::confirmation_token;
use crate::stripe::objects::payment_intent::{CaptureMethod, PaymentIntent, Redirects};
use crate::stripe::objects::payment_method::draft::{self, Choice};
use crate::stripe::rules::banks;
use crate::stripe::rules::{customers, money};
use crate::stripe::state::State;

const METADATA_KEYS_MAX: usize = 50;
const METADATA_KEY_MAX: usize = 40;
const METADATA_VALUE_MAX: usize = 500;

/// What this account has enabled in its imagined dashboard, in the order in which it is shown.
const TYPES_ENABLED: &[&str] = &["card", "bancontact", "eps", "ideal", "sepa_debit"];

pub(crate) struct Details {
    pub amount: Option<i64>,
    pub currency: Option<String>,
    pub method: Field<Choice>,
    pub capture: Option<CaptureMethod>,
    pub customer: Option<String>,
    /// The confirmation token that the method came with.
    token: Option<String>,
    metadata: MetadataChange,
    description: Field<String>,
    receipt_email: Field<String>,
    shipping: Field<Value>,
    statement_descriptor: Field<String>,
    statement_descriptor_suffix: Field<String>,
    transfer_group: Field<String>,
    setup_future_usage: Field<String>,
    request_three_d_secure: Option<String>,
    allowed_types: Option<Vec<String>>,
    excluded_types: Field<Vec<String>>,
    types: Option<Vec<String>>,
}

/// New values by key (`None` removes one), or all keys at once.
pub(crate) enum MetadataChange {
    Keys(BTreeMap<String, Option<String>>),
    RemoveAll,
}

impl Details {
    pub fn read(state: &State, call: &Call) -> Result<Self, ApiError> {
        let params = &call.params;
        let currency = params.text("currency")?.map(|code| money::currency(&code)).transpose()?;
        let token = confirmation_token::given(state, params)?;
        let method = match token.and_then(|token| token.method.as_ref()) {
            Some(Choice::Existing(id)) => Field::Set(draft::by_id(state, id)?),
            Some(Choice::New(draft)) => Field::Set(Choice::New(draft.clone())),
            None => draft::choice(state, params)?,
        };
        // What the request says itself comes before what the token says.
        let or_of_token = |given: Field<Value>, of_token: Option<&Value>| match (given, of_token) {
            (Field::Absent, Some(value)) => Field::Set(value.clone()),
            (given, _) => given,
        };
        let usage = setup_future_usage(params)?;
        let usage_of_token = token.and_then(|token| token.setup_future_usage.clone());
        Ok(Self {
            customer: customers::given(state, params)?,
            token: token.map(|token| token.id.clone()),
            amount: params.integer("amount")?,
            currency,
            method,
            capture: CaptureMethod::read(params)?,
            metadata: MetadataChange::read(params)?,
            description: params.field("description")?,
            receipt_email: email(params, "receipt_email")?,
            shipping: or_of_token(
                shipping(params)?,
                token.and_then(|token| token.shipping.as_ref()),
            ),
            statement_descriptor: params.field("statement_descriptor")?,
            statement_descriptor_suffix: params.field("statement_descriptor_suffix")?,
            transfer_group: params.field("transfer_group")?,
            setup_future_usage: match (usage, usage_of_token) {
                (Field::Absent, Some(usage)) => Field::Set(usage),
                (given, _) => given,
            },
            request_three_d_secure: params.one_of(
                "payment_method_options.card.request_three_d_secure",
                &["any", "automatic", "challenge"],
            )?,
            allowed_types: types(params, "allowed_payment_method_types")?,
            excluded_types: excluded_types(params)?,
            types: types(params, "payment_method_types")?,
        })
    }

    /// Refuses changes that the intent's state, amount rules or method types do not allow.
    pub fn check(&self, state: &State, intent: &PaymentIntent) -> Result<(), ApiError> {
        let frozen = [
            ("amount", self.amount.is_some()),
            ("currency", self.currency.is_some()),
            ("customer", self.customer.is_some()),
            ("payment_method", self.method.is_present()),
            ("capture_method", self.capture.is_some()),
            ("shipping", self.shipping.is_present()),
            ("receipt_email", self.receipt_email.is_present()),
            ("setup_future_usage", self.setup_future_usage.is_present()),
        ];
        if !intent.status.is_open()
            && let Some((name, _)) = frozen.iter().find(|(_, given)| *given)
        {
            return Err(ApiError::unexpected_state(format!(
                "This PaymentIntent's {name} could not be updated because it has a status of {}. \
                 You may only update the {name} of a PaymentIntent with one of the following \
                 statuses: requires_payment_method, requires_confirmation, requires_action.",
                intent.status.name()
            ))
            .with("payment_intent", intent.render()));
        }
        customers::check_change(self.customer.as_deref(), state, intent)?;
        let customer = self.customer.as_deref().or(intent.customer.as_deref());
        if let Field::Set(Choice::Existing(method)) = &self.method {
            customers::check_owner(method, customer, state, intent)?;
        }
        let currency = self.currency.as_ref().unwrap_or(&intent.currency);
        money::check_amount(self.amount.unwrap_or(intent.amount), currency)?;
        if self.types_of(intent).is_empty() {
            return Err(ApiError::invalid(
                "No valid payment method types for this Payment Intent. Please ensure that you \
                 have activated payment methods compatible with your chosen currency in your \
                 dashboard.",
            ));
        }
        if let Field::Set(choice) = &self.method {
            self.check_type(choice.type_name(state), intent)?;
        }
        self.metadata.check(&intent.metadata)
    }

    /// A card's statement shows the account's own descriptor, to which an intent can only add.
    /// `method` is the type that is to pay, if that is known.
    pub fn check_descriptor(
        &self,
        intent: &PaymentIntent,
        method: Option<&str>,
    ) -> Result<(), ApiError> {
        let given = match &self.statement_descriptor {
            Field::Absent => intent.statement_descriptor.is_some(),
            Field::Unset => false,
            Field::Set(_) => true,
        };
        let types = match self.types.is_some() || intent.automatic.is_none() {
            true => self.types_of(intent),
            false => Vec::new(),
        };
        let card = method == Some("card") || types.iter().any(|kind| kind == "card");
        if given && card { Err(descriptor_of_card()) } else { Ok(()) }
    }

    /// What a confirmation asks beside [`Self::check`]: that the intent's own method, if the
    /// request brings no other, may pay now.
    pub fn check_own_method(&self, state: &State, intent: &PaymentIntent) -> Result<(), ApiError> {
        let own = intent.payment_method.as_deref().filter(|_| !self.method.is_present());
        let Some(method) = own.and_then(|id| state.payment_methods.get(id)) else { return Ok(()) };
        method.check_usable()?;
        let customer = self.customer.as_deref().or(intent.customer.as_deref());
        customers::check_owner(&method.id, customer, state, intent)
    }

    /// The type of the method that the request brings or the intent has.
    pub fn method_type(&self, state: &State, intent: &PaymentIntent) -> Option<&'static str> {
        match &self.method {
            Field::Set(choice) => Some(choice.type_name(state)),
            Field::Absent | Field::Unset => {
                let own = state.payment_methods.get(intent.payment_method.as_deref()?)?;
                Some(own.type_name())
            }
        }
    }

    fn check_type(&self, given: &str, intent: &PaymentIntent) -> Result<(), ApiError> {
        let types = self.types_of(intent);
        if types.iter().any(|allowed| allowed == given) {
            return Ok(());
        }
        Err(ApiError::invalid(format!(
            "The PaymentMethod provided ({given}) is not allowed for this PaymentIntent. Please \
             attach a PaymentMethod of one of the following types: {}.",
            types.join(", ")
        ))
        .code("payment_intent_incompatible_payment_method")
        .param("payment_method"))
    }

    fn types_of(&self, intent: &PaymentIntent) -> Vec<String> {
        let currency = self.currency.as_ref().unwrap_or(&intent.currency);
        let named = self.types.as_ref().or(match intent.automatic {
            Some(_) => None,
            None => Some(&intent.types),
        });
        if let Some(named) = named {
            return named.clone();
        }
        let manual = self.capture.unwrap_or(intent.capture) == CaptureMethod::Manual;
        let allowed = self.allowed_types.as_ref().or(intent.allowed_types.as_ref());
        let excluded = match &self.excluded_types {
            Field::Absent => intent.excluded_types.as_ref(),
            Field::Unset => None,
            Field::Set(list) => Some(list),
        };
        let redirects = intent.automatic == Some(Redirects::Always);
        TYPES_ENABLED
            .iter()
            // Banks pay in euros, and nothing of theirs can be set aside to be taken later.
            .filter(|kind| **kind == "card" || (currency == "eur" && !manual))
            .filter(|kind| banks::by_name(kind).is_none() || redirects)
            .filter(|kind| allowed.is_none_or(|list| list.iter().any(|item| item == *kind)))
            .filter(|kind| !excluded.is_some_and(|list| list.iter().any(|item| item == *kind)))
            .map(|kind| (*kind).to_owned())
            .collect()
    }

    /// Writes everything; [`Self::check`] must have passed.
    pub fn apply(self, state: &mut State, id: &str) {
        let types = state.payment_intents.get(id).map(|intent| self.types_of(intent));
        let method = match self.method {
            Field::Absent => None,
            Field::Unset => Some(None),
            Field::Set(choice) => Some(Some(choice.make(state))),
        };
        if let Some(token) = self.token.and_then(|id| state.confirmation_tokens.get_mut(&id)) {
            token.usage = confirmation_token::Usage::Used { payment_intent: id.to_owned() };
        }
        let Some(intent) = state.payment_intents.get_mut(id) else { return };
        intent.customer = self.customer.or_else(|| intent.customer.take());
        let other_sum = self.amount.is_some() || self.currency.is_some();
        if let Some(currency) = self.currency {
            intent.currency = currency;
        }
        // Any update clears it.
        intent.last_payment_error = None;
        if other_sum {
            // The card's holder has agreed to another one.
            intent.authenticated = None;
        }
        if other_sum || method.is_some() {
            intent.amount = self.amount.unwrap_or(intent.amount);
            intent.payment_method = method.unwrap_or_else(|| intent.payment_method.take());
            intent.reconsider();
        }
        intent.capture = self.capture.unwrap_or(intent.capture);
        if self.types.is_some() {
            intent.automatic = None;
        }
        intent.types = types.unwrap_or_default();
        intent.allowed_types = self.allowed_types.or_else(|| intent.allowed_types.take());
        self.excluded_types.apply(&mut intent.excluded_types);
        self.metadata.apply(&mut intent.metadata);
        self.description.apply(&mut intent.description);
        self.receipt_email.apply(&mut intent.receipt_email);
        self.shipping.apply(&mut intent.shipping);
        self.statement_descriptor.apply(&mut intent.statement_descriptor);
        self.statement_descriptor_suffix.apply(&mut intent.statement_descriptor_suffix);
        self.transfer_group.apply(&mut intent.transfer_group);
        self.setup_future_usage.apply(&mut intent.setup_future_usage);
        if let Some(request) = self.request_three_d_secure {
            intent.request_three_d_secure = request;
        }
    }
}

pub(crate) fn descriptor_of_card() -> ApiError {
    ApiError::invalid(
        "The statement_descriptor parameter is not supported for the payment_method_type `card`. \
         To continue supporting payment_method_type `card`, please pass in \
         `statement_descriptor_suffix` or remove the `statement_descriptor` parameter altogether. \
         Please see https://support.stripe.com/questions/use-of-the-statement-descriptor-parameter-on-paymentintents-for-card-charges \
         for additional details.",
    )
    .param("statement_descriptor")
}

/// `off_session`, `on_session`, or emptied.
pub(crate) fn setup_future_usage(params: &Params) -> Result<Field<String>, ApiError> {
    let name = "setup_future_usage";
    Ok(match params.field(name)? {
        Field::Set(_) => {
            params.one_of(name, &["off_session", "on_session"])?.map_or(Field::Absent, Field::Set)
        }
        other => other,
    })
}

/// An address for mail under any name.
pub(crate) fn email(params: &Params, name: &str) -> Result<Field<String>, ApiError> {
    let field = params.field(name)?;
    if let Field::Set(given) = &field {
        let domain = given.split_once('@').map(|(_, domain)| domain);
        if !domain.is_some_and(|domain| domain.contains('.') && !domain.contains(['@', ' '])) {
            return Err(ApiError::invalid(format!("Invalid email address: {given}"))
                .code("email_invalid")
                .param(name));
        }
    }
    Ok(field)
}

pub(crate) fn blank_address() -> Value {
    json!({
        "city": null, "country": null, "line1": null,
        "line2": null, "postal_code": null, "state": null,
    })
}

/// Writes what is given under the path `at`; the rest of `address` stays.
pub(crate) fn change_address(
    params: &Params,
    at: &str,
    address: &mut Value,
) -> Result<(), ApiError> {
    for name in ["city", "country", "line1", "line2", "postal_code", "state"] {
        match params.field(&format!("{at}.{name}"))? {
            Field::Set(text) => address[name] = text.into(),
            Field::Unset => address[name] = Value::Null,
            Field::Absent => {}
        }
    }
    Ok(())
}

pub(crate) fn shipping(params: &Params) -> Result<Field<Value>, ApiError> {
    match params.field_or_map("shipping")? {
        Field::Absent => return Ok(Field::Absent),
        Field::Unset => return Ok(Field::Unset),
        Field::Set(()) => {}
    }
    let text = |name: &str| -> Result<Value, ApiError> {
        Ok(match params.field(&format!("shipping.{name}"))? {
            Field::Set(text) => text.into(),
            Field::Absent | Field::Unset => Value::Null,
        })
    };
    params.required("shipping.name")?;
    params.required("shipping.address.line1")?;
    let mut address = blank_address();
    change_address(params, "shipping.address", &mut address)?;
    Ok(Field::Set(json!({
        "address": address,
        "carrier": text("carrier")?,
        "name": text("name")?,
        "phone": text("phone")?,
        "tracking_number": text("tracking_number")?,
    })))
}

/// Unlike the other lists of types, this one can be emptied.
fn excluded_types(params: &Params) -> Result<Field<Vec<String>>, ApiError> {
    let name = "excluded_payment_method_types";
    if params.map(name).is_none() {
        return match params.field(name)? {
            Field::Absent => Ok(Field::Absent),
            Field::Unset => Ok(Field::Unset),
            Field::Set(_) => Err(ApiError::invalid("Invalid array").param(name)),
        };
    }
    Ok(types(params, name)?.map_or(Field::Absent, Field::Set))
}

fn types(params: &Params, name: &str) -> Result<Option<Vec<String>>, ApiError> {
    let list = params.list(name);
    if list.is_empty() {
        return if params.has(name) { Err(cannot_be_unset(name)) } else { Ok(None) };
    }
    match list.iter().find(|kind| !TYPES_ENABLED.contains(&kind.as_str())) {
        Some(other) => {
            let what = format!("payment methods of the type {other}");
            Err(ApiError::not_simulated(&what, name))
        }
        None => Ok(Some(list)),
    }
}

impl MetadataChange {
    /// 50 keys of 40 characters with values of 500 (docs.stripe.com/api/metadata).
    pub fn read(params: &Params) -> Result<Self, ApiError> {
        Self::read_at(params, "metadata")
    }

    /// As [`Self::read`], from another place in the request.
    pub fn read_at(params: &Params, path: &str) -> Result<Self, ApiError> {
        let name = bracketed_path(path);
        let Some(map) = params.map(path) else {
            return match params.field(path)? {
                Field::Unset => Ok(Self::RemoveAll),
                Field::Absent => Ok(Self::Keys(BTreeMap::new())),
                Field::Set(_) => Err(ApiError::invalid("Invalid hash").param(name)),
            };
        };
        let refuse =
            |key: &str, text: String| Err(ApiError::invalid(text).param(format!("{name}[{key}]")));
        let mut keys = BTreeMap::new();
        for (key, form) in map {
            let Form::Text(value) = form else {
                return refuse(key, "Metadata values must be strings.".into());
            };
            if key.chars().count() > METADATA_KEY_MAX {
                return refuse(
                    key,
                    format!("Metadata keys can have up to {METADATA_KEY_MAX} characters."),
                );
            }
            let length = value.chars().count();
            if length > METADATA_VALUE_MAX {
                return refuse(
                    key,
                    format!(
                        "Metadata values can have up to {METADATA_VALUE_MAX} characters, but you \
                         passed in a value that is {length} characters. Invalid value: {value}"
                    ),
                );
            }
            keys.insert(key.clone(), (!value.is_empty()).then(|| value.clone()));
        }
        Ok(Self::Keys(keys))
    }

    pub fn check(&self, present: &BTreeMap<String, String>) -> Result<(), ApiError> {
        let Self::Keys(keys) = self else { return Ok(()) };
        let new = keys.iter().filter(|(key, value)| value.is_some() && !present.contains_key(*key));
        let removed =
            keys.iter().filter(|(key, value)| value.is_none() && present.contains_key(*key));
        if present.len() + new.count() - removed.count() <= METADATA_KEYS_MAX {
            return Ok(());
        }
        let text = format!("Metadata can have up to {METADATA_KEYS_MAX} keys.");
        Err(ApiError::invalid(text).param("metadata"))
    }

    pub fn apply(self, metadata: &mut BTreeMap<String, String>) {
        match self {
            Self::RemoveAll => metadata.clear(),
            Self::Keys(keys) => {
                for (key, value) in keys {
                    match value {
                        Some(value) => metadata.insert(key, value),
                        None => metadata.remove(&key),
                    };
                }
            }
        }
    }
}
