//! Disputes: the shopper tells her bank that a payment is not right. The bank takes the money back
//! at once, or asks about the payment first (an inquiry).
//!
//! A dispute stands beside its order, which stays as it is. The gateway moves it, and only its word
//! is kept here: [`Dispute::hear`] is monotone, so that an answer that comes late turns nothing
//! back. While the bank has the money it is not given back a second time
//! ([`decide_refund`](crate::refund::decide_refund)).

use jiff::Timestamp;

use crate::{
    event::GatewayReference,
    id::{DisputeId, OrderId},
    money::Money,
    payment::Payment,
};

/// A shopper's complaint to her bank about a payment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dispute {
    /// Our id.
    pub id: DisputeId,
    /// Whose payment it is about.
    pub order: OrderId,
    /// What the gateway said of it last.
    news: DisputeNews,
}

/// What a gateway says of one dispute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DisputeNews {
    /// Which dispute, by the gateway's id.
    pub reference: GatewayReference,
    /// Of which payment, by the gateway's id.
    pub payment: GatewayReference,
    /// How much of the payment is disputed.
    pub amount: Money,
    /// What the shopper says is wrong, in the gateway's word.
    pub reason: String,
    /// Until when the shop can answer; nothing where it cannot.
    pub respond_by: Option<Timestamp>,
    /// How it stands.
    pub state: DisputeState,
}

/// Where a dispute stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DisputeState {
    /// The bank asks, and waits for the shop's answer. It has taken nothing.
    Inquiry,
    /// The bank reads the answer to its question. It has taken nothing.
    InquiryUnderReview,
    /// The bank asks no more. It has taken nothing.
    InquiryClosed,
    /// The shop gave in to a question before any money was taken. Whatever is owed must be given
    /// back by the shop.
    InquiryLost,
    /// The bank has taken the money and waits for the shop's evidence.
    NeedsResponse,
    /// The bank has taken the money and reads the evidence.
    UnderReview,
    /// The shop was right: the money is back. The end.
    Won,
    /// The money is gone. Only an appeal that is won leads on from here.
    Lost,
    /// The card network gave the shopper the money before the bank took it. It is gone. The end.
    Prevented,
}

/// What must be done because of the news.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DisputeConsequence {
    /// Nothing beyond keeping the new state.
    Nothing,
    /// A person must know how it stands.
    CallPerson,
    /// A person must know that the gateway takes back that it was won.
    Contradiction,
}

impl Dispute {
    /// A dispute that the gateway tells of for the first time.
    pub fn open(id: DisputeId, order: OrderId, news: DisputeNews) -> (Self, DisputeConsequence) {
        let consequence = match news.state {
            // It was over before we heard of it, and nothing has changed.
            DisputeState::InquiryClosed => DisputeConsequence::Nothing,
            DisputeState::Inquiry
            | DisputeState::InquiryUnderReview
            | DisputeState::InquiryLost
            | DisputeState::NeedsResponse
            | DisputeState::UnderReview
            | DisputeState::Won
            | DisputeState::Lost
            | DisputeState::Prevented => DisputeConsequence::CallPerson,
        };
        (Self { id, order, news }, consequence)
    }

    /// A stored dispute.
    pub fn restore(id: DisputeId, order: OrderId, news: DisputeNews) -> Self {
        Self { id, order, news }
    }

    /// How it stands, by the gateway's last word.
    pub fn news(&self) -> &DisputeNews {
        &self.news
    }

    /// Where it stands.
    pub fn state(&self) -> DisputeState {
        self.news.state
    }

    /// Whether it is about the order's own payment.
    pub fn is_of(&self, payment: &Payment) -> bool {
        payment.reference() == Some(&self.news.payment)
    }

    /// Takes in what the gateway says of it. Hearing it twice, late or in another order leads to
    /// the same end.
    #[must_use]
    pub fn hear(self, news: DisputeNews) -> (Self, DisputeConsequence) {
        use DisputeState as S;
        let (before, after) = (self.state(), news.state);
        if before == after {
            // The time to answer, or the amount, may have changed.
            return (Self { news, ..self }, DisputeConsequence::Nothing);
        }
        if after.progress() <= before.progress() {
            let taken_back = (before, after) == (S::Won, S::Lost);
            let consequence = match taken_back {
                true => DisputeConsequence::Contradiction,
                false => DisputeConsequence::Nothing,
            };
            return (self, consequence);
        }
        let consequence = match after {
            // The shop itself has answered, or the bank asks no more: nothing is to be done.
            S::Inquiry | S::InquiryUnderReview | S::InquiryClosed | S::UnderReview => {
                // Between a question and a review the bank has taken the money, unseen.
                match before.has_money() == after.has_money() {
                    true => DisputeConsequence::Nothing,
                    false => DisputeConsequence::CallPerson,
                }
            }
            S::InquiryLost | S::NeedsResponse | S::Won | S::Lost | S::Prevented => {
                DisputeConsequence::CallPerson
            }
        };
        (Self { news, ..self }, consequence)
    }
}

