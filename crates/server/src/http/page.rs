//! The page that says which shop it is and what is running, the API documentation, and the files they
//! need.

use std::sync::LazyLock;

use axum::{
    extract::{Path, State},
    response::{Html, IntoResponse, Response},
};
use domain::{catalog::Product, id::ProductId};
use gateways::elastic_path::{Caller, catalogue::ProductView};
use http::{HeaderValue, header};
use minijinja::{
    Environment, context,
    value::{Serde, Value},
};
use rust_embed::Embed;
use serde::Serialize;
use storage::{
    Dialect,
    catalog::{self, ProductQuery},
};

use super::{
    error::{ApiError, Code},
    routes::{PlatformWeb, Web},
    storefront::{Storefront, Told},
};
use crate::{
    config::{BackendConfig, Config},
    flows::FlowError,
};

#[derive(Embed)]
#[folder = "assets/"]
struct Assets;

static TEMPLATES: LazyLock<Environment<'static>> = LazyLock::new(|| {
    let mut templates = Environment::new();
    templates.set_auto_escape_callback(|_| minijinja::AutoEscape::Html);
    let file = Assets::get("templates/index.html");
    let text = file.and_then(|file| String::from_utf8(file.data.into_owned()).ok());
    // A template that does not parse is found by the story that opens the page.
    let _ = templates.add_template_owned("index.html", text.unwrap_or_default());
    templates
});

/// What the page says of the server.
#[derive(Debug)]
pub struct Facts {
    shop: String,
    at_platform: bool,
    /// Whether a storefront is wanted and this executable has none.
    lacks_storefront: bool,
    base_url: String,
    rows: Vec<Row>,
    links: Vec<Link>,
    /// Those of them that a shopper who tries the server out may want; none in a shop for real.
    trial: Vec<Link>,
}

#[derive(Debug, Serialize)]
struct Row {
    label: &'static str,
    value: String,
}

/// A page for whoever runs the server.
#[derive(Debug, Clone, Serialize)]
pub struct Link {
    href: String,
    title: &'static str,
    text: &'static str,
}

impl Link {
    fn new(href: &str, title: &'static str, text: &'static str) -> Self {
        Self { href: href.to_owned(), title, text }
    }
}

#[derive(Debug, Serialize)]
struct Card {
    id: String,
    name: String,
    description: String,
    image: Option<String>,
    price: String,
    currency: &'static str,
    /// Nothing where nobody says how many there are.
    available: Option<u32>,
}

/// Products that the page shows.
const SHOWN: u32 = 24;

impl Facts {
    /// What the configuration says that visitors may know.
    pub fn of(config: &Config, database: Dialect) -> Self {
        let row = |label, value| Row { label, value };
        let (backend, gateway, api, own_hosts, page) = match &config.backend {
            BackendConfig::Native(native) => {
                let simulator = ("", "Stripe simulator", "Payments, events and deliveries");
                ("native", "Stripe", &native.stripe.api_base, "stripe.com", simulator)
            }
            BackendConfig::ElasticPath(store) => {
                let simulator = ("_sim/ledger", "Elastic Path simulator", "Payments and orders");
                ("Elastic Path", "Elastic Path", &store.api_base, "elasticpath.com", simulator)
            }
        };
        let simulated = !api.host_str().is_some_and(|host| host.ends_with(own_hosts));
        let mut links = vec![
            Link::new("/docs", "API documentation", "Every route, field and error code"),
            Link::new("/api/openapi.json", "OpenAPI 3.1", "For generators and tests"),
            Link::new("/readyz", "Health", "Whether the server can do its work"),
            Link::new("/metrics", "Metrics", "For Prometheus"),
        ];
        let mut trial = Vec::new();
        let mut where_to = api.authority().to_owned();
        if simulated {
            let (path, title, text) = page;
            let simulator = Link::new(&format!("{api}{path}"), title, text);
            trial = vec![Link::new("/server", "About this server", ""), links[0].clone()];
            trial.push(simulator.clone());
            links.push(simulator);
            where_to = format!("simulated at {where_to}");
        }
        let rows = vec![
            row("Backend", backend.to_owned()),
            row("Database", database_name(database).to_owned()),
            row(gateway, where_to),
            row("Currency", config.prices.currency.to_string()),
        ];
        Self {
            shop: config.shop_name.clone(),
            at_platform: matches!(config.backend, BackendConfig::ElasticPath(_)),
            lacks_storefront: false,
            base_url: config.public_url.to_string(),
            rows,
            links,
            trial,
        }
    }

