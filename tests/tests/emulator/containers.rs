//! The life of an app's container.

use serde_json::{Value, json};
use sockerless_tests::{Emulator, Site, eventually, site_body};

fn phase(app: &Value) -> &str {
    app["container"]["phase"].as_str().unwrap_or_default()
}

fn log(app: &Value) -> &str {
    app["platformLog"].as_str().unwrap_or_default()
}

#[test]
fn it_starts_when_the_app_is_made() {
    let azure = Emulator::alone("");
    let site = Site::create(&azure, "app", &[]);
    let app = site.becomes("it is ready without a request", |app| phase(app) == "ready");
    assert_eq!((&app["container"]["starts"], &app["container"]["containers"][0]["ready"]), (&json!(1), &json!(true)));
}

#[test]
fn it_starts_at_the_first_request_where_the_platform_does_that() {
    let azure = Emulator::alone("[platform]\nstart = 'first-request'");
    let site = Site::create(&azure, "app", &[]);
    assert_eq!((phase(&site.view()), &site.view()["container"]["starts"]), ("waiting", &json!(0)));
    assert_eq!(site.get("/other").status, 404);
    assert_eq!((phase(&site.view()), &site.view()["container"]["starts"]), ("ready", &json!(1)));
}

#[test]
fn it_is_pinged_to_warm_it_up_and_to_keep_it_on() {
    let azure = Emulator::alone("[platform]\nalways_on_interval_ms = 20");
    let site = Site::create(&azure, "app", &[]);
    let app = site
        .becomes("both pings have come", |app| log(app).lines().filter(|line| line.ends_with("asked /")).count() > 1);
    assert!(log(&app).contains("asked /robots933456.txt"), "{}", log(&app));

    // Without Always On it gets the first only.
    let mut body = site_body(app["siteConfig"]["appCommandLine"].as_str().unwrap(), &[]);
    body["properties"]["siteConfig"]["alwaysOn"] = json!(false);
    let quiet = Site::of(&azure, "quiet");
    quiet.arm("PUT", "", Some(&body));
    quiet.becomes("it is ready", |app| phase(app) == "ready");
    let pings = log(&site.view()).matches("asked /\n").count();
    site.becomes("the other app is pinged further", |app| log(app).matches("asked /\n").count() > pings + 3);
    assert!(!log(&quiet.view()).contains("asked /\n"), "{}", log(&quiet.view()));
}

#[test]
fn what_does_not_answer_the_ping_in_time_has_failed_to_start() {
    let azure = Emulator::alone(
        "[platform]\nstart_limit_ms = 300\nrestart_backoff_ms = 600000\nrestart_backoff_max_ms = 600000",
    );
    let site = Site::of(&azure, "app");
    let made = site.arm("PUT", "", Some(&site_body("sh -c 'echo begun; sleep 1000'", &[])));
    assert_eq!(made.json()["properties"]["state"], "Running", "the resource does not tell");
    let app = site.becomes("it has failed", |app| phase(app) == "failed");
    assert!(log(&app).contains("didn't respond to HTTP pings on port"), "{}", log(&app));
    assert_eq!(site.get("/").status, 503);
    let text = site.arm("POST", "/containerlogs", None);
    assert!(
        text.status == 200 && text.text().contains("begun") && text.text().contains("failing site start"),
        "{}",
        text.text()
    );

    // A setting of the app goes before the platform's limit: this one would have an hour.
    azure.configure(&json!({ "platform": { "start_limit_ms": 3_600_000 } }));
    let limited = Site::of(&azure, "limited");
    limited.arm("PUT", "", Some(&site_body("sleep 1000", &[("WEBSITES_CONTAINER_START_TIME_LIMIT", "1")])));
    limited.becomes("it has failed", |app| phase(app) == "failed");
}

#[test]
fn an_app_without_a_start_has_no_log() {
    let azure = Emulator::alone("[platform]\nstart = 'first-request'");
    let site = Site::create(&azure, "app", &[]);
    assert_eq!(site.arm("POST", "/containerlogs", None).status, 204);
}

#[test]
fn it_is_started_again_when_it_exits() {
    let azure = Emulator::alone("[platform]\nrestart_backoff_ms = 1");
    let site = Site::create(&azure, "app", &[]);
    site.get("/exit");
    let app = site.becomes("it runs again", |app| phase(app) == "ready" && app["container"]["starts"] == 2);
    assert!(log(&app).contains("has exited (exit code 3)"), "{}", log(&app));
    site.order("crash");
    let app = site.becomes("it runs again", |app| phase(app) == "ready" && app["container"]["starts"] == 3);
    assert!(log(&app).contains("has exited (signal 9)"), "{}", log(&app));
}

