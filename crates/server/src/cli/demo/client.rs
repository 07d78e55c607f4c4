//! What a browser does between two servers: sends JSON and forms, keeps cookies. It uses the same
//! transport as the gateways, with its limits of time and size.

use bytes::Bytes;
use gateways::{Transport, TransportError};
use http::{HeaderValue, Method, Request, Response, header};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use tower::ServiceExt as _;
use url::{Url, form_urlencoded};

/// Why a server's answer could not be used.
#[derive(Debug, thiserror::Error)]
pub enum AskError {
    /// No answer came.
    #[error("{asked} was not answered")]
    Unanswered {
        /// Method and path.
        asked: String,
        /// What happened to it.
        source: TransportError,
    },
    /// It was refused.
    #[error("{asked} was answered with {status} {message}")]
    Refused {
        /// Method and path.
        asked: String,
        /// HTTP status.
        status: u16,
        /// The server's own words.
        message: String,
    },
    /// The request cannot be written down, or the answer cannot be read.
    #[error("{asked} was not understood")]
    Unreadable {
        /// Method and path.
        asked: String,
        /// Where.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

/// A client of one server.
pub struct Client {
    transport: Transport,
    base: Url,
    /// `name=value` of each.
    cookies: Vec<String>,
}

/// The error of both servers, as far as they agree: ours has a code, Stripe a code or a type.
#[derive(Deserialize)]
struct Refusal {
    error: Reason,
}

#[derive(Deserialize)]
struct Reason {
    code: Option<String>,
    message: Option<String>,
}

impl Client {
    /// A client without cookies.
    pub fn new(transport: Transport, base: Url) -> Self {
        Self { transport, base, cookies: Vec::new() }
    }

    /// Reads.
    pub async fn get<T: DeserializeOwned>(&mut self, path: &str) -> Result<T, AskError> {
        self.ask(Method::GET, path, None, Bytes::new()).await
    }

    /// Sends JSON.
    pub async fn post<T: DeserializeOwned>(
        &mut self,
        path: &str,
        body: &impl Serialize,
    ) -> Result<T, AskError> {
        self.send(Method::POST, path, body).await
    }

    /// Sends JSON that changes something.
    pub async fn patch<T: DeserializeOwned>(
        &mut self,
        path: &str,
        body: &impl Serialize,
    ) -> Result<T, AskError> {
        self.send(Method::PATCH, path, body).await
    }

    async fn send<T: DeserializeOwned>(
        &mut self,
        method: Method,
        path: &str,
        body: &impl Serialize,
    ) -> Result<T, AskError> {
        let body = serde_json::to_vec(body).map_err(|error| AskError::Unreadable {
            asked: path.to_owned(),
            source: error.into(),
        })?;
        self.ask(method, path, Some("application/json"), body.into()).await
    }

    /// Sends a form.
    pub async fn post_form<T: DeserializeOwned>(
        &mut self,
        path: &str,
        fields: &[(&str, &str)],
    ) -> Result<T, AskError> {
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        let kind = "application/x-www-form-urlencoded";
        self.ask(Method::POST, path, Some(kind), body.into()).await
    }

    /// Whether the server answers at all, and well.
    pub async fn is_well(&mut self, path: &str) -> bool {
        let answer = self.exchange(Method::GET, path, None, Bytes::new()).await;
        answer.is_ok_and(|answer| answer.status().is_success())
    }

    async fn ask<T: DeserializeOwned>(
        &mut self,
        method: Method,
        path: &str,
        kind: Option<&'static str>,
        body: Bytes,
    ) -> Result<T, AskError> {
        let asked = format!("{method} {path}");
        let answer = self.exchange(method, path, kind, body).await?;
        if !answer.status().is_success() {
            let status = answer.status().as_u16();
            return Err(AskError::Refused { asked, status, message: reason(answer.body()) });
        }
        serde_json::from_slice(answer.body())
            .map_err(|error| AskError::Unreadable { asked, source: error.into() })
    }

    async fn exchange(
        &mut self,
        method: Method,
        path: &str,
        kind: Option<&'static str>,
        body: Bytes,
    ) -> Result<Response<Bytes>, AskError> {
        let asked = format!("{method} {path}");
        let origin = self.base.origin().ascii_serialization();
        let mut request = Request::builder()
            .method(method)
            .uri(format!("{origin}{path}"))
            .header(header::ORIGIN, origin);
        if let Some(kind) = kind {
            request = request.header(header::CONTENT_TYPE, kind);
        }
        if !self.cookies.is_empty() {
            request = request.header(header::COOKIE, self.cookies.join("; "));
        }
        let request = request
            .body(body)
            .map_err(|error| AskError::Unreadable { asked: asked.clone(), source: error.into() })?;
        let answer = self.transport.clone().oneshot(request).await;
        let answer = answer.map_err(|source| AskError::Unanswered { asked, source })?;
        for cookie in answer.headers().get_all(header::SET_COOKIE) {
            self.keep(cookie);
        }
        Ok(answer)
    }

    /// Keeps `name=value` of a cookie; what follows is for browsers that know more than one host.
    fn keep(&mut self, cookie: &HeaderValue) {
        let pair = cookie.to_str().ok().and_then(|text| text.split(';').next());
        let Some((name, _)) = pair.and_then(|pair| pair.split_once('=')) else { return };
        self.cookies.retain(|kept| kept.split('=').next() != Some(name));
        self.cookies.extend(pair.map(str::to_owned));
    }
}

fn reason(body: &[u8]) -> String {
    match serde_json::from_slice(body) {
        Ok(Refusal { error: Reason { code, message } }) => {
            let words: Vec<String> = [code, message].into_iter().flatten().collect();
            words.join(": ")
        }
        Err(_) => String::from_utf8_lossy(body).chars().take(200).collect(),
    }
}
