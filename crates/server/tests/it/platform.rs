//! A shop at Elastic Path for one story, in this process: the server's flows over a real database, a
//! store at Elastic Path that remembers, and a wire that leads there and nowhere else. Closing it
//! compares our purchases with the store's books; forgetting to close it fails the story.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use bytes::Bytes;
use domain::{
    elastic_path::{EpAccountId, EpCartId},
    id::{PurchaseId, SessionId, VisitorId},
    money::Money,
    purchase::{Account, PayToken},
    session::{
        AddressPart, CheckoutSession, Customer, FormAddress, NewSession, Patch, Rate, RateId,
        RateWords, SeenTotal, SessionCart,
    },
};
use gateways::{
    Transport, TransportError,
    elastic_path::{
        Caller,
        cart::{CartView, NewItem},
    },
};
use http::Request;
use server::{
    clock::{Clock, Ids},
    config::{Config, Sources},
    context::{Backend, Px},
    flows::purchase::{self, Answer, Pay, PayError, cart},
    serve::{Parts, Server},
    worker,
};
use simulators::elastic_path::{ElasticPath, Fault, FaultKind, Modes, Options, sample_catalogue};
use storage::{Limits, SqliteFile, Store, StoreError, session};
use tower::{ServiceExt, service_fn};
use url::Url;
use uuid::Uuid;

use crate::{
    database::{Database, On},
    platform_books as books,
};

mod others;
mod telling;

use telling::HURRY;
pub use telling::tell;

/// Where Elastic Path is; the wire knows no other address.
const ELASTIC_PATH: &str = "http://127.0.0.1:81";

/// What the sample catalogue sells.
pub const PAN: &str = "3281ce38-87a7-488e-a113-9a6b2f616908";
pub const KETTLE: &str = "7f2c1a52-52b5-4d0c-8a52-4f8c2d6f7b10";
pub const EBOOK: &str = "c1b6a7f4-2f0e-4b8b-9f36-0d5c54b1a9e3";