#[test]
fn a_command_that_cannot_be_run_fails_the_start() {
    let azure = Emulator::alone("[platform]\nrestart_backoff_ms = 600000\nrestart_backoff_max_ms = 600000");
    let site = Site::of(&azure, "app");
    site.arm("PUT", "", Some(&site_body("no-such-command", &[])));
    let app = site.becomes("it has failed", |app| phase(app) == "failed");
    assert!(log(&app).contains("executable file not found in $PATH"), "{}", log(&app));
}

#[test]
fn a_worker_that_is_lost_takes_the_files_along() {
    let azure = Emulator::alone("");
    let site = Site::create(&azure, "app", &[]);
    assert_eq!(site.get("/mark").status, 200);
    let before = site.look();
    assert_eq!(before["mark"], true);
    site.order("move");
    site.becomes("it runs elsewhere", |app| phase(app) == "ready" && app["container"]["starts"] == 2);
    let after = site.look();
    assert_eq!(after["mark"], false);
    let worker = |seen: &Value| seen["environment"]["WEBSITE_INSTANCE_ID"].as_str().unwrap().to_owned();
    assert_ne!(worker(&before), worker(&after));
}

#[test]
fn a_change_has_two_containers_for_a_while() {
    let azure = Emulator::alone("[platform]\noverlap_ms = 600000");
    let site = Site::create(&azure, "app", &[("GENERATION", "1")]);
    site.becomes("the first is ready", |app| phase(app) == "ready");
    let ready = |app: &Value| {
        let all = app["container"]["containers"].as_array().unwrap();
        all.iter().filter(|container| container["ready"] == true).count()
    };
    Site::create(&azure, "app", &[("GENERATION", "2")]);
    let both = site.becomes("both are ready", |app| ready(app) == 2);
    let pids: Vec<_> =
        both["container"]["containers"].as_array().unwrap().iter().map(|one| one["pid"].as_i64().unwrap()).collect();
    assert!(pids.iter().all(|pid| std::path::Path::new(&format!("/proc/{pid}")).exists()), "{both}");
    assert_eq!(site.look()["environment"]["GENERATION"], "2", "the newest gets the requests");

    // The same settings, and no change of what runs: nothing is started.
    let tags = site.arm("PATCH", "", Some(&json!({ "tags": { "a": "b" } })));
    assert_eq!(tags.status, 200);
    azure.configure(&json!({ "platform": { "overlap_ms": 0 } }));
    site.arm("POST", "/restart", None);
    let app = site.becomes("the second makes way", |app| app["container"]["starts"] == 3 && ready(app) == 2);
    assert_eq!(app["tags"]["a"], "b");
}

#[test]
fn the_platform_strips_names_of_settings_and_adds_its_own() {
    let azure = Emulator::alone("");
    let site = Site::create(&azure, "App", &[("my-setting.1", "stripped"), ("PORT", "1"), ("GIVEN", "a b")]);
    let seen = site.look()["environment"].clone();
    assert_eq!(
        (&seen["mysetting1"], &seen["GIVEN"], &seen["my-setting.1"]),
        (&json!("stripped"), &json!("a b"), &Value::Null)
    );
    assert_eq!(
        (&seen["WEBSITE_SITE_NAME"], &seen["WEBSITE_HOSTNAME"]),
        (&json!("App"), &json!("app.azurewebsites.net"))
    );
    assert!(seen["WEBSITE_INSTANCE_ID"].as_str().unwrap().len() == 64, "{seen}");
    assert_ne!(seen["PORT"], "1");
    assert!(seen.get("SOCKERLESS_TEST_DAEMON").is_none(), "nothing of the emulator's own");
    let listed = site.arm("POST", "/config/appsettings/list", None).json();
    assert_eq!(listed["properties"]["my-setting.1"], "stripped", "the list has them as they were given");
}

#[test]
fn a_stopped_app_has_no_container_until_it_is_started() {
    let azure = Emulator::alone("");
    let site = Site::create(&azure, "app", &[]);
    site.becomes("it is ready", |app| phase(app) == "ready");
    assert_eq!(site.arm("POST", "/stop", None).status, 200);
    site.becomes("it has ended", |app| phase(app) == "stopped" && app["container"]["containers"] == json!([]));
    assert_eq!(site.arm("GET", "", None).json()["properties"]["state"], "Stopped");
    assert_eq!(site.get("/").status, 403);
    assert_eq!(site.arm("POST", "/start", None).status, 200);
    eventually("it answers", || (site.get("/").status == 404).then_some(()));
}

#[test]
fn an_image_takes_its_time() {
    let azure =
        Emulator::alone("[[images]]\nname = 'alpine:3'\nstart_delay_ms = 3600000\n[platform]\nrequest_hold_ms = 1");
    let site = Site::create(&azure, "app", &[]);
    let app = site.becomes("it is pulled", |app| log(app).contains("Pulling image: alpine:3"));
    assert_eq!(phase(&app), "starting");
    assert_eq!(site.get("/").status, 503, "it has not started yet");
}