impl DisputeState {
    /// Every state.
    pub const ALL: [Self; 9] = [
        Self::Inquiry,
        Self::InquiryUnderReview,
        Self::InquiryClosed,
        Self::InquiryLost,
        Self::NeedsResponse,
        Self::UnderReview,
        Self::Prevented,
        Self::Lost,
        Self::Won,
    ];

    /// Whether the bank has the shop's money, for now or for good. To give it back to the shopper
    /// would pay her twice.
    pub fn has_money(self) -> bool {
        match self {
            Self::NeedsResponse | Self::UnderReview | Self::Lost | Self::Prevented => true,
            Self::Inquiry
            | Self::InquiryUnderReview
            | Self::InquiryClosed
            | Self::InquiryLost
            | Self::Won => false,
        }
    }

    /// How far on its way; it never goes back. A question may become a dispute after the bank had
    /// closed it, and an appeal may win what was lost.
    fn progress(self) -> u8 {
        match self {
            Self::Inquiry => 0,
            Self::InquiryUnderReview => 1,
            Self::InquiryClosed | Self::InquiryLost => 2,
            Self::NeedsResponse => 3,
            Self::UnderReview => 4,
            Self::Lost | Self::Prevented => 5,
            Self::Won => 6,
        }
    }

    /// The state's name, in rows, logs and `docs/states.md`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Inquiry => "inquiry",
            Self::InquiryUnderReview => "inquiry_under_review",
            Self::InquiryClosed => "inquiry_closed",
            Self::InquiryLost => "inquiry_lost",
            Self::NeedsResponse => "needs_response",
            Self::UnderReview => "under_review",
            Self::Won => "won",
            Self::Lost => "lost",
            Self::Prevented => "prevented",
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::{prelude::*, sample::select};
    use uuid::Uuid;

    use super::*;

    fn news(state: DisputeState) -> DisputeNews {
        DisputeNews {
            reference: GatewayReference::new("du_1").unwrap(),
            payment: GatewayReference::new("pi_1").unwrap(),
            amount: Money::new(1690, "EUR".parse().unwrap()).unwrap(),
            reason: "fraudulent".into(),
            respond_by: None,
            state,
        }
    }

    fn dispute(state: DisputeState) -> Dispute {
        let ids = (DisputeId(Uuid::from_u128(1)), OrderId(Uuid::from_u128(2)));
        Dispute::restore(ids.0, ids.1, news(state))
    }

    #[test]
    fn only_what_a_person_can_act_on_or_must_know_calls_a_person() {
        use DisputeConsequence as C;
        use DisputeState as S;
        for (before, after, consequence) in [
            (S::Inquiry, S::Inquiry, C::Nothing),
            (S::Inquiry, S::InquiryUnderReview, C::Nothing),
            (S::Inquiry, S::InquiryClosed, C::Nothing),
            (S::Inquiry, S::NeedsResponse, C::CallPerson),
            (S::Inquiry, S::UnderReview, C::CallPerson),
            (S::NeedsResponse, S::UnderReview, C::Nothing),
            (S::UnderReview, S::Lost, C::CallPerson),
            (S::UnderReview, S::Won, C::CallPerson),
            (S::Lost, S::Won, C::CallPerson),
            (S::Won, S::Lost, C::Contradiction),
            (S::Won, S::UnderReview, C::Nothing),
        ] {
            assert_eq!(dispute(before).hear(news(after)).1, consequence, "{before:?} {after:?}");
        }
        let (id, order) = (DisputeId(Uuid::nil()), OrderId(Uuid::nil()));
        assert_eq!(Dispute::open(id, order, news(S::InquiryClosed)).1, C::Nothing);
        assert_eq!(Dispute::open(id, order, news(S::Lost)).1, C::CallPerson);
    }

    #[test]
    fn a_new_time_to_answer_is_kept_and_an_old_state_changes_nothing() {
        let later = DisputeNews {
            respond_by: Some(Timestamp::UNIX_EPOCH),
            ..news(DisputeState::NeedsResponse)
        };
        let heard = dispute(DisputeState::NeedsResponse).hear(later.clone()).0;
        assert_eq!(heard.news(), &later);
        let stale = heard.clone().hear(news(DisputeState::Inquiry)).0;
        assert_eq!(stale, heard);
    }

    proptest! {
        #[test]
        fn whatever_comes_twice_late_or_in_another_order_the_end_is_the_same(
            told in proptest::collection::vec(
                select(vec![
                    DisputeState::Inquiry, DisputeState::InquiryUnderReview,
                    DisputeState::NeedsResponse, DisputeState::UnderReview, DisputeState::Lost,
                ]), 1..8),
        ) {
            let end = told.iter().copied().max_by_key(|state| state.progress()).unwrap();
            let first = dispute(told[0]);
            let after = told.iter().fold(first, |one, state| one.hear(news(*state)).0);
            prop_assert_eq!(after.state(), end);
        }
    }
}
