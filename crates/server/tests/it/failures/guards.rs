//! The guards that `cargo xtask safety-mutants` takes out one at a time, from the file that it
//! reads. They are printed with the tests that notice, and no promise goes without one.

use std::{collections::BTreeSet, fmt::Write as _};

use serde::Deserialize;

const MUTANTS: &str = include_str!("mutants.toml");
const ARCHITECTURE: &str = include_str!("../../../../../docs/ARCHITECTURE.md");

const HEAD: &str = "
## What happens without the guards

A test that cannot fail shows nothing. `cargo xtask safety-mutants` takes each of these guards out \
of a copy of the source, builds it, and expects every test beside it to fail; what it last found is \
kept in `bench/`. The guards are those of `crates/server/tests/it/failures/mutants.toml`.

| without it | what it does | noticed by |
|---|---|---|
";

#[derive(Deserialize)]
struct Guards {
    mutant: Vec<Guard>,
}

#[derive(Deserialize)]
struct Guard {
    name: String,
    promise: String,
    guard: String,
    caught_by: Vec<String>,
}

fn guards() -> Vec<Guard> {
    toml::from_str::<Guards>(MUTANTS).unwrap().mutant
}

/// The guards in the order of the promises that they stand for.
pub fn print(page: &mut String) {
    page.push_str(HEAD);
    let guards = guards();
    for promise in promises() {
        for guard in guards.iter().filter(|guard| guard.promise == promise) {
            let Guard { name, guard, caught_by, .. } = guard;
            let tests: Vec<String> = caught_by.iter().map(|test| format!("`{test}`")).collect();
            let _ = writeln!(page, "| {name} | {guard} | {} |", tests.join(", "));
        }
    }
}

/// The lines of the table "What always holds": their numbers, and what they promise.
fn rows() -> Vec<(&'static str, &'static str)> {
    let (_, rest) = ARCHITECTURE.split_once("## What always holds").unwrap();
    let (section, _) = rest.split_once("\n## ").unwrap();
    let rows = section.lines().filter_map(|line| {
        let mut cells = line.strip_prefix('|')?.split('|').map(str::trim);
        Some((cells.next()?, cells.next()?))
    });
    rows.filter(|(number, _)| *number != "no." && !number.starts_with('-')).collect()
}

fn promises() -> Vec<&'static str> {
    rows().into_iter().map(|(_, promise)| promise).collect()
}

#[test]
fn every_promise_about_money_stands_on_the_page() {
    let numbers = rows().into_iter().flat_map(|(numbers, _)| numbers.split(", "));
    let numbers = numbers.filter(|number| !number.is_empty());
    let numbers: BTreeSet<u8> = numbers.map(|number| number.parse().unwrap()).collect();
    assert_eq!(numbers, (1..=11).collect(), "the numbers in docs/ARCHITECTURE.md");
}

#[test]
fn every_promise_has_a_guard_whose_absence_is_noticed() {
    let promises: BTreeSet<&str> = promises().into_iter().collect();
    let guards = guards();
    let guarded: BTreeSet<&str> = guards.iter().map(|guard| guard.promise.as_str()).collect();
    assert_eq!(
        promises, guarded,
        "left: what always holds by docs/ARCHITECTURE.md; right: what the guards of \
         crates/server/tests/it/failures/mutants.toml stand for"
    );
}
