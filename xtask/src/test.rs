//! `cargo xtask test`: every check and every test, with the time each part took.
//!
//! The parts run one after the other and the first that fails ends the run; whatever happens, the
//! databases are stopped. The last line is the sum over all test programs. The parts' budgets are
//! in the table of `docs/testing.md`, which names this command as its source.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use clap::ValueEnum;

use crate::databases::Databases;
use crate::{cargo, packages, process, sdks, web};

/// A part of the run.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Part {
    /// The source's layout
    Fmt,
    /// The compiler's and clippy's warnings, as errors; before the tests in one go with their build
    Clippy,
    /// What apt has to install, if anything
    Packages,
    /// PostgreSQL and MariaDB, started for this run
    Databases,
    /// The vendors' clients from npm and PyPI
    Sdks,
    /// Every test of the workspace (brings packages, databases and sdks with it)
    Rust,
    /// Whether the stories meet every route, error code and field of the API (brings rust with it)
    Coverage,
    /// The front end's packages: format, lint, types, build, tests, and walks in a browser (builds the
    /// server if need be)
    Web,
}

impl Part {
    const ALL: [Part; 8] = [
        Part::Fmt,
        Part::Clippy,
        Part::Packages,
        Part::Databases,
        Part::Sdks,
        Part::Rust,
        Part::Coverage,
        Part::Web,
    ];

    fn title(self) -> &'static str {
        match self {
            Part::Fmt => "source layout (cargo fmt)",
            Part::Clippy => "build and warnings (clippy)",
            Part::Packages => "Debian packages",
            Part::Databases => "start PostgreSQL and MariaDB",
            Part::Sdks => "vendors' clients (npm, pip)",
            Part::Rust => "tests (cargo test)",
            Part::Coverage => "what the stories meet",
            Part::Web => "front end (npm)",
        }
    }

    /// On a machine of two cores with nothing built; together they stay under a quarter of an
    /// hour. Going over is reported and does not fail the run: the machine may be a slow one.
    fn budget(self) -> Duration {
        Duration::from_secs(match self {
            Part::Fmt => 10,
            Part::Clippy => 360,
            Part::Packages => 15,
            Part::Databases => 10,
            Part::Sdks => 20,
            Part::Rust => 350,
            Part::Coverage => 10,
            Part::Web => 120,
        })
    }
}

