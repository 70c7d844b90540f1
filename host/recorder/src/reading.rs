//! A recording, read again.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read as _};
use std::path::{Path, PathBuf};
use std::vec;

use serde_json::Value;

use crate::files;
use crate::record::{Call, End, FORMAT, Reading, Record};

/// A line has no more bytes: three values and what is around them.
const MAX_LINE: u64 = 16 << 20;
/// Calls that are under way at once in one session.
const MAX_OPEN: usize = 100_000;

/// Why a recording cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// There is none.
    #[error("{} has no recording: give the folder that `sockerless serve --record` was given", .0.display())]
    Nothing(PathBuf),
    /// A file.
    #[error("cannot read {}: {error}", .path.display())]
    File {
        /// The file, or the folder.
        path: PathBuf,
        /// What is in the way.
        error: io::Error,
    },
    /// A line that is none of a recording, and not the end of a file.
    #[error("line {line} of {} is not one of a recording: {reason}", .path.display())]
    Line {
        /// The file.
        path: PathBuf,
        /// Its number, from 1.
        line: u64,
        /// What is wrong.
        reason: String,
    },
}

/// A call of an import, and what it answered.
#[derive(Debug, Clone, PartialEq)]
pub struct Exchange {
    /// Interface and function.
    pub function: String,
    /// By the names of the WIT package.
    pub arguments: Value,
    /// Absent: the call was ended before it answered.
    pub result: Option<Value>,
}

/// A call of an export, whole.
#[derive(Debug, Clone, PartialEq)]
pub struct RecordedCall {
    /// What was called.
    pub call: Call,
    /// What it called, in its order.
    pub imports: Vec<Exchange>,
    /// What it read of WASI's clocks, in its order.
    pub readings: Vec<Reading>,
    /// How it ended.
    pub end: End,
}

/// What is in a recording besides whole calls.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// Requests of Docker's API.
    pub requests: u64,
    /// Calls of which something is missing: their end, since the daemon was killed, or what was lost.
    pub incomplete: u64,
    /// Records that the recorder knows to be lost.
    pub lost: u64,
    /// Files that end in the middle of a line, since the daemon was killed or the disk was full.
    pub cut: u64,
}

/// Reads the calls in the order in which they ended: those of one container one after the other, as they happened.
pub struct Recording {
    files: vec::IntoIter<(u64, PathBuf)>,
    current: Option<Lines>,
    session: String,
    open: BTreeMap<u64, Open>,
    tally: Tally,
    failed: bool,
}

#[derive(Debug)]
struct Open {
    call: Call,
    imports: Vec<Exchange>,
    readings: Vec<Reading>,
    broken: bool,
}

struct Lines {
    path: PathBuf,
    reader: BufReader<File>,
    number: u64,
}

impl Recording {
    /// Opens the recording in a folder.
    ///
    /// # Errors
    /// There is none.
    pub fn open(folder: &Path) -> Result<Self, ReadError> {
        let files = files::list(folder).map_err(|error| ReadError::File { path: folder.to_owned(), error })?;
        if files.is_empty() {
            return Err(ReadError::Nothing(folder.to_owned()));
        }
        Ok(Self {
            files: files.into_iter(),
            current: None,
            session: String::new(),
            open: BTreeMap::new(),
            tally: Tally::default(),
            failed: false,
        })
    }

    /// What else was there, so far.
    #[must_use]
    pub fn tally(&self) -> Tally {
        self.tally
    }

