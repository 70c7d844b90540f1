//! Which backends there are beside those of the command line, and which version of each: over restarts.
//!
//! A component lies in a file named by its digest, and a note names the one that serves. Both are written before it serves, and a
//! note is exchanged as a whole, so that a crash at any point leaves the one version or the other. What a version has made of its
//! containers' handles only it, or a later one, may be able to read: hence it must be the one that comes back.

mod note;

use std::collections::BTreeMap;
use std::fs::{DirBuilder, OpenOptions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use anyhow::{Context, Result, bail};
use async_trait::async_trait;
use bytes::Bytes;
use ring::digest::{SHA256, digest};
use sockerless_backend::types::Loaded;
use sockerless_plugins::Ledger;

pub(crate) use note::{Note, Origin, Plugin};

/// The folder of it. What is read of it comes from memory; what changes it blocks.
#[derive(Clone)]
pub(crate) struct Remembered(Arc<Inner>);

struct Inner {
    folder: PathBuf,
    /// Held from reading a note to having written it.
    changing: Mutex<()>,
    notes: RwLock<BTreeMap<String, Note>>,
    /// What the command line names, by the name of the backend.
    configured: RwLock<BTreeMap<String, Configured>>,
}

/// A file of the command line.
#[derive(Clone)]
struct Configured {
    digest: String,
    file: PathBuf,
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
        let inner = Inner {
            folder,
            changing: Mutex::default(),
            notes: RwLock::new(notes.clone()),
            configured: RwLock::default(),
        };
        Ok((Self(Arc::new(inner)), notes))
    }

    /// Removes components that no note names any more, and what a crash has left of writing one.
    pub(crate) fn tidy(&self, notes: &BTreeMap<String, Note>) {
        let named: Vec<PathBuf> = notes.values().filter_map(|note| self.component_file(&note.digest).ok()).collect();
        for entry in std::fs::read_dir(&self.0.folder).into_iter().flatten().flatten() {
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
    pub(crate) fn configured(&self, name: &str, digest: &str, file: &Path) {
        let mut configured = self.0.configured.write().unwrap_or_else(PoisonError::into_inner);
        configured.insert(name.to_owned(), Configured { digest: digest.to_owned(), file: file.to_path_buf() });
    }

    /// What is noted of a backend.
    pub(crate) fn note(&self, name: &str) -> Option<Note> {
        self.0.notes.read().unwrap_or_else(PoisonError::into_inner).get(name).cloned()
    }

    /// What is noted of all.
    pub(crate) fn notes(&self) -> BTreeMap<String, Note> {
        self.0.notes.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What is to be done with the disk, off the runtime.
    ///
    /// # Errors
    /// Its own.
    pub(crate) async fn on_disk<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Self) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let this = self.clone();
        tokio::task::spawn_blocking(move || work(&this)).await?
    }

    /// The component of this digest: one that was loaded while the daemon ran, or a file of the command line.
    ///
    /// # Errors
    /// It is not there, or cannot be read.
    pub(crate) fn component(&self, digest: &str) -> Result<Vec<u8>> {
        let file = self.component_file(digest)?;
        match std::fs::read(&file) {
            Err(error) if error.kind() == ErrorKind::NotFound => {
                self.configured_component(digest).with_context(|| format!("{} is not there any more", file.display()))
            }
            read => read.with_context(|| format!("cannot read the backend {}", file.display())),
        }
    }

    fn configured_component(&self, wanted: &str) -> Result<Vec<u8>> {
        let configured = self.0.configured.read().unwrap_or_else(PoisonError::into_inner);
        let file = configured.values().find(|configured| configured.digest == wanted).map(|found| found.file.clone());
        drop(configured);
        let file = file.context("no file of --backend is this component")?;
        let bytes = std::fs::read(&file).with_context(|| format!("cannot read the backend {}", file.display()))?;
        if format!("sha256:{}", hex::encode(digest(&SHA256, &bytes))) != wanted {
            bail!("{} is another component by now", file.display());
        }
        Ok(bytes)
    }

    /// Takes back what was noted of a name, with the component of a backend that serves no more.
    ///
    /// # Errors
    /// A file cannot be removed.
    pub(crate) fn forget(&self, name: &str) -> Result<()> {
        let _changing = self.changing();
        let note = self.note(name);
        self.remove(name)?;
        let Some(note) = note else { return Ok(()) };
        let file = self.component_file(&note.digest)?;
        match std::fs::remove_file(&file) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                Err(error).with_context(|| format!("cannot remove {}", file.display()))
            }
            _ => Ok(()),
        }
    }

    /// Keeps a component and what is noted of it, in this order.
    ///
    /// # Errors
    /// They cannot be written.
    pub(crate) fn keep(&self, name: &str, note: Note, component: &[u8]) -> Result<()> {
        let _changing = self.changing();
        self.write_component(&note.digest, Some(component))?;
        self.write_note(name, note)
    }

    /// Changes what is noted of a name, where something is.
    ///
    /// # Errors
    /// Nothing is; it cannot be written.
    pub(crate) fn change(&self, name: &str, change: impl FnOnce(&mut Note)) -> Result<()> {
        let _changing = self.changing();
        let mut note = self.note(name).with_context(|| format!("nothing is noted of the backend `{name}`"))?;
        change(&mut note);
        self.write_note(name, note)
    }

    /// Notes that this version serves. `component`: its bytes, unless they are there already. `plugin`: what it is to Docker from now
    /// on; absent, what it was.
    ///
    /// # Errors
    /// It cannot be written.
    pub(crate) fn remember(&self, loaded: &Loaded, component: Option<&[u8]>, plugin: Option<Plugin>) -> Result<()> {
        let _changing = self.changing();
        let name = &loaded.descriptor.name;
        let before = self.note(name).unwrap_or_default();
        let configured = self.0.configured.read().unwrap_or_else(PoisonError::into_inner).get(name).cloned();
        let note = Note {
            digest: loaded.digest.clone(),
            instead_of: configured.map(|configured| configured.digest),
            disabled: false,
            descriptor: Some(loaded.descriptor.clone()),
            plugin: plugin.or(before.plugin),
            settings: before.settings,
        };
        if note.is_idle() {
            return self.remove(name);
        }
        if note.instead_of.as_ref() != Some(&note.digest) {
            self.write_component(&note.digest, component)?;
        }
        self.write_note(name, note)
    }

    /// Notes of a backend that serves what is to be known when it serves no more: it is still to serve after a restart.
    ///
    /// # Errors
    /// It cannot be written; its component is nowhere.
    pub(crate) fn remember_to_disable(&self, loaded: &Loaded) -> Result<()> {
        let component = self.component(&loaded.digest)?;
        let _changing = self.changing();
        let name = &loaded.descriptor.name;
        let configured = self.0.configured.read().unwrap_or_else(PoisonError::into_inner).get(name).cloned();
        let note = Note {
            digest: loaded.digest.clone(),
            descriptor: Some(loaded.descriptor.clone()),
            instead_of: configured.map(|configured| configured.digest),
            ..self.note(name).unwrap_or_default()
        };
        self.write_component(&note.digest, Some(&component))?;
        self.write_note(name, note)
    }

    /// The file of the command line is another one than the one that the note is about, and serves. What was set stays.
    ///
    /// # Errors
    /// It cannot be written.
    pub(crate) fn overruled(&self, name: &str) -> Result<()> {
        let _changing = self.changing();
        let configured = self.0.configured.read().unwrap_or_else(PoisonError::into_inner).get(name).cloned();
        let settings = self.note(name).unwrap_or_default().settings;
        match configured {
            Some(Configured { digest, .. }) if !settings.is_empty() => {
                let note = Note { instead_of: Some(digest.clone()), digest, settings, ..Note::default() };
                self.write_note(name, note)
            }
            _ => self.remove(name),
        }
    }

    fn changing(&self) -> std::sync::MutexGuard<'_, ()> {
        self.0.changing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn remove(&self, name: &str) -> Result<()> {
        let file = self.note_file(name)?;
        match std::fs::remove_file(&file) {
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            removed => removed.with_context(|| format!("cannot remove {}", file.display()))?,
        }
        self.0.notes.write().unwrap_or_else(PoisonError::into_inner).remove(name);
        Ok(())
    }

    fn write_note(&self, name: &str, note: Note) -> Result<()> {
        self.write(&self.note_file(name)?, &serde_json::to_vec_pretty(&note)?)?;
        self.0.notes.write().unwrap_or_else(PoisonError::into_inner).insert(name.to_owned(), note);
        Ok(())
    }

    fn write_component(&self, digest: &str, component: Option<&[u8]>) -> Result<()> {
        let file = self.component_file(digest)?;
        match component {
            _ if file.exists() => Ok(()),
            Some(component) => self.write(&file, component),
            None => bail!("{} is not there any more", file.display()),
        }
    }

    /// As a whole or not at all, and on the disk when it returns. For its owner only: notes may hold secrets.
    fn write(&self, file: &Path, bytes: &[u8]) -> Result<()> {
        let new = file.with_extension("new");
        let written = || -> std::io::Result<()> {
            DirBuilder::new().recursive(true).mode(0o700).create(&self.0.folder)?;
            let mut to = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&new)?;
            to.write_all(bytes)?;
            to.sync_all()?;
            std::fs::rename(&new, file)?;
            std::fs::File::open(&self.0.folder)?.sync_all()
        };
        written().with_context(|| format!("cannot write {}", file.display()))
    }

    fn component_file(&self, digest: &str) -> Result<PathBuf> {
        match digest.strip_prefix("sha256:").filter(|hex| hex.len() == 64 && hex.bytes().all(|b| b.is_ascii_hexdigit()))
        {
            Some(hex) => Ok(self.0.folder.join(hex).with_extension("wasm")),
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
        Ok(self.0.folder.join(format!("{name}.json")))
    }
}

