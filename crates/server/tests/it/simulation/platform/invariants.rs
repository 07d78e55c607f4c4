//! What always holds at Elastic Path, looked at after every step: our purchases and sessions beside
//! the platform's books. Each breach is a sentence.

use std::collections::{BTreeMap, BTreeSet};

use domain::{
    id::PurchaseId,
    purchase::{CartHash, Purchase, PurchaseState},
    session::{CheckoutSession, SessionState},
};
use simulators::elastic_path::{Ledger, LedgerCart, LedgerPayment};
use storage::{attention::Item, purchase::Stored};

use super::Platform;
use crate::platform_books as books;

/// Money that was taken has its order or its item within five minutes; the worker looks once in so
/// long here, and a second in truth.
const SETTLED_WITHIN_MS: i64 = (5 * 60 + LOOKS_EVERY_S) * 1000;
/// How often a purchase that waits for a bank is looked at.
const LOOK_WITHIN_MS: i64 = 240 * 1000;
/// Two looks of a worker that works are not further apart.
const LOOKS_EVERY_S: i64 = 61;

/// What was known after the last step.
#[derive(Default)]
pub struct Memory {
    /// For how long the worker has worked while no process was missing.
    worked_ms: i64,
    worked_at: i64,
    deaths: u32,
    /// Money that nobody has accounted for yet, and since when.
    waiting: BTreeMap<String, Waiting>,
    /// Every purchase, with the payment of another program that its cart had before.
    purchases: BTreeMap<PurchaseId, Option<String>>,
    orders: BTreeSet<String>,
    carts: BTreeMap<String, LedgerCart>,
    /// What sessions have come to.
    bought: BTreeMap<String, String>,
}

/// Money that was seen at the platform.
struct Waiting {
    /// When our next look at its purchase was due.
    look_at: i64,
    /// How long the worker had worked when that look could be made.
    since: Option<i64>,
}

impl Memory {
    /// The worker has looked.
    pub fn worked(&mut self, now: i64) {
        let passed = now - self.worked_at;
        if passed <= LOOKS_EVERY_S * 1000 {
            self.worked_ms += passed;
        }
        self.worked_at = now;
    }

    /// Whether an order was there after the last step.
    pub fn knows_order(&self, order: &str) -> bool {
        self.orders.contains(order)
    }
}

/// Our rows and the platform's books at one moment.
struct Sight {
    stored: Vec<Stored>,
    purchases: Vec<Purchase>,
    sessions: Vec<CheckoutSession>,
    items: Vec<Item>,
    ledger: Ledger,
}

impl Sight {
    fn of(world: &Platform) -> Self {
        let (street, store) = (&world.town.street, &world.town.ground.store);
        let stored = street.block_on(books::stored(store));
        Self {
            purchases: stored.iter().map(|stored| stored.purchase.clone()).collect(),
            stored,
            sessions: street.block_on(books::followers(store)),
            items: street.block_on(books::open_items(store)),
            ledger: world.ep.ledger(),
        }
    }

    /// Whether a person is told of this: a purchase, a payment, an order.
    fn is_told(&self, name: &str) -> bool {
        self.items.iter().any(|item| item.sentence.contains(name) || item.subject.contains(name))
    }

    fn is_purchase_told(&self, purchase: &Purchase) -> bool {
        self.is_told(&purchase.terms.id.to_string())
    }

    /// The purchase that a payment was made for; another program's has none.
    fn purchase_of(&self, payment: &LedgerPayment) -> Option<&Stored> {
        let attempt = payment.metadata["attempt"].as_str()?;
        self.stored.iter().find(|one| one.purchase.terms.id.to_string() == attempt)
    }

    fn kept(&self) -> impl Iterator<Item = &LedgerPayment> {
        self.ledger.payments.iter().filter(|one| is_kept(one))
    }
}

/// Whether it holds a shopper's money.
fn is_kept(payment: &LedgerPayment) -> bool {
    let holds = matches!(payment.status, "succeeded" | "requires_capture");
    holds && payment.amount_refunded < payment.amount
}

/// Looks at everything; the first breach is told.
pub fn check(world: &Platform, memory: &mut Memory) -> Result<(), String> {
    let sight = Sight::of(world);
    check_charges(&sight)?;
    check_seen(world, &sight)?;
    check_carts(&sight)?;
    check_accounts(world, &sight)?;
    let begun = begun_since(world, &sight, memory);
    check_found(&sight, memory)?;
    check_sessions(&sight, memory)?;
    check_in_time(world, &sight, memory)?;
    check_kept_items(world, &sight, (memory, &begun))?;
    if sight.purchases.len() < memory.purchases.len() {
        return Err("a purchase has vanished".to_owned());
    }
    memory.orders = sight.ledger.orders.into_iter().map(|order| order.id).collect();
    Ok(())
}

