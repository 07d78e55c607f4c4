//! The mutants as they are written down, and how a test program's lines are read.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};
use serde::Deserialize;

/// Where they are written down.
const MUTANTS: &str = "crates/server/tests/it/failures/mutants.toml";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    mutant: Vec<Mutant>,
}

/// A guard, how it is taken out, and who must notice.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mutant {
    /// By which it is asked for.
    pub name: String,
    /// The line of "What always holds" that it stands for.
    pub promise: String,
    /// What the guard does, in a sentence.
    pub guard: String,
    /// Names of tests, each of which must fail without it.
    pub caught_by: Vec<String>,
    /// The test program that has them.
    #[serde(default)]
    pub program: Program,
    /// Only a database that several connections write at once shows it.
    #[serde(default)]
    pub on_postgres: bool,
    /// What is taken out.
    pub edit: Vec<Edit>,
}

/// A piece of text that stands in a file once.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Edit {
    pub file: String,
    pub remove: String,
    pub insert: String,
}

/// A test program: the smaller it is, the sooner it is built without a guard.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Program {
    /// The stories, the crash walk and the simulation
    #[default]
    Stories,
    /// The store's contract
    Contract,
    /// The tests beside the rules
    Domain,
}

impl Program {
    pub const ALL: [Program; 3] = [Self::Stories, Self::Contract, Self::Domain];

    /// What `cargo test` is told. Of the whole workspace: for one crate alone cargo would choose
    /// other features, and compile everything below it once more.
    pub fn arguments(self) -> &'static [&'static str] {
        match self {
            Self::Stories => &["--workspace", "--test", "it"],
            Self::Contract => &["--workspace", "--test", "contract"],
            Self::Domain => &["-p", "domain", "--lib"],
        }
    }
}

/// Reads them all.
pub fn read(root: &Path) -> Result<Vec<Mutant>> {
    let text = fs::read_to_string(root.join(MUTANTS)).with_context(|| format!("read {MUTANTS}"))?;
    let file: File = toml::from_str(&text).with_context(|| format!("understand {MUTANTS}"))?;
    Ok(file.mutant)
}

/// The name of a test and whether it passed, from a line such as `test stories::a::sqlite ... ok`.
pub fn outcome(line: &str) -> Option<(String, bool)> {
    let (name, outcome) = line.strip_prefix("test ")?.split_once(" ... ")?;
    Some((name.to_owned(), outcome == "ok"))
}

/// Whether the test, with its modules and its database, is of this name.
pub fn is_of(path: &str, name: &str) -> bool {
    path.split("::").any(|part| part == name)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::super::copy::without_guard;
    use super::*;

    #[test]
    fn every_guard_can_be_taken_out_of_the_source_as_it_is() {
        let root = crate::root().expect("the repository");
        let faults: Vec<String> = read(&root)
            .expect("the mutants")
            .iter()
            .filter_map(|mutant| without_guard(&root, mutant).err())
            .map(|error| error.to_string())
            .collect();
        assert!(faults.is_empty(), "{}", faults.join("\n\n"));
    }

    #[test]
    fn every_mutant_has_a_name_of_its_own_changes_something_and_says_who_notices() {
        let mutants = read(&crate::root().expect("the repository")).expect("the mutants");
        let names: BTreeSet<&String> = mutants.iter().map(|mutant| &mutant.name).collect();
        assert_eq!(names.len(), mutants.len());
        for mutant in &mutants {
            assert!(!mutant.caught_by.is_empty() && !mutant.edit.is_empty(), "{}", mutant.name);
            assert!(mutant.edit.iter().all(|edit| edit.remove != edit.insert), "{}", mutant.name);
        }
    }

    #[test]
    fn the_lines_of_a_test_program_are_read() {
        let told = outcome("test stories::a_story::sqlite ... FAILED");
        assert_eq!(told, Some(("stories::a_story::sqlite".to_owned(), false)));
        assert_eq!(outcome("test result: ok. 1 passed"), None);
        assert!(is_of("stories::a_story::sqlite", "a_story"));
        assert!(!is_of("stories::a_story_of_another::sqlite", "a_story"));
    }
}
