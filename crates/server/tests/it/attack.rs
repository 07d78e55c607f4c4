//! Ten thousand attempts of card testers, replayed against the whole server in one thread: how many
//! of them reach Stripe, and whether a shopper gets through meanwhile.
//!
//! Each attempt has another e-mail address and another stolen card, and every few a cookie that nobody
//! has seen before. Ten minutes pass while all of them are made.

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use axum::{Router, body::Body, extract::ConnectInfo};
use http::{Method, Request, header};
use jiff::Timestamp;
use serde_json::{Value, json};
use server::{
    clock::{Clock, Ids},
    serve::{Parts, Server},
    worker,
};
use simulators::stripe::{Options, Stripe};
use storage::{SqliteFile, Store, StoreError, attention};
use tower::ServiceExt;

use crate::{
    challenge::solve,
    guest::checkout_request,
    shop,
    stage::{self, START, card, config_with, confirmation, exchange},
};

const ATTEMPTS: u32 = 10_000;
/// So often a tester asks before he throws his cookie away.
const ATTEMPTS_OF_A_COOKIE: u32 = 5;
const BETWEEN: Duration = Duration::from_millis(60);
/// Stripe's events arrive a moment later: so many attempts are made meanwhile.
const EVENTS_COME_AFTER: u32 = 10;

/// Numbers of Stripe's test table that banks refuse.
const STOLEN: [&str; 8] = [
    "4000000000000002",
    "4000000000009995",
    "4000000000009987",
    "4000000000009979",
    "4000000000000069",
    "4000000000000127",
    "4000000000000119",
    "4000000000006975",
];

/// The limits that a shop has which sets none.
const DEFAULTS: [(&str, &str); 6] = [
    ("TILL_SHIELD_ORDERS", ""),
    ("TILL_SHIELD_DECLINES", ""),
    ("TILL_SHIELD_UNPAID", ""),
    ("TILL_SHIELD_BREAKER_PERCENT", ""),
    ("TILL_RATE_VISITOR_PER_MINUTE", ""),
    // The replay takes seconds, not ten minutes.
    ("TILL_RATE_ADDRESS_PER_MINUTE", "1000000"),
];

struct Stage {
    server: Server,
    stripe: Stripe,
    stickers: Value,
}

/// A browser: where it is, and its cookie.
struct Browser<'stage> {
    stage: &'stage Stage,
    address: IpAddr,
    cookie: String,
}

impl Stage {
    async fn open(changes: &[(&str, &str)]) -> Self {
        let start = Timestamp::from_second(START).unwrap();
        let stripe =
            Stripe::new(Options { seed: Some(1), start: Some(start), ..Options::default() });
        let store = Store::sqlite_inline(&SqliteFile::Memory).unwrap();
        store.migrate().await.unwrap();
        let products = shop::fill_shelves(&store, &Ids::system()).await;
        let secret = stripe.create_webhook_endpoint(stage::ENDPOINT);
        let changes: Vec<_> = DEFAULTS.iter().chain(changes).copied().collect();
        let config = config_with(&secret, &changes);
        let clock = {
            let stripe = stripe.clone();
            Clock::from_fn(move || stripe.now())
        };
        let transport = gateways::in_process::<Router, Body, Body>(stripe.router());
        let (merchant, ids) = (transport.clone(), Ids::system());
        let parts = Parts { store, transport, merchant, clock, ids, tick: BETWEEN };
        let server = Server::new(config, parts).unwrap();
        let router = server.router();
        stripe.deliver_with(Arc::new(move |request| {
            let router = router.clone();
            Box::pin(async move {
                let response = router.oneshot(request.map(Body::from)).await.unwrap();
                Ok(response.status().as_u16())
            })
        }));
        let stickers = json!({ "productId": products["sticker"].to_string(), "quantity": 2 });
        Self { server, stripe, stickers }
    }

