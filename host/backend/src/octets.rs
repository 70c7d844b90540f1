//! Bytes in JSON: as text where they are text, so that people can read them; else in base64. For serde's `with`.
//!
//! Lists of numbers are read too: records of older daemons have them.

use std::fmt;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde::de::{Error, MapAccess, SeqAccess, Visitor};
use serde::ser::SerializeMap as _;
use serde::{Deserializer, Serializer};

/// The only member of the object that stands for bytes which are no text.
const BASE64: &str = "base64";

/// A string, or an object with the bytes in base64.
///
/// # Errors
/// Those of the serializer.
pub fn serialize<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
    match std::str::from_utf8(bytes) {
        Ok(text) => serializer.serialize_str(text),
        Err(_) => {
            let mut map = serializer.serialize_map(Some(1))?;
            map.serialize_entry(BASE64, &BASE64_STANDARD.encode(bytes))?;
            map.end()
        }
    }
}

/// The bytes again.
///
/// # Errors
/// It is none of the forms.
pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
    deserializer.deserialize_any(Octets)
}

struct Octets;

impl<'de> Visitor<'de> for Octets {
    type Value = Vec<u8>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "text, {{\"{BASE64}\": …}}, or a list of bytes")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Vec<u8>, E> {
        Ok(text.as_bytes().to_vec())
    }

    fn visit_string<E: Error>(self, text: String) -> Result<Vec<u8>, E> {
        Ok(text.into_bytes())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Vec<u8>, A::Error> {
        let Some((name, text)) = map.next_entry::<String, String>()? else {
            return Err(A::Error::missing_field(BASE64));
        };
        if name != BASE64 {
            return Err(A::Error::unknown_field(&name, &[BASE64]));
        }
        BASE64_STANDARD.decode(text).map_err(A::Error::custom)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Vec<u8>, A::Error> {
        let mut bytes = Vec::new();
        while let Some(byte) = list.next_element()? {
            bytes.push(byte);
        }
        Ok(bytes)
    }
}

#[cfg(test)]
mod tests {
    use crate::types::Handle;

    fn read(data: &str) -> Result<Vec<u8>, serde_json::Error> {
        serde_json::from_str::<Handle>(&format!(r#"{{"version":1,"data":{data}}}"#)).map(|handle| handle.data)
    }

    #[test]
    fn text_stays_readable_and_other_bytes_come_back() {
        for (data, form) in
            [(&b"{\"a\":1}"[..], r#""{\"a\":1}""#), (b"", r#""""#), (b"\xff\x00", r#"{"base64":"/wA="}"#)]
        {
            let handle = Handle { version: 1, data: data.to_vec() };
            let json = serde_json::to_string(&handle).unwrap();
            assert_eq!(json, format!(r#"{{"version":1,"data":{form}}}"#));
            assert_eq!(serde_json::from_str::<Handle>(&json).unwrap(), handle);
        }
    }

    #[test]
    fn records_of_older_daemons_are_read_and_nonsense_is_not() {
        assert_eq!(read("[104,105]").unwrap(), b"hi");
        for nonsense in ["[256]", "{}", r#"{"base64":"?"}"#, r#"{"hex":"00"}"#, "1", "null"] {
            assert!(read(nonsense).is_err(), "{nonsense}");
        }
    }
}
