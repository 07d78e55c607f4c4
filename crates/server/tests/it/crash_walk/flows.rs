//! What the walk goes through: for each flow what comes before it, undisturbed, and the part in
//! which the power may fail.

use std::time::Duration;

use http::Method;
use serde_json::{Value, json};
use simulators::stripe::{DisputeOrder, Fault, FaultKind, RefundOrder};

use super::stage::Stage;

/// A part of the shop's work.
pub struct Flow {
    /// What happens before, with the power on.
    pub before: fn(&mut Stage) -> Option<()>,
    /// What is walked; `None` when the power failed. She, Stripe or the worker repeats it.
    pub act: fn(&mut Stage) -> Option<()>,
}

const CARD: &str = "payment_method_data[type]=card\
    &payment_method_data[card][number]=4242424242424242\
    &payment_method_data[card][exp_month]=12&payment_method_data[card][exp_year]=2040\
    &payment_method_data[card][cvc]=123";
const DECLINED_CARD: &str = "payment_method_data[type]=card\
    &payment_method_data[card][number]=4000000000000002\
    &payment_method_data[card][exp_month]=12&payment_method_data[card][exp_year]=2040\
    &payment_method_data[card][cvc]=123";
/// A card whose bank wants to be shown that it is she.
const CHALLENGED_CARD: &str = "payment_method_data[type]=card\
    &payment_method_data[card][number]=4000000000003220\
    &payment_method_data[card][exp_month]=12&payment_method_data[card][exp_year]=2040\
    &payment_method_data[card][cvc]=123";
/// Stripe's test account that does not pay.
const FAILING_DEBIT: &str = "payment_method_data[type]=sepa_debit\
    &payment_method_data[sepa_debit][iban]=DE62370400440532013001\
    &payment_method_data[billing_details][name]=Ada\
    &payment_method_data[billing_details][email]=ada@example.org";

/// Longer than a pending order keeps its stock.
const TOO_LONG: Duration = Duration::from_secs(31 * 60);
/// More often than one call to Stripe is tried.
const ALWAYS: u32 = 1000;

pub const FIRST_INTENT: Flow = Flow { before: fill_cart, act: ask_intent };

/// Shortly before its end the order is given more time.
pub const REPEATED_INTENT: Flow = Flow {
    before: |stage| {
        fill_cart(stage)?;
        ask_intent(stage)?;
        stage.stripe.advance(Duration::from_secs(25 * 60));
        Some(())
    },
    act: ask_intent,
};

pub const INTENT_WHOSE_FIRST_ANSWER_IS_LOST: Flow = Flow {
    before: |stage| {
        fill_cart(stage)?;
        stage.stripe.inject(Fault::once("/v1/payment_intents", FaultKind::LoseAfter));
        Some(())
    },
    act: ask_intent,
};

pub const INTENT_REPEATED_AFTER_ALL_ANSWERS_WERE_LOST: Flow =
    Flow { before: lose_answers, act: ask_intent };

pub const INTENT_WITH_NOTHING_TO_PAY: Flow =
    Flow { before: |stage| stage.add("gift", 1).map(drop), act: ask_intent };

pub const INTENT_AFTER_THE_CART_CHANGED: Flow = Flow {
    before: |stage| {
        fill_cart(stage)?;
        ask_intent(stage)
    },
    act: |stage| {
        let found = stage.ask(Method::GET, "/api/cart", &Value::Null)?;
        if found.body["items"].as_array().is_some_and(|lines| lines.len() == 1) {
            stage.add("lamp", 1)?;
        }
        ask_intent(stage)
    },
};

pub const CONFIRM: Flow = Flow {
    before: |stage| {
        stage.stripe.hold_webhooks();
        pay(stage, CARD)
    },
    act: |stage| {
        let order = stage.order.clone();
        stage.confirm(&order).map(drop)
    },
};

pub const WEBHOOK: Flow = Flow { before: |stage| pay(stage, CARD), act: hear };

/// A notice of a paid order to an endpoint and to the shopper; the event has been heard before.
pub const OTHERS_TOLD: Flow = Flow {
    before: |stage| {
        stage.tell_others();
        pay(stage, CARD)?;
        stage.deliver()?;
        stage.apply_events()
    },
    act: |stage| stage.work(),
};

