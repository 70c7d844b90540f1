//! The emulator against the written contract of Azure: what it must do to be a judge of the backend.

#![allow(clippy::unwrap_used, reason = "a test's failure is a panic")]

mod access;
mod containers;
mod control;
mod front_end;
mod identity;
mod images;
mod logs;
mod mounts;
mod pulls;
mod query;
mod sites;