    fn advance(&mut self) -> Result<Option<RecordedCall>, ReadError> {
        loop {
            let lines = match &mut self.current {
                Some(lines) => lines,
                None => match self.files.next() {
                    Some((_, path)) => self.current.insert(Lines::open(path)?),
                    None => {
                        self.give_up_open();
                        return Ok(None);
                    }
                },
            };
            let Some(line) = lines.next(&mut self.tally)? else {
                self.current = None;
                continue;
            };
            let first = lines.number == 1;
            match serde_json::from_slice::<Record>(&line) {
                Ok(record) if first != matches!(record, Record::Header(_)) => {
                    return Err(lines.wrong("each file begins with a header, and has no other"));
                }
                Ok(Record::Header(header)) if header.format != FORMAT => {
                    let reason = format!("its format is {}, and this program reads {FORMAT}", header.format);
                    return Err(lines.wrong(reason));
                }
                Ok(record) => {
                    if let Some(call) = self.take(record) {
                        return Ok(Some(call));
                    }
                    if self.open.len() > MAX_OPEN {
                        self.give_up_open();
                    }
                }
                Err(error) => return Err(lines.wrong(error)),
            }
        }
    }

    /// Puts a record to its call. Answers the call when it is whole.
    fn take(&mut self, record: Record) -> Option<RecordedCall> {
        match record {
            Record::Header(header) => {
                if header.session != self.session {
                    self.give_up_open();
                    self.session = header.session;
                }
            }
            Record::Request(_) => self.tally.requests += 1,
            Record::Lost(lost) => self.tally.lost = self.tally.lost.saturating_add(lost.records),
            Record::Call(call) => {
                self.open.insert(call.id, Open { call, imports: Vec::new(), readings: Vec::new(), broken: false });
            }
            Record::Import(import) => {
                if let Some(open) = self.open.get_mut(&import.call) {
                    open.broken |= usize::try_from(import.number) != Ok(open.imports.len());
                    let (function, arguments) = (import.function, import.arguments);
                    open.imports.push(Exchange { function, arguments, result: None });
                }
            }
            Record::Answer(answer) => {
                if let Some(open) = self.open.get_mut(&answer.call) {
                    let exchange = usize::try_from(answer.number).ok().and_then(|number| open.imports.get_mut(number));
                    match exchange {
                        Some(exchange) if exchange.result.is_none() => exchange.result = Some(answer.result),
                        _ => open.broken = true,
                    }
                }
            }
            Record::Reading(reading) => {
                if let Some(open) = self.open.get_mut(&reading.call) {
                    open.readings.push(reading);
                }
            }
            Record::End(end) => match self.open.remove(&end.call) {
                Some(Open { call, imports, readings, broken: false })
                    if usize::try_from(end.imports) == Ok(imports.len()) =>
                {
                    return Some(RecordedCall { call, imports, readings, end });
                }
                // Also one whose beginning is in a file that was dropped.
                _ => self.tally.incomplete += 1,
            },
        }
        None
    }

    fn give_up_open(&mut self) {
        self.tally.incomplete += std::mem::take(&mut self.open).len() as u64;
    }
}

impl Iterator for Recording {
    type Item = Result<RecordedCall, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.failed {
            return None;
        }
        let next = self.advance();
        self.failed = next.is_err();
        next.transpose()
    }
}

impl Lines {
    fn open(path: PathBuf) -> Result<Self, ReadError> {
        match File::open(&path) {
            Ok(file) => Ok(Self { path, reader: BufReader::new(file), number: 0 }),
            Err(error) => Err(ReadError::File { path, error }),
        }
    }

    /// The next whole line.
    fn next(&mut self, tally: &mut Tally) -> Result<Option<Vec<u8>>, ReadError> {
        let mut line = Vec::new();
        let read = self.reader.by_ref().take(MAX_LINE).read_until(b'\n', &mut line);
        read.map_err(|error| ReadError::File { path: self.path.clone(), error })?;
        self.number += 1;
        if line.pop_if(|last| *last == b'\n').is_some() {
            return Ok(Some(line));
        }
        if line.len() as u64 >= MAX_LINE {
            return Err(self.wrong(format!("it has more than {MAX_LINE} bytes")));
        }
        tally.cut += u64::from(!line.is_empty());
        Ok(None)
    }

