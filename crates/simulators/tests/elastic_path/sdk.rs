//! Elastic Path's own library, driven by a script in `tests/sdk/elastic_path`.

use std::path::Path;

use simulators::elastic_path::{ElasticPath, Options, sample_catalogue};
use tokio::net::TcpListener;
use tokio::process::Command;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn elastic_paths_own_library_buys_something() {
    if std::env::var("TILL_NODE_SDK").is_err() {
        eprintln!("skipped: TILL_NODE_SDK is not set (npm ci in crates/simulators/tests/sdk)");
        return;
    }
    let store = ElasticPath::new(Options { seed: Some(7), ..Options::default() });
    sample_catalogue(&store);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let served = store.clone();
    let serving = tokio::spawn(async move { served.serve(listener).await });

    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/sdk/elastic_path/shop.mjs");
    let run = Command::new("node").arg(script).arg(base).kill_on_drop(true).output().await.unwrap();
    serving.abort();
    let printed = String::from_utf8_lossy(&run.stdout).into_owned();
    assert!(run.status.success(), "{printed}{}", String::from_utf8_lossy(&run.stderr));
    print!("{printed}");
    // The refunded one, and the one whose challenge nobody has answered.
    let left: Vec<&str> = store.ledger().payments.iter().map(|one| one.status).collect();
    assert_eq!(left, ["requires_payment_method", "requires_action", "succeeded"]);
    assert_eq!(store.breaches(&[]), Vec::<String>::new());
}
