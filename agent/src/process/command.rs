//! Which program a command means, in the words of the Engine's runtime when there is none.

use std::io::ErrorKind;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use super::spawn::Failure;

/// The program that the first word means: in the folders of `path` if it is a plain name, else below the working
/// directory.
pub(super) fn resolve(name: &str, path: &str, working_dir: &Path) -> Result<PathBuf, Failure> {
    if name.is_empty() {
        return Err(Failure::not_found("exec: \"\": executable file not found in $PATH"));
    }
    if name.contains('/') {
        let file = working_dir.join(name);
        return match check(&file) {
            Ok(()) => Ok(file),
            Err(Problem::Missing) => {
                Err(Failure::not_found(format!("exec: {name:?}: stat {name}: no such file or directory")))
            }
            Err(Problem::Directory) => Err(Failure::not_executable(format!("exec: {name:?}: is a directory"))),
            Err(Problem::Permission) => Err(Failure::not_executable(format!("exec: {name:?}: permission denied"))),
        };
    }
    let mut denied = false;
    for folder in path.split(':').filter(|folder| !folder.is_empty()) {
        let file = working_dir.join(folder).join(name);
        match check(&file) {
            Ok(()) => return Ok(file),
            Err(Problem::Permission) => denied = true,
            Err(Problem::Missing | Problem::Directory) => {}
        }
    }
    if denied {
        return Err(Failure::not_executable(format!("exec: {name:?}: permission denied")));
    }
    Err(Failure::not_found(format!("exec: {name:?}: executable file not found in $PATH")))
}

enum Problem {
    Missing,
    Directory,
    Permission,
}

fn check(file: &Path) -> Result<(), Problem> {
    let metadata = std::fs::metadata(file).map_err(|error| match error.kind() {
        ErrorKind::PermissionDenied => Problem::Permission,
        _ => Problem::Missing,
    })?;
    if metadata.is_dir() {
        return Err(Problem::Directory);
    }
    if metadata.permissions().mode() & 0o111 == 0 {
        return Err(Problem::Permission);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(name: &str) -> (i32, String) {
        let Failure { code, message } = resolve(name, "/nowhere:/bin", Path::new("/")).unwrap_err();
        (code, message)
    }

    #[test]
    fn a_name_is_looked_up_in_the_path_and_anything_else_below_the_working_directory() {
        assert_eq!(resolve("sh", "/nowhere:/bin", Path::new("/tmp")).unwrap(), Path::new("/bin/sh"));
        assert_eq!(resolve("./sh", "", Path::new("/bin")).unwrap(), Path::new("/bin/./sh"));
        assert_eq!(resolve("/bin/sh", "", Path::new("/tmp")).unwrap(), Path::new("/bin/sh"));
    }

    #[test]
    fn what_cannot_be_run_is_told_in_the_engines_words() {
        assert_eq!(problem("nope"), (127, "exec: \"nope\": executable file not found in $PATH".into()));
        assert_eq!(problem("/nope"), (127, "exec: \"/nope\": stat /nope: no such file or directory".into()));
        assert_eq!(problem("/etc/passwd"), (126, "exec: \"/etc/passwd\": permission denied".into()));
        assert_eq!(problem("/etc"), (126, "exec: \"/etc\": is a directory".into()));
    }
}
