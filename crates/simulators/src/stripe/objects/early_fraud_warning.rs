//! An early fraud warning: the issuer of a card reports that a payment was probably fraud. Nothing
//! is taken; a refund now may spare the shop a dispute.

use serde_json::{Value, json};

use crate::stripe::table::Row;

pub(crate) struct EarlyFraudWarning {
    pub id: String,
    pub created: i64,
    pub charge: String,
    pub payment_intent: Option<String>,
    /// Until the charge is disputed or wholly refunded.
    pub actionable: bool,
    pub livemode: bool,
}

impl Row for EarlyFraudWarning {
    fn id(&self) -> &str {
        &self.id
    }

    fn created(&self) -> i64 {
        self.created
    }
}

impl EarlyFraudWarning {
    pub fn render(&self) -> Value {
        let mut warning = json!({
            "id": self.id,
            "object": "radar.early_fraud_warning",
            "actionable": self.actionable,
            "charge": self.charge,
            "created": self.created,
            "fraud_type": "misc",
            "livemode": self.livemode,
        });
        // Absent, not null, for a charge that was made directly.
        if let Some(intent) = &self.payment_intent {
            warning["payment_intent"] = intent.as_str().into();
        }
        warning
    }
}
