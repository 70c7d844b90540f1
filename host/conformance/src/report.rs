//! The report: for people as text, for programs as JSON.

use std::fmt;

use serde::Serialize;
use sockerless_backend::types::Loaded;

use crate::verdict::Verdict;

/// What was found of one component.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Report {
    /// Who it says it is. Absent: it could not be loaded.
    pub component: Option<Component>,
    /// Every check, in the order in which they were made.
    pub checks: Vec<Checked>,
    /// How many of each kind.
    pub summary: Summary,
}

/// Who a component says it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Component {
    /// The backend's name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// `sha256:` and 64 hexadecimal digits of the component.
    pub digest: String,
}

/// One check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Checked {
    /// The export, a dot, and what is looked at.
    pub name: &'static str,
    /// What the contract promises.
    pub promise: &'static str,
    /// What was found.
    #[serde(flatten)]
    pub verdict: Verdict,
}

/// Numbers of checks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Summary {
    /// The promise is kept.
    pub passed: usize,
    /// It is not.
    pub findings: usize,
    /// It could not be found out.
    pub not_checked: usize,
}

impl Report {
    pub(crate) fn new(loaded: Option<&Loaded>, checks: Vec<Checked>) -> Self {
        let component = loaded.map(|loaded| Component {
            name: loaded.descriptor.name.clone(),
            version: loaded.descriptor.version.clone(),
            digest: loaded.digest.clone(),
        });
        let mut summary = Summary::default();
        for check in &checks {
            match check.verdict {
                Verdict::Passed => summary.passed += 1,
                Verdict::Finding(_) => summary.findings += 1,
                Verdict::NotChecked(_) => summary.not_checked += 1,
            }
        }
        Self { component, checks, summary }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(Component { name, version, digest }) = &self.component {
            writeln!(f, "{name} {version} {digest}")?;
        }
        let width = self.checks.iter().map(|check| check.name.len()).max().unwrap_or_default();
        for Checked { name, promise, verdict } in &self.checks {
            let (word, detail) = match verdict {
                Verdict::Passed => ("passed     ", None),
                Verdict::Finding(text) => ("FINDING    ", Some(text)),
                Verdict::NotChecked(text) => ("not checked", Some(text)),
            };
            writeln!(f, "{word}  {name:width$}  {promise}")?;
            for line in detail.iter().flat_map(|text| text.lines()) {
                writeln!(f, "{:13}{line}", "")?;
            }
        }
        let Summary { passed, findings, not_checked } = self.summary;
        write!(f, "passed: {passed}, findings: {findings}, not checked: {not_checked}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report() -> Report {
        let check = |name, verdict| Checked { name, promise: "a promise", verdict };
        Report::new(
            None,
            vec![
                check("a.b", Verdict::Passed),
                check("longer.name", Verdict::Finding("one\ntwo".into())),
                check("c.d", Verdict::NotChecked("why".into())),
            ],
        )
    }

    #[test]
    fn people_read_every_check_and_the_numbers() {
        let expected = "passed       a.b          a promise\n\
                        FINDING      longer.name  a promise\n             one\n             two\n\
                        not checked  c.d          a promise\n             why\n\
                        passed: 1, findings: 1, not checked: 1";
        assert_eq!(report().to_string(), expected);
    }

    #[test]
    fn programs_read_the_same() {
        let json = serde_json::to_value(report()).unwrap();
        assert_eq!(json["checks"][0]["result"], "passed");
        assert_eq!(json["checks"][1]["result"], "finding");
        assert_eq!(json["checks"][1]["detail"], "one\ntwo");
        assert_eq!(json["summary"]["not-checked"], 1);
    }
}
