//! Stripe's own command line, with the scenarios that it makes events happen by.

use std::path::PathBuf;

use serde_json::Value;
use tokio::process::Command;

use crate::sdk::{Served, folder, node, printed};
use crate::world::SECRET;

/// The program, or why it is not there.
fn stripe_program() -> Result<PathBuf, String> {
    node()?;
    let program = folder().join("node_modules/@stripe/cli-linux-x64/bin/stripe");
    match program.is_file() {
        true => Ok(program),
        false => Err("npm's @stripe/cli-linux-x64 is for Linux on x64".into()),
    }
}

/// Runs the program against a simulator. It finds nothing of this machine's user, and whatever it
/// wants from elsewhere meets a closed port.
async fn cli(program: &PathBuf, served: &Served, arguments: &[&str]) -> String {
    let name = arguments.join(" ").replace(|letter: char| !letter.is_alphanumeric(), "_");
    let home = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("stripe-cli").join(name);
    std::fs::create_dir_all(&home).unwrap();
    let mut command = Command::new(program);
    command.args(arguments).args(["--api-base", &served.base, "--color", "off"]);
    command.env_clear().env("STRIPE_API_KEY", SECRET).env("STRIPE_CLI_TELEMETRY_OPTOUT", "1");
    command.env("HOME", &home).env("XDG_CONFIG_HOME", &home);
    command.env("HTTP_PROXY", "http://127.0.0.1:9").env("HTTPS_PROXY", "http://127.0.0.1:9");
    printed(&command.kill_on_drop(true).output().await.unwrap())
}

/// `stripe trigger` ends well, and the event that it promised exists afterwards.
async fn trigger(event: &str) {
    let program = match stripe_program() {
        Ok(program) => program,
        Err(why) => return eprintln!("skipped: {why}"),
    };
    let served = Served::start().await;
    let said = cli(&program, &served, &["trigger", event]).await;
    assert!(said.contains("Trigger succeeded!"), "{said}");
    // A bank takes its time.
    served.stripe.advance(std::time::Duration::from_secs(3600));
    let kinds: Vec<&str> = served.stripe.events().into_iter().map(|event| event.kind).collect();
    assert!(kinds.contains(&event), "{kinds:?}\n{said}");
}

macro_rules! triggers {
    ($($name:ident $event:literal)*) => {
        mod stripes_command_line_triggers {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                super::trigger($event).await;
            })*
        }
    };
}

triggers! {
    charge_captured "charge.captured"
    charge_dispute_closed "charge.dispute.closed"
    charge_dispute_created "charge.dispute.created"
    charge_dispute_updated "charge.dispute.updated"
    charge_failed "charge.failed"
    charge_refunded "charge.refunded"
    charge_refund_updated "charge.refund.updated"
    charge_succeeded "charge.succeeded"
    customer_created "customer.created"
    customer_deleted "customer.deleted"
    customer_updated "customer.updated"
    payment_intent_amount_capturable_updated "payment_intent.amount_capturable_updated"
    payment_intent_canceled "payment_intent.canceled"
    payment_intent_created "payment_intent.created"
    payment_intent_payment_failed "payment_intent.payment_failed"
    payment_intent_processing "payment_intent.processing"
    payment_intent_requires_action "payment_intent.requires_action"
    payment_intent_succeeded "payment_intent.succeeded"
    payment_method_attached "payment_method.attached"
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn stripes_command_line_gets_and_posts() {
    let program = match stripe_program() {
        Ok(program) => program,
        Err(why) => return eprintln!("skipped: {why}"),
    };
    let served = Served::start().await;
    let read = async |arguments: &[&str]| -> Value {
        serde_json::from_str(&cli(&program, &served, arguments).await).unwrap()
    };
    let create = ["post", "/v1/payment_intents", "-d", "amount=2000", "-d", "currency=eur"];
    let made = read(&create).await;
    assert_eq!(made["status"], "requires_payment_method");
    let path = format!("/v1/payment_intents/{}", made["id"].as_str().unwrap());
    let confirm = format!("{path}/confirm");
    let confirm = ["post", &confirm, "-d", "payment_method=pm_card_visa", "-d", BACK];
    assert_eq!(read(&confirm).await["status"], "succeeded");
    assert_eq!(read(&["get", &path]).await["amount_received"], 2000);
    assert_eq!(read(&["get", "/v1/charges", "--limit", "1"]).await["data"][0]["amount"], 2000);
}

const BACK: &str = "return_url=https://shop.test/back";
