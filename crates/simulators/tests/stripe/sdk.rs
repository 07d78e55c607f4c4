//! Stripe's own libraries, driven by the scripts in `tests/sdk`.

use std::path::PathBuf;

use simulators::stripe::{Options, Stripe};
use tokio::process::Command;

use crate::world::options;

fn scripts() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/sdk")
}

/// Runs a script against a simulator on the system's clock, which signatures are checked by.
async fn run(program: &str, script: &str) {
    let stripe = Stripe::new(Options { start: None, ..options() });
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let serving = tokio::spawn(async move { stripe.serve(listener).await });
    let output =
        Command::new(program).arg(scripts().join(script)).arg(base).output().await.unwrap();
    serving.abort();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    print!("{}", text(&output.stdout));
    assert!(output.status.success(), "{}{}", text(&output.stdout), text(&output.stderr));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn stripes_node_library_works_against_the_simulator() {
    if std::env::var("TILL_NODE_SDK").is_err() {
        eprintln!("skipped: TILL_NODE_SDK is not set (npm ci in crates/simulators/tests/sdk)");
        return;
    }
    run("node", "check.mjs").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn stripes_python_library_works_against_the_simulator() {
    let Ok(python) = std::env::var("TILL_PYTHON") else {
        eprintln!(
            "skipped: TILL_PYTHON names no python with crates/simulators/tests/sdk/requirements.txt"
        );
        return;
    };
    run(&python, "check.py").await;
}
