//! Giving money back at Stripe. The body that makes a refund is encoded once ([`encode`]) and kept
//! with it; it carries our id, by which the refund is found again when an answer was lost.
//!
//! Facts: <https://docs.stripe.com/api/refunds> (read 2026-11-21).

use domain::{
    event::GatewayReference,
    id::RefundId,
    payment::IdempotencyKey,
    refund::{NotMade, Refund, RefundNews, RefundReport},
};
use serde::Deserialize;

use super::{
    AmountError, Form, PAGE_SIZE, Stripe, get, money, post, segment, unreadable,
    wire::{List, WireError, need},
};
use crate::{Doubt, GatewayError, stripe::Refused};

/// A payment has a handful of refunds; whoever has five thousand has another trouble.
const LIST_PAGES_MAX: u32 = 50;

const ROUTE: &str = "/v1/refunds";

/// The exact body that gives `refund` back from the payment that Stripe knows by `payment`.
pub fn encode(refund: &Refund, payment: &GatewayReference) -> Result<String, AmountError> {
    let form = Form::default()
        .with("payment_intent", payment.as_str())
        .with("amount", money::to_stripe(refund.amount)?.to_string())
        .with("reason", "requested_by_customer")
        .with("metadata[order_id]", refund.order.to_string())
        .with("metadata[refund_id]", refund.id.to_string());
    Ok(form.encode())
}

impl Stripe {
    /// Makes a refund. Sent again under the same key with the same body within a day, it makes no
    /// second one and answers the same.
    pub async fn create_refund(
        &self,
        key: &IdempotencyKey,
        request: &str,
    ) -> Result<RefundNews, GatewayError> {
        let reply = self.0.sender.send(&post(ROUTE, ROUTE.to_owned(), request, Some(key))).await?;
        read(&reply.body).map_err(unreadable)
    }

    /// Reads a refund.
    pub async fn retrieve_refund(
        &self,
        reference: &GatewayReference,
    ) -> Result<RefundNews, GatewayError> {
        let path = format!("{ROUTE}/{}", segment(reference.as_str()));
        let reply = self.0.sender.send(&get("/v1/refunds/{id}", path)).await?;
        read(&reply.body).map_err(unreadable)
    }

    /// All refunds of a payment, whoever made them, newest first.
    pub async fn list_refunds(
        &self,
        payment: &GatewayReference,
    ) -> Result<Vec<RefundNews>, GatewayError> {
        let mut refunds: Vec<RefundNews> = Vec::new();
        for _ in 0..LIST_PAGES_MAX {
            let after = refunds.last().map_or("", |last| last.reference.as_str());
            let form = Form::default()
                .with("payment_intent", payment.as_str())
                .with("limit", PAGE_SIZE)
                .with_some("starting_after", after);
            let path = format!("{ROUTE}?{}", form.encode());
            let reply = self.0.sender.send(&get(ROUTE, path)).await?;
            let page: List<'_> = serde_json::from_str(&reply.body).map_err(unreadable)?;
            for raw in &page.data {
                refunds.push(read(raw.get()).map_err(unreadable)?);
            }
            if !page.has_more {
                return Ok(refunds);
            }
            if page.data.is_empty() {
                return Err(unreadable(WireError::Missing("data")));
            }
        }
        Err(GatewayError::Unknown(Doubt::TooManyPages { pages: LIST_PAGES_MAX }))
    }
}

impl Refused {
    /// Why a refund is not made. Stripe has no code for an amount beyond what is left, but names
    /// the parameter.
    pub fn no_refund(&self) -> NotMade {
        match (self.code.as_deref(), self.param.as_deref()) {
            (Some("charge_disputed" | "refund_disputed_payment"), _) => NotMade::Disputed,
            (Some("charge_already_refunded"), _) => NotMade::AlreadyRefunded,
            (_, Some("amount")) => NotMade::TooMuch,
            (Some(_) | None, Some(_) | None) => NotMade::Other,
        }
    }
}

/// A Refund; every field is optional.
#[derive(Deserialize)]
struct WireRefund {
    id: Option<String>,
    payment_intent: Option<String>,
    amount: Option<i64>,
    currency: Option<String>,
    status: Option<String>,
    failure_reason: Option<String>,
    metadata: Option<Metadata>,
}

#[derive(Deserialize)]
struct Metadata {
    refund_id: Option<String>,
}

pub(super) fn read(raw: &str) -> Result<RefundNews, WireError> {
    let refund: WireRefund = serde_json::from_str(raw)?;
    let currency = need(refund.currency.as_deref(), "currency")?;
    // A status may be missing, or a word that is new to us: neither an end nor a success.
    let report = match refund.status.as_deref().unwrap_or_default() {
        "succeeded" => RefundReport::Succeeded,
        "failed" => {
            let reason = refund.failure_reason.unwrap_or_else(|| "unknown".to_owned());
            RefundReport::Failed { reason }
        }
        "canceled" => RefundReport::Cancelled,
        _ => RefundReport::Pending,
    };
    let ours = refund.metadata.and_then(|known| known.refund_id);
    Ok(RefundNews {
        reference: GatewayReference::new(need(refund.id, "id")?)?,
        payment: GatewayReference::new(need(refund.payment_intent, "payment_intent")?)?,
        ours: ours.and_then(|id| id.parse::<RefundId>().ok()),
        amount: money::from_stripe(need(refund.amount, "amount")?, currency)?,
        report,
    })
}

