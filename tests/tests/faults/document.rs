//! `docs/faults.md`, made of the table that the tests drive.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::path::Path;

use serde_json::json;
use sockerless_tests::Emulator;

use super::row::{COMMANDS, Cell, Group, Provoke, Row, Span};
use super::table::rows;

/// Set, it has the document written.
const WRITE: &str = "SOCKERLESS_WRITE_DOCS";

const HEAD: &str = "# What becomes of a command when Azure misbehaves

Each row is something that the [emulator](../emulator/) does on demand, each column a command that meets it. The tests of
`tests/tests/faults` drive every cell with daemon, backend, agent and emulator, and hold after each: every container has its
app and every app its container, the name `w` can be used again, and an exit code is the command's own or says that there is
none.

| In a cell | |
|---|---|
| – | The command does not meet the fault, and does what it shall. |
| works | It meets the fault, and Docker's client sees nothing of it. |
| 403: *text* | Docker's client gets this status and an error with this text. Nothing has changed, and the command can be repeated. Of `run` and `exec` the number is the exit code of the Docker CLI. |
| ends: *text* | The container has ended by it, with 137 and this text as its error; the CLI shows the text and ends with 125. |
| nothing to show | It succeeds, and shows nothing of what the container wrote. |
| ends with 143 | The platform has asked the command to end, and that is the code with which it did. |

A container that could not be removed is shown as `dead`, and can be removed again. What a failed `create` leaves in Azure because
it cannot be removed at once is removed later, without anybody's doing.

*This file is made by a test from the table that it drives, and is not to be edited.*
";

fn document() -> String {
    let mut text = HEAD.to_owned();
    for (group, heading) in Group::ALL {
        let columns = COMMANDS.map(|command| format!(" `{command}` |")).concat();
        write!(text, "\n## {heading}\n\n| |{columns}\n|---|{}\n", "---|".repeat(COMMANDS.len())).unwrap();
        for row in rows().iter().filter(|row| row.group == group) {
            writeln!(text, "{}", line(row)).unwrap();
        }
    }
    text
}

fn line(row: &Row) -> String {
    let span = if row.span == Span::Life { ", all the time" } else { "" };
    format!("| {}{span} |{}", row.name, row.cells.iter().map(|cell| format!(" {} |", words(cell))).collect::<String>())
}

fn words(cell: &Cell) -> String {
    match cell {
        Cell::Unmet => "–".to_owned(),
        Cell::Works => "works".to_owned(),
        Cell::Refused(number, says) => format!("{number}: *{says}*"),
        Cell::Ended(says) => format!("ends: *{says}*"),
        Cell::Silent => "nothing to show".to_owned(),
        Cell::Stopped(code) => format!("ends with {code}"),
    }
}

#[test]
fn the_document_is_what_the_tests_drive() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/faults.md");
    if std::env::var_os(WRITE).is_some() {
        std::fs::write(&file, document()).unwrap();
    }
    let current = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(
        current == document(),
        "docs/faults.md is not current. Write it anew: {WRITE}=1 cargo test --workspace --test faults document"
    );
}

#[test]
fn every_kind_of_fault_is_in_the_table() {
    let azure = Emulator::alone("");
    let (status, refusal) =
        azure.request("control.emulator", "POST", "/faults", None, Some(&json!({ "fault": "no such fault" })));
    assert_eq!(status, 400, "{refusal}");
    // The refusal names those that there are: "expected one of `put`, `name-taken`, …".
    let (_, list) = refusal.split_once("expected one of ").unwrap();
    let known: BTreeSet<_> = list.split('`').skip(1).step_by(2).map(str::to_owned).collect();
    assert!(known.contains("put") && known.len() > 3, "{refusal}");
    let mut driven = BTreeSet::new();
    for row in rows() {
        for provoke in row.provoke {
            if let Provoke::Fault(fault) = provoke {
                driven.insert(fault["fault"].as_str().unwrap().to_owned());
            }
        }
    }
    assert_eq!(driven, known);
}

