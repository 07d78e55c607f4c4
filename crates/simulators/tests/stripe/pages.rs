//! The pages: what a person sees and orders there, with a script and without.

use axum::body::Body;
use http_body_util::BodyExt;
use serde_json::{Value, json};

use crate::world::{INTENT, World, form};

pub struct Page {
    pub status: u16,
    pub headers: http::HeaderMap,
    pub text: String,
}

/// The form of an order as it stands in a page: the fields by name.
type Fields = Vec<(String, String)>;

pub async fn call(world: &World, request: http::Request<Body>) -> Page {
    let response = world.raw(request).await;
    let status = response.status().as_u16();
    let headers = response.headers().clone();
    let bytes = response.into_body().collect().await.unwrap().to_bytes();
    Page { status, headers, text: String::from_utf8(bytes.to_vec()).unwrap() }
}

pub async fn open(world: &World, path: &str) -> Page {
    call(world, http::Request::get(path).body(Body::empty()).unwrap()).await
}

impl Page {
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// What a reader sees: no tags, one space between words.
    pub fn words(&self) -> String {
        let mut words = String::new();
        let mut inside = false;
        for letter in self.text.replace("<wbr>", "").chars() {
            match letter {
                '<' => inside = true,
                '>' => {
                    inside = false;
                    words.push(' ');
                }
                _ if inside => {}
                letter => words.push(letter),
            }
        }
        let words = words.split_whitespace().collect::<Vec<_>>().join(" ");
        words.replace("&#x2f;", "/").replace("&quot;", "\"").replace("&#x27;", "'")
    }

    /// The form whose button says `label`, with the fields that a browser would send.
    fn form(&self, label: &str) -> Option<Fields> {
        let mut forms = self
            .text
            .split("<form ")
            .skip(1)
            .map(|rest| rest.split_once("</form>").map_or(rest, |(form, _)| form));
        let found = forms.find(|form| {
            let opened_by = format!("aria-label=\"{label}\"");
            let button = |button: &str| {
                button.split_once('>').is_some_and(|(_, text)| text.starts_with(label))
            };
            form.contains(&opened_by) || form.split("<button").skip(1).any(button)
        })?;
        let attribute = |tag: &str, name: &str| {
            let (_, rest) = tag.split_once(&format!(" {name}=\""))?;
            let (value, _) = rest.split_once('"')?;
            Some(value.replace("&#x2f;", "/").replace("&quot;", "\"").replace("&amp;", "&"))
        };
        let inputs = found.split("<input").skip(1).map(|input| {
            let tag = input.split_once('>').unwrap().0;
            (attribute(tag, "name").unwrap(), attribute(tag, "value").unwrap_or_default())
        });
        Some(inputs.collect())
    }
}

/// Sends a form as a browser without a script does, follows the way back, and returns that page.
async fn submit(world: &World, fields: &Fields, more: &[(&str, &str)]) -> Page {
    let mut sent: Vec<(&str, &str)> = fields
        .iter()
        .filter(|(name, _)| !more.iter().any(|(other, _)| other == name))
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    sent.extend(more);
    let request = http::Request::post("/dashboard/order")
        .header("host", "127.0.0.1:12111")
        .header("content-type", "application/x-www-form-urlencoded")
        .header("origin", "http://127.0.0.1:12111")
        .header("sec-fetch-site", "same-origin")
        .body(Body::from(form(&sent)))
        .unwrap();
    let answer = call(world, request).await;
    assert_eq!(answer.status, 303, "{}", answer.text);
    let cookie = answer.header("set-cookie").split(';').next().unwrap().to_owned();
    let back = http::Request::get(answer.header("location")).header("cookie", cookie);
    call(world, back.body(Body::empty()).unwrap()).await
}

pub async fn order(world: &World, page: &str, label: &str, more: &[(&str, &str)]) -> Page {
    let page = open(world, page).await;
    let fields = page.form(label).unwrap_or_else(|| panic!("{label} is not offered"));
    submit(world, &fields, more).await
}

