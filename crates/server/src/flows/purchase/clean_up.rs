//! What is tidied up after the order is paid. None of it fails the sale: what does not work now is
//! done later, by the worker.

use domain::{
    elastic_path::EpOrderId,
    id::PurchaseId,
    purchase::{CartsEnd, CleanUpStep, Purchase, PurchaseState, Tidied},
    session::AllowedAttributes,
};
use gateways::elastic_path::{
    Caller, EpError,
    order::{OrderChange, OrderFields, OrderPayment, OrderStatus, OrderView},
};
use storage::{StoreError, purchase::Stored};

use super::{ask::is_ours, cart, go_on::Driver};
use crate::flows::{
    FlowError,
    call_person::{Matter, call_person},
};

/// Does everything that can be done now; what does not work holds up nothing else.
pub(super) async fn tidy(
    driver: &Driver<'_>,
    mut stored: Stored,
) -> Result<Option<Stored>, FlowError> {
    let mut is_done = true;
    for step in stored.purchase.to_tidy(driver.px.clock.now()) {
        let tidied = match carry_out(driver, &stored.purchase, step).await {
            Ok(tidied) => tidied,
            Err(error) if is_refused_for_good(driver, &stored.purchase, &error) => {
                // Before it counts as done: it is not, and somebody must know.
                raise_untidied(driver, &stored.purchase, step).await?;
                left(step)
            }
            Err(error) => {
                let purchase = stored.purchase.terms.id;
                tracing::warn!(%purchase, ?step, %error, "not tidied up; it is tried again");
                is_done = false;
                continue;
            }
        };
        match driver.hear(stored, |purchase, now| purchase.tidy(tidied, now)).await? {
            Some(moved) => stored = moved,
            None => return Ok(None),
        }
    }
    Ok(is_done.then_some(stored))
}

fn is_refused_for_good(driver: &Driver<'_>, purchase: &Purchase, error: &FlowError) -> bool {
    matches!(error, FlowError::Platform(EpError::Refused(_)))
        && purchase.is_refused_for_good(driver.px.clock.now())
}

/// What is left to a person counts as done.
fn left(step: CleanUpStep) -> Tidied {
    match step {
        CleanUpStep::Detach => Tidied::Detached,
        CleanUpStep::Dissociate => Tidied::Dissociated,
        CleanUpStep::DeleteCart => Tidied::Cart(CartsEnd::Kept),
        CleanUpStep::Note => Tidied::Noted,
        CleanUpStep::FindTwin => Tidied::Twin,
    }
}

async fn carry_out(
    driver: &Driver<'_>,
    purchase: &Purchase,
    step: CleanUpStep,
) -> Result<Tidied, FlowError> {
    let (ep, caller) = (&driver.px.elastic_path, Caller::Admin(&driver.admin));
    let terms = &purchase.terms;
    match step {
        CleanUpStep::Detach => {
            match ep.detach_payment(&driver.admin, &terms.cart).await {
                // A cart that is gone names nothing.
                Err(EpError::Refused(no)) if no.is_not_found() => Ok(Tidied::Detached),
                detached => Ok(detached.map(|()| Tidied::Detached)?),
            }
        }
        CleanUpStep::Dissociate => {
            if let Some(account) = &terms.buyer.account {
                ep.dissociate(caller, &terms.cart, &account.account).await?;
            }
            Ok(Tidied::Dissociated)
        }
        CleanUpStep::DeleteCart => Ok(Tidied::Cart(delete_cart(driver, purchase).await?)),
        CleanUpStep::Note => {
            note(driver, purchase).await?;
            Ok(Tidied::Noted)
        }
        CleanUpStep::FindTwin => {
            find_twin(driver, purchase).await?;
            Ok(Tidied::Twin)
        }
    }
}

/// Deletes the cart while it holds what was ordered. What the shopper has put into it since is hers.
async fn delete_cart(driver: &Driver<'_>, purchase: &Purchase) -> Result<CartsEnd, EpError> {
    let (ep, caller) = (&driver.px.elastic_path, Caller::Admin(&driver.admin));
    let name = &purchase.terms.cart;
    let seen = ep.cart(caller, name).await?;
    if seen.lines.is_empty() {
        // It is gone: to look has made an empty one of the same name.
        return Ok(CartsEnd::Deleted);
    }
    if cart::hash(&seen) != purchase.terms.cart_hash {
        return Ok(CartsEnd::Kept);
    }
    match ep.delete_cart(caller, name).await {
        Ok(()) => Ok(CartsEnd::Deleted),
        Err(EpError::Refused(no)) if no.is_last_cart() => {
            ep.empty_cart(caller, name).await?;
            Ok(CartsEnd::Deleted)
        }
        Err(error) => Err(error),
    }
}

