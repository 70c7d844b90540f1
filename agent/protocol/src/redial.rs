//! How whoever opens the link waits before it opens it again: the agent, or the daemon that dials it.

use std::time::Duration;

use ring::rand::{SecureRandom, SystemRandom};

const FIRST: Duration = Duration::from_millis(100);
const LONGEST: Duration = Duration::from_secs(10);
/// A link that lasted so long was a good one: the next pause is short again.
const LASTED: Duration = Duration::from_secs(30);

/// To a side that does not know this one, which may be a matter of a restore from an old copy of the daemon's state.
pub const UNKNOWN: Duration = Duration::from_secs(30);
/// While another instance of the container is the one that counts.
pub const BUSY: Duration = Duration::from_secs(3);

/// Pauses that grow as long as no link lasts.
#[derive(Debug)]
pub struct Redial {
    next: Duration,
}

impl Default for Redial {
    fn default() -> Self {
        Self { next: FIRST }
    }
}

impl Redial {
    /// The pause after an attempt that, with its link, took so long. `asked`: another one than usual.
    pub fn pause(&mut self, lasted: Duration, asked: Option<Duration>) -> Duration {
        if lasted > LASTED {
            self.next = FIRST;
        }
        let pause = jittered(asked.unwrap_or(self.next));
        self.next = (self.next * 2).min(LONGEST);
        pause
    }

    /// Somebody is about to need the link: the next pause is short again.
    pub fn hurry(&mut self) {
        self.next = FIRST;
    }
}

/// Between half of it and the whole, so that not all links are opened at once.
fn jittered(pause: Duration) -> Duration {
    let mut random = [0];
    // Without randomness all pauses are short, which is no harm.
    let _ = SystemRandom::new().fill(&mut random);
    pause / 2 + pause * u32::from(random[0]) / 512
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_are_between_half_and_whole() {
        for _ in 0..100 {
            let pause = jittered(Duration::from_secs(1));
            assert!((Duration::from_millis(500)..=Duration::from_secs(1)).contains(&pause), "{pause:?}");
        }
    }

    #[test]
    fn pauses_grow_until_a_link_has_lasted_or_somebody_is_in_a_hurry() {
        let mut redial = Redial::default();
        let mut longest = |lasted, asked| redial.pause(lasted, asked) * 2;
        for _ in 0..10 {
            longest(Duration::ZERO, None);
        }
        assert!(longest(Duration::ZERO, None) >= LONGEST);
        assert!(longest(Duration::ZERO, Some(BUSY)) <= BUSY * 2);
        assert!(longest(LASTED + FIRST, None) <= FIRST * 2);
        assert!(longest(Duration::ZERO, None) >= FIRST * 2);
        redial.next = LONGEST;
        redial.hurry();
        assert!(redial.pause(Duration::ZERO, None) <= FIRST);
    }
}
