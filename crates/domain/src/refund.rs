//! Money on its way back to the shopper. A refund is an order to the gateway: it is written down
//! with its request before it is sent, and the gateway's word moves it.
//!
//! Its end is not an end: weeks later a bank may send the money back, and a refund that had
//! succeeded has failed. So [`Refund::hear`] is monotone towards *failed* and *cancelled*, which
//! are final at the gateway, and nothing that comes late or twice turns a refund back.

use crate::{
    dispute::Dispute,
    event::GatewayReference,
    id::{OrderId, PaymentId, RefundId},
    money::{Money, MoneyError},
    payment::{Payment, PaymentState},
};

/// A part of a payment, or all of it, given back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refund {
    /// Our id. The idempotency key is made from it.
    pub id: RefundId,
    /// Whose money it is.
    pub order: OrderId,
    /// Which payment brought it.
    pub payment: PaymentId,
    /// The stray that brought it instead, by the gateway's name: nothing of the order's own payment
    /// goes back then.
    pub stray: Option<GatewayReference>,
    /// How much goes back.
    pub amount: Money,
    /// Who wants it.
    pub origin: RefundOrigin,
    /// Its name at the gateway, from the first news on; it never changes.
    reference: Option<GatewayReference>,
    state: RefundState,
}

/// Who wants a refund.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RefundOrigin {
    /// The shop's operator.
    Operator {
        /// Her reason, for the shop alone.
        note: Option<String>,
    },
    /// Nobody: the money came when its order was over, or from a stray. The first such refund of an
    /// order, or of a stray, is of all that came, and also the record of that money; another is of
    /// the [`rest`], where somebody had given back a part at the gateway.
    Automatic,
    /// Somebody at the gateway, such as in its dashboard.
    Elsewhere,
}

/// Where a refund stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RefundState {
    /// Written down; the gateway is about to be asked.
    Requested,
    /// Asked, and no answer came: it may exist at the gateway.
    Unknown,
    /// The gateway will not make it. No money moves.
    Refused {
        /// Why not.
        reason: NotMade,
    },
    /// On its way; it may take days.
    Pending,
    /// The gateway has sent the money.
    Succeeded,
    /// The money was **not** returned: the bank sent it back, even after a success.
    Failed {
        /// The gateway's word for why.
        reason: String,
    },
    /// It was stopped in time; the money stays.
    Cancelled,
}

/// Why the gateway did not make a refund.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotMade {
    /// The payment is disputed: the bank decides about the money.
    Disputed,
    /// All of it has gone back already.
    AlreadyRefunded,
    /// Less than this is left.
    TooMuch,
    /// It was asked for so long ago that it cannot be asked for again, and it is not there.
    NeverArrived,
    /// Something else, which the log tells.
    Other,
}

/// What a gateway says of one refund.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefundNews {
    /// Which refund, by the gateway's id.
    pub reference: GatewayReference,
    /// Of which payment, by the gateway's id.
    pub payment: GatewayReference,
    /// The id that we wrote into it; without it somebody else made it.
    pub ours: Option<RefundId>,
    /// How much goes back.
    pub amount: Money,
    /// How it stands.
    pub report: RefundReport,
}

/// How a refund stands at the gateway.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RefundReport {
    /// On its way.
    Pending,
    /// Sent.
    Succeeded,
    /// The money was not returned.
    Failed {
        /// The gateway's word for why.
        reason: String,
    },
    /// Stopped in time.
    Cancelled,
}

/// What must be done because of the news.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RefundConsequence {
    /// Nothing beyond keeping the new state.
    Nothing,
    /// A person must know that the shopper does not have her money.
    NotReturned,
}

/// Why a refund cannot be asked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RefundRefused {
    /// No money came.
    #[error("nothing was paid for this order, so there is nothing to give back")]
    NothingPaid,
    /// Everything has gone back, or is about to.
    #[error("all of {} {} has been given back already", received.major(), received.currency())]
    AlreadyRefunded {
        /// What had come.
        received: Money,
    },
    /// Less than that is left.
    #[error("{} {} is more than what is left to give back: {}", asked.major(), asked.currency(), left.major())]
    MoreThanLeft {
        /// What was asked for.
        asked: Money,
        /// What is left.
        left: Money,
    },
    /// Nothing at all was asked for.
    #[error("a refund must be more than zero")]
    Nothing,
    /// The shopper's bank has the money, or has given it to her.
    #[error(
        "the shopper's bank has taken the money because of a dispute ({dispute}): a refund beside \
         it would pay her twice"
    )]
    Disputed {
        /// Which dispute, by the gateway's id.
        dispute: GatewayReference,
    },
    /// The payment has no name at the gateway.
    #[error("the gateway's name of the payment is not known")]
    NoReference,
    /// Another currency, or a sum beyond all bounds.
    #[error(transparent)]
    Amount(#[from] MoneyError),
}

