//! Queries, read as lax or as strict as the Engine does.

use std::borrow::Cow;

use jiff::Timestamp;
use percent_encoding::percent_decode_str;
use sockerless_docker::{Filters, parse_time};
use sockerless_engine::Error;

use super::path::invalid_escape;

/// The parameters behind the question mark, in their order.
#[derive(Clone, Debug, Default)]
pub(crate) struct Query(Vec<(String, String)>);

impl Query {
    pub(crate) fn parse(text: &str) -> Result<Self, Error> {
        if text.contains(';') {
            return Err(Error::invalid("invalid semicolon separator in query"));
        }
        let mut parameters = Vec::new();
        for pair in text.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            parameters.push((unescape(name)?, unescape(value)?));
        }
        Ok(Self(parameters))
    }

    /// The first of this name, if it is there and not empty.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str()).filter(|value| !value.is_empty())
    }

    /// The first of this name, even if it is empty.
    pub(crate) fn raw(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// All of this name.
    pub(crate) fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        self.0.iter().filter(move |(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn string(&self, name: &str) -> Option<String> {
        self.get(name).map(str::to_owned)
    }

    /// Everything is true but these five, and what is absent.
    pub(crate) fn boolean(&self, name: &str) -> bool {
        self.boolean_or(name, false)
    }

    /// The same with a default for what is absent.
    pub(crate) fn boolean_or(&self, name: &str, default: bool) -> bool {
        match self.raw(name) {
            None => default,
            Some(value) => !matches!(value.trim().to_ascii_lowercase().as_str(), "" | "0" | "no" | "false" | "none"),
        }
    }

    /// A boolean of the few that Go's parser reads.
    pub(crate) fn strict_boolean(&self, name: &str) -> Result<bool, Error> {
        match self.get(name) {
            None | Some("0" | "f" | "F" | "false" | "FALSE" | "False") => Ok(false),
            Some("1" | "t" | "T" | "true" | "TRUE" | "True") => Ok(true),
            Some(other) => Err(Error::invalid(format!(
                "invalid value for {name}: {other}: strconv.ParseBool: parsing {other:?}: invalid syntax"
            ))),
        }
    }

    /// A number. The Engine answers 500 to what is not one, and so do we.
    pub(crate) fn integer(&self, name: &str) -> Result<Option<i64>, Error> {
        let Some(value) = self.get(name) else { return Ok(None) };
        match value.parse() {
            Ok(number) => Ok(Some(number)),
            Err(_) => Err(Error::internal(format!("strconv.Atoi: parsing {value:?}: invalid syntax"))),
        }
    }

    /// Seconds, as `stop` and `restart` take them.
    pub(crate) fn seconds(&self, name: &str) -> Result<Option<i32>, Error> {
        let number = self.integer(name)?;
        Ok(number.map(|number| number.clamp(-1, i64::from(i32::MAX))).and_then(|number| i32::try_from(number).ok()))
    }

    /// A side of a terminal.
    pub(crate) fn side(&self, name: &str, what: &str) -> Result<u16, Error> {
        let text = self.raw(name).unwrap_or_default();
        let invalid = |reason| Error::invalid(format!("invalid resize {what} {text:?}: {reason}"));
        match text.parse::<i128>() {
            // No terminal is that large, and none of the parties would do anything with it.
            Ok(number) if (0..=i128::from(u32::MAX)).contains(&number) => Ok(u16::try_from(number).unwrap_or(u16::MAX)),
            Ok(_) => Err(invalid("value out of range")),
            Err(_) => Err(invalid("invalid syntax")),
        }
    }

    pub(crate) fn filters(&self) -> Result<Filters, Error> {
        Ok(Filters::parse(self.get("filters").unwrap_or_default())?)
    }

    /// A time, in any of the forms of the API.
    pub(crate) fn time(&self, name: &str) -> Result<Option<Timestamp>, Error> {
        let text = self.get(name).unwrap_or_default();
        // The Engine takes seconds only, and words what is none as its parser does.
        parse_time(text, Timestamp::now())
            .map_err(|_| Error::internal(format!("strconv.ParseInt: parsing {text:?}: invalid syntax")))
    }
}

fn unescape(text: &str) -> Result<String, Error> {
    if let Some(bad) = invalid_escape(text) {
        return Err(Error::invalid(format!("invalid URL escape {bad:?}")));
    }
    let spaced: Cow<'_, str> = if text.contains('+') { text.replace('+', " ").into() } else { text.into() };
    match percent_decode_str(&spaced).decode_utf8() {
        Ok(text) => Ok(text.into_owned()),
        Err(_) => Err(Error::invalid("the query is not UTF-8")),
    }
}

#[cfg(test)]
mod tests {
    use super::Query;

    #[test]
    fn first_of_a_name_unescaped() {
        let query = Query::parse("a=1&a=2&b=x%20y+z&c&&d=%7B%7D").unwrap();
        assert_eq!(query.get("a"), Some("1"));
        assert_eq!(query.all("a").collect::<Vec<_>>(), ["1", "2"]);
        assert_eq!(query.get("b"), Some("x y z"));
        assert_eq!((query.get("c"), query.raw("c")), (None, Some("")));
        assert_eq!(query.get("d"), Some("{}"));
        assert_eq!(Query::parse("a=%zz").unwrap_err().message, "invalid URL escape \"%zz\"");
    }

    #[test]
    fn booleans() {
        for (text, want) in [
            ("1", true),
            ("true", true),
            ("True", true),
            ("on", true),
            ("x", true),
            ("", false),
            ("0", false),
            ("No", false),
            ("FALSE", false),
            ("none", false),
        ] {
            assert_eq!(Query::parse(&format!("a={text}")).unwrap().boolean("a"), want, "{text:?}");
        }
        assert!(!Query::default().boolean("a"));
        assert!(Query::default().boolean_or("a", true));
    }

    #[test]
    fn numbers() {
        let query = Query::parse("t=-1&big=99999999999&x=y").unwrap();
        assert_eq!(query.seconds("t").unwrap(), Some(-1));
        assert_eq!(query.seconds("big").unwrap(), Some(i32::MAX));
        assert_eq!(query.seconds("absent").unwrap(), None);
        assert_eq!(query.seconds("x").unwrap_err().message, "strconv.Atoi: parsing \"y\": invalid syntax");
    }

    #[test]
    fn sides_of_a_terminal() {
        for (text, want) in [
            ("h=24", Ok(24)),
            ("h=70000", Ok(u16::MAX)),
            ("", Err("invalid resize height \"\": invalid syntax")),
            ("h=x", Err("invalid resize height \"x\": invalid syntax")),
            ("h=-1", Err("invalid resize height \"-1\": value out of range")),
            ("h=99999999999", Err("invalid resize height \"99999999999\": value out of range")),
        ] {
            let side = Query::parse(text).unwrap().side("h", "height");
            assert_eq!(side.map_err(|error| error.message), want.map_err(str::to_owned), "{text}");
        }
    }
}
