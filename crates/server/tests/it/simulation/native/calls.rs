//! What shoppers ask for: a call becomes an errand, and its answer is learnt.

use axum::{Router, body::Body};
use http::Request;
use jiff::Timestamp;
use serde_json::{Value, json};
use server::{
    cli::{
        orders::{self, give_back},
        reconcile::{self, reconcile},
    },
    context::{Backend, Cx},
    flows::poll_events::poll_events,
};
use simulators::stripe::{LedgerEntry, Options, RefundOrder};

use super::{
    Intent, Native,
    books::order_of,
    plan::{Call, Means},
};
use crate::{
    guest,
    shop::SHELVES,
    simulation::{
        browser::{Ask, address},
        node::Door,
        street::{self, Errand, Reply, nothing, said},
    },
    stage,
};

/// Where goods are sent.
const PLACES: [(&str, &str); 4] =
    [("DE", "10115"), ("AT", "1010"), ("CH", "8001"), ("DE", "10117")];

impl Native {
    /// The errand of a call; some have nothing to go for.
    pub fn errand(&mut self, call: &Call, place: usize, patience: Option<u32>) -> Errand {
        match call {
            Call::Deliver => {
                let stripe = self.stripe.clone();
                Box::pin(async move { said(&stripe.deliver_pending().await) })
            }
            Call::DeliverAgain => {
                let stripe = self.stripe.clone();
                Box::pin(async move { said(&stripe.repeat_all_reversed().await.len()) })
            }
            Call::Work { node } => street::work(self.town.door(*node)),
            Call::Overtake { node, after } => {
                let stripe = self.stripe.clone();
                let (door, ground) = (self.town.door(*node), &self.town.ground);
                street::overtake(door, ground, *after, move |time| stripe.advance(time))
            }
            Call::Poll { node } => desk(self.town.door(*node), |cx| async move {
                let polled = poll_events(&cx).await;
                polled.map_or_else(|error| error.to_string(), |new| format!("{new:?}"))
            }),
            Call::GiveBack { .. }
            | Call::GiveBackThere { .. }
            | Call::CancelHere { .. }
            | Call::Reconcile { .. } => self.at_the_desk(call),
            Call::Pay { shopper, payment, means } => match self.intent(*shopper, *payment) {
                Some(intent) if !intent.secret.is_empty() => {
                    let request = stage::confirmation(&intent.secret, &means.form());
                    at_stripe(self.town.ground.gateway.clone(), request)
                }
                Some(_) | None => nothing(),
            },
            Call::Challenge { shopper, payment, passed } => {
                let intent = self.intent(*shopper, *payment);
                let reference = intent.map(|intent| stage::payment_of(&intent.secret).to_owned());
                self.prove(reference, *passed)
            }
            Call::Prove { payment, passed } => {
                let waits = self.at_stripe(*payment, |entry| entry.status == "requires_action");
                self.prove(waits.map(|entry| entry.id), *passed)
            }
            Call::Session { shopper, tab, ask } => {
                let token = self.token_for(*shopper, ask);
                let browser = &mut self.shoppers[*shopper].browser;
                let asks =
                    browser.asks(*tab, ask, |place| address(PLACES[place]), token.as_deref());
                street::shop(self.town.door(place), asks, patience)
            }
            Call::Add { .. }
            | Call::Change { .. }
            | Call::Empty { .. }
            | Call::Cart { .. }
            | Call::Intent { .. }
            | Call::Confirm { .. }
            | Call::Order { .. }
            | Call::Cancel { .. } => {
                let requests = self.shop_request(call).into_iter().collect();
                street::shop(self.town.door(place), requests, patience)
            }
        }
    }

