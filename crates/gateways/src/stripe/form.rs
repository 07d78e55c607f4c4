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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use url::form_urlencoded;

    use super::*;

    #[test]
    fn nested_names_stay_readable_and_values_are_escaped() {
        let form = Form::default()
            .with("shipping[address][line1]", "Straße 1 & 2 = [x]")
            .with_some("shipping[address][state]", "")
            .with("amount", "4998");
        assert_eq!(
            form.encode(),
            "shipping[address][line1]=Stra%C3%9Fe%201%20%26%202%20%3D%20%5Bx%5D&amount=4998"
        );
    }

    #[test]
    fn an_id_cannot_leave_its_segment_of_the_path() {
        assert_eq!(segment("pi_3AbC").to_string(), "pi_3AbC");
        assert_eq!(segment("pi/../x?y#z").to_string(), "pi%2F..%2Fx%3Fy%23z");
    }

    proptest! {
        #[test]
        fn what_is_written_is_what_a_reader_of_forms_reads(
            pairs in proptest::collection::vec((".+", ".*"), 0..8),
        ) {
            let form = pairs.iter().fold(Form::default(), |form, (n, v)| form.with(n, v));
            let encoded = form.encode();
            prop_assert!(encoded.is_ascii());
            let read: Vec<(String, String)> =
                form_urlencoded::parse(encoded.as_bytes()).into_owned().collect();
            prop_assert_eq!(read, pairs);
        }
    }
}
