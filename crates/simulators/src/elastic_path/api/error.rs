//! The `errors` of the API. Callers match on the status of the HTTP line and the words of a title,
//! and should expect neither the inner status nor its type.

use serde_json::{Value, json};

use crate::elastic_path::control::fault::ErrorShape;

/// An answer that is not a success.
#[derive(Debug, Clone)]
pub(crate) struct ApiError {
    pub status: u16,
    pub errors: Vec<Value>,
}

impl ApiError {
    /// With the inner status as a number, which is how carts and checkouts write it.
    pub fn new(status: u16, title: &str, detail: impl Into<String>) -> Self {
        let error = json!({ "status": status, "title": title, "detail": detail.into() });
        Self { status, errors: vec![error] }
    }

    /// With the inner status as a text, which is how orders and payments write it.
    pub fn texted(status: u16, title: &str, detail: impl Into<String>) -> Self {
        Self::new(status, title, detail).with("status", status.to_string())
    }

    pub fn bad_request(detail: impl Into<String>) -> Self {
        Self::texted(400, "Bad Request", detail)
    }

    pub fn not_found(detail: impl Into<String>) -> Self {
        Self::texted(404, "Not Found", detail)
    }

    pub fn unprocessable(detail: impl Into<String>) -> Self {
        Self::texted(422, "Unprocessable Entity", detail)
    }

    /// A field that is not what it must be.
    pub fn field(source: &str, title: &str, detail: impl Into<String>) -> Self {
        Self::new(400, title, detail).with("source", source)
    }

    /// A part of the API that exists at Elastic Path but not here. Ignoring it would make a test
    /// pass that must fail, so it is refused by name.
    pub fn not_simulated(what: &str) -> Self {
        Self::bad_request(format!("This simulator does not simulate {what}."))
    }

    pub fn unauthorized() -> Self {
        Self { status: 401, errors: vec![json!({ "status": 401, "title": UNAUTHORIZED })] }
    }

    pub fn forbidden() -> Self {
        let error = json!({
            "code": "gateway.scopes.authorise",
            "title": "Unauthorised call",
            "detail": "Your current grant type does not have the required permissions to fulfill \
                       this request",
        });
        Self { status: 403, errors: vec![error] }
    }

    /// Adds to every error of the answer.
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        let value = value.into();
        for error in &mut self.errors {
            error[name] = value.clone();
        }
        self
    }

    pub fn to_json(&self) -> Value {
        json!({ "errors": self.errors })
    }
}

const UNAUTHORIZED: &str = "Unable to validate access token";

/// The error of an ordered status, as strange as was ordered.
pub(crate) fn injected(status: u16, shape: ErrorShape) -> Value {
    let mut error = match status {
        401 => json!({ "title": UNAUTHORIZED }),
        409 => json!({ "title": "Conflict", "detail": "Write conflict detected" }),
        429 => json!({ "title": "Too Many Requests" }),
        500.. => json!({
            "title": "Internal Server Error",
            "detail": "There was an internal server error, you can report with your request id.",
            "request_id": "635da56d-75a1-43cf-b696-7ab119756b3d",
        }),
        _ => json!({ "title": "Bad Request", "detail": "Request could not be processed" }),
    };
    match shape {
        ErrorShape::Number | ErrorShape::Object => error["status"] = json!(status),
        ErrorShape::Text => error["status"] = json!(status.to_string()),
        ErrorShape::Absent => {}
    }
    match shape {
        ErrorShape::Object => json!({ "errors": error }),
        ErrorShape::Number | ErrorShape::Text | ErrorShape::Absent => json!({ "errors": [error] }),
    }
}
