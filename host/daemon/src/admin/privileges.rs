//! What a backend wants, as the privileges that Docker shows before it installs a plugin.

use std::collections::BTreeSet;

use sockerless_backend::types::Descriptor;
use sockerless_docker::PluginPrivilege;
use sockerless_plugins::Limits;

/// What is the operator's to say, and not the component's to want.
const LIMITS: &str = "limits";

/// Hosts, credentials, keys of the configuration, and the limits of one call. What there is none of is left out.
pub(super) fn privileges(descriptor: &Descriptor, limits: &Limits) -> Vec<PluginPrivilege> {
    let scopes = descriptor.scopes.iter().map(|grant| format!("{} to {}", grant.scope, grant.hosts.join(" ")));
    let keys = descriptor.config.iter().map(|key| key.name.clone());
    let wishes = [
        ("hosts", "hosts that it sends requests to", descriptor.hosts.clone()),
        ("credentials", "tokens of the cloud, and the hosts that are sent them", scopes.collect()),
        ("configuration", "keys of the daemon's configuration that it reads", keys.collect()),
        (
            LIMITS,
            "what one of its calls may use",
            vec![
                format!("{} bytes of memory", limits.memory_bytes),
                format!("{} seconds of computing", limits.computing.as_secs_f64()),
                format!("{} bytes over HTTP", limits.http_bytes),
            ],
        ),
    ];
    let privilege = |(name, description, mut value): (&str, &str, Vec<String>)| {
        value.sort();
        PluginPrivilege { name: name.to_owned(), description: description.to_owned(), value }
    };
    wishes.into_iter().filter(|(_, _, value)| !value.is_empty()).map(privilege).collect()
}

/// Whether the two are the same, in whatever order.
pub(super) fn same(one: &[PluginPrivilege], other: &[PluginPrivilege]) -> bool {
    let all = |privileges: &[PluginPrivilege]| {
        let pairs = privileges.iter().flat_map(|privilege| {
            privilege.value.iter().map(|value| (privilege.name.clone(), value.clone())).collect::<Vec<_>>()
        });
        pairs.collect::<BTreeSet<_>>()
    };
    all(one) == all(other)
}

/// What is wanted beyond what was accepted, in words; nothing if there is nothing.
pub(super) fn beyond(wanted: &[PluginPrivilege], accepted: &[PluginPrivilege]) -> Option<String> {
    let is_accepted = |name: &str, value: &String| {
        accepted.iter().any(|privilege| privilege.name == name && privilege.value.contains(value))
    };
    let more: Vec<String> = wanted
        .iter()
        .filter(|privilege| privilege.name != LIMITS)
        .filter_map(|privilege| {
            let values = privilege.value.iter().filter(|value| !is_accepted(&privilege.name, value));
            let values: Vec<&str> = values.map(String::as_str).collect();
            (!values.is_empty()).then(|| format!("{}: {}", privilege.name, values.join(", ")))
        })
        .collect();
    (!more.is_empty()).then(|| more.join("; "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use sockerless_backend::types::{ConfigKey, ScopeGrant};

    fn descriptor(hosts: &[&str]) -> Descriptor {
        let key = ConfigKey {
            name: "SOCKERLESS_K".to_owned(),
            required: false,
            default_value: None,
            secret: false,
            help: "h".to_owned(),
        };
        Descriptor {
            name: "b".to_owned(),
            config: vec![key],
            hosts: hosts.iter().map(|host| (*host).to_owned()).collect(),
            scopes: hosts
                .iter()
                .map(|host| ScopeGrant { scope: "s".to_owned(), hosts: vec![(*host).to_owned()] })
                .collect(),
            ..Descriptor::default()
        }
    }

    #[test]
    fn what_is_wanted_is_named_and_held_against_what_was_accepted() {
        let small = privileges(&descriptor(&["a.net"]), &Limits::default());
        let names: Vec<_> = small.iter().map(|privilege| privilege.name.as_str()).collect();
        assert_eq!(names, ["hosts", "credentials", "configuration", "limits"]);
        let large = privileges(&descriptor(&["b.net", "a.net"]), &Limits::default());
        assert_eq!(beyond(&large, &small).as_deref(), Some("hosts: b.net; credentials: s to b.net"));
        assert_eq!(beyond(&small, &large), None);
        assert!(!same(&small, &large) && !same(&small, &[]));
        let turned: Vec<_> = large.iter().rev().cloned().collect();
        assert!(same(&large, &turned));

        // What the operator grants is no wish that has grown.
        let wide = Limits { memory_bytes: 1, ..Limits::default() };
        let wide = privileges(&descriptor(&["a.net"]), &wide);
        assert_eq!(beyond(&wide, &small), None);
        assert!(!same(&wide, &small), "and is shown before it is accepted");
    }
}
