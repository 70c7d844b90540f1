//! Who this backend is.

use crate::bindings::backend::{ConfigKey, Descriptor, ScopeGrant};
use crate::cloud::Cloud;
use crate::config::{self, KEYS};
use crate::world::World;

/// What `docker info` shows of a function app: figures of the mapping, not of a plan.
const CPUS: u32 = 2;
const MEMORY: u64 = 4 << 30;

/// The descriptor. Only the hosts and scopes depend on the configuration: each cloud has its own.
pub(crate) fn describe(world: &dyn World) -> Descriptor {
    // A cloud that does not exist is an error of `check`, which can say so; here any is as good.
    let name = world.config(config::CLOUD);
    let cloud = name.as_deref().and_then(Cloud::named).unwrap_or(Cloud::PUBLIC);
    let config = KEYS.iter().map(|key| ConfigKey {
        name: key.name.to_owned(),
        required: key.required,
        default_value: key.default.map(str::to_owned),
        secret: key.secret,
        help: key.help.to_owned(),
    });
    let grant = |scope: &str, host: &str| ScopeGrant { scope: scope.to_owned(), hosts: vec![host.to_owned()] };
    Descriptor {
        name: "azf".to_owned(),
        version: option_env!("SOCKERLESS_AZF_VERSION").unwrap_or(env!("CARGO_PKG_VERSION")).to_owned(),
        driver: "azure-functions".to_owned(),
        operating_system: "Azure Functions".to_owned(),
        cpus: CPUS,
        memory: MEMORY,
        config: config.collect(),
        hosts: vec![cloud.arm_host.to_owned(), cloud.logs_host.to_owned(), format!("*.{}", cloud.sites_domain)],
        scopes: vec![grant(cloud.arm_scope, cloud.arm_host), grant(cloud.logs_scope, cloud.logs_host)],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Script;

    #[test]
    fn info_shows_what_the_mapping_says() {
        let descriptor = describe(&Script::bare());
        assert_eq!(
            (descriptor.name.as_str(), descriptor.driver.as_str(), descriptor.operating_system.as_str()),
            ("azf", "azure-functions", "Azure Functions")
        );
        assert_eq!((descriptor.cpus, descriptor.memory), (2, 4 << 30));
        assert!(!descriptor.version.is_empty());
        assert_eq!(descriptor.hosts, ["management.azure.com", "api.loganalytics.azure.com", "*.azurewebsites.net"]);
        assert_eq!(descriptor.scopes[1].scope, "https://api.loganalytics.io/.default");
    }

    #[test]
    fn another_cloud_has_other_hosts_and_the_same_keys() {
        let public = describe(&Script::bare());
        let china = describe(&Script::bare().with(config::CLOUD, "China"));
        assert_eq!(china.hosts, ["management.chinacloudapi.cn", "api.loganalytics.azure.cn", "*.chinacloudsites.cn"]);
        assert_eq!(public.config, china.config);
        let gov = describe(&Script::bare().with(config::CLOUD, "usgov"));
        assert_eq!(gov.scopes[0].hosts, ["management.usgovcloudapi.net"]);
    }

    #[test]
    fn keys_have_the_prefix_a_help_text_and_no_secret_default() {
        for key in describe(&Script::bare()).config {
            assert!(key.name.starts_with("SOCKERLESS_AZF_"), "{}", key.name);
            assert!(key.help.ends_with('.'), "{}", key.help);
            assert!(!(key.required && key.default_value.is_some()), "{}", key.name);
        }
    }
}
