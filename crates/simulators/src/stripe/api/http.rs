//! How a request to `/v1` or `/v2` is answered: key, limits, idempotency, locks, route, fault.

use std::time::Duration;

use axum::body::Body;
use axum::extract::{Request, State as Shared};
use axum::response::Response;
use bytes::Bytes;
use futures::StreamExt;
use http::{HeaderName, HeaderValue, Method, StatusCode, header};
use serde_json::Value;

use crate::stripe::api::call::{Call, Incoming, Key, read};
use crate::stripe::api::error::ApiError;
use crate::stripe::api::expand;
use crate::stripe::api::idempotency::{Kept, Turn};
use crate::stripe::api::v2::{self, Api};
use crate::stripe::control::fault::{self, FaultKind};
use crate::stripe::objects::{payment_intent, payment_method};
use crate::stripe::routes::Projection;
use crate::stripe::state::State;
use crate::stripe::{API_VERSION, Stripe};
use crate::wire::{broken_off, gateway_page, lost};

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
    let api = Api::of(request.uri().path());
    let Ok(incoming) = read(request).await else {
        let error = ApiError::invalid("Request body is too large or was cut short.");
        return Reply::refused(&error.status(413), String::new(), api).into_response();
    };
    let fault = stripe.lock().next_fault(&incoming.method, &incoming.path);
    let reply = match fault {
        None => stripe.answer(incoming, Effect::Happens).await,
        Some(FaultKind::LoseBefore) => None,
        Some(FaultKind::LoseAfter) => {
            let _answer_lost = stripe.answer(incoming, Effect::Happens).await;
            None
        }
        Some(FaultKind::Truncated) => {
            let reply = stripe.answer(incoming, Effect::Happens).await;
            return reply.map_or_else(lost, Reply::into_truncated);
        }
        Some(FaultKind::Garbage) => {
            let reply = stripe.answer(incoming, Effect::Happens).await;
            return reply.map_or_else(lost, Reply::into_garbage);
        }
        Some(FaultKind::Status(status @ (502 | 503))) => return gateway_page(status),
        Some(FaultKind::Status(status)) => {
            let key = incoming.idempotency_key();
            let error = fault::injected(status, &incoming.path, key.as_deref());
            Some(stripe.refuse(&error, api))
        }
        Some(FaultKind::LockTimeout) => Some(stripe.refuse(&fault::lock_timeout(), api)),
        Some(FaultKind::FailBefore) => stripe.answer(incoming, Effect::DoesNotHappen).await,
        Some(FaultKind::FailAfter) => stripe.answer(incoming, Effect::HappensButFails).await,
        Some(FaultKind::Slow(pause)) => stripe.answer_slowly(incoming, pause).await,
        Some(FaultKind::SlowAfter(pause)) => {
            let reply = stripe.answer(incoming, Effect::Happens).await;
            tokio::time::sleep(pause).await;
            reply
        }
    };
    reply.map_or_else(lost, Reply::into_response)
}

/// Every answer says what time it is here.
pub(crate) async fn dated(Shared(stripe): Shared<Stripe>, mut response: Response) -> Response {
    let date = stripe.now().strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
    if let Ok(date) = HeaderValue::from_str(&date) {
        response.headers_mut().insert(header::DATE, date);
    }
    response
}

impl Stripe {
    /// What a server of this process is answered at once, whatever was ordered to go wrong: the status
    /// and the body.
    pub(crate) fn ask(
        &self,
        method: Method,
        path: &str,
        form: &str,
        base_url: &str,
    ) -> (u16, Value) {
        let reply = {
            let mut state = self.lock();
            let key = state.settings.secret_key.clone();
            let incoming = Incoming::of_server(&key, (method, path), form, base_url);
            match state.begin(incoming) {
                Ok(call) => state.complete(&call, Effect::Happens),
                Err(reply) => *reply,
            }
        };
        self.wake();
        (reply.status, reply.body)
    }

    /// Answers in one critical section, unless a slow request works on the same object: then it
    /// waits for its turn. `None` when nobody lives to answer.
    async fn answer(&self, incoming: Incoming, effect: Effect) -> Option<Reply> {
        let locks = &self.shared.locks;
        let begun = {
            let mut state = self.lock();
            match state.begin(incoming) {
                Ok(call) if call.object().is_some_and(|object| locks.is_locked(object)) => {
                    Err(Box::new(call))
                }
                Ok(call) => Ok(state.complete(&call, effect)),
                Err(reply) => Ok(*reply),
            }
        };
        self.wake();
        match begun {
            Ok(reply) => Some(reply),
            Err(call) => self.answer_in_turn(call, effect, Duration::ZERO).await,
        }
    }

    async fn answer_slowly(&self, incoming: Incoming, pause: Duration) -> Option<Reply> {
        let begun = self.lock().begin(incoming);
        match begun {
            Ok(call) => self.answer_in_turn(Box::new(call), Effect::Happens, pause).await,
            Err(reply) => {
                tokio::time::sleep(pause).await;
                Some(*reply)
            }
        }
    }

