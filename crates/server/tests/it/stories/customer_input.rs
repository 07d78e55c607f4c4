//! What strangers send to the routes of accounts.

use http::Method;
use serde_json::{Value, json};

use super::{
    catalogue::NOBODYS,
    customer::{ADA, PASSWORD, login, me, register, sign_up, with_mail},
};
use crate::{guest::address, shop::stories};

const ADDRESSES: &str = "/api/customers/me/addresses";

/// Every route that takes a body, with one that it would take.
fn taking() -> Vec<(Method, String, Value)> {
    let email = json!({ "email": ADA });
    let both = json!({ "email": ADA, "password": PASSWORD });
    let link = json!({ "token": "00", "password": PASSWORD });
    let route = |method, path: &str, body: &Value| (method, path.to_owned(), body.clone());
    vec![
        route(Method::POST, "/api/customers", &both),
        route(Method::POST, "/api/customers/login", &both),
        route(Method::POST, "/api/customers/verify", &link),
        route(Method::POST, "/api/customers/reset", &email),
        route(Method::POST, "/api/customers/reset/finish", &link),
        route(Method::PATCH, "/api/customers/me", &json!({ "name": "Ada" })),
        route(Method::DELETE, "/api/customers/me", &json!({ "password": PASSWORD })),
        route(Method::POST, ADDRESSES, &address()),
        route(Method::PATCH, &format!("{ADDRESSES}/{NOBODYS}"), &address()),
    ]
}

