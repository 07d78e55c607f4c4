//! Stripe's books: everything that was made there in a span of time, a page at a time, and each
//! entry by itself. What cannot be read is an entry all the same: whoever compares books must not
//! be stopped by it, nor miss it.
//!
//! Facts: <https://docs.stripe.com/api/payment_intents/list>,
//! <https://docs.stripe.com/api/refunds/list>, <https://docs.stripe.com/api/disputes/list> (read
//! 2026-11-22).

use domain::{
    dispute::DisputeNews,
    event::{EventId, GatewayReference, News, Word},
    id::OrderId,
    refund::RefundNews,
};
use jiff::Timestamp;
use serde::Deserialize;

use super::{
    EventsPage, Form, PAGE_SIZE, Stripe, dispute, get, refund, segment, unreadable,
    wire::{List, PaymentIntent, WireError, need},
};
use crate::GatewayError;

/// What was made from one second on and before another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// The first second.
    pub from: Timestamp,
    /// The second after the last.
    pub to: Timestamp,
}

/// A page, newest first.
#[derive(Debug)]
pub struct Page<T> {
    /// What is on it.
    pub entries: Vec<T>,
    /// Where the next, older page starts; none after the last.
    pub next: Option<GatewayReference>,
}

/// A payment in Stripe's books.
#[derive(Debug)]
pub struct PaymentEntry {
    /// Its id.
    pub reference: GatewayReference,
    /// When it was made.
    pub made_at: Timestamp,
    /// The order that was written into it.
    pub order: Option<OrderId>,
    /// Whether it carries all that our requests write into a payment: others number orders as we do.
    pub is_like_ours: bool,
    /// How it stands.
    pub news: Result<News, WireError>,
}

/// A refund in Stripe's books.
#[derive(Debug)]
pub struct RefundEntry {
    /// Its id.
    pub reference: GatewayReference,
    /// When it was made.
    pub made_at: Timestamp,
    /// Whose money it was.
    pub payment: Option<GatewayReference>,
    /// How it stands.
    pub news: Result<RefundNews, WireError>,
}

/// A dispute in Stripe's books.
#[derive(Debug)]
pub struct DisputeEntry {
    /// Its id.
    pub reference: GatewayReference,
    /// Which payment it is about; none of the kind that we make where it names none.
    pub payment: Option<GatewayReference>,
    /// How it stands; nothing where it names no payment.
    pub news: Result<Option<DisputeNews>, WireError>,
}

const PAYMENTS: &str = "/v1/payment_intents";
const REFUNDS: &str = "/v1/refunds";
const DISPUTES: &str = "/v1/disputes";

impl Stripe {
    /// A page of the payments that were made in a span.
    pub async fn payments_made(
        &self,
        span: Span,
        after: Option<&GatewayReference>,
    ) -> Result<Page<PaymentEntry>, GatewayError> {
        self.page(PAYMENTS, span, after, PaymentEntry::read).await
    }

    /// A page of the refunds that were made in a span.
    pub async fn refunds_made(
        &self,
        span: Span,
        after: Option<&GatewayReference>,
    ) -> Result<Page<RefundEntry>, GatewayError> {
        self.page(REFUNDS, span, after, RefundEntry::read).await
    }

    /// A page of the disputes that were made in a span.
    pub async fn disputes_made(
        &self,
        span: Span,
        after: Option<&GatewayReference>,
    ) -> Result<Page<DisputeEntry>, GatewayError> {
        self.page(DISPUTES, span, after, DisputeEntry::read).await
    }

    /// A payment as it stands now; nothing where Stripe does not have it.
    pub async fn payment_entry(
        &self,
        reference: &GatewayReference,
    ) -> Result<Option<PaymentEntry>, GatewayError> {
        self.entry(("/v1/payment_intents/{id}", PAYMENTS), reference, PaymentEntry::read).await
    }

    /// A refund as it stands now; nothing where Stripe does not have it.
    pub async fn refund_entry(
        &self,
        reference: &GatewayReference,
    ) -> Result<Option<RefundEntry>, GatewayError> {
        self.entry(("/v1/refunds/{id}", REFUNDS), reference, RefundEntry::read).await
    }

