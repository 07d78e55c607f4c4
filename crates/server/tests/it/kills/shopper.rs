//! A shopper at a shop whose server keeps dying. She does what a browser and a patient person do:
//! a connection that breaks and an answer that begins with 5 are tried again.

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    time::{Duration, Instant},
};

use http::Method;
use serde_json::{Value, json};
use simulators::stripe::Options;

use super::dice::Dice;
use crate::{guest::checkout_request, shop::Shop};

/// Longer than a server takes to come up again, and than what the dead have claimed stays theirs,
/// many times over.
const PATIENCE: Duration = Duration::from_secs(300);
/// Between two tries.
const BREATH: Duration = Duration::from_millis(40);
/// How often she looks whether her order is paid before she closes the page.
const LOOKS: usize = 10;

const GOOD: &str = "4242424242424242";
const DECLINED: &str = "4000000000000002";
/// Stripe's test account that does not pay.
const FAILING: &str = "DE62370400440532013001";

/// What she knows when she leaves.
#[derive(Debug)]
pub struct Purchase {
    pub cookie: Option<String>,
    pub order: String,
    /// Stripe told her browser that the money has moved.
    pub was_charged: bool,
    /// The shop told her that the order is paid.
    pub was_told: bool,
}

/// What all shoppers together notice.
#[derive(Debug, Default)]
pub struct Noticed {
    /// Requests to the shop that wait for an answer at this moment.
    pub under_way: AtomicUsize,
    /// Requests to the shop that were tried again.
    pub repeated: AtomicUsize,
    pub purchases: AtomicUsize,
}

pub struct Shopper<'shop> {
    shop: &'shop Shop,
    noticed: &'shop Noticed,
    dice: Dice,
    cookie: Option<String>,
}

struct Reply {
    status: u16,
    body: Value,
}

impl Reply {
    fn text(&self, name: &str) -> String {
        self.body[name].as_str().unwrap_or_default().to_owned()
    }
}

impl<'shop> Shopper<'shop> {
    pub fn new(shop: &'shop Shop, noticed: &'shop Noticed, dice: Dice) -> Self {
        Self { shop, noticed, dice, cookie: None }
    }

    /// Comes as somebody new, fills a cart, and mostly pays. `None`: there was nothing to pay for.
    pub async fn buy(&mut self) -> Option<Purchase> {
        self.cookie = None;
        let stickers = 2 + self.dice.below(4);
        self.add("sticker", stickers).await;
        if self.dice.one_in(3) {
            self.add("mug", 1).await;
        }
        let mut intent = self.intent().await?;
        if self.dice.one_in(4) {
            self.add("book", 1).await;
            intent = self.intent().await?;
        }
        let (order, secret) = intent;
        let was_charged = self.pay(&order, &secret).await;
        let was_told = was_charged && self.is_told(&order).await;
        self.noticed.purchases.fetch_add(1, Ordering::SeqCst);
        Some(Purchase { cookie: self.cookie.clone(), order, was_charged, was_told })
    }

    async fn add(&mut self, sku: &str, quantity: u64) {
        let product = self.shop.product(sku).to_string();
        let body = json!({ "productId": product, "quantity": quantity });
        self.ask(Method::POST, "/api/cart/items", Some(&body)).await;
    }

    /// Asks for an intent, now and then with a double click.
    async fn intent(&mut self) -> Option<(String, String)> {
        let path = "/api/checkout/intent";
        let form = checkout_request();
        if self.dice.one_in(4) {
            let twice = [
                self.once(Method::POST, path, Some(&form)),
                self.once(Method::POST, path, Some(&form)),
            ];
            futures::future::join_all(twice).await;
        }
        let reply = self.ask(Method::POST, path, Some(&form)).await;
        let (order, secret) = (reply.text("orderId"), reply.text("clientSecret"));
        (reply.status == 200 && !secret.is_empty()).then_some((order, secret))
    }

