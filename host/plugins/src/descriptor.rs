//! Whether a descriptor makes sense.

use std::collections::HashSet;

use sockerless_backend::types::Descriptor;

use crate::policy::HostPattern;
use crate::text::printable;

const MAX_KEYS: usize = 100;
const MAX_HOSTS: usize = 100;
const MAX_SCOPES: usize = 20;

/// Keys of a backend's configuration begin with this. A descriptor chooses its keys, and they are looked up in the daemon's
/// environment: without a prefix it could read any variable there, such as `AZURE_CLIENT_SECRET`.
const KEY_PREFIX: &str = "SOCKERLESS_";

/// Everything that is wrong with it.
pub(crate) fn problems(descriptor: &Descriptor) -> Vec<String> {
    let mut problems = Vec::new();
    let mut expect = |good: bool, problem: &dyn Fn() -> String| {
        if !good {
            problems.push(printable(&problem(), 300));
        }
    };

    let Descriptor { name, version, driver, operating_system, cpus, memory, config, hosts, scopes } = descriptor;
    expect(is_name(name), &|| {
        format!("name: `{name}` is not 1 to 32 lower-case letters, digits and hyphens, beginning and ending with none")
    });
    for (field, text) in [("version", version), ("driver", driver), ("operating-system", operating_system)] {
        let good = !text.trim().is_empty() && text.len() <= 128 && !text.contains(char::is_control);
        expect(good, &|| format!("{field}: must be 1 to 128 bytes on one line"));
    }
    expect(*cpus > 0, &|| "cpus: must be more than 0".into());
    expect(*memory > 0, &|| "memory: must be more than 0".into());

    expect(config.len() <= MAX_KEYS, &|| format!("config: has more than {MAX_KEYS} keys"));
    let mut seen = HashSet::new();
    for key in config.iter().take(MAX_KEYS) {
        let name = &key.name;
        expect(is_key(name), &|| {
            format!("config: `{name}` is not a key; write {KEY_PREFIX} and capital letters, digits and underscores")
        });
        expect(seen.insert(name), &|| format!("config: `{name}` occurs twice"));
        expect(!key.help.trim().is_empty(), &|| format!("config: `{name}` has no help text"));
    }

    expect(hosts.len() <= MAX_HOSTS, &|| format!("hosts: has more than {MAX_HOSTS}"));
    let mut patterns: Vec<HostPattern> = Vec::new();
    for host in hosts.iter().take(MAX_HOSTS) {
        match host.parse() {
            Ok(pattern) => patterns.push(pattern),
            Err(error) => expect(false, &|| format!("hosts: {error}")),
        }
    }

    expect(scopes.len() <= MAX_SCOPES, &|| format!("scopes: has more than {MAX_SCOPES}"));
    for grant in scopes.iter().take(MAX_SCOPES) {
        let scope = &grant.scope;
        let good = (1..=512).contains(&scope.len()) && scope.bytes().all(|byte| byte.is_ascii_graphic());
        expect(good, &|| format!("scopes: `{scope}` is not 1 to 512 printable characters"));
        expect(!grant.hosts.is_empty() && grant.hosts.len() <= MAX_HOSTS, &|| {
            format!("scopes: `{scope}` names no hosts, or more than {MAX_HOSTS}")
        });
        for host in grant.hosts.iter().take(MAX_HOSTS) {
            match host.parse::<HostPattern>() {
                Err(error) => expect(false, &|| format!("scopes: {error}")),
                Ok(pattern) => expect(patterns.iter().any(|wanted| wanted.covers(&pattern)), &|| {
                    format!("scopes: `{host}` of `{scope}` is not among `hosts`")
                }),
            }
        }
    }
    problems
}

fn is_name(name: &str) -> bool {
    (1..=32).contains(&name.len())
        && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        && !name.starts_with('-')
        && !name.ends_with('-')
}

fn is_key(name: &str) -> bool {
    name.len() <= 100
        && name.strip_prefix(KEY_PREFIX).is_some_and(|rest| {
            !rest.is_empty() && rest.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_')
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use sockerless_backend::types::{ConfigKey, ScopeGrant};

    fn good() -> Descriptor {
        let key = |name: &str| ConfigKey {
            name: name.into(),
            required: false,
            default_value: None,
            secret: false,
            help: "What it is for.".into(),
        };
        Descriptor {
            name: "azf".into(),
            version: "0.1.0".into(),
            driver: "azure-functions".into(),
            operating_system: "Azure Functions".into(),
            cpus: 2,
            memory: 4 << 30,
            config: vec![key("SOCKERLESS_AZF_LOCATION")],
            hosts: vec!["management.azure.com".into(), "*.azurewebsites.net".into()],
            scopes: vec![ScopeGrant { scope: "https://x/.default".into(), hosts: vec!["management.azure.com".into()] }],
        }
    }

    #[test]
    fn accepts_a_good_one_and_names_every_problem_of_a_bad_one() {
        assert_eq!(problems(&good()), Vec::<String>::new());
        let mut bad = good();
        bad.name = "A Z".into();
        bad.version = String::new();
        bad.cpus = 0;
        bad.config[0].name = "AZURE_CLIENT_SECRET".into();
        bad.config[0].help = String::new();
        bad.hosts.push("https://evil.example:1".into());
        bad.scopes[0].hosts.push("other.example".into());
        let problems = problems(&bad);
        assert_eq!(problems.len(), 7, "{problems:#?}");
        assert!(problems[3].contains("AZURE_CLIENT_SECRET"));
    }
}
