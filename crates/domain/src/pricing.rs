//! What an order costs: the lines, the shipping rule and the tax rule of the country.

use std::collections::BTreeMap;

use crate::{
    contact::CountryCode,
    money::{Currency, Money, MoneyError},
};

/// A tax rate in hundredths of a per cent: 1900 is 19 %.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TaxRate(pub u16);

impl TaxRate {
    /// No tax.
    pub const NONE: Self = Self(0);
    const WHOLE: u32 = 10_000;
}

/// Whether catalogue prices contain the tax.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TaxMode {
    /// The price on the page is what the shopper pays; the tax is the part contained in it.
    Included,
    /// The tax comes on top of the price on the page.
    Added,
}

/// What it costs to send an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ShippingRate {
    /// The price of sending, whatever the weight.
    pub flat: Money,
    /// From this subtotal on, sending costs nothing.
    pub free_from: Option<Money>,
}

/// One value for each country, with an optional one for all others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PerCountry<T> {
    /// The countries that have a rule of their own.
    pub countries: BTreeMap<CountryCode, T>,
    /// The rule for all others; without it there is none.
    pub otherwise: Option<T>,
}

impl<T: Copy> PerCountry<T> {
    /// The same everywhere.
    pub fn everywhere(value: T) -> Self {
        Self { countries: BTreeMap::new(), otherwise: Some(value) }
    }

    fn of(&self, country: CountryCode) -> Option<T> {
        self.countries.get(&country).copied().or(self.otherwise)
    }
}

/// The shop's rules, from its configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PriceRules {
    /// The one currency the shop sells in.
    pub currency: Currency,
    /// Where we send to, and for how much. A country without a rate is not sent to.
    pub shipping: PerCountry<ShippingRate>,
    /// The tax of the country that the goods go to.
    pub tax: PerCountry<TaxRate>,
    /// Whether prices contain it.
    pub tax_mode: TaxMode,
}

/// What an order costs, in all its parts. The parts always add up to the total.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Totals {
    subtotal: Money,
    shipping: Money,
    tax: Money,
    total: Money,
    tax_mode: TaxMode,
}

/// Why an order has no price.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PriceError {
    /// There is no shipping rate for the country.
    #[error("this shop does not send to {0}")]
    NotSentTo(CountryCode),
    /// The lines add up to more than any amount this shop handles.
    #[error(transparent)]
    Money(#[from] MoneyError),
    /// Parts read from outside do not add up.
    #[error("subtotal {}, shipping {} and tax {} do not add up to {}", .0.subtotal, .0.shipping, .0.tax, .0.total)]
    DoesNotAddUp(Totals),
}

impl PriceRules {
    /// What it costs to send goods worth `subtotal` to `country`.
    pub fn sending(&self, subtotal: Money, country: CountryCode) -> Result<Money, PriceError> {
        let rate = self.shipping.of(country).ok_or(PriceError::NotSentTo(country))?;
        Ok(match rate.free_from {
            Some(free_from) if subtotal.minor() >= free_from.minor() => Money::zero(self.currency),
            Some(_) | None => rate.flat,
        })
    }

    /// The price of lines worth `subtotal`, sent to `country` where something must be sent.
    pub fn totals(
        &self,
        subtotal: Money,
        country: CountryCode,
        requires_shipping: bool,
    ) -> Result<Totals, PriceError> {
        let shipping = match requires_shipping {
            false => Money::zero(self.currency),
            true => self.sending(subtotal, country)?,
        };
        self.totals_with(subtotal, country, shipping)
    }

    /// The same where sending costs `shipping`, whatever the shop's own rates say.
    pub fn totals_with(
        &self,
        subtotal: Money,
        country: CountryCode,
        shipping: Money,
    ) -> Result<Totals, PriceError> {
        let rate = u32::from(self.tax.of(country).unwrap_or(TaxRate::NONE).0);
        let net = subtotal.plus(shipping)?;
        let (tax, total) = match self.tax_mode {
            TaxMode::Included => (net.share(rate, TaxRate::WHOLE + rate)?, net),
            TaxMode::Added => {
                let tax = net.share(rate, TaxRate::WHOLE)?;
                (tax, net.plus(tax)?)
            }
        };
        Ok(Totals { subtotal, shipping, tax, total, tax_mode: self.tax_mode })
    }
}

