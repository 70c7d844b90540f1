//! Recordings of calls.

use sockerless_recorder::Recording;

/// A file of a recording.
pub(super) fn read(input: &[u8]) {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("recording-000001.jsonl"), input).unwrap();
    let mut recording = Recording::open(folder.path()).unwrap();
    let lines = input.split(|byte| *byte == b'\n').count();
    let mut calls = 0;
    while let Some(call) = recording.next() {
        match call {
            Ok(call) => {
                calls += 1;
                assert_eq!(usize::try_from(call.end.imports), Ok(call.imports.len()), "a call that is not whole");
                assert_eq!(call.call.id, call.end.call);
            }
            Err(_) => assert!(recording.next().is_none(), "it goes on after an error"),
        }
    }
    let tally = recording.tally();
    assert!(calls + tally.requests <= lines as u64 && tally.cut <= 1, "{calls} calls, {tally:?}");
}
