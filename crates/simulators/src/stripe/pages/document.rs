//! How a page is made: templates that escape what they show, and headers that keep it to itself.

use std::sync::LazyLock;

use axum::extract::Path;
use axum::response::{Html, IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use minijinja::{AutoEscape, Environment, UndefinedBehavior, Value};

const TEMPLATES: [(&str, &str); 12] = [
    ("base.html", include_str!("base.html")),
    ("parts.html", include_str!("parts.html")),
    ("top.html", include_str!("top.html")),
    ("dashboard.html", include_str!("dashboard.html")),
    ("overview.html", include_str!("overview.html")),
    ("payment.html", include_str!("payment.html")),
    ("story.html", include_str!("story.html")),
    ("bank.html", include_str!("bank.html")),
    ("challenge.html", include_str!("challenge.html")),
    ("redirect.html", include_str!("redirect.html")),
    ("over.html", include_str!("over.html")),
    ("receipt.html", include_str!("receipt.html")),
];

static ENVIRONMENT: LazyLock<Environment<'static>> = LazyLock::new(|| {
    let mut environment = Environment::new();
    environment.set_auto_escape_callback(|_| AutoEscape::Html);
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    for (name, text) in TEMPLATES {
        // A template that does not parse is found by the test that opens its page.
        let _unreadable = environment.add_template(name, text);
    }
    environment
});

/// Nothing from elsewhere, and no other site may put a frame around it to steal a click.
const OWN: &str = "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; \
     img-src data:; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

/// A shop shows it in a frame. `form-action` is missing because browsers apply it to the redirect
/// that leads back to the shop.
const FRAMED: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src data:; \
     base-uri 'none'";

pub(crate) fn text(template: &str, context: Value) -> Result<String, minijinja::Error> {
    ENVIRONMENT.get_template(template)?.render(context)
}

/// A page that only its own origin shows.
pub(crate) fn own_page(status: StatusCode, template: &str, context: Value) -> Response {
    respond(status, text(template, context), OWN)
}

/// A page that any shop may put into a frame.
pub(crate) fn framed_page(status: StatusCode, template: &str, context: Value) -> Response {
    respond(status, text(template, context), FRAMED)
}

fn respond(
    status: StatusCode,
    text: Result<String, minijinja::Error>,
    policy: &'static str,
) -> Response {
    let mut response = match text {
        Ok(text) => (status, Html(text)).into_response(),
        Err(error) => return broken(&error),
    };
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(policy));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

pub(crate) fn broken(error: &minijinja::Error) -> Response {
    tracing::error!(?error, "a page of the simulator is broken");
    (StatusCode::INTERNAL_SERVER_ERROR, "This page is broken.").into_response()
}

/// The style and the scripts.
pub(crate) async fn asset(Path(file): Path<String>) -> Response {
    let (kind, text) = match file.as_str() {
        "page.css" => ("text/css; charset=utf-8", include_str!("page.css")),
        "live.js" => ("text/javascript; charset=utf-8", include_str!("live.js")),
        "frame.js" => ("text/javascript; charset=utf-8", include_str!("frame.js")),
        _ => return StatusCode::NOT_FOUND.into_response(),
    };
    // Small, and from this machine: asking again costs less than a page in an old style.
    let headers = [(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, "no-cache")];
    (headers, text).into_response()
}
