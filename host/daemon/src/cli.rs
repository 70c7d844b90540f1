//! The command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::address::Address;

/// Where the Docker API is served, and looked for, by default.
pub(crate) const DEFAULT_HOST: &str = "unix:///run/sockerless/docker.sock";

#[derive(Parser)]
#[command(
    name = "sockerless",
    version,
    about = "Serves the Docker Engine API; containers run elsewhere, through WebAssembly backends"
)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Runs the daemon.
    Serve(Box<ServeOptions>),
    /// Checks, step by step, what a daemon with the same configuration would need, and says what to do about what is missing.
    Doctor(Box<ServeOptions>),
    /// Manages the backends of a running daemon.
    Plugin {
        /// The daemon.
        #[arg(long, short = 'H', env = "DOCKER_HOST", default_value = DEFAULT_HOST, global = true)]
        host: Address,
        #[command(subcommand)]
        command: PluginCommand,
    },
    /// What the Azure Functions backend needs done in Azure.
    Azure {
        #[command(subcommand)]
        command: AzureCommand,
    },
}

/// What `sockerless serve` is told. Each setting may stand in the configuration file too; the command line wins over the
/// environment, and both over the file.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct ServeOptions {
    /// Configuration file (TOML).
    #[arg(long, value_name = "FILE", env = "SOCKERLESS_CONFIG")]
    pub(crate) config: Option<PathBuf>,
    /// A backend: the file of a component. May be given more than once; the first is the default for containers that name no
    /// runtime.
    #[arg(long, value_name = "FILE")]
    pub(crate) backend: Vec<PathBuf>,
    /// Where the Docker API is served: unix:///path or tcp://address:port. May be given more than once.
    #[arg(long, short = 'H', value_name = "URL")]
    pub(crate) host: Vec<Address>,
    /// The group, by name or number, that may use the unix socket besides its owner.
    #[arg(long, value_name = "GROUP")]
    pub(crate) socket_group: Option<String>,
    /// Folder of what must not be forgotten.
    #[arg(long, value_name = "DIR", env = "SOCKERLESS_STATE_DIR")]
    pub(crate) state_dir: Option<PathBuf>,
    /// Folder of compiled components.
    #[arg(long, value_name = "DIR", env = "SOCKERLESS_CACHE_DIR")]
    pub(crate) cache_dir: Option<PathBuf>,
    /// Where agents dial in: address:port.
    #[arg(long, value_name = "ADDRESS", env = "SOCKERLESS_AGENTS_LISTEN")]
    pub(crate) agents_listen: Option<String>,
    /// The URL under which agents reach that listener from where they are: wss://… ; `auto` when they run on this machine.
    #[arg(long, value_name = "URL", env = "SOCKERLESS_CALLBACK_URL")]
    pub(crate) callback_url: Option<String>,
    /// Base URL to which every request of a backend goes, instead of the host that it names: for an emulator.
    #[arg(long, value_name = "URL", env = "SOCKERLESS_ENDPOINT_URL")]
    pub(crate) endpoint_url: Option<String>,
    /// Whether a pull fetches the image's configuration from its registry (true or false). If not, it takes note of the reference,
    /// and nothing goes to the network.
    #[arg(long, value_name = "BOOL", env = "SOCKERLESS_FETCH_IMAGE_CONFIG", num_args = 0..=1, default_missing_value = "true")]
    #[arg(value_parser = switch)]
    pub(crate) fetch_image_config: Option<Switch>,
    /// A registry that may be spoken to by plain HTTP: host or host:port. May be given more than once, or with commas. Those on
    /// loopback addresses always may.
    #[arg(long, value_name = "HOST", env = "SOCKERLESS_INSECURE_REGISTRIES", value_delimiter = ',')]
    pub(crate) insecure_registry: Vec<String>,
    /// Certificate of the TCP listener (PEM).
    #[arg(long, value_name = "FILE", requires_all = ["tls_key", "tls_ca"])]
    pub(crate) tls_cert: Option<PathBuf>,
    /// Its key (PEM).
    #[arg(long, value_name = "FILE")]
    pub(crate) tls_key: Option<PathBuf>,
    /// The authority that signs clients' certificates (PEM).
    #[arg(long, value_name = "FILE")]
    pub(crate) tls_ca: Option<PathBuf>,
}

#[derive(Subcommand)]
pub(crate) enum PluginCommand {
    /// Loads a backend, in place of the one of the same name if there is one.
    Load {
        /// The component.
        file: PathBuf,
        /// Refuse it unless this is its name.
        #[arg(long)]
        name: Option<String>,
    },
    /// Lists the loaded backends.
    Ls,
    /// Brings back the version of a backend that served before.
    Rollback {
        /// Its name.
        name: String,
    },
    /// Unloads a backend that has no containers.
    Rm {
        /// Its name.
        name: String,
        /// Also one that has some: nothing can be done with them until it is loaded again.
        #[arg(long, short)]
        force: bool,
    },
}

#[derive(Subcommand)]
pub(crate) enum AzureCommand {
    /// Puts the agent into the Azure Files share that SOCKERLESS_AZF_AGENT_SHARE names, for images that have no agent. May be repeated,
    /// also while containers run.
    PushAgent(PushAgentOptions),
}

#[derive(Debug, Args)]
pub(crate) struct PushAgentOptions {
    /// The agent: a program for Linux on x86-64. Without it the file sockerless-agent beside this program.
    pub(crate) agent: Option<PathBuf>,
    /// Configuration file of the daemon (TOML).
    #[arg(long, value_name = "FILE", env = "SOCKERLESS_CONFIG")]
    pub(crate) config: Option<PathBuf>,
    /// Base URL to which every request goes, instead of the host that it names: for an emulator.
    #[arg(long, value_name = "URL", env = "SOCKERLESS_ENDPOINT_URL")]
    pub(crate) endpoint_url: Option<String>,
}

/// What is on or off; nothing if its variable is set and empty.
pub(crate) type Switch = Option<bool>;

fn switch(text: &str) -> Result<Switch, String> {
    match text.trim().to_ascii_lowercase().as_str() {
        "" => Ok(None),
        "true" | "1" | "yes" | "on" => Ok(Some(true)),
        "false" | "0" | "no" | "off" => Ok(Some(false)),
        _ => Err("write true or false".to_owned()),
    }
}