/// Makes three tests of a story, one for each database.
macro_rules! platform_stories {
    ($($(#[$meta:meta])* async fn $name:ident($shop:ident: Platform) $body:block)+) => {$(
        $(#[$meta])*
        async fn $name($shop: $crate::platform::Platform) $body

        mod $name {
            #[test]
            fn sqlite() {
                $crate::platform::tell($crate::database::On::Sqlite, super::$name);
            }

            #[test]
            fn postgres() {
                $crate::platform::tell($crate::database::On::Postgres, super::$name);
            }

            #[test]
            fn mysql() {
                $crate::platform::tell($crate::database::On::Mysql, super::$name);
            }
        }
    )+};
}
pub(crate) use platform_stories;

pub struct Platform {
    /// The store at Elastic Path.
    pub ep: ElasticPath,
    /// What the flows are handed.
    pub px: Px,
    /// The only way out of this process.
    pub wire: Transport,
    denied: Arc<Mutex<Vec<String>>>,
    /// Nothing once it has been left to the next story.
    database: Option<Database>,
    ids: Ids,
    /// Items for a person beyond those of purchases that still wait for one.
    pub expected_items: i64,
    /// Payments that were asked for elsewhere, or of which a person has heard.
    pub known_strays: Vec<String>,
    closed: bool,
}

/// A shopper at her checkout.
pub struct Shopper<'shop> {
    pub shop: &'shop Platform,
    pub visitor: VisitorId,
    pub cart: EpCartId,
    pub session: SessionId,
    pub account: Option<Account>,
}

impl Platform {
    pub async fn open(on: On, changes: &[(&str, &str)]) -> Option<Self> {
        let database = Database::fresh(on).await?;
        let ep = ElasticPath::new(Options {
            seed: Some(1),
            start: Some("2026-11-22T10:00:00Z".parse().unwrap()),
            ..Options::default()
        });
        sample_catalogue(&ep);
        let denied = Arc::new(Mutex::new(Vec::new()));
        let wire = only_to(ELASTIC_PATH, &ep, denied.clone());
        let store = open_store(on, &database).await;
        store.migrate().await.unwrap();
        let px = start(&ep, &wire, store, changes);
        let ids = Ids::system();
        let (expected_items, known_strays, closed) = (0, Vec::new(), false);
        Some(Self {
            ep,
            px,
            wire,
            denied,
            database: Some(database),
            ids,
            expected_items,
            known_strays,
            closed,
        })
    }

    /// The shop of a server that somebody else has started.
    pub fn over(ep: ElasticPath, px: Px) -> Self {
        let denied = Arc::default();
        let wire = only_to(ELASTIC_PATH, &ep, Arc::clone(&denied));
        let (ids, known_strays) = (px.ids.clone(), Vec::new());
        let (expected_items, closed, database) = (0, false, None);
        Self { ep, px, wire, denied, database, ids, expected_items, known_strays, closed }
    }

    /// Leaves a shop whose books somebody else compares.
    pub fn leave(mut self) {
        self.closed = true;
    }

    /// The server stops where it is, and another process starts on the same database, perhaps with
    /// other settings.
    pub fn restart(&mut self, changes: &[(&str, &str)]) {
        self.px = start(&self.ep, &self.wire, self.px.store.clone(), changes);
    }

    /// What nobody has documented is so from now on.
    pub fn set(&self, change: impl FnOnce(&mut Modes)) {
        let mut modes = self.ep.modes();
        change(&mut modes);
        self.ep.set_modes(modes);
    }

    /// One request to a path goes wrong.
    pub fn fault(&self, method: http::Method, path: &str, kind: FaultKind) {
        self.ep.inject(Fault::once(path, kind).of(method));
    }

    /// So many requests to a path go wrong: more than one call is tried again.
    pub fn faults(&self, method: http::Method, path: &str, kind: FaultKind, times: u32) {
        self.ep.inject(Fault::once(path, kind).of(method).times(times));
    }

    /// Everything that was asked of a path, such as `POST /checkout`.
    pub fn asked(&self, method: &str, end: &str) -> usize {
        let fits = |path: &str| path.split('?').next().unwrap().ends_with(end);
        let requests = self.ep.requests();
        requests.iter().filter(|one| one.method == method && fits(&one.path)).count()
    }

    /// The addresses that somebody wanted to reach and that are not Elastic Path's.
    pub fn denied(&self) -> Vec<String> {
        self.denied.lock().unwrap().clone()
    }

    /// Time passes, here and there, and the worker does what is due.
    pub async fn pass(&self, steps: u32, step: Duration) {
        for _ in 0..steps {
            self.ep.advance(step);
            // The calls of a second ago no longer count.
            tokio::time::sleep(Duration::from_millis(20)).await;
            self.work().await;
        }
    }

    /// The worker does what is due until nothing is.
    pub async fn work(&self) {
        while worker::run_due_purchases(&self.px).await > 0 {}
        self.rest().await;
    }

    /// What was begun comes to its end.
    pub async fn rest(&self) {
        while !self.px.tasks.is_empty() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Long enough for everything that can heal by itself.
    pub async fn heal(&self) {
        self.pass(4, Duration::from_secs(20)).await;
        self.pass(12, Duration::from_secs(60)).await;
        self.pass(6, Duration::from_secs(600)).await;
    }

    /// Somebody with goods in her cart, who has filled in everything and chosen how it is sent.
    pub async fn shopper<const N: usize>(&self, goods: [(&str, u32); N]) -> Shopper<'_> {
        self.shopper_on(VisitorId(self.ids.next()), goods).await
    }

    /// The same somebody with another cart.
    pub async fn shopper_on<const N: usize>(
        &self,
        visitor: VisitorId,
        goods: [(&str, u32); N],
    ) -> Shopper<'_> {
        let cart: EpCartId = self.ids.next().to_string().parse().unwrap();
        let remembered = (visitor, cart.clone(), self.px.clock.now());
        let written: Result<EpCartId, StoreError> = self
            .px
            .store
            .write(remembered, |tx, (visitor, cart, at)| {
                Box::pin(storage::platform_cart::of_visitor_or_new(tx, *visitor, cart, *at))
            })
            .await;
        written.unwrap();
        for (product, quantity) in goods {
            self.add(&cart, product, quantity).await;
        }
        let session = SessionId(Uuid::nil());
        let mut shopper = Shopper { shop: self, visitor, cart, session, account: None };
        shopper.open_session(true).await;
        shopper
    }

    /// Somebody puts goods into a cart.
    pub async fn add(&self, cart: &EpCartId, product: &str, quantity: u32) {
        let item = NewItem::Product {
            product: product.parse().unwrap(),
            quantity: quantity.try_into().unwrap(),
        };
        self.px.elastic_path.add_item(Caller::Implicit, cart, &item).await.unwrap();
    }

    /// What a cart holds; to look at one that is gone makes an empty one.
    pub async fn cart(&self, cart: &EpCartId) -> CartView {
        self.px.elastic_path.cart(Caller::Implicit, cart).await.unwrap()
    }

    /// Purchases by state, such as `1 cleaned, 1 declined`.
    pub async fn purchases(&self) -> String {
        books::by_state(&self.px.store).await
    }

    /// The kinds of matters that wait for a person.
    pub async fn items(&self) -> Vec<String> {
        books::items(&self.px.store).await
    }

    /// The newest purchase of a cart.
    pub async fn purchase(&self, cart: &EpCartId) -> PurchaseId {
        let read = self
            .px
            .store
            .read(cart.clone(), |tx, cart| Box::pin(storage::purchase::last_of_cart(tx, cart)));
        let last: Result<_, StoreError> = read.await;
        last.unwrap().unwrap().purchase.terms.id
    }

    /// Stock of a product.
    pub fn stock(&self, product: &str) -> Option<i64> {
        self.ep.stock(product)
    }

    /// Compares our books with Elastic Path's.
    pub async fn close(self) {
        let no_other_address = self.denied();
        assert!(no_other_address.is_empty(), "asked elsewhere: {no_other_address:?}");
        self.close_apart(&[]).await;
    }

    /// Closes a shop whose books differ on purpose, each time in words that contain the expected
    /// ones.
    pub async fn close_apart(mut self, expected: &[&str]) {
        self.rest().await;
        let (store, items) = (&self.px.store, self.expected_items);
        let found = books::compare(store, &self.ep, items, &self.known_strays).await;
        self.closed = true;
        let as_expected = found.len() == expected.len()
            && found.iter().zip(expected).all(|(found, word)| found.contains(word));
        assert!(as_expected, "the books differ:\n{}", found.join("\n"));
        if let Some(database) = self.database.take() {
            database.leave();
        }
    }
}

