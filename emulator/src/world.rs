//! Everything the services share.

use std::sync::Arc;

use crate::arm::Arm;
use crate::config::{EmulatorConfig, LiveConfig, Names};
use crate::container::Runtime;
use crate::control::{Faults, Requests};
use crate::http::Authority;
use crate::identity::Tokens;
use crate::logs::Logs;
use crate::storage::Storage;

/// The emulated cloud.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) live: Arc<LiveConfig>,
    pub(crate) authority: Arc<Authority>,
    pub(crate) tokens: Tokens,
    pub(crate) arm: Arm,
    pub(crate) logs: Logs,
    pub(crate) storage: Arc<Storage>,
    pub(crate) runtime: Arc<Runtime>,
    pub(crate) faults: Faults,
    pub(crate) requests: Requests,
}

impl World {
    pub(crate) fn new(
        live: Arc<LiveConfig>,
        authority: Arc<Authority>,
        storage: Arc<Storage>,
        runtime: Runtime,
    ) -> Self {
        let config = live.get();
        Self {
            authority,
            tokens: Tokens::default(),
            arm: Arm::new(&config.arm),
            logs: Logs::default(),
            storage,
            runtime: Arc::new(runtime),
            faults: Faults::default(),
            requests: Requests::new(config.remembered_requests),
            live,
        }
    }

    /// How everything is called in the emulated cloud.
    pub(crate) fn names(&self) -> &'static Names {
        self.live.get().cloud.names()
    }

    /// The configuration that is in force now.
    pub(crate) fn config(&self) -> Arc<EmulatorConfig> {
        self.live.get()
    }
}
