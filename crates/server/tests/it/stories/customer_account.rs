//! What belongs to a customer: her name, her password, her address, and where her goods go.

use serde_json::{Value, json};
use storage::StoreError;

use super::customer::{
    ADA, PASSWORD, letter, login, me, register, sign_up, token, verify, with_mail,
};
use crate::{
    guest::{Guest, Reply, address},
    shop::{Shop, stories},
};

storage::statements! {
    LETTERS = "select count(*) as letters from customer_letters";
}

/// How many letters to customers are kept, with what their accounts were to be made of.
async fn left_of_letters(shop: &Shop) -> i64 {
    let read = shop.cx.store.read((), |tx, ()| {
        Box::pin(async move {
            let row = tx.query_opt(&LETTERS, &[]).await?;
            row.map_or(Ok(0), |row| row.read("customer_letters").int("letters"))
        })
    });
    let left: Result<i64, StoreError> = read.await;
    left.unwrap()
}

/// An address with every field.
fn office() -> Value {
    json!({
        "name": "Ada Beispiel", "company": "Analytical Engines AG", "street": "Seeweg 2",
        "postalCode": "8001", "city": "Zürich", "country": "CH", "phone": "+41 44 000 00 00",
    })
}

async fn change(guest: &Guest<'_>, body: Value) -> Reply {
    guest.patch("/api/customers/me", body).await
}

async fn keep(guest: &Guest<'_>, body: Value) -> Reply {
    guest.post("/api/customers/me/addresses", body).await
}

fn path(reply: &Reply, at: usize) -> String {
    let id = reply.body["addresses"][at]["id"].as_str().unwrap();
    format!("/api/customers/me/addresses/{id}")
}

/// Which of her addresses is the one, by its town.
fn defaults(reply: &Reply) -> Vec<&str> {
    let all = reply.body["addresses"].as_array().unwrap().iter();
    all.filter(|one| one["isDefault"] == true).map(|one| one["city"].as_str().unwrap()).collect()
}

