//! Which backends were loaded while the daemon ran: they serve again after a restart.
//!
//! A component lies in a file named by its digest, and a note names the one that serves. Both are written before it serves, and a
//! note is exchanged as a whole, so that a crash at any point leaves the one version or the other. What a version has made of its
//! containers' handles only it, or a later one, may be able to read: hence it must be the one that comes back.

use std::collections::BTreeMap;
use std::fs::{DirBuilder, File};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context, Result, bail};
use async_trait::async_trait;
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use sockerless_backend::types::Loaded;
use sockerless_plugins::Ledger;

/// What serves under a name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct Note {
    /// Of the component: `sha256:` and 64 hexadecimal digits.
    pub(crate) digest: String,
    /// The digest of the file on the command line in whose place it serves. When that file is another one, it is what the operator
    /// wants.
    pub(crate) instead_of: Option<String>,
}

/// The folder of it.
#[derive(Clone)]
pub(crate) struct Remembered {
    folder: PathBuf,
    /// The digests of what the command line names, by name.
    configured: Arc<Mutex<BTreeMap<String, String>>>,
}

impl Remembered {
    /// Reads what is there. A note that cannot be read is an error: to start without it could leave containers without a backend that
    /// can read their handles.
    ///
    /// # Errors
    /// The folder or a note cannot be read.
    pub(crate) fn open(folder: PathBuf) -> Result<(Self, BTreeMap<String, Note>)> {
        let mut notes = BTreeMap::new();
        let entries = match std::fs::read_dir(&folder) {
            Ok(entries) => entries.collect::<Result<Vec<_>, _>>(),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(Vec::new()),
            Err(error) => Err(error),
        };
        for entry in entries.with_context(|| format!("cannot read {}", folder.display()))? {
            let path = entry.path();
            let Some(name) = path.file_name().and_then(|name| name.to_str()?.strip_suffix(".json")) else { continue };
            let read = || -> Result<Note> { Ok(serde_json::from_slice(&std::fs::read(&path)?)?) };
            let note = read().with_context(|| {
                format!("{} says which version of a backend serves, and is damaged: remove it to start with the one of --backend", path.display())
            })?;
            notes.insert(name.to_owned(), note);
        }
        Ok((Self { folder, configured: Arc::default() }, notes))
    }

    /// Removes components that no note names any more.
    pub(crate) fn tidy(&self, notes: &BTreeMap<String, Note>) {
        let named: Vec<PathBuf> = notes.values().filter_map(|note| self.component_file(&note.digest).ok()).collect();
        for entry in std::fs::read_dir(&self.folder).into_iter().flatten().flatten() {
            let path = entry.path();
            let is_note = path.extension().is_some_and(|extension| extension == "json");
            if !is_note
                && !named.contains(&path)
                && let Err(error) = std::fs::remove_file(&path)
            {
                tracing::warn!(file = %path.display(), %error, "a component that nobody needs stays");
            }
        }
    }

    /// Notes which file the command line names for a backend.
    pub(crate) fn configured(&self, name: &str, digest: &str) {
        let mut configured = self.configured.lock().unwrap_or_else(PoisonError::into_inner);
        configured.insert(name.to_owned(), digest.to_owned());
    }

    /// The component of this digest.
    ///
    /// # Errors
    /// It is not there, or cannot be read.
    pub(crate) fn component(&self, digest: &str) -> Result<Vec<u8>> {
        let file = self.component_file(digest)?;
        std::fs::read(&file).with_context(|| format!("cannot read the backend {}", file.display()))
    }

    /// Takes back what was noted of a name.
    ///
    /// # Errors
    /// The file cannot be removed.
    pub(crate) fn forget(&self, name: &str) -> Result<()> {
        let file = self.note_file(name)?;
        match std::fs::remove_file(&file) {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
            removed => removed.with_context(|| format!("cannot remove {}", file.display())),
        }
    }

