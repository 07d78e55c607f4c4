//! Stripe's amounts. Its minor unit is not always ISO 4217's, so amounts are converted here, at
//! the border, and nowhere else; exactly, or not at all.
//!
//! Source: <https://docs.stripe.com/currencies> (read 2026-11-21).

use domain::{
    checkout::ChargeLimits,
    money::{Currency, Money, MoneyError},
};

/// Currencies that Stripe counts in whole units. ISO 4217 gives MGA two decimals all the same.
const NO_DECIMALS: &[&str] = &[
    "BIF", "CLP", "DJF", "GNF", "JPY", "KMF", "KRW", "MGA", "PYG", "RWF", "VND", "VUV", "XAF",
    "XOF", "XPF",
];

/// Currencies with three decimals, of which the last must be zero.
const THREE_DECIMALS: &[&str] = &["BHD", "JOD", "KWD", "OMR", "TND"];

/// Whole units by ISO 4217 that Stripe counts in hundredths, of which both digits must be zero.
const WHOLE_IN_HUNDREDTHS: &[&str] = &["ISK", "UGX"];

/// The smallest charge in ISO minor units. Stripe applies the minimum of the currency that the
/// account is paid out in; a shop that sells in another one may be refused above these.
const MINIMUMS: &[(&str, i64)] = &[
    ("USD", 50),
    ("AED", 200),
    ("ARS", 50),
    ("AUD", 50),
    ("BRL", 50),
    ("CAD", 50),
    ("CHF", 50),
    ("COP", 50),
    ("CZK", 1500),
    ("DKK", 250),
    ("EUR", 50),
    ("GBP", 30),
    ("HKD", 400),
    ("HUF", 17500),
    ("IDR", 50),
    ("ILS", 50),
    ("INR", 50),
    ("JPY", 50),
    ("KRW", 50),
    ("MXN", 1000),
    ("MYR", 200),
    ("NOK", 300),
    ("NZD", 50),
    ("PHP", 50),
    ("PLN", 200),
    ("RON", 200),
    ("RUB", 50),
    ("SEK", 300),
    ("SGD", 50),
    ("THB", 1000),
    ("ZAR", 50),
];

/// Why an amount cannot cross the border.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AmountError {
    /// Stripe has no unit for the currency, or we do not know it.
    #[error("Stripe does not charge in {0}")]
    Currency(Currency),
    /// Stripe cannot charge a part of its smallest step.
    #[error("Stripe cannot charge {0} exactly")]
    NotChargeable(Money),
    /// Stripe wrote an amount that is no whole number of ISO minor units.
    #[error("{amount} of Stripe's units is no amount in {currency}")]
    NotExact {
        /// As Stripe wrote it.
        amount: i64,
        /// The currency.
        currency: Currency,
    },
    /// Below zero, too large, or not in a currency of ISO 4217.
    #[error(transparent)]
    Money(#[from] MoneyError),
}

/// How a currency's minor unit relates to Stripe's unit.
struct Unit {
    /// Stripe's units in one ISO minor unit; one where Stripe's are the larger.
    finer: i64,
    /// ISO minor units in one of Stripe's; one where Stripe's are the smaller.
    coarser: i64,
    /// Charges are multiples of so many of Stripe's units.
    step: i64,
}

fn unit(currency: Currency) -> Result<Unit, AmountError> {
    let is_in = |codes: &[&str]| codes.contains(&currency.code());
    let (decimals, step) = match currency.exponent() {
        _ if is_in(NO_DECIMALS) => (0, 1),
        _ if is_in(THREE_DECIMALS) => (3, 10),
        _ if is_in(WHOLE_IN_HUNDREDTHS) => (2, 100),
        2 => (2, 1),
        // Guessing would charge ten or a hundred times the price, and read the guess back as right.
        _ => return Err(AmountError::Currency(currency)),
    };
    let finer = 10_i64.pow(u32::saturating_sub(decimals, currency.exponent()));
    let coarser = 10_i64.pow(currency.exponent().saturating_sub(decimals));
    Ok(Unit { finer, coarser, step })
}

/// The amount as Stripe counts it.
pub(super) fn to_stripe(money: Money) -> Result<i64, AmountError> {
    let Unit { finer, coarser, step } = unit(money.currency())?;
    let refused = AmountError::NotChargeable(money);
    let units = money.minor().checked_mul(finer).ok_or_else(|| refused.clone())?;
    if units % coarser != 0 || (units / coarser) % step != 0 {
        return Err(refused);
    }
    Ok(units / coarser)
}

/// Reads an amount of Stripe's. What has been charged is believed even where it is no multiple
/// of the step.
pub(crate) fn from_stripe(amount: i64, currency: &str) -> Result<Money, AmountError> {
    let currency: Currency = currency.parse()?;
    let Unit { finer, coarser, .. } = unit(currency)?;
    let units = amount.checked_mul(coarser).ok_or(MoneyError::Overflow)?;
    if units % finer != 0 {
        return Err(AmountError::NotExact { amount, currency });
    }
    Ok(Money::new(units / finer, currency)?)
}

