//! Form bodies and query strings: `a[b][c]=v`, `list[0]=v`, `list[]=v`.
//!
//! Every v1 request is written so; brackets may come percent-encoded or not.

use std::collections::BTreeMap;

use percent_encoding::percent_decode;

/// A value or a nested map. A list is a map whose keys are its indices.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Form {
    Text(String),
    Map(BTreeMap<String, Form>),
}

/// Reads `name=value&…`; of a name given twice the last value counts.
pub(crate) fn parse(encoded: &[u8], into: &mut BTreeMap<String, Form>) {
    for pair in encoded.split(|byte| *byte == b'&').filter(|pair| !pair.is_empty()) {
        let mut halves = pair.splitn(2, |byte| *byte == b'=');
        let name = decode(halves.next().unwrap_or_default());
        let value = decode(halves.next().unwrap_or_default());
        let path = segments(&name);
        put(into, &path, value);
    }
}

/// The name as the manual writes it: `shipping[address][line1]`.
pub(crate) fn bracketed<'a>(mut path: impl Iterator<Item = &'a str>) -> String {
    let mut name = path.next().unwrap_or_default().to_owned();
    for segment in path {
        name.push('[');
        name.push_str(segment);
        name.push(']');
    }
    name
}

/// Every value with its path.
pub(crate) fn leaves(map: &BTreeMap<String, Form>) -> Vec<(Vec<&str>, &str)> {
    let mut found = Vec::new();
    for (name, form) in map {
        match form {
            Form::Text(text) => found.push((vec![name.as_str()], text.as_str())),
            Form::Map(inner) => found.extend(leaves(inner).into_iter().map(|(path, text)| {
                let mut whole = vec![name.as_str()];
                whole.extend(path);
                (whole, text)
            })),
        }
    }
    found
}

fn decode(encoded: &[u8]) -> String {
    let spaced: Vec<u8> =
        encoded.iter().map(|byte| if *byte == b'+' { b' ' } else { *byte }).collect();
    percent_decode(&spaced).decode_utf8_lossy().into_owned()
}

/// `a[b][]` is `["a", "b", ""]`; a name with unbalanced brackets is one segment.
fn segments(name: &str) -> Vec<String> {
    let Some((head, rest)) = name.split_once('[') else { return vec![name.to_owned()] };
    let Some(inner) = rest.strip_suffix(']') else { return vec![name.to_owned()] };
    let mut path = vec![head.to_owned()];
    path.extend(inner.split("][").map(str::to_owned));
    path
}

fn put(map: &mut BTreeMap<String, Form>, path: &[String], value: String) {
    let Some((first, rest)) = path.split_first() else { return };
    let name = if first.is_empty() { map.len().to_string() } else { first.clone() };
    if rest.is_empty() {
        map.insert(name, Form::Text(value));
        return;
    }
    let entry = map.entry(name).or_insert_with(|| Form::Map(BTreeMap::new()));
    if let Form::Text(_) = entry {
        *entry = Form::Map(BTreeMap::new());
    }
    if let Form::Map(inner) = entry {
        put(inner, rest, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(encoded: &str) -> Vec<(String, String)> {
        let mut map = BTreeMap::new();
        parse(encoded.as_bytes(), &mut map);
        leaves(&map)
            .into_iter()
            .map(|(path, text)| (bracketed(path.into_iter()), text.to_owned()))
            .collect()
    }

    #[test]
    fn nested_names_lists_and_escapes_are_read_as_the_sdks_and_the_cli_write_them() {
        let expected = vec![
            ("expand[0]".to_owned(), "latest_charge".to_owned()),
            ("expand[1]".to_owned(), "payment_method".to_owned()),
            ("metadata[a.b]".to_owned(), "é &".to_owned()),
        ];
        assert_eq!(
            read("expand[]=latest_charge&expand[]=payment_method&metadata[a.b]=%C3%A9+%26"),
            expected
        );
        assert_eq!(
            read(
                "expand%5B0%5D=latest_charge&expand%5B1%5D=payment_method&metadata%5Ba.b%5D=é+%26"
            ),
            expected
        );
    }

    #[test]
    fn a_list_of_more_than_ten_keeps_its_order() {
        let encoded: Vec<String> = (0..12).map(|n| format!("l[{n}]=v{n}")).collect();
        let mut map = BTreeMap::new();
        parse(encoded.join("&").as_bytes(), &mut map);
        let params = crate::stripe::api::params::Params::new(map);
        assert_eq!(params.list("l")[11], "v11");
    }
}
