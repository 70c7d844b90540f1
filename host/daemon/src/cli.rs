//! The command line.

mod kept;
mod limits;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use serde::Deserialize;

use crate::address::{Address, ServeAddress};
use crate::socket_mode::{ModeChoice, SocketMode};

pub(crate) use kept::{KeptCommand, LoginOptions, RemoteOptions};
pub(crate) use limits::LimitOptions;

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
    /// Manages the backends of a running daemon, and helps those who write some.
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
    /// Does the calls of a recording again with a backend, without a network, and shows the first that goes another way. Needs no daemon.
    /// Exit code 1: one did; 2: there is nothing to be done again.
    Replay(ReplayOptions),
    /// What concerns the records of a running daemon.
    Store {
        /// The daemon.
        #[arg(long, short = 'H', env = "DOCKER_HOST", default_value = DEFAULT_HOST, global = true)]
        host: Address,
        #[command(subcommand)]
        command: StoreCommand,
    },
    /// Prints what a shell needs to complete this program's command lines.
    Completions {
        /// The shell.
        shell: clap_complete::Shell,
    },
    /// Writes the manual, a page for each command, for `man`.
    Man {
        /// The folder of section 1: …/share/man/man1. It is made if it is not there.
        folder: PathBuf,
    },
}

/// What concerns the daemon's records.
#[derive(Subcommand)]
pub(crate) enum StoreCommand {
    /// Takes in again the containers that are in the cloud and have no record any more, after the state folder was lost.
    Rebuild {
        /// The backend. Absent: each that can tell what there is in its cloud.
        #[arg(long)]
        backend: Option<String>,
        /// The id of the daemon that made them, if it was not this one: `sockerless azure prune --dry-run` shows it.
        #[arg(long)]
        owner: Option<String>,
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
    /// Where the Docker API is served: unix:///path, tcp://address:port, or fd://name for sockets of that name that systemd has opened
    /// (fd:// for all but the agents'). May be given more than once.
    #[arg(long, short = 'H', value_name = "URL")]
    pub(crate) host: Vec<ServeAddress>,
    /// The group, by name or number, that may use the unix socket besides its owner.
    #[arg(long, value_name = "GROUP")]
    pub(crate) socket_group: Option<String>,
    /// The user, by name or number, to whom the unix socket belongs.
    #[arg(long, value_name = "USER", env = "SOCKERLESS_SOCKET_OWNER")]
    pub(crate) socket_owner: Option<String>,
    /// The mode of the unix socket, in octal digits.
    #[arg(long, value_name = "MODE", env = "SOCKERLESS_SOCKET_MODE", value_parser = SocketMode::optional)]
    pub(crate) socket_mode: Option<ModeChoice>,
    /// Folder of what must not be forgotten.
    #[arg(long, value_name = "DIR", env = "SOCKERLESS_STATE_DIR")]
    pub(crate) state_dir: Option<PathBuf>,
    /// Folder of compiled components.
    #[arg(long, value_name = "DIR", env = "SOCKERLESS_CACHE_DIR")]
    pub(crate) cache_dir: Option<PathBuf>,
    /// Where agents dial in: address:port, or fd://agents for the socket of that name that systemd has opened.
    #[arg(long, value_name = "ADDRESS", env = "SOCKERLESS_AGENTS_LISTEN")]
    pub(crate) agents_listen: Option<String>,
    /// The URL under which agents reach that listener from where they are: wss://… ; `auto` when they run on this machine.
    #[arg(long, value_name = "URL", env = "SOCKERLESS_CALLBACK_URL")]
    pub(crate) callback_url: Option<String>,
    /// Who opens the link between this daemon and the agents in containers that are made from now on: callback, the agents dial the
    /// callback URL; dial, this daemon dials the containers' own addresses, and needs no public one.
    #[arg(long, value_name = "WHO", env = "SOCKERLESS_AGENT_LINK", value_parser = agent_link)]
    pub(crate) agent_link: Option<LinkChoice>,
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
    /// Folder into which requests and the calls of backends are recorded, without secrets, for `sockerless replay`.
    #[arg(long, value_name = "DIR", env = "SOCKERLESS_RECORD")]
    pub(crate) record: Option<PathBuf>,
    /// How many MiB a recording may have: the oldest part of it goes when there are more.
    #[arg(long, value_name = "MIB", env = "SOCKERLESS_RECORD_LIMIT_MIB")]
    pub(crate) record_limit_mib: Option<u64>,
    /// How many seconds calls under way have when the daemon is told to stop. What then is not done is cut off, and the log names it.
    #[arg(long, value_name = "SECONDS", env = "SOCKERLESS_SHUTDOWN_TIMEOUT")]
    pub(crate) shutdown_timeout: Option<u64>,
    #[command(flatten)]
    pub(crate) limits: LimitOptions,
    /// Where /healthz, /readyz and /metrics are served: address:port. Absent: nowhere.
    #[arg(long, value_name = "ADDRESS", env = "SOCKERLESS_OPERATOR_LISTEN")]
    pub(crate) operator_listen: Option<String>,
    /// Base URL of the collector that traces are exported to by OTLP, http/protobuf: http://host:4318. Absent: none are made.
    #[arg(long, value_name = "URL", env = "SOCKERLESS_OTLP_ENDPOINT")]
    pub(crate) otlp_endpoint: Option<String>,
    /// For whom the log is: text, for people; json, for programs, one object a line.
    #[arg(long, value_name = "FORMAT", env = "SOCKERLESS_LOG_FORMAT", value_parser = log_format)]
    pub(crate) log_format: Option<LogChoice>,
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
        /// Load it again whenever the file changes, until Ctrl-C. An error ends nothing.
        #[arg(long)]
        watch: bool,
    },
    /// Lists the loaded backends, and the plugins that are disabled.
    Ls,
    #[command(flatten)]
    Kept(KeptCommand),
    /// Brings back the version of a backend that served before.
    Rollback {
        /// Its name.
        name: String,
    },
    /// Tests whether a component keeps the contract of backends, in a world by script. Needs no daemon.
    Test(TestOptions),
    /// Makes a project to begin with: a small, complete backend, in a folder of this name. Needs no daemon.
    New {
        /// The language.
        #[arg(long, value_enum)]
        lang: ProjectLanguage,
        /// The backend's name: lower-case letters, digits and hyphens.
        name: String,
    },
    /// Writes the WIT package as code of a language whose own tools do not. Needs no daemon.
    Bindings {
        #[command(flatten)]
        package: PackageOptions,
        /// The language.
        language: GeneratedLanguage,
        /// Where the files go: for Go the folder of a module.
        folder: PathBuf,
    },
    /// Makes a component of a module that was built with such code. Needs no daemon.
    Component {
        #[command(flatten)]
        package: PackageOptions,
        /// The module.
        module: PathBuf,
        /// Where the component goes.
        component: PathBuf,
    },
    /// Unloads a backend that has no containers, or removes a plugin that is disabled.
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
    /// Lists the function apps that were left over, which no container of the daemon is, and deletes those that it made.
    Prune(PruneOptions),
}

