//! Telemetry envelopes.

use http::StatusCode;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::store::Trace;

/// Most characters of a message.
const MAX_MESSAGE: usize = 32_768;

/// Why an item is not taken.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Rejection {
    pub(super) status: StatusCode,
    pub(super) message: String,
}

impl Rejection {
    fn bad(message: impl Into<String>) -> Self {
        Self { status: StatusCode::BAD_REQUEST, message: message.into() }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Envelope {
    time: Timestamp,
    i_key: String,
    #[serde(default)]
    tags: Map<String, Value>,
    data: Data,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Data {
    base_type: String,
    base_data: Value,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct MessageData {
    message: String,
    #[serde(default)]
    severity_level: Value,
    #[serde(default)]
    properties: Map<String, Value>,
}

/// Reads one item. `None` for telemetry of a kind that goes into other tables, which nobody reads here.
pub(super) fn read(item: &Value, key: &str, ingested: Timestamp) -> Result<Option<Trace>, Rejection> {
    let envelope: Envelope = Deserialize::deserialize(item).map_err(|error| Rejection::bad(error.to_string()))?;
    if !envelope.i_key.eq_ignore_ascii_case(key) {
        return Err(Rejection::bad("Invalid instrumentation key"));
    }
    if envelope.data.base_type != "MessageData" {
        return Ok(None);
    }
    let data: MessageData =
        Deserialize::deserialize(envelope.data.base_data).map_err(|error| Rejection::bad(error.to_string()))?;
    let length = data.message.chars().count();
    if length > MAX_MESSAGE {
        return Err(Rejection::bad(format!(
            "Field 'message' on type 'MessageData' is too long. Expected: {MAX_MESSAGE} characters, actual: {length}"
        )));
    }
    let tag = |name: &str| envelope.tags.get(name).and_then(Value::as_str).unwrap_or_default();
    Ok(Some(Trace {
        time: envelope.time,
        message: data.message,
        severity: severity(&data.severity_level)?,
        role: tag("ai.cloud.role").to_lowercase(),
        role_instance: tag("ai.cloud.roleInstance").to_owned(),
        operation: tag("ai.operation.id").to_owned(),
        properties: data.properties,
        ingested,
    }))
}

/// A severity by name or number.
fn severity(level: &Value) -> Result<i64, Rejection> {
    let names = ["Verbose", "Information", "Warning", "Error", "Critical"];
    let number = match level {
        Value::Null => Some(1),
        Value::Number(number) => number.as_i64().filter(|number| (0..=4).contains(number)),
        Value::String(name) => {
            names.iter().position(|known| known.eq_ignore_ascii_case(name)).and_then(|index| i64::try_from(index).ok())
        }
        _ => None,
    };
    number.ok_or_else(|| Rejection::bad(format!("Field 'severityLevel' has an unknown value: {level}")))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn item() -> Value {
        json!({
            "name": "Microsoft.ApplicationInsights.Message", "time": "2026-11-23T19:25:28.123456Z", "iKey": "K",
            "tags": { "ai.cloud.role": "Skls-1", "ai.cloud.roleInstance": "b" },
            "data": { "baseType": "MessageData", "baseData": {
                "ver": 2, "message": "line", "severityLevel": "Error", "properties": { "seq": "17" } } },
        })
    }

    #[test]
    fn a_message_becomes_a_row_with_its_role_in_lower_case() {
        let trace = read(&item(), "k", Timestamp::UNIX_EPOCH).unwrap().unwrap();
        assert_eq!((trace.role.as_str(), trace.severity, trace.message.as_str()), ("skls-1", 3, "line"));
        assert_eq!(trace.properties["seq"], "17");
    }

    #[test]
    fn another_key_or_a_long_message_is_refused() {
        assert_eq!(read(&item(), "other", Timestamp::UNIX_EPOCH).unwrap_err().message, "Invalid instrumentation key");
        let mut long = item();
        long["data"]["baseData"]["message"] = json!("ü".repeat(MAX_MESSAGE + 1));
        assert!(read(&long, "K", Timestamp::UNIX_EPOCH).unwrap_err().message.contains("too long"));
    }

    #[test]
    fn other_telemetry_is_taken_and_not_kept() {
        let mut request = item();
        request["data"]["baseType"] = json!("RequestData");
        assert_eq!(read(&request, "K", Timestamp::UNIX_EPOCH).unwrap(), None);
    }
}
