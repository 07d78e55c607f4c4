//! From cart to intent: the order is written down with its reservation and its payment attempt,
//! then the gateway is asked, then the answer is kept.
//!
//! What if the process dies after each step? After the first transaction: the worker finds the
//! attempt and asks with the same key. After the gateway's answer: likewise, and the gateway
//! repeats its answer. After the second transaction: nothing is left to do.

use std::{slice, time::Duration};

use domain::{
    cart::Cart,
    checkout::{self, ChargeLimits, CheckoutRequest, NewOrder, Placed, Refusal},
    customer::Mailbox,
    id::{CartId, CustomerId, OrderId, PaymentId, SessionId, VisitorId},
    money::Money,
    order::{Fingerprint, Order, OrderState},
    payment::{Attempt, IdempotencyKey, Payment, PaymentState},
    pricing::PriceRules,
    purchase::CartHash,
    session::{Followed, SeenTotal, SessionOrder, SessionRefusal, Standing as Shown},
};
use gateways::stripe::{CancelReason, Stripe};
use storage::{
    StoreError, Tx, cart,
    catalog::{self, StockMove},
    customer, customer_order, history, order,
    payment::{self, Inserted},
    session,
};
use url::Url;

use super::{
    FlowError, announce,
    apply::{self, Heard, Standing},
    ask,
    session::native,
    shield::{self, Asking, Guard, Proof},
    tell,
};
use crate::context::{Cx, after};

/// What the browser needs to pay.
#[derive(Debug, Clone)]
pub struct Intent {
    /// The order, pending; paid already where the total is zero.
    pub order: Order,
    /// Lets the browser, and only it, confirm this payment. Absent when there is nothing to pay.
    pub client_secret: Option<String>,
}

/// How often a cart's older order may be replaced by this call before it gives up: once for the
/// order that was there, once more for one that another tab made in the meantime.
const REPLACEMENTS_MAX: usize = 2;

/// A proof that must be asked for elsewhere is asked for once.
const PROOFS_MAX: usize = 1;

/// Closing the older payment takes two calls of ten seconds; meanwhile its cancellation is left to
/// the transaction that makes the new order.
const REPLACING_TAKES: Duration = Duration::from_secs(60);
/// So long after an order was paid the same request is taken for a repetition.
const REPEATED_WITHIN: Duration = Duration::from_secs(60 * 60);
/// Typing a card's number and finding the phone for 3-D Secure.
const PAYING_TAKES: Duration = Duration::from_secs(10 * 60);

/// Makes the visitor's cart an order and asks for its payment. The same cart and request lead to
/// the same order; another request replaces the order, once the gateway has confirmed that the
/// old payment can no longer succeed.
pub async fn start_checkout(
    cx: &Cx,
    who: Asking,
    request: CheckoutRequest,
) -> Result<Intent, FlowError> {
    match counted(make_order(cx, &who, request, None).await)? {
        Made::Paid(order) => Ok(Intent { order: *order, client_secret: None }),
        Made::Asked(standing) => ready(*standing),
    }
}

/// Makes the cart of a session an order that is paid in the same call, with the request's token. From
/// then on the session follows the order's payment; where a payment of the cart is under way already,
/// whoever began it, it follows that one, and nothing is begun.
pub async fn pay_session(
    cx: &Cx,
    who: Asking,
    request: CheckoutRequest,
    seen: Seen,
) -> Result<(), FlowError> {
    counted(make_order(cx, &who, request, Some(seen)).await).map(drop)
}

/// A session whose shopper pays, and what she saw: nothing else is charged.
#[derive(Debug, Clone)]
pub struct Seen {
    /// The session.
    pub session: SessionId,
    /// What was in the cart.
    pub cart_hash: CartHash,
    /// What it cost.
    pub total: Money,
    /// What her page showed her that it costs: not the same where the session was priced anew since.
    pub page: SeenTotal,
    /// Where she comes back to from her bank.
    pub return_url: Url,
}

