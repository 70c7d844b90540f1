//! Tokens that are still good.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use sockerless_telemetry::metrics::metrics;

use super::{Token, TokenError, TokenSource};

/// A token is renewed when it has less than this to live.
const MARGIN: Duration = Duration::from_secs(5 * 60);

type Slot = Arc<tokio::sync::Mutex<Option<Token>>>;

/// A cache before a source. At most one acquisition for a scope is under way; whoever else asks waits for its outcome.
///
/// Only scopes that a policy grants get here, so their number is bounded.
pub(crate) struct TokenCache {
    source: Arc<dyn TokenSource>,
    scopes: Mutex<HashMap<String, Slot>>,
}

impl TokenCache {
    pub(crate) fn new(source: Arc<dyn TokenSource>) -> Self {
        Self { source, scopes: Mutex::default() }
    }

    fn slot(&self, scope: &str) -> Slot {
        let mut scopes = self.scopes.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(scopes.entry(scope.to_owned()).or_default())
    }

    /// A token with some time to live.
    pub(crate) async fn get(&self, scope: &str) -> Result<Token, TokenError> {
        let slot = self.slot(scope);
        let mut cached = slot.lock().await;
        let now = SystemTime::now();
        if let Some(token) = cached.as_ref().filter(|token| token.expires > now + MARGIN) {
            return Ok(token.clone());
        }
        let acquired = self.source.acquire(scope).await;
        metrics().backends.token_fetched(acquired.is_ok());
        match (acquired, cached.as_ref()) {
            (Ok(token), _) => {
                *cached = Some(token.clone());
                Ok(token)
            }
            // An outage of the token endpoint that is shorter than the margin goes unnoticed.
            (Err(error), Some(token)) if token.expires > now => {
                tracing::warn!(scope, %error, "cannot renew the token; going on with the old one");
                Ok(token.clone())
            }
            (Err(error), _) => Err(error),
        }
    }

    /// A server refused this token. It is dropped, unless another one has taken its place since.
    pub(crate) async fn refused(&self, scope: &str, token: &Token) {
        let slot = self.slot(scope);
        let mut cached = slot.lock().await;
        cached.take_if(|current| Arc::ptr_eq(&current.secret, &token.secret));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use async_trait::async_trait;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use tokio::sync::Semaphore;

    struct Source {
        asked: AtomicUsize,
        lives: Duration,
        gate: Semaphore,
    }

    #[async_trait]
    impl TokenSource for Source {
        async fn acquire(&self, scope: &str) -> Result<Token, TokenError> {
            let number = self.asked.fetch_add(1, Ordering::SeqCst);
            let permit = self.gate.acquire().await.map_err(|_| TokenError("closed".into()))?;
            permit.forget();
            Ok(Token::new(format!("{scope}-{number}"), SystemTime::now() + self.lives))
        }
    }

    fn cache(lives: Duration, permits: usize) -> (Arc<Source>, Arc<TokenCache>) {
        let source = Arc::new(Source { asked: AtomicUsize::new(0), lives, gate: Semaphore::new(permits) });
        let cache = Arc::new(TokenCache::new(Arc::<Source>::clone(&source)));
        (source, cache)
    }

    #[tokio::test]
    async fn acquires_once_for_all_who_ask_at_once() {
        let (source, cache) = cache(Duration::from_secs(3600), 0);
        let waiting: Vec<_> = (0..20)
            .map(|_| {
                let cache = Arc::clone(&cache);
                tokio::spawn(async move { cache.get("s").await.unwrap().secret })
            })
            .collect();
        tokio::task::yield_now().await;
        source.gate.add_permits(20);
        for task in waiting {
            assert_eq!(&*task.await.unwrap(), "s-0");
        }
        assert_eq!(source.asked.load(Ordering::SeqCst), 1);
    }

    #[tokio::test]
    async fn renews_what_is_about_to_expire_and_what_was_refused() {
        let (source, soon) = cache(Duration::from_secs(299), 10);
        soon.get("s").await.unwrap();
        soon.get("s").await.unwrap();
        assert_eq!(source.asked.load(Ordering::SeqCst), 2);

        let (source, later) = cache(Duration::from_secs(3600), 10);
        let first = later.get("s").await.unwrap();
        later.refused("s", &first).await;
        let second = later.get("s").await.unwrap();
        assert_eq!(&*second.secret, "s-1");
        // Whoever comes late with the first token does not drop the second.
        later.refused("s", &first).await;
        later.get("s").await.unwrap();
        assert_eq!(source.asked.load(Ordering::SeqCst), 2);
    }

    #[tokio::test]
    async fn an_outage_within_the_margin_is_bridged() {
        let (source, cache) = cache(Duration::from_secs(200), 1);
        cache.get("s").await.unwrap();
        source.gate.close();
        assert_eq!(&*cache.get("s").await.unwrap().secret, "s-0");
        assert!(cache.get("other").await.is_err());
    }

    #[test]
    fn a_token_does_not_show_itself() {
        let token = Token::new("very-secret", SystemTime::now());
        assert!(!format!("{token:?}").contains("very-secret"));
    }
}
