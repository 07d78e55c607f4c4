//! Search: the query language, its pages, and that it lags behind.

use std::time::Duration;

use crate::world::{Answer, INTENT, World};

async fn search(world: &World, query: &str) -> Answer {
    world.get("/v1/payment_intents/search", &[("query", query)]).await
}

async fn found(world: &World, query: &str) -> usize {
    let answer = search(world, query).await;
    assert_eq!(answer.status, 200, "{query}: {:#}", answer.body);
    answer.body["data"].as_array().unwrap().len()
}

#[tokio::test]
async fn what_was_made_a_moment_ago_is_not_found_yet() {
    let world = World::new();
    world.intent().await;
    assert_eq!(found(&world, "metadata['order_id']:'ord_1'").await, 0);
    world.stripe.advance(Duration::from_secs(2));
    assert_eq!(found(&world, "metadata['order_id']:'ord_1'").await, 1);
}

#[tokio::test]
async fn queries_test_metadata_texts_and_numbers() {
    let world = World::new();
    world.pay("pm_card_visa").await;
    world.intent().await;
    world.stripe.advance(Duration::from_secs(60));
    for (query, expected) in [
        ("metadata['order_id']:'ord_1' AND status:'succeeded'", 1),
        ("status:'succeeded' OR status:'requires_payment_method'", 2),
        ("status:\"SUCCEEDED\"", 1),
        ("-status:'succeeded'", 1),
        ("amount>1999 AND amount<=2000", 2),
        ("amount:2000", 2),
        ("amount>2000", 0),
        ("metadata['order_id']~'rd_'", 2),
        ("metadata['other']:null", 2),
        ("-metadata['order_id']:null", 2),
        ("customer:null", 2),
        ("created>0 AND currency:'eur'", 2),
    ] {
        assert_eq!(found(&world, query).await, expected, "{query}");
    }
    let charges = world.get("/v1/charges/search", &[("query", "refunded:'false'")]).await;
    assert_eq!(charges.body["data"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_query_that_stripe_would_not_understand_is_refused() {
    let world = World::new();
    for query in [
        "",
        "ord_1",
        "status",
        "status:",
        "status:'succeeded",
        "metadata[order_id]:'ord_1'",
        "status:'a' AND currency:'eur' OR amount:1",
        "status:'a' NOR currency:'eur'",
        "description:'socks'",
        "metadata['k']~'ab'",
        "amount:'many'",
        "status>'a'",
    ] {
        let answer = search(&world, query).await;
        assert_eq!(answer.status, 400, "{query}");
        assert_eq!(answer.body["error"]["param"], "query", "{query}");
    }
    let eleven = ["amount:1"; 11].join(" AND ");
    assert_eq!(search(&world, &eleven).await.status, 400);
}

#[tokio::test]
async fn results_come_in_pages_newest_first_and_are_counted_when_asked() {
    let world = World::new();
    for order in ["ord_a", "ord_b", "ord_c"] {
        let mut fields = INTENT.to_vec();
        fields.push(("metadata[order_id]", order));
        world.post("/v1/payment_intents", &fields).await;
        world.stripe.advance(Duration::from_secs(10));
    }
    let mut fields = vec![("query", "currency:'eur'"), ("limit", "2"), ("expand[]", "total_count")];
    let first = world.get("/v1/payment_intents/search", &fields).await.body;
    assert_eq!(first["object"], "search_result");
    assert_eq!(first["data"][0]["metadata"]["order_id"], "ord_c");
    assert_eq!((first["has_more"] == true, first["total_count"].as_i64()), (true, Some(3)));
    let page = first["next_page"].as_str().unwrap().to_owned();
    fields.push(("page", &page));
    let second = world.get("/v1/payment_intents/search", &fields).await.body;
    assert_eq!(second["data"][0]["metadata"]["order_id"], "ord_a");
    assert_eq!((second["has_more"] == false, second["next_page"].is_null()), (true, true));
    let wrong = [("query", "currency:'eur'"), ("page", "nowhere")];
    assert_eq!(world.get("/v1/payment_intents/search", &wrong).await.status, 400);
}
