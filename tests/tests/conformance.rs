//! `sockerless plugin test`: every backend of this repository keeps the contract of backends.

#![allow(clippy::unwrap_used, reason = "a test's failure is a panic")]

use std::path::Path;
use std::process::Command;

use serde_json::Value;
use sockerless_tests::{Ran, built, optional};

/// Puts a component to the test.
fn test(component: &Path, arguments: &[&str]) -> Ran {
    let mut command = Command::new(built("SOCKERLESS_TEST_DAEMON"));
    command.args(["plugin", "test"]).arg(component).args(arguments);
    command.arg("--cache-dir").arg(built("SOCKERLESS_TEST_CACHE"));
    Ran::run(command.env_remove("DOCKER_HOST"), b"")
}

fn report(ran: &Ran) -> Value {
    serde_json::from_str(&ran.stdout).unwrap_or_else(|error| panic!("{error}:\n{}\n{}", ran.stdout, ran.stderr))
}

fn results<'r>(report: &'r Value, result: &str) -> Vec<&'r str> {
    let checks = report["checks"].as_array().unwrap().iter();
    checks.filter(|check| check["result"] == result).map(|check| check["name"].as_str().unwrap()).collect()
}

#[test]
fn azf_keeps_the_contract_in_every_point() {
    let scenario = Path::new(env!("CARGO_MANIFEST_DIR")).join("../plugins/azf/conformance/azure.toml");
    let ran =
        test(&built("SOCKERLESS_TEST_COMPONENT"), &["--format", "json", "--scenario", scenario.to_str().unwrap()]);
    let report = report(&ran);
    assert_eq!(results(&report, "finding"), Vec::<&str>::new(), "{report:#}");
    // Azure has no sessions of its own: they are the agent's.
    let not_checked = results(&report, "not-checked");
    assert_eq!(not_checked, SESSIONS, "{report:#}");
    assert_eq!(report["component"]["name"], "azf");
    ran.ok();
}

/// What does not concern a backend whose containers have agents for everything that clients do inside them.
const SESSIONS: [&str; 12] = [
    "exec.runs",
    "exec.cloud-in-trouble",
    "exec.any-order",
    "attach.opens",
    "attach.any-order",
    "archive.gets",
    "archive.puts",
    "archive.believes-no-failure",
    "archive.cloud-in-trouble",
    "archive.any-order",
    "runs.resumes",
    "runs.gone",
];

/// What does not concern a backend that has no cloud and no agents.
const OF_NO_CONCERN: [&str; 12] = [
    "check.cloud-in-trouble",
    "create.answer-lost",
    "create.cloud-in-trouble",
    "start.prepares-first",
    "finished.reads-the-code",
    "finished.own-outcome",
    "remove.cloud-in-trouble",
    "recover.cloud-in-trouble",
    "inventory.lists-what-is-there",
    "inventory.changes-nothing",
    "inventory.gone",
    "inventory.cloud-in-trouble",
];

fn memory_keeps_the_contract(variable: &str) {
    let Some(component) = optional(variable) else { return };
    let ran = test(&component, &["--format", "json"]);
    let report = report(&ran);
    assert_eq!(results(&report, "finding"), Vec::<&str>::new(), "{report:#}");
    let of_no_concern: Vec<_> = OF_NO_CONCERN.into_iter().chain(SESSIONS).collect();
    assert_eq!(results(&report, "not-checked"), of_no_concern, "{report:#}");
    ran.ok();
}

#[test]
fn memory_in_rust_keeps_the_contract() {
    memory_keeps_the_contract("SOCKERLESS_TEST_MEMORY_RUST");
}

#[test]
fn memory_in_python_keeps_the_contract() {
    memory_keeps_the_contract("SOCKERLESS_TEST_MEMORY_PYTHON");
}

#[test]
fn memory_in_typescript_keeps_the_contract() {
    memory_keeps_the_contract("SOCKERLESS_TEST_MEMORY_TYPESCRIPT");
}

#[test]
fn memory_in_go_keeps_the_contract() {
    memory_keeps_the_contract("SOCKERLESS_TEST_MEMORY_GO");
}

#[test]
fn memory_in_c_keeps_the_contract() {
    memory_keeps_the_contract("SOCKERLESS_TEST_MEMORY_C");
}

#[test]
fn docker_proxy_keeps_the_contract() {
    let Some(component) = optional("SOCKERLESS_TEST_DOCKER_PROXY") else { return };
    let scenario = Path::new(env!("CARGO_MANIFEST_DIR")).join("../plugins/docker-proxy/conformance.toml");
    let ran = test(&component, &["--format", "json", "--scenario", scenario.to_str().unwrap()]);
    let report = report(&ran);
    assert_eq!(results(&report, "finding"), Vec::<&str>::new(), "{report:#}");
    // It has no agents, and no inventory.
    let not_checked = results(&report, "not-checked");
    let of_no_concern = ["start.prepares-first", "finished.reads-the-code"]
        .into_iter()
        .chain(OF_NO_CONCERN.into_iter().filter(|name| name.starts_with("inventory.")));
    assert_eq!(not_checked, of_no_concern.collect::<Vec<_>>(), "{report:#}");
    ran.ok();
}

/// The guest of the plugin host's tests is no backend: it takes every answer to a request for an exit code, among other things.
#[test]
fn findings_are_shown_and_make_an_exit_code() {
    let guest = built("SOCKERLESS_TEST_GUEST");
    let ran = test(&guest, &[]);
    ran.exits(1);
    assert!(ran.stdout.contains("FINDING      handle.unknown-version"), "{}", ran.stdout);
    assert!(ran.stderr.contains("the component breaks the contract in "), "{}", ran.stderr);
    let ran = test(&guest, &["--format", "json"]);
    ran.exits(1);
    let report = report(&ran);
    assert_eq!(report["summary"]["findings"], results(&report, "finding").len());
    assert!(results(&report, "finding").contains(&"handle.unknown-version"), "{report:#}");
}

#[test]
fn what_cannot_be_loaded_has_not_passed() {
    let ran = test(&built("SOCKERLESS_TEST_COMPONENT"), &[]);
    ran.exits(1);
    assert!(ran.stdout.contains("SOCKERLESS_AZF_RESOURCE_GROUP is not set"), "{}", ran.stdout);
    assert!(ran.stdout.contains("passed: 0, findings: 0, "), "{}", ran.stdout);
    assert!(ran.stderr.contains("nothing of it is checked"), "{}", ran.stderr);
}

#[test]
fn a_scenario_that_is_none_is_refused_by_its_rule() {
    let folder = tempfile::tempdir().unwrap();
    let scenario = folder.path().join("wrong.toml");
    std::fs::write(&scenario, "[[http]]\nmethod = 'GET'\nurl = 'https://a.example/'\nstatus = 200\neffect = 'make'\n")
        .unwrap();
    let ran = test(&built("SOCKERLESS_TEST_COMPONENT"), &["--scenario", scenario.to_str().unwrap()]);
    ran.exits(1);
    assert!(ran.stderr.contains("rule 1 of the scenario (GET https://a.example/)"), "{}", ran.stderr);
}