/// What the parts before have made ready for those after.
#[derive(Default)]
struct Prepared {
    databases: Option<Databases>,
    variables: Vec<(&'static str, String)>,
    /// Whether the build of the tests looks for clippy's warnings.
    is_linted: bool,
    /// What the stories said to the server, for [`Part::Coverage`].
    coverage: Option<PathBuf>,
    counts: Counts,
}

impl Prepared {
    /// Cargo as the tests are built with. In a whole run the compiler is clippy's, which compiles what it
    /// looks at: `cargo clippy` beside it would have to look at all libraries once more.
    fn cargo(&self, root: &Path) -> Command {
        let mut command = cargo(root);
        if self.is_linted {
            command.env("RUSTC_WORKSPACE_WRAPPER", "clippy-driver");
            // As `cargo clippy -- -D warnings` says it.
            command.env("CLIPPY_ARGS", "-D__CLIPPY_HACKERY__warnings__CLIPPY_HACKERY__");
        }
        command
    }
}

/// The whole workspace for one of its programs: for one crate alone cargo would choose other features,
/// and compile everything anew.
const TESTS_OF_THE_SERVER: [&str; 4] = ["test", "--workspace", "--test", "it"];

struct Measured {
    part: Part,
    took: Duration,
}

/// Runs the chosen parts, or all; `arguments` go to `cargo test`.
pub fn run(root: &Path, only: &[Part], arguments: &[String]) -> Result<()> {
    process::listen_for_interrupts()?;
    // A server that is not built for release looks there for its storefront, if it was there when the
    // server was built; the front end's part fills it.
    fs::create_dir_all(root.join("web/storefront/dist"))?;
    let parts = chosen(only);
    let is_linted = parts.contains(&Part::Clippy) && parts.contains(&Part::Rust);
    let mut prepared = Prepared { is_linted, ..Prepared::default() };
    let mut measured = Vec::new();
    let mut outcome = Ok(());
    for (index, part) in parts.iter().enumerate() {
        let budget = shown(part.budget());
        println!("\n== {}/{} {} (budget {budget})", index + 1, parts.len(), part.title());
        let began = Instant::now();
        outcome = run_part(*part, root, arguments, &mut prepared);
        measured.push(Measured { part: *part, took: began.elapsed() });
        if outcome.is_err() {
            break;
        }
        println!("   {}: {}", part.title(), shown(began.elapsed()));
    }
    // Stopped before anything is summed up, so that nothing can come in between.
    drop(prepared.databases.take());

    print_times(&measured);
    prepared.counts.print();
    outcome
}

fn chosen(only: &[Part]) -> Vec<Part> {
    let tests = only.contains(&Part::Rust) || only.contains(&Part::Coverage);
    let brought = |part: Part| match part {
        Part::Fmt | Part::Clippy | Part::Coverage | Part::Web => false,
        Part::Packages => tests || only.contains(&Part::Databases),
        Part::Databases | Part::Sdks => tests,
        Part::Rust => only.contains(&Part::Coverage),
    };
    let wanted = |part: &Part| only.is_empty() || only.contains(part) || brought(*part);
    Part::ALL.into_iter().filter(wanted).collect()
}

fn run_part(part: Part, root: &Path, arguments: &[String], prepared: &mut Prepared) -> Result<()> {
    match part {
        Part::Fmt => process::run(cargo(root).args(["fmt", "--all", "--check"])),
        // Benchmarks too, which the tests do not need.
        Part::Clippy if prepared.is_linted => process::run(prepared.cargo(root).args([
            "test",
            "--workspace",
            "--all-targets",
            "--no-run",
        ])),
        Part::Clippy => process::run(cargo(root).args([
            "clippy",
            "--workspace",
            "--all-targets",
            "--",
            "-D",
            "warnings",
        ])),
        Part::Packages => {
            println!("   {}", packages::ensure()?);
            Ok(())
        }
        Part::Databases => {
            let databases = Databases::start()?;
            for (name, url) in databases.variables() {
                println!("   {name}={url}");
                prepared.variables.push((name, url));
            }
            prepared.databases = Some(databases);
            Ok(())
        }
        Part::Sdks => {
            let sdks = sdks::prepare(root)?;
            println!("   {}", sdks.note);
            prepared.variables.extend(sdks.variables);
            Ok(())
        }
        Part::Rust => every_test(root, arguments, prepared),
        Part::Coverage if !arguments.is_empty() => {
            println!("   left out: only some of the stories were told");
            Ok(())
        }
        Part::Coverage => {
            let mut test = prepared.cargo(root);
            test.args(TESTS_OF_THE_SERVER).args(["--", "--exact", COVERAGE]);
            test.envs(prepared.coverage.iter().map(|path| ("TILL_COVERAGE_CHECK", path)));
            run_tests(&mut test, prepared)
        }
        Part::Web => {
            let mut build = prepared.cargo(root);
            match &prepared.coverage {
                Some(_) => build.args(TESTS_OF_THE_SERVER).arg("--no-run"),
                None => build.args(["build", "-p", "server", "--bin", "till"]),
            };
            let counts = &mut prepared.counts;
            web::test(root, &mut build, |line| {
                println!("{line}");
                counts.add(line);
            })
        }
    }
}

/// Every test of the workspace, or those that the arguments name.
fn every_test(root: &Path, arguments: &[String], prepared: &mut Prepared) -> Result<()> {
    let folder = root.join("target");
    fs::create_dir_all(&folder)?;
    let record = folder.join("coverage.jsonl");
    fs::write(&record, "")?;
    let mut tests = prepared.cargo(root);
    tests.args(["test", "--no-fail-fast"]);
    if !arguments.iter().any(|word| word == "-p" || word.starts_with("--package")) {
        tests.arg("--workspace");
    }
    tests.args(arguments).envs(prepared.variables.iter().map(|(k, v)| (k, v)));
    // What a test that passes has printed is shown too: it may say that it was skipped.
    if !arguments.iter().any(|word| word == "--") {
        tests.args(["--", "--show-output"]);
    }
    tests.env("TILL_COVERAGE_RECORD", &record);
    if std::env::var_os("RUST_TEST_THREADS").is_none() {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        tests.env("RUST_TEST_THREADS", (cores * TESTS_OF_A_CORE).to_string());
    }
    prepared.coverage = Some(record);
    run_tests(&mut tests, prepared)
}

/// So many tests at a time for each core: stories wait longer than they compute, for a database, for
/// a retry, for a process to start.
const TESTS_OF_A_CORE: usize = 4;

/// The test that compares what the stories met with what the API's document promises.
const COVERAGE: &str = "coverage::every_route_code_and_documented_field_has_a_story";

fn run_tests(tests: &mut Command, prepared: &mut Prepared) -> Result<()> {
    let counts = &mut prepared.counts;
    let before = counts.passed + counts.failed;
    let status = process::read_lines(tests, |line| {
        println!("{line}");
        counts.add(line);
    })?;
    if !status.success() {
        bail!("a test failed, or its program could not be built; see above");
    }
    if counts.passed + counts.failed == before {
        bail!("no test has this in its name");
    }
    Ok(())
}

/// What the test programs' closing lines say, added up.
#[derive(Default)]
struct Counts {
    passed: u64,
    failed: u64,
    /// The names of those that failed, to be read at the end of a long run.
    failures: Vec<String>,
    /// Why tests passed without testing, and how many each.
    skipped: BTreeMap<String, u64>,
}

impl Counts {
    /// Reads lines such as `test result: ok. 3 passed; 0 failed; 0 ignored; 0 measured; …`, vitest's
    /// `Tests  1 failed | 3 passed (4)`, Playwright's `3 passed (1.5s)` and `1 failed`, and those in
    /// which a test says that it was skipped, and why.
    fn add(&mut self, line: &str) {
        if let Some(why) = line.strip_prefix("skipped: ") {
            *self.skipped.entry(why.to_owned()).or_default() += 1;
        }
        let of_test = line.strip_prefix("test ").and_then(|rest| rest.strip_suffix(" ... FAILED"));
        let failure = of_test.or(line.trim_start().strip_prefix("FAIL  "));
        self.failures.extend(failure.map(str::to_owned));
        let of_cargo = line.strip_prefix("test result: ").and_then(|rest| rest.split_once(". "));
        let of_vitest = line.trim_start().strip_prefix("Tests  ");
        let of_playwright = Some(line.trim()).filter(|line| {
            matches!(line.split(' ').collect::<Vec<_>>()[..], [_, "failed"] | [_, "passed", _])
        });
        let figures = of_cargo.map(|(_, figures)| figures).or(of_vitest).or(of_playwright);
        let Some(figures) = figures else { return };
        for figure in figures.split("; ").flat_map(|figures| figures.split(" | ")) {
            let Some((number, word)) = figure.split_once(' ') else { continue };
            let Ok(number) = number.parse::<u64>() else { continue };
            match word.split(' ').next() {
                Some("passed") => self.passed += number,
                Some("failed") => self.failed += number,
                _ => {}
            }
        }
    }

