//! Card testers are kept from the gateway: people with lists of stolen numbers who try each of them
//! in a shop, thousands in an hour, until the gateway closes the shop's account.
//!
//! Whoever asks for a payment is known again by her [`Mark`]s: of the visitor, her network, her
//! e-mail address and, once a bank has said no, her card. Under each mark two [`Level`]s rise: with
//! each new order, and with each decline. A level that is full refuses further orders
//! ([`admit`]) and ends the tries on the order at hand ([`is_full`]). Whoever comes from thousands
//! of networks fills none of them, but is seen in the share of all tries that banks refuse: then
//! the [`Breaker`] opens, and each new order needs a proof of [`work`], or that a person is there.
//!
//! The browser pays at the gateway, not here. What can be refused here is a new payment; what can
//! be ended is one that is open.

pub mod work;

use std::{
    fmt,
    net::{IpAddr, Ipv6Addr},
    num::NonZeroU32,
    time::Duration,
};

use hmac::{Hmac, KeyInit, Mac};
use jiff::{SignedDuration, Timestamp};
use sha2::Sha256;

use crate::{contact::Email, event::CardFingerprint, id::VisitorId};

/// An hour: what limits are counted in. A level that is full is empty again after it.
pub const HOUR: SignedDuration = SignedDuration::from_hours(1);

/// So far back tries are counted for the breaker. A tester makes hundreds in ten minutes; a quiet
/// shop has hardly one.
pub const WATCHED: SignedDuration = SignedDuration::from_mins(10);

/// With fewer declines in the time watched the breaker stays closed, whatever their share: three
/// shoppers who mistype, each as often as a person does, must not slow down all others.
pub const DECLINES_MIN: u32 = 20;

/// So long the breaker stays open after it last looked bad. Shorter than this, and a tester who
/// pauses while it is open gets his twenty tries again and again.
pub const HELD_OPEN: SignedDuration = SignedDuration::from_mins(15);

/// While the breaker is open, an order that was made without a proof gets so many declines instead
/// of ten: payments that a tester collected beforehand are worth little to him, and a shopper who
/// was at it already may still mistype twice.
pub const DECLINES_UNPROVEN_MAX: usize = 3;

/// Where a request comes from, as far as one household or office has it: an IPv4 address, or an
/// IPv6 network of 64 bits. Its `Debug` hides it: logs hold no personal data.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Network(IpAddr);

impl Network {
    /// The network of an address.
    pub fn of(address: IpAddr) -> Self {
        match address.to_canonical() {
            four @ IpAddr::V4(_) => Self(four),
            IpAddr::V6(six) => {
                let [a, b, c, d, ..] = six.segments();
                Self(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into())
            }
        }
    }

    /// Whether shoppers can be at it. An address of this machine or of a private network is that of
    /// a proxy which the server was not told of: all shoppers would share it.
    pub fn is_public(self) -> bool {
        match self.0 {
            IpAddr::V4(four) => {
                !(four.is_loopback()
                    || four.is_private()
                    || four.is_link_local()
                    || four.is_unspecified())
            }
            IpAddr::V6(six) => {
                // Cut to 64 bits, `::1` is `::`.
                !(six.is_unspecified() || six.is_unique_local() || six.is_unicast_link_local())
            }
        }
    }
}

impl fmt::Debug for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Network(…)")
    }
}

/// By what somebody is known again.
#[derive(Debug, Clone, Copy)]
pub enum Trait<'a> {
    /// Her cookie.
    Visitor(VisitorId),
    /// Where she is.
    Network(Network),
    /// Her e-mail address.
    Email(&'a Email),
    /// Her card.
    Card(&'a CardFingerprint),
}

/// A trait as it is kept: a digest under a key of the shop's, from which nobody without the key
/// learns an address or a card, not even by trying all of them.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Mark(pub [u8; 32]);

impl fmt::Debug for Mark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Mark(…)")
    }
}

/// The key of all marks and challenges.
#[derive(Clone)]
pub struct Key([u8; 32]);

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(…)")
    }
}

impl Key {
    /// A key of its own, made from the shop's secret.
    pub fn of_secret(secret: &str) -> Self {
        Self(digest(secret.as_bytes(), "shield", &[]))
    }

    /// The mark of a trait.
    pub fn mark(&self, of: Trait<'_>) -> Mark {
        Mark(match of {
            Trait::Visitor(visitor) => digest(&self.0, "visitor", visitor.0.as_bytes()),
            Trait::Network(Network(IpAddr::V4(four))) => digest(&self.0, "network", &four.octets()),
            Trait::Network(Network(IpAddr::V6(six))) => digest(&self.0, "network", &six.octets()),
            Trait::Email(email) => digest(&self.0, "email", folded(email).as_bytes()),
            Trait::Card(card) => digest(&self.0, "card", card.as_str().as_bytes()),
        })
    }