/// Whoever says what her page shows is charged that, and nothing that it showed to nobody.
fn check_seen(world: &Platform, sight: &Sight) -> Result<(), String> {
    for purchase in &sight.purchases {
        let (id, amount) = (purchase.terms.id, purchase.terms.amount.minor());
        if let Some(said) = said_of(world, purchase)
            && !said.contains(&amount)
        {
            return Err(format!("{id} costs {amount}, and her clicks said {said:?}"));
        }
    }
    Ok(())
}

fn said_of<'a>(world: &'a Platform, purchase: &Purchase) -> Option<&'a BTreeSet<i64>> {
    let session = purchase.terms.session.to_string();
    world.shoppers.iter().find_map(|shopper| shopper.browser.said_of(&session))
}

/// The carts whose purchase began since we looked last and may hold more than we have seen: somebody
/// added to them in between, and of two clicks of a page that does not say what it shows the first was
/// told so and the second has paid it. Whoever says what she sees pays no more for it, so only what
/// makes no difference to the sum may have come in between.
fn begun_since(world: &Platform, sight: &Sight, memory: &Memory) -> BTreeSet<String> {
    let new = sight.purchases.iter().filter(|one| !memory.purchases.contains_key(&one.terms.id));
    let of_other_goods = new.filter(|one| {
        let before = memory.carts.get(one.terms.cart.as_str());
        let sum =
            before.map(|cart| cart.lines.iter().map(|line| line.quantity * line.unit_amount).sum());
        said_of(world, one).is_none() || sum == Some(one.terms.amount.minor())
    });
    of_other_goods.map(|one| one.terms.cart.to_string()).collect()
}

/// A purchase takes money once, as much as its shopper has seen; what could not be prevented a person
/// knows of.
fn check_charges(sight: &Sight) -> Result<(), String> {
    for purchase in &sight.purchases {
        let (id, amount) = (purchase.terms.id, purchase.terms.amount.minor());
        if sight.is_purchase_told(purchase) {
            continue;
        }
        let own = books::of_attempt(purchase, &sight.ledger);
        let kept: Vec<_> = sight.kept().filter(|one| own.contains(&one.id)).collect();
        if kept.len() > 1 {
            return Err(format!("{id} was charged {} times", kept.len()));
        }
        // Of a charge that is on its way it cannot tell; that it hears of it in time is looked at beside.
        let has_heard = purchase.payment().is_some() || !purchase.is_live();
        if has_heard && let Some(other) = kept.iter().find(|one| one.amount != amount) {
            return Err(format!("{} is of {}, and {id} costs {amount}", other.id, other.amount));
        }
    }
    let payments = &sight.ledger.payments;
    let stray = payments.iter().find(|one| !is_elsewhere(one) && sight.purchase_of(one).is_none());
    stray.map_or(Ok(()), |one| Err(format!("{} was made for no purchase", one.id)))
}

/// A cart has one live purchase, and what it held is sold once.
fn check_carts(sight: &Sight) -> Result<(), String> {
    let mut live = BTreeMap::new();
    let mut sold = BTreeMap::new();
    for purchase in &sight.purchases {
        let (id, cart) = (purchase.terms.id, purchase.terms.cart.to_string());
        if purchase.is_live()
            && let Some(other) = live.insert(cart.clone(), id)
        {
            return Err(format!("{other} and {id} of one cart are live"));
        }
        let own = books::of_attempt(purchase, &sight.ledger);
        let is_charged = sight.kept().any(|one| own.contains(&one.id));
        if !is_charged && !books::is_sold(purchase) {
            continue;
        }
        let goods = (cart, purchase.terms.cart_hash.0);
        if let Some(other) = sold.insert(goods, id)
            && !sight.is_purchase_told(purchase)
            && !sight.is_told(&other.to_string())
        {
            return Err(format!("{other} and {id} have both been paid for the same goods"));
        }
    }
    Ok(())
}

/// Nobody buys in the name of an account that she has not signed in to, and an order is its own.
fn check_accounts(world: &Platform, sight: &Sight) -> Result<(), String> {
    for purchase in &sight.purchases {
        let terms = &purchase.terms;
        let (id, session) = (terms.id.to_string(), terms.session.to_string());
        let account = terms.buyer.account.as_ref().map(|account| account.account.to_string());
        let buyer = world.shoppers.iter().find(|one| one.browser.has(&session));
        let is_hers = |account| buyer.is_none_or(|buyer| buyer.accounts.contains(account));
        if !account.as_ref().is_none_or(is_hers) {
            return Err(format!("{id} is bought in the name of {account:?}, and by another"));
        }
        let mut orders = sight.ledger.orders.iter();
        let is_its = |external: &Option<String>| external.as_deref() == Some(&id);
        let astray = orders.find(|one| is_its(&one.external_ref) && one.account_id != account);
        if let Some(order) = astray {
            let there = &order.account_id;
            return Err(format!("{} is {there:?}'s, and {id} is {account:?}'s", order.id));
        }
    }
    Ok(())
}

