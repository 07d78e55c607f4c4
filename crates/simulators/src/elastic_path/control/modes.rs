//! Switches for what nobody has documented, and the end of all tokens.

use axum::extract::State as Shared;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};

use crate::elastic_path::control::done;
use crate::elastic_path::{ElasticPath, Modes};

pub(crate) fn router() -> Router<ElasticPath> {
    Router::new()
        .route("/_sim/modes", get(modes).put(set_modes))
        .route("/_sim/tokens/expire", post(expire_tokens))
}

async fn modes(Shared(store): Shared<ElasticPath>) -> Response {
    Json(store.modes()).into_response()
}

async fn set_modes(Shared(store): Shared<ElasticPath>, Json(modes): Json<Modes>) -> Response {
    store.set_modes(modes);
    Json(modes).into_response()
}

async fn expire_tokens(Shared(store): Shared<ElasticPath>) -> Response {
    store.expire_tokens();
    done()
}

impl ElasticPath {
    /// What applies now.
    pub fn modes(&self) -> Modes {
        self.lock().options.modes
    }

    /// What applies from now on.
    pub fn set_modes(&self, modes: Modes) {
        self.lock().options.modes = modes;
    }

    /// Every access token of now is refused from now on.
    pub fn expire_tokens(&self) {
        self.lock().tokens.clear();
    }
}
