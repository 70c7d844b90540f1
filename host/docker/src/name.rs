//! Names that users choose.

use std::fmt;

/// The name has characters that are not allowed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NameError {
    /// Of a container.
    Container(String),
    /// Of a volume.
    Volume(String),
    /// Of a volume, too short.
    VolumeTooShort(String),
}

const CHARACTERS: &str = "[a-zA-Z0-9][a-zA-Z0-9_.-]";

impl fmt::Display for NameError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Container(name) => {
                write!(formatter, "Invalid container name ({name}), only {CHARACTERS} are allowed")
            }
            Self::Volume(name) => write!(
                formatter,
                "create {name}: {name:?} includes invalid characters for a local volume name, only \
                 {CHARACTERS:?} are allowed. If you intended to pass a host directory, use absolute path"
            ),
            Self::VolumeTooShort(name) => write!(
                formatter,
                "create {name}: volume name is too short, names should be at least two alphanumeric characters"
            ),
        }
    }
}

impl std::error::Error for NameError {}

/// Whether the text is a letter or digit followed by any of the allowed characters.
fn is_name(name: &str) -> bool {
    let mut bytes = name.bytes();
    bytes.next().is_some_and(|b| b.is_ascii_alphanumeric())
        && bytes.all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'-'))
}

/// Checks the name of a container, with or without its slash, and gives it back without.
///
/// One character is enough, which the Engine refuses without need: `docker run --name w` is worth more than the same error.
///
/// # Errors
/// When it is not one, with the Engine's text.
pub fn check_container_name(name: &str) -> Result<&str, NameError> {
    let bare = name.strip_prefix('/').unwrap_or(name);
    if is_name(bare) { Ok(bare) } else { Err(NameError::Container(name.to_owned())) }
}

/// Checks the name of a volume.
///
/// # Errors
/// When it is not one, with the Engine's text.
pub fn check_volume_name(name: &str) -> Result<(), NameError> {
    match name {
        _ if name.len() == 1 => Err(NameError::VolumeTooShort(name.to_owned())),
        _ if is_name(name) => Ok(()),
        _ => Err(NameError::Volume(name.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::{check_container_name, check_volume_name};

    #[test]
    fn containers() {
        assert_eq!(check_container_name("/ab"), Ok("ab"));
        assert_eq!(check_container_name("w"), Ok("w"));
        assert_eq!(check_container_name("A1_.-"), Ok("A1_.-"));
        for name in ["", "_", "_ab", "a b", "a/b", "ä1", "//ab"] {
            let error = check_container_name(name).unwrap_err().to_string();
            assert_eq!(error, format!("Invalid container name ({name}), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed"));
        }
    }

    #[test]
    fn volumes() {
        assert!(check_volume_name("ab").is_ok());
        assert!(check_volume_name("a").unwrap_err().to_string().contains("too short"));
        assert_eq!(
            check_volume_name("a b").unwrap_err().to_string(),
            "create a b: \"a b\" includes invalid characters for a local volume name, only \
             \"[a-zA-Z0-9][a-zA-Z0-9_.-]\" are allowed. If you intended to pass a host directory, use absolute path"
        );
    }
}
