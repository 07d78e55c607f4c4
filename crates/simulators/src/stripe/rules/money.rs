//! Which amounts Stripe takes: its currencies, minimums and divisibility rules.
//!
//! Stripe's minor unit is not always ISO 4217's: ISK and UGX are sent with two decimals.

use crate::stripe::api::error::ApiError;

/// "Stripe currently supports these currencies" (docs.stripe.com/currencies).
const CURRENCIES: &str = "usd aed afn all amd ang aoa ars aud awg azn bam bbd bdt bgn bhd bif bmd \
    bnd bob brl bsd bwp byn bzd cad cdf chf clp cny cop crc cve czk djf dkk dop dzd egp etb eur fjd \
    fkp gbp gel gip gmd gnf gtq gyd hkd hnl htg huf idr ils inr isk jmd jod jpy kes kgs khr kmf krw \
    kwd kyd kzt lak lbp lkr lrd lsl mad mdl mga mkd mmk mnt mop mur mvr mwk mxn myr mzn nad ngn nio \
    nok npr nzd omr pab pen pgk php pkr pln pyg qar ron rsd rub rwf sar sbd scr sek sgd shp sle sos \
    srd std szl thb tjs tnd top try ttd twd tzs uah ugx uyu uzs vnd vuv wst xaf xcd xof xpf yer zar \
    zmw";

const ZERO_DECIMAL: &str = "bif clp djf gnf jpy kmf krw mga pyg rwf vnd vuv xaf xof xpf";
const THREE_DECIMAL: &str = "bhd jod kwd omr tnd";

/// Smallest charge in minor units. Stripe measures in the settlement currency; this account
/// settles every currency in itself.
const MINIMUMS: &[(&str, i64)] = &[
    ("usd", 50),
    ("aed", 200),
    ("ars", 50),
    ("aud", 50),
    ("brl", 50),
    ("cad", 50),
    ("chf", 50),
    ("cop", 50),
    ("czk", 1500),
    ("dkk", 250),
    ("eur", 50),
    ("gbp", 30),
    ("hkd", 400),
    ("huf", 17500),
    ("idr", 50),
    ("ils", 50),
    ("inr", 50),
    ("jpy", 50),
    ("krw", 50),
    ("mxn", 1000),
    ("myr", 200),
    ("nok", 300),
    ("nzd", 50),
    ("php", 50),
    ("pln", 200),
    ("ron", 200),
    ("rub", 50),
    ("sek", 300),
    ("sgd", 50),
    ("thb", 1000),
    ("zar", 50),
];

/// Eight digits is what the PaymentIntent's manual page promises.
const MAXIMUM: i64 = 99_999_999;

/// The currency in lower case, as every object carries it.
pub(crate) fn currency(given: &str) -> Result<String, ApiError> {
    let code = given.to_ascii_lowercase();
    if CURRENCIES.split_ascii_whitespace().any(|known| known == code) {
        return Ok(code);
    }
    let list = CURRENCIES.split_ascii_whitespace().collect::<Vec<_>>().join(", ");
    Err(ApiError::invalid(format!(
        "Invalid currency: {code}. Stripe currently supports these currencies: {list}"
    ))
    .param("currency"))
}

/// Whether a charge of `amount` minor units of `currency` is possible.
pub(crate) fn check_amount(amount: i64, currency: &str) -> Result<(), ApiError> {
    if amount < 1 {
        return Err(ApiError::invalid("This value must be greater than or equal to 1.")
            .code("parameter_invalid_integer")
            .param("amount"));
    }
    let minimum =
        MINIMUMS.iter().find(|(code, _)| *code == currency).map_or(1, |(_, minimum)| *minimum);
    if amount < minimum {
        let text = format!("Amount must be at least {} {currency}", display(minimum, currency));
        return Err(ApiError::invalid(text).code("amount_too_small").param("amount"));
    }
    if amount > MAXIMUM {
        let text = format!("Amount must be no more than {}", display(MAXIMUM, currency));
        return Err(ApiError::invalid(text).code("amount_too_large").param("amount"));
    }
    let step = match currency {
        "isk" | "ugx" => 100,
        code if THREE_DECIMAL.split(' ').any(|three| three == code) => 10,
        _ => 1,
    };
    if amount % step != 0 {
        let text = format!("Invalid amount: {currency} amounts must be divisible by {step}.");
        return Err(ApiError::invalid(text).code("invalid_charge_amount").param("amount"));
    }
    Ok(())
}

/// `$0.50`, `¥50`, `15.00`.
pub(crate) fn display(amount: i64, currency: &str) -> String {
    let sign = match currency {
        "usd" => "$",
        "eur" => "€",
        "gbp" => "£",
        "jpy" => "¥",
        _ => "",
    };
    format!("{sign}{}", digits(amount, currency))
}

/// `0.50`, `50`, `15.000`.
pub(crate) fn digits(amount: i64, currency: &str) -> String {
    if ZERO_DECIMAL.split(' ').any(|zero| zero == currency) {
        return amount.to_string();
    }
    let three = THREE_DECIMAL.split(' ').any(|three| three == currency);
    let (unit, decimals) = if three { (1000, 3) } else { (100, 2) };
    format!("{}.{:0decimals$}", amount / unit, amount % unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(amount: i64, currency: &str) -> Option<String> {
        let error = check_amount(amount, currency).err()?;
        error.body["code"].as_str().map(str::to_owned)
    }

    #[test]
    fn amounts_are_checked_by_stripes_own_rules_not_by_iso_4217() {
        assert_eq!(code(50, "eur"), None);
        assert_eq!(code(49, "eur").as_deref(), Some("amount_too_small"));
        assert_eq!(code(0, "eur").as_deref(), Some("parameter_invalid_integer"));
        assert_eq!(code(100_000_000, "eur").as_deref(), Some("amount_too_large"));
        assert_eq!(code(50, "jpy"), None);
        assert_eq!(code(10_100, "isk"), None);
        assert_eq!(code(10_150, "isk").as_deref(), Some("invalid_charge_amount"));
        assert_eq!(code(1_005, "kwd").as_deref(), Some("invalid_charge_amount"));
    }

    #[test]
    fn a_minimum_is_named_in_the_currency_itself() {
        let error = check_amount(49, "usd").unwrap_err();
        assert_eq!(error.body["message"], "Amount must be at least $0.50 usd");
    }
}
