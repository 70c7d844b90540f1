//! Names of images.

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
}
