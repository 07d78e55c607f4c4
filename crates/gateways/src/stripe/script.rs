//! A transport that answers from a list and remembers what it was asked.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
};

use bytes::Bytes;
use tower::service_fn;

use super::{Config, RetryLimits, Stripe};
use crate::{Transport, TransportError};

/// How one exchange goes.
#[derive(Clone)]
pub enum Step {
    /// A response.
    Says(u16, Vec<(&'static str, &'static str)>, String),
    /// Connection refused.
    NotSent,
    /// Sent, and the connection broke.
    NoAnswer,
    /// Sent, and nothing ever comes.
    Silence,
}

/// What was asked.
pub type Asked = Arc<Mutex<Vec<http::Request<Bytes>>>>;

/// A response without further headers.
pub fn says(status: u16, body: impl Into<String>) -> Step {
    Step::Says(status, Vec::new(), body.into())
}

/// Plays the steps; a request beyond them fails the test.
pub fn play(steps: impl IntoIterator<Item = Step>) -> (Transport, Asked) {
    let steps = Arc::new(Mutex::new(steps.into_iter().collect::<VecDeque<Step>>()));
    let asked = Asked::default();
    let seen = Arc::clone(&asked);
    let transport = Transport::new(service_fn(move |request: http::Request<Bytes>| {
        seen.lock().unwrap().push(request);
        let step = steps.lock().unwrap().pop_front().expect("one request too many");
        async move {
            match step {
                Step::Says(status, headers, body) => {
                    let mut response = http::Response::builder().status(status);
                    for (name, value) in headers {
                        response = response.header(name, value);
                    }
                    Ok(response.body(Bytes::from(body)).unwrap())
                }
                Step::NotSent => Err(TransportError::NotSent("connection refused".into())),
                Step::NoAnswer => Err(TransportError::NoAnswer("connection reset".into())),
                Step::Silence => std::future::pending().await,
            }
        }
    }));
    (transport, asked)
}

/// A client that talks to the script.
pub fn stripe(steps: impl IntoIterator<Item = Step>) -> (Stripe, Asked) {
    let (transport, asked) = play(steps);
    let config = Config {
        secret_key: "sk_test_script".parse().unwrap(),
        api_base: "https://api.stripe.example/".parse().unwrap(),
        retry: RetryLimits::default(),
    };
    (Stripe::new(config, transport), asked)
}

/// The header of each request; an empty text where it is missing.
pub fn headers(asked: &Asked, name: &str) -> Vec<String> {
    let value = |request: &http::Request<Bytes>| {
        request.headers().get(name).map_or("", |value| value.to_str().unwrap()).to_owned()
    };
    asked.lock().unwrap().iter().map(value).collect()
}
