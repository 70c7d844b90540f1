//! Running a table.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::Value;

use super::client::{self, Answer, Message, Pending};
use super::path::shown;
use super::table::{Action, Check, Otherwise, Request, Step, Table};
use crate::reference::{IMAGE, Side};

/// What came of a table.
#[derive(Debug, Clone, Default)]
pub struct Outcome {
    /// Each with the line of the table, what was sent, what was expected and what came.
    pub failures: Vec<String>,
    /// How many requests were answered as expected.
    pub passed: usize,
}

/// How long an answer that comes about is asked for.
const PATIENCE: Duration = Duration::from_secs(60);

struct Run<'a> {
    side: Side,
    socket: &'a Path,
    variables: BTreeMap<String, String>,
    begun: BTreeMap<String, Pending>,
    // The request whose answer is looked at, for messages.
    sent: String,
}

/// Runs a table: every line of it, also behind one that fails. What the table has made is gone afterwards.
///
/// Names that the table makes begin with `{p}`, which is another for every run, so tables may run at the same time.
#[must_use]
pub fn run(table: &Table, side: Side, socket: &Path) -> Outcome {
    let prefix = format!("wire-{}-{}", table.name, std::process::id());
    let mut variables = BTreeMap::new();
    variables.insert("p".to_owned(), prefix.clone());
    variables.insert("image".to_owned(), IMAGE.to_owned());
    let mut run = Run { side, socket, variables, begun: BTreeMap::new(), sent: String::new() };
    let mut outcome = Outcome::default();
    for step in &table.steps {
        match run.step(step) {
            Ok(()) => outcome.passed += usize::from(!matches!(step.action, Action::Set(..))),
            Err(wrong) => {
                for (line, what) in wrong {
                    let name = &table.name;
                    outcome.failures.push(format!("tests/wire/{name}.table:{line}: {}\n{}", run.sent, indented(&what)));
                }
            }
        }
    }
    clean_up(socket, &prefix);
    outcome
}

type Wrong = Vec<(usize, String)>;

impl Run<'_> {
    fn step(&mut self, step: &Step) -> Result<(), Wrong> {
        let at_line = |what: String| vec![(step.line, what)];
        match &step.action {
            Action::Set(name, value) => {
                let value = self.replaced(value).map_err(at_line)?;
                self.variables.insert(name.clone(), value);
                Ok(())
            }
            Action::End(name) => {
                self.sent = format!("end {name}");
                let pending = self.begun.remove(name).ok_or_else(|| at_line("was not begun".to_owned()))?;
                let answer = pending.finish().map_err(|error| at_line(format!("there was no answer: {error}")))?;
                self.judge(step, None, &answer)
            }
            Action::Request(request) => {
                if self.side == Side::Engine && step.otherwise.as_ref().is_some_and(|other| other.status.is_none()) {
                    return Ok(());
                }
                let begin = Instant::now();
                loop {
                    let result = self.request(step, request);
                    if result.is_ok() || !request.eventually || begin.elapsed() > PATIENCE {
                        return result;
                    }
                    std::thread::sleep(Duration::from_millis(50));
                }
            }
        }
    }

    fn request(&mut self, step: &Step, request: &Request) -> Result<(), Wrong> {
        let at_line = |what: String| vec![(step.line, what)];
        self.sent = format!("{} {}", request.method, request.target);
        self.variables.insert("now".to_owned(), now());
        let message = self.message(request).map_err(at_line)?;
        self.sent =
            format!("{} {} {}", message.method, message.target, shortened(&String::from_utf8_lossy(&message.body)));
        let no_answer = |error: std::io::Error| at_line(format!("there was no answer: {error}"));
        let pending = client::send(self.socket, &message).map_err(no_answer)?;
        if let Some(name) = &request.begin {
            // Its body is waited for by name; the head is what can be judged now.
            let answer = pending.answer.clone();
            self.begun.insert(name.clone(), pending);
            return self.judge(step, Some(request.status), &answer);
        }
        let answer = pending.finish().map_err(no_answer)?;
        self.judge(step, Some(request.status), &answer)
    }

    fn message(&self, request: &Request) -> Result<Message, String> {
        let mut headers = Vec::new();
        for (name, value) in &request.headers {
            headers.push((name.clone(), self.replaced(value)?));
        }
        let mut body = self.replaced(&request.body)?.into_bytes();
        body.extend(BASE64.decode(&request.base64).map_err(|error| format!("this is no base64: {error}"))?);
        body.resize(body.len() + request.fill, b' ');
        Ok(Message {
            method: request.method.clone(),
            target: client::escape(&self.replaced(&request.target)?),
            headers,
            without: request.without.clone(),
            body,
        })
    }

    /// Holds an answer against what is expected of it on this side, and keeps what is to be kept of it.
    fn judge(&mut self, step: &Step, status: Option<u16>, answer: &Answer) -> Result<(), Wrong> {
        let mut wrong = match (&step.otherwise, self.side) {
            (Some(otherwise), Side::Engine) => self.judge_otherwise(step, otherwise, status, answer),
            _ => self.judge_ordinarily(step, status, answer, self.side),
        };
        let is_optional = step.otherwise.is_some() && self.side == Side::Engine;
        for (name, part) in &step.captures {
            let found = part.with(|text| self.replaced(text)).map(|part| part.find(answer)).unwrap_or_default();
            match found {
                Some(value) => {
                    self.variables.insert(name.clone(), shown(&value));
                }
                None if is_optional => {}
                None => wrong.push((step.line, format!("nothing to keep as {name}"))),
            }
        }
        if wrong.is_empty() { Ok(()) } else { Err(wrong) }
    }

    fn judge_ordinarily(&self, step: &Step, status: Option<u16>, answer: &Answer, side: Side) -> Wrong {
        if let Some(wrong) = status.and_then(|status| wrong_status(status, answer)) {
            // The rest would only say the same once more.
            return vec![(step.line, wrong)];
        }
        step.checks.iter().filter_map(|check| self.wrong(check, answer, side)).collect()
    }

    fn wrong(&self, check: &Check, answer: &Answer, side: Side) -> Option<(usize, String)> {
        let ours = self.check(&check.expectation, answer);
        match check.engine.as_ref().filter(|_| side == Side::Engine) {
            None => ours.err().map(|what| (check.line, what)),
            Some(instead) if ours.is_ok() => Some((instead.line, stale(&instead.key))),
            Some(instead) => {
                let expectation = instead.expectation.as_ref()?;
                self.check(expectation, answer).err().map(|what| (instead.line, what))
            }
        }
    }

    fn judge_otherwise(&self, step: &Step, otherwise: &Otherwise, status: Option<u16>, answer: &Answer) -> Wrong {
        if self.judge_ordinarily(step, status, answer, Side::Daemon).is_empty() {
            return vec![(otherwise.line, stale(&otherwise.key))];
        }
        if let Some(wrong) = otherwise.status.and_then(|status| wrong_status(status, answer)) {
            return vec![(otherwise.line, wrong)];
        }
        let wrong = otherwise.checks.iter().filter_map(|expectation| self.check(expectation, answer).err());
        wrong.map(|what| (otherwise.line, what)).collect()
    }

    fn check(&self, expectation: &super::expectation::Expectation, answer: &Answer) -> Result<(), String> {
        expectation.with(|text| self.replaced(text))?.check(answer)
    }

    fn replaced(&self, text: &str) -> Result<String, String> {
        replaced(text, &self.variables)
    }
}