    /// What the operator does, here by her commands and at Stripe in its dashboard.
    fn at_the_desk(&mut self, call: &Call) -> Errand {
        let has_paid = |entry: &LedgerEntry| entry.status == "succeeded";
        match call {
            Call::GiveBack { node, payment, cents } => {
                let Some(order) = self.order_at_stripe(*payment, has_paid) else {
                    return nothing();
                };
                self.wanted_back.insert(order.clone());
                let amount = cents.map(|cents| format!("{}.{:02}", cents / 100, cents % 100));
                desk(self.town.door(*node), |cx| async move {
                    let asked = orders::Asked { order, amount, reason: None };
                    let done = give_back(&cx, asked, Vec::new()).await;
                    done.map_or_else(|error| error.to_string(), |()| "given back".to_owned())
                })
            }
            Call::GiveBackThere { payment, cents, after } => {
                let Some(entry) = self.at_stripe(*payment, has_paid) else { return nothing() };
                self.wanted_back.extend(order_of(&entry).map(|order| order.to_string()));
                let (stripe, after) = (self.stripe.clone(), *after);
                let order = RefundOrder { amount: *cents, ..RefundOrder::default() };
                Box::pin(async move {
                    for _ in 0..after {
                        tokio::task::yield_now().await;
                    }
                    said(&format!("{:?}", stripe.refund(&entry.id, order)))
                })
            }
            Call::CancelHere { node, payment } => {
                let Some(order) = self.order_at_stripe(*payment, |_| true) else {
                    return nothing();
                };
                desk(self.town.door(*node), |cx| async move {
                    let done = orders::cancel(&cx, &order, None, Vec::new()).await;
                    done.map_or_else(|error| error.to_string(), |()| "cancelled".to_owned())
                })
            }
            Call::Reconcile { node } => {
                let since = Some(Timestamp::from_second(stage::START).unwrap().to_string());
                desk(self.town.door(*node), |cx| async move {
                    let asked = reconcile::Asked {
                        since,
                        until: None,
                        json: false,
                        dry_run: false,
                        all: false,
                    };
                    let mut out = Vec::new();
                    let done = reconcile(&cx, asked, &mut out, std::io::sink()).await;
                    format!("{done:?} {}", String::from_utf8_lossy(&out))
                })
            }
            _ => nothing(),
        }
    }

    /// The order of a payment at Stripe, counted from the newest of those that fit.
    fn order_at_stripe(
        &self,
        payment: usize,
        fits: impl Fn(&LedgerEntry) -> bool,
    ) -> Option<String> {
        order_of(&self.at_stripe(payment, fits)?).map(|order| order.to_string())
    }

    fn prove(&self, reference: Option<String>, passed: bool) -> Errand {
        if let Some(reference) = reference {
            let done = self.stripe.authenticate(&reference, passed);
            self.town.ground.trace.say(|| format!("  challenge {reference}: {done}"));
        }
        nothing()
    }

