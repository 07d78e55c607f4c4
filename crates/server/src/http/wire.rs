//! How amounts look outside: JSON numbers in the major unit, with exactly the decimals of the
//! currency. They are written from digits and never pass through a float.

use std::borrow::Cow;

use domain::money::Money;
use serde::{Serialize, Serializer};
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
