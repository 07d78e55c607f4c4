//! TO WRITE.

use serde_json::{Value, json};

use crate::stripe::table::Row;

pub(crate) struct Customer {
    pub id: String,
    pub created: i64,
}

impl Row for Customer {
    fn id(&self) -> &str {
        &self.id
    }

    fn created(&self) -> i64 {
        self.created
    }
}

impl Customer {
    pub fn render(&self) -> Value {
        json!({ "id": self.id, "object": "customer", "created": self.created })
    }
}
