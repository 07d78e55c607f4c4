//! Every route, and the layers a request goes through.

use std::{
    sync::{Arc, LazyLock},
    time::Duration,
};

use axum::{
    Router,
    extract::{DefaultBodyLimit, FromRef, Request},
    middleware::{Next, from_fn, from_fn_with_state},
    response::{IntoResponse, Response},
    routing::{MethodRouter, any, get, patch, post},
};
use http::{HeaderName, HeaderValue, header};
use tower_http::{catch_panic::CatchPanicLayer, set_header::SetResponseHeaderLayer};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    cart, catalog, checkout,
    cookie::SignedCookie,
    customer::{self, CustomerCookie},
    error::{ApiError, Code},
    gate::{self, Gate},
    health, openapi, order,
    page::{self, Facts},
    placed_order, platform,
    session::{self, SessionWeb},
    storefront::{self, Storefront},
    visitor::{self, VisitorCookie},
    webhook,
};
use crate::{
    context::{Base, Cx, Px},
    order_link::OrderLinks,
};

/// What stands before every backend.
#[derive(Clone)]
pub struct Front {
    /// Store, clock and ids.
    pub base: Arc<Base>,
    /// How the visitor cookie looks.
    pub cookie: VisitorCookie,
    /// How the cookie of a sign-in looks; none where there are no accounts.
    pub customers: Option<CustomerCookie>,
    /// Who is let in, and how often.
    pub gate: Arc<Gate>,
    /// What the page about the server says.
    pub facts: Arc<Facts>,
    /// The shop that shoppers see, unless it is turned off or was not built.
    pub storefront: Option<Arc<Storefront>>,
}

/// What the handlers of the native backend are handed.
#[derive(Clone)]
pub struct Web {
    /// Who asks, and whether she may.
    pub front: Front,
    /// For the flows.
    pub cx: Cx,
    /// The links in receipts.
    pub links: OrderLinks,
    /// Names a checkout session.
    pub sessions: SignedCookie,
}

/// What the handlers of the backend at Elastic Path are handed.
#[derive(Clone)]
pub struct PlatformWeb {
    /// Who asks, and whether she may.
    pub front: Front,
    /// For the flows.
    pub px: Px,
}

impl FromRef<PlatformWeb> for Front {
    fn from_ref(web: &PlatformWeb) -> Self {
        web.front.clone()
    }
}

impl FromRef<Web> for Front {
    fn from_ref(web: &Web) -> Self {
        web.front.clone()
    }
}

/// A checkout request with two addresses is under 4 KiB; this leaves room for the longest fields
/// in any script.
const BODY_BYTES_MAX: usize = 32 * 1024;
/// Stripe's largest events are a few hundred KiB.
const EVENT_BYTES_MAX: usize = 1024 * 1024;
/// Longer than any flow may take: an intent that replaces an older order makes three gateway
/// calls of ten seconds each.
const ANSWER_WITHIN: Duration = Duration::from_secs(40);

/// The routes that the OpenAPI document describes.
pub fn documented() -> utoipa::openapi::OpenApi {
    let native = shop().merge(customers()).merge(catalogue()).merge(webhooks());
    let mut document = native.into_openapi();
    document.merge(sessions().into_openapi());
    document
}

/// The same routes without their description.
#[derive(Clone)]
struct Undescribed {
    shop: Router<Web>,
    catalogue: Router<Web>,
    webhooks: Router<Web>,
    sessions: Router<SessionWeb>,
}

/// Made once: describing takes longer than all the rest of opening a server, and there are processes
/// that open many.
static UNDESCRIBED: LazyLock<Undescribed> = LazyLock::new(|| Undescribed {
    shop: shop().merge(customers()).split_for_parts().0,
    catalogue: catalogue().split_for_parts().0,
    webhooks: webhooks().split_for_parts().0,
    sessions: sessions().split_for_parts().0,
});

/// The whole server with the native backend.
pub fn router(web: Web, session_web: SessionWeb) -> Router {
    let Undescribed { shop, catalogue, webhooks, sessions } = UNDESCRIBED.clone();
    let front = web.front.clone();
    let shop = shop.merge(sessions.with_state(session_web));
    let api = guarded(&front, shop, catalogue)
        .merge(webhooks.layer(DefaultBodyLimit::max(EVENT_BYTES_MAX)));
    let pages = pages(&front, get(page::index));
    finished(api.merge(pages), web)
}

/// The whole server with Elastic Path behind it.
pub fn platform_router(web: PlatformWeb, session_web: SessionWeb) -> Router {
    let shop = Router::new()
        .route("/api/cart", get(platform::get_cart).delete(platform::clear_cart))
        .route("/api/cart/items", post(platform::add_item))
        .route(
            "/api/cart/items/{lineId}",
            patch(platform::set_quantity).delete(platform::remove_item),
        )
        .route("/api/orders", get(platform::nobody_signs_in))
        .route("/api/orders/{id}", get(placed_order::get_order));
    let catalogue = Router::new()
        .route("/api/products", get(platform::list_products))
        .route("/api/products/{id}", get(platform::get_product));
    let elsewhere = Router::new()
        .route("/api/checkout/intent", any(platform::unsupported))
        .route("/api/checkout/confirm", any(platform::unsupported))
        .route("/api/orders/{id}/cancel", any(platform::unsupported))
        .route("/api/customers", any(platform::unsupported))
        .route("/api/customers/{*path}", any(platform::unsupported))
        .route("/api/webhooks/stripe", any(platform::unsupported));
    let front = web.front.clone();
    let shop = shop.merge(UNDESCRIBED.sessions.clone().with_state(session_web));
    let api = guarded(&front, shop, catalogue).merge(elsewhere);
    // The page asks the platform, which counts our calls.
    let limited = from_fn_with_state(front.clone(), gate::limit);
    let pages = pages(&front, get(page::platform_index).layer(limited));
    finished(api.merge(pages), web)
}

