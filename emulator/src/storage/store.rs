//! The shares on this machine.

use std::collections::{BTreeSet, HashMap};
use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use tempfile::TempDir;

use super::error::StorageError;
use super::path::{self, FilePath};
use crate::config::{LiveConfig, StorageAccountConfig};
use crate::sync::lock;

/// Whatever is in a share may be read, written and executed by everybody who has it mounted, as on the platform's mounts.
const MODE: u32 = 0o777;

/// Why the platform does not mount a share.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum MountRefusal {
    /// There is no such account, or it has another key.
    Credentials,
    /// The account has no such share.
    Share,
}

/// The contents of all accounts.
#[derive(Debug)]
pub(crate) struct Storage {
    live: Arc<LiveConfig>,
    root: PathBuf,
    /// Removes the folder in the end, unless somebody gave it.
    _temporary: Option<TempDir>,
    /// The shares that somebody has made, with the names of their accounts.
    shares: Mutex<BTreeSet<(String, String)>>,
    /// The MD5 that a client has set for a file, by the file's path.
    hashes: Mutex<HashMap<PathBuf, String>>,
}

impl Storage {
    pub(crate) fn open(live: Arc<LiveConfig>) -> io::Result<Self> {
        let (root, temporary) = match live.get().storage.folder.clone() {
            Some(folder) => {
                fs::create_dir_all(&folder)?;
                (folder.canonicalize()?, None)
            }
            None => {
                let folder = tempfile::Builder::new().prefix("azure-emulator-storage").tempdir()?;
                // A container's user must get through to what is mounted.
                fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755))?;
                (folder.path().to_owned(), Some(folder))
            }
        };
        let shares = Mutex::new(found(&root)?);
        Ok(Self { live, root, _temporary: temporary, shares, hashes: Mutex::default() })
    }

    /// Whether the platform would mount a share with this key.
    pub(crate) fn check_mount(&self, account: &str, share: &str, key: &str) -> Result<(), MountRefusal> {
        let config = self.live.get();
        let account = config.storage.account(account).filter(|account| account.key == key);
        let account = account.ok_or(MountRefusal::Credentials)?;
        if self.has_share(account, share) { Ok(()) } else { Err(MountRefusal::Share) }
    }

    /// The folder of a share, for whoever mounts it with this key. Blocks.
    pub(crate) fn mount(&self, account: &str, share: &str, key: &str) -> Result<PathBuf, MountRefusal> {
        self.check_mount(account, share, key)?;
        let config = self.live.get();
        let account = config.storage.account(account).ok_or(MountRefusal::Credentials)?;
        let folder = self.folder(&account.name, share);
        make_folder(&folder).map_err(|_| MountRefusal::Share)?;
        Ok(folder)
    }

    fn folder(&self, account: &str, share: &str) -> PathBuf {
        self.root.join(account).join(share)
    }

    fn has_share(&self, account: &StorageAccountConfig, share: &str) -> bool {
        path::is_share(share)
            && (account.shares.iter().any(|own| own == share)
                || lock(&self.shares).contains(&(account.name.clone(), share.to_owned())))
    }

    /// The folder of the share of a path, which must exist.
    pub(super) fn share(&self, account: &StorageAccountConfig, path: &FilePath) -> Result<PathBuf, StorageError> {
        if !self.has_share(account, &path.share) {
            return Err(StorageError::no_share());
        }
        let folder = self.folder(&account.name, &path.share);
        make_folder(&folder).map_err(StorageError::internal)?;
        Ok(folder)
    }

    /// Makes a share. `false` if there is one already.
    pub(super) fn make_share(&self, account: &StorageAccountConfig, path: &FilePath) -> bool {
        !self.has_share(account, &path.share) && lock(&self.shares).insert((account.name.clone(), path.share.clone()))
    }

    /// The place of a file or folder whose share and parents exist. Links are nothing that a share has: a container could lead
    /// out of the share with one.
    pub(super) fn place(&self, account: &StorageAccountConfig, path: &FilePath) -> Result<PathBuf, StorageError> {
        let mut place = self.share(account, path)?;
        let Some((name, parents)) = path.segments.split_last() else { return Ok(place) };
        for parent in parents {
            place.push(parent);
            if !fs::symlink_metadata(&place).is_ok_and(|metadata| metadata.is_dir()) {
                return Err(StorageError::no_parent());
            }
        }
        place.push(name);
        if fs::symlink_metadata(&place).is_ok_and(|metadata| metadata.is_symlink()) {
            return Err(StorageError::no_file());
        }
        Ok(place)
    }

    /// The MD5 (base64) that a file was given.
    pub(super) fn hash(&self, place: &Path) -> Option<String> {
        lock(&self.hashes).get(place).cloned()
    }

    /// Gives a file an MD5, or takes it away.
    pub(super) fn set_hash(&self, place: &Path, hash: Option<String>) {
        let mut hashes = lock(&self.hashes);
        match hash {
            Some(hash) => hashes.insert(place.to_owned(), hash),
            None => hashes.remove(place),
        };
    }
}

/// The shares that a folder has, as an earlier emulator has left them.
fn found(root: &Path) -> io::Result<BTreeSet<(String, String)>> {
    let mut shares = BTreeSet::new();
    for account in fs::read_dir(root)? {
        let account = account?;
        if account.file_type()?.is_dir() {
            for share in fs::read_dir(account.path())? {
                let names = (account.file_name().into_string(), share?.file_name().into_string());
                // A name that is no text is no share's.
                if let (Ok(account), Ok(share)) = names {
                    shares.insert((account, share));
                }
            }
        }
    }
    Ok(shares)
}

/// Makes a folder and those above it that are missing.
pub(super) fn make_folder(folder: &Path) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    open_to_all(folder)
}

/// Gives a file or folder the mode that everything in a share has.
pub(super) fn open_to_all(place: &Path) -> io::Result<()> {
    fs::set_permissions(place, fs::Permissions::from_mode(MODE))
}
