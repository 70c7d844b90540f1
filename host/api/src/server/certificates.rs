//! The certificates of a TLS listener, which change while it serves.

use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::sync::{Arc, Mutex as Slot, PoisonError};
use std::time::Duration;

use rustls::ServerConfig;
use tokio::sync::Mutex;

use super::listener::ListenError;
use super::tls::TlsFiles;

/// How long a handshake waits until it is known whether the files have changed: a file system that hangs stops nobody.
const PATIENCE: Duration = Duration::from_secs(2);

/// The certificate, key and client authority of TLS listeners. Files that have changed are read again before the next handshake;
/// connections that are there go on. Cheap to clone.
#[derive(Clone)]
pub struct Certificates {
    shared: Arc<Shared>,
}

struct Shared {
    files: TlsFiles,
    /// What new connections get. Of each version of the files a configuration of its own: sessions of a client whose authority is no
    /// longer trusted cannot be resumed.
    current: Slot<Arc<ServerConfig>>,
    /// As the files were when they were last read, for good or not.
    seen: Mutex<Seen>,
}

/// What tells one state of the three files from another. A file that cannot be looked at has none.
type Seen = [Option<Stamp>; 3];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stamp {
    device: u64,
    inode: u64,
    size: u64,
    /// Of the content, and of the inode: seconds and nanoseconds.
    modified: (i64, i64),
    changed: (i64, i64),
}

impl std::fmt::Debug for Certificates {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_tuple("Certificates").field(&self.shared.files).finish()
    }
}

impl Certificates {
    /// Reads the files for the first time.
    ///
    /// # Errors
    /// They are no good: the text says which, and why.
    pub async fn load(files: TlsFiles) -> Result<Self, ListenError> {
        let (seen, config) = read(&files).await?;
        let shared = Shared { files, current: Slot::new(config?), seen: Mutex::new(seen) };
        Ok(Self { shared: Arc::new(shared) })
    }

    /// Reads the files again, changed or not. If they are no good the ones before stay, and the log says why.
    pub async fn reload(&self) {
        let mut seen = self.shared.seen.lock().await;
        self.renew(&mut seen).await;
    }

    /// What a new connection is served with.
    pub(super) async fn current(&self) -> Arc<ServerConfig> {
        // Somebody else looks at this moment: their news is the next one's.
        if let Ok(mut seen) = self.shared.seen.try_lock() {
            let looked = tokio::time::timeout(PATIENCE, async {
                if stamps(&self.shared.files).await != *seen {
                    self.renew(&mut seen).await;
                }
            });
            if looked.await.is_err() {
                tracing::warn!("the files of TLS could not be looked at in time: those read before are used");
            }
        }
        self.shared.current.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    async fn renew(&self, seen: &mut Seen) {
        let result = match read(&self.shared.files).await {
            Ok((now, result)) => {
                *seen = now;
                result
            }
            Err(error) => Err(error),
        };
        match result {
            Ok(config) => {
                *self.shared.current.lock().unwrap_or_else(PoisonError::into_inner) = config;
                tracing::info!("the files of TLS were read again: new connections get the new certificate");
            }
            Err(error) => tracing::error!(
                "the files of TLS have changed and cannot be used, so those read before stay in use: {error}"
            ),
        }
    }
}

/// How the files are, and what is in them. The stamps are taken first: a file that changes meanwhile differs from its own.
async fn read(files: &TlsFiles) -> Result<(Seen, Result<Arc<ServerConfig>, ListenError>), ListenError> {
    let seen = stamps(files).await;
    let files = files.clone();
    let config = tokio::task::spawn_blocking(move || files.read()).await;
    Ok((seen, config.map_err(|error| ListenError::Tls(error.to_string()))?))
}

async fn stamps(files: &TlsFiles) -> Seen {
    [stamp(&files.certificate).await, stamp(&files.key).await, stamp(&files.client_ca).await]
}

async fn stamp(path: &Path) -> Option<Stamp> {
    let file = tokio::fs::metadata(path).await.ok()?;
    Some(Stamp {
        device: file.dev(),
        inode: file.ino(),
        size: file.len(),
        modified: (file.mtime(), file.mtime_nsec()),
        changed: (file.ctime(), file.ctime_nsec()),
    })
}
