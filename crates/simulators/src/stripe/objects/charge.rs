//! A charge: one try to move the money of a payment intent.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::stripe::objects::payment_method::{Kind, PaymentMethod};
use crate::stripe::rules::cards::{Behaviour, Decline};
use crate::stripe::table::Row;

pub(crate) struct Charge {
    pub id: String,
    pub created: i64,
    /// Minor units.
    pub amount: i64,
    pub currency: String,
    pub status: ChargeStatus,
    pub captured: bool,
    pub amount_captured: i64,
    /// What refunds that have not failed or been canceled give back.
    pub amount_refunded: i64,
    pub disputed: bool,
    /// `None` for a charge made directly, as the API before payment intents did.
    pub payment_intent: Option<String>,
    pub customer: Option<String>,
    pub payment_method: String,
    pub payment_method_details: Value,
    pub billing_details: Value,
    pub outcome: Value,
    pub metadata: BTreeMap<String, String>,
    pub description: Option<String>,
    pub receipt_email: Option<String>,
    /// Where its page is, shown once it has succeeded; `None` when it is not known where this
    /// simulator is reached.
    pub receipt_url: Option<String>,
    pub shipping: Option<Value>,
    pub statement_descriptor: Option<String>,
    pub statement_descriptor_suffix: Option<String>,
    pub transfer_group: Option<String>,
    /// Known only some time after success: capture is asynchronous by default.
    pub balance_transaction: Option<String>,
    pub livemode: bool,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum ChargeStatus {
    Succeeded,
    Pending,
    Failed { code: String, message: String },
}

impl Charge {
    /// What refunds can give back at most; before it is taken, what can be let go.
    fn refundable(&self) -> i64 {
        if self.captured { self.amount_captured } else { self.amount }
    }

    pub fn render(&self) -> Value {
        let succeeded = self.status == ChargeStatus::Succeeded;
        let (failure_code, failure_message) = match &self.status {
            ChargeStatus::Failed { code, message } => (Some(code), Some(message)),
            ChargeStatus::Succeeded | ChargeStatus::Pending => (None, None),
        };
        json!({
            "id": self.id,
            "object": "charge",
            "amount": self.amount,
            "amount_captured": self.amount_captured,
            "amount_refunded": self.amount_refunded,
            "application": null,
            "application_fee": null,
            "application_fee_amount": null,
            "balance_transaction": self.balance_transaction,
            "billing_details": self.billing_details,
            "calculated_statement_descriptor": "TILL SIMULATOR",
            "captured": self.captured,
            "created": self.created,
            "currency": self.currency,
            "customer": self.customer,
            "description": self.description,
            "disputed": self.disputed,
            "failure_balance_transaction": null,
            "failure_code": failure_code,
            "failure_message": failure_message,
            "fraud_details": {},
            "livemode": self.livemode,
            "metadata": self.metadata,
            "on_behalf_of": null,
            "outcome": self.outcome,
            "paid": succeeded,
            "payment_intent": self.payment_intent,
            "payment_method": self.payment_method,
            "payment_method_details": self.payment_method_details,
            "radar_options": {},
            "receipt_email": self.receipt_email,
            "receipt_number": null,
            "receipt_url": self.receipt_url.as_ref().filter(|_| succeeded),
            "refunded": succeeded && self.amount_refunded == self.refundable(),
            "review": null,
            "shipping": self.shipping,
            "source": null,
            "source_transfer": null,
            "statement_descriptor": self.statement_descriptor,
            "statement_descriptor_suffix": self.statement_descriptor_suffix,
            "status": match self.status {
                ChargeStatus::Succeeded => "succeeded",
                ChargeStatus::Pending => "pending",
                ChargeStatus::Failed { .. } => "failed",
            },
            "transfer_data": null,
            "transfer_group": self.transfer_group,
        })
    }
}

impl Row for Charge {
    fn id(&self) -> &str {
        &self.id
    }

    fn created(&self) -> i64 {
        self.created
    }
}

/// `payment_method_details`: the method as it was when it was charged.
pub(crate) fn details(method: &PaymentMethod, amount: i64, authenticated: bool) -> Value {
    let mut details = method.common_details();
    match &method.kind {
        Kind::Redirect(bank) => details = bank.charged(),
        Kind::SepaDebit { .. } => {
            details["mandate"] = Value::Null;
        }
        Kind::Card { number, .. } => {
            let brand = number.brand();
            let three_d_secure = authenticated.then(|| {
                json!({
                    "authentication_flow": "challenge",
                    "electronic_commerce_indicator": "05",
                    "exemption_indicator": null,
                    "result": "authenticated",
                    "result_reason": null,
                    "transaction_id": "00000000-0000-4000-8000-000000000000",
                    "version": "2.2.0",
                })
            });
            let more = json!({
                "amount_authorized": amount,
                "authorization_code": "123456",
                "electronic_commerce_indicator": if authenticated { Some("05") } else { None },
                "extended_authorization": { "status": "disabled" },
                "incremental_authorization": { "status": "unavailable" },
                "installments": null,
                "mandate": null,
                "multicapture": { "status": "unavailable" },
                "network": brand,
                "network_token": { "used": false },
                "network_transaction_id": "123456789012345",
                "overcapture": { "maximum_amount_capturable": amount, "status": "unavailable" },
                "three_d_secure": three_d_secure,
                "transaction_link_id": null,
            });
            if let (Value::Object(details), Value::Object(more)) = (&mut details, more) {
                details.extend(more);
            }
        }
    }
    json!({ "type": method.type_name(), (method.type_name()): details })
}

/// The `outcome` of a charge that was made or refused.
pub(crate) fn outcome(method: &PaymentMethod, decline: Option<&Decline>) -> Value {
    let (risk_level, blocked) = match &method.kind {
        Kind::Card { card, .. } => (card.risk_level, card.behaviour == Behaviour::Blocked),
        Kind::SepaDebit { .. } | Kind::Redirect(_) => ("not_assessed", false),
    };
    let mut outcome = json!({
        "advice_code": decline.and_then(|decline| decline.advice),
        "network_advice_code": null,
        "network_decline_code": decline.and_then(|decline| decline.network_code),
        "network_status": "approved_by_network",
        "reason": null,
        "risk_level": risk_level,
        "seller_message": "Payment complete.",
        "type": "authorized",
    });
    match risk_level {
        "normal" => outcome["risk_score"] = 12.into(),
        "elevated" => outcome["risk_score"] = 70.into(),
        "highest" => outcome["risk_score"] = 93.into(),
        _ => {}
    }
    if blocked {
        outcome["network_status"] = "not_sent_to_network".into();
        outcome["reason"] = "highest_risk_level".into();
        outcome["seller_message"] = "Stripe blocked this payment as too risky.".into();
        outcome["type"] = "blocked".into();
    } else if let Some(decline) = decline {
        outcome["network_status"] = "declined_by_network".into();
        outcome["reason"] = decline.decline_code.into();
        outcome["seller_message"] =
            format!("The bank returned the decline code `{}`.", decline.decline_code).into();
        outcome["type"] = "issuer_declined".into();
    }
    outcome
}