/// What came of a request.
enum Made {
    /// There was nothing to pay, or it is paid already.
    Paid(Box<Order>),
    /// The gateway was asked.
    Asked(Box<Standing>),
}

fn counted(made: Result<Made, FlowError>) -> Result<Made, FlowError> {
    if let Some(what) = shield::outcome(&made) {
        metrics::counter!("till_shield_total", "what" => what).increment(1);
    }
    made
}

async fn make_order(
    cx: &Cx,
    who: &Asking,
    request: CheckoutRequest,
    seen: Option<Seen>,
) -> Result<Made, FlowError> {
    let mut guard = shield::guard(cx, who, &request.email);
    let mut replaced = None;
    for _ in 0..=REPLACEMENTS_MAX + PROOFS_MAX {
        let asked = (request.clone(), seen.clone());
        let step = write_down(cx, who.visitor, asked, guard, replaced.take()).await?;
        let older = match step {
            Step::Prove => {
                guard = Some(shield::prove(cx, who, &request.email).await?);
                continue;
            }
            Step::Paid(order) => return Ok(Made::Paid(order)),
            Step::Ask(id) => return Ok(Made::Asked(Box::new(ask::ask(cx, id).await?))),
            Step::Ready(standing) => return Ok(Made::Asked(standing)),
            Step::Replace(older) => *older,
        };
        replaced = Some(close(cx, older).await?);
    }
    Err(FlowError::PaymentUnknown)
}

fn ready(standing: Standing) -> Result<Intent, FlowError> {
    let Standing { order, payment } = standing;
    match (payment.payment.state(), payment.client_secret) {
        (state, Some(secret)) if state.is_live() => {
            Ok(Intent { order, client_secret: Some(secret) })
        }
        (_, Some(_)) => Err(FlowError::Conflict { order: order.id }),
        (_, None) => Err(FlowError::PaymentUnknown),
    }
}

/// Makes sure that the older order of the cart can no longer be paid. The answer is not applied
/// here but in the transaction that makes the new order, so that the reservation goes from one
/// to the other without a gap.
async fn close(cx: &Cx, older: Standing) -> Result<(OrderId, Heard), FlowError> {
    let id = older.order.id;
    let conflict = || FlowError::Conflict { order: id };
    let older = match older.payment.payment.reference() {
        Some(_) => older,
        None => ask::ask(cx, id).await.map_err(|_| conflict())?,
    };
    let Some(reference) = older.payment.payment.reference() else { return Err(conflict()) };
    let answer = cx.stripe.retrieve(reference).await.map_err(|_| conflict())?;
    let answer = if ask::may_be_cancelled(&answer) {
        let closed = ask::request_cancel(cx, &older, CancelReason::Duplicate).await;
        closed.map_err(|_| conflict())?.ok_or_else(conflict)?
    } else {
        answer
    };
    if ask::is_cancelled(&answer) {
        return Ok((id, ask::heard(cx, &answer.news)));
    }
    // It succeeded, or is under way: that is the order of this cart.
    ask::hear(cx, id, &answer).await?;
    Err(FlowError::Conflict { order: id })
}

#[derive(Debug)]
struct Writing {
    visitor: VisitorId,
    request: CheckoutRequest,
    new: NewOrder,
    prices: PriceRules,
    charges: ChargeLimits,
    stripe: Stripe,
    /// None where the shield is off.
    guard: Option<Guard>,
    /// An older order of the cart whose payment the gateway has cancelled.
    replaced: Option<(OrderId, Heard)>,
    /// The session that pays; none where the browser is going to.
    seen: Option<Seen>,
}

enum Step {
    /// The order needs a proof. Nothing was written.
    Prove,
    /// Nothing to pay.
    Paid(Box<Order>),
    /// The gateway must be asked.
    Ask(OrderId),
    /// It has been asked, and has answered.
    Ready(Box<Standing>),
    /// An older order of the cart stands in the way.
    Replace(Box<Standing>),
}

