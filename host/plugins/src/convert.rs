//! Between the types of the WIT package and those of `sockerless-backend`.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use sockerless_backend::types as contract;
use sockerless_backend::{BackendError, HttpError};

use crate::bindings::exports::sockerless::backend::{backend, lifecycle, logs};
use crate::bindings::sockerless::backend::{http, types};

/// A point in time. What lies beyond 64 bits of seconds is cut off.
pub(crate) fn timestamp(time: SystemTime) -> types::Timestamp {
    let seconds = |duration: Duration| i64::try_from(duration.as_secs()).unwrap_or(i64::MAX);
    match time.duration_since(UNIX_EPOCH) {
        Ok(since) => types::Timestamp { seconds: seconds(since), nanoseconds: since.subsec_nanos() },
        Err(before) => {
            let before = before.duration();
            match before.subsec_nanos() {
                0 => types::Timestamp { seconds: -seconds(before), nanoseconds: 0 },
                nanos => types::Timestamp { seconds: -seconds(before) - 1, nanoseconds: 1_000_000_000 - nanos },
            }
        }
    }
}

/// The end of the year 9999, beyond which times cannot be written down.
const LAST_SECOND: u64 = 253_402_300_799;

/// A guest's timestamp. One that is not within the years 1970 to 9999 becomes the epoch.
fn system_time(time: types::Timestamp) -> SystemTime {
    match u64::try_from(time.seconds) {
        Ok(seconds) if seconds <= LAST_SECOND => UNIX_EPOCH + Duration::new(seconds, time.nanoseconds.min(999_999_999)),
        _ => UNIX_EPOCH,
    }
}

impl From<types::Error> for BackendError {
    fn from(error: types::Error) -> Self {
        match error {
            types::Error::NotFound(text) => Self::NotFound(text),
            types::Error::Conflict(text) => Self::Conflict(text),
            types::Error::NameTaken(text) => Self::NameTaken(text),
            types::Error::Invalid(text) => Self::Invalid(text),
            types::Error::Configuration(text) => Self::Configuration(text),
            types::Error::Denied(text) => Self::Denied(text),
            types::Error::Throttled(types::Throttle { message, retry_after_ms }) => {
                Self::Throttled { message, retry_after: retry_after_ms.map(Duration::from_millis) }
            }
            types::Error::Unavailable(text) => Self::Unavailable(text),
            types::Error::Timeout(text) => Self::Timeout(text),
            types::Error::NotSupported(text) => Self::NotSupported(text),
            types::Error::Other(text) => Self::Other(text),
        }
    }
}

impl From<HttpError> for http::HttpError {
    fn from(error: HttpError) -> Self {
        match error {
            HttpError::Denied(text) => Self::Denied(text),
            HttpError::Invalid(text) => Self::Invalid(text),
            HttpError::Connect(text) => Self::Connect(text),
            HttpError::Timeout(text) => Self::Timeout(text),
            HttpError::Interrupted(text) => Self::Interrupted(text),
            HttpError::TooLarge(limit) => Self::TooLarge(limit),
            HttpError::Exhausted(text) => Self::Exhausted(text),
            HttpError::Other(text) => Self::Other(text),
        }
    }
}

impl From<contract::Response> for http::Response {
    fn from(contract::Response { status, headers, body }: contract::Response) -> Self {
        Self { status, headers, body }
    }
}

pub(crate) fn outcome(outcome: contract::Outcome) -> lifecycle::Outcome {
    match outcome {
        Ok(response) => lifecycle::Outcome::Response(response.into()),
        Err(error) => lifecycle::Outcome::Failed(error.into()),
    }
}

impl From<contract::Handle> for types::Handle {
    fn from(contract::Handle { version, data }: contract::Handle) -> Self {
        Self { version, data }
    }
}

impl From<types::Handle> for contract::Handle {
    fn from(types::Handle { version, data }: types::Handle) -> Self {
        Self { version, data }
    }
}

impl From<contract::Container> for types::Container {
    fn from(container: contract::Container) -> Self {
        let contract::Container { id, name, image, command, environment, spec, handle } = container;
        Self { id, name, image, command, environment, spec, handle: handle.map(Into::into) }
    }
}

