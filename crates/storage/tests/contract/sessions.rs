//! Sessions and purchases: each reads back as it was written, a visitor finds only her own, a cart
//! has one live purchase, and of several that hold a purchase one moves it.

use domain::id::{CartId, OrderId, PurchaseId, SessionId, VisitorId};
use domain::purchase::{
    Abandonment, Account, Buyer, CartHash, CartsEnd, ChargeNews, ClientSecret, Closing, Matter,
    OrderNews, PayToken, Purchase, Settlement, Terms, Tidied,
};
use domain::session::{
    Action, AttributeValue, Attributes, CheckoutSession, Customer, Followed, FormAddress,
    NewSession, NumberText, Patch, Rate, RateId, RateWords, SessionCart, SessionOrder,
    SessionTotals, Standing,
};
use futures::future::join_all;
use jiff::Timestamp;
use storage::purchase::{Inserted, Stored};
use storage::{Lease, StoreError, purchase, session};

use crate::harness::{Database, at, eur, id, noted, on_every_database};

on_every_database! {
    every_state_of_a_session_reads_back_as_it_was_written
    the_session_of_another_visitor_is_not_found
    the_sessions_that_follow_a_payment_are_found
    only_open_sessions_whose_time_is_over_are_overdue
    sessions_end_in_batches_that_begin_with_the_longest_overdue
    sessions_that_are_over_are_deleted_once_their_payment_is_at_rest
    every_state_of_a_purchase_reads_back_as_it_was_written
    a_cart_has_one_live_purchase
    two_purchases_of_a_cart_at_once_are_one
    a_purchase_is_moved_only_from_where_it_was_seen
    a_move_whose_commit_was_lost_is_known_again
    one_payment_is_one_purchases
    due_purchases_are_claimed_by_one_worker
}

fn second(second: i64) -> jiff::Timestamp {
    at(second * 1_000)
}

fn opened(cart: SessionCart) -> CheckoutSession {
    CheckoutSession::open(NewSession {
        id: SessionId(id()),
        visitor: VisitorId(id()),
        cart,
        cart_hash: CartHash::of([("a", 1, 3000)]),
        totals: None,
        lifetime: jiff::SignedDuration::from_mins(30),
        requires_shipping: true,
        at: second(0),
    })
}

fn address(line: &str) -> FormAddress {
    FormAddress::new(|part| format!("{} {line}", part.name())).unwrap()
}

fn filled() -> CheckoutSession {
    let number = NumberText::new("1.50").unwrap();
    let attributes = [
        ("note", AttributeValue::Text("Zeile eins\nZeile \\zwei".into())),
        ("count", AttributeValue::Number(number)),
        ("gift", AttributeValue::Flag(true)),
        ("wrap", AttributeValue::Flag(false)),
    ];
    let attributes = attributes.map(|(name, value)| (name.to_owned(), value));
    let patch = Patch {
        is_anew: false,
        customer: Some(Customer::new("Jörg Müller", "joerg@example.org").unwrap()),
        shipping_address: Some(address("\\n")),
        billing_address: Some(FormAddress::new(|_| String::new()).unwrap()),
        rate: Some(RateId::new("standard").unwrap()),
        requires_shipping: Some(false),
        attributes: Attributes::new(attributes).unwrap(),
    };
    let words = RateWords { name: "Standard".into(), ..RateWords::default() };
    let rate =
        |id: &str| Rate { id: RateId::new(id).unwrap(), amount: eur(599), words: words.clone() };
    let totals = SessionTotals::new(eur(3000), eur(479), eur(599), eur(3599)).unwrap();
    let session = opened(SessionCart::Here(CartId(id()))).patch(patch, second(1)).unwrap();
    let session = session.offer(vec![rate("standard"), rate("express")], second(2)).unwrap();
    session.price(CartHash::of([]), totals, second(3)).unwrap()
}

async fn insert_session(db: &Database, session: &CheckoutSession) -> bool {
    let stored =
        db.write(session.clone(), |tx, session| Box::pin(session::insert(tx, session, second(0))));
    stored.await.unwrap()
}

