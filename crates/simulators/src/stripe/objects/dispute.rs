//! TO WRITE.

use serde_json::{Value, json};

use crate::stripe::table::Row;

pub(crate) struct Dispute {
    pub id: String,
    pub created: i64,
}

impl Row for Dispute {
    fn id(&self) -> &str {
        &self.id
    }

    fn created(&self) -> i64 {
        self.created
    }
}

impl Dispute {
    pub fn render(&self) -> Value {
        json!({ "id": self.id, "object": "dispute", "created": self.created })
    }
}
