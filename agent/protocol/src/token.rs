//! The secret of one container, and what is derived from it.
//!
//! The token goes into the container's settings and nowhere else. The daemon keeps its hash, to recognise the agent when it
//! links itself with it, and the keys by which the agent recognises an invocation, and a daemon that dials; none of them gives the token
//! away, nor another of them.

use std::fmt;

use ring::rand::{SecureRandom, SystemRandom};
use ring::{digest, hmac};

/// 256 random bits, written as 64 hexadecimal digits.
#[derive(Clone, PartialEq, Eq)]
pub struct AgentToken(String);

/// The machine has no randomness to give.
#[derive(Debug, thiserror::Error)]
#[error("no random numbers are to be had for an agent's token")]
pub struct RandomError;

impl AgentToken {
    /// Draws one.
    ///
    /// # Errors
    /// The operating system's source of randomness fails.
    pub fn generate() -> Result<Self, RandomError> {
        let mut bytes = [0; 32];
        SystemRandom::new().fill(&mut bytes).map_err(|_| RandomError)?;
        Ok(Self(hex::encode(bytes)))
    }

    /// Of text that was got from elsewhere.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text. Not for logs.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// By which the daemon recognises the token.
    #[must_use]
    pub fn callback_hash(&self) -> String {
        hex::encode(digest::digest(&digest::SHA256, self.0.as_bytes()))
    }

    /// By which the agent recognises an invocation.
    #[must_use]
    pub fn invocation_key(&self) -> String {
        self.derived(b"invocation")
    }

    /// By which the agent recognises a daemon that dials.
    #[must_use]
    pub fn dial_key(&self) -> String {
        self.derived(b"dial")
    }

    fn derived(&self, purpose: &[u8]) -> String {
        let key = hmac::Key::new(hmac::HMAC_SHA256, self.0.as_bytes());
        hex::encode(hmac::sign(&key, purpose))
    }
}

impl fmt::Debug for AgentToken {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("AgentToken(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_differ_and_do_not_show() {
        let (one, other) = (AgentToken::generate().unwrap(), AgentToken::generate().unwrap());
        assert_ne!(one, other);
        assert_eq!(one.expose().len(), 64);
        assert!(!format!("{one:?}").contains(one.expose()));
    }

    #[test]
    fn what_is_derived_is_the_same_on_both_sides_and_different_texts() {
        let token = AgentToken::generate().unwrap();
        let again = AgentToken::new(token.expose());
        assert_eq!(token.callback_hash(), again.callback_hash());
        assert_eq!(token.invocation_key(), again.invocation_key());
        assert_eq!(token.dial_key(), again.dial_key());
        let mut texts =
            [token.expose().to_owned(), token.callback_hash(), token.invocation_key(), token.dial_key()].to_vec();
        texts.sort();
        texts.dedup();
        assert_eq!(texts.len(), 4);
    }
}
