//! The storefront's session at better-auth, in its stateless mode: a cookie that holds the whole
//! session, encrypted with a secret that the storefront and Till share. Till reads the cart from it,
//! and gives the cookie back without a cart that has become an order. Nothing else in it is touched.
//!
//! The form is better-auth's own (1.7, strategy `jwe`): a JSON Web Encryption in five parts with a
//! direct key and A256CBC-HS512 (RFC 7516, RFC 7518 5.2.5), the key made from the secret by HKDF, cut
//! into numbered cookies where it is too long for one.

use std::{collections::BTreeMap, fmt};

use aes::Aes256;
use axum_extra::extract::cookie::CookieJar;
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD as BASE64};
use cbc::cipher::{BlockModeDecrypt, BlockModeEncrypt, KeyIvInit, block_padding::Pkcs7};
use domain::elastic_path::EpCartId;
use hkdf::Hkdf;
use hmac::{Hmac, KeyInit, Mac};
use http::{HeaderMap, HeaderValue};
use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256, Sha512};
use uuid::Uuid;

/// What the cookie is called; over HTTPS the first. A storefront behind a proxy that ends TLS may have
/// set one of each: the first counts, which nobody sets without TLS, and the cart is taken out of both.
const NAMES: [&str; 2] = ["__Secure-better-auth.session_data", "better-auth.session_data"];
const SECURE: &str = "__Secure-";

/// better-auth's own figures: the least that a browser stores of one cookie, and how many pieces
/// one is cut into at most.
const COOKIE_BYTES_MAX: usize = 4050;
const PIECES_MAX: usize = 100;

/// How much of the MAC is the tag, with A256CBC-HS512.
const TAG_BYTES: usize = 32;

/// Clocks differ by so much.
const TOLERANCE_SECONDS: i64 = 15;

/// Where in a session the cart is.
const CART: &str = "epCartId";

/// Reads and writes the cookie.
#[derive(Clone)]
pub struct BetterAuth {
    /// For the tag, then for the text.
    keys: [u8; 64],
    /// By which the cookie says which key it was made with.
    kid: String,
}

impl fmt::Debug for BetterAuth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BetterAuth(…)")
    }
}

/// A cookie as it came: its name without a number, all names it was found under, and what it says.
struct Found {
    name: &'static str,
    pieces: Vec<String>,
    session: Map<String, Value>,
}

impl BetterAuth {
    /// With the secret of the storefront's `betterAuth({secret})`.
    pub fn new(secret: &SecretString) -> Self {
        let mut keys = [0; 64];
        let hkdf =
            Hkdf::<Sha256>::new(Some(b"better-auth-session"), secret.expose_secret().as_bytes());
        hkdf.expand(b"BetterAuth.js Generated Encryption Key", &mut keys)
            .expect("HKDF makes up to 255 times 32 bytes");
        let thumbprint = json!({"k": BASE64.encode(keys), "kty": "oct"}).to_string();
        Self { keys, kid: BASE64.encode(Sha256::digest(thumbprint)) }
    }

    /// The cart that the visitor's session names. A cookie that is forged, too old or of another
    /// shop names none.
    pub fn cart(&self, headers: &HeaderMap, now: Timestamp) -> Option<EpCartId> {
        cart_of(&self.found(headers, now).next()?.session)
    }

    /// The `Set-Cookie` headers by which the visitor's session no longer names this cart; none where
    /// it does not name it. `nonce` is used once for each name.
    pub fn without_cart(
        &self,
        headers: &HeaderMap,
        cart: &EpCartId,
        now: Timestamp,
        nonce: Uuid,
    ) -> Vec<HeaderValue> {
        let named =
            self.found(headers, now).filter(|one| cart_of(&one.session).as_ref() == Some(cart));
        named.flat_map(|found| self.emptied(found, now, nonce)).collect()
    }

    /// The same cookie without its cart.
    fn emptied(&self, found: Found, now: Timestamp, nonce: Uuid) -> Vec<HeaderValue> {
        let Found { name, pieces, mut session } = found;
        if let Some(Value::Object(inner)) = session.get_mut("session") {
            inner.remove(CART);
        }
        let expires = session.get("exp").and_then(Value::as_i64).unwrap_or(0);
        let token = self.encrypt(Value::Object(session).to_string().as_bytes(), (name, nonce));
        let lifetime = expires.saturating_sub(now.as_second()).max(0);
        let mut cookies: BTreeMap<String, String> =
            pieces.into_iter().map(|piece| (piece, attributes("", name, 0))).collect();
        cookies.extend(cut(name, &token, lifetime));
        let header =
            |(name, rest): (String, String)| HeaderValue::from_str(&format!("{name}={rest}")).ok();
        cookies.into_iter().filter_map(header).collect()
    }

    /// The sessions that the cookies hold, under either name.
    fn found(&self, headers: &HeaderMap, now: Timestamp) -> impl Iterator<Item = Found> {
        let jar = CookieJar::from_headers(headers);
        NAMES.into_iter().filter_map(move |name| {
            let (pieces, token) = whole(&jar, name)?;
            let session = self.decrypt(&token)?;
            let expires = session.get("exp")?.as_i64()?;
            let is_fresh = expires.saturating_add(TOLERANCE_SECONDS) > now.as_second();
            is_fresh.then_some(Found { name, pieces, session })
        })
    }

