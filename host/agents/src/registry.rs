//! Which containers have an agent, and the link to it.
//!
//! A container is known here from when its token was made until it is removed. Its newest link counts; with one
//! exception: while an agent of one *boot* runs the container's command and is connected, another boot of the same
//! container (the platform starts a second instance beside the first on some occasions) is told to wait.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use hyper::client::conn::http2::SendRequest;
use ring::digest;
use subtle::ConstantTimeEq;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::error::{AgentFailure, Result};
use crate::exchange::Body;
use crate::refusals::Refusals;

/// A connection to an agent that is up, as far as is known.
#[derive(Clone)]
pub(crate) struct Link {
    pub(crate) boot: String,
    /// Counts the links of all containers: which one this is.
    pub(crate) number: u64,
    pub(crate) sender: SendRequest<Body>,
    /// Cancelled when the connection has ended, or another has taken its place.
    pub(crate) closed: CancellationToken,
}

struct Entry {
    /// Which of all tokens that were ever registered this is: the *generation* of the container. Another token, and with it another app,
    /// is another generation, and nobody of the one before is let in or goes on.
    generation: u64,
    /// SHA-256 of the token, in hexadecimal digits.
    token_hash: String,
    link: watch::Sender<Option<Link>>,
    /// The boot whose agent runs the container's command.
    running: Option<String>,
    /// Why the agent could not be dialled, the last time that this was tried without success.
    missed: Option<String>,
}

#[derive(Default)]
struct State {
    entries: HashMap<String, Entry>,
    generations: u64,
    links: u64,
}

/// Why an agent that dials in is turned away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// No such container, or another token.
    Unauthorized,
    /// Another instance of the container runs its command.
    Busy,
}

/// Somebody had the token of a container, in this generation of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Admission {
    generation: u64,
}

/// All agents that may dial in. Cheap to clone.
#[derive(Clone, Default)]
pub struct AgentRegistry {
    state: Arc<Mutex<State>>,
    refusals: Refusals,
}

impl AgentRegistry {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets the agent of a container dial in with the token of this hash, and with no other.
    pub fn register(&self, container: &str, token_hash: &str) {
        let mut state = self.lock();
        let known = state.entries.get(container).is_some_and(|entry| entry.token_hash == token_hash);
        if !known {
            state.generations += 1;
            let entry = Entry {
                generation: state.generations,
                token_hash: token_hash.to_owned(),
                link: watch::Sender::new(None),
                running: None,
                missed: None,
            };
            let old = state.entries.insert(container.to_owned(), entry);
            drop(state);
            close(old);
        }
    }

    /// The container is gone: cuts the link and takes its agent for a stranger from now on.
    pub fn forget(&self, container: &str) {
        let old = self.lock().entries.remove(container);
        close(old);
    }

    /// Whether the container's agent is connected.
    #[must_use]
    pub fn connected(&self, container: &str) -> bool {
        self.lock()
            .entries
            .get(container)
            .is_some_and(|entry| entry.link.borrow().as_ref().is_some_and(|link| !link.closed.is_cancelled()))
    }

    /// How many were turned away since the daemon began, because they had another token than the container that they named, or named one
    /// that is not here.
    #[must_use]
    pub fn refused(&self) -> u64 {
        self.refusals.total()
    }

    pub(crate) fn refusals(&self) -> &Refusals {
        &self.refusals
    }

    /// Who dials is who it says.
    pub(crate) fn admit(&self, container: &str, token: &str, boot: &str) -> Result<Admission, Refusal> {
        let admitted = self.look(container, token, boot);
        if admitted == Err(Refusal::Unauthorized) {
            self.refusals.count();
        }
        admitted
    }

    fn look(&self, container: &str, token: &str, boot: &str) -> Result<Admission, Refusal> {
        let hash = hex::encode(digest::digest(&digest::SHA256, token.as_bytes()));
        let state = self.lock();
        let entry = state.entries.get(container).ok_or(Refusal::Unauthorized)?;
        if !bool::from(hash.as_bytes().ct_eq(entry.token_hash.as_bytes())) {
            return Err(Refusal::Unauthorized);
        }
        let link = entry.link.borrow();
        let other_runs = link.as_ref().is_some_and(|link| {
            !link.closed.is_cancelled() && link.boot != boot && entry.running.as_ref() == Some(&link.boot)
        });
        if other_runs { Err(Refusal::Busy) } else { Ok(Admission { generation: entry.generation }) }
    }

