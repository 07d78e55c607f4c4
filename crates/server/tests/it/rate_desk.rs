//! A server of the merchant's that says what sending costs, as a story wants it to.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{
    Router,
    extract::{Request, State},
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::post,
};
use serde_json::{Value, json};
use standardwebhooks::Webhook;
use tokio::{net::TcpListener, task::JoinHandle};

use crate::erp::SECRET;

#[derive(Clone)]
pub struct RateDesk {
    said: Arc<Mutex<Said>>,
    asked: Arc<Mutex<Vec<Value>>>,
}

/// How it answers.
#[derive(Clone)]
enum Said {
    Answer(u16, String),
    /// It takes its time.
    Silence,
}

/// The settings by which a shop asks it; on the wire of a story nobody looks at the address.
pub fn settings(url: &str) -> [(&str, &str); 2] {
    [("TILL_SHIPPING_RATES_URL", url), ("TILL_SHIPPING_RATES_SECRET", SECRET)]
}

/// A rate in the shop's currency.
pub fn rate(id: &str, amount: i64, currency: &str) -> Value {
    json!({ "id": id, "name": format!("By {id}"), "amount": amount, "currency": currency })
}

impl RateDesk {
    /// It offers these rates.
    pub fn offering(rates: &[Value]) -> Self {
        let said = Said::Answer(200, json!({ "rates": rates }).to_string());
        Self { said: Arc::new(Mutex::new(said)), asked: Arc::default() }
    }

    /// It offers these from now on.
    pub fn offer(&self, rates: &[Value]) {
        self.answer(200, &json!({ "rates": rates }).to_string());
    }

    /// It answers so from now on.
    pub fn answer(&self, status: u16, body: &str) {
        *self.said.lock().unwrap() = Said::Answer(status, body.to_owned());
    }

    /// It answers nothing from now on.
    pub fn fall_silent(&self) {
        *self.said.lock().unwrap() = Said::Silence;
    }

    /// What it was asked, oldest first.
    pub fn asked(&self) -> Vec<Value> {
        self.asked.lock().unwrap().clone()
    }

    /// The server at a port of this machine.
    pub async fn serve(&self) -> (String, JoinHandle<()>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/rates", listener.local_addr().unwrap());
        let router = self.router();
        (url, tokio::spawn(async move { axum::serve(listener, router).await.unwrap() }))
    }

    pub fn router(&self) -> Router {
        Router::new().route("/rates", post(take)).with_state(self.clone())
    }
}

async fn take(State(desk): State<RateDesk>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
    let text = |name: &str| parts.headers[name].to_str().unwrap().to_owned();
    let (id, second) = (text("webhook-id"), text("webhook-timestamp").parse().unwrap());
    // The time in it is that of the story.
    let expected = Webhook::new(SECRET).unwrap().sign(&id, second, &body).unwrap();
    assert_eq!(text("webhook-signature"), expected);
    desk.asked.lock().unwrap().push(serde_json::from_slice(&body).unwrap());
    let said = desk.said.lock().unwrap().clone();
    match said {
        Said::Answer(status, body) => (StatusCode::from_u16(status).unwrap(), body).into_response(),
        Said::Silence => {
            tokio::time::sleep(Duration::from_secs(60 * 60)).await;
            StatusCode::OK.into_response()
        }
    }
}
