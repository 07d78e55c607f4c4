//! The shield in the flows: whether an order may be made, and what a decline leads to. The rules are
//! in `domain::shield`; everything that is counted is rows, in the transaction of the order or of
//! the news that it belongs to.
//!
//! What if the process dies? Before the commit nothing was counted and nothing was made. After it the
//! order is there, and asking for it again counts nothing. A transaction that is run again because
//! its commit was lost may count an order twice, which costs its shopper a part of her allowance.

use domain::{
    contact::Email,
    event::News,
    id::{OrderId, VisitorId},
    order::Order,
    payment::{Consequence, Payment},
    shield::{
        self as rules, Breaker, BreakerMove, DECLINES_UNPROVEN_MAX, DeclineLimits, Held, Hindrance,
        Key, Limited, Mark, Network, Rules, Tally, Trait, Tries,
        work::{self, Solved},
    },
};
use gateways::turnstile::{Turnstile, Verdict};
use jiff::Timestamp;
use storage::{
    StoreError, Tx, attention,
    shield::{self, Watched},
};
use uuid::Uuid;

use super::{FlowError, apply::Heard};
use crate::context::Context;

/// What the shield is made of; a server whose operator has turned it off has none.
#[derive(Debug)]
pub struct Shield {
    /// The key of marks and challenges.
    pub key: Key,
    /// The limits.
    pub rules: Rules,
    /// Who can say that a person is there, beside a proof of work.
    pub widget: Option<Widget>,
}

/// The shop's widget of Turnstile.
#[derive(Debug)]
pub struct Widget {
    /// Its name in the page.
    pub site_key: String,
    /// Who checks its tokens.
    pub turnstile: Turnstile,
}

/// Who asks for a new order.
#[derive(Debug, Clone)]
pub struct Asking {
    /// Whose cart it is.
    pub visitor: VisitorId,
    /// Where she is; none where only a proxy's address is known.
    pub network: Option<Network>,
    /// A challenge that she says she has solved.
    pub solution: Option<Solution>,
}

/// How a challenge was solved.
#[derive(Debug, Clone)]
pub enum Solution {
    /// By counting.
    Work {
        /// The challenge as we gave it.
        challenge: String,
        /// The number.
        answer: String,
    },
    /// By the widget.
    Turnstile {
        /// Its token; empty where the widget could not be loaded.
        token: String,
    },
}

/// What must be solved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Challenge {
    /// A number is to be found, so that the digest of `challenge:number` begins with zeros.
    Work {
        /// The challenge, to be sent back as it is.
        challenge: String,
        /// How many bits are to be zero.
        bits: u32,
    },
    /// The widget is to be shown.
    Turnstile {
        /// Its name.
        site_key: String,
    },
}

/// What somebody has proven.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Proof {
    /// Nothing.
    None,
    /// A second of work, if nobody has used it before.
    Work(Solved),
    /// That a person is there.
    Person,
}

/// What an operation needs to decide about a new order.
#[derive(Debug, Clone, Copy)]
pub struct Guard {
    asker: rules::Asker,
    rules: Rules,
    /// What she has proven.
    pub proof: Proof,
}

/// What an operation needs to judge news.
#[derive(Debug, Clone, Copy)]
pub struct Watch {
    card: Option<Mark>,
    limits: DeclineLimits,
    breaker_percent: u32,
}

impl Shield {
    /// By what news is judged.
    pub fn watch(&self, news: &News) -> Watch {
        Watch {
            card: news.card.as_ref().map(|card| self.key.mark(Trait::Card(card))),
            limits: self.rules.declines,
            breaker_percent: self.rules.breaker_percent,
        }
    }

    fn guard(&self, who: &Asking, email: &Email, proof: Proof) -> Guard {
        let mark = |of| self.key.mark(of);
        let asker = rules::Asker {
            visitor: mark(Trait::Visitor(who.visitor)),
            network: who.network.map(|network| mark(Trait::Network(network))),
            email: mark(Trait::Email(email)),
        };
        Guard { asker, rules: self.rules, proof }
    }

    fn work(&self, visitor: VisitorId, id: Uuid, now: Timestamp) -> Challenge {
        let challenge = self.key.challenge(visitor, id, now);
        Challenge::Work { challenge, bits: work::BITS }
    }
}

/// The guard of a request; none where the shield is off. Work that was done is checked here;
/// Turnstile is asked only if a proof is needed at all ([`prove`]).
pub fn guard(cx: &Context, who: &Asking, email: &Email) -> Option<Guard> {
    let shield = cx.shield.as_ref()?;
    let solved = match &who.solution {
        Some(Solution::Work { challenge, answer }) => {
            shield.key.solved(who.visitor, (challenge, answer), cx.clock.now())
        }
        Some(Solution::Turnstile { .. }) | None => None,
    };
    Some(shield.guard(who, email, solved.map_or(Proof::None, Proof::Work)))
}

