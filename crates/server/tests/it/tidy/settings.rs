//! `.env.example` lists the server's settings, all of them and no others.

use std::collections::BTreeSet;
use std::fs;

use regex::Regex;

use super::{expect_none, repository, sources};

/// How the names of settings begin or what they are.
const NAME: &str = r"(?:(?:TILL|STRIPE|EP|NEXT_PUBLIC|BETTER_AUTH)_[A-Z0-9_]+|DATABASE_URL)";

/// Names that the host application reads and the server does not.
const FOR_THE_HOST: [&str; 2] = ["NEXT_PUBLIC_STRIPE_PUBLISHABLE_KEY", "BETTER_AUTH_SECRET"];

/// By which a test that starts itself again, with less room, tells itself where.
const SET_BY_ITS_TEST: &str = "TILL_TEST_LIMITED_FOLDER";

#[test]
fn the_example_environment_has_every_setting_of_the_server_and_no_other() {
    let known = settings_of_the_server();
    assert!(!known.is_empty(), "no setting found in crates/server/src/config.rs");
    let shown: BTreeSet<String> = example().into_iter().map(|setting| setting.name).collect();
    let mut faults: Vec<String> = known
        .difference(&shown)
        .map(|name| format!("{name} is a setting, but .env.example does not have it"))
        .collect();
    let unknown = shown.difference(&known).filter(|name| !FOR_THE_HOST.contains(&name.as_str()));
    faults.extend(unknown.map(|name| format!("{name} is in .env.example, but not a setting")));
    expect_none("settings", &faults);
}

/// Without its variable a test passes by skipping itself, so that a bare `cargo test` runs
/// everywhere. A misspelt name would skip it for ever.
#[test]
fn every_variable_that_a_test_waits_for_is_set_by_the_full_run() {
    let literal = Regex::new(r#""(TILL_(?:TEST_[A-Z_]+|NODE_SDK|PYTHON))""#).expect("a pattern");
    let sources = sources();
    let named_in = |folder: fn(&str) -> bool| {
        let files = sources.iter().filter(move |source| source.is_rust() && folder(&source.path));
        let found = files.flat_map(|source| literal.captures_iter(&source.text));
        found.map(|found| found[1].to_owned()).collect::<BTreeSet<String>>()
    };
    let waited_for = named_in(|path| path.starts_with("crates/") && path.contains("/tests/"));
    let set = named_in(|path| path.starts_with("xtask/src/"));
    let unset = waited_for.difference(&set).filter(|name| *name != SET_BY_ITS_TEST);
    let faults: Vec<String> = unset.cloned().collect();
    expect_none("variables that `cargo xtask test` does not set", &faults);
    assert!(!waited_for.is_empty(), "the tests of storage wait for databases");
}

#[test]
fn every_setting_of_the_example_environment_is_explained() {
    let unexplained = example().into_iter().filter(|setting| !setting.is_explained);
    let faults: Vec<String> = unexplained.map(|setting| setting.name).collect();
    expect_none("settings without a comment above", &faults);
}

struct Setting {
    name: String,
    is_explained: bool,
}

/// Lines such as `NAME=value`, or `# NAME=value` where the default is meant to stay.
fn example() -> Vec<Setting> {
    let text = fs::read_to_string(repository().join(".env.example")).expect(".env.example");
    let line_of_setting = Regex::new(&format!(r"^#? ?({NAME})=")).expect("a pattern");
    let mut settings = Vec::new();
    let mut is_explained = false;
    for line in text.lines() {
        match line_of_setting.captures(line) {
            Some(found) => {
                settings.push(Setting { name: found[1].to_owned(), is_explained });
                is_explained = false;
            }
            None => is_explained = line.starts_with("# "),
        }
    }
    settings
}

/// Every string in the configuration's source that is a setting's name and nothing else.
fn settings_of_the_server() -> BTreeSet<String> {
    let literal = Regex::new(&format!(r#""({NAME})""#)).expect("a pattern");
    let sources = sources();
    let configuration = sources.iter().filter(|source| {
        source.path == "crates/server/src/config.rs"
            || source.path.starts_with("crates/server/src/config/")
    });
    configuration
        .flat_map(|source| source.lines(true).collect::<Vec<_>>())
        .flat_map(|(_, line)| literal.captures_iter(line))
        .map(|found| found[1].to_owned())
        .collect()
}
