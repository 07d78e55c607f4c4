//! The test cards: what each number, or its `pm_card_…` token, does.
//!
//! Source: docs.stripe.com/testing. Any other number with a right check digit succeeds.

/// Why a bank or Radar says no.
#[derive(Debug, PartialEq)]
pub(crate) struct Decline {
    pub code: &'static str,
    pub decline_code: &'static str,
    pub message: &'static str,
    pub advice: Option<&'static str>,
    /// The card network's own code, ISO 8583 field 39.
    pub network_code: Option<&'static str>,
}

/// When a card asks for 3-D Secure.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Asks {
    Always,
    OnSession,
    IfRequested,
    /// Also off session, until a payment has set the card up for those.
    UnlessSetUp,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Behaviour {
    Succeeds,
    Declines(&'static Decline),
    /// Radar stops it before the bank hears of it.
    Blocked,
    Authenticates {
        asks: Asks,
        then: Option<&'static Decline>,
    },
}

/// What happens to a charge that the card has paid.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Afterwards {
    Nothing,
    /// The holder disputes it at once.
    Disputed(&'static [Complaint]),
    /// The issuer reports it: an early fraud warning.
    ReportedAsFraud,
    /// Its money can be paid out at once.
    AvailableAtOnce,
    /// Its refunds are pending first.
    RefundsPend,
    /// Its refunds succeed first and fail later.
    RefundsFail,
}

/// A dispute as the test card opens it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Complaint {
    pub reason: &'static str,
    /// The bank only asks; no money is taken yet.
    pub inquiry: bool,
}

/// Results of the address and CVC checks, when the data was given.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Checks {
    pub cvc: &'static str,
    pub line1: &'static str,
    pub postal_code: &'static str,
}

#[derive(Debug, PartialEq)]
pub(crate) struct Card {
    pub number: &'static str,
    /// Names after `pm_card_`; the first is the one in today's manual.
    pub tokens: &'static [&'static str],
    pub behaviour: Behaviour,
    pub checks: Checks,
    pub risk_level: &'static str,
    pub afterwards: Afterwards,
}

const PASS: Checks = Checks { cvc: "pass", line1: "pass", postal_code: "pass" };

macro_rules! decline {
    ($code:literal, $decline_code:literal, $message:literal, $advice:expr, $network:expr) => {
        Decline {
            code: $code,
            decline_code: $decline_code,
            message: $message,
            advice: $advice,
            network_code: $network,
        }
    };
}

const LATER: Option<&str> = Some("try_again_later");
const NEVER: Option<&str> = Some("do_not_try_again");
const CHECK: Option<&str> = Some("confirm_card_data");

pub(crate) static GENERIC: Decline =
    decline!("card_declined", "generic_decline", "Your card was declined.", LATER, Some("05"));
static INSUFFICIENT_FUNDS: Decline = decline!(
    "card_declined",
    "insufficient_funds",
    "Your card has insufficient funds.",
    LATER,
    Some("51")
);
static LOST: Decline =
    decline!("card_declined", "lost_card", "Your card was declined.", NEVER, Some("41"));
static STOLEN: Decline =
    decline!("card_declined", "stolen_card", "Your card was declined.", NEVER, Some("43"));
static EXPIRED: Decline =
    decline!("expired_card", "expired_card", "Your card has expired.", NEVER, Some("54"));
static INCORRECT_CVC: Decline = decline!(
    "incorrect_cvc",
    "incorrect_cvc",
    "Your card's security code is incorrect.",
    CHECK,
    Some("N7")
);
static PROCESSING_ERROR: Decline = decline!(
    "processing_error",
    "processing_error",
    "An error occurred while processing your card. Try again in a little bit.",
    LATER,
    Some("96")
);
static VELOCITY: Decline = decline!(
    "card_declined",
    "card_velocity_exceeded",
    "Your card was declined for making repeated attempts too frequently or exceeding its amount \
     limit.",
    LATER,
    Some("65")
);
pub(crate) static FRAUDULENT: Decline =
    decline!("card_declined", "fraudulent", "Your card was declined.", NEVER, None);
pub(crate) static AUTHENTICATION_REQUIRED: Decline = decline!(
    "authentication_required",
    "authentication_required",
    "Your card was declined. This transaction requires authentication.",
    None,
    Some("1A")
);

