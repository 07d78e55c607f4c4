//! Request bodies and query strings: `name=value` pairs in the order in which they were written,
//! so that the same order always makes the same bytes. Stripe compares them under one key.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

const VALUE: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
/// Nested names stay readable: `metadata[order_id]`, as Stripe's own libraries write them.
const NAME: &AsciiSet = &VALUE.remove(b'[').remove(b']');

/// A form that is being written.
#[derive(Default)]
pub(super) struct Form(String);

impl Form {
    /// Adds a pair.
    pub fn with(mut self, name: &str, value: impl AsRef<str>) -> Self {
        if !self.0.is_empty() {
            self.0.push('&');
        }
        self.0.extend(utf8_percent_encode(name, NAME));
        self.0.push('=');
        self.0.extend(utf8_percent_encode(value.as_ref(), VALUE));
        self
    }

    /// Adds a pair unless the value is empty: an empty value tells Stripe to unset the field.
    pub fn with_some(self, name: &str, value: &str) -> Self {
        if value.is_empty() { self } else { self.with(name, value) }
    }

    /// The form as it is sent.
    pub fn encode(self) -> String {
        self.0
    }
}

/// One segment of a path: an id of Stripe's, which may hold anything.
pub(super) fn segment(id: &str) -> impl std::fmt::Display {
    utf8_percent_encode(id, VALUE)
}
