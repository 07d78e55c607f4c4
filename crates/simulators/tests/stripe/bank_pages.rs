//! The pages a buyer sees: the bank's questions and the receipt.

use axum::body::Body;
use serde_json::Value;

use crate::pages::{call, challenged, debit, open, order, status};
use crate::world::World;

#[tokio::test]
async fn a_challenge_says_who_asks_for_how_much() {
    let world = World::new();
    let (id, challenge) = challenged(&world, &[]).await;
    let page = open(&world, &challenge).await;
    for told in ["Till test shop", "20.00 EUR", "visa ···· 3220", "Complete", "Fail"] {
        assert!(page.words().contains(told), "{told}: {}", page.words());
    }
    assert!(page.text.contains("three_d_secure_closed"));
    world.stripe.authenticate(&id, true);
    let over = open(&world, &challenge).await;
    assert_eq!(over.status, 404);
    assert!(over.words().contains("This payment has succeeded already."));
}

#[tokio::test]
async fn the_page_of_a_bank_leads_back_to_the_shop() {
    let world = World::new();
    let back = [("return_url", "https://shop.test/back#done")];
    for (outcome, label, ending) in [
        ("complete", "Authorize test payment", "succeeded"),
        ("fail", "Fail test payment", "failed"),
    ] {
        let (id, challenge) = challenged(&world, &back).await;
        let bank = challenge.replace("/3d_secure/challenge/", "/redirect/");
        assert!(open(&world, &bank).await.words().contains(label));
        let request = http::Request::post(&bank)
            .header("content-type", "application/x-www-form-urlencoded")
            .body(Body::from(format!("outcome={outcome}")))
            .unwrap();
        let answer = call(&world, request).await;
        assert_eq!(answer.status, 303);
        let start =
            format!("https://shop.test/back?payment_intent={id}&payment_intent_client_secret=");
        assert!(answer.header("location").starts_with(&start));
        assert!(answer.header("location").ends_with(&format!("&redirect_status={ending}#done")));
        assert_eq!(open(&world, &bank).await.status, 404);
    }
}

#[tokio::test]
async fn a_charge_that_succeeded_names_its_receipt() {
    let world = World::new();
    let charge = async |id: &str| {
        let intent = world.retrieve(id).await;
        let charge = intent["latest_charge"].as_str().unwrap().to_owned();
        world.get(&format!("/v1/charges/{charge}"), &[]).await.body
    };
    let paid = world.pay("pm_card_visa").await.id();
    let (asked, _) = challenged(&world, &[]).await;
    world.stripe.authenticate(&asked, true);
    for id in [&paid, &asked] {
        let charge = charge(id).await;
        let url = charge["receipt_url"].as_str().unwrap();
        let path = url.strip_prefix("http://127.0.0.1:12111").unwrap();
        let receipt = open(&world, path).await;
        assert_eq!(receipt.status, 200);
        let words = receipt.words();
        assert!(words.contains("Sum 20.00 EUR") && words.contains("Paid 21 Nov 2026"), "{words}");
    }
    let debit = debit(&world).await;
    let pending = charge(&debit).await;
    assert_eq!(pending["receipt_url"], Value::Null);
    let receipt = format!("/receipts/{}", pending["id"].as_str().unwrap());
    assert_eq!(open(&world, &receipt).await.status, 404, "nothing has been paid yet");
    world.stripe.settle(&debit, None);
    assert_ne!(charge(&debit).await["receipt_url"], Value::Null);
    assert_eq!(open(&world, &receipt).await.status, 200);
}

#[tokio::test]
async fn a_bank_method_leads_to_the_page_of_its_bank_and_back() {
    let world = World::new();
    let fields = [
        ("amount", "2000"),
        ("currency", "eur"),
        ("confirm", "true"),
        ("return_url", "https://shop.test/back"),
        ("payment_method_data[type]", "ideal"),
        ("payment_method_data[billing_details][name]", "Ada"),
    ];
    let answer = world.post("/v1/payment_intents", &fields).await;
    let url = answer.body["next_action"]["redirect_to_url"]["url"].as_str().unwrap();
    let path = url.strip_prefix("http://127.0.0.1:12111").unwrap();
    let words = open(&world, path).await.words();
    assert!(path.starts_with("/redirect/") && words.contains("Test bank · ideal"), "{words}");
    assert!(open(&world, "/").await.words().contains("the buyer is at the bank"));
    order(&world, &format!("/payments/{}", answer.id()), "The buyer confirms", &[]).await;
    assert_eq!(status(&world, &answer.id()).await, "succeeded");
}
