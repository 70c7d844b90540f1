//! The `filters` of list, prune and event calls.

use jiff::Timestamp;
use regex::{Regex, RegexBuilder};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::fmt;

use crate::time::{TimeError, parse_time};

/// How many bytes the regular expressions of one filter may take once they are compiled, in all: a repetition of a million is a few letters.
const EXPRESSIONS_SIZE: usize = 2 << 20;

/// As many every one of them may take, however many there are: that is a name.
const EXPRESSION_SIZE: usize = 4 << 10;

/// Names of filters, each with the values of which one (or, for some, all) must match.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filters(BTreeMap<String, Vec<String>>);

/// The filters are malformed or not those of the call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FilterError {
    /// Not JSON of either form.
    Malformed,
    /// The call has no such filter.
    Unknown(String),
    /// The filter does not take this value.
    Value {
        /// The name of the filter.
        name: String,
        /// All that was given for it.
        values: Vec<String>,
    },
    /// The value is no time.
    Time(TimeError),
    /// There are several times until which things were made.
    SeveralUntil,
}

impl fmt::Display for FilterError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed => formatter.write_str("invalid filter"),
            Self::Unknown(name) => write!(formatter, "invalid filter '{name}'"),
            Self::Time(error) => error.fmt(formatter),
            Self::SeveralUntil => formatter.write_str("more than one until filter specified"),
            Self::Value { name, values } => write!(formatter, "invalid filter '{name}=[{}]'", values.join(" ")),
        }
    }
}

impl std::error::Error for FilterError {}

/// `{"label":{"a=b":true}}` is the newer form, `{"label":["a=b"]}` the older one, which many clients still send. In the
/// newer form a value that is mapped to `false` counts all the same: the Engine looks at the names only.
#[derive(Deserialize)]
#[serde(untagged)]
enum Values {
    Map(BTreeMap<String, bool>),
    List(Vec<String>),
    None,
}

impl Filters {
    /// Reads either JSON form. Empty text is no filters.
    ///
    /// # Errors
    /// When it is neither form.
    pub fn parse(text: &str) -> Result<Self, FilterError> {
        if text.is_empty() {
            return Ok(Self::default());
        }
        let filters: BTreeMap<String, Values> = serde_json::from_str(text).map_err(|_| FilterError::Malformed)?;
        let values = |values| match values {
            Values::Map(map) => map.into_keys().collect(),
            Values::List(list) => list,
            Values::None => Vec::new(),
        };
        Ok(filters.into_iter().map(|(name, given)| (name, values(given))).collect())
    }

