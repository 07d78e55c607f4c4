//! Access tokens, and what each grant may do.

use std::time::Duration;

use serde_json::{Value, json};
use simulators::elastic_path::{ElasticPath, Modes, Options, Scopes};

use crate::world::{CART, World, options, payment};

#[tokio::test]
async fn a_token_is_forty_hexadecimal_digits_and_lives_an_hour() {
    let world = World::new().await;
    assert_eq!(world.server.len(), 40);
    assert!(world.server.bytes().all(|digit| digit.is_ascii_hexdigit()));
    world.store.advance(Duration::from_secs(3599));
    assert_eq!(world.get("/v2/orders").await.status, 200);
    world.store.advance(Duration::from_secs(1));
    let answer = world.get("/v2/orders").await;
    assert_eq!(answer.refusal(), "401 Unable to validate access token");
}

#[tokio::test]
async fn its_answer_is_flat_and_names_the_grant_and_the_end() {
    let world = World::new().await;
    let id = options().client_id;
    let body = world.token(&format!("grant_type=implicit&client_id={id}")).await.body;
    assert_eq!(body["identifier"], "implicit");
    assert_eq!(body["token_type"], "Bearer");
    assert_eq!(body["expires_in"], 3600);
    assert_eq!(body["expires"], 1_795_255_200 + 3600);
}

#[tokio::test]
async fn the_lifetime_of_tokens_can_be_set() {
    let store = ElasticPath::new(Options { token_lifetime: Duration::from_secs(2), ..options() });
    let world = World { store, shopper: String::new(), server: String::new() };
    let token = world.mint("implicit").await;
    let cart = format!("/v2/carts/{CART}");
    assert_eq!(world.ask_as(&token, "GET", &cart, Value::Null).await.status, 200);
    world.store.advance(Duration::from_secs(2));
    assert_eq!(world.ask_as(&token, "GET", &cart, Value::Null).await.status, 401);
}

#[tokio::test]
async fn a_wrong_store_a_wrong_secret_and_an_unknown_grant_get_no_token() {
    let world = World::new().await;
    let id = options().client_id;
    for (form, refusal) in [
        ("grant_type=implicit&client_id=somebody".to_owned(), "401 Unauthorized"),
        (format!("grant_type=client_credentials&client_id={id}"), "401 Unauthorized"),
        (
            format!("grant_type=client_credentials&client_id={id}&client_secret=x"),
            "401 Unauthorized",
        ),
        (format!("grant_type=password&client_id={id}"), "400 Bad Request"),
    ] {
        assert_eq!(world.token(&form).await.refusal(), refusal, "{form}");
    }
}

#[tokio::test]
async fn without_a_token_or_with_an_invented_one_nothing_is_answered() {
    let world = World::new().await;
    let none = world.with_headers(&[], "GET", "/v2/carts/a", Value::Null).await.unwrap();
    assert_eq!(none.status, 401);
    assert_eq!(world.ask_as(&"0".repeat(40), "GET", "/v2/carts/a", Value::Null).await.status, 401);
}

#[tokio::test]
async fn a_shopper_may_fill_and_check_out_a_cart_but_neither_pay_nor_see_orders() {
    let world = World::new().await;
    world.fill().await;
    let shopper = |method, path: String, body| {
        let world = &world;
        async move { world.ask_as(&world.shopper, method, &path, body).await }
    };
    let refused = shopper("POST", format!("/v2/carts/{CART}/payments"), payment("ctoken_ok")).await;
    assert_eq!(refused.refusal(), "403 Unauthorised call");
    assert_eq!(refused.body["errors"][0]["code"], "gateway.scopes.authorise");
    assert_eq!(refused.body["errors"][0].get("status"), None);
    for (method, path) in [("GET", "/v2/orders"), ("GET", "/v2/orders/a"), ("PUT", "/v2/orders/a")]
    {
        assert_eq!(shopper(method, path.into(), json!({ "data": {} })).await.status, 403, "{path}");
    }
    let order = world.check_out().await.id();
    let confirm = format!("/v2/orders/{order}/confirm");
    assert_eq!(
        shopper("POST", confirm.clone(), Value::Null).await.status,
        422,
        "not a matter of scope"
    );

    world.store.set_modes(Modes { confirm_scope: Scopes::Strict, ..Modes::default() });
    assert_eq!(shopper("POST", confirm, Value::Null).await.status, 403);
    world.store.set_modes(Modes { scopes: Scopes::Lenient, ..Modes::default() });
    let paid = shopper("POST", format!("/v2/carts/{CART}/payments"), payment("ctoken_ok")).await;
    assert_eq!(paid.status, 201);
}

