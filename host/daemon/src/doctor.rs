//! `sockerless doctor`: whether a daemon with this configuration would work. Changes nothing, and may run beside the daemon.
//!
//! What a cloud needs its backend knows: loading it has it check its settings and look at its cloud, and it says each step in
//! the log, where this listens.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow, bail};
use sockerless_agents::{AgentListener, AgentRegistry};
use sockerless_engine::Services;
use sockerless_store::{MemoryStore, Store};
use tokio_util::sync::CancellationToken;
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::{Context, SubscriberExt};
use tracing_subscriber::util::SubscriberInitExt;

use crate::azure;
use crate::backends::{LoadSettings, Loaded};
use crate::cli::{AgentLink, ServeOptions};
use crate::config::Config;
use crate::inherited;
use crate::serve::{callback_url, environment, registry_client};
use crate::signatures::SignatureKeys;

/// The target of what backends log.
const BACKENDS: &str = "sockerless::backend";
/// Where agents dial in, below the callback URL.
const CONNECT: &str = "/v1/agents/connect";
/// A part of what the agents' listener answers to somebody who is no agent.
const DOORKEEPER: &str = "a version of the protocol are needed";
/// For the way to the callback URL and back.
const PATIENCE: Duration = Duration::from_secs(15);

/// Checks everything, and prints one line for each step.
///
/// # Errors
/// Some step failed; what and why is on standard output.
pub(crate) fn run(options: ServeOptions) -> Result<()> {
    let report = Report::default();
    // The only one in this process: nothing else logs to a terminal here.
    tracing_subscriber::registry().with(report.clone()).init();
    let config = Config::load(options, environment());
    match config.and_then(|config| SignatureKeys::read(&config).map(|_| config)) {
        Err(error) => report.failed(&format!("{error:#}")),
        Ok(config) => {
            report.passed("the configuration is understood");
            let runtime =
                tokio::runtime::Builder::new_multi_thread().enable_all().build().context("cannot start the runtime")?;
            runtime.block_on(check(&config, &report));
        }
    }
    match report.failures() {
        0 => Ok(()),
        1 => bail!("one step failed"),
        count => bail!("{count} steps failed"),
    }
}

async fn check(config: &Config, report: &Report) {
    match config.agent_link {
        AgentLink::Dial => report.passed("the daemon dials the agents, and needs no callback URL"),
        AgentLink::Callback => match agents(config).await {
            Ok(url) => report.passed(&format!("agents find the daemon at {url}")),
            Err(error) => report.failed(&format!("{error:#}")),
        },
    }
    if config.backends.is_empty() {
        report.failed(
            "no backend is named: give its file with --backend, or in the list \"backends\" of the configuration file",
        );
    }
    for file in &config.backends {
        match backend(config, file).await {
            Ok(()) => report.passed(&format!("the backend {} can be loaded", file.display())),
            Err(error) => report.failed(&format!("{error:#}")),
        }
    }
    match registry(config).await {
        Ok(found) => found.into_iter().for_each(|step| report.passed(&step)),
        Err(error) => report.failed(&format!("{error:#}")),
    }
    match azure::check::agent_share(config).await {
        Ok(found) => found.into_iter().for_each(|step| report.passed(&step)),
        Err(error) => report.failed(&format!("{error:#}")),
    }
}

async fn registry(config: &Config) -> Result<Option<String>> {
    azure::check::registry(&config.settings, &registry_client(config)?).await
}

/// Whether the callback URL leads to the agents' listener. Answers the URL.
async fn agents(config: &Config) -> Result<String> {
    if inherited::name_of(&config.agents_listen).is_some() {
        bail!(
            "--agents-listen names a socket of systemd's, which only the daemon that systemd starts has: set SOCKERLESS_AGENTS_LISTEN \
             to the address of its socket unit here"
        );
    }
    // A daemon that runs has the address, and answers in its own stead.
    let own = AgentListener::bind(&config.agents_listen).await;
    let address = match (&own, config.agents_listen.parse()) {
        (Ok(listener), _) => listener.address(),
        (Err(_), Ok(address)) => address,
        (Err(error), Err(_)) => bail!("{error}: give another address with --agents-listen"),
    };
    let url = callback_url(config, address)?.ok_or_else(|| {
        anyhow!(
            "SOCKERLESS_CALLBACK_URL is not set: containers would have no agent. Give the wss:// URL that leads to the address of \
             --agents-listen, or set SOCKERLESS_AGENT_LINK=dial if agents cannot reach this machine"
        )
    })?;
    let end = CancellationToken::new();
    let serving = own.ok().map(|listener| tokio::spawn(listener.serve(AgentRegistry::default(), end.clone())));
    let reached = reach(&url).await;
    end.cancel();
    if let Some(serving) = serving {
        // It has nothing to say.
        let _ = serving.await;
    }
    reached.with_context(|| {
        format!(
            "agents do not find the daemon at {url}: the callback URL must lead, through whatever stands between, to the address \
             of --agents-listen ({address})"
        )
    })?;
    Ok(url)
}

/// Asks at the callback URL as an agent would who has forgotten everything: the listener says what it lacks.
async fn reach(url: &str) -> Result<()> {
    let tls = sockerless_plugins::tls_config()?;
    let client = reqwest::Client::builder()
        .tls_backend_preconfigured(tls)
        .redirect(reqwest::redirect::Policy::none())
        .http1_only()
        .timeout(PATIENCE)
        .build()?;
    // `ws` becomes `http`, and `wss` becomes `https`.
    let target = format!("{}{CONNECT}", url.replacen("ws", "http", 1));
    let response = client.get(target).send().await?;
    let status = response.status();
    let text = response.text().await?;
    if !text.contains(DOORKEEPER) {
        bail!("somebody else answers there, with status {status}");
    }
    Ok(())
}

/// Loads a backend for itself: what it needs and what it says of its cloud.
async fn backend(config: &Config, file: &std::path::Path) -> Result<()> {
    let store: Arc<dyn Store> = Arc::new(MemoryStore::default());
    // It makes nothing that could carry the id.
    let services = Services::new(store, AgentRegistry::default(), sockerless_engine::AgentLink::None);
    let loaded = Loaded::new(config, services, "doctor".to_owned(), None).await?;
    let outcome = loaded.try_file(file, &LoadSettings::new(config)).await;
    loaded.shutdown().await;
    outcome
}

/// What was found so far. Backends add to it by what they log.
#[derive(Clone, Default)]
struct Report(Arc<Mutex<usize>>);

impl Report {
    fn passed(&self, step: &str) {
        say("ok    ", step);
    }

    fn failed(&self, step: &str) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        say("FAILED", step);
    }

    fn failures(&self) -> usize {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn say(mark: &str, step: &str) {
    use std::io::Write;
    // Nobody may be reading; the exit code tells too.
    let _ = writeln!(std::io::stdout(), "{mark} {step}");
}

impl<S: Subscriber> Layer<S> for Report {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        if event.metadata().target() != BACKENDS {
            return;
        }
        let mut message = Message::default();
        event.record(&mut message);
        match *event.metadata().level() {
            Level::INFO => self.passed(&message.0),
            Level::WARN | Level::ERROR => self.failed(&message.0),
            _ => {}
        }
    }
}

/// The text of an event.
#[derive(Default)]
struct Message(String);

impl Visit for Message {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        if field.name() == "message" {
            self.0 = format!("{value:?}");
        }
    }
}
