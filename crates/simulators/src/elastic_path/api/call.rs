//! Who asks for what: a request with its token, its query and its body.

use axum::body::to_bytes;
use axum::extract::Request;
use bytes::Bytes;
use http::{HeaderMap, Method, header};
use percent_encoding::percent_decode;
use serde_json::Value;

use crate::elastic_path::Scopes;
use crate::elastic_path::api::error::ApiError;
use crate::elastic_path::api::token::Grant;
use crate::elastic_path::routes::{self, Access, Handler};
use crate::elastic_path::state::State;

/// A hundred lines with everything a shop adds to them are far less.
const BODY_BYTES_MAX: usize = 1024 * 1024;

/// A request whose body has arrived.
pub(crate) struct Incoming {
    pub method: Method,
    /// As it was written, so perhaps with encoded slashes.
    pub path: String,
    pub query: String,
    pub headers: HeaderMap,
    pub body: Bytes,
    pub base_url: String,
}

/// A request by somebody known, to a route that exists.
pub(crate) struct Call {
    pub handle: Handler,
    /// The ids in the path.
    pub ids: Vec<String>,
    pub query: Vec<(String, String)>,
    /// Null where nothing was sent.
    pub body: Value,
    pub grant: Grant,
    /// The account that the shopper has logged in to.
    pub account: Option<String>,
    /// The currency she wants to pay in.
    pub currency: Option<String>,
    pub base_url: String,
}

/// What is answered, before a fault has had its way with it.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub status: u16,
    /// Null: an empty body.
    pub body: Value,
}

impl Answer {
    pub fn ok(body: Value) -> Self {
        Self { status: 200, body }
    }

    pub fn created(body: Value) -> Self {
        Self { status: 201, body }
    }

    pub fn nothing() -> Self {
        Self { status: 204, body: Value::Null }
    }
}

impl From<ApiError> for Answer {
    fn from(error: ApiError) -> Self {
        Self { status: error.status, body: error.to_json() }
    }
}

/// An error means that the body did not arrive whole.
pub(crate) async fn read(request: Request) -> Result<Incoming, axum::Error> {
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, BODY_BYTES_MAX).await?;
    let host = parts.headers.get(header::HOST).and_then(|host| host.to_str().ok());
    let host = host.or_else(|| parts.uri.authority().map(|authority| authority.as_str()));
    Ok(Incoming {
        base_url: format!("http://{}", host.unwrap_or("127.0.0.1")),
        path: parts.uri.path().to_owned(),
        query: parts.uri.query().unwrap_or_default().to_owned(),
        method: parts.method,
        headers: parts.headers,
        body,
    })
}

impl Incoming {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// The fields of a form; `None` when it is none.
    pub fn form(&self) -> Option<Vec<(String, String)>> {
        let kind = self.header("content-type")?;
        let is_form = kind.starts_with("application/x-www-form-urlencoded");
        is_form.then(|| pairs(&String::from_utf8_lossy(&self.body)))
    }

    pub fn token(&self) -> Option<&str> {
        self.header("authorization")?.strip_prefix("Bearer ").map(str::trim)
    }

    /// Checks everything that comes before a route's own rules.
    pub fn into_call(self, state: &State) -> Result<Call, ApiError> {
        let grant = self.token().and_then(|token| state.grant(token));
        let grant = grant.ok_or_else(ApiError::unauthorized)?;
        let account = match self.header("ep-account-management-authentication-token") {
            None => None,
            Some(token) => {
                let now = state.now();
                let known = state.accounts.iter().find(|account| account.knows(token, now));
                Some(known.ok_or_else(ApiError::unauthorized)?.id.clone())
            }
        };
        let unknown = || ApiError::not_found("The requested path does not exist");
        // The gateway in front judges the path as it is written, the service behind it resolves it:
        // an encoded `../` gets past the one and is followed by the other.
        let judged = routes::find(&self.method, &self.path).ok_or_else(unknown)?;
        let resolved = resolved(&self.path);
        let (route, ids) = routes::find(&self.method, &resolved).ok_or_else(unknown)?;
        if !judged.0.access.admits(state, grant, account.is_some()) {
            return Err(ApiError::forbidden());
        }
        if ids.iter().any(|id| !is_safe(id)) {
            return Err(ApiError::bad_request("An id may have letters, digits, - and _ only."));
        }
        let body = match self.body.is_empty() {
            true => Value::Null,
            false => serde_json::from_slice(&self.body)
                .map_err(|_| ApiError::bad_request("The body is not JSON."))?,
        };
        Ok(Call {
            handle: route.handle,
            currency: self.header("x-moltin-currency").map(str::to_owned),
            query: pairs(&self.query),
            ids,
            body,
            grant,
            account,
            base_url: self.base_url,
        })
    }
}

impl Access {
    fn admits(self, state: &State, grant: Grant, account: bool) -> bool {
        let modes = &state.options.modes;
        let strict = match self {
            Self::Anyone => return true,
            Self::Server => modes.scopes,
            Self::Reader if account => return true,
            Self::Reader => modes.scopes,
            Self::AfterOrder => modes.confirm_scope,
        };
        grant == Grant::ClientCredentials || strict == Scopes::Lenient
    }
}

impl Call {
    /// The id at this place in the path.
    pub fn id(&self, place: usize) -> &str {
        self.ids.get(place).map(String::as_str).unwrap_or_default()
    }

    pub fn data(&self) -> &Value {
        &self.body["data"]
    }

    pub fn asked(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// Whether `include` names it, in either of the two ways to write a list.
    pub fn includes(&self, what: &str) -> bool {
        let lists = self.query.iter().filter(|(key, _)| key == "include" || key == "include[]");
        lists.flat_map(|(_, list)| list.split(',')).any(|one| one == what)
    }
}

fn is_safe(id: &str) -> bool {
    id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
}

/// `name=value&…`, decoded.
fn pairs(encoded: &str) -> Vec<(String, String)> {
    let decode = |text: &str| {
        let spaced = text.replace('+', " ");
        percent_decode(spaced.as_bytes()).decode_utf8_lossy().into_owned()
    };
    let pairs = encoded.split('&').filter(|pair| !pair.is_empty());
    pairs
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .map(|(name, value)| (decode(name), decode(value)))
        .collect()
}

/// The path after decoding, each `..` having taken away what is before it.
fn resolved(path: &str) -> String {
    let decoded = percent_decode(path.as_bytes()).decode_utf8_lossy();
    let mut segments = Vec::new();
    for segment in decoded.split('/').skip(1) {
        match segment {
            ".." => drop(segments.pop()),
            other => segments.push(other),
        }
    }
    format!("/{}", segments.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_encoded_way_up_is_followed() {
        assert_eq!(resolved("/v2/carts/..%2Forders"), "/v2/orders");
        assert_eq!(resolved("/v2/carts/abc"), "/v2/carts/abc");
    }

    #[test]
    fn queries_are_decoded() {
        let pairs = pairs("filter=eq%28external_ref%2Ca%29&page%5Blimit%5D=5&x");
        let pairs: Vec<(&str, &str)> =
            pairs.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        assert_eq!(pairs, [("filter", "eq(external_ref,a)"), ("page[limit]", "5"), ("x", "")]);
    }
}
