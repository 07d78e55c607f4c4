//! When a request is sent again, and what is known at the end.

use jiff::Timestamp;
use serde_json::json;

use super::*;
use crate::{
    elastic_path::{
        Caller, ElasticPath,
        cart::NewItem,
        script::{answer, by_clock, cart, ep, no, outcome, token},
    },
    stripe::script::{Asked, Step, says},
};

fn with(header: (&'static str, &'static str), step: Step) -> Step {
    match step {
        Step::Says(status, mut headers, body) => {
            headers.push(header);
            Step::Says(status, headers, body)
        }
        Step::NotSent | Step::NoAnswer | Step::Silence => step,
    }
}

fn yes() -> Step {
    answer(200, &json!({"data": {"id": "c1"}}))
}

fn added() -> Step {
    answer(201, &json!({"data": []}))
}

fn count(asked: &Asked) -> usize {
    asked.lock().unwrap().len() - 1
}

/// Reads a cart against the script; says how it ended. Every step must have been used.
async fn reads(steps: Vec<Step>) -> String {
    let expected = steps.len();
    let (ep, _, asked) = ep(steps);
    let result = ep.cart(Caller::Implicit, &cart()).await;
    assert_eq!(count(&asked), expected);
    outcome(&result)
}

async fn add(ep: &ElasticPath) -> Result<(), EpError> {
    let product = "p1".parse().unwrap();
    let item = NewItem::Product { product, quantity: std::num::NonZeroU32::MIN };
    ep.add_item(Caller::Implicit, &cart(), &item).await.map(|_| ())
}

/// Adds an item against the script, likewise.
async fn adds(steps: Vec<Step>) -> String {
    let expected = steps.len();
    let (ep, _, asked) = ep(steps);
    let result = add(&ep).await;
    assert_eq!(count(&asked), expected);
    outcome(&result)
}

