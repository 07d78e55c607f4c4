//! `till doctor` finds what is wrong before a shopper does, and says how to mend it.

use std::time::Duration;

use http::Method;
use simulators::{
    elastic_path::{self, ElasticPath, sample_catalogue},
    stripe::{Fault, FaultKind, Options},
};
use tokio::net::TcpListener;

use crate::{
    database::On,
    guest::Card,
    platform,
    shop::{Shop, tell},
};

/// The exit code and what is printed, with these settings changed.
async fn doctor<const N: usize>(shop: &Shop, changes: [(&str, &str); N]) -> (i32, String) {
    let folder = tempfile::tempdir().unwrap();
    let mut command = tokio::process::Command::new(env!("CARGO_BIN_EXE_till"));
    command.arg("doctor").current_dir(folder.path()).env_clear().envs(shop.settings());
    let output = command.envs(changes).output().await.unwrap();
    let text = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
    for (name, value) in shop.settings() {
        let is_secret =
            ["TILL_SECRET", "STRIPE_SECRET_KEY", "STRIPE_WEBHOOK_SECRET"].contains(&&**name);
        assert!(!is_secret || !text.contains(value), "{name} is shown: {text}");
    }
    (output.status.code().unwrap(), text)
}

/// It is found, on one line, and nothing else is wrong.
fn wrong(found: &(i32, String), line: &str) {
    let (code, text) = found;
    let wrong: Vec<_> = text.lines().filter(|line| line.starts_with("wrong")).collect();
    assert_eq!((*code, wrong.len()), (1, 1), "{text}");
    assert!(wrong[0].contains(line), "{text}");
}

/// It is found, and the shop works all the same.
fn warned(found: &(i32, String), line: &str) {
    let (code, text) = found;
    assert_eq!(*code, 0, "{text}");
    let found = text.lines().any(|one| one.starts_with("warning") && one.contains(line));
    assert!(found, "{text}");
}

/// Somebody changes the only webhook endpoint at Stripe, or makes another.
async fn at_stripe(shop: &Shop, path: &str, form: &[(&str, &str)]) {
    let key = Options::default().secret_key;
    let url = format!("{}/v1/webhook_endpoints{path}", shop.stripe_url);
    let reply = shop.http.post(url).bearer_auth(key).form(form).send().await.unwrap();
    assert_eq!(reply.status(), 200, "{}", reply.text().await.unwrap());
}

async fn endpoint(shop: &Shop) -> String {
    let url = format!("{}/v1/webhook_endpoints", shop.stripe_url);
    let request = shop.http.get(url).bearer_auth(Options::default().secret_key);
    let list: serde_json::Value = request.send().await.unwrap().json().await.unwrap();
    format!("/{}", list["data"][0]["id"].as_str().unwrap())
}

fn on_sqlite<F: Future<Output = ()> + 'static>(story: impl FnOnce(Shop) -> F + 'static) {
    tell(On::Sqlite, story);
}

#[test]
fn a_shop_that_is_well_has_nothing_to_mend() {
    on_sqlite(|shop| async move {
        let guest = shop.guest_with_cart([("mug", 1)]).await;
        guest.pay_with(Card::Good).await;
        shop.quiet().await;

        let (code, text) = doctor(&shop, []).await;

        assert_eq!(code, 0, "{text}");
        assert!(text.lines().all(|line| line.starts_with("ok")), "{text}");
        for line in
            ["it may take money", "is sent all that is needed", "was delivered 0 seconds ago"]
        {
            let line = line.replace(" 0 seconds ago", "");
            assert!(text.contains(&line), "{line}: {text}");
        }
        shop.close().await;
    });
}

#[test]
fn a_database_that_may_forget_what_it_confirmed_is_wrong() {
    for on in [On::Postgres, On::Mysql] {
        // The databases of the tests are as fast as they can be, and would not survive a power cut.
        tell(on, |shop| async move {
            wrong(&doctor(&shop, []).await, "a power cut loses them");
            shop.close().await;
        });
    }
}

#[test]
fn every_wrong_setting_is_shown_and_does_not_hide_the_database() {
    on_sqlite(|shop| async move {
        let changes = [("STRIPE_SECRET_KEY", "pk_test_1"), ("TILL_TAX_MODE", "perhaps")];
        let (code, text) = doctor(&shop, changes).await;
        assert_eq!(code, 1, "{text}");
        for line in
            ["STRIPE_SECRET_KEY", "TILL_TAX_MODE", "the database is up to date", "not examined"]
        {
            assert!(text.contains(line), "{line}: {text}");
        }
        shop.close().await;
    });
}

#[test]
fn a_database_that_is_not_there_or_not_migrated_is_wrong() {
    on_sqlite(|shop| async move {
        let nowhere = [("DATABASE_URL", "postgres://nobody@127.0.0.1:1/nothing")];
        wrong(&doctor(&shop, nowhere).await, "cannot be reached");
        let folder = tempfile::tempdir().unwrap();
        let empty = format!("sqlite://{}", folder.path().join("empty.db").display());
        let manual = [("DATABASE_URL", empty.as_str()), ("TILL_MIGRATE", "manual")];
        wrong(&doctor(&shop, manual).await, "missing: 0001_shop");
        warned(&doctor(&shop, [("DATABASE_URL", &empty)]).await, "missing: 0001_shop");
        shop.close().await;
    });
}

