//! Amounts: a count of minor units together with its currency. There is no float and no bare
//! number: arithmetic is checked and says why it failed.

use std::{fmt, str::FromStr};

/// A currency of ISO 4217 that has minor units or none (not a fund, metal or test code).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Currency(iso_currency::Currency);

impl Currency {
    /// How many decimals the major unit has by ISO 4217: 2 for EUR, 0 for JPY, 3 for KWD.
    pub fn exponent(self) -> u32 {
        // `FromStr` is the only constructor and refuses currencies without an exponent.
        self.0.exponent().map_or(0, u32::from)
    }

    /// The three letters in capitals, as ISO writes them.
    pub fn code(self) -> &'static str {
        self.0.code()
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl FromStr for Currency {
    type Err = MoneyError;
    /// Reads a code in any case.
    fn from_str(text: &str) -> Result<Self, MoneyError> {
        let upper = text.to_ascii_uppercase();
        match iso_currency::Currency::from_code(&upper) {
            Some(currency) if currency.exponent().is_some() => Ok(Self(currency)),
            Some(_) | None => Err(MoneyError::UnknownCurrency(shown(text))),
        }
    }
}

/// An amount in the currency's minor unit (ISO 4217): cents for EUR, whole yen for JPY.
/// Never negative: what is owed the other way is a refund, not a negative amount.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Money {
    /// At least zero, at most [`Money::MINOR_MAX`].
    minor: i64,
    currency: Currency,
}

/// Why an amount could not be made or computed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MoneyError {
    /// Two amounts of different currencies met.
    #[error("{left} and {right} cannot be added up")]
    CurrencyMismatch {
        /// The currency on the left.
        left: Currency,
        /// The currency on the right.
        right: Currency,
    },
    /// The result is larger than any amount this shop handles.
    #[error("the amount is too large")]
    Overflow,
    /// The result would be below zero.
    #[error("the amount would be negative")]
    Negative,
    /// Not a currency of ISO 4217 with an exponent.
    #[error("{0:?} is not a currency of ISO 4217, such as EUR")]
    UnknownCurrency(String),
    /// Not a decimal number in the currency's major unit.
    #[error("{text:?} is not an amount in {currency} (expected digits with at most {} decimals)", currency.exponent())]
    NotAnAmount {
        /// What was read.
        text: String,
        /// The currency it was read for.
        currency: Currency,
    },
}

impl Money {
    /// Twelve digits, the largest amount that a card network's message can carry.
    pub const MINOR_MAX: i64 = 999_999_999_999;

    /// An amount of `minor` units.
    pub fn new(minor: i64, currency: Currency) -> Result<Self, MoneyError> {
        match minor {
            ..0 => Err(MoneyError::Negative),
            0..=Self::MINOR_MAX => Ok(Self { minor, currency }),
            _ => Err(MoneyError::Overflow),
        }
    }

    /// Nothing.
    pub fn zero(currency: Currency) -> Self {
        Self { minor: 0, currency }
    }

    /// Reads an amount in the major unit (`49.98`, `500`), exactly. More decimals than the
    /// currency has are refused, not rounded.
    pub fn parse_major(text: &str, currency: Currency) -> Result<Self, MoneyError> {
        let wrong = || MoneyError::NotAnAmount { text: shown(text), currency };
        let (whole, decimals) = text.split_once('.').unwrap_or((text, ""));
        let exponent = currency.exponent() as usize;
        let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        let dangling = decimals.is_empty() && text.contains('.');
        if whole.is_empty() || dangling || decimals.len() > exponent {
            return Err(wrong());
        }
        if !digits(whole) || !digits(decimals) {
            return Err(wrong());
        }
        // Nineteen digits may still overflow an i64; the parse says so.
        let all = format!("{whole}{decimals:0<exponent$}");
        let minor = all.parse::<i64>().map_err(|_| MoneyError::Overflow)?;
        Self::new(minor, currency)
    }

    /// The count of minor units.
    pub fn minor(self) -> i64 {
        self.minor
    }

    /// The currency.
    pub fn currency(self) -> Currency {
        self.currency
    }

    /// Whether there is nothing to pay.
    pub fn is_zero(self) -> bool {
        self.minor == 0
    }

    /// The amount in the major unit with all decimals of its currency: `49.98`, `500`, `1.500`.
    pub fn major(self) -> String {
        let exponent = self.currency.exponent() as usize;
        let digits = format!("{:0>width$}", self.minor, width = exponent + 1);
        let (whole, decimals) = digits.split_at(digits.len() - exponent);
        if decimals.is_empty() { whole.to_owned() } else { format!("{whole}.{decimals}") }
    }

    /// Adds two amounts of the same currency. Never wraps, never rounds.
    pub fn plus(self, other: Self) -> Result<Self, MoneyError> {
        self.same_currency(other)?;
        Self::new(self.minor.checked_add(other.minor).ok_or(MoneyError::Overflow)?, self.currency)
    }

    /// Takes an amount away; an error where it would go below zero.
    pub fn minus(self, other: Self) -> Result<Self, MoneyError> {
        self.same_currency(other)?;
        Self::new(self.minor.checked_sub(other.minor).ok_or(MoneyError::Overflow)?, self.currency)
    }

    /// `count` times the amount.
    pub fn times(self, count: u32) -> Result<Self, MoneyError> {
        let minor = self.minor.checked_mul(i64::from(count)).ok_or(MoneyError::Overflow)?;
        Self::new(minor, self.currency)
    }

