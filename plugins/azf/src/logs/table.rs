//! The answer to a query: rows into entries.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::bindings::logs::{Entry, Source};
use crate::bindings::types::Timestamp;
use crate::time;

/// What an answer holds.
#[derive(Debug, PartialEq)]
pub(super) struct Table {
    /// In the order in which they were written.
    pub(super) entries: Vec<Entry>,
    /// Why some are missing.
    pub(super) incomplete: Option<String>,
}

/// Cells stay text until they are needed: a log may be tens of megabytes, and a component's memory is small.
#[derive(Deserialize)]
struct Answer<'a> {
    #[serde(borrow, default)]
    tables: Vec<RawTable<'a>>,
    #[serde(default)]
    error: Option<Value>,
}

#[derive(Deserialize)]
struct RawTable<'a> {
    #[serde(default)]
    name: String,
    columns: Vec<Column>,
    #[serde(borrow)]
    rows: Vec<Vec<&'a RawValue>>,
}

#[derive(Deserialize)]
struct Column {
    name: String,
}

/// What the agent adds to a message. All of it is text there, but need not be.
#[derive(Default, Deserialize)]
struct Properties {
    stream: Option<Value>,
    seq: Option<Value>,
    run_id: Option<Value>,
    partial: Option<Value>,
    /// With nanoseconds, where the table has seven digits.
    time: Option<Value>,
}

struct Line {
    /// The number of the run among those that the rows name.
    run: Option<usize>,
    seq: u64,
    entry: Entry,
}

/// Reads an answer.
pub(super) fn parse(body: &[u8]) -> Result<Table, String> {
    let answer: Answer<'_> =
        serde_json::from_slice(body).map_err(|error| format!("the answer is not a table: {error}"))?;
    let incomplete = answer.error.as_ref().map(|error| {
        let message = error.get("message").or_else(|| error.get("code")).and_then(Value::as_str);
        message.unwrap_or("the service does not say why").to_owned()
    });
    let table = answer.tables.iter().position(|table| table.name == "PrimaryResult").unwrap_or(0);
    let entries = match answer.tables.into_iter().nth(table) {
        None => Vec::new(),
        Some(table) => ordered(lines(&table)?),
    };
    Ok(Table { entries, incomplete })
}

fn lines(table: &RawTable<'_>) -> Result<Vec<Line>, String> {
    let position = |name: &str| table.columns.iter().position(|column| column.name == name);
    let needed = |name: &str| position(name).ok_or_else(|| format!("the answer has no column {name}"));
    let (message, generated) = (needed("Message")?, needed("TimeGenerated")?);
    let properties = position("Properties");
    let mut runs: BTreeMap<String, usize> = BTreeMap::new();
    let mut lines = Vec::with_capacity(table.rows.len());
    for row in &table.rows {
        let cell = |index: usize| row.get(index).map_or("null", |cell| cell.get());
        let text = |index: usize| serde_json::from_str::<Option<String>>(cell(index)).ok().flatten();
        let properties = properties.map(|index| read_properties(cell(index))).unwrap_or_default();
        let precise = properties.time.as_ref().and_then(Value::as_str).and_then(time::parse);
        // A row without a time cannot be placed; there is none in a table that is partitioned by it.
        let Some(time) = precise.or_else(|| time::parse(&text(generated)?)) else { continue };
        let run = properties.run_id.as_ref().map(|id| {
            let next = runs.len();
            *runs.entry(plain(id)).or_insert(next)
        });
        let seq = properties.seq.as_ref().and_then(|seq| plain(seq).parse().ok()).unwrap_or_default();
        let source = match properties.stream.as_ref().map(plain).as_deref() {
            Some("stderr") => Source::Stderr,
            _ => Source::Stdout,
        };
        let partial = properties.partial.as_ref().is_some_and(|partial| plain(partial).eq_ignore_ascii_case("true"));
        let message = text(message).unwrap_or_default();
        split(&message, time, source, partial, |entry| lines.push(Line { run, seq, entry }));
    }
    Ok(lines)
}

/// An entry for each line of a message. The agent sends one at a time; others who write traces do not.
fn split(message: &str, time: Timestamp, source: Source, partial: bool, mut push: impl FnMut(Entry)) {
    let whole = message.strip_suffix('\n').unwrap_or(message);
    let mut parts = whole.split('\n').peekable();
    while let Some(part) = parts.next() {
        let partial = partial && parts.peek().is_none();
        push(Entry { time, source, line: part.as_bytes().to_vec(), partial });
    }
}

/// By time, then by run, then by the number that the agent gave: many lines share a time.
fn ordered(mut lines: Vec<Line>) -> Vec<Entry> {
    // Stable: what the agent did not number stays as it came.
    lines.sort_by_key(|line| (line.entry.time.seconds, line.entry.time.nanoseconds, line.run, line.seq));
    // The agent sends a batch again when its answer is lost.
    lines.dedup_by(|one, other| {
        one.run.is_some() && one.run == other.run && one.seq == other.seq && one.entry == other.entry
    });
    lines.into_iter().map(|line| line.entry).collect()
}

/// An object, or the text of one.
fn read_properties(cell: &str) -> Properties {
    match serde_json::from_str::<Option<String>>(cell) {
        Ok(text) => serde_json::from_str(&text.unwrap_or_default()).unwrap_or_default(),
        Err(_) => serde_json::from_str(cell).unwrap_or_default(),
    }
}