pub async fn debit(world: &World) -> String {
    let mut fields = INTENT.to_vec();
    fields.extend([
        ("confirm", "true"),
        ("payment_method_data[type]", "sepa_debit"),
        ("payment_method_data[sepa_debit][iban]", "AT611904300234573201"),
        ("payment_method_data[billing_details][name]", "Ada"),
        ("payment_method_data[billing_details][email]", "ada@example.test"),
        ("mandate_data[customer_acceptance][type]", "offline"),
    ]);
    let answer = world.post("/v1/payment_intents", &fields).await;
    assert_eq!(answer.body["status"], "processing", "{:#}", answer.body);
    answer.id()
}

pub async fn challenged(world: &World, more: &[(&str, &str)]) -> (String, String) {
    let mut fields = INTENT.to_vec();
    fields.extend([("confirm", "true"), ("payment_method", "pm_card_threeDSecure2Required")]);
    fields.extend(more);
    let answer = world.post("/v1/payment_intents", &fields).await;
    let action = &answer.body["next_action"];
    let page = action["use_stripe_sdk"]["stripe_js"]
        .as_str()
        .or(action["redirect_to_url"]["url"].as_str())
        .unwrap();
    (answer.id(), page.strip_prefix("http://127.0.0.1:12111").unwrap().to_owned())
}