#[derive(Debug, Args)]
pub(crate) struct PruneOptions {
    /// The daemon.
    #[arg(long, short = 'H', env = "DOCKER_HOST", default_value = DEFAULT_HOST)]
    pub(crate) host: Address,
    /// The backend.
    #[arg(long, default_value = "azf")]
    pub(crate) backend: String,
    /// Only list.
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Do not ask.
    #[arg(long, short)]
    pub(crate) force: bool,
    /// Delete these and no others, whoever made them: by the container's id, its beginning, or the app's name.
    pub(crate) chosen: Vec<String>,
}

#[derive(Debug, Args)]
pub(crate) struct PushAgentOptions {
    /// The agent: a program for Linux on x86-64. Without it the file sockerless-agent beside this program, or in
    /// ../lib/sockerless from there.
    pub(crate) agent: Option<PathBuf>,
    /// Configuration file of the daemon (TOML).
    #[arg(long, value_name = "FILE", env = "SOCKERLESS_CONFIG")]
    pub(crate) config: Option<PathBuf>,
    /// Base URL to which every request goes, instead of the host that it names: for an emulator.
    #[arg(long, value_name = "URL", env = "SOCKERLESS_ENDPOINT_URL")]
    pub(crate) endpoint_url: Option<String>,
}

/// Who opens the links between daemon and agents.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum AgentLink {
    /// The agents.
    #[default]
    Callback,
    /// The daemon.
    Dial,
}

