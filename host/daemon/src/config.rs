//! The daemon's configuration: command line, environment and file put together.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};
use serde::{Deserialize, Deserializer};
use sockerless_api::{Roles, SocketAccess};
use sockerless_plugins::{BreakerRules, Limits, Policy, SwapRules};

use crate::address::ServeAddress;
use crate::cli::{AgentLink, DEFAULT_HOST, LimitOptions, LogFormat, ServeOptions};
use crate::roles::RoleTable;
use crate::signatures::Signatures;
use crate::socket_mode::SocketMode;

/// The file's form. A key that is not known is an error: a typing mistake shall not be a default.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    hosts: Vec<ServeAddress>,
    socket_group: Option<String>,
    socket_owner: Option<String>,
    socket_mode: Option<SocketMode>,
    state_dir: Option<PathBuf>,
    cache_dir: Option<PathBuf>,
    agents_listen: Option<String>,
    callback_url: Option<String>,
    agent_link: Option<AgentLink>,
    endpoint_url: Option<String>,
    fetch_image_config: Option<bool>,
    #[serde(default)]
    insecure_registries: Vec<String>,
    record: Option<PathBuf>,
    record_limit_mib: Option<u64>,
    shutdown_timeout: Option<u64>,
    /// How much clients may ask for at once: `[limits]`.
    #[serde(default)]
    limits: LimitOptions,
    operator_listen: Option<String>,
    otlp_endpoint: Option<String>,
    log_format: Option<LogFormat>,
    tls_cert: Option<PathBuf>,
    tls_key: Option<PathBuf>,
    tls_ca: Option<PathBuf>,
    #[serde(default)]
    backends: Vec<PathBuf>,
    /// The keys that backends declare, by the names of their environment variables.
    #[serde(default, deserialize_with = "settings")]
    settings: BTreeMap<String, String>,
    /// What backends may do, by their names: `[backend.azf.policy]`, `[backend.azf.limits]`, `[backend.azf.swap]`,
    /// `[backend.azf.circuit-breaker]`.
    #[serde(default)]
    backend: BTreeMap<String, BackendRules>,
    /// Whose signatures count for backends from registries that have no table of their own: `[signatures]`.
    #[serde(default)]
    signatures: Signatures,
    /// Which clients may do what: `[roles]`. Absent: each may do everything.
    roles: Option<RoleTable>,
}

/// What the operator grants to one backend. What is left out has its default.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct BackendRules {
    pub(crate) policy: Policy,
    pub(crate) limits: Limits,
    pub(crate) swap: SwapRules,
    pub(crate) circuit_breaker: BreakerRules,
    /// Absent: those of all backends.
    pub(crate) signatures: Option<Signatures>,
}

/// Certificates of the TCP listener.
#[derive(Debug, Clone)]
pub(crate) struct Tls {
    pub(crate) cert: PathBuf,
    pub(crate) key: PathBuf,
    pub(crate) ca: PathBuf,
}

/// What the daemon does.
#[derive(Debug)]
pub(crate) struct Config {
    pub(crate) hosts: Vec<ServeAddress>,
    /// Who may use unix sockets.
    pub(crate) socket: SocketAccess,
    pub(crate) state_dir: PathBuf,
    pub(crate) cache_dir: PathBuf,
    pub(crate) agents_listen: String,
    pub(crate) callback_url: Option<String>,
    pub(crate) agent_link: AgentLink,
    pub(crate) endpoint_url: Option<String>,
    /// Whether pulls fetch configurations of images.
    pub(crate) fetch_image_config: bool,
    /// Registries that may be spoken to by plain HTTP: `host` or `host:port`.
    pub(crate) insecure_registries: Vec<String>,
    /// Where requests and the calls of backends are recorded.
    pub(crate) record: Option<PathBuf>,
    /// How many MiB that may take up.
    pub(crate) record_limit_mib: u64,
    /// How long calls under way may go on when the daemon stops.
    pub(crate) shutdown_timeout: Duration,
    /// How much clients may ask for at once.
    pub(crate) limits: LimitOptions,
    /// Where health and metrics are served.
    pub(crate) operator_listen: Option<String>,
    /// Where traces are exported to.
    pub(crate) otlp_endpoint: Option<String>,
    pub(crate) log_format: LogFormat,
    pub(crate) tls: Option<Tls>,
    pub(crate) backends: Vec<PathBuf>,
    /// Settings of backends: the environment over the file. Holds secrets: never shown.
    pub(crate) settings: Settings,
    pub(crate) backend_rules: BTreeMap<String, BackendRules>,
    /// Whose signatures count where a backend's rules do not say.
    pub(crate) signatures: Signatures,
    /// Which clients may do what. Absent: each may do everything.
    pub(crate) roles: Option<Arc<Roles>>,
}

