//! What may be written on a charge after it was made.

use serde_json::json;

use crate::schema;
use crate::world::World;

#[tokio::test]
async fn a_charge_is_described_later_and_the_event_says_what_changed() {
    let world = World::new();
    let paid = world.pay("pm_card_visa").await.body;
    let id = paid["latest_charge"].as_str().unwrap();
    let path = format!("/v1/charges/{id}");
    let fields = [
        ("description", "Mugs"),
        ("metadata[parcel]", "7"),
        ("receipt_email", "jenny@example.com"),
        ("shipping[name]", "Jenny Rosen"),
        ("shipping[address][line1]", "Torstr. 1"),
    ];
    let changed = world.post(&path, &fields).await;
    assert_eq!(changed.status, 200, "{:#}", changed.body);
    assert_eq!(changed.body["description"], "Mugs");
    assert_eq!(changed.body["metadata"], json!({ "order_id": "ord_1", "parcel": "7" }));
    assert_eq!(changed.body["shipping"]["address"]["line1"], "Torstr. 1");
    assert_eq!(world.get(&path, &[]).await.body, changed.body);
    let intent = world.retrieve(paid["id"].as_str().unwrap()).await;
    assert_eq!(intent["metadata"], json!({ "order_id": "ord_1" }));

    let newest = world.get("/v1/events", &[("limit", "1")]).await.body["data"][0].clone();
    assert_eq!(newest["type"], "charge.updated");
    assert_eq!(newest["data"]["object"], changed.body);
    let previous = &newest["data"]["previous_attributes"];
    assert_eq!(previous["description"], json!(null));
    assert_eq!(previous["metadata"], json!({ "parcel": null }));

    let events = world.kinds().len();
    assert_eq!(world.post(&path, &[("description", "Mugs")]).await.status, 200);
    assert_eq!(world.kinds().len(), events, "nothing changed, nothing is told");
}

#[tokio::test]
async fn a_charge_keeps_its_amount_and_a_refused_change_leaves_no_trace() {
    let world = World::new();
    let paid = world.pay("pm_card_visa").await.body;
    let path = format!("/v1/charges/{}", paid["latest_charge"].as_str().unwrap());
    let before = world.get(&path, &[]).await.body;
    for (name, value, code) in [
        ("amount", "1", "400 parameter_unknown"),
        ("customer", "cus_1", "400 -"),
        ("receipt_email", "jenny", "400 email_invalid"),
        ("shipping[address][line1]", "Torstr. 1", "400 parameter_missing"),
    ] {
        let refused = world.post(&path, &[("description", "Mugs"), (name, value)]).await;
        assert_eq!(refused.code(), code, "{name}");
    }
    assert_eq!(world.get(&path, &[]).await.body, before);
    let missing = world.post("/v1/charges/ch_none", &[("description", "Mugs")]).await;
    assert_eq!(missing.code(), "404 resource_missing");
}

#[tokio::test]
async fn every_parameter_of_a_change_in_stripes_own_types_is_known_by_name() {
    let world = World::new();
    let paid = world.pay("pm_card_visa").await.body;
    let path = format!("/v1/charges/{}", paid["latest_charge"].as_str().unwrap());
    let Some(params) = schema::params("charge_update_params") else { return };
    assert!(params.len() > 5);
    for param in params {
        let code = world.post(&path, &[(param.as_str(), "?")]).await.code();
        assert_ne!(code, "400 parameter_unknown", "{param}");
    }
}