pub const POLLED_EVENT: Flow = Flow {
    before: |stage| {
        stage.stripe.drop_webhooks();
        pay(stage, CARD)
    },
    act: |stage| {
        stage.poll()?;
        stage.work()
    },
};

pub const DECLINE_HEARD: Flow = Flow { before: |stage| pay(stage, DECLINED_CARD), act: hear };

pub const CANCELLATION_HEARD: Flow = Flow {
    before: |stage| {
        fill_cart(stage)?;
        ask_intent(stage)?;
        hear(stage)?;
        assert!(stage.stripe.cancel(stage.payment(), None));
        Some(())
    },
    act: hear,
};

pub const PAYMENT_THAT_FAILED_FOR_GOOD: Flow = Flow {
    before: |stage| {
        pay(stage, FAILING_DEBIT)?;
        let order = stage.order.clone();
        stage.confirm(&order)?;
        hear(stage)?;
        assert!(stage.stripe.settle(stage.payment(), None));
        Some(())
    },
    act: hear,
};

pub const EXPIRY: Flow = Flow {
    before: |stage| {
        fill_cart(stage)?;
        ask_intent(stage)?;
        hear(stage)?;
        stage.stripe.advance(TOO_LONG);
        Some(())
    },
    act: |stage| stage.work(),
};

pub const EXPIRY_OF_A_PAYMENT_THAT_STRIPE_NEVER_CONFIRMED: Flow = Flow {
    before: |stage| {
        lose_answers(stage)?;
        stage.stripe.inject(Fault {
            times: ALWAYS,
            ..Fault::once("/v1/payment_intents", FaultKind::LoseBefore)
        });
        stage.stripe.advance(TOO_LONG);
        Some(())
    },
    act: |stage| stage.work(),
};

pub const RECONCILING_AN_UNKNOWN_ATTEMPT: Flow = Flow {
    before: |stage| {
        lose_answers(stage)?;
        stage.stripe.advance(Duration::from_secs(60));
        Some(())
    },
    act: |stage| stage.work(),
};

pub const RECONCILING_AN_ATTEMPT_OLDER_THAN_ITS_KEY: Flow = Flow {
    before: |stage| {
        lose_answers(stage)?;
        stage.stripe.drop_webhooks();
        stage.stripe.advance(Duration::from_secs(25 * 60 * 60));
        Some(())
    },
    act: |stage| stage.work(),
};

pub const CANCELLATION_BY_THE_SHOPPER: Flow = Flow {
    before: |stage| {
        fill_cart(stage)?;
        ask_intent(stage)?;
        hear(stage)
    },
    act: |stage| {
        let path = format!("/api/orders/{}/cancel", stage.order);
        stage.ask(Method::POST, &path, &Value::Null).map(drop)
    },
};

pub const CANCELLATION_CARRIED_OUT_LATER: Flow = Flow {
    before: |stage| {
        (CANCELLATION_BY_THE_SHOPPER.before)(stage)?;
        let silent = Fault::once("/v1/payment_intents/", FaultKind::LoseBefore);
        stage.stripe.inject(Fault { times: ALWAYS, ..silent });
        (CANCELLATION_BY_THE_SHOPPER.act)(stage)?;
        stage.stripe.clear_faults();
        stage.stripe.advance(Duration::from_secs(60));
        Some(())
    },
    act: |stage| stage.work(),
};

pub const REFUND_MADE_AT_STRIPE: Flow = Flow {
    before: |stage| {
        pay(stage, CARD)?;
        hear(stage)?;
        let everything = RefundOrder::default();
        stage.stripe.refund(stage.payment(), everything).unwrap();
        Some(())
    },
    act: hear,
};

/// An operator gives everything back. Whoever asks for all that is left may ask again.
pub const REFUND_BY_THE_OPERATOR: Flow = Flow {
    before: |stage| {
        pay(stage, CARD)?;
        hear(stage)
    },
    act: |stage| {
        stage.give_back()?;
        hear(stage)
    },
};

