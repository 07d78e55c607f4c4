use proptest::prelude::*;
use uuid::Uuid;

use super::*;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + second).unwrap()
}

fn per_hour(count: u32) -> PerHour {
    PerHour(NonZeroU32::new(count).unwrap())
}

fn key() -> Key {
    Key::of_secret("a secret")
}

fn of_email(text: &str) -> Mark {
    key().mark(Trait::Email(&text.parse().unwrap()))
}

fn of_address(text: &str) -> Mark {
    key().mark(Trait::Network(Network::of(text.parse().unwrap())))
}

fn rules() -> Rules {
    let limit = per_hour;
    Rules {
        orders: OrderLimits { visitor: limit(2), network: limit(4), email: limit(3) },
        declines: DeclineLimits {
            visitor: limit(2),
            network: limit(4),
            email: limit(3),
            card: limit(1),
        },
        held: HeldLimits { orders: 3, pieces: 10 },
        breaker_percent: 50,
    }
}

fn asker() -> Asker {
    let visitor = key().mark(Trait::Visitor(VisitorId(Uuid::from_u128(1))));
    Asker { visitor, network: Some(of_address("203.0.113.1")), email: of_email("a@example.org") }
}

#[test]
fn a_mailbox_has_one_mark_however_it_is_written() {
    let mark = of_email("ada@example.org");
    for same in ["Ada@Example.org", "ada+1@example.org", "ADA+a+b@example.ORG"] {
        assert_eq!(of_email(same), mark, "{same}");
    }
    for other in ["bob@example.org", "ada@example.com"] {
        assert_ne!(of_email(other), mark, "{other}");
    }
}

#[test]
fn a_household_has_one_mark_and_its_neighbour_another() {
    assert_eq!(of_address("2001:db8:0:1::1"), of_address("2001:db8:0:1:ffff::2"));
    assert_ne!(of_address("2001:db8:0:1::1"), of_address("2001:db8:0:2::1"));
    assert_ne!(of_address("203.0.113.1"), of_address("203.0.113.2"));
    assert_eq!(of_address("::ffff:203.0.113.1"), of_address("203.0.113.1"));
}

#[test]
fn marks_say_nothing_without_the_key_and_differ_by_kind() {
    let email: Email = "ada@example.org".parse().unwrap();
    let card = CardFingerprint::new("ada@example.org").unwrap();
    let mark = key().mark(Trait::Email(&email));
    assert_ne!(mark, Key::of_secret("another").mark(Trait::Email(&email)));
    assert_ne!(mark, key().mark(Trait::Card(&card)));
    assert_eq!(format!("{mark:?} {card:?} {:?}", key()), "Mark(…) CardFingerprint(…) Key(…)");
}

#[test]
fn a_proxy_that_the_server_was_not_told_of_is_nobodys_network() {
    for proxy in ["127.0.0.1", "::1", "10.1.2.3", "192.168.0.1", "172.16.0.1", "fd00::1", "::"] {
        assert!(!Network::of(proxy.parse().unwrap()).is_public(), "{proxy}");
    }
    for shopper in ["203.0.113.1", "2001:db8::1", "172.32.0.1"] {
        assert!(Network::of(shopper.parse().unwrap()).is_public(), "{shopper}");
    }
}

#[test]
fn a_level_takes_an_hours_worth_at_once_and_then_one_at_a_time() {
    let limit = per_hour(4);
    let mut level = Level::EMPTY;
    for _ in 0..4 {
        assert_eq!(level.wait(limit, at(0)), None);
        level = level.plus_one(limit, at(0));
    }
    assert_eq!(level.wait(limit, at(0)), Some(Duration::from_secs(900)));
    assert_eq!(level.wait(limit, at(600)), Some(Duration::from_secs(300)));
    assert_eq!(level.wait(limit, at(900)), None);
    let level = level.plus_one(limit, at(900));
    assert_eq!(level.wait(limit, at(900)), Some(Duration::from_secs(900)));
    assert_eq!(level.wait(limit, at(4500)), None);
}

#[test]
fn a_clock_that_was_wrong_locks_nobody_out_for_more_than_an_hour() {
    let level = Level { empty_at: Timestamp::MAX };
    assert_eq!(level.wait(per_hour(1), at(0)), Some(Duration::from_secs(3600)));
    assert_eq!(level.plus_one(per_hour(1), at(0)).wait(per_hour(1), at(7200)), None);
}

proptest! {
    #[test]
    fn in_any_hour_a_level_admits_at_most_twice_its_limit(
        limit in 1_u32..50,
        pauses in proptest::collection::vec(0_i64..1200, 1..200),
    ) {
        let limit = per_hour(limit);
        let (mut level, mut second, mut admitted) = (Level::EMPTY, 0, Vec::new());
        for pause in pauses {
            second += pause;
            if level.wait(limit, at(second)).is_none() {
                level = level.plus_one(limit, at(second));
                admitted.push(second);
            }
        }
        for start in &admitted {
            let within = admitted.iter().filter(|second| (*start..start + 3600).contains(*second));
            prop_assert!(within.count() <= 2 * limit.0.get() as usize);
        }
    }
}

