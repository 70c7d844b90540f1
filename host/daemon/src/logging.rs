//! The daemon's log: `tracing` to standard error.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;

/// What is not logged in more detail unless a directive names it more exactly: libraries that write whole messages there, in which
/// containers' environments are.
const DISCREET: [&str; 2] = ["tungstenite=info", "tokio_tungstenite=info"];

/// Sets the log up. `SOCKERLESS_LOG` chooses what is logged (`debug`, `sockerless_plugins=trace`, …), `SOCKERLESS_LOG_FORMAT=json` how.
pub(crate) fn init() {
    let filter = EnvFilter::try_from_env("SOCKERLESS_LOG").unwrap_or_else(|_| EnvFilter::new("info"));
    let filter = DISCREET.iter().filter_map(|directive| directive.parse().ok()).fold(filter, EnvFilter::add_directive);
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal());
    if std::env::var("SOCKERLESS_LOG_FORMAT").is_ok_and(|format| format == "json") {
        builder.json().init();
    } else {
        builder.init();
    }
}