/// Money that another program had taken for a cart is not taken once more without a word, as long as the
/// cart names it.
fn check_found(sight: &Sight, memory: &mut Memory) -> Result<(), String> {
    for purchase in &sight.purchases {
        let Memory { purchases, carts, .. } = memory;
        let found = purchases.entry(purchase.terms.id).or_insert_with(|| {
            let cart = carts.get(&purchase.terms.cart.to_string());
            let found = cart.and_then(|cart| cart.payment_intent_id.clone());
            let of = sight.ledger.payments.iter().find(|one| Some(&one.id) == found.as_ref());
            let is_anothers = of.is_some_and(|one| sight.purchase_of(one).is_none());
            found.filter(|_| is_anothers)
        });
        let Some(found) = found else { continue };
        let own = books::of_attempt(purchase, &sight.ledger);
        let both = sight.kept().any(|one| own.contains(&one.id))
            && sight.kept().any(|one| one.id == *found);
        let is_named = !is_hidden(found, &own, &sight.ledger.payments);
        if both && is_named && !sight.is_told(found) && !sight.is_purchase_told(purchase) {
            let id = purchase.terms.id;
            return Err(format!("{id} was charged on a cart that {found} had paid"));
        }
    }
    Ok(())
}

/// Whether another program has paid the cart once more before our own payment: a cart names its last
/// payment only, so nobody can see the one before.
fn is_hidden(found: &str, own: &[String], payments: &[LedgerPayment]) -> bool {
    let Some(place) = payments.iter().position(|one| one.id == found) else { return false };
    let later = payments[place + 1..].iter().take_while(|one| !own.contains(&one.id));
    later.filter(|one| one.cart_id == payments[place].cart_id).any(is_elsewhere)
}

/// Whether another program has asked for it.
fn is_elsewhere(payment: &LedgerPayment) -> bool {
    payment.metadata["attempt"].as_str().is_some_and(|name| name.starts_with("elsewhere"))
}

/// Each session shows how its purchase stands, none shows success without the platform's paid order,
/// and what is bought stays bought.
fn check_sessions(sight: &Sight, memory: &mut Memory) -> Result<(), String> {
    if let Some(fault) = books::shown_otherwise(&sight.sessions, &sight.purchases).pop() {
        return Err(fault);
    }
    for session in &sight.sessions {
        let id = session.id.to_string();
        let order = match session.state() {
            SessionState::Complete { order, .. } => order,
            SessionState::Open { .. }
            | SessionState::Processing { .. }
            | SessionState::ActionRequired { .. }
            | SessionState::Expired { .. } => {
                if let Some(order) = memory.bought.get(&id) {
                    return Err(format!("session {id} had bought {order}, and is open again"));
                }
                continue;
            }
        };
        let there = sight.ledger.orders.iter().find(|one| one.id == order.id);
        let is_paid = there.is_some_and(|one| matches!(one.payment, "paid" | "authorized"));
        if !is_paid {
            return Err(format!("session {id} shows success, and {} is not paid", order.id));
        }
        let before = memory.bought.insert(id.clone(), order.id.clone());
        if before.is_some_and(|before| before != order.id) {
            return Err(format!("session {id} has bought another order"));
        }
    }
    Ok(())
}

/// Money that was taken has a paid order or a person who knows, in time. The time is that in which a
/// worker works; it begins with the first look that is due once the money is there.
fn check_in_time(world: &Platform, sight: &Sight, memory: &mut Memory) -> Result<(), String> {
    let (now, deaths) = (world.town.now(), world.town.deaths);
    // What a dead process had claimed is left alone for a minute.
    memory.worked_ms -= i64::from(deaths - memory.deaths) * LOOKS_EVERY_S * 1000;
    memory.deaths = deaths;
    for payment in sight.kept() {
        let Some(stored) = sight.purchase_of(payment) else { continue };
        let purchase = &stored.purchase;
        let own_order = sight
            .ledger
            .transactions
            .iter()
            .find(|one| one.reference == payment.id && one.status == "complete");
        let is_settled = books::is_sold(purchase) && own_order.is_some();
        if is_settled || sight.is_purchase_told(purchase) || sight.is_told(&payment.id) {
            memory.waiting.remove(&payment.id);
            continue;
        }
        // Who knows that money may have moved calls a person without a word of the platform's.
        let is_known = purchase.progress().money_since.is_some();
        let due_at = stored.due_at.filter(|_| !is_known);
        let look_at = due_at.map_or(now, |due| due.as_millisecond());
        let worked = memory.worked_ms;
        let waiting = memory.waiting.entry(payment.id.clone());
        let waiting = waiting.or_insert(Waiting { look_at, since: None });
        // While the platform is ordered to fail nothing can be known in time of what a bank moves.
        if world.ep.has_faults() && !is_known {
            *waiting = Waiting { look_at: now + LOOK_WITHIN_MS, since: None };
        }
        if now < waiting.look_at {
            continue;
        }
        let since = *waiting.since.get_or_insert(worked);
        if worked - since > SETTLED_WITHIN_MS {
            let (id, state) = (purchase.terms.id, purchase.state().name());
            let seconds = (worked - since) / 1000;
            return Err(format!(
                "{} has money for {id}, which is {state} for {seconds} s of work, and nobody was \
                 called",
                payment.id
            ));
        }
    }
    Ok(())
}

