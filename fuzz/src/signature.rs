//! The first line is the header of a delivery, the rest its body. In the header `$ours`, `$older`
//! and `$strange` stand for right signatures with the secret in force, with the one before, and
//! with one that is none of ours.

use gateways::stripe::webhook::{TOLERANCE_SECONDS, WebhookSecret, verify};
use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use sha2::Sha256;

/// When every delivery arrives.
pub const NOW: i64 = 1_790_000_000;

/// The secrets in force, and whose signatures they make.
const SECRETS: [(&str, &str); 2] = [("$ours", "whsec_ours"), ("$older", "whsec_older")];
const STRANGE: (&str, &str) = ("$strange", "whsec_strange");

/// A delivery is taken for Stripe's if, and only if, it was signed with a secret of ours, now.
pub fn webhook_signature(input: &[u8]) {
    let end = input.iter().position(|byte| *byte == b'\n').unwrap_or(input.len());
    let body = input.get(end + 1..).unwrap_or_default();
    let Ok(header) = std::str::from_utf8(&input[..end]) else { return };
    let header = fill_in(header, body);
    let secrets: Vec<WebhookSecret> =
        SECRETS.iter().map(|(_, secret)| secret.parse().unwrap()).collect();
    let taken = verify(body, &header, &secrets, Timestamp::from_second(NOW).unwrap());
    assert_eq!(taken.is_ok(), is_signed(&header, body), "{header:?}: {taken:?}");
    if let Ok(event) = taken {
        assert_eq!(event.payload().as_bytes(), body);
    }
}

/// The header with the signatures that it asks for.
pub fn fill_in(header: &str, body: &[u8]) -> String {
    let time = header.split(',').find_map(|item| item.strip_prefix("t=")).unwrap_or_default();
    SECRETS.iter().chain([&STRANGE]).fold(header.to_owned(), |header, (name, secret)| {
        header.replace(name, &hex::encode(mac(secret, time, body).finalize().into_bytes()))
    })
}

fn mac(secret: &str, time: &str, body: &[u8]) -> Hmac<Sha256> {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(&[time.as_bytes(), b".", body].concat());
    mac
}

/// The rule a second time: it reads the bytes behind a signature, where the product writes the
/// letters of its own.
fn is_signed(header: &str, body: &[u8]) -> bool {
    let values = |wanted: &str| -> Vec<&str> {
        let pairs = header.split(',').filter_map(|item| item.split_once('='));
        pairs.filter(|(name, _)| *name == wanted).map(|(_, value)| value).collect()
    };
    let [time] = values("t")[..] else { return false };
    let Ok(sent) = time.parse::<i128>() else { return false };
    let is_now = (sent - i128::from(NOW)).unsigned_abs() <= u128::from(TOLERANCE_SECONDS);
    let is_plain = time.bytes().all(|byte| byte.is_ascii_digit());
    let fits = |claim: &&str| {
        let lower = !claim.bytes().any(|byte| byte.is_ascii_uppercase());
        let Ok(bytes) = hex::decode(claim) else { return false };
        let by = |secret| mac(secret, time, body).verify_slice(&bytes).is_ok();
        lower && SECRETS.iter().any(|(_, secret)| by(secret))
    };
    let is_text = std::str::from_utf8(body).is_ok() && !body.contains(&0);
    is_now && is_plain && is_text && values("v1").iter().any(fits)
}