    /// The mark of a trait where something else than orders is counted.
    pub fn mark_for(&self, purpose: &str, of: Trait<'_>) -> Mark {
        Mark(digest(&self.0, purpose, &self.mark(of).0))
    }
}

fn digest(key: &[u8], kind: &str, value: &[u8]) -> [u8; 32] {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes a key of any length");
    mac.update(kind.as_bytes());
    mac.update(b":");
    mac.update(value);
    mac.finalize().into_bytes().into()
}

/// One mailbox has one mark: the case of its letters does not matter, nor what follows a plus.
fn folded(email: &Email) -> String {
    let text = email.as_str().to_lowercase();
    let (local, domain) = text.rsplit_once('@').unwrap_or((&text, ""));
    let mailbox = local.split('+').next().unwrap_or(local);
    format!("{mailbox}@{domain}")
}

/// How often something may happen in an hour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PerHour(pub NonZeroU32);

impl PerHour {
    /// What one adds to a level.
    fn step(self) -> SignedDuration {
        let ms = HOUR.as_millis() / i128::from(self.0.get());
        SignedDuration::from_millis(i64::try_from(ms).unwrap_or(i64::MAX).max(1))
    }
}

/// How full something is: it rises by a step each time, sinks steadily, and is written down as the
/// moment when it will be empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Level {
    /// When it is empty, if nothing is added.
    pub empty_at: Timestamp,
}

impl Level {
    /// Empty.
    pub const EMPTY: Self = Self { empty_at: Timestamp::UNIX_EPOCH };

    /// With one more.
    #[must_use]
    pub fn plus_one(self, limit: PerHour, now: Timestamp) -> Self {
        Self { empty_at: later(now, self.left(now) + limit.step()) }
    }

    /// How long until one more has room; nothing where it has room now.
    pub fn wait(self, limit: PerHour, now: Timestamp) -> Option<Duration> {
        let excess = self.left(now) + limit.step() - HOUR;
        excess.is_positive().then(|| excess.unsigned_abs())
    }

    /// Never more than an hour, so that a clock that was wrong locks nobody out for longer.
    fn left(self, now: Timestamp) -> SignedDuration {
        self.empty_at.duration_since(now).clamp(SignedDuration::ZERO, HOUR)
    }
}

fn later(now: Timestamp, by: SignedDuration) -> Timestamp {
    now.checked_add(by).unwrap_or(Timestamp::MAX)
}

/// What is counted under a mark.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tally {
    /// New orders.
    pub orders: Level,
    /// Declines.
    pub declines: Level,
}

impl Tally {
    /// Nothing yet.
    pub const NONE: Self = Self { orders: Level::EMPTY, declines: Level::EMPTY };
}

/// What an hour allows under each mark.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OrderLimits {
    /// One visitor.
    pub visitor: PerHour,
    /// One network; a whole office may share it.
    pub network: PerHour,
    /// One e-mail address.
    pub email: PerHour,
}

/// What an hour forgives under each mark.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DeclineLimits {
    /// One visitor.
    pub visitor: PerHour,
    /// One network.
    pub network: PerHour,
    /// One e-mail address.
    pub email: PerHour,
    /// One card.
    pub card: PerHour,
}

/// What one network, or one e-mail address, may have reserved at once without having paid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HeldLimits {
    /// Orders.
    pub orders: u32,
    /// Pieces in them, and in any one order.
    pub pieces: u32,
}

/// What the merchant decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rules {
    /// New orders.
    pub orders: OrderLimits,
    /// Declines.
    pub declines: DeclineLimits,
    /// Reservations.
    pub held: HeldLimits,
    /// From this share of declined tries on the breaker opens, in per cent.
    pub breaker_percent: u32,
}

/// Who asks for a new order, by her marks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Asker {
    /// Her cookie's.
    pub visitor: Mark,
    /// Her network's, where it is known.
    pub network: Option<Mark>,
    /// Her e-mail address's.
    pub email: Mark,
}

/// A mark with its limit: what it allows, or what it forgives.
pub type Limited = (Mark, PerHour);

impl Asker {
    /// Her marks, each with its limit for new orders.
    pub fn orders(&self, limits: &OrderLimits) -> impl Iterator<Item = Limited> {
        let network = self.network.map(|mark| (mark, limits.network));
        [(self.visitor, limits.visitor), (self.email, limits.email)].into_iter().chain(network)
    }

    /// Her marks, each with its limit for declines.
    pub fn declines(&self, limits: &DeclineLimits) -> impl Iterator<Item = Limited> {
        let network = self.network.map(|mark| (mark, limits.network));
        [(self.visitor, limits.visitor), (self.email, limits.email)].into_iter().chain(network)
    }
}

/// What unpaid orders of one mark hold already, beside the order that is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Held {
    /// Orders.
    pub orders: u32,
    /// Pieces in them.
    pub pieces: u32,
}

