//! What shoppers, banks and other programs do: a call becomes an errand, and its answer is learnt.

use std::time::Duration;

use axum::{Router, body::Body};
use http::{
    Method, Request,
    header::{AUTHORIZATION, CONTENT_TYPE},
};
use serde_json::{Value, json};
use simulators::elastic_path::{
    ErrorShape, Fault, FaultKind, LedgerPayment, MAGIC_TOKENS, Options,
};

use super::{
    GIFT, Platform, Shopper,
    plan::{Call, Course, Deed, Place, Trouble},
};
use crate::{
    platform::{EBOOK, KETTLE, PAN},
    simulation::{
        browser::{Ask, Told, address},
        street::{self, Errand, Reply, nothing},
    },
    stage,
};

/// What is sold. The last costs nothing.
const PRODUCTS: [&str; 4] = [PAN, KETTLE, EBOOK, GIFT];
/// Where goods are sent.
const PLACES: [(&str, &str); 2] = [("US", "62701"), ("DE", "10115")];

impl Platform {
    /// The errand of a call; some have nothing to go for.
    pub fn errand(&mut self, call: &Call, place: usize, patience: Option<u32>) -> Errand {
        let door = self.town.door(place);
        let requests = match call {
            Call::Work { node } => return street::work(self.town.door(*node)),
            Call::Overtake { node, after } => {
                let ep = self.ep.clone();
                let (door, ground) = (self.town.door(*node), &self.town.ground);
                return street::overtake(door, ground, *after, move |time| ep.advance(time));
            }
            Call::Prove { payment, passed } => {
                let waits = self.payment(*payment, |one| one.status == "requires_action");
                if let Some(waits) = waits {
                    let done = self.ep.authenticate(&waits.id, *passed);
                    self.town.ground.trace.say(|| format!("  challenge {}: {done}", waits.id));
                }
                return nothing();
            }
            Call::SignIn { shopper, account } => {
                let account = self.accounts[*account].clone();
                let Shopper { browser, accounts, .. } = &mut self.shoppers[*shopper];
                browser.account = self.ep.log_in(&account);
                accounts.insert(account);
                return nothing();
            }
            Call::SignOut { shopper } => {
                self.shoppers[*shopper].browser.account = None;
                return nothing();
            }
            Call::AddThere { shopper, product } => {
                let item = json!({ "type": "cart_item", "id": PRODUCTS[*product], "quantity": 1 });
                return self.there(*shopper, "items", &item);
            }
            Call::PayThere { shopper, course } => {
                let options = json!({
                    "confirm": true,
                    "automatic_payment_methods": { "enabled": true, "allow_redirects": "never" },
                    "confirmation_token": self.token(*course),
                    "metadata": { "attempt": format!("elsewhere {}", self.tokens) },
                });
                let gateway = "elastic_path_payments_stripe";
                let body = json!({ "gateway": gateway, "method": "purchase", "options": options });
                return self.there(*shopper, "payments", &body);
            }
            Call::Session { shopper, tab, ask } => {
                let token = match ask {
                    Ask::Pay(course) => Some(self.token(*course)),
                    _ => None,
                };
                let browser = &mut self.shoppers[*shopper].browser;
                browser.tokens.extend(token.clone());
                browser.asks(*tab, ask, |place| address(PLACES[place]), token.as_deref())
            }
            Call::Add { shopper, product, quantity } => {
                let body = json!({ "productId": PRODUCTS[*product], "quantity": quantity });
                let browser = &self.shoppers[*shopper].browser;
                vec![browser.request("POST", "/api/cart/items", Some(&body))]
            }
            Call::Empty { shopper } => {
                self.emptied.insert(*shopper);
                vec![self.shoppers[*shopper].browser.request("DELETE", "/api/cart", None)]
            }
            Call::Cart { shopper } => {
                vec![self.shoppers[*shopper].browser.request("GET", "/api/cart", None)]
            }
        };
        street::shop(door, requests, patience)
    }

    /// A token that nobody has to make.
    fn token(&mut self, course: Course) -> String {
        self.tokens += 1;
        let word = MAGIC_TOKENS.iter().find(|(_, of)| *of == course).unwrap().0;
        format!("{word}_{}", self.tokens)
    }

