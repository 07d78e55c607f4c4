//! How a request to `/v1` is answered: key, idempotency, route, fault.

use axum::body::Body;
use axum::extract::{Request, State as Shared};
use axum::response::Response;
use http::{HeaderName, HeaderValue, StatusCode, header};
use serde_json::Value;

use crate::stripe::api::call::{Call, Incoming, Key, read};
use crate::stripe::api::error::ApiError;
use crate::stripe::api::expand;
use crate::stripe::api::idempotency::Turn;
use crate::stripe::control::fault::{self, ConnectionLost, FaultKind};
use crate::stripe::objects::payment_intent;
use crate::stripe::routes::Projection;
use crate::stripe::state::State;
use crate::stripe::{API_VERSION, Stripe};

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
        if call.key == Key::Publishable
            && let Some(projection) = call.route.projection
        {
            reply.project(projection);
        }
        self.replies.finish(call, reply.status, &reply.body, &request_id);
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
    fn project(&mut self, projection: Projection) {
        match self.body.pointer_mut("/error/payment_intent") {
            Some(intent) => *intent = payment_intent::project(intent),
            None if self.status == 200 => self.body = projection(&self.body),
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
