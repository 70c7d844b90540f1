//! The containers that backends are asked about.

use serde_json::json;
use sockerless_backend::types::Container;

use crate::scenario::Scenario;

/// The value of a variable in the environment of every container. No error may show it.
pub(crate) const PASSWORD: &str = "password-of-the-conformance-kit";

/// A container that nobody has made yet, with an id of its own.
pub(crate) fn container(scenario: &Scenario, number: u64) -> Container {
    // Names in a cloud are made of the first digits: an odd factor gives each number others.
    let digits = format!("{:016x}", number.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    let name = format!("conformance-{number}");
    let environment = vec!["PATH=/usr/bin:/bin".to_owned(), format!("PASSWORD={PASSWORD}")];
    let spec = json!({
        "Hostname": digits[..12],
        "Env": environment,
        "Cmd": scenario.command,
        "Image": scenario.image,
        "Labels": { "purpose": "conformance" },
        "HostConfig": { "NetworkMode": "bridge", "RestartPolicy": { "Name": "no", "MaximumRetryCount": 0 } },
        "NetworkingConfig": { "EndpointsConfig": {} },
    });
    Container {
        id: digits.repeat(4),
        name,
        image: scenario.image.clone(),
        command: scenario.command.clone(),
        environment,
        spec: spec.to_string(),
        handle: None,
    }
}

/// Create bodies that ask for much of what there is.
pub(crate) fn specs() -> Vec<String> {
    vec![
        json!({ "Image": "alpine" }).to_string(),
        json!({
            "Image": "alpine",
            "Cmd": ["true"],
            "Env": [format!("PASSWORD={PASSWORD}")],
            "User": "1000:1000",
            "Tty": true,
            "OpenStdin": true,
            "ExposedPorts": { "80/tcp": {} },
            "Healthcheck": { "Test": ["CMD", "true"], "Interval": 1_000_000_000_u64 },
            "Volumes": { "/data": {} },
            "WorkingDir": "/srv",
            "StopSignal": "SIGINT",
            "StopTimeout": 3,
            "Labels": { "a": "b" },
            "HostConfig": {
                "Binds": ["/tmp:/tmp:ro", "named:/named"],
                "PortBindings": { "80/tcp": [{ "HostIp": "", "HostPort": "8080" }] },
                "Mounts": [{ "Type": "tmpfs", "Target": "/t" }],
                "Privileged": true,
                "Memory": 268_435_456_u64,
                "NanoCpus": 500_000_000_u64,
                "CapAdd": ["NET_ADMIN"],
                "RestartPolicy": { "Name": "always", "MaximumRetryCount": 0 },
                "AutoRemove": true,
                "NetworkMode": "host",
                "LogConfig": { "Type": "journald", "Config": {} },
                "Ulimits": [{ "Name": "nofile", "Soft": 1024, "Hard": 1024 }],
            },
            "NetworkingConfig": { "EndpointsConfig": { "other": {} } },
        })
        .to_string(),
    ]
}
