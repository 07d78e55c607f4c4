//! `till purchases`: the operator looks at what was bought at Elastic Path, and ends what no rule can
//! settle. Lists and histories come from the database alone; to end a purchase Elastic Path is asked
//! first.

pub(super) mod command;

use std::io::{self, Write};

use domain::{
    elastic_path::EpIdError,
    id::{IdError, PurchaseId},
    purchase::{Purchase, PurchaseState},
};
use jiff::Timestamp;
use serde::Serialize;
use storage::{
    Store, StoreError,
    purchase::{self, Stored},
    purchase_history::{self, Line},
};

use super::orders::Form;
use crate::{
    context::Px,
    flows::purchase::settle::{SettleError, Wish, settle},
};

/// Why a command did not do what it was asked for.
#[derive(Debug, thiserror::Error)]
pub enum PurchasesError {
    /// Not an id of ours.
    #[error(transparent)]
    Id(#[from] IdError),
    /// Not an id of Elastic Path's.
    #[error(transparent)]
    PlatformId(#[from] EpIdError),
    /// There is no such purchase.
    #[error("there is no such purchase; `till purchases list` shows those that there are")]
    NoSuchPurchase,
    /// It was not ended.
    #[error("nothing was changed: {0}")]
    NotSettled(#[from] SettleError),
    /// It cannot be written as JSON.
    #[error("the output cannot be written")]
    Json(#[from] serde_json::Error),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Nobody reads the output.
    #[error("the output cannot be written")]
    Io(#[from] io::Error),
}

/// A purchase, for programs.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ForPrograms<'a> {
    id: String,
    state: &'static str,
    matter: Option<&'static str>,
    cart: &'a str,
    amount: String,
    currency: &'static str,
    payment: Option<&'a str>,
    order: Option<&'a str>,
    created_at: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    history: Option<Vec<LineForPrograms<'a>>>,
}

#[derive(Serialize)]
struct LineForPrograms<'a> {
    at: Timestamp,
    actor: &'static str,
    sentence: &'a str,
}

impl<'a> ForPrograms<'a> {
    fn of(purchase: &'a Purchase, history: Option<&'a [Line]>) -> Self {
        let terms = &purchase.terms;
        let lines = |lines: &'a [Line]| {
            let each = lines.iter().map(|Line { at, actor, sentence, .. }| LineForPrograms {
                at: *at,
                actor: actor.name(),
                sentence,
            });
            each.collect()
        };
        Self {
            id: terms.id.to_string(),
            state: purchase.state().name(),
            matter: matter(purchase),
            cart: terms.cart.as_str(),
            amount: terms.amount.major().to_string(),
            currency: terms.amount.currency().code(),
            payment: purchase.payment().map(|payment| payment.as_str()),
            order: purchase.order().map(|order| order.as_str()),
            created_at: terms.created_at,
            history: history.map(lines),
        }
    }
}

fn matter(purchase: &Purchase) -> Option<&'static str> {
    match purchase.state() {
        PurchaseState::NeedsReconciliation { matter, .. } => Some(matter.name()),
        _ => None,
    }
}

/// Lists the newest purchases, of one state or of all.
pub async fn list(
    store: &Store,
    (state, limit): (Option<&'static str>, u32),
    form: Form,
    mut out: impl Write,
) -> Result<(), PurchasesError> {
    let read = store
        .read((state, limit), |tx, (state, limit)| Box::pin(purchase::newest(tx, *state, *limit)));
    let found: Vec<Stored> = read.await?;
    for Stored { purchase, .. } in &found {
        match form {
            Form::Json => {
                writeln!(out, "{}", serde_json::to_string(&ForPrograms::of(purchase, None))?)?;
            }
            Form::Table => {
                let terms = &purchase.terms;
                let state = matter(purchase).unwrap_or(purchase.state().name());
                let (id, cart, amount) = (terms.id, &terms.cart, terms.amount);
                writeln!(out, "{id}  {}  {state}  {amount}  cart {cart}", terms.created_at)?;
            }
        }
    }
    if found.is_empty() && form == Form::Table {
        writeln!(out, "There are no such purchases.")?;
    }
    Ok(())
}

/// Shows a purchase and its history.
pub async fn show(
    store: &Store,
    id: &str,
    form: Form,
    mut out: impl Write,
) -> Result<(), PurchasesError> {
    let id: PurchaseId = id.parse()?;
    let read = store.read(id, |tx, id| {
        Box::pin(async move {
            let history = purchase_history::of_purchase(tx, *id).await?;
            Ok::<_, StoreError>(purchase::by_id(tx, *id).await?.map(|stored| (stored, history)))
        })
    });
    let (stored, history) = read.await?.ok_or(PurchasesError::NoSuchPurchase)?;
    let purchase = &stored.purchase;
    if form == Form::Json {
        let shown = ForPrograms::of(purchase, Some(&history));
        return Ok(writeln!(out, "{}", serde_json::to_string(&shown)?)?);
    }
    let terms = &purchase.terms;
    writeln!(out, "purchase  {}  {}", terms.id, purchase.state().name())?;
    writeln!(out, "made      {}  {}", terms.created_at, terms.buyer.customer.email())?;
    writeln!(out, "cart      {}  {}", terms.cart, terms.amount)?;
    if let Some(payment) = purchase.payment() {
        writeln!(out, "payment   {payment}")?;
    }
    if let Some(order) = purchase.order() {
        writeln!(out, "order     {order}")?;
    }
    if let PurchaseState::NeedsReconciliation { matter, .. } = purchase.state() {
        writeln!(out, "look at   {}", matter.sentence())?;
    }
    writeln!(out)?;
    for Line { at, actor, sentence, .. } in &history {
        writeln!(out, "{at}  {:<8}  {sentence}", actor.name())?;
    }
    Ok(())
}

/// Ends a purchase by a person's word.
pub async fn end(px: &Px, wish: Wish, mut out: impl Write) -> Result<(), PurchasesError> {
    let id = wish.purchase;
    let ended = settle(px, wish).await?;
    let state = ended.state().name();
    writeln!(out, "Purchase {id} is {state}, and its item is closed.")?;
    if ended.is_live() {
        writeln!(out, "Its cart is tidied up as soon as a server runs.")?;
    }
    Ok(())
}