impl Drop for Platform {
    fn drop(&mut self) {
        if !self.closed && !std::thread::panicking() {
            panic!("a story must close its shop, so that the books are compared");
        }
    }
}

impl Shopper<'_> {
    /// Opens a checkout session as a storefront does, and fills it in.
    pub async fn open_session(&mut self, is_sent: bool) {
        let (shop, px) = (self.shop, &self.shop.px);
        let now = px.clock.now();
        let seen = shop.cart(&self.cart).await;
        let currency = "USD".parse().unwrap();
        let new = NewSession {
            id: SessionId(shop.ids.next()),
            visitor: self.visitor,
            cart: SessionCart::Platform(self.cart.clone()),
            cart_hash: cart::hash(&seen),
            totals: cart::totals(&seen),
            requires_shipping: is_sent,
            lifetime: px.session_lifetime,
            at: now,
        };
        let rate = Rate {
            id: RateId::new("standard").unwrap(),
            amount: Money::new(599, currency).unwrap(),
            // As the shop's own prices offer it.
            words: RateWords {
                name: "Standard".into(),
                service_level: "standard".into(),
                ..RateWords::default()
            },
        };
        let patch = Patch {
            customer: Some(Customer::new("Jane Doe", "jane@example.com").unwrap()),
            shipping_address: Some(address()),
            billing_address: Some(address()),
            rate: is_sent.then(|| rate.id.clone()),
            ..Patch::default()
        };
        let session = CheckoutSession::open(new).patch(patch, now).unwrap();
        let session = session.offer(vec![rate.clone()], now).unwrap();
        let admin = px.elastic_path.admin().unwrap();
        let rate = is_sent.then_some(&rate);
        let priced = cart::put_shipping(px, Caller::Admin(&admin), seen, rate).await.unwrap();
        let totals = cart::totals(&priced).unwrap();
        let session = session.price(cart::hash(&priced), totals, now).unwrap();
        self.session = session.id;
        let written: Result<bool, StoreError> = px
            .store
            .write((session, now), |tx, (session, at)| Box::pin(session::insert(tx, session, *at)))
            .await;
        assert!(written.unwrap());
    }

    /// The same shopper in another tab, with a session of its own on the same cart.
    pub async fn second_session(&self, is_sent: bool) -> Shopper<'_> {
        let (visitor, cart, account) = (self.visitor, self.cart.clone(), self.account.clone());
        let session = SessionId(Uuid::nil());
        let mut other = Shopper { shop: self.shop, visitor, cart, session, account };
        other.open_session(is_sent).await;
        other
    }

    /// She changes what she has filled in.
    pub async fn change(&self, change: impl FnOnce(&mut CheckoutSession)) {
        let mut session = self.session().await;
        change(&mut session);
        let now = self.shop.px.clock.now();
        let write =
            self.shop.px.store.write((session, now), |tx, (session, at)| {
                Box::pin(session::save(tx, session, *at))
            });
        let saved: Result<(), StoreError> = write.await;
        saved.unwrap();
    }

    /// She pays with a fresh token of this kind, such as `ctoken_ok`.
    pub async fn pay(&self, kind: &str) -> Result<Answer, PayError> {
        let paid = self.click(kind).await;
        self.shop.rest().await;
        paid
    }

    /// The same without waiting for what is done after the answer.
    pub async fn click(&self, kind: &str) -> Result<Answer, PayError> {
        let token = format!("{kind}_{}", self.shop.ids.next().simple());
        let wish = Pay {
            visitor: self.visitor,
            session: self.session,
            seen: SeenTotal(None),
            token: Some(PayToken::new(token).unwrap()),
            account: self.account.clone(),
        };
        purchase::pay(&self.shop.px, wish).await
    }

    pub async fn resume(&self) -> Result<Answer, PayError> {
        let answer = purchase::resume(&self.shop.px, self.visitor, self.session).await;
        self.shop.rest().await;
        answer
    }

    pub async fn abandon(&self) -> Result<Answer, PayError> {
        let answer = purchase::abandon(&self.shop.px, self.visitor, self.session).await;
        self.shop.rest().await;
        answer
    }

    /// Her session as it is stored.
    pub async fn session(&self) -> CheckoutSession {
        let read = self.shop.px.store.read((self.session, self.visitor), |tx, (id, visitor)| {
            Box::pin(session::of_visitor(tx, *id, *visitor))
        });
        let read: Result<_, StoreError> = read.await;
        read.unwrap().unwrap()
    }

    /// `open/failed`, as the contract's two words say it.
    pub async fn stands(&self) -> String {
        words(&self.session().await)
    }

    /// She signs in to an account.
    pub fn sign_in(&mut self) -> EpAccountId {
        let (account, _) = self.shop.ep.add_account();
        let account: EpAccountId = account.parse().unwrap();
        let member = "member-1".parse().unwrap();
        self.account = Some(Account { account: account.clone(), member });
        account
    }
}

