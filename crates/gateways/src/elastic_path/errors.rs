//! Elastic Path's no, and how a call ends that brings no answer.
//!
//! Its errors are loose: a list or a single object, statuses as numbers or texts or not at all, the
//! token endpoint now and then in OAuth's words, and errors beside the data of an answer that says
//! 200. They are read as they come; the HTTP status decides, because the one inside may be another.

use std::{fmt, sync::Arc, time::Duration};

use serde_json::Value;

use crate::{BoxError, Doubt, TransportError};

/// Why a call brought no answer, and what may be done about it.
#[derive(Debug, thiserror::Error)]
pub enum EpError {
    /// Nothing was carried out. Safe to ask again.
    #[error("Elastic Path was not asked")]
    NotSent(#[source] Unsent),
    /// It may have been carried out, wholly or in part. Nothing of Elastic Path's happens once by
    /// itself: look first, then ask again.
    #[error("Elastic Path's answer is not known")]
    Unknown(#[source] Doubt),
    /// Elastic Path says no.
    #[error("Elastic Path refused the request")]
    Refused(#[source] Box<Refused>),
}

/// Why nothing was carried out.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Unsent {
    /// Nothing left this machine.
    #[error("it could not be reached")]
    NoConnection(#[source] Arc<TransportError>),
    /// It was turned away unread: too many calls.
    #[error("it takes no more calls for now")]
    TooMany {
        /// When it will again, if it said so.
        retry_after: Option<Duration>,
    },
    /// There is no token to ask with.
    #[error("there is no token to ask with")]
    NoToken(#[source] Arc<EpError>),
}

impl EpError {
    /// The no, if it is one.
    pub fn refusal(&self) -> Option<&Refused> {
        match self {
            Self::Refused(refused) => Some(refused),
            Self::NotSent(_) | Self::Unknown(_) => None,
        }
    }

    /// It said yes in words that we cannot read: it may have been carried out.
    pub(super) fn unreadable(error: impl Into<BoxError>) -> Self {
        Self::Unknown(Doubt::Unreadable(error.into()))
    }
}

/// Elastic Path read the request and did not carry it out.
#[derive(Debug, thiserror::Error)]
#[error("Elastic Path refused: {status} {}", label(entries))]
pub struct Refused {
    /// HTTP status, 400 to 499.
    pub status: u16,
    /// What it names as wrong; often one entry, sometimes none.
    pub entries: Vec<ErrorEntry>,
}

/// Elastic Path said yes and named errors beside it.
#[derive(Debug, thiserror::Error)]
#[error("the answer holds errors: {}", label(.0))]
pub struct SoftErrors(pub Vec<ErrorEntry>);

/// One thing that is wrong.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct ErrorEntry {
    /// A short name, such as `Insufficient stock`.
    pub title: Option<String>,
    /// A sentence. It may hold what the shopper typed, so it goes into no log.
    pub detail: Option<String>,
    /// Such as `gateway.scopes.authorise`.
    pub code: Option<String>,
    /// The field that is wrong, such as `data.customer.email`.
    pub source: Option<String>,
    /// The article that it is about.
    pub sku: Option<String>,
    /// Elastic Path's name of the exchange, for its support.
    pub request_id: Option<String>,
}

impl fmt::Debug for ErrorEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { title, code, source, request_id, .. } = self;
        let fields = [title, code, source, request_id];
        f.debug_list().entries(fields.into_iter().flatten()).finish()
    }
}

impl Refused {
    /// The credentials are wrong or may not do this: nothing will work until an operator acts.
    pub fn is_operator_fault(&self) -> bool {
        matches!(self.status, 401 | 403)
    }

    /// There is no such thing.
    pub fn is_not_found(&self) -> bool {
        self.status == 404
    }

    /// Something has been sold out meanwhile, a promotion's gift perhaps.
    pub fn is_out_of_stock(&self) -> bool {
        self.has_title("Insufficient stock")
    }

    /// An account's last cart cannot be deleted.
    pub fn is_last_cart(&self) -> bool {
        self.has_title("Last cart")
    }

    /// What Elastic Path says, for a person: a sentence if it has one.
    pub fn sentence(&self) -> Option<&str> {
        sentence(&self.entries)
    }

