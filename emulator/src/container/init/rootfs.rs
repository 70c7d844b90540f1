//! The file system of a container: its image's, or this machine's in its stead, under a scratch layer.
//!
//! An overlay over `/` itself is refused inside a user namespace where something is mounted below it
//! ("failed to clone lowerpath"), so each top-level directory has an overlay of its own, and one that
//! holds mounts is put together from its entries. Every layer is in a tmpfs that only this mount
//! namespace has: when its last process ends, nothing is left.

use std::fs;
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::fs::PermissionsExt;
use std::path::{Component, Path, PathBuf};

use nix::fcntl::{OFlag, open};
use nix::mount::{MntFlags, MsFlags, mount, umount2};
use nix::sys::stat::{Mode, umask};

use super::channel::Events;
use super::devices;
use super::tree::{Seed, Tree};
use crate::container::protocol::{AGENT_PATH, InitSpec};

/// Where the new root is put together. What the machine has there is hidden meanwhile, and the
/// container gets an empty one anyway.
const STAGE: &str = "/tmp";

/// Builds the root and makes it this process's.
pub(super) fn build(spec: &InitSpec, events: &Events) -> Result<(), String> {
    umask(Mode::empty());
    mount_fs(None, "/", None, MsFlags::MS_REC | MsFlags::MS_PRIVATE, None)?;
    // Opened before the stage hides it, should it be below /tmp.
    let agent = spec.agent.as_deref().map(open_path).transpose()?;
    let image = spec.rootfs.as_deref().map(open_path).transpose()?;
    let shares = spec.mounts.iter().map(|(folder, path)| Ok((open_path(folder)?, path.as_str())));
    let shares: Vec<(OwnedFd, &str)> = shares.collect::<Result<_, String>>()?;
    let base = image.as_ref().map_or_else(|| "/".to_owned(), |image| format!("/proc/self/fd/{}", image.as_raw_fd()));

    let size = format!("mode=0755,size={}", spec.scratch_bytes);
    let scratch = Path::new(STAGE);
    mount_fs(Some("tmpfs"), scratch, Some("tmpfs"), MsFlags::empty(), Some(&size))?;
    let root = scratch.join("root");
    fs::create_dir(&root).map_err(|error| format!("cannot create the root: {error}"))?;
    mount_fs(Some("tmpfs"), &root, Some("tmpfs"), MsFlags::empty(), Some(&size))?;

    let seeds = seeds(spec);
    let mut tree = Tree::new(scratch, Path::new(&base), &root, &seeds, |message| events.note(message));
    tree.build().map_err(|error| format!("the root file system cannot be built: {error}"))?;
    for seed in &seeds {
        if let Err(error) = seed.ensure(&root) {
            events.note(format!("{} cannot be written: {error}", seed.path.display()));
        }
    }
    volatile(&root)?;
    devices::populate(&root, events)?;
    devices::kernel_views(&root, events)?;
    match agent {
        Some(agent) => place_agent(&agent, &root, events)?,
        // An image without the agent, on a machine that happens to have one.
        None => drop(fs::remove_file(inside(&root, AGENT_PATH))),
    }
    for (folder, path) in &shares {
        mount_share(folder, &root, path)?;
    }
    enter(&root)?;
    umask(Mode::from_bits_truncate(0o022));
    Ok(())
}

/// Files that differ from the machine's.
fn seeds(spec: &InitSpec) -> Vec<Seed> {
    let name = &spec.hostname;
    let mut seeds = vec![
        Seed::text("/etc/hostname", format!("{name}\n")),
        Seed::text("/etc/hosts", format!("127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost\n127.0.1.1\t{name}\n")),
    ];
    // Often a link into /run, which is empty in the container.
    if let Ok(resolver) = fs::read_to_string("/etc/resolv.conf") {
        seeds.push(Seed::text("/etc/resolv.conf", resolver));
    }
    if spec.agent.is_some() {
        seeds.push(Seed { path: PathBuf::from(AGENT_PATH), content: Vec::new(), mode: 0o755 });
    }
    seeds
}

