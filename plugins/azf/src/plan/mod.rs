//! What becomes of each field of a create body.
//!
//! One [table](rows()) says it: findings are made of it, and the documentation is.

mod document;
mod network;
mod rows;
mod value;

use serde_json::Value;

use crate::bindings::backend::{self, Finding};
use crate::bindings::types::Error;
use crate::world::World;

pub use self::document::with_table;
pub use self::rows::{Row, Verdict, rows};

/// The findings for a create body: those of Docker's form, and of the host's, which puts what is on the top level there into
/// a member `Config`.
pub(crate) fn findings(world: &dyn World, spec: &str) -> Result<Vec<Finding>, Error> {
    let spec: Value =
        serde_json::from_str(spec).map_err(|error| Error::Invalid(format!("the create body is not JSON: {error}")))?;
    if !spec.is_object() {
        return Err(Error::Invalid("the create body is not a JSON object".to_owned()));
    }
    let configured = |(key, value): (&str, &str)| world.config(key).is_some_and(|set| set.trim() == value);
    let found = rows().iter().filter(|row| !row.unless.is_some_and(configured)).filter(|row| row.concerns(&spec));
    Ok(found
        .map(|row| Finding {
            field: row.field.to_owned(),
            verdict: match row.verdict {
                Verdict::Changed => backend::Verdict::Changed,
                Verdict::Ignored => backend::Verdict::Ignored,
                Verdict::Refused => backend::Verdict::Refused,
            },
            reason: row.reason.to_owned(),
        })
        .collect())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::{Map, json};

    use super::*;
    use crate::config::STOP;
    use crate::testing::Script;

    const PLAIN: &str = include_str!("../../testdata/docker-run.json");
    const EVERYTHING: &str = include_str!("../../testdata/docker-run-with-everything.json");

    /// A body of the docker CLI as the host passes it on.
    fn for_backend(body: &str) -> Value {
        let mut config: Map<String, Value> = serde_json::from_str(body).unwrap();
        let mut host = config.remove("HostConfig").unwrap();
        let mut networking = config.remove("NetworkingConfig").unwrap();
        if host["NetworkMode"] == "default" {
            host["NetworkMode"] = json!("bridge");
        }
        host["Runtime"] = json!("azf");
        let endpoints = networking["EndpointsConfig"].as_object_mut().unwrap();
        if let Some(endpoint) = endpoints.remove("default") {
            endpoints.insert("bridge".to_owned(), endpoint);
        }
        for endpoint in endpoints.values_mut() {
            endpoint["IPAddress"] = json!("172.17.0.2");
            if endpoint["MacAddress"] == "" {
                endpoint["MacAddress"] = json!("02:42:ac:11:00:02");
            }
        }
        if config["Hostname"] == "" {
            config.insert("Hostname".to_owned(), json!("0123456789ab"));
        }
        json!({ "Config": config, "HostConfig": host, "NetworkingConfig": networking })
    }

    fn found(spec: &Value) -> Vec<Finding> {
        findings(&Script::new(), &spec.to_string()).unwrap()
    }

    fn fields(spec: &Value) -> BTreeSet<String> {
        found(spec).into_iter().map(|finding| finding.field).collect()
    }

    #[test]
    fn a_plain_run_has_no_findings_in_either_form() {
        assert_eq!(found(&for_backend(PLAIN)), []);
        assert_eq!(found(&serde_json::from_str(PLAIN).unwrap()), []);
        assert_eq!(found(&json!({ "Image": "alpine" })), []);
        assert_eq!(found(&json!({ "Config": { "Image": "alpine" }, "HostConfig": null })), []);
    }

    #[test]
    fn a_run_with_everything_is_loud() {
        let expected: BTreeSet<String> = [
            "HostConfig.Binds",
            "HostConfig.DeviceRequests",
            "HostConfig.Dns",
            "HostConfig.ExtraHosts",
            "HostConfig.Init",
            "HostConfig.Links",
            "HostConfig.LogConfig",
            "HostConfig.MaskedPaths",
            "HostConfig.Memory",
            "HostConfig.Mounts",
            "HostConfig.NetworkMode",
            "HostConfig.OomKillDisable",
            "HostConfig.PortBindings",
            "HostConfig.ReadonlyPaths",
            "HostConfig.Tmpfs",
            "HostConfig.Ulimits",
            "Hostname",
            "NetworkingConfig.EndpointsConfig.MacAddress",
            "StopTimeout",
        ]
        .map(str::to_owned)
        .into();
        assert_eq!(fields(&for_backend(EVERYTHING)), expected);
        assert_eq!(fields(&serde_json::from_str(EVERYTHING).unwrap()), expected);
    }

    #[test]
    fn each_field_alone_is_found() {
        for (pointer, value) in [
            ("/HostConfig/Privileged", json!(true)),
            ("/HostConfig/CapAdd", json!(["ALL"])),
            ("/HostConfig/NanoCpus", json!(1)),
            ("/HostConfig/ShmSize", json!(1)),
            ("/HostConfig/Sysctls", json!({ "a": "b" })),
            ("/HostConfig/IpcMode", json!("host")),
            ("/HostConfig/PidMode", json!("host")),
            ("/HostConfig/NetworkMode", json!("container:x")),
            ("/HostConfig/NetworkMode", json!("host")),
            ("/HostConfig/NetworkMode", json!("mine")),
            ("/HostConfig/LogConfig", json!({ "Type": "syslog", "Config": {} })),
            ("/HostConfig/Devices", json!([{ "PathOnHost": "/dev/kvm" }])),
            ("/HostConfig/PidsLimit", json!(5)),
            ("/HostConfig/MemorySwappiness", json!(60)),
            ("/HostConfig/Isolation", json!("hyperv")),
            ("/Config/Volumes", json!({ "/data": {} })),
            ("/Config/Domainname", json!("example.com")),
            ("/Config/NetworkDisabled", json!(true)),
        ] {
            let mut spec = for_backend(PLAIN);
            let (parent, name) = pointer.rsplit_once('/').unwrap();
            spec.pointer_mut(parent).unwrap()[name] = value;
            let expected = pointer[1..].replace("Config/Volumes", "Volumes").replace("Config/Dom", "Dom");
            let expected = expected.replace("Config/NetworkDisabled", "NetworkDisabled").replace('/', ".");
            assert_eq!(fields(&spec), BTreeSet::from([expected]), "{pointer}");
        }
    }

    #[test]
    fn defaults_however_they_are_written_are_quiet() {
        for (name, value) in [
            ("ShmSize", json!(64 << 20)),
            ("PidsLimit", json!(-1)),
            ("MemorySwap", json!(-1)),
            ("MemorySwappiness", json!(null)),
            ("IpcMode", json!("private")),
            ("CgroupnsMode", json!("private")),
            ("LogConfig", json!({ "Type": "json-file", "Config": {} })),
            // The host restarts, and probes.
            ("RestartPolicy", json!({ "Name": "on-failure", "MaximumRetryCount": 3 })),
            ("Init", json!(false)),
            ("Isolation", json!("default")),
            ("MaskedPaths", json!(["/proc/kcore", "/sys/firmware"])),
            ("ReadonlyPaths", json!(["/proc/sys"])),
        ] {
            let mut spec = for_backend(PLAIN);
            spec["HostConfig"][name] = value;
            assert_eq!(found(&spec), [], "{name}");
        }
        let mut spec = for_backend(PLAIN);
        spec["Config"]["Healthcheck"] = json!({ "Test": ["CMD", "true"] });
        assert_eq!(found(&spec), []);
    }

    #[test]
    fn a_setting_can_give_a_field_its_effect() {
        let mut spec = for_backend(PLAIN);
        spec["Config"]["StopTimeout"] = json!(3);
        assert_eq!(found(&spec).len(), 1);
        assert_eq!(findings(&Script::new().with(STOP, "signal"), &spec.to_string()), Ok(vec![]));
    }

    #[test]
    fn what_cannot_be_is_refused() {
        for image in [&"a".repeat(64), &format!("sha256:{}", "a".repeat(64))] {
            let finding = &found(&json!({ "Config": { "Image": image } }))[0];
            assert_eq!((finding.field.as_str(), finding.verdict), ("Image", backend::Verdict::Refused));
        }
        let by_digest = format!("alpine@sha256:{}", "a".repeat(64));
        assert_eq!(found(&json!({ "Config": { "Image": by_digest } })), []);
        assert!(matches!(findings(&Script::new(), "no JSON"), Err(Error::Invalid(_))));
        assert!(matches!(findings(&Script::new(), "[]"), Err(Error::Invalid(_))));
        assert_eq!(found(&json!({ "Config": 5, "HostConfig": [], "NetworkingConfig": { "EndpointsConfig": 1 } })), []);
    }

    #[test]
    fn endpoints_are_looked_at_one_by_one() {
        let with = |endpoint: Value| {
            let mut spec = for_backend(PLAIN);
            let bridge = spec.pointer_mut("/NetworkingConfig/EndpointsConfig/bridge").unwrap();
            bridge.as_object_mut().unwrap().extend(endpoint.as_object().unwrap().clone());
            fields(&spec)
        };
        let one = |field: &str| BTreeSet::from([format!("NetworkingConfig.EndpointsConfig.{field}")]);
        assert_eq!(with(json!({ "IPAMConfig": { "IPv4Address": "172.17.0.9" } })), one("IPAMConfig"));
        assert_eq!(with(json!({ "Aliases": ["db"] })), one("Aliases"));
        assert_eq!(with(json!({ "DriverOpts": { "a": "b" } })), one("DriverOpts"));
        assert_eq!(with(json!({ "IPAMConfig": {} })), BTreeSet::new());
        let mut spec = for_backend(PLAIN);
        spec["NetworkingConfig"]["EndpointsConfig"]["second"] = json!({});
        assert_eq!(fields(&spec), BTreeSet::from(["NetworkingConfig.EndpointsConfig".to_owned()]));
    }

    #[test]
    fn the_table_has_each_field_once_with_a_sentence() {
        let mut seen = BTreeSet::new();
        for row in rows() {
            assert!(seen.insert(row.field), "{} occurs twice", row.field);
            assert!(row.reason.ends_with('.') && row.reason.len() > 20, "{}: {}", row.field, row.reason);
        }
    }
}
