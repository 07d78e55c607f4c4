//! The simulator's time: everything dated, delayed or expired is measured by it.

use jiff::{SignedDuration, Timestamp};

#[derive(Debug, Clone)]
pub(crate) struct Clock {
    hand: Hand,
    /// The moment of a thing that was due before now and is being done now.
    moment: Option<Timestamp>,
}

/// Either the system's time shifted by an offset, or a time that moves only when told to.
#[derive(Debug, Clone)]
enum Hand {
    System { offset: SignedDuration },
    Fixed { now: Timestamp },
}

impl Clock {
    pub fn new(start: Option<Timestamp>) -> Self {
        let hand = match start {
            Some(now) => Hand::Fixed { now },
            None => Hand::System { offset: SignedDuration::ZERO },
        };
        Self { hand, moment: None }
    }

    /// Past the end of representable time the clock stands still.
    pub fn now(&self) -> Timestamp {
        if let Some(moment) = self.moment {
            return moment;
        }
        match self.hand {
            Hand::System { offset } => {
                Timestamp::now().checked_add(offset).unwrap_or(Timestamp::MAX)
            }
            Hand::Fixed { now } => now,
        }
    }

    /// Shows `moment` until told otherwise.
    pub fn pretend(&mut self, moment: Option<Timestamp>) {
        self.moment = moment;
    }

    /// Whole seconds since 1970, as every `created` of the API is written.
    pub fn seconds(&self) -> i64 {
        self.now().as_second()
    }

    pub fn milliseconds(&self) -> i64 {
        self.now().as_millisecond()
    }

    pub fn moves_by_itself(&self) -> bool {
        matches!(self.hand, Hand::System { .. })
    }

    pub fn advance(&mut self, by: SignedDuration) {
        match &mut self.hand {
            Hand::System { offset } => *offset = offset.saturating_add(by),
            Hand::Fixed { now } => *now = now.checked_add(by).unwrap_or(Timestamp::MAX),
        }
    }

    pub fn set(&mut self, to: Timestamp) {
        match &mut self.hand {
            Hand::System { offset } => *offset = to.duration_since(Timestamp::now()),
            Hand::Fixed { now } => *now = to,
        }
    }
}
