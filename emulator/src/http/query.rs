//! Query strings and forms.

use url::form_urlencoded;

/// The value of a parameter, whose name is compared without case.
pub(crate) fn parameter(query: &str, name: &str) -> Option<String> {
    form_urlencoded::parse(query.as_bytes())
        .find(|(candidate, _)| candidate.eq_ignore_ascii_case(name))
        .map(|(_, value)| value.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_have_no_case_and_values_are_decoded() {
        assert_eq!(parameter("a=1&Api-Version=2025-05-01", "api-version").as_deref(), Some("2025-05-01"));
        assert_eq!(parameter("scope=https%3A%2F%2Fx%2F.default", "scope").as_deref(), Some("https://x/.default"));
        assert_eq!(parameter("", "x"), None);
    }
}
