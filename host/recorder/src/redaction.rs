//! Secrets out of records.
//!
//! What replaces a secret is made of the secret and of a key that is never written: equal secrets have equal replacements, which tell
//! nothing of them. A replacement has lower-case letters and digits only, and so many that it is base64, too: it means the same in JSON and
//! in a URL, and passes for a key where a component wants one.

use std::collections::HashMap;

use aho_corasick::{AhoCorasick, MatchKind};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use ring::hmac;
use ring::rand::SystemRandom;
use serde_json::Value;

use crate::record::{Call, End, Outcome, Record, bound};
use crate::secrets;

/// Of the texts of a call so much is kept, to see what has been written already.
const MAX_SEEN: usize = 4 << 20;
/// Secrets of more bytes are looked for one by one: a machine that looks for all at once would become large.
const LONG: usize = 1 << 10;
/// More secrets than these a call does not have.
const MAX_SECRETS: usize = 10_000;

pub(crate) struct Redactor {
    key: hmac::Key,
    /// Secrets of the daemon, in whatever call.
    always: Vec<String>,
    /// What is known of the calls under way.
    calls: HashMap<u64, Known>,
}

#[derive(Default)]
struct Known {
    /// What is looked for, and what stands there instead.
    patterns: Vec<String>,
    replacements: Vec<String>,
    matcher: Option<AhoCorasick>,
    /// Long secrets, and what stands in their place.
    long: Vec<(String, String)>,
    /// What has been written. Something that is there already is not replaced later: it would not be hidden, and the component
    /// could not be told one thing by two names.
    seen: String,
}

/// A record that cannot be freed of secrets, and must not be written.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Unfit;

impl Redactor {
    /// `always`: secrets of the daemon.
    pub(crate) fn new(always: Vec<String>) -> Result<Self, ring::error::Unspecified> {
        let key = hmac::Key::generate(hmac::HMAC_SHA256, &SystemRandom::new())?;
        Ok(Self { key, always, calls: HashMap::new() })
    }

    /// Makes a record fit to be written: without secrets, and bounded.
    pub(crate) fn redact(&mut self, record: &mut Record) -> Result<(), Unfit> {
        let Self { key, always, calls } = self;
        match record {
            Record::Header(_) | Record::Request(_) | Record::Reading(_) | Record::Lost(_) => Ok(()),
            Record::Call(call) => {
                let mut known = Known::default();
                let Call { id, arguments, secrets, .. } = call;
                let mut found = Vec::new();
                always.iter().chain(secrets.iter()).for_each(|value| secrets::secret(value, &mut found));
                found.extend(secrets::find(arguments));
                known.learn(found, key)?;
                known.clear(arguments)?;
                calls.insert(*id, known);
                Ok(())
            }
            Record::Import(import) => calls.get_mut(&import.call).ok_or(Unfit)?.clear(&mut import.arguments),
            Record::Answer(answer) => {
                let known = calls.get_mut(&answer.call).ok_or(Unfit)?;
                let result = known.learn(secrets::find(&answer.result), key);
                result.and_then(|()| known.clear(&mut answer.result))
            }
            Record::End(End { call, outcome, .. }) => {
                let mut known = calls.remove(call).ok_or(Unfit)?;
                match outcome {
                    Outcome::Returned(value) => known.clear(value),
                    Outcome::Failed(text) | Outcome::Cut(text) => {
                        known.replace(text);
                        Ok(())
                    }
                }
            }
        }
    }

    /// A call of which no more is written.
    pub(crate) fn forget(&mut self, call: u64) {
        self.calls.remove(&call);
    }
}

