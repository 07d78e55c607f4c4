//! The shop that shoppers see: an application in the browser (`web/storefront`), built with Node and
//! put into the executable where it was built before. It speaks through the API like any other front
//! end; this module hands out its page and its files, and decides nothing.

use std::borrow::Cow;

use axum::{
    extract::{Path, State},
    response::{Html, IntoResponse, Response},
};
use base64::{Engine, prelude::BASE64_STANDARD as BASE64};
use http::{HeaderMap, HeaderName, HeaderValue, header};
use minijinja::{Environment, context};
use rust_embed::Embed;
use serde::Serialize;
use sha2::{Digest, Sha256};
use url::Url;

use super::{
    error::{ApiError, Code},
    page::Link,
    routes::Front,
};

/// Where the build of `web/storefront` lies. A build for development reads it anew each time, one for
/// release takes it in; `cargo xtask release` sets the variable, so that cargo looks again.
#[derive(Embed)]
#[folder = "../../web/storefront/dist"]
#[allow_missing = true]
struct Built;
const _LOOK_AGAIN: Option<&str> = option_env!("TILL_STOREFRONT_BUILT");

/// A file of the build.
type Files = fn(&str) -> Option<Cow<'static, [u8]>>;

/// The application's own addresses.
const PAGES: [&str; 4] = ["/", "/products/{id}", "/checkout", "/orders/{id}"];
/// Those of them that are there for customers, beside them; letters lead to some.
const ACCOUNT_PAGES: [&str; 7] = [
    "/account",
    "/account/orders",
    "/account/sign-in",
    "/account/register",
    "/account/confirm",
    "/account/forgot",
    "/account/reset",
];

/// The storefront of one shop.
#[derive(Debug)]
pub struct Storefront {
    files: Files,
    page: String,
    policy: HeaderValue,
    accounts: bool,
}

/// What the page is told of the shop, so that it shows nothing that does not work.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Told<'a> {
    /// The shop's name.
    pub shop: &'a str,
    /// Whether catalogue and orders are at Elastic Path: nothing is found by text there, nobody says how
    /// many there are, and a session takes the payment.
    pub at_platform: bool,
    /// Whether shoppers can have accounts.
    pub accounts: bool,
    /// Pages for whoever tries the server out.
    pub links: &'a [Link],
}

impl Storefront {
    /// The storefront that this executable has; none where it was built without. `stripe_js` is the
    /// script that its checkout loads.
    pub fn of(told: &Told<'_>, stripe_js: Option<&Url>) -> Option<Self> {
        Self::with(|path| Built::get(path).map(|file| file.data), told, stripe_js)
    }

    fn with(files: Files, told: &Told<'_>, stripe_js: Option<&Url>) -> Option<Self> {
        let template = String::from_utf8(files("index.html")?.into_owned()).ok()?;
        let facts = serde_json::to_string(told).ok()?;
        let mut environment = Environment::new();
        environment.set_auto_escape_callback(|_| minijinja::AutoEscape::Html);
        let page =
            environment.render_str(&template, context! { shop => told.shop, facts => facts });
        let page = page.ok()?;
        let policy = HeaderValue::from_str(&policy(stripe_js, import_map(&page))).ok()?;
        Some(Self { files, page, policy, accounts: told.accounts })
    }

    /// The application's own addresses. For any other one there is nothing.
    pub fn pages(&self) -> impl Iterator<Item = &'static str> + use<> {
        let accounts: &'static [&'static str] = if self.accounts { &ACCOUNT_PAGES } else { &[] };
        PAGES.into_iter().chain(accounts.iter().copied())
    }

    fn page(&self) -> Response {
        let headers = [
            (header::CONTENT_SECURITY_POLICY, self.policy.clone()),
            // It names the files of this build.
            (header::CACHE_CONTROL, HeaderValue::from_static("no-cache")),
        ];
        (headers, Html(self.page.clone())).into_response()
    }

    /// A file that has a hash of itself in its name, in the smallest form that the browser takes.
    fn file(&self, path: &str, accepted: &HeaderMap) -> Option<Response> {
        let name = format!("shop/{path}");
        let kind = match name.rsplit_once('.')?.1 {
            "js" => "text/javascript; charset=utf-8",
            "css" => "text/css; charset=utf-8",
            "svg" => "image/svg+xml",
            "woff2" => "font/woff2",
            _ => return None,
        };
        let packed = PACKED.iter().filter(|(encoding, _)| accepts(accepted, encoding));
        let found = packed.map(|(encoding, end)| (Some(*encoding), format!("{name}.{end}")));
        let (encoding, data) = found
            .chain([(None, name.clone())])
            .find_map(|(encoding, name)| Some((encoding, (self.files)(&name)?)))?;
        let mut response = data.into_owned().into_response();
        let mut set = |name: HeaderName, value| {
            response.headers_mut().insert(name, HeaderValue::from_static(value));
        };
        set(header::CONTENT_TYPE, kind);
        set(header::CACHE_CONTROL, "public, max-age=31536000, immutable");
        set(header::VARY, "accept-encoding");
        if let Some(encoding) = encoding {
            set(header::CONTENT_ENCODING, encoding);
        }
        Some(response)
    }
}

