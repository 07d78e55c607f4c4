//! How a request to `/v1` is answered: key, idempotency, route, fault.

use axum::body::{Body, to_bytes};
use axum::extract::{Request, State as Shared};
use axum::response::Response;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use serde_json::Value;

use super::error::ApiError;
use super::event::Origin;
use super::fault::{self, ConnectionLost, FaultKind};
use super::idempotency::Turn;
use super::params::Params;
use super::state::State;
use super::{
    API_VERSION, Call, Key, Stripe, charges, endpoints, event, expand, form, payment_intent,
    payments,
};

/// A form of this size holds fifty metadata values of 500 characters many times over.
pub(crate) const BODY_BYTES_MAX: usize = 1024 * 1024;

/// First version without `payment_method_types` in requests.
const TYPES_REMOVED: &str = "2026-09-30";

/// A request whose body has arrived.
struct Incoming {
    method: Method,
    path: String,
    headers: HeaderMap,
    params: Params,
    /// The form was not a form.
    unreadable: bool,
    base_url: String,
}

struct Reply {
    status: u16,
    body: Value,
    headers: Vec<(&'static str, String)>,
}

/// What becomes of an effect that a fault may forbid.
#[derive(Clone, Copy)]
enum Effect {
    Happens,
    HappensButFails,
    DoesNotHappen,
}

pub(crate) async fn api(Shared(stripe): Shared<Stripe>, request: Request) -> Response {
    let Ok(incoming) = read(request).await else {
        let error = ApiError::invalid("Request body is too large or was cut short.");
        return Reply::refused(&error.status(413), String::new()).into_response();
    };
    let fault = stripe.lock().next_fault(&incoming.method, &incoming.path);
    let reply = match fault {
        None => stripe.answer(incoming, Effect::Happens),
        Some(FaultKind::LoseBefore) => return lost(),
        Some(FaultKind::LoseAfter) => {
            stripe.answer(incoming, Effect::Happens);
            return lost();
        }
        Some(FaultKind::Status(status)) => {
            let key = incoming.idempotency_key();
            stripe.refuse(&fault::injected(status, key.as_deref()))
        }
        Some(FaultKind::LockTimeout) => stripe.refuse(&fault::lock_timeout()),
        Some(FaultKind::FailBefore) => stripe.answer(incoming, Effect::DoesNotHappen),
        Some(FaultKind::FailAfter) => stripe.answer(incoming, Effect::HappensButFails),
        Some(FaultKind::Slow(pause)) => {
            // In a task of its own, so that a caller who hangs up does not prevent the effect.
            let task = tokio::spawn(async move { stripe.answer_slowly(incoming, pause).await });
            match task.await {
                Ok(reply) => reply,
                Err(_) => return lost(),
            }
        }
        Some(FaultKind::SlowAfter(pause)) => {
            let reply = stripe.answer(incoming, Effect::Happens);
            tokio::time::sleep(pause).await;
            reply
        }
    };
    reply.into_response()
}

async fn read(request: Request) -> Result<Incoming, axum::Error> {
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, BODY_BYTES_MAX).await?;
    let mut map = Default::default();
    form::parse(parts.uri.query().unwrap_or_default().as_bytes(), &mut map);
    let kind = parts.headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    let unreadable = kind.is_some_and(|kind| kind.starts_with("application/json"));
    if !unreadable {
        form::parse(&body, &mut map);
    }
    Ok(Incoming {
        path: parts.uri.path().to_owned(),
        base_url: base_url(&parts),
        method: parts.method,
        headers: parts.headers,
        params: Params::new(map),
        unreadable,
    })
}

/// Where the caller reaches this simulator: a challenge's page is on the same host.
pub(crate) fn base_url(parts: &http::request::Parts) -> String {
    let host = parts.headers.get(header::HOST).and_then(|host| host.to_str().ok());
    let host = host.or_else(|| parts.uri.authority().map(|authority| authority.as_str()));
    format!("http://{}", host.unwrap_or("127.0.0.1"))
}

impl Incoming {
    fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// Keys are for requests that change something.
    fn idempotency_key(&self) -> Option<String> {
        let key = self.header("idempotency-key").filter(|key| !key.is_empty())?;
        (self.method == Method::POST).then(|| key.to_owned())
    }

    /// Checks everything that comes before a route's own parameters.
    fn into_call(mut self, state: &State, request_id: &str) -> Result<Call, ApiError> {
        let key = self.authenticate(state)?;
        if self.unreadable {
            return Err(ApiError::invalid(
                "Invalid request (check that your POST content type is \
                 application/x-www-form-urlencoded). If you have any questions, we can help at \
                 https://support.stripe.com/.",
            ));
        }
        let names_types = match self.header("stripe-version") {
            None => true,
            Some(version) => version_date(version)? < TYPES_REMOVED,
        };
        let idempotency_key = self.idempotency_key();
        Ok(Call {
            key,
            names_types,
            origin: Origin {
                request_id: Some(request_id.to_owned()),
                idempotency_key,
                base_url: self.base_url,
            },
            method: self.method,
            path: self.path,
            params: self.params,
        })
    }

