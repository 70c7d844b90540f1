//! Texts of Docker's API.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE;
use jiff::Timestamp;
use sockerless_docker::{
    Filters, ImagePlatform, ImageReference, RegistryAuth, check_container_name, check_volume_name, format_time,
    is_digest, parse_go_duration, parse_time,
};

/// Names of images, platforms, containers and volumes.
pub(super) fn references(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    if let Ok(reference) = ImageReference::parse(&text) {
        // Written out, and as users are shown it, it is the same; and it may stand in a URL and in a header.
        let written = reference.to_string();
        assert_eq!(ImageReference::parse(&written).as_ref(), Ok(&reference), "{text:?}");
        let user = reference.path().split('/').next().unwrap_or_default();
        // Of a user of Docker Hub whose name looks like a registry's the Engine, too, shows what is another image.
        if reference.domain() != "docker.io" || !(user.contains('.') || user == "localhost") {
            assert_eq!(ImageReference::parse(&reference.familiar()).as_ref(), Ok(&reference), "{text:?}");
        }
        assert!(written.bytes().all(|byte| matches!(byte, 0x21..0x7f) && !b"?#%\\\"<>".contains(&byte)), "{written:?}");
        assert!(reference.path().split('/').all(|part| !matches!(part, "" | "." | "..")), "{written:?}");
        assert!(reference.digest().is_none_or(is_digest), "{written:?}");
        assert!(reference.clone().or_latest().with_tag(&text).is_err() || !text.contains(['/', '@']), "{text:?}");
    }
    let platform = ImagePlatform::parse(&text);
    assert_eq!(platform.clone().normalised(), platform, "{text:?}");
    assert_eq!(platform.suitability(&platform), Some(0), "{text:?}");
    for name in [check_container_name(&text).ok(), check_volume_name(&text).ok().map(|()| &*text)] {
        assert!(name.is_none_or(|name| !name.is_empty() && !name.contains(['/', '\0', '\n'])), "{text:?}");
    }
}

/// The query parameter `filters`.
pub(super) fn filters(input: &[u8]) {
    let Ok(filters) = Filters::parse(&String::from_utf8_lossy(input)) else { return };
    let labels = [("a".to_owned(), "b".to_owned())].into();
    // None of these has an error: they must only come back.
    let _ = (filters.until(), filters.accept(&["label"]), filters.is_empty());
    for name in ["label", "name", "id", "until", "label!"] {
        assert!(filters.contains(name) || filters.matches(name, "any"), "what is absent matches everything");
        let all = filters.matches_labels(name, &labels);
        let excluded = filters.excludes_labels(name, &labels);
        assert!(!all || filters.get(name).is_empty() || excluded, "all of them, and none of them");
        let _ = filters.patterns(name);
    }
}

/// The header `X-Registry-Auth`.
pub(super) fn registry_auth(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    // As it is, and within its encoding.
    for header in [text.to_string(), URL_SAFE.encode(input)] {
        let Ok(Some(auth)) = RegistryAuth::from_header(&header) else { continue };
        let written = URL_SAFE.encode(serde_json::to_vec(&auth).unwrap());
        assert_eq!(RegistryAuth::from_header(&written).unwrap().as_ref(), Some(&auth));
        let shown = format!("{auth:?}");
        for (secret, shape) in [(&auth.password, "password"), (&auth.identitytoken, "identitytoken")] {
            let elsewhere = [&auth.username, &auth.serveraddress].iter().any(|shown| shown.contains(secret.as_str()));
            let short = secret.len() < 16;
            assert!(short || elsewhere || !shown.contains(secret.as_str()), "{shape} is shown: {shown}");
        }
        let _ = auth.basic();
    }
}

/// Times and durations.
pub(super) fn times(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    let now = Timestamp::UNIX_EPOCH;
    if let Ok(Some(time)) = parse_time(&text, now) {
        let written = format_time(time);
        assert_eq!(parse_time(&written, now), Ok(Some(time)), "{text:?} is {written}");
    }
    if let Ok(duration) = parse_go_duration(&text) {
        let written = format!("{}ns", duration.as_nanos());
        assert_eq!(parse_go_duration(&written), Ok(duration), "{text:?}");
    }
}
