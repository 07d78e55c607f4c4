//! The merchant's own server that says what sending costs, where the shop's own prices do not suffice.
//! It is asked whenever a shopper wants to know, and once more before she pays; what it says is shown
//! and charged, so nothing is taken for granted: one answer in time, no longer than it need be, in the
//! currency that was asked for, with nothing below zero and no name twice. An answer that breaks one of
//! these is none.
//!
//! The question is signed as notices are ([`merchant`](crate::merchant)). It holds where the goods go
//! and what they are, and not who gets them.

use std::{collections::BTreeSet, fmt, time::Duration};

use bytes::Bytes;
use domain::{
    id::SessionId,
    money::Money,
    session::{AddressPart, CheckoutSession, FormAddress, Rate, RateId, RateWords, TextError},
};
use http::StatusCode;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::time::timeout;
use tower::ServiceExt;
use url::Url;
use uuid::Uuid;

use crate::{Transport, TransportError, merchant::SigningSecret};

/// A shopper waits for it, and paying must be answered within ten seconds.
const ANSWER_WITHIN: Duration = Duration::from_secs(5);

/// Fifty rates with all that can be said of them.
const ANSWER_BYTES_MAX: usize = 128 * 1024;

/// What is to be sent where.
#[derive(Debug)]
pub struct Question<'a> {
    /// The question's own id.
    pub id: Uuid,
    /// The session that wants to know.
    pub session: SessionId,
    /// Where it goes.
    pub to: &'a FormAddress,
    /// What it is.
    pub goods: Goods,
}

/// What is to be sent.
#[derive(Debug)]
pub struct Goods {
    /// The lines of the cart, without sending.
    pub lines: Vec<GoodsLine>,
    /// What they cost.
    pub subtotal: Money,
}

/// A line of a cart.
#[derive(Debug)]
pub struct GoodsLine {
    /// The product, where it is of the catalogue.
    pub product: Option<String>,
    /// The article's number.
    pub sku: String,
    /// What it is called.
    pub name: String,
    /// How many.
    pub quantity: u32,
    /// What one costs.
    pub unit_price: Money,
}

/// Why nobody knows what sending costs.
#[derive(Debug, thiserror::Error)]
pub enum RatesError {
    /// Nothing came.
    #[error("there was no answer")]
    NoAnswer(#[from] TransportError),
    /// Nothing came in time.
    #[error("there was no answer within {} s", ANSWER_WITHIN.as_secs())]
    TooLate,
    /// It was not asked: its address cannot be.
    #[error("the question cannot be sent")]
    Unsendable(#[from] http::Error),
    /// It says no, or points elsewhere.
    #[error("it answered {0}")]
    Status(StatusCode),
    /// It says too much.
    #[error("the answer is longer than {ANSWER_BYTES_MAX} bytes")]
    TooLong,
    /// It is not the JSON that was expected: an amount with a fraction, for instance.
    #[error("the answer cannot be read")]
    Unreadable(#[from] serde_json::Error),
    /// More than a shopper reads.
    #[error("there are {0} rates")]
    TooMany(usize),
    /// Two rates of one name: nobody knows which is meant.
    #[error("the rate {0:?} is there twice")]
    Twice(String),
    /// Another currency than the cart's.
    #[error("the rate {0:?} is in another currency")]
    Currency(String),
    /// An amount below zero, or beyond what this shop handles.
    #[error("the rate {0:?} has an amount that cannot be charged")]
    Amount(String),
    /// A text that is too long.
    #[error(transparent)]
    Text(#[from] TextError),
}

/// Asks the merchant's server.
pub struct ShippingRates {
    transport: Transport,
    endpoint: Url,
    secrets: Vec<SigningSecret>,
}

impl fmt::Debug for ShippingRates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ShippingRates").finish_non_exhaustive()
    }
}

#[derive(Deserialize)]
struct Answer {
    rates: Vec<Offered>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Offered {
    id: String,
    name: String,
    amount: i64,
    currency: String,
    #[serde(default)]
    description: String,
    #[serde(default)]
    delivery_time: String,
    #[serde(default)]
    service_level: String,
    #[serde(default)]
    carrier: String,
}

impl ShippingRates {
    /// Signs with every secret.
    pub fn new(transport: Transport, endpoint: Url, secrets: Vec<SigningSecret>) -> Self {
        Self { transport, endpoint, secrets }
    }

    /// The ways to send the goods, as they are offered now. It is asked once: whoever wants to know
    /// asks again.
    pub async fn ask(
        &self,
        question: &Question<'_>,
        now: Timestamp,
    ) -> Result<Vec<Rate>, RatesError> {
        let body = body(question).to_string();
        let request = http::Request::post(self.endpoint.as_str());
        let id = question.id.to_string();
        let request = crate::merchant::signed(request, &self.secrets, (&id, &body), now)
            .body(Bytes::from(body))?;
        let exchange = timeout(ANSWER_WITHIN, self.transport.clone().oneshot(request));
        let answer = exchange.await.map_err(|_| RatesError::TooLate)??;
        if answer.status() != StatusCode::OK {
            return Err(RatesError::Status(answer.status()));
        }
        if answer.body().len() > ANSWER_BYTES_MAX {
            return Err(RatesError::TooLong);
        }
        let answer: Answer = serde_json::from_slice(answer.body())?;
        read(answer.rates, question.goods.subtotal)
    }
}

fn body(question: &Question<'_>) -> Value {
    let Question { session, to, goods, .. } = question;
    let part = |part| to.get(part);
    let lines = goods.lines.iter().map(|line| {
        json!({
            "productId": line.product,
            "sku": line.sku,
            "name": line.name,
            "quantity": line.quantity,
            "unitAmount": line.unit_price.minor(),
        })
    });
    json!({
        "session": {
            "id": session.to_string(),
            "destination": {
                "line1": part(AddressPart::Line1),
                "line2": part(AddressPart::Line2),
                "city": part(AddressPart::City),
                "county": part(AddressPart::County),
                "postcode": part(AddressPart::Postcode),
                "country": part(AddressPart::Country),
            },
            "lines": lines.collect::<Vec<_>>(),
            "subtotal": goods.subtotal.minor(),
            "currency": goods.subtotal.currency().code(),
        },
    })
}

fn read(offered: Vec<Offered>, subtotal: Money) -> Result<Vec<Rate>, RatesError> {
    if offered.len() > CheckoutSession::RATES_MAX {
        return Err(RatesError::TooMany(offered.len()));
    }
    let mut names = BTreeSet::new();
    let mut rates = Vec::new();
    for one in offered {
        if !names.insert(one.id.clone()) {
            return Err(RatesError::Twice(one.id));
        }
        if one.currency != subtotal.currency().code() {
            return Err(RatesError::Currency(one.id));
        }
        // A rate that could be neither sold nor added up is refused where it comes in.
        let amount = Money::new(one.amount, subtotal.currency());
        let amount = amount.and_then(|amount| subtotal.plus(amount).map(|_| amount));
        let amount = amount.ok().filter(|amount| amount.minor() >= 0);
        let Some(amount) = amount else { return Err(RatesError::Amount(one.id)) };
        let words = RateWords {
            name: one.name,
            description: one.description,
            delivery_time: one.delivery_time,
            service_level: one.service_level,
            carrier: one.carrier,
        };
        rates.push(Rate { id: RateId::new(&one.id)?, amount, words: words.checked()? });
    }
    Ok(rates)
}

#[cfg(test)]
mod tests;
