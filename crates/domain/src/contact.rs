//! Who buys and where it goes. Which fields a country needs and how its postal codes look comes
//! from a maintained data set (`data/countries.tsv`), not from a list of ours.

use std::{
    collections::BTreeMap,
    fmt,
    str::FromStr,
    sync::{LazyLock, OnceLock},
};

use email_address::{EmailAddress, Options};
use regex::Regex;

static COUNTRIES: LazyLock<BTreeMap<&'static str, Country>> = LazyLock::new(|| {
    include_str!("../data/countries.tsv")
        .lines()
        .filter(|line| !line.starts_with('#') && !line.starts_with("code\t"))
        .filter_map(Country::from_row)
        .map(|country| (country.code, country))
        .collect()
});

/// What the data set says of a country.
#[derive(Debug)]
struct Country {
    code: &'static str,
    /// Letters of the required fields: A street, C city, Z postal code.
    required: &'static str,
    postal_code: &'static str,
    postal_code_example: &'static str,
    pattern: OnceLock<Option<Regex>>,
}

impl Country {
    fn from_row(row: &'static str) -> Option<Self> {
        let mut columns = row.split('\t');
        let (code, _name) = (columns.next()?, columns.next()?);
        let required = columns.next()?;
        let postal_code = columns.next()?;
        let postal_code_example = columns.next().unwrap_or("");
        Some(Self { code, required, postal_code, postal_code_example, pattern: OnceLock::new() })
    }

    fn pattern(&self) -> Option<&Regex> {
        let anchored = || Regex::new(&format!("^(?i:{})$", self.postal_code)).ok();
        self.pattern.get_or_init(anchored).as_ref().filter(|_| !self.postal_code.is_empty())
    }
}

/// A country of ISO 3166-1, by its two letters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CountryCode(&'static str);

/// The text is not a country code.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a country code of ISO 3166-1 alpha-2, such as DE")]
pub struct CountryError(String);

impl CountryCode {
    /// Two letters in capitals.
    pub fn as_str(self) -> &'static str {
        self.0
    }

    /// Every country of ISO 3166-1.
    pub fn all() -> impl Iterator<Item = Self> {
        COUNTRIES.keys().copied().map(Self)
    }

    /// Whether an address there has a postal code.
    pub fn needs_postal_code(self) -> bool {
        self.country().required.contains('Z')
    }

    fn country(self) -> &'static Country {
        // `FromStr` and `all` are the only constructors, and both read this table.
        &COUNTRIES[self.0]
    }
}

impl FromStr for CountryCode {
    type Err = CountryError;
    /// Reads a code in any case.
    fn from_str(text: &str) -> Result<Self, CountryError> {
        let upper = text.to_ascii_uppercase();
        let known = COUNTRIES.get_key_value(upper.as_str());
        known.map(|(code, _)| Self(code)).ok_or_else(|| CountryError(text.to_owned()))
    }
}

impl fmt::Display for CountryCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

/// An e-mail address that can be written to. Its `Debug` hides it: logs hold no personal data.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Email(String);

/// The text is not an e-mail address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an e-mail address, such as ada@example.org")]
pub struct EmailError;

impl Email {
    /// As the shopper typed it, without surrounding blanks.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Email {
    type Err = EmailError;
    fn from_str(text: &str) -> Result<Self, EmailError> {
        // The standard lets a tab stand in a quoted name; no line of a mail's head should hold one.
        if text.trim().contains(char::is_control) {
            return Err(EmailError);
        }
        let options = Options::default().without_display_text().with_required_tld();
        let options = options.without_domain_literal();
        EmailAddress::parse_with_options(text.trim(), options)
            .map(|email| Self(email.to_string()))
            .map_err(|_| EmailError)
    }
}

impl fmt::Debug for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Email(…)")
    }
}

/// An address as it was typed, before its country's rules were asked.
#[derive(Clone, Default)]
pub struct AddressDraft {
    /// Who receives it.
    pub name: String,
    /// Their company.
    pub company: Option<String>,
    /// Street and number.
    pub street: String,
    /// Postal code, empty where the country has none.
    pub postal_code: String,
    /// Town.
    pub city: String,
    /// ISO 3166-1 alpha-2.
    pub country: String,
    /// For the carrier.
    pub phone: Option<String>,
}

/// An address that satisfies its country's rules. Its `Debug` hides everything but the country.
#[derive(Clone, PartialEq, Eq)]
pub struct Address {
    name: String,
    company: Option<String>,
    street: String,
    postal_code: String,
    city: String,
    country: CountryCode,
    phone: Option<String>,
}

/// A field of an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AddressField {
    /// Who receives it.
    Name,
    /// Their company.
    Company,
    /// Street and number.
    Street,
    /// Postal code.
    PostalCode,
    /// Town.
    City,
    /// Country.
    Country,
    /// Telephone.
    Phone,
}

