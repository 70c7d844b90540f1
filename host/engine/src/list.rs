//! Listing containers.

use std::sync::Arc;

use jiff::Timestamp;
use sockerless_docker::{ContainerSummary, Filters, SummaryHostConfig, SummaryNetworkSettings};

use crate::engine::Engine;
use crate::error::{Error, Result};
use crate::record::{ContainerRecord, Status};

/// Which containers are listed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ListOptions {
    /// Also those that do not run.
    pub all: bool,
    /// At most so many, the newest, whether or not they run.
    pub limit: Option<usize>,
    /// With sizes, which are 0 here: no file system of a container is on this machine.
    pub size: bool,
    /// Docker's filters.
    pub filters: Filters,
}

const FILTERS: [&str; 15] = [
    "ancestor",
    "before",
    "exited",
    "expose",
    "health",
    "id",
    "is-task",
    "isolation",
    "label",
    "name",
    "network",
    "publish",
    "since",
    "status",
    "volume",
];

const STATUSES: [&str; 7] = ["created", "running", "paused", "restarting", "removing", "exited", "dead"];

impl Engine {
    /// The containers that a client wants to see, the newest first.
    ///
    /// # Errors
    /// An unknown filter or a filter's value that cannot be; no such container in `before` or `since`.
    pub fn containers(&self, options: &ListOptions) -> Result<Vec<ContainerSummary>> {
        let filters = &options.filters;
        filters.accept(&FILTERS)?;
        if let Some(wrong) = filters.get("status").iter().find(|status| !STATUSES.contains(&status.as_str())) {
            return Err(Error::invalid(format!("invalid filter 'status={wrong}'")));
        }
        let exited = filters
            .get("exited")
            .iter()
            .map(|code| code.parse::<i32>().map_err(|_| Error::invalid(format!("invalid filter 'exited={code}'"))))
            .collect::<Result<Vec<_>>>()?;
        let boundary = |name: &str| match filters.get(name).first() {
            Some(reference) => self.inner.containers.find(reference).map(|cell| Some(cell.record().created)),
            None => Ok(None),
        };
        let (before, since) = (boundary("before")?, boundary("since")?);
        let any_state = options.all
            || options.limit.is_some()
            || before.is_some()
            || since.is_some()
            || filters.contains("status")
            || filters.contains("exited");
        let now = Timestamp::now();
        let all = self.inner.containers.all();
        let chosen = all
            .iter()
            .map(|cell| cell.record())
            .filter(|record| any_state || record.state.status.is_live())
            .filter(|record| before.is_none_or(|before| record.created < before))
            .filter(|record| since.is_none_or(|since| record.created > since))
            .filter(|record| {
                exited.is_empty() || (record.state.status == Status::Exited && exited.contains(&record.state.exit.code))
            })
            .filter(|record| self.passes(filters, record));
        Ok(chosen.take(options.limit.unwrap_or(usize::MAX)).map(|record| summary(&record, now)).collect())
    }

    fn passes(&self, filters: &Filters, record: &Arc<ContainerRecord>) -> bool {
        let labels = record.config.labels.clone().unwrap_or_default();
        filters.matches("status", record.state.status.as_str())
            && filters.matches_by("id", |id| record.id.starts_with(id.as_str()))
            && filters.matches_by("name", |name| format!("/{}", record.name).contains(name.as_str()))
            && filters.matches_labels("label", &labels)
            && filters.matches_by("ancestor", |image| self.inner.images.is(image, &record.image_id))
            && filters.matches_by("network", |network| {
                record.endpoints.iter().any(|(name, endpoint)| name == network || endpoint.network_id == *network)
            })
            && filters.matches_by("volume", |volume| {
                record.host_config.binds.iter().flatten().any(|bind| bind.split(':').any(|part| part == volume))
            })
            && filters.matches("health", record.state.health.as_ref().map_or("none", |health| &health.status))
            && filters.matches_by("isolation", |isolation| isolation.is_empty() || isolation == "default")
            && filters.matches_by("is-task", |task| task == "false")
            && filters.matches_by("expose", |port| record.config.exposed_ports.contains_key(&with_protocol(port)))
            && filters.matches_by("publish", |port| {
                record.host_config.port_bindings.as_ref().is_some_and(|ports| ports.contains_key(&with_protocol(port)))
            })
    }
}