/// Where backends' settings are looked up.
#[derive(Clone, Default)]
pub(crate) struct Settings(BTreeMap<String, String>);

impl std::fmt::Debug for Settings {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_set().entries(self.0.keys()).finish()
    }
}

impl Settings {
    /// The values, by name. A host gives a backend those it declares.
    pub(crate) fn into_map(self) -> BTreeMap<String, String> {
        self.0
    }

    /// A value that is set, without the spaces around it.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(|value| value.trim()).filter(|value| !value.is_empty())
    }
}

impl Config {
    /// The URL to which requests go instead of the hosts that they name.
    ///
    /// # Errors
    /// It is none.
    pub(crate) fn endpoint(&self) -> Result<Option<url::Url>> {
        let parse = |text: &str| {
            text.parse()
                .with_context(|| format!("SOCKERLESS_ENDPOINT_URL \"{text}\" is no URL: write http://host:port"))
        };
        self.endpoint_url.as_deref().map(parse).transpose()
    }

    /// Puts the three sources together.
    ///
    /// # Errors
    /// The file cannot be read or understood; what is told contradicts itself.
    pub(crate) fn load(options: ServeOptions, environment: impl Iterator<Item = (String, String)>) -> Result<Self> {
        let file = match &options.config {
            Some(path) => read(path)?,
            None => File::default(),
        };
        let mut settings = file.settings;
        let environment: BTreeMap<_, _> = environment.collect();
        // By the name that every program with OpenTelemetry has for it.
        let otlp_endpoint = environment.get("OTEL_EXPORTER_OTLP_ENDPOINT").cloned();
        settings.extend(environment);
        let hosts = first(options.host, file.hosts);
        let tls = match (
            options.tls_cert.or(file.tls_cert),
            options.tls_key.or(file.tls_key),
            options.tls_ca.or(file.tls_ca),
        ) {
            (Some(cert), Some(key), Some(ca)) => Some(Tls { cert, key, ca }),
            (None, None, None) => None,
            _ => bail!(
                "TLS needs a certificate, its key, and the authority of the clients: give tls_cert, tls_key and tls_ca"
            ),
        };
        let default_state = || PathBuf::from("/var/lib/sockerless");
        let state_dir = options.state_dir.or(file.state_dir).unwrap_or_else(default_state);
        Ok(Self {
            hosts: if hosts.is_empty() { vec![DEFAULT_HOST.parse().map_err(anyhow::Error::msg)?] } else { hosts },
            socket: SocketAccess {
                owner: non_empty(options.socket_owner.or(file.socket_owner)),
                group: options.socket_group.or(file.socket_group),
                mode: options.socket_mode.flatten().or(file.socket_mode).unwrap_or_default().bits(),
            },
            cache_dir: options.cache_dir.or(file.cache_dir).unwrap_or_else(|| state_dir.join("cache")),
            state_dir,
            agents_listen: options.agents_listen.or(file.agents_listen).unwrap_or_else(|| "127.0.0.1:0".to_owned()),
            agent_link: options.agent_link.flatten().or(file.agent_link).unwrap_or_default(),
            callback_url: non_empty(options.callback_url.or(file.callback_url)),
            endpoint_url: non_empty(options.endpoint_url.or(file.endpoint_url)),
            fetch_image_config: options.fetch_image_config.flatten().or(file.fetch_image_config).unwrap_or(false),
            insecure_registries: first(options.insecure_registry, file.insecure_registries),
            record: options.record.or(file.record).filter(|folder| !folder.as_os_str().is_empty()),
            record_limit_mib: options.record_limit_mib.or(file.record_limit_mib).unwrap_or(1024),
            shutdown_timeout: Duration::from_secs(options.shutdown_timeout.or(file.shutdown_timeout).unwrap_or(15)),
            limits: options.limits.or(file.limits),
            operator_listen: non_empty(options.operator_listen.or(file.operator_listen)),
            otlp_endpoint: non_empty(options.otlp_endpoint)
                .or(non_empty(otlp_endpoint))
                .or(non_empty(file.otlp_endpoint)),
            log_format: options.log_format.flatten().or(file.log_format).unwrap_or_default(),
            tls,
            backends: first(options.backend, file.backends),
            settings: Settings(settings),
            backend_rules: file.backend,
            signatures: file.signatures,
            roles: file.roles.as_ref().map(RoleTable::resolve).transpose()?.map(Arc::new),
        })
    }
}

