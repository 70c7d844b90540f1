//! Where a daemon is: `unix:///path` or `tcp://address:port`; and where one serves, which may be `fd://name` as well.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use serde::{Deserialize, Deserializer};

use crate::inherited;

/// The address of a Docker API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Address {
    Unix(PathBuf),
    /// Host and port.
    Tcp(String),
}

impl FromStr for Address {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("\"{text}\" is no address of a daemon: write unix:///path or tcp://address:port");
        if let Some(path) = text.strip_prefix("unix://") {
            return if path.starts_with('/') { Ok(Self::Unix(path.into())) } else { Err(wrong()) };
        }
        let authority = text.strip_prefix("tcp://").ok_or_else(wrong)?;
        let authority = authority.strip_suffix('/').unwrap_or(authority);
        match authority.rsplit_once(':') {
            Some((host, port)) if !host.is_empty() && port.parse::<u16>().is_ok() => {
                Ok(Self::Tcp(authority.to_owned()))
            }
            _ => Err(wrong()),
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unix(path) => write!(formatter, "unix://{}", path.display()),
            Self::Tcp(authority) => write!(formatter, "tcp://{authority}"),
        }
    }
}

/// Where the Docker API is served.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ServeAddress {
    /// The daemon opens it.
    Own(Address),
    /// Sockets of this name were opened for it; with an empty one all that are for the API.
    Inherited(String),
}

impl ServeAddress {
    /// The address that the daemon opens.
    pub(crate) fn own(&self) -> Option<&Address> {
        match self {
            Self::Own(address) => Some(address),
            Self::Inherited(_) => None,
        }
    }

    /// The name of what was opened for it.
    pub(crate) fn inherited(&self) -> Option<&str> {
        match self {
            Self::Own(_) => None,
            Self::Inherited(name) => Some(name),
        }
    }
}

impl FromStr for ServeAddress {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match inherited::name_of(text) {
            Some(name) => Ok(Self::Inherited(name.to_owned())),
            None => {
                text.parse().map(Self::Own).map_err(|error| format!("{error}, or fd://name for a socket of systemd's"))
            }
        }
    }
}

impl<'de> Deserialize<'de> for ServeAddress {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::{Address, ServeAddress};

    #[test]
    fn a_daemon_may_serve_where_somebody_else_has_opened_a_socket() {
        assert_eq!("fd://".parse(), Ok(ServeAddress::Inherited(String::new())));
        assert_eq!("fd://docker".parse(), Ok(ServeAddress::Inherited("docker".to_owned())));
        assert!("fd://docker".parse::<Address>().is_err());
        assert!("fd:docker".parse::<ServeAddress>().unwrap_err().contains("fd://name"));
    }

    #[test]
    fn both_forms_and_nothing_else() {
        for text in ["unix:///run/docker.sock", "tcp://127.0.0.1:2375", "tcp://[::1]:2376"] {
            assert_eq!(text.parse::<Address>().unwrap().to_string(), text);
        }
        for text in ["", "/run/docker.sock", "unix://relative", "tcp://host", "tcp://:1", "http://x:1", "tcp://x:99999"]
        {
            assert!(text.parse::<Address>().is_err(), "{text}");
        }
    }
}
