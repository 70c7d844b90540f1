//! `sockerless doctor`: each step, and what is said when it fails.

#![allow(clippy::unwrap_used, reason = "a test's failure is a panic")]

use serde_json::{Value, json};
use sockerless_tests::{Ran, World, WorldOptions};

/// A world whose daemon does not run, with these settings instead of the usual ones.
fn world(settings: &[(&'static str, &str)], without: &[&'static str]) -> World {
    let settings = settings.iter().map(|&(name, value)| (name, value.to_owned())).collect();
    World::without_daemon(WorldOptions { settings, without: without.to_vec(), ..WorldOptions::default() })
}

/// It ends with 1, and exactly one line says what failed, with these words.
#[track_caller]
fn fails(ran: &Ran, words: &[&str]) {
    ran.exits(1);
    let failed: Vec<_> = ran.stdout.split("\nFAILED ").skip(1).collect();
    assert_eq!(failed.len(), 1, "{}", ran.stdout);
    for word in words {
        assert!(failed[0].contains(word), "it does not say {word:?}: {}", ran.stdout);
    }
}

fn arm(status: u16, code: &str) -> Value {
    json!({ "fault": "answer", "service": "arm", "status": status, "code": code, "message": "As Azure words it." })
}

#[test]
fn everything_is_as_it_should_be() {
    let mut world = world(&[], &[]);
    let ran = world.daemon.doctor();
    ran.ok();
    assert!(ran.stdout.lines().all(|line| line.starts_with("ok ")), "{}", ran.stdout);
    for step in ["configuration", "agents find", "settings", "resource group", "plan", "workspace", "output", "backend"]
    {
        assert!(ran.stdout.contains(step), "{step}: {}", ran.stdout);
    }
    // Beside a daemon that runs, too: it has the address on which agents dial in.
    world.daemon.start().unwrap();
    world.daemon.doctor().ok();
    assert_eq!(world.azure.apps().len(), 0);
}

#[test]
fn a_setting_is_missing() {
    fails(&world(&[], &["SOCKERLESS_AZF_SUBSCRIPTION_ID"]).daemon.doctor(), &["SOCKERLESS_AZF_SUBSCRIPTION_ID"]);
}

#[test]
fn the_token() {
    fails(&world(&[("AZURE_CLIENT_SECRET", "wrong")], &[]).daemon.doctor(), &["AADSTS7000215", "AZURE_CLIENT_SECRET"]);
}

#[test]
fn the_role() {
    let world = world(&[], &[]);
    world.azure.fault(&arm(403, "AuthorizationFailed"));
    fails(&world.daemon.doctor(), &["Website Contributor", "az role assignment create"]);
}

#[test]
fn the_group() {
    fails(
        &world(&[("SOCKERLESS_AZF_RESOURCE_GROUP", "none")], &[]).daemon.doctor(),
        &["ResourceGroupNotFound", "az group create"],
    );
}

#[test]
fn the_plan() {
    let world = world(&[("SOCKERLESS_AZF_APP_SERVICE_PLAN", "none")], &[]);
    fails(&world.daemon.doctor(), &["no App Service plan", "az functionapp plan create"]);
}

#[test]
fn a_plan_without_containers() {
    let emulator =
        "[[arm.plans]]\nresource_group = 'sockerless'\nname = 'sockerless-plan'\nsku = 'Y1'\nlocation = 'eastus'";
    let world = World::without_daemon(WorldOptions { emulator: emulator.to_owned(), ..WorldOptions::default() });
    fails(&world.daemon.doctor(), &["Y1", "EP1"]);
}

#[test]
fn the_workspace() {
    let other = "55555555-5555-5555-5555-555555555555";
    let ran = world(&[("SOCKERLESS_AZF_LOG_ANALYTICS_WORKSPACE", other)], &[]).daemon.doctor();
    fails(&ran, &["docker logs will not work", "SOCKERLESS_AZF_LOG_ANALYTICS_WORKSPACE"]);
    let world = world(&[], &[]);
    world.azure.fault(&json!({ "fault": "answer", "service": "logs", "status": 403, "code": "InsufficientAccessError",
        "message": "As Azure words it." }));
    fails(&world.daemon.doctor(), &["docker logs will not work", "Log Analytics Reader", "az role assignment create"]);
}

#[test]
fn the_telemetry() {
    let ran = world(&[], &["SOCKERLESS_AZF_APPLICATIONINSIGHTS_CONNECTION_STRING"]).daemon.doctor();
    fails(&ran, &["docker logs will show nothing", "az monitor app-insights component show"]);
}

#[test]
fn the_callback_url() {
    fails(&world(&[], &["SOCKERLESS_CALLBACK_URL"]).daemon.doctor(), &["SOCKERLESS_CALLBACK_URL is not set"]);
    let nobody = world(&[("SOCKERLESS_CALLBACK_URL", "ws://127.0.0.1:1")], &[]);
    fails(&nobody.daemon.doctor(), &["ws://127.0.0.1:1", "--agents-listen"]);
    let mut other = world(&[], &[]);
    let url = format!("ws://{}", other.azure.address());
    other.daemon.set("SOCKERLESS_CALLBACK_URL", url);
    fails(&other.daemon.doctor(), &["somebody else answers"]);
}
