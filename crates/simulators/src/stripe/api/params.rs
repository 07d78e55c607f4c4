//! Reading a request's parameters, with the API's own complaints about them.

use std::collections::BTreeMap;

use crate::stripe::api::error::ApiError;
use crate::stripe::api::form::{Form, bracketed, leaves};

/// A parameter as it came: not there, sent empty (which means: remove), or with a text.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Field<T> {
    Absent,
    Unset,
    Set(T),
}

impl<T> Field<T> {
    /// Writes the change into `slot`; an absent parameter changes nothing.
    pub fn apply(self, slot: &mut Option<T>) {
        match self {
            Self::Absent => {}
            Self::Unset => *slot = None,
            Self::Set(value) => *slot = Some(value),
        }
    }

    pub fn is_present(&self) -> bool {
        !matches!(self, Self::Absent)
    }
}

#[derive(Debug, Clone, Default)]
pub(crate) struct Params {
    map: BTreeMap<String, Form>,
}

impl Params {
    pub fn new(map: BTreeMap<String, Form>) -> Self {
        Self { map }
    }

    /// Paths are written with dots: `shipping.address.line1`.
    fn find(&self, path: &str) -> Option<&Form> {
        let (first, rest) = path.split_once('.').map_or((path, None), |(a, b)| (a, Some(b)));
        let mut form = self.map.get(first)?;
        for segment in rest.into_iter().flat_map(|rest| rest.split('.')) {
            let Form::Map(map) = form else { return None };
            form = map.get(segment)?;
        }
        Some(form)
    }

    pub fn has(&self, path: &str) -> bool {
        self.find(path).is_some()
    }

    /// Takes a parameter out, such as the `key` that browsers send in place of a header.
    pub fn take(&mut self, name: &str) -> Option<String> {
        match self.map.remove(name) {
            Some(Form::Text(text)) => Some(text),
            _ => None,
        }
    }

    pub fn field(&self, path: &str) -> Result<Field<String>, ApiError> {
        match self.find(path) {
            None => Ok(Field::Absent),
            Some(Form::Text(text)) if text.is_empty() => Ok(Field::Unset),
            Some(Form::Text(text)) => Ok(Field::Set(text.clone())),
            Some(Form::Map(_)) => {
                Err(ApiError::invalid("Invalid string: must be a text, not a hash.")
                    .param(bracketed(path.split('.'))))
            }
        }
    }

    /// Whether a nested parameter is there, or was emptied as a whole.
    pub fn field_or_map(&self, path: &str) -> Result<Field<()>, ApiError> {
        match self.find(path) {
            None => Ok(Field::Absent),
            Some(Form::Text(text)) if text.is_empty() => Ok(Field::Unset),
            Some(Form::Text(_)) => {
                Err(ApiError::invalid("Invalid object").param(bracketed_path(path)))
            }
            Some(Form::Map(_)) => Ok(Field::Set(())),
        }
    }

    /// A parameter that cannot be removed by sending it empty.
    pub fn text(&self, path: &str) -> Result<Option<String>, ApiError> {
        match self.field(path)? {
            Field::Absent => Ok(None),
            Field::Set(text) => Ok(Some(text)),
            Field::Unset => Err(cannot_be_unset(path)),
        }
    }

    pub fn required(&self, path: &str) -> Result<String, ApiError> {
        self.text(path)?.ok_or_else(|| ApiError::missing_param(&bracketed(path.split('.'))))
    }

    pub fn integer(&self, path: &str) -> Result<Option<i64>, ApiError> {
        let Some(text) = self.text(path)? else { return Ok(None) };
        text.parse().map(Some).map_err(|_| {
            ApiError::invalid(format!("Invalid integer: {text}"))
                .code("parameter_invalid_integer")
                .param(bracketed(path.split('.')))
        })
    }

    pub fn flag(&self, path: &str) -> Result<Option<bool>, ApiError> {
        match self.text(path)?.as_deref() {
            None => Ok(None),
            Some("true") => Ok(Some(true)),
            Some("false") => Ok(Some(false)),
            Some(other) => Err(ApiError::invalid(format!("Invalid boolean: {other}"))
                .param(bracketed(path.split('.')))),
        }
    }

