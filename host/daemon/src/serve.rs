//! `sockerless serve`: brings the daemon up, and takes it down.

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};
use sockerless_agents::{AgentListener, AgentRegistry};
use sockerless_api::{Certificates, Listener, TlsFiles};
use sockerless_engine::{AgentLink, Backends as _, Engine, RegistryAccess, Services, Stored};
use sockerless_registry::{RegistryClient, RegistryOptions};
use sockerless_store::{SqliteStore, Store};
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use crate::address::{Address, ServeAddress};
use crate::admin::Admin;
use crate::backends::{LoadSettings, Loaded};
use crate::cli::{AgentLink as WhoDials, ServeOptions};
use crate::config::{Config, Tls};
use crate::inherited::{self, Inherited, Socket};
use crate::operator::{self, Operator};
use crate::record;
use crate::reload;
use crate::remembered::Remembered;
use crate::service_manager;
use crate::signatures::SignatureKeys;
use crate::state_dir::StateDir;
use crate::state_lock::StateLock;
use crate::stopping::{Serving, Signals};
use crate::traces;

/// What work off the runtime may take to end once the daemon has.
const LEFT_OVER: Duration = Duration::from_secs(1);

/// How much longer than its own shutdown may take a daemon waits for the state folder: the one before it has as long, and last words.
const HAND_OVER: Duration = Duration::from_secs(10);

/// Runs the daemon until SIGTERM or SIGINT, and until it has stopped. A second signal ends it at once.
///
/// # Errors
/// It cannot come up: the text says what is missing, or in the way. It did not stop in order.
pub(crate) fn run(options: ServeOptions) -> Result<()> {
    let config = Config::load(options, environment())?;
    sockerless_telemetry::log::init(std::env::var("SOCKERLESS_LOG").ok().as_deref(), config.log_format.into());
    let signatures = SignatureKeys::read(&config)?;
    let sockets = Passed::claim(&config, Inherited::take()?)?;
    let state = StateDir::open(&config.state_dir)?;
    let _lock = StateLock::take(&config.state_dir, config.shutdown_timeout.saturating_add(HAND_OVER))?;
    service_manager::starting("loading backends and containers");
    let runtime =
        tokio::runtime::Builder::new_multi_thread().enable_all().build().context("cannot start the runtime")?;
    let result = runtime.block_on(serve(config, sockets, state, signatures));
    runtime.shutdown_timeout(LEFT_OVER);
    result
}

/// The environment, as far as it is text.
pub(crate) fn environment() -> impl Iterator<Item = (String, String)> {
    std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
}

async fn serve(config: Config, sockets: Passed, state: StateDir, signatures: SignatureKeys) -> Result<()> {
    let mut signals = Signals::new()?;
    let limit = config.shutdown_timeout;
    let serving = tokio::select! {
        serving = Box::pin(bring_up(config, sockets, state, signatures)) => serving?,
        // Nobody was served yet, and what is on disk holds whenever a daemon ends.
        name = signals.next() => {
            tracing::info!("{name}: stopped before anything was served");
            return Ok(());
        }
    };
    let _watchdog = service_manager::watchdog();
    let name = signals.next().await;
    service_manager::stopping(format!("stopping: calls under way have {} s", limit.as_secs())).await;
    tracing::info!(
        seconds = limit.as_secs(),
        "{name}: stopping; what is under way has this long, a second signal ends it at once"
    );
    tokio::select! {
        () = serving.stop(limit) => Ok(()),
        name = signals.next() => bail!("{name} while the daemon was stopping: what was under way is cut off"),
    }
}

