//! The token bucket behind every rate limit.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use crate::config::BucketConfig;
use crate::sync::lock;

/// Requests that may pass now, refilled continuously.
#[derive(Debug)]
pub(crate) struct Bucket {
    config: BucketConfig,
    level: Mutex<(f64, Instant)>,
}

impl Bucket {
    pub(crate) fn new(config: BucketConfig) -> Self {
        Self { config, level: Mutex::new((f64::from(config.capacity), Instant::now())) }
    }

    /// Takes one and tells how many are left, or how long to wait for the next.
    pub(crate) fn take(&self) -> Result<u32, Duration> {
        self.take_at(Instant::now())
    }

    fn take_at(&self, now: Instant) -> Result<u32, Duration> {
        let mut level = lock(&self.level);
        let (tokens, since) = *level;
        let refilled = now.saturating_duration_since(since).as_secs_f64() * self.config.refill_per_second;
        let tokens = (tokens + refilled).min(f64::from(self.config.capacity));
        if tokens < 1.0 {
            *level = (tokens, now);
            let missing = (1.0 - tokens) / self.config.refill_per_second.max(1e-3);
            return Err(Duration::from_secs_f64(missing));
        }
        *level = (tokens - 1.0, now);
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and a u32")]
        Ok((tokens - 1.0) as u32)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_bucket_says_how_long_to_wait() {
        let bucket = Bucket::new(BucketConfig { capacity: 2, refill_per_second: 2.0 });
        let now = Instant::now();
        assert_eq!(bucket.take_at(now), Ok(1));
        assert_eq!(bucket.take_at(now), Ok(0));
        let wait = bucket.take_at(now).unwrap_err();
        assert!(wait > Duration::from_millis(400) && wait <= Duration::from_millis(500), "{wait:?}");
        assert_eq!(bucket.take_at(now + Duration::from_millis(600)), Ok(0));
    }
}