/// The time as the API takes it: seconds since 1970, with nanoseconds.
fn now() -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    format!("{}.{:09}", now.as_secs(), now.subsec_nanos())
}

fn stale(key: &str) -> String {
    format!("does not differ any more: remove `engine {key}`")
}

fn wrong_status(status: u16, answer: &Answer) -> Option<String> {
    (status != answer.status).then(|| {
        let body = String::from_utf8_lossy(&answer.body);
        format!("expected {status}\n         but there is {} {}", answer.status, shortened(body.trim_end()))
    })
}

/// Puts values in place of `{name}`. Braces around anything else are JSON's.
fn replaced(text: &str, variables: &BTreeMap<String, String>) -> Result<String, String> {
    let mut result = String::new();
    let mut rest = text;
    while let Some((before, behind)) = rest.split_once('{') {
        result.push_str(before);
        let name: String =
            behind.chars().take_while(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || *c == '_').collect();
        match behind[name.len()..].strip_prefix('}') {
            Some(after) if !name.is_empty() => {
                result.push_str(variables.get(&name).ok_or_else(|| format!("there is no variable {name:?}"))?);
                rest = after;
            }
            _ => {
                result.push('{');
                rest = behind;
            }
        }
    }
    result.push_str(rest);
    Ok(result)
}

/// The beginning of a long text.
pub(super) fn shortened(text: &str) -> String {
    const LENGTH: usize = 2000;
    if text.chars().count() <= LENGTH {
        return text.to_owned();
    }
    format!("{}…", text.chars().take(LENGTH).collect::<String>())
}

fn indented(text: &str) -> String {
    format!("         {text}")
}

/// Removes everything whose name begins with the prefix: a table that failed may have left something.
fn clean_up(socket: &Path, prefix: &str) {
    let ask = |method: &str, target: String| -> Option<Value> {
        let message = Message { method: method.to_owned(), target: client::escape(&target), ..Message::default() };
        let answer = client::send(socket, &message).ok()?.finish().ok()?;
        serde_json::from_slice(&answer.body).ok()
    };
    let names = |found: Option<Value>, path: &str| -> Vec<String> {
        let path = super::path::Path::parse(path).expect("a path");
        match found.and_then(|found| path.find(&found)) {
            Some(Value::Array(names)) => names.iter().map(shown).collect(),
            _ => Vec::new(),
        }
    };
    let filter = format!("{{\"name\":[\"{prefix}\"]}}");
    for id in names(ask("GET", format!("/containers/json?all=1&filters={filter}")), "[*].Id") {
        ask("DELETE", format!("/containers/{id}?force=1&v=1"));
    }
    for id in names(ask("GET", format!("/networks?filters={filter}")), "[*].Id") {
        ask("DELETE", format!("/networks/{id}"));
    }
    for name in names(ask("GET", format!("/volumes?filters={filter}")), "Volumes[*].Name") {
        ask("DELETE", format!("/volumes/{name}?force=1"));
    }
    for tags in names(ask("GET", "/images/json".to_owned()), "[*].RepoTags[0]") {
        if tags.contains(prefix) {
            ask("DELETE", format!("/images/{tags}"));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::replaced;

    #[test]
    fn variables() {
        let variables = BTreeMap::from([("id".to_owned(), "abc".to_owned())]);
        for (text, want) in [
            ("/containers/{id}/json", "/containers/abc/json"),
            (r#"{"a":{"b":"{id}"},"c":{}}"#, r#"{"a":{"b":"abc"},"c":{}}"#),
            ("{{id}", "{abc"),
            ("{", "{"),
        ] {
            assert_eq!(replaced(text, &variables).as_deref(), Ok(want));
        }
        assert!(replaced("{nope}", &variables).is_err());
    }
}