    /// What her browser makes of a card before it pays with it.
    fn token_for(&mut self, shopper: usize, ask: &Ask<Means>) -> Option<String> {
        let Ask::Pay(means) = ask else { return None };
        let key = Options::default().publishable_key;
        let request = Request::post("/v1/confirmation_tokens")
            .header(http::header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(Body::from(format!("key={key}&{}", means.form())))
            .unwrap();
        let asked = stage::exchange(self.town.ground.gateway.clone(), request);
        let (_, _, text) = self.town.street.block_on(asked)?;
        let token: Value = serde_json::from_str(&text).ok()?;
        let token = token["id"].as_str()?.to_owned();
        self.shoppers[shopper].browser.tokens.push(token.clone());
        Some(token)
    }

    fn shop_request(&self, call: &Call) -> Option<Request<Body>> {
        Some(match call {
            Call::Add { shopper, sku, quantity } => {
                let product = self.products[SHELVES[*sku].0].to_string();
                let body = json!({ "productId": product, "quantity": quantity });
                self.request(*shopper, "POST", "/api/cart/items", Some(&body))
            }
            Call::Change { shopper, line, quantity: 0 } => {
                let line = self.shoppers[*shopper].lines.get(*line)?;
                self.request(*shopper, "DELETE", &format!("/api/cart/items/{line}"), None)
            }
            Call::Change { shopper, line, quantity } => {
                let line = self.shoppers[*shopper].lines.get(*line)?;
                let body = json!({ "quantity": quantity });
                self.request(*shopper, "PATCH", &format!("/api/cart/items/{line}"), Some(&body))
            }
            Call::Empty { shopper } => self.request(*shopper, "DELETE", "/api/cart", None),
            Call::Cart { shopper } => self.request(*shopper, "GET", "/api/cart", None),
            Call::Intent { shopper, form } => {
                let mut body = guest::checkout_request();
                let (country, postcode) = PLACES[*form];
                body["shippingAddress"]["country"] = json!(country);
                body["shippingAddress"]["postalCode"] = json!(postcode);
                self.request(*shopper, "POST", "/api/checkout/intent", Some(&body))
            }
            Call::Confirm { shopper, payment } => {
                let order = self.intent(*shopper, *payment)?.order.as_ref()?;
                let body = json!({ "orderId": order });
                self.request(*shopper, "POST", "/api/checkout/confirm", Some(&body))
            }
            Call::Order { shopper, payment } => {
                let order = self.intent(*shopper, *payment)?.order.as_ref()?;
                self.request(*shopper, "GET", &format!("/api/orders/{order}"), None)
            }
            Call::Cancel { shopper, payment } => {
                let order = self.intent(*shopper, *payment)?.order.as_ref()?;
                self.request(*shopper, "POST", &format!("/api/orders/{order}/cancel"), None)
            }
            _ => return None,
        })
    }

    fn request(
        &self,
        shopper: usize,
        method: &str,
        path: &str,
        body: Option<&Value>,
    ) -> Request<Body> {
        self.shoppers[shopper].browser.request(method, path, body)
    }

    /// A shopper's payment, counted from the newest.
    fn intent(&self, shopper: usize, payment: usize) -> Option<&Intent> {
        self.shoppers[shopper].intents.iter().rev().nth(payment)
    }

    /// What a client learns from an answer.
    pub fn take_in(&mut self, call: &Call, reply: Option<Reply>) -> Result<(), String> {
        let Some(reply) = reply else {
            if let Call::Session { shopper, .. } = call {
                self.shoppers[*shopper].browser.miss();
            }
            return Ok(());
        };
        if reply.status == 500 && !matches!(call, Call::Pay { .. }) {
            return Err(format!("the server answered 500 to {call:?}: {}", reply.text));
        }
        match call {
            Call::Session { shopper, tab: _, ask } => self.keep_session(*shopper, ask, &reply),
            Call::Intent { shopper, .. } => {
                self.shoppers[*shopper].browser.keep_cookies(&reply);
                if reply.status != 200 {
                    return Ok(());
                }
                self.keep_intent(*shopper, &reply.text)
            }
            Call::Add { shopper, .. }
            | Call::Change { shopper, .. }
            | Call::Empty { shopper }
            | Call::Cart { shopper } => {
                let shopper = &mut self.shoppers[*shopper];
                shopper.browser.keep_cookies(&reply);
                if reply.status != 200 {
                    return Ok(());
                }
                let body: Value = serde_json::from_str(&reply.text).map_err(|e| e.to_string())?;
                let lines = body["items"].as_array().into_iter().flatten();
                shopper.lines =
                    lines.filter_map(|line| Some(line["id"].as_str()?.to_owned())).collect();
                Ok(())
            }
            Call::Pay { .. }
            | Call::Challenge { .. }
            | Call::Confirm { .. }
            | Call::Order { .. }
            | Call::Prove { .. }
            | Call::Deliver
            | Call::DeliverAgain
            | Call::Work { .. }
            | Call::Overtake { .. }
            | Call::Poll { .. }
            | Call::Cancel { .. }
            | Call::GiveBack { .. }
            | Call::GiveBackThere { .. }
            | Call::CancelHere { .. }
            | Call::Reconcile { .. } => Ok(()),
        }
    }

    /// The amount that she is shown is the amount that Stripe would charge.
    fn keep_intent(&mut self, shopper: usize, text: &str) -> Result<(), String> {
        let body: Value = serde_json::from_str(text).map_err(|error| error.to_string())?;
        let order = body["orderId"].as_str().unwrap_or_default().to_owned();
        let secret = body["clientSecret"].as_str().unwrap_or_default().to_owned();
        if !secret.is_empty() {
            let reference = stage::payment_of(&secret);
            let entry = self.at_stripe(0, |entry| entry.id == reference);
            let cents = entry.map_or(0, |entry| entry.amount);
            if !text.contains(&format!("\"amount\":{}.{:02}", cents / 100, cents % 100)) {
                return Err(format!("{reference} is {cents} at Stripe, and she was shown {text}"));
            }
            self.handed_out.insert(reference.to_owned());
        }
        let intents = &mut self.shoppers[shopper].intents;
        let is_known = intents.iter().rev().find_map(|intent| intent.order.as_ref());
        if is_known != Some(&order) {
            intents.push(Intent { order: Some(order), secret });
        }
        Ok(())
    }
}

fn at_stripe(stripe: Router, request: Request<Body>) -> Errand {
    Box::pin(async move {
        let (status, _, text) = stage::exchange(stripe, request).await?;
        Some(Reply { status, cookies: Vec::new(), text })
    })
}

/// A command that works with what the node works with.
fn desk<F>(door: Door, command: impl FnOnce(Cx) -> F + Send + 'static) -> Errand
where
    F: Future<Output = String> + Send + 'static,
{
    Box::pin(async move {
        let Backend::Native(cx) = door.backend else { return None };
        let done = door.machine.spawn(command(cx)).await.ok()?;
        said(&done)
    })
}

impl Means {
    fn form(self) -> String {
        let debit = |iban: &str| {
            format!(
                "payment_method_data[type]=sepa_debit&payment_method_data[sepa_debit][iban]={iban}\
                 &payment_method_data[billing_details][name]=Ada\
                 &payment_method_data[billing_details][email]=ada@example.org"
            )
        };
        match self {
            Self::Good => stage::card("4242424242424242"),
            Self::Declined => stage::card("4000000000000002"),
            Self::NoFunds => stage::card("4000000000009995"),
            Self::ThreeDSecure => stage::card("4000000000003220"),
            Self::Debit => debit("DE89370400440532013000"),
            Self::DebitThatFails => debit("DE62370400440532013001"),
        }
    }
}
