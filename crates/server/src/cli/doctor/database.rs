//! The database, and what lies in it undone.

use std::time::Duration;

use jiff::Timestamp;
use storage::{
    Condition, DatabaseUrl, Limits, Store, StoreError, Tx, attention, cursor,
    inbox::{self, Source},
    outbox, payment, purchase,
};
use uuid::Uuid;

use super::{Line, ago, is_migrated};
use crate::{
    config::{BackendConfig, Config},
    context::after,
    flows::compare_books,
};

/// Nodes whose clocks are further apart see each other's orders expire too early.
const CLOCKS_APART_SECONDS: i64 = 30;
/// The worker looks every second; what has been due for so long is not being worked off.
const OVERDUE: Duration = Duration::from_secs(5 * 60);

/// What concerns one backend is told of that one; where the configuration does not say which it is, of
/// orders of our own.
pub(super) async fn examine(
    url: &DatabaseUrl,
    config: Option<&Config>,
    now: Timestamp,
) -> Vec<Line> {
    let store = match Store::open(url, &Limits::default()).await {
        Ok(store) => store,
        Err(error) => {
            let mend = "Mend DATABASE_URL, or start the database.";
            return vec![Line::wrong("database", error.to_string(), mend)];
        }
    };
    let mut lines = match store.condition().await {
        Ok(condition) => conditions(url, &condition, now),
        Err(error) => {
            let mend = "Give its user the right to write, and the disk room.";
            vec![Line::wrong("database", format!("nothing can be written: {error}"), mend)]
        }
    };
    let migrates = config.is_some_and(|config| config.migrate_at_start);
    lines.push(migrations(&store, migrates).await);
    if is_migrated(&store).await {
        let undone = match config.map(|config| &config.backend) {
            Some(BackendConfig::ElasticPath(_)) => undone_at_platform(&store, now).await,
            Some(BackendConfig::Native(_)) | None => undone_here(&store, now).await,
        };
        lines.extend(undone.unwrap_or_else(|error| {
            let mend = "Give the database's user the right to read and change every table.";
            vec![Line::wrong("database", format!("its tables cannot be used: {error}"), mend)]
        }));
    }
    store.close().await;
    lines
}

fn conditions(url: &DatabaseUrl, condition: &Condition, now: Timestamp) -> Vec<Line> {
    let mut lines =
        vec![Line::ok("database", format!("{url} answers, version {}", condition.version))];
    lines.push(match condition.keeps_what_it_confirms {
        true => Line::ok("disk", "what is confirmed is on the disk"),
        false => Line::wrong(
            "disk",
            "the database confirms orders before they are on its disk: a power cut loses them",
            "PostgreSQL: fsync = on and synchronous_commit = on. MySQL and MariaDB: \
             innodb_flush_log_at_trx_commit = 1.",
        ),
    });
    let apart = condition.clock.duration_since(now).as_secs();
    lines.push(match apart.abs() <= CLOCKS_APART_SECONDS {
        true => Line::ok("database clock", "it goes as this machine's does"),
        false => Line::warning(
            "database clock",
            format!("it is {apart} seconds ahead of this machine's"),
            "Synchronise both clocks (NTP); one of the two machines is wrong.",
        ),
    });
    lines
}

async fn migrations(store: &Store, migrates: bool) -> Line {
    let check = "migrations";
    match store.pending_migrations().await {
        Ok(pending) if pending.is_empty() => Line::ok(check, "the database is up to date"),
        Ok(pending) if migrates => Line::warning(
            check,
            format!("missing: {}", pending.join(", ")),
            "`till serve` brings the database up to date when it starts; so does `till migrate`.",
        ),
        Ok(pending) => Line::wrong(
            check,
            format!("missing: {}", pending.join(", ")),
            "Run `till migrate`: with TILL_MIGRATE=manual the server does not start before.",
        ),
        Err(error) => {
            Line::wrong(check, error.to_string(), "Use the version of till that made it.")
        }
    }
}

