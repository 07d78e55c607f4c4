//! A shopper's browser: her cookie, and a tab for each checkout session, whose cookie it may use for
//! ever. What a storefront's page asks of a session is the same on both backends.

use std::collections::{BTreeMap, BTreeSet};

use axum::body::Body;
use http::{Request, header};
use serde_json::{Value, json};

use super::street::Reply;
use crate::browser::ACCOUNT;

const SESSIONS: &str = "/api/checkout/sessions";

/// What a page asks of a session. `M` is what a shopper pays with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ask<M> {
    /// Another session on the cart.
    Open,
    /// All that is needed to pay, sent to one of several countries.
    FillIn(usize),
    /// The address alone.
    Move(usize),
    Read,
    /// With a new token.
    Pay(M),
    /// With a token that was used before, counted from the newest.
    PayAgain(usize),
    /// There is nothing to pay.
    PayNothing,
    Resume,
    Abandon,
}

#[derive(Default)]
pub struct Browser {
    /// `name=value`
    visitor: Option<String>,
    /// Her token of an account at Elastic Path, while she is signed in there.
    pub account: Option<String>,
    /// Her sessions, the oldest first.
    tabs: Vec<Tab>,
    /// What her browser has made of cards.
    pub tokens: Vec<String>,
    /// Her storefront sends with each click what the page shows that it costs; others never do.
    says_total: bool,
    /// What it has sent, by session.
    said: BTreeMap<String, BTreeSet<i64>>,
}

/// A session as its page shows it.
pub struct Tab {
    pub id: String,
    cookie: String,
    /// What her page shows that it costs.
    shown: Option<i64>,
    /// What she was last told that it costs; nothing since an answer was lost.
    pub total: Option<i64>,
    /// The order that it came to.
    pub order: Option<String>,
}

/// What a session's answer says.
pub struct Told {
    pub id: String,
    pub total: Option<i64>,
    pub cart: String,
    pub order: Option<String>,
    /// The gateway's name of the payment, and its secret, while a bank wants to see the shopper.
    pub challenge: Option<(String, String)>,
}

impl Told {
    pub fn of(text: &str) -> Option<Self> {
        let body: Value = serde_json::from_str(text).ok()?;
        let session = &body["data"]["session"];
        let word = |value: &Value| value.as_str().map(str::to_owned);
        let payment = &session["payment"];
        let reference = word(&payment["actionData"]["paymentIntentId"]);
        Some(Self {
            id: word(&session["id"])?,
            total: session["totals"]["total"].as_i64(),
            cart: word(&session["cartId"])?,
            order: word(&session["order"]["id"]),
            challenge: reference.zip(word(&payment["clientToken"])),
        })
    }
}

impl Browser {
    /// The browsers of so many shoppers, of either kind.
    pub fn of_both_kinds(count: usize) -> impl Iterator<Item = Self> {
        (0..count).map(|shopper| Self { says_total: shopper % 2 == 0, ..Self::default() })
    }

    /// What she has said of a session that it costs, where her storefront says so.
    pub fn said_of(&self, session: &str) -> Option<&BTreeSet<i64>> {
        self.said.get(session)
    }

    /// Whether she has agreed to so much: by a click, or by a storefront that does not say.
    pub fn agreed_to(&self, amount: i64) -> bool {
        !self.says_total || self.said.values().any(|said| said.contains(&amount))
    }

    /// A request of hers; with the cookie of a session, if she has one there.
    pub fn request(&self, method: &str, path: &str, body: Option<&Value>) -> Request<Body> {
        self.request_of(None, method, path, body)
    }

    fn request_of(
        &self,
        tab: Option<&Tab>,
        method: &str,
        path: &str,
        body: Option<&Value>,
    ) -> Request<Body> {
        let mut request = Request::builder().method(method).uri(path);
        let cookies = self.visitor.iter().chain(tab.map(|tab| &tab.cookie));
        let cookies: Vec<&str> = cookies.map(String::as_str).collect();
        if !cookies.is_empty() {
            request = request.header(header::COOKIE, cookies.join("; "));
        }
        if let Some(token) = &self.account {
            request = request.header(ACCOUNT, token);
        }
        if body.is_some() {
            request = request.header(header::CONTENT_TYPE, "application/json");
        }
        request.body(body.map_or(Body::empty(), |body| Body::from(body.to_string()))).unwrap()
    }

    /// One of her sessions, counted from the newest.
    pub fn tab(&self, tab: usize) -> Option<&Tab> {
        self.tabs.iter().rev().nth(tab)
    }