    /// A page of the events that say that a payment has succeeded. Stripe keeps them for 30 days.
    pub async fn successes(
        &self,
        since: Timestamp,
        after: Option<&EventId>,
    ) -> Result<EventsPage, GatewayError> {
        let form = Form::default()
            .with("type", "payment_intent.succeeded")
            .with("created[gte]", since.as_second().to_string());
        self.events_page(form, after).await
    }

    async fn page<T>(
        &self,
        template: &'static str,
        span: Span,
        after: Option<&GatewayReference>,
        read: fn(&str) -> Result<T, WireError>,
    ) -> Result<Page<T>, GatewayError>
    where
        T: Entry,
    {
        let form = Form::default()
            .with("created[gte]", span.from.as_second().to_string())
            .with("created[lt]", span.to.as_second().to_string())
            .with("limit", PAGE_SIZE)
            .with_some("starting_after", after.map_or("", GatewayReference::as_str));
        let path = format!("{template}?{}", form.encode());
        let reply = self.0.sender.send(&get(template, path)).await?;
        let page: List<'_> = serde_json::from_str(&reply.body).map_err(unreadable)?;
        let entries = page.data.iter().map(|raw| read(raw.get())).collect::<Result<Vec<_>, _>>();
        let entries = entries.map_err(unreadable)?;
        let next = match (page.has_more, entries.last()) {
            (false, _) => None,
            (true, None) => return Err(unreadable(WireError::Missing("data"))),
            (true, Some(last)) => Some(last.reference().clone()),
        };
        Ok(Page { entries, next })
    }

