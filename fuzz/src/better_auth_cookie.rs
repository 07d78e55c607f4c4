//! The cookie in which a storefront's better-auth keeps its whole session: the first line is what the
//! session says, the rest is the header. There `$token` stands for that session as the storefront's
//! own secret encrypts it, `$strange` for the same by another secret, and `$head`, `$iv`, `$text` and
//! `$tag` for the parts of the first.

use std::collections::BTreeMap;

use aes::Aes256;
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD as BASE64};
use cbc::cipher::{BlockModeDecrypt, BlockModeEncrypt, KeyIvInit, block_padding::Pkcs7};
use hkdf::Hkdf;
use hmac::{Hmac, KeyInit, Mac};
use http::{HeaderMap, HeaderValue, header};
use jiff::Timestamp;
use percent_encoding::percent_decode_str;
use serde_json::{Value, json};
use server::http::better_auth::BetterAuth;
use sha2::{Sha256, Sha512};
use uuid::Uuid;

use super::signature::NOW;

const SECRETS: [&str; 2] =
    ["a storefront's secret, long enough", "another secret, as long as that"];
const NAMES: [&str; 2] = ["__Secure-better-auth.session_data", "better-auth.session_data"];
/// Clocks differ by so much.
const TOLERANCE_SECONDS: i64 = 15;

/// A cart is read from a session that the storefront's secret has made and whose time is not over,
/// and from nothing else. What is given back then names that cart no more, and says all the rest.
pub fn better_auth_cookie(input: &[u8]) {
    let end = input.iter().position(|byte| *byte == b'\n').unwrap_or(input.len());
    let Ok(session) = std::str::from_utf8(&input[..end]) else { return };
    let Ok(sent) = std::str::from_utf8(input.get(end + 1..).unwrap_or_default()) else { return };
    let [token, strange] = SECRETS.map(|secret| Keys::of(secret).encrypt(session.as_bytes()));
    let sent = fill_in(sent, &token, &strange);
    let Ok(cookies) = headers(&sent) else { return };
    let ours = BetterAuth::new(&SECRETS[0].into());
    let now = Timestamp::from_second(NOW).unwrap();
    let Some(cart) = ours.cart(&cookies, now) else { return };

    assert!(values(&sent).contains(&token), "taken from {sent:?}");
    let said: Value = serde_json::from_str(session).unwrap();
    assert_eq!(said["session"]["epCartId"], cart.as_str());
    assert!(said["exp"].as_i64().unwrap().saturating_add(TOLERANCE_SECONDS) > NOW);

    let set = ours.without_cart(&cookies, &cart, now, Uuid::from_u128(1));
    let kept = kept(&sent, &set);
    assert_eq!(ours.cart(&headers(&kept).unwrap(), now), None, "{kept:?}");
    let mut rest = said;
    rest["session"].as_object_mut().unwrap().remove("epCartId");
    let is_rest = |value: &String| Keys::of(SECRETS[0]).decrypt(value).as_ref() == Some(&rest);
    assert!(rest["exp"].as_i64() <= Some(NOW) || values(&kept).iter().any(is_rest), "{kept:?}");
}

fn fill_in(sent: &str, token: &str, strange: &str) -> String {
    let parts: Vec<&str> = token.split('.').collect();
    let [head, _, iv, text, tag] = parts[..] else { panic!("{token} has other parts") };
    let names = [("$token", token), ("$strange", strange), ("$head", head), ("$iv", iv)];
    let names = names.into_iter().chain([("$text", text), ("$tag", tag)]);
    names.fold(sent.to_owned(), |sent, (name, value)| sent.replace(name, value))
}

fn headers(cookies: &str) -> Result<HeaderMap, http::header::InvalidHeaderValue> {
    let value = HeaderValue::from_bytes(cookies.as_bytes())?;
    Ok(HeaderMap::from_iter([(header::COOKIE, value)]))
}