    /// Whether a session is hers.
    pub fn has(&self, session: &str) -> bool {
        self.tabs.iter().any(|tab| tab.id == session)
    }

    /// The session that an answer is about.
    pub fn tab_of(&mut self, id: &str) -> Option<&mut Tab> {
        self.tabs.iter_mut().find(|tab| tab.id == id)
    }

    /// The requests by which a page asks; none where there is no such session or token. `token` is
    /// what her browser has just made of a card.
    pub fn asks<M>(
        &mut self,
        tab: usize,
        ask: &Ask<M>,
        address: impl Fn(usize) -> Value,
        token: Option<&str>,
    ) -> Vec<Request<Body>> {
        if let Ask::Open = ask {
            return vec![self.request("POST", SESSIONS, Some(&json!({})))];
        }
        let Some((id, shown)) = self.tab(tab).map(|tab| (tab.id.clone(), tab.shown)) else {
            return Vec::new();
        };
        let seen = shown.filter(|_| self.says_total);
        let is_click = matches!(ask, Ask::Pay(_) | Ask::PayAgain(_) | Ask::PayNothing);
        if let (true, Some(seen)) = (is_click, seen) {
            self.said.entry(id).or_default().insert(seen);
        }
        let Some(tab) = self.tab(tab) else { return Vec::new() };
        let go = |method, path: &str, body: Option<&Value>| {
            self.request_of(Some(tab), method, &format!("{SESSIONS}/current{path}"), body)
        };
        let nothing = json!({});
        let click = |mut body: Value| {
            if let Some(seen) = seen {
                body["total"] = seen.into();
            }
            go("POST", "/pay", Some(&body))
        };
        let pay = |token: &str| click(json!({ "gateway": "stripe", "confirmation_token": token }));
        match ask {
            Ask::Open => Vec::new(),
            Ask::FillIn(place) => {
                let form = json!({
                    "customerInfo": { "name": "Ada Beispiel", "email": "ada@example.org" },
                    "shippingAddress": address(*place),
                    "billingAddress": address(*place),
                });
                let choice = json!({ "selectedShippingRateId": "standard" });
                vec![
                    go("PATCH", "", Some(&form)),
                    go("POST", "/shipping", Some(&nothing)),
                    go("PATCH", "", Some(&choice)),
                ]
            }
            Ask::Move(place) => {
                vec![go("PATCH", "", Some(&json!({ "shippingAddress": address(*place) })))]
            }
            Ask::Read => vec![go("GET", "", None)],
            Ask::Pay(_) => token.into_iter().map(pay).collect(),
            Ask::PayAgain(token) => {
                let token = self.tokens.iter().rev().nth(*token);
                token.iter().map(|token| pay(token)).collect()
            }
            Ask::PayNothing => vec![click(json!({ "gateway": "manual" }))],
            Ask::Resume => vec![go("POST", "/resume-payment", Some(&nothing))],
            Ask::Abandon => vec![go("POST", "/abandon-payment", Some(&nothing))],
        }
    }

    /// Keeps the cookies of an answer.
    pub fn keep_cookies(&mut self, reply: &Reply) {
        let visitor = reply.cookies.iter().find(|pair| pair.starts_with("till_visitor="));
        if let (None, Some(pair)) = (&self.visitor, visitor) {
            self.visitor = Some(pair.clone());
        }
    }

    /// An answer was lost: what her pages show may not be so any more.
    pub fn miss(&mut self) {
        for tab in &mut self.tabs {
            tab.total = None;
        }
    }

    /// Keeps what a page shows. Returns what it was told, if it was told of a session.
    pub fn learn(&mut self, reply: &Reply) -> Option<Told> {
        self.keep_cookies(reply);
        let told = Told::of(&reply.text)?;
        let cookie = reply.cookies.iter().find(|pair| pair.starts_with("ep_checkout_session="));
        match (self.tab_of(&told.id), cookie) {
            (Some(tab), _) => {
                tab.total = told.total;
                tab.shown = told.total;
                tab.order.clone_from(&told.order);
            }
            (None, Some(cookie)) => self.tabs.push(Tab {
                id: told.id.clone(),
                cookie: cookie.clone(),
                shown: told.total,
                total: told.total,
                order: None,
            }),
            (None, None) => {}
        }
        Some(told)
    }
}

/// A page's address in one of several countries.
pub fn address((country, postcode): (&str, &str)) -> Value {
    json!({
        "firstName": "Ada", "lastName": "Beispiel", "company": "", "line1": "Hauptstr. 1",
        "line2": "", "city": "Berlin", "county": "", "country": country, "postcode": postcode,
    })
}