/// How much may be given back: `asked`, or all that is left. What is on its way counts as gone, so
/// that two refunds at the same time cannot exceed what was received. While a bank has the money,
/// or has kept it, nothing is; a question of the bank's is ended by a refund.
pub fn decide_refund(
    payment: &Payment,
    refunds: &[Refund],
    disputes: &[Dispute],
    asked: Option<Money>,
) -> Result<Money, RefundRefused> {
    let received = received(payment, refunds).ok_or(RefundRefused::NothingPaid)?;
    if payment.reference().is_none() {
        return Err(RefundRefused::NoReference);
    }
    if let Some(dispute) = taken_by_bank(payment, disputes) {
        return Err(RefundRefused::Disputed { dispute: dispute.news().reference.clone() });
    }
    let none = Money::zero(received.currency());
    let mut claimed = of_own_payment(refunds).filter(|refund| refund.state.claims());
    let claimed = claimed.try_fold(none, |sum, refund| sum.plus(refund.amount))?;
    let left = match received.minus(claimed) {
        Err(MoneyError::Negative) => none,
        left => left?,
    };
    if left.is_zero() {
        return Err(RefundRefused::AlreadyRefunded { received });
    }
    let asked = asked.unwrap_or(left);
    if asked.is_zero() {
        return Err(RefundRefused::Nothing);
    }
    match left.minus(asked) {
        Ok(_) => Ok(asked),
        Err(MoneyError::Negative) => Err(RefundRefused::MoreThanLeft { asked, left }),
        Err(error) => Err(error.into()),
    }
}

/// The dispute by which a bank has money of the payment, for now or for good.
pub fn taken_by_bank<'a>(payment: &Payment, disputes: &'a [Dispute]) -> Option<&'a Dispute> {
    disputes.iter().find(|one| one.is_of(payment) && one.state().has_money())
}

/// What the payment brought. A payment that was over when its money came stays as it was; there
/// the automatic refund tells how much it was.
pub(crate) fn received(payment: &Payment, refunds: &[Refund]) -> Option<Money> {
    use PaymentState as S;
    match payment.state() {
        S::Succeeded { receipt } => Some(receipt.received()),
        S::Created
        | S::Unknown
        | S::Open
        | S::Declined { .. }
        | S::RequiresAction
        | S::Processing
        | S::Answered
        | S::Closing { .. }
        | S::Failed { .. }
        | S::Cancelled => brought(None, refunds),
    }
}

/// What the gateway is known to have brought by a refund that nobody asked for: the greatest of
/// them is of all that came, by the order's own payment or by a stray.
fn brought(stray: Option<&GatewayReference>, refunds: &[Refund]) -> Option<Money> {
    let is_of_it =
        |one: &&Refund| one.origin == RefundOrigin::Automatic && one.stray.as_ref() == stray;
    refunds.iter().filter(is_of_it).map(|one| one.amount).max_by_key(|amount| amount.minor())
}

/// What an automatic refund should have been of that the gateway refuses because less than that is
/// left: all that came, without what others have given back or are about to. Nothing where nothing
/// is left, or where our books do not show who was faster.
pub fn rest(refused: &Refund, refunds: &[Refund]) -> Result<Option<Money>, MoneyError> {
    let stray = refused.stray.as_ref();
    let Some(brought) = brought(stray, refunds) else { return Ok(None) };
    let claims =
        |one: &&Refund| one.stray.as_ref() == stray && one.id != refused.id && one.state.claims();
    let none = Money::zero(brought.currency());
    let claimed = refunds.iter().filter(claims).try_fold(none, |sum, one| sum.plus(one.amount))?;
    match brought.minus(claimed) {
        Err(MoneyError::Negative) => Ok(None),
        rest => rest
            .map(|rest| (!rest.is_zero() && rest.minor() < refused.amount.minor()).then_some(rest)),
    }
}

fn of_own_payment(refunds: &[Refund]) -> impl Iterator<Item = &Refund> {
    refunds.iter().filter(|refund| refund.stray.is_none())
}

/// What has gone back of the order's own payment, or is on its way by the gateway's word. What we
/// have only asked for does not count.
pub fn given_back(refunds: &[Refund]) -> Result<Option<Money>, MoneyError> {
    let mut sum: Option<Money> = None;
    for refund in of_own_payment(refunds).filter(|refund| refund.state.is_given_back()) {
        sum = Some(match sum {
            Some(sum) => sum.plus(refund.amount)?,
            None => refund.amount,
        });
    }
    Ok(sum)
}

