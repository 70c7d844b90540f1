//! Names of images.

use std::fmt;

/// The name of an image, normalised: `docker.io/library/` and so on are written out.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ImageReference {
    domain: String,
    path: String,
    tag: Option<String>,
    digest: Option<String>,
}

/// The text is not the name of an image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReferenceError {
    /// It does not have the form of one.
    Format,
    /// The repository, given here, has upper case letters.
    Upper(String),
    /// What is to be the tag cannot be one.
    Tag,
    /// It is nothing but 64 hexadecimal digits, which is how ids look.
    Identifier,
    /// It is longer than 255 bytes without its tag.
    TooLong,
}

impl fmt::Display for ReferenceError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Upper(name) => {
                return write!(formatter, "invalid reference format: repository name ({name}) must be lowercase");
            }
            Self::Format => "invalid reference format",
            Self::Tag => "invalid tag format",
            Self::Identifier => "invalid repository name, cannot specify 64-byte hexadecimal strings",
            Self::TooLong => "repository name must not be more than 255 characters",
        })
    }
}

impl std::error::Error for ReferenceError {}

const DEFAULT_DOMAIN: &str = "docker.io";
const OFFICIAL: &str = "library/";

impl ImageReference {
    /// Reads a name as users write it, with or without registry, tag and digest.
    ///
    /// # Errors
    /// When it is not one.
    pub fn parse(text: &str) -> Result<Self, ReferenceError> {
        if text.len() == 64 && text.bytes().all(is_hex) {
            return Err(ReferenceError::Identifier);
        }
        let (rest, digest) = match text.split_once('@') {
            Some((rest, digest)) if is_digest(digest) => (rest, Some(digest.to_owned())),
            Some(_) => return Err(ReferenceError::Format),
            None => (text, None),
        };
        let (domain, rest) = split_domain(rest);
        let (path, tag) = match rest.split_once(':') {
            Some((path, tag)) if is_tag(tag) => (path, Some(tag.to_owned())),
            Some(_) => return Err(ReferenceError::Format),
            None => (rest, None),
        };
        let domain = if domain == "index.docker.io" { DEFAULT_DOMAIN } else { domain };
        let path =
            if domain == DEFAULT_DOMAIN && !path.contains('/') { format!("{OFFICIAL}{path}") } else { path.to_owned() };
        if path.bytes().any(|b| b.is_ascii_uppercase()) {
            return Err(ReferenceError::Upper(path));
        }
        if !path.split('/').all(is_path_component) || !is_domain(domain) {
            return Err(ReferenceError::Format);
        }
        if domain.len() + 1 + path.len() > 255 {
            return Err(ReferenceError::TooLong);
        }
        Ok(Self { domain: domain.to_owned(), path, tag, digest })
    }

    /// The same with the tag `latest` if it has neither tag nor digest.
    #[must_use]
    pub fn or_latest(mut self) -> Self {
        if self.tag.is_none() && self.digest.is_none() {
            self.tag = Some("latest".to_owned());
        }
        self
    }

    /// The same with another tag, or with a digest where `tag` is one.
    ///
    /// # Errors
    /// When it is neither.
    pub fn with_tag(mut self, tag: &str) -> Result<Self, ReferenceError> {
        if is_digest(tag) {
            self.digest = Some(tag.to_owned());
        } else if is_tag(tag) {
            self.tag = Some(tag.to_owned());
        } else {
            return Err(ReferenceError::Tag);
        }
        Ok(self)
    }

    /// The registry: `docker.io` when none was written.
    #[must_use]
    pub fn domain(&self) -> &str {
        &self.domain
    }

    /// The repository inside the registry: `library/busybox`.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The tag.
    #[must_use]
    pub fn tag(&self) -> Option<&str> {
        self.tag.as_deref()
    }

    /// The digest: `sha256:…`.
    #[must_use]
    pub fn digest(&self) -> Option<&str> {
        self.digest.as_deref()
    }

    /// The repository as the Engine shows it to users: `busybox`, `user/image`, `registry:5000/image`.
    #[must_use]
    pub fn familiar_name(&self) -> String {
        if self.domain == DEFAULT_DOMAIN {
            // Only of an official image: `library/a/b` without it would be the image of a user.
            let official = self.path.strip_prefix(OFFICIAL).filter(|name| !name.contains('/'));
            official.unwrap_or(&self.path).to_owned()
        } else {
            format!("{}/{}", self.domain, self.path)
        }
    }

    /// [`familiar_name`](Self::familiar_name) with tag and digest.
    #[must_use]
    pub fn familiar(&self) -> String {
        self.suffixed(self.familiar_name())
    }

    /// The repository written out: `docker.io/library/busybox`.
    #[must_use]
    pub fn canonical_name(&self) -> String {
        format!("{}/{}", self.domain, self.path)
    }

    fn suffixed(&self, mut name: String) -> String {
        for (separator, part) in [(':', &self.tag), ('@', &self.digest)] {
            if let Some(part) = part {
                name.push(separator);
                name.push_str(part);
            }
        }
        name
    }
}

