//! How a story at Elastic Path is told, and how fast its time passes.

use std::time::Duration;

use futures::future::LocalBoxFuture;

use super::Platform;
use crate::database::On;

/// Opens a shop on a database and tells a story in it. A story waits for nothing that it does not mean
/// to: where nothing is far away the clock of waits stands still, and jumps when all have come to
/// rest; where there is a database to wait for it is a fast one.
pub fn tell<F>(on: On, story: impl FnOnce(Platform) -> F + 'static)
where
    F: Future<Output = ()> + 'static,
{
    tell_boxed(on, Box::new(move |shop| Box::pin(story(shop))));
}

/// One for all stories: a runtime of its own for each type of story takes the compiler minutes.
fn tell_boxed(on: On, story: Box<dyn FnOnce(Platform) -> LocalBoxFuture<'static, ()>>) {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime.enable_all().start_paused(true).build().unwrap();
    runtime.block_on(async {
        if on != On::Sqlite {
            tokio::spawn(hurry());
        }
        if let Some(shop) = Platform::open(on, &[]).await {
            story(shop).await;
        }
    });
}

/// So many times as fast as the world is the clock of waits while nothing happens.
pub(super) const HURRY: u32 = 10;

/// Lets the clock of waits run: as fast as the world's, and far ahead of it when everybody has been
/// waiting for a while. It never jumps, because a thread of this runtime is always at work.
async fn hurry() {
    let (tick, soon) = (Duration::from_millis(1), 10);
    let metrics = tokio::runtime::Handle::current().metrics();
    let (mut parks, mut quiet) = (0, 0);
    loop {
        let slept = tokio::task::spawn_blocking(move || std::thread::sleep(tick));
        slept.await.unwrap();
        // Was the runtime woken by anybody else?
        let parks_before = std::mem::replace(&mut parks, metrics.worker_park_count(0));
        quiet = if parks > parks_before + 1 { 0 } else { quiet + 1 };
        tokio::time::advance(if quiet > soon { tick * HURRY } else { tick }).await;
    }
}
