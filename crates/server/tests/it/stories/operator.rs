//! The operator's work by the command line: which orders there are, what became of one, what waits
//! for her.

use std::time::Duration;

use serde_json::Value;
use simulators::stripe::{Fault, FaultKind, RefundFailure, RefundOrder, RefundOutcome};
use tokio::process::Command;

use super::catalogue::NOBODYS;
use crate::{
    books,
    guest::{Card, Guest, Intent, address, checkout_request},
    shop::{Shop, stories},
};

/// What a command said, and its exit code.
pub struct Said {
    pub out: String,
    err: String,
    code: i32,
}

impl Said {
    pub fn json_lines(&self) -> Vec<Value> {
        self.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// The orders of a list, by the first column.
    fn ids(&self) -> Vec<&str> {
        let lines = self.out.lines().skip(1).filter(|line| !line.starts_with("more with"));
        lines.map(|line| line.split(' ').next().unwrap()).collect()
    }
}

pub async fn till(shop: &Shop, arguments: &[&str]) -> Said {
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_till"));
    command.arg("orders").args(arguments);
    let output = command.current_dir(folder.path()).env_clear().envs(shop.settings()).output();
    let output = output.await.unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    let (out, err) = (text(output.stdout), text(output.stderr));
    Said { out, err, code: output.status.code().unwrap() }
}

async fn paid(guest: &Guest<'_>) -> Intent {
    let intent = guest.intent().await;
    guest.confirm_at_stripe(&intent, Card::Good).await;
    guest.until_order_is(&intent, "paid").await;
    intent
}

stories! {
    async fn orders_are_listed_newest_first_and_as_far_as_they_have_come(shop: Shop) {
        assert_eq!(till(&shop, &["list"]).await.out, "There are no such orders.\n");
        let first = paid(&shop.guest_with_cart([("mug", 1)]).await).await.order;
        let guest = shop.guest_with_cart([("lamp", 1)]).await;
        let second = guest.intent().await.order;
        let mut request = checkout_request();
        request["email"] = "Grace@Example.org".into();
        let guest = shop.guest_with_cart([("mug", 2)]).await;
        let third = guest.ask_intent_with(request).await.intent().order;
        till(&shop, &["refund", &first]).await;

        let all = till(&shop, &["list"]).await;

        assert_eq!(all.ids(), [&third, &second, &first]);
        assert!(all.out.contains("  refunded          16.90 EUR  ada@example.org\n"), "{}", all.out);
        let page = till(&shop, &["list", "--limit", "2"]).await;
        assert_eq!(page.ids(), [&third, &second]);
        assert!(page.out.ends_with(&format!("more with --after {second}\n")), "{}", page.out);
        assert_eq!(till(&shop, &["list", "--after", &second]).await.ids(), [&first]);
        assert_eq!(till(&shop, &["list", "--state", "refunded"]).await.ids(), [&first]);
        assert_eq!(till(&shop, &["list", "--state", "pending"]).await.ids(), [&third, &second]);
        assert!(till(&shop, &["list", "--state", "paid"]).await.ids().is_empty());
        assert_eq!(till(&shop, &["list", "--email", "grace@example.org"]).await.ids(), [&third]);
        assert_eq!(till(&shop, &["list", "--since", "2020-01-01"]).await.ids().len(), 3);
        assert!(till(&shop, &["list", "--until", "2020-01-01"]).await.ids().is_empty());
        let lines = till(&shop, &["list", "--json"]).await.json_lines();
        assert_eq!(lines.iter().map(|order| &order["id"]).collect::<Vec<_>>(), [&third, &second, &first]);
        assert_eq!(lines[2]["status"], "refunded");
        let wrong = till(&shop, &["list", "--since", "yesterday"]).await;
        assert_eq!(wrong.code, 2);
        assert!(wrong.err.contains("expected a day such as 2026-11-22"), "{}", wrong.err);
        shop.close().await;
    }

    async fn an_order_is_shown_with_its_history_to_people_and_programs(shop: Shop) {
        let guest = shop.guest_with_cart([("mug", 1)]).await;
        let intent = paid(&guest).await;
        shop.quiet().await;

        let shown = till(&shop, &["show", &intent.order]).await;

        assert_eq!(shown.code, 0);
        let (_, history) = shown.out.split_once("\nhistory\n").unwrap();
        assert!(history.lines().next().unwrap().contains("  shopper   Ordered 1 x mug; "), "{history}");
        assert!(history.contains("  stripe    Event evt_"), "{history}");
        assert!(history.contains("The order is paid; its pieces are sold."), "{history}");
        let shown = till(&shop, &["show", &intent.order, "--json"]).await.json_lines();
        assert_eq!(shown[0]["order"]["status"], "paid");
        let lines = shown[0]["history"].as_array().unwrap();
        assert_eq!(lines.len(), history.lines().count());
        assert_eq!((&lines[0]["actor"], &lines[0]["kind"]), (&"shopper".into(), &"order_made".into()));
        shop.close().await;
    }

    async fn an_order_that_does_not_exist_is_said_not_to_in_a_sentence(shop: Shop) {
        for command in ["show", "refund", "cancel"] {
            let unknown = till(&shop, &[command, NOBODYS]).await;
            assert_eq!(unknown.code, 1);
            assert!(unknown.err.contains("there is no such order"), "{command}: {}", unknown.err);
            let malformed = till(&shop, &[command, "4711"]).await;
            assert_eq!(malformed.code, 2);
            let words = "not an id: expected a UUID such as";
            assert!(malformed.err.contains(words), "{command}: {}", malformed.err);
        }
        let unknown = till(&shop, &["resolve", NOBODYS]).await;
        assert_eq!(unknown.code, 1);
        assert!(unknown.err.contains("there is no such item"), "{}", unknown.err);
        shop.close().await;
    }

    async fn the_operator_cancels_by_command_what_is_not_paid(shop: Shop) {
        let guest = shop.guest_with_cart([("print", 1)]).await;
        let intent = guest.intent().await;

        let said = till(&shop, &["cancel", &intent.order, "--reason", "sold out"]).await;

        let sentence = "is cancelled: no money can come, its pieces are free.\n";
        assert!(said.out.ends_with(sentence), "{}{}", said.out, said.err);
        assert_eq!(guest.order(&intent).await.to_string(), "200 cancelled");
        assert_eq!(till(&shop, &["cancel", &intent.order]).await.out, said.out);
        let shown = till(&shop, &["show", &intent.order]).await.out;
        assert!(shown.contains("operator  The order is to be cancelled: \"sold out\""), "{shown}");
        let bought = paid(&guest).await;
        let said = till(&shop, &["cancel", &bought.order]).await;
        assert_eq!(said.code, 1);
        let words = "the order is paid; `till orders refund` gives the money back";
        assert!(said.err.contains(words), "{}", said.err);
        shop.close().await;
    }

    async fn a_cancel_command_that_stripe_does_not_answer_leaves_the_wish_to_the_server(
        shop: Shop
    ) {
        let guest = shop.guest_with_cart([("print", 1)]).await;
        let intent = guest.intent().await;
        let silent = Fault::once("/v1/payment_intents/", FaultKind::LoseBefore);
        shop.stripe.inject(Fault { times: 1000, ..silent });

        let said = till(&shop, &["cancel", &intent.order]).await;

        assert_eq!(said.code, 1);
        assert!(said.err.contains("the wish is written down"), "{}", said.err);
        assert_eq!(shop.stock("print").await, (1, 1));
        shop.stripe.clear_faults();
        shop.advance(Duration::from_secs(2 * 60));
        guest.until_order_is(&intent, "cancelled").await;
        shop.close().await;
    }

    async fn what_needs_a_person_stands_in_a_list_until_she_has_dealt_with_it(shop: Shop) {
        assert_eq!(till(&shop, &["attention"]).await.out, "Nothing waits for you.\n");
        let guest = shop.guest_with_cart([("mug", 1)]).await;
        let intent = paid(&guest).await;
        let refund = shop.stripe.refund(intent.payment(), RefundOrder::default()).unwrap();
        guest.until_order_is(&intent, "refunded").await;
        let failed = RefundOutcome::Failed(RefundFailure::Declined);
        assert!(shop.stripe.settle_refund(&refund, failed));
        shop.until("a person is called", || async {
            books::items(&shop.cx.store).await == 1
        }).await;

        let listed = till(&shop, &["attention"]).await.out;

        let words = ["refund_failed, 0 minutes old", &intent.order, "agree on another way with her."];
        for words in words {
            assert!(listed.contains(words), "{words}: {listed}");
        }
        let items = till(&shop, &["attention", "--json"]).await.json_lines();
        assert_eq!((items.len(), &items[0]["orderId"]), (1, &intent.order.as_str().into()));
        let item = items[0]["id"].as_str().unwrap();
        let note = ["resolve", item, "--note", "paid back in cash"];
        assert_eq!(till(&shop, &note).await.out, format!("Item {item} is closed.\n"));
        assert_eq!(till(&shop, &note).await.out, format!("Item {item} was closed before.\n"));
        let shown = till(&shop, &["show", &intent.order]).await.out;
        let line = "operator  Dealt with (refund_failed): \"paid back in cash\".";
        assert_eq!(shown.matches(line).count(), 1, "{shown}");
        assert_eq!(till(&shop, &["attention"]).await.out, "Nothing waits for you.\n");
        shop.close().await;
    }

    async fn orders_are_exported_as_csv_that_no_spreadsheet_computes(shop: Shop) {
        let guest = shop.guest_with_cart([("mug", 2), ("sticker", 1)]).await;
        let mut request = checkout_request();
        let mut formula = address();
        formula["name"] = "=HYPERLINK(\"https://evil.example\")".into();
        formula["company"] = "Engines, Ltd.".into();
        request["shippingAddress"] = formula;
        let intent = guest.ask_intent_with(request).await.intent();
        guest.confirm_at_stripe(&intent, Card::Good).await;
        guest.until_order_is(&intent, "paid").await;
        let other = shop.guest_with_cart([("mug", 1)]).await.intent().await;

        let said = till(&shop, &["export"]).await;

        let mut reader = csv::Reader::from_reader(said.out.as_bytes());
        let header = reader.headers().unwrap().clone();
        let rows: Vec<_> = reader.records().map(Result::unwrap).collect();
        let field = |row: usize, name: &str| {
            rows[row][header.iter().position(|one| one == name).unwrap()].to_owned()
        };
        assert_eq!((field(0, "order"), field(0, "status")), (other.order, "pending".to_owned()));
        assert_eq!((field(1, "order"), field(1, "status")), (intent.order.clone(), "paid".to_owned()));
        assert_eq!(field(1, "name"), "'=HYPERLINK(\"https://evil.example\")");
        assert_eq!(field(1, "company"), "Engines, Ltd.");
        assert_eq!(field(1, "items"), "2 x mug; 1 x sticker");
        assert_eq!((field(1, "total"), field(1, "currency")), ("29.20".to_owned(), "EUR".to_owned()));
        assert_eq!(field(1, "payment"), intent.payment());
        assert_eq!((rows.len(), said.err.as_str()), (2, "2 orders are exported.\n"));
        let none = till(&shop, &["export", "--until", "2020-01-01"]).await;
        assert_eq!(none.out.lines().count(), 1);
        shop.close().await;
    }
}