/// The cookies by name; of two with one name the later counts.
fn pairs(sent: &str) -> BTreeMap<String, String> {
    let decoded = |text: &str| percent_decode_str(text.trim()).decode_utf8().ok().map(String::from);
    let pair = |pair: &str| {
        let (name, value) = pair.split_once('=')?;
        Some((decoded(name)?, decoded(value)?))
    };
    sent.split(';').filter_map(pair).collect()
}

/// What the cookies of a session hold: each name's in one piece, or put together of its pieces.
fn values(sent: &str) -> Vec<String> {
    let pairs = pairs(sent);
    let whole = |name: &str| {
        let pieces: BTreeMap<usize, &String> = pairs
            .iter()
            .filter_map(|(piece, value)| {
                let number = piece.strip_prefix(name)?.strip_prefix('.')?;
                let index: usize = number.parse().ok()?;
                (index.to_string() == number).then_some((index, value))
            })
            .collect();
        pairs.get(name).cloned().unwrap_or_else(|| pieces.into_values().cloned().collect())
    };
    NAMES.map(whole).to_vec()
}

/// What a browser has once these were set.
fn kept(sent: &str, set: &[HeaderValue]) -> String {
    let set = set.iter().map(|cookie| cookie.to_str().unwrap());
    let set: Vec<(&str, &str)> = set.map(|cookie| cookie.split_once('=').unwrap()).collect();
    let is_set = |pair: &&str| {
        let name = pair.split('=').next().unwrap_or_default().trim();
        set.iter().any(|(one, _)| *one == name)
    };
    let others = sent.split(';').filter(|pair| !is_set(pair)).map(str::to_owned);
    let live = set.iter().filter(|(_, rest)| !rest.contains("; Max-Age=0;"));
    let live = live.map(|(name, rest)| format!("{name}={}", rest.split(';').next().unwrap()));
    others.chain(live).collect::<Vec<_>>().join("; ")
}

/// RFC 7516 with A256CBC-HS512, a second time.
struct Keys([u8; 64]);

impl Keys {
    fn of(secret: &str) -> Self {
        let mut keys = [0; 64];
        let hkdf = Hkdf::<Sha256>::new(Some(b"better-auth-session"), secret.as_bytes());
        hkdf.expand(b"BetterAuth.js Generated Encryption Key", &mut keys).unwrap();
        Self(keys)
    }

    fn encrypt(&self, text: &[u8]) -> String {
        let head = BASE64.encode(json!({"alg": "dir", "enc": "A256CBC-HS512"}).to_string());
        let iv = [7; 16];
        let cipher = cbc::Encryptor::<Aes256>::new_from_slices(&self.0[32..], &iv).unwrap();
        let text = cipher.encrypt_padded_vec::<Pkcs7>(text);
        let tag = self.tag(&head, &iv, &text);
        let [iv, text, tag] = [&iv[..], &text, &tag].map(|part| BASE64.encode(part));
        format!("{head}..{iv}.{text}.{tag}")
    }

    fn decrypt(&self, token: &str) -> Option<Value> {
        let parts: Vec<&str> = token.split('.').collect();
        let [_, _, iv, text, _] = parts[..] else { return None };
        let (iv, mut text) = (BASE64.decode(iv).ok()?, BASE64.decode(text).ok()?);
        let cipher = cbc::Decryptor::<Aes256>::new_from_slices(&self.0[32..], &iv).ok()?;
        serde_json::from_slice(cipher.decrypt_padded::<Pkcs7>(&mut text).ok()?).ok()
    }

    fn tag(&self, head: &str, iv: &[u8], text: &[u8]) -> Vec<u8> {
        let mut mac = <Hmac<Sha512> as KeyInit>::new_from_slice(&self.0[..32]).unwrap();
        let bits = (head.len() as u64 * 8).to_be_bytes();
        [head.as_bytes(), iv, text, &bits].iter().for_each(|part| mac.update(part));
        mac.finalize().into_bytes()[..32].to_vec()
    }
}