/// The contract's two words.
pub fn words(session: &CheckoutSession) -> String {
    let state = session.state();
    format!("{}/{}", state.status(), state.payment_status())
}

/// An answer in the contract's two words, or the reason why there is none.
pub fn said(answer: &Result<Answer, PayError>) -> String {
    match answer {
        Ok(answer) => words(&answer.session),
        Err(error) => format!("refused: {error}"),
    }
}

pub fn address() -> FormAddress {
    let of = |part| match part {
        AddressPart::FirstName => "Jane",
        AddressPart::LastName => "Doe",
        AddressPart::Line1 => "123 Main St",
        AddressPart::City => "Springfield",
        AddressPart::Country => "US",
        AddressPart::Postcode => "62701",
        AddressPart::Company | AddressPart::Line2 | AddressPart::County => "",
    };
    FormAddress::new(|part| of(part).to_owned()).unwrap()
}

/// A wire that leads to one address; whoever wants another is written down and reaches nobody.
fn only_to(address: &'static str, ep: &ElasticPath, denied: Arc<Mutex<Vec<String>>>) -> Transport {
    let there = Url::parse(address).unwrap();
    let there = format!("{}:{}", there.host_str().unwrap(), there.port().unwrap());
    let store = store_wire(ep);
    Transport::new(service_fn(move |request: Request<Bytes>| {
        let is_there = request.uri().authority().is_some_and(|one| one.as_str() == there);
        let (store, denied) = (store.clone(), denied.clone());
        async move {
            if is_there {
                return store.oneshot(request).await;
            }
            let wanted = request.uri().to_string();
            denied.lock().unwrap().push(wanted.clone());
            Err(TransportError::NotSent(format!("{wanted} is denied").into()))
        }
    }))
}

