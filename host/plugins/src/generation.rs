//! One version of a backend, with what it was granted: the exports of the WIT package as functions.

mod sessions;

use std::sync::Arc;

use serde_json::{Value, json};
use sockerless_backend::BackendError;
use sockerless_backend::types::{
    Container, Descriptor, Disposition, Finding, Handle, InventoryItem, InventoryPage, Loaded, LogPage, LogQuery,
    Outcome, Recovered, RunVerdict, Started,
};

use sockerless_telemetry::{Kind, Name, Span};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::bindings::exports::sockerless::backend::lifecycle;
use crate::bindings::sockerless::backend::types as wit;
use crate::breaker::{Breaker, Outage, ServiceChange};
use crate::call::{Work, call};
use crate::context::Context;
use crate::convert;
use crate::error::LoadError;
use crate::fault;
use crate::limits::Export;
use crate::observe;
use crate::prepared::{Guest, Prepared};
use crate::tally::Tally;
use crate::tape::Recorded;
use crate::text::redacted;

/// As the WIT package has it.
const MAX_HANDLE: usize = 64 << 10;

pub(crate) struct Generation {
    pub(crate) loaded: Arc<Loaded>,
    pub(crate) prepared: Arc<Prepared>,
    pub(crate) context: Arc<Context>,
    pub(crate) tally: Tally,
    pub(crate) breaker: Breaker,
}

/// Calls `describe`, for which there is no generation yet, after a look at the types of all exports. Answers also whether it
/// asked for its configuration.
pub(crate) async fn describe(prepared: &Prepared, context: &Arc<Context>) -> Result<(Descriptor, bool), LoadError> {
    let arguments = context.recorded(|| json!({}));
    let work = call(prepared, context, Export::Describe, None, arguments, |mut guest| {
        Box::pin(async move {
            match guest.fits() {
                Ok(()) => Ok(Ok(guest.backend()?.call_describe(guest.store).await?)),
                Err(misfit) => Ok(Err(format!("{misfit:#}"))),
            }
        })
    });
    let (descriptor, spent) = work.await.map_err(LoadError::Describe)?;
    Ok((descriptor.map_err(LoadError::Signature)?.into(), spent.asked_config))
}

impl Generation {
    pub(crate) fn new(loaded: Loaded, prepared: Arc<Prepared>, context: Arc<Context>) -> Self {
        let tally = Tally::new(context.swap.watch);
        let breaker = Breaker::new(context.breaker.clone());
        Self { loaded: Arc::new(loaded), prepared, context, tally, breaker }
    }

    /// The same component once more, with nothing of what has become of it.
    pub(crate) fn again(&self, number: u64) -> Self {
        let context = Context { interrupted: CancellationToken::new(), ..(*self.context).clone() };
        let loaded = Loaded { generation: number, ..(*self.loaded).clone() };
        Self::new(loaded, Arc::clone(&self.prepared), Arc::new(context))
    }

