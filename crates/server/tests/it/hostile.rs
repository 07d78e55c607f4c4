//! Input of people who mean harm, and of programs that are broken. The promises are those of the
//! fuzzers (`fuzz/src/lib.rs`); here they are tried on stable Rust with input that has some sense
//! to it, and with all that the fuzzers keep.

#[path = "../../../../fuzz/src/lib.rs"]
mod promises;

mod gateway;
mod json;
mod shop;

use std::{collections::BTreeSet, fs, path::Path};

use promises::PROMISES;
use proptest::{prelude::*, test_runner::RngSeed};

/// So many cases of a property, in every run the same ones, so that a change that breaks nothing
/// fails nothing. `PROPTEST_RNG_SEED` chooses others.
fn cases(count: u32) -> ProptestConfig {
    let default = ProptestConfig::with_cases(count);
    match default.rng_seed {
        RngSeed::Random => ProptestConfig { rng_seed: RngSeed::Fixed(1), ..default },
        RngSeed::Fixed(_) => default,
    }
}

/// One of these, each as often.
fn one_of(texts: &'static [&'static str]) -> impl Strategy<Value = String> {
    prop::sample::select(texts).prop_map(str::to_owned)
}

#[test]
fn every_promise_is_kept_for_all_that_its_fuzzer_remembers() {
    let fuzz = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz");
    let names: BTreeSet<String> = PROMISES.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(entries(&fuzz.join("corpus")), names);
    let targets = names.iter().map(|name| format!("{name}.rs")).collect();
    assert_eq!(entries(&fuzz.join("fuzz_targets")), targets);
    for (name, promise) in PROMISES {
        let folder = fuzz.join("corpus").join(name);
        for file in entries(&folder) {
            // Shown if the promise is broken.
            println!("{name}/{file}");
            promise(&fs::read(folder.join(file)).unwrap());
        }
    }
}

fn entries(folder: &Path) -> BTreeSet<String> {
    let entries = fs::read_dir(folder).unwrap();
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}
