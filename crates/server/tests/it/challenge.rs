//! What a browser does with a challenge, written from `docs/front-end.md` and not from the server.

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

/// Solves the challenge of a `checkout.challengeRequired`: counts until the digest begins with
/// enough zeros.
pub fn solve(challenge: &Value) -> Value {
    assert_eq!(challenge["kind"], "work", "{challenge}");
    let text = challenge["challenge"].as_str().unwrap();
    let bits = challenge["bits"].as_u64().unwrap();
    let begun = Sha256::new_with_prefix(text).chain_update(":");
    let fits = |answer: &u64| {
        let digest = begun.clone().chain_update(answer.to_string()).finalize();
        let first = u64::from_be_bytes(digest[..8].try_into().unwrap());
        u64::from(first.leading_zeros()) >= bits
    };
    let answer = (0_u64..).find(fits).unwrap();
    json!({ "kind": "work", "challenge": text, "answer": answer.to_string() })
}
