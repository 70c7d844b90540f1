//! Texts with holes, which are filled from a request.

use serde::Deserialize;
use serde_json::Value;

use super::{Captures, ITEMS};

/// A text in which `${name}` stands for a part of the URL, `${request:/a/b}` for what is at this JSON pointer in the body of the
/// request, and `${made:/a/b}` for the same in the body of the request that made the resource.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Template(Vec<Part>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Text(String),
    Capture(String),
    Request(String),
    Made(String),
}

/// What holes are filled with.
#[derive(Debug, Default)]
pub(crate) struct Filling {
    pub(crate) captures: Captures,
    pub(crate) request: Value,
    pub(crate) made: Value,
    /// Stands for `${items}`, as it is.
    pub(crate) listed: String,
}

impl Template {
    /// The text. What is put in is as it stands within the quotes of a JSON string.
    pub(crate) fn fill(&self, filling: &Filling) -> String {
        let at = |document: &Value, pointer: &str| match document.pointer(pointer) {
            None => String::new(),
            Some(Value::String(text)) => within_quotes(text),
            Some(other) => other.to_string(),
        };
        self.0
            .iter()
            .map(|part| match part {
                Part::Text(text) => text.clone(),
                Part::Capture(name) if name == ITEMS => filling.listed.clone(),
                Part::Capture(name) => filling.captures.get(name).map(|text| within_quotes(text)).unwrap_or_default(),
                Part::Request(pointer) => at(&filling.request, pointer),
                Part::Made(pointer) => at(&filling.made, pointer),
            })
            .collect()
    }

    pub(super) fn captures(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(|part| match part {
            Part::Capture(name) => Some(name.as_str()),
            _ => None,
        })
    }
}

fn within_quotes(text: &str) -> String {
    let quoted = Value::from(text).to_string();
    quoted[1..quoted.len() - 1].to_owned()
}

impl TryFrom<String> for Template {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let mut parts = Vec::new();
        let mut rest = text.as_str();
        while let Some((literal, hole)) = rest.split_once("${") {
            let (hole, after) = hole.split_once('}').ok_or_else(|| format!("`${{{hole}` has no end"))?;
            parts.push(Part::Text(literal.to_owned()));
            parts.push(match hole.split_once(':') {
                None => Part::Capture(hole.to_owned()),
                Some(("request", pointer)) => Part::Request(pointer.to_owned()),
                Some(("made", pointer)) => Part::Made(pointer.to_owned()),
                Some((source, _)) => return Err(format!("`${{{hole}}}`: {source} is neither `request` nor `made`")),
            });
            rest = after;
        }
        parts.push(Part::Text(rest.to_owned()));
        Ok(Self(parts))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn template(text: &str) -> Template {
        text.to_owned().try_into().unwrap()
    }

    #[test]
    fn holes_are_filled() {
        let filling = Filling {
            captures: [("name".to_owned(), "one".to_owned())].into(),
            request: json!({ "a": { "b": "say \"x\"" }, "n": 3 }),
            made: json!({ "tag": "t" }),
            listed: String::new(),
        };
        let text =
            template(r#"{"n":"${name}","b":"${request:/a/b}","c":${request:/n},"m":"${made:/tag}","x":"${made:/x}"}"#);
        let body: Value = serde_json::from_str(&text.fill(&filling)).unwrap();
        assert_eq!(body, json!({ "n": "one", "b": "say \"x\"", "c": 3, "m": "t", "x": "" }));
    }

    #[test]
    fn what_is_no_hole_is_refused() {
        assert!(Template::try_from("${x".to_owned()).is_err());
        assert!(Template::try_from("${other:/x}".to_owned()).is_err());
        assert_eq!(template("{}").fill(&Filling::default()), "{}");
    }
}