async fn bring_up(config: Config, mut sockets: Passed, state: StateDir, signatures: SignatureKeys) -> Result<Serving> {
    // Without this the signal would end the daemon.
    let hangup = signal(SignalKind::hangup()).context("cannot handle SIGHUP")?;
    let shutdown = CancellationToken::new();
    let agents_shutdown = CancellationToken::new();

    let lost = state.has_lost_its_database();
    let database = state.database();
    let store = tokio::task::spawn_blocking(move || SqliteStore::open(&database)).await??;
    let store: Arc<dyn Store> = Arc::new(store);
    let identity = state.identity()?;
    let exporter = traces::start(&config, &identity.id)?;
    let operator = Operator::start(&config, store.clone()).await?;
    let registry = AgentRegistry::default();
    let (listener, link) = agent_link(&config, sockets.agents.take()).await?;
    let services = Services::new(store.clone(), registry.clone(), link);
    let stored = Stored::read(&*store, &services).await?;
    let agents = listener.map(|listener| tokio::spawn(listener.serve(registry, agents_shutdown.clone())));

    let settings = LoadSettings::new(&config);
    let recorder = record::start(&config).await?;
    let loaded = Arc::new(Loaded::new(&config, services.clone(), identity.id.clone(), recorder.clone()).await?);
    let folder = state.backends();
    let (remembered, notes) = tokio::task::spawn_blocking(move || {
        let (remembered, notes) = Remembered::open(folder)?;
        remembered.tidy(&notes);
        anyhow::Ok((remembered, notes))
    })
    .await??;
    let settings = settings.with(remembered.clone());
    let found = loaded.load_all(&config.backends, &remembered, notes, &settings, &stored).await?;
    let registries = Arc::new(registry_client(&config)?);
    let access = RegistryAccess { registries: registries.clone(), fetch_config: config.fetch_image_config };
    let engine = Engine::start(identity, store, services, loaded.clone(), access, stored).await?;
    engine.recovered(found).await;
    if lost {
        tell_of_the_lost(&engine, &loaded);
    }
    let admin = Arc::new(Admin::new(loaded.clone(), settings, engine.clone(), remembered, registries, signatures));
    admin.tell_of_outages();

    let certificates = certificates(&config).await?;
    reload::on_hangup(hangup, certificates.clone(), shutdown.clone());
    let listeners = listen(&config, sockets, certificates).await?;
    let hosts: Vec<String> = listeners.iter().map(Listener::url).collect();
    for host in &hosts {
        tracing::info!(host, "the Docker API is served");
    }
    let witness = record::witness(recorder.as_ref());
    engine.limit_execs(config.limits.of_execs());
    let limits = config.limits.of_api(config.shutdown_timeout);
    let api = tokio::spawn(sockerless_api::serve(listeners, engine.clone(), admin, witness, limits, shutdown.clone()));
    let agents_listener = agents.as_ref().map(tokio::task::JoinHandle::abort_handle);
    operator.serving(operator::Serving { engine: engine.clone(), backends: loaded.clone(), agents: agents_listener });
    announce(&hosts);
    service_manager::ready(format!("serving {}", hosts.join(", "))).await;
    Ok(Serving { api, shutdown, engine, loaded, recorder, agents, agents_shutdown, operator, exporter })
}

/// The database is gone: says, when it is known, how many containers are in the cloud that it knew of.
fn tell_of_the_lost(engine: &Engine, loaded: &Loaded) {
    for backend in loaded.names() {
        let engine = engine.clone();
        tokio::spawn(async move {
            match engine.orphans(&backend, &[]).await.map(|orphans| orphans.iter().filter(|orphan| orphan.own).count())
            {
                Ok(0) => {}
                Ok(count) => tracing::warn!(
                    backend,
                    count,
                    "the database is gone, and containers that it knew of are in the cloud: `sockerless store rebuild` takes them \
                     in again, `sockerless azure prune` deletes them"
                ),
                Err(error) => {
                    tracing::debug!(backend, %error, "what there is in the cloud of the lost database is not known");
                }
            }
        });
    }
}

/// Where agents dial in, if they do, and how new ones are linked.
async fn agent_link(config: &Config, passed: Option<TcpListener>) -> Result<(Option<AgentListener>, AgentLink)> {
    if config.agent_link == WhoDials::Dial {
        return Ok((None, AgentLink::Dial));
    }
    let listener = match passed {
        Some(socket) => AgentListener::of(socket)?,
        None => {
            AgentListener::bind(&config.agents_listen).await.context("give another address with --agents-listen")?
        }
    };
    let link = callback_url(config, listener.address())?.map_or(AgentLink::None, AgentLink::Callback);
    Ok((Some(listener), link))
}

/// Says on standard output where the API is: whoever started the daemon waits for these lines.
fn announce(hosts: &[String]) {
    use std::io::Write;
    let mut out = std::io::stdout().lock();
    for host in hosts {
        // Nobody may be reading; the log has it too.
        let _ = writeln!(out, "{host}");
    }
    let _ = out.flush();
}

/// The client of all registries.
pub(crate) fn registry_client(config: &Config) -> Result<RegistryClient> {
    let tls = sockerless_plugins::tls_config().context("TLS for registries cannot be set up")?;
    Ok(RegistryClient::new(RegistryOptions { tls, insecure: config.insecure_registries.clone() })?)
}

