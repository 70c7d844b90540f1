//! Files.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

/// What is at a path.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PathStat {
    /// Last part of the path.
    pub name: String,
    /// Bytes.
    pub size: i64,
    /// Type and permissions, as Go's `os.FileMode` has them: Docker's clients expect those bits.
    pub mode: u32,
    /// RFC 3339, with the nanoseconds that there are.
    pub mtime: String,
    /// Where a symbolic link leads, resolved within the container; empty if it is none.
    pub link_target: String,
}

impl PathStat {
    /// As the value of a header.
    #[must_use]
    pub fn encode(&self) -> String {
        STANDARD.encode(serde_json::to_vec(self).unwrap_or_default())
    }

    /// The reverse of [`Self::encode`]; nothing if it is something else.
    #[must_use]
    pub fn decode(text: &str) -> Option<Self> {
        serde_json::from_slice(&STANDARD.decode(text).ok()?).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_survives_a_header() {
        let stat = PathStat {
            name: "ü\n".into(),
            size: 3,
            mode: 0o644,
            mtime: "2026-11-24T01:02:03.000000001Z".into(),
            link_target: String::new(),
        };
        assert_eq!(PathStat::decode(&stat.encode()), Some(stat));
        assert_eq!(PathStat::decode("%"), None);
    }
}