    /// Another program asks the platform for something in a shopper's cart.
    fn there(&self, shopper: usize, what: &str, body: &Value) -> Errand {
        let Some(cart) = &self.shoppers[shopper].cart else { return nothing() };
        let body = json!({ "data": body }).to_string();
        let request = Request::post(format!("/v2/carts/{cart}/{what}"))
            .header(CONTENT_TYPE, "application/json")
            .body(Body::from(body))
            .unwrap();
        Box::pin(ask_platform(self.town.ground.gateway.clone(), request))
    }

    /// A payment at the platform, counted from the newest of those that fit.
    fn payment(
        &self,
        payment: usize,
        fits: impl Fn(&LedgerPayment) -> bool,
    ) -> Option<LedgerPayment> {
        self.ep.ledger().payments.into_iter().rev().filter(|one| fits(one)).nth(payment)
    }

    /// What a client learns from an answer.
    pub fn take_in(&mut self, call: &Call, reply: Option<Reply>) -> Result<(), String> {
        let Some(reply) = reply else {
            if let Call::Session { shopper, .. } = call {
                self.shoppers[*shopper].browser.miss();
            }
            return Ok(());
        };
        match call {
            Call::Session { shopper, ask, .. } => {
                self.never_500(call, &reply)?;
                self.keep_session(*shopper, ask, &reply)
            }
            Call::Add { shopper, .. } | Call::Empty { shopper } | Call::Cart { shopper } => {
                self.never_500(call, &reply)?;
                let shopper = &mut self.shoppers[*shopper];
                shopper.browser.keep_cookies(&reply);
                let body: Value = serde_json::from_str(&reply.text).unwrap_or_default();
                let id = body["id"].as_str().filter(|id| reply.status == 200 && !id.is_empty());
                if let Some(id) = id {
                    shopper.cart = Some(id.to_owned());
                    self.carts.insert(id.to_owned());
                }
                Ok(())
            }
            Call::Work { .. } | Call::Overtake { .. } => {
                self.memory.worked(self.town.now());
                Ok(())
            }
            Call::AddThere { .. }
            | Call::PayThere { .. }
            | Call::Prove { .. }
            | Call::SignIn { .. }
            | Call::SignOut { .. } => Ok(()),
        }
    }

    fn never_500(&self, call: &Call, reply: &Reply) -> Result<(), String> {
        match reply.status {
            500 => Err(format!("the server answered 500 to {call:?}: {}", reply.text)),
            _ => Ok(()),
        }
    }

    /// Whoever pays beside another is told of the same order, and what is charged for a session is
    /// what its page has shown.
    fn keep_session(
        &mut self,
        shopper: usize,
        ask: &Ask<Course>,
        reply: &Reply,
    ) -> Result<(), String> {
        let Shopper { browser, cart, .. } = &mut self.shoppers[shopper];
        let seen = Told::of(&reply.text).and_then(|told| {
            let tab = browser.tab_of(&told.id)?;
            Some((tab.total?, tab.order.is_some()))
        });
        let Some(told) = browser.learn(reply) else { return Ok(()) };
        self.carts.insert(told.cart.clone());
        if let Ask::Open = ask {
            // The cart that is hers now; an older session may be on an older one.
            *cart = Some(told.cart.clone());
        }
        let is_payment = matches!(ask, Ask::Pay(_) | Ask::PayAgain(_));
        let (true, Some(order), Some((total, false))) = (is_payment, told.order, seen) else {
            return Ok(());
        };
        let is_new = !self.memory.knows_order(&order);
        let there = self.ep.ledger().orders.into_iter().find(|one| one.id == order);
        if let Some(there) = there.filter(|one| is_new && one.total != total)
            && self.calls == 1
        {
            return Err(format!("{order} costs {} and its page showed {total}", there.total));
        }
        if !is_new {
            return Ok(());
        }
        match self.bought.insert(told.cart, order.clone()) {
            Some(first) if first != order => {
                Err(format!("two clicks at once were told of {first} and of {order}"))
            }
            Some(_) | None => Ok(()),
        }
    }

