//! A shop whose server can die at any boundary and is opened again over what its disk then held.
//! Each life of the server is a runtime of its own on the test's thread, with a clock that stands
//! still unless it is moved: when the runtime goes, every future goes with it.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    sync::{
        Arc, OnceLock,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use axum::body::Body;
use futures::FutureExt;
use http::{Method, Request, header};
use jiff::Timestamp;
use serde_json::{Value, json};
use server::{
    clock::{Clock, Ids},
    config::{Config, Sources},
    flows::{
        compare_books::{Hands, Period, compare},
        poll_events::poll_events,
        receive_event::apply_due,
        refund,
    },
    serve::{Parts, Server},
    worker,
};
use simulators::stripe::{Options, Stripe};
use storage::{SqliteFile, Store, StoreError, inbox::Turn};
use tempfile::TempDir;
use tokio::runtime::Runtime;
use tower::ServiceExt;
use uuid::Uuid;

use super::machine::{Cut, Machine};
use crate::{
    books,
    erp::{Erp, SECRET},
    guest::{checkout_request, with_cookie},
    shelves::{self, Pieces},
    shop,
};

storage::statements! {
    FACTS = "select 'order ' || row_number() over (order by created_at, id) || ' ' || state \
            || case when expires_at is null then '' else ' for ' || ((expires_at - created_at) / 60000) \
            || ' minutes' end as fact from orders \
        union all select 'payment ' || row_number() over (order by created_at, id) || ' ' || state \
            || case when client_secret is null then '' else ', secret kept' end \
            || case when lease_token is null then '' else ', claimed' end \
            || case when held_until is null then '' else ', held' end from payments \
        union all select 'attempt ' || row_number() over (order by created_at, payment_id) || ' ' \
            || coalesce(outcome, 'written down') from payment_attempts \
        union all select 'event ' || kind || ' ' || coalesce(outcome, \
            case when lease_token is null then 'stored' else 'claimed' end) from inbox \
        union all select 'effect ' || kind || ' ' || case when done_at is not null then 'done' \
            when lease_token is null then 'due' else 'claimed' end from outbox \
        union all select 'notice ' || kind || case when due_at is null then ' sent out' else '' end \
            from notices \
        union all select 'delivery to ' || receiver || ' ' || case when lease_token is null then state \
            else 'claimed' end from deliveries \
        union all select sku || ' ' || on_hand || '/' || reserved from products \
        union all select 'cart has ' || quantity || ' ' || sku from cart_lines \
        union all select 'cursor at ' || coalesce(value, 'no event') || \
            case when lease_token is null then ', free' else ', claimed' end from cursors \
        union all select 'refund ' || state from refunds \
        union all select 'refund of a stray ' || state from stray_refunds \
        union all select 'dispute ' || state from disputes \
        union all select 'account of ' || mailbox || coalesce(', ' || name, '') from customers \
        union all select 'sign-in ' || row_number() over (order by created_at, id) from customer_sign_ins \
        union all select 'letter ' || kind || case when used_at is not null then ' used' \
            when due_at is null then ' sent' when lease_token is null then '' else ' claimed' end \
            from customer_letters \
        union all select 'tries until ' || empty_at from customer_levels \
        union all select 'an order is a customer''s' from customer_orders where customer_id is not null \
        union all select 'a person is called: ' || kind from attention";
}

/// When every story begins.
const START: i64 = 1_790_000_000;

const URL: &str = "http://127.0.0.1:80";

pub struct Stage {
    pub stripe: Stripe,
    /// The merchant's own server, which is told of nothing unless a flow wants it to be.
    pub erp: Erp,
    is_told: bool,
    writes_letters: bool,
    machine: Arc<Machine>,
    disk: TempDir,
    file: PathBuf,
    ids: Ids,
    secret: String,
    /// What her browser keeps.
    pub cookie: String,
    /// The order and the client secret that she last heard of.
    pub order: String,
    pub secret_of_payment: String,
    /// How many items for a person are meant to be there in the end.
    pub items: i64,
    /// How many payments somebody makes beside the orders' own.
    pub strays: usize,
    /// How many payments succeed when their orders are over.
    late: usize,
    /// What lay on the shelves at first.
    shelves: Pieces,
    /// Nothing while the power is off.
    life: Option<Life>,
}

struct Life {
    // Dropped first: the tasks of the server go before what they work with.
    runtime: Runtime,
    server: Server,
}