stories! {
    async fn what_no_route_of_accounts_takes_is_refused_by_each_of_them(shop: Shop) {
        let mut shop = shop;
        let mail = with_mail(&mut shop).await;
        let ada = shop.guest();
        sign_up(&ada, &mail, ADA).await;
        let before = me(&ada).await;
        for (method, path, body) in taking() {
            let send = |body: String, headers: &'static [(&'static str, &'static str)]| {
                ada.send(method.clone(), &path, Some(body), headers)
            };
            for nonsense in ["", "null", "[]", "7", "{\"email\":7,\"name\":{},\"street\":7}", "{"] {
                let refused = send(nonsense.to_owned(), &[]).await;
                assert_eq!((refused.status, &refused.body["error"]["code"]),
                    (400, &json!("request.invalid")), "{method} {path} {nonsense}");
            }
            let mut long = body.clone();
            long["padding"] = json!("x".repeat(40_000));
            assert_eq!(send(long.to_string(), &[]).await.status, 413, "{method} {path}");
            let elsewhere = send(body.to_string(), &[("origin", "https://elsewhere.example")]).await;
            assert_eq!((elsewhere.status, &elsewhere.body["error"]["code"]),
                (403, &json!("request.crossOrigin")), "{method} {path}");
            // A form of another page can send no JSON.
            let form = send(body.to_string(), &[("content-type", "text/plain")]).await;
            assert_eq!(form.status, 400, "{method} {path}");
        }
        let elsewhere = [("origin", "https://elsewhere.example")];
        let out = ada.send(Method::POST, "/api/customers/logout", None, &elsewhere).await;
        let removed = format!("{ADDRESSES}/{NOBODYS}");
        let removed = ada.send(Method::DELETE, &removed, None, &elsewhere).await;
        assert_eq!((out.status, removed.status), (403, 403));
        assert_eq!(me(&ada).await.text, before.text);
        assert_eq!(mail.received().len(), 1);
        shop.close().await;
    }

    async fn who_is_not_signed_in_hears_so_from_each_route_that_needs_it(shop: Shop) {
        let stranger = shop.guest();
        let gets = ["/api/customers/me", "/api/orders"].map(|path| (Method::GET, path.to_owned(), None));
        let removes = [(Method::DELETE, format!("{ADDRESSES}/{NOBODYS}"), None)];
        let takes = taking().into_iter().filter(|(_, path, _)| path.contains("/me"));
        let takes = takes.map(|(method, path, body)| (method, path, Some(body.to_string())));
        for (method, path, body) in gets.into_iter().chain(removes).chain(takes) {
            let refused = stranger.send(method.clone(), &path, body, &[]).await;
            assert_eq!((refused.status, &refused.body["error"]["code"]),
                (401, &json!("auth.required")), "{method} {path}");
        }
        shop.close().await;
    }

    async fn a_password_that_is_too_short_or_too_long_is_refused_and_any_script_is_fine(shop: Shop) {
        let mut shop = shop;
        let mail = with_mail(&mut shop).await;
        let guest = shop.guest();
        for wrong in ["", "1234567", "🔑🔑🔑🔑🔑🔑🔑", &"x".repeat(1025)] {
            for refused in [
                register(&guest, ADA, wrong).await,
                login(&guest, ADA, wrong).await,
            ] {
                assert_eq!((refused.status, &refused.body["error"]["details"]["field"]),
                    (400, &json!("password")), "{wrong}");
                assert!(wrong.is_empty() || !refused.text.contains(wrong), "{refused}");
            }
        }
        for (place, fine) in ["  пароль 🔑  ", &"ß".repeat(1024)].into_iter().enumerate() {
            let email = format!("guest{place}@example.org");
            register(&guest, &email, fine).await;
            let letter = super::customer::letter(&shop, &mail, place + 1).await;
            let token = super::customer::token(&letter);
            assert_eq!(super::customer::verify(&guest, &token, fine.trim_end()).await.status,
                if fine.trim_end() == fine { 200 } else { 401 });
            super::customer::verify(&guest, &token, fine).await;
            assert_eq!(login(&guest, &email, fine).await.status, 200);
        }
        shop.close().await;
    }

    async fn an_address_that_is_none_gets_no_letter(shop: Shop) {
        let mut shop = shop;
        let mail = with_mail(&mut shop).await;
        let guest = shop.guest();
        let long = format!("{}@example.org", "x".repeat(400));
        for wrong in ["", "ada", "ada@", "@example.org", "a@b@c.org", "ada@example.org\nBcc: eve@example.org",
            "ada@example.org, eve@example.org", &long] {
            for path in ["/api/customers", "/api/customers/reset", "/api/customers/login"] {
                let body = json!({ "email": wrong, "password": PASSWORD });
                let refused = guest.post(path, body).await;
                assert_eq!((refused.status, &refused.body["error"]["details"]["field"]),
                    (400, &json!("email")), "{path} {wrong}");
            }
        }
        let name = json!({ "email": ADA, "password": PASSWORD, "name": "Ada\r\nBcc: eve@example.org" });
        assert_eq!(guest.post("/api/customers", name).await.status, 400);
        shop.quiet().await;
        assert_eq!(mail.received().len(), 0);
        shop.close().await;
    }

    async fn an_address_to_keep_is_checked_as_at_the_checkout(shop: Shop) {
        let mut shop = shop;
        let mail = with_mail(&mut shop).await;
        let ada = shop.guest();
        sign_up(&ada, &mail, ADA).await;
        let kept = ada.post(ADDRESSES, address()).await;
        let id = kept.body["addresses"][0]["id"].as_str().unwrap();
        for (field, wrong) in [("country", "XX"), ("postalCode", "1"), ("name", ""), ("city", "a\0")] {
            let mut body = address();
            body[field] = json!(wrong);
            for refused in [
                ada.post(ADDRESSES, body.clone()).await,
                ada.patch(&format!("{ADDRESSES}/{id}"), body.clone()).await,
            ] {
                assert_eq!((refused.status, &refused.body["error"]["code"], &refused.body["error"]["details"]["field"]),
                    (400, &json!("checkout.addressInvalid"), &json!(field)), "{refused}");
            }
        }
        assert_eq!(me(&ada).await.text, kept.text);
        for _ in 1..50 {
            assert_eq!(ada.post(ADDRESSES, address()).await.status, 200);
        }
        assert_eq!(ada.post(ADDRESSES, address()).await.status, 400);
        shop.close().await;
    }
}
