//! The shopper gets a receipt, and hears of a refund; and no payment waits for that.

use std::time::Duration;

use server::flows::refund::{Wish, request};

use super::catalogue::NOBODYS;
use crate::{
    books,
    guest::{Card, Guest, Intent},
    shop::{Shop, stories},
    smtp::{MailServer, Trouble},
};

const FROM: &str = "Our shop <orders@shop.example>";

async fn write_by(shop: &mut Shop, place: &str) {
    shop.restart_with([("TILL_MAIL", place), ("TILL_MAIL_FROM", FROM)]).await;
}

async fn paid(guest: &Guest<'_>) -> Intent {
    let intent = guest.intent().await;
    guest.confirm_at_stripe(&intent, Card::Good).await;
    guest.until_order_is(&intent, "paid").await;
    intent
}

async fn until_settled(shop: &Shop) {
    shop.until("nothing is on its way", || async {
        books::on_their_way(&shop.cx.store).await == 0
    })
    .await;
}

/// Waits until the last try has ended so.
async fn until_outcome(shop: &Shop, words: &str) {
    shop.until(words, || async {
        let outcomes = books::last_outcomes(&shop.cx.store).await;
        outcomes.iter().any(|outcome| outcome.contains(words))
            && books::claimed(&shop.cx.store).await == 0
    })
    .await;
}

