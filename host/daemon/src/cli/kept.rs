//! The commands that manage plugins as Docker's do.

use std::path::PathBuf;

use clap::Subcommand;

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
}