async fn save_session(db: &Database, session: &CheckoutSession) {
    let saved: Result<(), StoreError> = db
        .write(session.clone(), |tx, session| {
            Box::pin(async move {
                session::lock(tx, session.id).await?.unwrap();
                session::save(tx, session, second(9)).await
            })
        })
        .await;
    saved.unwrap();
}

async fn session_of(db: &Database, id: SessionId, visitor: VisitorId) -> Option<CheckoutSession> {
    let found: Result<_, StoreError> = db
        .store
        .read((id, visitor), |tx, (id, visitor)| Box::pin(session::of_visitor(tx, *id, *visitor)))
        .await;
    found.unwrap()
}

async fn every_state_of_a_session_reads_back_as_it_was_written(db: &Database) {
    let here = Followed::Order(OrderId(id()));
    let client_secret = ClientSecret::new("pi_1_secret").unwrap();
    let order = SessionOrder { id: "aa85".into(), transaction: None, is_free: true };
    let bought = SessionOrder { transaction: Some("3369".into()), is_free: false, ..order.clone() };
    let standings = [
        Standing::Pending { reconciling: true },
        Standing::ActionRequired(Action { reference: "pi_1".into(), client_secret }),
        Standing::Failed { message: "No.".into() },
        Standing::Succeeded(order),
        Standing::Succeeded(bought),
    ];
    let paying = |session: CheckoutSession| session.begin(here, second(4)).unwrap();
    let mut sessions = vec![opened(platform_cart("5f6c")), filled(), paying(filled())];
    let show = |standing| {
        let session = paying(filled());
        let paid_for = session.cart_hash;
        session.show(here, standing, paid_for, second(5))
    };
    sessions.extend(standings.map(show));
    let failed = Standing::Failed { message: "No.".into() };
    sessions.push(filled().expire(second(9_999)));
    sessions.push(show(failed).expire(second(9_999)));
    for session in &sessions {
        assert!(insert_session(db, session).await, "{session:?}");
        assert!(!insert_session(db, session).await, "{session:?}");
        assert_eq!(session_of(db, session.id, session.visitor).await.as_ref(), Some(session));
    }
    // Each is led into each: what the state before held does not stay behind.
    for before in &sessions {
        for after in &sessions {
            let mut same = before.clone();
            same.cart_hash = after.cart_hash;
            same.totals = after.totals;
            let stands = (after.state().clone(), after.expires_at());
            let (form, rates) = (after.form.clone(), after.rates().to_vec());
            let after = CheckoutSession::restore(same, form, rates, stands);
            save_session(db, &after).await;
            assert_eq!(session_of(db, after.id, after.visitor).await, Some(after));
        }
    }
}

fn platform_cart(name: &str) -> SessionCart {
    SessionCart::Platform(name.parse().unwrap())
}

async fn the_session_of_another_visitor_is_not_found(db: &Database) {
    let session = filled();
    insert_session(db, &session).await;
    assert_eq!(session_of(db, session.id, VisitorId(id())).await, None);
    let locked: Result<_, StoreError> = db
        .write(session.id, |tx, id| {
            Box::pin(session::lock_of_visitor(tx, *id, VisitorId(uuid::Uuid::nil())))
        })
        .await;
    assert_eq!(locked.unwrap(), None);
}

async fn the_sessions_that_follow_a_payment_are_found(db: &Database) {
    let order = Followed::Order(OrderId(id()));
    let purchase = Followed::Purchase(PurchaseId(id()));
    let first = filled().begin(order, second(4)).unwrap();
    let second_one = filled().begin(order, second(4)).unwrap();
    let other = filled().begin(purchase, second(4)).unwrap();
    for session in [&first, &second_one, &other, &filled()] {
        insert_session(db, session).await;
    }
    let following = |followed: Followed| {
        db.write(followed, |tx, followed| Box::pin(session::lock_following(tx, *followed)))
    };
    let found: Vec<_> =
        following(order).await.unwrap().into_iter().map(|session| session.id).collect();
    let mut expected = vec![first.id, second_one.id];
    expected.sort();
    assert_eq!(found, expected);
    assert_eq!(following(purchase).await.unwrap(), [other]);
}