#[tokio::test(start_paused = true)]
async fn what_only_reads_is_sent_again_three_times_where_it_may_fare_better() {
    for passing in
        [no(408), no(429), no(500), no(503), says(502, "<html>"), Step::NotSent, Step::NoAnswer]
    {
        let again = || passing.clone();
        assert_eq!(reads(vec![again(), yes()]).await, "answer");
        assert_eq!(reads(vec![again(), again(), again(), yes()]).await, "answer");
        let ended = reads(vec![again(), again(), again(), again()]).await;
        assert!(ended.starts_with("unknown") || ended.starts_with("not sent"), "{ended}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_makes_something_is_sent_again_only_where_it_was_not_carried_out() {
    for unsent in [no(429), says(429, ""), Step::NotSent] {
        let again = || unsent.clone();
        assert_eq!(adds(vec![again(), again(), again(), added()]).await, "answer");
        let ended = adds(vec![again(), again(), again(), again()]).await;
        assert!(ended.starts_with("not sent"), "{ended}");
    }
    for (doubtful, ended) in [
        (no(408), "unknown 408"),
        (no(409), "unknown 409"),
        (no(500), "unknown 500"),
        (says(502, "<html>"), "unknown 502"),
        (says(400, "<html>"), "unknown 400"),
        (says(302, ""), "unknown 302"),
        (says(201, "<html>"), "unknown, unreadable"),
        (Step::NoAnswer, "unknown, no answer"),
        (Step::Silence, "unknown, too late"),
    ] {
        assert_eq!(adds(vec![doubtful.clone()]).await, ended);
        assert_eq!(adds(vec![no(429), Step::NotSent, doubtful]).await, ended);
    }
}

#[tokio::test(start_paused = true)]
async fn who_was_held_up_makes_nothing_when_others_have_taken_over() {
    let looks = AtomicU64::new(0);
    let minutes = move || Duration::from_secs(60 * looks.fetch_add(1, Ordering::Relaxed));
    let clock = move || Timestamp::UNIX_EPOCH + minutes();
    let (ep, asked) = by_clock([token("t0", 3600), no(429)], Arc::new(clock));
    assert_eq!(outcome(&add(&ep).await), "unknown, too late");
    assert_eq!(count(&asked), 1);
}

#[tokio::test(start_paused = true)]
async fn a_no_in_elastic_paths_words_is_a_no() {
    for status in [400, 402, 403, 404, 422] {
        assert_eq!(adds(vec![no(status)]).await, format!("refused {status}"));
        assert_eq!(reads(vec![no(status)]).await, format!("refused {status}"));
    }
    assert_eq!(reads(vec![says(404, "<html>")]).await, "refused 404");
}

#[tokio::test(start_paused = true)]
async fn the_status_of_the_answer_counts_and_not_the_one_inside() {
    let inner = json!({"errors": [{"status": 404, "title": "Not Found"}]});
    assert_eq!(adds(vec![answer(400, &inner)]).await, "refused 400");
}

#[tokio::test(start_paused = true)]
async fn errors_beside_the_data_of_a_yes_are_no_yes() {
    let soft = json!({"data": {"id": "c1"}, "errors": [{"title": "Insufficient stock"}]});
    assert_eq!(reads(vec![answer(200, &soft)]).await, "unknown, unreadable");
    assert_eq!(adds(vec![answer(201, &soft)]).await, "unknown, unreadable");
    let one = json!({"data": {"id": "c1"}, "errors": {"title": "Insufficient stock"}});
    assert_eq!(reads(vec![answer(200, &one)]).await, "unknown, unreadable");
}

#[tokio::test(start_paused = true)]
async fn what_is_doubtful_stays_so_when_a_later_try_does_not_get_through() {
    assert_eq!(
        reads(vec![Step::NoAnswer, Step::NotSent, no(429), Step::NotSent]).await,
        "unknown, no answer"
    );
    assert_eq!(reads(vec![no(500), no(403)]).await, "unknown 500");
}

#[tokio::test(start_paused = true)]
async fn elastic_paths_wish_to_wait_is_granted_within_the_deadline() {
    let (client, _, _) = ep([with(("retry-after", "7"), no(429)), added()]);
    let start = Instant::now();
    add(&client).await.unwrap();
    assert_eq!(start.elapsed().as_secs(), 7);

    let (client, _, asked) = ep([with(("retry-after", "31"), no(429))]);
    let start = Instant::now();
    let error = add(&client).await.unwrap_err();
    let EpError::NotSent(Unsent::TooMany { retry_after }) = error else { panic!("{error}") };
    assert_eq!(retry_after, Some(Duration::from_secs(31)));
    assert_eq!((start.elapsed().as_secs(), count(&asked)), (0, 1));
}

#[tokio::test(start_paused = true)]
async fn a_retry_after_beyond_all_clocks_is_no_panic() {
    let longest = with(("retry-after", "18446744073709551615"), no(429));
    assert_eq!(adds(vec![longest]).await, "not sent: it takes no more calls for now");
}

#[tokio::test(start_paused = true)]
async fn a_call_is_over_after_half_a_minute() {
    for _ in 0..2 {
        let (client, _, _) = ep([Step::Silence]);
        let start = Instant::now();
        assert_eq!(outcome(&add(&client).await), "unknown, too late");
        assert_eq!(start.elapsed().as_secs(), 30);
    }
}

#[tokio::test(start_paused = true)]
async fn waits_are_jitter_below_a_doubling_bound_and_the_same_in_a_repeated_run() {
    let run = || async {
        let (client, _, _) = ep(vec![no(500); 4]);
        let start = Instant::now();
        let _ = client.cart(Caller::Implicit, &cart()).await;
        start.elapsed()
    };
    let (one, other) = (run().await, run().await);
    assert_eq!(one, other);
    assert!(one < Duration::from_millis(500 + 1000 + 2000), "{one:?}");

    let (client, _, _) = ep([]);
    let wait = |tries, number| client.0.sender.wait_after(tries, number);
    assert!((0..200).all(|number| wait(1, number) < Duration::from_millis(500)));
    assert!((0..200).any(|number| wait(3, number) > Duration::from_millis(1500)));
    assert!((0..200).any(|number| wait(3, number) < Duration::from_millis(500)));
}
