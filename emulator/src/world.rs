//! Everything the services share.

use std::sync::Arc;

use crate::arm::Arm;
use crate::config::EmulatorConfig;
use crate::container::Runtime;
use crate::control::{Faults, Requests};
use crate::identity::Tokens;
use crate::logs::Logs;

/// The emulated cloud.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) config: EmulatorConfig,
    pub(crate) tokens: Tokens,
    pub(crate) arm: Arm,
    pub(crate) logs: Logs,
    pub(crate) runtime: Arc<Runtime>,
    pub(crate) faults: Faults,
    pub(crate) requests: Requests,
}

impl World {
    pub(crate) fn new(config: EmulatorConfig, runtime: Runtime) -> Self {
        Self {
            tokens: Tokens::default(),
            arm: Arm::new(&config.arm),
            logs: Logs::new(&config.logs),
            runtime: Arc::new(runtime),
            faults: Faults::default(),
            requests: Requests::new(config.remembered_requests),
            config,
        }
    }
}