/// Settings of the emulator that are no faults, by their path or its beginning, and why.
const NO_FAULTS: [(&str, &str); 36] = [
    ("listen", "where the emulator is"),
    ("cloud", "other names of the same services: tests/tests/clouds.rs"),
    ("container_init", "a program"),
    ("agent", "a program"),
    ("ca_file", "a file that it writes"),
    ("remembered_requests", "what tests may look at"),
    ("identity.tenant", "a name"),
    ("identity.client_id", "a name"),
    ("identity.client_secret", "a secret; a wrong one is a row, as the directory answers it"),
    ("identity.federated_token", "a secret of another way to show who one is"),
    ("identity.identity_header", "a secret of another way to show who one is"),
    ("arm.subscription", "a name; a missing one is a row, as the resource manager answers it"),
    ("arm.resource_groups", "a name; a missing one is a row, as the resource manager answers it"),
    ("arm.location", "a name"),
    ("arm.plans", "is read at the start only: tests/tests/mapping/create.rs"),
    ("arm.taken_names", "names that nobody knows before they are drawn: the fault `name-taken`"),
    ("arm.put", "the fault `put`"),
    ("arm.page_size", "the backend lists nothing"),
    ("arm.throttle.provider", "the fault `throttle` of the layer `provider`"),
    ("platform.start_limit_ms", "every app has a limit of its own among its settings"),
    ("platform.ping_interval_ms", "how soon a container is ready"),
    ("platform.restart_backoff", "how soon a container is there again: tests/tests/mapping/not_started_yet.rs"),
    ("platform.stop_grace_ms", "how soon a container is killed that does not end when it is asked to"),
    ("platform.scratch_bytes", "a container's own disk"),
    ("platform.without_namespaces", "how the emulator runs containers"),
    ("images_folder", "where images are"),
    ("image_bytes", "the pull fails, as in a row"),
    ("registries.plain_http", "how images are fetched; that it fails is a row"),
    ("registries.cache", "how images are fetched; that it fails is a row"),
    ("registries.silence_ms", "how images are fetched; that it fails is a row"),
    ("storage.accounts", "only push-agent and mounts meet them; a wrong key: tests/tests/agent_share.rs"),
    ("storage.folder", "where shares are"),
    ("logs.workspace", "a name; a missing one is a row, as the log answers it"),
    ("logs.instrumentation_key", "a name"),
    ("logs.retained_rows", "what is older than all that a test writes"),
    ("logs.cache_ms", "for who does not ask for the newest: the backend does"),
];

/// The paths of all values in a configuration or a patch of it.
fn paths(value: &serde_json::Value, path: &str, found: &mut BTreeSet<String>) {
    match value {
        serde_json::Value::Object(values) => {
            for (name, value) in values {
                let below = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                paths(value, &below, found);
            }
        }
        _ => drop(found.insert(path.to_owned())),
    }
}

#[test]
fn every_setting_of_the_emulator_is_in_the_table_or_is_no_fault() {
    let mut driven = BTreeSet::new();
    for row in rows() {
        for provoke in &row.provoke {
            if let Provoke::Configure(patch) = provoke {
                paths(patch, "", &mut driven);
            }
        }
    }
    let mut known = BTreeSet::new();
    paths(&Emulator::alone("").control("GET", "/config", None), "", &mut known);
    let missing: Vec<_> = known
        .iter()
        .filter(|path| !driven.contains(*path) && !NO_FAULTS.iter().any(|(no_fault, _)| path.starts_with(no_fault)))
        .collect();
    assert!(missing.is_empty(), "neither a row nor known to be no fault: {missing:?}");
    for (no_fault, _) in NO_FAULTS {
        assert!(known.iter().any(|path| path.starts_with(no_fault)), "the emulator has no setting {no_fault}");
    }
    assert!(driven.is_subset(&known), "the emulator has no such setting: {driven:?}");
}
