//! The specification: every test name is a sentence that the product keeps.
//!
//! Stories speak HTTP to a server that really runs, with a simulated Stripe behind it and a real
//! database below it. They run on SQLite always, and on PostgreSQL and MariaDB where
//! `TILL_TEST_POSTGRES_URL` and `TILL_TEST_MYSQL_URL` name a server (`cargo xtask test` starts
//! both).

#![expect(clippy::unwrap_used, reason = "a story that cannot go on has failed")]

mod attack;
mod books;
mod browser;
mod challenge;
mod coverage;
mod crash_walk;
mod database;
mod erp;
mod failures;
mod guest;
mod hostile;
mod kills;
mod live;
mod lost_commit;
mod platform;
mod platform_books;
mod printed;
mod rate_desk;
mod seams;
mod session_contract;
mod shelves;
mod shop;
mod simulation;
mod smtp;
mod stage;
mod stories;
mod tidy;

/// The server's own: with the system's, a fifth of a simulated history would go into it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;
