//! `till doctor`: everything that can be known before a shopper finds it out, a line each. It changes
//! nothing and prints no secret.

mod database;
mod gateway;
mod platform;

use std::io::{self, Write};

use jiff::Timestamp;
use serde::Serialize;
use storage::Store;

use super::ink::Ink;
use crate::config::{BackendConfig, Config, DatabaseConfig, Sources};

/// Why the check has an exit code of its own.
#[derive(Debug, thiserror::Error)]
pub enum DoctorError {
    /// Something is wrong.
    #[error("{0} of the checks found something wrong; each line above says how to mend it")]
    Wrong(usize),
    /// Nobody reads the output.
    #[error("the output cannot be written")]
    Io(#[from] io::Error),
}

/// How a check ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// As it should be.
    Ok,
    /// The shop works, and somebody should look at it.
    Warning,
    /// Orders are lost, late or wrong, or the server does not start.
    Wrong,
}

/// What a check found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Line {
    /// What was checked.
    pub check: &'static str,
    /// How it is.
    pub verdict: Verdict,
    /// What was found.
    pub found: String,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mend: Option<String>,
}

impl Line {
    fn ok(check: &'static str, found: impl Into<String>) -> Self {
        Self { check, verdict: Verdict::Ok, found: found.into(), mend: None }
    }

    fn warning(check: &'static str, found: impl Into<String>, mend: impl Into<String>) -> Self {
        Self { check, verdict: Verdict::Warning, found: found.into(), mend: Some(mend.into()) }
    }

    fn wrong(check: &'static str, found: impl Into<String>, mend: impl Into<String>) -> Self {
        Self { check, verdict: Verdict::Wrong, found: found.into(), mend: Some(mend.into()) }
    }
}

/// Examines everything. `sources` is read twice: a wrong setting must not hide the database.
pub async fn examine(
    sources: fn() -> Sources,
    transport: gateways::Transport,
    now: Timestamp,
) -> Vec<Line> {
    let mut lines = Vec::new();
    let config = match Config::load(sources()) {
        Ok(config) => {
            let found = format!("every setting can be used; the shop is at {}", config.public_url);
            lines.push(Line::ok("configuration", found));
            Some(config)
        }
        Err(error) => {
            let problems = error.problems().iter();
            lines.extend(problems.map(|problem| {
                let mend = "Mend the setting; `till serve --help` lists all of them.";
                Line::wrong("configuration", problem.clone(), mend)
            }));
            None
        }
    };
    match DatabaseConfig::load(sources()) {
        Ok(database) => {
            lines.extend(database::examine(&database.url, config.as_ref(), now).await);
        }
        Err(_) => lines.push(not_examined("database")),
    }
    match config.as_ref().map(|config| (config, &config.backend)) {
        Some((config, BackendConfig::Native(native))) => {
            lines.extend(gateway::examine(config, &native.stripe, transport, now).await);
        }
        Some((_, BackendConfig::ElasticPath(store))) => {
            lines.extend(platform::examine(store, transport).await);
        }
        None => lines.push(not_examined("gateway")),
    }
    lines
}

fn not_examined(check: &'static str) -> Line {
    Line::warning(check, "not examined", "Mend the configuration first.")
}

/// Prints the lines; an error where something is wrong.
pub fn print(
    lines: &[Line],
    as_json: bool,
    ink: Ink,
    mut out: impl Write,
) -> Result<(), DoctorError> {
    for line in lines {
        if as_json {
            let text = serde_json::to_string(line).map_err(io::Error::from)?;
            writeln!(out, "{text}")?;
            continue;
        }
        let verdict = match line.verdict {
            Verdict::Ok => ink.good("ok     "),
            Verdict::Warning => ink.strong("warning"),
            Verdict::Wrong => ink.bad("wrong  "),
        };
        writeln!(out, "{verdict}  {:<14} {}", line.check, line.found)?;
        if let Some(mend) = &line.mend {
            writeln!(out, "{:24} {mend}", "")?;
        }
    }
    match lines.iter().filter(|line| line.verdict == Verdict::Wrong).count() {
        0 => Ok(()),
        wrong => Err(DoctorError::Wrong(wrong)),
    }
}

/// How long ago, in words that a person reads.
fn ago(then: Timestamp, now: Timestamp) -> String {
    let seconds = now.duration_since(then).as_secs().max(0);
    match seconds {
        0..120 => format!("{seconds} seconds ago"),
        120..7200 => format!("{} minutes ago", seconds / 60),
        7200..172_800 => format!("{} hours ago", seconds / 3600),
        _ => format!("{} days ago", seconds / 86_400),
    }
}

/// Whether the migrations are done, so that the tables can be read.
async fn is_migrated(store: &Store) -> bool {
    store.pending_migrations().await.is_ok_and(|pending| pending.is_empty())
}
