//! How fast histories run in process: create, confirm, read again, deliver what
//! happened to a courier; the whole on one thread, without a socket.
//!
//! `cargo bench -p simulators --bench history`

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use http_body_util::BodyExt;
use simulators::stripe::{Options, Stripe};
use tower::ServiceExt;

const CREATE: &str = "amount=2000&currency=eur&automatic_payment_methods[enabled]=true&\
                      automatic_payment_methods[allow_redirects]=never&metadata[order_id]=ord_1";

async fn send(router: &Router, method: &str, path: &str, form: &str, key: &str) -> String {
    let request = http::Request::builder()
        .method(method)
        .uri(path)
        .header("authorization", "Bearer sk_test_till_0123456789abcdef")
        .header("stripe-version", "2026-10-28.endive")
        .header("content-type", "application/x-www-form-urlencoded")
        .header("idempotency-key", key)
        .body(Body::from(form.to_owned()))
        .expect("a request of constants is one");
    let response = router.clone().oneshot(request).await.expect("the router cannot fail");
    assert_eq!(response.status(), 200);
    let body = response.into_body().collect().await.expect("no fault was ordered").to_bytes();
    let object: serde_json::Value = serde_json::from_slice(&body).expect("an answer is JSON");
    object["id"].as_str().unwrap_or_default().to_owned()
}

async fn history(stripe: &Stripe, router: &Router, number: u64) {
    let id = send(router, "POST", "/v1/payment_intents", CREATE, &format!("c{number}")).await;
    let path = format!("/v1/payment_intents/{id}");
    let confirm = "payment_method=pm_card_visa&amount_to_confirm=2000";
    send(router, "POST", &format!("{path}/confirm"), confirm, &format!("p{number}")).await;
    send(router, "GET", &path, "", "").await;
    assert_eq!(stripe.deliver_pending().await, 4);
}

fn histories(criterion: &mut Criterion) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime without threads can be built");
    let start = "2026-11-21T12:00:00Z".parse().ok();
    let stripe = Stripe::new(Options { seed: Some(1), start, ..Options::default() });
    stripe.create_webhook_endpoint("http://shop.test/webhooks");
    stripe.deliver_with(Arc::new(|_| Box::pin(std::future::ready(Ok(200)))));
    let router = stripe.router();
    let mut number = 0;
    let mut group = criterion.benchmark_group("history");
    group.throughput(Throughput::Elements(1));
    group.bench_function("one paid order", |bench| {
        bench.iter(|| {
            number += 1;
            if number % 500 == 0 {
                stripe.reset();
            }
            runtime.block_on(history(&stripe, &router, number));
        });
    });
    group.finish();
}

criterion_group!(benches, histories);
criterion_main!(benches);
