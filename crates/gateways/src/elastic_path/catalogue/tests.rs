use serde_json::{Value, json};

use super::*;
use crate::elastic_path::script::{answer, ep, last, outcome};

fn product(id: &str) -> Value {
    json!({
        "id": id, "type": "product",
        "attributes": {
            "sku": format!("sku-{id}"), "name": "Fry Pan", "description": "26 cm",
            "commodity_type": "physical",
        },
        "meta": {"display_price": {"without_tax": {"amount": 1500, "currency": "USD"}}},
    })
}

#[tokio::test]
async fn products_are_asked_for_by_id_in_questions_of_a_bounded_length() {
    let ids: BTreeSet<EpProductId> =
        (0..26).map(|number| format!("p{number:02}").parse().unwrap()).collect();
    let first: Vec<Value> = ids.iter().take(25).map(|id| product(id.as_str())).collect();
    let (ep, _, asked) =
        ep([answer(200, &json!({ "data": first })), answer(200, &json!({"data": []}))]);
    let found = ep.products(Caller::Implicit, &ids).await.unwrap();
    assert_eq!(found.len(), 25, "what is not in the catalogue is missing");
    let path = "/catalog/products?filter=in(id,p25)&page%5Blimit%5D=1&page%5Boffset%5D=0";
    assert_eq!(last(&asked).1, path);
    let pan = &found[&"p00".parse::<EpProductId>().unwrap()];
    assert_eq!((pan.sku.as_str(), pan.commodity), ("sku-p00", Commodity::Physical));
    assert_eq!(pan.price.map(Money::minor), Some(1500));
}

#[tokio::test]
async fn a_product_that_does_not_say_what_it_is_may_be_a_thing_to_ship() {
    for (word, expected) in [
        (json!("digital"), Commodity::Digital),
        (json!("new"), Commodity::Unknown),
        (json!(null), Commodity::Unknown),
    ] {
        let mut one = product("p1");
        one["attributes"]["commodity_type"] = word;
        let (ep, _, asked) = ep([answer(200, &json!({ "data": one }))]);
        let found = ep.product(Caller::Implicit, &"p1".parse().unwrap()).await.unwrap();
        assert_eq!(found.commodity, expected);
        assert_eq!(last(&asked).1, "/catalog/products/p1");
    }
}

#[tokio::test]
async fn a_page_tells_how_many_there_are() {
    let body = json!({"data": [product("p1")], "meta": {"results": {"total": 7}}});
    let (client, _, asked) = ep([answer(200, &body)]);
    let page = client.product_page(Caller::Implicit, 40, 20).await.unwrap();
    assert_eq!((page.products.len(), page.total), (1, Some(7)));
    assert_eq!(last(&asked).1, "/catalog/products?page%5Blimit%5D=20&page%5Boffset%5D=40");

    let (client, _, _) = ep([answer(200, &json!({}))]);
    let page = client.product_page(Caller::Implicit, 0, 20).await;
    assert_eq!(outcome(&page), "unknown, unreadable");
}
