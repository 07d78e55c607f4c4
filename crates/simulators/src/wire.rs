//! What can go wrong with any server's connection, whatever it says on it.

use axum::body::Body;
use axum::response::{Html, IntoResponse, Response};
use bytes::Bytes;
use http::StatusCode;

/// A response that must never reach a client: in its place the connection closes without a byte.
///
/// Over a socket this happens by itself, because the body fails. Whoever calls the router in
/// process finds this type among the response's extensions and makes a transport error of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConnectionLost;

pub(crate) fn broken_off() -> std::io::Error {
    std::io::Error::from(std::io::ErrorKind::ConnectionReset)
}

/// Closes the connection before the first byte: the body fails before anything is flushed.
pub(crate) fn lost() -> Response {
    let broken = futures::stream::once(std::future::ready(Err::<Bytes, _>(broken_off())));
    let mut response = Response::new(Body::from_stream(broken));
    *response.status_mut() = StatusCode::BAD_GATEWAY;
    response.extensions_mut().insert(ConnectionLost);
    response
}

/// What a gateway in front of a server says when it gets no answer from behind.
pub(crate) fn gateway_page(status: u16) -> Response {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_GATEWAY);
    let page = format!(
        "<html>\r\n<head><title>{status}</title></head>\r\n<body>\r\n<center><h1>{status}</h1>\
         </center>\r\n<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n"
    );
    (status, Html(page)).into_response()
}

/// Whether a path starts with the pattern, ends with it, or is it with ids for `{}`.
pub(crate) fn hits(pattern: &str, path: &str) -> bool {
    if !pattern.contains("{}") {
        return path.starts_with(pattern) || path.ends_with(pattern);
    }
    let mut segments = path.split('/');
    let fits = |wanted: &str| {
        segments
            .next()
            .is_some_and(|given| wanted == given || (wanted == "{}" && !given.is_empty()))
    };
    pattern.split('/').all(fits) && segments.next().is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_names_paths_by_start_end_or_shape() {
        let path = "/v1/payment_intents/pi_1/confirm";
        for pattern in ["", "/v1/payment_intents", "/confirm", "/v1/payment_intents/{}/confirm"] {
            assert!(hits(pattern, path), "{pattern}");
        }
        for pattern in ["/cancel", "/v1/payment_intents/{}", "/v1/{}/confirm", "{}/confirm"] {
            assert!(!hits(pattern, path), "{pattern}");
        }
        assert!(!hits("/v1/payment_intents/{}", "/v1/payment_intents/"));
    }
}