    pub fn one_of(&self, path: &str, allowed: &[&str]) -> Result<Option<String>, ApiError> {
        let Some(text) = self.text(path)? else { return Ok(None) };
        if allowed.contains(&text.as_str()) {
            return Ok(Some(text));
        }
        let name = bracketed(path.split('.'));
        let choices = match allowed {
            [one] => (*one).to_owned(),
            [first, second] => format!("{first} or {second}"),
            [start @ .., last] => format!("{}, or {last}", start.join(", ")),
            [] => String::new(),
        };
        Err(ApiError::invalid(format!("Invalid {name}: must be one of {choices}")).param(name))
    }

    pub fn list(&self, path: &str) -> Vec<String> {
        let Some(Form::Map(map)) = self.find(path) else { return Vec::new() };
        let mut items: Vec<(usize, &String)> = map
            .iter()
            .filter_map(|(index, form)| match form {
                Form::Text(text) => Some((index.parse().unwrap_or(usize::MAX), text)),
                Form::Map(_) => None,
            })
            .collect();
        items.sort_by_key(|(index, _)| *index);
        items.into_iter().map(|(_, text)| text.clone()).collect()
    }

    pub fn map(&self, path: &str) -> Option<&BTreeMap<String, Form>> {
        match self.find(path) {
            Some(Form::Map(map)) => Some(map),
            _ => None,
        }
    }

    /// Refuses parameters that are neither in `simulated` nor in `known`, and says of those in
    /// `known` alone that they exist at Stripe but not here.
    pub fn only(&self, simulated: &[&[&str]], known: &[&str]) -> Result<(), ApiError> {
        let mut unknown = Vec::new();
        let mut not_simulated = None;
        for (path, _) in leaves(&self.map) {
            if simulated.iter().any(|group| group.iter().any(|pattern| matches(pattern, &path))) {
                continue;
            }
            let name = bracketed(path.iter().copied());
            if known.iter().any(|pattern| matches(pattern, &path)) {
                not_simulated.get_or_insert(name);
            } else {
                unknown.push(name);
            }
        }
        let plural = if unknown.len() > 1 { "s" } else { "" };
        if let Some(first) = unknown.first().cloned() {
            let message = format!("Received unknown parameter{plural}: {}", unknown.join(", "));
            return Err(ApiError::invalid(message).code("parameter_unknown").param(first));
        }
        not_simulated.map_or(Ok(()), |name| {
            Err(ApiError::not_simulated(&format!("the parameter {name}"), &name))
        })
    }

    /// Every value with its path.
    pub fn leaves(&self) -> Vec<(Vec<&str>, &str)> {
        leaves(&self.map)
    }

    /// The parameters in one fixed order, to compare two requests with.
    pub fn canonical(&self) -> String {
        let mut text = String::new();
        for (path, value) in leaves(&self.map) {
            text.push_str(&bracketed(path.into_iter()));
            text.push('=');
            text.push_str(value);
            text.push('\n');
        }
        text
    }
}

/// A dotted path as the manual writes it: `shipping[address][line1]`.
pub(crate) fn bracketed_path(path: &str) -> String {
    bracketed(path.split('.'))
}

pub(crate) fn cannot_be_unset(path: &str) -> ApiError {
    let name = bracketed(path.split('.'));
    ApiError::invalid(format!(
        "You passed an empty string for '{name}'. We assume empty values are an attempt to unset \
         a parameter; however '{name}' cannot be unset. You should remove '{name}' from your \
         request or supply a non-empty value."
    ))
    .code("parameter_invalid_empty")
    .param(name)
}

/// `*` stands for one segment, a final `**` for any number.
fn matches(pattern: &str, path: &[&str]) -> bool {
    let mut segments = path.iter();
    for expected in pattern.split('.') {
        if expected == "**" {
            return true;
        }
        match segments.next() {
            Some(segment) if expected == "*" || expected == *segment => {}
            _ => return false,
        }
    }
    segments.next().is_none()
}

/// Where something is sent, as it stands in most objects.
pub(crate) const SHIPPING: &[&str] = &[
    "shipping",
    "shipping.name",
    "shipping.phone",
    "shipping.address.city",
    "shipping.address.country",
    "shipping.address.line1",
    "shipping.address.line2",
    "shipping.address.postal_code",
    "shipping.address.state",
];

/// By whom it is sent: payments and charges know this.
pub(crate) const CARRIER: &[&str] = &["shipping.carrier", "shipping.tracking_number"];