async fn only_open_sessions_whose_time_is_over_are_overdue(db: &Database) {
    let (open, later) = (opened(platform_cart("a")), filled());
    let paying = opened(platform_cart("b")).begin(Followed::Order(OrderId(id())), second(0));
    for session in [&open, &later, &paying.unwrap()] {
        insert_session(db, session).await;
    }
    let overdue = async |now: i64| -> Option<Timestamp> {
        let read = db.store.read(now, |tx, now| Box::pin(session::overdue(tx, second(*now), 9)));
        let overdue: Result<_, StoreError> = read.await;
        overdue.unwrap()
    };
    assert_eq!(overdue(1_799).await, None);
    assert_eq!(overdue(1_801).await, Some(open.expires_at()));
    let expire = db.write((), |tx, ()| Box::pin(session::expire(tx, second(1_801), second(1_801))));
    assert_eq!(expire.await.unwrap(), 1);
    let expired = session_of(db, open.id, open.visitor).await.unwrap();
    assert_eq!(expired, open.expire(second(1_801)));
    assert_eq!(overdue(1_801).await, None);
}

async fn sessions_end_in_batches_that_begin_with_the_longest_overdue(db: &Database) {
    let cart = |n: i64| platform_cart(&format!("c{n}"));
    for n in 0..5 {
        let mut session = opened(cart(n));
        let (hash, totals) = (session.cart_hash, filled().totals.unwrap());
        session = session.price(hash, totals, second(n)).unwrap();
        insert_session(db, &session).await;
    }
    for (limit, ended) in [(2, 2), (9, 3), (9, 0)] {
        let batch = db.write(limit, |tx, limit| {
            Box::pin(async move {
                match session::overdue(tx, second(9_000), *limit).await? {
                    Some(then) => session::expire(tx, then, second(9_000)).await,
                    None => Ok(0),
                }
            })
        });
        assert_eq!(batch.await.unwrap(), ended);
    }
}

async fn sessions_that_are_over_are_deleted_once_their_payment_is_at_rest(db: &Database) {
    let over = async |state: &Purchase| {
        let id = Followed::Purchase(state.terms.id);
        let session = opened(platform_cart(state.terms.cart.as_str()));
        let (begun, paid_for) = (session.clone().begin(id, second(1)).unwrap(), session.cart_hash);
        let shown = begun.show(id, state.standing(), paid_for, second(2));
        insert_session(db, &shown).await;
        shown
    };
    // One that nobody has paid, one whose cart is still there, one that is done with.
    let expired = opened(platform_cart("x")).expire(second(9_000));
    insert_session(db, &expired).await;
    let mut kept = Vec::new();
    for purchase in purchases() {
        insert(db, &purchase).await;
        let session = over(&purchase).await;
        let is_over = matches!(session.state().name(), "complete" | "expired");
        if !is_over || purchase.due(second(3)).is_some() {
            kept.push(session);
        }
    }
    let began = opened(platform_cart("y")).expire(second(9_000));
    let mut live = charging("cart-y");
    live.terms.session = began.id;
    insert(db, &live).await;
    insert_session(db, &began).await;
    kept.push(began);

    let delete = async |then: i64| {
        let batch = db.write(then, |tx, then| {
            Box::pin(async move {
                match session::over(tx, second(*then), 99).await? {
                    Some(then) => session::delete(tx, then).await,
                    None => Ok(0),
                }
            })
        });
        batch.await.unwrap()
    };
    assert_eq!(delete(-1).await, 0, "not so long ago");
    assert!(delete(9_001).await >= 2);
    assert_eq!(session_of(db, expired.id, expired.visitor).await, None);
    for session in kept {
        let there = session_of(db, session.id, session.visitor).await;
        assert_eq!(there.as_ref(), Some(&session), "{}", session.state().name());
    }
    assert_eq!(delete(9_001).await, 0);
}