#[test]
fn each_mark_has_a_limit_of_its_own_and_the_longest_wait_counts() {
    let asker = asker();
    let full = |limit: PerHour| {
        (0..limit.0.get()).fold(Level::EMPTY, |level, _| level.plus_one(limit, at(0)))
    };
    let admitted = |tally: &dyn Fn(Mark) -> Tally| {
        admit((&asker, &rules()), tally, (&[Held::default()], 1), at(0))
    };
    assert_eq!(admitted(&|_| Tally::NONE), Ok(()));
    for (mark, limit) in asker.orders(&rules().orders) {
        let orders = full(limit);
        let tally = |of| if of == mark { Tally { orders, ..Tally::NONE } } else { Tally::NONE };
        let wait = Duration::from_secs(3600 / u64::from(limit.0.get()));
        assert_eq!(admitted(&tally), Err(Hindrance::TooOften { wait }));
    }
    for (mark, limit) in asker.declines(&rules().declines) {
        let declines = full(limit);
        let tally = |of| if of == mark { Tally { declines, ..Tally::NONE } } else { Tally::NONE };
        let wait = Duration::from_secs(3600 / u64::from(limit.0.get()));
        assert_eq!(admitted(&tally), Err(Hindrance::TooOften { wait }));
    }
    let everything = |_| Tally { orders: full(per_hour(2)), declines: full(per_hour(1)) };
    let wait = Duration::from_secs(1800);
    assert_eq!(admitted(&everything), Err(Hindrance::TooOften { wait }));
}

#[test]
fn a_few_cannot_hold_everything_and_an_order_that_is_too_large_is_told_so() {
    let admitted = |orders, pieces, more| {
        let held = [Held::default(), Held { orders, pieces }];
        admit((&asker(), &rules()), |_| Tally::NONE, (&held, more), at(0))
    };
    let too_often = Err(Hindrance::TooOften { wait: WAIT_FOR_STOCK });
    assert_eq!(admitted(0, 0, 10), Ok(()));
    assert_eq!(admitted(0, 0, 11), Err(Hindrance::TooManyPieces { max: 10 }));
    assert_eq!(admitted(1, 5, 5), Ok(()));
    assert_eq!(admitted(1, 5, 6), too_often);
    assert_eq!(admitted(2, 2, 1), Ok(()));
    assert_eq!(admitted(3, 3, 1), too_often);
    assert_eq!(admitted(1, u32::MAX, 1), too_often);
}

#[test]
fn the_breaker_opens_on_many_declines_that_are_a_large_share_and_on_neither_alone() {
    let after = |declined, succeeded| {
        Breaker::after_decline(None, Tries { succeeded, declined }, 50, at(0))
    };
    let open = Breaker { opened_at: at(0), open_until: at(900) };
    assert_eq!(after(20, 20), BreakerMove::Opens(open));
    assert_eq!(after(20, 0), BreakerMove::Opens(open));
    assert_eq!(after(19, 0), BreakerMove::Stays);
    assert_eq!(after(20, 21), BreakerMove::Stays);
    assert_eq!(after(1000, 1003), BreakerMove::Stays);
    assert!(open.is_open(at(0)) && open.is_open(at(899)) && !open.is_open(at(900)));
}

#[test]
fn a_breaker_that_a_wrong_clock_has_opened_for_long_is_closed() {
    let wrong = Breaker { opened_at: at(0), open_until: at(300 * 24 * 3600) };
    assert!(!wrong.is_open(at(10)));
    let tries = Tries { succeeded: 0, declined: 20 };
    let anew = Breaker { opened_at: at(10), open_until: at(910) };
    assert_eq!(Breaker::after_decline(Some(wrong), tries, 50, at(10)), BreakerMove::Opens(anew));
    let other_node = Breaker { opened_at: at(0), open_until: at(900) };
    assert!(other_node.is_open(at(-60)), "whose clock is a minute ahead");
}

#[test]
fn half_of_what_opened_the_breaker_keeps_it_open_and_less_lets_it_close() {
    let open = Breaker { opened_at: at(0), open_until: at(900) };
    let after = |declined, succeeded, second| {
        Breaker::after_decline(Some(open), Tries { succeeded, declined }, 50, at(second))
    };
    let held = Breaker { opened_at: at(0), open_until: at(1700) };
    assert_eq!(after(10, 30, 800), BreakerMove::Holds(held));
    assert_eq!(after(10, 31, 800), BreakerMove::Stays);
    assert_eq!(after(9, 0, 800), BreakerMove::Stays);
    assert_eq!(after(1000, 0, 59), BreakerMove::Stays, "not worth a write");
    // It has closed: the next incident begins anew.
    let anew = Breaker { opened_at: at(900), open_until: at(1800) };
    assert_eq!(after(20, 0, 900), BreakerMove::Opens(anew));
    assert_eq!(after(10, 0, 900), BreakerMove::Stays);
}
