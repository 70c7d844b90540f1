//! Names of images.

use super::ImageError;

/// A reference with everything that may be left out: registry, `library/`, tag.
pub(super) fn normal(reference: &str) -> String {
    let (name, digest) = reference.split_once('@').map_or((reference, None), |(name, digest)| (name, Some(digest)));
    let (first, rest) = name.split_once('/').unwrap_or(("", name));
    let has_registry = first.contains(['.', ':']) || first == "localhost";
    let (registry, path) = match (has_registry, first) {
        (true, "index.docker.io") => ("docker.io", rest),
        (true, registry) => (registry, rest),
        (false, _) => ("docker.io", name),
    };
    let path = if registry == "docker.io" && !path.contains('/') { format!("library/{path}") } else { path.to_owned() };
    match digest {
        Some(digest) => format!("{registry}/{path}@{digest}"),
        None if path.rsplit('/').next().is_some_and(|last| last.contains(':')) => format!("{registry}/{path}"),
        None => format!("{registry}/{path}:latest"),
    }
}

/// A reference in its parts, each of which can stand in the URL of a registry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Reference {
    /// Host and port, `docker.io` for Docker's own.
    pub(super) registry: String,
    pub(super) repository: String,
    /// A tag or a digest.
    pub(super) manifest: String,
}

impl Reference {
    /// Takes a reference apart.
    ///
    /// # Errors
    /// It has what no reference may have.
    pub(super) fn parse(reference: &str) -> Result<Self, ImageError> {
        let invalid = || ImageError::new(format!("'{reference}' is no reference of an image"));
        let whole = normal(reference);
        let (registry, rest) = whole.split_once('/').ok_or_else(invalid)?;
        let (name, digest) = rest.split_once('@').map_or((rest, None), |(name, digest)| (name, Some(digest)));
        let (repository, tag) = match name.rsplit_once(':') {
            Some((repository, tag)) => (repository, Some(tag)),
            None => (name, None),
        };
        let manifest = digest.or(tag).ok_or_else(invalid)?;
        let is_part = |part: &str| {
            part.starts_with(|c: char| c.is_ascii_alphanumeric())
                && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
        };
        let is_host = registry.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-:[]".contains(&byte));
        let algorithm_and_rest = manifest.split_once(':').map_or(manifest, |(_, rest)| rest);
        if !is_host || !repository.split('/').all(is_part) || !is_part(algorithm_and_rest) || manifest.len() > 140 {
            return Err(invalid());
        }
        Ok(Self {
            registry: registry.to_ascii_lowercase(),
            repository: repository.to_owned(),
            manifest: manifest.to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_be_left_out_is_the_same() {
        for name in
            ["alpine", "alpine:latest", "library/alpine", "docker.io/alpine", "index.docker.io/library/alpine:latest"]
        {
            assert_eq!(normal(name), "docker.io/library/alpine:latest", "{name}");
        }
        assert_eq!(normal("r.azurecr.io/tools:1"), "r.azurecr.io/tools:1");
        assert_eq!(normal("localhost:5000/tools"), "localhost:5000/tools:latest");
        assert_eq!(normal("team/tools"), "docker.io/team/tools:latest");
        assert_eq!(normal("a@sha256:0"), "docker.io/library/a@sha256:0");
    }

    #[test]
    fn a_reference_has_three_parts() {
        for (reference, parts) in [
            ("alpine", ["docker.io", "library/alpine", "latest"]),
            ("R.azurecr.io/a/b-c:1.2", ["r.azurecr.io", "a/b-c", "1.2"]),
            ("localhost:5000/tools", ["localhost:5000", "tools", "latest"]),
            ("r.io/tools:1@sha256:0a", ["r.io", "tools", "sha256:0a"]),
        ] {
            let Reference { registry, repository, manifest } = Reference::parse(reference).unwrap();
            assert_eq!([registry.as_str(), &repository, &manifest], parts);
        }
    }

    #[test]
    fn what_would_lead_elsewhere_in_a_url_is_no_reference() {
        for reference in
            ["r.io/../secret", "r.io/a/../b:1", "r.io/a?x=1", "r.io/a:1/2", "u@r.io/a", "r.io/", "r.io/a:b c", ""]
        {
            assert!(Reference::parse(reference).is_err(), "{reference}");
        }
    }
}
