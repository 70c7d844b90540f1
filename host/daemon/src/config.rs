//! The daemon's configuration: command line, environment and file put together.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use serde::Deserialize;
use sockerless_plugins::{BreakerRules, Limits, Policy, SwapRules};

use crate::address::Address;
use crate::cli::{AgentLink, DEFAULT_HOST, LogFormat, ServeOptions};
use crate::signatures::Signatures;

/// The file's form. A key that is not known is an error: a typing mistake shall not be a default.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    hosts: Vec<Address>,
    socket_group: Option<String>,
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
    operator_listen: Option<String>,
    otlp_endpoint: Option<String>,
    log_format: Option<LogFormat>,
    tls_cert: Option<PathBuf>,
    tls_key: Option<PathBuf>,
    tls_ca: Option<PathBuf>,
    #[serde(default)]
    backends: Vec<PathBuf>,
    /// The keys that backends declare, by the names of their environment variables.
    #[serde(default)]
    settings: BTreeMap<String, String>,
    /// What backends may do, by their names: `[backend.azf.policy]`, `[backend.azf.limits]`, `[backend.azf.swap]`,
    /// `[backend.azf.circuit-breaker]`.
    #[serde(default)]
    backend: BTreeMap<String, BackendRules>,
    /// Whose signatures count for backends from registries that have no table of their own: `[signatures]`.
    #[serde(default)]
    signatures: Signatures,
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
    pub(crate) hosts: Vec<Address>,
    /// The group, by name or number, that may use unix sockets besides their owner.
    pub(crate) socket_group: Option<String>,
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
            socket_group: options.socket_group.or(file.socket_group),
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
        })
    }
}

fn read(path: &Path) -> Result<File> {
    let text = std::fs::read_to_string(path)
        .with_context(|| format!("cannot read the configuration file {}", path.display()))?;
    toml::from_str(&text).with_context(|| format!("the configuration file {} is not understood", path.display()))
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