/// Writes on the order what the storefront notes with it, under the names that the merchant has given
/// and that are not Elastic Path's own. A store that has no such fields takes none.
async fn note(driver: &Driver<'_>, purchase: &Purchase) -> Result<(), EpError> {
    let PurchaseState::Confirmed { booking, .. } = purchase.state() else { return Ok(()) };
    let noted = purchase.terms.attributes.clone().allowed(&driver.px.attributes);
    let named = match &driver.px.attributes {
        AllowedAttributes::Only(_) => cart::attributes(&noted),
        // Anybody may give a name then.
        AllowedAttributes::All => return Ok(()),
    };
    let Some(fields) = OrderFields::new(named) else { return Ok(()) };
    let (ep, change) = (&driver.px.elastic_path, OrderChange::Fields(fields));
    match ep.change_order(&driver.admin, &booking.order, &change).await {
        Err(EpError::Refused(no)) if !no.is_operator_fault() => {
            tracing::warn!(order = %booking.order, error = %no, "an order without its notes");
            Ok(())
        }
        changed => changed.map(drop),
    }
}

/// Looks for another order of this purchase, and for another booking on its own: an order that nobody
/// paid is cancelled, anything else is a matter for a person.
async fn find_twin(driver: &Driver<'_>, purchase: &Purchase) -> Result<(), FlowError> {
    let PurchaseState::Confirmed { booking, .. } = purchase.state() else { return Ok(()) };
    let ep = &driver.px.elastic_path;
    let orders = ep.orders_named(&driver.admin, &purchase.external_ref()).await?;
    for twin in orders.into_iter().filter(|order| order.id != booking.order) {
        match (&twin.payment, &twin.status) {
            (_, OrderStatus::Cancelled) => {}
            (OrderPayment::Unpaid, _) => {
                ep.change_order(&driver.admin, &twin.id, &OrderChange::Cancel).await?;
            }
            (_, _) => raise_twin(driver, purchase.terms.id, &twin).await?,
        }
    }
    let booked = ep.transactions(&driver.admin, &booking.order).await?;
    let booked = booked.iter().filter(|one| one.has_happened() && is_ours(purchase, one));
    match booked.count() {
        ..2 => Ok(()),
        times => Ok(raise_booked(driver, purchase.terms.id, &booking.order, times).await?),
    }
}

async fn raise_booked(
    driver: &Driver<'_>,
    purchase: PurchaseId,
    order: &EpOrderId,
    times: usize,
) -> Result<(), StoreError> {
    let sentence = format!(
        "Elastic Path has booked one payment {times} times on its order; the money came once. See to \
         it that no more is ever given back than came. (Purchase {purchase}, order {order}.)"
    );
    let (kind, subject) = ("purchase_second_booking", order.to_string());
    call_person(driver.px, Matter { order: None, kind, subject }, sentence).await
}

async fn raise_untidied(
    driver: &Driver<'_>,
    purchase: &Purchase,
    step: CleanUpStep,
) -> Result<(), StoreError> {
    let refused = match step {
        CleanUpStep::Detach => {
            "take the payment off its cart: do it, or see to it that the cart goes"
        }
        CleanUpStep::Dissociate => {
            "take its cart off the account: do it, or see to it that the cart goes"
        }
        CleanUpStep::DeleteCart => "delete its cart: do it, for it holds what is bought already",
        CleanUpStep::Note => {
            "take what the storefront notes with its order: look whether our client may change orders"
        }
        CleanUpStep::FindTwin => {
            "say whether there is a second order of it: look for orders whose external reference is the \
             purchase, and see to it that the goods go out once"
        }
    };
    let terms = &purchase.terms;
    let sentence = format!(
        "An order is paid, and for a day Elastic Path has refused to {refused}. (Purchase {}, cart {}.)",
        terms.id, terms.cart
    );
    let (kind, subject) = ("purchase_untidied", format!("{} {}", terms.id, step.name()));
    call_person(driver.px, Matter { order: None, kind, subject }, sentence).await
}

async fn raise_twin(
    driver: &Driver<'_>,
    purchase: PurchaseId,
    twin: &OrderView,
) -> Result<(), StoreError> {
    let sentence = format!(
        "Elastic Path has a second order of one purchase, and says that it is {}: see to it that \
         the goods go out once. (Purchase {purchase}, second order {}.)",
        twin.payment, twin.id
    );
    let (kind, subject) = ("purchase_second_order", twin.id.to_string());
    call_person(driver.px, Matter { order: None, kind, subject }, sentence).await
}
