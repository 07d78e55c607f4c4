//! Who is let in: pages of other origins may not change anything, and nobody asks more often than
//! a person would.

use std::{
    net::{IpAddr, Ipv6Addr, SocketAddr},
    num::NonZeroU32,
    time::Duration,
};

use axum::{
    extract::{ConnectInfo, Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};
use domain::{id::VisitorId, shield::Network};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use ipnet::IpNet;
use tower_http::cors::CorsLayer;

use super::{
    error::{ApiError, Code},
    routes::Front,
};
use crate::config::Config;

/// The rules, and who has asked how often.
pub struct Gate {
    origins: Vec<String>,
    proxies: Vec<IpNet>,
    visitors: DefaultKeyedRateLimiter<VisitorId>,
    addresses: DefaultKeyedRateLimiter<Network>,
}

/// When more keys than this are remembered, those that have rested are forgotten.
const KEYS_MAX: usize = 50_000;

/// By which a storefront says who is signed in to an account at Elastic Path; the name is theirs.
pub const ACCOUNT_TOKEN: HeaderName =
    HeaderName::from_static("ep-account-management-authentication-token");

impl Gate {
    /// The gate that the configuration asks for.
    pub fn new(config: &Config) -> Self {
        let own = config.public_url.origin().ascii_serialization();
        let mut origins = config.allowed_origins.clone();
        origins.push(own);
        Self {
            origins,
            proxies: config.trusted_proxies.clone(),
            visitors: RateLimiter::keyed(per_minute(config.rate_visitor_per_minute)),
            addresses: RateLimiter::keyed(per_minute(config.rate_address_per_minute)),
        }
    }

    /// Lets the pages of allowed origins read the answers, with the visitor's cookie. Browsers
    /// send that only between hosts of one site, such as `www.` and `api.` of one domain.
    pub fn cors(&self) -> CorsLayer {
        let origins = self.origins.iter().filter_map(|origin| origin.parse::<HeaderValue>().ok());
        CorsLayer::new()
            .allow_origin(origins.collect::<Vec<_>>())
            .allow_credentials(true)
            .allow_methods([Method::GET, Method::POST, Method::PATCH, Method::DELETE])
            .allow_headers([header::CONTENT_TYPE, ACCOUNT_TOKEN])
    }

    /// Browsers say where a request comes from; programs that are no browsers carry no cookie of
    /// anybody's.
    fn admits(&self, headers: &HeaderMap) -> bool {
        let text = |name| headers.get(name).map(HeaderValue::to_str);
        if let Some(Ok("same-origin" | "none")) = text("sec-fetch-site") {
            return true;
        }
        match text("origin") {
            Some(Ok(origin)) => self.origins.iter().any(|allowed| allowed == origin),
            Some(Err(_)) => false,
            None => text("sec-fetch-site").is_none(),
        }
    }

    /// The shopper's address, as far as it is known. A proxy that writes one of the two headers
    /// passes the other on as the shopper sent it; where they disagree neither is believed.
    fn address(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        if !self.trusts(peer) {
            return peer;
        }
        let standard = self.shopper(&hops(headers, "forwarded", forwarded_for));
        let common = self.shopper(&hops(headers, "x-forwarded-for", address_of));
        match (standard, common) {
            (Some(one), Some(other)) if one != other => peer,
            (one, other) => one.or(other).unwrap_or(peer),
        }
    }

    /// The last hop that is no proxy of ours. What stands before it was sent by a stranger, and
    /// where it is no address nobody knows whose request it is.
    fn shopper(&self, hops: &[Option<IpAddr>]) -> Option<IpAddr> {
        let ours = |hop: &Option<IpAddr>| hop.is_some_and(|address| self.trusts(address));
        let last = hops.iter().rev().find(|hop| !ours(hop));
        last.or(hops.first()).copied().flatten()
    }

    fn trusts(&self, address: IpAddr) -> bool {
        self.proxies.iter().any(|net| net.contains(&address))
    }

    fn limits(&self, visitor: Option<VisitorId>, network: Network) -> bool {
        if self.addresses.len() + self.visitors.len() > KEYS_MAX {
            self.addresses.retain_recent();
            self.visitors.retain_recent();
        }
        let by_address = self.addresses.check_key(&network).is_err();
        by_address || visitor.is_some_and(|visitor| self.visitors.check_key(&visitor).is_err())
    }
}

fn per_minute(count: NonZeroU32) -> Quota {
    Quota::per_minute(count)
}

/// What proxies wrote down, first the one that was asked first; none where it is no address.
fn hops(headers: &HeaderMap, name: &str, read: fn(&str) -> Option<IpAddr>) -> Vec<Option<IpAddr>> {
    let values = headers.get_all(name).iter().map(|value| value.to_str().unwrap_or_default());
    values.flat_map(|value| value.split(',')).map(|hop| read(hop.trim())).collect()
}

fn forwarded_for(hop: &str) -> Option<IpAddr> {
    let pair = |pair: &str| {
        let (name, value) = pair.trim().split_once('=')?;
        name.eq_ignore_ascii_case("for").then(|| address_of(value.trim_matches('"')))?
    };
    hop.split(';').find_map(pair)
}

fn address_of(text: &str) -> Option<IpAddr> {
    let bare = text.trim_start_matches('[').trim_end_matches(']');
    let with_port = || text.parse::<SocketAddr>().ok().map(|address| address.ip());
    bare.parse().ok().or_else(with_port).map(|address| address.to_canonical())
}

/// Refuses changes that a page of another origin asks for.
pub async fn same_origin(State(front): State<Front>, request: Request, next: Next) -> Response {
    let safe = matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
    if safe || front.gate.admits(request.headers()) {
        return next.run(request).await;
    }
    ApiError::new(Code::CrossOrigin).into_response()
}

/// Refuses those who ask too often, and tells the handler from which network others come.
pub async fn limit(State(front): State<Front>, mut request: Request, next: Next) -> Response {
    let visitor = request.extensions().get::<VisitorId>().copied();
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>();
    let peer =
        peer.map_or(Ipv6Addr::UNSPECIFIED.into(), |ConnectInfo(peer)| peer.ip().to_canonical());
    let network = Network::of(front.gate.address(peer, request.headers()));
    if front.gate.limits(visitor, network) {
        return ApiError::rate_limited(RETRY_AFTER).into_response();
    }
    request.extensions_mut().insert(Some(network).filter(|network| network.is_public()));
    next.run(request).await
}

/// A whole minute fills the allowance again; some of it is there much sooner.
const RETRY_AFTER: Duration = Duration::from_secs(5);