/// Notes that a version is about to serve, as the plugin that it was or is from now on.
pub(crate) struct AsPlugin<'a> {
    pub(crate) remembered: &'a Remembered,
    pub(crate) plugin: Option<Plugin>,
}

#[async_trait]
impl Ledger for AsPlugin<'_> {
    async fn about_to_serve(&self, loaded: &Loaded, component: Option<&Bytes>) -> Result<(), String> {
        let (loaded, component, plugin) = (loaded.clone(), component.cloned(), self.plugin.clone());
        let work = self.remembered.on_disk(move |this| this.remember(&loaded, component.as_deref(), plugin));
        work.await.map_err(|error| format!("{error:#}"))
    }
}

#[async_trait]
impl Ledger for Remembered {
    async fn about_to_serve(&self, loaded: &Loaded, component: Option<&Bytes>) -> Result<(), String> {
        AsPlugin { remembered: self, plugin: None }.about_to_serve(loaded, component).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sockerless_backend::types::{Descriptor, Interfaces};

    fn digest(digit: char) -> String {
        format!("sha256:{}", digit.to_string().repeat(64))
    }

    fn loaded(name: &str, digit: char) -> Loaded {
        let descriptor = Descriptor { name: name.to_owned(), ..Descriptor::default() };
        Loaded { descriptor, digest: digest(digit), generation: 1, interfaces: Interfaces::default() }
    }

    #[test]
    fn what_serves_comes_back_until_the_command_line_names_another_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("backends");
        let (remembered, notes) = Remembered::open(path.clone()).unwrap();
        assert!(notes.is_empty());
        remembered.configured("azf", &digest('a'), Path::new("azf.wasm"));
        remembered.remember(&loaded("azf", 'b'), Some(b"b"), None).unwrap();
        remembered.remember(&loaded("other", 'c'), Some(b"c"), None).unwrap();
        remembered.remember(&loaded("other", 'd'), Some(b"d"), None).unwrap();

        let (again, notes) = Remembered::open(path.clone()).unwrap();
        let says = |name: &str| (notes[name].digest.clone(), notes[name].instead_of.clone());
        assert_eq!(says("azf"), (digest('b'), Some(digest('a'))));
        assert_eq!(says("other"), (digest('d'), None));
        assert_eq!(again.component(&digest('c')).unwrap(), b"c", "for a rollback");
        // A crash in the middle of writing, and one between a component and its note.
        std::fs::write(path.join("azf.new"), "{").unwrap();
        std::fs::write(again.component_file(&digest('e')).unwrap(), "e").unwrap();
        again.tidy(&notes);
        assert!(!path.join("azf.new").exists() && again.component(&digest('e')).is_err());
        assert_eq!(again.component(&digest('d')).unwrap(), b"d");
        assert!(again.component(&digest('c')).is_err());

        // Back to the file of the command line: nothing is left to say.
        remembered.remember(&loaded("azf", 'a'), None, None).unwrap();
        again.forget("other").unwrap();
        again.forget("other").unwrap();
        assert!(Remembered::open(path).unwrap().1.is_empty());
    }

