//! What a backend wants, as the privileges that Docker shows before it installs a plugin.

use sockerless_backend::types::Descriptor;
use sockerless_docker::PluginPrivilege;
use sockerless_plugins::Limits;

/// Hosts, credentials, keys of the configuration, and the limits of one call. What there is none of is left out.
pub(super) fn privileges(descriptor: &Descriptor, limits: &Limits) -> Vec<PluginPrivilege> {
    let scopes = descriptor.scopes.iter().map(|grant| format!("{} to {}", grant.scope, grant.hosts.join(" ")));
    let keys = descriptor.config.iter().map(|key| key.name.clone());
    let wishes = [
        ("hosts", "hosts that it sends requests to", descriptor.hosts.clone()),
        ("credentials", "tokens of the cloud, and the hosts that are sent them", scopes.collect()),
        ("configuration", "keys of the daemon's configuration that it reads", keys.collect()),
        (
            "limits",
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