fn terms(cart: &str, amount: i64) -> Terms {
    let account = Account { account: "acc-1".parse().unwrap(), member: "mem-1".parse().unwrap() };
    Terms {
        id: PurchaseId(id()),
        visitor: VisitorId(id()),
        session: SessionId(id()),
        cart: cart.parse().unwrap(),
        cart_hash: CartHash::of([("a", 1, amount)]),
        amount: eur(amount),
        buyer: Buyer {
            customer: Customer::new("Jörg Müller", "joerg@example.org").unwrap(),
            billing_address: address("b"),
            shipping_address: address("s"),
            account: Some(account),
        },
        attributes: noted(),
        created_at: second(0),
    }
}

fn created(cart: &str) -> Purchase {
    Purchase::new(terms(cart, 3599), Some(PayToken::new("ctoken_1").unwrap())).unwrap()
}

fn charging(cart: &str) -> Purchase {
    created(cart).charge(second(1)).unwrap()
}

fn charge(payment: &str) -> ChargeNews {
    ChargeNews::Succeeded { payment: payment.parse().unwrap(), amount: eur(3599) }
}

fn order(name: &str) -> OrderNews {
    OrderNews { order: name.parse().unwrap(), total: eur(3599) }
}

/// A purchase in each state; the number keeps carts, payments and orders apart.
fn purchases() -> Vec<Purchase> {
    let secret = || ClientSecret::new("pi_1_secret").unwrap();
    let cart = |n: usize| format!("cart-{n}");
    let pay = |n: usize| charging(&cart(n)).hear_charge(charge(&format!("pi_{n}")), second(2));
    let ordering = |n: usize| pay(n).check_out(second(3)).unwrap();
    let ordered = |n: usize| ordering(n).hear_order(order(&format!("o-{n}")), second(4));
    let confirming = |n: usize| ordered(n).confirm(second(5)).unwrap();
    let paid = || Settlement::Paid { transaction: "t-1".parse().unwrap(), amount: eur(3599) };
    let confirmed = |n: usize| confirming(n).hear_settlement(paid(), second(6));
    let challenged = |n: usize| {
        let payment = format!("pi_{n}").parse().unwrap();
        let news =
            ChargeNews::RequiresAction { payment, amount: eur(3599), client_secret: secret() };
        charging(&cart(n)).hear_charge(news, second(2))
    };
    let processing = |n: usize| {
        let payment = format!("pi_{n}").parse().unwrap();
        charging(&cart(n))
            .hear_charge(ChargeNews::Processing { payment, amount: eur(3599) }, second(2))
    };
    let pending = |n: usize, client_secret| {
        let news = Settlement::Pending { transaction: "t-1".parse().unwrap(), client_secret };
        let closing = challenged(n).abandon(Closing::ThroughOrder).unwrap();
        let ordered = closing.check_out(second(3)).unwrap();
        let ordered = ordered.hear_order(order(&format!("o-{n}")), second(4));
        ordered.confirm(second(5)).unwrap().hear_settlement(news, second(6))
    };
    let tidied = |n: usize| {
        let purchase = confirmed(n).tidy(Tidied::Noted, second(7));
        let purchase = purchase.tidy(Tidied::Detached, second(7));
        let purchase = purchase.tidy(Tidied::Dissociated, second(7));
        purchase.tidy(Tidied::Cart(CartsEnd::Kept), second(7))
    };
    let twice = |n: usize| {
        let again = ordering(n).lose_answer().check_out(second(200)).unwrap();
        let ordered = again.hear_order(order(&format!("o-{n}")), second(201));
        let confirmed = ordered.confirm(second(202)).unwrap().hear_settlement(paid(), second(203));
        confirmed.tidy(Tidied::Cart(CartsEnd::Deleted), second(204))
    };
    let free = |n: usize| Purchase::new(terms(&cart(n), 0), None).unwrap();
    let free_order = |n: usize| OrderNews { total: eur(0), ..order(&format!("o-{n}")) };
    let refused = || ChargeNews::Refused { message: "No.".into() };
    vec![
        created(&cart(0)),
        charging(&cart(1)),
        charging(&cart(2)).lose_answer().charge_again(second(99)).unwrap().lose_answer(),
        challenged(3),
        challenged(4).abandon(Closing::ByWatching).unwrap(),
        processing(5),
        pay(6),
        ordering(7),
        ordered(8),
        confirming(9),
        pending(10, Some(secret())),
        pending(11, None),
        pending(12, None).cancel(second(7)).unwrap(),
        confirmed(13),
        twice(14),
        tidied(15),
        charging(&cart(16)).hear_charge(refused(), second(2)),
        created(&cart(17)).give_up(Abandonment::TooLate, second(60)).unwrap(),
        charging(&cart(18)).call_person(Matter::ChargeUnknown, second(300)),
        pay(19).call_person(Matter::CartChanged, second(300)),
        confirming(20).call_person(Matter::ConfirmUnknown, second(300)),
        free(21),
        free(22).order_free(second(1)).unwrap(),
        free(23).order_free(second(1)).unwrap().hear_order(free_order(23), second(2)),
        free(24).order_free(second(1)).unwrap().call_person(Matter::CheckoutUnknown, second(300)),
    ]
}

