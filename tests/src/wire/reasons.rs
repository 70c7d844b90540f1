//! Why our daemon is meant to answer otherwise than the Engine: the file `tests/wire/differences`.

use std::collections::BTreeMap;

/// Reasons by their keys.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reasons(BTreeMap<String, String>);

impl Reasons {
    /// Reads those of the project.
    #[must_use]
    pub fn load() -> Self {
        let file = super::folder().join("differences");
        let text = std::fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        Self::parse(&text).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
    }

    /// Reads a line `key: reason` for each; what is indented goes on with the reason above.
    ///
    /// # Errors
    /// A line that is neither.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut reasons: BTreeMap<String, String> = BTreeMap::new();
        let mut last = None;
        for (number, line) in text.lines().enumerate() {
            let complaint = |what: &str| format!("line {}: {what}", number + 1);
            if line.trim().is_empty() || line.starts_with('#') {
                continue;
            }
            if line.starts_with(' ') {
                let key: &String = last.as_ref().ok_or_else(|| complaint("goes on with nothing"))?;
                let reason = reasons.entry(key.clone()).or_default();
                reason.push(' ');
                reason.push_str(line.trim());
                continue;
            }
            let (key, reason) = line.split_once(':').ok_or_else(|| complaint("has no colon"))?;
            if reason.trim().is_empty() {
                return Err(complaint("has no reason"));
            }
            if reasons.insert(key.to_owned(), reason.trim().to_owned()).is_some() {
                return Err(complaint("has a key that stands above, too"));
            }
            last = Some(key.to_owned());
        }
        Ok(Self(reasons))
    }

    /// The reason of this key.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key).map(String::as_str)
    }

    /// All keys.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::Reasons;

    #[test]
    fn read() {
        let reasons = Reasons::parse("# why\n\na: because\n  of b\nc: so\n").unwrap();
        assert_eq!(reasons.get("a"), Some("because of b"));
        assert_eq!(reasons.keys().collect::<Vec<_>>(), ["a", "c"]);
        for text in ["a", "a:\n", "  b\n", "a: b\na: c\n"] {
            assert!(Reasons::parse(text).is_err(), "{text}");
        }
    }
}
