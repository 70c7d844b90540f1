//! The commands that were prepared, run or have run in containers: how many there may be, and how long one is remembered.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use sockerless_docker::ExecCreate;
use tokio::sync::watch;
use tokio::time::Instant;

use crate::error::{Error, Result};
use crate::process::Process;

/// How long one is remembered that has ended, or that was prepared and never started. Clients ask for the exit code when the output ends.
const KEPT: Duration = Duration::from_secs(5 * 60);

/// How many that have ended are remembered at most.
const ENDED: usize = 1024;

/// How many commands clients may have in containers at once, prepared ones included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ExecLimits {
    /// In one container.
    pub per_container: usize,
    /// In all of them.
    pub in_all: usize,
}

impl Default for ExecLimits {
    fn default() -> Self {
        Self { per_container: 256, in_all: 4096 }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Progress {
    Created,
    Running { pid: u32 },
    Exited { code: i32 },
}

pub(crate) struct Exec {
    pub(crate) id: String,
    pub(crate) container: String,
    pub(crate) request: ExecCreate,
    pub(crate) progress: watch::Sender<Progress>,
    /// Set when it has been started.
    pub(crate) process: OnceLock<Arc<dyn Process>>,
    /// When it was prepared.
    created: Instant,
    /// Set when it has ended.
    ended: OnceLock<Instant>,
}

impl Exec {
    pub(crate) fn new(id: String, container: String, request: ExecCreate) -> Self {
        Self {
            id,
            container,
            request,
            progress: watch::Sender::new(Progress::Created),
            process: OnceLock::new(),
            created: Instant::now(),
            ended: OnceLock::new(),
        }
    }

    /// Notes how it ended, unless it has.
    pub(crate) fn exited(&self, code: i32) -> bool {
        let _ = self.ended.set(Instant::now());
        self.progress.send_if_modified(|progress| {
            let running = !matches!(progress, Progress::Exited { .. });
            if running {
                *progress = Progress::Exited { code };
            }
            running
        })
    }

    fn is_over(&self) -> bool {
        self.ended.get().is_some()
    }

    /// Whether nobody will ask for it any more.
    fn is_stale(&self, now: Instant) -> bool {
        let is_old = |since| now.saturating_duration_since(since) >= KEPT;
        match self.ended.get() {
            Some(ended) => is_old(*ended),
            None => is_old(self.created) && *self.progress.borrow() == Progress::Created,
        }
    }
}

/// All execs of this daemon.
#[derive(Default)]
pub(crate) struct Execs {
    by_id: Mutex<HashMap<String, Arc<Exec>>>,
    limits: OnceLock<ExecLimits>,
}

impl Execs {
    fn lock(&self) -> MutexGuard<'_, HashMap<String, Arc<Exec>>> {
        self.by_id.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Before the first one. Later calls change nothing.
    pub(crate) fn limit(&self, limits: ExecLimits) {
        let _ = self.limits.set(limits);
    }

    pub(crate) fn get(&self, id: &str) -> Result<Arc<Exec>> {
        self.lock().get(id).cloned().ok_or_else(|| Error::not_found(format!("No such exec instance: {id}")))
    }

    /// Takes one in.
    ///
    /// # Errors
    /// There are too many.
    pub(crate) fn add(&self, exec: Exec) -> Result<()> {
        let limits = self.limits.get().copied().unwrap_or_default();
        let mut execs = self.lock();
        let now = Instant::now();
        execs.retain(|_, exec| !exec.is_stale(now));
        forget_oldest(&mut execs);
        let open = execs.values().filter(|other| !other.is_over());
        let (in_all, per_container) =
            open.fold((0, 0), |(all, own), other| (all + 1, own + usize::from(other.container == exec.container)));
        if per_container >= limits.per_container {
            return Err(Error::too_many(format!(
                "container {} has {per_container} commands of docker exec, as many as it may have at once \
                 (--max-execs-per-container): wait until one has ended",
                exec.container
            )));
        }
        if in_all >= limits.in_all {
            return Err(Error::too_many(format!(
                "there are {in_all} commands of docker exec in all containers, as many as there may be at once (--max-execs): wait \
                 until one has ended"
            )));
        }
        execs.insert(exec.id.clone(), Arc::new(exec));
        Ok(())
    }

    /// How many run.
    pub(crate) fn running(&self) -> usize {
        let running = |exec: &&Arc<Exec>| matches!(*exec.progress.borrow(), Progress::Running { .. });
        self.lock().values().filter(running).count()
    }

    /// Of those that have not ended, as inspect shows them.
    pub(crate) fn of_container(&self, container: &str) -> Vec<String> {
        let execs = self.lock();
        let open = execs.values().filter(|exec| exec.container == container && !exec.is_over());
        let mut ids: Vec<String> = open.map(|exec| exec.id.clone()).collect();
        ids.sort();
        ids
    }

    /// Nothing runs in a container that has ended, and what has not begun never will.
    pub(crate) fn container_exited(&self, container: &str) {
        let mut execs = self.lock();
        execs.retain(|_, exec| exec.container != container || !matches!(*exec.progress.borrow(), Progress::Created));
        for exec in execs.values().filter(|exec| exec.container == container) {
            exec.exited(137);
        }
    }

    pub(crate) fn container_removed(&self, container: &str) {
        self.lock().retain(|_, exec| exec.container != container);
    }
}

/// Makes room where more have ended than are remembered.
fn forget_oldest(execs: &mut HashMap<String, Arc<Exec>>) {
    if execs.values().filter(|exec| exec.is_over()).count() <= ENDED {
        return;
    }
    let mut ended: Vec<(Instant, String)> =
        execs.values().filter_map(|exec| Some((*exec.ended.get()?, exec.id.clone()))).collect();
    ended.sort();
    for (_, id) in ended.drain(..ended.len() - ENDED / 2) {
        execs.remove(&id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;

    fn exec(id: &str, container: &str) -> Exec {
        Exec::new(id.to_owned(), container.to_owned(), ExecCreate::default())
    }

    #[test]
    fn a_container_and_all_of_them_have_their_limits() {
        let execs = Execs::default();
        execs.limit(ExecLimits { per_container: 2, in_all: 3 });
        for (id, container) in [("1", "a"), ("2", "a"), ("3", "b")] {
            execs.add(exec(id, container)).unwrap();
        }
        let error = execs.add(exec("4", "a")).unwrap_err();
        assert_eq!(error.kind, ErrorKind::TooManyRequests);
        assert!(error.message.contains("--max-execs-per-container"), "{error}");
        let error = execs.add(exec("4", "c")).unwrap_err();
        assert!(error.message.contains("(--max-execs)"), "{error}");
        // One that has ended is no longer counted, and still known.
        assert!(execs.get("3").unwrap().exited(0));
        execs.add(exec("4", "c")).unwrap();
        execs.get("3").unwrap();
        execs.container_exited("a");
        execs.add(exec("5", "a")).unwrap();
    }

    #[test]
    fn what_nobody_asks_for_is_forgotten() {
        let later = |seconds| Instant::now() + Duration::from_secs(seconds);
        let exec = exec("1", "a");
        assert!(!exec.is_stale(later(10)) && exec.is_stale(later(400)));
        exec.progress.send_replace(Progress::Running { pid: 1 });
        assert!(!exec.is_stale(later(40_000)));
        assert!(exec.exited(3) && !exec.exited(4));
        assert!(!exec.is_stale(later(10)) && exec.is_stale(later(400)));
    }

    #[test]
    fn those_that_have_ended_do_not_pile_up() {
        let execs = Execs::default();
        for number in 0..3 * ENDED {
            execs.add(exec(&number.to_string(), "a")).unwrap();
            execs.get(&number.to_string()).unwrap().exited(0);
        }
        let known = execs.lock().len();
        assert!((ENDED / 2..=ENDED + 1).contains(&known), "{known}");
        execs.get(&(3 * ENDED - 1).to_string()).unwrap();
    }
}
