//! `sockerless-agent`: the process beside the user's command inside a container.
//!
//! It is started as the container's own command, `sockerless-agent run -- <words>`, and serves two sides: the platform's front
//! end, whose invocation starts the command ([`invocation`]), and the daemon, which it dials ([`dial`]) or by which it is
//! dialled ([`door`]), and which then asks for everything else over the [`link`], by the [`api`]: output, input, further
//! processes, signals, files. What it runs lives in [`process`]; output waits in a [`spool`] until it is read, and goes to
//! Application Insights by [`telemetry`].

mod api;
mod changes;
mod config;
mod connect;
mod dial;
mod door;
mod invocation;
mod link;
mod process;
mod sample;
mod stop;
mod telemetry;
mod top;
mod transfer;

use std::path::Path;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use sockerless_agent::{archive, spool};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing_subscriber::EnvFilter;

use crate::changes::Changes;
use crate::config::{Config, Linking};
use crate::dial::Dialler;
use crate::door::Door;
use crate::link::LinkServer;
use crate::process::Processes;
use crate::telemetry::Telemetry;
use crate::transfer::Transfers;

/// Runs a container's command for a sockerless daemon
#[derive(Parser)]
#[command(version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Waits for the invocation, then runs the command. The environment says the rest
    Run {
        /// The command, as the container's entrypoint and words
        #[arg(last = true, required = true, value_name = "WORD")]
        words: Vec<String>,
    },
}

fn main() -> ExitCode {
    let Command::Run { words } = Arguments::parse().command;
    let config = match Config::take_from_environment(words) {
        Ok(config) => config,
        Err(error) => {
            eprintln!("sockerless-agent: {error:#}");
            return ExitCode::from(2);
        }
    };
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_ansi(false)
        .with_env_filter(EnvFilter::try_new(&config.log).unwrap_or_else(|_| EnvFilter::new("info")))
        .init();
    process::own::hide();
    process::own::make_folders(&config.spec.folders);
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).max_blocking_threads(64).enable_all().build();
    let result = runtime.map_err(anyhow::Error::from).and_then(|runtime| runtime.block_on(run(config)));
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("sockerless-agent: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(config: Config) -> anyhow::Result<()> {
    let boot = uuid::Uuid::new_v4().simple().to_string();
    let telemetry = Telemetry::start(config.telemetry.clone(), &boot);
    let changes = match config.tells_changes {
        true => Changes::begin(Path::new("/")),
        false => Changes::unknown("the container does not run on the file system of its image"),
    };
    let processes = Processes::start(config.spec.clone(), telemetry.sink(), changes.clone())?;
    let ending = CancellationToken::new();
    let server = LinkServer {
        boot: boot.into(),
        container: config.container.as_str().into(),
        processes: processes.clone(),
        transfers: Transfers::default(),
        changes,
        ending: ending.clone(),
    };
    let links = TaskTracker::new();
    let (dialler, door) = match config.linking.clone() {
        Linking::Callback(callback) => (Some(Dialler { callback, server }), None),
        Linking::Dialled(token) => (None, Some(Door::new(token, server, links.clone()))),
    };
    let front = invocation::serve(&config, processes.clone(), door).await?;
    if let Some(dialler) = dialler {
        links.spawn(dialler.dial_until_the_end());
    }
    stop::asked().await?;
    tracing::info!("the platform stops the container");
    processes.stop(&config.spec.stop_signal).await;
    telemetry.flush().await;
    // The daemon hears how the command has ended before the link does.
    ending.cancel();
    front.abort();
    links.close();
    links.wait().await;
    Ok(())
}