fn with_protocol(port: &str) -> String {
    if port.contains('/') { port.to_owned() } else { format!("{port}/tcp") }
}

fn summary(record: &ContainerRecord, now: Timestamp) -> ContainerSummary {
    ContainerSummary {
        id: record.id.clone(),
        names: vec![format!("/{}", record.name)],
        image: record.config.image.clone(),
        image_id: record.image_id.clone(),
        command: record.command.join(" "),
        created: record.created.as_second(),
        labels: record.config.labels.clone().unwrap_or_default(),
        state: record.state.status.as_str().to_owned(),
        status: status_text(record, now),
        host_config: SummaryHostConfig {
            network_mode: record.host_config.network_mode.clone(),
            ..SummaryHostConfig::default()
        },
        network_settings: SummaryNetworkSettings { networks: record.endpoints.clone() },
        ..ContainerSummary::default()
    }
}

/// The words of `docker ps` in the column STATUS.
fn status_text(record: &ContainerRecord, now: Timestamp) -> String {
    let since =
        |time: Option<Timestamp>| time.map_or_else(String::new, |time| human(now.duration_since(time).as_secs()));
    let state = &record.state;
    match state.status {
        Status::Creating | Status::Created => "Created".to_owned(),
        Status::Running => format!("Up {}{}", since(state.started_at), health_text(record)),
        Status::Paused => format!("Up {} (Paused)", since(state.started_at)),
        Status::Restarting => format!("Restarting ({}) {} ago", state.exit.code, since(state.finished_at)),
        Status::Exited => format!("Exited ({}) {} ago", state.exit.code, since(state.finished_at)),
        Status::Removing | Status::Removed => "Removal In Progress".to_owned(),
        Status::Dead => "Dead".to_owned(),
    }
}

fn health_text(record: &ContainerRecord) -> String {
    match record.state.health.as_ref().map(|health| health.status.as_str()) {
        None => String::new(),
        Some("starting") => " (health: starting)".to_owned(),
        Some(status) => format!(" ({status})"),
    }
}

/// A duration as the Engine words it.
fn human(seconds: i64) -> String {
    let (minutes, hours) = (seconds / 60, (seconds + 1800) / 3600);
    match seconds {
        ..1 => "Less than a second".to_owned(),
        1 => "1 second".to_owned(),
        2..60 => format!("{seconds} seconds"),
        60..120 => "About a minute".to_owned(),
        _ if minutes < 60 => format!("{minutes} minutes"),
        _ if hours == 1 => "About an hour".to_owned(),
        _ if hours < 48 => format!("{hours} hours"),
        _ if hours < 24 * 7 * 2 => format!("{} days", hours / 24),
        _ if hours < 24 * 30 * 2 => format!("{} weeks", hours / 24 / 7),
        _ if hours < 24 * 365 * 2 => format!("{} months", hours / 24 / 30),
        _ => format!("{} years", hours / 24 / 365),
    }
}

#[cfg(test)]
mod tests {
    use super::human;

    #[test]
    fn durations_in_the_engines_words() {
        for (seconds, words) in [
            (0, "Less than a second"),
            (1, "1 second"),
            (59, "59 seconds"),
            (61, "About a minute"),
            (125, "2 minutes"),
            (3600, "About an hour"),
            (7200, "2 hours"),
            (3 * 86400, "3 days"),
            (21 * 86400, "3 weeks"),
            (90 * 86400, "3 months"),
            (3 * 365 * 86400, "3 years"),
        ] {
            assert_eq!(human(seconds), words, "{seconds}");
        }
    }
}