/// How a file may be packed, the smallest first, and what its name then ends with.
const PACKED: [(&str, &str); 2] = [("br", "br"), ("gzip", "gz")];

fn accepts(headers: &HeaderMap, encoding: &str) -> bool {
    let said = headers.get(header::ACCEPT_ENCODING).and_then(|value| value.to_str().ok());
    said.into_iter().flat_map(|said| said.split(',')).any(|part| {
        let mut words = part.split(';').map(str::trim);
        // A weight of nothing is a refusal.
        words.next() == Some(encoding) && !words.any(|word| matches!(word, "q=0" | "q=0.0"))
    })
}

/// What stands in the page itself: the check sums of scripts that are loaded later.
fn import_map(page: &str) -> Option<&str> {
    let (_, rest) = page.split_once("<script type=\"importmap\">")?;
    rest.split_once("</script>").map(|(map, _)| map)
}

/// Scripts come from here and from Stripe, and from nobody else; in the page itself stands none but the
/// import map. Stripe's hosts are those of its manual
/// (docs.stripe.com/security/guide, read 2026-11-20); a simulator's is added where it is configured.
fn policy(stripe_js: Option<&Url>, import_map: Option<&str>) -> String {
    let map = import_map.map(|map| format!(" 'sha256-{}'", BASE64.encode(Sha256::digest(map))));
    let map = map.unwrap_or_default();
    let (script, frame, connect) = match stripe_js {
        None => Default::default(),
        Some(url) => {
            let own = url.host_str() != Some("js.stripe.com");
            let simulator = if own {
                format!(" {}", url.origin().ascii_serialization())
            } else {
                String::new()
            };
            let js = "https://js.stripe.com https://*.js.stripe.com";
            (
                format!(" {js}{simulator}"),
                format!("{js} https://hooks.stripe.com{simulator}"),
                format!(" https://api.stripe.com{simulator}"),
            )
        }
    };
    let frame = if frame.is_empty() { "'none'".to_owned() } else { frame };
    format!(
        "default-src 'none'; script-src 'self'{map}{script}; style-src 'self'; \
         img-src 'self' https: data:; connect-src 'self'{connect}; frame-src {frame}; \
         base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    )
}

/// The page, at each of the application's own addresses.
pub async fn page(State(front): State<Front>) -> Result<Response, ApiError> {
    let storefront = front.storefront.as_ref().ok_or(ApiError::new(Code::RouteNotFound))?;
    Ok(storefront.page())
}

/// A file of the application.
pub async fn file(
    State(front): State<Front>,
    Path(path): Path<String>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let found = front.storefront.as_ref().and_then(|storefront| storefront.file(&path, &headers));
    found.ok_or(ApiError::new(Code::RouteNotFound))
}

#[cfg(test)]
mod tests {
    use axum::body::to_bytes;
    use domain::{customer::LetterKind, id::LetterId};
    use uuid::Uuid;

    use super::*;
    use crate::customer_link::CustomerLinks;

    fn files(path: &str) -> Option<Cow<'static, [u8]>> {
        let text: &[u8] = match path {
            "index.html" => b"<title>{{ shop }}</title><meta content=\"{{ facts }}\">",
            "shop/a-1.js" => b"plain",
            "shop/a-1.js.br" => b"brotli",
            "shop/a-1.js.gz" => b"gzip",
            "shop/bare-2.css" => b"bare",
            _ => return None,
        };
        Some(text.into())
    }

    fn storefront(shop: &str, stripe_js: Option<&str>) -> Storefront {
        let told = Told { shop, at_platform: false, accounts: true, links: &[] };
        let url = stripe_js.map(|url| url.parse().unwrap());
        Storefront::with(files, &told, url.as_ref()).unwrap()
    }

    async fn got(path: &str, accepted: &'static str) -> Option<(String, HeaderMap)> {
        let headers =
            HeaderMap::from_iter([(header::ACCEPT_ENCODING, HeaderValue::from_static(accepted))]);
        let response = storefront("Shop", None).file(path, &headers)?;
        let headers = response.headers().clone();
        let body = to_bytes(response.into_body(), 1000).await.unwrap();
        Some((String::from_utf8(body.to_vec()).unwrap(), headers))
    }

    #[tokio::test]
    async fn a_file_comes_in_the_smallest_form_that_the_browser_takes_and_for_good() {
        for (accepted, body, encoding) in [
            ("gzip, deflate, br, zstd", "brotli", Some("br")),
            ("gzip;q=1.0, br;q=0", "gzip", Some("gzip")),
            ("identity", "plain", None),
            ("", "plain", None),
        ] {
            let (text, headers) = got("a-1.js", accepted).await.unwrap();
            assert_eq!(text, body, "{accepted}");
            let said = headers.get("content-encoding").map(|value| value.to_str().unwrap());
            assert_eq!(said, encoding, "{accepted}");
            assert_eq!(headers["cache-control"], "public, max-age=31536000, immutable");
            assert_eq!(headers["content-type"], "text/javascript; charset=utf-8");
            assert_eq!(headers["vary"], "accept-encoding");
        }
        assert_eq!(got("bare-2.css", "br").await.unwrap().0, "bare");
        for missing in ["b.js", "a-1.js.br", "../index.html", "index.html", ""] {
            assert!(got(missing, "br").await.is_none(), "{missing}");
        }
    }

    #[tokio::test]
    async fn the_page_is_told_of_the_shop_and_no_name_breaks_out_of_it() {
        let response = storefront("A \"good\" </title> shop", None).page();
        assert_eq!(response.headers()["cache-control"], "no-cache");
        let body = to_bytes(response.into_body(), 1000).await.unwrap();
        let text = String::from_utf8(body.to_vec()).unwrap();
        assert!(!text.contains("</title> shop") && text.matches('"').count() == 2, "{text}");
        assert!(text.contains("atPlatform"), "{text}");
    }

    #[test]
    fn scripts_come_from_the_shop_and_from_stripe_and_from_nobody_else() {
        let policy = |stripe_js: Option<&str>| {
            policy(stripe_js.map(|url| url.parse().unwrap()).as_ref(), None)
        };
        let real = policy(Some("https://js.stripe.com/endive/stripe.js"));
        for rule in [
            "default-src 'none'",
            "script-src 'self' https://js.stripe.com https://*.js.stripe.com;",
            "connect-src 'self' https://api.stripe.com;",
            "frame-src https://js.stripe.com https://*.js.stripe.com https://hooks.stripe.com;",
        ] {
            assert!(real.contains(rule), "{real}");
        }
        assert!(!real.contains("unsafe") && !real.contains("http://"), "{real}");
        let simulated = policy(Some("http://127.0.0.1:12111/stripe.js"));
        assert_eq!(simulated.matches(" http://127.0.0.1:12111;").count(), 3, "{simulated}");
        let none = policy(None);
        assert!(none.contains("script-src 'self';") && !none.contains("stripe.com"), "{none}");
    }

    #[test]
    fn of_what_stands_in_the_page_only_its_own_import_map_is_heard() {
        let page = "<script type=\"importmap\">{}</script><script src=\"/shop/a.js\"></script>";
        let policy = policy(None, import_map(page));
        let hash = "'sha256-RBNvo1WzZ4oRRq0W9+hknpT7T8If536DEMBg9hyq/4o='";
        assert!(policy.contains(&format!("script-src 'self' {hash};")), "{policy}");
    }

    #[test]
    fn the_links_in_letters_to_customers_lead_to_pages_that_are_there() {
        let links = CustomerLinks::new("secret", "https://shop.example/".parse().unwrap());
        for kind in LetterKind::ALL {
            let url: Url = links.url(kind, LetterId(Uuid::nil())).parse().unwrap();
            let mut pages = storefront("Shop", None).pages();
            assert!(pages.any(|page| page == url.path()), "{url}");
        }
        let told = Told { shop: "Shop", at_platform: true, accounts: false, links: &[] };
        let without = Storefront::with(files, &told, None).unwrap();
        assert!(without.pages().all(|page| !page.starts_with("/account")));
    }

    #[test]
    fn an_executable_that_was_built_without_it_has_no_storefront() {
        let told = Told { shop: "Shop", at_platform: false, accounts: true, links: &[] };
        assert!(Storefront::with(|_| None, &told, None).is_none());
    }
}