impl Known {
    fn learn(&mut self, mut found: Vec<String>, key: &hmac::Key) -> Result<(), Unfit> {
        found.retain(|secret| {
            let known = self.patterns.contains(secret) || self.long.iter().any(|(known, _)| known == secret);
            !known && !self.seen.contains(secret.as_str())
        });
        found.sort();
        found.dedup();
        if found.is_empty() {
            return Ok(());
        }
        if self.patterns.len() + found.len() > MAX_SECRETS {
            return Err(Unfit);
        }
        for secret in found {
            let tag = hmac::sign(key, secret.as_bytes());
            let replacement = format!("redacted{}", hex::encode(tag.as_ref().get(..4).unwrap_or_default()));
            for form in forms(&secret) {
                if form.len() > LONG {
                    self.long.push((form, replacement.clone()));
                } else {
                    self.patterns.push(form);
                    self.replacements.push(replacement.clone());
                }
            }
        }
        let matcher = AhoCorasick::builder().match_kind(MatchKind::LeftmostLongest).build(&self.patterns);
        self.matcher = Some(matcher.map_err(|_| Unfit)?);
        Ok(())
    }

    /// Takes the secrets out of a value, and leaves it out if it is too large.
    fn clear(&mut self, value: &mut Value) -> Result<(), Unfit> {
        self.replace_in(value);
        bound(value);
        Ok(())
    }

