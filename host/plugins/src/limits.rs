//! What one backend may use, per call.

use std::time::Duration;

use serde::{Deserialize, Deserializer};

/// An export of the WIT package. Names it in errors and logs, and carries its deadline.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(missing_docs, reason = "each is the export of the same name, documented in the WIT package")]
pub enum Export {
    Describe,
    Check,
    Plan,
    Create,
    Start,
    Finished,
    Stop,
    Kill,
    Restart,
    Remove,
    Recover,
    Logs,
    Inventory,
    AgentEnvironment,
    ExecStart,
    ExecInspect,
    ExecResize,
    Attach,
    AttachResize,
    ArchiveStat,
    ArchiveGet,
    ArchivePut,
    ArchiveExtracted,
    ArchiveFileSystem,
    Resume,
}

impl Export {
    /// All of them, in their order.
    const ALL: [Self; 25] = [
        Self::Describe,
        Self::Check,
        Self::Plan,
        Self::Create,
        Self::Start,
        Self::Finished,
        Self::Stop,
        Self::Kill,
        Self::Restart,
        Self::Remove,
        Self::Recover,
        Self::Logs,
        Self::Inventory,
        Self::AgentEnvironment,
        Self::ExecStart,
        Self::ExecInspect,
        Self::ExecResize,
        Self::Attach,
        Self::AttachResize,
        Self::ArchiveStat,
        Self::ArchiveGet,
        Self::ArchivePut,
        Self::ArchiveExtracted,
        Self::ArchiveFileSystem,
        Self::Resume,
    ];

    /// The one of this name, if there is one.
    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|export| export.name() == name)
    }

    /// Interface and function, as the WIT package has them.
    pub fn name(self) -> &'static str {
        match self {
            Self::Describe => "backend.describe",
            Self::Check => "backend.check",
            Self::Plan => "backend.plan",
            Self::Create => "lifecycle.create",
            Self::Start => "lifecycle.start",
            Self::Finished => "lifecycle.finished",
            Self::Stop => "lifecycle.stop",
            Self::Kill => "lifecycle.kill",
            Self::Restart => "lifecycle.restart",
            Self::Remove => "lifecycle.remove",
            Self::Recover => "lifecycle.recover",
            Self::Logs => "logs.read",
            Self::Inventory => "inventory.list",
            Self::AgentEnvironment => "inventory.agent-environment",
            Self::ExecStart => "exec.start",
            Self::ExecInspect => "exec.inspect",
            Self::ExecResize => "exec.resize",
            Self::Attach => "attach.open",
            Self::AttachResize => "attach.resize",
            Self::ArchiveStat => "archive.stat",
            Self::ArchiveGet => "archive.get",
            Self::ArchivePut => "archive.put",
            Self::ArchiveExtracted => "archive.extracted",
            Self::ArchiveFileSystem => "archive.file-system",
            Self::Resume => "runs.resume",
        }
    }
}

/// What one backend may use. The defaults suit a backend that talks to a cloud's API.
///
/// Two clocks bound a call. [`computing`](Self::computing) counts only while the guest's own code runs: a loop without
/// an end is caught after seconds. The deadline of the export counts everything, so also the minutes for which a
/// backend waits for its cloud inside a host import.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Limits {
    /// Largest component that is loaded, in bytes.
    pub component_bytes: usize,
    /// Linear memory of one instance, all of its memories together, in bytes.
    pub memory_bytes: usize,
    /// Time for which the guest's code may run in one call. In TOML: seconds.
    #[serde(deserialize_with = "seconds")]
    pub computing: Duration,
    /// Deadline of `describe` and `plan`, which wait for nothing. In TOML: seconds.
    #[serde(deserialize_with = "seconds")]
    pub short_deadline: Duration,
    /// Deadline of `create`. In TOML: seconds.
    #[serde(deserialize_with = "seconds")]
    pub create_deadline: Duration,
    /// Deadline of `start`. In TOML: seconds.
    #[serde(deserialize_with = "seconds")]
    pub start_deadline: Duration,
    /// Deadline of every other export. In TOML: seconds.
    #[serde(deserialize_with = "seconds")]
    pub deadline: Duration,
    /// Calls under way at once; further ones wait for a place.
    pub instances: usize,
    /// Calls that wait for a place at once; further ones fail, but for those that bring something to its end.
    pub waiting: usize,
    /// Calls of imports that one call may make, those of `log` not counted.
    pub host_calls: u64,
    /// Bytes of request and response bodies that one call may move.
    pub http_bytes: u64,
    /// Events that one call may write to the log.
    pub log_events: u32,
    /// Bytes of standard output and error, each, that one call may write to the log.
    pub stdio_bytes: usize,
    /// Dispatched requests under way at once.
    pub dispatched: usize,
}

impl Default for Limits {
    fn default() -> Self {
        const MIB: usize = 1 << 20;
        Self {
            component_bytes: 64 * MIB,
            memory_bytes: 64 * MIB,
            computing: Duration::from_secs(5),
            short_deadline: Duration::from_secs(30),
            create_deadline: Duration::from_secs(15 * 60),
            start_deadline: Duration::from_secs(10 * 60),
            deadline: Duration::from_secs(5 * 60),
            instances: 1_000,
            waiting: 2_000,
            host_calls: 10_000,
            http_bytes: 64 << 20,
            log_events: 1_000,
            stdio_bytes: 64 << 10,
            dispatched: 10_000,
        }
    }
}

impl Limits {
    /// How long a call of this export may take in all.
    pub fn deadline_of(&self, export: Export) -> Duration {
        match export {
            Export::Describe | Export::Plan => self.short_deadline,
            Export::Create => self.create_deadline,
            Export::Start => self.start_deadline,
            _ => self.deadline,
        }
    }
}

/// A time that is given is no longer: a moment that lies further ahead cannot always be told.
const LONGEST: Duration = Duration::from_secs(1_000_000_000);

/// A time that TOML has in seconds.
pub(crate) fn seconds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    let seconds = f64::deserialize(deserializer)?;
    match Duration::try_from_secs_f64(seconds) {
        Ok(time) if time > LONGEST => Err(serde::de::Error::custom(format_args!(
            "{seconds} seconds are too long: give at most {}",
            LONGEST.as_secs()
        ))),
        time => time.map_err(serde::de::Error::custom),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_export_is_found_by_its_name() {
        for (at, export) in Export::ALL.into_iter().enumerate() {
            assert_eq!(export as usize, at);
            assert_eq!(Export::named(export.name()), Some(export));
        }
        assert_eq!(Export::Resume as usize + 1, Export::ALL.len());
        assert_eq!(Export::named("backend.nonsense"), None);
    }

    #[test]
    fn reads_what_is_given_and_refuses_what_is_unknown() {
        let limits: Limits = serde_json::from_str(r#"{"memory-bytes": 1000, "create-deadline": 1.5}"#).unwrap();
        for time in ["-1", "1e10", "1e300"] {
            assert!(serde_json::from_str::<Limits>(&format!(r#"{{"deadline": {time}}}"#)).is_err(), "{time}");
        }
        assert_eq!(limits.memory_bytes, 1000);
        assert_eq!(limits.deadline_of(Export::Create), Duration::from_millis(1500));
        assert_eq!(limits.host_calls, Limits::default().host_calls);
        assert!(serde_json::from_str::<Limits>(r#"{"memory": 1}"#).is_err());
        assert!(serde_json::from_str::<Limits>(r#"{"computing": -1}"#).is_err());
    }
}
