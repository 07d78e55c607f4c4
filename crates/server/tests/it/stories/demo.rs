//! The demo, run as a newcomer runs it: the real binary, its own processes, its own folder.

use std::{
    path::PathBuf,
    process::{Output, Stdio},
};

use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    process::Command,
};

use crate::shop::http_client;

/// The binary in an empty folder, with nothing but a search path in its environment.
fn binary(folder: &TempDir, arguments: &[&str]) -> Command {
    let mut command = Command::new(PathBuf::from(env!("CARGO_BIN_EXE_till")));
    command.args(arguments).current_dir(folder.path()).env_clear().kill_on_drop(true);
    if let Some(path) = std::env::var_os("PATH") {
        command.env("PATH", path);
    }
    command
}

async fn till(arguments: &[&str]) -> Output {
    let folder = tempfile::tempdir().unwrap();
    binary(&folder, arguments).output().await.unwrap()
}

/// The page of a shop, whose address the demo has printed.
/// What a shop says of itself, whether or not the server was built with a storefront.
async fn page(line: &str) -> String {
    let url = format!("{}/server", line.split_whitespace().last().unwrap().trim_end_matches('/'));
    http_client().get(url).send().await.unwrap().text().await.unwrap()
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
async fn the_demo_tells_how_a_cart_at_elastic_path_is_paid_in_one_call() {
    let listen = free_address();
    let arguments = ["demo", "--listen", &listen, "--checkout", "--backend", "elastic-path"];
    let output = till(&arguments).await;

    let said = said(&output);
    assert!(output.status.success(), "{said}");
    assert!(said.contains("Paid: one order, one charge."), "{said}");
    let told = ["charges the card", "becomes an order", "books the charge", "deletes the cart"];
    let places: Vec<Option<usize>> = told.iter().map(|words| said.find(words)).collect();
    assert!(places.iter().all(Option::is_some) && places.is_sorted(), "{said}");
}

#[tokio::test]
async fn the_demo_makes_one_order_of_a_charge_whose_answer_found_no_server() {
    let listen = free_address();
    let what = ["demo", "--checkout", "--backend", "elastic-path", "--kill-after", "charge"];
    let output = till(&[&what[..], &["--listen", &listen]].concat()).await;

    let said = said(&output);
    assert!(output.status.success(), "{said}");
    assert!(said.contains("The server is killed"), "{said}");
    assert!(said.contains("Paid, in spite of the crash: one order, one charge."), "{said}");
}

#[tokio::test]
async fn the_demo_opens_both_shops_and_each_says_on_its_page_which_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let mut demo = binary(&folder, &["demo", "--listen", &free_address()]);
    let mut demo = demo.stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(demo.stdout.take().unwrap()).lines();
    let mut said = Vec::new();
    while let Some(line) = lines.next_line().await.unwrap() {
        said.push(line);
        if said.last().unwrap().contains("Ctrl-C") {
            break;
        }
    }
    let shops: Vec<&String> =
        said.iter().filter(|line| line.trim_start().starts_with("Shop ")).collect();
    let [native, platform] = shops[..] else { panic!("{said:#?}") };
    let pages = [page(native).await, page(platform).await];
    // As Ctrl-C or the system does: the demo then ends its servers.
    let stop = format!("kill {}", demo.id().unwrap());
    assert!(Command::new("sh").args(["-c", &stop]).status().await.unwrap().success());
    assert!(demo.wait().await.unwrap().success());

    for text in ["Till&#x27;s trial shop<", "orders of its own", "simulated at"] {
        assert!(pages[0].contains(text), "{text}: {}", pages[0]);
    }
    for text in ["Till&#x27;s trial shop at Elastic Path", "Fry Pan", "15.00", "_sim&#x2f;ledger"] {
        assert!(pages[1].contains(text), "{text}: {}", pages[1]);
    }
    let closed = http_client().get(native.split_whitespace().last().unwrap()).send().await;
    assert!(closed.is_err(), "the demo has left a server behind");
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
