//! The stand-in for Stripe.js, as far as it is served; what it does, `web/e2e` walks through.

use crate::pages::open;
use crate::world::World;

#[tokio::test]
async fn any_page_may_load_the_stand_in_for_stripe_js_and_show_its_forms() {
    let world = World::new();
    let script = open(&world, "/endive/stripe.js").await;
    assert_eq!(script.header("content-type"), "text/javascript; charset=utf-8");
    assert_eq!(script.header("access-control-allow-origin"), "*");
    for name in ["payment.html", "address.html"] {
        let form = open(&world, &format!("/elements/{name}")).await;
        assert_eq!(form.status, 200);
        let policy = form.header("content-security-policy");
        assert!(policy.contains("default-src 'none'") && !policy.contains("frame-ancestors"));
    }
    assert_eq!(open(&world, "/elements/other.html").await.status, 404);
}
