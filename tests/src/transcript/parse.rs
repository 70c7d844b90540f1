//! The form of the files.

use super::OfEngine;
use super::expectation::{Expectation, Line};

/// A command, and what is expected of it.
#[derive(Debug)]
pub(super) struct Step {
    /// Its line in the file.
    pub(super) line: usize,
    /// The arguments of `docker`.
    pub(super) words: Vec<String>,
    /// What is typed.
    pub(super) input: String,
    /// Files to write before it, by path.
    pub(super) files: Vec<(String, String)>,
    pub(super) expected: Expectation,
    /// Where the Engine's answer is another on purpose.
    pub(super) engine: Option<OfEngine>,
}

/// All steps of a file. An error begins with the line's number.
pub(super) fn steps(text: &str) -> Result<Vec<Step>, String> {
    let mut steps: Vec<Step> = Vec::new();
    let mut files = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let number = index + 1;
        let wrong = |error: &str| format!("{number}: {error}: {line}");
        if line.trim().is_empty() || line.starts_with('#') {
            continue;
        }
        let (mark, rest) = line.split_at_checked(1).unwrap_or((line, ""));
        let rest = rest.strip_prefix(' ').unwrap_or(rest);
        match mark {
            "@" => {
                let (path, content) = rest.split_once(' ').ok_or_else(|| wrong("a file needs a path and a content"))?;
                files.push((path.to_owned(), content.replace("\\n", "\n")));
                continue;
            }
            "$" => {
                let mut words = shell_words::split(rest).map_err(|error| wrong(&error.to_string()))?;
                if words.first().map(String::as_str) != Some("docker") {
                    return Err(wrong("a command begins with docker"));
                }
                words.remove(0);
                steps.push(Step {
                    line: number,
                    words,
                    input: String::new(),
                    files: std::mem::take(&mut files),
                    expected: Expectation::default(),
                    engine: None,
                });
                continue;
            }
            _ => {}
        }
        let step = steps.last_mut().ok_or_else(|| wrong("there is no command yet"))?;
        let expected = step.engine.as_mut().map_or(&mut step.expected, |engine| &mut engine.expected);
        match mark {
            "<" => step.input.push_str(&rest.replace("\\n", "\n")),
            ">" => expected.stdout.push(Line::parse(rest).map_err(|error| wrong(&error))?),
            "!" => expected.stderr.push(Line::parse(rest).map_err(|error| wrong(&error))?),
            "=" => expected.code = rest.parse().map_err(|_| wrong("an exit code is a number"))?,
            "~" => {
                let reason = rest.strip_prefix("engine:").map(str::trim).filter(|reason| !reason.is_empty());
                let reason = reason.ok_or_else(|| wrong("the Engine's own answer needs a reason"))?.to_owned();
                if step.engine.replace(OfEngine { reason, expected: Expectation::default() }).is_some() {
                    return Err(wrong("the Engine has one answer"));
                }
            }
            _ => return Err(wrong("a line begins with one of $ < > ! = ~ @ #")),
        }
    }
    if steps.is_empty() || !files.is_empty() {
        return Err("1: a transcript has commands, and a file is written before one".to_owned());
    }
    Ok(steps)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_has_a_command_its_input_and_two_answers() {
        let text = "# why\n@ /x/a one\\ntwo\n$ docker run 'a b' c\n< in\\n\n> out\n! err\n= 3\n~ engine: it can\n> other\n\n$ docker ps\n";
        let steps = steps(text).unwrap();
        assert_eq!(steps.len(), 2);
        let step = &steps[0];
        assert_eq!((step.line, step.words.join("|"), step.input.as_str()), (3, "run|a b|c".to_owned(), "in\n"));
        assert_eq!(step.files, [("/x/a".to_owned(), "one\ntwo".to_owned())]);
        assert_eq!((step.expected.stdout.len(), step.expected.stderr.len(), step.expected.code), (1, 1, 3));
        let engine = step.engine.as_ref().unwrap();
        assert_eq!((engine.reason.as_str(), engine.expected.stdout.len(), engine.expected.code), ("it can", 1, 0));
        assert!(steps[1].engine.is_none());
    }

    #[test]
    fn what_is_wrong_is_told_with_its_line() {
        for (text, begin) in [
            ("", "1: "),
            ("> x\n", "1: there is no command yet"),
            ("$ ls\n", "1: a command begins with docker"),
            ("$ docker ps\n= x\n", "2: an exit code"),
            ("$ docker ps\n?\n", "2: a line begins with"),
            ("$ docker ps\n~ engine:\n", "2: the Engine's own answer needs a reason"),
            ("$ docker ps\n~ engine: a\n~ engine: b\n", "3: the Engine has one answer"),
            ("$ docker 'ps\n", "1: "),
            ("@ x\n", "1: a file needs"),
        ] {
            let error = steps(text).unwrap_err();
            assert!(error.starts_with(begin), "{text}: {error}");
        }
    }
}
