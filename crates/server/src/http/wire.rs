//! How amounts and custom attributes look outside. Amounts are JSON numbers in the major unit, with
//! exactly the decimals of the currency; they are written from digits and never pass through a float.

use std::borrow::Cow;

use domain::{
    money::Money,
    session::{AttributeValue, Attributes},
};
use serde::{Serialize, Serializer, ser::SerializeMap};
use serde_json::value::RawValue;
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{
        RefOr,
        schema::{ObjectBuilder, Schema, SchemaType, Type},
    },
};

/// An amount in the major unit: `49.98` for EUR, `500` for JPY.
#[derive(Debug, Clone, Copy)]
pub struct Amount(Money);

impl From<Money> for Amount {
    fn from(money: Money) -> Self {
        Self(money)
    }
}

impl Serialize for Amount {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let digits = RawValue::from_string(self.0.major());
        digits.map_err(serde::ser::Error::custom)?.serialize(serializer)
    }
}

impl PartialSchema for Amount {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(SchemaType::Type(Type::Number))
            .description(Some("An amount in the currency's major unit, with exactly its decimals."))
            .minimum(Some(0))
            .examples([serde_json::json!(49.98)])
            .into()
    }
}

impl ToSchema for Amount {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("Amount")
    }
}

/// The currency's code as the wire has it: lower case, as Stripe and the browser want it.
pub fn currency(money: Money) -> String {
    money.currency().code().to_ascii_lowercase()
}

/// What a storefront notes with an order, in its own words: each a text, a number, true or false.
#[derive(Debug)]
pub struct CustomAttributes(Attributes);

impl CustomAttributes {
    /// Some, unless there is nothing to show.
    pub fn some(attributes: &Attributes) -> Option<Self> {
        (!attributes.is_empty()).then(|| Self(attributes.clone()))
    }
}

impl From<Attributes> for CustomAttributes {
    fn from(attributes: Attributes) -> Self {
        Self(attributes)
    }
}

impl Serialize for CustomAttributes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for (name, value) in self.0.iter() {
            match value {
                AttributeValue::Text(text) => map.serialize_entry(name, text)?,
                AttributeValue::Flag(flag) => map.serialize_entry(name, flag)?,
                AttributeValue::Number(number) => {
                    let digits = RawValue::from_string(number.as_str().to_owned());
                    map.serialize_entry(name, &digits.map_err(serde::ser::Error::custom)?)?;
                }
            }
        }
        map.end()
    }
}

impl PartialSchema for CustomAttributes {
    fn schema() -> RefOr<Schema> {
        let value = [Type::String, Type::Number, Type::Boolean];
        let value = ObjectBuilder::new().schema_type(SchemaType::Array(value.into()));
        ObjectBuilder::new()
            .description(Some("What the storefront notes with an order, in its own words."))
            .additional_properties(Some(value))
            .into()
    }
}

impl ToSchema for CustomAttributes {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("CustomAttributes")
    }
}
