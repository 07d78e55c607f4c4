//! Giving money back: who may, what it does to the charge and the balance, and how it ends.
//!
//! A refund counts against its charge from the moment it is made until it fails or is canceled.
//! The payment intent never changes. Fees are not given back.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::stripe::api::error::ApiError;
use crate::stripe::objects::balance_transaction::{Booking, Kind};
use crate::stripe::objects::charge::{Charge, ChargeStatus};
use crate::stripe::objects::event::{Origin, previous};
use crate::stripe::objects::payment_method;
use crate::stripe::objects::refund::{
    Destination, Question, Refund, RefundFailure, RefundOutcome, RefundReason, Status, Wait,
};
use crate::stripe::rules::agenda::Task;
use crate::stripe::rules::cards::Afterwards;
use crate::stripe::rules::{disputes, money};
use crate::stripe::state::State;

/// How long a customer may take to name a bank account.
const QUESTION_SECONDS: i64 = 45 * 24 * 60 * 60;

/// A refund as it is asked for. Without an amount it is all that is left.
pub(crate) struct Wanted {
    pub charge: String,
    pub amount: Option<i64>,
    pub reason: Option<RefundReason>,
    pub metadata: BTreeMap<String, String>,
    pub by_api: bool,
}

/// What a refund does from its start on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RefundCourse {
    /// It succeeds at once.
    Succeeds,
    /// It is pending and succeeds when the delay is over.
    Pending,
    /// It succeeds at once and has failed when the delay is over.
    FailsLater,
    /// It is pending until the shop's balance is filled up, which a test says.
    InsufficientFunds,
    /// The customer is asked for a bank account: never with a card.
    RequiresAction,
}

/// Makes a refund, or says why there can be none; in that case nothing has changed.
pub(crate) fn make(state: &mut State, wanted: Wanted, origin: &Origin) -> Result<String, ApiError> {
    let amount = check(state, &wanted)?;
    let missing = || ApiError::missing("charge", &wanted.charge, "id").status(404);
    let charge = state.charges.get(&wanted.charge).ok_or_else(missing)?;
    let before = charge.render();
    let to = destination(charge);
    let course = state.take_refund_course(to).unwrap_or_else(|| usual(state, &wanted.charge));
    let charge = state.charges.get_mut(&wanted.charge).ok_or_else(missing)?;
    charge.amount_refunded += amount;
    let refunded = charge.render();
    let prefix = match to {
        Destination::Card => "re_3",
        Destination::BankAccount => "pyr_3",
    };
    let now = state.clock.seconds();
    let refund = Refund {
        id: state.ids.make(prefix, 23),
        created: now,
        amount,
        currency: charge.currency.clone(),
        charge: wanted.charge,
        payment_intent: charge.payment_intent.clone(),
        payment_method: charge.payment_method.clone(),
        customer: charge.customer.clone(),
        to,
        reason: wanted.reason,
        metadata: wanted.metadata,
        status: first_status(course, charge, now),
        balance_transaction: None,
        by_api: wanted.by_api,
    };
    let (id, charge_id) = (refund.id.clone(), refund.charge.clone());
    state.refunds.insert(refund);
    if matches!(course, RefundCourse::Succeeds | RefundCourse::Pending | RefundCourse::FailsLater) {
        pay(state, &id);
    }
    let created = state.refunds.get(&id).map(Refund::render).unwrap_or_default();
    state.emit("refund.created", &created, origin);
    let changed = previous(&before, &refunded);
    state.emit_update("charge.refunded", &refunded, Some(changed), origin);
    disputes::refunded(state, &charge_id, origin);
    if let Some(outcome) = later(course) {
        let task = Task::SettleRefund { refund: id.clone(), outcome };
        state.schedule(state.settings.refund_delay, task);
    }
    Ok(id)
}

