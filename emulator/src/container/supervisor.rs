//! Keeps one app running: one task per app owns its containers.
//!
//! ```text
//!            wake/create              ping answered
//!  Waiting ───────────────► Starting ───────────────► Ready ──exit──► (pause) ──► Starting
//!                              │ exit, limit                    replace: a second one starts beside it
//!                              ▼
//!                           Failed ──(pause, doubling)──► Starting          stop ► Stopped   delete ► Deleted
//! ```

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep_until, timeout};

use super::instance::{End, Happening, Instance};
use super::platform_log::PlatformLog;
use super::runtime::{LaunchSpec, Runtime};
use super::status::{ContainerView, Phase, Status};
use crate::config::StartPolicy;
use crate::http::client;

/// What can be asked of an app's supervisor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Order {
    /// A request came: start, should nothing have been started yet.
    Wake,
    /// Run again after a stop.
    Start,
    /// End every container until [`Order::Start`].
    Stop,
    /// Start a new container with this, beside the old one.
    Replace(LaunchSpec),
    /// Start a new container with the same, beside the old one.
    Restart,
    /// The worker is lost: kill, and start with a fresh file system on another.
    Move,
    /// Kill the process of the container that takes requests: it exits, as far as the platform knows.
    Crash,
    /// End every container, for good.
    Delete,
    /// As [`Order::Delete`], at once.
    Shutdown,
}

/// Why an app takes no request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum NotReady {
    /// It is stopped.
    Stopped,
    /// It was deleted meanwhile.
    Deleted,
    /// Its container did not start.
    Failed(String),
    /// Its container has not started within the time given.
    Late,
}

/// An app's supervisor, to those who need something of it.
#[derive(Debug, Clone)]
pub(crate) struct AppHandle {
    orders: mpsc::UnboundedSender<Order>,
    status: watch::Receiver<Status>,
    log: Arc<PlatformLog>,
}

impl AppHandle {
    /// Starts the supervisor of an app.
    pub(crate) fn spawn(runtime: &Arc<Runtime>, spec: LaunchSpec) -> Self {
        let log = Arc::new(PlatformLog::new(&spec.site));
        let (orders, orders_in) = mpsc::unbounded_channel();
        let (happenings, happened) = mpsc::unbounded_channel();
        let phase = Phase::Waiting;
        let (status, status_out) = watch::channel(Status { phase, containers: Vec::new(), starts: 0 });
        let supervisor = Supervisor {
            spec,
            runtime: Arc::clone(runtime),
            log: Arc::clone(&log),
            live: Vec::new(),
            next_id: 0,
            newest: None,
            wanted: true,
            waiting: runtime.platform().start == StartPolicy::FirstRequest,
            ending: false,
            retry_at: None,
            failures: 0,
            failure: None,
            worker: random_hex(32),
            status,
            happenings,
        };
        runtime.tasks.spawn(supervisor.run(orders_in, happened));
        Self { orders, status: status_out, log }
    }

    pub(crate) fn order(&self, order: Order) {
        // A supervisor that has ended has nothing left to do.
        let _ = self.orders.send(order);
    }

    pub(crate) fn status(&self) -> Status {
        self.status.borrow().clone()
    }

    pub(crate) fn log(&self) -> &PlatformLog {
        &self.log
    }

    /// The port of the container that takes requests; waits for one that is starting.
    pub(crate) async fn ready(&self, limit: Duration) -> Result<u16, NotReady> {
        self.order(Order::Wake);
        let mut status = self.status.clone();
        let settled = status.wait_for(|status| !matches!(status.phase, Phase::Waiting | Phase::Starting));
        match timeout(limit, settled).await {
            Err(_) => Err(NotReady::Late),
            Ok(Err(_)) => Err(NotReady::Deleted),
            Ok(Ok(status)) => match &status.phase {
                Phase::Ready { port } => Ok(*port),
                Phase::Stopped => Err(NotReady::Stopped),
                Phase::Failed { reason } => Err(NotReady::Failed(reason.clone())),
                Phase::Deleted | Phase::Waiting | Phase::Starting => Err(NotReady::Deleted),
            },
        }
    }
}

