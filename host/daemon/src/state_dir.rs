//! The folder of what must not be forgotten: the database, and who this daemon is.

use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use sockerless_engine::Identity;

/// The folder, which is there.
pub(crate) struct StateDir {
    path: PathBuf,
}

impl StateDir {
    /// Makes it, for its owner only, unless it is there.
    ///
    /// # Errors
    /// It cannot be made.
    pub(crate) fn open(path: &Path) -> Result<Self> {
        DirBuilder::new().recursive(true).mode(0o700).create(path).with_context(|| {
            format!("cannot make the state folder {}: name another with --state-dir", path.display())
        })?;
        Ok(Self { path: path.to_path_buf() })
    }

    /// The file of the database.
    pub(crate) fn database(&self) -> PathBuf {
        self.path.join("state.db")
    }

    /// Whether this folder was a daemon's before and its database is gone. To be asked before the database is opened, which makes it.
    pub(crate) fn has_lost_its_database(&self) -> bool {
        self.path.join("id").exists() && !self.database().exists()
    }

    /// The folder of the backends that were loaded while the daemon ran.
    pub(crate) fn backends(&self) -> PathBuf {
        self.path.join("backends")
    }

    /// Who this daemon is, over restarts: reads its id, or draws it.
    ///
    /// # Errors
    /// The id cannot be written.
    pub(crate) fn identity(&self) -> Result<Identity> {
        let file = self.path.join("id");
        let id = match std::fs::read_to_string(&file) {
            Ok(id) if !id.trim().is_empty() => id.trim().to_owned(),
            _ => {
                let id = uuid::Uuid::new_v4().to_string();
                std::fs::write(&file, &id).with_context(|| format!("cannot write {}", file.display()))?;
                id
            }
        };
        let name = nix::unistd::gethostname()
            .map_or_else(|_| "sockerless".to_owned(), |name| name.to_string_lossy().into_owned());
        Ok(Identity {
            id,
            name,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            commit: option_env!("SOCKERLESS_COMMIT").unwrap_or("unknown").to_owned(),
            state_dir: self.path.display().to_string(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::StateDir;

    #[test]
    fn the_id_stays_the_same() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a/b");
        let first = StateDir::open(&path).unwrap().identity().unwrap();
        let second = StateDir::open(&path).unwrap().identity().unwrap();
        assert_eq!(first.id, second.id);
        assert_eq!(first.id.len(), 36);
    }

    #[test]
    fn a_database_that_is_gone_is_noticed() {
        let folder = tempfile::tempdir().unwrap();
        let state = StateDir::open(folder.path()).unwrap();
        assert!(!state.has_lost_its_database());
        state.identity().unwrap();
        assert!(state.has_lost_its_database());
        std::fs::write(state.database(), "").unwrap();
        assert!(!state.has_lost_its_database());
    }
}
