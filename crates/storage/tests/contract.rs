//! What the store promises, on every database it runs on.
//!
//! SQLite is always there. PostgreSQL and MySQL or MariaDB take part when `TILL_TEST_POSTGRES_URL`
//! and `TILL_TEST_MYSQL_URL` name servers on which databases may be made and dropped, for instance
//! `postgres://postgres@127.0.0.1:5432/postgres`; `cargo xtask test` starts private ones.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on stops here")]

#[path = "contract/books.rs"]
mod books;
#[path = "contract/claims.rs"]
mod claims;
#[path = "contract/deliveries.rs"]
mod deliveries;
#[path = "contract/disputes.rs"]
mod disputes;
#[path = "contract/harness.rs"]
mod harness;
#[path = "contract/history.rs"]
mod history;
#[path = "contract/lost_commit.rs"]
mod lost_commit;
#[path = "contract/operations.rs"]
mod operations;
#[path = "contract/payments.rs"]
mod payments;
#[path = "contract/refunds.rs"]
mod refunds;
#[path = "contract/retries.rs"]
mod retries;
#[path = "contract/rows.rs"]
mod rows;
#[path = "contract/schema.rs"]
mod schema;
#[path = "contract/sessions.rs"]
mod sessions;
#[path = "contract/shield.rs"]
mod shield;
#[path = "contract/sqlite_faults.rs"]
mod sqlite_faults;
#[path = "contract/stock.rs"]
mod stock;
