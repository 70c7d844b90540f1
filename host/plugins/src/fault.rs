//! How a guest failed, in words.

use std::time::Duration;

use sockerless_backend::BackendError;
use wasmtime::{PoolConcurrencyLimitError, Trap};
use wasmtime_wasi::I32Exit;

use crate::context::Context;
use crate::label::Label;
use crate::memory::TooMuchMemory;
use crate::meter::ComputedTooLong;
use crate::state::{CallState, TooManyHostCalls};
use crate::text::printable;

/// A call that ended with an error of the runtime.
pub(crate) fn failed(state: &CallState, error: &wasmtime::Error) -> BackendError {
    if error.is::<PoolConcurrencyLimitError>() {
        return BackendError::Unavailable(format!(
            "the daemon has no instance left for the backend `{}`: as many calls as it can hold are under way; try again later",
            state.label.backend
        ));
    }
    let mut cause = cause(error);
    let words = state.stderr.tail();
    if !words.is_empty() {
        cause = format!("{cause}; it wrote: {words}");
    }
    tracing::debug!(
        backend = &*state.label.backend,
        call = state.label.call,
        error = format!("{error:?}"),
        "call failed"
    );
    fault(&state.label, &cause)
}

/// A call that did not end in time.
pub(crate) fn overdue(label: &Label, limit: Duration) -> BackendError {
    fault(label, &format!("it did not end within {}, the deadline of this call", duration(limit)))
}

/// A call whose answer is against the contract.
pub(crate) fn fault(label: &Label, cause: &str) -> BackendError {
    tracing::warn!(backend = &*label.backend, call = label.call, container = label.container.as_deref(), "{cause}");
    BackendError::Fault(format!("the backend `{}` failed in {}: {cause}", label.backend, label.call))
}

fn cause(error: &wasmtime::Error) -> String {
    if let Some(ComputedTooLong { limit }) = error.downcast_ref() {
        return format!("it ran for {} without an end", duration(*limit));
    }
    if let Some(TooMuchMemory { limit }) = error.downcast_ref() {
        return format!("it asked for more than {} of memory", bytes(*limit));
    }
    if let Some(error) = error.downcast_ref::<TooManyHostCalls>() {
        return error.to_string();
    }
    if let Some(I32Exit(code)) = error.downcast_ref() {
        return format!("it ended itself by exit({code})");
    }
    match error.downcast_ref::<Trap>() {
        Some(Trap::StackOverflow) => "its stack overflowed, as in a recursion without an end".to_owned(),
        Some(Trap::UnreachableCodeReached) => "it trapped: unreachable code was reached, as by a panic".to_owned(),
        // Most languages keep a second stack in their memory, and its end is the memory's.
        Some(Trap::MemoryOutOfBounds) => {
            "it reached beyond its memory, as by a recursion without an end or a bad pointer".to_owned()
        }
        Some(trap) => format!("it trapped: {trap}"),
        // The outermost text is the backtrace.
        None => printable(&error.root_cause().to_string(), 1 << 10),
    }
}

/// A call of a version that serves no more, and that has taken too long to end.
pub(crate) fn interrupted(context: &Context) -> BackendError {
    BackendError::Unavailable(format!(
        "the backend `{}` was replaced by another version while this call was under way, and the call has not ended within {}: \
         try again",
        context.backend,
        duration(context.swap.drain)
    ))
}

/// `5 s`, `1.5 s`, `20 ms`.
pub(crate) fn duration(duration: Duration) -> String {
    if duration < Duration::from_secs(1) {
        format!("{} ms", duration.as_millis())
    } else {
        format!("{} s", (duration.as_secs_f64() * 10.0).round() / 10.0)
    }
}

fn bytes(bytes: usize) -> String {
    const MIB: usize = 1 << 20;
    if bytes.is_multiple_of(MIB) { format!("{} MiB", bytes / MIB) } else { format!("{bytes} bytes") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_readable() {
        assert_eq!(duration(Duration::from_secs(5)), "5 s");
        assert_eq!(duration(Duration::from_millis(1500)), "1.5 s");
        assert_eq!(duration(Duration::from_millis(20)), "20 ms");
        assert_eq!(bytes(64 << 20), "64 MiB");
        assert_eq!(bytes(1000), "1000 bytes");
    }
}
