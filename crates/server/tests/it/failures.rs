//! What goes wrong in shops that take money, and what keeps each of it from happening here.
//!
//! The cases are counted as they were collected, from the issue trackers of other shops and of
//! plugins for Stripe. `docs/failures.md` is printed from this table.

mod guards;
mod platform;
mod table;

use std::fmt::Write as _;

use crate::printed::check_printed;
use table::{GROUPS, cases};

/// One thing that has gone wrong elsewhere.
struct Case {
    number: u8,
    /// What happens to shopper and shop.
    what: &'static str,
    standing: Standing,
}

/// How it stands with a case here.
enum Standing {
    /// It cannot happen, because of this and as these tests show.
    Held { by: &'static str, tests: &'static [&'static str] },
    /// It cannot come up in what there is of the product.
    Apart { why: &'static str },
}

const HEAD: &str = "\
# What goes wrong elsewhere

Sixty-one ways in which shops have charged twice, lost orders or sold what was gone, collected from \
the issue trackers of others, and what stands against each of them here. This page is printed from \
`crates/server/tests/it/failures/table.rs` by a test; every test it names exists, which another \
checks. To print it anew: `TILL_BLESS=1 cargo test -p server --test it printed`.

";

#[test]
fn every_known_failure_is_counted_once_and_in_order() {
    let numbers = |cases: &[&Case]| cases.iter().map(|case| case.number).collect::<Vec<u8>>();
    let (everywhere, there): (Vec<_>, Vec<_>) =
        (cases().collect(), platform::CASES.iter().collect());
    assert_eq!(numbers(&everywhere), (1..=61).collect::<Vec<u8>>());
    assert_eq!(numbers(&there), (1..=there.len() as u8).collect::<Vec<u8>>());
    for case in everywhere.into_iter().chain(there) {
        if let Standing::Held { tests, .. } = &case.standing {
            assert!(!tests.is_empty(), "case {} is held by nothing that a test shows", case.number);
        }
    }
}

#[test]
fn the_printed_catalogue_of_failures_says_what_the_table_says() {
    check_printed("docs/failures.md", &page());
}

fn page() -> String {
    let mut page = HEAD.to_owned();
    let count =
        |wanted: fn(&Standing) -> bool| cases().filter(|case| wanted(&case.standing)).count();
    let _ = writeln!(
        page,
        "Held: {}. Not in what there is of the product: {}.",
        count(|standing| matches!(standing, Standing::Held { .. })),
        count(|standing| matches!(standing, Standing::Apart { .. })),
    );
    for (first, title) in GROUPS {
        let next = GROUPS.iter().map(|(number, _)| *number).find(|number| number > first);
        let _ = write!(
            page,
            "\n## {title}\n\n| | what happens | here | shown by |\n|---|---|---|---|\n"
        );
        let group =
            |case: &&Case| case.number >= *first && next.is_none_or(|next| case.number < next);
        for case in cases().filter(group) {
            print(&mut page, "", case);
        }
    }
    page.push_str(platform::HEAD);
    for case in platform::CASES {
        print(&mut page, "E", case);
    }
    guards::print(&mut page);
    page
}

fn print(page: &mut String, letter: &str, case: &Case) {
    let (here, tests) = match &case.standing {
        Standing::Held { by, tests } => ((*by).to_owned(), *tests),
        Standing::Apart { why } => (format!("Does not come up: {why}"), &[][..]),
    };
    let tests: Vec<String> = tests.iter().map(|test| format!("`{test}`")).collect();
    let Case { number, what, .. } = case;
    let _ = writeln!(page, "| {letter}{number} | {what} | {here} | {} |", tests.join(", "));
}
