//! The settings of customers' accounts.

use std::{num::NonZeroU32, time::Duration};

use domain::shield::PerHour;

use super::{grammar, sources::Values};
use crate::flows::customer::{AccountRules, TryLimits};

/// A million in an hour is no limit.
const LIMIT_MAX: u32 = 1_000_000;
/// A cookie lives for 400 days at most.
const SIGN_IN_DAYS: (u32, u32) = (1, 400);

/// Reads the settings.
pub(super) fn load(values: &mut Values) -> Option<AccountRules> {
    let sign_ins = values.parse("TILL_ACCOUNT_SIGN_INS", limits);
    let letters = values.parse("TILL_ACCOUNT_LETTERS", limits);
    let lasts = values.parse("TILL_ACCOUNT_SIGN_IN_DAYS", |text| {
        let days = grammar::number(text, SIGN_IN_DAYS.0, SIGN_IN_DAYS.1)?;
        Ok(Duration::from_secs(24 * 60 * 60 * u64::from(days)))
    });
    Some(AccountRules { sign_ins: sign_ins?, letters: letters?, lasts: lasts? })
}

fn limits(text: &str) -> Result<TryLimits, String> {
    let numbers = grammar::numbers(text, ["network", "email"], (1, LIMIT_MAX))?;
    let [network, email] =
        numbers.map(|number| PerHour(NonZeroU32::new(number).unwrap_or(NonZeroU32::MIN)));
    Ok(TryLimits { network, email })
}
