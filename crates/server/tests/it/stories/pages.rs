//! What a browser, a load balancer, Prometheus and a generator of clients find beside the API; and
//! the documents that are printed from the code.

use std::{collections::BTreeSet, fmt::Write as _};

use domain::catalog::Stock;
use http::Method;
use regex::Regex;
use serde_json::Value;
use server::http::{error::Code, openapi};

use crate::{
    guest::{Card, Reply},
    printed::check_printed,
    shop::stories,
};

stories! {
    async fn the_front_page_shows_the_goods_and_what_is_running(shop: Shop) {
        shop.change("mug", |mug| mug.name = "<b>\"Mug\"</b> & more".to_owned()).await;
        shop.change("lamp", |lamp| lamp.stock = Stock::new(0, 0).unwrap()).await;
        shop.change("book", |book| book.active = false).await;

        let page = shop.guest().get("/").await;

        assert_eq!((page.status, kind(&page)), (200, "text/html; charset=utf-8"));
        for text in [
            "&lt;b&gt;&quot;Mug&quot;&lt;&#x2f;b&gt; &amp; more", "12.00 <abbr>EUR</abbr>",
            "Sold out", "Only 1 left", shop.url.trim_start_matches("http://"), shop.stripe_url.trim_start_matches("http://"), "A print",
            "simulated", "href=\"&#x2f;docs\"", "href=\"&#x2f;api&#x2f;openapi.json\"",
        ] {
            page.says(text);
        }
        assert!(!page.text.contains("<b>") && !page.text.contains("A book"), "{}", page.text);
        assert_eq!(page.headers.get("set-cookie"), None);
        shop.close().await;
    }

    async fn the_front_page_runs_no_script_and_only_the_style_it_was_made_with(shop: Shop) {
        let (page, again) = (shop.guest().get("/").await, shop.guest().get("/").await);

        let policy = page.headers["content-security-policy"].to_str().unwrap();
        for rule in ["default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'"] {
            assert!(policy.contains(rule), "{policy}");
        }
        assert!(!policy.contains("script-src") && !policy.contains("unsafe"), "{policy}");
        let nonce = page.text.split("<style nonce=\"").nth(1).unwrap().split('"').next().unwrap();
        assert!(policy.contains(&format!("style-src 'nonce-{nonce}'")), "{policy}");
        assert!(!again.text.contains(nonce), "a nonce is used once");
        assert!(!page.text.contains("<script"));
        shop.close().await;
    }

    async fn the_documentation_asks_nobody_else_for_anything(shop: Shop) {
        let guest = shop.guest();
        let page = guest.get("/docs").await;
        assert_eq!((page.status, kind(&page)), (200, "text/html; charset=utf-8"));
        let policy = page.headers["content-security-policy"].to_str().unwrap();
        for rule in ["default-src 'none'", "script-src 'self'", "connect-src 'self'"] {
            assert!(policy.contains(rule), "{policy}");
        }
        assert!(!policy.contains("http") && !policy.contains("unsafe-eval"), "{policy}");

        let script = guest.get("/assets/docs.js").await;
        assert_eq!(kind(&script), "text/javascript; charset=utf-8");
        let address = Regex::new(r#"(?i)https?:|["'(=`]\s*//"#).unwrap();
        for text in [&page.text, &script.text] {
            // A namespace is a name, not an address.
            let text = text.replace("http://www.w3.org/2000/svg", "");
            assert_eq!(address.find(&text).map(|found| found.as_str()), None);
        }
        let loaded = Regex::new(r#"(?:src|spec-url|<link[^>]* href)="([^"]+)""#).unwrap();
        let files: Vec<_> = loaded.captures_iter(&page.text).map(|found| found[1].to_owned()).collect();
        assert!(files.len() >= 3, "{files:?}");
        for file in files {
            let is_inside = file.starts_with("data:");
            assert!(is_inside || guest.get(&file).await.status == 200, "{file}");
        }
        shop.close().await;
    }

    async fn only_what_pages_show_is_handed_out_as_a_file(shop: Shop) {
        let guest = shop.guest();
        let picture = guest.get("/assets/demo/images/mug.svg").await;
        assert_eq!((picture.status, kind(&picture)), (200, "image/svg+xml"));
        assert_eq!(picture.headers["cache-control"], "public, max-age=3600");

        for path in [
            "templates/index.html", "./templates/index.html", "nothing.svg", "../Cargo.toml",
            "..%2FCargo.toml", "%2e%2e/Cargo.toml", "%2Fetc%2Fpasswd", "demo", "demo/",
        ] {
            let reply = guest.get(&format!("/assets/{path}")).await;
            assert_eq!(reply.to_string(), "404 route.notFound", "{path}");
        }
        shop.close().await;
    }

    async fn a_server_says_that_it_lives_and_whether_it_can_work(shop: Shop) {
        let mut shop = shop;
        let ready = shop.guest().get("/readyz").await;
        assert_eq!((ready.status, ready.text.as_str()), (200, "ready\n"));

        shop.cx.store.close().await;

        let alive = shop.guest().get("/healthz").await;
        assert_eq!((alive.status, alive.text.as_str()), (200, "ok\n"));
        for path in ["/readyz", "/metrics", "/", "/api/products", "/api/cart"] {
            let reply = shop.guest().get(path).await;
            assert_eq!(reply.to_string(), "503 server.unavailable", "{path}");
        }
        shop.restart_with([]).await;
        assert_eq!(shop.guest().get("/readyz").await.status, 200);
        shop.close().await;
    }

    async fn metrics_count_what_happens_and_name_nobody(shop: Shop) {
        let guest = shop.guest_with_cart([("mug", 1)]).await;
        assert_eq!(guest.pay_with(Card::Good).await, "200 paid");
        assert_eq!(guest.get("/api/orders").await.status, 401);
        guest.post("/api/webhooks/stripe", Value::Null).await;
        let invented = Method::from_bytes(b"ADA").unwrap();
        guest.send(invented, "/ada@example.org", None, &[("user-agent", "ada")]).await;

        let metrics = guest.get("/metrics").await;

        assert_eq!(kind(&metrics), "text/plain; version=0.0.4");
        for series in [
            "till_orders{state=\"paid\"} ",
            "till_orders{state=\"failed\"} ",
            "till_events_waiting ",
            "till_effects_waiting ",
            "till_attention_items ",
            "till_last_event_age_seconds ",
            "till_webhooks_refused_total ",
            "till_errors_total{code=\"auth.required\"} ",
            "till_http_total{route=\"/api/checkout/intent\",status=\"2xx\"} ",
            "till_http_total{route=\"unknown\",status=\"4xx\"} ",
            "till_http_seconds_bucket{method=\"GET\",route=\"/api/orders\",le=\"",
            "till_http_seconds_count{method=\"other\",route=\"unknown\"} ",
        ] {
            metrics.says(series);
        }
        let text = metrics.text.to_lowercase();
        for personal in ["example.org", "berlin", "hauptstr", "pi_", "evt_", "127.0.0.1"] {
            assert!(!text.contains(personal), "{personal}");
        }
        // Her name begins the name of an error code too.
        assert!(!text.replace("adapter_error", "").contains("ada"), "her name");
        shop.close().await;
    }

    async fn the_document_that_the_server_hands_out_is_the_printed_one(shop: Shop) {
        let reply = shop.guest().get("/api/openapi.json").await;

        assert_eq!((reply.status, kind(&reply)), (200, "application/json"));
        assert_eq!(format!("{}\n", reply.text), document());
        shop.close().await;
    }
}

#[test]
fn the_document_is_openapi_3_1_and_describes_every_operation_and_answer() {
    let document: Value = serde_json::from_str(&document()).unwrap();
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1."));
    assert_eq!(document["info"]["version"], env!("CARGO_PKG_VERSION"));
    let tags: Vec<_> =
        document["tags"].as_array().unwrap().iter().map(|tag| &tag["name"]).collect();
    let mut ids = BTreeSet::new();
    for (path, method, operation) in operations(&document) {
        let name = format!("{method} {path}");
        let id = operation["operationId"].as_str().unwrap_or_else(|| panic!("{name} has no id"));
        assert!(ids.insert(id), "{id} is there twice");
        assert!(is_text(&operation["summary"]), "{name} has no summary");
        assert!(operation["tags"].as_array().unwrap().iter().all(|tag| tags.contains(&tag)));
        for parameter in operation["parameters"].as_array().into_iter().flatten() {
            assert!(is_text(&parameter["description"]), "{name}: {parameter}");
        }
        for (status, response) in operation["responses"].as_object().unwrap() {
            assert!(is_text(&response["description"]), "{name} {status} has no description");
        }
        for code in openapi::codes(id) {
            let (code, status, sentence) = code.wire();
            let response = &operation["responses"][status.as_str()];
            let example = &response["content"]["application/json"]["examples"][code]["value"];
            assert_eq!(example["error"]["code"], code, "{name}: no example of {code}");
            assert_eq!(example["error"]["message"], sentence);
        }
    }
    assert_eq!(ids.len(), 33);
}

/// Existing storefronts read null in these where there is nothing.
const OF_THE_SESSION_CONTRACT: [&str; 3] = ["CheckoutSession", "SessionData", "SessionPayment"];

#[test]
fn every_field_of_the_document_says_what_it_means() {
    let document: Value = serde_json::from_str(&document()).unwrap();
    for (name, schema) in document["components"]["schemas"].as_object().unwrap() {
        assert!(is_text(&schema["description"]), "{name} is not described");
        let parts = schema["allOf"].as_array().into_iter().flatten().chain([schema]);
        for (field, schema) in parts.filter_map(|part| part["properties"].as_object()).flatten() {
            // What may be null says what it is beside the schema that it else has.
            let said = [&schema["description"], &schema["oneOf"][0]["description"]];
            assert!(said.into_iter().any(is_text), "{name}.{field} is not described");
            let may_be_null = OF_THE_SESSION_CONTRACT.contains(&name.as_str());
            let is_null = schema.to_string().contains("\"null\"");
            assert!(!is_null || may_be_null, "{name}.{field} is absent or there");
        }
    }
}

#[test]
fn the_printed_documents_say_what_the_code_says() {
    check_printed("docs/openapi.json", &document());
    check_printed("docs/errors.md", &errors());
}

fn document() -> String {
    format!("{}\n", openapi::document().to_pretty_json().unwrap())
}

const ERRORS: &str = "\
# Errors

This page is printed from `crates/server/src/http/error.rs` and `crates/server/src/http/openapi.rs` \
by a test, which fails when it differs. To print it anew: `TILL_BLESS=1 cargo test -p server --test \
it printed`.

An answer that is not a success has a body such as \
`{\"error\":{\"code\":\"checkout.cartEmpty\",\"message\":\"Cart is empty.\"}}`, with `details` where \
they help. Codes are never renamed: switch on them, and show the message to people.

| code | status | message | answered by |
|---|---|---|---|
";

fn errors() -> String {
    let document: Value = serde_json::from_str(&document()).unwrap();
    let operations: Vec<_> = operations(&document).collect();
    let mut page = ERRORS.to_owned();
    for code in Code::ALL {
        let (name, status, message) = code.wire();
        let may = |operation: &&Value| {
            openapi::codes(operation["operationId"].as_str().unwrap()).contains(&code)
        };
        let by: Vec<_> = operations
            .iter()
            .filter(|(_, _, operation)| may(operation))
            .map(|(path, method, _)| format!("`{} {path}`", method.to_uppercase()))
            .collect();
        let by = match by.len() {
            0 => "anything else".to_owned(),
            count if count == operations.len() => "every operation".to_owned(),
            _ => by.join(", "),
        };
        writeln!(page, "| `{name}` | {} | {message} | {by} |", status.as_u16()).unwrap();
    }
    page
}

/// Path, method and operation.
fn operations(document: &Value) -> impl Iterator<Item = (&str, &str, &Value)> {
    let paths = document["paths"].as_object().unwrap();
    paths.iter().flat_map(|(path, methods)| {
        let methods = methods.as_object().unwrap().iter();
        methods.map(move |(method, operation)| (path.as_str(), method.as_str(), operation))
    })
}

fn is_text(value: &Value) -> bool {
    value.as_str().is_some_and(|text| !text.trim().is_empty())
}

fn kind(reply: &Reply) -> &str {
    reply.headers["content-type"].to_str().unwrap()
}
