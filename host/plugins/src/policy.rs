//! What an operator grants to a backend: hosts, and scopes of credentials.
//!
//! A backend names what it wants in its descriptor; the operator's policy says what of that it gets. Both must allow a
//! request: a wide policy does not widen a backend that asks for little.

mod grants;
mod pattern;
mod requests;
mod rule;

pub(crate) use grants::{Grants, Route};
pub use pattern::{HostPattern, InvalidPattern};
pub use requests::{InvalidRequests, Requests};
pub use rule::{HostRule, InvalidRule, Scheme, ScopeRule};

use serde::Deserialize;

/// What an operator grants to one backend.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Policy {
    /// Hosts that it may send requests to. Absent: those that it asks for, by https, on port 443, at public
    /// addresses.
    pub hosts: Option<Vec<HostRule>>,
    /// Scopes that it gets credentials for. Absent: those that it asks for, for the hosts that it asks for.
    pub scopes: Option<Vec<ScopeRule>>,
}