/// A text as it is, anything else as JSON.
fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn table(rows: &[(&str, &str, Value)]) -> Vec<Entry> {
        let rows: Vec<Value> =
            rows.iter().map(|(time, message, properties)| json!([properties, 7, message, time])).collect();
        let columns = ["Properties", "ItemCount", "Message", "TimeGenerated"].map(|name| json!({ "name": name }));
        let body = json!({ "tables": [{ "name": "Other", "columns": [], "rows": [] },
                                      { "name": "PrimaryResult", "columns": columns, "rows": rows }] });
        let table = parse(body.to_string().as_bytes()).unwrap();
        assert_eq!(table.incomplete, None);
        table.entries
    }

    fn texts(entries: &[Entry]) -> Vec<String> {
        entries.iter().map(|entry| String::from_utf8(entry.line.clone()).unwrap()).collect()
    }

    const T: &str = "2026-11-23T19:25:28.1234567Z";

    #[test]
    fn columns_are_found_by_name_and_times_have_seven_digits() {
        let entries = table(&[(T, "line", json!({ "stream": "stderr" }))]);
        let time = Timestamp { seconds: 1_795_461_928, nanoseconds: 123_456_700 };
        assert_eq!(entries, [Entry { time, source: Source::Stderr, line: b"line".to_vec(), partial: false }]);
    }

    #[test]
    fn properties_are_an_object_or_its_text_or_nothing() {
        let object = json!({ "stream": "stderr", "seq": 1, "partial": true, "time": "2026-11-23T19:25:28.123456789Z" });
        let text =
            json!({ "stream": "stderr", "seq": "1", "partial": "true", "time": "2026-11-23T19:25:28.123456789Z" });
        let entries = table(&[(T, "a", object), (T, "b", json!(text.to_string()))]);
        for entry in &entries {
            assert_eq!((entry.source, entry.partial, entry.time.nanoseconds), (Source::Stderr, true, 123_456_789));
        }
        for nothing in [json!(null), json!(""), json!("no JSON"), json!([1]), json!(5), json!({ "stream": null })] {
            let entries = table(&[(T, "c", nothing)]);
            assert_eq!((entries[0].source, entries[0].partial), (Source::Stdout, false));
        }
    }

    #[test]
    fn lines_of_one_time_keep_the_agents_order() {
        let numbered = |seq: u32| json!({ "run_id": "r", "seq": seq.to_string() });
        let rows: Vec<_> =
            [10, 2, 1, 9].map(|seq| (T, ["", "one", "two"][(seq as usize).min(2)], numbered(seq))).to_vec();
        let entries = table(&rows);
        assert_eq!(texts(&entries)[..2], ["one", "two"]);
        let entries = table(&[
            ("2026-11-23T19:25:30Z", "later", numbered(1)),
            (T, "b", json!({ "run_id": "second", "seq": "1" })),
            ("2026-11-23T19:25:29Z", "c", numbered(2)),
            (T, "a", numbered(5)),
        ]);
        // Runs in the order in which the rows name them.
        assert_eq!(texts(&entries), ["a", "b", "c", "later"]);
        let unnumbered = table(&[(T, "x", json!({})), (T, "a", json!({})), (T, "x", json!({}))]);
        assert_eq!(texts(&unnumbered), ["x", "a", "x"]);
    }

    #[test]
    fn a_batch_that_was_sent_twice_is_shown_once() {
        let one = (T, "same", json!({ "run_id": "r", "seq": "1" }));
        let two = (T, "same", json!({ "run_id": "r", "seq": "2" }));
        let entries = table(&[one.clone(), two.clone(), one, two]);
        assert_eq!(texts(&entries), ["same", "same"]);
    }

    #[test]
    fn a_long_line_comes_in_parts() {
        let part =
            |seq: u32, partial: bool| json!({ "run_id": "r", "seq": seq.to_string(), "partial": partial.to_string() });
        let entries = table(&[(T, "begin", part(1, true)), (T, "end", part(2, false))]);
        assert_eq!(entries.iter().map(|entry| entry.partial).collect::<Vec<_>>(), [true, false]);
    }

    #[test]
    fn a_message_of_several_lines_is_several_entries() {
        let entries = table(&[(T, "one\n\ntwo\n", json!({})), (T, "", json!({}))]);
        assert_eq!(texts(&entries), ["one", "", "two", ""]);
    }

    #[test]
    fn rubbish_is_told_and_a_row_without_a_time_left_out() {
        assert!(parse(b"<html>").unwrap_err().contains("not a table"));
        let bare =
            json!({ "tables": [{ "name": "PrimaryResult", "columns": [{ "name": "Message" }], "rows": [["x"]] }] });
        assert!(parse(bare.to_string().as_bytes()).unwrap_err().contains("TimeGenerated"));
        assert_eq!(table(&[("never", "x", json!({}))]), []);
        let short = json!({ "tables": [{ "name": "PrimaryResult",
            "columns": [{ "name": "Message" }, { "name": "TimeGenerated" }], "rows": [[], ["x"], [null, T]] }] });
        assert_eq!(texts(&parse(short.to_string().as_bytes()).unwrap().entries), [""]);
    }
}
