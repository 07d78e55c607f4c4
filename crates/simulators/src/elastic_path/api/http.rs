//! How a request is answered: fault, token, scope, route; and written down.

use std::time::Duration;

use axum::body::Body;
use axum::extract::{Request, State as Shared};
use axum::response::Response;
use bytes::Bytes;
use http::{HeaderValue, StatusCode, header};
use serde_json::{Value, json};

use crate::elastic_path::ElasticPath;
use crate::elastic_path::api::call::{Answer, Incoming, read};
use crate::elastic_path::api::error::{self, ApiError};
use crate::elastic_path::api::log::Logged;
use crate::elastic_path::api::token::{self, Grant};
use crate::elastic_path::control::fault::{ErrorShape, FaultKind};
use crate::elastic_path::rules::stripe;
use crate::elastic_path::state::State;
use crate::wire::{gateway_page, lost};

const TOKEN_PATH: &str = "/oauth/access_token";

pub(crate) async fn answer(Shared(store): Shared<ElasticPath>, request: Request) -> Response {
    let Ok(incoming) = read(request).await else {
        return respond(&ApiError::bad_request("The body did not arrive whole.").into());
    };
    let (entry, fault) = {
        let mut state = store.lock();
        let entry = arrived(&state, &incoming);
        (entry, state.next_fault(&incoming.method, &incoming.path))
    };
    let Some(fault) = fault else {
        let answer = store.lock().carry_out(incoming);
        return store.log(entry, true, Some(answer.status), respond(&answer));
    };
    store.answer_with(fault, incoming, entry).await
}

impl ElasticPath {
    async fn answer_with(&self, fault: FaultKind, incoming: Incoming, entry: Logged) -> Response {
        let carry_out = |incoming| self.lock().carry_out(incoming);
        let refused = |status, body| Answer { status, body };
        match fault {
            FaultKind::LoseBefore => self.log(entry, false, None, lost()),
            FaultKind::LoseAfter => {
                let _answer_lost = carry_out(incoming);
                self.log(entry, true, None, lost())
            }
            FaultKind::Status(status, shape) => {
                let answer = refused(status, error::injected(status, shape));
                self.log(entry, false, Some(status), respond(&answer))
            }
            FaultKind::RateLimited { retry_after_s } => {
                let answer = refused(429, error::injected(429, ErrorShape::Number));
                let mut response = respond(&answer);
                if let Some(seconds) = retry_after_s {
                    response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
                }
                self.log(entry, false, Some(429), response)
            }
            FaultKind::FailAfter => {
                let _answer_lost = carry_out(incoming);
                let answer = refused(500, error::injected(500, ErrorShape::Text));
                self.log(entry, true, Some(500), respond(&answer))
            }
            FaultKind::GatewayPage => self.log(entry, false, Some(502), gateway_page(502)),
            FaultKind::GatewayPageAfter => {
                let _answer_lost = carry_out(incoming);
                self.log(entry, true, Some(502), gateway_page(502))
            }
            FaultKind::Slow(pause) => self.answer_late(incoming, entry, pause).await,
            FaultKind::SlowAfter(pause) => {
                let answer = carry_out(incoming);
                let response = self.log(entry, true, Some(answer.status), respond(&answer));
                tokio::time::sleep(pause).await;
                response
            }
            FaultKind::Garbage => {
                let answer = carry_out(incoming);
                let mut response = respond(&answer);
                *response.body_mut() = Body::from(r#"{"data":{"id":"#);
                self.log(entry, true, Some(answer.status), response)
            }
            FaultKind::SoftErrors | FaultKind::ErrorsAlone => {
                let mut answer = carry_out(incoming);
                if let Some(body) = answer.body.as_object_mut() {
                    let error = json!({
                        "status": 400,
                        "title": "Bad Request",
                        "detail": "Request could not be processed",
                    });
                    body.insert("errors".to_owned(), json!([error]));
                    if fault == FaultKind::ErrorsAlone {
                        body.remove("meta");
                    }
                }
                self.log(entry, true, Some(answer.status), respond(&answer))
            }
        }
    }

    /// In a task of its own, so that a caller who hangs up does not prevent the effect.
    async fn answer_late(&self, incoming: Incoming, entry: Logged, pause: Duration) -> Response {
        let store = self.clone();
        let task = tokio::spawn(async move {
            tokio::time::sleep(pause).await;
            let answer = store.lock().carry_out(incoming);
            store.log(entry, true, Some(answer.status), respond(&answer))
        });
        task.await.unwrap_or_else(|_| lost())
    }

    fn log(
        &self,
        entry: Logged,
        carried_out: bool,
        status: Option<u16>,
        response: Response,
    ) -> Response {
        self.lock().log.push(Logged { carried_out, status, ..entry });
        response
    }
}

/// What is written down of a request before anything is done.
fn arrived(state: &State, incoming: &Incoming) -> Logged {
    let grant = match incoming.path.as_str() {
        TOKEN_PATH => {
            let form = incoming.form().unwrap_or_default();
            let asked = form.iter().find(|(name, _)| name == "grant_type");
            asked.and_then(|(_, name)| Grant::named(name))
        }
        _ => incoming.token().and_then(|token| state.grant(token)),
    };
    let mut path = incoming.path.clone();
    if !incoming.query.is_empty() {
        path.push('?');
        path.push_str(&incoming.query);
    }
    Logged {
        method: incoming.method.to_string(),
        path,
        grant: grant.map(Grant::name),
        account: incoming.header("ep-account-management-authentication-token").is_some(),
        carried_out: false,
        status: None,
    }
}

impl State {
    /// Answers in one critical section.
    fn carry_out(&mut self, incoming: Incoming) -> Answer {
        let answered = if incoming.path == TOKEN_PATH && incoming.method == http::Method::POST {
            token::mint(self, &incoming)
        } else {
            incoming.into_call(self).and_then(|call| (call.handle)(self, &call))
        };
        stripe::agree(self);
        answered.unwrap_or_else(Answer::from)
    }
}

fn respond(answer: &Answer) -> Response {
    let body = match &answer.body {
        Value::Null => Bytes::new(),
        body => Bytes::from(body.to_string()),
    };
    let is_empty = body.is_empty();
    let mut response = Response::new(Body::from(body));
    *response.status_mut() =
        StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    if !is_empty {
        let json = HeaderValue::from_static("application/json");
        response.headers_mut().insert(header::CONTENT_TYPE, json);
    }
    response
}
