//! One call of an export: a fresh instance, its limits, and what becomes of it.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use sockerless_backend::BackendError;
use sockerless_recorder::Outcome;
use sockerless_telemetry::metrics::metrics;
use tokio::sync::SemaphorePermit;
use tokio::time::{Instant, timeout_at};
use wasmtime::{Store, UpdateDeadline};

use crate::breaker::ends_something;
use crate::context::Context;
use crate::fault;
use crate::limits::Export;
use crate::meter::{Meter, Metered};
use crate::prepared::{Guest, Prepared};
use crate::state::{CallState, Spent};
use crate::tape::{Recorded, Tape};

/// What runs in a guest.
pub(crate) type Work<'a, T> = Pin<Box<dyn Future<Output = wasmtime::Result<T>> + Send + 'a>>;

/// A place for one more call: at once, or when another has ended, as long as not too many wait for that.
async fn place<'a>(
    context: &'a Context,
    export: Export,
    deadline: Instant,
    limit: Duration,
) -> Result<SemaphorePermit<'a>, BackendError> {
    if let Ok(place) = context.places.try_acquire() {
        return Ok(place);
    }
    let limits = &context.limits;
    let _counted = metrics().backends.waiting(&context.backend);
    let waiting = context.waiting.try_acquire();
    if waiting.is_err() && !ends_something(export) {
        return Err(BackendError::Unavailable(format!(
            "the backend `{}` is busy: {} calls are under way and {} wait, as many as it has at once (`instances` and `waiting` in \
             [backend.{}.limits]); try again later",
            context.backend, limits.instances, limits.waiting, context.backend
        )));
    }
    let place = tokio::select! {
        place = timeout_at(deadline, context.places.acquire()) => place,
        () = context.interrupted.cancelled() => return Err(fault::interrupted(context)),
    };
    let Ok(Ok(place)) = place else {
        return Err(BackendError::Unavailable(format!(
            "the backend `{}` is busy: {} calls are under way, and none has ended for {}; try again later",
            context.backend,
            limits.instances,
            fault::duration(limit)
        )));
    };
    Ok(place)
}

/// Runs `work` in a fresh instance. Whatever happens in there, the instance is gone afterwards.
///
/// `arguments` are those of the export, if calls are recorded.
pub(crate) async fn call<T, F>(
    prepared: &Prepared,
    context: &Arc<Context>,
    export: Export,
    container: Option<&str>,
    arguments: Option<Value>,
    work: F,
) -> Result<(T, Spent), BackendError>
where
    T: Recorded + Send,
    F: for<'a> FnOnce(Guest<'a>) -> Work<'a, T> + Send,
{
    let limits = &context.limits;
    let limit = limits.deadline_of(export);
    let deadline = Instant::now() + limit;
    let label = context.label(export, container);

    let _place = place(context, export, deadline, limit).await?;
    let _instance = metrics().backends.instance(&context.backend);
    let _running = prepared.engine.ticker.run();

    let meter = Meter::new(limits.computing);
    let tape = Tape::begin(prepared, context, &label, arguments);
    let state = CallState::new(Arc::clone(context), label.clone(), Arc::clone(&meter), deadline, tape);
    let mut store = Store::new(&prepared.engine.wasmtime, state);
    store.limiter(|state| &mut state.memory);
    // A list in the guest's memory can name the same bytes many times over: what the host copies out of it is bounded
    // like the memory itself.
    store.set_hostcall_fuel(limits.memory_bytes);
    store.set_epoch_deadline(1);
    store.epoch_deadline_callback(|store| {
        store.data().meter.check()?;
        // Tokio's own way to yield lets also timers and sockets have their turn.
        Ok(UpdateDeadline::YieldCustom(1, Box::pin(tokio::task::yield_now())))
    });

    let guest = Box::pin(async {
        let instance = prepared.pre.instantiate_async(&mut store).await?;
        work(Guest { store: &mut store, instance, prepared }).await
    });
    let result = tokio::select! {
        result = timeout_at(deadline, Metered { meter, inner: guest }) => Some(result),
        () = context.interrupted.cancelled() => None,
    };

    store.data().finish();
    let (result, cut) = match result {
        None => (Err(fault::interrupted(context)), true),
        Some(Ok(Ok(value))) => {
            store.data_mut().tape.end(|| Outcome::Returned(value.recorded()));
            return Ok((value, store.into_data().spent));
        }
        Some(Ok(Err(error))) => {
            let error = fault::failed(store.data(), &error);
            let cut = !matches!(error, BackendError::Fault(_));
            (Err(error), cut)
        }
        Some(Err(_)) => (Err(fault::overdue(&label, limit)), true),
    };
    if let Err(error) = &result {
        let outcome = if cut { Outcome::Cut } else { Outcome::Failed };
        store.data_mut().tape.end(|| outcome(error.to_string()));
    }
    result
}