    fn browser(&self, address: impl Into<IpAddr>) -> Browser<'_> {
        Browser { stage: self, address: address.into(), cookie: String::new() }
    }

    /// The card's page at Stripe.
    async fn pay(&self, intent: &Value, number: &str) {
        let request = confirmation(intent["clientSecret"].as_str().unwrap(), &card(number));
        exchange(self.stripe.router(), request).await.unwrap();
    }

    async fn hear(&self) {
        self.stripe.deliver_pending().await;
        while worker::run_due(self.server.native().unwrap()).await > 0 {}
    }

    /// A shopper from elsewhere buys stickers, solving what she is asked. Returns how often she had to.
    async fn shopper_buys(&self, number: u8) -> usize {
        let mut browser = self.browser([198, 51, 100, number]);
        browser.ask(Method::POST, "/api/cart/items", &self.stickers).await;
        let mut request = checkout_request();
        request["email"] = format!("ada{number}@example.org").into();
        let mut solved = 0;
        let intent = loop {
            let (status, body) = browser.ask(Method::POST, "/api/checkout/intent", &request).await;
            if status == 200 {
                break body;
            }
            assert_eq!((status, solved), (403, 0), "{body}");
            request["challenge"] = solve(&body["error"]["details"]["challenge"]);
            solved += 1;
        };
        self.pay(&intent, "4242424242424242").await;
        self.hear().await;
        let path = format!("/api/orders/{}", intent["orderId"].as_str().unwrap());
        let (_, order) = browser.ask(Method::GET, &path, &Value::Null).await;
        assert_eq!(order["status"], "paid", "{order}");
        solved
    }

    /// Everything that a tester from `address(n)` tries as the nth. Shoppers come
    /// meanwhile.
    async fn attacked(&self, address: fn(u32) -> Ipv4Addr) -> Outcome {
        let mut outcome = Outcome::default();
        let mut browser = self.browser(address(0));
        for number in 0..ATTEMPTS {
            self.stripe.advance(BETWEEN);
            browser.address = address(number).into();
            if number % ATTEMPTS_OF_A_COOKIE == 0 {
                browser.cookie.clear();
                browser.ask(Method::POST, "/api/cart/items", &self.stickers).await;
            }
            let mut request = checkout_request();
            request["email"] = format!("eve{number}@mail{number}.example").into();
            let (status, body) = browser.ask(Method::POST, "/api/checkout/intent", &request).await;
            match status {
                200 => {
                    outcome.reached += 1;
                    self.pay(&body, STOLEN[number as usize % STOLEN.len()]).await;
                }
                429 => outcome.limited += 1,
                403 => outcome.challenged += 1,
                other => panic!("{other} {body}"),
            }
            if number % EVENTS_COME_AFTER == 0 {
                self.hear().await;
            }
            if number % (ATTEMPTS / 4) == ATTEMPTS / 8 {
                let shopper = u8::try_from(number / (ATTEMPTS / 4)).unwrap();
                outcome.solved_by_shoppers += self.shopper_buys(shopper).await;
                outcome.shoppers += 1;
            }
        }
        // One shopper was there before.
        let payments = self.stripe.ledger().len();
        assert_eq!(payments, 1 + outcome.shoppers + outcome.reached, "all that Stripe knows");
        println!("{outcome:?}");
        outcome
    }

    async fn items(&self) -> Vec<String> {
        let read = self.server.backend.store.read((), |tx, ()| Box::pin(attention::open(tx, 10)));
        let items: Result<Vec<_>, StoreError> = read.await;
        items.unwrap().into_iter().map(|item| item.kind).collect()
    }
}

#[derive(Debug, Default)]
struct Outcome {
    /// Payments of the tester's that were made at Stripe.
    reached: usize,
    limited: usize,
    challenged: usize,
    /// Shoppers who came and paid meanwhile.
    shoppers: usize,
    solved_by_shoppers: usize,
}

impl Browser<'_> {
    async fn ask(&mut self, method: Method, path: &str, body: &Value) -> (u16, Value) {
        let mut request = Request::builder().method(method).uri(path);
        request = request.header(header::CONTENT_TYPE, "application/json");
        request = request.header(header::COOKIE, &self.cookie);
        let mut request = request.body(Body::from(body.to_string())).unwrap();
        request.extensions_mut().insert(ConnectInfo(SocketAddr::new(self.address, 50_000)));
        let router = self.stage.server.router();
        let (status, headers, text) = exchange(router, request).await.unwrap();
        if let Some(cookie) = headers.get(header::SET_COOKIE) {
            self.cookie = cookie.to_str().unwrap().split(';').next().unwrap().to_owned();
        }
        (status, serde_json::from_str(&text).unwrap_or(Value::Null))
    }
}

fn play<F: Future<Output = ()>>(story: F) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(story);
}

/// A tester with five addresses: the limits alone hold him.
#[test]
fn ten_thousand_attempts_from_a_few_networks_are_stopped_by_their_limits() {
    play(async {
        // A breaker that never opens while anybody pays.
        let stage = Stage::open(&[("TILL_SHIELD_BREAKER_PERCENT", "100")]).await;
        assert_eq!(stage.shopper_buys(200).await, 0);

        let outcome = stage.attacked(|number| Ipv4Addr::new(203, 0, 113, (number % 5) as u8)).await;

        // Sixty declines an hour for each, and ten more that are forgiven in these ten minutes.
        assert!(outcome.reached <= 5 * 70, "{outcome:?}");
        assert_eq!((outcome.shoppers, outcome.solved_by_shoppers), (4, 0));
        assert_eq!(stage.items().await, [""; 0]);
    });
}

/// Every attempt comes from another network: no limit knows it again, but the breaker sees the whole.
#[test]
fn ten_thousand_attempts_from_as_many_networks_are_stopped_by_the_breaker() {
    play(async {
        let stage = Stage::open(&[]).await;
        assert_eq!(stage.shopper_buys(200).await, 0);

        let outcome = stage.attacked(|number| Ipv4Addr::from(0x2d00_0000 + number * 257)).await;

        // Twenty declines open it; ten more attempts are made before they are heard of.
        assert!(outcome.reached <= 30, "{outcome:?}");
        assert_eq!((outcome.shoppers, outcome.solved_by_shoppers), (4, 4));
        assert_eq!(stage.items().await, ["card_testing"]);
    });
}
