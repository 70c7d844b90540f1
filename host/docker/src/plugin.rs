//! Docker's plugins, as which clients see backends.
#![expect(missing_docs, reason = "the fields are those of the API's description")]

use crate::object::is_default;

object! {
    /// A plugin.
    pub struct Plugin {
        pub config: PluginConfig,
        pub enabled: bool,
        #[serde(skip_serializing_if = "is_default")]
        pub id: String,
        pub name: String,
        #[serde(skip_serializing_if = "is_default")]
        pub plugin_reference: String,
        pub settings: PluginSettings,
        /// What it wants, which the Engine shows before it installs one. Of this daemon alone.
        #[serde(skip_serializing_if = "is_default")]
        pub privileges: Vec<PluginPrivilege>,
        /// The digest of the manifest that it was installed by. Of this daemon alone.
        #[serde(skip_serializing_if = "is_default")]
        pub digest: String,
    }

    /// Something that a plugin wants, and that a user accepts when it is installed.
    pub struct PluginPrivilege {
        pub name: String,
        pub description: String,
        pub value: Vec<String>,
    }

    /// What an operator has set.
    pub struct PluginSettings {
        pub args: Vec<String>,
        pub devices: Vec<serde_json::Value>,
        pub env: Vec<String>,
        pub mounts: Vec<serde_json::Value>,
    }

    /// What a plugin says of itself.
    pub struct PluginConfig {
        pub args: PluginArgs,
        pub description: String,
        pub documentation: String,
        pub entrypoint: Vec<String>,
        pub env: Vec<PluginEnv>,
        pub interface: PluginInterface,
        pub ipc_host: bool,
        pub linux: PluginLinux,
        pub mounts: Vec<serde_json::Value>,
        pub network: PluginNetwork,
        pub pid_host: bool,
        pub propagated_mount: String,
        pub user: PluginUser,
        pub work_dir: String,
        #[serde(rename = "rootfs", skip_serializing_if = "is_default")]
        pub rootfs: Option<PluginRootFs>,
    }

    /// Its arguments.
    pub struct PluginArgs {
        pub description: String,
        pub name: String,
        pub settable: Vec<String>,
        pub value: Vec<String>,
    }

    /// A variable that it reads.
    pub struct PluginEnv {
        pub description: String,
        pub name: String,
        pub settable: Vec<String>,
        pub value: String,
    }

    /// How the Engine speaks to it.
    pub struct PluginInterface {
        pub socket: String,
        pub types: Vec<serde_json::Value>,
    }

    /// What of Linux it wants.
    pub struct PluginLinux {
        pub allow_all_devices: bool,
        pub capabilities: Vec<String>,
        pub devices: Vec<serde_json::Value>,
    }

    /// Its network.
    pub struct PluginNetwork {
        pub r#type: String,
    }

    /// Whom it runs as.
    pub struct PluginUser {
        #[serde(rename = "UID", skip_serializing_if = "is_default")]
        pub uid: u32,
        #[serde(rename = "GID", skip_serializing_if = "is_default")]
        pub gid: u32,
    }

    /// What it consists of.
    pub struct PluginRootFs {
        #[serde(rename = "type")]
        pub r#type: String,
        #[serde(rename = "diff_ids")]
        pub diff_ids: Vec<String>,
    }
}
