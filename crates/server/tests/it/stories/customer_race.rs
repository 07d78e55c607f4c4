//! Customers and their accounts while two things happen at once.

use std::{pin::pin, sync::Arc, time::Duration};

use domain::id::CustomerId;
use http::Method;
use serde_json::json;
use storage::{StoreError, customer, customer_order};
use tokio::sync::{Notify, Semaphore};

use super::customer::{ADA, PASSWORD, code, letter, login, me, sign_up, token, verify, with_mail};
use crate::{
    guest::{Guest, Reply},
    shop::{Shop, stories},
    smtp::MailServer,
};

/// Two requests, each with a password: the second has read what it compares hers with before the first
/// changes that, and goes on when the first is over.
async fn overtaken(
    shop: &Shop,
    first: impl Future<Output = Reply>,
    second: impl Future<Output = Reply>,
) -> (Reply, Reply) {
    let passwords = &shop.cx.accounts.passwords;
    let (turns, seats) = (&passwords.turns, &passwords.seats);
    let (all, free) = (turns.available_permits(), seats.available_permits());
    let all = u32::try_from(all).unwrap();
    let waiting = async |count| {
        shop.until("they wait", || async { seats.available_permits() + count == free }).await;
    };
    let (first_waits, first_is_over) = (Notify::new(), Notify::new());
    let every_turn = turns.acquire_many(all).await.unwrap();
    let first = async {
        let reply = first.await;
        first_is_over.notify_one();
        reply
    };
    let second = async {
        first_waits.notified().await;
        second.await
    };
    let between = async {
        waiting(1).await;
        let mut between = pin!(turns.acquire_many(all));
        assert!(futures::poll!(between.as_mut()).is_pending());
        first_waits.notify_one();
        waiting(2).await;
        drop(every_turn);
        let between = between.await.unwrap();
        first_is_over.notified().await;
        drop(between);
    };
    let (first, second, ()) = tokio::join!(first, second, between);
    (first, second)
}

/// The link by which another password can be chosen, when so many letters have come before.
async fn reset_link(ada: &Guest<'_>, mail: &MailServer) -> String {
    let before = mail.received().len();
    ada.post("/api/customers/reset", json!({ "email": ADA })).await;
    token(&letter(ada.shop, mail, before + 1).await)
}

async fn finish(guest: &Guest<'_>, token: &str, password: &str) -> Reply {
    let body = json!({ "token": token, "password": password });
    guest.post("/api/customers/reset/finish", body).await
}

storage::statements! {
    DEAD = "select count(*) as orders from customer_orders where customer_id is not null \
        and not exists (select 1 from customers where customers.id = customer_orders.customer_id)";
}

/// How many orders are those of customers who are not there.
async fn orders_of_the_dead(shop: &Shop) -> i64 {
    let read = shop.cx.store.read((), |tx, ()| {
        Box::pin(async move {
            let row = tx.query_opt(&DEAD, &[]).await?;
            row.map_or(Ok(0), |row| row.read("customer_orders").int("orders"))
        })
    });
    let dead: Result<i64, StoreError> = read.await;
    dead.unwrap()
}

/// As an account is deleted, but that the last of it waits for a permit.
async fn leave(shop: &Shop, customer: CustomerId, [begun, may_end]: [Arc<Semaphore>; 2]) {
    let write = shop.cx.store.write((customer, begun, may_end), |tx, (id, begun, may_end)| {
        Box::pin(async move {
            customer::lock(tx, *id).await?;
            customer_order::release(tx, *id).await?;
            customer::delete(tx, *id).await?;
            begun.add_permits(1);
            let _permit = may_end.acquire().await;
            Ok(())
        })
    });
    let left: Result<(), StoreError> = write.await;
    left.unwrap();
}

