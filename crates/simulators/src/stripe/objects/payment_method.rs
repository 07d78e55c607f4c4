//! What a customer pays with: a card, a SEPA debit or a bank that wants to be visited.
//!
//! A method that belongs to a customer may pay again; any other is used up by its first charge,
//! and one that was detached never comes back.

pub(crate) mod draft;

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use crate::ids::ALPHABET;
use crate::stripe::api::error::ApiError;
use crate::stripe::rules::banks::Bank;
use crate::stripe::rules::cards::{self, Card};
use crate::stripe::rules::debits::Account;
use crate::stripe::table::Row;

pub(crate) struct PaymentMethod {
    pub id: String,
    pub created: i64,
    pub kind: Kind,
    pub billing_details: Value,
    pub allow_redisplay: String,
    pub metadata: BTreeMap<String, String>,
    pub standing: Standing,
    /// The bank has been asked about address and CVC: when it was charged or attached.
    pub checked: bool,
    pub livemode: bool,
}

/// Whose it is, and whether it may pay.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Standing {
    /// Nobody's yet: may pay once, or be attached.
    New,
    /// Has paid for nobody, with the wish to be saved: may still be attached.
    ToBeSaved,
    /// A customer's: may pay for that customer, any number of times.
    Saved {
        customer: String,
        /// A payment has prepared it for charges without its holder.
        set_up: bool,
    },
    /// Has paid for nobody, or was detached: never again.
    UsedUp,
}

#[derive(Clone)]
pub(crate) enum Kind {
    Card { card: &'static Card, number: Number, exp_month: i64, exp_year: i64, cvc_given: bool },
    SepaDebit { account: &'static Account, iban: String },
    Redirect(&'static Bank),
}

/// A test card number. Never printed, as a real one would not be.
#[derive(Clone)]
pub(crate) struct Number(String);

impl Number {
    pub fn last4(&self) -> &str {
        self.0.get(self.0.len().saturating_sub(4)..).unwrap_or_default()
    }

    pub fn brand(&self) -> &'static str {
        cards::brand(&self.0)
    }

    fn funding(&self) -> &'static str {
        if self.0 == "4000056655665556" { "debit" } else { "credit" }
    }
}

/// The types that can pay here.
pub(crate) const TYPES_SIMULATED: &[&str] = &["bancontact", "card", "eps", "ideal", "sepa_debit"];

/// The types that Stripe has and this simulator does not simulate, as patterns of the parameters
/// that describe them.
pub(crate) const TYPES_NOT_SIMULATED: &[&str] = &[
    "acss_debit.**",
    "affirm.**",
    "afterpay_clearpay.**",
    "alipay.**",
    "alma.**",
    "amazon_pay.**",
    "au_becs_debit.**",
    "bacs_debit.**",
    "billie.**",
    "bizum.**",
    "blik.**",
    "boleto.**",
    "cashapp.**",
    "crypto.**",
    "custom.**",
    "customer_balance.**",
    "fpx.**",
    "giropay.**",
    "grabpay.**",
    "interac_present.**",
    "kakao_pay.**",
    "klarna.**",
    "konbini.**",
    "kr_card.**",
    "link.**",
    "mb_way.**",
    "mobilepay.**",
    "multibanco.**",
    "naver_pay.**",
    "nz_bank_account.**",
    "oxxo.**",
    "p24.**",
    "pay_by_bank.**",
    "payco.**",
    "paynow.**",
    "paypal.**",
    "paypay.**",
    "payto.**",
    "pix.**",
    "promptpay.**",
    "revolut_pay.**",
    "samsung_pay.**",
    "satispay.**",
    "scalapay.**",
    "sequra.**",
    "sofort.**",
    "sunbit.**",
    "swish.**",
    "twint.**",
    "upi.**",
    "us_bank_account.**",
    "wechat_pay.**",
    "zip.**",
];

pub(crate) const REDISPLAY: &[&str] = &["always", "limited", "unspecified"];

/// Whether Stripe has a type of this name, simulated or not.
pub(crate) fn is_type(name: &str) -> bool {
    let known = TYPES_NOT_SIMULATED.iter().filter_map(|pattern| pattern.strip_suffix(".**"));
    TYPES_SIMULATED.iter().copied().chain(known).any(|known| known == name)
}

impl Kind {
    pub fn type_name(&self) -> &'static str {
        match self {
            Self::Card { .. } => "card",
            Self::SepaDebit { .. } => "sepa_debit",
            Self::Redirect(bank) => bank.kind,
        }
    }

    /// The same for the same card or account, whoever pays with it.
    fn fingerprint(&self) -> String {
        let number = match self {
            Self::Card { number, .. } => &number.0,
            Self::SepaDebit { iban, .. } => iban,
            Self::Redirect(bank) => bank.kind,
        };
        let digest = Sha256::digest(number.as_bytes());
        let letter = |byte: &u8| char::from(ALPHABET[usize::from(*byte) % ALPHABET.len()]);
        digest.iter().take(16).map(letter).collect()
    }
}