/// What waits in the rows of orders of our own.
struct Undone {
    overdue: [(i64, &'static str); 3],
    items: i64,
    delivered: Option<Timestamp>,
    fetched: Option<Timestamp>,
    compared: Option<Timestamp>,
}

async fn undone_here(store: &Store, now: Timestamp) -> Result<Vec<Line>, StoreError> {
    let then = now.checked_sub(OVERDUE).unwrap_or(now);
    let read = store.write(then, |tx, then| {
        Box::pin(async move {
            can_change(tx, *then).await?;
            let overdue = [
                (inbox::overdue_count(tx, *then).await?, "events"),
                (outbox::overdue_count(tx, *then).await?, "effects"),
                (payment::overdue_count(tx, *then).await?, "payments"),
            ];
            let items = attention::open_count(tx).await?;
            let delivered = inbox::newest_from(tx, Source::Webhook).await?;
            let fetched = inbox::newest_from(tx, Source::Poll).await?;
            let compared = cursor::load(tx, compare_books::CURSOR).await?;
            let compared = compared.and_then(|text| text.parse().ok());
            Ok::<_, StoreError>(Undone { overdue, items, delivered, fetched, compared })
        })
    });
    let undone = read.await?;
    Ok(vec![
        work(&undone.overdue),
        items(undone.items),
        events(&undone, now),
        books(undone.compared, now),
    ])
}

async fn undone_at_platform(store: &Store, now: Timestamp) -> Result<Vec<Line>, StoreError> {
    let then = now.checked_sub(OVERDUE).unwrap_or(now);
    let read = store.write(then, |tx, then| {
        Box::pin(async move {
            can_change(tx, *then).await?;
            let overdue = purchase::overdue_count(tx, *then).await?;
            Ok::<_, StoreError>((overdue, attention::open_count(tx).await?))
        })
    });
    let (overdue, open) = read.await?;
    Ok(vec![work(&[(overdue, "purchases")]), items(open)])
}

/// Changes no row, and needs the right to change one.
async fn can_change(tx: &mut Tx, then: Timestamp) -> Result<(), StoreError> {
    outbox::done(tx, Uuid::nil(), then).await.map(drop)
}

fn work(overdue: &[(i64, &str)]) -> Line {
    if overdue.iter().all(|(count, _)| *count == 0) {
        return Line::ok("worker", "nothing waits that should have been done");
    }
    let counts: Vec<String> = overdue.iter().map(|(count, of)| format!("{count} {of}")).collect();
    Line::wrong(
        "worker",
        format!("waiting for more than five minutes: {}", counts.join(", ")),
        "Start `till serve`; if it runs, its log says why it cannot work them off.",
    )
}

/// Twice as long as the worker waits between two comparisons.
const COMPARED: Duration = Duration::from_secs(2 * 24 * 60 * 60);

fn books(compared: Option<Timestamp>, now: Timestamp) -> Line {
    let check = "books";
    match compared {
        None => Line::ok(check, "they are compared for the first time a day after the first start"),
        Some(until) if until > after(now, compare_books::CLOCKS_DIFFER) => Line::warning(
            check,
            format!("they were compared until {until}, a time that is still to come"),
            "A clock was wrong; the worker compares the last days again. Check this machine's clock.",
        ),
        Some(until) if after(until, COMPARED) < now => Line::warning(
            check,
            format!("they were compared with Stripe's {}", ago(until, now)),
            "Start `till serve`; if it runs, its log says why it cannot compare them.",
        ),
        Some(until) => {
            Line::ok(check, format!("they were compared with Stripe's {}", ago(until, now)))
        }
    }
}

fn items(open: i64) -> Line {
    match open {
        0 => Line::ok("attention", "nothing waits for a person"),
        _ => Line::warning(
            "attention",
            format!("{open} matters wait for a person"),
            "`till orders attention` lists them; `till_attention_items` in /metrics counts them.",
        ),
    }
}

/// Whether the webhook secret is right cannot be asked at Stripe; that signed events come in proves it.
fn events(undone: &Undone, now: Timestamp) -> Line {
    let check = "signed events";
    let mend = "Compare STRIPE_WEBHOOK_SECRET with the endpoint's signing secret in Stripe's dashboard \
                (Stripe does not tell it here), and look at the endpoint's failed deliveries there.";
    match (undone.delivered, undone.fetched) {
        (None, None) => {
            Line::ok(check, "no event has come yet, so the webhook secret is not proven yet")
        }
        (None, Some(fetched)) => Line::warning(
            check,
            format!("none was ever delivered; the last one was fetched {}", ago(fetched, now)),
            mend,
        ),
        (Some(delivered), Some(fetched)) if fetched > delivered => Line::warning(
            check,
            format!(
                "the last one was delivered {}, and one had to be fetched {}",
                ago(delivered, now),
                ago(fetched, now)
            ),
            mend,
        ),
        (Some(delivered), _) => {
            Line::ok(check, format!("the last one was delivered {}", ago(delivered, now)))
        }
    }
}
