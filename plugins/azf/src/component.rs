//! The exports of the component: each hands its call, with the host as the world, to the module whose subject it is.

use crate::bindings::backend::{self, Descriptor, Finding};
use crate::bindings::inventory as inventory_exports;
use crate::bindings::lifecycle::{self as exports, Disposition, Outcome, Recovered, RunVerdict, Started};
use crate::bindings::logs::{self as log_exports, Page, Query};
use crate::bindings::types::{Container, Error, Handle};
use crate::imports::Imports;
use crate::{check, descriptor, inventory, lifecycle, logs, plan};

/// The backend.
#[derive(Debug)]
pub struct Component;

impl backend::Guest for Component {
    fn describe() -> Descriptor {
        descriptor::describe(&Imports)
    }

    fn check() -> Result<(), Error> {
        check::check(&Imports)
    }

    fn plan(spec: String) -> Result<Vec<Finding>, Error> {
        plan::findings(&Imports, &spec)
    }
}

impl exports::Guest for Component {
    fn create(container: Container, key: String) -> Result<Handle, Error> {
        lifecycle::create(&Imports, &container, &key)
    }

    fn start(container: Container, run: String, key: String) -> Result<Started, Error> {
        lifecycle::start(&Imports, &container, &run, &key)
    }

    fn finished(container: Container, run: String, outcome: Outcome) -> Result<RunVerdict, Error> {
        lifecycle::finished(&Imports, &container, &run, &outcome)
    }

    fn stop(container: Container, _timeout_seconds: Option<i32>, _key: String) -> Result<Disposition, Error> {
        lifecycle::stop(&Imports, &container)
    }

    fn kill(container: Container, signal: String, _key: String) -> Result<Disposition, Error> {
        lifecycle::kill(&Imports, &container, &signal)
    }

    fn restart(container: Container, _timeout_seconds: Option<i32>, _key: String) -> Result<Disposition, Error> {
        lifecycle::restart(&Imports, &container)
    }

    fn remove(container: Container, force: bool, key: String) -> Result<(), Error> {
        lifecycle::remove(&Imports, &container, force, &key)
    }

    fn recover(container: Container) -> Result<Recovered, Error> {
        lifecycle::recover(&Imports, &container)
    }
}

impl log_exports::Guest for Component {
    fn read(container: Container, query: Query, _cursor: Option<String>) -> Result<Page, Error> {
        logs::read(&Imports, &container, &query)
    }
}

impl inventory_exports::Guest for Component {
    fn list(cursor: Option<String>) -> Result<inventory_exports::Page, Error> {
        inventory::list(&Imports, cursor.as_deref())
    }

    fn agent_environment(id: String, handle: Handle) -> Result<Vec<(String, String)>, Error> {
        inventory::agent_environment(&Imports, &id, &handle)
    }
}