/// Written out, with tag and digest.
impl fmt::Display for ImageReference {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.suffixed(self.canonical_name()))
    }
}

/// The first component is a registry if it cannot be the name of a user.
fn split_domain(text: &str) -> (&str, &str) {
    match text.split_once('/') {
        Some((first, rest))
            if first.contains(['.', ':']) || first == "localhost" || first.bytes().any(|b| b.is_ascii_uppercase()) =>
        {
            (first, rest)
        }
        _ => (DEFAULT_DOMAIN, text),
    }
}

fn is_hex(byte: u8) -> bool {
    matches!(byte, b'0'..=b'9' | b'a'..=b'f')
}

fn is_domain(text: &str) -> bool {
    let (host, port) = match text.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
        _ => (text, None),
    };
    let address = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    let host = match address {
        Some(address) => !address.is_empty() && address.bytes().all(|b| b.is_ascii_hexdigit() || b == b':'),
        None => host.split('.').all(|label| {
            !label.is_empty()
                && !label.starts_with('-')
                && !label.ends_with('-')
                && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
        }),
    };
    host && port.is_none_or(|port| !port.is_empty() && port.bytes().all(|b| b.is_ascii_digit()))
}

/// Lower case letters and digits, in groups that one dot, one or two underscores or any number of dashes separate.
fn is_path_component(text: &str) -> bool {
    let word = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    text.starts_with(word)
        && text.ends_with(word)
        && text
            .split(word)
            .filter(|separator| !separator.is_empty())
            .all(|separator| matches!(separator, "." | "_" | "__") || separator.bytes().all(|b| b == b'-'))
}

fn is_tag(text: &str) -> bool {
    text.len() <= 128
        && text.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_')
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'-'))
}

/// Whether a text is a digest as registries write it, of a kind that can be checked: it then may also stand in a URL.
#[must_use]
pub fn is_digest(text: &str) -> bool {
    match text.split_once(':') {
        Some(("sha256", hex)) => hex.len() == 64 && hex.bytes().all(is_hex),
        Some(("sha512", hex)) => hex.len() == 128 && hex.bytes().all(is_hex),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::{ImageReference, ReferenceError};

    const DIGEST: &str = "sha256:1345eef0cb8e5e9950680ac543c8df12db4bea6ac128218f40b2c6ecc9181027";

    #[test]
    fn normalised() {
        for (text, familiar, canonical) in [
            ("busybox", "busybox", "docker.io/library/busybox"),
            ("busybox:1", "busybox:1", "docker.io/library/busybox:1"),
            ("docker.io/busybox", "busybox", "docker.io/library/busybox"),
            ("index.docker.io/a/b", "a/b", "docker.io/a/b"),
            ("docker.io/library/a/b", "library/a/b", "docker.io/library/a/b"),
            ("localhost/a", "localhost/a", "localhost/a"),
            ("localhost:5000/a/b:c", "localhost:5000/a/b:c", "localhost:5000/a/b:c"),
            ("r.example.com/a__b/c-d.e", "r.example.com/a__b/c-d.e", "r.example.com/a__b/c-d.e"),
            ("[::1]:5000/a", "[::1]:5000/a", "[::1]:5000/a"),
        ] {
            let reference = ImageReference::parse(text).unwrap();
            assert_eq!(reference.familiar(), familiar);
            assert_eq!(reference.to_string(), canonical);
        }
        let pinned = ImageReference::parse(&format!("a:b@{DIGEST}")).unwrap();
        assert_eq!((pinned.tag(), pinned.digest()), (Some("b"), Some(DIGEST)));
        assert_eq!(pinned.familiar(), format!("a:b@{DIGEST}"));
    }

    #[test]
    fn tags() {
        let reference = ImageReference::parse("a").unwrap();
        assert_eq!(reference.clone().or_latest().familiar(), "a:latest");
        assert_eq!(reference.clone().with_tag("x").unwrap().or_latest().familiar(), "a:x");
        assert_eq!(reference.clone().with_tag(DIGEST).unwrap().or_latest().familiar(), format!("a@{DIGEST}"));
        assert_eq!(reference.with_tag("a b"), Err(ReferenceError::Tag));
    }

    #[test]
    fn refused() {
        for (text, error) in [
            ("", ReferenceError::Format),
            ("a:", ReferenceError::Format),
            ("a b", ReferenceError::Format),
            ("a___b", ReferenceError::Format),
            ("-a", ReferenceError::Format),
            ("a//b", ReferenceError::Format),
            ("a@sha256:12", ReferenceError::Format),
            ("Abc", ReferenceError::Upper("library/Abc".to_owned())),
            ("r.io/Abc", ReferenceError::Upper("Abc".to_owned())),
            (&DIGEST[7..], ReferenceError::Identifier),
        ] {
            assert_eq!(ImageReference::parse(text), Err(error), "{text}");
        }
        assert_eq!(ImageReference::parse(&"a".repeat(300)), Err(ReferenceError::TooLong));
    }
}
