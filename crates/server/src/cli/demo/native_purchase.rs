//! A guest buys something at the demo's native shop, over HTTP like anybody else, and every step is told.
//! At the end the books are compared: the order, Stripe's ledger and the shelf must say the same.

use domain::money::Money;
use serde::{Deserialize, Serialize};

use super::{
    DemoError, GLANCE, Step,
    client::Client,
    say,
    shop::NativeShop,
    story::{Amount, Product, Story, expect, in_time, products},
};

const CARD: &str = "4242424242424242";

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct CheckoutRequest<'a> {
    email: &'a str,
    shipping_address: Address<'a>,
    accepts_marketing: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Address<'a> {
    name: &'a str,
    street: &'a str,
    postal_code: &'a str,
    city: &'a str,
    country: &'a str,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Intent {
    order_id: String,
    client_secret: Option<String>,
    publishable_key: String,
    amount: Amount,
    currency: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Confirm<'a> {
    order_id: &'a str,
}

#[derive(Deserialize)]
struct Order {
    status: String,
    total: Amount,
    currency: String,
    payment: Option<Payment>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Payment {
    status: String,
    event_id: Option<String>,
}

/// What Stripe answers to a confirmation, as far as a browser looks at it.
#[derive(Deserialize)]
struct Confirmed {
    status: String,
}

/// One purchase, from the first look to the count at the end.
pub async fn tell(shop: &mut NativeShop, kill_after: Option<Step>) -> Result<(), DemoError> {
    let mut story = Story::begin("A guest buys something in the trial shop.");
    let mut guest = shop.server.visitor();
    let left = |product: &Product| Some(i64::from(product.available));
    let before = story.look_around(&mut guest, left).await?;
    let bought = story.fill_cart(&mut guest, &before).await?;
    let intent = story.start_checkout(&mut guest).await?;
    if kill_after == Some(Step::Charge) {
        shop.stripe.hold_webhooks();
    }
    let payment = story.pay(shop, &intent).await?;
    match kill_after {
        None => story.confirm(&mut guest, &intent).await?,
        Some(Step::Charge) => story.crash(shop, &mut guest, &intent).await?,
    }
    let event = story.wait_until_paid(&mut guest, &intent).await?;
    story.count(shop, &mut guest, Bought { lines: bought, before, intent, payment, event }).await?;
    story.open_mail(shop).await?;
    let end = match kill_after {
        None => "Paid: one order, one charge.",
        Some(Step::Charge) => "Paid, in spite of the crash: one order, one charge.",
    };
    say(&format!("\n{}\n\n", story.ink.good(end)));
    Ok(())
}

/// What the count at the end needs to know.
struct Bought {
    /// Product and pieces.
    lines: Vec<(String, u32)>,
    before: Vec<Product>,
    intent: Intent,
    payment: String,
    event: String,
}

impl Story {
    async fn start_checkout(&mut self, guest: &mut Client) -> Result<Intent, DemoError> {
        self.step("Says where it goes", "POST /api/checkout/intent");
        let request = CheckoutRequest {
            email: "guest@shop.example",
            shipping_address: Address {
                name: "Ada Guest",
                street: "Lindenweg 7",
                postal_code: "10115",
                city: "Berlin",
                country: "DE",
            },
            accepts_marketing: false,
        };
        let intent: Intent = guest.post("/api/checkout/intent", &request).await?;
        self.fact("Order", &intent.order_id);
        self.fact("To pay, with sending", intent.amount.money(&intent.currency)?);
        self.fact("Written down before asking", "the order, its reserved stock, its payment");
        Ok(intent)
    }

    /// What the payment form does: the card goes to Stripe and never through the shop.
    async fn pay(&mut self, shop: &NativeShop, intent: &Intent) -> Result<String, DemoError> {
        let secret = intent.client_secret.as_deref().ok_or_else(|| {
            DemoError::Broken("the shop asks for no payment of an order that costs money".into())
        })?;
        let payment = secret.split("_secret_").next().unwrap_or_default().to_owned();
        self.step("Pays with 4242 4242 4242 4242", "POST /v1/payment_intents/…/confirm at Stripe");
        let path = format!("/v1/payment_intents/{payment}/confirm");
        let fields = [
            ("key", intent.publishable_key.as_str()),
            ("client_secret", secret),
            ("payment_method_data[type]", "card"),
            ("payment_method_data[card][number]", CARD),
            ("payment_method_data[card][exp_month]", "12"),
            ("payment_method_data[card][exp_year]", "2049"),
            ("payment_method_data[card][cvc]", "123"),
        ];
        let confirmed: Confirmed = shop.visitor_at_stripe().post_form(&path, &fields).await?;
        self.fact("Payment", &payment);
        self.fact("Stripe says to the browser", &confirmed.status);
        expect(confirmed.status == "succeeded", "Stripe did not take the test card")?;
        Ok(payment)
    }

    async fn confirm(&mut self, guest: &mut Client, intent: &Intent) -> Result<(), DemoError> {
        self.step("Tells the shop", "POST /api/checkout/confirm");
        let order: Order =
            guest.post("/api/checkout/confirm", &Confirm { order_id: &intent.order_id }).await?;
        self.tell_order(&order);
        Ok(())
    }

