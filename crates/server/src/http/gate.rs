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
use domain::id::VisitorId;
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use http::{HeaderMap, HeaderValue, Method, header};
use ipnet::IpNet;

use super::{
    error::{ApiError, Code},
    routes::Web,
};
use crate::config::Config;

/// The rules, and who has asked how often.
pub struct Gate {
    origins: Vec<String>,
    proxies: Vec<IpNet>,
    visitors: DefaultKeyedRateLimiter<VisitorId>,
    addresses: DefaultKeyedRateLimiter<IpAddr>,
}

/// When more keys than this are remembered, those that have rested are forgotten.
const KEYS_MAX: usize = 50_000;

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

    /// Browsers say where a request comes from; programs that are no browsers carry no cookie of
    /// anybody's.
    fn admits(&self, headers: &HeaderMap) -> bool {
        let text = |name| headers.get(name).map(HeaderValue::to_str);
        match text("sec-fetch-site") {
            Some(Ok("same-origin" | "none")) => return true,
            Some(_) | None => {}
        }
        match text("origin") {
            Some(Ok(origin)) => self.origins.iter().any(|allowed| allowed == origin),
            Some(Err(_)) => false,
            None => text("sec-fetch-site").is_none(),
        }
    }

    /// The shopper's address: the last one that a proxy of ours did not write itself.
    fn address(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        let trusted = |address: &IpAddr| self.proxies.iter().any(|net| net.contains(address));
        if !trusted(&peer) {
            return peer;
        }
        let hops = forwarded(headers);
        let shopper = hops.iter().rev().find(|address| !trusted(address));
        shopper.or(hops.first()).copied().unwrap_or(peer)
    }

    fn limits(&self, visitor: Option<VisitorId>, address: IpAddr) -> bool {
        if self.addresses.len() + self.visitors.len() > KEYS_MAX {
            self.addresses.retain_recent();
            self.visitors.retain_recent();
        }
        let by_address = self.addresses.check_key(&network_of(address)).is_err();
        by_address || visitor.is_some_and(|visitor| self.visitors.check_key(&visitor).is_err())
    }
}

fn per_minute(count: NonZeroU32) -> Quota {
    Quota::per_minute(count)
}

/// One household has one IPv6 network of 64 bits, not one address.
fn network_of(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(six) => match six.to_ipv4_mapped() {
            Some(four) => four.into(),
            None => {
                let [a, b, c, d, ..] = six.segments();
                Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into()
            }
        },
    }
}

/// The addresses that proxies wrote down, first the one that asked. `Forwarded` (RFC 7239) is
/// preferred to `X-Forwarded-For`.
fn forwarded(headers: &HeaderMap) -> Vec<IpAddr> {
    let all = |name: &str| {
        let values = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
        values.flat_map(|value| value.split(',')).map(str::trim).collect::<Vec<_>>()
    };
    let standard: Vec<_> = all("forwarded").iter().filter_map(|hop| forwarded_for(hop)).collect();
    if !standard.is_empty() {
        return standard;
    }
    all("x-forwarded-for").iter().filter_map(|hop| address_of(hop)).collect()
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
    bare.parse().ok().or_else(with_port)
}

/// Refuses changes that a page of another origin asks for.
pub async fn same_origin(State(web): State<Web>, request: Request, next: Next) -> Response {
    let safe = matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
    if safe || web.gate.admits(request.headers()) {
        return next.run(request).await;
    }
    ApiError::new(Code::CrossOrigin).into_response()
}

/// Refuses those who ask too often.
pub async fn limit(State(web): State<Web>, request: Request, next: Next) -> Response {
    let visitor = request.extensions().get::<VisitorId>().copied();
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>();
    let peer = peer.map_or(Ipv6Addr::UNSPECIFIED.into(), |ConnectInfo(peer)| peer.ip());
    let address = web.gate.address(peer, request.headers());
    if web.gate.limits(visitor, address) {
        let mut response = ApiError::new(Code::RateLimited).into_response();
        response.headers_mut().insert(header::RETRY_AFTER, retry_after());
        return response;
    }
    next.run(request).await
}

/// A whole minute fills the allowance again; some of it is there much sooner.
fn retry_after() -> HeaderValue {
    HeaderValue::from(Duration::from_secs(5).as_secs())
}