async fn write_down(
    cx: &Cx,
    visitor: VisitorId,
    (request, seen): (CheckoutRequest, Option<Seen>),
    guard: Option<Guard>,
    replaced: Option<(OrderId, Heard)>,
) -> Result<Step, FlowError> {
    let new = NewOrder {
        order: OrderId(cx.ids.next()),
        payment: PaymentId(cx.ids.next()),
        at: cx.clock.now(),
        expires_at: cx.later(cx.shop.reservation),
    };
    let (prices, charges) = (cx.shop.prices.clone(), cx.shop.charges);
    let stripe = cx.stripe.clone();
    let input = Writing { visitor, request, new, prices, charges, stripe, guard, replaced, seen };
    cx.store.write(input, |tx, writing| Box::pin(writing.run(tx))).await
}

impl Writing {
    async fn run(&self, tx: &mut Tx) -> Result<Step, FlowError> {
        // A lost commit runs this again: what is ours already is done.
        if let Some(order) = order::load(tx, self.new.order).await? {
            return Ok(if order.totals.total().is_zero() {
                Step::Paid(Box::new(order))
            } else {
                Step::Ask(order.id)
            });
        }
        // Before her cart, as whoever signs in has it. An account that is being deleted is gone then: a
        // dead customer has no order.
        let customer = customer::lock_of_visitor(tx, self.visitor).await?;
        let Some(cart) = cart::lock_of_visitor(tx, self.visitor).await? else {
            return Err(Refusal::CartEmpty.into());
        };
        self.close_replaced(tx).await?;
        let live = self.live(tx, cart.id).await?;
        let fingerprint = checkout::fingerprint(&cart, &self.request);
        if let Some(live) = &live
            && self.seen.is_some()
            && (is_under_way(live) || live.order.fingerprint == fingerprint)
        {
            self.follow(tx, live).await?;
            return Ok(Step::Ready(Box::new(live.clone())));
        }
        if let Some(step) = live.as_ref().and_then(|live| same(live, fingerprint)) {
            return self.leave_time(tx, step).await;
        }
        self.compare_cart(&cart)?;
        if let Some(order) = self.paid_before(tx, &cart).await? {
            return Ok(Step::Paid(Box::new(order)));
        }
        let offers = catalog::offers_of_cart(tx, cart.id).await?;
        let rules = (&self.prices, &self.charges);
        // Asked before an older order is given up: a request that cannot succeed costs nothing.
        let placed = checkout::place(&cart, &offers, self.request.clone(), self.new, rules)?;
        self.compare_total(&placed.order)?;
        let older = live.as_ref().map(|live| live.order.id);
        let Some(proof) = self.admit(tx, &placed.order, older).await? else {
            return Ok(Step::Prove);
        };
        if let Some(live) = live {
            let until = after(self.new.at, REPLACING_TAKES);
            payment::hold(tx, live.payment.payment.id, Some(until)).await?;
            if live.payment.held_until != Some(until) {
                history::note(tx, &tell::replaced(live.order.id, self.new.at)).await?;
            }
            return Ok(Step::Replace(Box::new(live)));
        }
        self.insert(tx, placed, (customer, proof)).await
    }

    /// Whether the shield lets the order pass, counted once: with an order that takes another's
    /// place, when the other is given up for it.
    async fn admit(
        &self,
        tx: &mut Tx,
        order: &Order,
        older: Option<OrderId>,
    ) -> Result<Option<Proof>, FlowError> {
        match (&self.guard, &self.replaced) {
            (Some(guard), None) => guard.admit(tx, order, older).await,
            (Some(guard), Some(_)) => Ok(Some(guard.proof)),
            (None, _) => Ok(Some(Proof::None)),
        }
    }

