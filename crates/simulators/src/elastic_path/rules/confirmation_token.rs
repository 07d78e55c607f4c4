//! Confirmation tokens: what a shopper's page makes of a card, used once. Each says how the payment
//! that it confirms will go.

use std::collections::{HashMap, HashSet};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::elastic_path::api::error::ApiError;
use crate::elastic_path::rules::stripe::StripeAccount;
use crate::elastic_path::state::State;

/// How a payment goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Course {
    /// The money is there at once.
    Ok,
    /// It is set aside, even if a purchase was wanted.
    AuthOnly,
    /// 3-D Secure, which the shopper will pass.
    #[serde(rename = "3ds")]
    Challenge,
    /// 3-D Secure, which she will fail.
    #[serde(rename = "3ds_fail")]
    ChallengeFails,
    /// Declined: a 400 with `errors`; the payment is not linked to the cart.
    #[serde(rename = "decline_4xx")]
    DeclineRefused,
    /// Declined: a 201 with a payment that wants another method.
    #[serde(rename = "decline_201")]
    DeclineAnswered,
    /// Declined: a 201 with the cart and `errors`, and without a payment.
    DeclineSoft,
    /// A debit that the bank will pay.
    Processing,
    /// A debit that the bank will refuse.
    ProcessingFails,
    /// The token cannot be used any more.
    Expired,
}

/// Tokens that nobody has to make. Each can be used once; with an ending of its own
/// (`ctoken_ok_17`) there are as many as a test needs.
pub const MAGIC_TOKENS: [(&str, Course); 10] = [
    ("ctoken_ok", Course::Ok),
    ("ctoken_auth_only", Course::AuthOnly),
    ("ctoken_3ds", Course::Challenge),
    ("ctoken_3ds_fail", Course::ChallengeFails),
    ("ctoken_decline_4xx", Course::DeclineRefused),
    ("ctoken_decline_201", Course::DeclineAnswered),
    ("ctoken_decline_soft", Course::DeclineSoft),
    ("ctoken_processing", Course::Processing),
    ("ctoken_processing_fails", Course::ProcessingFails),
    ("ctoken_expired", Course::Expired),
];

/// What pages have made, and what has been used.
#[derive(Debug, Default)]
pub(crate) struct ConfirmationTokens {
    made: HashMap<String, (Course, Timestamp)>,
    used: HashSet<String>,
}

/// The course of a magic token; the longest word that fits counts.
fn magic(token: &str) -> Option<Course> {
    let fits = |word: &str| {
        token.strip_prefix(word).is_some_and(|rest| rest.is_empty() || rest.starts_with('_'))
    };
    let fitting = MAGIC_TOKENS.iter().filter(|(word, _)| fits(word));
    fitting.max_by_key(|(word, _)| word.len()).map(|(_, course)| *course)
}

impl State {
    /// What a page does with a card of this course.
    pub fn make_confirmation_token(&mut self, course: Course) -> String {
        let token = self.ids.make("ctoken_", 24);
        let now = self.now();
        self.confirmation_tokens.made.insert(token.clone(), (course, now));
        token
    }

    /// The Stripe at which a page made this token; `None`: it is one of the store's own.
    pub fn stripe_of(&self, token: &str) -> Option<&StripeAccount> {
        let is_own = magic(token).is_some() || self.confirmation_tokens.made.contains_key(token);
        self.stripe.as_ref().filter(|_| !is_own)
    }

    /// Uses a token up, whatever becomes of its payment.
    pub fn use_confirmation_token(&mut self, token: &str) -> Result<Course, ApiError> {
        let missing = || ApiError::bad_request(format!("No such confirmation_token: '{token}'"));
        let lifetime = self.options.confirmation_token_lifetime;
        let lifetime = SignedDuration::try_from(lifetime).unwrap_or(SignedDuration::MAX);
        let course = match self.confirmation_tokens.made.get(token) {
            Some((course, made)) if self.now().duration_since(*made) < lifetime => *course,
            Some(_) => return Err(missing()),
            None => magic(token).ok_or_else(missing)?,
        };
        let is_fresh = self.confirmation_tokens.used.insert(token.to_owned());
        if !is_fresh || course == Course::Expired {
            return Err(missing());
        }
        Ok(course)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_magic_token_is_its_longest_word() {
        assert_eq!(magic("ctoken_3ds"), Some(Course::Challenge));
        assert_eq!(magic("ctoken_3ds_7"), Some(Course::Challenge));
        assert_eq!(magic("ctoken_3ds_fail"), Some(Course::ChallengeFails));
        assert_eq!(magic("ctoken_3ds_fail_7"), Some(Course::ChallengeFails));
        assert_eq!(magic("ctoken_okay"), None);
    }

    #[test]
    fn a_token_can_be_used_once_and_for_twelve_hours() {
        let mut state = State::new(crate::elastic_path::Options {
            start: Some(Timestamp::UNIX_EPOCH),
            ..Default::default()
        });
        let [once, late] =
            [Course::Ok, Course::Challenge].map(|c| state.make_confirmation_token(c));
        assert_eq!(state.use_confirmation_token(&once).unwrap(), Course::Ok);
        assert_eq!(state.use_confirmation_token(&once).unwrap_err().status, 400);
        assert!(state.use_confirmation_token("ctoken_expired").is_err());
        assert!(state.use_confirmation_token("ctoken_unheard_of").is_err());
        state.clock.advance(SignedDuration::from_hours(12));
        assert!(state.use_confirmation_token(&late).is_err());
    }
}
