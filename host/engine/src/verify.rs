//! What of a create body is wrong whatever the backend is: the Engine's checks, in its words.

use std::net::IpAddr;

use sockerless_docker::{Config, ContainerUpdate, HealthConfig, HostConfig, RestartPolicy};

use crate::error::{Error, Result};
use crate::mounts;
use crate::signals;

/// The least memory that the Engine takes as a limit.
const LEAST_MEMORY: i64 = 6 << 20;

/// The shortest time between two probes, in nanoseconds.
const LEAST_PAUSE: i64 = 1_000_000;

/// Drivers of logs that every engine knows.
const LOG_DRIVERS: [&str; 11] =
    ["json-file", "local", "none", "syslog", "journald", "gelf", "fluentd", "awslogs", "splunk", "gcplogs", "etwlogs"];

/// Options of the driver that is the default.
const JSON_FILE_OPTIONS: [&str; 9] =
    ["max-file", "max-size", "compress", "labels", "labels-regex", "env", "env-regex", "tag", "mode"];

/// What Linux knows, without `CAP_`: capabilities(7).
const CAPABILITIES: [&str; 41] = [
    "AUDIT_CONTROL",
    "AUDIT_READ",
    "AUDIT_WRITE",
    "BLOCK_SUSPEND",
    "BPF",
    "CHECKPOINT_RESTORE",
    "CHOWN",
    "DAC_OVERRIDE",
    "DAC_READ_SEARCH",
    "FOWNER",
    "FSETID",
    "IPC_LOCK",
    "IPC_OWNER",
    "KILL",
    "LEASE",
    "LINUX_IMMUTABLE",
    "MAC_ADMIN",
    "MAC_OVERRIDE",
    "MKNOD",
    "NET_ADMIN",
    "NET_BIND_SERVICE",
    "NET_BROADCAST",
    "NET_RAW",
    "PERFMON",
    "SETFCAP",
    "SETGID",
    "SETPCAP",
    "SETUID",
    "SYSLOG",
    "SYS_ADMIN",
    "SYS_BOOT",
    "SYS_CHROOT",
    "SYS_MODULE",
    "SYS_NICE",
    "SYS_PACCT",
    "SYS_PTRACE",
    "SYS_RAWIO",
    "SYS_RESOURCE",
    "SYS_TIME",
    "SYS_TTY_CONFIG",
    "WAKE_ALARM",
];

/// Checks what a client wants of a container.
///
/// # Errors
/// The first thing that cannot be.
pub(crate) fn create(config: &Config, host: &HostConfig) -> Result<()> {
    if !config.working_dir.is_empty() && !config.working_dir.starts_with('/') {
        return Err(Error::invalid(format!(
            "the working directory '{}' is invalid, it needs to be an absolute path",
            config.working_dir
        )));
    }
    if let Some(wrong) = config.env.iter().flatten().find(|pair| pair.is_empty() || pair.starts_with('=')) {
        return Err(Error::invalid(format!("invalid environment variable: {wrong}")));
    }
    if !config.stop_signal.is_empty() {
        signals::parse(Some(&config.stop_signal))?;
    }
    if let Some(healthcheck) = &config.healthcheck {
        check_health(healthcheck)?;
    }
    restart_policy(&host.restart_policy)?;
    if host.auto_remove && !matches!(host.restart_policy.name.as_str(), "" | "no") {
        return Err(Error::invalid("can't create 'AutoRemove' container with restart policy"));
    }
    modes(host)?;
    extra_hosts(host)?;
    resources(host)?;
    capabilities(host)?;
    log_config(host)?;
    mounts::check(config, host)?;
    ports(host)
}

/// Checks what a client wants of a container that is there.
///
/// # Errors
/// The first thing that cannot be.
pub(crate) fn update(update: &ContainerUpdate) -> Result<()> {
    resources(&HostConfig {
        memory: update.memory,
        memory_swap: update.memory_swap,
        memory_reservation: update.memory_reservation,
        nano_cpus: update.nano_cpus,
        cpu_shares: update.cpu_shares,
        cpu_period: update.cpu_period,
        cpu_quota: update.cpu_quota,
        ..HostConfig::default()
    })?;
    restart_policy(&update.restart_policy)
}