    /// What happens without a request to the shop.
    pub fn arrange(&mut self, deed: &Deed) {
        match deed {
            Deed::Settle { payment, paid } => {
                if let Some(one) = self.payment(*payment, |one| one.status == "processing") {
                    self.ep.settle(&one.id, *paid);
                }
            }
            Deed::Stock { product, pieces } => {
                self.ep.set_stock(PRODUCTS[*product], Some(*pieces));
            }
            Deed::Price { product, cents } => {
                self.ep.set_price(PRODUCTS[*product], "USD", *cents);
            }
            Deed::ForgetTokens => self.ep.expire_tokens(),
            Deed::Fault(place, trouble, times) => {
                self.ep.inject(fault(*place, *trouble).times(*times));
            }
            Deed::Mend => self.ep.clear_faults(),
        }
    }
}

/// A request of another program's, with a token of its own.
async fn ask_platform(platform: Router, mut request: Request<Body>) -> Option<Reply> {
    let Options { client_id, client_secret, .. } = Options::default();
    let form = format!(
        "grant_type=client_credentials&client_id={client_id}&client_secret={client_secret}"
    );
    let mint = Request::post("/oauth/access_token")
        .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body(Body::from(form))
        .unwrap();
    let (_, _, minted) = stage::exchange(platform.clone(), mint).await?;
    let minted: Value = serde_json::from_str(&minted).ok()?;
    let token = format!("Bearer {}", minted["access_token"].as_str()?);
    request.headers_mut().insert(AUTHORIZATION, token.parse().ok()?);
    let (status, _, text) = stage::exchange(platform, request).await?;
    Some(Reply { status, cookies: Vec::new(), text })
}

fn fault(place: Place, trouble: Trouble) -> Fault {
    let (method, path) = match place {
        Place::Any => (None, "/"),
        Place::Token => (None, "/oauth/access_token"),
        Place::ReadCart => (Some(Method::GET), "/v2/carts/{}"),
        Place::Items => (None, "/v2/carts/{}/items"),
        Place::ReadAccount => (None, "/v2/account-members/tokens"),
        Place::Associate => (None, "/v2/carts/{}/relationships/accounts"),
        Place::Charge => (Some(Method::POST), "/v2/carts/{}/payments"),
        Place::AskPayment => (Some(Method::PUT), "/v2/carts/{}/payments/{}"),
        Place::Detach => (Some(Method::PUT), "/v2/carts/{}"),
        Place::Delete => (Some(Method::DELETE), "/v2/carts/{}"),
        Place::CheckOut => (None, "/v2/carts/{}/checkout"),
        Place::Confirm => (Some(Method::POST), "/v2/orders/{}/confirm"),
        Place::Orders => (None, "/v2/orders"),
        Place::Order => (None, "/v2/orders/{}"),
        Place::Transactions => (Some(Method::GET), "/v2/orders/{}/transactions"),
        Place::AskTransaction => (None, "/v2/orders/{}/transactions/{}/confirm"),
        Place::CancelTransaction => (None, "/v2/orders/{}/transactions/{}/cancel"),
        Place::Catalogue => (None, "/catalog"),
    };
    let kind = match trouble {
        Trouble::LoseBefore => FaultKind::LoseBefore,
        Trouble::LoseAfter => FaultKind::LoseAfter,
        Trouble::Status(status) => FaultKind::Status(status, ErrorShape::Number),
        Trouble::TooMany => FaultKind::RateLimited { retry_after_s: Some(1) },
        Trouble::FailAfter => FaultKind::FailAfter,
        Trouble::Page => FaultKind::GatewayPage,
        Trouble::PageAfter => FaultKind::GatewayPageAfter,
        Trouble::SlowBy(seconds) => FaultKind::Slow(Duration::from_secs(seconds)),
        Trouble::SlowAfterBy(seconds) => FaultKind::SlowAfter(Duration::from_secs(seconds)),
        Trouble::Garbage => FaultKind::Garbage,
        Trouble::SoftErrors => FaultKind::SoftErrors,
    };
    let fault = Fault::once(path, kind);
    match method {
        Some(method) => fault.of(method),
        None => fault,
    }
}
