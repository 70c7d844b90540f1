//! The host of backends, tested with real components: one small Rust guest whose behaviour the tests choose, and text
//! components for what a compiler does not produce.

#![allow(clippy::expect_used, clippy::unwrap_used, reason = "tests, also outside of `#[test]` functions")]

mod cache;
mod credentials;
mod dispatch;
mod faults;
mod guest;
mod hostile;
mod http;
mod imports;
mod limits;
mod loading;
mod record;
mod server;
mod service;
mod streams;
mod support;
mod swap;
mod waiting;