/// The amount that will be given back.
fn check(state: &State, wanted: &Wanted) -> Result<i64, ApiError> {
    let id = &wanted.charge;
    let charge = state.charges.get(id);
    let charge = charge.ok_or_else(|| ApiError::missing("charge", id, "id").status(404))?;
    // Money that was set aside and let go counts as given back: no charge has succeeded.
    let let_go = !charge.captured && charge.amount_refunded > 0;
    if charge.status != ChargeStatus::Succeeded || let_go {
        return Err(match &charge.payment_intent {
            Some(intent) => nothing_to_refund(intent),
            None => ApiError::invalid(format!("Charge {id} has not succeeded."))
                .param("charge")
                .of_state(),
        });
    }
    if !charge.captured {
        let of = match &charge.payment_intent {
            Some(intent) => format!(" by a PaymentIntent ({intent})"),
            None => String::new(),
        };
        return Err(ApiError::invalid(format!(
            "This uncaptured Charge was created{of}. You must cancel the PaymentIntent to reverse \
             the authorization instead of refunding the Charge directly. For more information, see \
             https://stripe.com/docs/payments/place-a-hold-on-a-payment-method"
        ))
        .of_state());
    }
    if disputes::blocks_refund(state, id) {
        return Err(ApiError::invalid(format!(
            "Charge {id} has been charged back; cannot issue a refund."
        ))
        .code("charge_disputed")
        .of_state());
    }
    let left = charge.amount_captured - charge.amount_refunded;
    if left <= 0 {
        return Err(ApiError::invalid(format!("Charge {id} has already been refunded."))
            .code("charge_already_refunded")
            .of_state());
    }
    match wanted.amount {
        Some(amount) if amount < 1 => {
            Err(ApiError::invalid("This value must be greater than or equal to 1.")
                .code("parameter_invalid_integer")
                .param("amount"))
        }
        Some(amount) if amount > left => Err(ApiError::invalid(format!(
            "Refund amount ({}) is greater than unrefunded amount on charge ({})",
            money::display(amount, &charge.currency),
            money::display(left, &charge.currency)
        ))
        .param("amount")
        .of_state()),
        amount => Ok(amount.unwrap_or(left)),
    }
}

/// An intent that nobody has paid.
pub(crate) fn nothing_to_refund(intent: &str) -> ApiError {
    ApiError::invalid(format!(
        "This PaymentIntent ({intent}) does not have a successful charge to refund."
    ))
    .of_state()
}

fn destination(charge: &Charge) -> Destination {
    match charge.payment_method_details["type"].as_str() {
        Some("card") => Destination::Card,
        _ => Destination::BankAccount,
    }
}

/// What the method that paid makes of its refunds.
fn usual(state: &State, charge_id: &str) -> RefundCourse {
    let charge = state.charges.get(charge_id);
    let method = charge.and_then(|charge| state.payment_methods.get(&charge.payment_method));
    match method.map(|method| &method.kind) {
        Some(payment_method::Kind::Card { card, .. }) => match card.afterwards {
            Afterwards::RefundsPend => RefundCourse::Pending,
            Afterwards::RefundsFail => RefundCourse::FailsLater,
            Afterwards::Nothing
            | Afterwards::AvailableAtOnce
            | Afterwards::Disputed(_)
            | Afterwards::ReportedAsFraud => RefundCourse::Succeeds,
        },
        Some(payment_method::Kind::SepaDebit { .. } | payment_method::Kind::Redirect(_)) => {
            RefundCourse::Pending
        }
        None => RefundCourse::Succeeds,
    }
}

fn first_status(course: RefundCourse, charge: &Charge, now: i64) -> Status {
    match course {
        RefundCourse::Succeeds | RefundCourse::FailsLater => Status::Succeeded,
        RefundCourse::Pending => Status::Pending(Wait::Processing),
        RefundCourse::InsufficientFunds => Status::Pending(Wait::InsufficientFunds),
        RefundCourse::RequiresAction => {
            let mail = charge.billing_details["email"].as_str().or(charge.receipt_email.as_deref());
            Status::RequiresAction(Question {
                sent_at: now,
                sent_to: mail.unwrap_or("customer@example.com").to_owned(),
                expires_at: now + QUESTION_SECONDS,
            })
        }
    }
}

/// What happens to it when the delay is over.
fn later(course: RefundCourse) -> Option<RefundOutcome> {
    match course {
        RefundCourse::Pending => Some(RefundOutcome::Succeeded),
        // The reason that docs.stripe.com/terminal/references/testing names for this card.
        RefundCourse::FailsLater => {
            Some(RefundOutcome::Failed(RefundFailure::ExpiredOrCanceledCard))
        }
        RefundCourse::Succeeds | RefundCourse::InsufficientFunds | RefundCourse::RequiresAction => {
            None
        }
    }
}