struct Live {
    id: u64,
    view: ContainerView,
    end: watch::Sender<Option<End>>,
    ready_since: Option<Instant>,
    /// When it has to make way for a newer one.
    retire_at: Option<Instant>,
}

struct Supervisor {
    spec: LaunchSpec,
    runtime: Arc<Runtime>,
    log: Arc<PlatformLog>,
    live: Vec<Live>,
    next_id: u64,
    newest: Option<u64>,
    wanted: bool,
    waiting: bool,
    ending: bool,
    retry_at: Option<Instant>,
    failures: u32,
    failure: Option<String>,
    worker: String,
    status: watch::Sender<Status>,
    happenings: mpsc::UnboundedSender<(u64, Happening)>,
}

impl Supervisor {
    async fn run(
        mut self,
        mut orders: mpsc::UnboundedReceiver<Order>,
        mut happened: mpsc::UnboundedReceiver<(u64, Happening)>,
    ) {
        let mut pinged = Instant::now();
        if !self.waiting {
            self.launch();
        }
        while !(self.ending && self.live.is_empty()) {
            self.publish();
            let alarm = self.retry_at.into_iter().chain(self.live.iter().filter_map(|live| live.retire_at)).min();
            let pause = Duration::from_millis(self.runtime.platform().always_on_interval_ms);
            tokio::select! {
                order = orders.recv() => self.obey(order.unwrap_or(Order::Shutdown)),
                Some((id, happening)) = happened.recv() => self.learn(id, happening),
                () = sleep_until(alarm.unwrap_or_else(Instant::now)), if alarm.is_some() => self.on_alarm(),
                () = sleep_until(pinged + pause), if !pause.is_zero() && self.spec.always_on => {
                    pinged = Instant::now();
                    self.ping();
                }
            }
        }
        self.publish();
    }

    fn obey(&mut self, order: Order) {
        match order {
            Order::Wake if self.waiting && self.wanted => self.launch(),
            Order::Start if !self.wanted => {
                self.wanted = true;
                self.launch();
            }
            Order::Wake | Order::Start => {}
            Order::Stop => {
                self.wanted = false;
                self.retry_at = None;
                self.end_all(End::Stop);
            }
            Order::Replace(spec) => {
                self.spec = spec;
                self.renew();
            }
            Order::Restart => self.renew(),
            Order::Move => {
                self.log.info("The worker of this site was lost; the site moves to another");
                self.worker = random_hex(32);
                self.end_all(End::Kill);
                self.renew();
            }
            Order::Crash => {
                let newest = self.live.iter().find(|live| Some(live.id) == self.newest);
                if let Some(live) = newest {
                    live.end.send_replace(Some(End::Crash));
                }
            }
            Order::Delete => {
                self.ending = true;
                self.end_all(End::Stop);
            }
            Order::Shutdown => {
                self.ending = true;
                self.end_all(End::Kill);
            }
        }
    }

    fn renew(&mut self) {
        self.failures = 0;
        self.failure = None;
        if self.wanted && !self.waiting && !self.ending {
            self.launch();
        }
    }

    fn end_all(&mut self, end: End) {
        self.newest = None;
        for live in &self.live {
            live.end.send_replace(Some(end));
        }
    }

    fn launch(&mut self) {
        self.waiting = false;
        self.retry_at = None;
        let port = match self.runtime.ports.take() {
            Ok(port) => port,
            Err(error) => return self.failed(error.to_string()),
        };
        let id = self.next_id;
        self.next_id += 1;
        let name = format!("{}_{id}_{}", self.spec.site.to_ascii_lowercase(), random_hex(4));
        let (end, end_out) = watch::channel(None);
        let view = ContainerView { name: name.clone(), pid: None, port: port.get(), ready: false };
        self.live.push(Live { id, view, end, ready_since: None, retire_at: None });
        self.newest = Some(id);
        let instance = Instance {
            id,
            name,
            worker: self.worker.clone(),
            spec: self.spec.clone(),
            port,
            runtime: Arc::clone(&self.runtime),
            log: Arc::clone(&self.log),
            end: end_out,
            happenings: self.happenings.clone(),
        };
        self.runtime.tasks.spawn(instance.run());
    }