    /// Refuses filters that the call does not have.
    ///
    /// # Errors
    /// Naming the first of them.
    pub fn accept(&self, names: &[&str]) -> Result<(), FilterError> {
        match self.0.keys().find(|name| !names.contains(&name.as_str())) {
            Some(name) => Err(FilterError::Unknown(name.clone())),
            None => Ok(()),
        }
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether there is one of this name.
    #[must_use]
    pub fn contains(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// The values of one filter; none when it is absent.
    #[must_use]
    pub fn get(&self, name: &str) -> &[String] {
        self.0.get(name).map_or(&[], Vec::as_slice)
    }

    /// Adds a value.
    pub fn insert(&mut self, name: impl Into<String>, value: impl Into<String>) {
        self.0.entry(name.into()).or_default().push(value.into());
    }

    /// Whether the value is one of those asked for. An absent filter matches everything.
    #[must_use]
    pub fn matches(&self, name: &str, value: &str) -> bool {
        let values = self.get(name);
        values.is_empty() || values.iter().any(|wanted| wanted == value)
    }

    /// The values of a filter as regular expressions, read once for all that they are held against.
    #[must_use]
    pub fn patterns(&self, name: &str) -> Patterns {
        let texts = self.get(name).to_vec();
        let each = (EXPRESSIONS_SIZE / texts.len().max(1)).max(EXPRESSION_SIZE);
        let compile = |text: &String| RegexBuilder::new(text).size_limit(each).dfa_size_limit(each).build().ok();
        let expressions = texts.iter().filter_map(compile).collect();
        Patterns { texts, expressions }
    }

    /// Whether one of the values asked for passes the test. An absent filter matches everything.
    pub fn matches_by(&self, name: &str, test: impl FnMut(&String) -> bool) -> bool {
        let values = self.get(name);
        values.is_empty() || values.iter().any(test)
    }

    /// Whether the labels have all that are asked for by `name`, each as `key` or `key=value`.
    #[must_use]
    pub fn matches_labels(&self, name: &str, labels: &BTreeMap<String, String>) -> bool {
        self.get(name).iter().all(|wanted| has_label(labels, wanted))
    }

    /// Whether the labels have any of those that `name`, usually `label!`, excludes.
    #[must_use]
    pub fn excludes_labels(&self, name: &str, labels: &BTreeMap<String, String>) -> bool {
        self.get(name).iter().any(|excluded| has_label(labels, excluded))
    }

    /// The filter `until`: what was made before that time.
    ///
    /// # Errors
    /// When it is none.
    pub fn until(&self) -> Result<Option<Timestamp>, FilterError> {
        match self.get("until") {
            [] => Ok(None),
            [text] => parse_time(text, Timestamp::now()).map_err(FilterError::Time),
            _ => Err(FilterError::SeveralUntil),
        }
    }

    /// The value of a filter that is a boolean; `default` when it is absent.
    ///
    /// # Errors
    /// When it is not one, or there are several.
    pub fn boolean(&self, name: &str, default: bool) -> Result<bool, FilterError> {
        match self.get(name) {
            [] => Ok(default),
            [value] if matches!(value.as_str(), "1" | "true") => Ok(true),
            [value] if matches!(value.as_str(), "0" | "false") => Ok(false),
            values => Err(FilterError::Value { name: name.to_owned(), values: values.to_vec() }),
        }
    }
}

/// What texts are held against.
#[derive(Debug)]
pub struct Patterns {
    texts: Vec<String>,
    expressions: Vec<Regex>,
}

impl Patterns {
    /// Whether the text is one of the values, or one of them is a regular expression that is found in it. What is no regular
    /// expression, or too large a one, matches by itself only, as with the Engine. No values match everything.
    #[must_use]
    pub fn matches(&self, text: &str) -> bool {
        self.texts.is_empty()
            || self.texts.iter().any(|wanted| wanted == text)
            || self.expressions.iter().any(|expression| expression.is_match(text))
    }
}

impl FromIterator<(String, Vec<String>)> for Filters {
    fn from_iter<T: IntoIterator<Item = (String, Vec<String>)>>(iter: T) -> Self {
        Self(iter.into_iter().collect())
    }
}

fn has_label(labels: &BTreeMap<String, String>, wanted: &str) -> bool {
    match wanted.split_once('=') {
        Some((key, value)) => labels.get(key).is_some_and(|found| found == value),
        None => labels.contains_key(wanted),
    }
}

#[cfg(test)]
mod tests {
    use super::{FilterError, Filters};
    use std::collections::BTreeMap;

    #[test]
    fn both_forms() {
        let lists = Filters::parse(r#"{"label":["a=b","c"],"status":null}"#).unwrap();
        let maps = Filters::parse(r#"{"label":{"a=b":true,"c":true},"status":{}}"#).unwrap();
        assert_eq!(lists, maps);
        assert_eq!(lists.get("label"), ["a=b", "c"]);
        assert!(lists.get("absent").is_empty());
        assert_eq!(Filters::parse(""), Ok(Filters::default()));
        for text in ["{", "[]", "1", r#"{"a":1}"#, r#"{"a":{"b":"c"}}"#] {
            assert!(matches!(Filters::parse(text), Err(FilterError::Malformed)), "{text}");
        }
    }

    #[test]
    fn unknown_names() {
        let filters = Filters::parse(r#"{"x":["1"]}"#).unwrap();
        assert!(filters.accept(&["x"]).is_ok());
        assert_eq!(filters.accept(&["y"]).unwrap_err().to_string(), "invalid filter 'x'");
    }

    #[test]
    fn labels() {
        let labels = BTreeMap::from([("a".to_owned(), "b".to_owned())]);
        for (text, matches) in [("a", true), ("a=b", true), ("a=", false), ("b", false)] {
            let mut filters = Filters::default();
            filters.insert("label", text);
            assert_eq!(filters.matches_labels("label", &labels), matches, "{text}");
            assert_eq!(filters.excludes_labels("label", &labels), matches, "{text}");
        }
        assert!(Filters::default().matches_labels("label", &labels));
        assert!(!Filters::default().excludes_labels("label!", &labels));
    }

    #[test]
    fn patterns() {
        for (pattern, matches) in [
            ("two", true),
            ("^one", true),
            ("^two", false),
            ("^one-two$", true),
            ("o.e", true),
            ("[", false),
            ("x|two", true),
        ] {
            let mut filters = Filters::default();
            filters.insert("name", pattern);
            assert_eq!(filters.patterns("name").matches("one-two"), matches, "{pattern}");
        }
        let mut filters = Filters::default();
        filters.insert("name", "[");
        assert!(filters.patterns("name").matches("["));
        assert!(Filters::default().patterns("name").matches("x"));
    }

    #[test]
    fn expressions_are_bounded() {
        // The Engine's own bound.
        let mut filters = Filters::default();
        filters.insert("name", "^x{1,1000}$");
        assert!(filters.patterns("name").matches(&"x".repeat(1000)));
        let mut filters = Filters::default();
        filters.insert("name", "x{1,1000000}");
        assert!(!filters.patterns("name").matches("x"));
        assert!(filters.patterns("name").matches("x{1,1000000}"));
        // Names of containers, however many there are.
        let mut filters = Filters::default();
        for number in 0..2000 {
            filters.insert("name", format!("^/?a-name-of-forty-letters-and-a-number-{number}$"));
        }
        let patterns = filters.patterns("name");
        assert_eq!(patterns.expressions.len(), 2000);
        assert!(patterns.matches("/a-name-of-forty-letters-and-a-number-1999"));
    }

    #[test]
    fn booleans() {
        let filters = Filters::parse(r#"{"dangling":["1"],"odd":["x"]}"#).unwrap();
        assert_eq!(filters.boolean("dangling", false), Ok(true));
        assert_eq!(filters.boolean("absent", true), Ok(true));
        assert_eq!(filters.boolean("odd", true).unwrap_err().to_string(), "invalid filter 'odd=[x]'");
    }
}