    fn wrong(&self, reason: impl ToString) -> ReadError {
        ReadError::Line { path: self.path.clone(), line: self.number, reason: reason.to_string() }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const TIME: &str = "2026-01-01T00:00:00Z";

    fn header(session: &str) -> Value {
        json!({ "kind": "header", "format": 1, "daemon": "0", "wit": "0", "session": session, "time": TIME })
    }

    fn call(id: u64) -> Value {
        json!({ "kind": "call", "id": id, "time": TIME, "backend": "b", "digest": "d", "export": "backend.plan",
            "container": null, "seed": "00", "arguments": {} })
    }

    fn import(call: u64, number: u32) -> Value {
        json!({ "kind": "import", "call": call, "number": number, "function": "clock.now", "arguments": {} })
    }

    fn answer(call: u64, number: u32) -> Value {
        json!({ "kind": "answer", "call": call, "number": number, "result": number })
    }

    fn end(call: u64, imports: u32) -> Value {
        json!({ "kind": "end", "call": call, "time": TIME, "imports": imports, "outcome": { "returned": null } })
    }

    fn text(records: &[Value]) -> String {
        records.iter().map(|record| format!("{record}\n")).collect()
    }

    fn read(files: &[String]) -> (Result<Vec<u64>, ReadError>, Tally) {
        let folder = tempfile::tempdir().unwrap();
        for (number, text) in files.iter().enumerate() {
            std::fs::write(folder.path().join(format!("recording-{number:06}.jsonl")), text).unwrap();
        }
        let mut recording = Recording::open(folder.path()).unwrap();
        let calls = recording.by_ref().map(|call| call.map(|call| call.call.id)).collect();
        (calls, recording.tally())
    }

    #[test]
    fn calls_come_as_they_ended_and_over_the_ends_of_files() {
        let one = text(&[header("s"), call(1), call(2), import(1, 0), import(2, 0)]);
        let two = text(&[header("s"), answer(2, 0), end(2, 1), answer(1, 0), import(1, 1), end(1, 2)]);
        let (calls, tally) = read(&[one, two]);
        assert_eq!(calls.unwrap(), [2, 1]);
        assert_eq!(tally, Tally::default());
    }

    #[test]
    fn what_is_not_whole_is_counted_and_not_shown() {
        let missing_answer_of_another = [header("s"), call(1), import(1, 1), end(1, 1)];
        let too_few = [header("s"), call(1), import(1, 0), answer(1, 0), end(1, 2)];
        let no_beginning = [header("s"), import(1, 0), answer(1, 0), end(1, 1)];
        let no_end = [header("s"), call(1)];
        for records in [&missing_answer_of_another[..], &too_few, &no_beginning, &no_end] {
            let (calls, tally) = read(&[text(records)]);
            assert_eq!((calls.unwrap(), tally.incomplete), (vec![], 1), "{records:?}");
        }
        // Another session's call of the same number is another call.
        let (calls, tally) = read(&[text(&no_end), text(&[header("t"), end(1, 0)])]);
        assert_eq!((calls.unwrap(), tally.incomplete), (vec![], 2));
    }

    #[test]
    fn half_a_line_at_the_end_of_a_file_is_no_error() {
        let half = text(&[header("s"), call(1), end(1, 0), call(2)]);
        let half = half[..half.len() - 10].to_owned();
        let (calls, tally) = read(&[half, text(&[header("t"), call(1), end(1, 0)]), String::new()]);
        assert_eq!(calls.unwrap(), [1, 1]);
        assert_eq!(tally, Tally { cut: 1, ..Tally::default() });
    }

    #[test]
    fn what_is_no_recording_is_named_by_its_line() {
        let of_another_format =
            json!({ "kind": "header", "format": 2, "daemon": "", "wit": "", "session": "", "time": TIME });
        for (text, words) in [
            (text(&[header("s")]) + "hello\n", "line 2 of "),
            (text(&[call(1)]), "begins with a header"),
            (text(&[header("s"), header("s")]), "and has no other"),
            (text(&[of_another_format]), "its format is 2"),
        ] {
            let error = read(&[text]).0.unwrap_err().to_string();
            assert!(error.contains(words), "{error}");
        }
        let folder = tempfile::tempdir().unwrap();
        assert!(matches!(Recording::open(folder.path()), Err(ReadError::Nothing(_))));
    }
}
