//! Which service a request is for: told by the host it names, and on the emulator's own address by the
//! path.

use std::net::IpAddr;

use crate::config::Names;
use crate::identity::APP_SERVICE_PATH;

/// A service of the emulator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Service {
    /// The resource manager.
    Arm,
    /// The token endpoint.
    Login,
    /// Log Analytics.
    Logs,
    /// Application Insights ingestion.
    Ingestion,
    /// The front end of a site.
    Site(String),
    /// The deployment site of a site.
    Scm(String),
    /// The file service of a storage account.
    Files(String),
    /// Managed identity.
    Metadata,
    /// The emulator's own control API.
    Control,
}

/// The path prefix of the control API on the emulator's own address.
pub(crate) const CONTROL_PREFIX: &str = "/_control";

impl Service {
    /// The service of a cloud for a host (with or without a port) and a path.
    pub(crate) fn of(cloud: &Names, host: &str, path: &str) -> Option<Self> {
        let name = without_port(host).trim_end_matches('.').to_ascii_lowercase();
        match name.as_str() {
            arm if arm == cloud.arm => return Some(Self::Arm),
            login if cloud.login.contains(&login) => return Some(Self::Login),
            logs if cloud.logs.contains(&logs) => return Some(Self::Logs),
            "169.254.169.254" => return Some(Self::Metadata),
            "control.emulator" => return Some(Self::Control),
            _ => {}
        }
        if let Some(site) = below(&name, cloud.sites) {
            let (site, kind) = match site.strip_suffix(".scm") {
                Some(site) => (site, Self::Scm as fn(String) -> Self),
                None => (site, Self::Site as fn(String) -> Self),
            };
            let is_name = !site.is_empty() && !site.contains('.');
            return is_name.then(|| kind(site.to_owned()));
        }
        if let Some(account) = below(&name, cloud.files) {
            return (!account.is_empty() && !account.contains('.')).then(|| Self::Files(account.to_owned()));
        }
        if below(&name, cloud.ingestion).is_some() {
            return Some(Self::Ingestion);
        }
        if !is_own_address(&name) {
            return None;
        }
        if is_track(path) {
            return Some(Self::Ingestion);
        }
        if path.trim_end_matches('/') == APP_SERVICE_PATH {
            return Some(Self::Metadata);
        }
        let rest = path.strip_prefix(CONTROL_PREFIX)?;
        (rest.is_empty() || rest.starts_with('/')).then_some(Self::Control)
    }

    /// Its name in the list of requests and in faults.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Arm => "arm",
            Self::Login => "login",
            Self::Logs => "logs",
            Self::Ingestion => "ingestion",
            Self::Site(_) => "site",
            Self::Scm(_) => "scm",
            Self::Files(_) => "files",
            Self::Metadata => "metadata",
            Self::Control => "control",
        }
    }
}

/// Whether a path is that of telemetry.
pub(crate) fn is_track(path: &str) -> bool {
    matches!(path.trim_end_matches('/'), "/v2/track" | "/v2.1/track")
}

/// What stands before a domain.
fn below<'a>(name: &'a str, domain: &str) -> Option<&'a str> {
    name.strip_suffix(domain)?.strip_suffix('.')
}

fn without_port(host: &str) -> &str {
    if let Some(bracketed) = host.strip_prefix('[') {
        return bracketed.split(']').next().unwrap_or(bracketed);
    }
    host.split(':').next().unwrap_or(host)
}

fn is_own_address(name: &str) -> bool {
    name == "localhost" || name.parse::<IpAddr>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Cloud;

    fn of(host: &str, path: &str) -> Option<Service> {
        Service::of(Cloud::Public.names(), host, path)
    }

    #[test]
    fn hosts_are_told_apart_without_regard_to_case_and_port() {
        for (host, service) in [
            ("management.azure.com", Service::Arm),
            ("Management.Azure.com:443", Service::Arm),
            ("login.microsoftonline.com", Service::Login),
            ("api.loganalytics.azure.com", Service::Logs),
            ("eastus-8.in.applicationinsights.azure.com", Service::Ingestion),
            ("Skls-1.azurewebsites.net", Service::Site("skls-1".to_owned())),
            ("skls-1.SCM.azurewebsites.net", Service::Scm("skls-1".to_owned())),
            ("Account1.file.core.windows.net:443", Service::Files("account1".to_owned())),
            ("169.254.169.254", Service::Metadata),
            ("control.emulator", Service::Control),
        ] {
            assert_eq!(of(host, "/"), Some(service), "{host}");
        }
    }

    #[test]
    fn a_cloud_has_its_own_hosts_and_no_others() {
        let (gov, china) = (Cloud::UsGovernment.names(), Cloud::China.names());
        for (cloud, host, service) in [
            (gov, "management.usgovcloudapi.net", Some(Service::Arm)),
            (gov, "login.microsoftonline.us", Some(Service::Login)),
            (gov, "api.loganalytics.us", Some(Service::Logs)),
            (gov, "a.azurewebsites.us", Some(Service::Site("a".to_owned()))),
            (gov, "a.file.core.usgovcloudapi.net", Some(Service::Files("a".to_owned()))),
            (gov, "a.azurewebsites.net", None),
            (gov, "a.file.core.windows.net", None),
            (gov, "management.azure.com", None),
            (china, "management.chinacloudapi.cn", Some(Service::Arm)),
            (china, "login.chinacloudapi.cn", Some(Service::Login)),
            (china, "api.loganalytics.azure.cn", Some(Service::Logs)),
            (china, "a.scm.chinacloudsites.cn", Some(Service::Scm("a".to_owned()))),
            (china, "a.file.core.chinacloudapi.cn", Some(Service::Files("a".to_owned()))),
            (china, "login.microsoftonline.us", None),
            (china, "a.file.core.usgovcloudapi.net", None),
        ] {
            assert_eq!(Service::of(cloud, host, "/"), service, "{host}");
        }
    }

    #[test]
    fn the_own_address_is_told_apart_by_path() {
        for host in ["127.0.0.1:4567", "localhost", "[::1]:80"] {
            assert_eq!(of(host, "/v2/track"), Some(Service::Ingestion));
            assert_eq!(of(host, "/v2.1/track"), Some(Service::Ingestion));
            assert_eq!(of(host, "/_control/apps"), Some(Service::Control));
            assert_eq!(of(host, "/msi/token"), Some(Service::Metadata));
            assert_eq!(of(host, "/_controls"), None);
            assert_eq!(of(host, "/"), None);
        }
    }

    #[test]
    fn other_hosts_are_nobody() {
        for host in [
            "example.com",
            "azurewebsites.net",
            ".azurewebsites.net",
            ".scm.azurewebsites.net",
            "a.b.azurewebsites.net",
            "file.core.windows.net",
            "a.b.file.core.windows.net",
            "",
        ] {
            assert_eq!(of(host, "/v2/track"), None, "{host}");
        }
    }
}