/// The order was given up before Stripe's answer was heard, and then it is paid: what came goes back.
pub const SUCCESS_AFTER_THE_END: Flow = Flow {
    before: |stage| {
        (EXPIRY_OF_A_PAYMENT_THAT_STRIPE_NEVER_CONFIRMED.before)(stage)?;
        (EXPIRY_OF_A_PAYMENT_THAT_STRIPE_NEVER_CONFIRMED.act)(stage)?;
        assert_eq!(stage.orders(), "1 cancelled");
        stage.stripe.clear_faults();
        stage.pay_late();
        Some(())
    },
    act: hear,
};

pub const DISPUTE_HEARD: Flow = Flow {
    before: |stage| {
        pay(stage, CARD)?;
        hear(stage)?;
        stage.items = 1;
        stage.stripe.dispute(stage.payment(), &DisputeOrder::default()).unwrap();
        Some(())
    },
    act: hear,
};

/// What it brought goes back.
pub const SECOND_SUCCESS_HEARD: Flow = Flow {
    before: |stage| {
        pay(stage, CARD)?;
        hear(stage)?;
        stage.items = 1;
        stage.pay_beside();
        Some(())
    },
    act: hear,
};

/// Somebody gives a part of it back at Stripe first: then the rest goes back by itself.
pub const SECOND_SUCCESS_OF_WHICH_A_PART_WENT_BACK: Flow = Flow {
    before: |stage| {
        pay(stage, CARD)?;
        hear(stage)?;
        stage.items = 1;
        stage.pay_beside();
        let second = stage.stripe.ledger().last().map(|entry| entry.id.clone()).unwrap();
        let part = RefundOrder { amount: Some(400), ..RefundOrder::default() };
        stage.stripe.refund(&second, part).unwrap();
        Some(())
    },
    act: hear,
};

pub const COMPARING_A_SUCCESS_WITHOUT_ITS_EVENT: Flow = Flow {
    before: |stage| {
        stage.stripe.drop_webhooks();
        pay(stage, CARD)?;
        stage.stripe.advance(Duration::from_secs(10 * 60));
        Some(())
    },
    act: |stage| stage.compare_books(),
};

pub const COMPARING_A_REFUND_THAT_NOBODY_TOLD_OF: Flow = Flow {
    before: |stage| {
        pay(stage, CARD)?;
        hear(stage)?;
        stage.stripe.drop_webhooks();
        let part = RefundOrder { amount: Some(400), ..RefundOrder::default() };
        stage.stripe.refund(stage.payment(), part).unwrap();
        stage.stripe.advance(Duration::from_secs(10 * 60));
        Some(())
    },
    act: |stage| stage.compare_books(),
};

pub const PAYMENT_OF_A_SESSION: Flow =
    Flow { before: open_session, act: |stage| pay_session(stage, CARD) };

pub const PAYMENT_OF_A_SESSION_WHOSE_FIRST_ANSWER_IS_LOST: Flow = Flow {
    before: |stage| {
        open_session(stage)?;
        stage.stripe.inject(Fault::once("/v1/payment_intents", FaultKind::LoseAfter));
        Some(())
    },
    act: |stage| pay_session(stage, CARD),
};

pub const PAYMENT_OF_A_SESSION_AFTER_A_DECLINE: Flow = Flow {
    before: |stage| {
        open_session(stage)?;
        pay_session(stage, DECLINED_CARD)
    },
    act: |stage| pay_session(stage, CARD),
};

pub const SESSION_RESUMED_AFTER_ITS_CHALLENGE: Flow = Flow {
    before: |stage| {
        meet_challenge(stage)?;
        let payment = stage.newest_payment();
        assert!(stage.stripe.authenticate(&payment, true));
        Some(())
    },
    act: |stage| {
        stage.ask(Method::POST, &format!("{SESSION}/resume-payment"), &json!({}))?;
        hear(stage)
    },
};

pub const CHALLENGE_OF_A_SESSION_GIVEN_UP: Flow = Flow {
    before: meet_challenge,
    act: |stage| {
        stage.ask(Method::POST, &format!("{SESSION}/abandon-payment"), &json!({})).map(drop)
    },
};

