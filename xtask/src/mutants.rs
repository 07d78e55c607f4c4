//! `cargo xtask safety-mutants`: shows that the proof can fail. Guards of the product are taken out
//! one at a time, in a copy of the repository, and the tests that stand for each must notice.
//!
//! The mutants are data, `crates/server/tests/it/failures/mutants.toml`; `docs/failures.md` is
//! printed from the same file. First the named tests must pass on the copy as it is: a test that
//! fails anyway shows nothing.

mod copy;
mod data;

use std::collections::BTreeSet;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use clap::Args;

use crate::databases::{Databases, MARIADB_VARIABLE, POSTGRES_VARIABLE};
use crate::{cargo, packages, process};
use copy::Copy;
use data::{Mutant, Program};

/// No named test takes a tenth of it on its own; a mutant may hang.
const TESTS_WITHIN: Duration = Duration::from_secs(600);

/// Which guards are taken out.
#[derive(Args)]
pub struct MutantArguments {
    /// Take this guard out alone (may be given several times)
    #[arg(long, value_name = "NAME")]
    only: Vec<String>,
    /// List the guards and the tests that stand for them, and do nothing
    #[arg(long, conflicts_with = "only")]
    list: bool,
    /// Leave the copy and its build where they are, for a look or for the next run
    #[arg(long)]
    keep: bool,
}

/// What came of a mutant.
enum Verdict {
    /// Every named test failed.
    Caught,
    /// These named tests passed although the guard was gone.
    Survived(Vec<String>),
    /// The tests did not end; somebody would have noticed.
    Hung,
    /// The compiler refused it, so it shows nothing.
    NotBuilt,
}

impl Verdict {
    fn is_good(&self) -> bool {
        match self {
            Self::Caught | Self::Hung => true,
            Self::Survived(_) | Self::NotBuilt => false,
        }
    }
}

/// Takes the guards out, one after the other.
pub fn run(root: &Path, arguments: &MutantArguments) -> Result<()> {
    let mutants = data::read(root)?;
    if arguments.list {
        list(&mutants);
        return Ok(());
    }
    let chosen = chosen(&mutants, &arguments.only)?;
    process::listen_for_interrupts()?;
    let databases = databases(&chosen)?;
    let folder = folder(root);
    let copy = Copy::make(root, &folder)?;
    let report = Report::begin(root, (chosen.len(), mutants.len()))?;
    let workshop = Workshop { copy: &copy, databases: databases.as_ref(), report: &report };
    let bad = workshop.try_all(&chosen);
    println!("written down in {}", report.path.display());
    if arguments.keep || bad.is_err() {
        println!("the copy is in {}", folder.display());
    } else {
        fs::remove_dir_all(&folder).with_context(|| format!("remove {}", folder.display()))?;
    }
    let (bad, all) = (bad?, chosen.len());
    if bad > 0 {
        bail!("{bad} of {all} guards can be taken out and no test that stands for them notices");
    }
    println!("{all} guards taken out, each noticed");
    Ok(())
}

fn list(mutants: &[Mutant]) {
    for Mutant { name, promise, guard, caught_by, .. } in mutants {
        println!("{name}: {guard}\n    {promise}");
        for test in caught_by {
            println!("    {test}");
        }
    }
}

fn chosen<'a>(mutants: &'a [Mutant], only: &[String]) -> Result<Vec<&'a Mutant>> {
    if let Some(unknown) = only.iter().find(|name| !mutants.iter().any(|one| one.name == **name)) {
        bail!("there is no mutant {unknown}; `cargo xtask safety-mutants --list` names them");
    }
    if only.is_empty() {
        return Ok(mutants.iter().collect());
    }
    // In the order in which they were asked for.
    Ok(only.iter().flat_map(|name| mutants.iter().filter(move |one| one.name == *name)).collect())
}

