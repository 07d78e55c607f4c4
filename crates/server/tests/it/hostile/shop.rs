//! What comes from browsers, programs and spreadsheets.

use std::sync::LazyLock;

use percent_encoding::{NON_ALPHANUMERIC, percent_encode};
use proptest::{prelude::*, sample::Index};
use serde_json::{Value, json};
use server::http::openapi;

use super::{
    cases,
    gateway::kept,
    json::{any_json, as_documented, change, changed, text},
    one_of,
    promises::{better_auth_cookie, catalogue_csv, cookie, json_routes, money},
};

static DOCUMENT: LazyLock<Value> =
    LazyLock::new(|| serde_json::to_value(openapi::document()).unwrap());

/// Every operation of the document: its path, its method and what it says.
fn operations() -> Vec<(String, String, Value)> {
    let paths = DOCUMENT["paths"].as_object().unwrap().iter();
    let operations = paths.flat_map(|(path, methods)| {
        let methods = methods.as_object().unwrap().iter();
        methods.map(move |(method, one)| (path.clone(), method.to_uppercase(), one.clone()))
    });
    operations.filter(|(_, _, operation)| operation["operationId"].is_string()).collect()
}

/// Bytes as a target may hold them.
fn escaped() -> impl Strategy<Value = String> {
    prop::collection::vec(any::<u8>(), 0..40)
        .prop_map(|bytes| percent_encode(&bytes, NON_ALPHANUMERIC).to_string())
}

/// What stands for a parameter of the path.
fn segment() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => one_of(&["$line", "$order", "$mug", "00000000-0000-0000-0000-000000000000"]),
        2 => one_of(&["..", ".", "%00", "%ff", "%2e%2e%2f", "%", "{lineId}", "$line/", "-1", "a;b=c"]),
        1 => escaped().prop_map(|text| format!("x{text}")),
        1 => (1..9000_usize).prop_map(|length| "x".repeat(length)),
    ]
}

/// A query, mostly of parameters that some route knows.
fn query() -> impl Strategy<Value = String> {
    let value = prop_oneof![
        escaped(),
        one_of(&["mug", "24", "0", "-1", "101", "4294967296", "1e9", "%", "%25%5f", "%00", "$mug"]),
    ];
    let pair = (one_of(&["q", "limit", "cursor", "q[]", "", "Limit"]), value);
    let pair = pair.prop_map(|(name, value)| format!("{name}={value}"));
    prop::collection::vec(pair, 0..4).prop_map(|pairs| pairs.join("&"))
}

fn headers() -> impl Strategy<Value = String> {
    let header = prop_oneof![
        one_of(&[
            "origin: https://evil.example",
            "origin: null",
            "origin: \u{e9}",
            "origin: http://127.0.0.1",
            "sec-fetch-site: cross-site",
            "sec-fetch-site: same-origin",
            "cookie: till_visitor=x",
            "cookie: ep_checkout_session=x",
            "content-type: text/plain",
            "content-type: application/json; charset=utf-16",
            "content-type: multipart/form-data",
            "content-type: \u{1}",
            "content-length: 5",
            "content-encoding: gzip",
            "transfer-encoding: chunked",
            "accept: text/html",
            "x-forwarded-for: 1.2.3.4, ::1, x",
            "forwarded: for=\"[::1]:x\";;by",
            "host:",
            "stripe-signature: t=1790000000,v1=$strange",
            "expect: 100-continue",
            "range: bytes=0-",
            "x-http-method-override: DELETE",
            "if-match: *",
            "upgrade: h2c",
        ]),
        "[a-z-]{1,12}: [^\n]{0,40}",
    ];
    prop::collection::vec(header, 0..3).prop_map(|headers| headers.join("\n"))
}

/// What is right: what the document describes, or where it describes no more than a text, an event.
fn right(operation: &Value) -> impl Strategy<Value = Value> + use<> {
    let schema = &operation["requestBody"]["content"]["application/json"]["schema"];
    prop::sample::select(match schema["type"] == "string" {
        true => kept("event_body", 0),
        false => vec![as_documented(&DOCUMENT, schema, "")],
    })
}

/// A body: right but for one place, any JSON, any bytes, or far too much.
fn body(operation: &Value) -> impl Strategy<Value = Vec<u8>> + use<> {
    prop_oneof![
        8 => (right(operation), change())
            .prop_map(|(right, change)| changed(right, &change).into_bytes()),
        1 => any_json().prop_map(|value| text(&value).into_bytes()),
        1 => prop::collection::vec(any::<u8>(), 0..60),
        1 => (0..3_000_usize).prop_map(|levels| "[".repeat(levels).into_bytes()),
        1 => (32_000..33_000_usize).prop_map(|length| vec![b' '; length]),
    ]
}

