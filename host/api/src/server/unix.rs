//! The unix socket and its file.

use std::io;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use nix::unistd::Group;
use tokio::net::{UnixListener, UnixStream};

use super::listener::ListenError;

/// Owner and group may talk to the daemon, nobody else.
const MODE: u32 = 0o660;

/// The file of a bound socket. It goes with the daemon, unless another has put its own there.
#[derive(Debug)]
pub(super) struct SocketFile {
    path: PathBuf,
    inode: u64,
}

impl SocketFile {
    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        if std::fs::symlink_metadata(&self.path).is_ok_and(|file| file.ino() == self.inode)
            && let Err(error) = std::fs::remove_file(&self.path)
        {
            tracing::debug!(path = %self.path.display(), %error, "the socket file stays");
        }
    }
}

/// Binds under a name of its own, and gives the socket its mode, group and name afterwards: so at no time can anybody
/// connect who may not.
pub(super) async fn bind(path: &Path, group: Option<&str>) -> Result<(UnixListener, SocketFile), ListenError> {
    let failed = || ListenError::system(path.display());
    let path = std::path::absolute(path).map_err(failed())?;
    let group = group.map(find_group).transpose()?;
    if let Some(parent) = path.parent() {
        tokio::fs::create_dir_all(parent).await.map_err(failed())?;
    }
    ensure_free(&path).await?;
    let draft = path.with_extension(format!("{}.new", std::process::id()));
    // Left behind by a process of the same number that died right here.
    let _ = std::fs::remove_file(&draft);
    let listener = UnixListener::bind(&draft).map_err(failed())?;
    let prepared = (|| {
        std::fs::set_permissions(&draft, std::fs::Permissions::from_mode(MODE))?;
        if let Some(group) = group {
            std::os::unix::fs::chown(&draft, None, Some(group))?;
        }
        let inode = std::fs::symlink_metadata(&draft)?.ino();
        std::fs::rename(&draft, &path)?;
        io::Result::Ok(inode)
    })();
    match prepared {
        Ok(inode) => Ok((listener, SocketFile { path, inode })),
        Err(error) => {
            let _ = std::fs::remove_file(&draft);
            Err(failed()(error))
        }
    }
}

/// Refuses to take a path from a process that serves it, or from a file that is no socket.
async fn ensure_free(path: &Path) -> Result<(), ListenError> {
    match tokio::fs::symlink_metadata(path).await {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(ListenError::system(path.display())(error)),
        Ok(file) if !file.file_type().is_socket() => Err(ListenError::system(path.display())(io::Error::new(
            io::ErrorKind::AlreadyExists,
            "there is a file which is not a socket: remove it, or choose another path",
        ))),
        Ok(_) => match UnixStream::connect(path).await {
            Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => Ok(()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(ListenError::system(path.display())(error)),
            Ok(_) => Err(ListenError::InUse(path.to_owned())),
        },
    }
}

fn find_group(group: &str) -> Result<u32, ListenError> {
    if let Ok(number) = group.parse() {
        return Ok(number);
    }
    match Group::from_name(group) {
        Ok(Some(found)) => Ok(found.gid.as_raw()),
        _ => Err(ListenError::NoSuchGroup(group.to_owned())),
    }
}