    fn learn(&mut self, id: u64, happening: Happening) {
        let Some(index) = self.live.iter().position(|live| live.id == id) else { return };
        let is_newest = self.newest == Some(id);
        match happening {
            Happening::Running { pid } => self.live[index].view.pid = Some(pid),
            Happening::Ready => {
                self.live[index].view.ready = true;
                self.live[index].ready_since = Some(Instant::now());
                if is_newest {
                    self.failure = None;
                    self.retire_others(id);
                }
            }
            Happening::Ended { reason } => {
                let live = self.live.swap_remove(index);
                if is_newest && self.wanted && !self.ending {
                    self.retire_others(id);
                    self.newest = None;
                    let steady = Duration::from_millis(self.runtime.platform().restart_backoff_max_ms);
                    match live.ready_since {
                        Some(since) if since.elapsed() >= steady => self.failures = 0,
                        _ => {}
                    }
                    let was_ready = live.ready_since.is_some();
                    self.failed(reason.unwrap_or_default());
                    if was_ready {
                        // Its requests wait for the restart; only a failed start is answered with an error.
                        self.failure = None;
                    }
                }
            }
        }
    }

    fn retire_others(&mut self, id: u64) {
        let at = Instant::now() + Duration::from_millis(self.runtime.platform().overlap_ms);
        for live in self.live.iter_mut().filter(|live| live.id != id && live.retire_at.is_none()) {
            live.retire_at = Some(at);
        }
    }

    fn failed(&mut self, reason: String) {
        let platform = self.runtime.platform();
        let pause = platform
            .restart_backoff_ms
            .saturating_mul(1_u64.checked_shl(self.failures).unwrap_or(u64::MAX))
            .min(platform.restart_backoff_max_ms);
        self.failures = (self.failures + 1).min(32);
        self.retry_at = Some(Instant::now() + Duration::from_millis(pause));
        self.failure = Some(reason);
    }

    fn on_alarm(&mut self) {
        let now = Instant::now();
        for live in self.live.iter_mut().filter(|live| live.retire_at.is_some_and(|at| at <= now)) {
            live.retire_at = None;
            live.end.send_if_modified(|end| {
                end.is_none() && {
                    *end = Some(End::Stop);
                    true
                }
            });
        }
        if self.retry_at.is_some_and(|at| at <= now) {
            self.launch();
        }
    }

    /// The container that takes requests: the newest that is ready and not being ended.
    fn serving(&self) -> Option<&ContainerView> {
        self.live
            .iter()
            .filter(|live| live.view.ready && live.end.borrow().is_none())
            .max_by_key(|live| live.id)
            .map(|live| &live.view)
    }

    fn ping(&self) {
        if let Some(port) = self.serving().map(|view| view.port) {
            tokio::spawn(async move {
                // Nobody looks at the answer: the ping is to keep the app awake.
                let _ = timeout(Duration::from_secs(30), client::get(port, "/")).await;
            });
        }
    }

    fn publish(&self) {
        let phase = if self.ending {
            Phase::Deleted
        } else if !self.wanted {
            Phase::Stopped
        } else if let Some(view) = self.serving() {
            Phase::Ready { port: view.port }
        } else if self.waiting {
            Phase::Waiting
        } else if let Some(reason) = &self.failure {
            Phase::Failed { reason: reason.clone() }
        } else {
            Phase::Starting
        };
        let containers = self.live.iter().map(|live| live.view.clone()).collect();
        let status = Status { phase, containers, starts: self.next_id };
        self.status.send_if_modified(|current| {
            let changed = *current != status;
            *current = status;
            changed
        });
    }
}

/// Random bytes in hex.
fn random_hex(bytes: usize) -> String {
    let mut buffer = vec![0; bytes];
    // Without randomness the names are not unique, which harms nothing here.
    let _ = getrandom::fill(&mut buffer);
    hex::encode(buffer)
}