impl Refund {
    /// A refund that the gateway is about to be asked for.
    pub fn new(id: RefundId, payment: &Payment, amount: Money, origin: RefundOrigin) -> Self {
        let (order, payment) = (payment.order, payment.id);
        let (stray, reference, state) = (None, None, RefundState::Requested);
        Self { id, order, payment, stray, amount, origin, reference, state }
    }

    /// The same of a stray, which the gateway knows by `payment`.
    #[must_use]
    pub fn of_stray(self, payment: GatewayReference) -> Self {
        Self { stray: Some(payment), ..self }
    }

    /// A refund that somebody made at the gateway, as it stands there.
    pub fn elsewhere(
        id: RefundId,
        payment: &Payment,
        news: &RefundNews,
    ) -> (Self, RefundConsequence) {
        let refund = Self::new(id, payment, news.amount, RefundOrigin::Elsewhere);
        let is_own = payment.reference() == Some(&news.payment);
        let refund = if is_own { refund } else { refund.of_stray(news.payment.clone()) };
        refund.hear(news)
    }

    /// A stored refund. An error where its parts contradict each other.
    pub fn restore(
        fresh: Self,
        reference: Option<GatewayReference>,
        state: RefundState,
    ) -> Result<Self, RefundRestoreError> {
        use RefundState as S;
        match (&reference, &state) {
            (Some(_), S::Pending | S::Succeeded | S::Failed { .. } | S::Cancelled)
            | (None, S::Requested | S::Unknown | S::Refused { .. }) => {
                Ok(Self { reference, state, ..fresh })
            }
            (Some(_), S::Requested | S::Unknown | S::Refused { .. })
            | (None, S::Pending | S::Succeeded | S::Failed { .. } | S::Cancelled) => {
                Err(RefundRestoreError)
            }
        }
    }

    /// Where it stands.
    pub fn state(&self) -> &RefundState {
        &self.state
    }

    /// Its name at the gateway, once we know it.
    pub fn reference(&self) -> Option<&GatewayReference> {
        self.reference.as_ref()
    }

    /// Whether the gateway must be asked for it, for the first time or again.
    pub fn is_to_be_asked(&self) -> bool {
        use RefundState as S;
        match self.state {
            S::Requested | S::Unknown => true,
            S::Refused { .. } | S::Pending | S::Succeeded | S::Failed { .. } | S::Cancelled => {
                false
            }
        }
    }

    /// Whether it may be sent when the gateway has forgotten its key: it is of all that is left of a
    /// payment, so the gateway itself refuses a second one.
    pub fn bears_a_second_request(&self) -> bool {
        match self.origin {
            RefundOrigin::Automatic => true,
            RefundOrigin::Operator { .. } | RefundOrigin::Elsewhere => false,
        }
    }

    /// Whether the news is about this refund. One that carries our id but another amount, or that
    /// comes after another has been recognised, was made by somebody who copied the id.
    pub fn is_told_by(&self, news: &RefundNews) -> bool {
        match &self.reference {
            Some(known) => *known == news.reference,
            None => {
                news.ours == Some(self.id)
                    && news.amount == self.amount
                    && self.stray.as_ref().is_none_or(|stray| *stray == news.payment)
            }
        }
    }

    /// The gateway was asked and did not answer.
    #[must_use]
    pub fn lose_answer(self) -> Self {
        use RefundState as S;
        match self.state {
            S::Requested | S::Unknown => Self { state: S::Unknown, ..self },
            // News was faster than our own lost answer.
            S::Refused { .. } | S::Pending | S::Succeeded | S::Failed { .. } | S::Cancelled => self,
        }
    }

    /// The gateway will not make it.
    #[must_use]
    pub fn refuse(self, reason: NotMade) -> (Self, RefundConsequence) {
        use RefundState as S;
        match self.state {
            S::Requested | S::Unknown => {
                (Self { state: S::Refused { reason }, ..self }, RefundConsequence::NotReturned)
            }
            // News proves that it does exist.
            S::Refused { .. } | S::Pending | S::Succeeded | S::Failed { .. } | S::Cancelled => {
                (self, RefundConsequence::Nothing)
            }
        }
    }

    /// Takes in what the gateway says of it. Hearing it twice, late or in another order leads to
    /// the same end.
    #[must_use]
    pub fn hear(self, news: &RefundNews) -> (Self, RefundConsequence) {
        let heard = Self { reference: Some(news.reference.clone()), ..self };
        match &news.report {
            RefundReport::Pending => (heard.wait(), RefundConsequence::Nothing),
            RefundReport::Succeeded => (heard.succeed(), RefundConsequence::Nothing),
            RefundReport::Failed { reason } => heard.fail(reason),
            RefundReport::Cancelled => heard.cancel(),
        }
    }

