//! The demo, run as a newcomer runs it: the real binary, its own processes, its own folder.

use std::{path::PathBuf, process::Output};

use tokio::process::Command;

/// Runs the binary in an empty folder, with nothing but a search path in its environment.
async fn till(arguments: &[&str]) -> Output {
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new(PathBuf::from(env!("CARGO_BIN_EXE_till")));
    command.args(arguments).current_dir(folder.path()).env_clear().kill_on_drop(true);
    if let Some(path) = std::env::var_os("PATH") {
        command.env("PATH", path);
    }
    command.output().await.unwrap()
}

/// The usual port may be in use, by somebody who looks at the demo while the tests run.
fn free_address() -> String {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string()
}

fn said(output: &Output) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    text(&output.stdout) + &text(&output.stderr)
}

#[tokio::test]
async fn the_demo_tells_a_checkout_that_ends_with_a_paid_order() {
    let output = till(&["demo", "--listen", &free_address(), "--checkout"]).await;

    let said = said(&output);
    assert!(output.status.success(), "{said}");
    assert!(said.contains("Paid: one order, one charge."), "{said}");
}

#[tokio::test]
async fn the_demo_ends_with_one_charge_although_the_server_is_killed_between_charge_and_event() {
    let listen = free_address();
    let output = till(&["demo", "--listen", &listen, "--checkout", "--kill-after", "charge"]).await;

    let said = said(&output);
    assert!(output.status.success(), "{said}");
    assert!(said.contains("The server is killed"), "{said}");
    assert!(said.contains("one order, one charge"), "{said}");
}

#[tokio::test]
async fn a_server_without_keys_does_not_start_and_says_what_is_missing() {
    let output = till(&["serve"]).await;

    let said = said(&output);
    assert_eq!(output.status.code(), Some(2), "{said}");
    for setting in ["TILL_SECRET", "STRIPE_SECRET_KEY", "STRIPE_WEBHOOK_SECRET"] {
        assert!(said.contains(setting), "{setting}: {said}");
    }
}