    fn remember(&self, name: &str, digest: &str, component: Option<&[u8]>) -> Result<()> {
        let instead_of = self.configured.lock().unwrap_or_else(PoisonError::into_inner).get(name).cloned();
        if instead_of.as_deref() == Some(digest) {
            return self.forget(name);
        }
        DirBuilder::new().recursive(true).mode(0o700).create(&self.folder)?;
        let file = self.component_file(digest)?;
        if !file.exists() {
            match component {
                Some(component) => self.write(&file, component)?,
                None => bail!("{} is not there any more", file.display()),
            }
        }
        let note = Note { digest: digest.to_owned(), instead_of };
        self.write(&self.note_file(name)?, &serde_json::to_vec_pretty(&note)?)
    }

    /// As a whole or not at all, and on the disk when it returns.
    fn write(&self, file: &Path, bytes: &[u8]) -> Result<()> {
        let new = file.with_extension("new");
        let written = || -> std::io::Result<()> {
            let mut to = File::create(&new)?;
            to.write_all(bytes)?;
            to.sync_all()?;
            std::fs::rename(&new, file)?;
            File::open(&self.folder)?.sync_all()
        };
        written().with_context(|| format!("cannot write {}", file.display()))
    }

    fn component_file(&self, digest: &str) -> Result<PathBuf> {
        match digest.strip_prefix("sha256:").filter(|hex| hex.len() == 64 && hex.bytes().all(|b| b.is_ascii_hexdigit()))
        {
            Some(hex) => Ok(self.folder.join(hex).with_extension("wasm")),
            None => bail!("{digest:?} is no digest"),
        }
    }

    /// Where a backend's note is.
    ///
    /// # Errors
    /// No backend can have this name.
    pub(crate) fn note_file(&self, name: &str) -> Result<PathBuf> {
        // A descriptor's name has no other characters; a name of a client's may have.
        if name.is_empty() || !name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-') {
            bail!("{name:?} is no name of a backend");
        }
        Ok(self.folder.join(format!("{name}.json")))
    }
}

#[async_trait]
impl Ledger for Remembered {
    async fn about_to_serve(&self, loaded: &Loaded, component: Option<&Bytes>) -> Result<(), String> {
        let (this, name, digest) = (self.clone(), loaded.descriptor.name.clone(), loaded.digest.clone());
        let component = component.cloned();
        let work = tokio::task::spawn_blocking(move || this.remember(&name, &digest, component.as_deref()));
        match work.await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(format!("{error:#}")),
            Err(error) => Err(error.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digest(digit: char) -> String {
        format!("sha256:{}", digit.to_string().repeat(64))
    }

    #[test]
    fn what_serves_comes_back_until_the_command_line_names_another_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("backends");
        let (remembered, notes) = Remembered::open(path.clone()).unwrap();
        assert!(notes.is_empty());
        remembered.configured("azf", &digest('a'));
        remembered.remember("azf", &digest('b'), Some(b"b")).unwrap();
        remembered.remember("other", &digest('c'), Some(b"c")).unwrap();
        remembered.remember("other", &digest('d'), Some(b"d")).unwrap();

        let (again, notes) = Remembered::open(path.clone()).unwrap();
        let note = |digest, instead_of| Note { digest, instead_of };
        assert_eq!(notes["azf"], note(digest('b'), Some(digest('a'))));
        assert_eq!(notes["other"], note(digest('d'), None));
        assert_eq!(again.component(&digest('c')).unwrap(), b"c", "for a rollback");
        again.tidy(&notes);
        assert_eq!(again.component(&digest('d')).unwrap(), b"d");
        assert!(again.component(&digest('c')).is_err());

        // Back to the file of the command line: nothing is left to say.
        remembered.remember("azf", &digest('a'), None).unwrap();
        again.forget("other").unwrap();
        again.forget("other").unwrap();
        assert!(Remembered::open(path).unwrap().1.is_empty());
    }

    #[test]
    fn what_cannot_be_written_or_read_is_said() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("backends");
        let (remembered, _) = Remembered::open(path.clone()).unwrap();
        let error = remembered.remember("azf", &digest('a'), None).unwrap_err();
        assert!(error.to_string().contains("is not there any more"), "{error}");
        assert!(remembered.remember("../azf", &digest('a'), Some(b"")).is_err());
        assert!(remembered.component("sha256:../../etc/passwd").is_err());
        std::fs::write(path.join("azf.json"), "{").unwrap();
        let error = Remembered::open(path).err().unwrap();
        assert!(error.to_string().contains("azf.json") && error.to_string().contains("remove it"), "{error}");
    }
}
