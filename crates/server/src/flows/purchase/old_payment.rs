//! A payment that the cart names before ours is made: of an earlier try, or of another program that
//! pays the same cart. A second charge beside one that has succeeded would be one too many, so the
//! platform is asked how it stands. Only one that is over is taken off the cart; otherwise nothing
//! is charged, and a person is called, who ends it at Stripe and closes the item.
//!
//! The process may die after each line: nothing is charged before all of it is done, and the next try
//! begins again.

use domain::{
    elastic_path::{EpCartId, EpPaymentId},
    id::PurchaseId,
    purchase::{Purchase, PurchaseState},
};
use gateways::elastic_path::{Admin, EpError, payment::CartPayment};
use storage::{StoreError, Tx, attention, purchase as rows};

use super::go_on::Driver;
use crate::{
    context::PlatformContext,
    flows::{
        FlowError,
        call_person::{Matter, call_again},
    },
};

/// The kind of the item; its subject is the payment.
const KIND: &str = "cart_payment";

/// How such a payment stands.
pub(super) enum Old {
    /// No money can come of it without somebody who begins anew.
    Over,
    /// It has succeeded.
    Paid,
    /// It can still succeed.
    UnderWay,
    /// The platform does not tell.
    Untold,
}

/// Takes the payment off the cart if it is over. `false`: it stays, nothing may be charged, and a
/// person knows.
pub(super) async fn take_off(
    driver: &Driver<'_>,
    purchase: &Purchase,
    payment: &EpPaymentId,
) -> Result<bool, FlowError> {
    let cart = &purchase.terms.cart;
    let asked = ask(driver.px, &driver.admin, (cart, payment)).await;
    let old = asked.unwrap_or_else(|error| {
        tracing::warn!(%payment, %error, "not known how the cart's old payment stands");
        Old::Untold
    });
    let is_over = match old {
        Old::Over => true,
        // What a person has given back is a success for ever in the platform's eyes.
        old @ (Old::Paid | Old::Untold) => {
            let is_known = is_known_to_be_over(driver, payment).await?;
            if !is_known {
                call(driver, purchase, payment, &old).await?;
            }
            is_known
        }
        Old::UnderWay => {
            call(driver, purchase, payment, &Old::UnderWay).await?;
            false
        }
    };
    if is_over {
        driver.px.elastic_path.detach_payment(&driver.admin, cart).await?;
        // Not before: a closed item is a person's word that this payment is over.
        let matter = (payment.clone(), driver.px.clock.now());
        let close = driver.px.store.write(matter, |tx: &mut Tx, (payment, at)| {
            Box::pin(attention::resolve_matter(tx, KIND, payment.as_str(), *at))
        });
        let _: bool = close.await.map_err(|error: StoreError| error)?;
    }
    Ok(is_over)
}

/// Asks how a payment stands that a cart names.
pub(super) async fn ask(
    px: &PlatformContext,
    admin: &Admin,
    (cart, payment): (&EpCartId, &EpPaymentId),
) -> Result<Old, FlowError> {
    match px.elastic_path.ask_payment(admin, cart, payment).await {
        Ok(view) => Ok(match view.stands {
            CartPayment::Succeeded { .. } | CartPayment::Authorized { .. } => Old::Paid,
            CartPayment::Processing { .. } | CartPayment::RequiresAction { .. } => Old::UnderWay,
            // Who tries first is told the outcome, and may have left out why; ours was tried once.
            CartPayment::Untried { .. } => {
                match is_an_ended_try_of_ours(px, cart, view.named).await? {
                    true => Old::Over,
                    false => Old::UnderWay,
                }
            }
            CartPayment::Declined { payment: Some(of), .. } if of == *payment => Old::Over,
            CartPayment::Declined { .. } | CartPayment::Unclear { .. } => Old::Untold,
        }),
        // One that has ended can no longer be asked.
        Err(EpError::Refused(no)) if matches!(no.status, 400 | 404 | 422) => Ok(Old::Untold),
        Err(error) => Err(error.into()),
    }
}

/// Whether a payment carries the name of a purchase of this cart that has come to nothing.
async fn is_an_ended_try_of_ours(
    px: &PlatformContext,
    cart: &EpCartId,
    named: Option<String>,
) -> Result<bool, StoreError> {
    let Some(id) = named.and_then(|name| name.parse().ok()).map(PurchaseId) else {
        return Ok(false);
    };
    let read = px.store.read(id, |tx, id| Box::pin(rows::by_id(tx, *id)));
    let purchase = read.await?.map(|stored| stored.purchase);
    Ok(purchase.is_some_and(|purchase| {
        let has_ended = matches!(
            purchase.state(),
            PurchaseState::Declined { .. } | PurchaseState::Abandoned { .. }
        );
        has_ended && purchase.terms.cart == *cart
    }))
}

/// Whether the payment was cancelled by the platform's word to us, or a person has dealt with it.
async fn is_known_to_be_over(
    driver: &Driver<'_>,
    payment: &EpPaymentId,
) -> Result<bool, StoreError> {
    let read = driver.px.store.read(payment.clone(), |tx, payment| {
        Box::pin(async move {
            let ours = rows::by_payment(tx, payment).await?;
            let is_dead = ours.is_some_and(|stored| {
                matches!(stored.purchase.state(), PurchaseState::Abandoned { .. })
            });
            Ok(is_dead || attention::is_closed(tx, KIND, payment.as_str()).await?)
        })
    });
    read.await
}

async fn call(
    driver: &Driver<'_>,
    purchase: &Purchase,
    payment: &EpPaymentId,
    old: &Old,
) -> Result<(), StoreError> {
    let what = match old {
        Old::Over | Old::Untold => {
            "and Elastic Path does not tell how it stands. Look it up at Stripe: if it has paid, place \
             the order or give the money back; if it can still be paid, cancel it."
        }
        Old::Paid => "and that has paid. Place the order, or give the money back at Stripe.",
        Old::UnderWay => {
            "and that can still be paid. Cancel it at Stripe, or wait until it has come to its end."
        }
    };
    let terms = &purchase.terms;
    let sentence = format!(
        "A shopper was not charged, because her cart names a payment that was not made for this \
         purchase {what} Then close this item: her next try takes the payment off the cart. (Cart \
         {}, payment {payment}, purchase {}.)",
        terms.cart, terms.id
    );
    let matter = Matter { order: None, kind: KIND, subject: payment.to_string() };
    call_again(driver.px, matter, sentence).await
}
