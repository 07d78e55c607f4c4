//! Customers, and payments made for them.

use serde_json::{Value, json};

use crate::schema;
use crate::world::{Answer, INTENT, World};

impl World {
    /// A customer with nothing but an address for mail.
    pub async fn customer(&self) -> String {
        let made = self.post("/v1/customers", &[("email", "jenny@example.com")]).await;
        assert_eq!(made.status, 200, "{:#}", made.body);
        made.id()
    }

    /// A new method from a token, attached.
    pub async fn saved(&self, customer: &str, token: &str) -> String {
        let path = format!("/v1/payment_methods/{token}/attach");
        let attached = self.post(&path, &[("customer", customer)]).await;
        assert_eq!(attached.status, 200, "{:#}", attached.body);
        attached.id()
    }

    /// 20 EUR confirmed at once, with more parameters.
    pub async fn pay_with(&self, more: &[(&str, &str)]) -> Answer {
        let mut fields = INTENT.to_vec();
        fields.push(("confirm", "true"));
        fields.extend(more);
        self.post("/v1/payment_intents", &fields).await
    }

    /// The newest event of a kind, as the API shows it.
    pub async fn newest(&self, kind: &str) -> Value {
        self.get("/v1/events", &[("type", kind)]).await.body["data"][0].clone()
    }
}

#[tokio::test]
async fn a_customer_is_kept_as_it_was_given() {
    let world = World::new();
    let made = world
        .post(
            "/v1/customers",
            &[
                ("name", "Jenny Rosen"),
                ("email", "jenny@example.com"),
                ("phone", "+4930123456"),
                ("description", "regular"),
                ("address[line1]", "Torstr. 1"),
                ("address[country]", "DE"),
                ("shipping[name]", "Jenny Rosen"),
                ("shipping[address][line1]", "Torstr. 2"),
                ("preferred_locales[0]", "de"),
                ("preferred_locales[1]", "en"),
                ("metadata[shop_id]", "7"),
                ("tax_exempt", "exempt"),
                ("business_name", "Rosen GmbH"),
                ("invoice_settings[footer]", "Danke"),
            ],
        )
        .await;
    assert_eq!(made.status, 200, "{:#}", made.body);
    let customer = &made.body;
    assert!(made.id().starts_with("cus_"));
    assert_eq!(customer["name"], "Jenny Rosen");
    assert_eq!(customer["address"]["country"], "DE");
    assert_eq!(customer["address"]["city"], json!(null));
    assert_eq!(customer["shipping"]["address"]["line1"], "Torstr. 2");
    assert_eq!(customer["preferred_locales"], json!(["de", "en"]));
    assert_eq!(customer["metadata"], json!({ "shop_id": "7" }));
    assert_eq!(customer["tax_exempt"], "exempt");
    assert_eq!(customer["business_name"], "Rosen GmbH");
    assert_eq!(customer["invoice_settings"]["footer"], "Danke");
    let again = world.get(&format!("/v1/customers/{}", made.id()), &[]).await;
    assert_eq!(again.body, made.body);
    assert_eq!(world.kinds(), ["customer.created"]);
}

#[tokio::test]
async fn a_change_of_a_customer_says_what_was_before() {
    let world = World::new();
    let path = format!("/v1/customers/{}", world.customer().await);
    let start = [("address[city]", "Berlin"), ("metadata[a]", "1"), ("name", "Jenny")];
    world.post(&path, &start).await;
    let changed = world
        .post(&path, &[("address[line1]", "Torstr. 1"), ("metadata[b]", "2"), ("name", "")])
        .await;
    assert_eq!(changed.body["address"]["city"], "Berlin");
    assert_eq!(changed.body["address"]["line1"], "Torstr. 1");
    assert_eq!(changed.body["name"], json!(null));
    let event = world.newest("customer.updated").await;
    assert_eq!(event["data"]["object"], changed.body);
    assert_eq!(
        event["data"]["previous_attributes"],
        json!({ "address": { "line1": null }, "metadata": { "b": null }, "name": "Jenny" })
    );

    world.post(&path, &[("metadata[b]", "2")]).await;
    assert_eq!(world.kinds(), ["customer.created", "customer.updated", "customer.updated"]);
    let removed = world.post(&path, &[("address", ""), ("metadata", "")]).await;
    assert_eq!(removed.body["address"], json!(null));
    assert_eq!(removed.body["metadata"], json!({}));
}

