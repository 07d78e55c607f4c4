//! What others are told of an order: the merchant's own systems by webhook, the shopper by mail. A
//! notice tells one step of an order and says the same however often it is sent; each way of it to
//! one receiver is a [`Delivery`](crate::delivery).

use sha2::{Digest, Sha256};
use uuid::Builder;

use crate::{
    id::{NoticeId, OrderId},
    order::OrderState,
    refund::{Refund, RefundState},
};

/// Which step of an order is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoticeKind {
    /// The order is paid.
    OrderPaid,
    /// It was given up before any money moved.
    OrderCancelled,
    /// Its payment ended without success.
    OrderFailed,
    /// Money went back to the shopper, or is on its way by the gateway's word.
    OrderRefunded,
    /// Money that was to go back stays, or came back.
    OrderRefundFailed,
}

impl NoticeKind {
    /// Every kind.
    pub const ALL: [Self; 5] = [
        Self::OrderPaid,
        Self::OrderCancelled,
        Self::OrderFailed,
        Self::OrderRefunded,
        Self::OrderRefundFailed,
    ];

    /// The kind's name, in rows and for the merchant's systems.
    pub fn name(self) -> &'static str {
        match self {
            Self::OrderPaid => "order.paid",
            Self::OrderCancelled => "order.cancelled",
            Self::OrderFailed => "order.failed",
            Self::OrderRefunded => "order.refunded",
            Self::OrderRefundFailed => "order.refund_failed",
        }
    }

    /// Whether the shopper gets a mail about it. That a payment came to nothing she saw herself,
    /// and what became of a refund that failed a person tells her.
    pub fn is_for_the_shopper(self) -> bool {
        match self {
            Self::OrderPaid | Self::OrderRefunded => true,
            Self::OrderCancelled | Self::OrderFailed | Self::OrderRefundFailed => false,
        }
    }

    /// What is told of an order that has come to this state.
    pub fn of_order(state: &OrderState) -> Option<Self> {
        match state {
            OrderState::Pending { .. } => None,
            OrderState::Paid { .. } => Some(Self::OrderPaid),
            OrderState::Failed { .. } => Some(Self::OrderFailed),
            OrderState::Cancelled { .. } => Some(Self::OrderCancelled),
        }
    }

    /// What is told of a refund that has moved. One that is stopped before it was on its way was
    /// never told of, and neither is its end.
    pub fn of_refund(before: Option<&RefundState>, after: &RefundState) -> Option<Self> {
        use RefundState as S;
        let was_on_its_way = before.is_some_and(RefundState::is_given_back);
        match after {
            S::Requested | S::Unknown => None,
            S::Pending | S::Succeeded if was_on_its_way => None,
            S::Pending | S::Succeeded => Some(Self::OrderRefunded),
            S::Refused { .. } | S::Failed { .. } if before == Some(after) => None,
            S::Refused { .. } | S::Failed { .. } => Some(Self::OrderRefundFailed),
            S::Cancelled if was_on_its_way => Some(Self::OrderRefundFailed),
            S::Cancelled => None,
        }
    }
}

impl NoticeId {
    /// The id of what is told of a step. It is made from the step itself, so that the same step is
    /// told once, whoever saw it, and whoever receives it knows it again. A refund may fail to
    /// arrive in more than one way, one after the other, and each is a step.
    pub fn of(order: OrderId, kind: NoticeKind, refund: Option<&Refund>) -> Self {
        let mut digest = Sha256::new();
        digest.update(order.0.as_bytes());
        digest.update(kind.name());
        if let Some(refund) = refund {
            digest.update(refund.id.0.as_bytes());
            match kind {
                NoticeKind::OrderRefundFailed => digest.update(refund.state().name()),
                NoticeKind::OrderPaid
                | NoticeKind::OrderCancelled
                | NoticeKind::OrderFailed
                | NoticeKind::OrderRefunded => {}
            }
        }
        Self(Builder::from_custom_bytes(first_half(&digest.finalize().into())).into_uuid())
    }
}

/// The half of a digest that an id has room for.
pub(crate) fn first_half(digest: &[u8; 32]) -> [u8; 16] {
    std::array::from_fn(|place| digest[place])
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::{
        event::GatewayReference,
        id::{PaymentId, RefundId},
        money::Money,
        payment::Payment,
        refund::{NotMade, RefundNews, RefundOrigin, RefundReport},
    };

    fn eur(minor: i64) -> Money {
        Money::new(minor, "EUR".parse().unwrap()).unwrap()
    }

    #[test]
    fn a_step_of_an_order_has_one_id_and_no_two_steps_share_it() {
        let order = OrderId(Uuid::from_u128(1));
        let demand = Payment::new(PaymentId(Uuid::nil()), order, eur(1690), false);
        let origin = || RefundOrigin::Operator { note: None };
        let refund =
            |number| Refund::new(RefundId(Uuid::from_u128(number)), &demand, eur(400), origin());
        let paid = NoticeId::of(order, NoticeKind::OrderPaid, None);
        assert_eq!(paid, NoticeId::of(order, NoticeKind::OrderPaid, None));
        let others = [
            NoticeId::of(OrderId(Uuid::from_u128(2)), NoticeKind::OrderPaid, None),
            NoticeId::of(order, NoticeKind::OrderFailed, None),
            NoticeId::of(order, NoticeKind::OrderRefunded, Some(&refund(1))),
            NoticeId::of(order, NoticeKind::OrderRefunded, Some(&refund(2))),
        ];
        assert!(!others.contains(&paid));
        assert_ne!(others[2], others[3]);
        let refused = refund(1).refuse(NotMade::Disputed).0;
        let report = RefundReport::Failed { reason: "declined".into() };
        let news = RefundNews {
            reference: GatewayReference::new("re_1").unwrap(),
            payment: GatewayReference::new("pi_1").unwrap(),
            ours: Some(refused.id),
            amount: eur(400),
            report,
        };
        let failed = refused.clone().hear(&news).0;
        let of = |refund| NoticeId::of(order, NoticeKind::OrderRefundFailed, Some(refund));
        assert_ne!(of(&refused), of(&failed));
    }

    #[test]
    fn a_refund_is_told_when_it_sets_out_and_when_it_does_not_arrive() {
        use RefundState as S;
        let failed = S::Failed { reason: "declined".into() };
        let refused = S::Refused { reason: NotMade::Disputed };
        for (before, after, told) in [
            (Some(S::Requested), S::Unknown, None),
            (Some(S::Requested), S::Pending, Some(NoticeKind::OrderRefunded)),
            (Some(S::Pending), S::Succeeded, None),
            (None, S::Succeeded, Some(NoticeKind::OrderRefunded)),
            (Some(S::Succeeded), failed.clone(), Some(NoticeKind::OrderRefundFailed)),
            (Some(failed.clone()), failed, None),
            (Some(S::Unknown), refused, Some(NoticeKind::OrderRefundFailed)),
            (Some(S::Pending), S::Cancelled, Some(NoticeKind::OrderRefundFailed)),
            (Some(S::Requested), S::Cancelled, None),
        ] {
            assert_eq!(
                NoticeKind::of_refund(before.as_ref(), &after),
                told,
                "{before:?} {after:?}"
            );
        }
    }
}
