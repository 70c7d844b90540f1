//! A runtime on the thread that asks for it, so that what panics in its tasks is this thread's.

use std::time::Duration;

use tokio::runtime::Builder;

/// Nothing that a target waits for takes this long.
const LONG: Duration = Duration::from_secs(60);

/// Does something to its end. Tasks that it leaves behind are dropped.
pub(crate) fn block_on<T>(future: impl Future<Output = T>) -> T {
    let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
    let result = runtime.block_on(async { tokio::time::timeout(LONG, future).await });
    runtime.shutdown_background();
    result.expect("it comes to an end")
}
