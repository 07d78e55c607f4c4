//! Banks that take the customer to a page of their own and back: what each method is called and
//! how it is shown.
//!
//! Source: docs.stripe.com/payments/bank-redirects. All of them pay in euros, at once, and only
//! once; none can be set aside to be captured later.

use serde_json::{Value, json};

/// A payment method that needs a redirect.
#[derive(Debug, PartialEq)]
pub(crate) struct Bank {
    /// As `payment_method_types` names it.
    pub kind: &'static str,
}

pub(crate) static BANKS: &[Bank] =
    &[Bank { kind: "bancontact" }, Bank { kind: "eps" }, Bank { kind: "ideal" }];

pub(crate) fn by_name(kind: &str) -> Option<&'static Bank> {
    BANKS.iter().find(|bank| bank.kind == kind)
}

impl Bank {
    /// The method's own part of the object.
    pub fn details(&self) -> Value {
        match self.kind {
            "ideal" => json!({ "bank": null, "bic": null }),
            "eps" => json!({ "bank": null }),
            _ => json!({}),
        }
    }

    /// The same of a charge, which knows whose account paid.
    pub fn charged(&self) -> Value {
        match self.kind {
            "eps" => json!({ "bank": null, "verified_name": "Jenny Rosen" }),
            "ideal" => json!({
                "bank": null,
                "bic": null,
                "generated_sepa_debit": null,
                "generated_sepa_debit_mandate": null,
                "iban_last4": "5264",
                "transaction_id": null,
                "verified_name": "Jenny Rosen",
            }),
            _ => json!({
                "bank_code": null,
                "bank_name": null,
                "bic": null,
                "generated_sepa_debit": null,
                "generated_sepa_debit_mandate": null,
                "iban_last4": "7061",
                "preferred_language": null,
                "verified_name": "Jenny Rosen",
            }),
        }
    }
}