/// Who opens them; nothing if the variable is set and empty.
pub(crate) type LinkChoice = Option<AgentLink>;

fn agent_link(text: &str) -> Result<LinkChoice, String> {
    match text.trim() {
        "" => Ok(None),
        "callback" => Ok(Some(AgentLink::Callback)),
        "dial" => Ok(Some(AgentLink::Dial)),
        _ => Err("write callback or dial".to_owned()),
    }
}

/// For whom the daemon's log is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum LogFormat {
    #[default]
    Text,
    Json,
}

impl From<LogFormat> for sockerless_telemetry::log::Format {
    fn from(format: LogFormat) -> Self {
        match format {
            LogFormat::Text => Self::Text,
            LogFormat::Json => Self::Json,
        }
    }
}

/// For whom it is; nothing if the variable is set and empty.
pub(crate) type LogChoice = Option<LogFormat>;

fn log_format(text: &str) -> Result<LogChoice, String> {
    match text.trim() {
        "" => Ok(None),
        "text" => Ok(Some(LogFormat::Text)),
        "json" => Ok(Some(LogFormat::Json)),
        _ => Err("write text or json".to_owned()),
    }
}

/// What `sockerless plugin test` is told.
#[derive(Debug, Clone, Args)]
pub(crate) struct TestOptions {
    /// The component.
    pub(crate) file: PathBuf,
    /// The world around it (TOML): its configuration, and how its cloud answers. Without one it has no configuration, and every
    /// request is answered with 404.
    #[arg(long, value_name = "FILE")]
    pub(crate) scenario: Option<PathBuf>,
    /// How the report is written.
    #[arg(long, value_enum, default_value_t)]
    pub(crate) format: ReportFormat,
    /// Folder of compiled components. Without one the component is compiled anew.
    #[arg(long, value_name = "DIR", env = "SOCKERLESS_CACHE_DIR")]
    pub(crate) cache_dir: Option<PathBuf>,
}

/// What `sockerless replay` is told.
#[derive(Debug, Clone, Args)]
pub(crate) struct ReplayOptions {
    /// The folder that `sockerless serve --record` was given.
    pub(crate) folder: PathBuf,
    /// The component that does the calls again.
    #[arg(long, value_name = "FILE")]
    pub(crate) backend: PathBuf,
    /// The backend whose calls are done again, if the recording has those of several.
    #[arg(long, value_name = "NAME")]
    pub(crate) name: Option<String>,
    /// How the report is written.
    #[arg(long, value_enum, default_value_t)]
    pub(crate) format: ReportFormat,
    /// Folder of compiled components. Without one the component is compiled anew.
    #[arg(long, value_name = "DIR", env = "SOCKERLESS_CACHE_DIR")]
    pub(crate) cache_dir: Option<PathBuf>,
}

/// Where the contract of backends is.
#[derive(Debug, Clone, Args)]
pub(crate) struct PackageOptions {
    /// The folder of the WIT package.
    #[arg(long, value_name = "DIR", default_value = "wit")]
    pub(crate) wit: PathBuf,
    /// The world that is implemented. Without one: plugin-with-logs.
    #[arg(long, value_name = "NAME")]
    pub(crate) world: Option<String>,
}

/// A language that projects can begin in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum ProjectLanguage {
    Rust,
    Python,
    Typescript,
    Go,
    C,
}

/// A language whose bindings are made here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum GeneratedLanguage {
    Go,
    C,
}

/// For whom a report is written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum ReportFormat {
    /// For people.
    #[default]
    Text,
    /// For programs.
    Json,
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