    #[test]
    fn what_was_set_and_what_it_is_to_docker_outlives_versions_and_files() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("backends");
        let (remembered, _) = Remembered::open(path.clone()).unwrap();
        let plugin = Plugin { name: "p:latest".to_owned(), created: String::new(), origin: None };
        let note = Note { digest: digest('a'), disabled: true, plugin: Some(plugin), ..Note::default() };
        remembered.keep("p", note, b"a").unwrap();
        remembered.change("p", |note| drop(note.settings.insert("K".to_owned(), "v".to_owned()))).unwrap();
        remembered.remember(&loaded("p", 'b'), Some(b"b"), None).unwrap();
        let note = Remembered::open(path.clone()).unwrap().1.remove("p").unwrap();
        assert!(!note.disabled && note.digest == digest('b') && note.settings["K"] == "v");
        assert_eq!(note.plugin.map(|plugin| plugin.name).as_deref(), Some("p:latest"));

        // A file of the command line takes the place of the component, and not of the settings.
        remembered.configured("p", &digest('c'), Path::new("p.wasm"));
        remembered.overruled("p").unwrap();
        let note = remembered.note("p").unwrap();
        assert!(note.digest == digest('c') && note.settings["K"] == "v" && note.plugin.is_none());
        remembered.forget("p").unwrap();
        assert!(remembered.notes().is_empty() && remembered.change("p", |_| {}).is_err());
    }

    #[test]
    fn a_note_of_a_version_without_plugins_is_read() {
        let note: Note = serde_json::from_str(r#"{"digest": "sha256:00", "instead-of": null}"#).unwrap();
        assert!(!note.disabled && note.plugin.is_none());
    }

    #[test]
    fn what_cannot_be_written_or_read_is_said() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("backends");
        let (remembered, _) = Remembered::open(path.clone()).unwrap();
        let error = remembered.remember(&loaded("azf", 'a'), None, None).unwrap_err();
        assert!(error.to_string().contains("is not there any more"), "{error}");
        assert!(remembered.remember(&loaded("../azf", 'a'), Some(b""), None).is_err());
        assert!(remembered.component("sha256:../../etc/passwd").is_err());
        std::fs::write(path.join("azf.json"), "{").unwrap();
        let error = Remembered::open(path).err().unwrap();
        assert!(error.to_string().contains("azf.json") && error.to_string().contains("remove it"), "{error}");
    }

    #[test]
    fn a_file_of_the_command_line_that_is_another_by_now_is_not_taken_for_what_served() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("b.wasm");
        std::fs::write(&file, "one").unwrap();
        let (remembered, _) = Remembered::open(folder.path().join("backends")).unwrap();
        let one = format!("sha256:{}", hex::encode(ring::digest::digest(&SHA256, b"one")));
        remembered.configured("b", &one, &file);
        assert_eq!(remembered.component(&one).unwrap(), b"one");
        std::fs::write(&file, "two").unwrap();
        let error = format!("{:#}", remembered.component(&one).unwrap_err());
        assert!(error.contains("another component by now"), "{error}");
    }
}