const fn card(number: &'static str, tokens: &'static [&'static str], behaviour: Behaviour) -> Card {
    Card { number, tokens, behaviour, checks: PASS, risk_level: "normal", afterwards: Nothing }
}

const fn checked(number: &'static str, tokens: &'static [&'static str], checks: Checks) -> Card {
    Card {
        number,
        tokens,
        behaviour: Behaviour::Succeeds,
        checks,
        risk_level: "normal",
        afterwards: Nothing,
    }
}

const fn risky(
    number: &'static str,
    tokens: &'static [&'static str],
    behaviour: Behaviour,
    risk_level: &'static str,
) -> Card {
    Card { number, tokens, behaviour, checks: PASS, risk_level, afterwards: Nothing }
}

const fn asks(asks: Asks, then: Option<&'static Decline>) -> Behaviour {
    Behaviour::Authenticates { asks, then }
}

const fn followed_by(
    number: &'static str,
    tokens: &'static [&'static str],
    afterwards: Afterwards,
) -> Card {
    Card { number, tokens, behaviour: Succeeds, checks: PASS, risk_level: "normal", afterwards }
}

use Afterwards::{AvailableAtOnce, Disputed, Nothing, RefundsFail, RefundsPend, ReportedAsFraud};
use Asks::{Always, IfRequested, OnSession, UnlessSetUp};
use Behaviour::{Blocked, Declines, Succeeds};

const FRAUD: Complaint = Complaint { reason: "fraudulent", inquiry: false };
const NOT_RECEIVED: Complaint = Complaint { reason: "product_not_received", inquiry: false };
const INQUIRY: Complaint = Complaint { reason: "fraudulent", inquiry: true };

/// What a number that is not in the table does.
pub(crate) static ORDINARY: Card = card("", &[], Succeeds);

pub(crate) static CARDS: &[Card] = &[
    card("4242424242424242", &["visa"], Succeeds),
    card("4000056655665556", &["visa_debit"], Succeeds),
    card("5555555555554444", &["mastercard"], Succeeds),
    card("378282246310005", &["amex", "amex_threeDSecureNotSupported"], Succeeds),
    card("4000000000000002", &["visa_chargeDeclined", "chargeDeclined"], Declines(&GENERIC)),
    card(
        "4000000000009995",
        &["visa_chargeDeclinedInsufficientFunds", "chargeDeclinedInsufficientFunds"],
        Declines(&INSUFFICIENT_FUNDS),
    ),
    card("4000000000009987", &["visa_chargeDeclinedLostCard"], Declines(&LOST)),
    card("4000000000009979", &["visa_chargeDeclinedStolenCard"], Declines(&STOLEN)),
    card("4000000000000069", &["chargeDeclinedExpiredCard"], Declines(&EXPIRED)),
    card("4000000000000127", &["chargeDeclinedIncorrectCvc"], Declines(&INCORRECT_CVC)),
    card("4000000000000119", &["chargeDeclinedProcessingError"], Declines(&PROCESSING_ERROR)),
    card("4000000000006975", &["visa_chargeDeclinedVelocityLimitExceeded"], Declines(&VELOCITY)),
    card("4000000000000341", &["chargeCustomerFail"], Declines(&GENERIC)),
    risky("4100000000000019", &["radarBlock"], Blocked, "highest"),
    // Radar's default rules block the highest risk level.
    risky("4000000000004954", &["riskLevelHighest"], Blocked, "highest"),
    risky("4000000000009235", &["riskLevelElevated"], Succeeds, "elevated"),
    checked("4000000000000101", &["cvcCheckFail"], Checks { cvc: "fail", ..PASS }),
    checked("4000000000000036", &["avsZipFail"], Checks { postal_code: "fail", ..PASS }),
    checked("4000000000000028", &["avsLine1Fail"], Checks { line1: "fail", ..PASS }),
    checked(
        "4000000000000010",
        &["avsFail"],
        Checks { cvc: "pass", line1: "fail", postal_code: "fail" },
    ),
    checked(
        "4000000000000044",
        &["avsUnchecked"],
        Checks { cvc: "pass", line1: "unavailable", postal_code: "unavailable" },
    ),
    card("4000002500003155", &["authenticationRequiredOnSetup"], asks(UnlessSetUp, None)),
    card("4000002760003184", &["authenticationRequired"], asks(Always, None)),
    card("4000003800000446", &["authenticationRequiredSetupForOffSession"], asks(OnSession, None)),
    card(
        "4000008260003178",
        &["authenticationRequiredChargeDeclinedInsufficientFunds"],
        asks(Always, Some(&INSUFFICIENT_FUNDS)),
    ),
    card("4000000000003220", &["threeDSecure2Required"], asks(Always, None)),
    card("4000008400001629", &["threeDSecureRequiredChargeDeclined"], asks(Always, Some(&GENERIC))),
    // The 3-D Secure lookup itself fails, so there is no challenge to show.
    card("4000008400001280", &["threeDSecureRequiredProcessingError"], Declines(&GENERIC)),
    card("4000000000003055", &["threeDSecureOptional"], asks(IfRequested, None)),
    card("4000000000003097", &["threeDSecureOptionalProcessingError"], Succeeds),
    followed_by("4000000000000077", &["bypassPending"], AvailableAtOnce),
    followed_by("4000000000007726", &["pendingRefund"], RefundsPend),
    followed_by("4000000000005126", &["refundFail"], RefundsFail),
    followed_by("4000000000000259", &["createDispute"], Disputed(&[FRAUD])),
    followed_by(
        "4000000000002685",
        &["createDisputeProductNotReceived"],
        Disputed(&[NOT_RECEIVED]),
    ),
    followed_by("4000000000001976", &["createDisputeInquiry"], Disputed(&[INQUIRY])),
    followed_by("4000000404000079", &["createMultipleDisputes"], Disputed(&[FRAUD, NOT_RECEIVED])),
    followed_by("4000000000005423", &["createIssuerFraudRecord"], ReportedAsFraud),
    // Its captcha is Stripe.js's business; the API charges it as any other card.
    card("4000000000001208", &[], Succeeds),
];