    /// The worst moment: the card is charged, and nobody but Stripe knows.
    async fn crash(
        &mut self,
        shop: &mut NativeShop,
        guest: &mut Client,
        intent: &Intent,
    ) -> Result<(), DemoError> {
        self.step("Stripe's event is on its way", "held back");
        let order = order(guest, intent).await?;
        self.tell_order(&order);
        expect(order.status == "pending", "the order is paid before Stripe's event came")?;
        self.step("The server is killed", "SIGKILL, between charge and event");
        shop.server.kill().await?;
        shop.stripe.release_webhooks();
        self.fact("Stripe's event arrives", "at a server that is not there");
        self.step("The server starts again", "on the same database");
        shop.server.start().await
    }

    /// The id of the event by which the order was paid.
    async fn wait_until_paid(
        &mut self,
        guest: &mut Client,
        intent: &Intent,
    ) -> Result<String, DemoError> {
        self.step("Reads the order", "GET /api/orders/…");
        let order = in_time("the order was not paid in time", async {
            loop {
                let order = order(guest, intent).await?;
                if order.status != "pending" {
                    return Ok(order);
                }
                tokio::time::sleep(GLANCE).await;
            }
        })
        .await?;
        self.tell_order(&order);
        self.fact("Total", order.total.money(&order.currency)?);
        expect(order.status == "paid", "the order was not paid")?;
        let same = order.total.money(&order.currency)? == intent.amount.money(&intent.currency)?;
        expect(same, "the order's total is not what the guest was asked for")?;
        let event = order.payment.and_then(|payment| payment.event_id);
        event.ok_or_else(|| DemoError::Broken("the order does not name Stripe's event".to_owned()))
    }

    fn tell_order(&self, order: &Order) {
        self.fact("Order", &order.status);
        if let Some(payment) = &order.payment {
            self.fact("Payment", &payment.status);
            if let Some(event) = &payment.event_id {
                self.fact("By Stripe's event", event);
            }
        }
    }

    /// The shopper finds the receipt where the demo puts her mail.
    async fn open_mail(&mut self, shop: &NativeShop) -> Result<(), DemoError> {
        self.step("Gets a receipt", "as a file in the mail folder");
        let (file, letter) = in_time("no receipt came in time", async {
            loop {
                if let Some(letter) = shop.letter()? {
                    return Ok(letter);
                }
                tokio::time::sleep(GLANCE).await;
            }
        })
        .await?;
        let subject = letter.lines().find_map(|line| line.strip_prefix("Subject: "));
        self.fact("Subject", subject.unwrap_or_default());
        self.fact("File", file.display());
        Ok(())
    }

    /// Compares the order with Stripe's books and with the shelf.
    async fn count(
        &mut self,
        shop: &NativeShop,
        guest: &mut Client,
        bought: Bought,
    ) -> Result<(), DemoError> {
        self.step("Counts", "at Stripe and on the shelf");
        let amount = bought.intent.amount.money(&bought.intent.currency)?;
        let ledger = shop.stripe.ledger();
        let charges: usize = ledger.iter().map(|entry| entry.charges_succeeded).sum();
        self.fact("Charges at Stripe", charges);
        expect(charges == 1, "Stripe's ledger does not show one charge")?;
        let entry = ledger.iter().find(|entry| entry.id == bought.payment);
        let received = entry.map_or(0, |entry| entry.amount_received);
        // Of the demo's currency Stripe counts the same minor unit as everybody else.
        let received = Money::new(received, amount.currency())
            .map_err(|error| DemoError::Broken(format!("Stripe's amount: {error}")))?;
        self.fact("Received by Stripe", received);
        expect(received == amount, "Stripe received another amount")?;
        let events = shop.stripe.events();
        let event = events.iter().find(|event| event.id == bought.event);
        let is_right = event.is_some_and(|event| {
            let payment = event.payment_intent.as_deref();
            event.kind == "payment_intent.succeeded" && payment == Some(bought.payment.as_str())
        });
        expect(is_right, "the order's event is not Stripe's word that this payment succeeded")?;
        let after = products(guest).await?;
        for (id, quantity) in &bought.lines {
            let find = |products: &'_ [Product]| {
                let mut products = products.iter();
                let found = products.find(|product| product.id == *id);
                found.map(|product| (product.sku.clone(), product.available))
            };
            let (Some((sku, before)), Some((_, after))) = (find(&bought.before), find(&after))
            else {
                return Err(DemoError::Broken(format!("{id} is no longer for sale")));
            };
            self.fact(&format!("Left of {sku}"), format!("{before} - {quantity} = {after}"));
            expect(before.checked_sub(*quantity) == Some(after), "the stock left is wrong")?;
        }
        Ok(())
    }
}

async fn order(guest: &mut Client, intent: &Intent) -> Result<Order, DemoError> {
    Ok(guest.get(&format!("/api/orders/{}", intent.order_id)).await?)
}
