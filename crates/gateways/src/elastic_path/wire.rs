//! Pieces of Elastic Path's objects as they travel, read leniently: only what we use, every field
//! optional, what is absent written as null, `""` or not at all. Fields and words may be added at any
//! time.

use std::str::FromStr;

use domain::{
    elastic_path::EpIdError,
    money::{Money, MoneyError},
};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::Value;

use super::{errors::EpError, send::Reply};

/// Why something that Elastic Path wrote cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum WireError {
    /// It is not JSON, or a field has another type: an amount with a fraction, for instance.
    #[error("not the JSON that was expected")]
    Json(#[from] serde_json::Error),
    /// A field that must be there is not.
    #[error("the field {0:?} is missing")]
    Missing(&'static str),
    /// A name that could not be written into a path.
    #[error(transparent)]
    Id(#[from] EpIdError),
    /// An amount that has no place in our books.
    #[error(transparent)]
    Money(#[from] MoneyError),
}

/// An amount in the minor unit.
#[derive(Deserialize)]
pub(super) struct Price {
    pub amount: Option<i64>,
    pub currency: Option<String>,
}

impl Price {
    /// As money; nothing where it has no amount, or, as in an empty cart, no currency.
    pub fn money(&self) -> Result<Option<Money>, WireError> {
        let currency = self.currency.as_deref().unwrap_or_default();
        match self.amount {
            Some(amount) if !currency.is_empty() => {
                Ok(Some(Money::new(amount, currency.parse()?)?))
            }
            Some(_) | None => Ok(None),
        }
    }
}

/// What a cart or an order comes to.
#[derive(Deserialize, Default)]
pub(super) struct DisplayPrice {
    pub with_tax: Option<Price>,
    pub without_tax: Option<Price>,
    pub tax: Option<Price>,
}

/// `meta` of a cart or an order.
#[derive(Deserialize, Default)]
pub(super) struct Meta {
    pub display_price: Option<DisplayPrice>,
}

/// An answer with its object under `data`.
#[derive(Deserialize)]
pub(super) struct Entity<T, I = Nothing> {
    pub data: T,
    pub included: Option<I>,
}

/// Nothing is included.
#[derive(Deserialize)]
pub(super) struct Nothing {}

/// A page of a list.
#[derive(Deserialize)]
pub(super) struct List<T> {
    pub data: Option<Vec<T>>,
    pub meta: Option<ListMeta>,
}

/// `meta` of a list.
#[derive(Deserialize)]
pub(super) struct ListMeta {
    pub results: Option<Results>,
}

/// How many there are in all.
#[derive(Deserialize)]
pub(super) struct Results {
    pub total: Option<u64>,
}

/// Money where there is a price.
pub(super) fn money(price: Option<&Price>) -> Result<Option<Money>, WireError> {
    price.map_or(Ok(None), Price::money)
}

/// The field, or the error that names it.
pub(super) fn need<T>(field: Option<T>, name: &'static str) -> Result<T, WireError> {
    field.ok_or(WireError::Missing(name))
}

/// An id that must be there.
pub(super) fn id<T: FromStr<Err = EpIdError>>(
    field: Option<&str>,
    name: &'static str,
) -> Result<T, WireError> {
    Ok(need(field, name)?.parse()?)
}

/// An id that may be there.
pub(super) fn some_id<T: FromStr<Err = EpIdError>>(
    field: Option<&str>,
) -> Result<Option<T>, WireError> {
    Ok(field.filter(|id| !id.is_empty()).map(str::parse).transpose()?)
}

/// What `relationships.….data` points to: null, one thing, several, or not there.
pub(super) fn related(relationships: Option<&Value>, name: &str) -> Vec<String> {
    let data = relationships.and_then(|all| all.get(name)?.get("data"));
    let each = match data {
        Some(Value::Array(each)) => each.as_slice(),
        Some(one @ Value::Object(_)) => std::slice::from_ref(one),
        Some(_) | None => &[],
    };
    each.iter().filter_map(|one| one.get("id")?.as_str().map(str::to_owned)).collect()
}

/// Reads an answer.
pub(super) fn read<T: DeserializeOwned, V>(
    reply: &Reply,
    view: impl FnOnce(T) -> Result<V, WireError>,
) -> Result<V, EpError> {
    let body = reply.json()?;
    serde_json::from_value(body)
        .map_err(WireError::from)
        .and_then(view)
        .map_err(EpError::unreadable)
}