stories! {
    async fn of_two_who_take_one_free_address_at_once_one_has_it(shop: Shop) {
        let mut shop = shop;
        let mail = with_mail(&mut shop).await;
        let (ada, eve) = (shop.guest(), shop.guest());
        let mut links = Vec::new();
        for (guest, email) in [(&ada, ADA), (&eve, "eve@example.org")] {
            sign_up(guest, &mail, email).await;
            let before = mail.received().len();
            let body = json!({ "email": "free@example.org", "password": PASSWORD });
            assert_eq!(guest.patch("/api/customers/me", body).await.status, 200);
            links.push(token(&letter(&shop, &mail, before + 1).await));
        }
        let (one, other) = tokio::join!(
            verify(&ada, &links[0], PASSWORD),
            verify(&eve, &links[1], PASSWORD),
        );

        let mut said = [code(&one), code(&other)];
        said.sort_unstable();
        assert_eq!(said, [(200, ""), (404, "link.notFound")]);
        shop.close().await;
    }

    async fn an_order_made_while_its_account_goes_is_nobodys(shop: Shop) {
        let mut shop = shop;
        let mail = with_mail(&mut shop).await;
        let ada = shop.guest_with_cart([("gift", 1)]).await;
        sign_up(&ada, &mail, ADA).await;
        let customer = me(&ada).await.body["id"].as_str().unwrap().parse().unwrap();
        // SQLite has one writer, and nothing happens beside it.
        let one_writer = shop.database_url().starts_with("sqlite");
        let [begun, may_end] = [0, usize::from(one_writer)].map(|all| Arc::new(Semaphore::new(all)));
        let order = async {
            let _begun = begun.acquire().await.unwrap();
            let mut order = pin!(ada.ask_intent());
            // Time enough for one that waits for nobody.
            let early = tokio::time::timeout(Duration::from_secs(1), &mut order).await;
            may_end.add_permits(1);
            match early {
                Ok(order) => order,
                Err(_) => order.await,
            }
        };

        let (_, order) =
            tokio::join!(leave(&shop, customer, [begun.clone(), may_end.clone()]), order);

        // Where she is gone first her cart is nobody's; else the order is.
        assert!([200, 400, 409].contains(&order.status), "{order}");
        assert_eq!(orders_of_the_dead(&shop).await, 0);
        shop.close().await;
    }

    async fn a_change_that_is_refused_has_changed_nothing(shop: Shop) {
        let mut shop = shop;
        let mail = with_mail(&mut shop).await;
        let ada = shop.guest();
        sign_up(&ada, &mail, ADA).await;
        let before = me(&ada).await.text;
        let body = json!({
            "name": "Ada", "acceptsMarketing": true, "marketingText": "Tell me of new mugs.",
            "email": "ada@new.example", "password": PASSWORD, "newPassword": "an entirely new one",
        });
        let passwords = &shop.cx.accounts.passwords;
        let (turns, seats) = (&passwords.turns, &passwords.seats);
        let [every_turn, every_seat] =
            [turns, seats].map(|all| u32::try_from(all.available_permits()).unwrap());

        // There is a seat for the hash that is compared, and none for the new one.
        let held = turns.acquire_many(every_turn).await.unwrap();
        let answered = Notify::new();
        let change = async {
            let reply = ada.patch("/api/customers/me", body.clone()).await;
            answered.notify_one();
            reply
        };
        let crowd = async {
            let is_seated = || async { seats.available_permits() < every_seat as usize };
            shop.until("the first waits", is_seated).await;
            let mut crowd = pin!(seats.acquire_many(every_seat));
            assert!(futures::poll!(crowd.as_mut()).is_pending());
            drop(held);
            let _crowd = crowd.await.unwrap();
            answered.notified().await;
        };
        let (refused, ()) = tokio::join!(change, crowd);

        assert_eq!(code(&refused), (429, "rate.limited"));
        assert_eq!(me(&ada).await.text, before);
        shop.quiet().await;
        assert_eq!(mail.received().len(), 1);
        let changed = ada.patch("/api/customers/me", body).await;
        assert_eq!((changed.status, &changed.body["name"]), (200, &json!("Ada")));
        shop.until("both letters come", || async { mail.received().len() == 3 }).await;
        assert_eq!(login(&ada, ADA, "an entirely new one").await.status, 200);
        shop.close().await;
    }

    async fn a_sign_in_that_began_before_the_reset_does_not_outlive_it(shop: Shop) {
        let mut shop = shop;
        let mail = with_mail(&mut shop).await;
        let (ada, thief) = (shop.guest(), shop.guest());
        sign_up(&ada, &mail, ADA).await;
        let link = reset_link(&ada, &mail).await;

        let (reset, sign_in) = overtaken(
            &shop,
            finish(&ada, &link, "an entirely new one"),
            login(&thief, ADA, PASSWORD),
        ).await;

        assert_eq!(reset.status, 204, "{reset}");
        assert_eq!(code(&sign_in), (401, "auth.required"));
        assert_eq!(code(&me(&thief).await), (401, "auth.required"));
        assert_eq!(login(&ada, ADA, "an entirely new one").await.status, 200);
        shop.close().await;
    }

    async fn what_an_old_password_began_before_the_reset_comes_to_nothing(shop: Shop) {
        let mut shop = shop;
        let mail = with_mail(&mut shop).await;
        let (ada, thief) = (shop.guest(), shop.guest());
        sign_up(&ada, &mail, ADA).await;
        let mut known = PASSWORD.to_owned();
        for theft in ["password", "address", "account"] {
            assert_eq!(login(&thief, ADA, &known).await.status, 200);
            let mut proof = String::new();
            if theft == "address" {
                let before = mail.received().len();
                let body = json!({ "email": "thief@example.org", "password": known });
                assert_eq!(thief.patch("/api/customers/me", body).await.status, 200);
                proof = token(&letter(&shop, &mail, before + 1).await);
            }
            let link = reset_link(&ada, &mail).await;
            let new = format!("her {theft} is hers");
            let steal = async {
                match theft {
                    "password" => {
                        let body = json!({ "newPassword": "the thief's own", "password": known });
                        thief.patch("/api/customers/me", body).await
                    }
                    "address" => verify(&thief, &proof, &known).await,
                    _ => {
                        let body = Some(json!({ "password": known }).to_string());
                        thief.send(Method::DELETE, "/api/customers/me", body, &[]).await
                    }
                }
            };

            let before = mail.received().len();
            let (reset, stolen) = overtaken(&shop, finish(&ada, &link, &new), steal).await;

            assert_eq!(reset.status, 204, "{theft}: {reset}");
            assert_eq!(code(&stolen), (401, "auth.required"), "{theft}");
            assert_eq!(login(&ada, ADA, &new).await.status, 200, "{theft}");
            letter(&shop, &mail, before + 1).await;
            known = new;
        }
        shop.close().await;
    }
}
