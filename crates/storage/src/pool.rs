//! A bounded set of connections to a database server.
//!
//! The rule that makes it safe: a connection comes back only through [`Pool::give_back`], which is
//! called when its transaction has ended and been acknowledged. One that is dropped on any other
//! way (a cancelled task, a panic, an error) is closed, and the server undoes what it was doing.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

use crate::StoreError;

/// An idle connection older than this is closed rather than used: routers and servers forget
/// connections after some minutes of silence without telling us.
const IDLE_MAX: Duration = Duration::from_secs(120);

pub(crate) struct Pool<C> {
    permits: Arc<Semaphore>,
    idle: Mutex<Vec<(C, Instant)>>,
    size: usize,
    wait: Duration,
}

/// A connection in use and the right to use one.
pub(crate) struct Leased<C> {
    pub connection: C,
    permit: OwnedSemaphorePermit,
}

impl<C> Leased<C> {
    pub fn map<D>(self, change: impl FnOnce(C) -> D) -> Leased<D> {
        Leased { connection: change(self.connection), permit: self.permit }
    }
}

impl<C> Leased<Option<C>> {
    pub fn transpose(self) -> Option<Leased<C>> {
        let permit = self.permit;
        self.connection.map(|connection| Leased { connection, permit })
    }
}

impl<C> Pool<C> {
    pub fn new(size: usize, wait: Duration) -> Pool<C> {
        let idle = Mutex::new(Vec::with_capacity(size));
        Pool { permits: Arc::new(Semaphore::new(size)), idle, size, wait }
    }

    /// The connection used last, or a new one from `connect`. Waits for its turn.
    pub async fn take(
        &self,
        connect: impl AsyncFnOnce() -> Result<C, StoreError>,
    ) -> Result<Leased<C>, StoreError> {
        let acquired = self.permits.clone().acquire_owned();
        let permit = match tokio::time::timeout(self.wait, acquired).await {
            Ok(Ok(permit)) => permit,
            Ok(Err(_closed)) => return Err(StoreError::Closed),
            Err(_elapsed) => return Err(StoreError::Busy(None)),
        };
        let connection = match self.pop_idle() {
            Some(connection) => connection,
            None => connect().await?,
        };
        Ok(Leased { connection, permit })
    }

    fn pop_idle(&self) -> Option<C> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let (connection, since) = idle.pop()?;
        if since.elapsed() <= IDLE_MAX {
            return Some(connection);
        }
        // The others have waited even longer.
        idle.clear();
        None
    }

    /// Takes back a connection that has no transaction open.
    pub fn give_back(&self, leased: Leased<C>) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if !self.permits.is_closed() {
            idle.push((leased.connection, Instant::now()));
        }
        drop(idle);
        drop(leased.permit);
    }

    /// Closes the connections that wait: after one was lost the others probably are too.
    pub fn clear(&self) {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// Waits until no connection is in use, then closes them all.
    pub async fn close(&self) {
        let all = u32::try_from(self.size).unwrap_or(u32::MAX);
        if let Ok(permits) = self.permits.acquire_many(all).await {
            permits.forget();
        }
        self.permits.close();
        self.clear();
    }
}