    /// The same request again, after its order was paid and its lines left the cart, is that
    /// order: a page that was reloaded, or an answer that was lost.
    async fn paid_before(&self, tx: &mut Tx, cart: &Cart) -> Result<Option<Order>, StoreError> {
        if !cart.lines().is_empty() {
            return Ok(None);
        }
        let newest = order::newest_of_cart(tx, cart.id).await?;
        Ok(newest.filter(|order| match order.state() {
            OrderState::Paid { at, .. } => {
                after(*at, REPEATED_WITHIN) > self.new.at && self.request.is_that_of(order)
            }
            OrderState::Pending { .. }
            | OrderState::Failed { .. }
            | OrderState::Cancelled { .. } => false,
        }))
    }

    /// A shopper who comes back to a page just before the end has time to pay.
    async fn leave_time(&self, tx: &mut Tx, step: Step) -> Result<Step, FlowError> {
        let Step::Ready(mut standing) = step else { return Ok(step) };
        let until = after(self.new.at, PAYING_TAKES);
        let longer = standing.order.clone().extend(until);
        if let Ok(order) = longer
            && order != standing.order
        {
            order::save_state(tx, &order, self.new.at).await?;
            history::note_once(tx, &tell::back_to_pay(order.id, self.new.at)).await?;
            standing.order = order;
        }
        Ok(Step::Ready(standing))
    }

    /// The older order's cancellation and the new order's reservation are one transaction: nobody
    /// else can take the pieces in between.
    async fn close_replaced(&self, tx: &mut Tx) -> Result<(), StoreError> {
        if let Some((order, heard)) = &self.replaced {
            if let Some(older) = payment::of_order(tx, *order).await? {
                payment::hold(tx, older.payment.id, None).await?;
            }
            apply::apply(tx, *order, slice::from_ref(heard), self.new.at).await?;
        }
        Ok(())
    }

    async fn live(&self, tx: &mut Tx, cart: CartId) -> Result<Option<Standing>, StoreError> {
        let Some(payment) = payment::live_of_cart(tx, cart).await? else { return Ok(None) };
        let order = order::lock(tx, payment.payment.order).await?;
        Ok(order.map(|order| Standing { order, payment }))
    }

    async fn insert(
        &self,
        tx: &mut Tx,
        Placed { order, payment }: Placed,
        (customer, proof): (Option<CustomerId>, Proof),
    ) -> Result<Step, FlowError> {
        order::insert(tx, &order).await?;
        customer_order::insert(tx, order.id, customer, &Mailbox::of(&order.email)).await?;
        let made = tell::made(&order);
        let Some(payment) = payment else {
            history::note(tx, &made).await?;
            reserve(tx, &order).await?;
            apply::move_reserved(tx, &order.lines, StockMove::Sell).await?;
            apply::take_from_cart(tx, &order, self.new.at).await?;
            announce::order_moved(tx, &order, None, self.new.at).await?;
            let free = SessionOrder { id: order.id.to_string(), transaction: None, is_free: true };
            self.show_session(tx, &order, Shown::Succeeded(free)).await?;
            return Ok(Step::Paid(Box::new(order)));
        };
        let attempt = Attempt {
            payment: payment.id,
            number: 1,
            key: IdempotencyKey::create(payment.id, 1),
            request: self.encode(&order, &payment)?,
            created_at: self.new.at,
        };
        let due_at = apply::first_look(self.new.at);
        match payment::insert(tx, &payment, order.cart, &attempt, due_at).await? {
            Inserted::New | Inserted::AlreadyMine => {}
            // The cart is locked and had none a moment ago.
            Inserted::CartHasAnother => {
                return Err(FlowError::Broken("two live payments".to_owned()));
            }
        }
        history::note_all(tx, &[made, tell::asked(&payment, &attempt)]).await?;
        if let Some(guard) = &self.guard {
            guard.remember(tx, &order, proof).await?;
        }
        self.show_session(tx, &order, Shown::Pending { reconciling: false }).await?;
        // Last, so that a product that everybody wants is locked for a moment only.
        reserve(tx, &order).await?;
        Ok(Step::Ask(order.id))
    }

    /// Makes the session follow the live payment of its cart.
    async fn follow(&self, tx: &mut Tx, live: &Standing) -> Result<(), FlowError> {
        self.show_session(tx, &live.order, Shown::Pending { reconciling: false }).await?;
        Ok(apply::show(tx, &live.payment, self.new.at).await?)
    }