    fn decrypt(&self, token: &str) -> Option<Map<String, Value>> {
        let parts: Vec<&str> = token.split('.').collect();
        let [head, "", iv, text, tag] = parts[..] else { return None };
        let header: Value = serde_json::from_slice(&BASE64.decode(head).ok()?).ok()?;
        let is_ours = header["alg"] == "dir"
            && header["enc"] == "A256CBC-HS512"
            && (header["kid"].is_null() || header["kid"] == self.kid.as_str());
        if !is_ours {
            return None;
        }
        let (iv, mut text) = (BASE64.decode(iv).ok()?, BASE64.decode(text).ok()?);
        // RFC 7518 5.2.2.2: all of it, for a shorter one could be guessed.
        let tag: [u8; TAG_BYTES] = BASE64.decode(tag).ok()?.try_into().ok()?;
        self.tag(head, &iv, &text).verify_truncated_left(&tag).ok()?;
        let (_, key) = self.keys.split_at(32);
        let cipher = cbc::Decryptor::<Aes256>::new_from_slices(key, &iv).ok()?;
        let text = cipher.decrypt_padded::<Pkcs7>(&mut text).ok()?;
        serde_json::from_slice(text).ok()
    }

    fn encrypt(&self, text: &[u8], (name, nonce): (&str, Uuid)) -> String {
        let head = json!({"alg": "dir", "enc": "A256CBC-HS512", "kid": self.kid}).to_string();
        let head = BASE64.encode(head);
        let (mac_key, key) = self.keys.split_at(32);
        // Nobody else can foretell it, and it does not come twice.
        let iv = digest::<Hmac<Sha512>>(mac_key, &[b"iv", nonce.as_bytes(), name.as_bytes()]);
        let iv = iv.finalize().into_bytes();
        let iv = &iv[..16];
        let cipher = cbc::Encryptor::<Aes256>::new_from_slices(key, iv);
        let cipher = cipher.expect("a key of 32 bytes and an IV of 16");
        let text = cipher.encrypt_padded_vec::<Pkcs7>(text);
        let tag = self.tag(&head, iv, &text).finalize().into_bytes();
        let [iv, text, tag] = [iv, &text, &tag[..TAG_BYTES]].map(|part| BASE64.encode(part));
        format!("{head}..{iv}.{text}.{tag}")
    }

    /// RFC 7518 5.2.2.1: over the header, the IV, the text, and the header's length in bits.
    fn tag(&self, head: &str, iv: &[u8], text: &[u8]) -> Hmac<Sha512> {
        let bits = (head.len() as u64 * 8).to_be_bytes();
        digest(&self.keys[..32], &[head.as_bytes(), iv, text, &bits])
    }
}

fn digest<M: Mac + KeyInit>(key: &[u8], parts: &[&[u8]]) -> M {
    let mut mac = <M as KeyInit>::new_from_slice(key).expect("HMAC takes keys of any length");
    parts.iter().for_each(|part| mac.update(part));
    mac
}

fn cart_of(session: &Map<String, Value>) -> Option<EpCartId> {
    session.get("session")?.get(CART)?.as_str()?.parse().ok()
}

/// The cookie in one piece, or put together of its numbered pieces; with all names it has.
fn whole(jar: &CookieJar, name: &str) -> Option<(Vec<String>, String)> {
    let mut numbered: Vec<(usize, &str)> = jar
        .iter()
        .filter_map(|cookie| {
            let number = cookie.name().strip_prefix(name)?.strip_prefix('.')?;
            let index = number.parse::<usize>().ok().filter(|index| index.to_string() == number)?;
            Some((index, cookie.value()))
        })
        .collect();
    numbered.sort_unstable();
    let single = jar.get(name);
    let mut names: Vec<String> =
        numbered.iter().map(|(index, _)| format!("{name}.{index}")).collect();
    let token = match single {
        Some(cookie) => cookie.value().to_owned(),
        None => numbered.iter().map(|(_, value)| *value).collect(),
    };
    names.extend(single.map(|_| name.to_owned()));
    (!token.is_empty()).then_some((names, token))
}

/// The cookies that hold a token: one, or numbered ones if it is too long for one.
fn cut(name: &'static str, token: &str, lifetime: i64) -> Vec<(String, String)> {
    let around = format!("{name}.{}=", PIECES_MAX - 1).len() + attributes("", name, lifetime).len();
    let size = COOKIE_BYTES_MAX - around;
    if token.len() <= size {
        return vec![(name.to_owned(), attributes(token, name, lifetime))];
    }
    // The token is ASCII.
    let pieces = token.as_bytes().chunks(size).map(String::from_utf8_lossy).enumerate();
    pieces
        .map(|(index, piece)| (format!("{name}.{index}"), attributes(&piece, name, lifetime)))
        .collect()
}

/// A cookie's value with the attributes that better-auth gives it.
fn attributes(value: &str, name: &str, lifetime: i64) -> String {
    let secure = if name.starts_with(SECURE) { "; Secure" } else { "" };
    format!("{value}; Max-Age={lifetime}; Path=/; HttpOnly{secure}; SameSite=Lax")
}

#[cfg(test)]
mod tests;
