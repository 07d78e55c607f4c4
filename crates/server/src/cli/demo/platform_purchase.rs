//! A guest buys something at the demo's shop at Elastic Path: one call pays, and every step is told,
//! with what Till asks Elastic Path meanwhile. At the end the books are compared: the shopper's
//! order, Elastic Path's ledger and its shelf must say the same.

use std::time::Duration;

use domain::money::{Currency, Money, MoneyError};
use http::Method;
use serde::{Deserialize, Serialize};
use simulators::elastic_path::{Course, Fault, FaultKind, LedgerOrder, LedgerPayment, Logged};

use super::{
    DemoError, GLANCE, Step,
    client::Client,
    say,
    shop::PlatformShop,
    story::{Amount, Cart, Product, Story, expect, in_time},
};

const CURRENT: &str = "/api/checkout/sessions/current";
const PAY: &str = "/api/checkout/sessions/current/pay";

/// Longer than a server waits before it takes up what another may still be waiting for.
const RECOVERY: Duration = Duration::from_secs(120);
/// A page that asks more often for so long is taken for a robot's.
const PATIENT_GLANCE: Duration = Duration::from_secs(1);

#[derive(Deserialize)]
struct Answer {
    data: Shown,
}

#[derive(Deserialize)]
struct Shown {
    session: Session,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Session {
    status: String,
    cart_id: String,
    available_shipping_rates: Vec<Rate>,
    totals: Option<Totals>,
    payment: Payment,
    order: Option<Bought>,
}

#[derive(Deserialize)]
struct Rate {
    id: String,
    name: String,
    amount: i64,
    currency: String,
}

#[derive(Deserialize)]
struct Totals {
    total: i64,
    currency: String,
}

#[derive(Deserialize)]
struct Payment {
    status: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Bought {
    id: String,
    transaction_id: Option<String>,
}

#[derive(Deserialize)]
struct Order {
    status: String,
    total: Amount,
    currency: String,
}

#[derive(Serialize, Clone, Copy, Default)]
#[serde(rename_all = "camelCase")]
struct Form<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    customer_info: Option<Customer<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    shipping_address: Option<Address<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    billing_address: Option<Address<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    selected_shipping_rate_id: Option<&'a str>,
}

#[derive(Serialize, Clone, Copy)]
struct Customer<'a> {
    name: &'a str,
    email: &'a str,
}

#[derive(Serialize, Clone, Copy)]
#[serde(rename_all = "camelCase")]
struct Address<'a> {
    first_name: &'a str,
    last_name: &'a str,
    line1: &'a str,
    city: &'a str,
    postcode: &'a str,
    country: &'a str,
}

#[derive(Serialize)]
struct Pay<'a> {
    gateway: &'a str,
    confirmation_token: &'a str,
}

const HOME: Address<'static> = Address {
    first_name: "Ada",
    last_name: "Guest",
    line1: "Lindenweg 7",
    city: "Berlin",
    postcode: "10115",
    country: "DE",
};

/// One purchase, from the first look to the count at the end.
pub async fn tell(shop: &mut PlatformShop, kill_after: Option<Step>) -> Result<(), DemoError> {
    let story = Story::begin("A guest buys something in the trial shop at Elastic Path.");
    let guest = shop.server.visitor();
    let mut visit = Visit { story, guest, shop };
    let elastic_path = visit.shop.elastic_path.clone();
    let stock = |product: &Product| elastic_path.stock(&product.id);
    let products = visit.story.look_around(&mut visit.guest, stock).await?;
    let before: Vec<_> = products.iter().map(stock).collect();
    let lines = visit.story.fill_cart(&mut visit.guest, &products).await?;
    visit.open_session().await?;
    let ready = visit.fill_in().await?;
    let asked = elastic_path.requests().len();
    let token = visit.make_token();
    let session = match kill_after {
        None => visit.pay(&token).await?,
        Some(Step::Charge) => visit.crash(&token).await?,
    };
    let bought = visit.look_at_end(session, &ready).await?;
    visit.tell_questions(asked, &ready).await?;
    visit.count(&ready, &bought)?;
    for (product, before) in products.iter().zip(before) {
        let line = lines.iter().find(|(id, _)| *id == product.id);
        visit.count_shelf(product, before, line.map_or(0, |(_, quantity)| *quantity))?;
    }
    let end = match kill_after {
        None => "Paid: one order, one charge.",
        Some(Step::Charge) => "Paid, in spite of the crash: one order, one charge.",
    };
    say(&format!("\n{}\n\n", visit.story.ink.good(end)));
    Ok(())
}

