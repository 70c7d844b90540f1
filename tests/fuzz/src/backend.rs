//! A backend whose cloud does at once whatever is asked.

use std::sync::Arc;

use async_trait::async_trait;
use sockerless_backend::types::{
    Container, Descriptor, Disposition, Finding, Handle, Interfaces, InventoryPage, Loaded, LogPage, LogQuery, Outcome,
    Recovered, RunEnd, RunVerdict, Started,
};
use sockerless_backend::{Backend, BackendError, HttpError, Upgrade};
use sockerless_engine::Backends;

/// Its name.
pub(crate) const NAME: &str = "instant";

/// See the module.
pub(crate) struct Instant {
    loaded: Arc<Loaded>,
}

impl Instant {
    pub(crate) fn new() -> Self {
        let descriptor = Descriptor { name: NAME.into(), cpus: 1, memory: 1 << 30, ..Descriptor::default() };
        let loaded = Loaded { descriptor, digest: String::new(), generation: 1, interfaces: Interfaces::default() };
        Self { loaded: Arc::new(loaded) }
    }
}

/// The only backend there is.
pub(crate) struct Only(pub(crate) Arc<Instant>);

impl Backends for Only {
    fn get(&self, name: &str) -> Option<Arc<dyn Backend>> {
        (name == NAME).then(|| self.0.clone() as Arc<dyn Backend>)
    }

    fn default_name(&self) -> Option<String> {
        Some(NAME.to_owned())
    }

    fn names(&self) -> Vec<String> {
        vec![NAME.to_owned()]
    }
}

#[async_trait]
impl Backend for Instant {
    fn loaded(&self) -> Arc<Loaded> {
        self.loaded.clone()
    }

    async fn check(&self) -> Result<(), BackendError> {
        Ok(())
    }

    async fn plan(&self, _: String) -> Result<Vec<Finding>, BackendError> {
        Ok(Vec::new())
    }

    async fn create(&self, _: Container, _: String) -> Result<Handle, BackendError> {
        Ok(Handle { version: 1, data: Vec::new() })
    }

    async fn start(&self, _: Container, _: String, _: String) -> Result<Started, BackendError> {
        Ok(Started { handle: None, end: RunEnd::After(1) })
    }

    async fn finished(&self, _: Container, _: String, _: Outcome) -> Result<RunVerdict, BackendError> {
        Ok(RunVerdict::Exited(0))
    }

    async fn stop(&self, _: Container, _: Option<i32>, _: String) -> Result<Disposition, BackendError> {
        Ok(Disposition::Nothing)
    }

    async fn kill(&self, _: Container, _: String, _: String) -> Result<Disposition, BackendError> {
        Ok(Disposition::Nothing)
    }

    async fn restart(&self, _: Container, _: Option<i32>, _: String) -> Result<Disposition, BackendError> {
        Ok(Disposition::Nothing)
    }

    async fn remove(&self, _: Container, _: bool, _: String) -> Result<(), BackendError> {
        Ok(())
    }

    async fn recover(&self, _: Container) -> Result<Recovered, BackendError> {
        Ok(Recovered::Present(None))
    }

    async fn logs(&self, _: Container, _: LogQuery, _: Option<String>) -> Result<LogPage, BackendError> {
        Ok(LogPage::default())
    }

    async fn inventory(&self, _: Option<String>) -> Result<InventoryPage, BackendError> {
        Ok(InventoryPage::default())
    }

    async fn upgrade(&self, _: &str, _: &[(&str, &str)]) -> Result<Upgrade, HttpError> {
        Err(HttpError::Denied("this cloud has no WebSockets".to_owned()))
    }
}
