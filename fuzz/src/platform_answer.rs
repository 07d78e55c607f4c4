//! An answer of Elastic Path's, or of whatever speaks in its place: the first line is the status and
//! then any headers that matter, the rest is the body. Every call of ours gets it, but for the token
//! that it is made with; a second client gets it for its token.

use std::{num::NonZeroU32, sync::Arc, time::Duration};

use bytes::Bytes;
use domain::{
    contact::Email,
    elastic_path::{EpCartId, EpOrderId, EpPaymentId, EpTransactionId, ExternalRef},
};
use gateways::{
    Transport,
    elastic_path::{
        AccountToken, Admin, Caller, Config, ElasticPath, EpError, RetryLimits,
        cart::NewItem,
        order::{OrderChange, OrderPayment, OrderView, TransactionView},
        payment::{CartPayment, PaymentRequest},
    },
};
use serde_json::{Value, json};
use tower::service_fn;

/// The longest sentence that a shopper reads.
const SENTENCE_CHARS_MAX: usize = 300;

/// Whatever comes back, no call panics; money has moved only where a success says so in Stripe's own
/// word, an order is paid only where it says so itself, and only a no that was answered is a no.
pub fn platform_answer(input: &[u8]) {
    let Some(given) = Given::read(input) else { return };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    runtime.block_on(async {
        let (ep, admin) = given.client(IsForTokens::No);
        let cart: EpCartId = "5f6c8d3e-1b7a-4c8d-9f0e-2a3b4c5d6e7f".parse().unwrap();
        let payment: EpPaymentId = "pi_1".parse().unwrap();
        let name: ExternalRef = "our-name".parse().unwrap();
        let email: Email = "ada@example.org".parse().unwrap();
        let request = PaymentRequest {
            sequence: &admin.admit(1).await.unwrap(),
            confirmation_token: "ctoken_1",
            return_url: &"https://shop.example/".parse().unwrap(),
            receipt_email: Some(&email),
            external_ref: &name,
        };
        match ep.create_payment(&admin, &cart, &request).await {
            Ok(CartPayment::Declined { payment: None, message }) => {
                assert!(given.is_yes() || matches!(given.status, 400 | 402 | 422));
                assert_shown(&message);
            }
            charged => given.charge(&given.answered(charged)),
        }
        let asked = given.answered(ep.ask_payment(&admin, &cart, &payment).await);
        given.charge(&asked.map(|view| view.stands));
        given.answered(ep.detach_payment(&admin, &cart).await);
        given.cart(&ep, Caller::Admin(&admin), &cart).await;
        given.orders(&ep, &admin, &cart, &name).await;
        let product = "p1".parse().unwrap();
        given.answered(ep.product(Caller::Implicit, &product).await);
        // Now it answers who asks for a token.
        let (ep, admin) = given.client(IsForTokens::Too);
        given.answered(ep.cart(Caller::Admin(&admin), &cart).await);
        given.answered(ep.cart(Caller::Implicit, &cart).await);
    });
}

#[derive(Clone, Copy, PartialEq)]
enum IsForTokens {
    No,
    Too,
}

/// What every call is answered with.
struct Given {
    status: u16,
    answer: http::Response<Bytes>,
    /// The body as a reader that knows nothing of Elastic Path reads it.
    json: Value,
}

impl Given {
    fn read(input: &[u8]) -> Option<Self> {
        let end = input.iter().position(|byte| *byte == b'\n')?;
        let mut words = std::str::from_utf8(&input[..end]).ok()?.split(' ');
        let mut answer = http::Response::builder().status(words.next()?);
        for (name, value) in words.filter_map(|word| word.split_once(':')) {
            answer = answer.header(name, value);
        }
        let answer = answer.body(Bytes::copy_from_slice(&input[end + 1..])).ok()?;
        let json = serde_json::from_slice(answer.body()).unwrap_or_default();
        Some(Self { status: answer.status().as_u16(), answer, json })
    }

    fn client(&self, is_for_tokens: IsForTokens) -> (ElasticPath, Admin) {
        let answer = self.answer.clone();
        let transport = Transport::new(service_fn(move |request: http::Request<Bytes>| {
            let is_token = request.uri().path() == "/oauth/access_token";
            let minted = json!({ "access_token": "t", "expires_in": 3600 }).to_string();
            let answer = match is_token && is_for_tokens == IsForTokens::No {
                true => http::Response::new(Bytes::from(minted)),
                false => answer.clone(),
            };
            async move { Ok(answer) }
        }));
        let config = Config {
            client_id: "client".to_owned(),
            client_secret: Some("a promise".to_owned().into()),
            api_base: "https://useast.api.elasticpath.example".parse().unwrap(),
            // One try; a second would be answered with the same.
            retry: RetryLimits { retries_max: 0, wait: Duration::ZERO, ..RetryLimits::default() },
            calls_per_second: NonZeroU32::MAX,
            jitter_seed: 1,
        };
        let clock = Arc::new(|| jiff::Timestamp::UNIX_EPOCH);
        let ep = ElasticPath::new(config, transport, clock);
        let admin = ep.admin().unwrap();
        (ep, admin)
    }

