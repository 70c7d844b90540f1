//! How a registry asks who is there: the header `WWW-Authenticate`.

/// One way of showing who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Challenge {
    /// User and password.
    Basic,
    /// A token, which is had at `realm`.
    Bearer { realm: String, service: Option<String>, scope: Option<String> },
}

impl Challenge {
    /// The first challenge of a header that is understood.
    pub(super) fn read(header: &str) -> Option<Self> {
        let (scheme, rest) = header.trim().split_once(' ').unwrap_or((header.trim(), ""));
        if scheme.eq_ignore_ascii_case("basic") {
            return Some(Self::Basic);
        }
        if !scheme.eq_ignore_ascii_case("bearer") {
            return None;
        }
        let parameters = parameters(rest);
        let get = |name: &str| {
            let found = parameters.iter().find(|(key, _)| key.eq_ignore_ascii_case(name));
            found.map(|(_, value)| value.clone()).filter(|value| !value.is_empty())
        };
        Some(Self::Bearer { realm: get("realm")?, service: get("service"), scope: get("scope") })
    }
}

/// `name=value` and `name="value"`, separated by commas, as far as they are well formed.
fn parameters(text: &str) -> Vec<(&str, String)> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some((name, after)) = rest.split_once('=') {
        let name = name.trim_matches([' ', '\t', ',']);
        let (value, after) = match after.strip_prefix('"') {
            None => after
                .split_once(',')
                .map_or((after.trim().to_owned(), ""), |(value, after)| (value.trim().to_owned(), after)),
            Some(quoted) => match closing(quoted) {
                Some((value, after)) => (value, after),
                None => return found,
            },
        };
        found.push((name, value));
        rest = after;
    }
    found
}

/// A quoted value up to its closing mark, and what stands behind that.
fn closing(quoted: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut characters = quoted.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => return Some((value, quoted.get(at + 1..)?)),
            '\\' => value.push(characters.next()?.1),
            _ => value.push(character),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_kinds_are_understood() {
        let header = r#"Bearer realm="https://auth.io/token",service="r.io",scope="repository:a/b:pull,push""#;
        let expected = Challenge::Bearer {
            realm: "https://auth.io/token".to_owned(),
            service: Some("r.io".to_owned()),
            scope: Some("repository:a/b:pull,push".to_owned()),
        };
        assert_eq!(Challenge::read(header), Some(expected));
        let plain = Challenge::Bearer { realm: "x".to_owned(), service: Some("y \"z\"".to_owned()), scope: None };
        assert_eq!(Challenge::read(r#"bearer Realm=x , service="y \"z\"" , scope="#), Some(plain));
        assert_eq!(Challenge::read(r#"Basic realm="r""#), Some(Challenge::Basic));
    }

    #[test]
    fn what_is_malformed_is_none() {
        for header in
            ["", "Negotiate", "Bearer", "Bearer realm=", "Bearer realm=\"open", "Bearer realm=\"a\\", "Bearer =x"]
        {
            assert_eq!(Challenge::read(header), None, "{header}");
        }
    }
}