/// What is wrong with an address, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct AddressError {
    /// The first field that is wrong.
    pub field: AddressField,
    /// A sentence for the shopper.
    pub reason: String,
}

impl Address {
    /// Longest field; a label has no room for more, and Stripe takes 500 characters in metadata.
    pub const FIELD_CHARS_MAX: usize = 200;

    /// Checks a draft against its country's rules.
    pub fn parse(draft: &AddressDraft) -> Result<Self, AddressError> {
        let country = draft.country.trim().parse::<CountryCode>().map_err(|error| {
            AddressError { field: AddressField::Country, reason: format!("{error}.") }
        })?;
        let needs = |letter| country.country().required.contains(letter);
        let address = Self {
            name: field(AddressField::Name, &draft.name, true)?,
            company: optional(AddressField::Company, draft.company.as_deref())?,
            street: field(AddressField::Street, &draft.street, needs('A'))?,
            postal_code: field(AddressField::PostalCode, &draft.postal_code, needs('Z'))?,
            city: field(AddressField::City, &draft.city, needs('C'))?,
            country,
            phone: optional(AddressField::Phone, draft.phone.as_deref())?,
        };
        address.check_postal_code()?;
        Ok(address)
    }

    /// An address that was checked when it was stored. The data set may have changed since; an
    /// order that was made under the old rules stays as it is.
    pub fn restore(draft: AddressDraft) -> Result<Self, CountryError> {
        let country = draft.country.parse()?;
        let AddressDraft { name, company, street, postal_code, city, phone, .. } = draft;
        Ok(Self { name, company, street, postal_code, city, country, phone })
    }

    fn check_postal_code(&self) -> Result<(), AddressError> {
        let country = self.country.country();
        let fits = match country.pattern() {
            Some(pattern) => pattern.is_match(&self.postal_code),
            None => true,
        };
        if self.postal_code.is_empty() || fits {
            return Ok(());
        }
        let example = country.postal_code_example.split(',').next().unwrap_or_default();
        let reason = format!(
            "{:?} is not a postal code of {}, such as {example}.",
            self.postal_code, self.country
        );
        Err(AddressError { field: AddressField::PostalCode, reason })
    }

    /// Who receives it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Their company.
    pub fn company(&self) -> Option<&str> {
        self.company.as_deref()
    }

    /// Street and number.
    pub fn street(&self) -> &str {
        &self.street
    }

    /// Postal code, empty where the country has none.
    pub fn postal_code(&self) -> &str {
        &self.postal_code
    }

    /// Town.
    pub fn city(&self) -> &str {
        &self.city
    }

    /// Country.
    pub fn country(&self) -> CountryCode {
        self.country
    }

    /// For the carrier.
    pub fn phone(&self) -> Option<&str> {
        self.phone.as_deref()
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Address(… {})", self.country)
    }
}

impl AddressField {
    /// The field's name on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::Company => "company",
            Self::Street => "street",
            Self::PostalCode => "postalCode",
            Self::City => "city",
            Self::Country => "country",
            Self::Phone => "phone",
        }
    }
}

fn field(field: AddressField, text: &str, required: bool) -> Result<String, AddressError> {
    let text = text.trim();
    let wrong = |reason: String| Err(AddressError { field, reason });
    if required && text.is_empty() {
        return wrong(format!("{} is missing.", field.name()));
    }
    if text.chars().count() > Address::FIELD_CHARS_MAX {
        return wrong(format!(
            "{} is longer than {} characters.",
            field.name(),
            Address::FIELD_CHARS_MAX
        ));
    }
    if text.chars().any(char::is_control) {
        return wrong(format!("{} holds a control character.", field.name()));
    }
    Ok(text.to_owned())
}