/// A proof is needed, and no work has proven anything: asks Turnstile, if there is something to ask.
/// Without a proof the answer is the challenge. Where Turnstile says nothing it is a proof of work:
/// an outage of others closes neither the shop nor the shield.
pub async fn prove(cx: &Context, who: &Asking, email: &Email) -> Result<Guard, FlowError> {
    let Some(shield) = &cx.shield else {
        return Err(FlowError::Broken("a proof for a shield that is off".to_owned()));
    };
    let work = || shield.work(who.visitor, cx.ids.next(), cx.clock.now());
    let challenge = match (&shield.widget, &who.solution) {
        (None, _) => work(),
        (Some(widget), Some(Solution::Turnstile { token })) => {
            match widget.turnstile.verify(token).await {
                Verdict::Passed => return Ok(shield.guard(who, email, Proof::Person)),
                Verdict::Failed => Challenge::Turnstile { site_key: widget.site_key.clone() },
                Verdict::NoVerdict => work(),
            }
        }
        (Some(widget), Some(Solution::Work { .. }) | None) => {
            Challenge::Turnstile { site_key: widget.site_key.clone() }
        }
    };
    Err(FlowError::ChallengeRequired(challenge))
}

impl Guard {
    /// Whether the order may be made, and if so with which proof; counts it. `None`: it needs a
    /// proof, and nothing was counted. `older` is the order whose place it takes.
    pub async fn admit(
        &self,
        tx: &mut Tx,
        order: &Order,
        older: Option<OrderId>,
    ) -> Result<Option<Proof>, FlowError> {
        let now = order.created_at;
        let limited: Vec<Limited> = self.asker.orders(&self.rules.orders).collect();
        let marks: Vec<Mark> = limited.iter().map(|(mark, _)| *mark).collect();
        let tallies = shield::tallies(tx, &marks).await?;
        let held = self.held(tx, older).await?;
        let holding = (held.as_slice(), pieces(order));
        rules::admit((&self.asker, &self.rules), |mark| tallies.of(mark), holding, now).map_err(
            |hindrance| match hindrance {
                Hindrance::TooOften { wait } => FlowError::TooOften { wait },
                Hindrance::TooManyPieces { max } => FlowError::TooManyPieces { max },
            },
        )?;
        let proof = match self.proof {
            Proof::Work(solved)
                if !shield::use_proof(tx, solved.id, order.id, solved.forget_at).await? =>
            {
                Proof::None
            }
            proof => proof,
        };
        let is_open = shield::breaker(tx).await?.is_some_and(|breaker| breaker.is_open(now));
        // Where there is nothing to pay no card can be tried.
        if is_open && proof == Proof::None && !order.totals.total().is_zero() {
            return Ok(None);
        }
        for (mark, limit) in limited {
            let tally = tallies.of(mark);
            let tally = Tally { orders: tally.orders.plus_one(limit, now), ..tally };
            shield::save_tally(tx, &tallies, (mark, tally), now).await?;
        }
        Ok(Some(proof))
    }

    /// What her network and her e-mail address hold, each by itself.
    async fn held(&self, tx: &mut Tx, older: Option<OrderId>) -> Result<[Held; 2], StoreError> {
        // More rows than both may have: then one of them has too many.
        let limit = self.rules.held.orders.saturating_add(1).saturating_mul(2);
        let unpaid = shield::orders_of(tx, &self.asker, limit).await?;
        let mut held = [Held::default(); 2];
        for watched in unpaid.iter().filter(|watched| Some(watched.order) != older) {
            let rules::Asker { network, email, .. } = watched.asker;
            let is_hers =
                [network.is_some() && network == self.asker.network, email == self.asker.email];
            for (held, _) in held.iter_mut().zip(is_hers).filter(|(_, is_hers)| *is_hers) {
                held.orders += 1;
                held.pieces = held.pieces.saturating_add(watched.pieces);
            }
        }
        Ok(held)
    }

    /// Remembers under which marks an unpaid order was made.
    pub async fn remember(
        &self,
        tx: &mut Tx,
        order: &Order,
        proof: Proof,
    ) -> Result<(), StoreError> {
        let watched = Watched {
            order: order.id,
            asker: self.asker,
            pieces: pieces(order),
            proven: proof != Proof::None,
        };
        shield::insert_order(tx, &watched).await
    }
}

fn pieces(order: &Order) -> u32 {
    order.lines.iter().fold(0, |sum, line| sum.saturating_add(line.quantity.count()))
}

