//! The description of the API: which schema an answer must have.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex};

use jsonschema::Validator;
use serde_json::{Map, Value, json};

/// Differences that the real Engine shows, too.
const EXCEPTIONS: &str = include_str!("exceptions.txt");

struct Operation {
    method: String,
    /// Parts of the path; absent for a parameter.
    parts: Vec<Option<String>>,
    template: String,
    /// By status.
    responses: HashMap<u16, Value>,
}

/// By operation and status; a schema is compiled once. Nothing for an answer of which the description says nothing.
type Validators = HashMap<(usize, u16), Option<Arc<Validator>>>;

pub(crate) struct Description {
    definitions: Value,
    operations: Vec<Operation>,
    validators: Mutex<Validators>,
}

impl Description {
    pub(crate) fn read(path: &Path) -> Self {
        let text = std::fs::read_to_string(path)
            .unwrap_or_else(|error| panic!("the description of the API, {}, cannot be read: {error}", path.display()));
        let mut whole: Value = serde_saphyr::from_str(&text)
            .unwrap_or_else(|error| panic!("the description of the API, {}, is no YAML: {error}", path.display()));
        allow_null(&mut whole);
        let mut operations = Vec::new();
        for (template, methods) in whole["paths"].as_object().unwrap() {
            for (method, operation) in methods.as_object().unwrap() {
                let Some(responses) = operation["responses"].as_object() else { continue };
                let responses = responses
                    .iter()
                    .filter_map(|(status, response)| {
                        let schema = response.get("schema").filter(|schema| schema["type"] != "file")?;
                        Some((status.parse().ok()?, schema.clone()))
                    })
                    .collect();
                let part = |part: &str| (!part.starts_with('{')).then(|| part.to_owned());
                operations.push(Operation {
                    method: method.to_uppercase(),
                    parts: template.split('/').skip(1).map(part).collect(),
                    template: template.clone(),
                    responses,
                });
            }
        }
        // Of two that fit, the one with fewer parameters is meant.
        operations.sort_by_key(|operation| operation.parts.iter().filter(|part| part.is_none()).count());
        Self { definitions: whole["definitions"].take(), operations, validators: Mutex::default() }
    }

    /// What is wrong with an answer. Several values may follow each other in it.
    pub(crate) fn judge(&self, method: &str, target: &str, status: u16, body: &[u8]) -> Vec<String> {
        let path = target.split('?').next().unwrap_or_default();
        let Some(index) = self.find(method, unversioned(path)) else { return Vec::new() };
        let Some(validator) = self.validator(index, status) else { return Vec::new() };
        let operation = format!("{method} {} {status}", self.operations[index].template);
        let mut wrong = Vec::new();
        for value in serde_json::Deserializer::from_slice(body).into_iter::<Value>() {
            let Ok(value) = value else {
                wrong.push(format!("{operation}: this is no JSON: {}", String::from_utf8_lossy(body)));
                break;
            };
            for error in validator.iter_errors(&value) {
                let place = general(&error.instance_path().to_string());
                let found = format!("{operation} {place}: {error}");
                if !EXCEPTIONS.lines().any(|exception| exception == found) {
                    wrong.push(found);
                }
            }
        }
        wrong
    }

    fn find(&self, method: &str, path: &str) -> Option<usize> {
        let parts: Vec<&str> = path.split('/').skip(1).collect();
        self.operations.iter().position(|operation| {
            operation.method == method
                && operation.parts.len() == parts.len()
                && operation.parts.iter().zip(&parts).all(|(want, is)| want.as_deref().is_none_or(|want| want == *is))
        })
    }

    fn validator(&self, index: usize, status: u16) -> Option<Arc<Validator>> {
        let mut validators = self.validators.lock().unwrap();
        validators
            .entry((index, status))
            .or_insert_with(|| {
                let mut schema = self.operations[index].responses.get(&status).cloned();
                if schema.is_none() && status >= 400 {
                    schema = Some(json!({ "$ref": "#/definitions/ErrorResponse" }));
                }
                let whole = json!({ "definitions": self.definitions, "allOf": [schema?] });
                let options = jsonschema::options().with_draft(jsonschema::Draft::Draft4).build(&whole);
                Some(Arc::new(options.unwrap_or_else(|error| panic!("a schema of the description: {error}"))))
            })
            .clone()
    }
}

/// `/v1.51/info` is `/info`.
fn unversioned(path: &str) -> &str {
    match path.strip_prefix("/v").and_then(|rest| rest.split_once('/')) {
        Some((version, _)) if version.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') => {
            &path[2 + version.len()..]
        }
        _ => path,
    }
}

/// A place in an answer, whatever the indices and the names of networks.
fn general(pointer: &str) -> String {
    let mut general = Vec::new();
    for part in pointer.split('/') {
        let is_index = !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
        general.push(if is_index || general.last() == Some(&"Networks") { "*" } else { part });
    }
    general.join("/")
}

/// The description says `x-nullable: true` where JSON schema has a type `null`; and Go has no way to tell an absent list or
/// map from an empty one, so a field that is not required may be `null`.
fn allow_null(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(allow_null),
        Value::Object(map) => {
            map.values_mut().for_each(allow_null);
            if map.get("x-nullable") == Some(&Value::Bool(true)) {
                nullable(map);
            }
        }
        _ => {}
    }
}

fn nullable(map: &mut Map<String, Value>) {
    if let Some(kind) = map.get("type").and_then(Value::as_str).map(str::to_owned) {
        map.insert("type".to_owned(), json!([kind, "null"]));
        if let Some(Value::Array(values)) = map.get_mut("enum") {
            values.push(Value::Null);
        }
    } else {
        let schema = Value::Object(map.clone());
        map.clear();
        map.insert("anyOf".to_owned(), json!([schema, { "type": "null" }]));
    }
}

#[cfg(test)]
mod tests {
    use super::{general, unversioned};

    #[test]
    fn versions_and_indices_do_not_matter() {
        assert_eq!(unversioned("/v1.51/containers/json"), "/containers/json");
        assert_eq!(unversioned("/version"), "/version");
        assert_eq!(unversioned("/volumes/x"), "/volumes/x");
        assert_eq!(general("/0/Ports/12/IP"), "/*/Ports/*/IP");
        assert_eq!(general("/NetworkSettings/Networks/lane/Links"), "/NetworkSettings/Networks/*/Links");
    }
}
