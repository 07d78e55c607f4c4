use http::Method;

use super::*;
use crate::elastic_path::script::{
    ORDER, answer, ep, example, external_ref, last, no, order, outcome, payment,
};
use crate::stripe::script::{Step, says};

async fn confirm(step: Step) -> Result<TransactionView, EpError> {
    let (ep, admin, _) = ep([step]);
    ep.confirm(&admin, &order(), &external_ref()).await
}

fn transaction() -> Value {
    json!({
        "id": "t1", "type": "transaction", "reference": "pi_1", "amount": 3599,
        "currency": "USD", "transaction_type": "purchase", "status": "complete",
    })
}

#[tokio::test]
async fn a_confirmation_writes_the_orders_name_on_the_charge() {
    let (ep, admin, asked) = ep([says(200, example!("order.confirm.complete.200"))]);
    let told = ep.confirm(&admin, &order(), &external_ref()).await.unwrap();
    let body = json!({"data": {"options": {"metadata": {
        "order_id": ORDER, "attempt": external_ref().as_str(),
    }}}});
    assert_eq!(last(&asked), (Method::POST, format!("/v2/orders/{ORDER}/confirm"), body));
    assert!(told.has_happened());
    assert_eq!(
        (&told.status, &told.kind),
        (&TransactionStatus::Complete, &TransactionKind::Purchase)
    );
    assert_eq!((told.amount.map(Money::minor), told.payment), (Some(3599), Some(payment())));
    assert!(!told.can_be_cancelled);
}

#[tokio::test]
async fn a_confirmation_that_answers_200_may_still_be_pending() {
    let told = confirm(says(200, example!("order.confirm.pending.200"))).await.unwrap();
    assert!(!told.has_happened() && told.can_be_cancelled);
    assert_eq!(told.status, TransactionStatus::Pending);
    assert_eq!(told.payment_status.as_deref(), Some("requires_action"));
    assert!(!format!("{told:?}").contains("_secret_"));
    assert!(told.client_secret.unwrap().expose().contains("_secret_"));
}

#[tokio::test]
async fn money_that_is_held_has_happened_only_while_it_is_held() {
    for (kind, status, stripe, happened) in [
        ("purchase", "complete", "succeeded", true),
        ("purchase", "completed", "", true),
        ("purchase", "pending", "succeeded", false),
        ("purchase", "failed", "succeeded", false),
        ("purchase", "a_word_of_tomorrow", "succeeded", false),
        ("capture", "complete", "", true),
        ("authorize", "complete", "requires_capture", true),
        ("authorize", "complete", "canceled", false),
        ("authorize", "complete", "", false),
        ("refund", "complete", "succeeded", false),
        ("a_word_of_tomorrow", "complete", "succeeded", false),
    ] {
        let mut told = transaction();
        told["transaction_type"] = json!(kind);
        told["status"] = json!(status);
        told["payment_intent"] = json!({"id": "pi_1", "status": stripe});
        let read = confirm(answer(200, &json!({ "data": told }))).await.unwrap();
        assert_eq!(read.has_happened(), happened, "{kind} {status} {stripe}");
    }
}

#[tokio::test]
async fn the_older_name_of_a_transactions_kind_is_read_too() {
    let mut told = transaction();
    told["transaction_type"] = json!("");
    told["transaction-type"] = json!("purchase");
    let read = confirm(answer(200, &json!({ "data": told }))).await.unwrap();
    assert_eq!((read.kind, read.payment), (TransactionKind::Purchase, "pi_1".parse().ok()));
}

#[tokio::test(start_paused = true)]
async fn a_confirmation_is_not_repeated_where_it_may_have_got_through() {
    assert_eq!(outcome(&confirm(says(422, example!("error.422.confirm"))).await), "refused 422");
    assert_eq!(outcome(&confirm(no(500)).await), "unknown 500");
    assert_eq!(outcome(&confirm(Step::NoAnswer).await), "unknown, no answer");
    let soft = json!({"data": transaction(), "errors": [{"title": "No"}]});
    assert_eq!(outcome(&confirm(answer(200, &soft)).await), "unknown, unreadable");
}

#[tokio::test]
async fn an_order_is_paid_when_it_says_so_itself() {
    let (client, admin, asked) = ep([says(200, example!("order.get.paid.200"))]);
    let paid = client.order(&admin, &order()).await.unwrap();
    assert_eq!(last(&asked), (Method::GET, format!("/v2/orders/{ORDER}"), Value::Null));
    assert_eq!((&paid.payment, &paid.status), (&OrderPayment::Paid, &OrderStatus::Complete));
    assert_eq!((paid.total.map(Money::minor), paid.linked), (Some(3599), None));
    for (word, expected) in [
        ("unpaid", OrderPayment::Unpaid),
        ("partially_paid", OrderPayment::PartiallyPaid),
        ("partially_authorized", OrderPayment::PartiallyAuthorized),
        ("authorized", OrderPayment::Authorized),
        ("refunded", OrderPayment::Refunded),
        ("new", OrderPayment::Other("new".into())),
    ] {
        let body = json!({"data": {"id": "o1", "status": "incomplete", "payment": word}});
        let (ep, admin, _) = ep([answer(200, &body)]);
        assert_eq!(ep.order(&admin, &order()).await.unwrap().payment, expected);
    }
}