/// The URL that agents are given.
pub(crate) fn callback_url(config: &Config, listening: SocketAddr) -> Result<Option<String>> {
    let Some(url) = config.callback_url.as_deref() else {
        tracing::warn!(
            "SOCKERLESS_CALLBACK_URL is not set: containers have no agent, so a backend whose cloud needs one has no exec, attach, copy or exit code. If agents \
             cannot reach this machine, set SOCKERLESS_AGENT_LINK=dial"
        );
        return Ok(None);
    };
    if url == "auto" {
        return Ok(Some(format!("ws://{listening}")));
    }
    if url.starts_with("ws://") || url.starts_with("wss://") {
        return Ok(Some(url.trim_end_matches('/').to_owned()));
    }
    Err(anyhow!(
        "the callback URL \"{url}\" is not understood: write wss://host[:port][/path], which must lead to the address that \
         --agents-listen names, or `auto` when the agents run on this machine"
    ))
}

/// The sockets that were passed to the daemon, by who is to have them.
#[derive(Debug, Default)]
struct Passed {
    agents: Option<TcpListener>,
    api: Vec<Socket>,
}

impl Passed {
    /// Before anything else is begun: what is passed and what is configured must fit.
    fn claim(config: &Config, mut inherited: Inherited) -> Result<Self> {
        let agents = match inherited::name_of(&config.agents_listen) {
            Some(name) if config.agent_link == WhoDials::Callback => Some(inherited.claim_tcp(name)?),
            Some(name) => {
                if inherited.claim_tcp(name).is_ok() {
                    tracing::info!("the agents' socket that was passed is not used: this daemon dials the agents");
                }
                None
            }
            None => None,
        };
        // Those with a name first: what has none is for all that are left.
        let mut names: Vec<&str> = config.hosts.iter().filter_map(ServeAddress::inherited).collect();
        names.sort_by_key(|name| name.is_empty());
        names.dedup();
        let mut api = Vec::new();
        for name in names {
            api.extend(inherited.claim(name)?);
        }
        inherited.ensure_all_are_used()?;
        Ok(Self { agents, api })
    }
}

/// Those of the TCP listeners, if there are any.
async fn certificates(config: &Config) -> Result<Option<Certificates>> {
    let Some(Tls { cert, key, ca }) = &config.tls else { return Ok(None) };
    let files = TlsFiles { certificate: cert.clone(), key: key.clone(), client_ca: ca.clone() };
    Ok(Some(Certificates::load(files).await?))
}

async fn listen(config: &Config, sockets: Passed, certificates: Option<Certificates>) -> Result<Vec<Listener>> {
    let mut listeners = Vec::new();
    for socket in sockets.api {
        listeners.push(match socket {
            Socket::Unix(socket) => Listener::passed_unix(socket)?,
            Socket::Tcp(socket) => Listener::passed_tcp(socket, certificates.clone())?,
        });
    }
    for host in config.hosts.iter().filter_map(ServeAddress::own) {
        let listener = match host {
            Address::Unix(path) => {
                if let Some(folder) = path.parent() {
                    tokio::fs::create_dir_all(folder)
                        .await
                        .with_context(|| format!("cannot make the folder {}", folder.display()))?;
                }
                Listener::unix(path, &config.socket).await?
            }
            Address::Tcp(authority) => {
                let address = tokio::net::lookup_host(authority)
                    .await
                    .with_context(|| format!("{host} cannot be resolved"))?
                    .next()
                    .with_context(|| format!("{host} has no address"))?;
                match &certificates {
                    Some(certificates) => Listener::tls(address, certificates.clone()).await?,
                    None => Listener::tcp(address).await?,
                }
            }
        };
        listeners.push(listener);
    }
    Ok(match &config.roles {
        Some(roles) => listeners.into_iter().map(|listener| listener.with_roles(roles.clone())).collect(),
        None => listeners,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(callback: Option<&str>) -> Config {
        let options = ServeOptions { callback_url: callback.map(str::to_owned), ..ServeOptions::default() };
        Config::load(options, std::iter::empty()).unwrap()
    }

    #[test]
    fn the_callback_url_is_a_websocket_or_auto() {
        let listening = "127.0.0.1:7".parse().unwrap();
        let url = |text| callback_url(&config(text), listening);
        assert_eq!(url(None).unwrap(), None);
        assert_eq!(url(Some("auto")).unwrap().as_deref(), Some("ws://127.0.0.1:7"));
        assert_eq!(url(Some("wss://d.example/x/")).unwrap().as_deref(), Some("wss://d.example/x"));
        assert!(url(Some("https://d.example")).is_err());
    }
}