fn optional(name: AddressField, text: Option<&str>) -> Result<Option<String>, AddressError> {
    Ok(Some(field(name, text.unwrap_or_default(), false)?).filter(|text| !text.is_empty()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn draft(country: &str, postal_code: &str) -> AddressDraft {
        AddressDraft {
            name: "Ada".into(),
            street: "Hauptstr. 1".into(),
            postal_code: postal_code.into(),
            city: "Berlin".into(),
            country: country.into(),
            ..AddressDraft::default()
        }
    }

    #[test]
    fn a_postal_code_follows_the_rules_of_its_country() {
        for (country, good, bad) in [
            ("DE", "10115", "1011"),
            ("GB", "SW1A 1AA", "10115"),
            ("NL", "1012 AB", "ABCDE"),
            ("US", "94103", "ABC"),
            ("AT", "1010", "10100"),
        ] {
            assert!(Address::parse(&draft(country, good)).is_ok(), "{country} {good}");
            let error = Address::parse(&draft(country, bad)).unwrap_err();
            assert_eq!(error.field, AddressField::PostalCode, "{country} {bad}");
        }
    }

    #[test]
    fn a_country_without_postal_codes_needs_none() {
        assert!(Address::parse(&draft("HK", "")).is_ok());
        let error = Address::parse(&draft("DE", " ")).unwrap_err();
        assert_eq!(error.field, AddressField::PostalCode);
    }

    #[test]
    fn the_field_that_is_wrong_is_named() {
        let nameless = AddressDraft { name: " ".into(), ..draft("DE", "10115") };
        assert_eq!(Address::parse(&nameless).unwrap_err().field, AddressField::Name);
        let nowhere = Address::parse(&draft("XX", "1")).unwrap_err();
        assert_eq!(nowhere.field, AddressField::Country);
        let forged = AddressDraft { city: "Ber\nlin".into(), ..draft("DE", "10115") };
        assert_eq!(Address::parse(&forged).unwrap_err().field, AddressField::City);
    }

    #[test]
    fn every_country_of_the_data_set_can_be_used() {
        assert!(CountryCode::all().count() > 240);
        for code in CountryCode::all() {
            let country = code.country();
            assert!(country.postal_code.is_empty() || country.pattern().is_some(), "{code}");
            for example in country.postal_code_example.split(',').filter(|text| !text.is_empty()) {
                let fits = country.pattern().is_none_or(|pattern| pattern.is_match(example));
                assert!(fits, "{code}: {example}");
            }
        }
    }

    #[test]
    fn an_email_address_is_checked_and_stays_out_of_logs() {
        let ada: Email = " ada@example.org ".parse().unwrap();
        assert_eq!((ada.as_str(), format!("{ada:?}").as_str()), ("ada@example.org", "Email(…)"));
        for text in [
            "",
            "ada",
            "ada@",
            "@example.org",
            "a b@example.org",
            "\"a\tb\"@example.org",
            "\"a\u{85}b\"@example.org",
            "Ada <ada@example.org>",
        ] {
            assert!(text.parse::<Email>().is_err(), "{text}");
        }
    }

    /// Texts of any script, of the wrong length, and with what no label and no mail may hold.
    fn text() -> impl Strategy<Value = String> {
        prop_oneof![
            ".{0,30}",
            "\\PC{0,30}",
            "[ \u{0}\r\n\t\u{a0}x]{0,8}",
            "x{195,205}",
            "é{195,205}"
        ]
    }

    proptest! {
        #[test]
        fn an_address_that_is_taken_can_be_printed_stored_and_read_again(
            texts in prop::array::uniform6(text()),
            country in prop_oneof![3 => "[A-Z]{2}", 1 => "(DE|GB|NL|HK|de| US )", 1 => ".{0,4}"],
        ) {
            let [name, company, street, postal_code, city, phone] = texts;
            let (company, phone) = (Some(company), Some(phone));
            let draft = AddressDraft { name, company, street, postal_code, city, country, phone };
            let Ok(address) = Address::parse(&draft) else { return Ok(()) };
            let again = AddressDraft {
                name: address.name().to_owned(),
                company: address.company().map(str::to_owned),
                street: address.street().to_owned(),
                postal_code: address.postal_code().to_owned(),
                city: address.city().to_owned(),
                country: address.country().to_string(),
                phone: address.phone().map(str::to_owned),
            };
            let fields = [&again.name, &again.street, &again.postal_code, &again.city];
            for field in fields.into_iter().chain(&again.company).chain(&again.phone) {
                prop_assert_eq!(field.trim(), field);
                prop_assert!(field.chars().count() <= Address::FIELD_CHARS_MAX);
                prop_assert!(!field.contains(char::is_control));
            }
            prop_assert!(!again.name.is_empty());
            prop_assert_eq!(Address::parse(&again), Ok(address.clone()));
            prop_assert_eq!(Address::restore(again), Ok(address));
        }

        #[test]
        fn an_email_address_that_is_taken_is_one_line_and_one_recipient(
            text in prop_oneof![
                ".{0,20}@.{0,20}",
                "[a-z\"\\\\ <>,\r\n\u{0}\t\u{85}]{1,9}@[a-z\u{0}.]{1,8}\\.[a-z]{2,3}",
                "\"[ -~\t\u{80}-\u{9f}\u{2028}]{0,9}\"@example\\.org",
            ],
        ) {
            if let Ok(email) = text.parse::<Email>() {
                prop_assert_eq!(email.as_str(), text.trim());
                prop_assert!(!email.as_str().contains(char::is_control), "{:?}", email.as_str());
                prop_assert!(email.as_str().len() <= 320);
                prop_assert_eq!(email.as_str().parse::<Email>(), Ok(email));
            }
        }
    }
}