fn volatile(root: &Path) -> Result<(), String> {
    let flags = MsFlags::MS_NOSUID | MsFlags::MS_NODEV;
    for (name, mode) in [("tmp", "mode=1777"), ("run", "mode=0755")] {
        let path = root.join(name);
        fs::create_dir(&path).map_err(|error| format!("/{name}: {error}"))?;
        mount_fs(Some("tmpfs"), &path, Some("tmpfs"), flags, Some(mode))?;
    }
    let lock = root.join("run/lock");
    fs::create_dir(&lock)
        .and_then(|()| fs::set_permissions(&lock, fs::Permissions::from_mode(0o1777)))
        .map_err(|error| format!("/run/lock: {error}"))
}

/// Puts the agent into the image, so that the container can run it but not change it.
fn place_agent(agent: &OwnedFd, root: &Path, events: &Events) -> Result<(), String> {
    let target = inside(root, AGENT_PATH);
    let source = format!("/proc/self/fd/{}", agent.as_raw_fd());
    mount_fs(Some(source.as_str()), &target, None, MsFlags::MS_BIND, None)?;
    if let Err(error) = devices::read_only(&target, false) {
        events.note(format!("the agent is copied into the container, as a read-only mount is refused: {error}"));
        umount2(&target, MntFlags::MNT_DETACH).map_err(|error| format!("{AGENT_PATH}: {error}"))?;
        fs::copy(&source, &target).map_err(|error| format!("{AGENT_PATH}: {error}"))?;
    }
    Ok(())
}

/// Mounts a folder of the machine at a path of the container, which is made where it is missing. Links on the way would lead to
/// the machine's files, since its root is still this process's.
fn mount_share(folder: &OwnedFd, root: &Path, path: &str) -> Result<(), String> {
    let mut target = root.to_owned();
    for part in inside(Path::new(""), path).components() {
        let Component::Normal(name) = part else { return Err(format!("nothing can be mounted at {path}")) };
        target.push(name);
        match fs::symlink_metadata(&target) {
            Ok(metadata) if metadata.is_dir() => {}
            Ok(_) => return Err(format!("nothing can be mounted at {path}: {} is no directory", target.display())),
            Err(_) => fs::create_dir(&target)
                .and_then(|()| fs::set_permissions(&target, fs::Permissions::from_mode(0o755)))
                .map_err(|error| format!("{path}: {error}"))?,
        }
    }
    mount_fs(Some(&format!("/proc/self/fd/{}", folder.as_raw_fd())), &target, None, MsFlags::MS_BIND, None)
}

fn enter(root: &Path) -> Result<(), String> {
    let failed = |error: nix::errno::Errno| format!("the root cannot be entered: {error}");
    nix::unistd::chdir(root).map_err(failed)?;
    // Stacks the old root on the new one, and takes it away, without a directory for it.
    nix::unistd::pivot_root(".", ".").map_err(failed)?;
    umount2(".", MntFlags::MNT_DETACH).map_err(failed)?;
    nix::unistd::chdir("/").map_err(failed)
}

fn open_path(path: &Path) -> Result<OwnedFd, String> {
    open(path, OFlag::O_PATH | OFlag::O_CLOEXEC, Mode::empty())
        .map_err(|error| format!("{} cannot be opened: {error}", path.display()))
}

/// An absolute path of the container, seen from outside.
pub(super) fn inside(root: &Path, path: impl AsRef<Path>) -> PathBuf {
    let path = path.as_ref();
    root.join(path.strip_prefix("/").unwrap_or(path))
}

/// Mounts, with an error that names the place.
pub(super) fn mount_fs(
    source: Option<&str>,
    target: impl AsRef<Path>,
    kind: Option<&str>,
    flags: MsFlags,
    data: Option<&str>,
) -> Result<(), String> {
    let target = target.as_ref();
    mount(source, target, kind, flags, data)
        .map_err(|error| format!("mounting {}: {}", target.display(), io::Error::from(error)))
}