    /// The share `numerator / denominator` of the amount, half a minor unit rounded up.
    pub fn share(self, numerator: u32, denominator: u32) -> Result<Self, MoneyError> {
        if denominator == 0 {
            return Err(MoneyError::Overflow);
        }
        let (numerator, denominator) = (i128::from(numerator), i128::from(denominator));
        let doubled = i128::from(self.minor) * numerator * 2 + denominator;
        let minor = i64::try_from(doubled / (denominator * 2)).map_err(|_| MoneyError::Overflow)?;
        Self::new(minor, self.currency)
    }

    fn same_currency(self, other: Self) -> Result<(), MoneyError> {
        if self.currency == other.currency {
            return Ok(());
        }
        Err(MoneyError::CurrencyMismatch { left: self.currency, right: other.currency })
    }
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.major(), self.currency)
    }
}

/// As much of what was read as an error repeats: it may be anything, and of any length.
fn shown(text: &str) -> String {
    const CHARS_SHOWN: usize = 40;
    match text.char_indices().nth(CHARS_SHOWN) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;

    use proptest::prelude::*;

    use super::*;

    fn eur() -> Currency {
        "eur".parse().unwrap()
    }

    fn currencies() -> &'static [Currency] {
        static ALL: LazyLock<Vec<Currency>> = LazyLock::new(|| {
            let letters = || 'A'..='Z';
            let codes = letters().flat_map(|a| letters().map(move |b| format!("{a}{b}")));
            let codes = codes.flat_map(|ab| letters().map(move |c| format!("{ab}{c}")));
            codes.filter_map(|code| code.parse().ok()).collect()
        });
        assert!(ALL.len() > 150);
        &ALL
    }

    #[test]
    fn an_amount_is_written_with_the_decimals_of_its_currency() {
        for (minor, code, written) in [
            (4998, "EUR", "49.98"),
            (5, "EUR", "0.05"),
            (0, "EUR", "0.00"),
            (500, "JPY", "500"),
            (1500, "KWD", "1.500"),
            (7, "KWD", "0.007"),
        ] {
            let money = Money::new(minor, code.parse().unwrap()).unwrap();
            assert_eq!(money.major(), written);
            assert_eq!(Money::parse_major(written, money.currency()), Ok(money));
        }
    }

    #[test]
    fn an_amount_with_too_many_decimals_or_a_sign_is_refused_not_rounded() {
        for text in ["1.234", "-1", "+1", "", ".5", "5.", "1,5", "1e3", "٣"] {
            let read = Money::parse_major(text, eur());
            assert!(matches!(read, Err(MoneyError::NotAnAmount { .. })), "{text:?} gave {read:?}");
        }
        let yen = "JPY".parse().unwrap();
        assert!(Money::parse_major("1.0", yen).is_err());
    }

    #[test]
    fn an_error_repeats_only_the_beginning_of_what_was_read() {
        let long = "é".repeat(10_000);
        let errors = [Money::parse_major(&long, eur()).err(), long.parse::<Currency>().err()];
        for error in errors {
            let sentence = error.unwrap().to_string();
            assert!(sentence.contains("é…") && sentence.chars().count() < 200, "{sentence}");
        }
    }

    #[test]
    fn a_fund_or_a_metal_is_no_currency_to_pay_in() {
        for code in ["XAU", "XXX", "EURO", "", "12"] {
            assert!(code.parse::<Currency>().is_err(), "{code}");
        }
    }

    #[test]
    fn amounts_of_two_currencies_do_not_add_up() {
        let one = Money::new(1, eur()).unwrap();
        let yen = Money::new(1, "JPY".parse().unwrap()).unwrap();
        assert!(matches!(one.plus(yen), Err(MoneyError::CurrencyMismatch { .. })));
    }

    #[test]
    fn half_a_cent_is_rounded_up() {
        let of = |minor, n, d| Money::new(minor, eur()).unwrap().share(n, d).unwrap().minor();
        assert_eq!(of(1, 1, 2), 1);
        assert_eq!(of(1, 49, 100), 0);
        assert_eq!(of(11900, 19, 119), 1900);
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back_exactly_in_every_currency(minor in 0..=Money::MINOR_MAX) {
            for currency in currencies() {
                let money = Money::new(minor, *currency).unwrap();
                let written = money.major();
                let decimals = written.split_once('.').map_or(0, |(_, decimals)| decimals.len());
                prop_assert_eq!(decimals, currency.exponent() as usize);
                prop_assert_eq!(Money::parse_major(&written, *currency), Ok(money));
            }
        }

        #[test]
        fn a_currency_is_what_its_three_letters_say_or_none(text in "[A-Za-z]{3}|\\PC{0,5}") {
            if let Ok(currency) = text.parse::<Currency>() {
                prop_assert_eq!(currency.code(), text.to_ascii_uppercase());
                prop_assert!(currencies().contains(&currency));
            }
        }

        #[test]
        fn reading_an_amount_never_panics(text in ".*") {
            let _ = Money::parse_major(&text, eur());
        }

        #[test]
        fn a_share_is_never_more_than_the_whole(minor in 0..=Money::MINOR_MAX, n in 0u32..10_000) {
            let money = Money::new(minor, eur()).unwrap();
            prop_assert!(money.share(n, 10_000).unwrap().minor() <= minor);
        }
    }
}
