//! The Azure emulator as a program of its own.

use std::io::IsTerminal;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use clap::{Parser, Subcommand};
use sockerless_emulator::{Emulator, EmulatorConfig, Isolation, container_init_main};
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::EnvFilter;

/// An emulator of the parts of Azure that the azf backend uses
#[derive(Debug, Parser)]
#[command(version)]
struct Arguments {
    /// Configuration file (TOML); every setting has a default
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Address to listen on; port 0 takes a free one
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<SocketAddr>,
    /// The sockerless-agent binary that images have inside
    #[arg(long, value_name = "PATH")]
    agent: Option<PathBuf>,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// First process of a container; started by the emulator itself
    #[command(hide = true)]
    ContainerInit,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    if let Some(Command::ContainerInit) = arguments.command {
        // Before any thread exists.
        return container_init_main();
    }
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .with_env_filter(EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info")))
        .init();
    match run(arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("azure-emulator: {error:#}");
            ExitCode::FAILURE
        }
    }
}

#[tokio::main]
async fn run(arguments: Arguments) -> anyhow::Result<()> {
    let mut terminate = signal(SignalKind::terminate()).context("cannot handle SIGTERM")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("cannot handle SIGINT")?;
    let mut config = match &arguments.config {
        Some(path) => EmulatorConfig::load(path)?,
        None => EmulatorConfig::default(),
    };
    if let Some(listen) = arguments.listen {
        config.listen = listen;
    }
    if arguments.agent.is_some() {
        config.agent = arguments.agent;
    }
    let emulator = Emulator::start(config).await?;
    println!("{}", announcement(&emulator));
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    tracing::info!("ending");
    emulator.shutdown().await;
    Ok(())
}

/// One line that a program can read.
fn announcement(emulator: &Emulator) -> serde_json::Value {
    let isolation = match emulator.isolation() {
        Isolation::Namespaces => "namespaces",
        Isolation::Plain { .. } => "plain",
    };
    serde_json::json!({
        "address": emulator.address(),
        "url": format!("http://{}", emulator.address()),
        "isolation": isolation,
        "environment": emulator.environment(),
    })
}