    fn print(&self) {
        if self.passed + self.failed == 0 {
            return;
        }
        println!();
        for name in &self.failures {
            println!("failed: {name}");
        }
        for (why, count) in &self.skipped {
            println!("skipped {count}: {why}");
        }
        println!("{self}");
    }
}

impl std::fmt::Display for Counts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let skipped: u64 = self.skipped.values().sum();
        // A test that says that it was skipped ends well for its own runner.
        let passed = self.passed.saturating_sub(skipped);
        write!(f, "{passed} passed, {} failed, {skipped} skipped", self.failed)
    }
}

/// Prints the table as `docs/testing.md` has it.
fn print_times(measured: &[Measured]) {
    println!("\n| part | budget | measured |\n|---|---|---|");
    let row = |title: &str, budget: Duration, took: Duration| {
        let verdict = if took > budget { " (over)" } else { "" };
        println!("| {title} | {} | {}{verdict} |", shown(budget), shown(took));
    };
    for Measured { part, took } in measured {
        row(part.title(), part.budget(), *took);
    }
    if measured.len() > 1 {
        let budget = measured.iter().map(|line| line.part.budget()).sum();
        row("together", budget, measured.iter().map(|line| line.took).sum());
    }
}

/// Minutes and seconds, as `2 min 05 s`.
fn shown(time: Duration) -> String {
    let seconds = time.as_secs();
    match seconds / 60 {
        0 => format!("{} s", time.as_millis().div_ceil(1000)),
        minutes => format!("{minutes} min {:02} s", seconds % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_closing_lines_of_all_test_programs_are_added_up() {
        let mut counts = Counts::default();
        for line in [
            "test result: ok. 12 passed; 0 failed; 0 ignored; 0 measured; 3 filtered out",
            "skipped: there is no such folder",
            "test a_story ... FAILED",
            " FAIL  client/test/money.test.ts > an amount is shown",
            "test result: FAILED. 2 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out",
            " Test Files  1 failed | 5 passed (6)",
            "      Tests  1 failed | 93 passed (94)",
            "  1 failed",
            "    e2e/walks/payment.test.ts:28:1 › a card is declined",
            "  7 passed (32.1s)",
        ] {
            counts.add(line);
        }
        assert_eq!(counts.to_string(), "113 passed, 3 failed, 1 skipped");
        let failures = ["a_story", "client/test/money.test.ts > an amount is shown"];
        assert_eq!(counts.failures, failures);
    }

    #[test]
    fn the_tests_bring_what_they_need_and_a_quick_part_brings_nothing() {
        assert!(chosen(&[Part::Fmt]) == [Part::Fmt]);
        assert!(chosen(&[Part::Web]) == [Part::Web]);
        let needed = [Part::Packages, Part::Databases, Part::Sdks, Part::Rust];
        assert!(chosen(&[Part::Rust]) == needed);
        assert!(chosen(&[]) == Part::ALL);
    }

    #[test]
    fn all_budgets_together_stay_under_a_quarter_of_an_hour() {
        let together: Duration = Part::ALL.into_iter().map(Part::budget).sum();
        assert!(together < Duration::from_secs(15 * 60), "{}", shown(together));
    }
}
