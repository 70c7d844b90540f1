//! Tables of requests and of what is answered to them, run against a daemon or against a real Engine.
//!
//! The tables and their format are in `tests/wire`, see the `README.md` there. A table says what *our daemon* answers. Where a
//! real Engine answers otherwise, and is meant to, the table says that, too, and names a reason, which stands in
//! `tests/wire/differences`. Thus one and the same text tests the daemon and, with [`Side::Engine`](crate::Side::Engine), tests the table.

mod client;
mod expectation;
mod path;
mod reasons;
mod run;
mod table;

use std::path::{Path, PathBuf};

pub use reasons::Reasons;
pub use run::{Outcome, run};
pub use table::Table;

/// Where the tables are.
#[must_use]
pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("wire")
}

/// The names of all tables, sorted.
#[must_use]
pub fn names() -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(folder())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "table"))
        .map(|path| path.file_stem().unwrap().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}