    /// The storefront, unless it is turned off or this executable was built without.
    pub fn storefront(&mut self, config: &Config) -> Option<Storefront> {
        if !config.storefront {
            return None;
        }
        // Without letters nobody can prove that an address is hers.
        let (stripe_js, accounts) = match &config.backend {
            BackendConfig::Native(native) => (Some(&native.stripe.js_url), native.mail.is_some()),
            BackendConfig::ElasticPath(_) => (None, false),
        };
        let Self { shop, at_platform, trial, .. } = &*self;
        let told = Told { shop, at_platform: *at_platform, accounts, links: trial };
        let storefront = Storefront::of(&told, stripe_js);
        self.lacks_storefront = storefront.is_none();
        storefront
    }
}

fn database_name(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::Sqlite => "SQLite",
        Dialect::Postgres => "PostgreSQL",
        Dialect::Mysql => "MySQL or MariaDB",
    }
}

/// The page about the server: at `/server`, and at `/` where there is no storefront.
pub async fn index(State(web): State<Web>) -> Result<Response, ApiError> {
    let query = ProductQuery { text: None, after: None::<ProductId>, limit: SHOWN };
    let products = web
        .cx
        .store
        .read(query, |tx, query| Box::pin(catalog::products(tx, query)))
        .await
        .map_err(FlowError::Store)?;
    let nonce = web.cx.ids.next().simple().to_string();
    let cards: Vec<Card> = products.into_iter().map(card).collect();
    front_page(&web.front.facts, &nonce, &cards)
}

/// The same of a shop at Elastic Path.
pub async fn platform_index(State(web): State<PlatformWeb>) -> Result<Response, ApiError> {
    let page = web.px.elastic_path.product_page(Caller::Implicit, 0, SHOWN as usize).await;
    let products = page.map_err(FlowError::from)?.products;
    let nonce = web.px.ids.next().simple().to_string();
    let cards: Vec<Card> = products.into_iter().filter_map(platform_card).collect();
    front_page(&web.front.facts, &nonce, &cards)
}

fn front_page(facts: &Facts, nonce: &str, products: &[Card]) -> Result<Response, ApiError> {
    let page = TEMPLATES.get_template("index.html").and_then(|template| {
        template.render(context! {
            nonce => nonce,
            shop => facts.shop.as_str(),
            at_platform => facts.at_platform,
            lacks_storefront => facts.lacks_storefront,
            version => env!("CARGO_PKG_VERSION"),
            base_url => facts.base_url.as_str(),
            products => Value::from(Serde(products)),
            facts => Value::from(Serde(&facts.rows)),
            links => Value::from(Serde(&facts.links)),
        })
    });
    let page = page.map_err(|error| FlowError::Broken(error.to_string()))?;
    let policy = format!(
        "default-src 'none'; img-src 'self' https: data:; style-src 'nonce-{nonce}'; \
         base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    );
    with_policy(Html(page), &policy)
}

/// The API documentation. It is served with everything it needs: no request leaves this origin.
pub async fn docs() -> Result<Response, ApiError> {
    let file = Assets::get("docs.html").ok_or(ApiError::new(Code::RouteNotFound))?;
    let page = String::from_utf8(file.data.into_owned());
    let page = page.map_err(|error| FlowError::Broken(error.to_string()))?;
    // RapiDoc writes its styles into its own shadow roots.
    let policy = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; \
                  img-src 'self' data:; connect-src 'self'; base-uri 'none'; \
                  frame-ancestors 'none'";
    with_policy(Html(page), policy)
}

/// A file of the pages.
pub async fn asset(Path(path): Path<String>) -> Result<Response, ApiError> {
    let hidden = path.starts_with("templates/");
    let file = Assets::get(&path).filter(|_| !hidden);
    let file = file.ok_or(ApiError::new(Code::RouteNotFound))?;
    let kind = match path.rsplit_once('.') {
        Some((_, "svg")) => "image/svg+xml",
        Some((_, "js")) => "text/javascript; charset=utf-8",
        Some((_, "css")) => "text/css; charset=utf-8",
        Some((_, "html")) => "text/html; charset=utf-8",
        Some(_) | None => "text/plain; charset=utf-8",
    };
    // An hour: a picture that was changed is seen the same day.
    let headers = [(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, "public, max-age=3600")];
    Ok((headers, file.data.into_owned()).into_response())
}

fn with_policy(page: impl IntoResponse, policy: &str) -> Result<Response, ApiError> {
    let mut response = page.into_response();
    let policy = HeaderValue::from_str(policy);
    let policy = policy.map_err(|error| FlowError::Broken(error.to_string()))?;
    response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, policy);
    Ok(response)
}

fn card(product: Product) -> Card {
    Card {
        id: product.id.to_string(),
        available: Some(product.available()),
        price: product.price.major(),
        currency: product.price.currency().code(),
        name: product.name,
        description: product.description,
        image: product.image,
    }
}

/// What has no price in the shop's currency cannot be bought here.
fn platform_card(product: ProductView) -> Option<Card> {
    let price = product.price?;
    Some(Card {
        id: product.id.to_string(),
        available: None,
        price: price.major(),
        currency: price.currency().code(),
        name: product.name,
        description: product.description,
        image: None,
    })
}