#[tokio::test]
async fn a_wrong_customer_is_refused_and_not_made() {
    let world = World::new();
    let create = async |name: &str, value: &str| {
        let answer = world.post("/v1/customers", &[(name, value)]).await;
        (answer.code(), answer.body["error"]["param"].as_str().unwrap_or("-").to_owned())
    };
    assert_eq!(create("email", "jenny").await, ("400 email_invalid".into(), "email".into()));
    assert_eq!(create("tax_exempt", "yes").await, ("400 -".into(), "tax_exempt".into()));
    assert_eq!(create("nickname", "J").await, ("400 parameter_unknown".into(), "nickname".into()));
    assert_eq!(create("balance", "5").await, ("400 -".into(), "balance".into()));
    let (code, param) = create("payment_method", "pm_nobody").await;
    assert_eq!((code.as_str(), param.as_str()), ("400 resource_missing", "payment_method"));
    let (code, param) = create("invoice_settings[default_payment_method]", "pm_nobody").await;
    assert_eq!(code, "400 resource_missing");
    assert_eq!(param, "invoice_settings[default_payment_method]");
    let missing = world.get("/v1/customers/cus_none", &[]).await;
    assert_eq!(missing.code(), "404 resource_missing");
    assert_eq!(missing.message(), "No such customer: 'cus_none'");
    assert!(world.kinds().is_empty());
}

#[tokio::test]
async fn every_parameter_of_customers_and_tokens_is_known_by_name() {
    let world = World::new();
    let customer = format!("/v1/customers/{}", world.customer().await);
    let of_customer = format!("{customer}/payment_methods");
    let method = "/v1/payment_methods/pm_none";
    let routes = [
        ("customer_create", "POST", "/v1/customers"),
        ("customer_update", "POST", customer.as_str()),
        ("customer_retrieve", "GET", customer.as_str()),
        ("customer_list", "GET", "/v1/customers"),
        ("customer_list_payment_methods", "GET", of_customer.as_str()),
        ("payment_method_create", "POST", "/v1/payment_methods"),
        ("payment_method_update", "POST", method),
        ("payment_method_retrieve", "GET", method),
        ("payment_method_list", "GET", "/v1/payment_methods"),
        ("payment_method_attach", "POST", "/v1/payment_methods/pm_none/attach"),
        ("payment_method_detach", "POST", "/v1/payment_methods/pm_none/detach"),
        ("confirmation_token_retrieve", "GET", "/v1/confirmation_tokens/ctoken_none"),
        ("test_helpers.confirmation_token_create", "POST", "/v1/test_helpers/confirmation_tokens"),
    ];
    for (name, method, path) in routes {
        let Some(params) = schema::params(&format!("{name}_params")) else { return };
        assert!(!params.is_empty(), "{name} has no parameters");
        for param in params {
            let code = world.send(method, path, &[(param.as_str(), "?")], &[]).await.code();
            assert_ne!(code, "400 parameter_unknown", "{name} does not know {param}");
        }
    }
}

#[tokio::test]
async fn a_customer_can_come_with_a_method_and_have_it_as_default() {
    let world = World::new();
    let made = world
        .post(
            "/v1/customers",
            &[
                ("payment_method", "pm_card_visa"),
                ("invoice_settings[default_payment_method]", "pm_card_visa"),
                ("expand[]", "invoice_settings.default_payment_method"),
            ],
        )
        .await;
    let method = &made.body["invoice_settings"]["default_payment_method"];
    assert_eq!(method["customer"], made.body["id"]);
    assert_eq!(world.kinds(), ["payment_method.attached", "customer.created"]);

    let declined =
        world.post("/v1/customers", &[("payment_method", "pm_card_chargeDeclined")]).await;
    assert_eq!(declined.code(), "402 card_declined");
    let all = world.get("/v1/customers", &[]).await.body;
    assert_eq!(all["data"].as_array().unwrap().len(), 1);

    let path = format!("/v1/payment_methods/{}/detach", method["id"].as_str().unwrap());
    world.post(&path, &[]).await;
    let customer = world.get(&format!("/v1/customers/{}", made.id()), &[]).await.body;
    assert_eq!(customer["invoice_settings"]["default_payment_method"], json!(null));
    let event = world.newest("customer.updated").await;
    assert_eq!(
        event["data"]["previous_attributes"],
        json!({ "invoice_settings": { "default_payment_method": method["id"] } })
    );
}

