//! What a command is expected to print, and whether it does.

use regex::Regex;

use super::shown;
use crate::Ran;

/// What a command prints, and how it ends.
#[derive(Debug, Default)]
pub(super) struct Expectation {
    pub(super) stdout: Vec<Line>,
    pub(super) stderr: Vec<Line>,
    pub(super) code: i32,
}

/// A line of output, or any number of them.
#[derive(Debug)]
pub(super) enum Line {
    One { text: String, pattern: Regex },
    Any,
}

/// What may stand in a line, and what it stands for.
const WORDS: &[(&str, &str)] = &[
    ("<id>", "[0-9a-f]{64}"),
    ("<short>", "[0-9a-f]{12}"),
    ("<time>", r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)"),
    ("<number>", r"\d+"),
    ("<*>", ".*"),
];

impl Line {
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        if text == "..." {
            return Ok(Self::Any);
        }
        let mut pattern = regex::escape(text);
        for (word, stands_for) in WORDS {
            pattern = pattern.replace(&regex::escape(word), stands_for);
        }
        let pattern = Regex::new(&format!("^{pattern}$")).map_err(|error| error.to_string())?;
        Ok(Self::One { text: text.to_owned(), pattern })
    }
}

impl Expectation {
    /// What is another than expected, for a person to read.
    pub(super) fn difference(&self, ran: &Ran) -> Option<String> {
        let stdout: Vec<&str> = ran.stdout.lines().collect();
        let stderr: Vec<&str> = ran.stderr.lines().collect();
        if self.code == ran.code && holds(&self.stdout, &stdout) && holds(&self.stderr, &stderr) {
            return None;
        }
        let mut expected = String::new();
        for (mark, lines) in [('>', &self.stdout), ('!', &self.stderr)] {
            for line in lines {
                let text = match line {
                    Line::One { text, .. } => text,
                    Line::Any => "...",
                };
                expected.push_str(&format!("    {mark} {text}\n"));
            }
        }
        Some(format!("  expected\n{expected}    = {}\n  came\n{}", self.code, shown(ran)))
    }
}

fn holds(expected: &[Line], lines: &[&str]) -> bool {
    match expected.split_first() {
        None => lines.is_empty(),
        Some((Line::Any, rest)) => (0..=lines.len()).any(|taken| holds(rest, &lines[taken..])),
        Some((Line::One { pattern, .. }, rest)) => {
            lines.split_first().is_some_and(|(line, lines)| pattern.is_match(line) && holds(rest, lines))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(lines: &[&str]) -> Vec<Line> {
        lines.iter().map(|line| Line::parse(line).unwrap()).collect()
    }

    #[test]
    fn words_stand_for_what_they_name_and_nothing_else_is_special() {
        let id = "0123456789ab".repeat(5) + "0123";
        for (expected, line, want) in [
            ("a.c", "a.c", true),
            ("a.c", "abc", false),
            ("a", "ab", false),
            ("<id>", id.as_str(), true),
            ("<id>", "0123456789ab", false),
            ("[<short>]", "[0123456789ab]", true),
            ("at <time> x", "at 2026-01-02T03:04:05.678Z x", true),
            ("<number>%", "12%", true),
            ("a<*>", "a", true),
            ("<other>", "<other>", true),
        ] {
            assert_eq!(holds(&lines(&[expected]), &[line]), want, "{expected} {line}");
        }
    }

    #[test]
    fn any_lines_are_as_many_as_it_takes() {
        for (came, want) in
            [(&["a", "b"][..], true), (&["a", "x", "y", "b"], true), (&["a"], false), (&["a", "b", "c"], false)]
        {
            assert_eq!(holds(&lines(&["a", "...", "b"]), came), want, "{came:?}");
        }
        assert!(holds(&lines(&["..."]), &[]));
        assert!(!holds(&[], &["a"]));
    }
}
