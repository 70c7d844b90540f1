//! The operator's rules.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;

use serde::Deserialize;

use super::pattern::{HostPattern, InvalidPattern};
use super::requests::{InvalidRequests, Requests};

/// How a server is spoken to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scheme {
    /// In the clear. Only by an explicit rule.
    Http,
    /// By TLS.
    Https,
}

impl Scheme {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
        }
    }

    fn default_port(self) -> u16 {
        match self {
            Self::Http => 80,
            Self::Https => 443,
        }
    }
}

/// A host that an operator grants: `example.com`, `*.example.com`, `https://example.com:8443`,
/// `http://10.0.0.7:8080`.
///
/// In TOML a string, or a table `{ host = "…", private = true }`, or `{ host = "http://name", socket = "/run/name.sock" }`. A table may
/// have `path-prefix` and `methods` as well.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Form")]
pub struct HostRule {
    /// `https` unless it says otherwise.
    pub scheme: Scheme,
    /// Which hosts.
    pub host: HostPattern,
    /// The scheme's own unless it says otherwise.
    pub port: u16,
    /// Whether the host may be at a private, loopback or link-local address. True by itself for a rule that names an
    /// address or `localhost`. Addresses of metadata services are never reached.
    pub private: bool,
    /// The unix socket at which the host is, instead of at an address: its name is never resolved then.
    pub socket: Option<Arc<Path>>,
    /// Which requests it may be sent.
    pub requests: Requests,
}

/// The text is no rule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidRule {
    /// Its host is none.
    #[error(transparent)]
    Host(#[from] InvalidPattern),
    /// Its scheme is none that is spoken.
    #[error("`{0}` has a scheme other than http and https")]
    Scheme(String),
    /// Its port is none.
    #[error("`{0}` has a port that is not a number from 1 to 65535")]
    Port(String),
    /// Its path prefix or its methods are none.
    #[error("the rule for `{host}` {error}")]
    Requests {
        /// Its host.
        host: String,
        /// What is wrong.
        error: InvalidRequests,
    },
    /// It names a socket in a way that cannot be meant.
    #[error("the rule for `{host}` names a socket, but {reason}")]
    Socket {
        /// Its host.
        host: String,
        /// What is wrong.
        reason: &'static str,
    },
}

impl HostRule {
    /// https, port 443, public addresses.
    pub(crate) fn public(host: HostPattern) -> Self {
        Self { scheme: Scheme::Https, host, port: 443, private: false, socket: None, requests: Requests::default() }
    }
}

impl FromStr for HostRule {
    type Err = InvalidRule;

    fn from_str(text: &str) -> Result<Self, InvalidRule> {
        let (scheme, rest) = match text.split_once("://") {
            None => (Scheme::Https, text),
            Some(("https", rest)) => (Scheme::Https, rest),
            Some(("http", rest)) => (Scheme::Http, rest),
            Some(_) => return Err(InvalidRule::Scheme(text.to_owned())),
        };
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        let (host, port) = match rest.rsplit_once(':') {
            // The colons of an IPv6 address are within its brackets.
            Some((host, port)) if !port.ends_with(']') => {
                let port = port.parse().ok().filter(|port| *port != 0);
                (host, port.ok_or_else(|| InvalidRule::Port(text.to_owned()))?)
            }
            _ => (rest, scheme.default_port()),
        };
        let host: HostPattern = host.parse()?;
        let private = host.is_address();
        Ok(Self { scheme, host, port, private, socket: None, requests: Requests::default() })
    }
}

impl fmt::Display for HostRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.scheme.name(), self.host)?;
        if self.port == self.scheme.default_port() { Ok(()) } else { write!(f, ":{}", self.port) }
    }
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Form {
    Text(String),
    Table(Table),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    host: String,
    #[serde(default)]
    private: bool,
    socket: Option<PathBuf>,
    #[serde(rename = "path-prefix")]
    path_prefix: Option<String>,
    methods: Option<Vec<String>>,
}

