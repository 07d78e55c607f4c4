//! From a payment to a paid order: confirms, and what becomes of transactions afterwards.

use serde_json::Value;

use crate::elastic_path::api::error::ApiError;
use crate::elastic_path::objects::payment_intent::Status as AtStripe;
use crate::elastic_path::objects::transaction::{Gateway, Kind, Status, Transaction};
use crate::elastic_path::rules::payment::merge_metadata;
use crate::elastic_path::state::State;
use crate::elastic_path::{CancelPending, ConfirmAgain};

pub(crate) fn order_not_found() -> ApiError {
    ApiError::not_found("Order not found")
}

/// Writes down what the payment of an order's cart has come to; the id of the transaction.
pub(crate) fn confirm(state: &mut State, order_id: &str, data: &Value) -> Result<String, ApiError> {
    let refused = || ApiError::unprocessable("Order cannot be confirmed in its current state");
    let again = state.options.modes.confirm_again;
    let order = state.order_mut(order_id).ok_or_else(order_not_found)?;
    if order.cancelled {
        return Err(refused());
    }
    let reference = match (&order.payment_intent, &order.confirmed_intent, again) {
        (Some(fresh), _, _) => fresh.clone(),
        (None, Some(confirmed), ConfirmAgain::Duplicate) => confirmed.clone(),
        (None, Some(_), ConfirmAgain::Refused) | (None, None, _) => return Err(refused()),
    };
    let intent = state.payment_intent_mut(&reference).ok_or_else(refused)?;
    if intent.status == AtStripe::Canceled {
        return Err(refused());
    }
    merge_metadata(intent, &data["options"]["metadata"]);
    let (amount, currency, at_stripe) = (intent.amount, intent.currency.clone(), intent.status);
    let kind = if intent.capture_later { Kind::Authorize } else { Kind::Purchase };
    let (id, now) = (state.ids.uuid(), state.now());
    let mut transaction = Transaction {
        id: id.clone(),
        order_id: order_id.to_owned(),
        name: "Stripe Payment Intent".into(),
        custom_reference: reference.clone(),
        reference: reference.clone(),
        gateway: Gateway::Stripe,
        amount,
        refunded: 0,
        refunded_by_hand: false,
        currency,
        kind,
        status: Status::Pending,
        created: now,
        updated: now,
    };
    transaction.follow(at_stripe, now);
    state.transactions.push(transaction);
    if let Some(order) = state.order_mut(order_id) {
        order.payment_intent = None;
        order.confirmed_intent = Some(reference);
    }
    state.sum_up(order_id);
    Ok(id)
}

/// Settles an order by hand: paid elsewhere, or nothing to pay.
pub(crate) fn pay_by_hand(
    state: &mut State,
    order_id: &str,
    data: &Value,
) -> Result<String, ApiError> {
    match data["gateway"].as_str() {
        Some("manual") => {}
        Some(other) => {
            return Err(ApiError::not_simulated(&format!("order payments by {other}")));
        }
        None => return Err(ApiError::bad_request("gateway is required")),
    }
    let kind = match data["method"].as_str() {
        Some("purchase") => Kind::Purchase,
        Some("authorize") => Kind::Authorize,
        _ => return Err(ApiError::bad_request("method must be purchase or authorize")),
    };
    let (id, now) = (state.ids.uuid(), state.now());
    let order = state.order_mut(order_id).ok_or_else(order_not_found)?;
    if order.cancelled || matches!(order.payment(), "paid" | "authorized" | "refunded") {
        return Err(ApiError::unprocessable("Order cannot be paid in its current state"));
    }
    let owing = order.balance_owing();
    let amount = data["amount"].as_i64().unwrap_or(owing);
    if amount < 0 || amount > owing {
        return Err(ApiError::unprocessable("The amount is more than the order's balance."));
    }
    let text =
        |name: &str| data["paymentmethod_meta"][name].as_str().unwrap_or_default().to_owned();
    let transaction = Transaction {
        id: id.clone(),
        order_id: order_id.to_owned(),
        reference: "manual".into(),
        name: text("name"),
        custom_reference: text("custom_reference"),
        gateway: Gateway::Manual,
        amount,
        refunded: 0,
        refunded_by_hand: false,
        currency: order.totals.currency.clone(),
        kind,
        status: Status::Complete,
        created: now,
        updated: now,
    };
    order.settled = order.total() == 0;
    state.transactions.push(transaction);
    state.sum_up(order_id);
    Ok(id)
}

/// Asks Stripe again about a transaction that is pending.
pub(crate) fn confirm_pending(state: &mut State, id: &str) -> Result<(), ApiError> {
    let refused = || ApiError::bad_request("Transaction cannot be confirmed in its current state");
    let transaction = find(state, id)?;
    if transaction.status != Status::Pending {
        return Err(refused());
    }
    let reference = transaction.reference.clone();
    state.follow_stripe(&reference);
    Ok(())
}

/// Takes what was set aside.
pub(crate) fn capture(state: &mut State, id: &str) -> Result<(), ApiError> {
    let refused = || ApiError::bad_request("Transaction cannot be captured in its current state");
    let now = state.now();
    let transaction = find(state, id)?;
    if transaction.status != Status::Complete || transaction.kind != Kind::Authorize {
        return Err(refused());
    }
    let (order_id, reference) = (transaction.order_id.clone(), transaction.reference.clone());
    if let Some(intent) = state.payment_intent_mut(&reference) {
        if intent.status != AtStripe::RequiresCapture {
            return Err(refused());
        }
        intent.status = AtStripe::Succeeded;
    }
    let transaction = find(state, id)?;
    (transaction.kind, transaction.updated) = (Kind::Capture, now);
    state.sum_up(&order_id);
    Ok(())
}