pub(crate) const PAYMENT_METHOD_DATA: &[&str] = &[
    "payment_method_data.type",
    "payment_method_data.card.number",
    "payment_method_data.card.exp_month",
    "payment_method_data.card.exp_year",
    "payment_method_data.card.cvc",
    "payment_method_data.card.token",
    "payment_method_data.sepa_debit.iban",
    "payment_method_data.eps.bank",
    "payment_method_data.ideal.bank",
    "payment_method_data.allow_redisplay",
    "payment_method_data.billing_details.name",
    "payment_method_data.billing_details.email",
    "payment_method_data.billing_details.phone",
    "payment_method_data.billing_details.address",
    "payment_method_data.billing_details.address.city",
    "payment_method_data.billing_details.address.country",
    "payment_method_data.billing_details.address.line1",
    "payment_method_data.billing_details.address.line2",
    "payment_method_data.billing_details.address.postal_code",
    "payment_method_data.billing_details.address.state",
    "payment_method_data.metadata",
    "payment_method_data.metadata.*",
];

/// What create, update and confirm have in common.
pub(crate) const DETAILS: &[&str] = &[
    "allowed_payment_method_types.*",
    "capture_method",
    "excluded_payment_method_types",
    "excluded_payment_method_types.*",
    "payment_method",
    "payment_method_options.card.request_three_d_secure",
    "receipt_email",
    "setup_future_usage",
    "expand.*",
];

pub(crate) const CREATE: &[&str] = &[
    "amount",
    "currency",
    "automatic_payment_methods.enabled",
    "automatic_payment_methods.allow_redirects",
    "confirm",
    "confirmation_method",
    "customer",
    "description",
    "metadata",
    "metadata.*",
    "statement_descriptor",
    "statement_descriptor_suffix",
    "transfer_group",
];

pub(crate) const UPDATE: &[&str] = &[
    "amount",
    "currency",
    "customer",
    "description",
    "metadata",
    "metadata.*",
    "statement_descriptor",
    "statement_descriptor_suffix",
    "transfer_group",
];

/// Parameters of a confirmation, also accepted by a create with `confirm=true`.
pub(crate) const CONFIRMATION: &[&str] = &[
    "confirmation_token",
    "error_on_requires_action",
    "off_session",
    "return_url",
    "use_stripe_sdk",
    "mandate_data",
    "mandate_data.**",
];

pub(crate) const CONFIRM: &[&str] = &["amount_to_confirm", "client_secret"];

pub(crate) const CAPTURE: &[&str] = &[
    "amount_to_capture",
    "final_capture",
    "metadata",
    "metadata.*",
    "statement_descriptor",
    "statement_descriptor_suffix",
    "expand.*",
];

pub(crate) const CAPTURE_NOT_SIMULATED: &[&str] = &[
    "amount_details.**",
    "application_fee_amount",
    "hooks.**",
    "payment_details.**",
    "transfer_data.**",
];

/// Parameters that Stripe has and this simulator does not simulate, by route.
pub(crate) const CREATE_NOT_SIMULATED: &[&str] = &[
    "amount_details.**",
    "application_fee_amount",
    "customer_account",
    "hooks.**",
    "mandate",
    "on_behalf_of",
    "payment_details.**",
    "payment_method_configuration",
    "payment_method_data.**",
    "payment_method_options.**",
    "radar_options.**",
    "transfer_data.**",
];

pub(crate) const UPDATE_NOT_SIMULATED: &[&str] = &[
    "amount_details.**",
    "application_fee_amount",
    "customer_account",
    "hooks.**",
    "payment_details.**",
    "payment_method_configuration",
    "payment_method_data.**",
    "payment_method_options.**",
    "transfer_data.**",
];

pub(crate) const CONFIRM_NOT_SIMULATED: &[&str] = &[
    "amount_details.**",
    "hooks.**",
    "mandate",
    "payment_details.**",
    "payment_method_data.**",
    "payment_method_options.**",
    "radar_options.**",
];

/// What every list takes; most can be narrowed by their rows' time as well.
pub(crate) const PAGE: &[&str] = &["limit", "starting_after", "ending_before", "expand.*"];

/// What Stripe.js says about the browser beside what it asks for: it changes no answer.
pub(crate) const TELEMETRY: &[&str] =
    &["guid", "muid", "sid", "pasted_fields", "payment_user_agent", "referrer", "time_on_page"];

pub(crate) const LIST: &[&str] = &[
    "created",
    "created.gt",
    "created.gte",
    "created.lt",
    "created.lte",
    "limit",
    "starting_after",
    "ending_before",
    "expand.*",
];