/// Counts a try that was decided, and ends the tries on a payment where there have been too many
/// declines. `told` is what the news alone leads to.
pub async fn watch(
    tx: &mut Tx,
    before: &Payment,
    told: (Payment, Consequence),
    heard: &Heard,
    now: Timestamp,
) -> Result<(Payment, Consequence), StoreError> {
    let Some(watch) = &heard.watch else { return Ok(told) };
    let (payment, consequence) = told;
    if let Consequence::OrderPaid { .. } = consequence {
        let tries = Tries { succeeded: 1, declined: 0 };
        shield::add_tries(tx, tries, payment.order, now).await?;
        return Ok((payment, consequence));
    }
    if payment.declined().len() == before.declined().len() {
        return Ok((payment, consequence));
    }
    let tries = Tries { succeeded: 0, declined: 1 };
    shield::add_tries(tx, tries, payment.order, now).await?;
    let breaker = move_breaker(tx, watch, heard.id, now).await?;
    let is_over = count_decline(tx, watch, &payment, breaker, now).await?;
    match consequence {
        Consequence::Nothing if is_over => Ok(payment.stop_tries()),
        consequence => Ok((payment, consequence)),
    }
}

/// Opens the breaker, or holds it open, if it must be. Returns how it stands.
async fn move_breaker(
    tx: &mut Tx,
    watch: &Watch,
    item: Uuid,
    now: Timestamp,
) -> Result<Option<Breaker>, StoreError> {
    let known = shield::breaker(tx).await?;
    let tries = shield::tries(tx, now).await?;
    match Breaker::after_decline(known, tries, watch.breaker_percent, now) {
        BreakerMove::Stays => Ok(known),
        BreakerMove::Holds(breaker) => {
            shield::hold_breaker(tx, breaker).await?;
            Ok(Some(breaker))
        }
        BreakerMove::Opens(breaker) => {
            if shield::open_breaker(tx, breaker).await? {
                call_operator(tx, tries, breaker, item).await?;
            }
            Ok(Some(breaker))
        }
    }
}

/// One item for each incident.
async fn call_operator(
    tx: &mut Tx,
    tries: Tries,
    breaker: Breaker,
    id: Uuid,
) -> Result<(), StoreError> {
    let sentence = format!(
        "Banks refused {} of the last {} tries to pay: somebody is probably trying out stolen cards. \
         Until that is over every new order needs a challenge. Look at the declined payments at \
         Stripe and at Radar's rules; with TILL_TURNSTILE_SECRET the challenge asks for a person.",
        tries.declined,
        u64::from(tries.declined) + u64::from(tries.succeeded),
    );
    let item = attention::NewItem {
        id,
        order: None,
        kind: "card_testing".to_owned(),
        subject: breaker.opened_at.to_string(),
        sentence,
        at: breaker.opened_at,
    };
    if attention::raise(tx, &item).await? {
        tracing::warn!(kind = item.kind, sentence = item.sentence, "needs attention");
    }
    Ok(())
}

/// Counts a decline under every mark that is known. Returns whether it was one too many.
async fn count_decline(
    tx: &mut Tx,
    watch: &Watch,
    payment: &Payment,
    breaker: Option<Breaker>,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let watched = shield::order(tx, payment.order).await?;
    let mut limited: Vec<Limited> = Vec::new();
    limited.extend(watched.iter().flat_map(|watched| watched.asker.declines(&watch.limits)));
    limited.extend(watch.card.map(|card| (card, watch.limits.card)));
    let marks: Vec<Mark> = limited.iter().map(|(mark, _)| *mark).collect();
    if marks.is_empty() {
        return Ok(false);
    }
    let tallies = shield::tallies(tx, &marks).await?;
    let mut levels = Vec::with_capacity(limited.len());
    for (mark, limit) in limited {
        let tally = tallies.of(mark);
        let declines = tally.declines.plus_one(limit, now);
        shield::save_tally(tx, &tallies, (mark, Tally { declines, ..tally }), now).await?;
        levels.push((declines, limit));
    }
    let is_unproven = watched.is_some_and(|watched| !watched.proven);
    let is_open = breaker.is_some_and(|breaker| breaker.is_open(now));
    let are_enough = payment.declined().len() >= DECLINES_UNPROVEN_MAX;
    Ok(rules::is_full(&levels, now) || (is_open && is_unproven && are_enough))
}

/// What the shield did with a request, for those who count; nothing where it had no part.
pub fn outcome<T>(made: &Result<T, FlowError>) -> Option<&'static str> {
    match made {
        Ok(_) => Some("passed"),
        Err(FlowError::TooOften { .. } | FlowError::TooManyPieces { .. }) => Some("refused"),
        Err(FlowError::ChallengeRequired(_)) => Some("challenged"),
        Err(_) => None,
    }
}

/// Rows of each kind that are thrown away at a time: one short transaction.
const FORGOTTEN_AT_ONCE: u32 = 200;

/// Throws away what no longer matters. Returns how many rows.
pub async fn forget(cx: &Context) -> Result<usize, FlowError> {
    let now = cx.clock.now();
    let old = cx
        .store
        .read(now, |tx, now| Box::pin(shield::old(tx, *now, FORGOTTEN_AT_ONCE)))
        .await
        .map_err(FlowError::Store)?;
    let count = old.count();
    if count > 0 {
        let input = (old, now);
        let write = cx.store.write(input, |tx, (old, now)| Box::pin(shield::forget(tx, old, *now)));
        write.await.map_err(FlowError::Store)?;
    }
    Ok(count)
}