impl TryFrom<Form> for HostRule {
    type Error = InvalidRule;

    fn try_from(form: Form) -> Result<Self, InvalidRule> {
        match form {
            Form::Text(text) => text.parse(),
            Form::Table(Table { host, private, socket, path_prefix, methods }) => {
                let mut rule: Self = host.parse()?;
                rule.private |= private;
                rule.requests = Requests::new(path_prefix.as_deref(), methods)
                    .map_err(|error| InvalidRule::Requests { host: rule.host.to_string(), error })?;
                match socket {
                    None => Ok(rule),
                    Some(socket) => rule.at(&socket),
                }
            }
        }
    }
}

impl HostRule {
    /// The same host, at a unix socket.
    fn at(self, socket: &Path) -> Result<Self, InvalidRule> {
        let refuse = |reason| Err(InvalidRule::Socket { host: self.host.to_string(), reason });
        if !socket.is_absolute() {
            return refuse("its path does not begin with /");
        }
        if self.scheme != Scheme::Http {
            return refuse("TLS is not spoken over one: write http:// before the host");
        }
        if self.private || self.host.is_pattern() {
            return refuse(
                "a socket is one host with a name of its own: no address, no localhost, no * and no `private`",
            );
        }
        Ok(Self { socket: Some(socket.into()), ..self })
    }
}

/// A scope that an operator grants.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScopeRule {
    /// For example `https://management.azure.com/.default`.
    pub scope: String,
    /// Hosts that may be given such a token. Absent: those for which the backend asks.
    pub hosts: Option<Vec<HostPattern>>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(text: &str) -> HostRule {
        text.parse().unwrap()
    }

    #[test]
    fn reads_texts_and_tables() {
        let policy = r#"{"hosts": ["a.net", {"host": "b.net", "private": true}], "scopes": [{"scope": "s"}]}"#;
        let policy: crate::Policy = serde_json::from_str(policy).unwrap();
        let hosts = policy.hosts.unwrap();
        assert!(!hosts[0].private && hosts[1].private);
        assert_eq!(policy.scopes.unwrap()[0].hosts, None);
        assert!(serde_json::from_str::<HostRule>(r#""ftp://a.net""#).is_err());
    }

    #[test]
    fn a_socket_is_one_named_host_in_the_clear() {
        let read = |text: &str| serde_json::from_str::<HostRule>(text);
        let rule = read(r#"{"host": "http://engine.docker", "socket": "/run/docker.sock"}"#).unwrap();
        assert_eq!(rule.socket.as_deref(), Some(Path::new("/run/docker.sock")));
        for text in [
            r#"{"host": "engine.docker", "socket": "/run/docker.sock"}"#,
            r#"{"host": "http://engine.docker", "socket": "run/docker.sock"}"#,
            r#"{"host": "http://*.docker.net", "socket": "/run/docker.sock"}"#,
            r#"{"host": "http://127.0.0.1", "socket": "/run/docker.sock"}"#,
            r#"{"host": "http://engine.docker", "private": true, "socket": "/run/docker.sock"}"#,
        ] {
            assert!(read(text).is_err(), "{text}");
        }
    }

    #[test]
    fn reads_scheme_host_and_port() {
        assert_eq!(rule("example.com").to_string(), "https://example.com");
        assert_eq!(rule("http://example.com/").port, 80);
        assert_eq!(rule("https://*.example.com:8443").to_string(), "https://*.example.com:8443");
        assert_eq!(rule("http://[::1]:8080").port, 8080);
        assert_eq!(rule("http://[::1]").port, 80);
        assert!(rule("http://127.0.0.1:9").private);
        assert!(!rule("http://example.com").private);
        for text in ["ftp://a.net", "a.net:0", "a.net:x", "a.net/path"] {
            assert!(text.parse::<HostRule>().is_err(), "{text}");
        }
    }
}
