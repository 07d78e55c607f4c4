//! The arguments of `till webhooks`.

use std::io;

use clap::Subcommand;

use super::{Listed, list, replay_one, replay_since, show, test};
use crate::{
    cli::{CliError, beside_the_server, on_the_books},
    clock::Clock,
};

/// What can be asked for.
#[derive(Debug, Subcommand)]
pub enum WebhooksCommand {
    /// Lists deliveries, mails too, newest first: id, time, step, order, receiver, state, last try
    List {
        /// Only those of this order
        #[arg(long, value_name = "ID")]
        order: Option<String>,
        /// Only those that were given up, or whose last try failed
        #[arg(long)]
        failed: bool,
    },
    /// Shows a delivery: every try, and what is sent, to the letter
    Show {
        /// The delivery's id
        delivery: String,
    },
    /// Sends a delivery again, or everything since a time to every server of TILL_WEBHOOK_URLS
    Replay {
        /// The delivery's id
        #[arg(required_unless_present = "since", conflicts_with = "since")]
        delivery: Option<String>,
        /// Everything since then, such as 2026-11-22T09:00:00Z
        #[arg(long, value_name = "TIME")]
        since: Option<String>,
    },
    /// Posts a `ping` to every server, now; one that was gone (410) and takes it is told again
    Test,
}

/// What the help ends with.
pub const HELP: &str = "What is sent again has the same webhook-id and the same body.

Examples:
  till webhooks test
  till webhooks list --failed
  till webhooks list --order 0197f3c2-5b1e-7c3a-9d2e-2f6b8a4c1d00
  till webhooks show 6e0b1d5c-90a4-8f7e-8a3d-1f2b3c4d5e6f
  till webhooks replay 6e0b1d5c-90a4-8f7e-8a3d-1f2b3c4d5e6f
  till webhooks replay --since 2026-11-22T09:00:00Z";

/// Does what was asked.
pub async fn run(command: WebhooksCommand) -> Result<(), CliError> {
    let out = io::stdout();
    match command {
        WebhooksCommand::List { order, failed } => {
            on_the_books(async |store| list(store, Listed { order, failed }, out).await).await
        }
        WebhooksCommand::Show { delivery } => {
            on_the_books(async |store| show(store, &delivery, out).await).await
        }
        WebhooksCommand::Replay { delivery: Some(delivery), .. } => {
            let now = Clock::system().now();
            on_the_books(async |store| replay_one(store, (&delivery, now), out).await).await
        }
        // One of the two is there: the grammar of the command wants it.
        WebhooksCommand::Replay { since, .. } => {
            let since = since.unwrap_or_default();
            beside_the_server(async |cx| replay_since(cx, &since, out).await).await
        }
        WebhooksCommand::Test => beside_the_server(async |cx| test(cx, out).await).await,
    }
}