/// Ends a refund. `None` when there is no such refund or it can no longer end so.
pub(crate) fn settle(
    state: &mut State,
    id: &str,
    outcome: RefundOutcome,
    origin: &Origin,
) -> Option<()> {
    let refund = state.refunds.get(id).filter(|refund| refund.status.may_end(outcome))?;
    let before = refund.render();
    let status = match outcome {
        RefundOutcome::Succeeded => {
            pay(state, id);
            Status::Succeeded
        }
        RefundOutcome::Failed(reason) => Status::Failed { reason, returned: take_back(state, id)? },
        RefundOutcome::Canceled => Status::Canceled { returned: take_back(state, id)? },
    };
    state.refunds.get_mut(id)?.status = status;
    report_change(state, id, &before, origin);
    if let RefundOutcome::Failed(_) = outcome {
        let refund = state.refunds.get(id)?.render();
        let changed = previous(&before, &refund);
        state.emit_update("refund.failed", &refund, Some(changed), origin);
    }
    Some(())
}

/// Tells the shop what has changed since `before`, if anything has.
pub(crate) fn report_change(state: &mut State, id: &str, before: &Value, origin: &Origin) {
    let Some(after) = state.refunds.get(id).map(Refund::render) else { return };
    if after == *before {
        return;
    }
    let changed = previous(before, &after);
    state.emit_update("refund.updated", &after, Some(changed.clone()), origin);
    // Deprecated, and still sent beside the other.
    state.emit_update("charge.refund.updated", &after, Some(changed), origin);
}

/// Takes the money out of the balance, once.
fn pay(state: &mut State, id: &str) {
    let Some(refund) = state.refunds.get(id).filter(|refund| refund.balance_transaction.is_none())
    else {
        return;
    };
    let (kind, source) = match refund.to {
        Destination::Card => (Kind::Refund, "CHARGE"),
        Destination::BankAccount => (Kind::PaymentRefund, "PAYMENT"),
    };
    let of = state.charges.get(&refund.charge).and_then(|charge| charge.description.as_ref());
    let of = of.map(|text| format!(" ({text})")).unwrap_or_default();
    let booking = Booking {
        kind,
        source: id.to_owned(),
        amount: -refund.amount,
        fee: 0,
        currency: refund.currency.clone(),
        description: Some(format!("REFUND FOR {source}{of}")),
    };
    let line = state.book(booking);
    if let Some(refund) = state.refunds.get_mut(id) {
        refund.balance_transaction = Some(line);
    }
}

/// The charge has its money again, and so has the balance if it had paid: then the new line.
fn take_back(state: &mut State, id: &str) -> Option<Option<String>> {
    let refund = state.refunds.get(id)?;
    state.charges.get_mut(&refund.charge)?.amount_refunded -= refund.amount;
    let paid = refund.balance_transaction.is_some();
    let booking = Booking {
        kind: Kind::RefundFailure,
        source: id.to_owned(),
        amount: refund.amount,
        fee: 0,
        currency: refund.currency.clone(),
        description: Some("REFUND FAILURE".into()),
    };
    Some(paid.then(|| state.book(booking)))
}

impl State {
    /// The course that a test has ordered for the next refund to such a destination.
    fn take_refund_course(&mut self, to: Destination) -> Option<RefundCourse> {
        let fits = |course: &RefundCourse| {
            to != Destination::Card || *course != RefundCourse::RequiresAction
        };
        let place = self.refund_courses.iter().position(fits)?;
        Some(self.refund_courses.remove(place))
    }
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use tower::ServiceExt;

    use super::*;
    use crate::stripe::{Options, Stripe};

    #[tokio::test]
    async fn a_disputed_charge_is_not_refunded() {
        let stripe = Stripe::new(Options::default());
        let key = format!("Bearer {}", Options::default().secret_key);
        let order = "amount=2000&currency=eur&confirm=true&payment_method=pm_card_createDispute\
                     &return_url=https://shop.example";
        let request = http::Request::post("/v1/payment_intents")
            .header("authorization", key)
            .header("content-type", "application/x-www-form-urlencoded")
            .body(Body::from(order))
            .unwrap();
        assert_eq!(stripe.router().oneshot(request).await.unwrap().status(), 200);

        let mut state = stripe.lock();
        let charge = state.charges.rows()[0].id.clone();
        let wanted = Wanted {
            charge: charge.clone(),
            amount: None,
            reason: None,
            metadata: BTreeMap::new(),
            by_api: true,
        };
        let refused = make(&mut state, wanted, &Origin::default()).unwrap_err();
        assert_eq!((refused.status, &refused.body["code"]), (400, &"charge_disputed".into()));
        let text = format!("Charge {charge} has been charged back; cannot issue a refund.");
        assert_eq!(refused.body["message"], text);
        assert_eq!(state.refunds.len(), 0);
    }
}
