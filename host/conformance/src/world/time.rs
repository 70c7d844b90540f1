//! The clock, and tokens, which are made by it.

use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use sockerless_plugins::{Clock, Token, TokenError, TokenSource};

use super::{Call, Shared, World};

/// By so much the clock moves whenever somebody looks at it: no two moments are the same.
const TICK: Duration = Duration::from_millis(1);
/// Longer than any run of the kit.
const TOKEN_LIFE: Duration = Duration::from_secs(365 * 86_400);

impl World {
    /// Lets time pass. Does not return if the call would have ended by then.
    pub(super) async fn pass(&self, duration: Duration) {
        let in_time = {
            let state = &mut *self.state();
            let then = state.now.checked_add(duration);
            let late = state.call.as_ref().filter(|call| then.is_none_or(|then| then >= call.deadline));
            if let Some(Call { deadline, overdue }) = late {
                overdue.cancel();
                state.now = *deadline;
                false
            } else {
                state.now = then.unwrap_or(state.now);
                true
            }
        };
        if !in_time {
            std::future::pending::<()>().await;
        }
    }

    /// How much of its time the call has left.
    pub(super) fn rest(&self) -> Duration {
        let state = self.state();
        let rest = state.call.as_ref().and_then(|call| call.deadline.duration_since(state.now).ok());
        rest.unwrap_or_default()
    }
}

#[async_trait]
impl Clock for Shared {
    fn now(&self) -> SystemTime {
        let mut state = self.0.state();
        state.now += TICK;
        state.now
    }

    async fn sleep(&self, duration: Duration) {
        self.0.pass(duration).await;
    }
}

#[async_trait]
impl TokenSource for Shared {
    async fn acquire(&self, _scope: &str) -> Result<Token, TokenError> {
        Ok(Token::new(super::CLOUD_SECRET, SystemTime::now() + TOKEN_LIFE))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::Scenario;

    #[tokio::test]
    async fn a_call_ends_at_its_deadline_and_not_before() {
        let world = World::new(&Scenario::default());
        let overdue = world.begin(Duration::from_secs(10));
        world.pass(Duration::from_secs(9)).await;
        assert!(!overdue.is_cancelled());
        assert_eq!(world.rest(), Duration::from_secs(1));
        tokio::select! {
            () = world.pass(Duration::from_secs(1)) => panic!("the call has gone on beyond its deadline"),
            () = overdue.cancelled() => {}
        }
    }

    #[tokio::test]
    async fn a_sleep_without_an_end_is_overdue() {
        let world = World::new(&Scenario::default());
        let overdue = world.begin(Duration::from_secs(10));
        tokio::select! {
            () = world.pass(Duration::MAX) => panic!("a sleep without an end has ended"),
            () = overdue.cancelled() => {}
        }
    }
}