#[tokio::test]
async fn the_default_method_is_one_of_the_customers_own() {
    let world = World::new();
    let (jenny, other) = (world.customer().await, world.customer().await);
    let (own, others) =
        (world.saved(&jenny, "pm_card_visa").await, world.saved(&other, "pm_card_visa").await);
    let path = format!("/v1/customers/{jenny}");
    let name = "invoice_settings[default_payment_method]";
    assert_eq!(world.post(&path, &[(name, &others)]).await.code(), "400 resource_missing");
    let set = world.post(&path, &[(name, &own)]).await.body;
    assert_eq!(set["invoice_settings"]["default_payment_method"], own.as_str());
}

#[tokio::test]
async fn a_deleted_customer_leaves_an_id_and_unusable_methods() {
    let world = World::new();
    let customer = world.customer().await;
    let method = world.saved(&customer, "pm_card_visa").await;
    let paid = world.pay_with(&[("customer", &customer), ("payment_method", &method)]).await;
    let path = format!("/v1/customers/{customer}");
    let deleted = world.send("DELETE", &path, &[], &[]).await;
    let stub = json!({ "id": customer, "object": "customer", "deleted": true });
    assert_eq!(deleted.body, stub);
    assert_eq!(world.get(&path, &[]).await.body, stub);
    let event = world.newest("customer.deleted").await;
    assert_eq!(event["data"]["object"]["email"], "jenny@example.com");
    let kinds = world.kinds();
    assert_eq!(kinds[kinds.len() - 2..], ["payment_method.detached", "customer.deleted"]);

    assert_eq!(world.send("DELETE", &path, &[], &[]).await.code(), "404 resource_missing");
    assert_eq!(world.post(&path, &[("name", "J")]).await.code(), "404 resource_missing");
    assert_eq!(world.get(&format!("{path}/payment_methods"), &[]).await.status, 404);
    let again = world.pay_with(&[("customer", &customer)]).await;
    assert_eq!(again.code(), "400 resource_missing");
    assert_eq!(again.message(), format!("No such customer: '{customer}'"));
    let used = world.pay(&method).await;
    assert_eq!(used.code(), "400 payment_method_unexpected_state");
    let all = world.get("/v1/customers", &[]).await.body;
    assert_eq!(all["data"], json!([]));
    let paid_path = format!("/v1/payment_intents/{}", paid.id());
    let expanded = world.get(&paid_path, &[("expand[]", "customer")]).await.body;
    assert_eq!(expanded["customer"], stub);
    let charges = world.get("/v1/charges", &[("customer", &customer)]).await.body;
    assert_eq!(charges["data"][0]["payment_intent"], paid.body["id"]);
}

#[tokio::test]
async fn customers_are_listed_by_address_and_time_in_pages() {
    let world = World::new();
    let mut ids = Vec::new();
    for name in ["a", "b", "a"] {
        let email = format!("{name}@example.com");
        ids.push(world.post("/v1/customers", &[("email", &email)]).await.id());
        world.stripe.advance(std::time::Duration::from_secs(10));
    }
    let list = async |fields: &[(&str, &str)]| {
        let page = world.get("/v1/customers", fields).await.body;
        let rows = page["data"].as_array().unwrap().iter();
        let places: Vec<usize> =
            rows.map(|row| ids.iter().position(|id| *id == row["id"]).unwrap()).collect();
        (places, page["has_more"].as_bool().unwrap())
    };
    assert_eq!(list(&[]).await, (vec![2, 1, 0], false));
    assert_eq!(list(&[("limit", "1")]).await, (vec![2], true));
    assert_eq!(list(&[("limit", "1"), ("starting_after", &ids[2])]).await, (vec![1], true));
    assert_eq!(list(&[("email", "a@example.com")]).await, (vec![2, 0], false));
    let start = (world.stripe.now().as_second() - 20).to_string();
    assert_eq!(list(&[("created[gte]", &start)]).await, (vec![2, 1], false));
}

#[tokio::test]
async fn a_saved_method_pays_for_its_customer_again_and_again() {
    let world = World::new();
    let customer = world.customer().await;
    let method = world.saved(&customer, "pm_card_visa").await;
    for _ in 0..2 {
        let paid = world.pay_with(&[("customer", &customer), ("payment_method", &method)]).await;
        assert_eq!(paid.body["status"], "succeeded", "{:#}", paid.body);
        assert_eq!(paid.body["customer"], customer.as_str());
    }
    let charges = world.get("/v1/charges", &[("customer", &customer)]).await.body;
    assert_eq!(charges["data"].as_array().unwrap().len(), 2);
    assert_eq!(charges["data"][0]["customer"], customer.as_str());
    world.pay("pm_card_visa").await;
    let intents = world.get("/v1/payment_intents", &[("customer", &customer)]).await.body;
    assert_eq!(intents["data"].as_array().unwrap().len(), 2);
    let nobody = world.get("/v1/payment_intents", &[("customer", "cus_none")]).await;
    assert_eq!(nobody.code(), "400 resource_missing");
}

