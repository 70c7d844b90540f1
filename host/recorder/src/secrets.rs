//! What is secret in what a component is given.
//!
//! Looked for in arguments and answers, not in what the component says: what it says it has from there. By name: headers, members of
//! JSON, parameters of URLs, parts of connection strings. And every value of an environment, whatever its name is, since users put
//! secrets there.

use serde_json::Value;

/// A text of fewer bytes is not replaced: it is part of too many others, and no secret.
pub(crate) const MIN_SECRET: usize = 6;

/// JSON in a text in JSON, so deep.
const MAX_DEPTH: usize = 4;

/// Whether a value of this name is taken for a secret: of a setting, a header, a member of JSON, a parameter of a URL.
#[must_use]
pub fn is_secret_name(name: &str) -> bool {
    const PARTS: [&str; 10] = [
        "TOKEN",
        "SECRET",
        "PASSWORD",
        "PASSWD",
        "PASSPHRASE",
        "CREDENTIAL",
        "SIGNATURE",
        "AUTHORIZATION",
        "COOKIE",
        "CONNECTIONSTRING",
    ];
    const WORDS: [&str; 4] = ["PWD", "SAS", "SIG", "AUTH"];
    let name = name.to_ascii_uppercase();
    let joined = name.replace(['_', '-'], "");
    PARTS.iter().any(|part| joined.contains(part))
        // A `key` alone is that of a map, or of an intention.
        || (joined.ends_with("KEY") && joined != "KEY")
        || name.split(|character: char| !character.is_ascii_alphanumeric()).any(|word| WORDS.contains(&word))
}

/// Whether variables are named so.
fn is_variable(name: &str) -> bool {
    name.len() > 1
        && name.starts_with(|first: char| first.is_ascii_uppercase())
        && name.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_')
}

/// The secrets in a value.
pub(crate) fn find(value: &Value) -> Vec<String> {
    let mut found = Vec::new();
    search(value, MAX_DEPTH, &mut found);
    found
}

fn search(value: &Value, depth: usize, found: &mut Vec<String>) {
    match value {
        Value::String(text) => search_text(text, depth, found),
        Value::Array(items) => {
            if let [Value::String(name), Value::String(value)] = items.as_slice() {
                pair(name, value, false, found);
            }
            items.iter().for_each(|item| search(item, depth, found));
        }
        Value::Object(members) => {
            let environment = members.iter().any(|(name, value)| value.is_string() && is_variable(name));
            let text = |name| members.get(name).and_then(Value::as_str);
            if let (Some(name), Some(value)) = (text("name"), text("value")) {
                pair(name, value, false, found);
            }
            if let (Some(_), Some(value)) = (text("keyName"), text("value")) {
                secret(value, found);
            }
            for (name, value) in members {
                match value {
                    Value::String(value) => pair(name, value, environment, found),
                    Value::Array(items) if matches!(name.as_str(), "environment" | "Env") => {
                        items
                            .iter()
                            .filter_map(Value::as_str)
                            .filter_map(|pair| pair.split_once('='))
                            .for_each(|(name, value)| pair(name, value, true, found));
                    }
                    _ => {}
                }
                search(value, depth, found);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// A value with its name. `environment`: whether those beside it are an environment's.
fn pair(name: &str, value: &str, environment: bool, found: &mut Vec<String>) {
    // The host's own: ids and addresses, but for the token, and what holds the container's environment.
    let own = name.starts_with("SOCKERLESS_") && name != "SOCKERLESS_AGENT_SPEC";
    if is_secret_name(name) || ((environment || is_variable(name)) && !own && !is_plain_url(value)) {
        secret(value, found);
    }
}

/// A URL without a password and without a query says where something is, and no more.
fn is_plain_url(value: &str) -> bool {
    value.contains("://") && !value.contains(['@', '?'])
}

/// The value, or of a connection string what is secret in it: a component may want to find the names.
pub(crate) fn secret(value: &str, found: &mut Vec<String>) {
    let parts: Option<Vec<_>> =
        value.split(';').filter(|part| !part.trim().is_empty()).map(|part| part.split_once('=')).collect();
    if let Some(parts) = parts.filter(|_| value.contains(';')) {
        let secrets = parts.iter().filter(|(name, _)| is_secret_name(name.trim()));
        let before = found.len();
        secrets.for_each(|(_, value)| secret_text(value.trim(), found));
        if found.len() > before {
            return;
        }
    }
    secret_text(value, found);
}

fn secret_text(value: &str, found: &mut Vec<String>) {
    if value.len() >= MIN_SECRET {
        found.push(value.to_owned());
    }
}

/// Parameters of a URL, and JSON in a text.
fn search_text(text: &str, depth: usize, found: &mut Vec<String>) {
    // Those by which Azure signs the URLs of its operations.
    const SIGNED: [&str; 3] = ["s", "c", "code"];
    if depth > 0
        && text.trim_start().starts_with(['{', '['])
        && let Ok(value) = serde_json::from_str::<Value>(text)
    {
        search(&value, depth - 1, found);
    } else if let Some((_, query)) = text.split_once('?').filter(|(before, _)| before.contains("://")) {
        for (name, value) in query.split('&').filter_map(|parameter| parameter.split_once('=')) {
            if is_secret_name(name) || SIGNED.contains(&name) {
                secret_text(value, found);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn names_tell() {
        for name in [
            "SOCKERLESS_AGENT_TOKEN",
            "AZURE_CLIENT_SECRET",
            "db-password",
            "accountKey",
            "x-functions-key",
            "API_KEY",
            "sig",
            "X-Registry-Auth",
            "Set-Cookie",
            "connectionString",
            "AccountKey",
        ] {
            assert!(is_secret_name(name), "{name}");
        }
        for name in ["key", "name", "location", "SOCKERLESS_AZF_LOCATION", "author", "design", "monkeys"] {
            assert!(!is_secret_name(name), "{name}");
        }
    }

    #[test]
    fn secrets_are_found_where_they_may_stand() {
        let body = json!({ "properties": { "SOCKERLESS_AGENT_TOKEN": "agent-token", "http_proxy": "http://u:pw@proxy" },
            "siteConfig": { "appSettings": [{ "name": "X_PASSWORD", "value": "in a pair" }] },
            "keys": [{ "keyName": "key1", "value": "storage-key" }] });
        let value = json!({
            "container": {
                "environment": ["greeting=from the user", "SHORT=1", "SITE=https://a.example/path"],
                "spec": json!({ "Env": ["DB_URL=postgres://u:p@h/x?y"] }).to_string(),
            },
            "response": { "headers": [["set-cookie", "a=cookie"], ["location", "https://a.example/?s=signed-url&t=123456"]],
                "body": body.to_string() },
            "connection_string": "AccountName=sockerless;AccountKey=in-a-connection-string==",
        });
        let found = find(&value);
        for secret in [
            "from the user",
            "postgres://u:p@h/x?y",
            "a=cookie",
            "signed-url",
            "agent-token",
            "http://u:pw@proxy",
            "in a pair",
            "storage-key",
            "in-a-connection-string==",
        ] {
            assert!(found.iter().any(|known| known == secret), "{secret}: {found:?}");
        }
        for plain in ["1", "https://a.example/path", "sockerless", "123456"] {
            assert!(!found.iter().any(|known| known == plain), "{plain}: {found:?}");
        }
    }
}
