//! The real binary on a free port with an SQLite file of its own, and one browser that visits it.

use std::{future::Future, time::Duration};

use http::Method;
use serde_json::Value;
use tokio::time::Instant;

use crate::{guest::with_cookie, kills::process::Process, shop::http_client};

/// What a vendor and the worker may take together, retries included.
const ENDS_WITHIN: Duration = Duration::from_secs(90);
const GLANCE: Duration = Duration::from_millis(500);

pub struct Server {
    process: Process,
    url: String,
    http: reqwest::Client,
    cookie: String,
}

impl Server {
    /// A server that does not run yet.
    pub fn new(settings: &[(&str, &str)]) -> Self {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let own = [
            ("TILL_LISTEN", address.as_str()),
            ("DATABASE_URL", "sqlite://live.db"),
            ("TILL_SECRET", "a secret of one run, long enough to be one"),
        ];
        let all = own.iter().chain(settings);
        let all = all.map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let (url, http) = (format!("http://{address}"), http_client());
        Self { process: Process::at(address, all), url, http, cookie: String::new() }
    }

    pub async fn fill(&self) {
        let catalogue = concat!(env!("CARGO_MANIFEST_DIR"), "/assets/demo/catalog.csv");
        self.process.run(&["migrate"]).await;
        self.process.run(&["catalog", "import", catalogue]).await;
    }

    pub async fn start(&mut self) {
        self.process.start();
        self.process.is_up().await;
    }

    /// Asks as a browser does, and expects an answer with this status.
    pub async fn ask(&mut self, method: Method, path: &str, body: Value, status: u16) -> Value {
        let asked = format!("{method} {path}");
        let mut request = self.http.request(method, format!("{}{path}", self.url));
        request = request.header("cookie", &self.cookie);
        if !body.is_null() {
            request = request.json(&body);
        }
        let answer = request.send().await.unwrap_or_else(|e| panic!("{asked}: {e}"));
        for cookie in answer.headers().get_all("set-cookie") {
            self.cookie = with_cookie(&self.cookie, cookie);
        }
        let (got, text) = (answer.status().as_u16(), answer.text().await.unwrap());
        assert_eq!(got, status, "{asked}: {text}\nthe server's log:\n{}", self.process.last());
        serde_json::from_str(&text).unwrap()
    }

    /// Looks at something until it has ended; what it has come to.
    pub async fn until(&mut self, path: &str, has_ended: impl Fn(&Value) -> bool) -> Value {
        let end = Instant::now() + ENDS_WITHIN;
        loop {
            let seen = self.ask(Method::GET, path, Value::Null, 200).await;
            if has_ended(&seen) {
                return seen;
            }
            let log = self.process.last();
            assert!(Instant::now() < end, "it did not end: {seen}\nthe server's log:\n{log}");
            tokio::time::sleep(GLANCE).await;
        }
    }
}

/// A vendor, asked with a key of the merchant's.
pub struct Vendor<'a> {
    pub base: &'a str,
    pub key: &'a str,
}

impl Vendor<'_> {
    pub async fn get(&self, path: &str) -> Value {
        let url = format!("{}{path}", self.base.trim_end_matches('/'));
        said(path, http_client().get(url).bearer_auth(self.key).send()).await
    }

    pub async fn post(&self, path: &str, form: &[(&str, &str)]) -> Value {
        let url = format!("{}{path}", self.base.trim_end_matches('/'));
        let mut request = http_client().post(url).form(form);
        if !self.key.is_empty() {
            request = request.bearer_auth(self.key);
        }
        said(path, request.send()).await
    }
}

async fn said(
    path: &str,
    answer: impl Future<Output = reqwest::Result<reqwest::Response>>,
) -> Value {
    let answer = answer.await.unwrap_or_else(|error| panic!("{path}: {error}"));
    let (status, text) = (answer.status(), answer.text().await.unwrap());
    assert!(status.is_success(), "{path}: {status} {text}");
    serde_json::from_str(&text).unwrap()
}