stories! {
    async fn a_paid_order_brings_one_receipt_although_its_event_comes_ten_times(shop: Shop) {
        let mut shop = shop;
        let (mail, place, _serving) = MailServer::serve().await;
        write_by(&mut shop, &place).await;
        let guest = shop.guest_with_cart([("mug", 2)]).await;
        let intent = paid(&guest).await;

        for event in shop.stripe.events() {
            shop.stripe.repeat_event(&event.id, 10).await;
        }
        shop.quiet().await;
        until_settled(&shop).await;

        let received = mail.received();
        assert_eq!(received.len(), 1);
        assert_eq!(received[0].to, "<ada@example.org>");
        assert_eq!(received[0].header("From"), "\"Our shop\" <orders@shop.example>");
        assert_eq!(received[0].header("Subject"), "Your order at Till");
        for words in [intent.order.as_str(), "2 x A mug", "Total: 28.90 EUR", "10115 Berlin"] {
            assert!(received[0].text.contains(words), "{words}: {}", received[0].text);
        }
        // Nothing of the card, and nothing of Stripe's.
        for words in ["4242", "pi_", "secret"] {
            assert!(!received[0].text.contains(words), "{words}: {}", received[0].text);
        }
        shop.close().await;
    }

    async fn the_link_in_a_receipt_shows_its_order_to_whoever_has_it_and_no_other(shop: Shop) {
        let mut shop = shop;
        let (mail, place, _serving) = MailServer::serve().await;
        write_by(&mut shop, &place).await;
        let guest = shop.guest_with_cart([("mug", 1)]).await;
        let intent = paid(&guest).await;
        until_settled(&shop).await;
        let letter = mail.received()[0].decoded();
        let link = letter.lines().find_map(|line| line.strip_prefix(&shop.url)).unwrap();

        let stranger = shop.guest();
        let shown = stranger.get(link).await;

        assert_eq!((shown.status, &shown.text), (200, &guest.order(&intent).await.text));
        let other = shop.guest_with_cart([("mug", 1)]).await;
        let theirs = other.intent().await.order;
        let nobodys = stranger.get(&format!("/api/orders/{NOBODYS}")).await;
        for wrong in [
            link.replace(&intent.order, &theirs),
            format!("{}0", &link[..link.len() - 2]),
            format!("{link}&token=1"),
            link.split('?').next().unwrap().to_owned(),
        ] {
            let refused = stranger.get(&wrong).await;
            assert_eq!((refused.status, &refused.text), (404, &nobodys.text), "{wrong}");
        }
        shop.close().await;
    }

    async fn an_order_is_paid_at_once_although_no_mail_server_answers(shop: Shop) {
        let mut shop = shop;
        let (mail, place, _serving) = MailServer::serve().await;
        write_by(&mut shop, "smtp://127.0.0.1:1").await;
        let guest = shop.guest_with_cart([("mug", 1)]).await;
        let intent = paid(&guest).await;
        until_outcome(&shop, "onnect").await;
        assert_eq!(guest.order(&intent).await.to_string(), "200 paid");
        let cookie = guest.cookie();

        write_by(&mut shop, &place).await;
        shop.advance(Duration::from_secs(60));
        until_settled(&shop).await;

        assert_eq!(mail.received().len(), 1);
        let guest = Guest::returning(&shop, cookie);
        assert_eq!(guest.order(&intent).await.to_string(), "200 paid");
        shop.close().await;
    }

    async fn a_letter_whose_answer_is_lost_comes_again_under_the_same_id(shop: Shop) {
        let mut shop = shop;
        let (mail, place, _serving) = MailServer::serve().await;
        write_by(&mut shop, &place).await;
        mail.order(&[Trouble::Busy, Trouble::LoseAnswer]);
        let guest = shop.guest_with_cart([("mug", 1)]).await;
        paid(&guest).await;
        until_outcome(&shop, "421").await;
        shop.advance(Duration::from_secs(10));
        shop.until("it was taken", || async { mail.received().len() == 1 }).await;
        shop.until("its answer was lost", || async {
            let outcomes = books::last_outcomes(&shop.cx.store).await;
            !outcomes[0].contains("421") && books::claimed(&shop.cx.store).await == 0
        }).await;

        shop.advance(Duration::from_secs(7 * 60));
        until_settled(&shop).await;

        let received = mail.received();
        assert_eq!(received.len(), 2);
        assert_eq!(received[0].text, received[1].text);
        assert!(received[0].header("Message-ID").ends_with("@shop.example>"));
        shop.close().await;
    }

    async fn a_recipient_whom_nobody_knows_is_written_to_once_and_a_person_is_told(shop: Shop) {
        let mut shop = shop;
        let (mail, place, _serving) = MailServer::serve().await;
        write_by(&mut shop, &place).await;
        shop.expect_items(1);
        mail.order(&[Trouble::NoSuchRecipient]);
        let guest = shop.guest_with_cart([("mug", 1)]).await;
        paid(&guest).await;
        until_outcome(&shop, "the mail server said 550").await;

        shop.advance(Duration::from_secs(24 * 60 * 60));
        shop.quiet().await;

        assert_eq!(books::on_their_way(&shop.cx.store).await, 0);
        assert_eq!(mail.received().len(), 0);
        shop.close().await;
    }

    async fn a_slow_mail_server_holds_up_no_payment_and_no_refund(shop: Shop) {
        let mut shop = shop;
        let (mail, place, _serving) = MailServer::serve().await;
        write_by(&mut shop, &place).await;
        mail.hold();
        let guest = shop.guest_with_cart([("mug", 1)]).await;
        paid(&guest).await;
        shop.until("a letter waits there", || async { mail.received().len() == 1 }).await;

        let guest = shop.guest_with_cart([("mug", 1)]).await;
        let intent = paid(&guest).await;
        let order = intent.order.parse().unwrap();
        request(&shop.cx, Wish { order, amount: None, note: None }).await.unwrap();
        guest.until_order_is(&intent, "refunded").await;

        mail.let_go();
        until_settled(&shop).await;
        assert_eq!(mail.letters(), 3);
        shop.close().await;
    }

    async fn a_refund_is_told_to_the_shopper_with_its_amount(shop: Shop) {
        let mut shop = shop;
        let folder = tempfile::tempdir().unwrap();
        write_by(&mut shop, &format!("folder:{}", folder.path().display())).await;
        let guest = shop.guest_with_cart([("mug", 1)]).await;
        let intent = paid(&guest).await;

        let order = intent.order.parse().unwrap();
        request(&shop.cx, Wish { order, amount: None, note: None }).await.unwrap();
        guest.until_order_is(&intent, "refunded").await;
        shop.quiet().await;
        until_settled(&shop).await;

        let letters: Vec<String> = std::fs::read_dir(folder.path()).unwrap()
            .map(|file| file.unwrap().path())
            .inspect(|path| assert_eq!(path.extension().unwrap(), "eml"))
            .map(|path| std::fs::read_to_string(path).unwrap()).collect();
        assert_eq!(letters.len(), 2);
        let refund = letters.iter().find(|text| text.contains("Subject: A refund from Till"));
        let refund = refund.unwrap();
        assert!(refund.contains("Till has sent you 16.90 EUR back; with it all that you paid"), "{refund}");
        shop.close().await;
    }
}