    fn has_title(&self, title: &str) -> bool {
        self.entries.iter().any(|entry| entry.title.as_deref() == Some(title))
    }
}

/// The first sentence of the entries, or else the first title.
pub(super) fn sentence(entries: &[ErrorEntry]) -> Option<&str> {
    let details = entries.iter().filter_map(|entry| entry.detail.as_deref());
    details.chain(entries.iter().filter_map(|entry| entry.title.as_deref())).next()
}

/// What a log may hold of the entries.
fn label(entries: &[ErrorEntry]) -> String {
    let words = |entry: &ErrorEntry| entry.code.clone().or_else(|| entry.title.clone());
    let words: Vec<String> = entries.iter().filter_map(words).collect();
    if words.is_empty() { "without a reason".to_owned() } else { words.join(", ") }
}

/// The errors in a body; none where it holds none or is no JSON.
pub(super) fn entries(body: &[u8]) -> Vec<ErrorEntry> {
    serde_json::from_slice(body).map(|body| entries_in(&body)).unwrap_or_default()
}

/// The errors in a body that has been read.
pub(super) fn entries_in(body: &Value) -> Vec<ErrorEntry> {
    let entries: Vec<ErrorEntry> = match body.get("errors") {
        Some(Value::Array(entries)) => entries.iter().map(entry).collect(),
        Some(one @ Value::Object(fields)) if !fields.is_empty() => vec![entry(one)],
        Some(Value::String(words)) => {
            vec![ErrorEntry { detail: Some(words.clone()), ..ErrorEntry::default() }]
        }
        Some(_) | None => Vec::new(),
    };
    match text(body, "error") {
        Some(code) if entries.is_empty() => vec![ErrorEntry {
            code: Some(code),
            detail: text(body, "error_description"),
            ..ErrorEntry::default()
        }],
        Some(_) | None => entries,
    }
}

fn entry(value: &Value) -> ErrorEntry {
    let source = value.get("source").and_then(|source| source.get("pointer")).unwrap_or(value);
    ErrorEntry {
        title: text(value, "title"),
        detail: text(value, "detail"),
        code: text(value, "code"),
        source: source.as_str().map(str::to_owned).or_else(|| text(value, "source")),
        sku: value.get("meta").and_then(|meta| text(meta, "sku")),
        request_id: text(value, "request_id"),
    }
}

/// A text that is there and not empty: Elastic Path writes what is absent as `""`.
pub(super) fn text(value: &Value, name: &str) -> Option<String> {
    value.get(name)?.as_str().filter(|text| !text.is_empty()).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn read(body: &Value) -> Vec<ErrorEntry> {
        entries(body.to_string().as_bytes())
    }

    #[test]
    fn errors_are_read_in_every_form_that_they_come_in() {
        let one = json!({"status": 400, "title": "Bad Request", "detail": "No."});
        let text_status = json!({"status": "400", "title": "Bad Request", "detail": "No."});
        let no_status = json!({"title": "Bad Request", "detail": "No."});
        let expected = ErrorEntry {
            title: Some("Bad Request".into()),
            detail: Some("No.".into()),
            ..ErrorEntry::default()
        };
        for body in [
            json!({ "errors": [one] }),
            json!({ "errors": [text_status] }),
            json!({ "errors": [no_status] }),
            json!({ "errors": one }),
            json!({ "data": {}, "errors": [one] }),
        ] {
            assert_eq!(read(&body), std::slice::from_ref(&expected), "{body}");
        }
        let oauth = json!({"error": "invalid_client", "error_description": "No such client."});
        assert_eq!(read(&oauth)[0].code.as_deref(), Some("invalid_client"));
        assert_eq!(sentence(&read(&oauth)), Some("No such client."));
        assert_eq!(sentence(&read(&json!({"errors": "No."}))), Some("No."));
    }

    #[test]
    fn where_there_are_no_errors_none_are_read() {
        for body in [json!({"data": {}}), json!({"errors": []}), json!({"errors": null}), json!([])]
        {
            assert_eq!(read(&body), [], "{body}");
        }
        assert_eq!(entries(b"<html>Bad Gateway</html>"), []);
        assert_eq!(entries(b""), []);
    }

    #[test]
    fn the_field_is_named_by_a_text_or_by_a_pointer() {
        let entry = |source| read(&json!({"errors": [{"source": source}]})).remove(0);
        assert_eq!(
            entry(json!("data.customer.email")).source.as_deref(),
            Some("data.customer.email")
        );
        assert_eq!(entry(json!({"pointer": "/data/x"})).source.as_deref(), Some("/data/x"));
        assert_eq!(entry(json!(null)).source, None);
    }

    #[test]
    fn a_log_holds_no_sentence_in_which_the_shopper_may_be_quoted() {
        let body = json!({"errors": [{"title": "format", "detail": "ada@example.org is wrong"}]});
        let refused = Refused { status: 400, entries: read(&body) };
        let shown = format!("{refused} {refused:?}");
        assert!(shown.contains("format") && !shown.contains("ada@"), "{shown}");
    }

    proptest! {
        #[test]
        fn no_body_is_too_strange(body in "[\\[\\]{}\",:a-z0-9errors]{0,60}") {
            entries(body.as_bytes());
        }
    }
}