#[test]
fn a_key_that_stripe_does_not_know_or_that_may_too_little_is_wrong() {
    on_sqlite(|shop| async move {
        let unknown = [("STRIPE_SECRET_KEY", "sk_test_somebody_elses_0123456789")];
        wrong(&doctor(&shop, unknown).await, "does not know STRIPE_SECRET_KEY");
        let forbid = |path: &str| {
            let fault = Fault::once(path, FaultKind::Status(403));
            shop.stripe.inject(Fault { method: Some(Method::GET), ..fault });
        };
        forbid("/v1/refunds");
        let found = doctor(&shop, []).await;
        wrong(&found, "may not do all that the server needs");
        assert!(found.1.contains("Charges and Refunds: Write"), "{}", found.1);
        forbid("/v1/disputes");
        let found = doctor(&shop, []).await;
        wrong(&found, "may not do all that the server needs");
        assert!(found.1.contains("Disputes: Read"), "{}", found.1);
        forbid("/v1/account");
        forbid("/v1/webhook_endpoints");
        let found = doctor(&shop, []).await;
        warned(&found, "whether it can charge is not known");
        warned(&found, "they were not checked");
        shop.close().await;
    });
}

#[test]
fn an_account_that_may_not_charge_is_wrong_and_another_currency_is_told() {
    on_sqlite(|shop| async move {
        warned(&doctor(&shop, [("TILL_CURRENCY", "CHF")]).await, "paid out in EUR");
        shop.stripe.set_charges_enabled(false);
        wrong(&doctor(&shop, []).await, "may not take money");
        shop.close().await;
    });
}

#[test]
fn a_stripe_that_does_not_answer_is_wrong() {
    on_sqlite(|shop| async move {
        let nowhere = [("STRIPE_API_BASE", "http://127.0.0.1:1")];
        wrong(&doctor(&shop, nowhere).await, "does not answer");
        shop.close().await;
    });
}

#[test]
fn a_clock_that_signed_events_would_fail_by_is_wrong() {
    on_sqlite(|shop| async move {
        shop.stripe.advance(Duration::from_secs(60));
        warned(&doctor(&shop, []).await, "seconds ahead of Stripe's");
        shop.stripe.advance(Duration::from_secs(600));
        wrong(&doctor(&shop, []).await, "every signed event is refused");
        shop.close().await;
    });
}

#[test]
fn a_webhook_endpoint_that_is_missing_disabled_or_sent_too_little_is_wrong() {
    on_sqlite(|shop| async move {
        let elsewhere = [("TILL_PUBLIC_URL", "https://shop.example")];
        let found = doctor(&shop, elsewhere).await;
        wrong(&found, "https://shop.example/api/webhooks/stripe");
        assert!(found.1.contains("payment_intent.succeeded"), "{}", found.1);
        warned(
            &doctor(&shop, [("TILL_PUBLIC_URL", "http://127.0.0.1:2")]).await,
            "which Stripe cannot reach",
        );
        let ours = endpoint(&shop).await;
        at_stripe(&shop, &ours, &[("enabled_events[]", "payment_intent.succeeded")]).await;
        wrong(&doctor(&shop, []).await, "is not sent payment_intent.payment_failed");
        at_stripe(&shop, &ours, &[("enabled_events[]", "*"), ("disabled", "true")]).await;
        wrong(&doctor(&shop, []).await, "is disabled");
        at_stripe(&shop, &ours, &[("disabled", "false")]).await;
        let url = format!("{}/api/webhooks/stripe", shop.url);
        at_stripe(&shop, "", &[("url", &url), ("enabled_events[]", "*")]).await;
        warned(&doctor(&shop, []).await, "2 enabled endpoints");
        shop.close().await;
    });
}

#[test]
fn events_that_only_come_when_fetched_and_work_that_nobody_does_are_told() {
    on_sqlite(|shop| async move {
        let mut shop = shop;
        shop.begin_earlier(Duration::from_secs(60 * 60));
        shop.stripe.drop_webhooks();
        let guest = shop.guest_with_cart([("mug", 1)]).await;
        guest.pay_with(Card::Good).await;
        shop.quiet().await;
        let (_, text) = doctor(&shop, []).await;
        assert!(text.contains("none was ever delivered"), "{text}");
        assert!(text.contains("Compare STRIPE_WEBHOOK_SECRET"), "{text}");
        let other = shop.guest_with_cart([("mug", 1)]).await;
        other.intent().await;
        shop.rest().await;
        shop.advance(Duration::from_secs(60 * 60));
        wrong(&doctor(&shop, []).await, "1 payments");
        shop.start().await;
        shop.close().await;
    });
}

#[tokio::test]
async fn a_shop_at_elastic_path_is_told_of_its_purchases_and_of_nothing_of_stripes() {
    let ep = ElasticPath::new(elastic_path::Options::default());
    sample_catalogue(&ep);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let serving = tokio::spawn(async move { ep.serve(listener).await });
    let folder = tempfile::tempdir().unwrap();
    let settings =
        platform::settings(&[("DATABASE_URL", "sqlite://till.db"), ("EP_API_BASE_URL", &base)]);
    let till = async |argument| {
        let mut command = tokio::process::Command::new(env!("CARGO_BIN_EXE_till"));
        command.arg(argument).current_dir(folder.path()).env_clear().envs(&settings);
        let output = command.output().await.unwrap();
        (output.status.code().unwrap(), String::from_utf8(output.stdout).unwrap())
    };
    assert_eq!(till("migrate").await.0, 0);
    let (code, text) = till("doctor").await;
    assert_eq!(code, 0, "{text}");
    for line in ["worker", "attention", "elastic path"] {
        assert!(text.contains(line), "no {line}: {text}");
    }
    for line in ["signed events", "books", "Stripe"] {
        assert!(!text.contains(line), "{line}: {text}");
    }
    serving.abort();
}