/// An answer that the shopper got.
#[derive(Debug)]
pub struct Reply {
    pub status: u16,
    pub body: Value,
}

impl Reply {
    pub fn text(&self, name: &str) -> &str {
        self.body[name].as_str().unwrap_or_default()
    }
}

impl Stage {
    pub fn open() -> Self {
        let start = Timestamp::from_second(START).unwrap();
        let stripe = Stripe::new(Options {
            seed: Some(1),
            start: Some(start),
            debit_delay: Duration::from_secs(14 * 24 * 60 * 60),
            ..Options::default()
        });
        let secret = stripe.create_webhook_endpoint(&format!("{URL}/api/webhooks/stripe"));
        let next = Arc::new(AtomicU64::new(1 << 32));
        let ids =
            Ids::from_fn(move || Uuid::from_u128(u128::from(next.fetch_add(1, Ordering::SeqCst))));
        let disk = folder();
        let file = disk.path().join("1.db");
        fs::write(&file, stocked()).unwrap();
        let mut stage = Self {
            stripe,
            erp: Erp::default(),
            is_told: false,
            writes_letters: false,
            machine: Arc::default(),
            disk,
            file,
            ids,
            secret,
            cookie: String::new(),
            order: String::new(),
            secret_of_payment: String::new(),
            items: 0,
            strays: 0,
            late: 0,
            shelves: Pieces::new(),
            life: None,
        };
        stage.start();
        let store = stage.store();
        stage.shelves = stage.live(async move { shelves::on_hand(&store).await }).unwrap();
        stage
    }

    fn start(&mut self) {
        let runtime = tokio::runtime::Builder::new_current_thread();
        let runtime = { runtime }.enable_all().start_paused(true).build().unwrap();
        let machine = self.machine.clone();
        let file = SqliteFile::Path(self.file.clone());
        let store = Store::sqlite_inline_on(&file, move || machine.commit()).unwrap();
        let mut settings = shop::settings(URL, "http://127.0.0.1:81", "sqlite://x", &self.secret);
        let endpoint = [
            ("TILL_WEBHOOK_URLS", "http://127.0.0.1:82/hooks".to_owned()),
            ("TILL_WEBHOOK_SECRETS", SECRET.to_owned()),
        ];
        let mail = [
            ("TILL_MAIL", format!("folder:{}", self.mails().display())),
            ("TILL_MAIL_FROM", "shop@shop.example".to_owned()),
        ];
        let told = endpoint.into_iter().filter(|_| self.is_told);
        let told = told.chain(mail.into_iter().filter(|_| self.is_told || self.writes_letters));
        settings.extend(told.map(|(name, value)| (name.to_owned(), value)));
        let pairs = settings.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let config = Config::load(Sources::of_texts(pairs, "", "")).unwrap();
        let clock = {
            let stripe = self.stripe.clone();
            Clock::from_fn(move || stripe.now())
        };
        let transport = self.machine.wire(self.stripe.router());
        let (ids, tick) = (self.ids.clone(), Duration::from_secs(1));
        let merchant = self.machine.wire(self.erp.router());
        let parts = Parts { store, transport, merchant, clock, ids, tick };
        let server = Server::new(config, parts).unwrap();
        let (router, machine) = (server.router(), self.machine.clone());
        self.stripe.deliver_with(Arc::new(move |request| {
            let (router, machine) = (router.clone(), machine.clone());
            Box::pin(async move {
                let taken = router.oneshot(request.map(Body::from));
                tokio::select! {
                    biased;
                    () = machine.died() => Err("the connection was lost".to_owned()),
                    response = taken => Ok(response.unwrap().status().as_u16()),
                }
            })
        }));
        self.life = Some(Life { runtime, server });
    }

    /// From here on the merchant's server is told of orders, and the shopper gets mail.
    pub fn tell_others(&mut self) {
        self.is_told = true;
        self.life = None;
        self.start();
    }

    /// From here on customers get letters, and nobody is told of orders.
    pub fn write_letters(&mut self) {
        self.writes_letters = true;
        self.life = None;
        self.start();
    }

    /// Where the shopper's mail lies; it is not the server's disk, and no power fails there.
    pub fn mails(&self) -> PathBuf {
        self.disk.path().join("mails")
    }

    /// From here on boundaries count, and the power fails at `cut`.
    pub fn watch(&self, cut: Option<Cut>) {
        let look = cut.is_none().then(|| {
            let store = Store::sqlite_inline(&SqliteFile::Path(self.file.clone())).unwrap();
            Box::new(move || facts(&store)) as Box<dyn Fn() -> Vec<String> + Send>
        });
        self.machine.count(cut, look);
    }

