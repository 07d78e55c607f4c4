//! Cloudflare's Turnstile as a shop's server meets it: one route that says whether a token of the
//! widget is worth anything. A token counts once and lives five minutes.
//! <https://developers.cloudflare.com/turnstile/get-started/server-side-validation/> (read 2026-11-22)
//!
//! There is no widget: [`Turnstile::person`] stands for somebody who has passed it.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use axum::{Form, Json, Router, extract::State, routing::post};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::{net::TcpListener, time::Instant};

/// The secret that the shop must send.
pub const SECRET: &str = "0x4AAAAAAA_simulated_secret";

/// How long a token lives, in seconds.
const LIFETIME_SECONDS: u64 = 300;

/// A widget of one shop. Cheap to clone; all clones are one.
#[derive(Debug, Clone, Default)]
pub struct Turnstile(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    /// Tokens that were made and not yet asked about, since when.
    fresh: Mutex<HashMap<String, Instant>>,
    made: AtomicUsize,
    asked: AtomicUsize,
}

#[derive(Deserialize)]
struct Question {
    secret: Option<String>,
    response: Option<String>,
}

impl Turnstile {
    /// Somebody passes the widget: her token.
    #[must_use]
    pub fn person(&self) -> String {
        let number = self.0.made.fetch_add(1, Ordering::SeqCst);
        let token = format!("0.simulated-{number}");
        self.fresh().insert(token.clone(), Instant::now());
        token
    }

    /// How often the shop has asked.
    #[must_use]
    pub fn asked(&self) -> usize {
        self.0.asked.load(Ordering::SeqCst)
    }

    /// Its one route.
    pub fn router(&self) -> Router {
        Router::new().route("/turnstile/v0/siteverify", post(verify)).with_state(self.clone())
    }

    /// Serves until the task is dropped.
    pub async fn serve(&self, listener: TcpListener) -> std::io::Result<()> {
        axum::serve(listener, self.router()).await
    }

    fn fresh(&self) -> std::sync::MutexGuard<'_, HashMap<String, Instant>> {
        self.0.fresh.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    fn judge(&self, question: &Question) -> Option<&'static str> {
        match question.secret.as_deref().unwrap_or_default() {
            "" => return Some("missing-input-secret"),
            SECRET => {}
            _ => return Some("invalid-input-secret"),
        }
        let token = question.response.as_deref().unwrap_or_default();
        if token.is_empty() {
            return Some("missing-input-response");
        }
        if !token.starts_with("0.simulated-") {
            return Some("invalid-input-response");
        }
        match self.fresh().remove(token) {
            Some(made) if made.elapsed().as_secs() < LIFETIME_SECONDS => None,
            Some(_) | None => Some("timeout-or-duplicate"),
        }
    }
}

async fn verify(State(turnstile): State<Turnstile>, Form(question): Form<Question>) -> Json<Value> {
    turnstile.0.asked.fetch_add(1, Ordering::SeqCst);
    Json(match turnstile.judge(&question) {
        None => json!({ "success": true, "error-codes": [], "hostname": "shop.example" }),
        Some(code) => json!({ "success": false, "error-codes": [code] }),
    })
}