fn restart_policy(policy: &RestartPolicy) -> Result<()> {
    let RestartPolicy { name, maximum_retry_count } = policy;
    let wrong = match (name.as_str(), maximum_retry_count) {
        ("", _) | ("always" | "unless-stopped" | "no", 0) | ("on-failure", 0..) => return Ok(()),
        ("on-failure", _) => "maximum retry count cannot be negative".to_owned(),
        ("always" | "unless-stopped" | "no", 1..) => {
            "maximum retry count can only be used with 'on-failure'".to_owned()
        }
        ("always" | "unless-stopped" | "no", _) => {
            "maximum retry count can only be used with 'on-failure' and cannot be negative".to_owned()
        }
        _ => format!("unknown policy '{name}'; use one of 'no', 'always', 'on-failure', or 'unless-stopped'"),
    };
    Err(Error::invalid(format!("invalid restart policy: {wrong}")))
}

fn check_health(check: &HealthConfig) -> Result<()> {
    for (name, pause) in [
        ("Interval", check.interval),
        ("Timeout", check.timeout),
        ("StartPeriod", check.start_period),
        ("StartInterval", check.start_interval),
    ] {
        if pause != 0 && pause < LEAST_PAUSE {
            return Err(Error::invalid(format!("{name} in Healthcheck cannot be less than 1ms")));
        }
    }
    if check.retries < 0 {
        return Err(Error::invalid("Retries in Healthcheck cannot be negative"));
    }
    Ok(())
}

fn modes(host: &HostConfig) -> Result<()> {
    let of_container = |mode: &str| mode.strip_prefix("container:").is_some_and(|name| !name.is_empty());
    for (name, mode, known) in [
        ("IPC mode", &host.ipc_mode, &["", "none", "private", "shareable", "host"][..]),
        ("PID mode", &host.pid_mode, &["", "host"]),
        ("UTS mode", &host.uts_mode, &["", "host"]),
        ("cgroup namespace mode", &host.cgroupns_mode, &["", "private", "host"]),
    ] {
        let shared = matches!(name, "IPC mode" | "PID mode") && of_container(mode);
        if !known.contains(&mode.as_str()) && !shared {
            return Err(Error::invalid(format!("invalid {name}: {mode}")));
        }
    }
    if !matches!(host.isolation.as_str(), "" | "default") {
        return Err(Error::invalid(format!("invalid isolation ({}): linux only supports 'default'", host.isolation)));
    }
    if host.annotations.contains_key("") {
        return Err(Error::invalid("invalid Annotations: the empty string is not permitted as an annotation key"));
    }
    Ok(())
}

fn extra_hosts(host: &HostConfig) -> Result<()> {
    for entry in host.extra_hosts.iter().flatten() {
        let Some((_, address)) = entry.split_once([':', '=']).filter(|(name, _)| !name.is_empty()) else {
            return Err(Error::invalid(format!("bad format for add-host: {entry:?}")));
        };
        let bare = address.trim_start_matches('[').trim_end_matches(']');
        if address != "host-gateway" && bare.parse::<IpAddr>().is_err() {
            return Err(Error::invalid(format!("invalid IP address in add-host: {address:?}")));
        }
    }
    Ok(())
}

fn resources(host: &HostConfig) -> Result<()> {
    let wrong = |text: &str| Err(Error::invalid(text));
    let memory = host.memory;
    if memory != 0 && memory < LEAST_MEMORY {
        return wrong("Minimum memory limit allowed is 6MB");
    }
    if host.memory_swap > 0 && memory == 0 {
        return wrong("You should always set the Memory limit when using Memoryswap limit, see usage");
    }
    if host.memory_swap > 0 && host.memory_swap < memory {
        return wrong("Minimum memoryswap limit should be larger than memory limit, see usage");
    }
    if let Some(swappiness) = host.memory_swappiness.filter(|swappiness| !(-1..=100).contains(swappiness)) {
        return wrong(&format!("Invalid value: {swappiness}, valid memory swappiness range is 0-100"));
    }
    if host.memory_reservation != 0 && host.memory_reservation < LEAST_MEMORY {
        return wrong("Minimum memory reservation allowed is 6MB");
    }
    if memory > 0 && host.memory_reservation > memory {
        return wrong("Minimum memory limit can not be less than memory reservation limit, see usage");
    }
    if !(-1000..=1000).contains(&host.oom_score_adj) {
        return wrong(&format!("Invalid value {}, range for oom score adj is [-1000, 1000]", host.oom_score_adj));
    }
    if host.nano_cpus < 0 {
        return wrong("invalid NanoCPUs: value must be a positive integer");
    }
    if host.nano_cpus != 0 && host.cpu_period != 0 {
        return wrong("Conflicting options: Nano CPUs and CPU Period cannot both be set");
    }
    if host.nano_cpus != 0 && host.cpu_quota != 0 {
        return wrong("Conflicting options: Nano CPUs and CPU Quota cannot both be set");
    }
    if host.cpu_shares < 0 {
        return wrong(&format!("invalid CPU shares ({}): value must be a positive integer", host.cpu_shares));
    }
    if host.cpu_period != 0 && !(1_000..=1_000_000).contains(&host.cpu_period) {
        return wrong("CPU cfs period can not be less than 1ms (i.e. 1000) or larger than 1s (i.e. 1000000)");
    }
    if host.cpu_quota > 0 && host.cpu_quota < 1_000 {
        return wrong("CPU cfs quota can not be less than 1ms (i.e. 1000)");
    }
    if host.shm_size < 0 {
        return wrong("SHM size can not be less than 0");
    }
    Ok(())
}