/// What a shopper has put into a cart beyond what was ordered is still there.
fn check_kept_items(
    world: &Platform,
    sight: &Sight,
    (memory, begun): (&mut Memory, &BTreeSet<String>),
) -> Result<(), String> {
    let emptied = world.emptied.iter().filter_map(|shopper| world.shoppers[*shopper].cart.as_ref());
    let emptied: BTreeSet<&String> = emptied.collect();
    for id in &world.carts {
        let now = world.ep.look_at_cart(id);
        let before = memory.carts.insert(id.clone(), now.clone()).unwrap_or_default();
        let is_ordered = sight
            .purchases
            .iter()
            .any(|one| one.terms.cart.to_string() == *id && one.terms.cart_hash == hash(&before));
        if is_ordered || emptied.contains(id) || begun.contains(id) {
            continue;
        }
        let is_there = |sku: &str| now.lines.iter().any(|line| line.sku == sku);
        if let Some(line) = goods(&before).find(|line| !is_there(&line.sku)) {
            return Err(format!("{} was in cart {id}, was not ordered, and is gone", line.sku));
        }
    }
    Ok(())
}

fn goods(cart: &LedgerCart) -> impl Iterator<Item = &simulators::elastic_path::LedgerLine> {
    cart.lines.iter().filter(|line| line.sku != gateways::elastic_path::cart::SHIPPING_SKU)
}

fn hash(cart: &LedgerCart) -> CartHash {
    let lines = goods(cart);
    CartHash::of(
        lines.map(|line| {
            (line.id.as_str(), u32::try_from(line.quantity).unwrap(), line.unit_amount)
        }),
    )
}

/// What is still open; nothing but what a person knows of, once every deadline has passed.
pub fn open(world: &Platform) -> Vec<String> {
    let sight = Sight::of(world);
    let under_way = sight.purchases.iter().filter(|one| match one.state() {
        PurchaseState::Cleaned { .. }
        | PurchaseState::Declined { .. }
        | PurchaseState::Abandoned { .. } => false,
        PurchaseState::NeedsReconciliation { .. } => !sight.is_purchase_told(one),
        PurchaseState::Created { .. }
        | PurchaseState::Charging { .. }
        | PurchaseState::RequiresAction { .. }
        | PurchaseState::Processing { .. }
        | PurchaseState::Charged { .. }
        | PurchaseState::Ordering { .. }
        | PurchaseState::Ordered { .. }
        | PurchaseState::Confirming { .. }
        | PurchaseState::Pending { .. }
        | PurchaseState::Cancelling { .. }
        | PurchaseState::Confirmed { .. } => true,
    });
    under_way.map(|one| format!("{} is {}", one.terms.id, one.state().name())).collect()
}

/// At the end our books and the platform's say the same, but for what a person knows of.
pub fn compare(world: &Platform) -> Result<(), String> {
    let sight = Sight::of(world);
    let told = sight.ledger.payments.iter().filter(|one| match sight.purchase_of(one) {
        Some(stored) => sight.is_purchase_told(&stored.purchase) || sight.is_told(&one.id),
        None => true,
    });
    let told: Vec<String> = told.map(|one| one.id.clone()).collect();
    let mut faults = world.ep.breaches(&told);
    // The platform takes goods off its shelf when they are paid, and reserves none before.
    faults.retain(|fault| !fault.ends_with(" are left"));
    for purchase in sight.purchases.iter().filter(|one| !sight.is_purchase_told(one)) {
        faults.extend(books::fault_of(purchase, &sight.ledger));
    }
    let unknown = books::unknown_orders(&sight.purchases, &sight.ledger);
    faults.extend(unknown.into_iter().filter(|order| {
        let there = sight.ledger.orders.iter().find(|one| one.id == *order);
        let name = there.and_then(|one| one.external_ref.clone()).unwrap_or_default();
        !sight.is_told(order) && (name.is_empty() || !sight.is_told(&name))
    }));
    match faults.is_empty() {
        true => Ok(()),
        false => Err(format!("the books differ: {}", faults.join("; "))),
    }
}
