//! Transcripts of the Docker CLI: commands and what they print, in `tests/cli`, for this daemon and for the Docker Engine.
//!
//! `tests/cli/README.md` describes the form of the files.

mod expectation;
mod parse;

use std::fmt::Write as _;
use std::path::Path;

use self::expectation::Expectation;
use self::parse::Step;
use crate::reference::{IMAGE, Side};
use crate::{Docker, Ran};

/// Runs a transcript's commands one after the other, and tells where what they print is something else.
///
/// The words `{folder}` and `{image}` in it stand for a folder of the test's own, and for an image that is there.
///
/// # Errors
/// What is wrong with the file, or each command whose answer is another one: with its line, what was expected, what came.
pub fn replay(file: &Path, docker: &Docker, folder: &Path, side: Side) -> Result<(), String> {
    let text = std::fs::read_to_string(file).map_err(|error| format!("{}: {error}", file.display()))?;
    let text = text.replace("{folder}", &folder.display().to_string()).replace("{image}", IMAGE);
    let steps = parse::steps(&text).map_err(|error| format!("{}:{error}", file.display()))?;
    let mut wrong = String::new();
    for step in steps {
        if let Err(difference) = perform(&step, docker, side) {
            let _ = writeln!(wrong, "{}:{}: docker {}\n{difference}", file.display(), step.line, step.words.join(" "));
        }
    }
    if wrong.is_empty() { Ok(()) } else { Err(wrong) }
}

fn perform(step: &Step, docker: &Docker, side: Side) -> Result<(), String> {
    for (path, content) in &step.files {
        std::fs::write(path, content).map_err(|error| format!("cannot write {path}: {error}"))?;
    }
    let words: Vec<&str> = step.words.iter().map(String::as_str).collect();
    let ran = docker.run_with(&words, step.input.as_bytes());
    let own = step.expected.difference(&ran);
    match (side, &step.engine) {
        (Side::Daemon, _) | (Side::Engine, None) => own.map_or(Ok(()), Err),
        (Side::Engine, Some(engine)) => {
            if own.is_none() {
                return Err(format!("  the Engine does not differ any more, although it says so: {}", engine.reason));
            }
            engine.expected.difference(&ran).map_or(Ok(()), Err)
        }
    }
}

/// What the Engine answers instead.
#[derive(Debug)]
struct OfEngine {
    reason: String,
    expected: Expectation,
}

fn shown(ran: &Ran) -> String {
    let mut text = String::new();
    for line in ran.stdout.lines() {
        let _ = writeln!(text, "    > {line}");
    }
    for line in ran.stderr.lines() {
        let _ = writeln!(text, "    ! {line}");
    }
    let _ = writeln!(text, "    = {}", ran.code);
    text
}
