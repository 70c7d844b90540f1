//! What the daemon's identity may do: the actions that Azure grants it on a resource, held against those that are needed.

use serde::Deserialize;
use serde_json::Value;

use crate::arm::{Client, Failure};

/// Pages that are read; a principal has a handful of roles.
const PAGES: usize = 20;

/// What one role grants.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Permission {
    actions: Vec<String>,
    not_actions: Vec<String>,
}

impl Permission {
    /// What a role does not grant another one may.
    fn grants(&self, action: &str) -> bool {
        let fits = |patterns: &[String]| patterns.iter().any(|pattern| matches(pattern, action));
        fits(&self.actions) && !fits(&self.not_actions)
    }
}

/// Those of the actions that nobody grants on a resource or resource group.
pub(crate) fn missing<'a>(client: &Client<'_>, scope: &str, actions: &[&'a str]) -> Result<Vec<&'a str>, Failure> {
    let mut granted = Vec::new();
    let mut next = Some(client.permissions_url(scope));
    for _ in 0..PAGES {
        let Some(url) = next.take() else { break };
        let page = client.get(&url)?;
        let list = page.get("value").cloned().unwrap_or_default();
        let mut list: Vec<Permission> = serde_json::from_value(list)
            .map_err(|error| Failure::Malformed(format!("the permissions are not understood: {error}")))?;
        granted.append(&mut list);
        next = page.get("nextLink").and_then(Value::as_str).filter(|url| !url.is_empty()).map(str::to_owned);
    }
    Ok(actions.iter().copied().filter(|action| !granted.iter().any(|permission| permission.grants(action))).collect())
}

/// Whether an action is one of those that a pattern means: `*` stands for anything, slashes too, and case is of no matter.
fn matches(pattern: &str, action: &str) -> bool {
    let (pattern, action) = (pattern.to_ascii_lowercase(), action.to_ascii_lowercase());
    let mut parts = pattern.split('*');
    let Some(mut rest) = action.strip_prefix(parts.next().unwrap_or_default()) else { return false };
    let mut parts = parts.peekable();
    if parts.peek().is_none() {
        return rest.is_empty();
    }
    while let Some(part) = parts.next() {
        if parts.peek().is_none() {
            return rest.ends_with(part);
        }
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Script;

    #[test]
    fn patterns() {
        for (pattern, action) in [
            ("*", "Microsoft.Web/sites/write"),
            ("Microsoft.Web/sites/*", "microsoft.web/sites/config/list/action"),
            ("Microsoft.Web/*/action", "Microsoft.Web/sites/config/list/action"),
            ("*/write", "Microsoft.Web/sites/write"),
            ("Microsoft.Web/sites/write", "Microsoft.Web/sites/Write"),
            ("a*b*c", "abc"),
        ] {
            assert!(matches(pattern, action), "{pattern} {action}");
        }
        for (pattern, action) in [
            ("", "a"),
            ("*/read", "Microsoft.Web/sites/write"),
            ("Microsoft.Web/sites", "Microsoft.Web/sites/write"),
            ("Microsoft.Web/sites/*", "Microsoft.Web/serverfarms/write"),
            ("ab*bc", "abc"),
        ] {
            assert!(!matches(pattern, action), "{pattern} {action}");
        }
    }

    #[test]
    fn every_page_counts_and_a_role_takes_away_only_from_itself() {
        let script = Script::new()
            .answer(
                200,
                r#"{"value":[{"actions":["*"],"notActions":["Microsoft.Web/sites/delete","x/y"]},{"notActions":["*"]}],
                    "nextLink":"https://management.azure.com/next"}"#,
            )
            .answer(200, r#"{"value":[{"actions":["Microsoft.Web/sites/*"]}],"nextLink":null}"#);
        let settings = script.settings();
        let client = Client::new(&script, &settings, "");
        let scope = "/subscriptions/s/resourceGroups/g";
        let found = missing(&client, scope, &["Microsoft.Web/sites/write", "Microsoft.Web/sites/delete", "x/y"]);
        assert_eq!(found.unwrap(), ["x/y"]);
        let sent = script.sent();
        assert_eq!(
            sent[0].url,
            format!(
                "https://management.azure.com{scope}/providers/Microsoft.Authorization/permissions?api-version=2022-04-01"
            )
        );
        assert_eq!(sent[1].url, "https://management.azure.com/next");
    }
}
