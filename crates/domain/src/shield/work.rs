//! A proof of work: a browser searches for a number that makes a digest begin with zeros. It costs a
//! shopper a second, once, and a tester the same second for each of his thousands.
//!
//! The server keeps nothing of a challenge until it is solved: it is signed, it ends soon, and it is
//! the visitor's own. A solution counts once; the caller writes down its id.

use std::time::Duration;

use hmac::{Hmac, KeyInit, Mac};
use jiff::{SignedDuration, Timestamp};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::{Key, later};
use crate::id::VisitorId;

/// With so many zero bits a solution takes 262 144 digests on average. One core makes them in the
/// time that `cargo test -p domain --release work -- --nocapture` prints; a script in a browser takes
/// some ten times as long. Checking one takes one digest.
pub const BITS: u32 = 18;

/// A slow phone has solved it by then, and solutions cannot be stored up for an evening.
const LIFETIME: Duration = Duration::from_secs(5 * 60);

/// The node that checks may have another clock than the one that asked.
const CLOCKS_DIFFER: SignedDuration = SignedDuration::from_mins(2);

/// No number that anybody can have counted to is longer.
const ANSWER_BYTES_MAX: usize = 20;

/// A challenge that was solved by the visitor for whom it was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Solved {
    /// Its id: it counts once.
    pub id: Uuid,
    /// From then on nobody would accept it any more, and its id may be forgotten.
    pub forget_at: Timestamp,
}

impl Key {
    /// A challenge for a visitor, as the browser gets it: until when, which, and our signature.
    pub fn challenge(&self, visitor: VisitorId, id: Uuid, now: Timestamp) -> String {
        let until = now.checked_add(LIFETIME).unwrap_or(Timestamp::MAX);
        let signed = format!("{}.{}", until.as_second(), id.simple());
        let signature = hex::encode(self.sign(visitor, &signed).finalize().into_bytes());
        format!("{signed}.{signature}")
    }

    /// Whether `answer` solves a challenge of ours that was made for this visitor and is not over.
    pub fn solved(
        &self,
        visitor: VisitorId,
        (challenge, answer): (&str, &str),
        now: Timestamp,
    ) -> Option<Solved> {
        let (signed, signature) = challenge.rsplit_once('.')?;
        let signature = hex::decode(signature).ok()?;
        self.sign(visitor, signed).verify_slice(&signature).ok()?;
        let (until, id) = signed.split_once('.')?;
        let until = Timestamp::from_second(until.parse().ok()?).ok()?;
        let forget_at = later(until, CLOCKS_DIFFER);
        let is_in_time = now < forget_at;
        (is_in_time && answer.len() <= ANSWER_BYTES_MAX && zero_bits(challenge, answer) >= BITS)
            .then_some(Solved { id: id.parse().ok()?, forget_at })
    }

    fn sign(&self, visitor: VisitorId, signed: &str) -> Hmac<Sha256> {
        let mut mac =
            Hmac::<Sha256>::new_from_slice(&self.0).expect("HMAC takes a key of any length");
        for part in [b"work:", visitor.0.as_bytes().as_slice(), b":", signed.as_bytes()] {
            mac.update(part);
        }
        mac
    }
}

/// With how many zeros the digest of a challenge and an answer begins.
pub fn zero_bits(challenge: &str, answer: &str) -> u32 {
    let mut digest = Sha256::new();
    for part in [challenge, ":", answer] {
        digest.update(part);
    }
    let mut bits = 0;
    for byte in digest.finalize() {
        bits += byte.leading_zeros();
        if byte != 0 {
            break;
        }
    }
    bits
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::UNIX_EPOCH;

    fn visitor(number: u128) -> VisitorId {
        VisitorId(Uuid::from_u128(number))
    }

    fn key() -> Key {
        Key::of_secret("a secret")
    }

    fn at(minutes: i64) -> Timestamp {
        NOW + SignedDuration::from_mins(minutes)
    }

    /// Counts until it fits, as a browser does.
    fn solve(challenge: &str) -> String {
        let mut numbers = (0_u64..).map(|number| number.to_string());
        numbers.find(|answer| zero_bits(challenge, answer) >= BITS).unwrap()
    }

    #[test]
    fn a_solution_is_the_visitors_own_ends_and_cannot_be_made_up() {
        let id = Uuid::from_u128(7);
        let challenge = key().challenge(visitor(1), id, NOW);
        let started = std::time::Instant::now();
        let answer = solve(&challenge);
        let tried: u64 = answer.parse().unwrap();
        println!("{tried} digests took {:?}", started.elapsed());
        let solution = (challenge.as_str(), answer.as_str());

        let solved = key().solved(visitor(1), solution, at(4));
        assert_eq!(solved, Some(Solved { id, forget_at: at(7) }));
        // The clocks of two servers differ.
        assert_eq!(key().solved(visitor(1), solution, at(-3)), solved);
        assert_eq!(key().solved(visitor(1), solution, at(6)), solved);
        assert_eq!(key().solved(visitor(1), solution, at(7)), None);
        assert_eq!(key().solved(visitor(2), solution, at(1)), None);
        assert_eq!(Key::of_secret("another").solved(visitor(1), solution, at(1)), None);
        let unsolved = (0_u64..).map(|n| n.to_string()).find(|n| zero_bits(&challenge, n) < BITS);
        assert_eq!(key().solved(visitor(1), (&challenge, &unsolved.unwrap()), at(1)), None);
        let later = challenge.replacen("300.", "900.", 1);
        assert_ne!(later, challenge);
        assert_eq!(key().solved(visitor(1), (&later, &solve(&later)), at(1)), None);
    }

    #[test]
    fn what_is_no_solution_at_all_is_refused() {
        for challenge in ["", ".", "..", "1.2.3", "300.zz.00", "é.é.é"] {
            for answer in ["", "0", "é", "123456789012345678901"] {
                assert_eq!(key().solved(visitor(1), (challenge, answer), NOW), None);
            }
        }
    }
}