fn read(path: &Path) -> Result<File> {
    let text = std::fs::read_to_string(path)
        .with_context(|| format!("cannot read the configuration file {}", path.display()))?;
    toml::from_str(&text).map_err(|error| {
        // Not the error's own form, which has the line: that may be one with a secret.
        let line = error.span().and_then(|span| Some(text.get(..span.start)?.matches('\n').count() + 1));
        let line = line.map_or_else(String::new, |line| format!(", line {line}"));
        anyhow!("the configuration file {}{line} is not understood: {}", path.display(), error.message())
    })
}

/// Of values that are no texts nothing is said, as they may be secrets.
fn settings<'de, D: Deserializer<'de>>(deserializer: D) -> Result<BTreeMap<String, String>, D::Error> {
    let values = BTreeMap::<String, toml::Value>::deserialize(deserializer)?;
    let texts = values.into_iter().map(|(name, value)| match value {
        toml::Value::String(text) => Ok((name, text)),
        _ => Err(serde::de::Error::custom(format!("{name} in [settings] is no text: put it between quotation marks"))),
    });
    texts.collect()
}

/// A list is not mixed from two sources.
fn first<T>(one: Vec<T>, other: Vec<T>) -> Vec<T> {
    if one.is_empty() { other } else { one }
}

fn non_empty(value: Option<String>) -> Option<String> {
    value.filter(|value| !value.trim().is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(text: &str, options: ServeOptions, environment: &[(&str, &str)]) -> Result<Config> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("sockerless.toml");
        std::fs::write(&path, text).unwrap();
        let environment = environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Config::load(ServeOptions { config: Some(path), ..options }, environment)
    }

    #[test]
    fn the_command_line_wins_over_the_environment_and_that_over_the_file() {
        let text = "hosts = ['tcp://127.0.0.1:1']\nbackends = ['a.wasm']\n[settings]\nA = 'file'\nB = 'file'\n";
        let options = ServeOptions { host: vec!["tcp://127.0.0.1:2".parse().unwrap()], ..ServeOptions::default() };
        let config = load(text, options, &[("A", "environment")]).unwrap();
        assert_eq!(config.hosts, ["tcp://127.0.0.1:2".parse().unwrap()]);
        assert_eq!(config.backends, [PathBuf::from("a.wasm")]);
        let settings = config.settings.into_map();
        assert_eq!((settings["A"].as_str(), settings["B"].as_str()), ("environment", "file"));
    }

    #[test]
    fn an_unknown_key_is_an_error_that_names_it() {
        let error = load("hots = []", ServeOptions::default(), &[]).unwrap_err();
        assert!(format!("{error:#}").contains("hots"), "{error:#}");
    }

    #[test]
    fn a_backend_gets_the_policy_and_the_limits_of_its_name() {
        let text = "[backend.azf.policy]\nhosts = ['management.azure.com']\n[backend.azf.limits]\ninstances = 5\n";
        let config = load(text, ServeOptions::default(), &[]).unwrap();
        let rules = &config.backend_rules["azf"];
        assert_eq!(rules.policy.hosts.as_ref().map(Vec::len), Some(1));
        assert_eq!((rules.limits.instances, rules.limits.host_calls), (5, Limits::default().host_calls));
        assert!(load("[backend.azf.policy]\nhost = []", ServeOptions::default(), &[]).is_err());
    }

    #[test]
    fn registries_are_as_the_operator_says() {
        let text = "fetch_image_config = true\ninsecure_registries = ['a.lan']\n";
        let config = load("", ServeOptions::default(), &[]).unwrap();
        assert!(!config.fetch_image_config && config.insecure_registries.is_empty());
        let config = load(text, ServeOptions::default(), &[]).unwrap();
        assert!(config.fetch_image_config);
        assert_eq!(config.insecure_registries, ["a.lan"]);
        let options = ServeOptions {
            fetch_image_config: Some(Some(false)),
            insecure_registry: vec!["b.lan:5000".to_owned()],
            ..ServeOptions::default()
        };
        let config = load(text, options, &[]).unwrap();
        assert!(!config.fetch_image_config);
        assert_eq!(config.insecure_registries, ["b.lan:5000"]);
    }

    #[test]
    fn who_opens_the_links_is_told_by_its_name() {
        let link = |text| load(text, ServeOptions::default(), &[]).map(|config| config.agent_link);
        assert_eq!(link("").unwrap(), AgentLink::Callback);
        assert_eq!(link("agent_link = 'dial'").unwrap(), AgentLink::Dial);
        assert!(link("agent_link = 'both'").is_err());
        let options = ServeOptions { agent_link: Some(Some(AgentLink::Callback)), ..ServeOptions::default() };
        assert_eq!(load("agent_link = 'dial'", options, &[]).unwrap().agent_link, AgentLink::Callback);
    }

    #[test]
    fn sockets_are_for_owner_and_group_unless_told_otherwise() {
        let socket = |text, options| load(text, options, &[]).map(|config| config.socket);
        assert_eq!(socket("", ServeOptions::default()).unwrap(), SocketAccess::default());
        let text = "socket_owner = 'operator'\nsocket_group = 'docker'\nsocket_mode = '0600'\n";
        let (owner, group) = (Some("operator".to_owned()), Some("docker".to_owned()));
        let told = SocketAccess { owner: owner.clone(), group: group.clone(), mode: 0o600 };
        assert_eq!(socket(text, ServeOptions::default()).unwrap(), told);
        let options = ServeOptions { socket_mode: Some("640".parse().ok()), ..ServeOptions::default() };
        assert_eq!(socket(text, options).unwrap(), SocketAccess { owner, group, mode: 0o640 });
        assert!(socket("socket_mode = '0999'", ServeOptions::default()).is_err());
    }

    #[test]
    fn limits_are_options_or_a_table() {
        let five = std::num::NonZeroU32::new(5);
        let options = ServeOptions {
            limits: LimitOptions { max_streams: five, ..LimitOptions::default() },
            ..ServeOptions::default()
        };
        let config = load("[limits]\nmax_streams = 7\nmax_execs = 8\nhead_timeout = 9\n", options, &[]).unwrap();
        let limits = config.limits.of_api(config.shutdown_timeout);
        assert_eq!((limits.streams, limits.head_timeout), (5, Duration::from_secs(9)));
        assert_eq!((limits.connections, limits.shutdown_grace), (8192, Duration::from_secs(15)));
        assert_eq!(config.limits.of_execs().in_all, 8);
        for wrong in ["max_streams = 0", "max_stream = 1"] {
            assert!(load(&format!("[limits]\n{wrong}\n"), ServeOptions::default(), &[]).is_err(), "{wrong}");
        }
    }

    #[test]
    fn what_operators_see_is_off_until_they_ask_for_it() {
        let config = load("", ServeOptions::default(), &[("OTEL_EXPORTER_OTLP_ENDPOINT", "")]).unwrap();
        assert_eq!((config.operator_listen, config.otlp_endpoint, config.log_format), (None, None, LogFormat::Text));
        let text = "operator_listen = '127.0.0.1:9'\notlp_endpoint = 'http://file'\nlog_format = 'json'\n";
        let config = load(text, ServeOptions::default(), &[]).unwrap();
        assert_eq!(config.operator_listen.as_deref(), Some("127.0.0.1:9"));
        assert_eq!((config.otlp_endpoint.as_deref(), config.log_format), (Some("http://file"), LogFormat::Json));
        let environment = [("OTEL_EXPORTER_OTLP_ENDPOINT", "http://environment")];
        let config = load(text, ServeOptions::default(), &environment).unwrap();
        assert_eq!(config.otlp_endpoint.as_deref(), Some("http://environment"));
        let options = ServeOptions { otlp_endpoint: Some("http://option".to_owned()), ..ServeOptions::default() };
        assert_eq!(load(text, options, &environment).unwrap().otlp_endpoint.as_deref(), Some("http://option"));
    }

    #[test]
    fn half_of_tls_is_refused() {
        assert!(load("tls_cert = 'c.pem'", ServeOptions::default(), &[]).is_err());
    }

    #[test]
    fn values_of_settings_are_not_shown() {
        let config = load("", ServeOptions::default(), &[("SECRET", "hunter2")]).unwrap();
        assert!(!format!("{config:?}").contains("hunter2"));
    }
}
