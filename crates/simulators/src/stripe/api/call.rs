//! Who asks for what: a request with its key, version and parameters.

use axum::body::to_bytes;
use axum::extract::Request;
use base64::Engine;
use base64::prelude::BASE64_STANDARD as BASE64;
use http::{HeaderMap, HeaderValue, Method, header};

use crate::stripe::api::error::ApiError;
use crate::stripe::api::params::Params;
use crate::stripe::api::v2::{self, Api};
use crate::stripe::api::{expand, form};
use crate::stripe::objects::event::Origin;
use crate::stripe::routes::account::{ACCOUNT, no_access};
use crate::stripe::routes::{self, Route};
use crate::stripe::state::State;

/// A form of this size holds fifty metadata values of 500 characters many times over.
pub(crate) const BODY_BYTES_MAX: usize = 1024 * 1024;

/// First version without `payment_method_types` in requests.
const TYPES_REMOVED: &str = "2026-09-30";

/// Who asks: a server or a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Key {
    Secret,
    Publishable,
}

/// A request whose body has arrived.
pub(crate) struct Incoming {
    pub method: Method,
    pub path: String,
    pub headers: HeaderMap,
    pub params: Params,
    pub api: Api,
    /// The form was not a form, or the JSON not an object.
    unreadable: bool,
    base_url: String,
}

/// A request by somebody known to a route that exists.
pub(crate) struct Call {
    pub method: Method,
    pub path: String,
    pub params: Params,
    pub key: Key,
    pub api: Api,
    pub route: &'static Route,
    /// The id in the path, empty where the route has none.
    pub id: String,
    /// What this request may change and no other may meanwhile.
    object: Option<String>,
    /// Whether the request's version still knows `payment_method_types`.
    pub names_types: bool,
    pub origin: Origin,
}

/// Reads the query and the form; an error means that the body did not arrive whole.
pub(crate) async fn read(request: Request) -> Result<Incoming, axum::Error> {
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, BODY_BYTES_MAX).await?;
    let mut map = Default::default();
    form::parse(parts.uri.query().unwrap_or_default().as_bytes(), &mut map);
    let kind = parts.headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    let api = Api::of(parts.uri.path());
    let is_json = kind.is_some_and(|kind| kind.starts_with("application/json"));
    let unreadable = match api {
        Api::V1 if is_json => true,
        Api::V1 => {
            form::parse(&body, &mut map);
            false
        }
        Api::V2 => !(is_json || body.is_empty()) || !v2::parse(&body, &mut map),
    };
    Ok(Incoming {
        path: parts.uri.path().to_owned(),
        base_url: base_url(&parts),
        method: parts.method,
        headers: parts.headers,
        params: Params::new(map),
        api,
        unreadable,
    })
}

/// Where the caller reaches this simulator: a challenge's page is on the same host.
pub(crate) fn base_url(parts: &http::request::Parts) -> String {
    let host = parts.headers.get(header::HOST).and_then(|host| host.to_str().ok());
    let host = host.or_else(|| parts.uri.authority().map(|authority| authority.as_str()));
    format!("http://{}", host.unwrap_or("127.0.0.1"))
}

impl Incoming {
    /// What a server of this process asks, with the secret key. `base_url` is where browsers reach this
    /// simulator.
    pub fn of_server(
        secret_key: &str,
        (method, path): (Method, &str),
        form: &str,
        base_url: &str,
    ) -> Self {
        let mut map = Default::default();
        form::parse(form.as_bytes(), &mut map);
        let key = HeaderValue::from_str(&format!("Bearer {secret_key}"));
        let headers = key.into_iter().map(|key| (header::AUTHORIZATION, key)).collect();
        Self {
            method,
            path: path.to_owned(),
            headers,
            params: Params::new(map),
            api: Api::of(path),
            unreadable: false,
            base_url: base_url.to_owned(),
        }
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// Keys are for requests that change something; a DELETE's is heeded by v2 alone.
    pub fn idempotency_key(&self) -> Option<String> {
        let key = self.header("idempotency-key").filter(|key| !key.is_empty())?;
        let heeded = match self.api {
            Api::V1 => self.method == Method::POST,
            Api::V2 => self.method == Method::POST || self.method == Method::DELETE,
        };
        heeded.then(|| key.to_owned())
    }

    /// Checks everything that comes before a route's own parameters.
    pub fn into_call(mut self, state: &State, request_id: &str) -> Result<Call, ApiError> {
        let (key, mode) = self.authenticate(state)?;
        if self.unreadable {
            return Err(ApiError::invalid(match self.api {
                Api::V2 => {
                    "Invalid request (check that your POST content type is application/json, \
                     and that its body is an object of the right types)."
                }
                Api::V1 => {
                    "Invalid request (check that your POST content type is \
                 application/x-www-form-urlencoded). If you have any questions, we can help at \
                 https://support.stripe.com/."
                }
            }));
        }
        let Some((route, id)) = routes::find(&self.method, &self.path) else {
            return Err(ApiError::invalid(format!(
                "Unrecognized request URL ({}: {}). Please see https://stripe.com/docs or we can \
                 help at https://support.stripe.com/.",
                self.method, self.path
            ))
            .status(404));
        };
        if key == Key::Publishable && route.projection.is_none() {
            return Err(secret_key_required());
        }
        let account = self.header("stripe-account").or_else(|| self.header("stripe-context"));
        if let Some(other) = account.filter(|account| *account != ACCOUNT) {
            return Err(no_access(other));
        }
        if mode == Mode::Other {
            return Err(nothing_in_this_mode(state, route, id));
        }
        let names_types = match self.header("stripe-version") {
            None => true,
            Some(version) => version_date(version)? < TYPES_REMOVED,
        };
        Ok(Call {
            key,
            api: self.api,
            route,
            object: object(state, &self.method, route, id, &self.params),
            id: id.to_owned(),
            names_types,
            origin: Origin {
                request_id: Some(request_id.to_owned()),
                idempotency_key: self.idempotency_key(),
                base_url: self.base_url,
            },
            method: self.method,
            path: self.path,
            params: self.params,
        })
    }

    /// Bearer, Basic with the key as user name, or the `key` parameter that browsers send.
    fn authenticate(&mut self, state: &State) -> Result<(Key, Mode), ApiError> {
        let parameter = self.params.take("key");
        let header = self.header("authorization").map(str::to_owned);
        let given = match header {
            Some(value) => bearer(&value).or_else(|| basic_user(&value)),
            None => parameter,
        };
        let refuse = |text: String| ApiError::new(401, "invalid_request_error", text);
        let Some(given) = given.filter(|given| !given.is_empty()) else {
            return Err(refuse(
                "You did not provide an API key. You need to provide your API key in the \
                 Authorization header, using Bearer auth (e.g. 'Authorization: Bearer \
                 YOUR_SECRET_KEY'). See https://stripe.com/docs/api#authentication for details, \
                 or we can help at https://support.stripe.com/."
                    .into(),
            ));
        };
        let of = |key: Key, own: &str| Some((key, same_key(&given, own)?));
        of(Key::Secret, &state.settings.secret_key)
            .or_else(|| of(Key::Publishable, &state.settings.publishable_key))
            .ok_or_else(|| refuse(format!("Invalid API Key provided: {}", masked(&given))))
    }
}

impl Call {
    /// The object that this request may change.
    pub fn object(&self) -> Option<&str> {
        self.object.as_deref()
    }
}

/// A creation changes nothing that there is, but a refund changes its payment.
fn object(
    state: &State,
    method: &Method,
    route: &Route,
    id: &str,
    params: &Params,
) -> Option<String> {
    if *method == Method::GET {
        return None;
    }
    if route.path != "refunds" {
        return (!id.is_empty()).then(|| id.to_owned());
    }
    let charge = || state.charges.get(&params.text("charge").ok()??)?.payment_intent.clone();
    params.text("payment_intent").ok().flatten().or_else(charge)
}

/// Whether a key is for what is simulated, or for the account's other mode, in which nothing is.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Mode {
    Simulated,
    Other,
}

