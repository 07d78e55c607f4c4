//! The checkouts themselves, each as a shopper's page and, where a page would use Stripe.js, a test
//! would do it.

use domain::money::{Currency, Money};
use http::Method;
use serde_json::{Value, json};

use super::{
    EP_BASE, EP_CLIENT_ID, EP_CLIENT_SECRET, EP_CURRENCY, GATEWAY_BASE, GATEWAY_KEY, Outcome,
    STRIPE_BASE, STRIPE_KEY, Vendors,
    server::{Server, Vendor},
};

const STRIPE: &str = "https://api.stripe.com";
/// Stripe's name for 4242 4242 4242 4242 where no page types it.
const CARD: &str = "pm_card_visa";
const SESSIONS: &str = "/api/checkout/sessions";
const CURRENT: &str = "/api/checkout/sessions/current";

/// An order over the shop API: its payment is confirmed at Stripe, and its event is fetched.
pub async fn shop_api(vendors: &Vendors) -> Outcome {
    let (mut shop, base, key) = match native(vendors).await {
        Ok(opened) => opened,
        Err(skipped) => return skipped,
    };
    add_first(&mut shop).await;
    let form = json!({
        "email": "guest@shop.example",
        "shippingAddress": {
            "name": "Ada Guest", "street": "Lindenweg 7", "postalCode": "10115", "city": "Berlin",
            "country": "DE",
        },
        "acceptsMarketing": false,
    });
    let intent = shop.ask(Method::POST, "/api/checkout/intent", form, 200).await;
    let secret = intent["clientSecret"].as_str().unwrap();
    let payment = secret.split("_secret_").next().unwrap();
    let path = format!("/v1/payment_intents/{payment}");
    let stripe = Vendor { base: &base, key: &key };
    let fields = [("payment_method", CARD), ("return_url", "https://shop.example/thanks")];
    let confirmed = stripe.post(&format!("{path}/confirm"), &fields).await;
    assert_eq!(confirmed["status"], "succeeded", "{confirmed}");

    let id = intent["orderId"].as_str().unwrap();
    shop.ask(Method::POST, "/api/checkout/confirm", json!({ "orderId": id }), 200).await;
    let order = until_paid(&mut shop, id).await;
    let event = order["payment"]["eventId"].as_str().unwrap().to_owned();
    let total = total(&order);
    let seen = stripe.get(&path).await;
    assert_eq!(seen["amount_received"], total.minor(), "Stripe received another amount");
    Outcome::Passed(format!("order {id} is paid, {total}, by event {event} for payment {payment}"))
}

/// A session of the native backend, paid with a confirmation token in one call.
pub async fn native_session(vendors: &Vendors) -> Outcome {
    let (mut shop, base, key) = match native(vendors).await {
        Ok(opened) => opened,
        Err(skipped) => return skipped,
    };
    add_first(&mut shop).await;
    fill_session(&mut shop).await;
    let token = confirmation_token(&Vendor { base: &base, key: &key }).await;
    let session = pay(&mut shop, &token).await;
    let id = session["order"]["id"].as_str().unwrap().to_owned();
    let order = until_paid(&mut shop, &id).await;
    let total = total(&order);
    assert_eq!(total, to_pay(&session), "the session showed another total");
    Outcome::Passed(format!("order {id} is paid, {total}"))
}

/// A cart at Elastic Path: priced there with its shipping, then paid in one call.
pub async fn elastic_path(vendors: &Vendors) -> (Outcome, Outcome) {
    let keys = vendors.need([EP_CLIENT_ID, EP_CLIENT_SECRET, EP_BASE]);
    let [client_id, client_secret, base] = match keys {
        Ok(keys) => keys,
        Err(Outcome::Skipped(why) | Outcome::Passed(why)) => {
            return (Outcome::Skipped(why.clone()), Outcome::Skipped(why));
        }
    };
    refuse_live_gateway(&base, &client_id, &client_secret).await;
    let mut shop = Server::new(&[
        ("TILL_BACKEND", "elastic-path"),
        ("TILL_CURRENCY", vendors.get(EP_CURRENCY).unwrap_or("USD")),
        ("TILL_SHIPPING", "*:5.99"),
        ("EP_CLIENT_ID", &client_id),
        ("EP_CLIENT_SECRET", &client_secret),
        ("EP_API_BASE_URL", &base),
    ]);
    shop.start().await;
    add_first(&mut shop).await;
    let ready = fill_session(&mut shop).await;
    let (cart, to_pay) = (ready["cartId"].as_str().unwrap(), to_pay(&ready));
    let session = Outcome::Passed(format!("cart {cart} costs {to_pay} with its shipping"));

    let key = match vendors.need([GATEWAY_KEY]) {
        Ok([key]) => key,
        Err(skipped) => return (session, skipped),
    };
    let base = vendors.get(GATEWAY_BASE).unwrap_or(STRIPE);
    let token = confirmation_token(&Vendor { base, key: &key }).await;
    let paid = pay(&mut shop, &token).await;
    let id = paid["order"]["id"].as_str().unwrap().to_owned();
    let order = until_paid(&mut shop, &id).await;
    let comes_to = total(&order);
    assert_eq!(comes_to, to_pay, "the session showed another total");
    let cart = shop.ask(Method::GET, "/api/cart", Value::Null, 200).await;
    assert_eq!(cart["items"], json!([]), "what was bought is still in the cart");
    let booked = paid["order"]["transactionId"].as_str().unwrap();
    let payment = Outcome::Passed(format!("order {id} is paid, {comes_to}, booked as {booked}"));
    (session, payment)
}