/// A request to a route of the document, written as the promise reads it.
fn request() -> impl Strategy<Value = Vec<u8>> {
    let operation = prop::sample::select(operations());
    let request = operation.prop_flat_map(|(path, method, operation)| {
        let method = prop_oneof![
            12 => Just(method),
            1 => one_of(&["GET", "HEAD", "OPTIONS", "PUT", "POST", "PATCH", "DELETE", "TRACE", "X"]),
        ];
        let segment = prop_oneof![1 => Just(known(&path)), 1 => segment()];
        (Just(path), method, segment, query(), headers(), browser(), body(&operation))
    });
    request.prop_map(|(path, method, segment, query, headers, browser, body)| {
        let segments = path.split('/').map(|one| if one.starts_with('{') { &segment } else { one });
        let path = segments.collect::<Vec<_>>().join("/");
        let lines = [format!("{method} {path}?{query}"), browser, headers];
        let lines: Vec<_> = lines.into_iter().filter(|line| !line.is_empty()).collect();
        [lines.join("\n").as_bytes(), b"\n\n", &body].concat()
    })
}

/// What there is under a path.
fn known(path: &str) -> String {
    let names = [("products", "$mug"), ("items", "$line"), ("orders", "$order")];
    let name = names.iter().find(|(word, _)| path.contains(word));
    name.map_or("$order", |(_, name)| name).to_owned()
}

/// Mostly the headers of Ada's own browser, and of Stripe.
fn browser() -> impl Strategy<Value = String> {
    let ours = "cookie: $ada; $session\ncontent-type: application/json\n\
                stripe-signature: t=1790000000,v1=$ours";
    prop_oneof![9 => Just(ours.to_owned()), 1 => Just(String::new())]
}

proptest! {
    #![proptest_config(cases(768))]

    #[test]
    fn no_request_to_a_documented_route_is_a_fault_or_leaves_half_of_something(
        request in request(),
    ) {
        json_routes(&request);
    }
}

/// A cookie header that is nearly Ada's, or full of others.
fn cookies() -> impl Strategy<Value = Vec<u8>> {
    let pair = prop_oneof![
        3 => one_of(&[
            "$ada", "$ada=", "$adax", "x$ada", "till_visitor", "till_visitor=", "till_visitor=\"",
            "__Host-$ada", "TILL_visitor=x", "till_visitor=00000000-0000-0000-0000-000000000001",
            "till_visitor=%C3%A9%C3%A9%C3%A9%C3%A9%C3%A9%C3%A9%C3%A9%C3%A9%C3%A9%C3%A9%C3%A9%C3%A9",
        ]),
        1 => escaped().prop_map(|value| format!("till_visitor={value}")),
        1 => "till_visitor=[A-Za-z0-9+/=]{44}[0-9a-f-]{36}",
        1 => (0..9000_usize).prop_map(|length| format!("a={}", "x".repeat(length))),
        1 => "[^\n]{0,20}",
    ];
    prop::collection::vec(pair, 0..4).prop_map(|pairs| pairs.join("; ").into_bytes())
}

proptest! {
    #![proptest_config(cases(384))]

    #[test]
    fn nothing_but_her_own_cookie_shows_a_visitors_cart(
        mut sent in cookies(),
        places in prop::collection::vec((any::<Index>(), any::<u8>()), 0..2),
    ) {
        for (place, byte) in places {
            if !sent.is_empty() {
                let place = place.index(sent.len());
                sent[place] = byte;
            }
        }
        cookie(&sent);
    }

    #[test]
    fn a_flipped_character_of_the_cookie_makes_a_stranger(place in 0..140_usize, letter: char) {
        // The name stands for the cookie only where it is whole, so the letter goes behind it.
        let padding = "x".repeat(place);
        cookie(format!("a={padding}; $ada{letter}").as_bytes());
    }
}

/// The cookies of a storefront's session, right, forged, cut up or put together of another's parts.
fn session_cookies() -> impl Strategy<Value = String> {
    let part = one_of(&["$head", "", "$iv", "$text", "$tag", "AA", "eyJhbGciOiJub25lIn0", "é"]);
    let token = prop_oneof![
        4 => Just("$token".to_owned()),
        1 => Just("$strange".to_owned()),
        2 => prop::collection::vec(part, 0..7).prop_map(|parts| parts.join(".")),
        1 => "[A-Za-z0-9_.%-]{0,60}",
    ];
    let name = one_of(&["better-auth.session_data", "__Secure-better-auth.session_data"]);
    let number =
        one_of(&["", "", "", ".0", ".1", ".2", ".00", ".-1", ".99999999999999999999", "."]);
    let pair =
        (name, number, token).prop_map(|(name, number, token)| format!("{name}{number}={token}"));
    prop::collection::vec(pair, 0..4).prop_map(|pairs| pairs.join("; "))
}