/// Whether `given` is `own`, a restricted key with all its rights (`rk_` for `sk_`), or one of
/// these for the other mode (`live` for `test`).
fn same_key(given: &str, own: &str) -> Option<Mode> {
    if given == own {
        return Some(Mode::Simulated);
    }
    let ([kind, mode, name], [own_kind, own_mode, own_name]) = (parts(given)?, parts(own)?);
    let right_kind = kind == own_kind || (kind == "rk" && own_kind == "sk");
    if name != own_name || !right_kind || !["test", "live"].contains(&mode) {
        return None;
    }
    Some(if mode == own_mode { Mode::Simulated } else { Mode::Other })
}

/// `sk`, `test` and the rest of a key.
fn parts(key: &str) -> Option<[&str; 3]> {
    let (kind, rest) = key.split_once('_')?;
    let (mode, name) = rest.split_once('_')?;
    Some([kind, mode, name])
}

/// The answer to a key of the other mode: the commonest mistake of a new shop.
fn nothing_in_this_mode(state: &State, route: &Route, id: &str) -> ApiError {
    if id.is_empty() {
        return ApiError::not_simulated("the other mode of this account", "key");
    }
    let (noun, param) = match route.answers {
        "payment_intent" => ("payment_intent", "intent"),
        "payment_method" => ("PaymentMethod", "payment_method"),
        other => (other, "id"),
    };
    let missing = ApiError::missing(noun, id, param).status(404);
    if expand::by_id(state, id).is_none() {
        return missing;
    }
    let (there, here) = if state.settings.livemode { ("live", "test") } else { ("test", "live") };
    missing.with(
        "message",
        format!(
            "No such {noun}: '{id}'; a similar object exists in {there} mode, but a {here} mode \
             key was used to make this request."
        ),
    )
}

fn secret_key_required() -> ApiError {
    ApiError::new(
        401,
        "invalid_request_error",
        "This API call cannot be made with a publishable API key. Please use a secret API key. \
         You can find a list of your API keys at https://dashboard.stripe.com/account/apikeys.",
    )
    .code("secret_key_required")
}

fn bearer(header: &str) -> Option<String> {
    header.strip_prefix("Bearer ").map(|key| key.trim().to_owned())
}

fn basic_user(header: &str) -> Option<String> {
    let bytes = BASE64.decode(header.strip_prefix("Basic ")?.trim()).ok()?;
    let text = String::from_utf8(bytes).ok()?;
    text.split(':').next().map(str::to_owned)
}

/// `sk_test_***cdef`: enough to find the wrong key by, too little to use it.
fn masked(key: &str) -> String {
    let prefix: String = key.splitn(3, '_').take(2).map(|part| format!("{part}_")).collect();
    let characters: Vec<char> = key.chars().collect();
    let last: String = characters[characters.len().saturating_sub(4)..].iter().collect();
    if characters.len() > prefix.len() + 4 && prefix.ends_with('_') && prefix.len() < 16 {
        format!("{prefix}***{last}")
    } else {
        "***".into()
    }
}

fn version_date(version: &str) -> Result<&str, ApiError> {
    let date = version.get(..10).filter(|date| {
        date.bytes().enumerate().all(|(place, byte)| match place {
            4 | 7 => byte == b'-',
            _ => byte.is_ascii_digit(),
        })
    });
    date.ok_or_else(|| ApiError::invalid(format!("Invalid Stripe API version: {version}")))
}
