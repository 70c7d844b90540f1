//! What the user is told while things go on.

/// One line on standard error: standard output is for what a shell may want to read.
pub(crate) fn say(text: impl std::fmt::Display) {
    eprintln!("xtask: {text}");
}
