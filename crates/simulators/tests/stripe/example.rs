//! The example that strangers start with is run as it is, and printed as it is.

use std::path::{Path, PathBuf};

use simulators::stripe::{Options, Stripe};
use tokio::process::Command;

use crate::sdk::{folder, node, printed};

fn file(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

const EXAMPLE: &str = "examples/first-payment.mjs";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_example_goes_from_create_to_a_verified_webhook() {
    let node = match node() {
        Ok(node) => node,
        Err(why) => return eprintln!("skipped: {why}"),
    };
    // A folder of its own, with the library in it: as a stranger has it.
    let there = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("first-payment");
    let library = there.join("node_modules");
    std::fs::create_dir_all(&there).unwrap();
    if !library.exists() {
        std::os::unix::fs::symlink(folder().join("node_modules"), &library).unwrap();
    }
    std::fs::copy(file(EXAMPLE), there.join("first-payment.mjs")).unwrap();

    let stripe = Stripe::new(Options::default());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let served = stripe.clone();
    let serving = tokio::spawn(async move { served.serve(listener).await });
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let mut command = Command::new(node);
    command.current_dir(&there).arg("first-payment.mjs");
    command.env("STRIPE_PORT", port.to_string()).env("SHOP_PORT", free.to_string());
    let said = printed(&command.kill_on_drop(true).output().await.unwrap());
    serving.abort();
    assert_eq!(said, "ord_1 is paid\n");
    let ledger = stripe.ledger();
    assert_eq!((ledger.len(), ledger[0].status), (1, "succeeded"));
}

#[test]
fn the_manual_prints_the_example_as_it_is() {
    let example = std::fs::read_to_string(file(EXAMPLE)).unwrap();
    let manual = std::fs::read_to_string(file("../../docs/simulators.md")).unwrap();
    assert!(manual.contains(&format!("```js\n{example}```\n")), "{EXAMPLE} is not in the manual");
}
