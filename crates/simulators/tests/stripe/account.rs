//! The account that the keys belong to.

use crate::world::World;

#[tokio::test]
async fn a_server_sees_the_account_of_its_key_and_no_other() {
    let world = World::new();
    let own = world.get("/v1/account", &[]).await;
    assert_eq!(own.status, 200);
    assert_eq!(own.body["object"], "account");
    assert_eq!(own.body["charges_enabled"], true);
    assert!(own.id().starts_with("acct_1"));
    let same = world.get(&format!("/v1/accounts/{}", own.id()), &[]).await;
    assert_eq!(same.body, own.body);
    let other = world.get("/v1/accounts/acct_other", &[]).await;
    assert_eq!(other.code(), "403 account_invalid");
}

#[tokio::test]
async fn a_page_does_not_see_the_account() {
    let world = World::new();
    let seen = world.browser("GET", "/v1/account", &[]).await;
    assert_eq!(seen.code(), "401 secret_key_required");
}
