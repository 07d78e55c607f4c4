//! The client-credentials token resolver, and the implicit token that is kept.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
};

use bytes::Bytes;
use serde_json::json;
use tokio::{sync::Notify, time::advance};
use tower::service_fn;

use super::*;
use crate::{
    Transport,
    elastic_path::{
        CALLS_PER_SECOND, Config, RetryLimits,
        cart::CartView,
        script::{answer, bare, cart, example, external_ref, mints, no, outcome, token, tokens},
    },
    stripe::script::{Asked, Step, headers, says},
};

fn empty() -> Step {
    answer(200, &json!({"data": {"id": "c1", "type": "cart"}}))
}

async fn read(ep: &ElasticPath, caller: Caller<'_>) -> Result<CartView, EpError> {
    ep.cart(caller, &cart()).await
}

#[tokio::test]
async fn one_request_mints_once_however_often_it_asks() {
    let (ep, asked) = bare([token("a", 3600), empty(), empty(), empty()]);
    let admin = ep.admin().unwrap();
    for caller in [&admin, &admin.clone(), &admin] {
        read(&ep, Caller::Admin(caller)).await.unwrap();
    }
    assert_eq!(mints(&asked), 1);
    assert_eq!(tokens(&asked), ["a", "a", "a"]);
}

#[tokio::test]
async fn two_requests_mint_two() {
    let (ep, asked) = bare([token("a", 3600), empty(), token("b", 3600), empty()]);
    for _ in 0..2 {
        read(&ep, Caller::Admin(&ep.admin().unwrap())).await.unwrap();
    }
    assert_eq!(mints(&asked), 2);
    assert_eq!(tokens(&asked), ["a", "b"]);
}

