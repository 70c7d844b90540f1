//! A backend of which the test says what its cloud does next, and the cloud: a set of ids.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard};

use async_trait::async_trait;
use sockerless_backend::types::{
    Container, Descriptor, Disposition, Finding, Handle, Interfaces, Loaded, Outcome, Recovered, Response, RunEnd,
    RunVerdict, Started,
};
use sockerless_backend::{AgentBroker as _, Backend, BackendError, HttpError, OutcomeSink as _, Upgrade};
use sockerless_engine::{Backends, Services};

use crate::operation::Cloudy;

/// What a run is said to have ended with when its request broke.
pub(crate) const BROKEN: i32 = 255;

#[derive(Default)]
struct State {
    apps: BTreeSet<String>,
    /// The run of a container that was started last.
    runs: BTreeMap<String, String>,
    next: Cloudy,
    services: Option<Arc<Services>>,
}

/// See the module. Outlives daemons.
#[derive(Default)]
pub(crate) struct Cloud(Mutex<State>);

impl Cloud {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }

    /// Another daemon is there.
    pub(crate) fn serve(&self, services: Arc<Services>) {
        self.lock().services = Some(services);
    }

    /// What the next call that it concerns meets.
    pub(crate) fn next(&self, next: Cloudy) {
        self.lock().next = next;
    }

    pub(crate) fn apps(&self) -> BTreeSet<String> {
        self.lock().apps.clone()
    }

    fn services(&self) -> Arc<Services> {
        self.lock().services.clone().expect("a daemon")
    }

    /// The command of a container ends: with a code, or the request breaks that was to tell.
    pub(crate) async fn end(&self, container: &str, code: Option<u8>) {
        let Some(run) = self.lock().runs.get(container).cloned() else { return };
        let outcome = match code {
            Some(code) => Ok(Response { status: code.into(), headers: Vec::new(), body: Vec::new() }),
            None => Err(HttpError::Interrupted("the cloud hung up".into())),
        };
        self.services().dispatched(container, &run, outcome).await;
    }

    /// What was planned, if this is the call for it.
    fn take(&self, wanted: impl Fn(Cloudy) -> bool) -> Option<Cloudy> {
        let mut state = self.lock();
        wanted(state.next).then(|| std::mem::take(&mut state.next))
    }

    fn fault(&self) -> Option<Cloudy> {
        self.take(|next| matches!(next, Cloudy::Refuses | Cloudy::DoesAndFails | Cloudy::NameTaken))
    }

    async fn dispose(&self, container: &str, does: Option<u8>) -> Result<Disposition, BackendError> {
        match self.take(|next| matches!(next, Cloudy::Refuses | Cloudy::Does | Cloudy::LeavesItToTheHost)) {
            Some(Cloudy::Refuses) => Err(refused()),
            Some(Cloudy::Does) => {
                match does {
                    Some(code) => self.end(container, Some(code)).await,
                    None => self.services().disconnect(container).await.expect("a link to cut"),
                }
                Ok(Disposition::Done)
            }
            Some(Cloudy::LeavesItToTheHost) => Ok(Disposition::HostDefault),
            _ => Ok(Disposition::Nothing),
        }
    }
}

/// The only backend there is.
pub(crate) struct Only(pub(crate) Arc<Cloud>);

impl Backends for Only {
    fn get(&self, name: &str) -> Option<Arc<dyn Backend>> {
        (name == "scripted").then(|| self.0.clone() as Arc<dyn Backend>)
    }

    fn default_name(&self) -> Option<String> {
        Some("scripted".into())
    }

    fn names(&self) -> Vec<String> {
        vec!["scripted".into()]
    }
}

fn refused() -> BackendError {
    BackendError::Unavailable("the cloud does not answer".into())
}

fn lost() -> BackendError {
    BackendError::Timeout("the answer of the cloud was lost".into())
}

/// With what a command ends that is stopped.
pub(crate) const STOPPED: u8 = 143;

#[async_trait]
impl Backend for Cloud {
    fn loaded(&self) -> Arc<Loaded> {
        let descriptor = Descriptor { name: "scripted".into(), cpus: 1, memory: 1 << 30, ..Descriptor::default() };
        Arc::new(Loaded { descriptor, digest: String::new(), generation: 1, interfaces: Interfaces::default() })
    }

    async fn check(&self) -> Result<(), BackendError> {
        Ok(())
    }

    async fn plan(&self, _: String) -> Result<Vec<Finding>, BackendError> {
        Ok(Vec::new())
    }

    async fn create(&self, container: Container, _: String) -> Result<Handle, BackendError> {
        let fault = self.fault();
        match fault {
            Some(Cloudy::Refuses) => return Err(refused()),
            Some(Cloudy::NameTaken) => return Err(BackendError::NameTaken("somebody else's".into())),
            _ => {}
        }
        self.lock().apps.insert(container.id);
        if fault.is_some() { Err(lost()) } else { Ok(Handle { version: 1, data: Vec::new() }) }
    }

    async fn start(&self, container: Container, run: String, _: String) -> Result<Started, BackendError> {
        if self.fault().is_some() {
            return Err(refused());
        }
        assert!(self.lock().apps.contains(&container.id), "a container is started that is not in the cloud");
        self.lock().runs.insert(container.id, run);
        Ok(Started { handle: None, end: RunEnd::Response })
    }

    async fn finished(&self, _: Container, _: String, outcome: Outcome) -> Result<RunVerdict, BackendError> {
        Ok(match outcome {
            Ok(response) => RunVerdict::Exited(response.status.into()),
            Err(_) => RunVerdict::Unknown(0),
        })
    }

    async fn stop(&self, container: Container, _: Option<i32>, _: String) -> Result<Disposition, BackendError> {
        self.dispose(&container.id, Some(STOPPED)).await
    }

    async fn kill(&self, container: Container, _: String, _: String) -> Result<Disposition, BackendError> {
        self.dispose(&container.id, None).await
    }

    async fn restart(&self, _: Container, _: Option<i32>, _: String) -> Result<Disposition, BackendError> {
        match self.take(|next| matches!(next, Cloudy::Refuses | Cloudy::Does | Cloudy::LeavesItToTheHost)) {
            Some(Cloudy::Refuses) => Err(refused()),
            Some(Cloudy::Does) => Ok(Disposition::Done),
            Some(Cloudy::LeavesItToTheHost) => Ok(Disposition::HostDefault),
            _ => Ok(Disposition::Nothing),
        }
    }

    async fn remove(&self, container: Container, _: bool, _: String) -> Result<(), BackendError> {
        let fault = self.take(|next| matches!(next, Cloudy::Refuses | Cloudy::DoesAndFails));
        if fault == Some(Cloudy::Refuses) {
            return Err(refused());
        }
        // That there is nothing left is success.
        self.lock().apps.remove(&container.id);
        self.lock().runs.remove(&container.id);
        if fault.is_some() { Err(lost()) } else { Ok(()) }
    }

    async fn recover(&self, _: Container) -> Result<Recovered, BackendError> {
        Ok(Recovered::Present(None))
    }

    async fn upgrade(&self, _: &str, _: &[(&str, &str)]) -> Result<Upgrade, HttpError> {
        Err(HttpError::Denied("this cloud has no WebSockets".into()))
    }
}