    /// Bearer, Basic with the key as user name, or the `key` parameter that browsers send.
    fn authenticate(&mut self, state: &State) -> Result<Key, ApiError> {
        let parameter = self.params.take("key");
        let header = self.header("authorization").map(str::to_owned);
        let given = match header {
            Some(value) => bearer(&value).or_else(|| basic_user(&value)),
            None => parameter,
        };
        let refuse = |text: String| ApiError::new(401, "invalid_request_error", text);
        let Some(given) = given.filter(|given| !given.is_empty()) else {
            return Err(refuse(
                "You did not provide an API key. You need to provide your API key in the \
                 Authorization header, using Bearer auth (e.g. 'Authorization: Bearer \
                 YOUR_SECRET_KEY'). See https://stripe.com/docs/api#authentication for details, \
                 or we can help at https://support.stripe.com/."
                    .into(),
            ));
        };
        if given == state.settings.secret_key {
            return Ok(Key::Secret);
        }
        if given != state.settings.publishable_key {
            return Err(refuse(format!("Invalid API Key provided: {}", masked(&given))));
        }
        let segments: Vec<&str> = self.path.split('/').skip(2).collect();
        match (self.method.as_str(), segments.as_slice()) {
            ("GET", ["payment_intents", _]) | ("POST", ["payment_intents", _, "confirm"]) => {
                Ok(Key::Publishable)
            }
            _ => Err(refuse(
                "This API call cannot be made with a publishable API key. Please use a secret API \
                 key. You can find a list of your API keys at \
                 https://dashboard.stripe.com/account/apikeys."
                    .into(),
            )
            .code("secret_key_required")),
        }
    }
}

fn bearer(header: &str) -> Option<String> {
    header.strip_prefix("Bearer ").map(|key| key.trim().to_owned())
}

fn basic_user(header: &str) -> Option<String> {
    let bytes = decode_base64(header.strip_prefix("Basic ")?.trim())?;
    let text = String::from_utf8(bytes).ok()?;
    text.split(':').next().map(str::to_owned)
}

/// Standard alphabet, padding optional.
fn decode_base64(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len());
    let (mut bits, mut count) = (0_u32, 0);
    for symbol in text.trim_end_matches('=').bytes() {
        let value = match symbol {
            b'A'..=b'Z' => symbol - b'A',
            b'a'..=b'z' => symbol - b'a' + 26,
            b'0'..=b'9' => symbol - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => return None,
        };
        bits = (bits << 6) | u32::from(value);
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push(u8::try_from((bits >> count) & 0xff).ok()?);
        }
    }
    Some(bytes)
}

/// `sk_test_***cdef`: enough to find the wrong key by, too little to use it.
fn masked(key: &str) -> String {
    let prefix: String = key.splitn(3, '_').take(2).map(|part| format!("{part}_")).collect();
    let characters: Vec<char> = key.chars().collect();
    let last: String = characters[characters.len().saturating_sub(4)..].iter().collect();
    if characters.len() > prefix.len() + 4 && prefix.ends_with('_') && prefix.len() < 16 {
        format!("{prefix}***{last}")
    } else {
        "***".into()
    }
}

fn version_date(version: &str) -> Result<&str, ApiError> {
    let date = version.get(..10).filter(|date| {
        date.bytes().enumerate().all(|(place, byte)| match place {
            4 | 7 => byte == b'-',
            _ => byte.is_ascii_digit(),
        })
    });
    date.ok_or_else(|| ApiError::invalid(format!("Invalid Stripe API version: {version}")))
}

impl Stripe {
    /// Answers in one critical section.
    fn answer(&self, incoming: Incoming, effect: Effect) -> Reply {
        let reply = {
            let mut state = self.lock();
            match state.begin(incoming) {
                Ok(call) => state.complete(&call, effect),
                Err(reply) => *reply,
            }
        };
        self.wake();
        reply
    }

    async fn answer_slowly(&self, incoming: Incoming, pause: std::time::Duration) -> Reply {
        let begun = self.lock().begin(incoming);
        tokio::time::sleep(pause).await;
        let reply = match begun {
            Ok(call) => self.lock().complete(&call, Effect::Happens),
            Err(reply) => *reply,
        };
        self.wake();
        reply
    }

    fn refuse(&self, error: &ApiError) -> Reply {
        let request_id = self.lock().ids.make("req_", 14);
        Reply::refused(error, request_id)
    }
}

impl State {
    /// The call, its idempotency key reserved; or the answer, when there is nothing to do.
    fn begin(&mut self, incoming: Incoming) -> Result<Call, Box<Reply>> {
        let request_id = self.ids.make("req_", 14);
        let refused = |error: ApiError| Box::new(Reply::refused(&error, request_id.clone()));
        let call = incoming.into_call(self, &request_id).map_err(refused)?;
        let now = self.clock.seconds();
        match self.replies.begin(&call, now).map_err(refused)? {
            Turn::First => Ok(call),
            Turn::Replay(kept) => {
                let mut reply = Reply::new(kept.status, kept.body, request_id);
                reply.headers.push(("idempotent-replayed", "true".into()));
                reply.add_key(&call, kept.request_id);
                Err(Box::new(reply))
            }
        }
    }