#[cfg(test)]
mod tests {
    use domain::{
        id::{OrderId, PaymentId},
        money::Money,
        payment::Payment,
        refund::RefundOrigin,
    };
    use serde_json::json;
    use uuid::Uuid;

    use super::*;
    use crate::stripe::script::{Step, headers, says, stripe};

    const OURS: &str = "0197f3c2-5b1e-7c3a-9d2e-2f6b8a4c1d00";

    fn eur(minor: i64) -> Money {
        Money::new(minor, "EUR".parse().unwrap()).unwrap()
    }

    fn pi_1() -> GatewayReference {
        GatewayReference::new("pi_1").unwrap()
    }

    fn wire(id: &str, status: &serde_json::Value) -> String {
        json!({
            "id": id, "object": "refund", "payment_intent": "pi_1", "amount": 400, "currency": "eur", "status": status,
            "failure_reason": "declined", "metadata": {"refund_id": OURS},
        })
        .to_string()
    }

    fn list(items: &[String], has_more: bool) -> Step {
        let items = items.join(",");
        says(200, format!(r#"{{"object":"list","has_more":{has_more},"data":[{items}]}}"#))
    }

    #[test]
    fn the_request_for_a_refund_names_the_payment_the_amount_and_our_ids() {
        let order = OrderId(Uuid::from_u128(1));
        let payment = Payment::new(PaymentId(Uuid::nil()), order, eur(1000), false);
        let refund =
            Refund::new(OURS.parse().unwrap(), &payment, eur(400), RefundOrigin::Automatic);
        assert_eq!(
            encode(&refund, &pi_1()).unwrap(),
            format!(
                "payment_intent=pi_1&amount=400&reason=requested_by_customer\
                 &metadata[order_id]={order}&metadata[refund_id]={OURS}"
            )
        );
    }

    #[test]
    fn a_status_that_is_missing_or_new_to_us_is_neither_an_end_nor_a_success() {
        let report = |status| read(&wire("re_1", &status)).unwrap().report;
        assert_eq!(report(json!("succeeded")), RefundReport::Succeeded);
        assert_eq!(report(json!("failed")), RefundReport::Failed { reason: "declined".into() });
        assert_eq!(report(json!("canceled")), RefundReport::Cancelled);
        for status in [json!("pending"), json!("requires_action"), json!("new"), json!(null)] {
            assert_eq!(report(status), RefundReport::Pending);
        }
    }

    #[test]
    fn a_refund_of_somebody_else_carries_no_id_of_ours() {
        let theirs = json!({
            "id": "re_1", "payment_intent": "pi_1", "amount": 1, "currency": "eur",
            "metadata": {"refund_id": "x"},
        });
        assert_eq!(read(&theirs.to_string()).unwrap().ours, None);
        assert_eq!(read(&wire("re_1", &json!("pending"))).unwrap().ours, OURS.parse().ok());
        assert!(read(r#"{"payment_intent":"pi_1","amount":1,"currency":"eur"}"#).is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn each_repetition_has_the_same_key() {
        let (stripe, asked) = stripe([Step::NoAnswer, says(200, wire("re_1", &json!("pending")))]);
        let key = IdempotencyKey::refund(OURS.parse().unwrap());
        stripe.create_refund(&key, "amount=400").await.unwrap();
        assert_eq!(headers(&asked, "idempotency-key"), [key.as_str(), key.as_str()]);
    }

    #[tokio::test]
    async fn every_page_of_a_payments_refunds_is_read() {
        let (stripe, asked) = stripe([
            list(&[wire("re_2", &json!("pending"))], true),
            list(&[wire("re_1", &json!("succeeded"))], false),
        ]);
        let found = stripe.list_refunds(&pi_1()).await.unwrap();
        let names: Vec<_> = found.iter().map(|one| one.reference.as_str()).collect();
        assert_eq!(names, ["re_2", "re_1"]);
        let second = asked.lock().unwrap()[1].uri().query().unwrap().to_owned();
        assert_eq!(second, "payment_intent=pi_1&limit=100&starting_after=re_2");
    }

    #[tokio::test]
    async fn a_no_is_told_apart_by_code_and_parameter() {
        for (error, reason) in [
            (json!({"code": "charge_disputed"}), NotMade::Disputed),
            (json!({"code": "charge_already_refunded"}), NotMade::AlreadyRefunded),
            (json!({"param": "amount"}), NotMade::TooMuch),
            (json!({"code": "resource_missing", "param": "payment_intent"}), NotMade::Other),
        ] {
            let (stripe, _) = stripe([says(400, json!({ "error": error }).to_string())]);
            let key = IdempotencyKey::refund(OURS.parse().unwrap());
            let Err(GatewayError::Refused(no)) = stripe.create_refund(&key, "amount=1").await
            else {
                panic!("not refused")
            };
            assert_eq!(no.no_refund(), reason);
        }
    }
}
