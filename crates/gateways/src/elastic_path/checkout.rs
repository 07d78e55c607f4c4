//! The checkout makes an order from a cart: unpaid, linked to the cart's payment. Done twice it makes
//! two, and the cart stays as it is; so each carries our name for it, by which it is looked up after
//! an answer was lost.
//!
//! The body is written once, before the charge, and kept: what would be refused must be refused
//! before money moves. What is not known is an empty text in it, never null.

use std::fmt;

use domain::{
    contact::Email,
    elastic_path::{EpAccountId, EpCartId, EpMemberId, ExternalRef},
};
use serde::Serialize;

use super::{Caller, ElasticPath, EpError, data, order::OrderView, post};

/// What an order is made with.
#[derive(Debug, Clone)]
pub struct CheckoutRequest {
    /// Who buys.
    pub buyer: Buyer,
    /// Our name for the order.
    pub external_ref: ExternalRef,
    /// Where the bill goes.
    pub billing: EpAddress,
    /// Where the goods go.
    pub shipping: EpAddress,
}

/// Who buys.
#[derive(Debug, Clone)]
pub enum Buyer {
    /// Somebody without an account.
    Guest(Contact),
    /// A member of an account; the shop says so in its own name.
    Account {
        /// The account.
        account: EpAccountId,
        /// Its member.
        member: EpMemberId,
        /// Whom to write to.
        contact: Contact,
    },
    /// Whoever the account token of the call belongs to.
    TokenHolder(Contact),
}

/// Whom to write to about an order. Its `Debug` shows no name.
#[derive(Clone)]
pub struct Contact {
    /// Her name.
    pub name: String,
    /// Her address.
    pub email: Email,
}

/// An address as Elastic Path wants it. What is not known is empty. Its `Debug` shows the country
/// alone.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct EpAddress {
    /// Her first name.
    pub first_name: String,
    /// Her last name.
    pub last_name: String,
    /// Her company.
    pub company_name: String,
    /// Street and number.
    pub line_1: String,
    /// More of it.
    pub line_2: String,
    /// Town.
    pub city: String,
    /// County; Elastic Path wants this or the region to be sent, though it may be empty.
    pub county: String,
    /// State or province.
    pub region: String,
    /// Postal code.
    pub postcode: String,
    /// ISO 3166-1 alpha-2.
    pub country: String,
    /// For the carrier.
    pub phone_number: String,
    /// For the carrier.
    pub instructions: String,
}

impl fmt::Debug for Contact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Contact(…)")
    }
}

impl fmt::Debug for EpAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "EpAddress(… {})", self.country)
    }
}

/// The exact body that makes the order, to be kept with the attempt.
pub fn encode(request: &CheckoutRequest) -> String {
    let CheckoutRequest { buyer, external_ref, billing, shipping } = request;
    let (account, customer, contact) = match buyer {
        Buyer::Guest(contact) => (None, Some(contact), None),
        Buyer::Account { account, member, contact } => {
            let account = WireAccount { id: account.as_str(), member_id: member.as_str() };
            (Some(account), None, Some(contact))
        }
        Buyer::TokenHolder(contact) => (None, None, Some(contact)),
    };
    data(&WireCheckout {
        account,
        customer: customer.map(Contact::wire),
        contact: contact.map(Contact::wire),
        external_ref: external_ref.as_str(),
        billing_address: billing.wire(),
        shipping_address: WireAddress { delivery: Some(shipping.delivery()), ..shipping.wire() },
    })
}

impl ElasticPath {
    /// Makes an order from a cart with a body of [`encode`]'s. After an [`EpError::Unknown`] look
    /// for the order by our name for it ([`orders_named`](Self::orders_named)), more than once.
    pub async fn checkout(
        &self,
        caller: Caller<'_>,
        cart: &EpCartId,
        body: &str,
    ) -> Result<OrderView, EpError> {
        let path = format!("/v2/carts/{cart}/checkout");
        let call = post("/v2/carts/{id}/checkout", path, body.to_owned());
        OrderView::read(&self.call(caller, &call).await?)
    }
}

#[derive(Serialize)]
struct WireCheckout<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    account: Option<WireAccount<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    customer: Option<WireContact<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    contact: Option<WireContact<'a>>,
    external_ref: &'a str,
    billing_address: WireAddress<'a>,
    shipping_address: WireAddress<'a>,
}

#[derive(Serialize)]
struct WireAccount<'a> {
    id: &'a str,
    member_id: &'a str,
}

#[derive(Serialize)]
struct WireContact<'a> {
    name: &'a str,
    email: &'a str,
}

#[derive(Serialize)]
struct WireAddress<'a> {
    first_name: &'a str,
    last_name: &'a str,
    company_name: &'a str,
    line_1: &'a str,
    line_2: &'a str,
    city: &'a str,
    county: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    region: &'a str,
    postcode: &'a str,
    country: &'a str,
    #[serde(flatten)]
    delivery: Option<WireDelivery<'a>>,
}

#[derive(Serialize)]
struct WireDelivery<'a> {
    phone_number: &'a str,
    instructions: &'a str,
}

impl Contact {
    fn wire(&self) -> WireContact<'_> {
        WireContact { name: &self.name, email: self.email.as_str() }
    }
}

impl EpAddress {
    fn wire(&self) -> WireAddress<'_> {
        WireAddress {
            first_name: &self.first_name,
            last_name: &self.last_name,
            company_name: &self.company_name,
            line_1: &self.line_1,
            line_2: &self.line_2,
            city: &self.city,
            county: &self.county,
            region: &self.region,
            postcode: &self.postcode,
            country: &self.country,
            delivery: None,
        }
    }

    fn delivery(&self) -> WireDelivery<'_> {
        WireDelivery { phone_number: &self.phone_number, instructions: &self.instructions }
    }
}

#[cfg(test)]
mod tests;
