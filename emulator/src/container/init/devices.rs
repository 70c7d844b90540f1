//! `/dev`, `/proc` and `/sys` of a container.

use std::ffi::CString;
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;
use std::path::Path;

use nix::libc;
use nix::mount::{MntFlags, MsFlags, umount2};

use super::channel::Events;
use super::rootfs::mount_fs;

/// Parts of /proc that a process whose root is the machine's root could write to.
const READ_ONLY: [&str; 5] = ["bus", "fs", "irq", "sys", "sysrq-trigger"];

/// Parts of /proc that tell of the machine.
const MASKED: [&str; 5] = ["kcore", "keys", "latency_stats", "sched_debug", "timer_list"];

/// Fills `/dev`.
pub(super) fn populate(root: &Path, events: &Events) -> Result<(), String> {
    let dev = root.join("dev");
    fs::create_dir(&dev).map_err(|error| format!("/dev: {error}"))?;
    mount_fs(Some("tmpfs"), &dev, Some("tmpfs"), MsFlags::MS_NOSUID, Some("mode=0755,size=65536k"))?;
    for name in ["null", "zero", "full", "random", "urandom", "tty"] {
        let target = dev.join(name);
        fs::write(&target, "").map_err(|error| format!("/dev/{name}: {error}"))?;
        if let Err(error) = mount_fs(Some(&format!("/dev/{name}")), &target, None, MsFlags::MS_BIND, None) {
            events.note(format!("the container has no /dev/{name}: {error}"));
        }
    }
    for (name, target) in [
        ("fd", "/proc/self/fd"),
        ("stdin", "/proc/self/fd/0"),
        ("stdout", "/proc/self/fd/1"),
        ("stderr", "/proc/self/fd/2"),
        ("ptmx", "pts/ptmx"),
    ] {
        symlink(target, dev.join(name)).map_err(|error| format!("/dev/{name}: {error}"))?;
    }
    for name in ["pts", "shm", "mqueue"] {
        fs::create_dir(dev.join(name)).map_err(|error| format!("/dev/{name}: {error}"))?;
    }
    let pts = dev.join("pts");
    let flags = MsFlags::MS_NOSUID | MsFlags::MS_NOEXEC;
    let options = "newinstance,ptmxmode=0666,mode=0620";
    // Group 5 is tty, where it exists.
    mount_fs(Some("devpts"), &pts, Some("devpts"), flags, Some(&format!("{options},gid=5")))
        .or_else(|_| mount_fs(Some("devpts"), &pts, Some("devpts"), flags, Some(options)))?;
    let flags = flags | MsFlags::MS_NODEV;
    mount_fs(Some("tmpfs"), dev.join("shm"), Some("tmpfs"), flags, Some("mode=1777,size=65536k"))?;
    // Not every kernel has it, and hardly anybody needs it.
    let _ = mount_fs(Some("mqueue"), dev.join("mqueue"), Some("mqueue"), flags, None);
    Ok(())
}

/// Mounts `/proc` and `/sys`. A container without a `/proc` of its own PID namespace is none.
pub(super) fn kernel_views(root: &Path, events: &Events) -> Result<(), String> {
    let flags = MsFlags::MS_NOSUID | MsFlags::MS_NODEV | MsFlags::MS_NOEXEC;
    let proc = root.join("proc");
    let sys = root.join("sys");
    for path in [&proc, &sys] {
        fs::create_dir(path).map_err(|error| format!("{}: {error}", path.display()))?;
    }
    mount_fs(Some("proc"), &proc, Some("proc"), flags, None)?;
    for path in READ_ONLY.map(|name| proc.join(name)) {
        if path.exists() {
            mount_fs(path.to_str(), &path, None, MsFlags::MS_BIND | MsFlags::MS_REC, None)?;
            read_only(&path, true).map_err(|error| format!("{} cannot be made read-only: {error}", path.display()))?;
        }
    }
    for path in MASKED.map(|name| proc.join(name)) {
        if path.exists() {
            mount_fs(Some("/dev/null"), &path, None, MsFlags::MS_BIND, None)?;
        }
    }
    if let Err(error) = read_only_sys(&sys) {
        // Nothing or read-only: never writable.
        let _ = umount2(&sys, MntFlags::MNT_DETACH);
        events.note(format!("/sys is empty in the container: {error}"));
    }
    Ok(())
}

fn read_only_sys(sys: &Path) -> Result<(), String> {
    mount_fs(Some("/sys"), sys, None, MsFlags::MS_BIND | MsFlags::MS_REC, None)?;
    read_only(sys, true).map_err(|error| error.to_string())
}

/// Makes a mount read-only, and, if `recursive`, those below it. Unlike a remount this keeps every other
/// flag, some of which a user namespace may not clear.
pub(super) fn read_only(path: &Path, recursive: bool) -> io::Result<()> {
    let path = CString::new(path.as_os_str().as_bytes())?;
    let attributes = libc::mount_attr { attr_set: libc::MOUNT_ATTR_RDONLY, attr_clr: 0, propagation: 0, userns_fd: 0 };
    let flags = if recursive { libc::AT_RECURSIVE } else { 0 };
    // SAFETY: the path is a C string and the attributes are a `mount_attr` of the size given; both live
    // through the call, which only reads them.
    let result = unsafe {
        libc::syscall(
            libc::SYS_mount_setattr,
            libc::AT_FDCWD,
            path.as_ptr(),
            flags,
            &raw const attributes,
            size_of::<libc::mount_attr>(),
        )
    };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}
