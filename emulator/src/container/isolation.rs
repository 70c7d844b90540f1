//! Finds out, once, how well this machine can hold a container.

use std::path::Path;

use super::process::Process;
use super::protocol::{InitEvent, InitSpec};

/// How containers are kept apart from the machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Isolation {
    /// Own user, mount, PID, UTS and IPC namespaces and a scratch file system over the machine's.
    Namespaces,
    /// Plain processes, which can change the machine.
    Plain {
        /// Why it is not better.
        reason: String,
    },
}

impl Isolation {
    /// Tries a whole set-up.
    pub(super) async fn probe(init: &Path, agent: Option<&Path>) -> std::io::Result<Self> {
        let spec = InitSpec {
            namespaces: true,
            probe: true,
            hostname: "probe".to_owned(),
            rootfs: None,
            folder: None,
            argv: Vec::new(),
            env: Vec::new(),
            agent: agent.map(Path::to_owned),
            scratch_bytes: 16 << 20,
            mounts: Vec::new(),
        };
        let (mut process, _output) = Process::spawn(init, &spec).await?;
        let mut remarks = Vec::new();
        let isolation = loop {
            match process.event().await {
                Some(InitEvent::Note { message }) => remarks.push(message),
                Some(InitEvent::Started { .. }) => break Self::Namespaces,
                Some(InitEvent::Failed { message }) => break Self::Plain { reason: message },
                Some(InitEvent::Exited { .. }) | None => {
                    break Self::Plain { reason: "the helper process of a container ended without a word".to_owned() };
                }
            }
        };
        process.kill().await;
        for remark in remarks {
            tracing::info!("containers: {remark}");
        }
        Ok(isolation)
    }
}