/// Gives back an amount; without one the transaction is marked as refunded by hand, and Stripe is
/// not asked.
pub(crate) fn refund(state: &mut State, id: &str, data: &Value) -> Result<(), ApiError> {
    let refused = || ApiError::unprocessable("Transaction cannot be refunded in its current state");
    let now = state.now();
    let transaction = find(state, id)?;
    let left = transaction.kept();
    let by_hand = data.get("amount").is_none();
    let amount = data["amount"].as_i64().unwrap_or(left);
    if amount <= 0 || amount > left {
        return Err(refused());
    }
    let reference = transaction.reference.clone();
    let is_at_stripe =
        state.payment_intent(&reference).is_some_and(|intent| intent.at_stripe.is_some());
    if let Some(account) = state.stripe.as_ref().filter(|_| is_at_stripe && !by_hand) {
        account.refund(&reference, amount)?;
    }
    let transaction = find(state, id)?;
    transaction.refunded += amount;
    transaction.refunded_by_hand = by_hand;
    transaction.updated = now;
    if transaction.refunded == transaction.amount {
        transaction.kind = Kind::Refund;
    }
    let order_id = transaction.order_id.clone();
    if let Some(intent) = state.payment_intent_mut(&reference)
        && !by_hand
    {
        intent.amount_refunded += amount;
    }
    state.sum_up(&order_id);
    Ok(())
}

/// Gives up what is pending, or what was only set aside.
pub(crate) fn cancel(state: &mut State, id: &str) -> Result<(), ApiError> {
    let refused =
        || ApiError::unprocessable("Transaction cannot be cancelled in its current state");
    let (now, seconds) = (state.now(), state.clock.seconds());
    let allowed = state.options.modes.cancel_pending == CancelPending::Allowed;
    let transaction = find(state, id)?;
    let can_be = match (transaction.status, transaction.kind) {
        (Status::Pending, _) => allowed,
        (Status::Complete, Kind::Authorize) => true,
        (Status::Complete | Status::Failed | Status::Cancelled, _) => false,
    };
    if !can_be {
        return Err(refused());
    }
    let reference = transaction.reference.clone();
    if let Some(intent) = state.payment_intent_mut(&reference) {
        if !intent.status.is_open() && intent.status != AtStripe::RequiresCapture {
            return Err(refused());
        }
        intent.cancel(seconds);
    }
    let transaction = find(state, id)?;
    (transaction.status, transaction.updated) = (Status::Cancelled, now);
    let order_id = transaction.order_id.clone();
    state.sum_up(&order_id);
    Ok(())
}

fn find<'a>(state: &'a mut State, id: &str) -> Result<&'a mut Transaction, ApiError> {
    let found = state.transactions.iter_mut().find(|transaction| transaction.id == id);
    found.ok_or_else(|| ApiError::not_found("Transaction not found"))
}

impl State {
    /// Pending transactions of a payment become what it is now.
    pub fn follow_stripe(&mut self, intent_id: &str) {
        let now = self.now();
        let Some(at_stripe) = self.payment_intent(intent_id).map(|intent| intent.status) else {
            return;
        };
        let mut orders = Vec::new();
        for transaction in &mut self.transactions {
            if transaction.reference == intent_id && transaction.status == Status::Pending {
                transaction.follow(at_stripe, now);
                orders.push(transaction.order_id.clone());
            }
        }
        for order in orders {
            self.sum_up(&order);
        }
    }

    /// Makes an order what its transactions say, and takes its goods off the shelf when the first
    /// money comes in. Nothing was put aside for it until then, so the shelf may be empty.
    pub fn sum_up(&mut self, order_id: &str) {
        let now = self.now();
        let of_order =
            |one: &&Transaction| one.order_id == order_id && one.status == Status::Complete;
        let complete: Vec<&Transaction> = self.transactions.iter().filter(of_order).collect();
        let sum = |takes: bool, of: fn(&Transaction) -> i64| -> i64 {
            complete.iter().filter(|one| one.kind.takes() == takes).map(|one| of(one)).sum()
        };
        let (paid, authorized) = (sum(true, |one| one.amount), sum(false, |one| one.amount));
        let refunded = sum(true, |one| one.refunded);
        let Some(order) = self.orders.iter_mut().find(|order| order.id == order_id) else { return };
        (order.paid, order.authorized, order.refunded) = (paid, authorized, refunded);
        order.updated = now;
        if order.payment() == "paid" && order.fully_paid.is_none() {
            order.fully_paid = Some(now);
        }
        let allocates = (paid > 0 || authorized > 0 || order.settled) && !order.cancelled;
        if allocates != order.allocated && (allocates || order.cancelled) {
            order.allocated = allocates;
            let order = order.clone();
            self.move_stock(&order, if allocates { -1 } else { 1 });
        }
    }

    fn move_stock(&mut self, order: &crate::elastic_path::objects::order::Order, sign: i64) {
        for (_, priced) in &order.lines {
            let product = priced.line.product_id().and_then(|id| self.products.get_mut(id));
            if let Some(stock) = product.and_then(|product| product.stock.as_mut()) {
                *stock += sign * priced.line.quantity;
            }
        }
    }
}