    fn replace_in(&mut self, value: &mut Value) {
        match value {
            Value::String(text) => self.replace(text),
            Value::Array(items) => items.iter_mut().for_each(|item| self.replace_in(item)),
            Value::Object(members) => members.values_mut().for_each(|value| self.replace_in(value)),
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    fn replace(&mut self, text: &mut String) {
        for (secret, replacement) in &self.long {
            if text.contains(secret.as_str()) {
                *text = text.replace(secret.as_str(), replacement);
            }
        }
        if let Some(matcher) = &self.matcher
            && matcher.is_match(text.as_str())
        {
            *text = matcher.replace_all(text, &self.replacements);
        }
        if self.seen.len() + text.len() < MAX_SEEN {
            self.seen.push_str(text);
            self.seen.push('\n');
        }
    }
}

/// How a text stands in JSON, in JSON in JSON, and in a URL.
fn forms(text: &str) -> Vec<String> {
    let escaped = |text: &str| {
        let quoted = Value::from(text).to_string();
        quoted.get(1..quoted.len() - 1).unwrap_or_default().to_owned()
    };
    let once = escaped(text);
    let mut forms = vec![
        text.to_owned(),
        escaped(&once),
        once,
        utf8_percent_encode(text, NON_ALPHANUMERIC).to_string(),
        percent_encoding_of_parameters(text),
    ];
    forms.sort();
    forms.dedup();
    forms
}

/// As most encode the parameters of a URL: letters, digits and `-._~` stay.
fn percent_encoding_of_parameters(text: &str) -> String {
    const UNRESERVED: &percent_encoding::AsciiSet =
        &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
    utf8_percent_encode(text, UNRESERVED).to_string()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use jiff::Timestamp;
    use serde_json::json;

    use super::*;
    use crate::record::{Answer, Import, is_omitted};

    fn call(arguments: Value, secrets: &[&str]) -> Record {
        Record::Call(Call {
            id: 1,
            time: Timestamp::UNIX_EPOCH,
            backend: None,
            digest: String::new(),
            export: "lifecycle.create".into(),
            container: None,
            seed: String::new(),
            arguments,
            secrets: secrets.iter().map(|&secret| secret.to_owned()).collect::<Arc<[_]>>(),
        })
    }

    fn import(arguments: Value) -> Record {
        Record::Import(Import { call: 1, number: 0, function: "http.send".into(), arguments })
    }

    fn answer(result: Value) -> Record {
        Record::Answer(Answer { call: 1, number: 0, result })
    }

    fn end(outcome: Outcome) -> Record {
        Record::End(End { call: 1, time: Timestamp::UNIX_EPOCH, imports: 0, outcome })
    }

    /// What is written of these records.
    fn written(records: impl IntoIterator<Item = Record>) -> Vec<String> {
        let mut redactor = Redactor::new(vec!["of the daemon".into()]).unwrap();
        let mut lines = Vec::new();
        for mut record in records {
            redactor.redact(&mut record).unwrap();
            lines.push(serde_json::to_string(&record).unwrap());
        }
        assert!(redactor.calls.is_empty() || lines.len() < 4, "a call that has ended is forgotten");
        lines
    }

    #[test]
    fn planted_secrets_are_nowhere() {
        let secret = r#"pass"word & more"#;
        let body = json!({ "settings": { "X": secret }, "text": json!({ "deep": secret }).to_string() }).to_string();
        let lines = written([
            call(json!({ "container": { "environment": [format!("X={secret}")] } }), &["declared-secret"]),
            import(
                json!({ "url": format!("https://a.example/?x={}", percent_encoding_of_parameters(secret)), "body": body }),
            ),
            answer(json!({ "headers": [["x-new-token", "of-an-answer"]], "body": "declared-secret, of the daemon" })),
            end(Outcome::Failed(format!("panicked at of-an-answer: {secret}"))),
        ]);
        let all = lines.join("\n");
        for piece in ["word", "%22word", "declared-secret", "of the daemon", "of-an-answer"] {
            assert!(!all.contains(piece), "{piece}: {all}");
        }
        assert!(all.contains("https://a.example/?x=redacted"), "{all}");
    }

    #[test]
    fn one_secret_has_one_replacement_and_two_have_two() {
        let lines = written([
            call(json!({ "Env": ["A=secret one", "B=secret two", "C=secret one"] }), &[]),
            import(json!({ "body": "secret one/secret two" })),
        ]);
        let value: Value = serde_json::from_str(&lines[0]).unwrap();
        let env: Vec<_> =
            value["arguments"]["Env"].as_array().unwrap().iter().map(|pair| &pair.as_str().unwrap()[2..]).collect();
        assert_eq!(env[0], env[2]);
        assert_ne!(env[0], env[1]);
        assert_eq!(env[0].len(), 16, "base64 has multiples of four");
        assert!(lines[1].contains(&format!("{}/{}", env[0], env[1])), "{lines:?}");
    }

    #[test]
    fn what_the_component_says_by_itself_stays_also_when_an_answer_repeats_it() {
        let lines = written([
            call(json!({}), &[]),
            import(json!({ "body": r#"{"x__credential":"managedidentity"}"# })),
            answer(json!({ "body": r#"{"x__credential":"managedidentity"}"# })),
        ]);
        assert!(lines[2].contains("managedidentity"), "{lines:?}");
    }

    #[test]
    fn secrets_are_found_in_what_is_left_out() {
        let large = json!({ "password": "in a large answer", "body": "x".repeat(2 << 20) });
        let mut redactor = Redactor::new(vec![]).unwrap();
        redactor.redact(&mut call(json!({}), &[])).unwrap();
        let mut record = answer(large);
        redactor.redact(&mut record).unwrap();
        assert!(matches!(&record, Record::Answer(answer) if is_omitted(&answer.result)));
        let mut next = import(json!({ "body": "in a large answer" }));
        redactor.redact(&mut next).unwrap();
        assert!(
            matches!(&next, Record::Import(import) if import.arguments["body"].as_str().unwrap().starts_with("redacted"))
        );
    }

    #[test]
    fn a_long_secret_goes_too_and_is_quickly_looked_for() {
        let long = "a line of a certificate\n".repeat(50_000);
        let lines = written([
            call(json!({ "Env": [format!("CERTIFICATE={long}")] }), &[]),
            import(json!({ "body": json!({ "value": long }).to_string() })),
        ]);
        assert!(lines.iter().all(|line| !line.contains("certificate") && line.len() < 1_000), "{lines:?}");
    }

    #[test]
    fn of_a_call_that_is_not_known_nothing_is_written() {
        let mut redactor = Redactor::new(vec![]).unwrap();
        assert_eq!(redactor.redact(&mut import(json!({}))), Err(Unfit));
        redactor.redact(&mut call(json!({}), &[])).unwrap();
        redactor.forget(1);
        assert_eq!(redactor.redact(&mut answer(json!({}))), Err(Unfit));
    }
}
