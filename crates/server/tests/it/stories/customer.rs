//! Signing up, in and out, and forgetting one's password; and nobody else learns who has an account.

use std::time::Duration;

use serde_json::{Value, json};

use crate::{
    guest::{Guest, Reply},
    shop::{Shop, stories},
    smtp::{MailServer, Received, Trouble},
};

pub const PASSWORD: &str = "correct horse battery";
pub const ADA: &str = "ada@example.org";

/// The shop writes letters by this server, as many as a story wants.
pub async fn with_mail(shop: &mut Shop) -> MailServer {
    let (mail, place, _serving) = MailServer::serve().await;
    shop.restart_with([
        ("TILL_MAIL", &*place),
        ("TILL_MAIL_FROM", "Our shop <shop@shop.example>"),
        ("TILL_ACCOUNT_SIGN_INS", "network:10000, email:10000"),
        ("TILL_ACCOUNT_LETTERS", "network:10000, email:10000"),
    ])
    .await;
    mail
}

/// The newest letter, when so many have come.
pub async fn letter(shop: &Shop, mail: &MailServer, count: usize) -> Received {
    shop.until("the letter comes", || async { mail.received().len() >= count }).await;
    let received = mail.received();
    assert_eq!(received.len(), count);
    received.last().unwrap().clone()
}

/// What stands behind `#token=` in a letter.
pub fn token(letter: &Received) -> String {
    let text = letter.decoded();
    let (_, rest) = text.split_once("#token=").unwrap_or_else(|| panic!("no link in {text}"));
    rest.chars().take_while(char::is_ascii_hexdigit).collect()
}

pub async fn register(guest: &Guest<'_>, email: &str, password: &str) -> Reply {
    guest.post("/api/customers", json!({ "email": email, "password": password })).await
}

pub async fn verify(guest: &Guest<'_>, token: &str, password: &str) -> Reply {
    let body = json!({ "token": token, "password": password });
    guest.post("/api/customers/verify", body).await
}

pub async fn login(guest: &Guest<'_>, email: &str, password: &str) -> Reply {
    guest.post("/api/customers/login", json!({ "email": email, "password": password })).await
}

pub async fn me(guest: &Guest<'_>) -> Reply {
    guest.get("/api/customers/me").await
}

/// Signs a guest up and in, by a mailbox that has received so many letters before.
pub async fn sign_up(guest: &Guest<'_>, mail: &MailServer, email: &str) {
    let before = mail.received().len();
    assert_eq!(register(guest, email, PASSWORD).await.status, 204);
    let letter = letter(guest.shop, mail, before + 1).await;
    let reply = verify(guest, &token(&letter), PASSWORD).await;
    assert_eq!(reply.status, 200, "{reply}");
}

/// The value of a cookie that the guest keeps.
fn kept(guest: &Guest<'_>, name: &str) -> String {
    let cookies = guest.cookie().unwrap();
    let mut pairs = cookies.split("; ").filter_map(|pair| pair.split_once('='));
    pairs.find(|(known, _)| *known == name).unwrap_or_else(|| panic!("no {name}")).1.to_owned()
}

pub fn code(reply: &Reply) -> (u16, &str) {
    (reply.status, reply.body["error"]["code"].as_str().unwrap_or_default())
}