/// A guest in the shop, and the one who tells of her.
struct Visit<'shop> {
    story: Story,
    guest: Client,
    shop: &'shop mut PlatformShop,
}

/// What she is about to pay.
struct Ready {
    cart: String,
    total: Money,
}

impl Visit<'_> {
    async fn open_session(&mut self) -> Result<(), DemoError> {
        self.story.step("Goes to the checkout", "POST /api/checkout/sessions");
        let opened: Answer = self.guest.post("/api/checkout/sessions", &Form::default()).await?;
        self.tell_session(&opened.data.session);
        Ok(())
    }

    async fn fill_in(&mut self) -> Result<Ready, DemoError> {
        self.story.step("Says where it goes, and how", "PATCH /api/checkout/sessions/current");
        let who = Customer { name: "Ada Guest", email: "guest@shop.example" };
        let form = Form {
            customer_info: Some(who),
            shipping_address: Some(HOME),
            billing_address: Some(HOME),
            ..Form::default()
        };
        let _filled: Answer = self.guest.patch(CURRENT, &form).await?;
        let path = format!("{CURRENT}/shipping");
        let offered: Answer = self.guest.post(&path, &Form::default()).await?;
        let rate = offered.data.session.available_shipping_rates.into_iter().next();
        let rate = rate.ok_or_else(|| broken("the shop offers no way of sending it"))?;
        self.story.fact(&rate.name, money(rate.amount, &rate.currency)?);
        let choice = Form { selected_shipping_rate_id: Some(&rate.id), ..Form::default() };
        let chosen: Answer = self.guest.patch(CURRENT, &choice).await?;
        let session = chosen.data.session;
        let totals = session.totals.ok_or_else(|| broken("the session has no total"))?;
        let total = money(totals.total, &totals.currency)?;
        self.story.fact("To pay, with sending", total);
        Ok(Ready { cart: session.cart_id, total })
    }

    /// What the payment form does: the card goes to Stripe and never through the shop.
    fn make_token(&mut self) -> String {
        self.story
            .step("Types 4242 4242 4242 4242", "stripe.createConfirmationToken in her browser");
        let token = self.shop.elastic_path.confirmation_token(Course::Ok);
        self.story.fact("Confirmation token", &token);
        self.story.fact("Charged so far", "nothing");
        token
    }

    async fn pay(&mut self, token: &str) -> Result<Session, DemoError> {
        self.story.step("Pays", &format!("POST {PAY}"));
        let body = Pay { gateway: "stripe", confirmation_token: token };
        let paid: Answer = self.guest.post(PAY, &body).await?;
        self.tell_session(&paid.data.session);
        Ok(paid.data.session)
    }

    /// The worst moment: the card is charged, there is no order, and nobody but Elastic Path knows.
    async fn crash(&mut self, token: &str) -> Result<Session, DemoError> {
        self.story.step("Pays", &format!("POST {PAY}"));
        let late = FaultKind::SlowAfter(RECOVERY);
        let charge = Fault::once("/v2/carts/{}/payments", late).of(Method::POST);
        self.shop.elastic_path.inject(charge);
        let body = Pay { gateway: "stripe", confirmation_token: token };
        let charged = in_time("nothing was charged", async {
            while self.shop.elastic_path.ledger().payments.is_empty() {
                tokio::time::sleep(GLANCE).await;
            }
            Ok(())
        });
        tokio::select! {
            answered = self.guest.post::<Answer>(PAY, &body) => {
                answered?;
                return Err(broken("the payment was answered before the server could be killed"));
            }
            charged = charged => charged?,
        }
        self.story.fact("Elastic Path", "has charged the card; its answer is on its way");
        let orders = self.shop.elastic_path.ledger().orders.len();
        self.story.fact("Orders at Elastic Path", orders);
        expect(orders == 0, "there is an order before the charge was answered")?;

        self.story.step("The server is killed", "SIGKILL, between charge and order");
        self.shop.server.kill().await?;
        self.shop.elastic_path.clear_faults();
        self.story.fact("Elastic Path's answer arrives", "at a server that is not there");
        self.story.step("The server starts again", "on the same database");
        self.shop.server.start().await?;
        self.recover(token).await
    }

    async fn recover(&mut self, token: &str) -> Result<Session, DemoError> {
        self.story.step("The guest pays again", &format!("POST {PAY}"));
        let body = Pay { gateway: "stripe", confirmation_token: token };
        let again: Answer = self.guest.post(PAY, &body).await?;
        self.tell_session(&again.data.session);
        self.story.fact("Charged again", "nothing: she is told of the payment that there is");
        self.story.step("The server finds the charge", "reads the cart's payment at Elastic Path");
        let wait = "up to a minute: another server could be waiting for the answer";
        self.story.fact("It waits before it looks", wait);
        let guest = &mut self.guest;
        let ended = tokio::time::timeout(RECOVERY, async {
            loop {
                let current: Answer = guest.get(CURRENT).await?;
                if current.data.session.status != "processing" {
                    return Ok::<_, DemoError>(current.data.session);
                }
                tokio::time::sleep(PATIENT_GLANCE).await;
            }
        });
        let session = ended.await.map_err(|_| broken("the purchase did not end in time"))??;
        self.tell_session(&session);
        Ok(session)
    }

    /// The session is complete, and its cart is hers no longer.
    async fn look_at_end(&mut self, session: Session, ready: &Ready) -> Result<Bought, DemoError> {
        expect(session.status == "complete", "the session is not complete")?;
        expect(session.payment.status == "succeeded", "the payment has not succeeded")?;
        let bought = session.order.ok_or_else(|| broken("the session shows no order"))?;
        self.story.step("Reads the order", "GET /api/orders/…");
        let order: Order = self.guest.get(&format!("/api/orders/{}", bought.id)).await?;
        let total = order.total.money(&order.currency)?;
        self.story.fact("Order", &order.status);
        self.story.fact("Total", total);
        expect(order.status == "paid", "the order was not paid")?;
        expect(total == ready.total, "the order's total is not what the guest was asked for")?;
        self.story.step("Looks into the cart", "GET /api/cart");
        let cart: Cart = self.guest.get("/api/cart").await?;
        self.story.fact("In it", cart.items.len());
        expect(cart.items.is_empty(), "what was bought is still in the cart")?;
        Ok(bought)
    }

    /// What Till has asked Elastic Path for, once it has tidied up.
    async fn tell_questions(&mut self, before: usize, ready: &Ready) -> Result<(), DemoError> {
        self.story.step("What Till asked Elastic Path", "from the payment to the clean-up");
        let cart = format!("/v2/carts/{}", ready.cart);
        let elastic_path = self.shop.elastic_path.clone();
        let is_deletion = |one: &Logged| one.method == "DELETE" && one.path == cart;
        let asked = in_time("the cart was not deleted in time", async {
            loop {
                let asked = elastic_path.requests();
                if asked.iter().any(is_deletion) {
                    return Ok(asked);
                }
                tokio::time::sleep(GLANCE).await;
            }
        });
        let asked = asked.await?.split_off(before);
        for one in &asked {
            let label = format!("{:<6} {}", one.method, shown(&one.path));
            self.story.fact(&label, purpose(&one.method, &one.path));
        }
        let ends = ["/payments", "/checkout", "/confirm", cart.as_str()];
        let places = [("POST", ends[0]), ("POST", ends[1]), ("POST", ends[2]), ("DELETE", ends[3])]
            .map(|(method, end)| only(&asked, method, end));
        let [Some(charge), Some(order), Some(booking), Some(deletion)] = places else {
            return Err(broken(
                "charge, checkout, confirmation or deletion was not asked for once",
            ));
        };
        let in_order = charge < order && order < booking && booking < deletion;
        expect(in_order, "Elastic Path was not asked in the order that is safe")
    }

    /// Compares what the guest was told with Elastic Path's books.
    fn count(&mut self, ready: &Ready, bought: &Bought) -> Result<(), DemoError> {
        self.story.step("Counts", "in Elastic Path's books and on its shelf");
        let books = self.shop.elastic_path.ledger();
        let [payment] = books.payments.as_slice() else {
            return Err(broken("Elastic Path's ledger does not show one payment"));
        };
        let LedgerPayment { id, status, amount, currency, amount_refunded, .. } = payment;
        let received = money(*amount, currency)?;
        self.story.fact("Charges at Elastic Path", books.payments.len());
        self.story.fact("Received", received);
        expect(*status == "succeeded", "the payment holds no money")?;
        expect(received == ready.total, "another amount was charged")?;
        expect(*amount_refunded == 0, "something was given back")?;
        let [LedgerOrder { id: order, payment, total, currency, .. }] = books.orders.as_slice()
        else {
            return Err(broken("Elastic Path's books do not show one order"));
        };
        self.story.fact("Orders at Elastic Path", format!("{}, {payment}", books.orders.len()));
        expect(*order == bought.id, "the guest was shown another order")?;
        expect(*payment == "paid", "Elastic Path does not say that the order is paid")?;
        expect(money(*total, currency)? == ready.total, "the order comes to another amount")?;
        let [booked] = books.transactions.as_slice() else {
            return Err(broken("the payment is not booked once"));
        };
        self.story.fact("Booked on the order", format!("{}, {}", booked.kind, booked.status));
        let is_ours = booked.reference == *id && booked.order_id == *order;
        expect(is_ours && booked.status == "complete", "another payment is booked on the order")?;
        let shown = bought.transaction_id.as_ref() == Some(&booked.id);
        expect(shown, "the guest was shown another booking")?;
        let breaches = self.shop.elastic_path.breaches(&[]);
        expect(breaches.is_empty(), &breaches.join("; "))
    }

    fn count_shelf(
        &self,
        product: &Product,
        before: Option<i64>,
        quantity: u32,
    ) -> Result<(), DemoError> {
        let after = self.shop.elastic_path.stock(&product.id);
        let (Some(before), Some(after)) = (before, after) else { return Ok(()) };
        let sku = &product.sku;
        self.story.fact(&format!("Left of {sku}"), format!("{before} - {quantity} = {after}"));
        expect(before - i64::from(quantity) == after, "the stock left is wrong")
    }

    fn tell_session(&self, session: &Session) {
        self.story.fact("Session", &session.status);
        self.story.fact("Payment", &session.payment.status);
        if let Some(order) = &session.order {
            self.story.fact("Order", &order.id);
        }
    }
}

