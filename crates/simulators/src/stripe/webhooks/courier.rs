//! The postman: sends queued webhooks over HTTP and writes down what became of them.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use bytes::Bytes;
use tokio::task::JoinSet;

use crate::stripe::Stripe;
use crate::stripe::webhooks::queue::{Answer, Outgoing};

/// Stripe does not publish how long it waits for an answer; ten seconds is what receivers assume.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Enough that one slow endpoint does not hold up the others.
const IN_FLIGHT_MAX: usize = 16;

/// The status code of an endpoint's answer, or why there was none.
pub type Delivered = Pin<Box<dyn Future<Output = Result<u16, String>> + Send>>;

/// A way to bring a webhook to its endpoint in place of the network.
pub type Courier = Arc<dyn Fn(http::Request<Bytes>) -> Delivered + Send + Sync>;

impl Stripe {
    /// Delivers until dropped: what is due at once, retries when the simulated clock says so.
    ///
    /// Several deliveries are in flight at a time, so an endpoint may see them in another order
    /// than they were made.
    pub async fn run_deliveries(&self) {
        let mut in_flight = JoinSet::new();
        loop {
            while in_flight.len() < IN_FLIGHT_MAX {
                let Some(outgoing) = self.lock().next_delivery() else { break };
                let stripe = self.clone();
                in_flight.spawn(async move { stripe.deliver(outgoing).await });
            }
            let pause = self.until_next();
            tokio::select! {
                () = self.shared.wake.notified() => {}
                Some(_) = in_flight.join_next(), if !in_flight.is_empty() => {}
                () = tokio::time::sleep(pause.unwrap_or_default()), if pause.is_some() => {}
            }
        }
    }

    /// Delivers everything that is due, one after the other in order, and returns how many
    /// attempts that took. Nothing is due while webhooks are held.
    pub async fn deliver_pending(&self) -> usize {
        let mut attempts = 0;
        loop {
            let Some(outgoing) = self.lock().next_delivery() else { return attempts };
            let _recorded = self.deliver(outgoing).await;
            attempts += 1;
        }
    }

    /// Sends one event `times` times at once, as at-least-once delivery may. Returns the
    /// endpoints' answers.
    pub async fn repeat_event(&self, event_id: &str, times: usize) -> Vec<Result<u16, String>> {
        let outgoing: Vec<Outgoing> = {
            let mut state = self.lock();
            (0..times).flat_map(|_| state.repeat_delivery(event_id)).collect()
        };
        futures::future::join_all(outgoing.into_iter().map(|one| self.deliver(one))).await
    }

    /// Sends every event there is once more, one after the other, the newest first.
    pub async fn repeat_all_reversed(&self) -> Vec<Result<u16, String>> {
        let events: Vec<String> = self.events().into_iter().rev().map(|event| event.id).collect();
        let mut answers = Vec::new();
        for event in events {
            answers.extend(self.repeat_event(&event, 1).await);
        }
        answers
    }

    /// From now on webhooks go through `courier` and not over the network: for tests that run the
    /// shop's server in process.
    pub fn deliver_with(&self, courier: Courier) {
        *self.shared.courier.lock().unwrap_or_else(std::sync::PoisonError::into_inner) =
            Some(courier);
    }

    pub(crate) async fn deliver(&self, outgoing: Outgoing) -> Answer {
        let courier =
            self.shared.courier.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clone();
        let answer = match courier {
            Some(courier) => courier(outgoing.request).await,
            None => send(outgoing.request).await,
        };
        tracing::debug!(id = outgoing.id, ?answer, "webhook delivered");
        self.lock().finish_delivery(outgoing.place, &outgoing.id, answer.clone());
        self.wake();
        answer
    }

    /// Until a webhook or something on the agenda is due. `None` when nothing waits, or when the
    /// clock moves only by hand.
    fn until_next(&self) -> Option<Duration> {
        let state = self.lock();
        let due = [state.webhooks.next_due(), state.agenda.next_due()];
        let due = due.into_iter().flatten().min()?;
        if !state.clock.moves_by_itself() {
            return None;
        }
        let wait = due.saturating_sub(state.clock.milliseconds());
        Some(Duration::from_millis(u64::try_from(wait).unwrap_or_default()))
    }
}

async fn send(request: http::Request<Bytes>) -> Answer {
    static CLIENT: OnceLock<Result<reqwest::Client, String>> = OnceLock::new();
    let client = CLIENT.get_or_init(client).clone()?;
    let request = reqwest::Request::try_from(request).map_err(|error| error.to_string())?;
    match client.execute(request).await {
        Ok(response) => Ok(response.status().as_u16()),
        Err(error) => Err(error.to_string()),
    }
}

fn client() -> Result<reqwest::Client, String> {
    // An error means that the process has chosen a provider already, which serves as well.
    let _chosen_before = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder()
        .timeout(TIMEOUT)
        // A redirect is not a 2xx, so it is a failed delivery.
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .build()
        .map_err(|error| error.to_string())
}