async fn insert(db: &Database, purchase: &Purchase) -> Inserted {
    let stored =
        db.write(purchase.clone(), |tx, purchase| Box::pin(purchase::insert(tx, purchase)));
    stored.await.unwrap()
}

async fn load(db: &Database, purchase: &Purchase) -> Stored {
    let found: Result<_, StoreError> =
        db.store.read(purchase.terms.id, |tx, id| Box::pin(purchase::by_id(tx, *id))).await;
    found.unwrap().unwrap()
}

async fn advance(db: &Database, before: &Stored, after: &Purchase, change: uuid::Uuid) -> bool {
    let input = (before.clone(), after.clone(), change);
    let moved = db.write(input, |tx, (before, after, change)| {
        Box::pin(purchase::transition(tx, before, after, *change, second(9)))
    });
    moved.await.unwrap()
}

async fn every_state_of_a_purchase_reads_back_as_it_was_written(db: &Database) {
    for after in &purchases() {
        // Stored as it is, it reads back.
        assert_eq!(insert(db, after).await, Inserted::New, "{after:?}");
        assert_eq!(insert(db, after).await, Inserted::AlreadyMine, "{after:?}");
        let stored = load(db, after).await;
        assert_eq!((&stored.purchase, stored.revision), (after, 0));
        assert_eq!(stored.due_at, after.due(second(0)));
        let live: Result<_, StoreError> = db
            .store
            .read(after.terms.cart.clone(), |tx, cart| Box::pin(purchase::live_of_cart(tx, cart)))
            .await;
        assert_eq!(live.unwrap(), after.is_live().then_some(stored));
    }
    // Led there from its beginning, it reads back too, and nothing of the token stays behind.
    for (number, after) in purchases().into_iter().enumerate() {
        db.behind("delete from purchases").await;
        let cart = after.terms.cart.as_str().to_owned();
        let amount = after.terms.amount.minor();
        let token = (amount > 0).then(|| PayToken::new("ctoken_1").unwrap());
        let first = Purchase::new(terms(&cart, amount), token).unwrap();
        insert(db, &first).await;
        let after = Purchase::restore(first.terms.clone(), after.progress().clone());
        assert!(advance(db, &load(db, &first).await, &after, id()).await, "{number}");
        let stored = load(db, &after).await;
        assert_eq!((&stored.purchase, stored.revision), (&after, 1));
        assert_eq!(stored.due_at, after.due(second(9)));
    }
}

async fn a_cart_has_one_live_purchase(db: &Database) {
    let first = charging("5f6c");
    assert_eq!(insert(db, &first).await, Inserted::New);
    assert_eq!(insert(db, &created("5f6c")).await, Inserted::CartHasAnother);
    assert_eq!(insert(db, &created("5F6C")).await, Inserted::New, "case tells carts apart");
    let refused = ChargeNews::Refused { message: "No.".into() };
    let declined = first.clone().hear_charge(refused, second(2));
    assert!(advance(db, &load(db, &first).await, &declined, id()).await);
    let next = created("5f6c");
    assert_eq!(insert(db, &next).await, Inserted::New);
    let last: Result<_, StoreError> = db
        .store
        .read(next.terms.cart.clone(), |tx, cart| Box::pin(purchase::last_of_cart(tx, cart)))
        .await;
    let last = last.unwrap().unwrap().purchase.terms.id;
    assert!([first.terms.id, next.terms.id].contains(&last));
}

