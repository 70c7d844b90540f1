//! Which handler answers which request.

use http::Method;

/// A row of the table. A pattern has at most one `{}`, which stands for anything, slashes included, that is not empty:
/// names of images have slashes.
pub(crate) struct Route<H> {
    pub(crate) method: Method,
    pub(crate) pattern: &'static str,
    pub(crate) handler: H,
}

/// The first row that matches, and what `{}` stands for.
pub(crate) fn find<'a, H>(routes: &'a [Route<H>], method: &Method, path: &str) -> Option<(&'a Route<H>, String)> {
    routes
        .iter()
        .filter(|route| route.method == *method)
        .find_map(|route| Some((route, captured(route.pattern, path)?.to_owned())))
}

fn captured<'a>(pattern: &str, path: &'a str) -> Option<&'a str> {
    match pattern.split_once("{}") {
        None => (pattern == path).then_some(""),
        Some((before, after)) => {
            let name = path.strip_prefix(before)?.strip_suffix(after)?;
            (!name.is_empty()).then_some(name)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Route, find};
    use http::Method;

    #[test]
    fn first_row_that_matches() {
        let route = |method, pattern, handler| Route { method, pattern, handler };
        let routes = [
            route(Method::GET, "/images/json", 1),
            route(Method::GET, "/images/{}/json", 2),
            route(Method::DELETE, "/images/{}", 3),
            route(Method::GET, "/info", 4),
        ];
        let found = |method, path| find(&routes, &method, path).map(|(route, name)| (route.handler, name));
        assert_eq!(found(Method::GET, "/images/json"), Some((1, String::new())));
        assert_eq!(found(Method::GET, "/images/a/b:c/json"), Some((2, "a/b:c".to_owned())));
        assert_eq!(found(Method::GET, "/images/json/json"), Some((2, "json".to_owned())));
        assert_eq!(found(Method::DELETE, "/images/a/json"), Some((3, "a/json".to_owned())));
        assert_eq!(found(Method::GET, "/info"), Some((4, String::new())));
        for (method, path) in [(Method::GET, "/info/"), (Method::PUT, "/info"), (Method::DELETE, "/images/")] {
            assert_eq!(found(method, path), None, "{path}");
        }
    }
}
