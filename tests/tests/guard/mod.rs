//! Who is let in, and what gets out: listeners, roles, agents that are strangers, and secrets.

#![allow(clippy::unwrap_used, reason = "a test's failure is a panic")]

mod agents;
mod claims;
mod listeners;
mod roles;
mod secrets;
mod secure;
