//! Those whom the agents' listener has turned away: how many there were, how long each waits for its answer, and what the log says.
//!
//! A token has 256 random bits and cannot be guessed. What is to be bounded is what those cost who try: connections, memory and lines of
//! the log.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use sockerless_telemetry::metrics::metrics;

/// How long the first wrong token of an address waits for its answer; each further one twice as long as the one before.
const FIRST: Duration = Duration::from_secs(1);
/// And at most: below the patience of an agent, which would take more for a daemon that does not answer.
const LONGEST: Duration = Duration::from_secs(8);
/// An address of which nothing wrong has come for so long begins anew.
const FORGIVEN: Duration = Duration::from_secs(600);
/// Addresses that are remembered. When there are more, the one that was quiet for longest is forgotten.
const ADDRESSES: usize = 1024;
/// Answers of one address that wait at once, and of all. Others are given at once: connections that wait are kept from agents.
const WAITING_OF_ONE: usize = 64;
const WAITING: usize = 1024;
/// Lines of the log at once, and how long it takes until there may be one more.
const LINES: u32 = 10;
const LINE_EVERY: Duration = Duration::from_secs(6);

/// What is remembered of one address.
struct Address {
    pause: Duration,
    last: Instant,
    waiting: usize,
}

struct State {
    addresses: HashMap<IpAddr, Address>,
    waiting: usize,
    lines: u32,
    /// When the last of `lines` was given back.
    refilled: Instant,
    unlogged: u64,
}

/// Counts refusals, and says how each is to be answered. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Refusals {
    total: Arc<AtomicU64>,
    state: Arc<Mutex<State>>,
}

impl Default for Refusals {
    fn default() -> Self {
        let state =
            State { addresses: HashMap::new(), waiting: 0, lines: LINES, refilled: Instant::now(), unlogged: 0 };
        Self { total: Arc::default(), state: Arc::new(Mutex::new(state)) }
    }
}

/// Somebody who waits for a refusal. Dropped, somebody else may.
pub(crate) struct Penance {
    pub(crate) pause: Duration,
    address: IpAddr,
    refusals: Refusals,
}

impl Drop for Penance {
    fn drop(&mut self) {
        let mut state = self.refusals.lock();
        state.waiting = state.waiting.saturating_sub(1);
        if let Some(address) = state.addresses.get_mut(&self.address) {
            address.waiting = address.waiting.saturating_sub(1);
        }
    }
}

impl Refusals {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many there were since the daemon began.
    pub(crate) fn total(&self) -> u64 {
        self.total.load(Ordering::Relaxed)
    }

    /// One more. Of this kind are also those that the daemon has dialled.
    pub(crate) fn count(&self) {
        self.total.fetch_add(1, Ordering::Relaxed);
        metrics().agents.token_refused();
    }

    /// How long whoever is at this address is kept waiting; nothing if too many wait already, and the connection is better ended.
    pub(crate) fn penance(&self, peer: IpAddr) -> Option<Penance> {
        self.penance_at(peer, Instant::now())
    }

    fn penance_at(&self, peer: IpAddr, now: Instant) -> Option<Penance> {
        let peer = network(peer);
        let mut state = self.lock();
        if state.waiting >= WAITING {
            return None;
        }
        if !state.addresses.contains_key(&peer) && state.addresses.len() >= ADDRESSES {
            let quiet = state.addresses.iter().min_by_key(|(_, address)| address.last).map(|(peer, _)| *peer);
            quiet.map(|quiet| state.addresses.remove(&quiet));
        }
        let address = state.addresses.entry(peer).or_insert(Address { pause: FIRST, last: now, waiting: 0 });
        if now.duration_since(address.last) > FORGIVEN {
            address.pause = FIRST;
        }
        address.last = now;
        if address.waiting >= WAITING_OF_ONE {
            return None;
        }
        address.waiting += 1;
        let pause = address.pause;
        address.pause = (pause * 2).min(LONGEST);
        state.waiting += 1;
        Some(Penance { pause, address: peer, refusals: self.clone() })
    }

