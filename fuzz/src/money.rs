//! An amount as a merchant writes it.

use domain::money::{Currency, Money};

/// Currencies with no decimals and with two, three and four.
const CURRENCIES: [&str; 4] = ["JPY", "EUR", "KWD", "CLF"];

/// An amount is read exactly as its digits say, or not at all, and what we write is read back.
pub fn money(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    for code in CURRENCIES {
        let currency: Currency = code.parse().unwrap();
        let read = Money::parse_major(text, currency);
        let counted = count(text, currency.exponent() as usize);
        assert_eq!(read.clone().ok().map(|money| i128::from(money.minor())), counted, "{text:?}");
        if let Ok(money) = read {
            assert_eq!(Money::parse_major(&money.major(), currency), Ok(money));
        }
    }
}

/// The rule a second time, digit by digit.
fn count(text: &str, exponent: usize) -> Option<i128> {
    let mut minor = 0_i128;
    let mut decimals = None;
    for (place, letter) in text.chars().enumerate() {
        match (letter, decimals) {
            ('0'..='9', _) => {
                let digit = i128::from(u32::from(letter) - u32::from('0'));
                minor = minor.saturating_mul(10).saturating_add(digit);
                decimals = decimals.map(|count: usize| count + 1);
            }
            ('.', None) if place > 0 => decimals = Some(0),
            _ => return None,
        }
    }
    let missing = exponent.checked_sub(decimals.unwrap_or(0))?;
    let minor = minor.saturating_mul(10_i128.pow(u32::try_from(missing).ok()?));
    let is_whole = !text.is_empty() && decimals != Some(0);
    (is_whole && minor <= i128::from(Money::MINOR_MAX)).then_some(minor)
}