    /// Whether Stripe says that the money has moved.
    async fn pay(&mut self, order: &str, secret: &str) -> bool {
        match self.dice.below(10) {
            // She has thought better of it.
            0 => false,
            1 => {
                let debit = [
                    ("payment_method_data[type]", "sepa_debit"),
                    ("payment_method_data[sepa_debit][iban]", FAILING),
                    ("payment_method_data[billing_details][name]", "Ada"),
                    ("payment_method_data[billing_details][email]", "ada@example.org"),
                ];
                self.at_stripe(secret, &debit).await;
                // The shop hears that it is under way, so that its end ends the order.
                self.confirm(order).await;
                let payment = secret.split("_secret_").next().unwrap();
                self.shop.stripe.settle(payment, None);
                false
            }
            2 => {
                self.with_card(secret, DECLINED).await;
                self.with_card(secret, GOOD).await == "succeeded"
            }
            _ => self.with_card(secret, GOOD).await == "succeeded",
        }
    }

    async fn with_card(&self, secret: &str, number: &str) -> String {
        let card = [
            ("payment_method_data[type]", "card"),
            ("payment_method_data[card][number]", number),
            ("payment_method_data[card][exp_month]", "12"),
            ("payment_method_data[card][exp_year]", "2040"),
            ("payment_method_data[card][cvc]", "123"),
        ];
        self.at_stripe(secret, &card).await
    }

    async fn at_stripe(&self, secret: &str, form: &[(&str, &str)]) -> String {
        let payment = secret.split("_secret_").next().unwrap();
        let key = Options::default().publishable_key;
        let rest = [
            ("key", key.as_str()),
            ("client_secret", secret),
            ("return_url", "https://shop.example/return"),
            ("use_stripe_sdk", "true"),
        ];
        let form: Vec<_> = form.iter().copied().chain(rest).collect();
        let url = format!("{}/v1/payment_intents/{payment}/confirm", self.shop.stripe_url);
        let response = self.shop.http.post(url).form(&form).send().await.unwrap();
        let body: Value = serde_json::from_str(&response.text().await.unwrap()).unwrap();
        body["status"].as_str().unwrap_or_default().to_owned()
    }

    /// Whether the shop says in time that the order is paid.
    async fn is_told(&mut self, order: &str) -> bool {
        if self.confirm(order).await.body["status"] == "paid" {
            return true;
        }
        for _ in 0..LOOKS {
            let reply = self.ask(Method::GET, &format!("/api/orders/{order}"), None).await;
            if reply.body["status"] == "paid" {
                return true;
            }
            tokio::time::sleep(BREATH).await;
        }
        false
    }

    async fn confirm(&mut self, order: &str) -> Reply {
        let body = json!({ "orderId": order });
        self.ask(Method::POST, "/api/checkout/confirm", Some(&body)).await
    }

    async fn ask(&mut self, method: Method, path: &str, body: Option<&Value>) -> Reply {
        let end = Instant::now() + PATIENCE;
        loop {
            match self.once(method.clone(), path, body).await {
                Some((reply, cookie)) if reply.status < 500 => {
                    self.cookie = cookie.or(self.cookie.take());
                    return reply;
                }
                Some(_) | None => {}
            }
            assert!(Instant::now() < end, "{method} {path} was never answered");
            self.noticed.repeated.fetch_add(1, Ordering::SeqCst);
            tokio::time::sleep(BREATH).await;
        }
    }

    /// One try; `None` when the connection breaks. With the answer comes the cookie it sets.
    async fn once(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Option<(Reply, Option<String>)> {
        let mut request = self.shop.http.request(method, format!("{}{path}", self.shop.url));
        if let Some(body) = body {
            request = request.header("content-type", "application/json").body(body.to_string());
        }
        if let Some(cookie) = &self.cookie {
            request = request.header("cookie", cookie);
        }
        self.noticed.under_way.fetch_add(1, Ordering::SeqCst);
        let answer = async {
            let response = request.send().await.ok()?;
            let cookie = response.headers().get("set-cookie").map(|cookie| {
                cookie.to_str().unwrap().split(';').next().unwrap_or_default().to_owned()
            });
            let status = response.status().as_u16();
            let text = response.text().await.ok()?;
            let body = serde_json::from_str(&text).unwrap_or(Value::Null);
            Some((Reply { status, body }, cookie))
        };
        let answer = answer.await;
        self.noticed.under_way.fetch_sub(1, Ordering::SeqCst);
        answer
    }
}
