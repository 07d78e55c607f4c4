//! The project's own commands: `cargo xtask demo | release | test | kill | simulate |
//! safety-mutants | databases | bench | countries`.

use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::{Context as _, Result};
use clap::{Parser, Subcommand};

mod countries;
mod databases;
mod kill;
mod mutants;
mod packages;
mod process;
mod sdks;
mod test;
mod web;

#[derive(Parser)]
#[command(bin_name = "cargo xtask", about = "The project's own commands")]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Builds the server and runs the demo shops: `till demo`
    #[command(after_help = DEMO_EXAMPLES)]
    Demo {
        /// Arguments for `till demo`
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Builds the server for use, with the storefront in it: target/release/till
    Release {
        /// Arguments for `cargo build`
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Runs every check and every test, on SQLite, PostgreSQL and MariaDB
    #[command(after_help = TEST_EXAMPLES)]
    Test {
        /// Instead buy at the real Stripe and Elastic Path, with the test-mode keys that are in the
        /// environment (docs/live-test.md); what has no key is skipped
        #[arg(long, conflicts_with_all = ["only", "arguments"])]
        live: bool,
        /// Run this part alone (may be given several times); `rust` brings what it needs
        #[arg(long, value_enum, value_name = "PART")]
        only: Vec<test::Part>,
        /// Arguments for `cargo test`, such as a part of a test's name or `-p storage`
        #[arg(last = true)]
        arguments: Vec<String>,
    },
    /// Kills the real server again and again while shoppers buy, and compares the books
    #[command(after_help = KILL_EXAMPLES)]
    Kill(kill::KillArguments),
    /// Starts the tests' PostgreSQL and MariaDB and prints their URLs, until Ctrl-C
    #[command(after_help = DATABASES_EXAMPLES)]
    Databases,
    /// Plays random histories of a whole shop, built with optimisation, and ends with the first
    /// that breaks a promise
    #[command(after_help = SIMULATE_EXAMPLES)]
    Simulate {
        /// How many histories
        #[arg(long, default_value_t = 10_000)]
        histories: u64,
        /// The seed of the first one; the others follow it
        #[arg(long, default_value_t = 1)]
        seed: u64,
        /// How many are played at a time
        #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u64).range(1..))]
        threads: u64,
        /// Which shop they play in; without it each seed chooses
        #[arg(long, value_enum, default_value_t = World::Any)]
        world: World,
    },
    /// Takes the product's guards out one at a time, and expects a test to notice each
    #[command(after_help = MUTANT_EXAMPLES)]
    SafetyMutants(mutants::MutantArguments),
    /// Measures the storage with its benchmarks, built for release
    #[command(after_help = BENCH_EXAMPLES)]
    Bench {
        /// Arguments for criterion, such as a part of a benchmark's name
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Writes crates/domain/data/countries.tsv anew from the pinned data sets
    Countries,
}

/// Which shop a history plays in.
#[derive(Clone, Copy, clap::ValueEnum)]
enum World {
    /// The seed chooses
    Any,
    /// The shop's API on the native backend
    Shop,
    /// Checkout sessions on the native backend
    Sessions,
    /// Checkout sessions at Elastic Path
    Platform,
}

impl World {
    fn name(self) -> &'static str {
        match self {
            Self::Any => "any",
            Self::Shop => "shop",
            Self::Sessions => "sessions",
            Self::Platform => "platform",
        }
    }
}

const DEMO_EXAMPLES: &str = "Examples:
  cargo xtask demo                                     two shops and their API to try
  cargo xtask demo --checkout                          a narrated checkout, then the end
  cargo xtask demo --checkout --backend elastic-path   the same at Elastic Path
  cargo xtask demo --checkout --kill-after charge      the same with a crash in the middle";

const TEST_EXAMPLES: &str = "Examples:
  cargo xtask test                                     everything
  cargo xtask test --only fmt --only clippy            two quick parts
  cargo xtask test --only rust -- a_declined_card      tests with this in their name
  cargo xtask test --only rust -- -p storage           the tests of one crate
  cargo xtask test --only web                          the front end's packages
  cargo xtask test --live                              guests pay at the real vendors, in test mode";

const KILL_EXAMPLES: &str = "Examples:
  cargo xtask kill                                     thirty kills, on SQLite
  cargo xtask kill --kills 100 --database postgres     a longer run
  cargo xtask kill --seed 7                            the same choices as another run's";

const DATABASES_EXAMPLES: &str = "Example:
  cargo xtask databases                                in one terminal; then in another the two
                                                       printed exports and `cargo test -p storage`";

/// The test that plays them.
const SIMULATION: &str = "simulation::whatever_happens_the_money_the_orders_and_the_stock_agree";

const SIMULATE_EXAMPLES: &str = "Examples:
  cargo xtask simulate                                 ten thousand histories
  cargo xtask simulate --histories 1000000 --seed 7    a night's worth of others
  cargo xtask simulate --world platform                of checkout sessions at Elastic Path
  cargo xtask simulate --histories 1 --seed 260        one of them again";

/// The test that buys at the vendors.
const LIVE: &str = "live::a_guest_pays_in_every_way_at_the_vendors_or_at_simulators_in_their_place";

const MUTANT_EXAMPLES: &str = "Examples:
  cargo xtask safety-mutants                           all of them, with a report under bench/
  cargo xtask safety-mutants --list                    what there is to take out
  cargo xtask safety-mutants --only amount-check       one of them, appended to it";

const BENCH_EXAMPLES: &str = "Examples:
  cargo xtask bench                                    every benchmark
  cargo xtask bench create_order                       benchmarks with this in their name
  cargo xtask bench -- --list                          what there is to measure";

fn main() -> ExitCode {
    match run(Arguments::parse().task) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(task: Task) -> Result<()> {
    let root = root()?;
    match task {
        Task::Demo { arguments } => demo(&root, &arguments),
        Task::Release { arguments } => release(&root, &arguments),
        Task::Test { live: true, .. } => live(&root),
        Task::Test { only, arguments, .. } => test::run(&root, &only, &arguments),
        Task::Kill(arguments) => kill::run(&root, &arguments),
        Task::Databases => databases::serve(),
        Task::Simulate { histories, seed, threads, world } => {
            let numbers = [("HISTORIES", histories), ("SEED", seed), ("THREADS", threads)];
            let mut command = cargo(&root);
            command.args(["test", "--profile", "simulation", "-p", "server", "--test", "it"]);
            command.arg(SIMULATION);
            command.args(["--", "--exact", "--nocapture"]);
            command.env("TILL_SIMULATION_WORLD", world.name());
            command
                .envs(numbers.map(|(name, n)| (format!("TILL_SIMULATION_{name}"), n.to_string())));
            Err(command.exec()).context("start cargo")
        }
        Task::SafetyMutants(arguments) => mutants::run(&root, &arguments),
        Task::Bench { arguments } => {
            become_cargo(&root, &["bench", "-p", "storage", "--bench", "*", "--"], &arguments)
        }
        Task::Countries => countries::run(&root),
    }
}

/// The run is a test, `crates/server/tests/it/live.rs`; this tells it to believe the environment.
fn live(root: &Path) -> Result<()> {
    let mut command = cargo(root);
    command.args(["test", "--quiet", "-p", "server", "--test", "it", "--"]);
    command.args(["--exact", "--nocapture", LIVE]).env("TILL_LIVE", "1").env("RUST_BACKTRACE", "0");
    Err(command.exec()).context("start cargo")
}

/// What the storefront hashes to is told to the compiler, which otherwise would not look at it again.
fn release(root: &Path, arguments: &[String]) -> Result<()> {
    let mut command = cargo(root);
    command.args(["build", "--release", "-p", "server", "--bin", "till"]).args(arguments);
    if web::storefront(root) {
        let page = std::fs::read_to_string(root.join("web/storefront/dist/index.html"))?;
        let script = page.split("/shop/").nth(1).and_then(|rest| rest.split('"').next());
        command.env("TILL_STOREFRONT_BUILT", script.unwrap_or_default());
    }
    Err(command.exec()).context("start cargo")
}

/// Built in the dev profile: the wait for the first build is what a newcomer notices (release
/// links with LTO), and SQLite itself is compiled with optimisation in both.
fn demo(root: &Path, arguments: &[String]) -> Result<()> {
    web::storefront(root);
    become_cargo(root, &["run", "-p", "server", "--bin", "till", "--", "demo"], arguments)
}

/// Replaces this process, as `cargo run` does in turn: Ctrl-C and the exit code are the
/// program's own, and there is nothing in between that could outlive it.
fn become_cargo(root: &Path, leading: &[&str], arguments: &[String]) -> Result<()> {
    let error = cargo(root).args(leading).args(arguments).exec();
    Err(error).context("start cargo")
}

/// The cargo that runs us, at work in the repository.
///
/// What `cargo run` says about xtask in the environment is taken out again: some build scripts
/// look at it, and everything after them would be compiled anew at each change between
/// `cargo xtask` and `cargo`.
fn cargo(root: &Path) -> Command {
    let program = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(program);
    for (name, _) in std::env::vars_os() {
        let is_ours = name.to_str().is_some_and(|name| {
            ["CARGO_PKG_", "CARGO_MANIFEST_"].iter().any(|about_us| name.starts_with(about_us))
        });
        if is_ours {
            command.env_remove(name);
        }
    }
    if std::env::var_os("CI").is_some() {
        // A clean checkout is built once: what a next build would take over from this one is work for
        // nothing.
        command.env("CARGO_INCREMENTAL", "0");
    }
    command.current_dir(root);
    command
}

fn root() -> Result<PathBuf> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    Ok(here.parent().context("xtask lies in the repository")?.to_owned())
}
