//! The agent as a process itself.

/// Makes the agent unreadable for its children, since its environment held the token, and the parent of orphans.
pub(crate) fn hide() {
    // Neither can fail on a kernel that runs containers; should it, the command runs all the same.
    if let Err(error) = nix::sys::prctl::set_dumpable(false) {
        tracing::warn!(%error, "the agent cannot hide its environment");
    }
    if let Err(error) = nix::sys::prctl::set_child_subreaper(true) {
        tracing::warn!(%error, "orphans of the command may go unnoticed");
    }
}

/// Makes the folders that the container expects. One that cannot be made is told of, and the command finds out.
pub(crate) fn make_folders(folders: &[String]) {
    for folder in folders {
        if let Err(error) = std::fs::create_dir_all(folder) {
            tracing::warn!(folder, %error, "a mount point cannot be made");
        }
    }
}
