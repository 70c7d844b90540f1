//! What is noted of a backend.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use sockerless_backend::types::Descriptor;
use sockerless_docker::PluginPrivilege;

/// What is noted under a backend's name.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct Note {
    /// Of the component: `sha256:` and 64 hexadecimal digits.
    pub(crate) digest: String,
    /// The digest of the file on the command line in whose place it serves. When that file is another one, it is what the operator
    /// wants.
    pub(crate) instead_of: Option<String>,
    /// Whether it is kept and does not serve.
    #[serde(default)]
    pub(crate) disabled: bool,
    /// Values of keys that were set while the daemon ran: they come before those of its own configuration.
    #[serde(default)]
    pub(crate) settings: BTreeMap<String, String>,
    /// What the component says of itself. Absent in a note of a daemon that had no plugins yet: that backend serves.
    #[serde(default)]
    pub(crate) descriptor: Option<Descriptor>,
    /// What it is to Docker's commands, if it came by one.
    #[serde(default)]
    pub(crate) plugin: Option<Plugin>,
}

/// A backend that came by `docker plugin create` or `install`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct Plugin {
    /// A reference with its tag.
    pub(crate) name: String,
    /// When it was made or installed, RFC 3339.
    pub(crate) created: String,
    /// Where it came from, if that is a registry.
    pub(crate) origin: Option<Origin>,
}

/// A place in a registry.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct Origin {
    /// A reference, written out.
    pub(crate) reference: String,
    /// The digest of the manifest.
    pub(crate) manifest: String,
    /// The digest of the component. When another one serves by now, that one is not from there.
    pub(crate) component: String,
    /// What the user has accepted that it wants.
    pub(crate) accepted: Vec<PluginPrivilege>,
}

impl Note {
    /// Whether it says nothing but that the file of the command line serves.
    pub(super) fn is_idle(&self) -> bool {
        self.instead_of.as_deref() == Some(&*self.digest)
            && !self.disabled
            && self.settings.is_empty()
            && self.plugin.is_none()
    }

    /// Where the component came from, unless it has been replaced since.
    pub(crate) fn origin(&self) -> Option<&Origin> {
        self.plugin.as_ref()?.origin.as_ref().filter(|origin| origin.component == self.digest)
    }
}
