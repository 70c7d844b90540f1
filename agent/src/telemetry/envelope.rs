//! From lines to telemetry.

use serde_json::{Value, json};

use super::Item;
use super::target::Target;

/// What one line is as telemetry.
pub(super) fn of(item: &Item, target: &Target, boot: &str) -> Value {
    let mut properties = json!({
        "stream": if item.stream == 2 { "stderr" } else { "stdout" },
        "seq": item.seq.to_string(),
        "run_id": &*item.run,
        // Application Insights keeps seven digits of the time.
        "time": item.time.to_string(),
    });
    if item.partial
        && let Some(properties) = properties.as_object_mut()
    {
        properties.insert("partial".to_owned(), json!("true"));
    }
    json!({
        "name": "Microsoft.ApplicationInsights.Message",
        "time": item.time.to_string(),
        "iKey": target.instrumentation_key,
        "tags": { "ai.cloud.role": target.role, "ai.cloud.roleInstance": boot },
        "data": {
            "baseType": "MessageData",
            "baseData": {
                "ver": 2,
                "message": item.text,
                "severityLevel": "Information",
                "properties": properties,
            },
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_everything_that_a_reader_of_the_log_needs() {
        let target = Target::parse("InstrumentationKey=k;IngestionEndpoint=http://i", "Skls-1".into()).unwrap();
        let time = "2026-11-24T01:02:03.123456789Z";
        let item = Item {
            time: time.parse().unwrap(),
            run: "r".into(),
            stream: 2,
            seq: 7,
            text: "line".into(),
            partial: true,
        };
        let envelope = of(&item, &target, "b");
        assert_eq!(envelope["time"], time);
        assert_eq!(envelope["tags"]["ai.cloud.role"], "skls-1");
        let data = &envelope["data"]["baseData"];
        assert_eq!(data["message"], "line");
        let properties = json!({ "stream": "stderr", "seq": "7", "run_id": "r", "time": time, "partial": "true" });
        assert_eq!(data["properties"], properties);
    }
}