    pub fn machine(&self) -> &Machine {
        &self.machine
    }

    /// The server is opened again over the disk as it stood when the power failed: whatever the
    /// dead process would still have done to its own files does not count.
    pub fn open_again(&mut self) {
        let lives = self.file.file_stem().unwrap().to_str().unwrap().parse::<u32>().unwrap();
        let file = self.disk.path().join(format!("{}.db", lives + 1));
        for suffix in ["", "-wal"] {
            let named = |file: &Path| PathBuf::from(format!("{}{suffix}", file.display()));
            fs::copy(named(&self.file), named(&file)).unwrap();
        }
        self.file = file;
        self.life = None;
        self.machine.revive();
        self.start();
    }

    /// What reached the wire before the power failed now arrives.
    pub fn let_arrive(&mut self) {
        for request in self.machine.take_under_way() {
            let is_for_the_merchant = request.uri().path() == "/hooks";
            let router = if is_for_the_merchant { self.erp.router() } else { self.stripe.router() };
            let arrives = async { router.oneshot(request.map(Body::from)).await.unwrap() };
            self.live(arrives).unwrap();
        }
    }

    /// Something happens on the machine. `None`: its power failed.
    pub fn live<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        let life = self.life.as_ref().unwrap();
        let done = life.runtime.block_on(async {
            tokio::select! {
                biased;
                () = self.machine.died() => None,
                done = work => Some(done),
            }
        });
        done.filter(|_| !self.machine.is_dead())
    }

    pub fn store(&self) -> Store {
        self.life.as_ref().unwrap().server.backend.store.clone()
    }

    /// The shopper asks. While she waits, a poller fetches events whenever it is called.
    pub fn ask(&mut self, method: Method, path: &str, body: &Value) -> Option<Reply> {
        let life = self.life.as_ref().unwrap();
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::COOKIE, &self.cookie)
            .body(Body::from(if body.is_null() { String::new() } else { body.to_string() }))
            .unwrap();
        let (router, cx) = (life.server.router(), life.server.native().unwrap().clone());
        let (status, headers, text) = self.live(async move {
            let asked = async {
                let response = router.oneshot(request).await.unwrap();
                let (status, headers) = (response.status().as_u16(), response.headers().clone());
                let bytes = axum::body::to_bytes(response.into_body(), usize::MAX).await.unwrap();
                (status, headers, bytes)
            };
            let poller = async {
                loop {
                    cx.bells.poll.notified().await;
                    let _again = poll_events(&cx).await;
                    worker::run_due(&cx).await;
                }
            };
            tokio::select! {
                biased;
                asked = asked => asked,
                () = poller => unreachable!("it has no end"),
            }
        })?;
        for cookie in headers.get_all(header::SET_COOKIE) {
            self.cookie = with_cookie(&self.cookie, cookie);
        }
        let body = serde_json::from_slice(&text).unwrap_or(Value::Null);
        Some(Reply { status, body })
    }

    /// Stripe's id of the payment that she last heard of.
    pub fn payment(&self) -> &str {
        self.secret_of_payment.split("_secret_").next().unwrap()
    }

    /// She looks for a product and puts it into her cart.
    pub fn add(&mut self, sku: &str, quantity: u32) -> Option<Reply> {
        let found = self.ask(Method::GET, &format!("/api/products?q={sku}"), &Value::Null)?;
        let product = found.body["items"][0]["id"].clone();
        let body = json!({ "productId": product, "quantity": quantity });
        self.ask(Method::POST, "/api/cart/items", &body)
    }

    pub fn intent(&mut self) -> Option<Reply> {
        self.ask(Method::POST, "/api/checkout/intent", &checkout_request())
    }

    pub fn confirm(&mut self, order: &str) -> Option<Reply> {
        self.ask(Method::POST, "/api/checkout/confirm", &json!({ "orderId": order }))
    }

    /// Her browser tells Stripe to take this much of her money. Returns Stripe's status of the
    /// payment, or the code of its error.
    pub fn pay_at_stripe(&mut self, secret: &str, method: &str) -> String {
        let payment = secret.split("_secret_").next().unwrap();
        let key = Options::default().publishable_key;
        let form = format!(
            "key={key}&client_secret={secret}&{method}&return_url=https://shop.example/return\
             &use_stripe_sdk=true"
        );
        let request = Request::post(format!("/v1/payment_intents/{payment}/confirm"))
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(Body::from(form))
            .unwrap();
        let router = self.stripe.router();
        let body = self.live(async move {
            let response = router.oneshot(request).await.unwrap();
            axum::body::to_bytes(response.into_body(), usize::MAX).await.unwrap()
        });
        let body: Value = serde_json::from_slice(&body.unwrap()).unwrap();
        let said = body["status"].as_str().or_else(|| body["error"]["code"].as_str());
        said.unwrap_or_else(|| panic!("{body}")).to_owned()
    }

    /// What her browser makes of a card, for one try to pay.
    pub fn token(&self, method: &str) -> String {
        let key = Options::default().publishable_key;
        let request = Request::post("/v1/confirmation_tokens")
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(Body::from(format!("key={key}&{method}")))
            .unwrap();
        let router = self.stripe.router();
        let body = self.live(async move {
            let response = router.oneshot(request).await.unwrap();
            axum::body::to_bytes(response.into_body(), usize::MAX).await.unwrap()
        });
        let body: Value = serde_json::from_slice(&body.unwrap()).unwrap();
        body["id"].as_str().unwrap_or_else(|| panic!("{body}")).to_owned()
    }

    /// Stripe's id of the payment that was made last.
    pub fn newest_payment(&self) -> String {
        self.stripe.ledger().last().unwrap().id.clone()
    }

    /// The payment of an order that is over succeeds.
    pub fn pay_late(&mut self) {
        let path = format!("/v1/payment_intents/{}/confirm", self.newest_payment());
        self.ask_stripe(&path, "payment_method=pm_card_visa&return_url=https://shop.example");
        self.late += 1;
    }

    /// Somebody makes a payment at Stripe that names her order, and it succeeds.
    pub fn pay_beside(&mut self) {
        let form = format!(
            "amount=2890&currency=eur&confirm=true&payment_method=pm_card_visa\
             &automatic_payment_methods[enabled]=true\
             &automatic_payment_methods[allow_redirects]=never&metadata[order_id]={}",
            self.order
        );
        self.ask_stripe("/v1/payment_intents", &form);
        self.strays += 1;
    }

    /// Whoever has the secret key asks Stripe for something, past this server.
    fn ask_stripe(&self, path: &str, form: &str) {
        let key = Options::default().secret_key;
        let request = Request::post(path)
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header(header::AUTHORIZATION, format!("Bearer {key}"))
            .body(Body::from(form.to_owned()))
            .unwrap();
        let router = self.stripe.router();
        let answer = self.live(async move { router.oneshot(request).await.unwrap() });
        assert_eq!(answer.unwrap().status(), 200);
    }

    /// The operator gives back all that is left of what she last heard of, if anything is.
    pub fn give_back(&self) -> Option<()> {
        let cx = self.life.as_ref().unwrap().server.native().unwrap().clone();
        let wish = refund::Wish { order: self.order.parse().unwrap(), amount: None, note: None };
        self.live(async move {
            let _nothing_left = refund::request(&cx, wish).await;
        })
    }

    pub fn deliver(&self) -> Option<usize> {
        let stripe = self.stripe.clone();
        self.live(async move { stripe.deliver_pending().await })
    }

    /// The worker does what is due until nothing is.
    pub fn work(&self) -> Option<()> {
        let cx = self.life.as_ref().unwrap().server.native().unwrap().clone();
        self.live(async move { while worker::run_due(&cx).await > 0 {} })
    }

    /// The worker applies the events that are due, and does nothing else.
    pub fn apply_events(&self) -> Option<()> {
        let cx = self.life.as_ref().unwrap().server.native().unwrap().clone();
        self.live(async move {
            for turn in [Turn::Later, Turn::First] {
                while apply_due(&cx, turn).await.unwrap() > 0 {}
            }
        })
    }

    pub fn poll(&self) -> Option<()> {
        let cx = self.life.as_ref().unwrap().server.native().unwrap().clone();
        self.live(async move {
            let _again = poll_events(&cx).await;
        })
    }

    /// Our books are compared with Stripe's from the beginning on.
    pub fn compare_books(&self) -> Option<()> {
        let cx = self.life.as_ref().unwrap().server.native().unwrap().clone();
        let from = Timestamp::from_second(START).unwrap();
        let period = Period { from, to: self.stripe.now() };
        self.live(async move {
            let _again = compare(&cx, period, Hands::Mend, &mut |_| {}).await;
        })
    }

    /// Time passes, and the worker and Stripe do what they do by themselves.
    pub fn pass(&self, steps: usize, step: Duration) {
        for _ in 0..steps {
            self.deliver().unwrap();
            self.poll().unwrap();
            self.work().unwrap();
            self.stripe.advance(step);
        }
    }

    /// Every difference between the books, the shelves and what they should be, as sentences.
    pub fn compare(&self) -> Vec<String> {
        let store = self.store();
        let (stripe, now) = (self.stripe.clone(), self.stripe.now());
        let (shelves, items) = (self.shelves.clone(), self.items);
        let checked = async move {
            let mut faults = books::compare(&store, &stripe, items).await;
            faults.extend(shelves::compare(&store, &shelves).await);
            if !books::is_quiet(&store).await {
                faults.push("events or effects wait".to_owned());
            }
            if books::is_overdue(&store, now).await {
                faults.push("a payment is overdue".to_owned());
            }
            faults
        };
        let mut faults = self.live(checked).unwrap();
        let asked_twice = books::asked_twice(&self.stripe);
        if asked_twice.len() != self.strays {
            faults.extend(asked_twice);
        }
        faults.extend(self.compare_told());
        let charges: usize = self.stripe.ledger().iter().map(|entry| entry.charges_succeeded).sum();
        if charges > 1 + self.strays + self.late {
            faults.push(format!("she was charged {charges} times"));
        }
        faults
    }

    /// Whoever is to be told of orders was told of every one that has come to an end, and each
    /// time in the same words.
    fn compare_told(&self) -> Vec<String> {
        if !self.is_told {
            return Vec::new();
        }
        let mut told = BTreeMap::new();
        let mut faults = Vec::new();
        for posted in self.erp.posted() {
            let before = told.insert(posted.id.clone(), posted.body.clone());
            if before.is_some_and(|before| before != posted.body) {
                faults.push(format!("{} was told in other words", posted.id));
            }
        }
        let store = self.store();
        let ends = self.live(async move {
            let waiting = books::on_their_way(&store).await;
            (waiting, books::orders(&store).await)
        });
        let (waiting, orders) = ends.unwrap();
        let ended = orders.split(", ").filter(|some| !some.ends_with("pending"));
        let ended = ended.filter_map(|some| some.split(' ').next()?.parse::<usize>().ok());
        let ended: usize = ended.sum();
        if waiting > 0 || told.len() != ended {
            faults.push(format!("{waiting} wait; {} orders of {orders} were told", told.len()));
        }
        let files = fs::read_dir(self.mails()).unwrap().map(|file| file.unwrap().path());
        let letters = files.filter(|path| path.extension().is_some_and(|kind| kind == "eml"));
        let letters = letters.count();
        let paid = usize::from(orders.contains("paid"));
        if letters != paid {
            faults.push(format!("{letters} letters; the orders are {orders}"));
        }
        faults
    }

    /// Orders by state.
    pub fn orders(&self) -> String {
        let store = self.store();
        self.live(async move { books::orders(&store).await }).unwrap()
    }
}

