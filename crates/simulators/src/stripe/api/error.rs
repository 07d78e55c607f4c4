//! The error objects of the API. Texts are Stripe's own where a source for them was found;
//! callers match on status, `type` and `code`, never on a text.

use serde_json::{Map, Value, json};

/// An answer that is not a success: HTTP status and the `error` object.
#[derive(Debug, Clone)]
pub(crate) struct ApiError {
    pub status: u16,
    pub body: Map<String, Value>,
    pub headers: Vec<(&'static str, &'static str)>,
    /// It is due to an object's state, which only a request that has been begun can know.
    of_state: bool,
}

impl ApiError {
    /// 400 `invalid_request_error` without a code.
    pub fn invalid(message: impl Into<String>) -> Self {
        Self::new(400, "invalid_request_error", message)
    }

    pub fn new(status: u16, kind: &str, message: impl Into<String>) -> Self {
        let mut body = Map::new();
        body.insert("message".into(), message.into().into());
        body.insert("type".into(), kind.into());
        Self { status, body, headers: Vec::new(), of_state: false }
    }

    pub fn code(self, code: &str) -> Self {
        let page = code.replace('_', "-");
        self.with("code", code)
            .with("doc_url", format!("https://stripe.com/docs/error-codes/{page}"))
    }

    pub fn param(self, param: impl Into<String>) -> Self {
        self.with("param", param.into())
    }

    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.body.insert(name.into(), value.into());
        self
    }

    pub fn without(mut self, name: &str) -> Self {
        self.body.remove(name);
        self
    }

    pub fn status(mut self, status: u16) -> Self {
        self.status = status;
        self
    }

    /// Says that the object's state is the reason.
    pub fn of_state(mut self) -> Self {
        self.of_state = true;
        self
    }

    /// Whether the request had been begun, so that its answer is kept under its idempotency key.
    pub fn had_begun(&self) -> bool {
        self.of_state || self.status == 402 || self.status >= 500
    }

    /// Something named in the path (404) does not exist.
    pub fn missing(what: &str, id: &str, param: &str) -> Self {
        Self::invalid(format!("No such {what}: '{id}'")).code("resource_missing").param(param)
    }

    pub fn missing_param(name: &str) -> Self {
        Self::invalid(format!("Missing required param: {name}."))
            .code("parameter_missing")
            .param(name)
    }

    /// A part of the API that exists at Stripe but not here. Ignoring it would make a test pass
    /// that must fail, so it is refused by name.
    pub fn not_simulated(what: &str, param: &str) -> Self {
        Self::invalid(format!("This simulator does not simulate {what}.")).param(param)
    }

    /// The request asks for something that the object's state does not allow.
    pub fn unexpected_state(message: impl Into<String>) -> Self {
        Self::invalid(message).code("payment_intent_unexpected_state").of_state()
    }

    pub fn to_json(&self) -> Value {
        json!({ "error": self.body })
    }
}
