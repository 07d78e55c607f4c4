//! The project's own commands: `cargo xtask demo | test | bench | countries`.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use clap::{Parser, Subcommand};

mod countries;
mod process;

#[derive(Parser)]
#[command(bin_name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Writes crates/domain/data/countries.tsv from the pinned data set
    Countries,
}

fn main() -> Result<()> {
    let root = root()?;
    process::listen_for_interrupts()?;
    match Arguments::parse().task {
        Task::Countries => countries::run(&root),
    }
}

fn root() -> Result<PathBuf> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    Ok(here.parent().context("xtask lies in the repository")?.to_owned())
}
