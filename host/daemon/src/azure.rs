//! What the daemon's program does in Azure by itself, where a backend cannot: the agent's share, whose service wants requests that
//! are signed by a key.
//!
//! Everything else that there is to know of Azure is in the backend `azf`, whose settings are read here by their names.

pub(crate) mod check;
mod push_agent;
mod share;

use anyhow::Result;

use crate::cli::AzureCommand;

/// Runs `sockerless azure`.
///
/// # Errors
/// It could not be done; the text says why, and what to do.
pub(crate) fn run(command: AzureCommand) -> Result<()> {
    match command {
        AzureCommand::PushAgent(options) => push_agent::run(options),
    }
}
