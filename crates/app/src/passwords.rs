//! Hashing passwords without letting a flood of sign-ins take the processors.
//!
//! Promises: argon2id with OWASP's minimum (19 MiB, 2 passes), at most two at once, at most
//! sixteen waiting, the rest told to come back; an unknown account costs the same as a known one.

use std::sync::LazyLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use argon2::password_hash::phc::PasswordHash;
use argon2::{Argon2, PasswordHasher, PasswordVerifier};
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::Semaphore;

use crate::Error;

const AT_ONCE: usize = 2;
const WAITING_MAX: usize = 16;

/// Compared against when there is no account, so that the answer takes as long.
static DUMMY: LazyLock<String> = LazyLock::new(|| hash("no account has this password"));

/// The gate in front of the hash function.
#[derive(Debug)]
pub(crate) struct Passwords {
    gate: Semaphore,
    waiting: AtomicUsize,
}

impl Default for Passwords {
    fn default() -> Self {
        Self { gate: Semaphore::new(AT_ONCE), waiting: AtomicUsize::new(0) }
    }
}

impl Passwords {
    /// The hash to store.
    pub async fn hash(&self, password: &SecretString) -> Result<SecretString, Error> {
        let password = password.clone();
        self.run(move || SecretString::from(hash(password.expose_secret()))).await
    }

    /// Whether `password` belongs to `stored`; with nothing stored, no, after the same time.
    pub async fn verify(
        &self,
        password: &SecretString,
        stored: Option<SecretString>,
    ) -> Result<bool, Error> {
        let password = password.clone();
        self.run(move || {
            let known = stored.is_some();
            let stored = stored.unwrap_or_else(|| SecretString::from(DUMMY.clone()));
            let matches = PasswordHash::new(stored.expose_secret()).is_ok_and(|hash| {
                Argon2::default()
                    .verify_password(password.expose_secret().as_bytes(), &hash)
                    .is_ok()
            });
            known && matches
        })
        .await
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Error> {
        if self.waiting.fetch_add(1, Ordering::Relaxed) >= AT_ONCE + WAITING_MAX {
            self.waiting.fetch_sub(1, Ordering::Relaxed);
            return Err(Error::TooManyAttempts { retry_after_seconds: 2 });
        }
        let permit = self.gate.acquire().await;
        let result = tokio::task::spawn_blocking(work).await;
        drop(permit);
        self.waiting.fetch_sub(1, Ordering::Relaxed);
        result.map_err(|_| Error::Internal("hashing stopped half-way".to_owned()))
    }
}

fn hash(password: &str) -> String {
    Argon2::default()
        .hash_password(password.as_bytes())
        .expect("the default parameters are valid and any bytes can be hashed")
        .to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_password_opens_its_own_hash_and_no_other() {
        let passwords = Passwords::default();
        let secret = SecretString::from("trois chats sur le toit");
        let stored = passwords.hash(&secret).await.expect("room");
        assert!(stored.expose_secret().starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
        assert!(passwords.verify(&secret, Some(stored.clone())).await.expect("room"));
        let wrong = SecretString::from("trois chats sous le toit");
        assert!(!passwords.verify(&wrong, Some(stored)).await.expect("room"));
        assert!(!passwords.verify(&secret, None).await.expect("room"));
    }
}
