//! How many calls a store may make. Elastic Path counts them and turns away what is too much; a
//! checkout must not be turned away between the charge and the order. So all calls of a sequence are
//! admitted together before its first, and what comes after a charge is never held up: it is
//! counted, and the next sequence waits for it.

use std::{num::NonZeroU32, sync::Mutex, time::Duration};

use tokio::time::Instant;

/// How many calls a second are made where nobody says otherwise: Elastic Path grants a development
/// store 25 or 50 (its pages disagree), a production store 100.
pub const CALLS_PER_SECOND: NonZeroU32 = NonZeroU32::new(20).expect("20 is not zero");

/// What may be called within this time may also be called at once.
const BURST: Duration = Duration::from_secs(1);

/// The calls of one store: so many a second, and as many at once. The time is handed in.
#[derive(Debug)]
pub struct RateLimit {
    /// How long one call takes up.
    each: Duration,
    /// Until when the calls that were admitted take up the store.
    taken_until: Mutex<Option<Instant>>,
}

/// The proof that the calls of a sequence are admitted: they are made without asking again. No
/// charge can be asked for without one.
#[derive(Debug, PartialEq, Eq)]
pub struct Sequence(());

/// There is no room for the sequence now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("too many calls, try again in {} ms", retry_after.as_millis())]
pub struct Busy {
    /// When there will be, if nobody else comes first.
    pub retry_after: Duration,
}

impl RateLimit {
    /// So many calls a second.
    pub fn per_second(calls: NonZeroU32) -> Self {
        Self { each: BURST / calls.get(), taken_until: Mutex::new(None) }
    }

    /// Room for `calls` calls that have not begun, all of them or none. A sequence that is longer
    /// than a second's worth is admitted when nothing else is under way.
    pub fn admit(&self, calls: u32, now: Instant) -> Result<Sequence, Busy> {
        self.take(calls, now, |taken, needed| {
            let over = (taken + needed).saturating_sub(BURST);
            if taken.is_zero() || over.is_zero() { Ok(()) } else { Err(over.min(taken)) }
        })
    }

    /// Counts calls that must be made now, because money may have moved.
    pub fn count(&self, calls: u32, now: Instant) {
        let _: Result<Sequence, Busy> = self.take(calls, now, |_, _| Ok(()));
    }

    fn take(
        &self,
        calls: u32,
        now: Instant,
        decide: impl FnOnce(Duration, Duration) -> Result<(), Duration>,
    ) -> Result<Sequence, Busy> {
        let mut until = self.taken_until.lock().unwrap_or_else(|broken| broken.into_inner());
        let taken = until.map_or(Duration::ZERO, |until| until.saturating_duration_since(now));
        let needed = self.each.saturating_mul(calls);
        decide(taken, needed).map_err(|retry_after| Busy { retry_after })?;
        *until = Some(now + taken + needed);
        Ok(Sequence(()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limit(calls: u32) -> (RateLimit, Instant) {
        (RateLimit::per_second(NonZeroU32::new(calls).unwrap()), Instant::now())
    }

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[tokio::test]
    async fn a_sequence_is_admitted_whole_or_not_at_all() {
        let (limit, now) = limit(20);
        assert!(limit.admit(12, now).is_ok());
        assert_eq!(limit.admit(12, now), Err(Busy { retry_after: ms(200) }));
        assert!(limit.admit(8, now).is_ok(), "what was refused took no room");
        assert_eq!(limit.admit(1, now), Err(Busy { retry_after: ms(50) }));
        assert!(limit.admit(1, now + ms(50)).is_ok());
    }

    #[tokio::test]
    async fn whoever_comes_back_when_told_to_is_admitted() {
        let (limit, now) = limit(20);
        limit.admit(20, now).unwrap();
        let busy = limit.admit(14, now).unwrap_err();
        assert!(limit.admit(14, now + busy.retry_after - ms(1)).is_err());
        assert!(limit.admit(14, now + busy.retry_after).is_ok());
    }

    #[tokio::test]
    async fn a_call_after_a_charge_never_waits_and_the_next_sequence_waits_for_it() {
        let (limit, now) = limit(20);
        limit.admit(20, now).unwrap();
        limit.count(10, now);
        assert_eq!(limit.admit(1, now), Err(Busy { retry_after: ms(550) }));
        assert!(limit.admit(1, now + ms(550)).is_ok());
    }

    #[tokio::test]
    async fn a_sequence_longer_than_a_seconds_worth_is_admitted_when_it_is_alone() {
        let (limit, now) = limit(5);
        assert!(limit.admit(12, now).is_ok());
        let busy = limit.admit(12, now).unwrap_err();
        assert_eq!(busy.retry_after, ms(2400));
        assert!(limit.admit(12, now + busy.retry_after).is_ok());
    }
}
