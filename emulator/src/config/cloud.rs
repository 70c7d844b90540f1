//! Azure's clouds: the same services under other names, and none of them knows the tokens of another.

use serde::{Deserialize, Serialize};

/// Which cloud is emulated.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Cloud {
    /// The one that everybody has.
    #[default]
    Public,
    /// That of the government of the United States.
    UsGovernment,
    /// That of China, which 21Vianet runs.
    China,
}

/// The names of one cloud. Of several hosts or resources the first is the one that answers speak of.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Names {
    /// Hosts of the directory.
    pub(crate) login: &'static [&'static str],
    /// Under which name clients of the directory keep its tokens.
    pub(crate) login_cache: &'static str,
    /// What the directory calls itself.
    pub(crate) instance: &'static str,
    /// Host of the resource manager.
    pub(crate) arm: &'static str,
    /// What a token for the resource manager may be asked for.
    pub(crate) arm_resources: &'static [&'static str],
    /// Hosts of the log query.
    pub(crate) logs: &'static [&'static str],
    /// What a token for the log query may be asked for.
    pub(crate) logs_resources: &'static [&'static str],
    /// Domain of the apps.
    pub(crate) sites: &'static str,
    /// Domain of the storage accounts' file services.
    pub(crate) files: &'static str,
    /// Domain of telemetry, below which each region has its hosts.
    pub(crate) ingestion: &'static str,
    /// What the azf backend calls the cloud.
    pub(crate) setting: &'static str,
}

const PUBLIC: Names = Names {
    login: &["login.microsoftonline.com", "login.windows.net", "login.microsoft.com", "sts.windows.net"],
    login_cache: "login.windows.net",
    instance: "microsoftonline.com",
    arm: "management.azure.com",
    arm_resources: &["https://management.azure.com", "https://management.core.windows.net"],
    logs: &["api.loganalytics.azure.com", "api.loganalytics.io"],
    logs_resources: &["https://api.loganalytics.io", "https://api.loganalytics.azure.com"],
    sites: "azurewebsites.net",
    files: "file.core.windows.net",
    ingestion: "in.applicationinsights.azure.com",
    setting: "public",
};

const US_GOVERNMENT: Names = Names {
    login: &["login.microsoftonline.us", "login.usgovcloudapi.net"],
    login_cache: "login.microsoftonline.us",
    instance: "microsoftonline.us",
    arm: "management.usgovcloudapi.net",
    arm_resources: &["https://management.usgovcloudapi.net", "https://management.core.usgovcloudapi.net"],
    logs: &["api.loganalytics.us"],
    logs_resources: &["https://api.loganalytics.us"],
    sites: "azurewebsites.us",
    files: "file.core.usgovcloudapi.net",
    ingestion: "in.applicationinsights.azure.us",
    setting: "usgov",
};

const CHINA: Names = Names {
    login: &["login.chinacloudapi.cn", "login.partner.microsoftonline.cn"],
    login_cache: "login.partner.microsoftonline.cn",
    instance: "partner.microsoftonline.cn",
    arm: "management.chinacloudapi.cn",
    arm_resources: &["https://management.chinacloudapi.cn", "https://management.core.chinacloudapi.cn"],
    logs: &["api.loganalytics.azure.cn"],
    logs_resources: &["https://api.loganalytics.azure.cn"],
    sites: "chinacloudsites.cn",
    files: "file.core.chinacloudapi.cn",
    ingestion: "in.applicationinsights.azure.cn",
    setting: "china",
};

impl Cloud {
    /// How everything is called there.
    pub(crate) fn names(self) -> &'static Names {
        match self {
            Self::Public => &PUBLIC,
            Self::UsGovernment => &US_GOVERNMENT,
            Self::China => &CHINA,
        }
    }
}