    fn is_yes(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// A yes has a status of success, a refusal a status of refusals.
    fn answered<T>(&self, result: Result<T, EpError>) -> Option<T> {
        match result {
            Ok(answer) => {
                assert!(self.is_yes(), "{} is no yes", self.status);
                return Some(answer);
            }
            Err(EpError::Refused(refused)) => {
                assert!((400..500).contains(&self.status), "{} is no no", self.status);
                assert_eq!(refused.status, self.status);
                assert!(!matches!(self.status, 408 | 429), "a call that is to be made again");
            }
            Err(EpError::NotSent(_) | EpError::Unknown(_)) => {}
        }
        None
    }

    /// What is not there is gone.
    fn gone(&self, result: Result<(), EpError>) {
        if result.is_err() || self.status != 404 {
            self.answered(result);
        }
    }

    fn charge(&self, charged: &Option<CartPayment>) {
        let Some(charged) = charged else { return };
        if let CartPayment::RequiresAction { client_secret, .. } = charged {
            assert!(!format!("{client_secret:?}").contains("_secret_"), "a secret is shown");
        }
        let (word, payment, amount) = match charged {
            CartPayment::Succeeded { payment, amount } => ("succeeded", payment, amount),
            CartPayment::Authorized { payment, amount } => ("requires_capture", payment, amount),
            CartPayment::Processing { payment, amount } => ("processing", payment, amount),
            CartPayment::RequiresAction { payment, amount, .. } => {
                ("requires_action", payment, amount)
            }
            CartPayment::Declined { message, .. } => return assert_shown(message),
            CartPayment::Untried { .. } | CartPayment::Unclear { .. } => return,
        };
        assert!(self.says("status", &word.into()), "it does not say {word}");
        assert!(self.holds(&payment.as_str().into()), "it does not name {payment}");
        let amount = amount.filter(|sum| ["USD", "EUR"].contains(&sum.currency().code()));
        let field = if word == "succeeded" { "amount_received" } else { "amount" };
        let is_told = amount.is_none_or(|sum| self.says(field, &sum.minor().into()));
        assert!(is_told, "it says nothing of {amount:?}");
    }

    async fn cart(&self, ep: &ElasticPath, caller: Caller<'_>, cart: &EpCartId) {
        if let Some(seen) = self.answered(ep.cart(caller, cart).await) {
            assert_eq!(seen.hash().len(), 64);
            let total = seen.total.filter(|sum| sum.minor() != 0);
            let is_told = total.is_none_or(|sum| self.says("amount", &sum.minor().into()));
            assert!(is_told, "it says nothing of {total:?}");
        }
        let item = NewItem::Product {
            product: "p1".parse().unwrap(),
            quantity: NonZeroU32::new(1).unwrap(),
        };
        self.answered(ep.add_item(caller, cart, &item).await);
        self.gone(ep.empty_cart(caller, cart).await);
        self.gone(ep.delete_cart(caller, cart).await);
    }

    async fn orders(&self, ep: &ElasticPath, admin: &Admin, cart: &EpCartId, name: &ExternalRef) {
        let order: EpOrderId = "aa854b8f-5930-476d-951a-e9b9cfbdefb1".parse().unwrap();
        let booked: EpTransactionId = "t1".parse().unwrap();
        let one = [
            ep.checkout(Caller::Admin(admin), cart, "{}").await,
            ep.order(admin, &order).await,
            ep.change_order(admin, &order, &OrderChange::Cancel).await,
        ];
        let one = one.into_iter().filter_map(|one| self.answered(one));
        let many = self.answered(ep.orders_named(admin, name).await).unwrap_or_default();
        one.chain(many).for_each(|order| self.order(&order));
        self.answered(ep.confirm(admin, &order, name).await);
        let many = self.answered(ep.transactions(admin, &order).await).unwrap_or_default();
        let one = self.answered(ep.cancel_transaction(admin, &order, &booked).await);
        many.into_iter().chain(one).for_each(|booked| self.transaction(&booked));
        if let Ok(token) = AccountToken::new(&"h.e30.s".to_owned().into()) {
            self.answered(ep.signed_in(&token).await);
        }
    }

    fn order(&self, order: &OrderView) {
        assert!(self.holds(&order.id.as_str().into()));
        if order.payment == OrderPayment::Paid {
            assert!(self.says("payment", &"paid".into()), "it does not say that it is paid");
        }
    }

    fn transaction(&self, booked: &TransactionView) {
        let secret = format!("{:?}", booked.client_secret);
        assert!(!secret.contains("_secret_"), "a secret is shown");
        if booked.has_happened() {
            let is_said = ["complete", "completed"].map(|word| self.says("status", &word.into()));
            assert!(is_said.contains(&true), "it does not say that it has happened");
        }
    }

    /// Whether some object of the body says this of itself.
    fn says(&self, field: &str, value: &Value) -> bool {
        anywhere(&self.json, &|one| one.get(field) == Some(value))
    }

    fn holds(&self, value: &Value) -> bool {
        anywhere(&self.json, &|one| one == value)
    }
}

fn anywhere(value: &Value, fits: &impl Fn(&Value) -> bool) -> bool {
    fits(value)
        || match value {
            Value::Object(fields) => fields.values().any(|one| anywhere(one, fits)),
            Value::Array(items) => items.iter().any(|one| anywhere(one, fits)),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
        }
}

fn assert_shown(message: &str) {
    assert!((1..=SENTENCE_CHARS_MAX).contains(&message.chars().count()), "{message:?}");
}