    /// Puts a link in the place of the one that there was. Nothing if the container has gone since the admission, or has another token: a
    /// handshake can take long.
    pub(crate) fn connect(
        &self,
        container: &str,
        boot: &str,
        admission: Admission,
        sender: SendRequest<Body>,
    ) -> Option<Link> {
        let mut state = self.lock();
        state.links += 1;
        let number = state.links;
        let entry = state.entries.get(container).filter(|entry| entry.generation == admission.generation)?;
        let link = Link { boot: boot.to_owned(), number, sender, closed: CancellationToken::new() };
        if let Some(old) = entry.link.send_replace(Some(link.clone())) {
            old.closed.cancel();
        }
        Some(link)
    }

    /// A link has ended.
    pub(crate) fn disconnect(&self, container: &str, link: &Link) {
        link.closed.cancel();
        if let Some(entry) = self.lock().entries.get(container) {
            entry.link.send_if_modified(|current| {
                let same = current.as_ref().is_some_and(|current| current.number == link.number);
                if same {
                    *current = None;
                }
                same
            });
        }
    }

    /// The agent was dialled and not reached, for this reason.
    pub(crate) fn missed(&self, container: &str, reason: String) {
        if let Some(entry) = self.lock().entries.get_mut(container) {
            entry.missed = Some(reason);
        }
    }

    /// Why the agent is not connected, if it is dialled, and that is known.
    #[must_use]
    pub fn why_missed(&self, container: &str) -> Option<String> {
        self.lock().entries.get(container).and_then(|entry| entry.missed.clone())
    }

    /// The agent of this boot runs the container's command.
    pub(crate) fn runs(&self, container: &str, boot: &str) {
        if let Some(entry) = self.lock().entries.get_mut(container) {
            entry.running = Some(boot.to_owned());
        }
    }

    /// The container's command has ended.
    pub(crate) fn rests(&self, container: &str) {
        if let Some(entry) = self.lock().entries.get_mut(container) {
            entry.running = None;
        }
    }

    /// The link to a container's agent, once there is one that is newer than `after`.
    pub(crate) async fn link(&self, container: &str, after: u64) -> Result<Link> {
        let mut links = match self.lock().entries.get(container) {
            Some(entry) => entry.link.subscribe(),
            None => return Err(never(container)),
        };
        let found = links
            .wait_for(|link| link.as_ref().is_some_and(|link| link.number > after && !link.closed.is_cancelled()))
            .await
            .map(|link| (*link).clone());
        // The sender goes when the container does.
        found.ok().flatten().ok_or_else(|| never(container))
    }
}

fn never(container: &str) -> AgentFailure {
    let short = container.get(..12).unwrap_or(container);
    AgentFailure::NotConnected(format!("container {short} has no agent"))
}

fn close(entry: Option<Entry>) {
    if let Some(link) = entry.and_then(|entry| entry.link.send_replace(None)) {
        link.closed.cancel();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sockerless_agent_protocol::token::AgentToken;

    #[test]
    fn only_the_token_of_the_container_is_admitted() {
        let registry = AgentRegistry::default();
        let token = AgentToken::generate().unwrap();
        registry.register("c", &token.callback_hash());
        assert!(registry.admit("c", token.expose(), "b").is_ok());
        assert_eq!(registry.admit("c", "other", "b"), Err(Refusal::Unauthorized));
        assert_eq!(registry.admit("c", &token.callback_hash(), "b"), Err(Refusal::Unauthorized));
        assert_eq!(registry.admit("d", token.expose(), "b"), Err(Refusal::Unauthorized));
        registry.forget("c");
        assert_eq!(registry.admit("c", token.expose(), "b"), Err(Refusal::Unauthorized));
        assert_eq!(registry.refused(), 4);
    }

    #[test]
    fn a_new_token_makes_the_old_one_worthless() {
        let registry = AgentRegistry::default();
        let (old, new) = (AgentToken::generate().unwrap(), AgentToken::generate().unwrap());
        registry.register("c", &old.callback_hash());
        registry.register("c", &new.callback_hash());
        assert_eq!(registry.admit("c", old.expose(), "b"), Err(Refusal::Unauthorized));
        assert!(registry.admit("c", new.expose(), "b").is_ok());
    }

    #[tokio::test]
    async fn who_waits_for_a_link_is_told_when_the_container_goes() {
        let registry = AgentRegistry::default();
        assert!(registry.link("c", 0).await.is_err());
        registry.register("c", "hash");
        let waiting = tokio::spawn({
            let registry = registry.clone();
            async move { registry.link("c", 0).await.map(|_| ()) }
        });
        tokio::task::yield_now().await;
        registry.forget("c");
        assert!(matches!(waiting.await.unwrap(), Err(AgentFailure::NotConnected(_))));
    }
}