/// A native shop that is open, and where and with which key Stripe is asked.
async fn native(vendors: &Vendors) -> Result<(Server, String, String), Outcome> {
    let [key] = vendors.need([STRIPE_KEY])?;
    let base = vendors.get(STRIPE_BASE).unwrap_or(STRIPE).to_owned();
    let mut shop = Server::new(&[
        ("TILL_CURRENCY", "EUR"),
        ("TILL_SHIPPING", "*:4.90"),
        ("TILL_TAX_RATES", "*:19"),
        ("TILL_POLL_SECONDS", "2"),
        ("STRIPE_API_BASE", &base),
        ("STRIPE_SECRET_KEY", &key),
        // No page is opened, and no webhook is sent.
        ("STRIPE_PUBLISHABLE_KEY", "pk_test_1234567890abcdef"),
        ("STRIPE_WEBHOOK_SECRET", "whsec_1234567890abcdef"),
    ]);
    shop.fill().await;
    shop.start().await;
    Ok((shop, base, key))
}

/// A store whose gateway takes real money is left alone.
async fn refuse_live_gateway(base: &str, client_id: &str, client_secret: &str) {
    let form = [
        ("grant_type", "client_credentials"),
        ("client_id", client_id),
        ("client_secret", client_secret),
    ];
    let minted = Vendor { base, key: "" }.post("/oauth/access_token", &form).await;
    let key = minted["access_token"].as_str().unwrap();
    let gateway = "/v2/gateways/elastic_path_payments_stripe";
    let gateway = Vendor { base, key }.get(gateway).await;
    assert_eq!(gateway["data"]["enabled"], true, "the store's Stripe gateway is switched off");
    assert_eq!(gateway["data"]["test"], true, "the store's gateway takes real money: not used");
}

async fn add_first(shop: &mut Server) {
    let page = shop.ask(Method::GET, "/api/products", Value::Null, 200).await;
    let product = page["items"].as_array().unwrap().first().unwrap_or_else(|| {
        panic!("the shop has nothing with a price in its currency ({EP_CURRENCY} names another)")
    });
    let item = json!({ "productId": product["id"], "quantity": 1 });
    shop.ask(Method::POST, "/api/cart/items", item, 200).await;
}

/// A session with everything that is needed to pay.
async fn fill_session(shop: &mut Server) -> Value {
    shop.ask(Method::POST, SESSIONS, json!({}), 201).await;
    let home = json!({
        "firstName": "Ada", "lastName": "Guest", "line1": "Lindenweg 7", "city": "Berlin",
        "postcode": "10115", "country": "DE",
    });
    let form = json!({
        "customerInfo": { "name": "Ada Guest", "email": "guest@shop.example" },
        "shippingAddress": home,
        "billingAddress": home,
    });
    shop.ask(Method::PATCH, CURRENT, form, 200).await;
    let offer = format!("{CURRENT}/shipping");
    let offered = shop.ask(Method::POST, &offer, json!({}), 200).await;
    let rate = &offered["data"]["session"]["availableShippingRates"][0]["id"];
    let choice = json!({ "selectedShippingRateId": rate });
    shop.ask(Method::PATCH, CURRENT, choice, 200).await["data"]["session"].clone()
}

/// What Stripe.js makes of a card, made by the helper that Stripe has for tests.
async fn confirmation_token(stripe: &Vendor<'_>) -> String {
    let made = stripe.post("/v1/test_helpers/confirmation_tokens", &[("payment_method", CARD)]);
    made.await["id"].as_str().unwrap().to_owned()
}

/// One call pays; an answer that takes its time is waited for.
async fn pay(shop: &mut Server, token: &str) -> Value {
    let body = json!({ "gateway": "stripe", "confirmation_token": token });
    let paid = shop.ask(Method::POST, &format!("{CURRENT}/pay"), body, 200).await;
    let is_over = |answer: &Value| answer["data"]["session"]["status"] != "processing";
    let answer = if is_over(&paid) { paid } else { shop.until(CURRENT, is_over).await };
    let session = answer["data"]["session"].clone();
    assert_eq!(session["status"], "complete", "{answer}");
    assert_eq!(session["payment"]["status"], "succeeded", "{answer}");
    session
}

async fn until_paid(shop: &mut Server, order: &str) -> Value {
    let order =
        shop.until(&format!("/api/orders/{order}"), |seen| seen["status"] != "pending").await;
    assert_eq!(order["status"], "paid", "{order}");
    order
}

/// What a session is to cost.
fn to_pay(session: &Value) -> Money {
    let totals = &session["totals"];
    let currency: Currency = totals["currency"].as_str().unwrap().parse().unwrap();
    Money::new(totals["total"].as_i64().unwrap(), currency).unwrap()
}

/// What an order comes to.
fn total(order: &Value) -> Money {
    let currency: Currency = order["currency"].as_str().unwrap().parse().unwrap();
    Money::parse_major(&order["total"].to_string(), currency).unwrap()
}
