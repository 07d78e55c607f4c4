//! The simulator's time: everything dated, delayed or expired is measured by it.

use jiff::{SignedDuration, Timestamp};

/// Either the system's time shifted by an offset, or a time that moves only when told to.
#[derive(Debug, Clone)]
pub(crate) enum Clock {
    System { offset: SignedDuration },
    Fixed { now: Timestamp },
}

impl Clock {
    pub fn new(start: Option<Timestamp>) -> Self {
        match start {
            Some(now) => Self::Fixed { now },
            None => Self::System { offset: SignedDuration::ZERO },
        }
    }

    /// Past the end of representable time the clock stands still.
    pub fn now(&self) -> Timestamp {
        match self {
            Self::System { offset } => {
                Timestamp::now().checked_add(*offset).unwrap_or(Timestamp::MAX)
            }
            Self::Fixed { now } => *now,
        }
    }

    /// Whole seconds since 1970, as every `created` of the API is written.
    pub fn seconds(&self) -> i64 {
        self.now().as_second()
    }

    pub fn milliseconds(&self) -> i64 {
        self.now().as_millisecond()
    }

    pub fn moves_by_itself(&self) -> bool {
        matches!(self, Self::System { .. })
    }

    pub fn advance(&mut self, by: SignedDuration) {
        match self {
            Self::System { offset } => *offset = offset.saturating_add(by),
            Self::Fixed { now } => *now = now.checked_add(by).unwrap_or(Timestamp::MAX),
        }
    }

    pub fn set(&mut self, to: Timestamp) {
        match self {
            Self::System { offset } => *offset = to.duration_since(Timestamp::now()),
            Self::Fixed { now } => *now = to,
        }
    }
}
