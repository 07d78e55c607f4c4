//! How many calls a store may make. Elastic Path counts them and turns away what is too much; a
//! checkout must not be turned away between the charge and the order. So all calls of a sequence are
//! admitted together before its first. A sequence waits for its turn, and its room is kept meanwhile;
//! who only looks comes after it. Every other call is counted when it is made and never held up: not
//! one that follows a charge, and not one of a cart.
//!
//! The count is this process's own: several that share a store share its limit too.

use std::{num::NonZeroU32, sync::Mutex, time::Duration};

use tokio::time::Instant;

/// How many calls a second are made where nobody says otherwise: Elastic Path grants a development
/// store 25 or 50 (its pages disagree), a production store 100.
pub const CALLS_PER_SECOND: NonZeroU32 = NonZeroU32::new(20).expect("20 is not zero");

/// What may be called within this time may also be called at once.
const BURST: Duration = Duration::from_secs(1);

/// What only looks may fill so much of it: the rest is for those who pay.
const LOOKS_FILL: Duration = Duration::from_millis(500);

/// So long a sequence waits for its turn: a third of what its shopper is answered within.
const TURN_WITHIN: Duration = Duration::from_secs(3);

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

/// There is no room now.
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

    /// Room for `calls` calls that have not begun, all of them or none, and how long to wait before
    /// the first. A sequence that is longer than a second's worth waits until nothing else is under
    /// way.
    pub fn admit(&self, calls: u32, now: Instant) -> Result<(Sequence, Duration), Busy> {
        let wait = self.take(calls, now, |taken, needed| {
            let wait = beyond(BURST, taken, needed);
            if wait <= TURN_WITHIN { Ok(wait) } else { Err(Busy { retry_after: wait }) }
        })?;
        Ok((Sequence(()), wait))
    }

    /// Room for `calls` calls of somebody who only looks.
    pub fn look(&self, calls: u32, now: Instant) -> Result<(), Busy> {
        self.take(calls, now, |taken, needed| match beyond(LOOKS_FILL, taken, needed) {
            Duration::ZERO => Ok(()),
            retry_after => Err(Busy { retry_after }),
        })
    }

    /// Counts a call that is made now. However many are, a sequence waits a second for them at most.
    pub fn count(&self, now: Instant) {
        let fits = |taken, needed| (taken + needed <= BURST).then_some(()).ok_or(());
        let _: Result<(), ()> = self.take(1, now, fits);
    }

    /// Takes the room for `calls` calls, if `decide` lets them in beside what is taken.
    fn take<T, E>(
        &self,
        calls: u32,
        now: Instant,
        decide: impl FnOnce(Duration, Duration) -> Result<T, E>,
    ) -> Result<T, E> {
        let mut until = self.taken_until.lock().unwrap_or_else(|broken| broken.into_inner());
        let taken = until.map_or(Duration::ZERO, |until| until.saturating_duration_since(now));
        let needed = self.each.saturating_mul(calls);
        let decided = decide(taken, needed)?;
        *until = Some(now + taken + needed);
        Ok(decided)
    }
}

/// How long until `needed` fits into `room` beside what is taken, or until it is alone.
fn beyond(room: Duration, taken: Duration, needed: Duration) -> Duration {
    (taken + needed).saturating_sub(room).min(taken)
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

    fn wait(limit: &RateLimit, calls: u32, now: Instant) -> Result<Duration, Busy> {
        limit.admit(calls, now).map(|(_, wait)| wait)
    }

    #[tokio::test]
    async fn a_sequence_is_admitted_whole_or_waits_for_its_turn() {
        let (limit, now) = limit(20);
        assert_eq!(wait(&limit, 12, now), Ok(ms(0)));
        assert_eq!(wait(&limit, 12, now), Ok(ms(200)));
        assert_eq!(wait(&limit, 12, now + ms(200)), Ok(ms(600)), "what was admitted has its room");
    }

    #[tokio::test]
    async fn whoever_would_wait_too_long_is_turned_away_and_takes_no_room() {
        let (limit, now) = limit(20);
        for _ in 0..4 {
            limit.admit(20, now).unwrap();
        }
        let busy = limit.admit(14, now).unwrap_err();
        assert_eq!(busy, Busy { retry_after: ms(3700) });
        assert_eq!(limit.admit(14, now), Err(busy));
        assert_eq!(wait(&limit, 14, now + busy.retry_after), Ok(ms(0)));
    }

    #[tokio::test]
    async fn who_only_looks_comes_after_those_who_pay() {
        let (limit, now) = limit(20);
        for _ in 0..5 {
            limit.look(2, now).unwrap();
        }
        assert_eq!(limit.look(2, now), Err(Busy { retry_after: ms(100) }));
        assert_eq!(wait(&limit, 19, now), Ok(ms(450)), "and waits for those who looked already");
        assert_eq!(limit.look(2, now + ms(900)), Err(Busy { retry_after: ms(150) }));
        assert_eq!(limit.look(2, now + ms(1050)), Ok(()));
    }

    #[tokio::test]
    async fn a_call_that_is_made_anyway_is_counted_and_keeps_nobody_long_from_paying() {
        let (limit, now) = limit(20);
        for _ in 0..10 {
            limit.count(now);
        }
        assert_eq!(wait(&limit, 19, now), Ok(ms(450)));
        let later = now + ms(1450);
        for _ in 0..1000 {
            limit.count(later);
        }
        assert_eq!(wait(&limit, 19, later), Ok(ms(950)));
    }

    #[tokio::test]
    async fn a_sequence_longer_than_a_seconds_worth_is_admitted_when_it_is_alone() {
        let (limit, now) = limit(5);
        assert_eq!(wait(&limit, 12, now), Ok(ms(0)));
        assert_eq!(wait(&limit, 12, now), Ok(ms(2400)));
        assert_eq!(limit.admit(12, now), Err(Busy { retry_after: ms(4800) }));
    }
}