#[tokio::test]
async fn a_method_pays_for_nobody_but_its_customer() {
    let world = World::new();
    let (jenny, other) = (world.customer().await, world.customer().await);
    let method = world.saved(&jenny, "pm_card_visa").await;
    let foreign = format!(
        "The PaymentMethod {method} does not belong to the Customer you supplied {other}. Please \
         use this PaymentMethod with the Customer that it belongs to instead."
    );
    let refused = world.pay_with(&[("customer", &other), ("payment_method", &method)]).await;
    assert_eq!((refused.code().as_str(), refused.message()), ("400 -", foreign.as_str()));
    assert_eq!(refused.body["error"]["param"], "payment_method");
    assert_eq!(refused.body["error"].get("payment_intent"), None);

    let nobodys = world.pay(&method).await;
    assert_eq!(nobodys.code(), "400 parameter_missing");
    assert_eq!(
        nobodys.message(),
        format!(
            "The `payment_method` parameter supplied {method} belongs to the Customer {jenny}. \
             Please include the Customer in the `customer` parameter on the PaymentIntent."
        )
    );
    assert!(world.stripe.ledger().is_empty());

    let id = world.intent().await["id"].as_str().unwrap().to_owned();
    let path = format!("/v1/payment_intents/{id}");
    world.post(&path, &[("customer", &other)]).await;
    let confirm = [("payment_method", method.as_str())];
    let refused = world.post(&format!("{path}/confirm"), &confirm).await;
    assert_eq!(refused.message(), foreign);
    assert_eq!(refused.body["error"]["payment_intent"]["payment_method"], json!(null));
}

#[tokio::test]
async fn an_intent_keeps_its_customer() {
    let world = World::new();
    let (jenny, other) = (world.customer().await, world.customer().await);
    let id = world.intent().await["id"].as_str().unwrap().to_owned();
    let path = format!("/v1/payment_intents/{id}");
    assert_eq!(world.post(&path, &[("customer", "cus_none")]).await.code(), "400 resource_missing");
    assert_eq!(world.post(&path, &[("customer", "")]).await.code(), "400 parameter_invalid_empty");
    let set = world.post(&path, &[("customer", &jenny)]).await.body;
    assert_eq!(set["customer"], jenny.as_str());
    assert_eq!(world.post(&path, &[("customer", &jenny)]).await.status, 200);
    let changed = world.post(&path, &[("customer", &other)]).await;
    assert!(changed.message().starts_with("You cannot modify `customer` on a PaymentIntent"));
    assert_eq!(world.retrieve(&id).await["customer"], jenny.as_str());
    let empty = world.post(&format!("{path}/confirm"), &[]).await;
    assert!(empty.message().contains(&format!("To confirm the PaymentIntent with {jenny}")));
    let account = world.post(&path, &[("customer_account", "acct_1")]).await;
    assert!(account.message().contains("does not simulate"));
}

#[tokio::test]
async fn a_method_is_saved_when_its_payment_succeeds() {
    let world = World::new();
    let customer = world.customer().await;
    let wish = [("customer", customer.as_str()), ("setup_future_usage", "off_session")];
    let with = |method: &'static str| [wish.as_slice(), &[("payment_method", method)]].concat();
    let declined = world.pay_with(&with("pm_card_chargeDeclined")).await;
    assert_eq!(declined.code(), "402 card_declined");
    let path = format!("/v1/customers/{customer}/payment_methods");
    assert_eq!(world.get(&path, &[]).await.body["data"], json!([]));

    let paid = world.pay_with(&with("pm_card_visa")).await.body;
    let saved = world.get(&path, &[]).await.body;
    assert_eq!(saved["data"][0]["id"], paid["payment_method"]);
    let kinds = world.kinds();
    assert_eq!(
        kinds[kinds.len() - 5..],
        [
            "payment_intent.created",
            "payment_method.attached",
            "charge.succeeded",
            "payment_intent.succeeded",
            "charge.updated"
        ]
    );
    let debited = world.pay_with(&with("pm_sepaDebit_success_de")).await.body;
    assert_eq!(debited["status"], "processing");
    let debits = world.get(&path, &[("type", "sepa_debit")]).await.body;
    assert_eq!(debits["data"][0]["id"], debited["payment_method"]);

    let unsaved = [("customer", customer.as_str()), ("payment_method", "pm_card_visa")];
    let unsaved = world.pay_with(&unsaved).await.body;
    let method = unsaved["payment_method"].as_str().unwrap();
    let again = world.pay_with(&[("customer", &customer), ("payment_method", method)]).await;
    assert_eq!(again.code(), "400 payment_method_unexpected_state");
}

