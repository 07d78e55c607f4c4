//! Simulators in the vendors' place, at addresses of their own, as anybody could start them.

use axum::{Json, Router, routing::post};
use serde_json::{Value, json};
use simulators::{
    elastic_path::{self, Course, ElasticPath, sample_catalogue},
    stripe::{self, Stripe},
};
use tokio::{net::TcpListener, task::JoinSet};

use super::{
    EP_BASE, EP_CLIENT_ID, EP_CLIENT_SECRET, GATEWAY_BASE, GATEWAY_KEY, STRIPE_BASE, STRIPE_KEY,
    Vendors,
};

pub struct Simulators {
    pub vendors: Vendors,
    stripe: Stripe,
    elastic_path: ElasticPath,
    _serving: JoinSet<()>,
}

pub async fn open() -> Simulators {
    let mut serving = JoinSet::new();
    let (stripe_keys, ep_keys) = (stripe::Options::default(), elastic_path::Options::default());
    let stripe = Stripe::new(stripe_keys.clone());
    let elastic_path = ElasticPath::new(ep_keys.clone());
    sample_catalogue(&elastic_path);
    let (listener, stripe_url) = listen().await;
    let server = stripe.clone();
    serving.spawn(async move { server.serve(listener).await.unwrap() });
    let (listener, ep_url) = listen().await;
    let server = elastic_path.clone();
    serving.spawn(async move { server.serve(listener).await.unwrap() });
    let (listener, gateway_url) = listen().await;
    let helper = connected_account(elastic_path.clone());
    serving.spawn(async move { axum::serve(listener, helper).await.unwrap() });
    let vendors = Vendors::default()
        .with(STRIPE_KEY, stripe_keys.secret_key)
        .with(STRIPE_BASE, stripe_url)
        .with(EP_CLIENT_ID, ep_keys.client_id)
        .with(EP_CLIENT_SECRET, ep_keys.client_secret)
        .with(EP_BASE, ep_url)
        .with(GATEWAY_KEY, "sk_test_of_the_connected_account")
        .with(GATEWAY_BASE, gateway_url);
    Simulators { vendors, stripe, elastic_path, _serving: serving }
}

/// The Stripe account that is connected to the store lives inside the simulated Elastic Path; this is
/// its helper for tests.
fn connected_account(elastic_path: ElasticPath) -> Router {
    let make = move || async move {
        let token = elastic_path.confirmation_token(Course::Ok);
        Json::<Value>(json!({ "id": token, "object": "confirmation_token" }))
    };
    Router::new().route("/v1/test_helpers/confirmation_tokens", post(make))
}

async fn listen() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    (listener, url)
}

impl Simulators {
    /// Two payments at Stripe, one at Elastic Path, each charged once.
    pub fn compare(&self) {
        let charges: Vec<usize> =
            self.stripe.ledger().iter().map(|entry| entry.charges_succeeded).collect();
        assert_eq!(charges, [1, 1]);
        let books = self.elastic_path.ledger();
        let counts = [books.payments.len(), books.orders.len(), books.transactions.len()];
        assert_eq!(counts, [1, 1, 1]);
        assert_eq!(self.elastic_path.breaches(&[]), Vec::<String>::new());
    }
}
