//! What advances the engine's epoch.
//!
//! A thread, not a task: a guest that computes holds a worker of the runtime, and must be interrupted also when it
//! holds the last one. While no call is under way the thread is parked, so an idle daemon wakes for nothing.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::{self, Thread};
use std::time::Duration;

use wasmtime::EngineWeak;

/// How long a guest computes before it has to let other tasks of its worker go on.
pub(crate) const SLICE: Duration = Duration::from_millis(10);

pub(crate) struct Ticker {
    running: Arc<AtomicUsize>,
    stop: Arc<AtomicBool>,
    thread: Thread,
}

impl Ticker {
    /// Starts the thread. It ends with the ticker.
    pub(crate) fn start(engine: EngineWeak) -> std::io::Result<Self> {
        let (running, stop) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicBool::new(false)));
        let (counter, ended) = (Arc::clone(&running), Arc::clone(&stop));
        let handle = thread::Builder::new().name("epoch-ticker".into()).spawn(move || {
            while !ended.load(Ordering::SeqCst) {
                if counter.load(Ordering::SeqCst) == 0 {
                    // An `unpark` that came before this is not lost.
                    thread::park();
                    continue;
                }
                thread::sleep(SLICE);
                match engine.upgrade() {
                    Some(engine) => engine.increment_epoch(),
                    None => return,
                }
            }
        })?;
        Ok(Self { running, stop, thread: handle.thread().clone() })
    }

    /// Keeps the epoch advancing for as long as the answer lives.
    pub(crate) fn run(&self) -> Running {
        if self.running.fetch_add(1, Ordering::SeqCst) == 0 {
            self.thread.unpark();
        }
        Running(Arc::clone(&self.running))
    }
}

impl Drop for Ticker {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        self.thread.unpark();
    }
}

/// A call is under way.
pub(crate) struct Running(Arc<AtomicUsize>);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}
