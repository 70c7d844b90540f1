//! Apps as resources: made in every form, shown without their secrets, listed, deleted with or without their plan.

use serde_json::{Value, json};
use sockerless_tests::{ARM_SCOPE, Emulator, Site, eventually, site_body};

fn plan_exists(azure: &Emulator) -> bool {
    azure.arm("GET", "/resourceGroups/sockerless/providers/Microsoft.Web/serverfarms/sockerless-plan", None).status
        == 200
}

/// Follows a link that an answer has given.
fn poll(azure: &Emulator, link: &str) -> (u16, Value) {
    let path = link.strip_prefix("https://management.azure.com").unwrap();
    let (status, body) = azure.request("management.azure.com", "GET", path, Some(&azure.token(ARM_SCOPE)), None);
    (status, serde_json::from_str(&body).unwrap_or(Value::Null))
}

#[test]
fn a_put_that_is_done_at_once_is_answered_200() {
    let azure = Emulator::alone("");
    let reply = Site::of(&azure, "app").arm("PUT", "", Some(&site_body("sleep 1000", &[])));
    let body = reply.json();
    assert_eq!((reply.status, &body["name"], &body["properties"]["state"]), (200, &json!("app"), &json!("Running")));
    assert_eq!(body["properties"]["defaultHostName"], "app.azurewebsites.net");
    assert!(body["properties"].get("provisioningState").is_none(), "{body}");
    azure.fault(&json!({ "fault": "put", "script": { "outcome": "failed" } }));
    assert_eq!(Site::of(&azure, "other").arm("PUT", "", Some(&site_body("sleep 1000", &[]))).status, 400);
    assert_eq!(azure.apps().len(), 1);
}

#[test]
fn a_put_goes_on_in_either_form_with_as_many_polls_as_it_is_told_to_its_end() {
    let azure = Emulator::alone("");
    let mut cases = 0;
    for (form, header) in [("async-operation", "azure-asyncoperation"), ("location", "location")] {
        for (outcome, leaves_site) in [("succeeded", false), ("failed", false), ("failed", true), ("canceled", false)] {
            let what = format!("{form} {outcome} {leaves_site}");
            cases += 1;
            let name = format!("app{cases}");
            let site = Site::of(&azure, &name);
            azure.fault(&json!({ "fault": "put", "script": {
                "form": form, "polls": 2, "outcome": outcome, "leaves_site": leaves_site, "retry_after_ms": 3000 } }));
            let begun = site.arm("PUT", "", Some(&site_body("sleep 1000", &[("SECRET", "s")])));
            assert_eq!((begun.status, begun.headers["retry-after"].as_str()), (202, "3"), "{what}");
            assert_eq!(begun.json()["name"], name.as_str(), "{what}");
            assert!(!begun.text().contains("SECRET"), "{what}");
            let link = &begun.headers[header];
            for _ in 0..2 {
                let (status, body) = poll(&azure, link);
                match form {
                    "location" => assert_eq!(status, 202, "{what}"),
                    _ => assert_eq!((status, &body["status"]), (200, &json!("InProgress")), "{what}"),
                }
                assert_eq!(azure.ask(&site.host(), "GET /", &[], b"").status, 503, "{what}: it is not made yet");
            }
            let (status, body) = poll(&azure, link);
            let is_there = site.arm("GET", "", None).status == 200;
            assert_eq!(is_there, outcome == "succeeded" || leaves_site, "{what}");
            match (form, outcome) {
                ("location", "succeeded") => assert_eq!((status, &body["name"]), (200, &json!(name)), "{what}"),
                ("location", _) => assert!((400..500).contains(&status) && body["error"]["code"].is_string(), "{what}"),
                (_, "succeeded") => assert_eq!(body["status"], "Succeeded", "{what}"),
                (_, "failed") => {
                    assert_eq!((&body["status"], &body["error"]["code"]), (&json!("Failed"), &json!("BadRequest")))
                }
                _ => assert_eq!(body["status"], "Canceled", "{what}"),
            }
        }
    }
    assert_eq!(cases, 8);
}

#[test]
fn the_form_of_every_put_is_a_setting_too() {
    let azure = Emulator::alone("[arm.put]\nform = 'location'\npolls = 0\nretry_after_ms = 250");
    let begun = Site::of(&azure, "app").arm("PUT", "", Some(&site_body("sleep 1000", &[])));
    assert_eq!((begun.status, begun.headers["retry-after-ms"].as_str()), (202, "250"));
    assert_eq!(poll(&azure, &begun.headers["location"]).0, 200);
    azure.configure(&json!({ "arm": { "put": { "form": "at-once" } } }));
    assert_eq!(Site::of(&azure, "app").arm("PUT", "", Some(&site_body("sleep 1000", &[]))).status, 200);
}

