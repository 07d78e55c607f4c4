//! Stripe's own libraries, driven by the scripts in `tests/sdk`, one theme after the other and
//! each against a simulator of its own.

use std::path::PathBuf;
use std::process::Output;

use simulators::stripe::{Options, Stripe};
use tokio::process::Command;

use crate::world::options;

/// What is needed to run a script: a program, or why it is not there.
pub type Program = Result<String, &'static str>;

pub fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/sdk")
}

pub fn node() -> Program {
    match std::env::var("TILL_NODE_SDK") {
        Ok(_) => Ok("node".into()),
        Err(_) => Err("TILL_NODE_SDK is not set (npm ci in crates/simulators/tests/sdk)"),
    }
}

fn python() -> Program {
    std::env::var("TILL_PYTHON").map_err(
        |_| "TILL_PYTHON names no python with crates/simulators/tests/sdk/requirements.txt",
    )
}

/// A simulator on the system's clock, by which signatures are checked, until it is dropped.
pub struct Served {
    pub stripe: Stripe,
    pub base: String,
    serving: tokio::task::JoinHandle<std::io::Result<()>>,
}

impl Served {
    pub async fn start() -> Self {
        let stripe = Stripe::new(Options { start: None, ..options() });
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let served = stripe.clone();
        let serving = tokio::spawn(async move { served.serve(listener).await });
        Self { stripe, base, serving }
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

/// What a program printed; it must have ended well.
pub fn printed(output: &Output) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (out, error) = (text(&output.stdout), text(&output.stderr));
    assert!(output.status.success(), "{}\n{out}\n{error}", output.status);
    out
}

async fn theme(program: Program, script: &str, theme: &str) {
    let program = match program {
        Ok(program) => program,
        Err(why) => return eprintln!("skipped: {why}"),
    };
    let served = Served::start().await;
    let mut command = Command::new(program);
    command.arg(folder().join(script)).arg(&served.base).args(["--only", theme]);
    // Nothing is written beside the sources.
    command.env("PYTHONDONTWRITEBYTECODE", "1").kill_on_drop(true);
    let printed = printed(&command.output().await.unwrap());
    assert!(printed.lines().any(|line| line.starts_with("ok ")), "{theme} checks nothing");
    print!("{printed}");
}

macro_rules! themes {
    ($($name:ident)*) => {
        const THEMES: &[&str] = &[$(stringify!($name)),*];

        mod stripes_node_library_works_with {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                super::theme(super::node(), "check.mjs", stringify!($name)).await;
            })*
        }

        mod stripes_python_library_works_with {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                super::theme(super::python(), "check.py", stringify!($name)).await;
            })*
        }
    };
}

themes! {
    authentication
    capture
    cards
    customers
    debits
    disputes
    idempotency
    lists
    payments
    refunds
    search
    thin_events
    tokens
    webhooks
}

#[test]
fn every_theme_of_the_scripts_is_a_test_in_both_languages() {
    let stems = |language: &str| -> Vec<String> {
        let files = std::fs::read_dir(folder().join(language)).unwrap();
        let paths = files.map(|file| file.unwrap().path()).filter(|path| path.is_file());
        let mut stems: Vec<String> =
            paths.map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned()).collect();
        stems.retain(|stem| stem != "support");
        stems.sort();
        stems
    };
    assert_eq!(stems("node"), THEMES);
    assert_eq!(stems("python"), THEMES);
}