stories! {
    async fn a_customer_says_who_she_is_and_what_she_wants_to_hear(shop: Shop) {
        let mut shop = shop;
        let mail = with_mail(&mut shop).await;
        let ada = shop.guest();
        sign_up(&ada, &mail, ADA).await;
        assert_eq!(me(&ada).await.body["acceptsMarketing"], false);

        let said = json!({
            "name": "Ada", "acceptsMarketing": true, "marketingText": "Tell me of new mugs.",
        });
        let changed = change(&ada, said).await;

        assert_eq!(changed.status, 200, "{changed}");
        assert_eq!(changed.body["name"], "Ada");
        assert_eq!(changed.body["marketingText"], "Tell me of new mugs.");
        let since: jiff::Timestamp =
            changed.body["marketingSince"].as_str().unwrap().parse().unwrap();
        assert!(since <= shop.cx.clock.now());
        assert_eq!(change(&ada, json!({})).await.text, changed.text);
        let less = change(&ada, json!({ "name": "", "acceptsMarketing": false })).await;
        assert_eq!(less.body["acceptsMarketing"], false);
        for gone in ["name", "marketingText", "marketingSince"] {
            assert_eq!(less.body[gone], Value::Null, "{gone}");
        }
        let silent = change(&ada, json!({ "acceptsMarketing": true })).await;
        assert_eq!((silent.status, &silent.body["error"]["details"]["field"]),
            (400, &json!("marketingText")));
        shop.close().await;
    }

    async fn a_password_is_changed_by_whoever_knows_the_old_one_and_ends_other_sign_ins(shop: Shop) {
        let mut shop = shop;
        let mail = with_mail(&mut shop).await;
        let (ada, elsewhere) = (shop.guest(), shop.guest());
        sign_up(&ada, &mail, ADA).await;
        login(&elsewhere, ADA, PASSWORD).await;
        let new = "an entirely new one";
        for wrong in [json!({}), json!({ "password": "not her password" })] {
            let mut body = wrong;
            body["newPassword"] = json!(new);
            let refused = change(&elsewhere, body).await;
            assert_eq!((refused.status, &refused.body["error"]["code"]), (400, &json!("request.invalid")));
            assert_eq!(refused.body["error"]["details"]["field"], "password");
        }

        let changed = change(&ada, json!({ "newPassword": new, "password": PASSWORD })).await;

        assert_eq!(changed.status, 200, "{changed}");
        assert_eq!(me(&ada).await.status, 200);
        assert_eq!(me(&elsewhere).await.status, 401);
        assert_eq!(login(&elsewhere, ADA, PASSWORD).await.status, 401);
        assert_eq!(login(&elsewhere, ADA, new).await.status, 200);
        let told = letter(&shop, &mail, 2).await;
        assert_eq!(told.header("Subject"), "Your account at Till has changed");
        shop.close().await;
    }

    async fn a_new_address_counts_once_it_is_proven_and_the_old_one_is_told(shop: Shop) {
        let mut shop = shop;
        let mail = with_mail(&mut shop).await;
        let ada = shop.guest();
        sign_up(&ada, &mail, ADA).await;
        assert_eq!(change(&ada, json!({ "email": "ada@new.example" })).await.status, 400);

        let body = json!({ "email": "ada@new.example", "password": PASSWORD });
        let asked = change(&ada, body).await;

        assert_eq!((asked.status, &asked.body["email"]), (200, &json!(ADA)));
        let asking = letter(&shop, &mail, 2).await;
        assert_eq!(asking.to, "<ada@new.example>");
        let elsewhere = shop.guest();
        assert_eq!(login(&elsewhere, ADA, PASSWORD).await.status, 200);
        // Whoever reads that mailbox may be somebody else, who does not know her password.
        let stranger = shop.guest();
        assert_eq!(verify(&stranger, &token(&asking), "not her password").await.status, 401);
        assert_eq!(login(&stranger, "ada@new.example", PASSWORD).await.status, 401);
        let proven = verify(&ada, &token(&asking), PASSWORD).await;
        assert_eq!((proven.status, &proven.body["email"]), (200, &json!("ada@new.example")));
        assert_eq!((me(&ada).await.status, me(&elsewhere).await.status), (200, 401));
        let told = letter(&shop, &mail, 3).await;
        assert_eq!(told.to, "<ada@example.org>");
        // For the old address nobody can choose another password.
        assert!(told.decoded().contains("If it was not you, write to us at once."));
        assert_eq!(told.header("Subject"), "Your account at Till has changed");
        assert_eq!(login(&stranger, ADA, PASSWORD).await.status, 401);
        assert_eq!(login(&stranger, "ada@new.example", PASSWORD).await.status, 200);
        assert_eq!(verify(&ada, &token(&asking), PASSWORD).await.status, 404);
        shop.close().await;
    }

    async fn the_address_of_another_account_is_taken_over_by_nobody(shop: Shop) {
        let mut shop = shop;
        let mail = with_mail(&mut shop).await;
        let (ada, eve) = (shop.guest(), shop.guest());
        sign_up(&ada, &mail, ADA).await;
        sign_up(&eve, &mail, "eve@example.org").await;

        let asked = change(&eve, json!({ "email": ADA, "password": PASSWORD })).await;

        assert_eq!((asked.status, &asked.body["email"]), (200, &json!("eve@example.org")));
        let told = letter(&shop, &mail, 3).await;
        assert_eq!((&*told.to, told.header("Subject")),
            ("<ada@example.org>", "You have an account at Till"));

        // Asked for while it was free, and proven when it no longer is.
        change(&eve, json!({ "email": "bob@example.org", "password": PASSWORD })).await;
        let asking = letter(&shop, &mail, 4).await;
        sign_up(&shop.guest(), &mail, "bob@example.org").await;
        assert_eq!(verify(&eve, &token(&asking), PASSWORD).await.status, 404);
        assert_eq!(me(&eve).await.body["email"], "eve@example.org");
        shop.close().await;
    }

    async fn a_customer_keeps_addresses_and_one_of_them_is_her_first(shop: Shop) {
        let mut shop = shop;
        let mail = with_mail(&mut shop).await;
        let ada = shop.guest();
        sign_up(&ada, &mail, ADA).await;
        change(&ada, json!({ "name": "Ada", "acceptsMarketing": true, "marketingText": "Yes" })).await;

        let mut first = address();
        first["isDefault"] = json!(false);
        let one = keep(&ada, first).await;
        assert_eq!((one.status, defaults(&one)), (200, vec!["Berlin"]));
        let two = keep(&ada, office()).await;
        assert_eq!(defaults(&two), ["Berlin"]);
        assert_eq!(two.body["addresses"][1]["company"], "Analytical Engines AG");

        let mut preferred = office();
        preferred["isDefault"] = json!(true);
        preferred["street"] = json!("Seeweg 3");
        let moved = ada.patch(&path(&two, 1), preferred).await;
        assert_eq!((moved.status, defaults(&moved)), (200, vec!["Zürich"]));
        assert_eq!(moved.body["addresses"][1]["street"], "Seeweg 3");
        assert_eq!(me(&ada).await.text, moved.text);
        let third = keep(&ada, {
            let mut third = office();
            third["city"] = json!("Bern");
            third["isDefault"] = json!(true);
            third
        }).await;
        assert_eq!(defaults(&third), ["Bern"]);

        let left = ada.delete(&path(&third, 2)).await;
        assert_eq!((left.status, defaults(&left)), (200, vec!["Berlin"]));
        assert_eq!(ada.delete(&path(&third, 2)).await.status, 404);
        // All of it is hers wherever she signs in, and by whichever link.
        let elsewhere = shop.guest();
        assert_eq!(login(&elsewhere, ADA, PASSWORD).await.text, left.text);
        change(&ada, json!({ "email": "ada@new.example", "password": PASSWORD })).await;
        let asking = letter(&shop, &mail, 2).await;
        let proven = verify(&elsewhere, &token(&asking), PASSWORD).await;
        assert_eq!(proven.body["addresses"], left.body["addresses"]);
        shop.close().await;
    }

    async fn nobody_touches_anothers_addresses(shop: Shop) {
        let mut shop = shop;
        let mail = with_mail(&mut shop).await;
        let (ada, eve) = (shop.guest(), shop.guest());
        sign_up(&ada, &mail, ADA).await;
        sign_up(&eve, &mail, "eve@example.org").await;
        let kept = keep(&ada, address()).await;

        let hers = path(&kept, 0);
        for wrong in [&*hers, "/api/customers/me/addresses/x"] {
            for refused in [eve.patch(wrong, office()).await, eve.delete(wrong).await] {
                assert_eq!((refused.status, &refused.body["error"]["code"]),
                    (404, &json!("address.notFound")));
            }
        }
        assert_eq!(me(&ada).await.text, kept.text);
        shop.close().await;
    }

    async fn an_account_that_is_deleted_leaves_its_orders_and_nothing_else(shop: Shop) {
        let mut shop = shop;
        let mail = with_mail(&mut shop).await;
        let (ada, elsewhere) = (shop.guest_with_cart([("gift", 1)]).await, shop.guest());
        let order = ada.ask_intent().await.body["orderId"].as_str().unwrap().to_owned();
        let order = format!("/api/orders/{order}");
        letter(&shop, &mail, 1).await;
        sign_up(&ada, &mail, ADA).await;
        login(&elsewhere, ADA, PASSWORD).await;
        keep(&ada, address()).await;
        ada.post("/api/customers/reset", json!({ "email": ADA })).await;
        letter(&shop, &mail, 3).await;
        let body = json!({ "password": "not her password" }).to_string();
        let delete = |guest: &Guest<'_>, body: String| {
            let cookie = guest.cookie();
            let shop = &shop;
            async move {
                let guest = Guest::returning(shop, cookie);
                guest.send(http::Method::DELETE, "/api/customers/me", Some(body), &[]).await
            }
        };
        assert_eq!(delete(&ada, body).await.status, 400);

        let gone = delete(&ada, json!({ "password": PASSWORD }).to_string()).await;

        assert_eq!(gone.status, 204, "{gone}");
        for guest in [&ada, &elsewhere] {
            assert_eq!(me(guest).await.status, 401);
        }
        assert_eq!(login(&ada, ADA, PASSWORD).await.status, 401);
        assert_eq!(left_of_letters(&shop).await, 0);
        // The browser that made the order sees it as before, and nobody's name is on it.
        assert_eq!(ada.get(&order).await.body["customer"], json!({ "email": ADA }));
        assert_eq!(elsewhere.get(&order).await.status, 404);
        // Who proves the mailbox again has the order again.
        register(&elsewhere, ADA, PASSWORD).await;
        verify(&elsewhere, &token(&letter(&shop, &mail, 4).await), PASSWORD).await;
        assert_eq!(elsewhere.get(&order).await.status, 200);
        assert_eq!(me(&elsewhere).await.body["addresses"], json!([]));
        shop.close().await;
    }
}