/// What can be charged. A currency without a published minimum starts at its smallest step:
/// Stripe then has the last word.
pub(super) fn charge_limits(
    currency: Currency,
    livemode: bool,
) -> Result<ChargeLimits, AmountError> {
    let Unit { finer, coarser, step } = unit(currency)?;
    let step_minor = coarser * (step / finer).max(1);
    let published = MINIMUMS.iter().find(|(code, _)| *code == currency.code());
    let minimum = published.map_or(step_minor, |(_, minor)| *minor);
    Ok(ChargeLimits { minimum: Money::new(minimum, currency)?, step_minor, livemode })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn money(minor: i64, code: &str) -> Money {
        Money::new(minor, code.parse().unwrap()).unwrap()
    }

    #[test]
    fn amounts_are_sent_in_the_unit_that_stripe_counts_the_currency_in() {
        for (minor, code, sent) in [
            (4998, "EUR", 4998),
            (500, "JPY", 500),
            (500, "ISK", 50_000),
            (500, "UGX", 50_000),
            (1500, "KWD", 1500),
            (17_500, "HUF", 17_500),
            (30_000, "TWD", 30_000),
            (50_000, "MGA", 500),
        ] {
            assert_eq!(to_stripe(money(minor, code)), Ok(sent), "{code}");
            assert_eq!(from_stripe(sent, code), Ok(money(minor, code)), "{code}");
            let lower = code.to_ascii_lowercase();
            assert_eq!(from_stripe(sent, &lower), Ok(money(minor, code)), "{lower}");
        }
    }

    #[test]
    fn an_amount_that_stripe_cannot_charge_exactly_is_refused_not_rounded() {
        for (minor, code) in [(1501, "KWD"), (7, "BHD"), (50_050, "MGA")] {
            let amount = money(minor, code);
            assert_eq!(to_stripe(amount), Err(AmountError::NotChargeable(amount)));
        }
    }

    #[test]
    fn an_amount_of_stripes_that_is_no_whole_minor_unit_is_an_error() {
        assert!(matches!(from_stripe(150, "isk"), Err(AmountError::NotExact { .. })));
        assert!(matches!(from_stripe(-1, "eur"), Err(AmountError::Money(MoneyError::Negative))));
        let unknown = from_stripe(1, "zzz");
        assert!(matches!(unknown, Err(AmountError::Money(MoneyError::UnknownCurrency(_)))));
        assert!(from_stripe(i64::MAX, "mga").is_err());
    }

    #[test]
    fn a_currency_whose_unit_is_not_known_is_refused_not_guessed() {
        for code in ["LYD", "IQD", "CLF"] {
            let currency = code.parse().unwrap();
            assert_eq!(to_stripe(money(1000, code)), Err(AmountError::Currency(currency)));
            assert_eq!(charge_limits(currency, false), Err(AmountError::Currency(currency)));
            assert!(from_stripe(1000, code).is_err());
        }
    }

    #[test]
    fn what_can_be_charged_is_told_in_minor_units_of_iso() {
        for (code, minimum, step) in [
            ("EUR", 50, 1),
            ("HUF", 17_500, 1),
            ("JPY", 50, 1),
            ("ISK", 1, 1),
            ("UGX", 1, 1),
            ("KWD", 10, 10),
            ("MGA", 100, 100),
            ("TWD", 1, 1),
        ] {
            let limits = charge_limits(code.parse().unwrap(), true).unwrap();
            assert_eq!(limits.minimum, money(minimum, code), "{code}");
            assert_eq!(limits.step_minor, step, "{code}");
            assert!(limits.livemode);
        }
    }

    #[test]
    fn every_minimum_can_be_charged() {
        for (code, _) in MINIMUMS {
            let limits = charge_limits(code.parse().unwrap(), false).unwrap();
            assert!(to_stripe(limits.minimum).is_ok(), "{code}");
        }
    }

    proptest! {
        #[test]
        fn what_is_sent_is_read_back_exactly(
            steps in 0..=Money::MINOR_MAX / 100,
            code in "(EUR|USD|JPY|ISK|UGX|KWD|BHD|HUF|TWD|MGA|XOF)",
        ) {
            let step = charge_limits(code.parse().unwrap(), false).unwrap().step_minor;
            let amount = money(steps * step, &code);
            prop_assert_eq!(from_stripe(to_stripe(amount).unwrap(), &code), Ok(amount));
        }

        #[test]
        fn whatever_the_limits_allow_can_be_sent(minor in 1..1_000_000i64, code in "[A-Z]{3}") {
            let Ok(currency) = code.parse::<Currency>() else { return Ok(()) };
            let Ok(limits) = charge_limits(currency, false) else { return Ok(()) };
            let chargeable = minor % limits.step_minor == 0;
            prop_assert_eq!(to_stripe(money(minor, &code)).is_ok(), chargeable);
        }

        #[test]
        fn reading_an_amount_never_panics(amount: i64, code in ".{0,4}") {
            let _ = from_stripe(amount, &code);
        }
    }
}