#[test]
fn settings_are_shown_by_their_own_request_only_and_replaced_whole() {
    let azure = Emulator::alone("");
    let site = Site::of(&azure, "app");
    let made = site.arm("PUT", "", Some(&site_body("sleep 1000", &[("SECRET", "s"), ("OTHER", "o")])));
    let shown = [
        made,
        site.arm("GET", "", None),
        site.arm("PATCH", "", Some(&json!({ "tags": { "a": "b" } }))),
        site.arm("GET", "/config/web", None),
        azure.arm("GET", "/providers/Microsoft.Web/sites", None),
    ];
    for reply in shown {
        assert!(reply.status == 200 && !reply.text().contains("SECRET"), "{}", reply.text());
    }
    let list = || site.arm("POST", "/config/appsettings/list", None).json()["properties"].clone();
    assert_eq!(list(), json!({ "SECRET": "s", "OTHER": "o" }));
    let starts = site.becomes("the container runs", |app| app["container"]["starts"] == 1);
    assert_eq!(starts["settings"]["SECRET"], "s");
    let put = site.arm("PUT", "/config/appsettings", Some(&json!({ "properties": { "NEW": "n" } })));
    assert_eq!((put.status, &put.json()["properties"]), (200, &json!({ "NEW": "n" })));
    assert_eq!(list(), json!({ "NEW": "n" }));
    site.becomes("the app is restarted", |app| app["container"]["starts"] == 2);
}

#[test]
fn lists_come_in_pages() {
    let azure = Emulator::alone("[arm]\npage_size = 2\n[platform]\nstart = 'first-request'");
    let names = ["a1", "b2", "c3", "d4", "e5"];
    for name in names {
        assert_eq!(Site::of(&azure, name).arm("PUT", "", Some(&site_body("true", &[]))).status, 200);
    }
    let mut found = Vec::new();
    let mut page = azure.arm("GET", "/providers/Microsoft.Web/sites", None).json();
    loop {
        let sites = page["value"].as_array().unwrap();
        assert!(sites.len() <= 2, "{page}");
        found.extend(sites.iter().map(|site| site["name"].as_str().unwrap().to_owned()));
        let Some(next) = page["nextLink"].as_str() else { break };
        page = poll(&azure, next).1;
    }
    assert_eq!(found, names);
}

#[test]
fn a_delete_takes_the_empty_plan_along_unless_told_not_to_and_ends_the_container() {
    let azure = Emulator::alone("");
    let site = Site::create(&azure, "app", &[]);
    site.becomes("it is ready", |app| app["container"]["phase"] == "ready");
    let pid = site.view()["container"]["containers"][0]["pid"].as_i64().unwrap();
    assert!(std::path::Path::new(&format!("/proc/{pid}")).exists());
    assert_eq!(site.arm("DELETE", "?deleteEmptyServerFarm=false", None).status, 200);
    eventually("its process is gone", || (!std::path::Path::new(&format!("/proc/{pid}")).exists()).then_some(()));
    assert_eq!(site.get("/").status, 404);
    assert!(plan_exists(&azure));
    assert_eq!(site.arm("DELETE", "?deleteEmptyServerFarm=false", None).status, 204);

    for name in ["one", "two"] {
        Site::of(&azure, name).arm("PUT", "", Some(&site_body("sleep 1000", &[])));
    }
    Site::of(&azure, "one").arm("DELETE", "", None);
    assert!(plan_exists(&azure), "another app is on it");
    Site::of(&azure, "two").arm("DELETE", "", None);
    assert!(!plan_exists(&azure));
}

#[test]
fn an_answer_can_be_any_error_in_the_form_of_its_service() {
    let azure = Emulator::alone("");
    let site = Site::of(&azure, "app");
    azure.fault(&json!({ "fault": "answer", "service": "arm", "method": "DELETE", "path": "/SITES/", "status": 409,
        "code": "ScopeLocked", "message": "locked", "times": 2 }));
    assert_eq!(site.arm("GET", "", None).json()["error"]["code"], "ResourceNotFound");
    for _ in 0..2 {
        let reply = site.arm("DELETE", "", None);
        assert_eq!(
            (reply.status, reply.json()),
            (409, json!({ "error": { "code": "ScopeLocked", "message": "locked" } }))
        );
    }
    assert_eq!(site.arm("DELETE", "", None).status, 204);
    azure.fault(&json!({ "fault": "answer", "service": "login", "status": 400, "code": "invalid_grant", "message": "AADSTS1: no" }));
    let refused = azure.ask_for_token(ARM_SCOPE);
    assert_eq!((refused.status, &refused.json()["error"]), (400, &json!("invalid_grant")));
    azure.fault(&json!({ "fault": "name-taken" }));
    let taken = site.arm("PUT", "", Some(&site_body("true", &[])));
    assert_eq!(taken.json()["Details"][2]["ErrorEntity"]["ExtendedCode"], "54001");
}

#[test]
fn the_identities_of_an_app_are_shown() {
    let azure = Emulator::alone("");
    let site = Site::of(&azure, "app");
    let mut body = site_body("sleep 1000", &[]);
    body["identity"] = json!({ "type": "UserAssigned", "userAssignedIdentities": { "/id": {} } });
    site.arm("PUT", "", Some(&body));
    let shown = site.arm("GET", "", None).json()["identity"].clone();
    assert_eq!(shown["type"], "UserAssigned");
    let ids = shown["userAssignedIdentities"]["/id"].as_object().unwrap();
    assert_eq!(ids.keys().collect::<Vec<_>>(), ["principalId", "clientId"]);
}
