//! One daemon at a time has a state folder.

use std::fs::{File, TryLockError};
use std::io::{Read as _, Seek as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::service_manager;

/// Between two attempts.
const PAUSE: Duration = Duration::from_millis(50);

/// More than a process id has.
const LONGEST: u64 = 32;

/// The state folder is this process's until this is dropped, or the process ends, however it does.
#[derive(Debug)]
pub(crate) struct StateLock {
    _file: File,
}

impl StateLock {
    /// Takes the folder, and waits for it while another daemon is stopping. Blocks.
    ///
    /// # Errors
    /// Another has it when `limit` is over: the text says which process. The file of the lock cannot be had.
    pub(crate) fn take(folder: &Path, limit: Duration) -> Result<Self> {
        let path = folder.join("lock");
        let mut options = File::options();
        let options = options.read(true).write(true).create(true).truncate(false).mode(0o600);
        let mut file = options.open(&path).with_context(|| format!("cannot open {}", path.display()))?;
        let begin = Instant::now();
        let mut told = false;
        loop {
            match file.try_lock() {
                Ok(()) => break,
                Err(TryLockError::WouldBlock) => {}
                Err(TryLockError::Error(error)) => {
                    return Err(error).with_context(|| format!("cannot lock {}", path.display()));
                }
            }
            let holder = holder(&mut file);
            if begin.elapsed() >= limit {
                bail!(
                    "the state folder {} is used by {holder}: stop that daemon, or give another folder with --state-dir",
                    folder.display()
                );
            }
            if !told {
                told = true;
                let status = format!("waiting for {holder} to leave the state folder {}", folder.display());
                tracing::info!(seconds = limit.as_secs(), "{status}");
                service_manager::starting(&status);
            }
            std::thread::sleep(PAUSE);
        }
        // For whoever comes next. It does not matter if it cannot be written: the lock holds.
        let noted = file.set_len(0).and_then(|()| file.rewind()).and_then(|()| write!(file, "{}", std::process::id()));
        if let Err(error) = noted {
            tracing::warn!(%error, "{} does not say which process has the state folder", path.display());
        }
        Ok(Self { _file: file })
    }
}

/// Who has it, by what the file says.
fn holder(file: &mut File) -> String {
    let mut text = String::new();
    let read = file.rewind().and_then(|()| file.take(LONGEST).read_to_string(&mut text));
    match text.trim().parse::<u32>() {
        Ok(process) if read.is_ok() => format!("process {process}"),
        _ => "another process".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::StateLock;
    use std::time::Duration;

    const LONG: Duration = Duration::from_secs(600);

    #[test]
    fn one_has_it_and_the_other_is_told_who() {
        let folder = tempfile::tempdir().unwrap();
        let first = StateLock::take(folder.path(), LONG).unwrap();
        let error = StateLock::take(folder.path(), Duration::ZERO).unwrap_err().to_string();
        assert!(error.contains(&format!("used by process {}:", std::process::id())), "{error}");
        assert!(error.contains("--state-dir"), "{error}");
        drop(first);
        StateLock::take(folder.path(), Duration::ZERO).unwrap();
    }

    #[test]
    fn one_that_goes_is_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let first = StateLock::take(folder.path(), LONG).unwrap();
        let path = folder.path().to_owned();
        let next = std::thread::spawn(move || StateLock::take(&path, LONG).map(drop));
        drop(first);
        next.join().unwrap().unwrap();
    }
}
