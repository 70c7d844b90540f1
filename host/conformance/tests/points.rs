//! The kit against a backend that keeps the contract but for one point: each is found, and nothing else is.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test's failure is a panic")]

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use bytes::Bytes;
use sockerless_conformance::{Options, Report, Scenario, Verdict, run};

/// The guest, built once.
fn guest() -> Bytes {
    static GUEST: OnceLock<Bytes> = OnceLock::new();
    GUEST.get_or_init(|| build().into()).clone()
}

fn build() -> Vec<u8> {
    // Beside the other guest, whose libraries are the same, if `cargo xtask test` says where that is.
    let folder =
        std::env::var_os("SOCKERLESS_TEST_GUESTS").map_or_else(|| env!("CARGO_TARGET_TMPDIR").into(), PathBuf::from);
    let target = folder.join("guest-logs");
    let output = Command::new(env!("CARGO"))
        .args(["build", "--locked", "--release", "--target", "wasm32-wasip2", "--manifest-path"])
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/guest/Cargo.toml"))
        .arg("--target-dir")
        .arg(&target)
        // Flags that are meant for this machine.
        .env_remove("RUSTFLAGS")
        .env_remove("CARGO_ENCODED_RUSTFLAGS")
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "the guest is not built:\n{}", String::from_utf8_lossy(&output.stderr));
    std::fs::read(target.join("wasm32-wasip2/release/faulty_guest.wasm")).expect("the guest is there")
}

fn scenario() -> Scenario {
    Scenario::from_toml(include_str!("world.toml")).unwrap()
}

/// Of a guest that breaks the contract in this point, or in none.
async fn report(scenario: Scenario, point: &str) -> Report {
    let mut scenario = scenario;
    scenario.config.insert("SOCKERLESS_FAULTY_POINT".to_owned(), point.to_owned());
    let cache = Some(Path::new(env!("CARGO_TARGET_TMPDIR")).join("compiled"));
    run(Options { component: guest(), scenario, cache }).await.unwrap()
}

fn findings(report: &Report) -> Vec<&'static str> {
    report.checks.iter().filter(|check| matches!(check.verdict, Verdict::Finding(_))).map(|check| check.name).collect()
}

#[tokio::test]
async fn a_backend_that_keeps_the_contract_passes_every_check() {
    let report = report(scenario(), "none").await;
    assert_eq!((report.summary.findings, report.summary.not_checked), (0, 0), "{report}");
    let component = report.component.unwrap();
    assert_eq!((component.name.as_str(), component.version.as_str()), ("faulty", "1"));
}

