//! A client that talks to a script, and what its tests share.

use std::sync::Arc;

use domain::elastic_path::{EpCartId, EpOrderId, EpPaymentId, ExternalRef};
use http::Method;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::{Admin, CALLS_PER_SECOND, Config, ElasticPath, EpError, RetryLimits, WallClock};
use crate::{
    Doubt,
    stripe::script::{Asked, Step, headers, play, says},
};

pub const CART: &str = "5f6c8d3e-1b7a-4c8d-9f0e-2a3b4c5d6e7f";
pub const ORDER: &str = "aa854b8f-5930-476d-951a-e9b9cfbdefb1";
pub const PAYMENT: &str = "pi_3QexampleEPcart0001";

/// A client whose steps are told one by one, tokens included.
pub fn bare(steps: impl IntoIterator<Item = Step>) -> (ElasticPath, Asked) {
    by_clock(steps, Arc::new(|| Timestamp::UNIX_EPOCH))
}

/// The same, by a clock that the test moves.
pub fn by_clock(steps: impl IntoIterator<Item = Step>, clock: WallClock) -> (ElasticPath, Asked) {
    let (transport, asked) = play(steps);
    let config = Config {
        client_id: "client".into(),
        client_secret: Some("s & s".to_owned().into()),
        api_base: "https://useast.api.elasticpath.example/".parse().unwrap(),
        retry: RetryLimits::default(),
        calls_per_second: CALLS_PER_SECOND,
        jitter_seed: 1,
    };
    (ElasticPath::new(config, transport, clock), asked)
}

/// A client that has a token for one caller before the steps come.
pub fn ep(steps: impl IntoIterator<Item = Step>) -> (ElasticPath, Admin, Asked) {
    let (ep, asked) = bare(std::iter::once(token("t0", 3600)).chain(steps));
    let admin = ep.admin().unwrap();
    (ep, admin, asked)
}

/// An answer of the token endpoint.
pub fn token(token: &str, seconds: u64) -> Step {
    let minted = json!({
        "access_token": token, "token_type": "Bearer", "expires_in": seconds,
        "expires": 1_795_258_800_u64, "identifier": "implicit",
    });
    says(200, minted.to_string())
}

/// An answer of Elastic Path's.
pub fn answer(status: u16, body: &Value) -> Step {
    says(status, body.to_string())
}

/// A no of Elastic Path's.
pub fn no(status: u16) -> Step {
    answer(status, &json!({"errors": [{"status": status, "title": "No", "detail": "No."}]}))
}

pub fn cart() -> EpCartId {
    CART.parse().unwrap()
}

pub fn order() -> EpOrderId {
    ORDER.parse().unwrap()
}

pub fn payment() -> EpPaymentId {
    PAYMENT.parse().unwrap()
}

pub fn external_ref() -> ExternalRef {
    "0197f3c2-5b1e-7c3a-9d2e-2f6b8a4c1d00".parse().unwrap()
}

/// The last request: method, path with query, body as JSON (null where there is none).
pub fn last(asked: &Asked) -> (Method, String, Value) {
    let asked = asked.lock().unwrap();
    let request = asked.last().unwrap();
    let path = request.uri().path_and_query().unwrap().to_string();
    let body = serde_json::from_slice(request.body()).unwrap_or(Value::Null);
    (request.method().clone(), path, body)
}

/// The token of each request that had one.
pub fn tokens(asked: &Asked) -> Vec<String> {
    let bearers = headers(asked, "authorization").into_iter();
    bearers.filter_map(|bearer| bearer.strip_prefix("Bearer ").map(str::to_owned)).collect()
}

/// How often a token was asked for.
pub fn mints(asked: &Asked) -> usize {
    let asked = asked.lock().unwrap();
    asked.iter().filter(|request| request.uri().path() == "/oauth/access_token").count()
}

/// How a call ended.
pub fn outcome<T>(result: &Result<T, EpError>) -> String {
    match result {
        Ok(_) => "answer".into(),
        Err(EpError::NotSent(unsent)) => format!("not sent: {unsent}"),
        Err(EpError::Refused(refused)) => format!("refused {}", refused.status),
        Err(EpError::Unknown(Doubt::Status { status, .. })) => format!("unknown {status}"),
        Err(EpError::Unknown(Doubt::NoAnswer(_))) => "unknown, no answer".into(),
        Err(EpError::Unknown(Doubt::Deadline)) => "unknown, too late".into(),
        Err(EpError::Unknown(Doubt::Unreadable(_))) => "unknown, unreadable".into(),
        Err(EpError::Unknown(Doubt::TooManyPages { .. })) => "unknown, endless".into(),
    }
}

/// An answer as the composed examples have it, from `examples` beside the tests.
macro_rules! example {
    ($name:literal) => {
        include_str!(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/src/elastic_path/tests/examples/",
            $name,
            ".json"
        ))
    };
}
pub(crate) use example;
