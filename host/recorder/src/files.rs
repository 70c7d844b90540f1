//! The files of a recording: numbered, each of a bounded size, and no more of them than a bounded number.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

/// A recording is in so many files, of which the oldest goes when there is another: so the most recent part of what is kept, seven
/// eighths and more, is always there.
pub(crate) const FILES: u64 = 8;

/// So many bytes wait in memory for more.
const BUFFER: usize = 64 << 10;

const PREFIX: &str = "recording-";
const SUFFIX: &str = ".jsonl";

/// The files of a recording in their order.
pub(crate) fn list(folder: &Path) -> io::Result<Vec<(u64, PathBuf)>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name();
        let number = name.to_str().and_then(|name| name.strip_prefix(PREFIX)?.strip_suffix(SUFFIX)?.parse().ok());
        if let Some(number) = number {
            files.push((number, entry.path()));
        }
    }
    files.sort();
    Ok(files)
}

/// Where lines go.
pub(crate) struct Files {
    folder: PathBuf,
    /// A file that has so many bytes is the last one's predecessor.
    file_bytes: u64,
    next: u64,
    current: Option<(File, u64)>,
    buffer: Vec<u8>,
    /// Lines in the buffer.
    waiting: u64,
}

/// What could not be written.
#[derive(Debug)]
pub(crate) struct Failed {
    pub(crate) lines: u64,
    pub(crate) error: io::Error,
}

impl Files {
    /// Goes on behind the files that are in the folder. `limit`: bytes of all files together.
    pub(crate) fn open(folder: PathBuf, limit: u64) -> io::Result<Self> {
        DirBuilder::new().recursive(true).mode(0o700).create(&folder)?;
        let next = list(&folder)?.last().map_or(1, |(number, _)| number.saturating_add(1));
        let file_bytes = limit / FILES;
        Ok(Self { folder, file_bytes, next, current: None, buffer: Vec::new(), waiting: 0 })
    }

    /// Whether a line that is added now needs a file of its own first: [`begin`](Self::begin).
    pub(crate) fn is_full(&self) -> bool {
        match &self.current {
            None => true,
            Some((_, bytes)) => bytes.saturating_add(self.buffer.len() as u64) >= self.file_bytes,
        }
    }

    /// Begins a file, with this line, and drops the oldest if there are too many.
    pub(crate) fn begin(&mut self, head: &[u8]) -> Result<(), Failed> {
        self.flush()?;
        self.current = None;
        let path = self.folder.join(format!("{PREFIX}{:06}{SUFFIX}", self.next));
        let failed = |error| Failed { lines: 0, error };
        let file = OpenOptions::new().append(true).create_new(true).mode(0o600).open(path).map_err(failed)?;
        self.next += 1;
        self.current = Some((file, 0));
        self.add(head)?;
        let files = list(&self.folder).map_err(failed)?;
        let surplus = files.len().saturating_sub(usize::try_from(FILES).unwrap_or(usize::MAX));
        for (_, path) in files.into_iter().take(surplus) {
            fs::remove_file(&path).map_err(failed)?;
            tracing::info!(file = %path.display(), "the oldest part of the recording was dropped: its limit is reached");
        }
        Ok(())
    }

    /// Adds a line, without its end.
    pub(crate) fn add(&mut self, line: &[u8]) -> Result<(), Failed> {
        self.buffer.extend_from_slice(line);
        self.buffer.push(b'\n');
        self.waiting += 1;
        if self.buffer.len() >= BUFFER { self.flush() } else { Ok(()) }
    }

    /// Writes what waits. What cannot be written is given up, and the file with it: half a line may be at its end.
    pub(crate) fn flush(&mut self) -> Result<(), Failed> {
        if self.buffer.is_empty() {
            return Ok(());
        }
        let lines = std::mem::take(&mut self.waiting);
        let written = match &mut self.current {
            Some((file, bytes)) => file.write_all(&self.buffer).map(|()| *bytes += self.buffer.len() as u64),
            None => Err(io::Error::other("no file is open")),
        };
        self.buffer.clear();
        written.map_err(|error| {
            self.current = None;
            Failed { lines, error }
        })
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn files_are_bounded_in_size_and_number() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path().join("new/folder");
        let mut files = Files::open(folder.clone(), FILES * 100).unwrap();
        for number in 0..1_000 {
            if files.is_full() {
                files.begin(b"head").unwrap();
            }
            files.add(format!("line {number:04}").as_bytes()).unwrap();
        }
        files.flush().unwrap();
        let kept = list(&folder).unwrap();
        assert_eq!(kept.len() as u64, FILES);
        assert!(kept.windows(2).all(|pair| pair[0].0 + 1 == pair[1].0), "{kept:?}");
        for (_, path) in &kept {
            let text = fs::read_to_string(path).unwrap();
            assert!(text.starts_with("head\n") && text.len() < 120, "{text}");
            assert_eq!(fs::metadata(path).unwrap().permissions().mode() & 0o777, 0o600);
        }
        assert!(fs::read_to_string(&kept[kept.len() - 1].1).unwrap().ends_with("line 0999\n"));
        assert_eq!(fs::metadata(&folder).unwrap().permissions().mode() & 0o777, 0o700);
    }

    #[test]
    fn goes_on_in_a_file_of_its_own_and_leaves_others_files_alone() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["recording-000041.jsonl", "recording-x.jsonl", "notes"] {
            fs::write(folder.path().join(name), "half a li").unwrap();
        }
        let mut files = Files::open(folder.path().to_owned(), 1 << 20).unwrap();
        assert!(files.is_full());
        files.begin(b"head").unwrap();
        files.flush().unwrap();
        assert_eq!(fs::read_to_string(folder.path().join("recording-000042.jsonl")).unwrap(), "head\n");
        assert_eq!(list(folder.path()).unwrap().len(), 2);
    }

    #[test]
    fn what_is_not_written_is_counted_and_its_file_given_up() {
        let folder = tempfile::tempdir().unwrap();
        let mut files = Files::open(folder.path().to_owned(), 1 << 20).unwrap();
        files.begin(b"head").unwrap();
        files.flush().unwrap();
        files.current = Some((File::open("/dev/full").unwrap(), 0));
        files.add(b"one").unwrap();
        files.add(b"two").unwrap();
        assert_eq!(files.flush().unwrap_err().lines, 2);
        assert!(files.is_full(), "another file is begun");
    }
}
