//! Azure's clouds: the same services under other names.

/// The names of one cloud.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Cloud {
    /// As it is written in the configuration.
    pub(crate) name: &'static str,
    /// Host of the resource manager.
    pub(crate) arm_host: &'static str,
    /// Scope of the resource manager.
    pub(crate) arm_scope: &'static str,
    /// Host of the query service of Log Analytics.
    pub(crate) logs_host: &'static str,
    /// Scope of Log Analytics.
    pub(crate) logs_scope: &'static str,
    /// Domain of the apps.
    pub(crate) sites_domain: &'static str,
    /// Domain of the storage services.
    pub(crate) storage_domain: &'static str,
    /// Domain of Azure's container registries.
    pub(crate) registry_domain: &'static str,
}

/// All of them, the one that everybody has first.
pub(crate) const CLOUDS: [Cloud; 3] = [
    Cloud {
        name: "public",
        arm_host: "management.azure.com",
        arm_scope: "https://management.azure.com/.default",
        logs_host: "api.loganalytics.azure.com",
        // The scope has kept the name that the host had.
        logs_scope: "https://api.loganalytics.io/.default",
        sites_domain: "azurewebsites.net",
        storage_domain: "core.windows.net",
        registry_domain: "azurecr.io",
    },
    Cloud {
        name: "usgov",
        arm_host: "management.usgovcloudapi.net",
        arm_scope: "https://management.usgovcloudapi.net/.default",
        logs_host: "api.loganalytics.us",
        logs_scope: "https://api.loganalytics.us/.default",
        sites_domain: "azurewebsites.us",
        storage_domain: "core.usgovcloudapi.net",
        registry_domain: "azurecr.us",
    },
    Cloud {
        name: "china",
        arm_host: "management.chinacloudapi.cn",
        arm_scope: "https://management.chinacloudapi.cn/.default",
        logs_host: "api.loganalytics.azure.cn",
        logs_scope: "https://api.loganalytics.azure.cn/.default",
        sites_domain: "chinacloudsites.cn",
        storage_domain: "core.chinacloudapi.cn",
        registry_domain: "azurecr.cn",
    },
];

impl Cloud {
    /// The cloud that everybody has.
    pub(crate) const PUBLIC: &'static Cloud = &CLOUDS[0];

    /// The cloud of this name.
    pub(crate) fn named(name: &str) -> Option<&'static Self> {
        CLOUDS.iter().find(|cloud| cloud.name.eq_ignore_ascii_case(name))
    }
}
