//! `cargo xtask kill`: the real server, killed as often as one likes while shoppers buy. The run
//! itself is a test, `crates/server/tests/it/kills.rs`; this starts what it needs and lengthens it.

use std::path::Path;

use anyhow::Result;
use clap::{Args, ValueEnum};

use crate::databases::{Databases, MARIADB_VARIABLE, POSTGRES_VARIABLE};
use crate::{cargo, packages, process};

const STORY: &str =
    "kills::a_server_that_is_killed_again_and_again_charges_once_and_loses_nothing::";

/// How the server is killed.
#[derive(Args)]
pub struct KillArguments {
    /// How often
    #[arg(long, default_value_t = 30, value_name = "NUMBER")]
    kills: u32,
    /// On which database; one that is not running is started for this run
    #[arg(long, value_enum, default_value_t = Database::Sqlite)]
    database: Database,
    /// Chooses the instants and what the shoppers do; without it chance does
    #[arg(long, value_name = "NUMBER")]
    seed: Option<u64>,
}

/// A database that the server can use.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Database {
    Sqlite,
    Postgres,
    Mysql,
}

impl Database {
    /// The test's name, and the variable that says where the database is.
    fn names(self) -> (&'static str, Option<&'static str>) {
        match self {
            Database::Sqlite => ("sqlite", None),
            Database::Postgres => ("postgres", Some(POSTGRES_VARIABLE)),
            Database::Mysql => ("mysql", Some(MARIADB_VARIABLE)),
        }
    }
}

/// Runs the story once, with as many kills as were asked for.
pub fn run(root: &Path, arguments: &KillArguments) -> Result<()> {
    process::listen_for_interrupts()?;
    let (test, variable) = arguments.database.names();
    let mut started = None;
    if variable.is_some_and(|variable| std::env::var_os(variable).is_none()) {
        packages::ensure()?;
        started = Some(Databases::start()?);
    }
    let mut command = cargo(root);
    command.args(["test", "--quiet", "-p", "server", "--test", "it", "--"]);
    command.args(["--exact", "--nocapture", &format!("{STORY}{test}")]);
    command.env("TILL_KILLS", arguments.kills.to_string());
    if let Some(seed) = arguments.seed {
        command.env("TILL_KILL_SEED", seed.to_string());
    }
    if let Some(databases) = &started {
        command.envs(databases.variables());
    }
    process::run(&mut command)
}