    /// Whether the log may have a line more; then how many went without one since the last.
    pub(crate) fn line(&self) -> Option<u64> {
        self.line_at(Instant::now())
    }

    fn line_at(&self, now: Instant) -> Option<u64> {
        let mut state = self.lock();
        let back = now.duration_since(state.refilled).as_secs() / LINE_EVERY.as_secs();
        if let Ok(back) = u32::try_from(back)
            && back > 0
        {
            state.lines = state.lines.saturating_add(back).min(LINES);
            state.refilled = now;
        }
        match state.lines.checked_sub(1) {
            Some(left) => {
                state.lines = left;
                Some(std::mem::take(&mut state.unlogged))
            }
            None => {
                state.unlogged += 1;
                None
            }
        }
    }
}

/// What one party has for itself: an address, and with IPv6 a network of 64 bits.
fn network(peer: IpAddr) -> IpAddr {
    match peer.to_canonical() {
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into()
        }
        address @ IpAddr::V4(_) => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PEER: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

    fn pause(refusals: &Refusals, peer: IpAddr, now: Instant) -> u64 {
        refusals.penance_at(peer, now).unwrap().pause.as_secs()
    }

    #[test]
    fn an_address_waits_longer_each_time_until_it_was_quiet() {
        let (refusals, now) = (Refusals::default(), Instant::now());
        let pauses: Vec<u64> = (0..6).map(|_| pause(&refusals, PEER, now)).collect();
        assert_eq!(pauses, [1, 2, 4, 8, 8, 8]);
        assert_eq!(pause(&refusals, "10.0.0.1".parse().unwrap(), now), 1, "another address is not to blame");
        assert_eq!(pause(&refusals, "::ffff:127.0.0.1".parse().unwrap(), now), 8, "the same in another form");
        assert_eq!(pause(&refusals, PEER, now + FORGIVEN + FIRST), 1);
    }

    #[test]
    fn what_one_party_has_of_ipv6_is_one_address() {
        let (refusals, now) = (Refusals::default(), Instant::now());
        assert_eq!(pause(&refusals, "2001:db8::1".parse().unwrap(), now), 1);
        assert_eq!(pause(&refusals, "2001:db8::ffff:2".parse().unwrap(), now), 2);
        assert_eq!(pause(&refusals, "2001:db8:0:1::1".parse().unwrap(), now), 1);
    }

    #[test]
    fn those_who_wait_are_bounded_and_make_room_when_they_go() {
        let (refusals, now) = (Refusals::default(), Instant::now());
        let waiting: Vec<_> = (0..WAITING_OF_ONE).map(|_| refusals.penance_at(PEER, now).unwrap()).collect();
        assert!(refusals.penance_at(PEER, now).is_none());
        assert!(refusals.penance_at("10.0.0.1".parse().unwrap(), now).is_some());
        drop(waiting);
        assert!(refusals.penance_at(PEER, now).is_some());
        assert_eq!(refusals.lock().waiting, 0);
    }

    #[test]
    fn memory_is_bounded() {
        let (refusals, now) = (Refusals::default(), Instant::now());
        for number in 0..3 * u32::try_from(ADDRESSES).unwrap() {
            let later = now + Duration::from_millis(number.into());
            pause(&refusals, std::net::Ipv4Addr::from(number).into(), later);
        }
        assert_eq!(refusals.lock().addresses.len(), ADDRESSES);
    }

    #[test]
    fn the_log_has_a_bounded_rate_and_says_what_it_left_out() {
        let (refusals, now) = (Refusals::default(), Instant::now());
        let lines = (0..100).filter(|_| refusals.line_at(now).is_some()).count();
        assert_eq!(lines, usize::try_from(LINES).unwrap());
        assert_eq!(refusals.line_at(now + LINE_EVERY), Some(90));
        assert_eq!(refusals.line_at(now + LINE_EVERY), None);
        assert_eq!(refusals.line_at(now + LINE_EVERY * 100), Some(1));
    }
}
