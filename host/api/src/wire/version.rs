//! Versions of the API.

use std::fmt;

/// A version of the API, as it stands in front of a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Version {
    pub(crate) major: u32,
    pub(crate) minor: u32,
}

/// The newest one that is served wholly.
pub(crate) const MAX_VERSION: Version = Version { major: 1, minor: 51 };

/// The oldest one that is served at all.
pub(crate) const MIN_VERSION: Version = Version { major: 1, minor: 24 };

/// Why a version is not served, in the Engine's words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum VersionError {
    TooNew(String),
    TooOld(String),
}

impl fmt::Display for VersionError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooNew(version) => {
                write!(formatter, "client version {version} is too new. Maximum supported API version is {MAX_VERSION}")
            }
            Self::TooOld(version) => write!(
                formatter,
                "client version {version} is too old. Minimum supported API version is {MIN_VERSION}, please upgrade \
                 your client to a newer version"
            ),
        }
    }
}

impl fmt::Display for Version {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}.{}", self.major, self.minor)
    }
}

impl Version {
    pub(crate) const fn new(major: u32, minor: u32) -> Self {
        Self { major, minor }
    }

    /// Splits the version off a path: `/v1.41/info` is 1.41 and `/info`. Without one it is the newest.
    pub(crate) fn split(path: &str) -> (Option<&str>, &str) {
        if let Some(rest) = path.strip_prefix("/v")
            && let Some(end) = rest.find('/')
            && end > 0
            && rest.as_bytes()[..end].iter().all(|b| b.is_ascii_digit() || *b == b'.')
        {
            return (Some(&rest[..end]), &rest[end..]);
        }
        (None, path)
    }

    /// Reads what [`split`](Self::split) found. Parts behind the second are ignored, as the Engine does unless the first
    /// two are the newest.
    pub(crate) fn negotiate(text: Option<&str>) -> Result<Self, VersionError> {
        let Some(text) = text else { return Ok(MAX_VERSION) };
        let mut parts = text.split('.').map(|part| part.parse().unwrap_or(0));
        let version = Self { major: parts.next().unwrap_or(0), minor: parts.next().unwrap_or(0) };
        if version > MAX_VERSION || (version == MAX_VERSION && parts.any(|part: u32| part > 0)) {
            Err(VersionError::TooNew(text.to_owned()))
        } else if version < MIN_VERSION {
            Err(VersionError::TooOld(text.to_owned()))
        } else {
            Ok(version)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{MAX_VERSION, Version};

    #[test]
    fn split_off() {
        for (path, want) in [
            ("/v1.41/info", (Some("1.41"), "/info")),
            ("/info", (None, "/info")),
            ("/v1.x/info", (None, "/v1.x/info")),
            ("/volumes", (None, "/volumes")),
            ("/v/info", (None, "/v/info")),
            ("/v1.51", (None, "/v1.51")),
            ("/v1.51/", (Some("1.51"), "/")),
        ] {
            assert_eq!(Version::split(path), want, "{path}");
        }
    }

    #[test]
    fn negotiated() {
        for (text, minor) in [("1.24", 24), ("1.51", 51), ("1.024", 24), ("1.51.0", 51), ("1.30.7", 30)] {
            assert_eq!(Version::negotiate(Some(text)), Ok(Version::new(1, minor)), "{text}");
        }
        assert_eq!(Version::negotiate(None), Ok(MAX_VERSION));
        for text in ["1.52", "1.52.1", "2.0", "99"] {
            let error = Version::negotiate(Some(text)).unwrap_err().to_string();
            assert_eq!(error, format!("client version {text} is too new. Maximum supported API version is 1.51"));
        }
        for text in ["1.23", "1", "0.9", "."] {
            let error = Version::negotiate(Some(text)).unwrap_err().to_string();
            assert!(error.starts_with(&format!("client version {text} is too old. Minimum")), "{error}");
        }
    }
}