/// The store without a socket; an answer that must get lost does.
pub fn store_wire(ep: &ElasticPath) -> Transport {
    let router =
        gateways::in_process::<axum::Router, axum::body::Body, axum::body::Body>(ep.router());
    Transport::new(service_fn(move |request: Request<Bytes>| {
        let router = router.clone();
        async move {
            let response = router.oneshot(request).await?;
            match response.extensions().get::<simulators::stripe::ConnectionLost>() {
                Some(_) => Err(TransportError::NoAnswer("the connection was lost".into())),
                None => Ok(response),
            }
        }
    }))
}

/// What a merchant would write into `.env`.
pub fn settings(changes: &[(&str, &str)]) -> HashMap<String, String> {
    let keys = Options::default();
    let pairs = [
        ("TILL_BACKEND", "elastic-path"),
        ("TILL_LISTEN", "127.0.0.1:1"),
        ("TILL_PUBLIC_URL", "http://127.0.0.1:80"),
        ("TILL_SECRET", "a secret for stories that is long enough"),
        // It is there or not as somebody has built it or not.
        ("TILL_STOREFRONT", "off"),
        ("TILL_CURRENCY", "USD"),
        ("TILL_SHIPPING", "*:5.99"),
        ("DATABASE_URL", "sqlite://x"),
        ("EP_CLIENT_ID", &keys.client_id),
        ("EP_CLIENT_SECRET", &keys.client_secret),
        ("EP_API_BASE_URL", ELASTIC_PATH),
        ("EP_CALLS_PER_SECOND", "1000"),
    ];
    pairs
        .into_iter()
        .chain(changes.iter().copied())
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

fn start(ep: &ElasticPath, wire: &Transport, store: Store, changes: &[(&str, &str)]) -> Px {
    let clock = {
        let ep = ep.clone();
        Clock::from_fn(move || ep.now())
    };
    let server = server(wire.clone(), store, clock, Ids::system(), changes);
    match server.backend {
        Backend::Platform(px) => px,
        Backend::Native(_) => panic!("another backend"),
    }
}

/// A server with Elastic Path at the other end of `wire`.
pub fn server(
    wire: Transport,
    store: Store,
    clock: Clock,
    ids: Ids,
    changes: &[(&str, &str)],
) -> Server {
    let settings = settings(changes);
    let pairs = settings.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    let config = Config::load(Sources::of_texts(pairs, "", "")).unwrap();
    let (merchant, tick) = (wire.clone(), Duration::from_secs(1));
    let parts = Parts { store, transport: wire, merchant, clock, ids, tick };
    Server::new(config, parts).unwrap()
}

async fn open_store(on: On, database: &Database) -> Store {
    match on {
        On::Sqlite => {
            let path = database.url.strip_prefix("sqlite://").unwrap();
            Store::sqlite_inline(&SqliteFile::Path(path.into())).unwrap()
        }
        On::Postgres | On::Mysql => {
            let usual = Limits::default();
            // The database does not hurry.
            let slowly = |ms: u64| ms * u64::from(HURRY);
            let limits = Limits {
                connections_max: 8,
                wait_ms: slowly(usual.wait_ms),
                connect_ms: slowly(usual.connect_ms),
                statement_ms: slowly(usual.statement_ms),
                ..usual
            };
            let url = storage::DatabaseUrl::parse(&database.url).unwrap();
            Store::open(&url, &limits).await.unwrap()
        }
    }
}