    /// Carries a begun call out when its object is free, with the object locked meanwhile. In a
    /// task of its own, so that a caller who hangs up does not prevent the effect.
    async fn answer_in_turn(
        &self,
        call: Box<Call>,
        effect: Effect,
        pause: Duration,
    ) -> Option<Reply> {
        let stripe = self.clone();
        let (patience, resets) = {
            let state = self.lock();
            (state.settings.lock_wait, state.resets)
        };
        let task = tokio::spawn(async move {
            let locks = stripe.shared.locks.clone();
            let _held = match call.object() {
                None => None,
                Some(object) => match locks.acquire(object, patience).await {
                    Some(held) => Some(held),
                    None => return Some(stripe.lock().give_up(&call, &fault::lock_timeout())),
                },
            };
            if !pause.is_zero() {
                tokio::time::sleep(pause).await;
            }
            let reply = {
                let mut state = stripe.lock();
                // A request of the time before a reset has no effect after it.
                (state.resets == resets).then(|| state.complete(&call, effect))
            };
            stripe.wake();
            reply
        });
        task.await.ok().flatten()
    }

    fn refuse(&self, error: &ApiError, api: Api) -> Reply {
        let request_id = self.lock().ids.make("req_", 14);
        Reply::refused(error, request_id, api)
    }
}

impl State {
    /// The call, its idempotency key reserved; or the answer, when there is nothing to do.
    fn begin(&mut self, incoming: Incoming) -> Result<Call, Box<Reply>> {
        let request_id = self.ids.make("req_", 14);
        let api = incoming.api;
        let refused = |error: ApiError| Box::new(Reply::refused(&error, request_id.clone(), api));
        let call = incoming.into_call(self, &request_id).map_err(refused)?;
        let now = self.clock.seconds();
        if let Some(limits) = self.settings.rate_limits {
            self.meter.admit(limits, &call, now).map_err(refused)?;
        }
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

    /// Refuses a begun call whose turn never came; its key is free again.
    fn give_up(&mut self, call: &Call, error: &ApiError) -> Reply {
        let request_id = call.origin.request_id.clone().unwrap_or_default();
        let mut reply = Reply::refused(error, request_id.clone(), call.api);
        self.replies.finish(call, false, || reply.to_keep(&request_id));
        reply.add_key(call, request_id);
        reply
    }

    fn complete(&mut self, call: &Call, effect: Effect) -> Reply {
        let request_id = call.origin.request_id.clone().unwrap_or_default();
        let answer = match effect {
            Effect::Happens => self.execute(call),
            Effect::DoesNotHappen => Err(fault::injected(500, &call.path, None)),
            Effect::HappensButFails => {
                let _answer_lost = self.execute(call);
                Err(fault::injected(500, &call.path, None))
            }
        };
        let begun = match (&answer, call.api) {
            (Ok(_), _) => true,
            (Err(error), Api::V1) => error.had_begun(),
            (Err(_), Api::V2) => false,
        };
        let mut reply = match answer {
            Ok(body) => Reply::new(200, body, request_id.clone()),
            Err(error) => Reply::refused(&error, request_id.clone(), call.api),
        };
        if call.key == Key::Publishable
            && let Some(projection) = call.route.projection
        {
            reply.project(projection);
        }
        self.replies.finish(call, begun, || reply.to_keep(&request_id));
        reply.add_key(call, request_id);
        reply
    }

    fn execute(&mut self, call: &Call) -> Result<Value, ApiError> {
        let paths = expand::read(&call.params, call.route.answers)?;
        let mut answer = (call.route.handle)(self, call, &call.id)?;
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

    fn refused(error: &ApiError, request_id: String, api: Api) -> Self {
        let body = match api {
            Api::V1 => error.to_json(),
            Api::V2 => v2::error_json(error),
        };
        let mut reply = Self::new(error.status, body, request_id);
        reply
            .headers
            .extend(error.headers.iter().map(|(name, value)| (*name, (*value).to_owned())));
        reply
    }

    fn to_keep(&self, request_id: &str) -> Kept {
        Kept { status: self.status, body: self.body.clone(), request_id: request_id.to_owned() }
    }

    fn add_key(&mut self, call: &Call, original_request: String) {
        if let Some(key) = &call.origin.idempotency_key {
            self.headers.push(("idempotency-key", key.clone()));
            self.headers.push(("original-request", original_request));
        }
    }

    /// Leaves what a browser may see.
    fn project(&mut self, projection: Projection) {
        if let Some(method) = self.body.pointer_mut("/error/payment_method") {
            *method = payment_method::project(method);
        }
        match self.body.pointer_mut("/error/payment_intent") {
            Some(intent) => *intent = payment_intent::project(intent),
            None if self.status == 200 => self.body = projection(&self.body),
            None => {}
        }
    }

    fn into_response(self) -> Response {
        self.with_body(Body::from)
    }

    /// The first half of the body; then the connection closes, though more was announced.
    fn into_truncated(self) -> Response {
        let mut announced = 0;
        let mut response = self.with_body(|text| {
            announced = text.len();
            let half = Bytes::from(text).slice(..announced / 2);
            // What is written before the failure has to leave first.
            let broken = futures::stream::once(async {
                tokio::task::yield_now().await;
                Err(broken_off())
            });
            let half = futures::stream::once(std::future::ready(Ok(half)));
            Body::from_stream(half.chain(broken))
        });
        response.headers_mut().insert(header::CONTENT_LENGTH, announced.into());
        response
    }

    /// A success whose body is no JSON.
    fn into_garbage(mut self) -> Response {
        self.status = 200;
        self.with_body(|_| Body::from("<html><body>It works!</body></html>\n"))
    }

    fn with_body(self, body: impl FnOnce(String) -> Body) -> Response {
        let mut text = serde_json::to_string_pretty(&self.body).unwrap_or_default();
        text.push('\n');
        let mut response = Response::new(body(text));
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
