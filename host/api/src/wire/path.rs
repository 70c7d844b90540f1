//! Paths of requests.

use percent_encoding::percent_decode_str;
use sockerless_engine::Error;

/// Undoes the escapes. An escaped slash then is one as any other, as with the Engine.
pub(crate) fn decode(path: &str) -> Result<String, Error> {
    if let Some(bad) = invalid_escape(path) {
        return Err(Error::invalid(format!("invalid URL escape {bad:?}")));
    }
    match percent_decode_str(path).decode_utf8() {
        Ok(path) => Ok(path.into_owned()),
        Err(_) => Err(Error::invalid("the path is not UTF-8")),
    }
}

/// The first `%` that does not begin an escape, with the two characters behind it.
pub(super) fn invalid_escape(text: &str) -> Option<&str> {
    text.match_indices('%').map(|(at, _)| &text[at..]).find_map(|rest| {
        let valid = rest.len() >= 3 && rest.as_bytes()[1..3].iter().all(u8::is_ascii_hexdigit);
        if valid { None } else { Some(rest.char_indices().nth(3).map_or(rest, |(end, _)| &rest[..end])) }
    })
}

/// The path without empty, `.` and `..` components, if it has any.
pub(crate) fn clean(path: &str) -> Option<String> {
    let mut components: Vec<&str> = Vec::new();
    for component in path.split('/') {
        match component {
            "" | "." => {}
            ".." => {
                components.pop();
            }
            component => components.push(component),
        }
    }
    let mut cleaned = format!("/{}", components.join("/"));
    if path.ends_with('/') && cleaned.len() > 1 {
        cleaned.push('/');
    }
    (cleaned != path).then_some(cleaned)
}

#[cfg(test)]
mod tests {
    use super::{clean, decode};

    #[test]
    fn escapes() {
        assert_eq!(decode("/images/a%2Fb%3Ac/json").unwrap(), "/images/a/b:c/json");
        assert_eq!(decode("/a+b").unwrap(), "/a+b");
        for (path, text) in [("/%zz/json", "%zz"), ("/%4", "%4"), ("/a%", "%"), ("/%ää", "%ää")] {
            assert_eq!(decode(path).unwrap_err().message, format!("invalid URL escape {text:?}"));
        }
        assert!(decode("/%ff").is_err());
    }

    #[test]
    fn cleaned() {
        for (path, want) in [
            ("//v1.51//info", Some("/v1.51/info")),
            ("/a/../b", Some("/b")),
            ("/a/./b/", Some("/a/b/")),
            ("/../..", Some("/")),
            ("/a/b", None),
            ("/a/", None),
            ("/", None),
        ] {
            assert_eq!(clean(path).as_deref(), want, "{path}");
        }
    }
}
