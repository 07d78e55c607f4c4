//! The test accounts of SEPA debits: what each IBAN, or its token, does.
//!
//! Source: docs.stripe.com/payments/sepa-debit. Any other IBAN with right check digits pays.

use std::time::Duration;

use crate::stripe::rules::cards::Complaint;

/// How much longer than the others the slow accounts take.
pub(crate) const SLOW: Duration = Duration::from_secs(3 * 60);

#[derive(Debug, PartialEq)]
pub(crate) struct Account {
    /// Empty for the account that stands for any other.
    pub iban: &'static str,
    /// Name after `pm_sepaDebit_`, or in older manuals `pm_`; empty where none was found.
    pub token: &'static str,
    pub slow: bool,
    /// Why the bank refuses; `None` when it pays.
    pub refusal: Option<&'static Refusal>,
    /// The holder disputes the debit at once when it has been paid.
    pub disputed: &'static [Complaint],
}

/// The codes and text of a debit that failed.
#[derive(Debug, PartialEq)]
pub(crate) struct Refusal {
    /// In the intent's error, which knows fewer codes.
    pub code: &'static str,
    /// The charge's `failure_code`.
    pub charge_code: &'static str,
    pub message: &'static str,
}

pub(crate) static FAILED: Refusal = Refusal {
    code: "payment_intent_payment_attempt_failed",
    charge_code: "payment_intent_payment_attempt_failed",
    message: "The payment failed.",
};
static SOURCE_LIMIT: Refusal = Refusal {
    code: "charge_exceeds_source_limit",
    charge_code: "charge_exceeds_source_limit",
    message: "This payment exceeds the limit of this source.",
};
static WEEKLY_LIMIT: Refusal = Refusal {
    code: "payment_intent_payment_attempt_failed",
    charge_code: "charge_exceeds_weekly_limit",
    message: "This payment exceeds the weekly limit of this account.",
};
static INSUFFICIENT_FUNDS: Refusal = Refusal {
    code: "insufficient_funds",
    charge_code: "insufficient_funds",
    message: "The bank account has insufficient funds to complete the payment.",
};

const DISPUTED: &[Complaint] = &[Complaint { reason: "debit_not_authorized", inquiry: false }];

const fn pays(iban: &'static str, token: &'static str, slow: bool) -> Account {
    Account { iban, token, slow, refusal: None, disputed: &[] }
}

const fn refuses(
    iban: &'static str,
    token: &'static str,
    slow: bool,
    refusal: &'static Refusal,
) -> Account {
    Account { iban, token, slow, refusal: Some(refusal), disputed: &[] }
}

/// What an account that is not in the table does.
static ORDINARY: Account = pays("", "", false);

pub(crate) static ACCOUNTS: &[Account] = &[
    pays("DE89370400440532013000", "success_de", false),
    pays("DE08370400440532013003", "successDelayed_de", true),
    pays("AT321904300235473204", "success_at", true),
    refuses("DE62370400440532013001", "failed_de", false, &FAILED),
    refuses("DE78370400440532013004", "failedDelayed_de", true, &FAILED),
    Account {
        iban: "DE35370400440532013002",
        token: "disputed_de",
        slow: false,
        refusal: None,
        disputed: DISPUTED,
    },
    refuses("DE65370400440000343434", "", false, &SOURCE_LIMIT),
    refuses("DE27370400440000121212", "", false, &WEEKLY_LIMIT),
    refuses("DE65370400440002222227", "", false, &INSUFFICIENT_FUNDS),
];

pub(crate) fn by_token(token: &str) -> Option<&'static Account> {
    let name = token.strip_prefix("pm_sepaDebit_").or_else(|| token.strip_prefix("pm_"))?;
    ACCOUNTS.iter().find(|account| !name.is_empty() && account.token == name)
}

/// `None` when the check digits are wrong.
pub(crate) fn by_iban(iban: &str) -> Option<&'static Account> {
    let known = ACCOUNTS.iter().find(|account| account.iban == iban);
    known.or_else(|| check_digits_hold(iban).then_some(&ORDINARY))
}

/// ISO 13616: the first four characters moved to the end, letters as numbers from ten, modulo 97.
fn check_digits_hold(iban: &str) -> bool {
    if !(15..=34).contains(&iban.len()) || !iban.is_ascii() {
        return false;
    }
    let (start, rest) = iban.split_at(4);
    let mut remainder = 0;
    for character in rest.chars().chain(start.chars()) {
        let Some(value) = character.to_digit(36) else { return false };
        remainder = (remainder * if value > 9 { 100 } else { 10 } + value) % 97;
    }
    remainder == 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_test_account_has_right_check_digits() {
        for account in ACCOUNTS {
            assert!(check_digits_hold(account.iban), "{}", account.iban);
        }
        assert!(!check_digits_hold("DE89370400440532013001"));
    }
}
