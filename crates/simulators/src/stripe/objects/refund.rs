//! TO WRITE.

use serde_json::{Value, json};

use crate::stripe::table::Row;

pub(crate) struct Refund {
    pub id: String,
    pub created: i64,
}

impl Row for Refund {
    fn id(&self) -> &str {
        &self.id
    }

    fn created(&self) -> i64 {
        self.created
    }
}

impl Refund {
    pub fn render(&self) -> Value {
        json!({ "id": self.id, "object": "refund", "created": self.created })
    }
}