/// These are declined when they are attached to a customer already; every other card that declines
/// does so when it is charged (docs.stripe.com/testing, "Declined payments").
const CANNOT_BE_ATTACHED: &[&str] = &[
    "4000000000000002",
    "4000000000009995",
    "4000000000009987",
    "4000000000009979",
    "4000000000000069",
    "4000000000000127",
    "4000000000000119",
    "4000000000006975",
];

impl Card {
    /// What the bank says when the card is attached to a customer.
    pub fn refuses_attachment(&self) -> Option<&'static Decline> {
        match self.behaviour {
            Behaviour::Declines(decline) if CANNOT_BE_ATTACHED.contains(&self.number) => {
                Some(decline)
            }
            Behaviour::Succeeds
            | Behaviour::Declines(_)
            | Behaviour::Blocked
            | Behaviour::Authenticates { .. } => None,
        }
    }
}

/// `pm_card_…`, a payment method by name.
pub(crate) fn by_token(token: &str) -> Option<&'static Card> {
    by_name(token.strip_prefix("pm_card_")?)
}

/// `tok_…`, what `card[token]` takes.
pub(crate) fn by_card_token(token: &str) -> Option<&'static Card> {
    by_name(token.strip_prefix("tok_")?)
}

fn by_name(name: &str) -> Option<&'static Card> {
    CARDS.iter().find(|card| card.tokens.contains(&name))
}

pub(crate) fn by_number(number: &str) -> &'static Card {
    CARDS.iter().find(|card| card.number == number).unwrap_or(&ORDINARY)
}

/// The check digit rule of every card number (ISO/IEC 7812-1, annex B).
pub(crate) fn luhn_holds(number: &str) -> bool {
    let digits = number.bytes().rev().map(|byte| u32::from(byte.wrapping_sub(b'0')));
    let sum: u32 = digits
        .enumerate()
        .map(|(place, digit)| match (place % 2, digit * 2) {
            (0, _) => digit,
            (_, doubled) if doubled > 9 => doubled - 9,
            (_, doubled) => doubled,
        })
        .sum();
    sum.is_multiple_of(10)
}

pub(crate) fn brand(number: &str) -> &'static str {
    let prefix = |length: usize| number.get(..length).and_then(|text| text.parse::<u32>().ok());
    match (prefix(1), prefix(2), prefix(4)) {
        (Some(4), ..) => "visa",
        (_, Some(34 | 37), _) => "amex",
        (_, Some(51..=55), _) | (_, _, Some(2221..=2720)) => "mastercard",
        (_, Some(62), _) => "unionpay",
        (_, Some(65), _) | (_, _, Some(6011)) => "discover",
        (_, Some(35), _) => "jcb",
        (_, Some(30 | 36 | 38 | 39), _) => "diners",
        _ => "unknown",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_test_card_has_a_right_check_digit_and_a_brand() {
        for card in CARDS {
            assert!(luhn_holds(card.number), "{}", card.number);
            assert_ne!(brand(card.number), "unknown", "{}", card.number);
        }
        assert!(!luhn_holds("4242424242424241"));
    }

    #[test]
    fn no_token_means_two_cards() {
        let mut tokens: Vec<_> = CARDS.iter().flat_map(|card| card.tokens).collect();
        let count = tokens.len();
        tokens.sort();
        tokens.dedup();
        assert_eq!(tokens.len(), count);
    }
}
