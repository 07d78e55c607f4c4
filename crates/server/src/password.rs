//! Passwords, hashed slowly on purpose: whoever steals the table must pay for each guess. argon2id with
//! the parameters of OWASP's cheat sheet (19 MiB, two passes, one lane; read 2026-11-22), which are also
//! the library's own.
//!
//! A hash takes a core for a while and 19 MiB, so it is made beside the threads that answer requests,
//! few at a time, and those who would have to wait for too many others are sent away. A hash that has
//! begun goes on to its end although whoever asked has hung up, so its turn and its seat are given back
//! by the hash itself: else hanging up would make room for another one beside it, and another.

use std::{sync::Arc, thread, time::Duration};

use argon2::{Argon2, PasswordHasher as _, PasswordVerifier as _};
use domain::customer::Password;
use tokio::sync::Semaphore;
use uuid::Uuid;

use crate::flows::FlowError;

/// Hashes at the same time, on a machine that has as many cores: some 80 MiB in all.
const AT_ONCE_MAX: usize = 4;
/// Those who hash or wait for it: the last one waits for a few seconds.
const WAITING_MAX: usize = 64;
/// When it is worth asking again for somebody who was sent away.
const CROWDED_FOR: Duration = Duration::from_secs(5);

/// Compared with where there is no account, so that the answer takes as long as where there is one. It
/// has the form of a hash, and no password leads to it.
const DECOY: &str = "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$\
                     AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// Hashes passwords, and knows them again.
#[derive(Debug)]
pub struct Passwords {
    /// One for each hash that is being made. Whoever wants one waits, in the order of coming.
    pub turns: Arc<Semaphore>,
    /// One for each hash that is being made or waited for.
    pub seats: Arc<Semaphore>,
}

impl Default for Passwords {
    fn default() -> Self {
        let cores = thread::available_parallelism().map_or(1, usize::from);
        let turns = Arc::new(Semaphore::new(cores.min(AT_ONCE_MAX)));
        Self { turns, seats: Arc::new(Semaphore::new(WAITING_MAX)) }
    }
}

impl Passwords {
    /// What is kept of a password. `salt` is used for no other.
    pub async fn hash(&self, password: &Password, salt: Uuid) -> Result<String, FlowError> {
        let password = password.clone();
        let hashed = self.slowly(move || hash(password.as_bytes(), salt)).await?;
        hashed.map_err(|error| FlowError::Broken(format!("a password cannot be hashed: {error}")))
    }

    /// Whether the password is the one that was kept. It takes the same time where none was.
    pub async fn is_right(
        &self,
        password: &Password,
        kept: Option<&str>,
    ) -> Result<bool, FlowError> {
        use argon2::password_hash::Error;
        let password = password.clone();
        let against = kept.unwrap_or(DECOY).to_owned();
        let verify =
            move || Argon2::default().verify_password(password.as_bytes(), against.as_str());
        match self.slowly(verify).await? {
            Ok(()) => Ok(kept.is_some()),
            Err(Error::PasswordInvalid) => Ok(false),
            Err(error) => Err(FlowError::Broken(format!("a password cannot be compared: {error}"))),
        }
    }

    async fn slowly<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, FlowError> {
        let crowded = |_| FlowError::TooOften { wait: CROWDED_FOR };
        let seat = self.seats.clone().try_acquire_owned().map_err(crowded)?;
        let broken = |error: &dyn std::error::Error| FlowError::Broken(error.to_string());
        let turn = self.turns.clone().acquire_owned().await.map_err(|error| broken(&error))?;
        let seated = move || {
            let _until_it_is_made = (seat, turn);
            work()
        };
        tokio::task::spawn_blocking(seated).await.map_err(|error| broken(&error))
    }
}

fn hash(password: &[u8], salt: Uuid) -> Result<String, argon2::password_hash::Error> {
    let hashed = Argon2::default().hash_password_with_salt(password, salt.as_bytes())?;
    Ok(hashed.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_password_is_known_again_by_its_hash_and_no_other_is() {
        let passwords = Passwords::default();
        let mine: Password = "correct horse".parse().unwrap();
        let kept = passwords.hash(&mine, Uuid::from_u128(8)).await.unwrap();
        assert!(kept.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{kept}");
        assert!(!kept.contains("horse"));
        assert!(passwords.is_right(&mine, Some(&kept)).await.unwrap());
        assert!(!passwords.is_right(&mine, None).await.unwrap());
        let other = "correct Horse".parse().unwrap();
        assert!(!passwords.is_right(&other, Some(&kept)).await.unwrap());
    }

    #[tokio::test]
    async fn the_same_password_has_another_hash_each_time() {
        let passwords = Passwords::default();
        let password: Password = "correct horse".parse().unwrap();
        let one = passwords.hash(&password, Uuid::from_u128(1)).await.unwrap();
        let other = passwords.hash(&password, Uuid::from_u128(2)).await.unwrap();
        assert_ne!(one, other);
    }

    #[tokio::test]
    async fn those_who_would_wait_for_too_many_are_sent_away() {
        let passwords = Passwords::default();
        let _crowd =
            passwords.seats.acquire_many(u32::try_from(WAITING_MAX).unwrap()).await.unwrap();
        let password: Password = "correct horse".parse().unwrap();
        let refused = passwords.is_right(&password, None).await;
        assert!(matches!(refused, Err(FlowError::TooOften { .. })), "{refused:?}");
    }

    #[tokio::test]
    async fn who_hangs_up_does_not_make_room_for_another_hash() {
        let passwords = Passwords::default();
        let at_once = passwords.turns.available_permits();
        let (begun, mut begins) = tokio::sync::mpsc::unbounded_channel();
        let (end, ends) = std::sync::mpsc::channel::<()>();
        let work = move || {
            begun.send(()).unwrap();
            ends.recv().unwrap();
        };
        {
            let asked = passwords.slowly(work);
            tokio::select! {
                _ = asked => panic!("it cannot end yet"),
                begun = begins.recv() => begun.unwrap(),
            }
        }
        assert_eq!(passwords.turns.available_permits(), at_once - 1);
        assert_eq!(passwords.seats.available_permits(), WAITING_MAX - 1);
        end.send(()).unwrap();
        let all = u32::try_from(at_once).unwrap();
        let _every_turn = passwords.turns.acquire_many(all).await.unwrap();
        let _every_seat =
            passwords.seats.acquire_many(u32::try_from(WAITING_MAX).unwrap()).await.unwrap();
    }
}