    async fn call<T, F>(
        &self,
        export: Export,
        container: Option<&str>,
        arguments: Option<Value>,
        work: F,
    ) -> Result<T, BackendError>
    where
        T: Recorded + Send,
        F: for<'a> FnOnce(Guest<'a>) -> Work<'a, Result<T, wit::Error>> + Send,
    {
        let span = self.span(export, container);
        let began = Instant::now();
        let admitted = self.breaker.admit(export).map_err(|outage| {
            observe::refused(&span, &self.context.backend, export, began);
            self.refused(&outage)
        })?;
        let work = Box::pin(call(&self.prepared, &self.context, export, container, arguments, work));
        let ended = span.run(work).await;
        if let Some(change) = self.breaker.note(admitted, export, container, &ended) {
            self.tell(change);
        }
        let result = ended.and_then(|(result, _)| result.map_err(Into::into));
        // A cloud may repeat in its error what it was sent.
        let result = result.map_err(|error: BackendError| error.reworded(|text| redacted(text, &self.context.secrets)));
        self.tally.note(export, &result);
        observe::ended(&span, &self.context.backend, export, &result, began);
        result
    }

    /// The span of a call.
    fn span(&self, export: Export, container: Option<&str>) -> Span {
        Span::begin(Kind::Internal, || {
            let name = Name::new(export.name())
                .with("sockerless.backend", self.context.backend.to_string())
                .with("sockerless.backend.version", self.loaded.descriptor.version.clone());
            match container {
                Some(container) => name.with("sockerless.container", container.to_owned()),
                None => name,
            }
        })
    }

    fn refused(&self, outage: &Outage) -> BackendError {
        BackendError::Unavailable(format!(
            "the backend `{}` is {outage}; try again later, or load a version that works with `sockerless plugin load`",
            self.context.backend
        ))
    }

    /// Tells that this generation is out of service, or back.
    fn tell(&self, outage: Option<Outage>) {
        let (backend, generation) = (self.context.backend.to_string(), self.loaded.generation);
        match &outage {
            Some(outage) => tracing::error!(backend, generation, "the backend is {outage}"),
            None => tracing::info!(backend, generation, "the backend is back in service"),
        }
        // Nobody need listen.
        let _ = self.context.shared.service.send(ServiceChange { backend, generation, outage });
    }

    /// Calls an export of the `lifecycle`, all of which are about one container.
    async fn lifecycle<T, F>(
        &self,
        export: Export,
        container: Container,
        arguments: Option<Value>,
        work: F,
    ) -> Result<T, BackendError>
    where
        T: Recorded + Send,
        F: for<'a> FnOnce(lifecycle::Guest, Guest<'a>, wit::Container) -> Work<'a, Result<T, wit::Error>> + Send,
    {
        let container: wit::Container = container.into();
        let id = container.id.clone();
        self.call(export, Some(&id), arguments, move |mut guest| match guest.lifecycle() {
            Ok(exports) => work(exports, guest, container),
            Err(error) => Box::pin(async { Err(error) }),
        })
        .await
    }

    /// A handle as it may be stored.
    fn handle(&self, export: Export, handle: wit::Handle) -> Result<Handle, BackendError> {
        let bytes = handle.data.len();
        if bytes <= MAX_HANDLE {
            return Ok(handle.into());
        }
        let label = self.context.label(export, None);
        Err(fault::fault(&label, &format!("its handle has {bytes} bytes, more than the {MAX_HANDLE} that are allowed")))
    }

    pub(crate) async fn check(&self) -> Result<(), BackendError> {
        let arguments = self.context.recorded(|| json!({}));
        self.call(Export::Check, None, arguments, |mut guest| {
            Box::pin(async move { guest.backend()?.call_check(guest.store).await })
        })
        .await
    }

    pub(crate) async fn plan(&self, spec: String) -> Result<Vec<Finding>, BackendError> {
        let arguments = self.context.recorded(|| json!({ "spec": spec }));
        let findings = self
            .call(Export::Plan, None, arguments, |mut guest| {
                Box::pin(async move { guest.backend()?.call_plan(guest.store, &spec).await })
            })
            .await?;
        Ok(findings.into_iter().map(Into::into).collect())
    }

    pub(crate) async fn create(&self, container: Container, key: String) -> Result<Handle, BackendError> {
        let arguments = self.context.recorded(|| json!({ "container": container, "key": key }));
        let handle = self
            .lifecycle(Export::Create, container, arguments, move |exports, guest, container| {
                Box::pin(async move { exports.call_create(guest.store, &container, &key).await })
            })
            .await?;
        self.handle(Export::Create, handle)
    }

    pub(crate) async fn start(&self, container: Container, run: String, key: String) -> Result<Started, BackendError> {
        let arguments = self.context.recorded(|| json!({ "container": container, "run": run, "key": key }));
        let mut started = self
            .lifecycle(Export::Start, container, arguments, move |exports, guest, container| {
                Box::pin(async move { exports.call_start(guest.store, &container, &run, &key).await })
            })
            .await?;
        let handle = started.handle.take().map(|handle| self.handle(Export::Start, handle)).transpose()?;
        Ok(Started { handle, ..started.into() })
    }

    pub(crate) async fn finished(
        &self,
        container: Container,
        run: String,
        outcome: Outcome,
    ) -> Result<RunVerdict, BackendError> {
        let arguments = self.context.recorded(|| json!({ "container": container, "run": run, "outcome": outcome }));
        let outcome = convert::outcome(outcome);
        let verdict = self
            .lifecycle(Export::Finished, container, arguments, move |exports, guest, container| {
                Box::pin(async move { exports.call_finished(guest.store, &container, &run, &outcome).await })
            })
            .await?;
        Ok(verdict.into())
    }

    pub(crate) async fn stop(
        &self,
        container: Container,
        timeout: Option<i32>,
        key: String,
    ) -> Result<Disposition, BackendError> {
        let arguments =
            self.context.recorded(|| json!({ "container": container, "timeout_seconds": timeout, "key": key }));
        let disposition = self
            .lifecycle(Export::Stop, container, arguments, move |exports, guest, container| {
                Box::pin(async move { exports.call_stop(guest.store, &container, timeout, &key).await })
            })
            .await?;
        Ok(disposition.into())
    }

    pub(crate) async fn kill(
        &self,
        container: Container,
        signal: String,
        key: String,
    ) -> Result<Disposition, BackendError> {
        let arguments = self.context.recorded(|| json!({ "container": container, "signal": signal, "key": key }));
        let disposition = self
            .lifecycle(Export::Kill, container, arguments, move |exports, guest, container| {
                Box::pin(async move { exports.call_kill(guest.store, &container, &signal, &key).await })
            })
            .await?;
        Ok(disposition.into())
    }

    pub(crate) async fn restart(
        &self,
        container: Container,
        timeout: Option<i32>,
        key: String,
    ) -> Result<Disposition, BackendError> {
        let arguments =
            self.context.recorded(|| json!({ "container": container, "timeout_seconds": timeout, "key": key }));
        let disposition = self
            .lifecycle(Export::Restart, container, arguments, move |exports, guest, container| {
                Box::pin(async move { exports.call_restart(guest.store, &container, timeout, &key).await })
            })
            .await?;
        Ok(disposition.into())
    }

    pub(crate) async fn remove(&self, container: Container, force: bool, key: String) -> Result<(), BackendError> {
        let arguments = self.context.recorded(|| json!({ "container": container, "force": force, "key": key }));
        self.lifecycle(Export::Remove, container, arguments, move |exports, guest, container| {
            Box::pin(async move { exports.call_remove(guest.store, &container, force, &key).await })
        })
        .await
    }

    pub(crate) async fn recover(&self, container: Container) -> Result<Recovered, BackendError> {
        let arguments = self.context.recorded(|| json!({ "container": container }));
        let recovered = self
            .lifecycle(Export::Recover, container, arguments, |exports, guest, container| {
                Box::pin(async move { exports.call_recover(guest.store, &container).await })
            })
            .await?;
        match recovered {
            lifecycle::Recovered::Present(Some(handle)) => {
                Ok(Recovered::Present(Some(self.handle(Export::Recover, handle)?)))
            }
            other => Ok(other.into()),
        }
    }

    pub(crate) async fn logs(
        &self,
        container: Container,
        query: LogQuery,
        cursor: Option<String>,
    ) -> Result<LogPage, BackendError> {
        if !self.loaded.interfaces.logs {
            return Err(BackendError::NotSupported(format!(
                "the backend `{}` keeps no logs of its own",
                self.context.backend
            )));
        }
        let arguments = self.context.recorded(|| json!({ "container": container, "query": query, "cursor": cursor }));
        let query = convert::query(&query);
        let id = container.id.clone();
        let page = self
            .call(Export::Logs, Some(&id), arguments, move |mut guest| {
                Box::pin(async move {
                    let Some(exports) = guest.logs()? else {
                        return Ok(Err(wit::Error::NotSupported("the backend keeps no logs of its own".into())));
                    };
                    exports.call_read(guest.store, &container.into(), query, cursor.as_deref()).await
                })
            })
            .await?;
        Ok(page.into())
    }

    /// Refuses what only a backend with an inventory can do.
    fn inventories(&self) -> Result<(), BackendError> {
        if self.loaded.interfaces.inventory {
            return Ok(());
        }
        Err(BackendError::NotSupported(format!(
            "the backend `{}` cannot tell what there is in its cloud",
            self.context.backend
        )))
    }

    pub(crate) async fn inventory(&self, cursor: Option<String>) -> Result<InventoryPage, BackendError> {
        self.inventories()?;
        let arguments = self.context.recorded(|| json!({ "cursor": cursor }));
        let page = self
            .call(Export::Inventory, None, arguments, move |mut guest| {
                Box::pin(async move {
                    match guest.inventory()? {
                        Some(exports) => exports.call_list(guest.store, cursor.as_deref()).await,
                        None => Ok(Err(no_inventory())),
                    }
                })
            })
            .await?;
        let mut items = Vec::with_capacity(page.items.len());
        for item in page.items {
            let handle = self.handle(Export::Inventory, item.handle)?;
            items.push(InventoryItem {
                id: item.id,
                owner: item.owner,
                name: item.name,
                image: item.image,
                labels: item.labels,
                place: item.place,
                handle,
            });
        }
        Ok(InventoryPage { items, next: page.next })
    }

    pub(crate) async fn agent_environment(
        &self,
        container: String,
        handle: Handle,
    ) -> Result<Vec<(String, String)>, BackendError> {
        self.inventories()?;
        let arguments = self.context.recorded(|| json!({ "id": container, "handle": handle }));
        let id = container.clone();
        self.call(Export::AgentEnvironment, Some(&id), arguments, move |mut guest| {
            Box::pin(async move {
                match guest.inventory()? {
                    Some(exports) => exports.call_agent_environment(guest.store, &container, &handle.into()).await,
                    None => Ok(Err(no_inventory())),
                }
            })
        })
        .await
    }
}

fn no_inventory() -> wit::Error {
    wit::Error::NotSupported("the backend cannot tell what there is in its cloud".into())
}
