//! TO WRITE.

use serde_json::{Value, json};

use crate::stripe::table::Row;

pub(crate) struct ConfirmationToken {
    pub id: String,
    pub created: i64,
}

impl Row for ConfirmationToken {
    fn id(&self) -> &str {
        &self.id
    }

    fn created(&self) -> i64 {
        self.created
    }
}

impl ConfirmationToken {
    pub fn render(&self) -> Value {
        json!({ "id": self.id, "object": "confirmation_token", "created": self.created })
    }
}
