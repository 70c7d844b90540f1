//! Which URLs a rule is for.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use regex::Regex;
use serde::Deserialize;

/// What the `${name}` of a pattern stand for.
pub(crate) type Captures = BTreeMap<String, String>;

/// A URL in which `${name}` stands for a part without a slash, and `*` for anything. Without a `?` it is for every query.
#[derive(Debug, Clone, Deserialize)]
#[serde(try_from = "String")]
pub struct UrlPattern {
    text: String,
    regex: Regex,
}

impl UrlPattern {
    /// What the names stand for in a URL that is meant.
    pub(crate) fn matches(&self, url: &str) -> Option<Captures> {
        let url = if self.text.contains('?') { url } else { url.split('?').next().unwrap_or(url) };
        let found = self.regex.captures(url)?;
        let value = |name: &str| Some((name.to_owned(), found.name(name)?.as_str().to_owned()));
        Some(self.names().filter_map(value).collect())
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.regex.capture_names().flatten()
    }
}

impl FromStr for UrlPattern {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut regex = String::from("^");
        let mut rest = text;
        while let Some(at) = rest.find(['$', '*']) {
            let (literal, special) = rest.split_at(at);
            regex.push_str(&regex::escape(literal));
            if let Some(after) = special.strip_prefix('*') {
                regex.push_str(".*");
                rest = after;
            } else {
                let inner = special.strip_prefix("${").and_then(|inner| inner.split_once('}'));
                let (name, after) = inner.ok_or_else(|| format!("in the URL `{text}` a `$` begins no `${{name}}`"))?;
                regex.push_str("(?P<");
                regex.push_str(name);
                regex.push_str(">[^/?&]+)");
                rest = after;
            }
        }
        regex.push_str(&regex::escape(rest));
        regex.push('$');
        let regex = Regex::new(&regex).map_err(|_| {
            format!("in the URL `{text}` each `${{name}}` needs a name of its own, of letters and digits")
        })?;
        Ok(Self { text: text.to_owned(), regex })
    }
}

impl TryFrom<String> for UrlPattern {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl fmt::Display for UrlPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stand_for_one_part_and_stars_for_anything() {
        let pattern: UrlPattern = "https://a.example/*/sites/${name}".parse().unwrap();
        assert_eq!(pattern.matches("https://a.example/x/y/sites/one?v=1").unwrap()["name"], "one");
        assert!(pattern.matches("https://a.example/x/sites/one/two").is_none());
        assert!(pattern.matches("https://aXexample/x/sites/one").is_none());
        let query: UrlPattern = "https://a.example/create?name=${name}".parse().unwrap();
        assert_eq!(query.matches("https://a.example/create?name=x").unwrap()["name"], "x");
        assert!(query.matches("https://a.example/create").is_none());
    }

    #[test]
    fn what_is_no_pattern_is_refused() {
        for text in ["https://a/$x", "https://a/${x", "https://a/${}", "https://a/${x}/${x}"] {
            assert!(text.parse::<UrlPattern>().is_err(), "{text}");
        }
    }
}
