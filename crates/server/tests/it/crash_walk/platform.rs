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
    id::{SessionId, VisitorId},
    purchase::PayToken,
    session::SeenTotal,
};
use futures::FutureExt;
use server::{
    clock::{Clock, Ids},
    context::{Backend, Px},
    flows::purchase::{self, Pay},
    worker,
};
use simulators::elastic_path::{ElasticPath, Options, sample_catalogue};
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
    platform::{self, PAN, words},
    platform_books as books,
};

storage::statements! {
    FACTS = "select 'purchase ' || row_number() over (order by created_at, id) || ' ' || state \
            || case when lease_token is null then '' else ', claimed' end \
            || case when detached = 1 then ', detached' else '' end \
            || case when cart_end is null then '' else ', cart ' || cart_end end as fact \
            from purchases \
        union all select 'session ' || state from checkout_sessions \
        union all select 'a person is called: ' || kind from attention";
}

/// How a session stands that is bought.
pub const SOLD: &str = "complete/succeeded";

/// A purchase that is walked.
pub struct Flow {
    /// How its card behaves.
    pub token: &'static str,
    /// Whether the shopper proves at her bank that it is she, and comes back.
    pub has_challenge: bool,
    /// How the card behaved with which another program tried to pay the cart before.
    pub tried_elsewhere: Option<&'static str>,
    /// How her session stands in the end, if she comes back.
    pub ends: &'static str,
}

struct Stage {
    ep: ElasticPath,
    machine: Arc<Machine>,
    disk: TempDir,
    file: PathBuf,
    ids: Ids,
    tries: u32,
    visitor: VisitorId,
    session: SessionId,
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
        let (visitor, session) = (VisitorId(Uuid::nil()), SessionId(Uuid::nil()));
        let mut stage = Self {
            ep,
            machine: Arc::default(),
            disk,
            file,
            ids,
            tries: 0,
            visitor,
            session,
            life: None,
        };
        stage.start();
        let (ep, px) = (stage.ep.clone(), stage.px());
        let tried_elsewhere = flow.tried_elsewhere;
        let filled = stage.live(async move {
            px.store.migrate().await.unwrap();
            let shop = platform::Platform::over(ep, px);
            let shopper = shop.shopper([(PAN, 1)]).await;
            if let Some(token) = tried_elsewhere {
                shop.pay_elsewhere(&shopper.cart, token).await;
            }
            let ids = (shopper.visitor, shopper.session);
            shop.leave();
            ids
        });
        (stage.visitor, stage.session) = filled.unwrap();
        stage
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
        let server = platform::server(wire, store, clock, self.ids.clone(), &[]);
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

    /// She pays, each time with another token; where her bank wants it, she proves that it is she.
    fn act(&mut self, flow: &Flow) -> Option<()> {
        self.tries += 1;
        let token = PayToken::new(format!("{}_{}", flow.token, self.tries)).unwrap();
        let (visitor, session, px) = (self.visitor, self.session, self.px());
        let (ep, has_challenge) = (self.ep.clone(), flow.has_challenge);
        self.live(async move {
            let seen = SeenTotal(None);
            let wish = Pay { visitor, session, seen, token: Some(token), account: None };
            let _said = purchase::pay(&px, wish).await;
            if has_challenge {
                for payment in ep.ledger().payments {
                    ep.authenticate(&payment.id, Some(true));
                }
                let _said = purchase::resume(&px, visitor, session).await;
            }
            rest(&px).await;
        })
    }

    fn pass(&self, steps: u32, step: Duration) {
        for _ in 0..steps {
            self.ep.advance(step);
            let px = self.px();
            let worked = self.live(async move {
                while worker::run_due_purchases(&px).await > 0 {}
                rest(&px).await;
            });
            worked.unwrap();
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
    fn stands(&self) -> String {
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
    stage.watch(None);
    stage.act(flow).unwrap();
    let (mut boundaries, looks) = stage.machine.counted();
    let mut looks = looks.windows(2).skip(1);
    for boundary in boundaries.iter_mut().filter(|boundary| boundary.kind == Kind::Commit) {
        boundary.words = difference(looks.next().unwrap());
    }
    (boundaries, settle(&mut stage, flow, Return::Later))
}

fn with_a_cut(flow: &Flow, cut: Cut, comes_back: Return) -> Vec<String> {
    let mut stage = Stage::open(flow);
    stage.watch(Some(cut));
    if stage.act(flow).is_some() {
        return vec!["the power did not fail".to_owned()];
    }
    stage.open_again();
    settle(&mut stage, flow, comes_back)
}

fn settle(stage: &mut Stage, flow: &Flow, comes_back: Return) -> Vec<String> {
    match comes_back {
        Return::AtOnce => {
            stage.act(flow).unwrap();
            stage.let_arrive();
        }
        Return::Later => {
            stage.a_while();
            stage.let_arrive();
            stage.act(flow).unwrap();
        }
        Return::Never => {
            stage.a_while();
            stage.let_arrive();
        }
    }
    stage.a_while();
    match comes_back {
        // What was given up before the charge can be paid now, and a challenge be solved.
        Return::AtOnce | Return::Later if stage.stands() != flow.ends => stage.act(flow).unwrap(),
        Return::AtOnce | Return::Later => {}
        // Her bank does not wait for ever.
        Return::Never => {
            for payment in stage.ep.ledger().payments {
                stage.ep.authenticate(&payment.id, Some(false));
            }
        }
    }
    stage.a_while();
    let ends = stage.stands();
    let mut faults = stage.compare();
    let is_well = match comes_back {
        Return::AtOnce | Return::Later => ends == flow.ends,
        Return::Never => ends == SOLD || ends.starts_with("open/"),
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
