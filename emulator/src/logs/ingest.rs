//! `POST /v2/track`.

use std::io::Read;

use bytes::Bytes;
use flate2::read::MultiGzDecoder;
use http::{Method, StatusCode};
use serde_json::{Value, json};

use super::envelope;
use super::store::arrival;
use crate::http::{Answer, Exchange};
use crate::world::World;

/// Most bytes of a body after it was inflated.
const MAX_INFLATED: u64 = 64 << 20;

/// Answers a request to the ingestion endpoint.
pub(crate) fn handle(world: &World, exchange: &Exchange) -> Answer {
    if !matches!(exchange.path.trim_end_matches('/'), "/v2/track" | "/v2.1/track") {
        return Answer::text(StatusCode::NOT_FOUND, "telemetry goes to /v2/track\n");
    }
    if exchange.method != Method::POST {
        return Answer::text(StatusCode::METHOD_NOT_ALLOWED, "telemetry is sent with POST\n");
    }
    let items = match body(exchange).and_then(|body| items(&body)) {
        Ok(items) => items,
        Err(message) => return report(0, 0, &[json!({ "index": 0, "statusCode": 400, "message": message })]),
    };
    let config = world.config();
    let mut traces = Vec::new();
    let mut errors = Vec::new();
    for (index, item) in items.iter().enumerate() {
        match envelope::read(item, &config.logs.instrumentation_key, arrival(&config.logs)) {
            Ok(trace) => traces.extend(trace),
            Err(rejection) => errors.push(json!({
                "index": index, "statusCode": rejection.status.as_u16(), "message": rejection.message,
            })),
        }
    }
    world.logs.add(traces, config.logs.retained_rows);
    report(items.len(), items.len() - errors.len(), &errors)
}

/// An error that somebody wanted, in the form of the endpoint.
pub(crate) fn refusal(status: StatusCode, message: &str) -> Answer {
    let errors = [json!({ "index": 0, "statusCode": status.as_u16(), "message": message })];
    let mut answer = report(1, 0, &errors);
    answer.status = status;
    answer
}

fn report(received: usize, accepted: usize, errors: &[Value]) -> Answer {
    let status = match (accepted, errors) {
        (_, []) => StatusCode::OK,
        (0, _) => StatusCode::BAD_REQUEST,
        _ => StatusCode::PARTIAL_CONTENT,
    };
    Answer::json(status, &json!({ "itemsReceived": received, "itemsAccepted": accepted, "errors": errors }))
}

fn body(exchange: &Exchange) -> Result<Bytes, String> {
    match exchange.header("content-encoding") {
        None | Some("identity") => Ok(exchange.body.clone()),
        Some(encoding) if encoding.eq_ignore_ascii_case("gzip") => {
            let mut inflated = Vec::new();
            let mut reader = MultiGzDecoder::new(exchange.body.as_ref()).take(MAX_INFLATED + 1);
            reader.read_to_end(&mut inflated).map_err(|error| format!("the body is no gzip: {error}"))?;
            if inflated.len() as u64 > MAX_INFLATED {
                return Err(format!("the body has more than {MAX_INFLATED} bytes"));
            }
            Ok(inflated.into())
        }
        Some(other) => Err(format!("the content encoding '{other}' is not known")),
    }
}

/// The items of an array, of a stream of lines, or a single one.
fn items(body: &[u8]) -> Result<Vec<Value>, String> {
    let mut items = Vec::new();
    for value in serde_json::Deserializer::from_slice(body).into_iter::<Value>() {
        match value.map_err(|error| format!("the body is no JSON: {error}"))? {
            Value::Array(list) => items.extend(list),
            item => items.push(item),
        }
    }
    Ok(items)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arrays_and_streams_are_the_same() {
        let expected = vec![json!({ "a": 1 }), json!({ "a": 2 })];
        assert_eq!(items(br#"[{"a":1},{"a":2}]"#).unwrap(), expected);
        assert_eq!(items(b"{\"a\":1}\n{\"a\":2}\n").unwrap(), expected);
        assert_eq!(items(b"").unwrap(), Vec::<Value>::new());
        assert!(items(b"{").is_err());
    }
}