/// Servers for the guards that only they show, unless they run already.
fn databases(mutants: &[&Mutant]) -> Result<Option<Databases>> {
    let wanted = mutants.iter().any(|mutant| mutant.on_postgres);
    if !wanted || std::env::var_os(POSTGRES_VARIABLE).is_some() {
        return Ok(None);
    }
    packages::ensure()?;
    Databases::start().map(Some)
}

/// Beside what is built, where git does not look.
fn folder(root: &Path) -> PathBuf {
    let target =
        std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| "target".into(), PathBuf::from);
    root.join(target).join("safety-mutants")
}

/// The day's report under bench/. Each verdict is appended as it comes, so that a run that is
/// stopped keeps what it saw.
struct Report {
    path: PathBuf,
}

impl Report {
    /// Heads the run, below those of the same day.
    fn begin(root: &Path, (chosen, all): (usize, usize)) -> Result<Self> {
        let report = Self { path: root.join(format!("bench/safety-mutants-{}.txt", today()?)) };
        let before = if report.path.exists() { "\n" } else { "" };
        let extent =
            if chosen == all { format!("all {all}") } else { format!("{chosen} of {all}") };
        report.add(&format!("{before}{}guards: {extent}\n\n", head(root)?))?;
        Ok(report)
    }

    fn add(&self, text: &str) -> Result<()> {
        let file = fs::OpenOptions::new().create(true).append(true).open(&self.path);
        let written = file.and_then(|mut file| file.write_all(text.as_bytes()));
        written.with_context(|| format!("write {}", self.path.display()))
    }
}

struct Workshop<'a> {
    copy: &'a Copy,
    databases: Option<&'a Databases>,
    report: &'a Report,
}