/// Where the one request of this kind stands; nothing if there is none, or more than one.
fn only(asked: &[Logged], method: &str, end: &str) -> Option<usize> {
    let fits = |one: &Logged| one.method == method && one.path.ends_with(end);
    let mut places = asked.iter().enumerate().filter(|(_, one)| fits(one)).map(|(at, _)| at);
    let first = places.next()?;
    places.next().is_none().then_some(first)
}

/// What a request is for.
fn purpose(method: &str, path: &str) -> &'static str {
    let is = |of: &str, end: &str| method == of && path.ends_with(end);
    if is("POST", "/oauth/access_token") {
        "a token for one request or one job"
    } else if is("POST", "/payments") {
        "createCartPaymentIntent: charges the card"
    } else if is("POST", "/checkout") {
        "checkout: the cart becomes an order"
    } else if is("POST", "/confirm") {
        "confirmOrder: books the charge on it"
    } else if path.contains("/payments/") {
        "how does the payment stand?"
    } else {
        match (method, path.starts_with("/v2/orders")) {
            ("GET", true) => "what does the order say?",
            ("GET", false) => "what is in the cart?",
            ("PUT", false) => "clean-up: takes the payment off the cart",
            ("DELETE", false) => "clean-up: deletes the cart",
            (_, true | false) => "",
        }
    }
}

/// A path without the query and with short names.
fn shown(path: &str) -> String {
    let path = path.split('?').next().unwrap_or(path);
    let short = |segment: &str| match segment.len() {
        ..=20 => segment.to_owned(),
        _ => "…".to_owned(),
    };
    path.split('/').map(short).collect::<Vec<_>>().join("/")
}

fn money(minor: i64, currency: &str) -> Result<Money, DemoError> {
    let read = currency.parse::<Currency>().and_then(|currency| Money::new(minor, currency));
    read.map_err(|error: MoneyError| DemoError::Broken(format!("the shop's amount: {error}")))
}

fn broken(what: &str) -> DemoError {
    DemoError::Broken(what.to_owned())
}