#[tokio::test]
async fn a_shopper_who_has_logged_in_reads_her_own_orders() {
    let world = World::new().await;
    let (account, token) = world.store.add_account();
    world.ordered("ctoken_ok").await;
    let mut body = crate::world::checkout();
    body["data"]["contact"] = body["data"]["customer"].take();
    body["data"].as_object_mut().unwrap().remove("customer");
    let path = format!("/v2/carts/{CART}/checkout");
    let nobody = world.ask("POST", &path, body.clone()).await;
    assert_eq!(nobody.body["errors"][0]["source"], "data.account");
    body["data"]["account"] = json!({ "id": account, "member_id": account });
    let own = world.ask("POST", &path, body).await.id();

    let bearer = format!("Bearer {}", world.shopper);
    let headers = [
        ("authorization", bearer.as_str()),
        ("ep-account-management-authentication-token", token.as_str()),
    ];
    let listed = world.with_headers(&headers, "GET", "/v2/orders", Value::Null).await.unwrap();
    let ids: Vec<&str> = listed.body["data"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|one| one["id"].as_str())
        .collect();
    assert_eq!(ids, [own]);
}

#[tokio::test]
async fn whoever_is_logged_in_is_told_of_all_her_accounts_until_her_token_is_over() {
    let world = World::new().await;
    let (first, token) = world.store.add_account();
    let (second, _) = world.store.add_account_beside(&first).unwrap();
    world.store.add_account();
    let bearer = format!("Bearer {}", world.shopper);
    let switch = async |token: &str, mechanism: &str| {
        let headers = [
            ("authorization", bearer.as_str()),
            ("ep-account-management-authentication-token", token),
        ];
        let kind = "account_management_authentication_token";
        let body = json!({ "data": { "type": kind, "authentication_mechanism": mechanism } });
        let path = "/v2/account-members/tokens";
        world.with_headers(&headers, "POST", path, body).await.unwrap()
    };
    let mine = "account_management_authentication_token";
    let told = switch(&token, mine).await;
    assert_eq!(told.status, 201);
    let accounts: Vec<&Value> =
        told.body["data"].as_array().unwrap().iter().map(|one| &one["account_id"]).collect();
    assert_eq!(accounts, [&json!(first), &json!(second)]);
    assert!(told.body["meta"]["account_member_id"].is_string());
    assert_eq!(switch(&token, "password").await.status, 400, "which nobody simulates");
    assert_eq!(switch("another", mine).await.status, 401);
    world.store.advance(Duration::from_secs(24 * 60 * 60));
    let bearer = format!("Bearer {}", world.mint("implicit").await);
    let headers = [
        ("authorization", bearer.as_str()),
        ("ep-account-management-authentication-token", token.as_str()),
    ];
    let orders = world.with_headers(&headers, "GET", "/v2/orders", Value::Null).await.unwrap();
    assert_eq!(orders.refusal(), "401 Unable to validate access token");
}

#[tokio::test]
async fn an_encoded_way_up_reads_what_the_token_may_not() {
    let world = World::new().await;
    let order = world.ordered("ctoken_ok").await;
    let answer = world.ask_as(&world.shopper, "GET", "/v2/carts/..%2Forders", Value::Null).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.body["data"][0]["id"], order.as_str());
}
