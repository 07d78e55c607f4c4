//! What sending costs: by the shop's own prices, or as the merchant's server says where there is one.

use domain::{
    contact::CountryCode,
    money::Money,
    pricing::{PriceError, PriceRules},
    session::{AddressPart, CheckoutSession, FormAddress, Rate, RateId, RateWords, TextError},
};
use gateways::shipping_rates::{Goods, Question};

use super::SessionError;
use crate::context::Base;

/// The ways to send goods to where the shopper says: none before she has said where, and none where
/// nothing is sent to.
pub(super) async fn offered(
    base: &Base,
    prices: &PriceRules,
    session: &CheckoutSession,
    goods: Goods,
) -> Result<Vec<Rate>, SessionError> {
    let Some((address, country)) = destination(session) else { return Ok(Vec::new()) };
    let Some(shipping_rates) = &base.shipping_rates else {
        return by_rule(prices, goods.subtotal, country);
    };
    let question = Question { id: base.ids.next(), session: session.id, to: address, goods };
    let rates = shipping_rates.ask(&question, base.clock.now()).await;
    rates.map_err(SessionError::RatesUnknown)
}

fn destination(session: &CheckoutSession) -> Option<(&FormAddress, CountryCode)> {
    let address = session.form.shipping_address.as_ref()?;
    Some((address, address.get(AddressPart::Country).parse().ok()?))
}

fn by_rule(
    prices: &PriceRules,
    goods: Money,
    country: CountryCode,
) -> Result<Vec<Rate>, SessionError> {
    // The shop's prices are in its own currency, and a cart at the platform may be in another.
    if goods.currency() != prices.currency {
        return Ok(Vec::new());
    }
    match prices.sending(goods, country) {
        Ok(amount) => Ok(vec![standard(amount)?]),
        Err(PriceError::NotSentTo(_)) => Ok(Vec::new()),
        Err(error @ (PriceError::Money(_) | PriceError::DoesNotAddUp(_))) => {
            Err(SessionError::Invalid(error.to_string()))
        }
    }
}

/// The shop's own rate.
fn standard(amount: Money) -> Result<Rate, TextError> {
    let words = RateWords {
        name: "Standard".to_owned(),
        service_level: "standard".to_owned(),
        ..RateWords::default()
    };
    Ok(Rate { id: RateId::new("standard")?, amount, words })
}
