//! What becomes of each field of a create body. Nothing is ignored in silence: the findings become warnings of
//! `docker create`, or its error.

use serde_json::Value;

use crate::bindings::backend::{Finding, Verdict};
use crate::bindings::types::Error;

const NO_FILES: &str = "memory runs nothing that could see a file.";

/// Fields, by their path in the create body, that have not the effect that Docker gives them.
const ROWS: [(&str, Verdict, &str); 6] = [
    ("HostConfig.Privileged", Verdict::Refused, "memory runs nothing, so nothing of it can be privileged."),
    ("HostConfig.Binds", Verdict::Ignored, NO_FILES),
    ("HostConfig.Mounts", Verdict::Ignored, NO_FILES),
    ("HostConfig.PortBindings", Verdict::Ignored, "memory runs nothing that could listen on a port."),
    ("Healthcheck", Verdict::Ignored, "memory runs nothing that could be healthy."),
    ("StopSignal", Verdict::Changed, "memory ends a container at once, whatever the signal."),
];

/// What is to be said about this create body.
///
/// # Errors
/// It is no JSON object.
pub fn findings(spec: &str) -> Result<Vec<Finding>, Error> {
    let spec: Value =
        serde_json::from_str(spec).map_err(|error| Error::Invalid(format!("the create body is not JSON: {error}")))?;
    if !spec.is_object() {
        return Err(Error::Invalid("the create body is not a JSON object".into()));
    }
    let asked = ROWS.iter().filter(|(field, ..)| !is_empty(member(&spec, field)));
    Ok(asked.map(|&(field, verdict, reason)| Finding { field: field.into(), verdict, reason: reason.into() }).collect())
}

/// The value at a path such as `HostConfig.Binds`.
fn member<'a>(spec: &'a Value, path: &str) -> &'a Value {
    path.split('.').fold(spec, |value, name| value.get(name).unwrap_or(&Value::Null))
}

/// Docker's clients send every field; one that nobody has set has one of these values.
fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::Bool(true) => false,
        Value::Number(number) => number.as_f64() == Some(0.0),
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(members) => members.is_empty(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plain_container_is_made_without_a_word() {
        let spec =
            r#"{"Image":"alpine","StopSignal":"","HostConfig":{"Binds":null,"PortBindings":{},"Privileged":false}}"#;
        assert_eq!(findings(spec).unwrap(), []);
        assert_eq!(findings("{}").unwrap(), []);
        assert!(findings("[]").is_err() && findings("{").is_err());
    }

    #[test]
    fn what_has_no_effect_is_said() {
        let spec = r#"{"Healthcheck":{"Test":["NONE"]},"HostConfig":{"Binds":["/a:/b"],"Privileged":true}}"#;
        let fields: Vec<_> = findings(spec).unwrap().into_iter().map(|finding| finding.field).collect();
        assert_eq!(fields, ["HostConfig.Privileged", "HostConfig.Binds", "Healthcheck"]);
    }
}
