//! `sockerless serve`: brings the daemon up, and takes it down.

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::{Context, Result, anyhow};
use sockerless_agents::{AgentListener, AgentRegistry};
use sockerless_api::{Limits, Listener, TlsFiles};
use sockerless_engine::{AgentLink, Backends as _, Engine, RegistryAccess, Services, Stored};
use sockerless_registry::{RegistryClient, RegistryOptions};
use sockerless_store::{SqliteStore, Store};
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use crate::address::Address;
use crate::admin::Admin;
use crate::backends::{LoadSettings, Loaded};
use crate::cli::{AgentLink as WhoDials, ServeOptions};
use crate::config::{Config, Tls};
use crate::operator::{Operator, Serving};
use crate::record;
use crate::remembered::Remembered;
use crate::signatures::SignatureKeys;
use crate::state_dir::StateDir;
use crate::traces;

/// Runs the daemon until SIGTERM or SIGINT.
///
/// # Errors
/// It cannot come up: the text says what is missing, or in the way.
pub(crate) fn run(options: ServeOptions) -> Result<()> {
    let config = Config::load(options, environment())?;
    sockerless_telemetry::log::init(std::env::var("SOCKERLESS_LOG").ok().as_deref(), config.log_format.into());
    let signatures = SignatureKeys::read(&config)?;
    let state = StateDir::open(&config.state_dir)?;
    let runtime =
        tokio::runtime::Builder::new_multi_thread().enable_all().build().context("cannot start the runtime")?;
    runtime.block_on(serve(config, state, signatures))
}

/// The environment, as far as it is text.
pub(crate) fn environment() -> impl Iterator<Item = (String, String)> {
    std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
}

async fn serve(config: Config, state: StateDir, signatures: SignatureKeys) -> Result<()> {
    // Before anything else, so that a signal that comes early is not lost.
    let mut terminate = signal(SignalKind::terminate()).context("cannot handle SIGTERM")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("cannot handle SIGINT")?;
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
    let (listener, link) = agent_link(&config).await?;
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

    let listeners = listen(&config).await?;
    for host in &config.hosts {
        tracing::info!(%host, "the Docker API is served");
    }
    announce(&config.hosts);
    let (witness, limits) = (record::witness(recorder.as_ref()), Limits::default());
    let api = tokio::spawn(sockerless_api::serve(listeners, engine.clone(), admin, witness, limits, shutdown.clone()));
    let agents_listener = agents.as_ref().map(tokio::task::JoinHandle::abort_handle);
    operator.serving(Serving { engine: engine.clone(), backends: loaded.clone(), agents: agents_listener });
    tokio::select! {
        _ = terminate.recv() => tracing::info!("SIGTERM: stopping"),
        _ = interrupt.recv() => tracing::info!("SIGINT: stopping"),
    }
    operator.stopping();
    shutdown.cancel();
    if let Err(error) = api.await {
        tracing::error!(%error, "the API ended badly");
    }
    engine.shutdown().await;
    loaded.shutdown().await;
    record::close(recorder).await;
    agents_shutdown.cancel();
    if let Some(agents) = agents {
        let _ = agents.await;
    }
    operator.end().await;
    traces::end(exporter).await;
    Ok(())
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
async fn agent_link(config: &Config) -> Result<(Option<AgentListener>, AgentLink)> {
    if config.agent_link == WhoDials::Dial {
        return Ok((None, AgentLink::Dial));
    }
    let listener =
        AgentListener::bind(&config.agents_listen).await.context("give another address with --agents-listen")?;
    let link = callback_url(config, listener.address())?.map_or(AgentLink::None, AgentLink::Callback);
    Ok((Some(listener), link))
}

/// Says on standard output where the API is: whoever started the daemon waits for these lines.
fn announce(hosts: &[Address]) {
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
            "SOCKERLESS_CALLBACK_URL is not set: containers have no agent, so there is no exec, attach, copy or exit code. If agents \
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

async fn listen(config: &Config) -> Result<Vec<Listener>> {
    let mut listeners = Vec::new();
    for host in &config.hosts {
        let listener = match host {
            Address::Unix(path) => {
                if let Some(folder) = path.parent() {
                    tokio::fs::create_dir_all(folder)
                        .await
                        .with_context(|| format!("cannot make the folder {}", folder.display()))?;
                }
                Listener::unix(path, config.socket_group.as_deref()).await?
            }
            Address::Tcp(authority) => {
                let address = tokio::net::lookup_host(authority)
                    .await
                    .with_context(|| format!("{host} cannot be resolved"))?
                    .next()
                    .with_context(|| format!("{host} has no address"))?;
                match &config.tls {
                    Some(Tls { cert, key, ca }) => {
                        let files = TlsFiles { certificate: cert.clone(), key: key.clone(), client_ca: ca.clone() };
                        Listener::tls(address, files).await?
                    }
                    None => Listener::tcp(address).await?,
                }
            }
        };
        listeners.push(listener);
    }
    Ok(listeners)
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