impl Workshop<'_> {
    /// How many mutants were not caught.
    fn try_all(&self, mutants: &[&Mutant]) -> Result<usize> {
        for mutant in mutants {
            self.copy.check(mutant)?;
        }
        self.pass_as_it_is(mutants)?;
        let mut bad = 0;
        for (number, mutant) in (1..).zip(mutants) {
            let began = Instant::now();
            let verdict = self.copy.mutated(mutant, || self.verdict(mutant))?;
            bad += usize::from(!verdict.is_good());
            let line = line(mutant, &verdict, began.elapsed());
            print!("{number}/{} {line}", mutants.len());
            self.report.add(&line)?;
        }
        Ok(bad)
    }

    /// A test that fails without a mutant would seem to catch everything.
    fn pass_as_it_is(&self, mutants: &[&Mutant]) -> Result<()> {
        for program in Program::ALL {
            for on_postgres in [false, true] {
                let of_it = |mutant: &&&Mutant| {
                    mutant.program == program && mutant.on_postgres == on_postgres
                };
                let tests = mutants.iter().filter(of_it).flat_map(|mutant| &mutant.caught_by);
                let tests: BTreeSet<&String> = tests.collect();
                if tests.is_empty() {
                    continue;
                }
                println!("{} tests of {program:?} on the copy as it is", tests.len());
                if !self.build(program)? {
                    bail!("the copy does not build as it is");
                }
                match self.failed(program, on_postgres, &tests)? {
                    Some(failed) if failed.is_empty() => {}
                    Some(failed) => bail!(
                        "they fail although nothing is missing: {failed:?}; see {}",
                        self.copy.log().display()
                    ),
                    None => bail!("they hang although nothing is missing"),
                }
            }
        }
        Ok(())
    }

    fn verdict(&self, mutant: &Mutant) -> Result<Verdict> {
        if !self.build(mutant.program)? {
            return Ok(Verdict::NotBuilt);
        }
        let tests: BTreeSet<&String> = mutant.caught_by.iter().collect();
        let Some(failed) = self.failed(mutant.program, mutant.on_postgres, &tests)? else {
            return Ok(Verdict::Hung);
        };
        let passed = tests.into_iter().filter(|test| !failed.contains(*test));
        let passed: Vec<String> = passed.cloned().collect();
        Ok(if passed.is_empty() { Verdict::Caught } else { Verdict::Survived(passed) })
    }

    fn build(&self, program: Program) -> Result<bool> {
        let mut build = self.cargo(program);
        build.arg("--no-run");
        Ok(process::read_lines(&mut build, |_| {})?.success())
    }

    /// Which of these tests fail; nothing if they do not end.
    fn failed(
        &self,
        program: Program,
        on_postgres: bool,
        tests: &BTreeSet<&String>,
    ) -> Result<Option<BTreeSet<String>>> {
        let mut command = self.cargo(program);
        command.arg("--").args(tests);
        // A guard of one database is not looked for on another.
        command.env_remove(MARIADB_VARIABLE);
        match self.databases {
            Some(databases) if on_postgres => {
                let variables = databases.variables().into_iter();
                command.envs(variables.filter(|(name, _)| *name == POSTGRES_VARIABLE));
            }
            None if on_postgres => {}
            Some(_) | None => {
                command.env_remove(POSTGRES_VARIABLE);
            }
        }
        let mut outcomes = Vec::new();
        let log = fs::File::create(self.copy.log())?;
        let mut log = std::io::BufWriter::new(log);
        let status = process::read_lines_within(&mut command, TESTS_WITHIN, |line| {
            outcomes.extend(data::outcome(line));
            // Only for whoever wonders why; the outcomes are what counts.
            let _ = writeln!(log, "{line}");
        })?;
        if status.is_none() {
            return Ok(None);
        }
        let named = |test: &&&String| outcomes.iter().any(|(name, _)| data::is_of(name, test));
        if let Some(missing) = tests.iter().find(|test| !named(test)) {
            bail!("{program:?} has no test {missing}, or ended before it was told");
        }
        let fails = |test: &&&String| {
            outcomes.iter().any(|(name, passed)| data::is_of(name, test) && !passed)
        };
        Ok(Some(tests.iter().filter(fails).map(|test| (*test).clone()).collect()))
    }

    fn cargo(&self, program: Program) -> Command {
        let mut command = cargo(&self.copy.tree);
        command.env("CARGO_TARGET_DIR", &self.copy.build);
        command.args(["test", "--no-fail-fast"]).args(program.arguments());
        command
    }
}

fn line(mutant: &Mutant, verdict: &Verdict, took: Duration) -> String {
    let word = match verdict {
        Verdict::Caught => format!("caught by {}", mutant.caught_by.join(", ")),
        Verdict::Hung => "caught: its tests never ended".to_owned(),
        Verdict::NotBuilt => "NOT BUILT: the compiler refuses it".to_owned(),
        Verdict::Survived(tests) => format!("SURVIVED {}", tests.join(", ")),
    };
    format!("{} ({} s): {word}\n", mutant.name, took.as_secs())
}

/// On what the report was made.
fn head(root: &Path) -> Result<String> {
    let commit = process::read(Command::new("git").current_dir(root).args(["rev-parse", "HEAD"]))?;
    let mut status = Command::new("git");
    status.current_dir(root).args(["status", "--porcelain", "--", ":!bench"]);
    let changed = if process::read(&mut status)?.is_empty() { "" } else { ", with changes" };
    let rustc = process::read(Command::new("rustc").current_dir(root).arg("--version"))?;
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let cpu = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let cpu = cpu.lines().find_map(|line| line.strip_prefix("model name")?.split(": ").nth(1));
    Ok(format!(
        "cargo xtask safety-mutants\ndate: {}\ncommit: {}{changed}\nmachine: {cores} cores, {}\n\
         compiler: {}\n",
        today()?,
        commit.trim(),
        cpu.unwrap_or("unknown"),
        rustc.trim(),
    ))
}

fn today() -> Result<String> {
    Ok(process::read(Command::new("date").args(["-u", "+%F"]))?.trim().to_owned())
}