    fn complete(&mut self, call: &Call, effect: Effect) -> Reply {
        let request_id = call.origin.request_id.clone().unwrap_or_default();
        let answer = match effect {
            Effect::Happens => self.execute(call),
            Effect::DoesNotHappen => Err(fault::injected(500, None)),
            Effect::HappensButFails => {
                let _answer_lost = self.execute(call);
                Err(fault::injected(500, None))
            }
        };
        let mut reply = match answer {
            Ok(body) => Reply::new(200, body, request_id.clone()),
            Err(error) => Reply::refused(&error, request_id.clone()),
        };
        if call.key == Key::Publishable {
            reply.project();
        }
        self.replies.finish(call, reply.status, &reply.body, &request_id);
        reply.add_key(call, request_id);
        reply
    }

    fn execute(&mut self, call: &Call) -> Result<Value, ApiError> {
        let segments: Vec<&str> = call.path.split('/').skip(2).collect();
        let root = match segments.as_slice() {
            ["payment_intents"] if call.method == Method::GET => "payment_intent[]",
            ["payment_intents", ..] => "payment_intent",
            ["charges"] => "charge[]",
            ["charges", _] => "charge",
            _ => "",
        };
        let paths = expand::read(&call.params, root)?;
        let mut answer = match (call.method.as_str(), segments.as_slice()) {
            ("POST", ["payment_intents"]) => payments::create(self, call),
            ("GET", ["payment_intents"]) => payments::list(self, call),
            ("GET", ["payment_intents", id]) => payments::retrieve(self, call, id),
            ("POST", ["payment_intents", id]) => payments::update(self, call, id),
            ("POST", ["payment_intents", id, "confirm"]) => payments::confirm(self, call, id),
            ("POST", ["payment_intents", id, "cancel"]) => payments::cancel(self, call, id),
            ("GET", ["charges"]) => charges::list(self, call),
            ("GET", ["charges", id]) => charges::retrieve(self, call, id),
            ("GET", ["events"]) => event::list(self, call),
            ("GET", ["events", id]) => event::retrieve(self, call, id),
            ("POST", ["webhook_endpoints"]) => endpoints::create(self, call),
            ("GET", ["webhook_endpoints"]) => endpoints::list(self, call),
            ("GET", ["webhook_endpoints", id]) => endpoints::retrieve(self, call, id),
            ("POST", ["webhook_endpoints", id]) => endpoints::update(self, call, id),
            ("DELETE", ["webhook_endpoints", id]) => endpoints::delete(self, call, id),
            _ => Err(ApiError::invalid(format!(
                "Unrecognized request URL ({}: {}). Please see https://stripe.com/docs or we can \
                 help at https://support.stripe.com/.",
                call.method, call.path
            ))
            .status(404)),
        }?;
        for path in paths {
            expand::apply(self, &mut answer, &path);
        }
        Ok(answer)
    }
}

impl Reply {
    fn new(status: u16, body: Value, request_id: String) -> Self {
        let headers = vec![("request-id", request_id), ("stripe-version", API_VERSION.to_owned())];
        Self { status, body, headers }
    }

    fn refused(error: &ApiError, request_id: String) -> Self {
        let mut reply = Self::new(error.status, error.to_json(), request_id);
        reply
            .headers
            .extend(error.headers.iter().map(|(name, value)| (*name, (*value).to_owned())));
        reply
    }

    fn add_key(&mut self, call: &Call, original_request: String) {
        if let Some(key) = &call.origin.idempotency_key {
            self.headers.push(("idempotency-key", key.clone()));
            self.headers.push(("original-request", original_request));
        }
    }

    /// Leaves what a browser may see.
    fn project(&mut self) {
        match self.body.pointer_mut("/error/payment_intent") {
            Some(intent) => *intent = payment_intent::project(intent),
            None if self.status == 200 => self.body = payment_intent::project(&self.body),
            None => {}
        }
    }

    fn into_response(self) -> Response {
        let mut text = serde_json::to_string_pretty(&self.body).unwrap_or_default();
        text.push('\n');
        let mut response = Response::new(Body::from(text));
        *response.status_mut() =
            StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        for (name, value) in self.headers {
            if let Ok(value) = HeaderValue::from_str(&value) {
                headers.insert(HeaderName::from_static(name), value);
            }
        }
        response
    }
}

/// Closes the connection before the first byte: the body fails before anything is flushed.
fn lost() -> Response {
    let failure = std::io::Error::from(std::io::ErrorKind::ConnectionReset);
    let broken = futures::stream::once(std::future::ready(Err::<bytes::Bytes, _>(failure)));
    let mut response = Response::new(Body::from_stream(broken));
    *response.status_mut() = StatusCode::BAD_GATEWAY;
    response.extensions_mut().insert(ConnectionLost);
    response
}