    async fn entry<T>(
        &self,
        (template, folder): (&'static str, &str),
        reference: &GatewayReference,
        read: fn(&str) -> Result<T, WireError>,
    ) -> Result<Option<T>, GatewayError> {
        let path = format!("{folder}/{}", segment(reference.as_str()));
        match self.0.sender.send(&get(template, path)).await {
            Ok(reply) => read(&reply.body).map(Some).map_err(unreadable),
            Err(GatewayError::Refused(no)) if no.is_not_found() => Ok(None),
            Err(error) => Err(error),
        }
    }
}

/// What stands in a list.
trait Entry {
    fn reference(&self) -> &GatewayReference;
}

impl Entry for PaymentEntry {
    fn reference(&self) -> &GatewayReference {
        &self.reference
    }
}

impl Entry for RefundEntry {
    fn reference(&self) -> &GatewayReference {
        &self.reference
    }
}

impl Entry for DisputeEntry {
    fn reference(&self) -> &GatewayReference {
        &self.reference
    }
}

/// What every object has.
#[derive(Deserialize)]
struct Made {
    id: Option<String>,
    created: Option<i64>,
    payment_intent: Option<String>,
}

impl Made {
    fn read(raw: &str) -> Result<(Self, GatewayReference, Timestamp), WireError> {
        let mut made: Self = serde_json::from_str(raw)?;
        let reference = GatewayReference::new(need(made.id.take(), "id")?)?;
        let made_at = Timestamp::from_second(need(made.created, "created")?)?;
        Ok((made, reference, made_at))
    }
}

impl PaymentEntry {
    fn read(raw: &str) -> Result<Self, WireError> {
        let (_, reference, made_at) = Made::read(raw)?;
        let payment = serde_json::from_str::<PaymentIntent>(raw);
        let order = payment.as_ref().ok().and_then(PaymentIntent::order);
        let is_like_ours = payment.as_ref().is_ok_and(PaymentIntent::is_like_ours);
        let news = payment.map_err(WireError::from).and_then(|read| read.news(Word::Answer));
        Ok(Self { reference, made_at, order, is_like_ours, news })
    }
}

impl RefundEntry {
    fn read(raw: &str) -> Result<Self, WireError> {
        let (made, reference, made_at) = Made::read(raw)?;
        let payment = made.payment_intent.map(GatewayReference::new).transpose()?;
        Ok(Self { reference, made_at, payment, news: refund::read(raw) })
    }
}

impl DisputeEntry {
    fn read(raw: &str) -> Result<Self, WireError> {
        let (made, reference, _) = Made::read(raw)?;
        let payment = made.payment_intent.map(GatewayReference::new).transpose()?;
        Ok(Self { reference, payment, news: dispute::read(raw) })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::stripe::script::{Step, says, stripe};

    const ORDER: &str = "0197f3c2-5b1e-7c3a-9d2e-2f6b8a4c1d00";

    fn payment(id: &str, currency: &str, order: &str) -> serde_json::Value {
        json!({
            "id": id, "amount": 400, "amount_received": 400, "currency": currency,
            "created": 1_700_000_000, "livemode": false, "status": "succeeded",
            "metadata": {"order_id": order},
        })
    }

    fn list(items: &[serde_json::Value], has_more: bool) -> Step {
        says(200, json!({"object": "list", "has_more": has_more, "data": items}).to_string())
    }

    fn span() -> Span {
        let at = |second| Timestamp::from_second(second).unwrap();
        Span { from: at(1_700_000_000), to: at(1_700_086_400) }
    }

    #[tokio::test]
    async fn payments_are_listed_by_the_span_they_were_made_in_page_after_page() {
        let (stripe, asked) = stripe([
            list(&[payment("pi_2", "eur", ORDER)], true),
            list(&[payment("pi_1", "eur", "another shop's")], false),
        ]);
        let first = stripe.payments_made(span(), None).await.unwrap();
        assert_eq!(first.entries[0].order, ORDER.parse().ok());
        let second = stripe.payments_made(span(), first.next.as_ref()).await.unwrap();
        assert_eq!((second.entries[0].order, second.next), (None, None));
        let queries: Vec<_> = asked.lock().unwrap().iter().map(|one| one.uri().clone()).collect();
        assert_eq!(
            queries[1].query().unwrap(),
            "created[gte]=1700000000&created[lt]=1700086400&limit=100&starting_after=pi_2"
        );
    }

    #[tokio::test]
    async fn an_entry_that_cannot_be_read_does_not_hide_the_others() {
        let strange = payment("pi_2", "zzz", ORDER);
        let (stripe, _) = stripe([list(&[strange, payment("pi_1", "eur", ORDER)], false)]);
        let page = stripe.payments_made(span(), None).await.unwrap();
        let readable: Vec<_> = page.entries.iter().map(|one| one.news.is_ok()).collect();
        assert_eq!(readable, [false, true]);
        assert_eq!(page.entries[0].order, ORDER.parse().ok());
    }

    #[tokio::test]
    async fn disputes_are_listed_with_their_payment_also_one_that_cannot_be_read() {
        let dispute = |id: &str, currency: &str| {
            json!({
                "id": id, "amount": 400, "currency": currency, "created": 1_700_000_000,
                "payment_intent": "pi_1", "status": "won", "is_charge_refundable": true,
            })
        };
        let (stripe, asked) =
            stripe([list(&[dispute("du_2", "zzz"), dispute("du_1", "eur")], false)]);
        let page = stripe.disputes_made(span(), None).await.unwrap();
        let readable: Vec<_> = page.entries.iter().map(|one| one.news.is_ok()).collect();
        assert_eq!(readable, [false, true]);
        assert_eq!(page.entries[0].payment, GatewayReference::new("pi_1").ok());
        let asked = asked.lock().unwrap()[0].uri().clone();
        assert_eq!(asked.path(), "/v1/disputes");
        let wanted = "created[gte]=1700000000&created[lt]=1700086400&limit=100";
        assert_eq!(asked.query().unwrap(), wanted);
    }

    #[tokio::test]
    async fn what_stripe_does_not_have_is_no_entry_and_a_wrong_key_proves_nothing() {
        let missing = json!({"error": {"code": "resource_missing"}}).to_string();
        let refused = json!({"error": {"type": "invalid_request_error"}}).to_string();
        let (stripe, _) = stripe([says(404, missing), says(401, refused)]);
        let id = GatewayReference::new("re_1").unwrap();
        assert!(stripe.refund_entry(&id).await.unwrap().is_none());
        assert!(stripe.refund_entry(&id).await.is_err());
    }
}