/// The point, and every check that must find it.
const POINTS: &[(&str, &[&str])] = &[
    ("describe-changes", &["describe.same-each-time"]),
    ("check-provisions", &["check.changes-nothing"]),
    ("check-shrugs", &["check.cloud-in-trouble"]),
    ("plan-changes", &["plan.same-each-time"]),
    ("plan-field", &["plan.findings"]),
    ("plan-traps", &["plan.no-json"]),
    ("create-twice", &["create.repeated", "create.answer-lost", "inventory.lists-what-is-there"]),
    ("create-believes", &["create.cloud-in-trouble"]),
    ("create-waits", &["create.cloud-in-trouble"]),
    ("create-needs-agents", &["create.without-agents"]),
    ("handle-any-version", &["handle.unknown-version"]),
    ("handle-unwraps", &["handle.unreadable"]),
    ("start-forgets", &["start.works"]),
    ("start-hastens", &["start.prepares-first"]),
    ("start-not-made", &["start.not-made"]),
    ("start-waits", &["create.without-agents", "start.in-trouble"]),
    ("finished-guesses", &["finished.invents-no-code", "finished.reads-the-code"]),
    ("finished-rounds", &["finished.invents-no-code"]),
    ("kill-lies", &["kill.ends-the-run"]),
    ("kill-traps", &["kill.unknown-signal"]),
    ("stop-traps", &["stop.any-order"]),
    (
        "remove-lazy",
        &[
            "create.repeated",
            "create.answer-lost",
            "create.without-agents",
            "remove.leaves-nothing",
            "recover.removed",
            "inventory.lists-what-is-there",
            "inventory.gone",
            "runs.gone",
        ],
    ),
    ("remove-shrugs", &["remove.cloud-in-trouble"]),
    ("remove-strict", &["create.cloud-in-trouble", "remove.twice", "remove.never-made"]),
    ("recover-disconnects", &["recover.changes-nothing"]),
    ("recover-hopes", &["recover.never-made", "recover.removed"]),
    ("recover-despairs", &["recover.cloud-in-trouble"]),
    ("logs-newline", &["logs.lines"]),
    ("logs-circle", &["logs.pages-end", "logs.lines"]),
    ("logs-traps", &["logs.any-order"]),
    ("inventory-forgets", &["inventory.lists-what-is-there"]),
    ("inventory-nobodys", &["inventory.lists-what-is-there"]),
    ("inventory-remembers", &["inventory.gone"]),
    ("inventory-shrugs", &["inventory.cloud-in-trouble"]),
    ("inventory-circles", &["inventory.lists-what-is-there", "inventory.changes-nothing", "inventory.gone"]),
    ("exec-runs-on", &["exec.runs"]),
    ("exec-frames", &["exec.runs"]),
    ("exec-guesses", &["exec.cloud-in-trouble"]),
    ("exec-traps", &["exec.any-order"]),
    ("attach-late", &["attach.opens"]),
    ("attach-frames", &["attach.opens"]),
    ("attach-deletes", &["attach.opens"]),
    ("attach-traps", &["attach.any-order"]),
    ("archive-renames", &["archive.gets"]),
    ("archive-deletes", &["archive.gets"]),
    ("archive-doubts", &["archive.puts"]),
    ("archive-believes", &["archive.believes-no-failure"]),
    ("archive-babbles", &["archive.cloud-in-trouble"]),
    ("archive-traps", &["archive.any-order"]),
    ("runs-forgets", &["runs.resumes"]),
    ("runs-removes", &["runs.resumes"]),
    ("runs-hopes", &["runs.gone"]),
    ("errors-secret", &["errors.for-people"]),
    ("errors-name-taken", &["errors.for-people"]),
];

#[tokio::test]
async fn each_broken_point_is_found_and_nothing_else() {
    let mut wrong = Vec::new();
    for (point, expected) in POINTS {
        let report = report(scenario(), point).await;
        if findings(&report) != *expected {
            wrong.push(format!("{point}: expected {expected:?}\n{report}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

/// Nothing that takes a container can pass if none can be made: the trap is found wherever one is wanted.
#[tokio::test]
async fn a_handle_that_is_too_large_is_found() {
    let report = report(scenario(), "create-big-handle").await;
    let check = report.checks.iter().find(|check| check.name == "create.works").unwrap();
    assert!(matches!(&check.verdict, Verdict::Finding(text) if text.contains("more than the 65536")), "{report}");
}

#[tokio::test]
async fn what_this_world_does_not_show_is_not_said_to_have_passed() {
    let mut world = scenario();
    // The cloud takes no container.
    world.http.retain(|rule| rule.method != "PUT");
    let report = report(world, "none").await;
    assert_eq!(findings(&report), Vec::<&str>::new(), "{report}");
    let verdict = |name: &str| &report.checks.iter().find(|check| check.name == name).unwrap().verdict;
    for name in ["create.works", "start.works", "handle.comes-back", "remove.leaves-nothing", "logs.lines"] {
        assert!(
            matches!(verdict(name), Verdict::NotChecked(text) if text == "create answered: the cloud was asked, and answered 404"),
            "{report}"
        );
    }
    assert_eq!(*verdict("recover.never-made"), Verdict::Passed);
}

#[tokio::test]
async fn a_world_that_check_refuses_shows_nothing() {
    let report = report(Scenario::default(), "none").await;
    assert_eq!((report.summary.findings, report.summary.passed), (0, 1), "{report}");
    assert!(report.to_string().contains("check answered: the cloud was asked, and answered 404"), "{report}");
}

#[tokio::test]
async fn what_is_no_component_is_a_finding() {
    let options = Options { component: Bytes::from_static(b"\0asm\x01\0\0\0"), scenario: scenario(), cache: None };
    let report = run(options).await.unwrap();
    assert_eq!(findings(&report), ["describe.loads"]);
    assert_eq!(report.component, None);
}
