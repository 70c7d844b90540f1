//! Who the daemon says it is, and how a failing platform shows.

use sockerless_tests::{World, WorldOptions};

#[test]
fn version_and_info_name_the_backend() {
    let world = World::start();
    let version = world.docker.ok(&["version", "--format", "{{json .Server}}"]);
    let version: serde_json::Value = serde_json::from_str(&version).unwrap();
    let components = version["Components"].as_array().unwrap();
    assert!(components.iter().any(|component| component["Name"] == "backend azf"), "{version}");

    let info = world.docker.ok(&["info", "--format", "{{json .}}"]);
    let info: serde_json::Value = serde_json::from_str(&info).unwrap();
    assert_eq!(info["Driver"], "azure-functions");
    assert_eq!(info["OperatingSystem"], "Azure Functions");
    assert_eq!(info["NCPU"], 2);
    assert_eq!(info["MemTotal"], 4_u64 << 30);
    let status: Vec<[String; 2]> = serde_json::from_value(info["DriverStatus"].clone()).unwrap();
    let value = |name: &str| status.iter().find(|[key, _]| key == name).map(|[_, value]| value.as_str());
    assert_eq!(value("Backend"), Some("azf"));
    assert!(value("Backend Version").is_some_and(|version| !version.is_empty()));
    assert!(value("Backend Digest").is_some_and(|digest| digest.starts_with("sha256:") && digest.len() == 71));
    assert!(info["Runtimes"].get("azf").is_some(), "{info}");

    let shown = world.docker.ok(&["info"]);
    for line in
        ["Storage Driver: azure-functions", "Operating System: Azure Functions", "CPUs: 2", "Total Memory: 4GiB"]
    {
        assert!(shown.contains(line), "{line}\n{shown}");
    }
}

#[test]
fn an_app_that_never_calls_back_fails_the_start_with_the_platforms_own_log() {
    let world = World::with(WorldOptions {
        emulator: "[[images]]\nname = \"bare\"\nagent = false\n[platform]\nstart_limit_ms = 60000\n".to_owned(),
        settings: vec![("SOCKERLESS_AZF_CALLBACK_TIMEOUT", "3".to_owned())],
        ..WorldOptions::default()
    });
    let ran = world.docker.run(&["run", "--name", "w", "bare", "echo", "hello"]);
    // Not 127, which would say that the command is not there.
    ran.exits(125);
    assert!(ran.stderr.contains("did not"), "{}", ran.stderr);
    assert!(ran.stderr.contains("sockerless-agent"), "the platform's log is not in the error: {}", ran.stderr);
    assert!(ran.stderr.contains("executable\u{a0}file not found"), "{}", ran.stderr);
    let state = &world.docker.inspect("w")["State"];
    assert_eq!(state["Status"], "created", "{state}");
    world.docker.ok(&["rm", "w"]);
    assert!(world.azure.apps().is_empty());
}

#[test]
fn a_missing_setting_is_named_with_what_it_is_for() {
    let mut world = World::without_daemon(WorldOptions {
        without: vec!["SOCKERLESS_AZF_SUBSCRIPTION_ID"],
        ..WorldOptions::default()
    });
    let error = world.daemon.start().unwrap_err();
    assert!(error.contains("SOCKERLESS_AZF_SUBSCRIPTION_ID"), "{error}");
    assert!(error.to_lowercase().contains("subscription"), "{error}");
}

#[test]
fn without_a_callback_url_helpers_end_by_themselves_and_say_nothing_they_do_not_know() {
    let world = World::with(WorldOptions { without: vec!["SOCKERLESS_CALLBACK_URL"], ..WorldOptions::default() });
    world.docker.ok(&["pull", "--quiet", "alpine"]);
    // Nobody can observe the command: the mapping's rule of 500 ms.
    world.docker.ok(&["run", "-d", "--name", "helper", "alpine", "echo", "hello"]);
    assert_eq!(world.docker.ok(&["wait", "helper"]), "0");
}

#[test]
fn secrets_are_not_in_the_logs() {
    let world = World::start();
    world.docker.ok(&["run", "--rm", "--env", "PASSWORD=hunter2-planted", "alpine", "true"]);
    let log = world.daemon.log();
    for secret in ["emulator-secret", "hunter2-planted", "eyJ"] {
        assert!(!log.contains(secret), "{secret} is in the log:\n{log}");
    }
}
