//! What the documents name exists: paths, tests, links.

use std::collections::BTreeSet;
use std::path::Path;

use regex::Regex;

use super::{Source, TIDY, expect_none, repository, sources, starts_with_any, walk};

/// A word in backticks that begins so is a path of the repository.
const TOP_FOLDERS: [&str; 8] =
    ["crates/", "docs/", "fuzz/", "xtask/", "bench/", "web/", ".ci/", ".cargo/"];

/// A word in backticks that ends so names a file, from the root or the end of a longer path.
const FILE_KINDS: [&str; 3] = [".rs", ".md", ".toml"];

/// Files that a document may name although the repository does not have them.
const ELSEWHERE: [(&str, &str); 1] = [("till.toml", "the merchant's own settings")];

/// Words that look like a test's name and are none.
const NO_TESTS: [(&str, &str); 1] =
    [("payment_intent_payment_attempt_failed", "one of Stripe's error codes")];

#[test]
fn every_path_that_a_document_names_exists() {
    let files = files();
    let mut faults = Vec::new();
    for source in sources() {
        let is_document = source.path.ends_with(".md");
        if !(is_document || source.is_rust()) || source.path.starts_with(TIDY) {
            continue;
        }
        for (number, word) in words_in_backticks(&source) {
            let is_path =
                starts_with_any(&word, &TOP_FOLDERS) || is_document && names_a_file(&word);
            if is_path && !exists(&word, &files) {
                faults.push(format!("{}:{number}: {word}", source.path));
            }
        }
    }
    expect_none("paths that do not exist", &faults);
}

#[test]
fn every_test_that_a_document_names_exists() {
    let sentence = Regex::new(r"^[a-z0-9]+(?:_[a-z0-9]+){4,}$").expect("a pattern");
    // The crash walk makes a test of each flow.
    let function = Regex::new(r"\bfn (\w+)|\b(\w+):\s+[A-Z_]+\s+crosses\s").expect("a pattern");
    let sources = sources();
    let rust = sources.iter().filter(|source| source.is_rust());
    let functions: BTreeSet<&str> = rust
        .flat_map(|source| function.captures_iter(&source.text))
        .filter_map(|found| Some(found.get(1).or_else(|| found.get(2))?.as_str()))
        .collect();
    let mut faults = Vec::new();
    for source in sources.iter().filter(|source| source.path.ends_with(".md")) {
        for (number, word) in words_in_backticks(source) {
            // Metrics are sentences of this kind too; their names begin with the product's.
            let is_test = sentence.is_match(&word)
                && !word.starts_with("till_")
                && !NO_TESTS.iter().any(|(other, _)| *other == word);
            if is_test && !functions.contains(word.as_str()) {
                faults.push(format!("{}:{number}: {word}", source.path));
            }
        }
    }
    expect_none("tests that do not exist", &faults);
}

#[test]
fn every_link_inside_the_repository_leads_somewhere() {
    let link = Regex::new(r"\]\(([^)#\s]+)(?:#[^)]*)?\)").expect("a pattern");
    let mut faults = Vec::new();
    for source in sources().iter().filter(|source| source.path.ends_with(".md")) {
        let folder = Path::new(&source.path).parent().expect("a file lies in a folder");
        for (number, line) in prose(source) {
            for found in link.captures_iter(line) {
                let target = &found[1];
                let is_outside = target.contains(':') || target.starts_with('/');
                if !is_outside && !repository().join(folder).join(target).exists() {
                    faults.push(format!("{}:{number}: {target}", source.path));
                }
            }
        }
    }
    expect_none("links that lead nowhere", &faults);
}

/// What stands between backticks on one line, outside of fenced blocks.
fn words_in_backticks(source: &Source) -> Vec<(usize, String)> {
    let span = Regex::new("`([^`\n]+)`").expect("a pattern");
    let mut words = Vec::new();
    for (number, line) in prose(source) {
        let found = span.captures_iter(line).map(|found| (number, found[1].to_owned()));
        words.extend(found);
    }
    words
}

fn prose(source: &Source) -> Vec<(usize, &str)> {
    let mut in_block = false;
    let mut lines = Vec::new();
    for (number, line) in source.lines(false) {
        if line.trim_start_matches([' ', '/', '!', '>']).starts_with("```") {
            in_block = !in_block;
        } else if !in_block {
            lines.push((number, line));
        }
    }
    lines
}

fn names_a_file(word: &str) -> bool {
    let is_elsewhere = ELSEWHERE.iter().any(|(path, _)| *path == word);
    let is_command = word.contains([' ', '<', '$', '(', ':']);
    !is_elsewhere && !is_command && FILE_KINDS.iter().any(|kind| word.ends_with(kind))
}

/// Whether a file or folder has this path or ends in it. `*` stands for any ending, and
/// `{a,b}` for each of its words.
fn exists(word: &str, files: &BTreeSet<String>) -> bool {
    if let Some((before, rest)) = word.split_once('{') {
        let Some((choices, after)) = rest.split_once('}') else { return false };
        return choices.split(',').all(|one| exists(&format!("{before}{one}{after}"), files));
    }
    // A path may be followed by a line's number.
    let word = match word.rsplit_once(':') {
        Some((path, number)) if number.parse::<u32>().is_ok() => path,
        _ => word.trim_end_matches('/'),
    };
    match word.split_once('*') {
        Some((beginning, _)) => files
            .iter()
            .any(|file| file.starts_with(beginning) || file.contains(&format!("/{beginning}"))),
        None => {
            let (inside, ending) = (format!("{word}/"), format!("/{word}"));
            files.contains(word)
                || files.iter().any(|file| {
                    file.starts_with(&inside)
                        || file.ends_with(&ending)
                        || file.contains(&format!("/{inside}"))
                })
        }
    }
}

fn files() -> BTreeSet<String> {
    let mut paths = Vec::new();
    walk(repository(), "", &mut paths);
    paths.into_iter().collect()
}

#[test]
fn a_path_is_found_whole_by_its_end_by_its_beginning_and_with_choices() {
    let files = ["crates/domain/src/order.rs", "crates/gateways/src/stripe/wire.rs"];
    let files: BTreeSet<String> = files.map(str::to_owned).into();
    for word in [
        "crates/domain/src/order.rs",
        "crates/domain/src/order.rs:12",
        "domain/src/order.rs",
        "order.rs",
        "crates/domain/",
        "gateways/src/stripe*",
        "gateways/src/stripe/{wire,wire}.rs",
    ] {
        assert!(exists(word, &files), "{word}");
    }
    for word in ["crates/domain/src/orders.rs", "rder.rs", "stripe/{wire,form}.rs", "crates/dom"] {
        assert!(!exists(word, &files), "{word}");
    }
}
