//! Bringing letters to customers, in a loop of their own: anybody can have letters sent to mail servers
//! that do not answer, and no receipt waits behind those. Resets go first, because somebody waits for
//! each. And forgetting what no longer matters.
//!
//! What if the process dies? Before the try: the claim runs out, and it is tried. After it: it is tried
//! again, and may arrive twice, with the same link and the same `Message-ID`.

use domain::{
    delivery::Next,
    id::{DeliveryId, NoticeId},
};
use gateways::{
    Tried,
    mail::{self, Mailer},
};
use storage::{
    StoreError, customer,
    customer_letter::{self, Letter},
    customer_level,
};
use uuid::Uuid;

use super::FlowError;
use crate::{
    context::{Context, after},
    flows::side_by_side,
    letters::Letters,
    outlet::Way,
};

/// Letters on their way at the same time.
const AT_ONCE: u32 = 4;
/// Rows of each kind that are thrown away at a time: one short transaction.
const FORGOTTEN_AT_ONCE: u32 = 200;

/// Sends the letters that are due, where the shop writes any. Returns how many those were.
pub async fn send_due(cx: &Context) -> Result<usize, FlowError> {
    let by_mail = cx.outlets.iter().find_map(|outlet| match &outlet.way {
        Way::Mail { letters, mailer } => Some((letters, mailer)),
        Way::Endpoint { .. } => None,
    });
    let Some((letters, mailer)) = by_mail else { return Ok(0) };
    let claim = (cx.clock.now(), cx.lease());
    let due = cx.store.write(claim, |tx, (now, lease)| {
        Box::pin(customer_letter::claim_due(tx, *now, lease, AT_ONCE))
    });
    let due: Vec<(Letter, u32)> = due.await.map_err(FlowError::Store)?;
    let count = due.len();
    let send = |one| send(cx, (letters, mailer), claim.1.token, one);
    side_by_side(due.into_iter().map(send)).await?;
    Ok(count)
}

async fn send(
    cx: &Context,
    (letters, mailer): (&Letters, &Mailer),
    claim: Uuid,
    (letter, tries): (Letter, u32),
) -> Result<(), StoreError> {
    let link = cx.accounts.links.url(letter.kind, letter.id);
    let tried = match letters.write_to_customer(letter.kind, &link) {
        Ok((subject, text, html)) => {
            let (id, at, to) = (NoticeId(letter.id.0), letter.created_at, letter.email.clone());
            mailer.send(&mail::Letter { id, at, to, subject, text, html }).await
        }
        // A template may be mended.
        Err(error) => Tried::not_now(format!("the letter cannot be written: {error}")),
    };
    let now = cx.clock.now();
    let Tried { outcome, words } = tried;
    let next = match DeliveryId(letter.id.0).after(tries, outcome) {
        Next::Again(wait) => Some(after(now, wait)).filter(|next| *next < letter.expires_at),
        Next::Done | Next::GiveUp => None,
    };
    tracing::info!(letter = %letter.id, kind = letter.kind.name(), tries, words, "letter");
    cx.store
        .write(((letter.id, claim), next, words), |tx, (one, next, words)| {
            Box::pin(customer_letter::settle(tx, *one, *next, words))
        })
        .await
}

/// Throws away letters, sign-ins and counts that no longer matter. Returns how many rows.
pub async fn forget(cx: &Context) -> Result<usize, FlowError> {
    let old = cx.store.read(cx.clock.now(), |tx, now| {
        Box::pin(async move {
            let letters = customer_letter::old(tx, *now, FORGOTTEN_AT_ONCE).await?;
            let sign_ins = customer::old_sign_ins(tx, *now, FORGOTTEN_AT_ONCE).await?;
            let marks = customer_level::old(tx, *now, FORGOTTEN_AT_ONCE).await?;
            Ok::<_, StoreError>((letters, sign_ins, marks))
        })
    });
    let old = old.await?;
    let count = old.0.len() + old.1.len() + old.2.len();
    if count == 0 {
        return Ok(0);
    }
    let write = cx.store.write((old, cx.clock.now()), |tx, ((letters, sign_ins, marks), now)| {
        Box::pin(async move {
            for letter in letters {
                customer_letter::delete(tx, *letter).await?;
            }
            for sign_in in sign_ins {
                customer::sign_out(tx, *sign_in).await?;
            }
            for mark in marks {
                customer_level::delete(tx, *mark, *now).await?;
            }
            Ok::<_, StoreError>(())
        })
    });
    write.await?;
    Ok(count)
}
