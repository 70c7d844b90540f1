//! The unix socket and its file.

use std::io;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use nix::unistd::{Group, User};
use tokio::net::{UnixListener, UnixSocket, UnixStream};

use super::listener::ListenError;

/// Connections that the system keeps until they are accepted.
const BACKLOG: u32 = 1024;

/// Who may use a unix socket: whoever may write to its file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SocketAccess {
    /// The file's owner, by name or number. Absent: the daemon's user.
    pub owner: Option<String>,
    /// The file's group, by name or number. Absent: the daemon's group.
    pub group: Option<String>,
    /// The file's mode.
    pub mode: u32,
}

impl Default for SocketAccess {
    /// Owner and group may talk to the daemon, nobody else.
    fn default() -> Self {
        Self { owner: None, group: None, mode: 0o660 }
    }
}

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

/// Binds under a name of its own, gives the file its mode and owners, and only then listens: so at no time can anybody connect who may
/// not, whatever the umask is.
pub(super) async fn bind(path: &Path, access: &SocketAccess) -> Result<(UnixListener, SocketFile), ListenError> {
    let failed = || ListenError::system(path.display());
    let path = std::path::absolute(path).map_err(failed())?;
    let owner = access.owner.as_deref().map(find_user).transpose()?;
    let group = access.group.as_deref().map(find_group).transpose()?;
    if access.mode & 0o002 != 0 {
        tracing::warn!(path = %path.display(), mode = %format_args!("{:04o}", access.mode), "every user of this machine can reach the API");
    }
    if let Some(parent) = path.parent() {
        tokio::fs::create_dir_all(parent).await.map_err(failed())?;
    }
    ensure_free(&path).await?;
    let draft = path.with_extension(format!("{}.new", std::process::id()));
    // Left behind by a process of the same number that died right here.
    let _ = std::fs::remove_file(&draft);
    let socket = UnixSocket::new_stream().map_err(failed())?;
    socket.bind(&draft).map_err(failed())?;
    let prepared = (|| {
        std::fs::set_permissions(&draft, std::fs::Permissions::from_mode(access.mode))?;
        std::os::unix::fs::chown(&draft, owner, group)?;
        let listener = socket.listen(BACKLOG)?;
        let inode = std::fs::symlink_metadata(&draft)?.ino();
        std::fs::rename(&draft, &path)?;
        io::Result::Ok((listener, inode))
    })();
    match prepared {
        Ok((listener, inode)) => Ok((listener, SocketFile { path, inode })),
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

fn find_user(user: &str) -> Result<u32, ListenError> {
    if let Ok(number) = user.parse() {
        return Ok(number);
    }
    match User::from_name(user) {
        Ok(Some(found)) => Ok(found.uid.as_raw()),
        _ => Err(ListenError::NoSuchUser(user.to_owned())),
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
