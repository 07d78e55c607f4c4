//! Codes that make a cart cheaper.

use serde::{Deserialize, Serialize};

/// What a code does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Promotion {
    /// What the shopper types.
    pub code: String,
    /// What she reads.
    pub name: String,
    /// How much cheaper.
    pub reduction: Reduction,
}

/// How much is taken off the goods.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reduction {
    /// Whole percent, rounded down.
    Percent(i64),
    /// Minor units, but never more than the goods cost.
    Amount(i64),
}

impl Reduction {
    pub(crate) fn of(self, goods: i64) -> i64 {
        match self {
            Self::Percent(percent) => goods * percent.clamp(0, 100) / 100,
            Self::Amount(amount) => amount.clamp(0, goods.max(0)),
        }
    }
}