stories! {
    async fn an_account_is_made_by_the_link_in_a_letter_and_the_password_of_whoever_asked(shop: Shop) {
        let mut shop = shop;
        let mail = with_mail(&mut shop).await;
        let guest = shop.guest();

        let body = json!({ "email": ADA, "password": PASSWORD, "name": " Ada " });
        let asked = guest.post("/api/customers", body).await;

        assert_eq!((asked.status, &*asked.text), (204, ""));
        assert_eq!(code(&login(&guest, ADA, PASSWORD).await), (401, "auth.required"));
        let letter = letter(&shop, &mail, 1).await;
        assert_eq!(letter.to, "<ada@example.org>");
        assert_eq!(letter.header("Subject"), "Confirm your address for Till");
        assert!(letter.text.contains("text/html"), "{}", letter.text);
        let token = token(&letter);
        assert!(letter.decoded().contains(&format!("{}/account/confirm#token={token}", shop.url)));
        let wrong = verify(&guest, &token, "another password").await;
        assert_eq!(code(&wrong), (401, "auth.required"));
        let other = shop.guest();
        let confirmed = verify(&other, &token, PASSWORD).await;
        assert_eq!(confirmed.status, 200, "{confirmed}");
        assert_eq!((&confirmed.body["email"], &confirmed.body["name"]), (&json!(ADA), &json!("Ada")));
        assert_eq!(me(&other).await.text, confirmed.text);
        assert_eq!(code(&me(&guest).await), (401, "auth.required"));
        assert_eq!(code(&verify(&guest, &token, PASSWORD).await), (404, "link.notFound"));
        shop.close().await;
    }

    async fn whether_an_address_has_an_account_is_told_to_its_mailbox_alone(shop: Shop) {
        let mut shop = shop;
        let mail = with_mail(&mut shop).await;
        let ada = shop.guest();
        sign_up(&ada, &mail, ADA).await;
        let eve = shop.guest();
        eve.get("/api/cart").await;

        let known = register(&eve, "ADA@Example.org", "a password of eve's").await;
        let letter = letter(&shop, &mail, 2).await;
        let unknown = register(&eve, "nobody@example.org", "a password of eve's").await;
        shop.until("it comes", || async { mail.received().len() == 3 }).await;

        let answer = |reply: &Reply| {
            let names: Vec<_> = reply.headers.keys().map(|name| name.as_str().to_owned()).collect();
            (reply.status, reply.text.clone(), names)
        };
        assert_eq!(answer(&known), answer(&unknown));
        assert_eq!(letter.header("Subject"), "You have an account at Till");
        assert!(!letter.text.contains("token"), "{}", letter.text);
        let known = login(&eve, ADA, "a password of eve's").await;
        let pending = login(&eve, "nobody@example.org", "a password of eve's").await;
        let unknown = login(&eve, "bob@example.org", "a password of eve's").await;
        assert_eq!(code(&known), (401, "auth.required"));
        assert_eq!(answer(&known), answer(&pending));
        assert_eq!(answer(&known), answer(&unknown));
        let reset = |email: &'static str| eve.post("/api/customers/reset", json!({ "email": email }));
        let (unknown, known) = (reset("bob@example.org").await, reset(ADA).await);
        assert_eq!(answer(&known), answer(&unknown));
        shop.until("one comes", || async { mail.received().len() == 4 }).await;
        shop.advance(Duration::from_secs(60));
        shop.quiet().await;
        assert_eq!(mail.received().last().unwrap().to, "<ada@example.org>");
        assert_eq!(mail.received().len(), 4);
        shop.close().await;
    }

    async fn who_signs_up_with_somebody_elses_address_gets_nothing_by_her_click(shop: Shop) {
        let mut shop = shop;
        let mail = with_mail(&mut shop).await;
        let (eve, ada) = (shop.guest(), shop.guest());
        register(&eve, ADA, "a password of eve's").await;
        let eves = token(&letter(&shop, &mail, 1).await);
        register(&ada, ADA, PASSWORD).await;
        let adas = token(&letter(&shop, &mail, 2).await);

        assert_eq!(code(&verify(&ada, &eves, PASSWORD).await), (401, "auth.required"));
        assert_eq!(code(&login(&eve, ADA, "a password of eve's").await), (401, "auth.required"));
        assert_eq!(verify(&ada, &adas, PASSWORD).await.status, 200);

        // A second account of one mailbox would be a way in.
        let late = verify(&eve, &eves, "a password of eve's").await;
        assert_eq!(code(&late), (404, "link.notFound"));
        assert_eq!(code(&login(&eve, ADA, "a password of eve's").await), (401, "auth.required"));
        shop.close().await;
    }

    async fn a_sign_in_has_a_name_of_its_own_and_ends_with_the_sign_out(shop: Shop) {
        let mut shop = shop;
        let mail = with_mail(&mut shop).await;
        let ada = shop.guest();
        sign_up(&ada, &mail, ADA).await;
        let (first, browser) = (ada.cookie(), kept(&ada, "till_visitor"));

        let again = login(&ada, "Ada@EXAMPLE.org", PASSWORD).await;

        assert_eq!(again.status, 200, "{again}");
        let set = again.headers["set-cookie"].to_str().unwrap();
        assert!(set.contains("HttpOnly") && set.contains("SameSite=Lax"), "{set}");
        assert!(set.contains("Max-Age=2592000"), "{set}");
        assert_eq!(kept(&ada, "till_visitor"), browser);
        let before = Guest::returning(&shop, first);
        assert_eq!(code(&me(&before).await), (401, "auth.required"));
        let second = ada.cookie();
        let out = ada.post("/api/customers/logout", Value::Null).await;
        assert_eq!(out.status, 204);
        let set = out.headers["set-cookie"].to_str().unwrap();
        assert!(set.starts_with("till_customer=") && set.contains("Max-Age=0"), "{set}");
        let thief = Guest::returning(&shop, second);
        assert_eq!(code(&me(&thief).await), (401, "auth.required"));
        assert_eq!(ada.post("/api/customers/logout", Value::Null).await.status, 204);

        login(&ada, ADA, PASSWORD).await;
        shop.advance(Duration::from_secs(31 * 24 * 60 * 60));
        assert_eq!(code(&me(&ada).await), (401, "auth.required"));
        shop.close().await;
    }

    async fn a_visitors_cookie_is_no_sign_in(shop: Shop) {
        let mut shop = shop;
        let mail = with_mail(&mut shop).await;
        let ada = shop.guest();
        sign_up(&ada, &mail, ADA).await;
        let (visitor, customer) = (kept(&ada, "till_visitor"), kept(&ada, "till_customer"));
        let bare = &customer[customer.len() - 36..];
        for forged in [&*visitor, bare, "", "x", &customer.replacen("-7", "-4", 1)] {
            let eve = Guest::returning(&shop, Some(format!("till_customer={forged}")));
            assert_eq!(code(&me(&eve).await), (401, "auth.required"), "{forged}");
        }
        shop.close().await;
    }

    async fn a_forgotten_password_is_replaced_by_a_link_that_works_once_and_ends_every_sign_in(shop: Shop) {
        let mut shop = shop;
        let mail = with_mail(&mut shop).await;
        let (ada, elsewhere) = (shop.guest(), shop.guest());
        sign_up(&ada, &mail, ADA).await;
        login(&elsewhere, ADA, PASSWORD).await;
        let ask = || ada.post("/api/customers/reset", json!({ "email": ADA }));
        ask().await;
        let first = letter(&shop, &mail, 2).await;
        assert_eq!(first.header("Subject"), "Choose another password for Till");
        ask().await;
        let second = token(&letter(&shop, &mail, 3).await);
        let finish = |token: &str, password: &str| {
            let body = json!({ "token": token, "password": password });
            ada.post("/api/customers/reset/finish", body)
        };

        let done = finish(&token(&first), "an entirely new one").await;

        assert_eq!(done.status, 204, "{done}");
        for guest in [&ada, &elsewhere] {
            assert_eq!(code(&me(guest).await), (401, "auth.required"));
        }
        assert_eq!(code(&login(&ada, ADA, PASSWORD).await), (401, "auth.required"));
        assert_eq!(login(&ada, ADA, "an entirely new one").await.status, 200);
        for over in [&*token(&first), &*second, "", "00", &"0".repeat(96)] {
            assert_eq!(code(&finish(over, "yet another one").await), (404, "link.notFound"), "{over}");
        }
        let told = letter(&shop, &mail, 4).await;
        assert_eq!(told.header("Subject"), "Your account at Till has changed");
        shop.close().await;
    }

    async fn a_reset_goes_to_the_address_that_was_proven_however_it_is_typed(shop: Shop) {
        let mut shop = shop;
        let mail = with_mail(&mut shop).await;
        let (ada, eve) = (shop.guest(), shop.guest());
        sign_up(&ada, &mail, ADA).await;
        sign_up(&eve, &mail, "eve@example.org").await;
        let typed = "ADA@Example.org";
        let want = json!({ "email": typed, "password": PASSWORD });
        for asked in [
            eve.post("/api/customers/reset", json!({ "email": typed })).await,
            register(&eve, typed, "a password of eve's").await,
            eve.patch("/api/customers/me", want).await,
        ] {
            assert!(asked.status < 300, "{asked}");
        }
        shop.until("the letters come", || async { mail.received().len() >= 5 }).await;
        for letter in &mail.received()[2..] {
            assert_eq!(letter.to, "<ada@example.org>");
        }
        shop.close().await;
    }

    async fn a_link_works_until_its_time_and_for_its_own_purpose(shop: Shop) {
        let mut shop = shop;
        let mail = with_mail(&mut shop).await;
        let ada = shop.guest();
        register(&ada, ADA, PASSWORD).await;
        let confirm = token(&letter(&shop, &mail, 1).await);
        let finish = |token: &str| {
            let body = json!({ "token": token, "password": PASSWORD });
            ada.post("/api/customers/reset/finish", body)
        };
        assert_eq!(code(&finish(&confirm).await), (404, "link.notFound"));
        shop.advance(Duration::from_secs(47 * 60 * 60));
        assert_eq!(verify(&ada, &confirm, PASSWORD).await.status, 200);

        ada.post("/api/customers/reset", json!({ "email": ADA })).await;
        let reset = token(&letter(&shop, &mail, 2).await);
        assert_eq!(code(&verify(&ada, &reset, PASSWORD).await), (404, "link.notFound"));
        shop.advance(Duration::from_secs(61 * 60));
        assert_eq!(code(&finish(&reset).await), (404, "link.notFound"));

        register(&ada, "bob@example.org", PASSWORD).await;
        let late = token(&letter(&shop, &mail, 3).await);
        shop.advance(Duration::from_secs(49 * 60 * 60));
        assert_eq!(code(&verify(&ada, &late, PASSWORD).await), (404, "link.notFound"));
        shop.close().await;
    }

    async fn who_tries_too_often_is_refused_whether_or_not_there_is_an_account(shop: Shop) {
        let mut shop = shop;
        let mail = with_mail(&mut shop).await;
        let ada = shop.guest();
        sign_up(&ada, &mail, ADA).await;
        shop.restart_with([
            ("TILL_ACCOUNT_SIGN_INS", "network:7, email:3"),
            ("TILL_ACCOUNT_LETTERS", "network:7, email:2"),
            ("TILL_TRUSTED_PROXIES", "127.0.0.1"),
        ]).await;
        // What she has counted so far is next to nothing.
        shop.advance(Duration::from_secs(1));
        let from = |network: &'static str, path: &'static str, email: &'static str| {
            let body = json!({ "email": email, "password": "a guess of eve's" }).to_string();
            let shop = &shop;
            async move {
                let eve = shop.guest();
                let headers = [("x-forwarded-for", network)];
                eve.send(http::Method::POST, path, Some(body), &headers).await.status
            }
        };

        for email in [ADA, "nobody@example.org"] {
            let mut said = Vec::new();
            for network in ["203.0.113.1", "203.0.113.2", "203.0.113.3", "203.0.113.4"] {
                said.push(from(network, "/api/customers/login", email).await);
            }
            assert_eq!(said, [401, 401, 401, 429], "{email}");
        }
        for path in ["/api/customers", "/api/customers/reset"] {
            let email = if path.ends_with("reset") { "bob@example.org" } else { "eve@example.org" };
            let mut said = Vec::new();
            for network in ["203.0.113.5", "203.0.113.6", "203.0.113.7"] {
                said.push(from(network, path, email).await);
            }
            assert_eq!(said, [204, 204, 429], "{path}");
        }
        let mut said = Vec::new();
        for email in ["a@example.org", "b@example.org", "c@example.org", "d@example.org",
            "e@example.org", "f@example.org", "g@example.org", "h@example.org"] {
            said.push(from("203.0.113.8", "/api/customers/login", email).await);
        }
        assert_eq!(said, [401, 401, 401, 401, 401, 401, 401, 429]);
        shop.advance(Duration::from_secs(60 * 60));
        assert_eq!(from("203.0.113.8", "/api/customers/login", ADA).await, 401);
        shop.close().await;
    }

    async fn ten_first_tries_at_once_are_ten(shop: Shop) {
        let mut shop = shop;
        shop.restart_with([("TILL_ACCOUNT_SIGN_INS", "network:10000, email:10")]).await;
        let guests: Vec<_> = (0..12).map(|_| shop.guest()).collect();
        let tries = guests.iter().map(|guest| login(guest, ADA, "a guess of eve's"));
        let mut said: Vec<u16> =
            futures::future::join_all(tries).await.iter().map(|reply| reply.status).collect();
        said.sort_unstable();
        assert_eq!(said, [[401; 10].as_slice(), &[429; 2]].concat());
        shop.close().await;
    }

    async fn who_is_guessed_at_by_others_still_changes_her_password_and_a_reset_lets_her_in(shop: Shop) {
        let mut shop = shop;
        let mail = with_mail(&mut shop).await;
        let ada = shop.guest();
        sign_up(&ada, &mail, ADA).await;
        let cookie = ada.cookie();
        shop.restart_with([("TILL_ACCOUNT_SIGN_INS", "network:10000, email:3")]).await;
        // What she has counted so far is next to nothing.
        shop.advance(Duration::from_secs(1));
        let (ada, eve) = (Guest::returning(&shop, cookie), Guest::returning(&shop, None));
        let guess = async || {
            let refused = async || login(&eve, ADA, "a guess of eve's").await.status;
            shop.until("her tries are used up", || async { refused().await == 429 }).await;
        };

        guess().await;
        let change = |password: &str, new: &str| {
            let body = json!({ "password": password, "newPassword": new });
            ada.patch("/api/customers/me", body)
        };
        assert_eq!(change(PASSWORD, "an entirely new one").await.status, 200);
        letter(&shop, &mail, 2).await;
        // Whoever finds her browser left open guesses no oftener than elsewhere.
        for _ in 0..2 {
            assert_eq!(change("a guess of eve's", "the thief's own").await.status, 400);
        }
        assert_eq!(code(&change("a guess of eve's", "the thief's own").await), (429, "rate.limited"));

        assert_eq!(login(&ada, ADA, "an entirely new one").await.status, 429);
        ada.post("/api/customers/reset", json!({ "email": ADA })).await;
        let link = token(&letter(&shop, &mail, 3).await);
        guess().await;
        let body = json!({ "token": link, "password": "one that she knows" });
        assert_eq!(ada.post("/api/customers/reset/finish", body).await.status, 204);
        assert_eq!(login(&ada, ADA, "one that she knows").await.status, 200);
        shop.close().await;
    }

    async fn no_receipt_waits_behind_letters_to_strangers_and_a_reset_goes_before_them(shop: Shop) {
        let mut shop = shop;
        let mail = with_mail(&mut shop).await;
        let (ada, eve) = (shop.guest_with_cart([("gift", 1)]).await, shop.guest());
        sign_up(&ada, &mail, ADA).await;
        mail.hold();
        for stranger in 0..8 {
            register(&eve, &format!("stranger{stranger}@example.org"), PASSWORD).await;
        }
        let received = async |count| {
            shop.until("letters come", || async { mail.received().len() >= count }).await;
        };
        // One at least is on its way, and comes to no end.
        received(2).await;
        ada.post("/api/customers/reset", json!({ "email": ADA })).await;

        let order = ada.ask_intent().await.body["orderId"].as_str().unwrap().to_owned();

        let is_receipt = |letter: &Received| letter.text.contains(&order);
        shop.until("the receipt comes", || async { mail.received().iter().any(is_receipt) }).await;
        mail.let_go();
        received(11).await;
        let subjects: Vec<_> =
            mail.received().iter().map(|letter| letter.header("Subject").to_owned()).collect();
        assert_ne!(subjects[10], "Choose another password for Till", "{subjects:?}");
        shop.close().await;
    }

    async fn a_letter_that_is_written_down_comes_although_the_server_was_killed(shop: Shop) {
        let mut shop = shop;
        let mail = with_mail(&mut shop).await;
        mail.order(&[Trouble::Busy, Trouble::LoseAnswer]);
        let guest = shop.guest();
        assert_eq!(register(&guest, ADA, PASSWORD).await.status, 204);
        let cookie = guest.cookie();
        shop.kill();
        shop.start().await;

        // Past the dead process's claim, and every wait between tries.
        shop.until("the letter comes", || async {
            shop.advance(Duration::from_secs(60));
            !mail.received().is_empty()
        }).await;

        let guest = Guest::returning(&shop, cookie);
        let tokens: Vec<String> = mail.received().iter().map(token).collect();
        assert!(tokens.iter().all(|one| *one == tokens[0]), "{tokens:?}");
        assert_eq!(verify(&guest, &tokens[0], PASSWORD).await.status, 200);
        shop.close().await;
    }
}
