//! Who is let in: the visitor's cookie, pages of other origins, how often somebody may ask, and how
//! much may be sent.

use http::Method;
use serde_json::{Value, json};

use crate::{
    guest::{Guest, Reply, checkout_request},
    shop::{Shop, stories},
};

const ELSEWHERE: &str = "https://elsewhere.example";

stories! {
    async fn a_visitor_is_known_by_a_cookie_that_scripts_cannot_read(shop: Shop) {
        let guest = shop.guest();

        let first = guest.get("/api/cart").await;

        let (name, attributes) = cookie(&first);
        assert_eq!(name, "till_visitor");
        assert_eq!(attributes, ["HttpOnly", "Max-Age=31536000", "Path=/", "SameSite=Lax"]);
        assert_eq!(guest.add("mug", 1).await.headers.get("set-cookie"), None);
        assert_eq!(guest.other_tab().cart().await, "1 x mug");
        shop.close().await;
    }

    async fn where_the_shop_is_reached_by_https_the_cookie_travels_by_nothing_else(shop: Shop) {
        let mut shop = shop;
        shop.restart_with([("TILL_PUBLIC_URL", "https://shop.example")]).await;

        let (name, attributes) = cookie(&shop.guest().get("/api/cart").await);

        assert_eq!(name, "__Host-till_visitor");
        let wanted = ["HttpOnly", "Max-Age=31536000", "Path=/", "SameSite=Lax", "Secure"];
        assert_eq!(attributes, wanted);
        shop.close().await;
    }

    async fn a_cookie_that_we_did_not_sign_is_nobodys(shop: Shop) {
        let mut shop = shop;
        let guest = shop.guest_with_cart([("mug", 1)]).await;
        let signed = guest.cookie().unwrap();
        let visitor = &signed[signed.len() - 36..];
        for forged in [format!("till_visitor={visitor}"), signed.replacen("-7", "-4", 1)] {
            let eve = Guest::returning(&shop, Some(forged));
            let cart = eve.get("/api/cart").await;
            assert_eq!(cart.body["items"], json!([]));
            assert_eq!(cookie(&cart).0, "till_visitor");
        }

        shop.restart_with([("TILL_SECRET", "another secret that is long enough too")]).await;
        assert_eq!(Guest::returning(&shop, Some(signed)).cart().await, "");
        shop.close().await;
    }

    async fn a_page_of_another_origin_changes_nothing(shop: Shop) {
        let guest = shop.guest_with_cart([("mug", 1)]).await;
        let intent = guest.intent().await;
        let line = format!("/api/cart/items/{}", guest.line("mug").await);
        let item = json!({ "productId": shop.product("mug").to_string(), "quantity": 1 });
        for (method, path, body) in [
            (Method::POST, "/api/cart/items", Some(item)),
            (Method::PATCH, line.as_str(), Some(json!({ "quantity": 5 }))),
            (Method::DELETE, line.as_str(), None),
            (Method::DELETE, "/api/cart", None),
            (Method::POST, "/api/checkout/intent", Some(checkout_request())),
            (Method::POST, "/api/checkout/confirm", Some(json!({ "orderId": intent.order }))),
        ] {
            for headers in [
                [("origin", ELSEWHERE), ("sec-fetch-site", "cross-site")],
                // Old browsers send the one, and some programs in pages only the other.
                [("origin", ELSEWHERE), ("accept", "*/*")],
                [("sec-fetch-site", "cross-site"), ("accept", "*/*")],
            ] {
                let body = body.as_ref().map(Value::to_string);
                let reply = guest.send(method.clone(), path, body, &headers).await;
                assert_eq!(reply.to_string(), "403 request.crossOrigin", "{method} {path}");
                reply.says("TILL_ALLOWED_ORIGINS");
            }
        }
        assert_eq!(guest.cart().await, "1 x mug");
        assert_eq!(shop.orders().await, "1 pending");
        shop.close().await;
    }

    async fn where_a_request_comes_from_is_what_the_browser_says(shop: Shop) {
        let mut shop = shop;
        let url = shop.url.clone();
        let own = url.as_str();
        for (origin, site, admitted) in [
            (None, None, true),
            (None, Some("same-origin"), true),
            (None, Some("none"), true),
            (None, Some("same-site"), false),
            (None, Some("cross-site"), false),
            (None, Some("no such word"), false),
            (Some(own), None, true),
            (Some(own), Some("same-origin"), true),
            // The browser knows the front end's origin, and a proxy in between ours.
            (Some("http://localhost:3000"), Some("same-origin"), true),
            (Some("http://localhost:3000"), Some("same-site"), false),
            (Some("http://localhost:3000"), None, false),
            (Some("null"), None, false),
            (Some("null"), Some("cross-site"), false),
            (Some(""), None, false),
            (Some("http://127.0.0.1:1"), None, false),
        ] {
            assert_eq!(admits(&shop, origin, site).await, admitted, "{origin:?} {site:?}");
        }
        let more = format!("{own}.elsewhere.example");
        assert!(!admits(&shop, Some(&more), None).await, "an origin is compared as a whole");

        shop.restart_with([("TILL_ALLOWED_ORIGINS", "https://www.shop.example")]).await;
        for (origin, site, admitted) in [
            (Some("https://www.shop.example"), Some("cross-site"), true),
            (Some("https://www.shop.example"), Some("same-site"), true),
            (Some("http://www.shop.example"), None, false),
            (Some("https://www.shop.example:8443"), None, false),
            (Some(own), None, true),
            (Some(ELSEWHERE), Some("cross-site"), false),
        ] {
            assert_eq!(admits(&shop, origin, site).await, admitted, "{origin:?} {site:?}");
        }
        shop.close().await;
    }

    async fn reading_and_stripes_events_may_come_from_anywhere(shop: Shop) {
        let guest = shop.guest_with_cart([("mug", 1)]).await;
        let headers = [("origin", ELSEWHERE), ("sec-fetch-site", "cross-site")];

        for path in ["/api/products", "/api/cart"] {
            assert_eq!(guest.send(Method::GET, path, None, &headers).await.status, 200);
        }
        let event = Some("{}".to_owned());
        let reply = guest.send(Method::POST, "/api/webhooks/stripe", event, &headers).await;
        assert_eq!(reply.to_string(), "400 request.invalid", "refused for its signature alone");
        shop.close().await;
    }

    async fn only_pages_of_allowed_origins_may_read_answers_with_the_cookie(shop: Shop) {
        let mut shop = shop;
        let ours = "https://www.shop.example";
        shop.restart_with([("TILL_ALLOWED_ORIGINS", ours)]).await;
        let guest = shop.guest_with_cart([("mug", 1)]).await;
        let asks =
            [("access-control-request-method", "PATCH"), ("access-control-request-headers", "content-type")];
        for (origin, allowed) in [(ours, Some(ours)), (ELSEWHERE, None), ("null", None)] {
            let page = ("origin", origin);
            let cart = guest.send(Method::GET, "/api/cart", None, &[page]).await;
            assert_eq!(cart.status, 200);
            let preflight = [page, asks[0], asks[1]];
            let may = guest.send(Method::OPTIONS, "/api/cart/items/1", None, &preflight).await;
            assert_eq!((may.status, may.headers.get("set-cookie")), (200, None));
            for reply in [cart, may] {
                let header = |name| reply.headers.get(name).map(|value| value.to_str().unwrap());
                assert_eq!(header("access-control-allow-origin"), allowed, "{origin}");
            }
        }
        shop.close().await;
    }

    async fn a_visitor_who_asks_too_often_is_told_when_to_come_back(shop: Shop) {
        let mut shop = shop;
        shop.restart_with([("TILL_RATE_VISITOR_PER_MINUTE", "4")]).await;
        let guest = shop.guest();
        for _ in 0..4 {
            assert_eq!(guest.get("/api/cart").await.status, 200);
        }

        let refused = guest.get("/api/cart").await;

        assert_eq!(refused.to_string(), "429 rate.limited");
        let seconds: u32 = refused.headers["retry-after"].to_str().unwrap().parse().unwrap();
        assert!((1..=60).contains(&seconds), "{seconds}");
        assert_eq!(guest.add("mug", 1).await.to_string(), "429 rate.limited");
        assert_eq!(shop.guest().get("/api/cart").await.status, 200);
        shop.close().await;
    }

    async fn an_address_that_asks_too_often_is_refused_whoever_asks_from_it(shop: Shop) {
        let mut shop = shop;
        shop.restart_with([("TILL_RATE_ADDRESS_PER_MINUTE", "3")]).await;

        // Nobody has been named as a proxy, so what the headers say is not believed.
        for (last, status) in [(1, 200), (2, 200), (3, 200), (4, 429), (5, 429)] {
            let (forwarded, common) = (format!("for=203.0.113.{last}"), format!("203.0.113.{last}"));
            let headers = [("forwarded", forwarded.as_str()), ("x-forwarded-for", &common)];
            assert_eq!(knock(&shop, &headers).await, status, "{last}");
        }
        let reply = shop.guest().get("/api/cart").await;
        assert_eq!(reply.to_string(), "429 rate.limited");
        // Stripe is not a visitor, and neither is a load balancer.
        let event = shop.guest().post("/api/webhooks/stripe", json!({})).await;
        assert_eq!(event.to_string(), "400 request.invalid");
        assert_eq!(shop.guest().get("/readyz").await.status, 200);
        shop.close().await;
    }

    async fn behind_a_trusted_proxy_each_shopper_has_her_own_allowance(shop: Shop) {
        let mut shop = shop;
        let settings =
            [("TILL_TRUSTED_PROXIES", "127.0.0.1, 10.0.0.0/8"), ("TILL_RATE_ADDRESS_PER_MINUTE", "2")];
        shop.restart_with(settings).await;
        for (name, value, statuses) in [
            ("x-forwarded-for", "203.0.113.1", [200, 200, 429]),
            ("x-forwarded-for", "203.0.113.2", [200, 200, 429]),
            // What stands further left was sent by the shopper; ours wrote only the last.
            ("x-forwarded-for", "203.0.113.3, 203.0.113.2", [429, 429, 429]),
            ("x-forwarded-for", "nonsense, 203.0.113.2", [429, 429, 429]),
            // Two proxies of ours, one behind the other.
            ("x-forwarded-for", "203.0.113.2, 10.1.2.3", [429, 429, 429]),
            ("x-forwarded-for", "203.0.113.2:51000", [429, 429, 429]),
            ("forwarded", "for=203.0.113.2;proto=https", [429, 429, 429]),
            ("forwarded", "for=203.0.113.9, For=\"203.0.113.2:51000\"", [429, 429, 429]),
            // One household has one network of 64 bits.
            ("x-forwarded-for", "2001:db8:0:1::1", [200, 200, 429]),
            ("x-forwarded-for", "2001:db8:0:1:ffff::2", [429, 429, 429]),
            ("forwarded", "for=\"[2001:db8:0:1::3]:51000\"", [429, 429, 429]),
            ("x-forwarded-for", "2001:db8:0:2::1", [200, 200, 429]),
        ] {
            for status in statuses {
                assert_eq!(knock(&shop, &[(name, value)]).await, status, "{name}: {value}");
            }
        }
        shop.close().await;
    }

    async fn a_header_that_the_proxy_only_passes_on_is_not_believed(shop: Shop) {
        let mut shop = shop;
        let settings =
            [("TILL_TRUSTED_PROXIES", "127.0.0.1"), ("TILL_RATE_ADDRESS_PER_MINUTE", "2")];
        shop.restart_with(settings).await;

        // The proxy writes one of the two; the other is the shopper's own invention. Which is
        // which cannot be seen, so all who contradict themselves share the proxy's allowance.
        for (last, status) in [(1, 200), (2, 200), (3, 429), (4, 429)] {
            let invented = format!("for=198.51.100.{last}");
            let headers = [("forwarded", invented.as_str()), ("x-forwarded-for", "203.0.113.7")];
            assert_eq!(knock(&shop, &headers).await, status, "{last}");
        }
        // Likewise where the last proxy did not write an address.
        assert_eq!(knock(&shop, &[("x-forwarded-for", "198.51.100.5, unknown")]).await, 429);
        let agreeing = [("forwarded", "for=203.0.113.8"), ("x-forwarded-for", "203.0.113.8")];
        assert_eq!(knock(&shop, &agreeing).await, 200);
        shop.close().await;
    }

    async fn a_body_that_is_too_large_is_refused(shop: Shop) {
        let guest = shop.guest_with_cart([("mug", 1)]).await;
        let line = format!("/api/cart/items/{}", guest.line("mug").await);
        for (method, path) in [
            (Method::POST, "/api/cart/items"),
            (Method::PATCH, line.as_str()),
            (Method::POST, "/api/checkout/intent"),
            (Method::POST, "/api/checkout/confirm"),
        ] {
            let largest = Some(" ".repeat(32 * 1024));
            let read = guest.send(method.clone(), path, largest, &[]).await;
            assert_eq!(read.to_string(), "400 request.invalid", "{path}");
            let larger = Some(" ".repeat(32 * 1024 + 1));
            let refused = guest.send(method, path, larger, &[]).await;
            assert_eq!(refused.to_string(), "413 request.tooLarge", "{path}");
        }
        let largest = Some(" ".repeat(1024 * 1024));
        let read = guest.send(Method::POST, "/api/webhooks/stripe", largest, &[]).await;
        assert_eq!(read.to_string(), "400 request.invalid");
        let larger = Some(" ".repeat(1024 * 1024 + 1));
        let refused = guest.send(Method::POST, "/api/webhooks/stripe", larger, &[]).await;
        assert_eq!(refused.to_string(), "413 request.tooLarge");
        assert_eq!(guest.cart().await, "1 x mug");
        shop.close().await;
    }

    async fn a_route_that_is_not_there_is_answered_like_any_error(shop: Shop) {
        let guest = shop.guest();
        let nothing = json!({
            "error": { "code": "route.notFound", "message": "There is nothing here." },
        });
        for path in ["/api", "/api/", "/api/carts", "/api/cart/", "/api/cart/items/1/2", "/nowhere"] {
            let reply = guest.get(path).await;
            assert_eq!((reply.status, &reply.body), (404, &nothing), "{path}");
            assert_eq!(reply.headers["content-type"], "application/json");
        }
        for (method, path, allowed) in [
            (Method::PUT, "/api/cart", "DELETE,GET,HEAD"),
            (Method::GET, "/api/cart/items", "POST"),
            (Method::POST, "/api/products", "GET,HEAD"),
            (Method::GET, "/api/webhooks/stripe", "POST"),
            (Method::DELETE, "/healthz", "GET,HEAD"),
        ] {
            let reply = guest.send(method, path, None, &[]).await;
            assert_eq!(reply.to_string(), "405 request.methodNotAllowed", "{path}");
            let mut names: Vec<_> = reply.headers["allow"].to_str().unwrap().split(',').collect();
            names.sort_unstable();
            assert_eq!(names.join(","), allowed, "{path}");
        }
        shop.close().await;
    }

    async fn every_answer_tells_the_browser_not_to_guess_and_not_to_frame(shop: Shop) {
        let guest = shop.guest();
        for path in ["/", "/docs", "/api/cart", "/api/products", "/api/orders", "/nowhere"] {
            let headers = guest.get(path).await.headers;
            assert_eq!(headers["x-content-type-options"], "nosniff", "{path}");
            assert_eq!(headers["x-frame-options"], "DENY", "{path}");
            assert_eq!(headers["referrer-policy"], "strict-origin-when-cross-origin", "{path}");
        }
        shop.close().await;
    }

    async fn what_belongs_to_one_visitor_is_kept_by_no_cache(shop: Shop) {
        let guest = shop.guest_with_cart([("mug", 1)]).await;
        let reply = guest.ask_intent().await;
        assert_eq!(reply.headers["cache-control"], "no-store");
        for path in ["/api/cart", "/api/orders", &format!("/api/orders/{}", reply.intent().order)] {
            assert_eq!(guest.get(path).await.headers["cache-control"], "no-store", "{path}");
        }
        shop.close().await;
    }
}

/// The cookie's name and its attributes in alphabetical order.
fn cookie(reply: &Reply) -> (String, Vec<String>) {
    let cookie = reply.headers["set-cookie"].to_str().unwrap();
    let mut parts = cookie.split("; ").map(str::to_owned);
    let name = parts.next().unwrap().split('=').next().unwrap().to_owned();
    let mut attributes: Vec<_> = parts.collect();
    attributes.sort();
    (name, attributes)
}

/// Whether a change is let in that comes with these headers.
async fn admits(shop: &Shop, origin: Option<&str>, site: Option<&str>) -> bool {
    let named = [("origin", origin), ("sec-fetch-site", site)];
    let headers: Vec<_> =
        named.into_iter().filter_map(|(name, value)| Some((name, value?))).collect();
    let reply = shop.guest().send(Method::DELETE, "/api/cart", None, &headers).await;
    assert!([200, 403].contains(&reply.status), "{reply}");
    reply.status == 200
}

/// Somebody new asks once. Returns the status.
async fn knock(shop: &Shop, headers: &[(&str, &str)]) -> u16 {
    shop.guest().send(Method::GET, "/api/products", None, headers).await.status
}
