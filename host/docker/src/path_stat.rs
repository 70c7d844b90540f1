//! What a path inside a container is.
#![expect(missing_docs, reason = "the fields are those of the API's description")]

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

/// What a path inside a container is. It travels in a header, as JSON in base64.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct PathStat {
    pub name: String,
    pub size: i64,
    /// As Go has it: the kind in the upper bits, the permissions in the lower nine.
    pub mode: u32,
    pub mtime: String,
    pub link_target: String,
}

impl PathStat {
    /// The name of the header.
    pub const HEADER: &'static str = "x-docker-container-path-stat";

    /// The value of the header.
    #[must_use]
    pub fn to_header(&self) -> String {
        STANDARD.encode(serde_json::json!(self).to_string())
    }

    /// Reads the value of the header; `None` when it is not one.
    #[must_use]
    pub fn from_header(value: &str) -> Option<Self> {
        serde_json::from_slice(&STANDARD.decode(value.trim()).ok()?).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::PathStat;

    #[test]
    fn header_of_the_engine_is_read_and_written_back() {
        let header = "eyJuYW1lIjoicGFzc3dkIiwic2l6ZSI6NzEsIm1vZGUiOjQyMCwibXRpbWUiOiIyMDI2LTExLTI0VDE0OjM3OjU3WiIsImxpbmtUYXJnZXQiOiIifQ==";
        let stat = PathStat::from_header(header).unwrap();
        assert_eq!((stat.name.as_str(), stat.size, stat.mode), ("passwd", 71, 0o644));
        assert_eq!(stat.to_header(), header);
        assert_eq!(PathStat::from_header("%"), None);
    }
}
