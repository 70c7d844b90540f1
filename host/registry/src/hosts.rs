//! Where a registry is, and by which scheme it may be spoken to.

use std::collections::BTreeSet;

use sockerless_engine::Error;
use url::{Host, Url};

/// The name that stands for Docker's own registry.
const DOCKER: &str = "docker.io";
/// What it was called once, and is still logged in to.
const DOCKER_INDEX: &str = "index.docker.io";
/// Where it is.
const DOCKER_REGISTRY: &str = "registry-1.docker.io";

/// To which hosts plain HTTP may be spoken: this machine's own, and those that the operator names.
#[derive(Debug, Clone, Default)]
pub(crate) struct Hosts {
    insecure: BTreeSet<String>,
}

impl Hosts {
    /// `insecure`: `host` or `host:port`.
    pub(crate) fn new(insecure: impl IntoIterator<Item = String>) -> Self {
        let insecure =
            insecure.into_iter().map(|host| host.trim().to_ascii_lowercase()).filter(|host| !host.is_empty());
        Self { insecure: insecure.collect() }
    }

    /// The base URLs under which a registry may be found, in the order in which they are tried. HTTPS always is the first.
    pub(crate) fn of_registry(&self, domain: &str) -> Result<Vec<Url>, Error> {
        let host = if matches!(domain, DOCKER | DOCKER_INDEX) { DOCKER_REGISTRY } else { domain };
        self.urls(host)
    }

    /// The same for the API of version 1 by which registries are searched.
    pub(crate) fn of_index(&self, domain: &str) -> Result<Vec<Url>, Error> {
        self.urls(if domain == DOCKER { DOCKER_INDEX } else { domain })
    }

    fn urls(&self, authority: &str) -> Result<Vec<Url>, Error> {
        let url = |scheme: &str| {
            Url::parse(&format!("{scheme}://{authority}/"))
                .ok()
                .filter(|url| url.username().is_empty() && url.password().is_none() && url.path() == "/")
                .ok_or_else(|| Error::invalid(format!("invalid registry host: {authority:?}")))
        };
        let mut urls = vec![url("https")?];
        let plain = url("http")?;
        if self.admits(&plain) {
            urls.push(plain);
        }
        Ok(urls)
    }

    /// Whether a request may go to a URL.
    pub(crate) fn admits(&self, url: &Url) -> bool {
        match url.scheme() {
            "https" => url.host().is_some(),
            "http" => self.admits_plain(url),
            _ => false,
        }
    }

    fn admits_plain(&self, url: &Url) -> bool {
        let loopback = match url.host() {
            Some(Host::Ipv4(address)) => address.is_loopback(),
            Some(Host::Ipv6(address)) => address.is_loopback(),
            Some(Host::Domain(name)) => name == "localhost",
            None => return false,
        };
        let host = url.host_str().unwrap_or_default();
        let named = self.insecure.contains(host)
            || url.port_or_known_default().is_some_and(|port| self.insecure.contains(&format!("{host}:{port}")));
        loopback || named
    }
}

/// Host and port of a registry as users write it to `docker login`: with or without scheme and path.
pub(crate) fn of_address(address: &str) -> Result<String, Error> {
    let address = address.trim();
    if address.is_empty() {
        return Ok(DOCKER_INDEX.to_owned());
    }
    let full = if address.starts_with("https://") || address.starts_with("http://") {
        address.to_owned()
    } else {
        format!("https://{address}")
    };
    let url = Url::parse(&full).map_err(|error| Error::invalid(format!("unable to parse server address: {error}")))?;
    match (url.host_str(), url.port()) {
        (Some(host), None) => Ok(host.to_owned()),
        (Some(host), Some(port)) => Ok(format!("{host}:{port}")),
        (None, _) => Err(Error::invalid(format!("unable to parse server address: {address:?} names no host"))),
    }
}

#[cfg(test)]
mod tests {
    use super::{Hosts, of_address};

    fn shown(hosts: &Hosts, domain: &str) -> Vec<String> {
        hosts.of_registry(domain).unwrap().iter().map(ToString::to_string).collect()
    }

    #[test]
    fn plain_http_is_for_this_machine_and_for_those_that_are_named() {
        let hosts = Hosts::new(["Registry.lan".to_owned(), "other.lan:5000".to_owned(), " ".to_owned()]);
        assert_eq!(shown(&hosts, "docker.io"), ["https://registry-1.docker.io/"]);
        assert_eq!(shown(&hosts, "ghcr.io"), ["https://ghcr.io/"]);
        assert_eq!(shown(&hosts, "localhost:5000"), ["https://localhost:5000/", "http://localhost:5000/"]);
        assert_eq!(shown(&hosts, "127.8.0.1:1"), ["https://127.8.0.1:1/", "http://127.8.0.1:1/"]);
        assert_eq!(shown(&hosts, "[::1]:5000"), ["https://[::1]:5000/", "http://[::1]:5000/"]);
        assert_eq!(shown(&hosts, "registry.lan:8080").len(), 2);
        assert_eq!(shown(&hosts, "other.lan:5000").len(), 2);
        for secure in ["other.lan", "other.lan:5001", "10.0.0.1", "localhost.example", "127.0.0.1.example"] {
            assert_eq!(shown(&hosts, secure).len(), 1, "{secure}");
        }
        assert!(hosts.of_registry("host:99999").is_err());
        assert!(!hosts.admits(&"http://169.254.169.254/".parse().unwrap()));
        assert!(!hosts.admits(&"file:///etc/passwd".parse().unwrap()));
        assert_eq!(hosts.of_index("docker.io").unwrap()[0].as_str(), "https://index.docker.io/");
    }

    #[test]
    fn addresses_of_logins() {
        for (address, host) in [
            ("", "index.docker.io"),
            ("https://index.docker.io/v1/", "index.docker.io"),
            ("ghcr.io", "ghcr.io"),
            ("http://localhost:5000", "localhost:5000"),
            ("127.0.0.1:5000/v2/", "127.0.0.1:5000"),
        ] {
            assert_eq!(of_address(address).unwrap(), host, "{address}");
        }
        assert!(of_address("http:// bad").unwrap_err().message.starts_with("unable to parse server address: "));
    }
}
