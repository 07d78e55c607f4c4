//! The walk through a purchase at Elastic Path: wherever the power fails, there is one charge and one
//! order in the end, or neither, or a person has been called.

use std::{
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use axum::body::Body;
use domain::{
    elastic_path::EpCartId,
    id::{SessionId, VisitorId},
    purchase::{Account, PayToken},
    session::SeenTotal,
};
use futures::FutureExt;
use server::{
    clock::{Clock, Ids},
    context::{Backend, Px},
    flows::purchase::{
        self, Pay,
        settle::{Verdict, Wish, settle as end_by_hand},
    },
    worker,
};
use simulators::elastic_path::{ElasticPath, Ledger, Options, sample_catalogue};
use storage::{SqliteFile, Store, StoreError};
use tempfile::TempDir;
use tokio::runtime::Runtime;
use tower::ServiceExt;
use uuid::Uuid;

use super::{
    Return, difference,
    machine::{Boundary, Cut, Kind, Machine},
    side_in_words,
};
use crate::{
    platform::{self, PAN, Platform, words},
    platform_books as books,
};

pub mod flows;

use flows::{Flow, SOLD};

storage::statements! {
    FACTS = "select 'purchase ' || row_number() over (order by created_at, id) || ' ' || state \
            || case when lease_token is null then '' else ', claimed' end \
            || case when detached = 1 then ', detached' else '' end \
            || case when cart_end is null then '' else ', cart ' || cart_end end as fact \
            from purchases \
        union all select 'session ' || state from checkout_sessions \
        union all select 'a person is called: ' || kind from attention";
}

/// A shop at Elastic Path whose server can die at any boundary.
pub struct Stage {
    /// The store at Elastic Path.
    pub ep: ElasticPath,
    machine: Arc<Machine>,
    disk: TempDir,
    file: PathBuf,
    ids: Ids,
    tries: u32,
    visitor: VisitorId,
    cart: Option<EpCartId>,
    session: SessionId,
    account: Option<Account>,
    settings: &'static [(&'static str, &'static str)],
    life: Option<(Runtime, Px)>,
}

impl Stage {
    /// A shopper who has filled in everything.
    fn open(flow: &Flow) -> Self {
        let ep = ElasticPath::new(Options {
            seed: Some(1),
            start: Some("2026-11-22T10:00:00Z".parse().unwrap()),
            ..Options::default()
        });
        sample_catalogue(&ep);
        let disk = super::stage::folder();
        let file = disk.path().join("1.db");
        let next = Arc::new(AtomicU64::new(1 << 32));
        let ids =
            Ids::from_fn(move || Uuid::from_u128(u128::from(next.fetch_add(1, Ordering::SeqCst))));
        let mut stage = Self {
            ep,
            machine: Arc::default(),
            disk,
            file,
            ids,
            tries: 0,
            visitor: VisitorId(Uuid::nil()),
            cart: None,
            session: SessionId(Uuid::nil()),
            account: None,
            settings: flow.settings,
            life: None,
        };
        stage.start();
        let px = stage.px();
        stage.live(async move { px.store.migrate().await.unwrap() }).unwrap();
        stage.come_for(PAN, true).unwrap();
        stage
    }

    /// Somebody comes for something, and has filled in everything.
    pub fn come_for(&mut self, product: &'static str, is_sent: bool) -> Option<()> {
        let (ep, px) = (self.ep.clone(), self.px());
        let (visitor, cart, session) = self.live(async move {
            let shop = Platform::over(ep, px);
            let mut shopper = shop.shopper([(product, 1)]).await;
            if !is_sent {
                shopper.open_session(false).await;
            }
            let known = (shopper.visitor, shopper.cart.clone(), shopper.session);
            shop.leave();
            known
        })?;
        (self.visitor, self.cart, self.session) = (visitor, Some(cart), session);
        Some(())
    }

    /// She is signed in to an account of the store's.
    pub fn sign_in(&mut self) {
        let (account, _) = self.ep.add_account();
        let (account, member) = (account.parse().unwrap(), "member-1".parse().unwrap());
        self.account = Some(Account { account, member });
    }

    /// Another program tries to pay her cart with a token of this kind.
    pub fn pay_elsewhere(&self, kind: &'static str) -> Option<()> {
        let (ep, px, cart) = (self.ep.clone(), self.px(), self.cart.clone().unwrap());
        self.live(async move {
            let shop = Platform::over(ep, px);
            shop.pay_elsewhere(&cart, kind).await;
            shop.leave();
        })
    }

    fn start(&mut self) {
        let runtime = tokio::runtime::Builder::new_current_thread();
        let runtime = { runtime }.enable_all().start_paused(true).build().unwrap();
        let machine = self.machine.clone();
        let file = SqliteFile::Path(self.file.clone());
        let store = Store::sqlite_inline_on(&file, move || machine.commit()).unwrap();
        let clock = {
            let ep = self.ep.clone();
            Clock::from_fn(move || ep.now())
        };
        let wire = self.machine.wire(self.ep.router());
        let server = platform::server(wire, store, clock, self.ids.clone(), self.settings);
        let Backend::Platform(px) = server.backend else { panic!("another backend") };
        self.life = Some((runtime, px));
    }

    /// The next process finds the disk as it stood when the power failed.
    fn open_again(&mut self) {
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

    fn px(&self) -> Px {
        self.life.as_ref().unwrap().1.clone()
    }

    /// Something happens on the machine. `None`: its power failed.
    fn live<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        let (runtime, _) = self.life.as_ref().unwrap();
        let done = runtime.block_on(async {
            tokio::select! {
                biased;
                () = self.machine.died() => None,
                done = work => Some(done),
            }
        });
        done.filter(|_| !self.machine.is_dead())
    }

    /// She pays, each time with another token of this kind.
    pub fn pay(&mut self, kind: &str) -> Option<()> {
        self.tries += 1;
        let token = PayToken::new(format!("{kind}_{}", self.tries)).unwrap();
        let (visitor, session, account) = (self.visitor, self.session, self.account.clone());
        let seen = SeenTotal(None);
        let wish = Pay { visitor, session, seen, token: Some(token), account };
        let px = self.px();
        self.live(async move {
            let _said = purchase::pay(&px, wish).await;
            rest(&px).await;
        })
    }

    /// Her bank hears from her, for every payment, whether it is she.
    pub fn prove(&self, is_she: bool) {
        for payment in self.ep.ledger().payments {
            self.ep.authenticate(&payment.id, Some(is_she));
        }
    }

    pub fn resume(&self) -> Option<()> {
        let (visitor, session, px) = (self.visitor, self.session, self.px());
        self.live(async move {
            let _said = purchase::resume(&px, visitor, session).await;
            rest(&px).await;
        })
    }

    pub fn abandon(&self) -> Option<()> {
        let (visitor, session, px) = (self.visitor, self.session, self.px());
        self.live(async move {
            let _said = purchase::abandon(&px, visitor, session).await;
            rest(&px).await;
        })
    }

    /// An operator ends the newest purchase of her cart, if it still wants her.
    pub fn end(&self, verdict: fn(&Ledger) -> Verdict) -> Option<()> {
        let (px, cart) = (self.px(), self.cart.clone().unwrap());
        let verdict = verdict(&self.ep.ledger());
        self.live(async move {
            let read =
                px.store.read(cart, |tx, cart| Box::pin(storage::purchase::last_of_cart(tx, cart)));
            let last: Result<_, StoreError> = read.await;
            let purchase = last.unwrap().unwrap().purchase.terms.id;
            let _refused = end_by_hand(&px, Wish { purchase, verdict, note: None }).await;
            rest(&px).await;
        })
    }

    /// Somebody books the payment of the newest order at the platform.
    pub fn book_elsewhere(&self) -> Option<()> {
        let (px, orders) = (self.px(), self.ep.ledger().orders);
        let order = orders.last().unwrap();
        let name = order.external_ref.as_ref().unwrap().parse().unwrap();
        let order = order.id.parse().unwrap();
        self.live(async move {
            let admin = px.elastic_path.admin().unwrap();
            px.elastic_path.confirm(&admin, &order, &name).await.unwrap();
        })
    }

    /// The worker does what is due.
    pub fn work(&self) -> Option<()> {
        let px = self.px();
        self.live(async move {
            while worker::run_due_purchases(&px).await > 0 {}
            rest(&px).await;
        })
    }

    pub fn pass(&self, steps: u32, step: Duration) {
        for _ in 0..steps {
            self.ep.advance(step);
            self.work().unwrap();
        }
    }

    fn a_while(&self) {
        self.pass(3, Duration::from_secs(20));
        self.pass(6, Duration::from_secs(60));
    }

    fn let_arrive(&self) {
        for request in self.machine.take_under_way() {
            let router = self.ep.router();
            let arrives = async { router.oneshot(request.map(Body::from)).await.unwrap() };
            self.live(arrives).unwrap();
        }
    }

    fn watch(&self, cut: Option<Cut>) {
        let look = cut.is_none().then(|| {
            let store = Store::sqlite_inline(&SqliteFile::Path(self.file.clone())).unwrap();
            Box::new(move || facts(&store)) as Box<dyn Fn() -> Vec<String> + Send>
        });
        self.machine.count(cut, look);
    }

    /// How her session stands, in the contract's two words.
    pub fn stands(&self) -> String {
        let (visitor, id, px) = (self.visitor, self.session, self.px());
        let read = self.live(async move {
            px.store
                .read((id, visitor), |tx, (id, visitor)| {
                    Box::pin(storage::session::of_visitor(tx, *id, *visitor))
                })
                .await
        });
        let session: Result<_, StoreError> = read.unwrap();
        words(&session.unwrap().unwrap())
    }

    fn compare(&self) -> Vec<String> {
        let (px, ep) = (self.px(), self.ep.clone());
        self.live(async move {
            let items = books::items(&px.store).await;
            let of_carts = items.iter().filter(|kind| *kind == "cart_payment").count() as i64;
            let elsewhere = ep.ledger().payments.into_iter();
            let elsewhere = elsewhere.filter(|one| one.metadata["attempt"] == "another-program");
            let strays: Vec<String> = elsewhere.map(|one| one.id).collect();
            books::compare(&px.store, &ep, of_carts, &strays).await
        })
        .unwrap()
    }
}

async fn rest(px: &Px) {
    while !px.tasks.is_empty() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

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

fn undisturbed(flow: &Flow) -> (Vec<Boundary>, Vec<String>) {
    let mut stage = Stage::open(flow);
    (flow.before)(&mut stage).unwrap();
    stage.watch(None);
    (flow.act)(&mut stage).unwrap();
    let (mut boundaries, looks) = stage.machine.counted();
    let mut looks = looks.windows(2).skip(1);
    for boundary in boundaries.iter_mut().filter(|boundary| boundary.kind == Kind::Commit) {
        boundary.words = difference(looks.next().unwrap());
    }
    (boundaries, settle(&mut stage, flow, Return::Later))
}

fn with_a_cut(flow: &Flow, cut: Cut, comes_back: Return) -> Vec<String> {
    let mut stage = Stage::open(flow);
    (flow.before)(&mut stage).unwrap();
    stage.watch(Some(cut));
    if (flow.act)(&mut stage).is_some() {
        return vec!["the power did not fail".to_owned()];
    }
    stage.open_again();
    settle(&mut stage, flow, comes_back)
}

fn settle(stage: &mut Stage, flow: &Flow, comes_back: Return) -> Vec<String> {
    match comes_back {
        Return::AtOnce => {
            (flow.act)(stage).unwrap();
            stage.let_arrive();
        }
        Return::Later => {
            stage.a_while();
            stage.let_arrive();
            (flow.act)(stage).unwrap();
        }
        Return::Never => {
            stage.a_while();
            stage.let_arrive();
        }
    }
    stage.a_while();
    match comes_back {
        // What was given up before the charge can be paid now, and a challenge be solved.
        Return::AtOnce | Return::Later if stage.stands() != flow.ends => {
            (flow.act)(stage).unwrap();
        }
        Return::AtOnce | Return::Later => {}
        // Her bank does not wait for ever.
        Return::Never => stage.prove(false),
    }
    stage.a_while();
    let ends = stage.stands();
    let mut faults = stage.compare();
    let is_well = match comes_back {
        Return::AtOnce | Return::Later => ends == flow.ends,
        Return::Never => {
            ends == SOLD || ends.starts_with("open/") || flow.stays == Some(ends.as_str())
        }
    };
    if !is_well {
        faults.push(format!("her session is {ends}"));
    }
    stage.pass(6, Duration::from_secs(10 * 60));
    faults.extend(stage.compare());
    let kept = stage.ep.ledger().payments.iter().filter(|one| one.status == "succeeded").count();
    if kept > 1 {
        faults.push(format!("she was charged {kept} times"));
    }
    faults
}

/// Walks a purchase. `expected` is how many boundaries it crosses.
pub fn walk(name: &str, flow: &Flow, expected: usize) {
    let (boundaries, mut faults) = undisturbed(flow);
    faults.iter_mut().for_each(|fault| fault.insert_str(0, "undisturbed: "));
    let mut listed = format!("{name}, {} boundaries\n", boundaries.len());
    for (number, Boundary { kind, words }) in (1..).zip(&boundaries) {
        let kind = format!("{kind:?}").to_lowercase();
        writeln!(listed, "{number:>4}  {kind:<6}  {words}").unwrap();
    }
    println!("{listed}");
    assert_eq!(
        boundaries.len(),
        expected,
        "{listed}\nThis purchase crosses another number of boundaries than was thought about: say of \
         each new one what happens if the process dies before it and after it, and if the walk below \
         passes with the new number, change it in crates/server/tests/it/crash_walk.rs."
    );
    for (number, boundary) in (1..).zip(&boundaries) {
        for side in boundary.kind.sides() {
            for comes_back in [Return::AtOnce, Return::Later, Return::Never] {
                let found = with_a_cut(flow, (number, side), comes_back);
                faults.extend(found.into_iter().map(|fault| {
                    let side = side_in_words(boundary.kind, side);
                    let words = &boundary.words;
                    format!(
                        "the power fails at {number} ({words}), {side}; she comes back \
                         {comes_back:?}: {fault}"
                    )
                }));
            }
        }
    }
    assert!(faults.is_empty(), "{listed}\n{}", faults.join("\n"));
}
