//! Making and checking password hashes: Argon2id, two at once, twenty in the queue, the rest told to come back.

use crate::{error::AppError, error::Problem, limits};
use argon2::{
    Algorithm, Argon2, Params, Version,
    password_hash::{PasswordHasher, PasswordVerifier, phc::PasswordHash},
};
use std::{
    sync::Arc,
    sync::atomic::{AtomicUsize, Ordering},
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

pub struct HashGate {
    permits: Arc<Semaphore>,
    waiting: AtomicUsize,
    /// Checked when there is no such user, so that an unknown name takes as long as a wrong password.
    decoy: String,
}

fn argon2() -> Argon2<'static> {
    let params = Params::new(limits::ARGON2_MEMORY_KIB, limits::ARGON2_PASSES, limits::ARGON2_LANES, None);
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params.expect("the limits are inside Argon2's own"))
}

fn make_hash(password: &str) -> String {
    // The salt is 16 random bytes from the operating system, made by the library.
    argon2().hash_password(password.as_bytes()).expect("a password of bounded length can always be hashed").to_string()
}

/// Takes a place in the queue off again when its holder goes, however it goes.
struct Waiting<'a>(&'a AtomicUsize);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl HashGate {
    /// Takes as long as one hash: the decoy is made here.
    pub fn new() -> Self {
        let decoy = make_hash(&rand::random::<u128>().to_string());
        Self { permits: Arc::new(Semaphore::new(limits::HASHES_AT_ONCE)), waiting: AtomicUsize::new(0), decoy }
    }

    async fn enter(&self) -> Result<OwnedSemaphorePermit, AppError> {
        if let Ok(permit) = Arc::clone(&self.permits).try_acquire_owned() {
            return Ok(permit);
        }
        let before = self.waiting.fetch_add(1, Ordering::Relaxed);
        let _place = Waiting(&self.waiting);
        if before >= limits::HASHES_WAITING_MAX {
            let what = "Too many people are signing in at this moment; nothing was changed.".into();
            return Err(AppError::TooMany { what, retry_after_s: 2 });
        }
        Ok(Arc::clone(&self.permits).acquire_owned().await.expect("the gate is never closed"))
    }

    async fn work<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, AppError> {
        let permit = self.enter().await?;
        // The permit goes into the thread: a request that is dropped must not let a third hash start.
        let done = tokio::task::spawn_blocking(move || {
            let _permit = permit;
            work()
        });
        done.await.map_err(|error| {
            tracing::error!(%error, "hashing a password failed");
            AppError::Broken
        })
    }

    /// Whether the password is the one of `hash`; without a hash it takes the same time and says no.
    pub async fn verify(&self, password: String, hash: Option<String>) -> Result<bool, AppError> {
        let known = hash.is_some();
        let hash = hash.unwrap_or_else(|| self.decoy.clone());
        let right = self
            .work(move || {
                let password = password.chars().take(limits::PASSWORD_CHARS_MAX).collect::<String>();
                PasswordHash::new(&hash).is_ok_and(|hash| argon2().verify_password(password.as_bytes(), &hash).is_ok())
            })
            .await?;
        Ok(right && known)
    }

    /// Checks a new password against every rule, then hashes it.
    pub async fn choose(&self, password: String, name: String) -> Result<String, AppError> {
        let mut problems = crate::auth::password::problems(&password, &name);
        if !problems.is_empty() {
            return Err(AppError::wrong(problems));
        }
        let hash = self.work(move || if is_common(&password, &name) { None } else { Some(make_hash(&password)) }).await?;
        hash.ok_or_else(|| {
            problems.push(Problem::new("password", "", "one that is not among the commonly used ones, or close to them"));
            AppError::wrong(problems)
        })
    }
}

impl Default for HashGate {
    fn default() -> Self {
        Self::new()
    }
}

/// Asks zxcvbn, which carries lists of common passwords, names and words: anything guessed within 10^8 tries is refused.
fn is_common(password: &str, name: &str) -> bool {
    zxcvbn::zxcvbn(password, &[name, "wirecenter"]).score() < zxcvbn::Score::Three
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn common_passwords_are_known_even_when_they_are_long() {
        for common in ["password1234", "qwertyuiop123", "iloveyou1234", "123456789012", "adminadminadmin"] {
            assert!(is_common(common, "ada"), "{common}");
        }
        assert!(!is_common("tundra kettle orbit", "ada"));
    }

    #[test]
    fn a_hash_names_its_parameters_and_they_are_at_least_the_recommended_ones() {
        let hash = make_hash("tundra kettle orbit");
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=3,p=1$"), "{hash}");
    }

    #[tokio::test]
    async fn the_right_password_is_right_and_no_hash_is_always_wrong() {
        let gate = HashGate::new();
        let hash = gate.choose("tundra kettle orbit".into(), "ada".into()).await.expect("a good password");
        assert_eq!(gate.verify("tundra kettle orbit".into(), Some(hash.clone())).await, Ok(true));
        assert_eq!(gate.verify("tundra kettle orbits".into(), Some(hash)).await, Ok(false));
        assert_eq!(gate.verify("tundra kettle orbit".into(), None).await, Ok(false));
    }

    #[tokio::test]
    async fn a_full_queue_says_come_back_instead_of_growing() {
        let gate = Arc::new(HashGate::new());
        let all = futures_all((0..40).map(|_| {
            let gate = Arc::clone(&gate);
            tokio::spawn(async move { gate.verify("x".into(), None).await })
        }))
        .await;
        let refused = all.iter().filter(|answer| matches!(answer, Err(AppError::TooMany { .. }))).count();
        assert_eq!(refused, 40 - limits::HASHES_AT_ONCE - limits::HASHES_WAITING_MAX);
        assert_eq!(gate.waiting.load(Ordering::Relaxed), 0);
    }

    async fn futures_all<T>(tasks: impl Iterator<Item = tokio::task::JoinHandle<T>>) -> Vec<T> {
        let tasks: Vec<_> = tasks.collect();
        let mut all = Vec::new();
        for task in tasks {
            all.push(task.await.expect("no panic"));
        }
        all
    }
}
