//! Keys and secrets. The usual accident is a key in the wrong place: the live one beside the test
//! one, the API key where the webhook's secret belongs, or the example's own text. Each is found
//! by how keys begin, and no sentence here ever repeats one.

/// Which of Stripe's two worlds a key belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    Live,
    Test,
}

/// What stands in `.env.example` where a value of one's own belongs.
const PLACEHOLDER: &str = "replace_me";

/// Shorter ones could be guessed: 32 characters hold at least 128 bits, if they are hexadecimal.
const SECRET_CHARACTERS_MIN: usize = 32;

/// The secret that signs the visitors' cookies.
pub(super) fn own_secret(text: &str) -> Result<String, String> {
    let text = not_the_example(text)?;
    if let Some(kind) = kind_of(text) {
        return Err(format!("holds {kind}; it is a random text of your own and nobody else's"));
    }
    if text.chars().count() < SECRET_CHARACTERS_MIN {
        return Err(format!(
            "is too short: at least {SECRET_CHARACTERS_MIN} characters are needed; \
             `openssl rand -hex 32` makes them"
        ));
    }
    Ok(text.to_owned())
}

/// The key that our own calls to Stripe are made with.
pub(super) fn secret_key(text: &str) -> Result<(String, Mode), String> {
    api_key(text, &["sk", "rk"], "it must begin with sk_test_, sk_live_, rk_test_ or rk_live_")
}

/// The key that browsers use.
pub(super) fn publishable_key(text: &str) -> Result<(String, Mode), String> {
    api_key(text, &["pk"], "it must begin with pk_test_ or pk_live_")
}

/// A webhook endpoint's secret.
pub(super) fn webhook_secret(text: &str) -> Result<&str, String> {
    let advice = "it must begin with whsec_ and is shown beside the webhook endpoint in Stripe's \
                  dashboard";
    let text = not_the_example(text)?;
    match kind_of(text) {
        _ if text.contains(char::is_whitespace) => Err(format!("has a blank inside; {advice}")),
        _ if text.starts_with("whsec_") && text.len() > "whsec_".len() => Ok(text),
        Some(kind) if !text.starts_with("whsec_") => Err(format!("holds {kind}; {advice}")),
        Some(_) | None => Err(format!("is not a webhook's signing secret; {advice}")),
    }
}

/// The secret that belongs to a store's client id at Elastic Path.
pub(super) fn client_secret(text: &str) -> Result<String, String> {
    let text = not_the_example(text)?;
    match kind_of(text) {
        Some(kind) => Err(format!("holds {kind}; it is the client secret of Elastic Path")),
        None if text.contains(char::is_whitespace) => Err("has a blank inside".to_owned()),
        None => Ok(text.to_owned()),
    }
}

/// A secret that the storefront has too: it is not ours to say how long it is.
pub(super) fn shared_secret(text: &str) -> Result<String, String> {
    let text = not_the_example(text)?;
    match kind_of(text) {
        Some(kind) => Err(format!("holds {kind}; it is the secret of the storefront's betterAuth")),
        None => Ok(text.to_owned()),
    }
}

fn api_key(text: &str, kinds: &[&str], advice: &str) -> Result<(String, Mode), String> {
    let text = not_the_example(text)?;
    if text.contains(char::is_whitespace) {
        return Err(format!("has a blank inside; {advice}"));
    }
    for kind in kinds {
        for (mode, word) in [(Mode::Live, "live"), (Mode::Test, "test")] {
            if text.strip_prefix(&format!("{kind}_{word}_")).is_some_and(|rest| !rest.is_empty()) {
                return Ok((text.to_owned(), mode));
            }
        }
    }
    match kind_of(text) {
        Some(kind) if !kinds.iter().any(|kind| text.starts_with(kind)) => {
            Err(format!("holds {kind}; {advice}"))
        }
        Some(_) | None => Err(format!("is not a key of that kind; {advice}")),
    }
}

fn not_the_example(text: &str) -> Result<&str, String> {
    if text.contains(PLACEHOLDER) {
        return Err("still holds the placeholder of .env.example; put your own value there".into());
    }
    Ok(text)
}

/// What a text is by its beginning.
pub(super) fn kind_of(text: &str) -> Option<&'static str> {
    let kinds = [
        ("sk_", "a secret API key of Stripe (sk_)"),
        ("rk_", "a restricted API key of Stripe (rk_)"),
        ("pk_", "a publishable key of Stripe (pk_)"),
        ("whsec_", "a webhook's signing secret (whsec_)"),
    ];
    kinds.into_iter().find(|(prefix, _)| text.starts_with(prefix)).map(|(_, kind)| kind)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_of_both_modes_are_told_apart() {
        assert_eq!(secret_key("sk_test_51Abc").unwrap().1, Mode::Test);
        assert_eq!(secret_key("rk_live_51Abc").unwrap().1, Mode::Live);
        assert_eq!(publishable_key("pk_live_51Abc").unwrap().1, Mode::Live);
        assert_eq!(webhook_secret("whsec_abc"), Ok("whsec_abc"));
    }

    #[test]
    fn a_key_in_the_wrong_place_is_named_by_its_kind_and_never_shown() {
        let wrong = [
            secret_key("pk_test_hidden").map(drop),
            secret_key("whsec_hidden").map(drop),
            publishable_key("sk_live_hidden").map(drop),
            webhook_secret("sk_test_hidden").map(drop),
            webhook_secret("pk_test_hidden").map(drop),
            own_secret("sk_test_hidden").map(drop),
        ];
        for sentence in wrong.map(Result::unwrap_err) {
            assert!(sentence.starts_with("holds a "), "{sentence}");
            assert!(!sentence.contains("hidden"), "{sentence}");
        }
    }

    #[test]
    fn what_is_no_key_at_all_is_refused_without_being_shown() {
        let wrong = [
            secret_key("hidden").map(drop),
            secret_key("sk_hidden").map(drop),
            secret_key("sk_test_").map(drop),
            secret_key("sk_test_a hidden").map(drop),
            publishable_key("pk_hidden").map(drop),
            webhook_secret("whsec_").map(drop),
            webhook_secret("we_hidden").map(drop),
            webhook_secret("whsec_a hidden").map(drop),
        ];
        for sentence in wrong.map(Result::unwrap_err) {
            assert!(sentence.contains("it must begin with"), "{sentence}");
            assert!(!sentence.contains("hidden"), "{sentence}");
        }
    }

    #[test]
    fn the_placeholder_of_the_example_is_no_key() {
        for sentence in [
            secret_key("sk_test_replace_me").unwrap_err(),
            publishable_key("pk_test_replace_me").unwrap_err(),
            webhook_secret("whsec_replace_me").unwrap_err(),
            own_secret("replace_me_with_at_least_32_random_characters").unwrap_err(),
        ] {
            assert!(sentence.contains("placeholder of .env.example"), "{sentence}");
        }
    }

    #[test]
    fn a_short_secret_of_our_own_is_refused() {
        assert!(own_secret(&"x".repeat(31)).unwrap_err().contains("too short"));
        assert!(own_secret(&"x".repeat(32)).is_ok());
    }
}
