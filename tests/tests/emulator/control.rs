//! The control API: what is there, what came, what is set.

use serde_json::{Value, json};
use sockerless_tests::{Emulator, Site};

#[test]
fn it_shows_apps_settings_containers_and_requests() {
    let azure = Emulator::alone("");
    let site = Site::create(&azure, "app", &[("SECRET", "s")]);
    site.becomes("it is ready", |app| app["container"]["phase"] == "ready");
    let apps = azure.apps();
    assert_eq!(apps.len(), 1);
    assert_eq!((&apps[0]["name"], &apps[0]["settings"]), (&json!("app"), &json!({ "SECRET": "s" })));
    assert!(apps[0]["container"]["containers"][0]["pid"].is_i64(), "{}", apps[0]);
    assert!(apps[0]["platformLog"].as_str().unwrap().contains("Pulling image"));
    let plans = azure.control("GET", "/plans", None);
    assert_eq!((plans.as_array().unwrap().len(), &plans[0]["name"]), (1, &json!("sockerless-plan")));

    site.get("/look?a=b");
    let requests = azure.requests();
    let of = |service: &str| requests.iter().filter(|request| request["service"] == service).collect::<Vec<_>>();
    let put = of("arm")[0];
    assert_eq!((&put["method"], &put["status"]), (&json!("PUT"), &json!(200)));
    assert!(put["path"].as_str().unwrap().ends_with("/sites/app"), "{put}");
    let body: Value = serde_json::from_str(put["body"].as_str().unwrap()).unwrap();
    assert_eq!(body["properties"]["siteConfig"]["appSettings"][0]["name"], "SECRET");
    let login = of("login")[0];
    assert!(!login.to_string().contains("emulator-secret") && !put.to_string().contains("Bearer"), "{login} {put}");
    let get = of("site")[0];
    assert_eq!(
        (&get["path"], &get["query"], &get["host"]),
        (&json!("/look"), &json!("a=b"), &json!("app.azurewebsites.net"))
    );
    let _ = azure.control("DELETE", "/requests", None);
    assert_eq!(azure.requests(), Vec::<Value>::new());
}

#[test]
fn it_shows_and_changes_the_configuration() {
    let azure = Emulator::alone("[logs]\ndelay_ms = 7");
    assert_eq!(azure.control("GET", "/config", None)["logs"]["delay_ms"], 7);
    let now = azure.control("PATCH", "/config", Some(&json!({ "logs": { "delay_ms": 8 } })));
    assert_eq!((&now["logs"]["delay_ms"], &now["platform"]["overlap_ms"]), (&json!(8), &json!(0)));
    for (patch, reason) in [(json!({ "listen": "127.0.0.1:1" }), "start only"), (json!({ "lags": {} }), "lags")] {
        let (status, body) = azure.request("control.emulator", "PATCH", "/config", None, Some(&patch));
        assert!(status == 400 && body.contains(reason), "{status} {body}");
    }
    assert_eq!(azure.control("GET", "/config", None), now);
}

#[test]
fn it_keeps_faults_until_they_are_used_up_or_taken_away() {
    let azure = Emulator::alone("");
    azure.fault(&json!({ "fault": "name-taken" }));
    azure.fault(&json!({ "fault": "partial-logs", "rows": 1 }));
    assert_eq!(
        azure.control("GET", "/faults", None),
        json!([{ "fault": "name-taken" }, { "fault": "partial-logs", "rows": 1, "times": 1 }])
    );
    let (status, _) = azure.request("control.emulator", "POST", "/faults", None, Some(&json!({ "fault": "unknown" })));
    assert_eq!(status, 400);
    let _ = azure.control("DELETE", "/faults", None);
    assert_eq!(azure.control("GET", "/faults", None), json!([]));
}

#[test]
fn it_is_on_the_emulators_own_address_too() {
    let azure = Emulator::alone("");
    let reply = azure.ask(azure.address(), "GET /_control/apps", &[], b"");
    assert_eq!((reply.status, reply.json()), (200, json!([])));
    let authority = azure.ask(azure.address(), "GET /_control/ca.pem", &[], b"");
    assert!(authority.text().starts_with("-----BEGIN CERTIFICATE-----"));
}
