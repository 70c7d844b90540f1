//! What a path of the service names: a share, and a file or folder in it.

use percent_encoding::percent_decode_str;

use super::error::StorageError;

/// A path whose parts may stand in a path of this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct FilePath {
    pub(super) share: String,
    /// Below the share: nothing for the share itself.
    pub(super) segments: Vec<String>,
}

impl FilePath {
    /// Takes the path of a URL apart. A slash may be written as `%2F`: clients do so between folders.
    pub(super) fn parse(path: &str) -> Result<Self, StorageError> {
        let path = percent_decode_str(path).decode_utf8().map_err(|_| StorageError::invalid_name())?;
        let mut segments = path.split('/').filter(|segment| !segment.is_empty()).map(str::to_owned);
        let share = segments.next().filter(|share| is_share(share)).ok_or_else(StorageError::invalid_name)?;
        let segments: Vec<_> = segments.collect();
        if segments.iter().all(|segment| is_name(segment)) {
            Ok(Self { share, segments })
        } else {
            Err(StorageError::invalid_name())
        }
    }

    /// Whether it is the share itself.
    pub(super) fn is_share(&self) -> bool {
        self.segments.is_empty()
    }
}

/// Whether it may be the name of a file or folder.
fn is_name(name: &str) -> bool {
    !matches!(name, "." | "..")
        && name.chars().count() <= 255
        && !name.contains(|c: char| c.is_control() || "\"\\/:|<>*?".contains(c))
}

/// Whether it may be the name of a share.
pub(super) fn is_share(name: &str) -> bool {
    (3..=63).contains(&name.len())
        && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
        && !name.starts_with('-')
        && !name.ends_with('-')
        && !name.contains("--")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_a_share_and_what_is_in_it() {
        let path = FilePath::parse("/agents/a%20b%2Fc").unwrap();
        assert_eq!(
            (path.share.as_str(), path.segments.as_slice()),
            ("agents", ["a b", "c"].map(str::to_owned).as_slice())
        );
        assert!(FilePath::parse("/agents/").unwrap().is_share());
    }

    #[test]
    fn what_could_leave_the_share_is_refused() {
        for path in [
            "/",
            "/ab",
            "/Agents",
            "/a--b",
            "/agents/..",
            "/agents/%2e%2e/x",
            "/agents/a%2f..%2fb",
            "/agents/a%00",
            "/agents/%ff",
        ] {
            assert!(FilePath::parse(path).is_err(), "{path}");
        }
    }
}
