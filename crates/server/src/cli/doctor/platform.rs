//! Elastic Path: whether the store answers, and lets us in.

use std::sync::Arc;

use gateways::elastic_path::{self, Caller, ElasticPath, EpError};

use super::Line;
use crate::{clock::Clock, config::ElasticPathConfig};

pub(super) async fn examine(
    store: &ElasticPathConfig,
    transport: gateways::Transport,
) -> Vec<Line> {
    let config = elastic_path::Config {
        client_id: store.client_id.clone(),
        client_secret: store.client_secret.clone(),
        api_base: store.api_base.clone(),
        retry: elastic_path::RetryLimits::default(),
        calls_per_second: store.calls_per_second,
        jitter_seed: 0,
    };
    let clock = Clock::system();
    let ep = ElasticPath::new(config, transport, Arc::new(move || clock.now()));
    let shown = match ep.product_page(Caller::Implicit, 0, 1).await {
        Ok(page) => {
            let count = page.total.unwrap_or(page.products.len() as u64);
            Line::ok("elastic path", format!("shoppers see {count} products"))
        }
        Err(error) => broken("elastic path", &error, "EP_CLIENT_ID"),
    };
    let paid = match ep.admin() {
        None => Line::warning(
            "payments",
            "EP_CLIENT_SECRET is not set, so nothing can be paid",
            "Copy the client secret from Commerce Manager (Application Keys).",
        ),
        Some(admin) => match ep.product_page(Caller::Admin(&admin), 0, 1).await {
            Ok(_) => Line::ok("payments", "the client secret opens the store"),
            Err(error) => broken("payments", &error, "EP_CLIENT_SECRET"),
        },
    };
    vec![shown, paid]
}

fn broken(check: &'static str, error: &EpError, setting: &str) -> Line {
    match error.refusal() {
        Some(no) => Line::wrong(
            check,
            no.to_string(),
            format!("Compare {setting} and the region in EP_API_BASE_URL with Commerce Manager."),
        ),
        None => Line::wrong(
            check,
            super::super::told(error),
            "Check this machine's way to the internet, EP_API_BASE_URL and the keys.",
        ),
    }
}
