//! Amounts, and the ways in which the API shows them.

use serde_json::{Value, json};

/// Currencies without a smaller unit.
const WHOLE: [&str; 5] = ["JPY", "KRW", "VND", "CLP", "ISK"];

/// Places behind the point.
pub(crate) fn decimals(currency: &str) -> usize {
    if WHOLE.contains(&currency) { 0 } else { 2 }
}

/// How the currency is written before an amount.
pub(crate) fn symbol(currency: &str) -> String {
    match currency {
        "USD" => "$".into(),
        "EUR" => "€".into(),
        "GBP" => "£".into(),
        other => format!("{other} "),
    }
}

/// `{amount, currency, formatted}`.
pub(crate) fn display(amount: i64, currency: &str) -> Value {
    let sign = if amount < 0 { "-" } else { "" };
    let digits = amount.unsigned_abs();
    let number = match decimals(currency) {
        0 => digits.to_string(),
        _ => format!("{}.{:02}", digits / 100, digits % 100),
    };
    let formatted = format!("{sign}{}{number}", symbol(currency));
    json!({ "amount": amount, "currency": currency, "formatted": formatted })
}

/// What something costs, in minor units.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Amounts {
    pub with_tax: i64,
    pub without_tax: i64,
    /// Negative where something is taken off.
    pub discount: i64,
}

impl Amounts {
    /// `price` with its tax, which is inside it or comes on top.
    pub fn taxed(price: i64, basis_points: i64, includes_tax: bool) -> Self {
        let rounded =
            |numerator: i64, denominator: i64| (numerator + denominator / 2) / denominator;
        let (with_tax, without_tax) = match includes_tax {
            true => (price, rounded(price * 10_000, 10_000 + basis_points)),
            false => (price + rounded(price * basis_points, 10_000), price),
        };
        Self { with_tax, without_tax, discount: 0 }
    }

    pub fn off(discount: i64) -> Self {
        Self { with_tax: -discount, without_tax: -discount, discount: -discount }
    }

    pub fn plus(self, other: Self) -> Self {
        Self {
            with_tax: self.with_tax + other.with_tax,
            without_tax: self.without_tax + other.without_tax,
            discount: self.discount + other.discount,
        }
    }

    pub fn tax(self) -> i64 {
        self.with_tax - self.without_tax
    }
}

/// What a whole cart or order costs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Totals {
    pub goods: Amounts,
    /// Of shipping groups, which is inside no line.
    pub shipping: i64,
    pub currency: String,
}

impl Totals {
    /// What there is to pay.
    pub fn with_tax(&self) -> i64 {
        (self.goods.with_tax + self.shipping).max(0)
    }

    /// The prices that carts and orders both show.
    pub fn render(&self) -> Value {
        let show = |amount| display(amount, &self.currency);
        json!({
            "with_tax": show(self.with_tax()),
            "without_tax": show((self.goods.without_tax + self.shipping).max(0)),
            "tax": show(self.goods.tax()),
            "discount": show(self.goods.discount),
            "without_discount": show(self.goods.with_tax - self.goods.discount + self.shipping),
            "shipping": show(self.shipping),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_written_as_the_currency_counts() {
        assert_eq!(display(3599, "USD")["formatted"], "$35.99");
        assert_eq!(display(-5, "EUR")["formatted"], "-€0.05");
        assert_eq!(display(1200, "JPY")["formatted"], "JPY 1200");
    }

    #[test]
    fn tax_comes_on_top_of_a_price_or_is_inside_it() {
        let on_top = Amounts::taxed(1000, 2000, false);
        assert_eq!((on_top.with_tax, on_top.without_tax, on_top.tax()), (1200, 1000, 200));
        let inside = Amounts::taxed(1200, 2000, true);
        assert_eq!((inside.with_tax, inside.without_tax, inside.tax()), (1200, 1000, 200));
    }
}
