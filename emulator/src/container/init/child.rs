//! The first process of a container, up to the point where it becomes the app's command.

use std::ffi::OsStr;
use std::io;
use std::os::fd::AsFd;
use std::os::unix::process::CommandExt;
use std::process::Command;

use nix::libc;

use super::channel::Events;
use super::rootfs;
use crate::container::protocol::{AGENT_NAME, InitSpec};

/// Capabilities that the command keeps: those that Docker gives to a container. It must not be able to
/// undo the read-only mounts, since its root is the machine's root when the emulator runs as root.
const KEPT: [u32; 14] = [
    0,  // CAP_CHOWN
    1,  // CAP_DAC_OVERRIDE
    3,  // CAP_FOWNER
    4,  // CAP_FSETID
    5,  // CAP_KILL
    6,  // CAP_SETGID
    7,  // CAP_SETUID
    8,  // CAP_SETPCAP
    10, // CAP_NET_BIND_SERVICE
    13, // CAP_NET_RAW
    18, // CAP_SYS_CHROOT
    27, // CAP_MKNOD
    29, // CAP_AUDIT_WRITE
    31, // CAP_SETFCAP
];

/// Sets the container up and executes the command. Only comes back, with the reason, when that failed.
pub(super) fn run(spec: &InitSpec, events: &Events) -> String {
    match prepare(spec, events) {
        Ok(()) if spec.probe => std::process::exit(0),
        Ok(()) => execute(spec),
        Err(message) => message,
    }
}

fn prepare(spec: &InitSpec, events: &Events) -> Result<(), String> {
    nix::unistd::setsid().map_err(|error| format!("setsid: {error}"))?;
    if spec.namespaces {
        nix::unistd::sethostname(&spec.hostname).map_err(|error| format!("sethostname: {error}"))?;
        rootfs::build(spec, events)?;
        drop_capabilities()?;
    }
    let null = std::fs::File::open("/dev/null").map_err(|error| format!("/dev/null: {error}"))?;
    nix::unistd::dup2_stdin(null.as_fd()).map_err(|error| format!("dup2: {error}"))
}

fn drop_capabilities() -> Result<(), String> {
    for capability in (0..64).filter(|capability| !KEPT.contains(capability)) {
        // SAFETY: PR_CAPBSET_DROP takes one integer and touches no memory of this process.
        let result = unsafe { libc::prctl(libc::PR_CAPBSET_DROP, libc::c_ulong::from(capability), 0, 0, 0) };
        if result != 0 {
            let error = io::Error::last_os_error();
            // Beyond the last capability that this kernel knows.
            if error.raw_os_error() == Some(libc::EINVAL) {
                return Ok(());
            }
            return Err(format!("capability {capability} cannot be dropped: {error}"));
        }
    }
    Ok(())
}

fn execute(spec: &InitSpec) -> String {
    let Some((name, arguments)) = spec.argv.split_first() else {
        return "No command specified: the app has no appCommandLine, and the image has none".to_owned();
    };
    // Without a file system of its own the container finds the agent where it is.
    let program = match &spec.agent {
        Some(agent) if !spec.namespaces && name == AGENT_NAME => agent.as_os_str(),
        _ => OsStr::new(name),
    };
    let mut command = Command::new(program);
    if let Some(folder) = &spec.folder {
        // As Docker does; an error shows when the folder is entered.
        let _ = std::fs::create_dir_all(folder);
        command.current_dir(folder);
    }
    let error =
        command.arg0(name).args(arguments).env_clear().envs(spec.env.iter().map(|(name, value)| (name, value))).exec();
    describe(name, &error)
}

/// The words of Docker's runtime, which a platform log holds.
fn describe(name: &str, error: &io::Error) -> String {
    let reason = match error.kind() {
        io::ErrorKind::NotFound if name.contains('/') => format!("stat {name}: no such file or directory"),
        io::ErrorKind::NotFound => "executable file not found in $PATH".to_owned(),
        io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
        _ => error.to_string(),
    };
    format!("exec: \"{name}\": {reason}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_are_worded_as_docker_words_them() {
        let missing = io::Error::from(io::ErrorKind::NotFound);
        assert_eq!(describe("nope", &missing), r#"exec: "nope": executable file not found in $PATH"#);
        assert_eq!(describe("/nope", &missing), r#"exec: "/nope": stat /nope: no such file or directory"#);
    }
}
