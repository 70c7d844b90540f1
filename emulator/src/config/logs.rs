//! Settings of Application Insights and Log Analytics.

use serde::{Deserialize, Serialize};

use super::BucketConfig;

/// Ingestion and query.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LogsConfig {
    /// GUID (customer id) of the workspace.
    pub workspace: String,
    /// Name of the workspace as a resource.
    pub workspace_name: String,
    /// The key that telemetry must carry.
    pub instrumentation_key: String,
    /// How long a row takes from ingestion until a query sees it.
    pub delay_ms: u64,
    /// Rows take up to this much longer than `delay_ms`, each its own time: they arrive out of order.
    pub disorder_ms: u64,
    /// Rows that are kept; the oldest are dropped.
    pub retained_rows: usize,
    /// Rows that one query may answer; more are cut off and answered with a `PartialError`.
    pub max_rows: usize,
    /// Most bytes of the rows that one query may answer; the rest is cut off like surplus rows.
    pub max_bytes: usize,
    /// Answers 204 where there are no rows. Microsoft's own client takes nothing but 200, so an empty table is the default.
    pub no_content: bool,
    /// Answers the columns of a table in another order, which Azure does not promise.
    pub reverse_columns: bool,
    /// How long an answer is repeated to a client that does not send `Cache-Control: no-cache`.
    pub cache_ms: u64,
    /// Rate limit per principal.
    pub queries: BucketConfig,
}

impl Default for LogsConfig {
    fn default() -> Self {
        Self {
            workspace: "33333333-3333-3333-3333-333333333333".to_owned(),
            workspace_name: "sockerless-logs".to_owned(),
            instrumentation_key: "44444444-4444-4444-4444-444444444444".to_owned(),
            delay_ms: 0,
            disorder_ms: 0,
            retained_rows: 500_000,
            max_rows: 500_000,
            max_bytes: 100_000_000,
            no_content: false,
            reverse_columns: false,
            cache_ms: 120_000,
            queries: BucketConfig { capacity: 200, refill_per_second: 200.0 / 30.0 },
        }
    }
}
