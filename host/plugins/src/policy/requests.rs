//! Which requests a host may be sent.

use http::Method;

/// What an operator lets a backend ask of a host: by default everything.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Requests {
    /// Whole segments of a path, each with a `/` before it. Absent: all paths.
    path_prefix: Option<String>,
    /// Absent: all methods.
    methods: Option<Vec<Method>>,
}

/// The path prefix or the methods are none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidRequests {
    /// The prefix is no path.
    #[error(
        "has the path prefix `{0}`, which is not the beginning of a path: write `/` and whole segments without `..`, `%`, `?` and `#`"
    )]
    PathPrefix(String),
    /// A method is none.
    #[error("has the method `{0}`: write methods in capital letters, as in `methods = [\"GET\", \"PUT\"]`")]
    Method(String),
    /// There is no method.
    #[error("has no methods, and so would allow nothing: leave `methods` out to allow all, or remove the rule")]
    NoMethods,
}

impl Requests {
    /// From what the operator wrote.
    ///
    /// # Errors
    /// It is no beginning of a path, or no method.
    pub(super) fn new(path_prefix: Option<&str>, methods: Option<Vec<String>>) -> Result<Self, InvalidRequests> {
        let path_prefix = path_prefix.map(prefix_of).transpose()?;
        let methods = methods.map(|methods| methods.into_iter().map(method_of).collect::<Result<Vec<_>, _>>());
        let methods = methods.transpose()?;
        if methods.as_ref().is_some_and(Vec::is_empty) {
            return Err(InvalidRequests::NoMethods);
        }
        Ok(Self { path_prefix, methods })
    }

    /// Whether a request is among them. `path` is as a parsed URL has it, with its dot segments resolved.
    pub(super) fn allow(&self, method: &Method, path: &str) -> bool {
        self.methods.as_ref().is_none_or(|methods| methods.contains(method))
            && self.path_prefix.as_deref().is_none_or(|prefix| is_below(path, prefix))
    }
}

fn prefix_of(text: &str) -> Result<String, InvalidRequests> {
    let prefix = text.trim_end_matches('/');
    let is_plain = |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'%' | b'?' | b'#' | b'\\');
    let is_path = text.starts_with('/')
        && prefix.bytes().all(is_plain)
        && prefix.split('/').skip(1).all(|segment| !matches!(segment, "" | "." | ".."));
    if is_path { Ok(prefix.to_owned()) } else { Err(InvalidRequests::PathPrefix(text.chars().take(200).collect())) }
}

fn method_of(text: String) -> Result<Method, InvalidRequests> {
    // Methods differ by case, and a rule for `get` would allow nothing.
    match Method::from_bytes(text.as_bytes()) {
        Ok(method) if !text.bytes().any(|byte| byte.is_ascii_lowercase()) => Ok(method),
        _ => Err(InvalidRequests::Method(text.chars().take(200).collect())),
    }
}

/// Whether a path begins with these segments, for every server: what some would decode or resolve to another path is not.
fn is_below(path: &str, prefix: &str) -> bool {
    let rest = path.strip_prefix(prefix);
    if !rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/')) {
        return false;
    }
    let lower = path.to_ascii_lowercase();
    let has_hidden_slash = ["%2f", "%5c", "\\"].iter().any(|slash| lower.contains(slash));
    !has_hidden_slash && !lower.split('/').any(|segment| segment.starts_with(".."))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prefix(text: &str) -> Requests {
        Requests::new(Some(text), None).unwrap()
    }

    #[test]
    fn a_prefix_is_of_whole_segments() {
        let allows = |path: &str| prefix("/a/b/").allow(&Method::GET, path);
        assert!(allows("/a/b") && allows("/a/b/") && allows("/a/b/c/d") && allows("/a/b//c"));
        for path in ["/", "/a", "/a/", "/a/bc", "/A/b", "/x/a/b", "/a//b"] {
            assert!(!allows(path), "{path}");
        }
        assert!(prefix("/").allow(&Method::GET, "/x"));
        assert!(Requests::default().allow(&Method::DELETE, "/x"));
    }

    /// Servers that decode before they resolve, or leave out what follows a semicolon, would take these for another path.
    #[test]
    fn a_path_that_may_lead_out_is_not_below() {
        for path in ["/a/b/..%2f..%2fc", "/a/b/%2F../c", "/a/b/..%5cc", "/a/b/..;/c", "/a/b/..\\c"] {
            assert!(!prefix("/a/b").allow(&Method::GET, path), "{path}");
        }
        let url: url::Url = "https://a.net/a/b/%2e%2e/c".parse().unwrap();
        assert!(!prefix("/a/b").allow(&Method::GET, url.path()), "the parser resolves what stands for dots");
    }

    #[test]
    fn what_cannot_be_meant_is_refused() {
        for text in ["", "a", "a/b", "/a/../b", "/a//b", "/a?b", "/a#b", "/%61", "/a b", "/./a"] {
            assert!(matches!(Requests::new(Some(text), None), Err(InvalidRequests::PathPrefix(_))), "{text}");
        }
        for text in ["get", "", "GET PUT", "G\r\nT"] {
            let methods = Some(vec![text.to_owned()]);
            assert!(matches!(Requests::new(None, methods), Err(InvalidRequests::Method(_))), "{text:?}");
        }
        assert_eq!(Requests::new(None, Some(vec![])), Err(InvalidRequests::NoMethods));
    }
}
