//! `till`: a checkout server and the tools that belong to it. See [`server::cli`].

use std::process::ExitCode;

use clap::Parser as _;
use server::cli::{self, Arguments};

/// The system's allocator keeps every thread's garbage apart; under load this one needs less time
/// and returns more memory.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    cli::run(Arguments::parse())
}