impl PaymentMethod {
    pub fn type_name(&self) -> &'static str {
        self.kind.type_name()
    }

    pub fn customer(&self) -> Option<&str> {
        match &self.standing {
            Standing::Saved { customer, .. } => Some(customer),
            Standing::New | Standing::ToBeSaved | Standing::UsedUp => None,
        }
    }

    pub fn is_set_up(&self) -> bool {
        matches!(self.standing, Standing::Saved { set_up: true, .. })
    }

    /// Refuses a method that has paid for nobody, or was detached.
    pub fn check_usable(&self) -> Result<(), ApiError> {
        match self.standing {
            Standing::New | Standing::Saved { .. } => Ok(()),
            Standing::ToBeSaved | Standing::UsedUp => Err(ApiError::invalid(
                "The provided PaymentMethod was previously used with a PaymentIntent without \
                 Customer attachment, shared with a connected account without Customer \
                 attachment, or was detached from a Customer. It may not be used again. To use a \
                 PaymentMethod multiple times, you must attach it to a Customer first.",
            )
            .code("payment_method_unexpected_state")
            .param("payment_method")
            .of_state()),
        }
    }

    /// It has been charged, or refused.
    pub fn spend(&mut self) {
        self.checked = true;
        if self.standing == Standing::New {
            self.standing = Standing::UsedUp;
        }
    }

    /// Address and CVC checks; a thing not given is not checked.
    fn checks(&self, card: &Card, cvc_given: bool) -> Value {
        let address = &self.billing_details["address"];
        let check = |given: bool, result: &str| match (given, self.checked) {
            (false, _) => Value::Null,
            (true, false) => "unchecked".into(),
            (true, true) => result.into(),
        };
        json!({
            "address_line1_check": check(!address["line1"].is_null(), card.checks.line1),
            "address_postal_code_check":
                check(!address["postal_code"].is_null(), card.checks.postal_code),
            "cvc_check": check(cvc_given, card.checks.cvc),
        })
    }

    /// The `card` or `sepa_debit` part of the object, as both the method and its charge show it.
    pub fn common_details(&self) -> Value {
        match &self.kind {
            Kind::Card { card, number, exp_month, exp_year, cvc_given } => json!({
                "brand": number.brand(),
                "checks": self.checks(card, *cvc_given),
                "country": "US",
                "exp_month": exp_month,
                "exp_year": exp_year,
                "fingerprint": self.kind.fingerprint(),
                "funding": number.funding(),
                "last4": number.last4(),
                "regulated_status": "unregulated",
                "wallet": null,
            }),
            Kind::Redirect(bank) => bank.details(),
            Kind::SepaDebit { iban, .. } => json!({
                "bank_code": iban.get(4..12),
                "branch_code": null,
                "country": iban.get(..2),
                "fingerprint": self.kind.fingerprint(),
                "last4": iban.get(iban.len().saturating_sub(4)..),
            }),
        }
    }

    pub fn render(&self) -> Value {
        let mut whole = self.preview();
        if let Value::Object(fields) = &mut whole {
            fields.insert("id".into(), self.id.clone().into());
            fields.insert("object".into(), "payment_method".into());
            fields.insert("created".into(), self.created.into());
            fields.insert("livemode".into(), self.livemode.into());
            fields.insert("metadata".into(), json!(self.metadata));
        }
        whole
    }

    /// What is known of a method that need not exist yet.
    pub fn preview(&self) -> Value {
        let mut details = self.common_details();
        if !matches!(self.kind, Kind::Redirect(_)) {
            details["generated_from"] = Value::Null;
        }
        if let Kind::Card { number, .. } = &self.kind {
            details["display_brand"] = number.brand().into();
            details["networks"] = json!({ "available": [number.brand()], "preferred": null });
            details["three_d_secure_usage"] = json!({ "supported": number.brand() != "amex" });
        }
        json!({
            "allow_redisplay": self.allow_redisplay,
            "billing_details": self.billing_details,
            "customer": self.customer(),
            "customer_account": null,
            "type": self.type_name(),
            (self.type_name()): details,
        })
    }
}

/// What a publishable key may see (`@stripe/stripe-js`, `api/payment-methods.d.ts`): the
/// fingerprint of a card and the shop's notes are for its server.
pub(crate) fn project(whole: &Value) -> Value {
    let Value::Object(fields) = whole else { return whole.clone() };
    let hidden = ["customer_account", "metadata"];
    let mut seen: Map<String, Value> = fields.clone();
    seen.retain(|name, _| !hidden.contains(&name.as_str()));
    // A page may know whose it is, and nothing about that customer.
    if let Some(customer) = seen.get_mut("customer").filter(|customer| customer.is_object()) {
        *customer = customer["id"].clone();
    }
    for kind in ["card", "sepa_debit"] {
        if let Some(Value::Object(details)) = seen.get_mut(kind) {
            details.remove("fingerprint");
        }
    }
    Value::Object(seen)
}

impl Row for PaymentMethod {
    fn id(&self) -> &str {
        &self.id
    }

    fn created(&self) -> i64 {
        self.created
    }
}
