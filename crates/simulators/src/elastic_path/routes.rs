//! What can be asked of each object, and the table by which a request finds its handler.

pub(crate) mod account;
pub(crate) mod cart;
pub(crate) mod cart_item;
pub(crate) mod cart_payment;
pub(crate) mod catalogue;
pub(crate) mod checkout;
pub(crate) mod order;
pub(crate) mod settings;
pub(crate) mod shipping_group;
pub(crate) mod transaction;

use http::Method;

use crate::elastic_path::api::call::{Answer, Call};
use crate::elastic_path::api::error::ApiError;
use crate::elastic_path::state::State;

pub(crate) type Handler = fn(&mut State, &Call) -> Result<Answer, ApiError>;

/// Who may call a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    /// Whoever has a token.
    Anyone,
    /// The shop's server, as `Modes::scopes` says.
    Server,
    /// The server, or a shopper who has logged in.
    Reader,
    /// As `Modes::confirm_scope` says.
    AfterOrder,
}

pub(crate) struct Route {
    method: &'static str,
    /// `{}` is an id.
    path: &'static str,
    pub access: Access,
    pub handle: Handler,
}

impl Route {
    pub const fn new(
        method: &'static str,
        path: &'static str,
        access: Access,
        handle: Handler,
    ) -> Self {
        Self { method, path, access, handle }
    }

    /// The ids in `path`, if this is its route.
    fn ids_in(&self, path: &str) -> Option<Vec<String>> {
        let mut ids = Vec::new();
        let mut segments = path.split('/');
        for expected in self.path.split('/') {
            let segment = segments.next()?;
            match expected {
                "{}" if !segment.is_empty() => ids.push(segment.to_owned()),
                _ if expected == segment => {}
                _ => return None,
            }
        }
        segments.next().is_none().then_some(ids)
    }
}

static ROUTES: &[&[Route]] = &[
    account::ROUTES,
    cart::ROUTES,
    cart_item::ROUTES,
    cart_payment::ROUTES,
    catalogue::ROUTES,
    checkout::ROUTES,
    order::ROUTES,
    settings::ROUTES,
    shipping_group::ROUTES,
    transaction::ROUTES,
];

/// The route of a request, and the ids in its path.
pub(crate) fn find(method: &Method, path: &str) -> Option<(&'static Route, Vec<String>)> {
    let of_method = ROUTES.iter().copied().flatten().filter(|route| route.method == *method);
    of_method.filter_map(|route| Some((route, route.ids_in(path)?))).next()
}
