//! What can be asked of each object, and the table by which a request finds its handler.

pub(crate) mod account;
pub(crate) mod balance_transaction;
pub(crate) mod charge;
pub(crate) mod confirmation_token;
pub(crate) mod customer;
pub(crate) mod dispute;
pub(crate) mod early_fraud_warning;
pub(crate) mod event;
pub(crate) mod event_destination;
pub(crate) mod payment_intent;
pub(crate) mod payment_method;
pub(crate) mod refund;
pub(crate) mod thin_event;
pub(crate) mod webhook_endpoint;

use http::Method;
use serde_json::Value;

use crate::stripe::api::call::Call;
use crate::stripe::api::error::ApiError;
use crate::stripe::state::State;

/// Answers a call; the last argument is the id in the path, empty where there is none.
pub(crate) type Handler = fn(&mut State, &Call, &str) -> Result<Value, ApiError>;

/// What of an answer a browser may see.
pub(crate) type Projection = fn(&Value) -> Value;

pub(crate) struct Route {
    method: &'static str,
    /// After `/v1/` or `/v2/`; `{}` is the id.
    pub path: &'static str,
    /// The object it answers with, `…[]` for a list of them, `…[?]` for a search: what `expand`
    /// is checked against.
    pub answers: &'static str,
    pub handle: Handler,
    /// Given where a publishable key may call.
    pub projection: Option<Projection>,
}

impl Route {
    const fn new(
        method: &'static str,
        path: &'static str,
        answers: &'static str,
        handle: Handler,
    ) -> Self {
        Self { method, path, answers, handle, projection: None }
    }

    pub const fn get(path: &'static str, answers: &'static str, handle: Handler) -> Self {
        Self::new("GET", path, answers, handle)
    }

    pub const fn post(path: &'static str, answers: &'static str, handle: Handler) -> Self {
        Self::new("POST", path, answers, handle)
    }

    pub const fn delete(path: &'static str, answers: &'static str, handle: Handler) -> Self {
        Self::new("DELETE", path, answers, handle)
    }

    /// Browsers may call it too, and see what `projection` leaves.
    pub const fn for_browsers(mut self, projection: Projection) -> Self {
        self.projection = Some(projection);
        self
    }

    /// The id in `path`, if this is its route.
    fn id_in<'a>(&self, path: &'a str) -> Option<&'a str> {
        let mut id = "";
        let mut segments = path.split('/');
        for expected in self.path.split('/') {
            let segment = segments.next().filter(|segment| !segment.is_empty())?;
            match expected {
                "{}" => id = segment,
                _ if expected == segment => {}
                _ => return None,
            }
        }
        segments.next().is_none().then_some(id)
    }
}

/// A fixed name stands before an id in the same place: `search` is not an id.
static ROUTES: &[&[Route]] = &[
    account::ROUTES,
    balance_transaction::ROUTES,
    charge::ROUTES,
    confirmation_token::ROUTES,
    customer::ROUTES,
    dispute::ROUTES,
    early_fraud_warning::ROUTES,
    event::ROUTES,
    payment_intent::ROUTES,
    payment_method::ROUTES,
    refund::ROUTES,
    webhook_endpoint::ROUTES,
];

static V2_ROUTES: &[&[Route]] = &[event_destination::ROUTES, thin_event::ROUTES];

/// The route of a request, and the id in its path.
pub(crate) fn find<'a>(method: &Method, path: &'a str) -> Option<(&'static Route, &'a str)> {
    let (table, path) = match path.strip_prefix("/v1/") {
        Some(path) => (ROUTES, path),
        None => (V2_ROUTES, path.strip_prefix("/v2/")?),
    };
    let of_method = table.iter().copied().flatten().filter(|route| route.method == *method);
    of_method.filter_map(|route| Some((route, route.id_in(path)?))).next()
}
