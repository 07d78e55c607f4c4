//! A simulator has no login, so a page of another site that a developer visits must not be able
//! to give it orders.
//!
//! A browser says where a request comes from; a request that says nothing comes from a program.

use axum::extract::Request;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, StatusCode, header};

pub(crate) async fn refuse_other_sites(request: Request, next: Next) -> Response {
    if !request.method().is_safe() && from_elsewhere(request.headers()) {
        let why = "Orders are taken from programs and from the simulator's own pages only.";
        return (StatusCode::FORBIDDEN, why).into_response();
    }
    next.run(request).await
}

/// A page on another port of this machine is elsewhere too.
fn from_elsewhere(headers: &HeaderMap) -> bool {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    if let Some(site) = headers.get("sec-fetch-site") {
        return site != "same-origin" && site != "none";
    }
    match (headers.contains_key(header::ORIGIN), text(header::ORIGIN), text(header::HOST)) {
        (false, _, _) => false,
        (true, Some(origin), Some(host)) => {
            origin.split_once("://").is_none_or(|(_, origin)| origin != host)
        }
        (true, _, _) => true,
    }
}