impl Held {
    fn has_room_for(self, pieces: u32, limits: &HeldLimits) -> bool {
        self.orders < limits.orders && self.pieces.saturating_add(pieces) <= limits.pieces
    }
}

/// Why an order is not made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hindrance {
    /// Too much has been asked. Which limit it was stays here: it would tell a tester what to
    /// change.
    TooOften {
        /// When it is worth asking again.
        wait: Duration,
    },
    /// It has more pieces than any order may have: asking again is no use.
    TooManyPieces {
        /// The most.
        max: u32,
    },
}

/// Stock that is held comes free one order at a time; nobody can say when.
const WAIT_FOR_STOCK: Duration = Duration::from_secs(5 * 60);

/// Whether somebody may have a new order of so many pieces. `tally` says what is counted under a
/// mark; `held` is what her network and her e-mail address hold already, each by itself.
pub fn admit(
    (asker, rules): (&Asker, &Rules),
    tally: impl Fn(Mark) -> Tally,
    (held, pieces): (&[Held], u32),
    now: Timestamp,
) -> Result<(), Hindrance> {
    if pieces > rules.held.pieces {
        return Err(Hindrance::TooManyPieces { max: rules.held.pieces });
    }
    let orders = asker.orders(&rules.orders);
    let orders = orders.filter_map(|(mark, limit)| tally(mark).orders.wait(limit, now));
    let declines = asker.declines(&rules.declines);
    let declines = declines.filter_map(|(mark, limit)| tally(mark).declines.wait(limit, now));
    let is_too_much = held.iter().any(|held| !held.has_room_for(pieces, &rules.held));
    let stock = is_too_much.then_some(WAIT_FOR_STOCK);
    match orders.chain(declines).chain(stock).max() {
        Some(wait) => Err(Hindrance::TooOften { wait }),
        None => Ok(()),
    }
}

/// Whether any of the marks, as they stand after a decline, has no room for another one: then the
/// order at hand gets no further try.
pub fn is_full(declines: &[(Level, PerHour)], now: Timestamp) -> bool {
    declines.iter().any(|(level, limit)| level.wait(*limit, now).is_some())
}

/// Tries that were decided in the time [`WATCHED`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tries {
    /// The money moved.
    pub succeeded: u32,
    /// A bank said no.
    pub declined: u32,
}

impl Tries {
    /// How many per cent were declined.
    pub fn declined_percent(self) -> u32 {
        let all = u64::from(self.succeeded) + u64::from(self.declined);
        let percent = (u64::from(self.declined) * 100).checked_div(all).unwrap_or(0);
        u32::try_from(percent).unwrap_or(100)
    }
}

/// While it is open each new order needs a proof. It closes by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Breaker {
    /// Since when: the incident's name.
    pub opened_at: Timestamp,
    /// Until when, if nothing more happens.
    pub open_until: Timestamp,
}

/// What becomes of the breaker after a decline.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BreakerMove {
    /// Nothing.
    Stays,
    /// It stays open for longer.
    Holds(Breaker),
    /// It opens: a new incident.
    Opens(Breaker),
}

/// The clocks of our nodes.
const CLOCKS_DIFFER: SignedDuration = SignedDuration::from_mins(5);

/// A move of less than this is not worth a row that every node writes.
const HOLDS_BY_AT_LEAST: SignedDuration = SignedDuration::from_mins(1);

impl Breaker {
    /// Whether it is open. One that is to be open for longer than any is was opened by a clock that
    /// went wrong: it is closed.
    pub fn is_open(self, now: Timestamp) -> bool {
        now < self.open_until && self.open_until <= later(now, HELD_OPEN + CLOCKS_DIFFER)
    }

    /// A breaker that is open beyond this was opened by a clock that went wrong.
    pub fn latest(self) -> Timestamp {
        later(self.open_until, CLOCKS_DIFFER)
    }

    /// What a decline leads to. Half of what opens it keeps it open, so that it does not close
    /// and open again with each try.
    pub fn after_decline(
        known: Option<Self>,
        tries: Tries,
        percent: u32,
        now: Timestamp,
    ) -> BreakerMove {
        let open = known.filter(|breaker| breaker.is_open(now));
        let halved = if open.is_some() { 2 } else { 1 };
        let is_bad =
            tries.declined * halved >= DECLINES_MIN && tries.declined_percent() * halved >= percent;
        let open_until = later(now, HELD_OPEN);
        match open {
            _ if !is_bad => BreakerMove::Stays,
            None => BreakerMove::Opens(Self { opened_at: now, open_until }),
            Some(Self { open_until: until, .. })
                if open_until.duration_since(until) < HOLDS_BY_AT_LEAST =>
            {
                BreakerMove::Stays
            }
            Some(Self { opened_at, .. }) => BreakerMove::Holds(Self { opened_at, open_until }),
        }
    }
}

#[cfg(test)]
mod tests;
