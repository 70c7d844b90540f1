//! `docs/faults.md`, made of the table that the tests drive.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::path::Path;

use serde_json::json;
use sockerless_tests::Emulator;

use crate::table::{COMMANDS, Cell, Group, Provoke, Row, Span, rows};

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
