//! Why a component is not loaded. Every step of a load has its own case.

use sockerless_backend::BackendError;
use sockerless_backend::types::ConfigKey;

/// The wasmtime engine could not be made.
#[derive(Debug, thiserror::Error)]
#[error("cannot start the WebAssembly engine: {0}")]
pub struct EngineError(String);

impl EngineError {
    #[expect(clippy::needless_pass_by_value, reason = "used in map_err")]
    pub(crate) fn new(error: wasmtime::Error) -> Self {
        Self(format!("{error:#}"))
    }
}

/// Why a component was not loaded. Whatever was serving under its name before goes on serving.
///
/// The text says what is wrong and what to do about it, and goes to the operator as it is.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LoadError {
    /// Larger than the limit.
    #[error(
        "the component has {bytes} bytes, more than the {limit} that are allowed; build it smaller (opt-level \"s\", \
         LTO, stripped), or raise `component-bytes` in the backend's limits"
    )]
    TooLarge {
        /// Its size.
        bytes: usize,
        /// The limit.
        limit: usize,
    },
    /// The digest is not the one that was asked for.
    #[error("the component's digest is {actual}, but {expected} was asked for: this is another file")]
    Digest {
        /// What was asked for.
        expected: String,
        /// What it is.
        actual: String,
    },
    /// No WebAssembly at all.
    #[error("this is not a WebAssembly component: {0}")]
    NotWasm(String),
    /// WebAssembly, but no component.
    #[error(
        "this is a core WebAssembly module, not a component; build it for the target wasm32-wasip2, or turn it into a \
         component with `wasm-tools component new`"
    )]
    CoreModule,
    /// It is broken.
    #[error("the component is malformed: {0}")]
    Malformed(String),
    /// It was built against another version of the WIT package.
    #[error(
        "the component needs {needs}, this host speaks {speaks}; build it against the WIT package of this host, or use \
         a host that speaks its version"
    )]
    Version {
        /// What it imports or exports: `sockerless:backend 0.2.0`.
        needs: String,
        /// What the host has.
        speaks: String,
    },
    /// It imports what the host does not have.
    #[error(
        "the component imports what this host does not have: {}; a backend may import `sockerless:backend` and WASI 0.2 \
         (cli, clocks, filesystem, io, random, sockets)", .0.join(", ")
    )]
    UnknownImports(Vec<String>),
    /// It lacks an export.
    #[error(
        "the component does not export {}; a backend exports everything of the world `sockerless:backend/plugin`",
        .0.join(", ")
    )]
    MissingExports(Vec<String>),
    /// The compiler refuses it.
    #[error("the component cannot be compiled: {0}")]
    Compile(String),
    /// Its imports or exports have other types than the WIT package.
    #[error("the component does not fit the WIT package of this host: {0}")]
    Signature(String),
    /// `describe` failed.
    #[error("{0}")]
    Describe(BackendError),
    /// `describe` answered nonsense.
    #[error("the component's descriptor is malformed: {}", .0.join("; "))]
    Descriptor(Vec<String>),
    /// It is another backend than the one that was asked for.
    #[error("the component calls itself `{actual}`, but it was to be loaded as `{expected}`")]
    Name {
        /// The name that was asked for.
        expected: String,
        /// The name in its descriptor.
        actual: String,
    },
    /// Required keys without a value.
    #[error("the backend `{backend}` is not configured: {}", missing(.keys))]
    Configuration {
        /// Its name.
        backend: String,
        /// The keys that lack a value.
        keys: Vec<ConfigKey>,
    },
    /// It wants more than the operator grants.
    #[error("the backend `{backend}` wants more than its policy grants: {}", .wants.join("; "))]
    Policy {
        /// Its name.
        backend: String,
        /// Each host or scope, and the setting that would grant it.
        wants: Vec<String>,
    },
    /// `check` refused.
    #[error("the backend `{backend}` refuses to start: {error}")]
    Check {
        /// Its name.
        backend: String,
        /// What it said.
        error: BackendError,
    },
    /// It cannot take over containers that live.
    #[error(
        "the backend `{backend}` cannot take over {} of the {containers} containers that live: {}",
        .failures.len(), refused(.failures)
    )]
    Recover {
        /// Its name.
        backend: String,
        /// How many there are.
        containers: usize,
        /// Container and reason.
        failures: Vec<(String, BackendError)>,
    },
    /// Nothing is loaded under this name.
    #[error("no backend `{0}` is loaded")]
    NotLoaded(String),
    /// There is no version to go back to.
    #[error("the backend `{0}` has no version before the one that serves: nothing can be rolled back")]
    NothingBefore(String),
    /// The version that was to be taken back serves no more.
    #[error("another version of the backend `{0}` serves by now")]
    Superseded(String),
    /// Containers would be left without it.
    #[error(
        "the backend `{backend}` has containers: {}; remove them first, or unload it by force: they stay where they are, and \
         nothing can be done with them until it is loaded again", named(.containers)
    )]
    InUse {
        /// Its name.
        backend: String,
        /// The names of its containers.
        containers: Vec<String>,
    },
    /// It could not be noted that it serves.
    #[error("the backend `{backend}` does not serve, since that cannot be remembered for the next start: {reason}")]
    NotNoted {
        /// Its name.
        backend: String,
        /// Why.
        reason: String,
    },
    /// The host itself failed.
    #[error("{0}")]
    Host(String),
}

fn missing(keys: &[ConfigKey]) -> String {
    let keys: Vec<_> = keys.iter().map(|key| format!("{} is not set ({})", key.name, key.help)).collect();
    format!("{}; set each in the daemon's environment or in its configuration file", keys.join("; "))
}

/// So many are named; more would be no help.
const NAMED: usize = 10;

fn named(containers: &[String]) -> String {
    let mut text = containers.iter().take(NAMED).cloned().collect::<Vec<_>>();
    if containers.len() > NAMED {
        text.push(format!("and {} more", containers.len() - NAMED));
    }
    text.join(", ")
}

fn refused(failures: &[(String, BackendError)]) -> String {
    let mut text: Vec<_> =
        failures.iter().take(NAMED).map(|(container, error)| format!("{container}: {error}")).collect();
    if failures.len() > NAMED {
        text.push(format!("and {} more", failures.len() - NAMED));
    }
    text.join("; ")
}

impl From<LoadError> for BackendError {
    fn from(error: LoadError) -> Self {
        let text = error.to_string();
        match error {
            LoadError::Configuration { .. } => Self::Configuration(text),
            LoadError::Policy { .. } => Self::Denied(text),
            LoadError::Describe(_) => Self::Fault(text),
            LoadError::Host(_) | LoadError::NotNoted { .. } => Self::Other(text),
            LoadError::NotLoaded(_) => Self::NotFound(text),
            LoadError::NothingBefore(_) | LoadError::Superseded(_) | LoadError::InUse { .. } => Self::Conflict(text),
            _ => Self::Invalid(text),
        }
    }
}
