//! Which files somebody has open, as far as this machine knows: programs that run.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use super::error::StorageError;

/// Refuses to touch a file from which a program runs, as SMB does with one that a client maps. Not every kernel refuses that by
/// itself, and none refuses to replace the file.
pub(super) fn check(place: &Path) -> Result<(), StorageError> {
    if is_executed(place) { Err(StorageError::in_use()) } else { Ok(()) }
}

fn is_executed(place: &Path) -> bool {
    let Ok(file) = fs::symlink_metadata(place) else { return false };
    let Ok(processes) = fs::read_dir("/proc") else { return false };
    // The containers' processes are among the machine's, and may be looked at by whoever has started them.
    processes.filter_map(Result::ok).any(|process| {
        fs::metadata(process.path().join("exe"))
            .is_ok_and(|program| program.ino() == file.ino() && program.dev() == file.dev())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_that_runs_is_in_use() {
        assert!(check(&std::env::current_exe().unwrap()).is_err());
        let file = tempfile::NamedTempFile::new().unwrap();
        assert_eq!(check(file.path()), Ok(()));
        assert_eq!(check(Path::new("/nowhere")), Ok(()));
    }
}
