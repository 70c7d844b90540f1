//! The token bucket behind every rate limit.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use crate::config::BucketConfig;
use crate::sync::lock;

/// Requests that may pass now, refilled continuously.
#[derive(Debug, Default)]
pub(crate) struct Bucket {
    /// What is left, and since when; nothing before the first request, when it is full.
    level: Mutex<Option<(f64, Instant)>>,
}

impl Bucket {
    /// Takes one and tells how many are left, or how long to wait for the next.
    pub(crate) fn take(&self, config: BucketConfig) -> Result<u32, Duration> {
        self.take_at(config, Instant::now())
    }

    fn take_at(&self, config: BucketConfig, now: Instant) -> Result<u32, Duration> {
        let mut level = lock(&self.level);
        let (tokens, since) = level.unwrap_or((f64::from(config.capacity), now));
        let refilled = now.saturating_duration_since(since).as_secs_f64() * config.refill_per_second;
        let tokens = (tokens + refilled).min(f64::from(config.capacity));
        if tokens < 1.0 {
            *level = Some((tokens, now));
            let missing = (1.0 - tokens) / config.refill_per_second.max(1e-3);
            return Err(Duration::from_secs_f64(missing));
        }
        *level = Some((tokens - 1.0, now));
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and a u32")]
        Ok((tokens - 1.0) as u32)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_bucket_says_how_long_to_wait() {
        let config = BucketConfig { capacity: 2, refill_per_second: 2.0 };
        let bucket = Bucket::default();
        let now = Instant::now();
        assert_eq!(bucket.take_at(config, now), Ok(1));
        assert_eq!(bucket.take_at(config, now), Ok(0));
        let wait = bucket.take_at(config, now).unwrap_err();
        assert!(wait > Duration::from_millis(400) && wait <= Duration::from_millis(500), "{wait:?}");
        assert_eq!(bucket.take_at(config, now + Duration::from_millis(600)), Ok(0));
    }
}
