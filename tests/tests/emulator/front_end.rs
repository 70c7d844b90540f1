//! The front end: what it answers by itself, what it passes on, when it cuts.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;

use serde_json::json;
use sockerless_tests::{Emulator, Site, eventually, site_body};

#[test]
fn it_answers_for_what_is_not_there_stopped_or_not_made_yet() {
    let azure = Emulator::alone("");
    let site = Site::of(&azure, "app");
    assert_eq!(site.get("/").status, 404);
    azure.fault(&json!({ "fault": "put", "script": { "form": "location", "polls": 5 } }));
    Site::of(&azure, "app").arm("PUT", "", Some(&site_body("sleep 1000", &[])));
    assert_eq!(site.get("/").status, 503);
    let other = Site::create(&azure, "other", &[]);
    assert_eq!(other.get("/").status, 404, "the container's own");
    assert_eq!(azure.requests().iter().filter(|request| request["service"] == "site").count(), 3);
    other.arm("POST", "/stop", None);
    eventually("it is stopped", || (other.get("/").status == 403).then_some(()));
}

#[test]
fn the_host_of_an_app_may_have_another_name() {
    let azure = Emulator::alone("[arm]\nhost_suffix = '-e0a1b2c3'");
    let site = Site::create(&azure, "App", &[]);
    assert_eq!(site.arm("GET", "", None).json()["properties"]["defaultHostName"], "app-e0a1b2c3.azurewebsites.net");
    assert_eq!(site.get("/look").status, 404);
    assert_eq!(azure.ask("app-e0a1b2c3.azurewebsites.net", "GET /look", &[], b"").status, 200);
}

#[test]
fn it_cuts_a_response_that_takes_too_long() {
    let azure = Emulator::alone("[platform]\nresponse_limit_ms = 60000");
    let site = Site::create(&azure, "app", &[]);
    site.becomes("it is ready", |app| app["container"]["phase"] == "ready");
    azure.configure(&json!({ "platform": { "response_limit_ms": 200 } }));
    let cut = site.get("/stall");
    assert_eq!((cut.status, cut.headers["content-length"].as_str(), cut.text().as_str()), (200, "100", "begin"));
}

#[test]
fn it_tells_the_app_of_its_client() {
    let azure = Emulator::alone("");
    Site::create(&azure, "App", &[]);
    let reply =
        azure.ask("app.azurewebsites.net", "GET /look", &[("X-Forwarded-For", "192.0.2.1"), ("X-Own", "o")], b"");
    let seen = reply.json()["headers"].clone();
    let header = |name: &str| {
        let all = seen.as_object().unwrap();
        all.iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.clone())
            .unwrap_or_default()
    };
    assert!(header("x-forwarded-for").as_str().unwrap().starts_with("192.0.2.1, 127.0.0.1:"), "{seen}");
    assert_eq!(
        (header("x-forwarded-proto"), header("x-forwarded-host")),
        (json!("https"), json!("app.azurewebsites.net"))
    );
    assert_eq!((header("host"), header("x-own")), (json!("app.azurewebsites.net"), json!("o")));
    assert_eq!(header("x-original-url"), "/look");
}

#[test]
fn it_passes_an_upgrade_through_beyond_the_limit_of_a_response() {
    let azure = Emulator::alone("");
    let site = Site::create(&azure, "app", &[]);
    site.becomes("it is ready", |app| app["container"]["phase"] == "ready");
    let mut stream = TcpStream::connect(azure.address()).unwrap();
    let head = "GET /upgrade HTTP/1.1\r\nHost: app.azurewebsites.net\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n";
    stream.write_all(head.as_bytes()).unwrap();
    let mut lines = BufReader::new(stream.try_clone().unwrap());
    let mut line = String::new();
    while lines.read_line(&mut line).unwrap() > 2 {}
    assert!(line.starts_with("HTTP/1.1 101"), "{line}");
    azure.configure(&json!({ "platform": { "response_limit_ms": 1 } }));
    for word in ["one\n", "two\n"] {
        stream.write_all(word.as_bytes()).unwrap();
        line.clear();
        lines.read_line(&mut line).unwrap();
        assert_eq!(line, format!("echo {word}"));
    }
}

#[test]
fn it_can_fail_before_and_after_the_app_has_the_request() {
    let azure = Emulator::alone("");
    let site = Site::create(&azure, "app", &[]);
    assert_eq!(site.look()["mark"], false);
    azure.fault(&json!({ "fault": "front-end", "path": "/MARK", "status": 502 }));
    assert_eq!(site.look()["mark"], false, "the fault is for another path");
    assert_eq!(site.get("/mark").status, 502);
    assert_eq!(site.look()["mark"], false);
    azure.fault(&json!({ "fault": "front-end", "status": 504, "delivered": true }));
    assert_eq!(site.get("/mark").status, 504);
    eventually("the app has had it", || (site.look()["mark"] == true).then_some(()));

    azure.fault(&json!({ "fault": "front-end" }));
    let mut stream = TcpStream::connect(azure.address()).unwrap();
    stream.write_all(b"GET /look HTTP/1.1\r\nHost: app.azurewebsites.net\r\n\r\n").unwrap();
    let mut answer = Vec::new();
    // Reset or closed: there is no answer.
    let _ = stream.read_to_end(&mut answer);
    assert_eq!(answer, b"");
    assert_eq!(site.get("/look").status, 200);
}