pub const SESSION_WITH_NOTHING_TO_PAY: Flow = Flow {
    before: |stage| {
        stage.add("gift", 1)?;
        fill_in_session(stage)
    },
    act: |stage| {
        let reply =
            stage.ask(Method::POST, &format!("{SESSION}/pay"), &json!({ "gateway": "manual" }))?;
        assert_eq!(reply.status, 200, "{reply:?}");
        Some(())
    },
};

const SESSION: &str = "/api/checkout/sessions/current";

fn open_session(stage: &mut Stage) -> Option<()> {
    fill_cart(stage)?;
    fill_in_session(stage)
}

/// Her bank wants to be shown that it is she.
fn meet_challenge(stage: &mut Stage) -> Option<()> {
    open_session(stage)?;
    pay_session(stage, CHALLENGED_CARD)
}

fn fill_in_session(stage: &mut Stage) -> Option<()> {
    stage.ask(Method::POST, "/api/checkout/sessions", &json!({}))?;
    let address = json!({
        "firstName": "Ada", "lastName": "Beispiel", "line1": "Hauptstr. 1", "city": "Berlin",
        "country": "DE", "postcode": "10115",
    });
    let form = json!({
        "customerInfo": { "name": "Ada Beispiel", "email": "ada@example.org" },
        "shippingAddress": address,
        "billingAddress": address,
    });
    stage.ask(Method::PATCH, SESSION, &form)?;
    stage.ask(Method::POST, &format!("{SESSION}/shipping"), &json!({}))?;
    stage.ask(Method::PATCH, SESSION, &json!({ "selectedShippingRateId": "standard" })).map(drop)
}

/// Each time with a token of its own, as a page does that was loaded again.
fn pay_session(stage: &mut Stage, method: &str) -> Option<()> {
    let token = stage.token(method);
    let body = json!({ "gateway": "stripe", "confirmation_token": token });
    let reply = stage.ask(Method::POST, &format!("{SESSION}/pay"), &body)?;
    assert_eq!(reply.status, 200, "{reply:?}");
    Some(())
}

pub fn fill_cart(stage: &mut Stage) -> Option<()> {
    stage.add("mug", 2).map(drop)
}

pub fn ask_intent(stage: &mut Stage) -> Option<()> {
    let reply = stage.intent()?;
    if reply.status == 200 {
        reply.text("orderId").clone_into(&mut stage.order);
        reply.text("clientSecret").clone_into(&mut stage.secret_of_payment);
    }
    Some(())
}

/// Stripe makes the payment, and no answer comes through.
fn lose_answers(stage: &mut Stage) -> Option<()> {
    fill_cart(stage)?;
    let lost = Fault::once("/v1/payment_intents", FaultKind::LoseAfter);
    stage.stripe.inject(Fault { times: ALWAYS, ..lost });
    let reply = stage.intent()?;
    assert_eq!(reply.status, 503, "{reply:?}");
    stage.stripe.clear_faults();
    Some(())
}

fn pay(stage: &mut Stage, method: &str) -> Option<()> {
    fill_cart(stage)?;
    ask_intent(stage)?;
    let secret = stage.secret_of_payment.clone();
    stage.pay_at_stripe(&secret, method);
    Some(())
}

/// Stripe delivers, the worker works.
fn hear(stage: &mut Stage) -> Option<()> {
    stage.deliver()?;
    stage.work()
}

/// She buys what she came for, as somebody does who meets a shop with troubles: she tries again.
pub fn buy(stage: &mut Stage) -> Result<(), String> {
    let mut heard = Vec::new();
    for _ in 0..4 {
        let reply = stage.intent().ok_or("the power failed again")?;
        heard.push(format!("intent: {} {}", reply.status, reply.body));
        let (order, secret) = (reply.text("orderId"), reply.text("clientSecret"));
        if reply.status == 200 && !secret.is_empty() {
            heard.push(format!("Stripe: {}", stage.pay_at_stripe(secret, CARD)));
            let reply = stage.confirm(order).ok_or("the power failed again")?;
            heard.push(format!("confirm: {} {}", reply.status, reply.text("status")));
        }
        super::a_while(stage);
        if stage.orders().contains("1 paid") {
            return Ok(());
        }
    }
    Err(format!("she could not buy: {}; orders: {}", heard.join(", "), stage.orders()))
}
