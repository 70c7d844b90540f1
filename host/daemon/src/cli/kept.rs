//! The commands that manage plugins as Docker's do.

use std::path::PathBuf;

use clap::{Args, Subcommand};

#[derive(Subcommand)]
pub(crate) enum KeptCommand {
    /// Keeps a component as a plugin, disabled.
    Create {
        /// The plugin's name: a reference, such as memory or registry.example.com/team/memory:1.
        name: String,
        /// The component; or a folder as `docker plugin create` takes one, with config.json and rootfs/backend.wasm.
        source: PathBuf,
    },
    /// Loads a plugin that is disabled.
    Enable {
        /// Its name, or its backend's.
        name: String,
    },
    /// Unloads a plugin that has no containers, and keeps it.
    Disable {
        /// Its name, or its backend's.
        name: String,
        /// Also one that has some: nothing can be done with them until it is enabled again.
        #[arg(long, short)]
        force: bool,
    },
    /// Sets keys of a plugin's configuration while it is disabled.
    Set {
        /// Its name, or its backend's.
        name: String,
        /// KEY=value.
        #[arg(required = true, value_name = "KEY=VALUE")]
        settings: Vec<String>,
    },
    /// Pulls a plugin from a registry, and loads it.
    Install {
        #[command(flatten)]
        remote: RemoteOptions,
        /// The plugin: a reference with a tag or a digest.
        reference: String,
        /// The name that it is to have. Without one: the reference.
        #[arg(long)]
        alias: Option<String>,
        /// Do not load it.
        #[arg(long)]
        disable: bool,
        /// KEY=value, set before it is loaded.
        #[arg(value_name = "KEY=VALUE")]
        settings: Vec<String>,
    },
    /// Replaces a plugin's component by one of a registry; if it serves, by a swap under its containers.
    Upgrade {
        #[command(flatten)]
        remote: RemoteOptions,
        /// Its name, or its backend's.
        name: String,
        /// The new one: a reference with a tag or a digest. Without one: where it came from.
        reference: Option<String>,
    },
    /// Pushes a plugin to the registry that its name says.
    Push {
        #[command(flatten)]
        login: LoginOptions,
        /// Its name, or its backend's.
        name: String,
    },
}

/// What a pull is told.
#[derive(Debug, Args)]
pub(crate) struct RemoteOptions {
    #[command(flatten)]
    pub(crate) login: LoginOptions,
    /// Do not ask whether it may have what it wants.
    #[arg(long)]
    pub(crate) grant_all_permissions: bool,
}

/// Who asks a registry.
#[derive(Debug, Args)]
pub(crate) struct LoginOptions {
    /// The user, whose password is read from standard input. Without one nobody is named to the registry.
    #[arg(long, value_name = "NAME", requires = "password_stdin")]
    pub(crate) username: Option<String>,
    /// Read the user's password from standard input.
    #[arg(long, requires = "username")]
    pub(crate) password_stdin: bool,
}