#[tokio::test]
async fn a_method_is_saved_only_after_the_challenge() {
    let world = World::new();
    let customer = world.customer().await;
    let fields = [
        ("customer", customer.as_str()),
        ("setup_future_usage", "off_session"),
        ("payment_method", "pm_card_authenticationRequiredOnSetup"),
    ];
    let waiting = world.pay_with(&fields).await;
    assert_eq!(waiting.body["status"], "requires_action");
    let path = format!("/v1/customers/{customer}/payment_methods");
    assert_eq!(world.get(&path, &[]).await.body["data"], json!([]));
    assert!(world.stripe.authenticate(&waiting.id(), true));
    let saved = world.get(&path, &[]).await.body["data"][0]["id"].as_str().unwrap().to_owned();

    let use_it = [("customer", customer.as_str()), ("payment_method", saved.as_str())];
    let off_session = [use_it.as_slice(), &[("off_session", "true")]].concat();
    assert_eq!(world.pay_with(&off_session).await.body["status"], "succeeded");
    assert_eq!(world.pay_with(&use_it).await.body["status"], "requires_action");
    // Attached without a payment, it has not been set up for charges without its holder.
    let fresh = world.saved(&customer, "pm_card_authenticationRequiredOnSetup").await;
    let fields = [("customer", &*customer), ("payment_method", &*fresh), ("off_session", "true")];
    assert_eq!(world.pay_with(&fields).await.code(), "402 authentication_required");
    let on_session = [
        ("customer", &*customer),
        ("payment_method", &*fresh),
        ("setup_future_usage", "on_session"),
    ];
    let waiting = world.pay_with(&on_session).await;
    assert!(world.stripe.authenticate(&waiting.id(), true));
    assert_eq!(world.pay_with(&fields).await.code(), "402 authentication_required");
}

#[tokio::test]
async fn without_a_customer_a_method_that_was_to_be_saved_can_be_attached_later() {
    let world = World::new();
    let customer = world.customer().await;
    let fields = [("payment_method", "pm_card_visa"), ("setup_future_usage", "on_session")];
    let paid = world.pay_with(&fields).await.body;
    let method = paid["payment_method"].as_str().unwrap();
    assert_eq!(world.pay(method).await.code(), "400 payment_method_unexpected_state");
    world.saved(&customer, method).await;
    let paid = world.pay_with(&[("customer", &customer), ("payment_method", method)]).await;
    assert_eq!(paid.body["status"], "succeeded");

    let paid = world.pay("pm_card_visa").await.body;
    let path = format!("/v1/payment_methods/{}/attach", paid["payment_method"].as_str().unwrap());
    let refused = world.post(&path, &[("customer", &customer)]).await;
    assert_eq!(refused.code(), "400 payment_method_unexpected_state");
}

#[tokio::test]
async fn nothing_is_saved_for_a_customer_who_was_deleted_before_the_payment() {
    let world = World::new();
    let customer = world.customer().await;
    let mut fields = INTENT.to_vec();
    fields.extend([("customer", customer.as_str()), ("setup_future_usage", "off_session")]);
    let id = world.post("/v1/payment_intents", &fields).await.id();
    let path = format!("/v1/customers/{customer}");
    assert_eq!(world.send("DELETE", &path, &[], &[]).await.status, 200);
    let confirm = format!("/v1/payment_intents/{id}/confirm");
    let paid = world.post(&confirm, &[("payment_method", "pm_card_visa")]).await.body;
    let method = format!("/v1/payment_methods/{}", paid["payment_method"].as_str().unwrap());
    assert_eq!(world.get(&method, &[]).await.body["customer"], Value::Null);
    assert!(!world.kinds().contains(&"payment_method.attached"));
}
