//! Identifiers. From one seed the same calls get the same ids, so a failed run can be repeated.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

pub(crate) const ALPHABET: &[u8; 62] =
    b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

const HEX: &[u8; 16] = b"0123456789abcdef";

pub(crate) struct Ids {
    rng: ChaCha8Rng,
}

impl Ids {
    /// Without a seed the ids differ from run to run.
    pub fn new(seed: Option<u64>) -> Self {
        let seed = seed.unwrap_or_else(|| rand::rng().random());
        Self { rng: ChaCha8Rng::seed_from_u64(seed) }
    }

    /// `<prefix>` followed by `length` letters and digits.
    pub fn make(&mut self, prefix: &str, length: usize) -> String {
        let mut id = String::with_capacity(prefix.len() + length);
        id.push_str(prefix);
        for _ in 0..length {
            let place = self.rng.random_range(0..ALPHABET.len());
            id.push(char::from(ALPHABET[place]));
        }
        id
    }

    /// `length` hexadecimal digits.
    pub fn hex(&mut self, length: usize) -> String {
        (0..length).map(|_| char::from(HEX[self.rng.random_range(0..HEX.len())])).collect()
    }

    /// A random UUID (version 4).
    pub fn uuid(&mut self) -> String {
        let digits = self.hex(32);
        let variant = char::from(b"89ab"[self.rng.random_range(0..4)]);
        let [first, second, third] = [&digits[..8], &digits[8..12], &digits[13..16]];
        format!("{first}-{second}-4{third}-{variant}{}-{}", &digits[17..20], &digits[20..])
    }

    /// Another order of the same things, each order as likely as the others.
    pub fn shuffle<T>(&mut self, things: &mut [T]) {
        for last in (1..things.len()).rev() {
            things.swap(last, self.rng.random_range(0..=last));
        }
    }
}