async fn two_purchases_of_a_cart_at_once_are_one(db: &Database) {
    let purchases: Vec<_> = (0..8).map(|_| created("5f6c")).collect();
    let inserted = join_all(purchases.iter().map(|purchase| insert(db, purchase))).await;
    assert_eq!(inserted.iter().filter(|one| **one == Inserted::New).count(), 1);
    assert_eq!(inserted.iter().filter(|one| **one == Inserted::CartHasAnother).count(), 7);
}

async fn a_purchase_is_moved_only_from_where_it_was_seen(db: &Database) {
    let first = charging("5f6c");
    insert(db, &first).await;
    let seen = load(db, &first).await;
    let charged = first.clone().hear_charge(charge("pi_1"), second(2));
    let moves = (0..6).map(|_| advance(db, &seen, &charged, id()));
    let moved = join_all(moves).await.into_iter().filter(|moved| *moved).count();
    assert_eq!(moved, 1);
    assert!(!advance(db, &seen, &first.lose_answer(), id()).await);
    assert_eq!(load(db, &charged).await.purchase, charged);
}

async fn a_move_whose_commit_was_lost_is_known_again(db: &Database) {
    let first = charging("5f6c");
    insert(db, &first).await;
    let seen = load(db, &first).await;
    let charged = first.hear_charge(charge("pi_1"), second(2));
    let change = id();
    assert!(advance(db, &seen, &charged, change).await);
    assert!(advance(db, &seen, &charged, change).await, "it is run again");
    assert_eq!(load(db, &charged).await.revision, 1);
}

async fn one_payment_is_one_purchases(db: &Database) {
    let first = charging("a").hear_charge(charge("pi_1"), second(2));
    insert(db, &first).await;
    let other = charging("b");
    insert(db, &other).await;
    let found: Result<_, StoreError> = db
        .store
        .read((), |tx, ()| {
            Box::pin(async move { purchase::by_payment(tx, &"pi_1".parse().unwrap()).await })
        })
        .await;
    assert_eq!(found.unwrap().unwrap().purchase, first);
    let taken = other.clone().hear_charge(charge("pi_1"), second(2));
    let input = (load(db, &other).await, taken);
    let moved: Result<bool, StoreError> = db
        .write(input, |tx, (before, after)| {
            Box::pin(purchase::transition(tx, before, after, uuid::Uuid::nil(), second(9)))
        })
        .await;
    assert!(matches!(moved, Err(StoreError::Duplicate { .. })), "{moved:?}");
}

async fn due_purchases_are_claimed_by_one_worker(db: &Database) {
    let purchases: Vec<_> = (0..6).map(|n| created(&format!("cart-{n}"))).collect();
    for purchase in &purchases {
        insert(db, purchase).await;
    }
    let claim = |now: i64| {
        let lease = Lease { token: id(), until: second(now + 60) };
        db.write((now, lease), |tx, (now, lease)| {
            Box::pin(purchase::claim_due(tx, second(*now), lease, 9))
        })
    };
    assert!(claim(59).await.unwrap().is_empty(), "whoever made it is at it");
    let count: Result<_, StoreError> =
        db.store.read((), |tx, ()| Box::pin(purchase::overdue_count(tx, second(60)))).await;
    assert_eq!(count.unwrap(), 6);
    let claims = join_all((0..3).map(|_| claim(60))).await;
    let mut claimed: Vec<_> = claims.into_iter().flat_map(Result::unwrap).collect();
    claimed.sort();
    let mut ids: Vec<_> = purchases.iter().map(|purchase| purchase.terms.id).collect();
    ids.sort();
    assert_eq!(claimed, ids);
    assert!(claim(119).await.unwrap().is_empty());
    assert_eq!(claim(120).await.unwrap().len(), 6, "the lease of a worker that died is over");
}