/// A folder in memory where the machine has one: nobody's power really fails here, and the walk
/// commits some ten thousand times.
pub fn folder() -> TempDir {
    let folder = tempfile::Builder::new();
    let memory = Path::new("/dev/shm");
    if memory.is_dir() { folder.tempdir_in(memory) } else { folder.tempdir() }.unwrap()
}

/// The file of a shop that has just been stocked.
fn stocked() -> &'static [u8] {
    static FILE: OnceLock<Vec<u8>> = OnceLock::new();
    FILE.get_or_init(|| {
        let folder = folder();
        let path = folder.path().join("till.db");
        let store = Store::sqlite_inline(&SqliteFile::Path(path.clone())).unwrap();
        let ids = Ids::system();
        let filled = async {
            store.migrate().await.unwrap();
            shop::fill_shelves(&store, &ids).await;
        };
        filled.now_or_never().unwrap();
        // Closing the last connection brings everything into the one file.
        drop(store);
        fs::read(path).unwrap()
    })
}

/// What the database holds, in words.
fn facts(store: &Store) -> Vec<String> {
    let read = store.read((), |tx, ()| {
        Box::pin(async move {
            let rows = tx.query(&FACTS, &[]).await?;
            rows.into_iter().map(|row| row.read("facts").text("fact")).collect()
        })
    });
    let read: Option<Result<Vec<String>, StoreError>> = read.now_or_never();
    read.unwrap().unwrap()
}