impl From<backend::Descriptor> for contract::Descriptor {
    fn from(descriptor: backend::Descriptor) -> Self {
        let backend::Descriptor { name, version, driver, operating_system, cpus, memory, config, hosts, scopes } =
            descriptor;
        let config = config.into_iter().map(|key| contract::ConfigKey {
            name: key.name,
            required: key.required,
            default_value: key.default_value,
            secret: key.secret,
            help: key.help,
        });
        let scopes = scopes.into_iter().map(|grant| contract::ScopeGrant { scope: grant.scope, hosts: grant.hosts });
        Self {
            name,
            version,
            driver,
            operating_system,
            cpus,
            memory,
            config: config.collect(),
            hosts,
            scopes: scopes.collect(),
        }
    }
}

impl From<backend::Finding> for contract::Finding {
    fn from(finding: backend::Finding) -> Self {
        let verdict = match finding.verdict {
            backend::Verdict::Changed => contract::Verdict::Changed,
            backend::Verdict::Ignored => contract::Verdict::Ignored,
            backend::Verdict::Refused => contract::Verdict::Refused,
        };
        Self { field: finding.field, verdict, reason: finding.reason }
    }
}

impl From<lifecycle::Disposition> for contract::Disposition {
    fn from(disposition: lifecycle::Disposition) -> Self {
        match disposition {
            lifecycle::Disposition::Done => Self::Done,
            lifecycle::Disposition::Nothing => Self::Nothing,
            lifecycle::Disposition::HostDefault => Self::HostDefault,
        }
    }
}

impl From<lifecycle::Started> for contract::Started {
    fn from(started: lifecycle::Started) -> Self {
        let end = match started.end {
            lifecycle::RunEnd::Agent => contract::RunEnd::Agent,
            lifecycle::RunEnd::Response => contract::RunEnd::Response,
            lifecycle::RunEnd::After(milliseconds) => contract::RunEnd::After(milliseconds),
        };
        Self { handle: started.handle.map(Into::into), end }
    }
}

impl From<lifecycle::RunVerdict> for contract::RunVerdict {
    fn from(verdict: lifecycle::RunVerdict) -> Self {
        match verdict {
            lifecycle::RunVerdict::Exited(code) => Self::Exited(code),
            lifecycle::RunVerdict::Unknown(milliseconds) => Self::Unknown(milliseconds),
            lifecycle::RunVerdict::NotStarted(reason) => Self::NotStarted(reason),
        }
    }
}

impl From<lifecycle::Recovered> for contract::Recovered {
    fn from(recovered: lifecycle::Recovered) -> Self {
        match recovered {
            lifecycle::Recovered::Present(handle) => Self::Present(handle.map(Into::into)),
            lifecycle::Recovered::Absent => Self::Absent,
        }
    }
}

pub(crate) fn query(query: &contract::LogQuery) -> logs::Query {
    logs::Query { since: query.since.map(timestamp), until: query.until.map(timestamp), tail: query.tail }
}

impl From<logs::Page> for contract::LogPage {
    fn from(page: logs::Page) -> Self {
        let entries = page.entries.into_iter().map(|entry| contract::LogEntry {
            time: system_time(entry.time),
            source: match entry.source {
                logs::Source::Stdout => contract::LogSource::Stdout,
                logs::Source::Stderr => contract::LogSource::Stderr,
            },
            line: entry.line,
            partial: entry.partial,
        });
        Self { entries: entries.collect(), next: page.next }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_survive_the_way_there_and_back() {
        for nanos in [0, 1, 999_999_999, 1_500_000_000] {
            let time = UNIX_EPOCH + Duration::from_nanos(nanos);
            assert_eq!(system_time(timestamp(time)), time, "{nanos}");
        }
        let before = timestamp(UNIX_EPOCH - Duration::from_millis(1_500));
        assert_eq!((before.seconds, before.nanoseconds), (-2, 500_000_000));
        for seconds in [i64::MIN, -1, i64::MAX] {
            assert_eq!(system_time(types::Timestamp { seconds, nanoseconds: u32::MAX }), UNIX_EPOCH);
        }
    }
}
