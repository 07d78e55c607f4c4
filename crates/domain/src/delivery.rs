//! A notice on its way to one receiver. It is tried until it is taken, or for about three days;
//! each receiver has a way of its own, so that a dead one holds up nobody else.

use std::time::Duration;

use sha2::{Digest, Sha256};
use uuid::Builder;

use crate::{
    id::{DeliveryId, NoticeId},
    notice::first_half,
};

/// Whom a notice goes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Receiver {
    /// A server of the merchant's, by its web address.
    Endpoint(String),
    /// Whoever ordered, by mail to the address in the order.
    Shopper,
}

/// How one try ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The receiver has it.
    Taken,
    /// It may have arrived or not, and another try may bring it there.
    NotNow {
        /// How long the receiver asked to be left alone.
        retry_after: Option<Duration>,
    },
    /// The receiver will not take this one, however often it is sent.
    Refused,
    /// The receiver wants nothing more at all.
    Gone,
}

/// What follows from a try.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// Nothing is left to do.
    Done,
    /// It is tried again after this long.
    Again(Duration),
    /// It is tried no more, and a person is told.
    GiveUp,
}

/// How long after each try the next one follows: the schedule that the specification of Standard
/// Webhooks suggests (version 1.0.0, read 2026-11-22), some 75 hours in all.
const WAITS: [Duration; 9] = [
    Duration::from_secs(5),
    Duration::from_secs(5 * 60),
    Duration::from_secs(30 * 60),
    Duration::from_secs(2 * 60 * 60),
    Duration::from_secs(5 * 60 * 60),
    Duration::from_secs(10 * 60 * 60),
    Duration::from_secs(14 * 60 * 60),
    Duration::from_secs(20 * 60 * 60),
    Duration::from_secs(24 * 60 * 60),
];

/// Nobody is left alone for longer, whatever he asks for: a day too long is an order not sent.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(24 * 60 * 60);

/// A wait grows by up to a fifth, so that what failed together does not come back together.
const SPREAD: u32 = 5;

impl Receiver {
    /// What the row of the shopper's mail says in place of an address.
    const SHOPPER: &'static str = "shopper";

    /// The receiver's name in rows.
    pub fn name(&self) -> &str {
        match self {
            Self::Endpoint(url) => url,
            Self::Shopper => Self::SHOPPER,
        }
    }

    /// The receiver of this name.
    pub fn from_name(name: &str) -> Self {
        match name {
            Self::SHOPPER => Self::Shopper,
            url => Self::Endpoint(url.to_owned()),
        }
    }

    /// The way it takes, in metrics.
    pub fn channel(&self) -> &'static str {
        match self {
            Self::Endpoint(_) => "webhook",
            Self::Shopper => "mail",
        }
    }
}

impl DeliveryId {
    /// The id of a notice's way to a receiver. It is made from both, so that there is one.
    pub fn of(notice: NoticeId, receiver: &Receiver) -> Self {
        let mut digest = Sha256::new();
        digest.update(notice.0.as_bytes());
        digest.update(receiver.name());
        Self(Builder::from_custom_bytes(first_half(&digest.finalize().into())).into_uuid())
    }

    /// What follows from the `tries`th try.
    pub fn after(self, tries: u32, outcome: Outcome) -> Next {
        match outcome {
            Outcome::Taken => Next::Done,
            Outcome::Refused | Outcome::Gone => Next::GiveUp,
            Outcome::NotNow { retry_after } => {
                let place = usize::try_from(tries.max(1) - 1).ok();
                let Some(wait) = place.and_then(|place| WAITS.get(place)) else {
                    return Next::GiveUp;
                };
                let asked = retry_after.unwrap_or_default().min(RETRY_AFTER_MAX);
                Next::Again(self.spread(tries, *wait).max(asked))
            }
        }
    }

    /// The wait with its part of the spread, which hangs on the id and the try alone.
    fn spread(self, tries: u32, wait: Duration) -> Duration {
        let mut digest = Sha256::new();
        digest.update(self.0.as_bytes());
        digest.update(tries.to_be_bytes());
        wait + wait / SPREAD * u32::from(digest.finalize()[0]) / 256
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    const LATER: Outcome = Outcome::NotNow { retry_after: None };

    fn id(number: u128) -> DeliveryId {
        DeliveryId(Uuid::from_u128(number))
    }

    #[test]
    fn what_is_never_taken_is_tried_ten_times_in_about_three_days() {
        for number in 0..100 {
            let mut waited = Duration::ZERO;
            let mut tries = 1;
            while let Next::Again(wait) = id(number).after(tries, LATER) {
                (waited, tries) = (waited + wait, tries + 1);
            }
            assert_eq!(tries, 10);
            let hours = waited.as_secs() / 3600;
            assert!((75..=91).contains(&hours), "{hours}");
        }
    }

    #[test]
    fn what_failed_together_does_not_come_back_together() {
        let wait = |number| id(number).after(3, LATER);
        let waits: Vec<_> = (0..20).map(wait).collect();
        assert!(waits.iter().any(|wait| *wait != waits[0]), "{waits:?}");
        assert_eq!(wait(7), wait(7));
    }

    #[test]
    fn a_receiver_that_asks_for_time_gets_it_but_no_more_than_a_day() {
        let asked = |hours: u64| {
            let retry_after = Some(Duration::from_secs(hours * 60 * 60));
            id(1).after(1, Outcome::NotNow { retry_after })
        };
        assert_eq!(asked(1), Next::Again(Duration::from_secs(60 * 60)));
        assert_eq!(asked(24 * 365), Next::Again(RETRY_AFTER_MAX));
    }

    #[test]
    fn what_is_taken_is_done_and_what_is_refused_for_good_is_not_tried_again() {
        for tries in [0, 1, 5, 100] {
            assert_eq!(id(1).after(tries, Outcome::Taken), Next::Done);
            assert_eq!(id(1).after(tries, Outcome::Refused), Next::GiveUp);
            assert_eq!(id(1).after(tries, Outcome::Gone), Next::GiveUp);
        }
        assert_eq!(id(1).after(10, LATER), Next::GiveUp);
    }

    #[test]
    fn a_receiver_is_known_again_by_its_name() {
        let endpoint = Receiver::Endpoint("https://shop.example/hooks".into());
        for receiver in [endpoint, Receiver::Shopper] {
            assert_eq!(Receiver::from_name(receiver.name()), receiver);
        }
    }
}
