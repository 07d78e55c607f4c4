//! What a shopper fills in. Every text is there, possibly empty, and has a bound; whether it is
//! enough to pay is asked at the end, so that a half-filled form can be kept.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::LazyLock;

use regex::Regex;

use super::Form;
use crate::contact::{AddressDraft, CountryCode, Email};

/// The text is too long, or holds a character that controls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{what} has at most {chars_max} characters, and none that controls")]
pub struct TextError {
    /// Which text, in the words of the session's contract.
    pub what: &'static str,
    /// How long it may be.
    pub chars_max: usize,
}

/// Longest text of a form: a label has no room for more.
pub const TEXT_CHARS_MAX: usize = 200;

/// A text of a form or of a rate, without surrounding blanks.
pub(super) fn bounded(
    what: &'static str,
    text: &str,
    chars_max: usize,
) -> Result<String, TextError> {
    let text = text.trim();
    match text.chars().count() <= chars_max && !text.contains(char::is_control) {
        true => Ok(text.to_owned()),
        false => Err(TextError { what, chars_max }),
    }
}

impl Form {
    /// The same form, of which nobody can tell who filled it in or where she lives.
    pub fn without_person(self) -> Self {
        Self { customer: None, shipping_address: None, billing_address: None, ..self }
    }
}

/// Who buys, as typed. Its `Debug` hides it.
#[derive(Clone, PartialEq, Eq)]
pub struct Customer {
    name: String,
    email: String,
}

impl Customer {
    /// What the shopper typed.
    pub fn new(name: &str, email: &str) -> Result<Self, TextError> {
        let name = bounded("customerInfo.name", name, TEXT_CHARS_MAX)?;
        let email = bounded("customerInfo.email", email, TEXT_CHARS_MAX)?;
        Ok(Self { name, email })
    }

    /// Her name; may be empty.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Her e-mail address as typed; may be none.
    pub fn email(&self) -> &str {
        &self.email
    }

    /// Whether she can be named and written to.
    pub fn is_complete(&self) -> bool {
        !self.name.is_empty() && self.email.parse::<Email>().is_ok()
    }
}

impl fmt::Debug for Customer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Customer(…)")
    }
}

/// A part of a [`FormAddress`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AddressPart {
    /// Given name.
    FirstName,
    /// Family name.
    LastName,
    /// Company.
    Company,
    /// Street and number.
    Line1,
    /// What else the carrier must know.
    Line2,
    /// Town.
    City,
    /// County, state or region.
    County,
    /// ISO 3166-1 alpha-2.
    Country,
    /// Postal code.
    Postcode,
}

impl AddressPart {
    /// Every part, in the order in which they are stored.
    pub const ALL: [Self; 9] = [
        Self::FirstName,
        Self::LastName,
        Self::Company,
        Self::Line1,
        Self::Line2,
        Self::City,
        Self::County,
        Self::Country,
        Self::Postcode,
    ];

    /// The part's name in the session's contract.
    pub fn name(self) -> &'static str {
        match self {
            Self::FirstName => "firstName",
            Self::LastName => "lastName",
            Self::Company => "company",
            Self::Line1 => "line1",
            Self::Line2 => "line2",
            Self::City => "city",
            Self::County => "county",
            Self::Country => "country",
            Self::Postcode => "postcode",
        }
    }
}

/// An address as a form has it: each part is there, none is proven. Its `Debug` hides it.
#[derive(Clone, PartialEq, Eq)]
pub struct FormAddress([String; 9]);

/// Whether an address needs a postal code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PostcodeRule {
    /// Always: the platform refuses an order without one.
    Always,
    /// Where the country has them.
    ByCountry,
}

impl FormAddress {
    /// An address of which `part` tells each part.
    pub fn new(part: impl Fn(AddressPart) -> String) -> Result<Self, TextError> {
        let mut parts = <[String; 9]>::default();
        for (kept, which) in parts.iter_mut().zip(AddressPart::ALL) {
            *kept = bounded(which.name(), &part(which), TEXT_CHARS_MAX)?;
        }
        Ok(Self(parts))
    }

    /// One part; may be empty.
    pub fn get(&self, part: AddressPart) -> &str {
        &self.0[part as usize]
    }

    /// Whether an order can be made with it: names, street and a country that exists, and a postal
    /// code where the rule asks for one.
    pub fn is_complete(&self, postcode: PostcodeRule) -> bool {
        use AddressPart as P;
        let Ok(country) = self.get(P::Country).parse::<CountryCode>() else { return false };
        let needs_postcode = match postcode {
            PostcodeRule::Always => true,
            PostcodeRule::ByCountry => country.needs_postal_code(),
        };
        let filled = |part| !self.get(part).is_empty();
        [P::FirstName, P::LastName, P::Line1].into_iter().all(filled)
            && (!needs_postcode || filled(P::Postcode))
    }