fn capabilities(host: &HostConfig) -> Result<()> {
    for (field, names) in [("CapAdd", &host.cap_add), ("CapDrop", &host.cap_drop)] {
        for name in names.iter().flatten() {
            let upper = name.to_ascii_uppercase();
            let bare = upper.strip_prefix("CAP_").unwrap_or(&upper);
            if bare != "ALL" && !CAPABILITIES.contains(&bare) {
                return Err(Error::invalid(format!("invalid {field}: unknown capability: \"CAP_{bare}\"")));
            }
        }
    }
    Ok(())
}

fn log_config(host: &HostConfig) -> Result<()> {
    let driver = host.log_config.r#type.as_str();
    if !driver.is_empty() && !LOG_DRIVERS.contains(&driver) {
        return Err(Error::invalid(format!("error looking up logging plugin {driver}: plugin {driver:?} not found")));
    }
    let unknown = host.log_config.config.keys().find(|option| !JSON_FILE_OPTIONS.contains(&option.as_str()));
    match unknown.filter(|_| matches!(driver, "" | "json-file")) {
        Some(option) => Err(Error::invalid(format!("unknown log opt '{option}' for json-file log driver"))),
        None => Ok(()),
    }
}

fn ports(host: &HostConfig) -> Result<()> {
    for (port, bindings) in host.port_bindings.iter().flatten() {
        let number = port.split('/').next().unwrap_or_default();
        let published = bindings.iter().flatten().map(|binding| binding.host_port.as_str());
        for port in std::iter::once(number).chain(published.filter(|port| !port.is_empty())) {
            // A range of ports is written with a hyphen.
            if port.split('-').any(|end| end.parse::<u16>().is_err()) {
                return Err(Error::invalid(format!("invalid port specification: {port:?}")));
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn error(body: serde_json::Value) -> String {
        let host = serde_json::from_value(body["HostConfig"].clone()).unwrap_or_default();
        let config = serde_json::from_value(body).unwrap();
        create(&config, &host).err().map_or_else(String::new, |error| error.message)
    }

    /// Each text was read off the Engine.
    #[test]
    fn the_engines_words_for_what_cannot_be() {
        for (body, text) in [
            (json!({ "WorkingDir": "rel" }), "the working directory 'rel' is invalid, it needs to be an absolute path"),
            (json!({ "StopSignal": "NOPE" }), "invalid signal: NOPE"),
            (json!({ "Env": ["=x"] }), "invalid environment variable: =x"),
            (json!({ "Env": [""] }), "invalid environment variable: "),
            (json!({ "Healthcheck": { "Interval": 1 } }), "Interval in Healthcheck cannot be less than 1ms"),
            (json!({ "Healthcheck": { "Retries": -1 } }), "Retries in Healthcheck cannot be negative"),
        ] {
            assert_eq!(error(body.clone()), text, "{body}");
        }
        for (host, text) in [
            (
                json!({ "RestartPolicy": { "Name": "x" } }),
                "invalid restart policy: unknown policy 'x'; use one of 'no', 'always', 'on-failure', or 'unless-stopped'",
            ),
            (
                json!({ "RestartPolicy": { "Name": "always", "MaximumRetryCount": 3 } }),
                "invalid restart policy: maximum retry count can only be used with 'on-failure'",
            ),
            (
                json!({ "RestartPolicy": { "Name": "on-failure", "MaximumRetryCount": -3 } }),
                "invalid restart policy: maximum retry count cannot be negative",
            ),
            (
                json!({ "RestartPolicy": { "Name": "always" }, "AutoRemove": true }),
                "can't create 'AutoRemove' container with restart policy",
            ),
            (json!({ "Memory": 1 }), "Minimum memory limit allowed is 6MB"),
            (
                json!({ "MemorySwap": 10_000_000 }),
                "You should always set the Memory limit when using Memoryswap limit, see usage",
            ),
            (
                json!({ "Memory": 10_000_000, "MemorySwap": 6_500_000 }),
                "Minimum memoryswap limit should be larger than memory limit, see usage",
            ),
            (json!({ "NanoCpus": -1 }), "invalid NanoCPUs: value must be a positive integer"),
            (json!({ "CapAdd": ["CAP_NOPE"] }), "invalid CapAdd: unknown capability: \"CAP_NOPE\""),
            (json!({ "CapDrop": ["nope"] }), "invalid CapDrop: unknown capability: \"CAP_NOPE\""),
            (json!({ "MemorySwappiness": 101 }), "Invalid value: 101, valid memory swappiness range is 0-100"),
            (json!({ "OomScoreAdj": 5000 }), "Invalid value 5000, range for oom score adj is [-1000, 1000]"),
            (
                json!({ "NanoCpus": 1, "CpuPeriod": 1000 }),
                "Conflicting options: Nano CPUs and CPU Period cannot both be set",
            ),
            (
                json!({ "CpuPeriod": 5 }),
                "CPU cfs period can not be less than 1ms (i.e. 1000) or larger than 1s (i.e. 1000000)",
            ),
            (json!({ "CpuShares": -1 }), "invalid CPU shares (-1): value must be a positive integer"),
            (json!({ "ShmSize": -1 }), "SHM size can not be less than 0"),
            (json!({ "Isolation": "x" }), "invalid isolation (x): linux only supports 'default'"),
            (json!({ "LogConfig": { "Type": "x" } }), "error looking up logging plugin x: plugin \"x\" not found"),
            (
                json!({ "LogConfig": { "Type": "json-file", "Config": { "x": "y" } } }),
                "unknown log opt 'x' for json-file log driver",
            ),
            (json!({ "IpcMode": "x" }), "invalid IPC mode: x"),
            (json!({ "PidMode": "container:" }), "invalid PID mode: container:"),
            (json!({ "UTSMode": "x" }), "invalid UTS mode: x"),
            (json!({ "CgroupnsMode": "x" }), "invalid cgroup namespace mode: x"),
            (json!({ "ExtraHosts": ["x"] }), "bad format for add-host: \"x\""),
            (json!({ "ExtraHosts": ["x:y"] }), "invalid IP address in add-host: \"y\""),
            (
                json!({ "PortBindings": { "80/tcp": [{ "HostPort": "99999" }] } }),
                "invalid port specification: \"99999\"",
            ),
            (json!({ "PortBindings": { "x/tcp": [{ "HostPort": "1" }] } }), "invalid port specification: \"x\""),
        ] {
            assert_eq!(error(json!({ "HostConfig": host.clone() })), text, "{host}");
        }
    }

    #[test]
    fn what_clients_send_passes() {
        for host in [
            json!({}),
            json!({ "RestartPolicy": { "Name": "no", "MaximumRetryCount": 0 }, "AutoRemove": true, "MemorySwappiness": -1 }),
            json!({ "RestartPolicy": { "Name": "on-failure", "MaximumRetryCount": 3 } }),
            json!({ "MemorySwap": -1, "Memory": 64 << 20, "PidMode": "container:x", "IpcMode": "shareable" }),
            json!({ "ExtraHosts": ["a:1.2.3.4", "b=::1", "c:host-gateway"] }),
            json!({ "PortBindings": { "80/tcp": [{ "HostPort": "" }], "90/udp": null, "5": [{ "HostPort": "1-9" }] } }),
            json!({ "CapAdd": ["net_admin", "CAP_CHOWN"], "CapDrop": ["all"] }),
            json!({ "LogConfig": { "Type": "json-file", "Config": { "max-size": "1m" } } }),
        ] {
            assert_eq!(error(json!({ "HostConfig": host.clone() })), "", "{host}");
        }
    }
}
