//! Health checks: how they are asked for, and what they found.
#![expect(missing_docs, reason = "the fields are those of the API's description")]

use crate::object::is_default;

object! {
    /// How the health of a container is tested. Durations are nanoseconds; zero means the default.
    pub struct HealthConfig {
        #[serde(skip_serializing_if = "is_default")]
        pub test: Vec<String>,
        #[serde(skip_serializing_if = "is_default")]
        pub interval: i64,
        #[serde(skip_serializing_if = "is_default")]
        pub timeout: i64,
        #[serde(skip_serializing_if = "is_default")]
        pub start_period: i64,
        #[serde(skip_serializing_if = "is_default")]
        pub start_interval: i64,
        #[serde(skip_serializing_if = "is_default")]
        pub retries: i64,
    }

    /// What the last tests found.
    pub struct Health {
        pub status: String,
        pub failing_streak: i64,
        pub log: Option<Vec<HealthResult>>,
    }

    /// One test.
    pub struct HealthResult {
        pub start: String,
        pub end: String,
        pub exit_code: i64,
        pub output: String,
    }
}