    /// The same for an order of our own, still to be checked against its country's rules.
    pub fn draft(&self) -> AddressDraft {
        use AddressPart as P;
        let joined = |parts: [P; 2], between: &str| {
            let filled = parts.map(|part| self.get(part)).into_iter().filter(|t| !t.is_empty());
            filled.collect::<Vec<_>>().join(between)
        };
        let company = self.get(P::Company);
        AddressDraft {
            name: joined([P::FirstName, P::LastName], " "),
            company: (!company.is_empty()).then(|| company.to_owned()),
            street: joined([P::Line1, P::Line2], ", "),
            postal_code: self.get(P::Postcode).to_owned(),
            city: joined([P::City, P::County], ", "),
            country: self.get(P::Country).to_owned(),
            phone: None,
        }
    }
}

impl fmt::Debug for FormAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FormAddress({})", self.get(AddressPart::Country))
    }
}

/// The value of a custom attribute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AttributeValue {
    /// A text; at most [`Attributes::VALUE_CHARS_MAX`] characters.
    Text(String),
    /// A number, as it was written.
    Number(NumberText),
    /// Yes or no.
    Flag(bool),
}

impl AttributeValue {
    /// Which kind it is, and its text: what it is kept and compared by.
    pub fn words(&self) -> (&'static str, &str) {
        match self {
            Self::Text(text) => ("text", text),
            Self::Number(number) => ("number", number.as_str()),
            Self::Flag(true) => ("flag", "yes"),
            Self::Flag(false) => ("flag", "no"),
        }
    }
}

/// A number as JSON writes one. Nothing is ever computed with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NumberText(String);

static NUMBER: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"^-?(0|[1-9][0-9]{0,19})(\.[0-9]{1,20})?([eE][+-]?[0-9]{1,3})?$")
        .expect("a pattern that a test uses")
});

impl NumberText {
    /// The text, if it is a number.
    pub fn new(text: &str) -> Option<Self> {
        NUMBER.is_match(text).then(|| Self(text.to_owned()))
    }

    /// As it was written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What a storefront notes with an order, in its own words.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Attributes(BTreeMap<String, AttributeValue>);

/// Which attributes the shop takes; all others are dropped without a word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AllowedAttributes {
    /// Those with these names. None, unless the configuration says otherwise.
    Only(BTreeSet<String>),
    /// Any.
    All,
}

/// Too many attributes, or one that is too long.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "there are at most {} custom attributes, with names of at most {} and texts of at most {} \
     characters",
    Attributes::COUNT_MAX,
    Attributes::NAME_CHARS_MAX,
    Attributes::VALUE_CHARS_MAX
)]
pub struct AttributesError;

impl Attributes {
    /// A form with more fields is not a checkout.
    pub const COUNT_MAX: usize = 50;
    /// Longest name.
    pub const NAME_CHARS_MAX: usize = 100;
    /// Longest text: a gift message.
    pub const VALUE_CHARS_MAX: usize = 500;

    /// Attributes that a storefront sent, or that were stored.
    pub fn new(
        attributes: impl IntoIterator<Item = (String, AttributeValue)>,
    ) -> Result<Self, AttributesError> {
        let mut kept = BTreeMap::new();
        for (name, value) in attributes {
            let fits = |text: &str, max| text.chars().count() <= max && !text.contains('\0');
            let value_fits = match &value {
                AttributeValue::Text(text) => fits(text, Self::VALUE_CHARS_MAX),
                AttributeValue::Number(_) | AttributeValue::Flag(_) => true,
            };
            if name.is_empty() || !fits(&name, Self::NAME_CHARS_MAX) || !value_fits {
                return Err(AttributesError);
            }
            kept.insert(name, value);
            if kept.len() > Self::COUNT_MAX {
                return Err(AttributesError);
            }
        }
        Ok(Self(kept))
    }

    /// Those that the shop takes.
    #[must_use]
    pub fn allowed(mut self, allowed: &AllowedAttributes) -> Self {
        match allowed {
            AllowedAttributes::All => {}
            AllowedAttributes::Only(names) => self.0.retain(|name, _| names.contains(name)),
        }
        self
    }

    /// These, with those of `newer` put over them.
    pub fn merged(self, newer: Self) -> Result<Self, AttributesError> {
        Self::new(self.0.into_iter().chain(newer.0))
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Each, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &AttributeValue)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value))
    }
}
