//! Money set aside on a card first and taken, or let go, later.

use std::time::Duration;

use crate::stripe::objects::event::{Origin, previous};
use crate::stripe::objects::payment_intent::{PaymentIntent, Status};
use crate::stripe::rules::agenda::Task;
use crate::stripe::rules::attempt;
use crate::stripe::state::State;

/// How long a bank keeps the money of an online card payment aside.
const VALID: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// The card has been charged, but nothing is taken yet.
pub(crate) fn authorize(state: &mut State, id: &str, charge_id: &str, origin: &Origin) {
    let until = state.clock.seconds().saturating_add(VALID.as_secs().cast_signed());
    let Some(charge) = state.charges.get_mut(charge_id) else { return };
    charge.captured = false;
    charge.amount_captured = 0;
    charge.payment_method_details["card"]["capture_before"] = until.into();
    let charged = charge.render();
    let Some(intent) = state.payment_intents.get_mut(id) else { return };
    intent.status = Status::RequiresCapture;
    intent.latest_charge = Some(charge_id.to_owned());
    let authorized = intent.render();
    state.emit("charge.succeeded", &charged, origin);
    state.emit("payment_intent.amount_capturable_updated", &authorized, origin);
    state.schedule(VALID, Task::ExpireAuthorization { intent: id.to_owned() });
}

/// Takes `amount` of what is set aside; the rest is let go.
pub(crate) fn capture(state: &mut State, id: &str, amount: i64, origin: &Origin) {
    let charge_id = state.payment_intents.get(id).and_then(|intent| intent.latest_charge.clone());
    let Some(charge) = charge_id.as_ref().and_then(|id| state.charges.get_mut(id)) else { return };
    charge.amount_captured = amount;
    let charge_id = charge.id.clone();
    attempt::receive(state, id, &charge_id, "charge.captured", origin);
}

/// Cancels an intent; money that was set aside is let go.
pub(crate) fn cancel(state: &mut State, id: &str, reason: Option<String>, origin: &Origin) {
    close(state, id, reason, "charge.refunded", origin);
}

/// The bank does not keep the money aside any longer.
pub(crate) fn expire(state: &mut State, id: &str, origin: &Origin) {
    let waits = |intent: &PaymentIntent| intent.status == Status::RequiresCapture;
    if state.payment_intents.get(id).is_some_and(waits) {
        close(state, id, Some("automatic".into()), "charge.expired", origin);
    }
}

fn close(
    state: &mut State,
    id: &str,
    reason: Option<String>,
    let_go: &'static str,
    origin: &Origin,
) {
    let at = state.clock.seconds();
    let Some(intent) = state.payment_intents.get_mut(id) else { return };
    let authorized = intent.latest_charge.clone().filter(|_| intent.amount_capturable() > 0);
    intent.status = Status::Canceled { at, reason };
    let canceled = intent.render();
    if let Some(charge) = authorized.and_then(|charge| state.charges.get_mut(&charge)) {
        let before = charge.render();
        charge.amount_refunded = charge.amount;
        let released = charge.render();
        let changed = previous(&before, &released);
        state.emit_update(let_go, &released, Some(changed), origin);
    }
    state.emit("payment_intent.canceled", &canceled, origin);
}
