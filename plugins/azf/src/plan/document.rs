//! The table for people: `docs/compatibility.md` has it between two marks.

use super::{Row, Verdict, rows};

const BEGIN: &str = "<!-- written by `cargo run -p sockerless-azf --example compatibility`: begin -->\n";
const END: &str = "<!-- end -->\n";

/// A document with the table as it is now between its marks, or nothing when the marks are not there.
#[must_use]
pub fn with_table(document: &str) -> Option<String> {
    let (before, rest) = document.split_once(BEGIN)?;
    let (_, after) = rest.split_once(END)?;
    Some(format!("{before}{BEGIN}{}{END}{after}", table()))
}

/// All rows, in Markdown.
fn table() -> String {
    let mut table = "\n| Field of the create body | What becomes of it | Why |\n|---|---|---|\n".to_owned();
    for row in rows() {
        table.push_str(&format!("| `{}` | {} | {} |\n", row.field, verdict(row), row.reason.replace('|', "\\|")));
    }
    table.push('\n');
    table
}

fn verdict(row: &Row) -> String {
    let word = match row.verdict {
        Verdict::Changed => "changed",
        Verdict::Ignored => "ignored",
        Verdict::Refused => "refused",
    };
    match row.unless {
        Some((setting, value)) => format!("{word}, unless `{setting}={value}`"),
        None => word.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_document_has_the_table_as_it_is() {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/compatibility.md");
        let document = std::fs::read_to_string(path).unwrap();
        let wanted = with_table(&document).expect("the marks of the table");
        assert!(
            document == wanted,
            "docs/compatibility.md is old: cargo run -p sockerless-azf --example compatibility"
        );
    }

    #[test]
    fn only_what_is_between_the_marks_is_replaced() {
        let document = format!("before\n{BEGIN}old\n{END}after\n");
        let replaced = with_table(&document).unwrap();
        assert!(replaced.starts_with("before\n") && replaced.ends_with("after\n"), "{replaced}");
        assert!(replaced.contains("| `HostConfig.PortBindings` | ignored | ") && !replaced.contains("old\n"));
        assert_eq!(with_table(&replaced), Some(replaced));
        assert_eq!(with_table("no marks"), None);
    }
}