/// The routes of the API with what stands before them.
fn guarded<S>(front: &Front, shop: Router<S>, catalogue: Router<S>) -> Router<S>
where
    S: Clone + Send + Sync + 'static,
{
    let known = from_fn_with_state(front.clone(), visitor::know);
    let limited = from_fn_with_state(front.clone(), gate::limit);
    let gated = from_fn_with_state(front.clone(), gate::same_origin);
    // Of several layers the first is the outermost.
    shop
        // A cart and an order are one visitor's own.
        .layer((header_layer(header::CACHE_CONTROL, "no-store"), gated, known, limited.clone()))
        .merge(catalogue.layer(limited))
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        // Said here, so that the layer after it sees the questions browsers ask before a change.
        .method_not_allowed_fallback(method_not_allowed)
        .layer(front.gate.cors())
}

/// What is there whatever the backend. The application in the browser has addresses of its own; for
/// any other one there is nothing.
fn pages<S>(front: &Front, about: MethodRouter<S>) -> Router<S>
where
    S: Clone + Send + Sync + 'static,
    Front: FromRef<S>,
{
    let shop = match &front.storefront {
        None => Router::new().route("/", about.clone()),
        Some(application) => application
            .pages()
            .fold(Router::new(), |shop, path| shop.route(path, get(storefront::page)))
            .route("/shop/{*path}", get(storefront::file)),
    };
    shop.route("/server", about)
        .route("/healthz", get(health::healthz))
        .route("/readyz", get(health::readyz))
        .route("/metrics", get(health::metrics))
        .route("/api/openapi.json", get(openapi::openapi_json))
        .route("/docs", get(page::docs))
        .route("/assets/{*path}", get(page::asset))
}

/// Around everything.
fn finished<S>(routes: Router<S>, state: S) -> Router
where
    S: Clone + Send + Sync + 'static,
{
    routes
        .fallback(not_found)
        .method_not_allowed_fallback(method_not_allowed)
        .with_state(state)
        .layer((
            header_layer(header::X_FRAME_OPTIONS, "DENY"),
            header_layer(header::REFERRER_POLICY, "strict-origin-when-cross-origin"),
            header_layer(header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
            CatchPanicLayer::custom(|_| ApiError::new(Code::Server).into_response()),
            from_fn(health::measure),
            from_fn(answer_in_time),
        ))
}

fn shop() -> OpenApiRouter<Web> {
    OpenApiRouter::new()
        .routes(routes!(cart::get_cart, cart::clear_cart))
        .routes(routes!(cart::add_item))
        .routes(routes!(cart::set_quantity, cart::remove_item))
        .routes(routes!(checkout::start_intent))
        .routes(routes!(checkout::confirm_order))
        .routes(routes!(order::list_orders))
        .routes(routes!(order::get_order))
        .routes(routes!(order::cancel_order))
}

fn customers() -> OpenApiRouter<Web> {
    OpenApiRouter::new()
        .routes(routes!(customer::register))
        .routes(routes!(customer::verify))
        .routes(routes!(customer::login))
        .routes(routes!(customer::logout))
        .routes(routes!(customer::ask_reset))
        .routes(routes!(customer::finish_reset))
        .routes(routes!(
            customer::get_customer,
            customer::change_customer,
            customer::delete_customer
        ))
        .routes(routes!(customer::add_address))
        .routes(routes!(customer::change_address, customer::remove_address))
}

fn catalogue() -> OpenApiRouter<Web> {
    OpenApiRouter::new()
        .routes(routes!(catalog::list_products))
        .routes(routes!(catalog::get_product))
}

fn webhooks() -> OpenApiRouter<Web> {
    OpenApiRouter::new().routes(routes!(webhook::stripe_webhook))
}

fn sessions() -> OpenApiRouter<SessionWeb> {
    OpenApiRouter::new()
        .routes(routes!(session::open_session))
        .routes(routes!(session::current_session, session::patch_session))
        .routes(routes!(session::offer_shipping))
        .routes(routes!(session::pay_session))
        .routes(routes!(session::resume_payment))
        .routes(routes!(session::abandon_payment))
        .routes(routes!(session::confirm_session))
}

fn header_layer(name: HeaderName, value: &'static str) -> SetResponseHeaderLayer<HeaderValue> {
    SetResponseHeaderLayer::if_not_present(name, HeaderValue::from_static(value))
}

async fn not_found() -> ApiError {
    ApiError::new(Code::RouteNotFound)
}

async fn method_not_allowed() -> ApiError {
    ApiError::new(Code::MethodNotAllowed)
}

/// Every request gets an answer. A money flow goes on without its listener.
async fn answer_in_time(request: Request, next: Next) -> Response {
    match tokio::time::timeout(ANSWER_WITHIN, next.run(request)).await {
        Ok(response) => response,
        Err(_) => ApiError::new(Code::Unavailable).into_response(),
    }
}
