//! Whom the tests' expectations are held against: our daemon, or a Docker Engine.

/// Whose answers are looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// Our daemon's.
    Daemon,
    /// A Docker Engine's: what is meant to be different must be so.
    Engine,
}

/// The image that transcripts and tables use. A pull by our daemon registers the reference, and downloads nothing; an Engine must
/// have it.
pub const IMAGE: &str = "busybox";

/// The address of a Docker Engine to hold the tests' expectations against, when one is named: see `cargo xtask test --reference ADDRESS`.
#[must_use]
pub fn reference_engine() -> Option<String> {
    std::env::var("SOCKERLESS_TEST_REFERENCE").ok().filter(|address| !address.is_empty())
}