    fn wait(self) -> Self {
        use RefundState as S;
        match self.state {
            S::Requested | S::Unknown | S::Refused { .. } | S::Pending => {
                Self { state: S::Pending, ..self }
            }
            S::Succeeded | S::Failed { .. } | S::Cancelled => self,
        }
    }

    fn succeed(self) -> Self {
        use RefundState as S;
        match self.state {
            S::Requested | S::Unknown | S::Refused { .. } | S::Pending | S::Succeeded => {
                Self { state: S::Succeeded, ..self }
            }
            S::Failed { .. } | S::Cancelled => self,
        }
    }

    fn fail(self, reason: &str) -> (Self, RefundConsequence) {
        use RefundState as S;
        match self.state {
            S::Requested | S::Unknown | S::Refused { .. } | S::Pending | S::Succeeded => {
                let state = S::Failed { reason: reason.to_owned() };
                (Self { state, ..self }, RefundConsequence::NotReturned)
            }
            S::Failed { .. } | S::Cancelled => (self, RefundConsequence::Nothing),
        }
    }

    /// What was promised, or is owed by itself, does not come after all.
    fn cancel(self) -> (Self, RefundConsequence) {
        use RefundState as S;
        let consequence = match (&self.state, &self.origin) {
            (S::Pending | S::Succeeded, _)
            | (S::Requested | S::Unknown | S::Refused { .. }, RefundOrigin::Automatic) => {
                RefundConsequence::NotReturned
            }
            (
                S::Requested | S::Unknown | S::Refused { .. },
                RefundOrigin::Operator { .. } | RefundOrigin::Elsewhere,
            )
            | (S::Failed { .. } | S::Cancelled, _) => RefundConsequence::Nothing,
        };
        match self.state {
            S::Requested | S::Unknown | S::Refused { .. } | S::Pending | S::Succeeded => {
                (Self { state: S::Cancelled, ..self }, consequence)
            }
            S::Failed { .. } | S::Cancelled => (self, consequence),
        }
    }
}

impl RefundState {
    /// Whether its amount cannot be given back a second time.
    fn claims(&self) -> bool {
        match self {
            Self::Requested | Self::Unknown | Self::Pending | Self::Succeeded => true,
            Self::Refused { .. } | Self::Failed { .. } | Self::Cancelled => false,
        }
    }

    /// Whether the money is back, or on its way by the gateway's word.
    pub fn is_given_back(&self) -> bool {
        match self {
            Self::Pending | Self::Succeeded => true,
            Self::Requested
            | Self::Unknown
            | Self::Refused { .. }
            | Self::Failed { .. }
            | Self::Cancelled => false,
        }
    }

    /// The state's name, in rows, logs and `docs/states.md`.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Requested => "requested",
            Self::Unknown => "unknown",
            Self::Refused { .. } => "refused",
            Self::Pending => "pending",
            Self::Succeeded => "succeeded",
            Self::Failed { .. } => "failed",
            Self::Cancelled => "cancelled",
        }
    }
}

impl NotMade {
    /// Every reason.
    pub const ALL: [Self; 5] =
        [Self::Disputed, Self::AlreadyRefunded, Self::TooMuch, Self::NeverArrived, Self::Other];

    /// The reason's name in rows and logs.
    pub fn name(self) -> &'static str {
        match self {
            Self::Disputed => "disputed",
            Self::AlreadyRefunded => "already_refunded",
            Self::TooMuch => "too_much",
            Self::NeverArrived => "never_arrived",
            Self::Other => "other",
        }
    }

    /// Why, for an operator.
    pub fn sentence(self) -> &'static str {
        match self {
            Self::Disputed => {
                "The payment is disputed: the shopper's bank decides about the money, and it \
                 cannot be given back beside that."
            }
            Self::AlreadyRefunded => "All of the payment has been given back already.",
            Self::TooMuch => "Less than that is left of the payment.",
            Self::NeverArrived => {
                "The gateway did not answer for most of a day, and the refund is not there."
            }
            Self::Other => "The gateway refused; the log says in which words.",
        }
    }
}

impl RefundOrigin {
    /// The origin's name in rows and logs.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Operator { .. } => "operator",
            Self::Automatic => "automatic",
            Self::Elsewhere => "elsewhere",
        }
    }
}

/// A stored refund that is at the gateway has no gateway id, or the reverse.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a refund has a gateway reference exactly when it is at the gateway")]
pub struct RefundRestoreError;

#[cfg(test)]
mod tests;