    /// Makes the session follow the payment of an order, and shows how that stands. The cart is
    /// locked, so nothing else moves the sessions that follow payments of it.
    async fn show_session(
        &self,
        tx: &mut Tx,
        order: &Order,
        standing: Shown,
    ) -> Result<(), FlowError> {
        let Some(seen) = &self.seen else { return Ok(()) };
        let session = session::lock_of_visitor(tx, seen.session, self.visitor).await?;
        let session = session.ok_or(SessionRefusal::Over)?;
        let (of, paid_for) = (Followed::Order(order.id), native::hash_of_lines(&order.lines));
        let shown = session.begin(of, self.new.at)?.show(of, standing, paid_for, self.new.at);
        Ok(session::save(tx, &shown, self.new.at).await?)
    }

    /// What is charged is what the shopper saw.
    fn compare_cart(&self, cart: &Cart) -> Result<(), FlowError> {
        match &self.seen {
            Some(seen) if seen.cart_hash != native::hash(cart) => Err(FlowError::NotAsSeen),
            Some(_) | None => Ok(()),
        }
    }

    fn compare_total(&self, order: &Order) -> Result<(), FlowError> {
        let total = order.totals.total();
        match &self.seen {
            Some(seen) if seen.total != total || !seen.page.allows(total) => {
                Err(FlowError::NotAsSeen)
            }
            Some(_) | None => Ok(()),
        }
    }

    fn encode(&self, order: &Order, payment: &Payment) -> Result<String, FlowError> {
        let encoded = match (&self.request.token, &self.seen) {
            (Some(token), Some(seen)) => {
                self.stripe.encode_paid(order, payment, (token, &seen.return_url))
            }
            (None, _) | (Some(_), None) => self.stripe.encode_create(order, payment),
        };
        // What cannot be charged was refused before.
        encoded.map_err(|error| FlowError::Broken(error.to_string()))
    }
}

/// The same cart and request again is the same order.
fn same(live: &Standing, fingerprint: Fingerprint) -> Option<Step> {
    use PaymentState as S;
    if live.order.fingerprint != fingerprint {
        return None;
    }
    match (live.payment.payment.state(), &live.payment.client_secret) {
        // No further try is allowed on it, so a new order takes its place once it is closed.
        (S::Closing { .. }, _) => None,
        (_, Some(_)) => Some(Step::Ready(Box::new(live.clone()))),
        (_, None) => Some(Step::Ask(live.order.id)),
    }
}

/// Whether the shopper has paid, as far as she can, so that another try waits for the end of this
/// one. One that a bank refused, or that no browser has confirmed, is closed for another.
fn is_under_way(live: &Standing) -> bool {
    use PaymentState as S;
    match live.payment.payment.state() {
        S::Created | S::Unknown | S::RequiresAction | S::Processing | S::Answered => true,
        S::Open
        | S::Declined { .. }
        | S::Closing { .. }
        | S::Succeeded { .. }
        | S::Failed { .. }
        | S::Cancelled => false,
    }
}

/// Sets the pieces aside. Somebody may have been faster since the offers were read: then nothing
/// is written at all.
async fn reserve(tx: &mut Tx, order: &Order) -> Result<(), FlowError> {
    let refused = catalog::move_stock(tx, &order.lines, StockMove::Reserve).await?;
    if refused.is_empty() {
        return Ok(());
    }
    let offers = catalog::offers_of_cart(tx, order.cart).await?;
    let short = order.lines.iter().filter(|line| refused.contains(&line.product));
    let shortages = short.map(|line| {
        let offer = offers.iter().find(|offer| offer.product.id == line.product);
        // What the order itself would hold is not there for it.
        line.shortage(Some(line.id), offer.map_or(0, |offer| offer.product.available()))
    });
    Err(Refusal::StockChanged(shortages.collect()).into())
}
