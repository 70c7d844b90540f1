//! Telemetry in, log queries out: Application Insights over a Log Analytics workspace.

mod envelope;
mod ingest;
mod kql;
mod query;
mod store;
mod table;
mod timespan;

pub(crate) use self::ingest::{handle as handle_track, refusal};
pub(crate) use self::query::handle as handle_query;
pub(crate) use self::store::Logs;