impl Totals {
    /// Reads stored parts back; an error where they do not add up.
    pub fn restore(
        subtotal: Money,
        shipping: Money,
        tax: Money,
        tax_mode: TaxMode,
        total: Money,
    ) -> Result<Self, PriceError> {
        let net = subtotal.plus(shipping)?;
        let expected = match tax_mode {
            TaxMode::Included => net,
            TaxMode::Added => net.plus(tax)?,
        };
        let totals = Self { subtotal, shipping, tax, total, tax_mode };
        if expected == total { Ok(totals) } else { Err(PriceError::DoesNotAddUp(totals)) }
    }

    /// The lines alone.
    pub fn subtotal(self) -> Money {
        self.subtotal
    }

    /// Sending.
    pub fn shipping(self) -> Money {
        self.shipping
    }

    /// The tax, contained in the total or added to it ([`Totals::tax_mode`]).
    pub fn tax(self) -> Money {
        self.tax
    }

    /// What the shopper pays.
    pub fn total(self) -> Money {
        self.total
    }

    /// Whether `tax` is contained in the prices or comes on top.
    pub fn tax_mode(self) -> TaxMode {
        self.tax_mode
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn eur(minor: i64) -> Money {
        Money::new(minor, "EUR".parse().unwrap()).unwrap()
    }

    fn rules(tax_mode: TaxMode) -> PriceRules {
        PriceRules {
            currency: "EUR".parse().unwrap(),
            shipping: PerCountry {
                countries: BTreeMap::from([(
                    "DE".parse().unwrap(),
                    ShippingRate { flat: eur(490), free_from: Some(eur(5000)) },
                )]),
                otherwise: None,
            },
            tax: PerCountry::everywhere(TaxRate(1900)),
            tax_mode,
        }
    }

    #[test]
    fn included_tax_is_a_part_of_the_total() {
        let totals =
            rules(TaxMode::Included).totals(eur(2000), "DE".parse().unwrap(), true).unwrap();
        assert_eq!(totals.total(), eur(2490));
        assert_eq!(totals.tax(), eur(398)); // 24.90 * 19 / 119 = 3.9756…
    }

    #[test]
    fn added_tax_comes_on_top() {
        let totals = rules(TaxMode::Added).totals(eur(2000), "DE".parse().unwrap(), true).unwrap();
        assert_eq!((totals.tax(), totals.total()), (eur(473), eur(2963)));
    }

    #[test]
    fn sending_is_free_from_the_threshold_on() {
        let of = |minor| {
            let rules = rules(TaxMode::Included);
            rules.totals(eur(minor), "DE".parse().unwrap(), true).unwrap().shipping()
        };
        assert_eq!((of(4999), of(5000)), (eur(490), eur(0)));
    }

    #[test]
    fn a_country_without_a_rate_is_not_sent_to_but_may_have_downloads() {
        let rules = rules(TaxMode::Included);
        let japan = "JP".parse().unwrap();
        assert_eq!(rules.totals(eur(100), japan, true), Err(PriceError::NotSentTo(japan)));
        assert_eq!(rules.totals(eur(100), japan, false).unwrap().shipping(), eur(0));
    }

    proptest! {
        #[test]
        fn the_parts_always_add_up(minor in 0i64..1_000_000_000, added: bool) {
            let mode = if added { TaxMode::Added } else { TaxMode::Included };
            let t = rules(mode).totals(eur(minor), "DE".parse().unwrap(), true).unwrap();
            prop_assert_eq!(
                Totals::restore(t.subtotal(), t.shipping(), t.tax(), mode, t.total()),
                Ok(t)
            );
        }
    }
}