pub async fn status(world: &World, id: &str) -> String {
    world.retrieve(id).await["status"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn every_page_answers_and_loads_nothing_from_elsewhere() {
    let world = World::new();
    world.stripe.create_webhook_endpoint("http://127.0.0.1:9/hooks");
    let paid = world.pay("pm_card_visa").await;
    let (_, challenge) = challenged(&world, &[]).await;
    let bank = challenge.replace("/3d_secure/challenge/", "/redirect/");
    let payment = format!("/payments/{}", paid.id());
    let receipt = format!("/receipts/{}", paid.body["latest_charge"].as_str().unwrap());
    for path in ["/", "/?q=ord_1&rows=all", &payment, &challenge, &bank, &receipt] {
        let page = open(&world, path).await;
        assert_eq!(page.status, 200, "{path}: {}", page.text);
        assert!(page.header("content-type").starts_with("text/html"), "{path}");
        assert!(page.header("content-security-policy").starts_with("default-src 'none';"));
        for from in [" src=\"", " href=\"", " action=\""] {
            for address in page.text.split(from).skip(1) {
                let ours = ["/", "#", "data:", "\""].iter().any(|start| address.starts_with(start))
                    || address.starts_with("&#x2f;");
                assert!(ours, "{path} leads to {}", &address[..20]);
            }
        }
    }
    for file in ["/pages/page.css", "/pages/live.js", "/pages/frame.js"] {
        let file = open(&world, file).await;
        assert_eq!(file.status, 200);
        assert!(!file.text.contains("http"), "nothing is loaded from elsewhere");
    }
    for missing in [
        "/payments/pi_no",
        "/receipts/ch_no",
        "/3d_secure/challenge/no",
        "/redirect/no",
        "/pages/no",
    ] {
        assert_eq!(open(&world, missing).await.status, 404, "{missing}");
    }
}

#[tokio::test]
async fn what_a_shop_writes_is_shown_and_never_run() {
    let world = World::new();
    let hostile = "<script>alert(1)</script>\"'&";
    let mut fields = INTENT.to_vec();
    fields.extend([
        ("metadata[order_id]", hostile),
        ("metadata[<b>]", hostile),
        ("description", hostile),
        ("confirm", "true"),
        ("payment_method", "pm_card_visa"),
    ]);
    let paid = world.post("/v1/payment_intents", &fields).await;
    world.stripe.create_webhook_endpoint("http://127.0.0.1/<script>alert(1)</script>");
    let payment = format!("/payments/{}", paid.id());
    let receipt = format!("/receipts/{}", paid.body["latest_charge"].as_str().unwrap());
    for path in ["/", "/?q=%3Cscript%3Ealert%281%29", &payment, &receipt] {
        let page = open(&world, path).await;
        assert_eq!(page.status, 200);
        assert!(!page.text.contains("<script>alert"), "{path}");
        assert!(page.text.contains("&lt;script&gt;alert(1)"), "{path}");
    }
}

#[tokio::test]
async fn the_dashboard_tells_what_became_of_each_payment() {
    let world = World::new();
    world.pay("pm_card_visa").await;
    world.pay("pm_card_visa_chargeDeclinedInsufficientFunds").await;
    challenged(&world, &[]).await;
    debit(&world).await;
    let words = open(&world, "/").await.words();
    assert!(words.contains("Payments 4"), "{words}");
    for told in [
        "20.00 EUR visa ···· 4242 succeeded ord_1",
        "requires payment method last try failed: insufficient funds",
        "requires action waits for 3-D Secure",
        "sepa debit ···· 3201 processing waits for the bank",
        "Sat 21 Nov 2026, 12:00:00 UTC",
    ] {
        assert!(words.contains(told), "{told}: {words}");
    }
    let place = |status: &str| words.find(status).unwrap();
    assert!(place("processing waits") < place("succeeded ord_1"), "the newest is first");
}

#[tokio::test]
async fn a_filter_leaves_a_payment_and_what_belongs_to_it() {
    let world = World::new();
    let paid = world.pay("pm_card_visa").await.id();
    let mut fields = INTENT.to_vec();
    fields.push(("metadata[order_id]", "ord_2"));
    let other = world.post("/v1/payment_intents", &fields).await.id();
    let page = open(&world, "/?q=ORD_2").await;
    assert!(page.words().contains("Payments 1"));
    assert!(page.words().contains("Events 1"));
    assert!(page.text.contains(&other));
    assert!(!page.text.contains(&paid));
    assert!(open(&world, "/?q=nowhere").await.words().contains("No payment speaks of “nowhere”."));
}

#[tokio::test]
async fn more_payments_than_fit_a_glance_are_one_link_away() {
    let world = World::new();
    for _ in 0..27 {
        world.intent().await;
    }
    let rows = |page: &Page| page.text.matches("data-key=\"pi_").count();
    let page = open(&world, "/").await;
    assert_eq!(rows(&page), 25);
    assert!(page.words().contains("Show all 27"));
    assert_eq!(rows(&open(&world, "/?rows=all&q=").await), 27);
}

#[tokio::test]
async fn a_payments_own_page_has_its_story_and_its_objects() {
    let world = World::new();
    world.stripe.create_webhook_endpoint("http://127.0.0.1:9/hooks");
    let id = world.pay("pm_card_visa").await.id();
    world.pay("pm_card_mastercard").await;
    world.stripe.deliver_with(std::sync::Arc::new(|_| Box::pin(async { Ok(503) })));
    world.stripe.deliver_pending().await;
    let page = open(&world, &format!("/payments/{id}")).await;
    let words = page.words();
    let place = |text: &str| words.find(text).unwrap_or_else(|| panic!("{text}: {words}"));
    assert!(place("failed payment_intent.succeeded") < place("failed payment_intent.created"));
    assert!(place("try 1 · answered 503 · http://127.0.0.1:9/hooks · again at 12:00:01") > 0);
    assert!(place("caused by req_") > 0);
    for object in
        ["Payment intent pi_", "Payment method pm_", "Charge ch_", "Balance transaction txn_"]
    {
        place(object);
    }
    assert!(!words.contains("mastercard"));
}

#[tokio::test]
async fn an_idle_page_is_told_that_nothing_has_changed() {
    let world = World::new();
    let id = world.pay("pm_card_visa").await.id();
    for page in ["/?part=live".to_owned(), format!("/payments/{id}?part=live")] {
        let first = open(&world, &page).await;
        assert!(!first.text.contains("<html"));
        let tag = first.header("etag").to_owned();
        let again = || {
            let again = http::Request::get(&page).header("if-none-match", &tag);
            again.body(Body::empty()).unwrap()
        };
        let idle = call(&world, again()).await;
        assert_eq!((idle.status, idle.text.as_str()), (304, ""));
        world.stripe.advance(std::time::Duration::from_secs(1));
        let later = call(&world, again()).await;
        assert_eq!(later.status, 304, "the time alone is no news");
        assert_ne!(idle.header("till-now"), later.header("till-now"));
        world.stripe.falsify_amount_received(&id, i64::try_from(page.len()).unwrap());
        assert_eq!(call(&world, again()).await.status, 200);
    }
}

#[tokio::test]
async fn a_debit_is_settled_from_its_page() {
    let world = World::new();
    let (paid, refused) = (debit(&world).await, debit(&world).await);
    let page = order(&world, &format!("/payments/{paid}"), "The bank pays", &[]).await;
    assert!(page.words().contains("The bank has paid."));
    assert!(page.header("set-cookie").contains("Max-Age=0"), "it is said once");
    assert_eq!(status(&world, &paid).await, "succeeded");
    assert!(page.form("The bank pays").is_none(), "a settled debit is not settled again");
    order(&world, &format!("/payments/{refused}"), "The bank refuses", &[]).await;
    assert_eq!(status(&world, &refused).await, "requires_payment_method");
}

#[tokio::test]
async fn a_challenge_is_passed_failed_or_left_to_expire_from_outside() {
    let world = World::new();
    let mut ended = Vec::new();
    for label in ["The buyer confirms", "The buyer fails", "Let it expire"] {
        let (id, _) = challenged(&world, &[]).await;
        order(&world, &format!("/payments/{id}"), label, &[]).await;
        let intent = world.retrieve(&id).await;
        ended.push((intent["status"].clone(), intent["last_payment_error"]["code"].clone()));
    }
    let expected = [
        (json!("succeeded"), Value::Null),
        (json!("requires_payment_method"), json!("payment_intent_authentication_failure")),
        (json!("requires_payment_method"), json!("payment_intent_payment_attempt_expired")),
    ];
    assert_eq!(ended, expected);
}

#[tokio::test]
async fn an_expired_challenge_leaves_the_intent_open_and_its_page_void() {
    let world = World::new();
    let (id, page) = challenged(&world, &[]).await;
    let expire = format!("/_sim/payment_intents/{id}/expire_authentication");
    assert_eq!(world.control(&expire, json!({})).await.status, 200);
    assert_eq!(world.kinds().last(), Some(&"payment_intent.payment_failed"));
    let events = world.get("/v1/events", &[("limit", "1")]).await.body;
    assert_eq!(events["data"][0]["request"], json!({ "id": null, "idempotency_key": null }));
    assert_eq!(open(&world, &page).await.status, 404);
    assert_eq!(world.control(&expire, json!({})).await.status, 409, "it has expired already");
    assert_eq!(world.kinds().iter().filter(|kind| kind.ends_with("payment_failed")).count(), 1);
    let confirm = format!("/v1/payment_intents/{id}/confirm");
    let paid = world.post(&confirm, &[("payment_method", "pm_card_visa")]).await;
    assert_eq!(paid.body["status"], "succeeded");
    assert_eq!(paid.body["last_payment_error"], Value::Null);
}

#[tokio::test]
async fn a_payment_is_canceled_from_outside_with_a_reason() {
    let world = World::new();
    let id = world.intent().await["id"].as_str().unwrap().to_owned();
    let page = format!("/payments/{id}");
    let shown = order(&world, &page, "Cancel…", &[("text.reason", "abandoned")]).await;
    assert!(shown.words().contains("The payment is canceled."));
    let intent = world.retrieve(&id).await;
    assert_eq!(intent["status"], "canceled");
    assert_eq!(intent["cancellation_reason"], "abandoned");
    assert_eq!(world.kinds(), ["payment_intent.created", "payment_intent.canceled"]);
    let events = world.get("/v1/events", &[("limit", "1")]).await.body;
    assert_eq!(events["data"][0]["request"]["id"], Value::Null);
    let cancel = format!("/_sim/payment_intents/{id}/cancel");
    assert_eq!(world.control(&cancel, json!({})).await.status, 409);
    let open = world.intent().await["id"].as_str().unwrap().to_owned();
    let cancel = format!("/_sim/payment_intents/{open}/cancel");
    assert_eq!(world.control(&cancel, json!({ "reason": "boredom" })).await.status, 400);
    assert_eq!(status(&world, &open).await, "requires_payment_method");
}

#[tokio::test]
async fn the_amount_received_is_typed_as_people_write_money() {
    let world = World::new();
    let id = world.pay("pm_card_visa").await.id();
    let page = format!("/payments/{id}");
    let label = "Change the amount received…";
    order(&world, &page, label, &[("money2.amount", "19,5")]).await;
    assert_eq!(world.retrieve(&id).await["amount_received"], 1950);
    assert!(open(&world, "/").await.words().contains("19.50 EUR received"));
    let refused = order(&world, &page, label, &[("money2.amount", "19.505")]).await;
    assert!(refused.words().contains("19.505 is not a sum of money."));
    assert_eq!(world.retrieve(&id).await["amount_received"], 1950);
}

#[tokio::test]
async fn webhooks_are_held_released_dropped_resumed_and_sent_again() {
    let world = World::new();
    let sent = std::sync::Arc::new(std::sync::Mutex::new(0));
    let counted = sent.clone();
    world.stripe.deliver_with(std::sync::Arc::new(move |_| {
        *counted.lock().unwrap() += 1;
        Box::pin(async { Ok(204) })
    }));
    world.stripe.create_webhook_endpoint("http://127.0.0.1:9/hooks");
    order(&world, "/", "Hold", &[]).await;
    world.intent().await;
    assert_eq!(world.stripe.deliver_pending().await, 0);
    assert!(open(&world, "/").await.words().contains("held 1 waits until you release."));
    order(&world, "/", "Release, newest first", &[]).await;
    assert_eq!(world.stripe.deliver_pending().await, 1);
    order(&world, "/", "Drop…", &[]).await;
    world.intent().await;
    order(&world, "/", "Resume", &[]).await;
    assert_eq!(world.stripe.deliver_pending().await, 0, "what was dropped is lost");
    let again = order(&world, "/", "Send again", &[]).await;
    assert!(again.words().contains("Sent again. Answered: 204."));
    let twice = order(&world, "/", "Twice at once", &[]).await;
    assert!(twice.words().contains("Answered: 204, 204."));
    assert_eq!(*sent.lock().unwrap(), 4);
}

#[tokio::test]
async fn faults_are_ordered_and_taken_back() {
    let world = World::new();
    let fault = r#"{"kind":"500_after"}"#;
    let at = r#"{"method":"POST","path":"/v1/payment_intents"}"#;
    let fields = [("merge", fault), ("merge", at), ("int.times", "2")];
    let page = order(&world, "/", "Order it", &fields).await;
    let words = page.words();
    assert!(words.contains("2 × 500, though it is done POST /v1/payment_intents"), "{words}");
    assert_eq!(world.post("/v1/payment_intents", &INTENT).await.status, 500);
    assert_eq!(world.stripe.ledger().len(), 1);
    order(&world, "/", "Take them back", &[]).await;
    assert_eq!(world.post("/v1/payment_intents", &INTENT).await.status, 200);
}

#[tokio::test]
async fn the_clock_moves_a_week_and_a_reset_forgets() {
    let world = World::new();
    debit(&world).await;
    let page = order(&world, "/", "+1 week", &[]).await;
    assert!(page.words().contains("Sat 28 Nov 2026, 12:00:00 UTC"));
    assert_eq!(world.stripe.ledger()[0].status, "succeeded");
    order(&world, "/", "Reset…", &[]).await;
    assert!(world.stripe.ledger().is_empty());
}

#[tokio::test]
async fn a_page_with_a_script_gets_the_answer_in_words() {
    let world = World::new();
    let id = world.intent().await["id"].as_str().unwrap().to_owned();
    let send = async |path: &str| {
        let fields = [("path", path), ("body", "{}"), ("said", "Done.")];
        let request = http::Request::post("/dashboard/order")
            .header("content-type", "application/x-www-form-urlencoded")
            .header("accept", "application/json")
            .body(Body::from(form(&fields)))
            .unwrap();
        let text = call(&world, request).await.text;
        serde_json::from_str::<Value>(&text).unwrap()
    };
    let cancel = format!("/_sim/payment_intents/{id}/cancel");
    assert_eq!(send(&cancel).await, json!({ "ok": true, "text": "Done." }));
    let text = format!("Not done: {id} is not open.");
    assert_eq!(send(&cancel).await, json!({ "ok": false, "text": text }));
    assert_eq!(send("/_sim/nothing").await["text"], "Not done: nothing takes this order.");
    let elsewhere = "Orders go to the control API only.";
    assert_eq!(send("/v1/payment_intents").await["text"], elsewhere);
    assert_eq!(send("http://evil.test/_sim/reset").await["text"], elsewhere);
}

#[tokio::test]
async fn orders_of_other_sites_are_refused() {
    let world = World::new();
    world.intent().await;
    let send = async |path: &str, headers: &[(&str, &str)]| {
        let mut request = http::Request::post(path)
            .header("host", "127.0.0.1:12111")
            .header("content-type", "application/x-www-form-urlencoded");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let fields = [("path", "/_sim/reset"), ("body", "{}")];
        call(&world, request.body(Body::from(form(&fields))).unwrap()).await.status
    };
    let elsewhere: [&[(&str, &str)]; 5] = [
        &[("sec-fetch-site", "cross-site"), ("origin", "https://evil.test")],
        &[("sec-fetch-site", "same-site"), ("origin", "http://127.0.0.1:3000")],
        &[("origin", "https://evil.test")],
        &[("origin", "http://127.0.0.1:3000")],
        &[("origin", "null")],
    ];
    for headers in elsewhere {
        for path in ["/dashboard/order", "/_sim/reset", "/_sim/webhooks/drop", "/_sim/clock/set"] {
            assert_eq!(send(path, headers).await, 403, "{path} {headers:?}");
        }
    }
    assert_eq!(world.stripe.ledger().len(), 1);
    let own = [("sec-fetch-site", "same-origin"), ("origin", "http://127.0.0.1:12111")];
    assert_eq!(send("/dashboard/order", &own).await, 303);
    assert!(world.stripe.ledger().is_empty());
}

#[tokio::test]
async fn a_page_that_gives_orders_is_in_nobodys_frame_and_a_challenge_is() {
    let world = World::new();
    let (id, challenge) = challenged(&world, &[]).await;
    let policy =
        async |path: &str| open(&world, path).await.header("content-security-policy").to_owned();
    for own in ["/", &format!("/payments/{id}")] {
        assert!(policy(own).await.contains("frame-ancestors 'none'"), "{own}");
    }
    let page = open(&world, &challenge).await;
    assert!(!page.header("content-security-policy").contains("frame-ancestors"));
    assert_eq!(page.header("x-frame-options"), "");
}

#[tokio::test]
async fn what_is_refunded_or_disputed_from_outside_is_offered_where_it_makes_sense() {
    let world = World::new();
    let paid = world.pay("pm_card_visa").await.id();
    let page = open(&world, &format!("/payments/{paid}")).await;
    let value = |label: &str, name: &str| {
        let fields = page.form(label).unwrap();
        fields.into_iter().find(|(field, _)| field == name).unwrap().1
    };
    assert_eq!(value("Refund…", "path"), format!("/_sim/payment_intents/{paid}/refund"));
    assert_eq!(value("Refund…", "money2.amount"), "20.00");
    assert_eq!(value("Open a dispute…", "path"), format!("/_sim/payment_intents/{paid}/dispute"));
    assert!(page.form("Cancel…").is_none());
    let open_one = world.intent().await["id"].as_str().unwrap().to_owned();
    let page = open(&world, &format!("/payments/{open_one}")).await;
    assert!(page.form("Refund…").is_none());
    assert!(page.form("Open a dispute…").is_none());
}

#[tokio::test]
async fn a_refund_from_outside_is_typed_on_the_payments_page_and_settled_there() {
    let world = World::new();
    let id = world.pay("pm_card_visa").await.id();
    let page = format!("/payments/{id}");
    let refunded = order(&world, &page, "Refund…", &[("money2.amount", "12.5")]).await;
    assert!(refunded.words().contains("The refund is made."), "{}", refunded.words());
    assert!(refunded.words().contains("Refunds 1"));
    assert!(open(&world, "/").await.words().contains("12.50 EUR refunded"));
    let left = refunded.form("Refund…").unwrap();
    assert!(left.contains(&("money2.amount".to_owned(), "7.50".to_owned())));
    let failed = order(&world, &page, "Fail", &[]).await;
    assert!(failed.words().contains("The refund has failed."), "{}", failed.words());
    let refunds = world.get("/v1/refunds", &[]).await.body;
    assert_eq!(refunds["data"][0]["status"], "failed");
    let too_much = order(&world, &page, "Refund…", &[("money2.amount", "20.01")]).await;
    assert!(too_much.words().contains("Not done:"), "{}", too_much.words());
}

#[tokio::test]
async fn money_that_is_set_aside_is_let_go_when_the_payment_is_canceled_from_outside() {
    let world = World::new();
    let mut fields = INTENT.to_vec();
    fields.extend([
        ("capture_method", "manual"),
        ("confirm", "true"),
        ("payment_method", "pm_card_visa"),
    ]);
    let id = world.post("/v1/payment_intents", &fields).await.id();
    assert!(open(&world, "/").await.words().contains("requires capture waits to be captured"));
    assert!(world.stripe.cancel(&id, None));
    assert_eq!(status(&world, &id).await, "canceled");
    assert!(!world.stripe.cancel(&id, None));
}

#[tokio::test]
async fn webhooks_of_some_types_are_shown_as_held() {
    let world = World::new();
    world.stripe.create_webhook_endpoint("http://127.0.0.1:9/hooks");
    world.control("/_sim/webhooks/hold", json!({ "types": ["charge.*"] })).await;
    world.pay("pm_card_visa").await;
    let words = open(&world, "/").await.words();
    assert!(words.contains("flowing They go out as they are made."), "{words}");
    assert!(words.contains("hold charge.*"), "{words}");
    assert!(words.contains("charge.succeeded http://127.0.0.1:9/hooks held 0"), "{words}");
    assert!(words.contains("payment_intent.created http://127.0.0.1:9/hooks waiting 0"), "{words}");
}

#[tokio::test]
async fn a_dispute_is_opened_and_decided_from_the_payments_page() {
    let world = World::new();
    let id = world.pay("pm_card_visa").await.id();
    let page = format!("/payments/{id}");
    let opened = order(&world, &page, "Open a dispute…", &[("text.reason", "duplicate")]).await;
    assert!(opened.words().contains("Disputes 1"), "{}", opened.words());
    assert!(opened.form("Open a dispute…").is_none(), "it is disputed already");
    assert!(open(&world, "/").await.words().contains("dispute: needs response"));
    let won = order(&world, &page, "The shop wins", &[]).await;
    assert!(won.words().contains("The shop has won the dispute."), "{}", won.words());
    let other = world.pay("pm_card_visa").await.id();
    let page = format!("/payments/{other}");
    order(&world, &page, "Open an inquiry…", &[]).await;
    assert_eq!(world.kinds().last(), Some(&"charge.dispute.created"));
    let escalated = order(&world, &page, "Becomes a chargeback", &[]).await;
    assert!(escalated.form("The shop loses").is_some(), "{}", escalated.words());
}
