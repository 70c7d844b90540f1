//! Listing containers.

use std::ops::RangeInclusive;
use std::sync::Arc;

use jiff::Timestamp;
use sockerless_docker::{ContainerSummary, Filters, PortSummary, SummaryHostConfig, SummaryNetworkSettings};

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

const HEALTH: [&str; 4] = ["none", "starting", "healthy", "unhealthy"];

const STATUSES: [&str; 7] = ["created", "running", "paused", "restarting", "removing", "exited", "dead"];

impl Engine {
    /// The containers that a client wants to see, the newest first.
    ///
    /// # Errors
    /// An unknown filter or a filter's value that cannot be; no such container in `before` or `since`.
    pub fn containers(&self, options: &ListOptions) -> Result<Vec<ContainerSummary>> {
        let filters = &options.filters;
        filters.accept(&FILTERS)?;
        one_of(filters, "status", "state", &STATUSES)?;
        one_of(filters, "health", "health", &HEALTH)?;
        let task = if filters.contains("is-task") { Some(filters.boolean("is-task", false)?) } else { None };
        let exited = filters
            .get("exited")
            .iter()
            .map(|code| {
                code.parse::<i32>().map_err(|_| {
                    // The words of the Engine's language for a text that is no number.
                    Error::invalid(format!(
                        "invalid filter 'exited={code}': strconv.Atoi: parsing {code:?}: invalid syntax"
                    ))
                })
            })
            .collect::<Result<Vec<_>>>()?;
        let names = filters.patterns("name");
        let (publish, expose) = (port_filter(filters, "publish")?, port_filter(filters, "expose")?);
        let boundary = |name: &str| match filters.get(name).first() {
            Some(reference) => self.inner.containers.find(reference).map(|cell| Some(cell.record().created)),
            None => Ok(None),
        };
        let (before, since) = (boundary("before")?, boundary("since")?);
        let any_state =
            options.all || options.limit.is_some() || filters.contains("status") || filters.contains("exited");
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
            // No container is a task of a swarm.
            .filter(|_| task != Some(true))
            .filter(|record| has_port(&expose, record.config.exposed_ports.keys()))
            .filter(|record| {
                has_port(&publish, record.host_config.port_bindings.iter().flatten().map(|(port, _)| port))
            })
            .filter(|record| names.matches(&record.name) || names.matches(&format!("/{}", record.name)))
            .filter(|record| self.passes(filters, record));
        Ok(chosen.take(options.limit.unwrap_or(usize::MAX)).map(|record| summary(&record, now, options.size)).collect())
    }

    fn passes(&self, filters: &Filters, record: &Arc<ContainerRecord>) -> bool {
        let labels = record.config.labels.clone().unwrap_or_default();
        filters.matches("status", record.state.status.as_str())
            && filters.matches_by("id", |id| record.id.starts_with(id.as_str()))
            && filters.matches_labels("label", &labels)
            && filters.matches_by("ancestor", |image| self.inner.images.is(image, &record.image_id))
            && filters.matches_by("network", |network| {
                record.endpoints.iter().any(|(name, endpoint)| name == network || endpoint.network_id == *network)
            })
            && filters.matches_by("volume", |volume| {
                record.mount_points().any(|point| point.name == *volume || point.destination == *volume)
            })
            && filters.matches("health", record.state.health.as_ref().map_or("none", |health| &health.status))
            && filters.matches_by("isolation", |isolation| isolation.is_empty() || isolation == "default")
    }
}

fn one_of(filters: &Filters, name: &str, what: &str, known: &[&str]) -> Result<()> {
    match filters.get(name).iter().find(|value| !known.contains(&value.as_str())) {
        None => Ok(()),
        Some(wrong) => Err(Error::invalid(format!(
            "invalid filter '{name}={wrong}': invalid value for {what} ({wrong}): must be one of {}",
            known.join(", ")
        ))),
    }
}

/// Ports of a filter, as ranges with their protocols: `80`, `80/udp`, `80-90`.
fn port_filter(filters: &Filters, name: &str) -> Result<Vec<(RangeInclusive<u16>, String)>> {
    let port = |value: &String| {
        let (ports, protocol) = value.split_once('/').unwrap_or((value, "tcp"));
        let (first, last) = ports.split_once('-').unwrap_or((ports, ports));
        let number = |text: &str| {
            text.parse::<u16>().map_err(|_| {
                Error::internal(format!(
                    "error while looking up for {name} {value}: strconv.ParseUint: parsing {text:?}: invalid syntax"
                ))
            })
        };
        Ok((number(first)?..=number(last)?, protocol.to_owned()))
    };
    filters.get(name).iter().map(port).collect()
}

/// The parts of a container's port: `80/tcp`, or `80`.
fn number_and_protocol(port: &str) -> Option<(u16, &str)> {
    let (number, protocol) = port.split_once('/').unwrap_or((port, "tcp"));
    Some((number.parse().ok()?, protocol))
}

/// Whether one of the container's ports (`80/tcp`) is in one of the ranges. No ranges let all pass.
fn has_port<'a>(wanted: &[(RangeInclusive<u16>, String)], ports: impl Iterator<Item = &'a String>) -> bool {
    let mut ports = ports.filter_map(|port| number_and_protocol(port));
    wanted.is_empty()
        || ports.any(|(number, protocol)| wanted.iter().any(|(range, of)| range.contains(&number) && of == protocol))
}

/// Words with spaces in quotes, all but the first: so the Engine writes a command.
fn command_line(command: &[String]) -> String {
    let mut line = String::new();
    for (index, word) in command.iter().enumerate() {
        let is_quoted = index > 0 && word.contains(' ');
        let (space, quote) = (if index > 0 { " " } else { "" }, if is_quoted { "'" } else { "" });
        line.extend([space, quote, word, quote]);
    }
    line
}

fn summary(record: &ContainerRecord, now: Timestamp, size: bool) -> ContainerSummary {
    ContainerSummary {
        id: record.id.clone(),
        names: vec![format!("/{}", record.name)],
        image: record.config.image.clone(),
        image_id: record.image_id.clone(),
        command: command_line(&record.command),
        created: record.created.as_second(),
        labels: record.config.labels.clone().unwrap_or_default(),
        state: record.state.status.as_str().to_owned(),
        status: status_text(record, now),
        host_config: SummaryHostConfig {
            network_mode: record.host_config.network_mode.clone(),
            ..SummaryHostConfig::default()
        },
        network_settings: SummaryNetworkSettings { networks: record.shown_endpoints() },
        size_root_fs: size.then_some(0),
        ports: exposed(record),
        mounts: record.mount_points().cloned().collect(),
        ..ContainerSummary::default()
    }
}

/// Ports that the container says it listens on, while it runs. None is published.
fn exposed(record: &ContainerRecord) -> Vec<PortSummary> {
    let ports = record.config.exposed_ports.keys().filter(|_| record.state.status.is_live());
    ports
        .filter_map(|port| {
            let (private_port, protocol) = number_and_protocol(port)?;
            Some(PortSummary { private_port, r#type: protocol.to_owned(), ..PortSummary::default() })
        })
        .collect()
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