proptest! {
    #![proptest_config(cases(512))]

    #[test]
    fn nothing_but_the_storefronts_own_secret_names_a_cart(
        which: Index,
        change in change(),
        cookies in session_cookies(),
    ) {
        let session = changed(which.get(&sessions()).clone(), &change);
        better_auth_cookie(format!("{}\n{cookies}", session.replace('\n', " ")).as_bytes());
    }

    #[test]
    fn a_session_cookie_of_any_bytes_names_no_cart(
        input in prop::collection::vec(any::<u8>(), 0..200),
    ) {
        better_auth_cookie(&input);
    }
}

/// What a storefront's session says.
fn sessions() -> Vec<Value> {
    let session = |exp: i64| {
        json!({
            "session": { "id": "s1", "epCartId": "cart-1", "epAccessToken": "t".repeat(40) },
            "user": { "id": "u1" },
            "exp": exp,
        })
    };
    [1_790_003_600, 1_790_000_000, 1_789_000_000].map(session).to_vec()
}

/// A cell: what a spreadsheet holds, and what it should not.
fn cell(right: &'static [&'static str]) -> impl Strategy<Value = String> {
    prop_oneof![
        12 => one_of(right),
        1 => one_of(&[
            "", " ", "=1+1", "=cmd|'/c calc'!A0", "@x", "+1", "-1", "\t=1", "\u{feff}", "\u{0}",
            "a\u{0}b", "a\rb", "a\nb", "\"", "\"\"", ",", ";", "\u{a0}x\u{2003}", "é🦀", "٣",
            "123456789012345678901234567890", "0.000000000000000000000000000001", "1e3", "NaN",
            "9999999999.99", "10000000000.00", "1000000000", "1000000001", "4294967296",
        ]),
        1 => "\\PC{0,12}",
        1 => (0..12_000_usize).prop_map(|length| "x".repeat(length)),
    ]
}

fn row() -> impl Strategy<Value = Vec<String>> {
    let cells = (
        cell(&["mug", "lamp", "book", "pen", "=1+1", "Mug"]),
        cell(&["Mug", "@sum", "Lamp, big", "say \"hi\""]),
        cell(&["", "Two\nlines", "Two\r\nlines", "a\rb", "=1", "\u{feff}x"]),
        cell(&["", "/mug.svg", "https://example.org/a?b=c,d"]),
        cell(&["0", "5.00", "9999999999.99", "0.01"]),
        cell(&["EUR", "eur"]),
        cell(&["", "0", "7", "+5", "-0", "+1000000000", "1000000000"]),
        cell(&["true", "no", "1"]),
        cell(&["false", "yes", "0"]),
    );
    cells.prop_map(|(a, b, c, d, e, f, g, h, i)| vec![a, b, c, d, e, f, g, h, i])
}

/// A file of rows, quoted as it should be or not at all, with the line ends of any system.
fn file() -> impl Strategy<Value = String> {
    let rows = prop::collection::vec((row(), prop::bool::weighted(0.9)), 0..5);
    let end = one_of(&["\n", "\r\n", "\n\n", "\r"]);
    let start = one_of(&["", "", "", "\u{feff}", "\u{feff}\u{feff}", "\n"]);
    (start, end, rows).prop_map(|(start, end, rows)| {
        let quoted = |cell: &String| format!("\"{}\"", cell.replace('"', "\"\""));
        let lines = rows.iter().map(|(row, is_quoted)| match is_quoted {
            true => row.iter().map(quoted).collect::<Vec<_>>().join(","),
            false => row.join(","),
        });
        let header = "sku,name,description,image,price,currency,stock,active,requires_shipping";
        let lines = std::iter::once(header.to_owned()).chain(lines);
        format!("{start}{}{end}", lines.collect::<Vec<_>>().join(&end))
    })
}

proptest! {
    #![proptest_config(cases(128))]

    #[test]
    fn a_spreadsheet_is_imported_exactly_or_not_at_all(file in file()) {
        catalogue_csv(file.as_bytes());
    }

    #[test]
    fn a_spreadsheet_of_any_bytes_is_imported_exactly_or_not_at_all(
        file in file(),
        at: Index,
        bytes in prop::collection::vec(any::<u8>(), 1..6),
    ) {
        let (head, tail) = file.as_bytes().split_at(at.index(file.len()));
        catalogue_csv(&[head, &bytes, tail].concat());
    }
}

proptest! {
    #![proptest_config(cases(512))]

    #[test]
    fn an_amount_is_read_as_its_digits_say_or_not_at_all(
        text in "[0-9]{0,14}(\\.[0-9]{0,5})?|0*[0-9.]{0,30}|[-+ ]?[0-9٣eE,.]{0,9}|\\PC*",
    ) {
        money(text.as_bytes());
    }
}