fn orders(from: u32, count: u32) -> Step {
    let one = |number: u32| {
        json!({
            "id": format!("o{number}"), "status": "incomplete", "payment": "unpaid",
            "external_ref": external_ref().as_str(),
        })
    };
    answer(200, &json!({"data": (from..from + count).map(one).collect::<Vec<_>>()}))
}

#[tokio::test]
async fn orders_are_found_by_our_name_for_them_on_every_page() {
    let (ep, admin, asked) = ep([orders(0, 100), orders(100, 2)]);
    let found = ep.orders_named(&admin, &external_ref()).await.unwrap();
    assert_eq!(found.len(), 102);
    assert_eq!(found[101].external_ref.as_deref(), Some(external_ref().as_str()));
    let (method, path, _) = last(&asked);
    assert_eq!(method, Method::GET);
    let filter = format!("filter=eq(external_ref,{})", external_ref());
    assert_eq!(path, format!("/v2/orders?{filter}&page%5Blimit%5D=100&page%5Boffset%5D=100"));
}

#[tokio::test]
async fn a_look_up_without_an_end_proves_nothing() {
    let (ep, admin, _) = ep(vec![orders(0, 100); 10]);
    let found = ep.orders_named(&admin, &external_ref()).await;
    assert_eq!(outcome(&found), "unknown, endless");
}

#[tokio::test]
async fn an_answer_without_a_list_is_not_an_empty_list() {
    let (ep, admin, _) = ep([answer(200, &json!({}))]);
    assert_eq!(outcome(&ep.orders_named(&admin, &external_ref()).await), "unknown, unreadable");
}

#[tokio::test]
async fn an_orders_transactions_are_read_confirmed_and_cancelled() {
    let told = json!({ "data": transaction() });
    let list = json!({"data": [transaction()]});
    let (ep, admin, asked) = ep([answer(200, &list), answer(200, &told), answer(200, &told)]);
    assert_eq!(ep.transactions(&admin, &order()).await.unwrap().len(), 1);
    let transactions = format!("/v2/orders/{ORDER}/transactions");
    let path = format!("{transactions}?page%5Blimit%5D=100&page%5Boffset%5D=0");
    assert_eq!(last(&asked), (Method::GET, path, Value::Null));
    let id = "t1".parse().unwrap();
    ep.confirm_transaction(&admin, &order(), &id).await.unwrap();
    let body = json!({"data": {}});
    assert_eq!(last(&asked), (Method::POST, format!("{transactions}/t1/confirm"), body.clone()));
    ep.cancel_transaction(&admin, &order(), &id).await.unwrap();
    assert_eq!(last(&asked), (Method::POST, format!("{transactions}/t1/cancel"), body));
}

#[tokio::test]
async fn an_order_of_nothing_is_paid_by_hand() {
    let (ep, admin, asked) = ep([answer(200, &json!({ "data": transaction() }))]);
    ep.pay_manually(&admin, &order()).await.unwrap();
    let body = json!({"data": {
        "gateway": "manual", "method": "purchase",
        "paymentmethod_meta": {"custom_reference": "free", "name": "Free order"},
    }});
    assert_eq!(last(&asked), (Method::POST, format!("/v2/orders/{ORDER}/payments"), body));
}

#[tokio::test]
async fn an_order_is_changed_as_a_whole_word_or_by_fields_of_the_shops_own() {
    let text = |text: &str| Attribute::Text(text.into());
    // A shopper who names the platform's own fields changes none of them.
    let own = ["status", "shipping", "type", "external_ref", "shipping_address", "payment"];
    let own = own.map(|name| (name.to_owned(), text("cancelled")));
    assert_eq!(OrderFields::new(BTreeMap::from(own.clone())), None);
    let noted = [("gift".to_owned(), Attribute::Flag(true)), ("note".to_owned(), text("x"))];
    let fields = OrderFields::new(noted.into_iter().chain(own).collect()).unwrap();
    let fields = OrderChange::Fields(fields);
    for (change, body) in [
        (OrderChange::Cancel, json!({"type": "order", "status": "cancelled"})),
        (OrderChange::Fulfil, json!({"type": "order", "shipping": "fulfilled"})),
        (fields, json!({"type": "order", "gift": true, "note": "x"})),
    ] {
        let (ep, admin, asked) = ep([says(200, example!("order.get.paid.200"))]);
        ep.change_order(&admin, &order(), &change).await.unwrap();
        let path = format!("/v2/orders/{ORDER}");
        assert_eq!(last(&asked), (Method::PUT, path, json!({ "data": body })));
    }
}
