//! Bodies of requests.

use serde::de::DeserializeOwned;
use std::fmt;

/// The body is not what it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DecodeError(String);

impl fmt::Display for DecodeError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl std::error::Error for DecodeError {}

/// Reads a JSON body.
///
/// # Errors
/// When it is not JSON, not of the type, or followed by something else.
pub fn decode<T: DeserializeOwned>(body: &[u8]) -> Result<T, DecodeError> {
    let mut deserializer = serde_json::Deserializer::from_slice(body);
    let value = T::deserialize(&mut deserializer).map_err(|error| {
        DecodeError(if error.is_eof() {
            "invalid JSON: unexpected EOF".to_owned()
        } else {
            format!("invalid JSON: {error}")
        })
    })?;
    deserializer.end().map_err(|_| DecodeError("unexpected content after JSON".to_owned()))?;
    Ok(value)
}