/// A transport whose token endpoint answers only when the bell rings.
fn held(bell: Arc<Notify>) -> (ElasticPath, Asked) {
    let asked = Asked::default();
    let seen = Arc::clone(&asked);
    let names = Arc::new(Mutex::new(VecDeque::from(["a", "b"])));
    let transport = Transport::new(service_fn(move |request: http::Request<Bytes>| {
        let is_mint = request.uri().path() == "/oauth/access_token";
        seen.lock().unwrap().push(request);
        let (bell, names) = (Arc::clone(&bell), Arc::clone(&names));
        async move {
            if !is_mint {
                return Ok(http::Response::new(Bytes::from_static(br#"{"data":{"id":"c1"}}"#)));
            }
            bell.notified().await;
            let name = names.lock().unwrap().pop_front().unwrap();
            let body = json!({"access_token": name, "expires_in": 3600}).to_string();
            Ok(http::Response::new(Bytes::from(body)))
        }
    }));
    let config = Config {
        client_id: "client".into(),
        client_secret: Some("s".to_owned().into()),
        api_base: "https://useast.api.elasticpath.example".parse().unwrap(),
        retry: RetryLimits::default(),
        calls_per_second: CALLS_PER_SECOND,
        jitter_seed: 1,
    };
    (ElasticPath::new(config, transport, Arc::new(|| jiff::Timestamp::UNIX_EPOCH)), asked)
}

#[tokio::test]
async fn whoever_asks_while_the_token_is_being_made_gets_the_same_one() {
    for is_admin in [true, false] {
        let bell = Arc::new(Notify::new());
        let (ep, asked) = held(Arc::clone(&bell));
        let admin = ep.admin().unwrap();
        let asking: Vec<_> = (0..20)
            .map(|_| {
                let (ep, admin) = (ep.clone(), admin.clone());
                tokio::spawn(async move {
                    let caller = if is_admin { Caller::Admin(&admin) } else { Caller::Implicit };
                    read(&ep, caller).await.unwrap();
                })
            })
            .collect();
        while mints(&asked) == 0 {
            tokio::task::yield_now().await;
        }
        bell.notify_one();
        for one in asking {
            one.await.unwrap();
        }
        assert_eq!(mints(&asked), 1);
        assert_eq!(tokens(&asked), vec!["a"; 20]);
    }
}

#[tokio::test]
async fn a_shop_without_a_secret_has_no_admin() {
    let (transport, _) = crate::stripe::script::play([]);
    let config = Config {
        client_id: "client".into(),
        client_secret: None,
        api_base: "https://useast.api.elasticpath.example".parse().unwrap(),
        retry: RetryLimits::default(),
        calls_per_second: CALLS_PER_SECOND,
        jitter_seed: 1,
    };
    assert!(
        ElasticPath::new(config, transport, Arc::new(|| jiff::Timestamp::UNIX_EPOCH))
            .admin()
            .is_none()
    );
}

#[tokio::test(start_paused = true)]
async fn a_token_that_does_not_come_is_waited_for_half_a_calls_time_and_once() {
    let (ep, asked) = bare([Step::Silence]);
    let admin = ep.admin().unwrap();
    let start = Instant::now();
    for _ in 0..2 {
        let result = read(&ep, Caller::Admin(&admin)).await;
        assert_eq!(outcome(&result), "not sent: there is no token to ask with");
        assert_eq!(start.elapsed().as_secs(), 15);
    }
    assert_eq!(mints(&asked), 1);
}

#[tokio::test(start_paused = true)]
async fn a_token_that_cannot_be_had_is_remembered_and_nothing_was_sent() {
    let (ep, asked) = bare([no(401)]);
    let admin = ep.admin().unwrap();
    for _ in 0..2 {
        let result = read(&ep, Caller::Admin(&admin)).await;
        assert_eq!(outcome(&result), "not sent: there is no token to ask with");
    }
    assert_eq!(mints(&asked), 1);
}

#[tokio::test]
async fn the_implicit_token_is_kept_and_renewed_before_it_runs_out() {
    tokio::time::pause();
    let (ep, asked) =
        bare([token("a", 3600), empty(), empty(), token("b", 3600), empty(), token("c", 5)]);
    read(&ep, Caller::Implicit).await.unwrap();
    advance(Duration::from_secs(3600 - 61)).await;
    read(&ep, Caller::Implicit).await.unwrap();
    advance(Duration::from_secs(2)).await;
    read(&ep, Caller::Implicit).await.unwrap();
    assert_eq!(tokens(&asked), ["a", "a", "b"]);
}

#[tokio::test]
async fn a_short_lived_token_is_used_for_nine_tenths_of_its_life() {
    tokio::time::pause();
    let (ep, asked) = bare([token("a", 10), empty(), empty(), token("b", 10), empty()]);
    read(&ep, Caller::Implicit).await.unwrap();
    advance(Duration::from_millis(8_900)).await;
    read(&ep, Caller::Implicit).await.unwrap();
    advance(Duration::from_millis(200)).await;
    read(&ep, Caller::Implicit).await.unwrap();
    assert_eq!(tokens(&asked), ["a", "a", "b"]);
}

#[tokio::test]
async fn an_implicit_token_that_is_refused_is_renewed_once() {
    let (ep, asked) = bare([token("a", 3600), no(401), token("b", 3600), empty()]);
    read(&ep, Caller::Implicit).await.unwrap();
    assert_eq!(tokens(&asked), ["a", "b"]);

    let (ep, asked) = bare([token("a", 3600), no(401), token("b", 3600), no(401)]);
    assert_eq!(outcome(&read(&ep, Caller::Implicit).await), "refused 401");
    assert_eq!(tokens(&asked), ["a", "b"]);
}

#[tokio::test]
async fn an_admins_token_that_is_refused_is_neither_renewed_nor_replaced_by_a_shoppers() {
    let (ep, asked) = bare([token("a", 3600), no(401)]);
    let admin = ep.admin().unwrap();
    assert_eq!(outcome(&read(&ep, Caller::Admin(&admin)).await), "refused 401");
    assert_eq!(tokens(&asked), ["a"]);
}

#[tokio::test]
async fn each_caller_asks_with_its_own_grant_and_headers() {
    let (ep, asked) =
        bare([token("shopper", 3600), empty(), empty(), token("shop", 3600), empty()]);
    let account = AccountToken::new(&"jwt.of.hers".to_owned().into()).unwrap();
    read(&ep, Caller::Implicit).await.unwrap();
    read(&ep, Caller::Account(&account)).await.unwrap();
    read(&ep, Caller::Admin(&ep.admin().unwrap())).await.unwrap();
    assert_eq!(tokens(&asked), ["shopper", "shopper", "shop"]);
    let accounts = headers(&asked, "ep-account-management-authentication-token");
    assert_eq!(accounts, ["", "", "jwt.of.hers", "", ""]);
    let bodies: Vec<Bytes> =
        asked.lock().unwrap().iter().map(|request| request.body().clone()).collect();
    assert_eq!(bodies[0], "grant_type=implicit&client_id=client");
    assert_eq!(bodies[3], "grant_type=client_credentials&client_id=client&client_secret=s+%26+s");
    let kinds = headers(&asked, "content-type");
    assert_eq!(kinds, ["application/x-www-form-urlencoded", "", "", kinds[0].as_str(), ""]);
}

#[tokio::test(start_paused = true)]
async fn a_mint_is_tried_again_and_an_answer_without_a_token_is_none() {
    let (ep, asked) = bare([no(500), Step::NoAnswer, no(429), token("a", 3600), empty()]);
    read(&ep, Caller::Implicit).await.unwrap();
    assert_eq!(mints(&asked), 4);

    for body in [r#"{"access_token":"secret\u0007","expires_in":1}"#, r#"{"access_token":7}"#, "{}"]
    {
        let (ep, _) = bare([says(200, body)]);
        let error = read(&ep, Caller::Implicit).await.unwrap_err();
        assert!(matches!(error, EpError::NotSent(Unsent::NoToken(_))));
        let shown = format!("{error:?} {error}");
        assert!(!shown.contains("secret"), "{shown}");
    }
}

#[test]
fn a_token_that_would_break_a_header_is_none() {
    for text in ["", "a\nb", "ä"] {
        assert!(AccountToken::new(&text.to_owned().into()).is_err());
    }
    let token = AccountToken::new(&"secret".to_owned().into()).unwrap();
    assert!(!format!("{token:?} {:?}", Caller::Account(&token)).contains("secret"));
}

#[tokio::test]
async fn no_debug_shows_a_secret() {
    let (ep, _) = bare([]);
    let shown = format!("{ep:?} {:?} {}", ep.admin(), external_ref());
    assert!(!shown.contains("s & s"), "{shown}");
}

#[tokio::test]
async fn the_composed_answer_of_the_token_endpoint_is_a_token() {
    let (ep, asked) = bare([says(200, example!("token.client_credentials.200")), empty()]);
    read(&ep, Caller::Implicit).await.unwrap();
    assert_eq!(tokens(&asked), ["xa3521ca621113e44eeed9232fa3e54571cb08bc"]);
}
