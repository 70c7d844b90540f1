//! Patterns of host names.

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use serde::Deserialize;

/// A host, or `*.` and a domain: exactly one label more.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Deserialize)]
#[serde(try_from = "String")]
pub struct HostPattern {
    wildcard: bool,
    /// In lower case; an IPv6 address in brackets.
    host: String,
}

/// The text is no pattern of hosts.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a host: {reason}; write `example.com`, or `*.example.com` for exactly one label more")]
pub struct InvalidPattern {
    text: String,
    reason: &'static str,
}

impl HostPattern {
    /// Whether a host is meant. `host` is as a parsed URL has it: in lower case, an IPv6 address in brackets.
    #[must_use]
    pub fn matches(&self, host: &str) -> bool {
        if !self.wildcard {
            return host == self.host;
        }
        host.strip_suffix(&self.host)
            .and_then(|front| front.strip_suffix('.'))
            .is_some_and(|label| !label.is_empty() && !label.contains('.'))
    }

    /// Whether every host that `other` matches is matched.
    #[must_use]
    pub fn covers(&self, other: &Self) -> bool {
        self == other || (!other.wildcard && self.matches(&other.host))
    }

    /// Whether it may match more than one host.
    pub(super) fn is_pattern(&self) -> bool {
        self.wildcard
    }

    /// Whether it is an address or this machine, instead of a name of the public DNS.
    #[must_use]
    pub fn is_address(&self) -> bool {
        is_address(&self.host) || self.host == "localhost"
    }
}

fn is_address(host: &str) -> bool {
    host.parse::<Ipv4Addr>().is_ok()
        || host.strip_prefix('[').and_then(|h| h.strip_suffix(']')).is_some_and(|h| h.parse::<Ipv6Addr>().is_ok())
}

impl FromStr for HostPattern {
    type Err = InvalidPattern;

    fn from_str(text: &str) -> Result<Self, InvalidPattern> {
        let refuse = |reason| Err(InvalidPattern { text: text.chars().take(100).collect(), reason });
        let lower = text.to_ascii_lowercase();
        let (wildcard, host) = match lower.strip_prefix("*.") {
            Some(domain) => (true, domain.to_owned()),
            None => (false, lower),
        };
        if is_address(&host) && !wildcard {
            return Ok(Self { wildcard, host });
        }
        if host.contains(':') {
            return refuse("it has a port or a scheme, which are the operator's to grant");
        }
        if host.len() > 253 {
            return refuse("it is longer than 253 characters");
        }
        let label = |label: &str| {
            (1..=63).contains(&label.len())
                && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
        };
        if !host.split('.').all(label) {
            return refuse("its labels must be of 1 to 63 letters, digits and hyphens");
        }
        if wildcard && !host.contains('.') {
            return refuse("a whole top-level domain is too much");
        }
        Ok(Self { wildcard, host })
    }
}

impl TryFrom<String> for HostPattern {
    type Error = InvalidPattern;

    fn try_from(text: String) -> Result<Self, InvalidPattern> {
        text.parse()
    }
}

impl fmt::Display for HostPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", if self.wildcard { "*." } else { "" }, self.host)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pattern(text: &str) -> HostPattern {
        text.parse().unwrap()
    }

    #[test]
    fn a_wildcard_is_one_label() {
        let sites = pattern("*.azurewebsites.net");
        assert!(sites.matches("a.azurewebsites.net"));
        assert!(!sites.matches("azurewebsites.net"));
        assert!(!sites.matches(".azurewebsites.net"));
        assert!(!sites.matches("a.scm.azurewebsites.net"));
        assert!(!sites.matches("aazurewebsites.net"));
        assert!(!sites.matches("a.azurewebsites.net.evil.com"));
        assert!(pattern("Management.Azure.com").matches("management.azure.com"));
    }

    #[test]
    fn covers_what_it_matches() {
        assert!(pattern("*.a.net").covers(&pattern("x.a.net")));
        assert!(pattern("*.a.net").covers(&pattern("*.a.net")));
        assert!(!pattern("*.a.net").covers(&pattern("*.b.a.net")));
        assert!(!pattern("x.a.net").covers(&pattern("*.a.net")));
    }

    #[test]
    fn refuses_what_is_no_host() {
        for text in ["", "*", "*.com", "a..b", "https://a.net", "a.net:80", "a/b", "ä.net", "a.net ", "*.*.net"] {
            assert!(text.parse::<HostPattern>().is_err(), "{text}");
        }
        assert!(pattern("127.0.0.1").is_address());
        assert!(pattern("[::1]").is_address());
    }
}
