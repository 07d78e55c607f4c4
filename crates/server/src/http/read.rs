//! Reading requests: what cannot be understood is answered with what, where and how to mend it.

use axum::{
    Json,
    body::Bytes,
    extract::{FromRequest, FromRequestParts, Path, Query, Request, rejection::JsonRejection},
};
use http::{StatusCode, request::Parts};
use serde::de::DeserializeOwned;

use super::error::{ApiError, Code};

/// A JSON body.
#[derive(Debug)]
pub struct Body<T>(pub T);

/// An id in the path; what is no id names nothing.
#[derive(Debug)]
pub struct Id<T>(pub T);

/// The query string.
#[derive(Debug)]
pub struct Search<T>(pub T);

/// The body's bytes as they came.
#[derive(Debug)]
pub struct Raw(pub Bytes);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Body<T> {
    type Rejection = ApiError;
    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        match Json::<T>::from_request(request, state).await {
            Ok(Json(body)) => Ok(Self(body)),
            Err(rejection) if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE => {
                Err(ApiError::new(Code::TooLarge))
            }
            Err(JsonRejection::MissingJsonContentType(_)) => Err(ApiError::invalid(
                "The body must be JSON: send the header Content-Type: application/json.",
            )),
            Err(rejection) => Err(ApiError::invalid(what_is_wrong(&rejection))),
        }
    }
}

/// The innermost cause is the parser's own sentence, which names the field and what it wants.
fn what_is_wrong(rejection: &JsonRejection) -> String {
    let text = rejection.body_text();
    let tail = text.rsplit_once("target type: ").map_or(text.as_str(), |(_, tail)| tail);
    format!("The body is not as documented: {tail}.")
}

impl<S: Send + Sync, T: std::str::FromStr + Send> FromRequestParts<S> for Id<T> {
    type Rejection = NoSuch;
    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, NoSuch> {
        let Path(text) =
            Path::<String>::from_request_parts(parts, state).await.map_err(|_| NoSuch)?;
        text.parse().map(Self).map_err(|_| NoSuch)
    }
}

/// The path holds no id of ours. The handler says what it does not find.
#[derive(Debug)]
pub struct NoSuch;

impl axum::response::IntoResponse for NoSuch {
    fn into_response(self) -> axum::response::Response {
        ApiError::new(Code::RouteNotFound).into_response()
    }
}

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Search<T> {
    type Rejection = ApiError;
    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let query = Query::<T>::from_request_parts(parts, state).await;
        query
            .map(|Query(query)| Self(query))
            .map_err(|error| ApiError::invalid(format!("{}.", error.body_text())))
    }
}

impl<S: Send + Sync> FromRequest<S> for Raw {
    type Rejection = ApiError;
    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        match Bytes::from_request(request, state).await {
            Ok(bytes) => Ok(Self(bytes)),
            Err(rejection) if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE => {
                Err(ApiError::new(Code::TooLarge))
            }
            Err(_) => Err(ApiError::invalid("The body could not be read.")),
        }
    }
}
