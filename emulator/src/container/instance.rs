//! One container from its pull to its end.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use nix::libc;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep, timeout};

use super::command;
use super::environment::{Place, environment};
use super::isolation::Isolation;
use super::mounts;
use super::platform_log::PlatformLog;
use super::ports::PortLease;
use super::process::{Output, Process};
use super::protocol::{InitEvent, InitSpec};
use super::runtime::{LaunchSpec, Runtime};
use crate::http::client;
use crate::image::Unpacked;

/// The path that the platform asks for until anything answers.
const WARM_UP: &str = "/robots933456.txt";

/// How long one ping waits for its answer.
const PING_LIMIT: Duration = Duration::from_secs(10);

/// How a container is ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// SIGTERM, and SIGKILL after the grace.
    Stop,
    /// SIGKILL.
    Kill,
    /// SIGKILL that nobody ordered, as far as the platform knows.
    Crash,
}

/// What the supervisor learns.
#[derive(Debug)]
pub(super) enum Happening {
    /// The command runs.
    Running { pid: i32 },
    /// It answered the warm-up ping.
    Ready,
    /// It is gone. `reason` tells why when that was not ordered.
    Ended { reason: Option<String> },
}

/// A container to be run.
pub(super) struct Instance {
    pub(super) id: u64,
    pub(super) name: String,
    pub(super) worker: String,
    pub(super) spec: LaunchSpec,
    pub(super) port: PortLease,
    pub(super) runtime: Arc<Runtime>,
    pub(super) log: Arc<PlatformLog>,
    pub(super) end: watch::Receiver<Option<End>>,
    pub(super) happenings: mpsc::UnboundedSender<(u64, Happening)>,
}

impl Instance {
    /// Runs it to its end, and reports.
    pub(super) async fn run(mut self) {
        let reason = match self.start().await {
            Ok(Some(process)) => self.live(process).await,
            Ok(None) => None,
            Err(reason) => Some(reason),
        };
        if let Some(reason) = &reason {
            self.log.error(reason);
        }
        self.tell(Happening::Ended { reason });
    }

    fn tell(&self, happening: Happening) {
        // A supervisor that is gone has no use for it.
        let _ = self.happenings.send((self.id, happening));
    }

    /// Pulls and starts. `None` when it is to end before it started.
    async fn start(&mut self) -> Result<Option<Process>, String> {
        let image = self.runtime.image(&self.spec.image);
        let LaunchSpec { site, image: reference, command, .. } = &self.spec;
        self.log.info(format_args!("Pulling image: {reference}"));
        tokio::select! {
            () = sleep(Duration::from_millis(image.start_delay_ms)) => {}
            _ = ordered(&mut self.end) => return Ok(None),
        }
        // An order to end is obeyed in the midst of a pull, too.
        let mut end = self.end.clone();
        let unpacked = tokio::select! {
            unpacked = self.unpacked(reference) => unpacked?,
            _ = ordered(&mut end) => return Ok(None),
        };
        self.log.info("Starting container for site");
        self.log.info(format_args!(
            "docker run -d --expose={0} --name {1} -e WEBSITE_SITE_NAME={site} -e PORT={0} {reference} {command}",
            self.port.get(),
            self.name,
        ));
        let namespaces = match self.runtime.isolation() {
            Isolation::Namespaces => true,
            Isolation::Plain { reason } => {
                self.log.info(format_args!("The container is a plain process and can change this machine: {reason}"));
                false
            }
        };
        let mounts = mounts::resolve(&self.runtime, &self.spec).await?;
        let hostname = self.name.rsplit('_').next().unwrap_or(&self.name).to_owned();
        let place =
            Place { worker: &self.worker, hostname: &hostname, port: self.port.get(), emulator: self.runtime.emulator };
        let spec = InitSpec {
            namespaces,
            probe: false,
            argv: command::of(command, unpacked.as_ref().map(|image| &image.run))?,
            env: environment(&self.spec, unpacked.as_ref().map(|image| &image.run), &place),
            folder: unpacked.as_ref().map(|image| image.run.working_dir.clone()).filter(|folder| !folder.is_empty()),
            rootfs: unpacked.map(|image| image.root),
            hostname,
            agent: self.runtime.agent.clone().filter(|_| image.agent),
            scratch_bytes: self.runtime.platform().scratch_bytes,
            mounts,
        };
        let failed = |error: String| format!("Container {} for site {site} could not be started: {error}", self.name);
        let (mut process, output) =
            Process::spawn(&self.runtime.init, &spec).await.map_err(|error| failed(error.to_string()))?;
        self.copy(output);
        loop {
            match process.event().await {
                Some(InitEvent::Note { message }) => self.log.info(message),
                Some(InitEvent::Started { pid }) => {
                    self.tell(Happening::Running { pid });
                    return Ok(Some(process));
                }
                Some(InitEvent::Failed { message }) => {
                    process.kill().await;
                    return Err(failed(format!("OCI runtime create failed: {message}: unknown")));
                }
                Some(InitEvent::Exited { .. }) | None => {
                    process.kill().await;
                    return Err(failed("its helper process ended".to_owned()));
                }
            }
        }
    }

    /// The image's own file system, where that can be had and used.
    async fn unpacked(&self, reference: &str) -> Result<Option<Unpacked>, String> {
        let unpacked = self.runtime.images.get(reference, &self.spec.settings).await.map_err(|error| {
            format!(
                "Failed to pull image: {error}. Image pull failed. Check docker image configuration and credentials."
            )
        })?;
        match (unpacked, self.runtime.isolation()) {
            (Some(image), Isolation::Namespaces) => {
                self.log.info(format_args!("Image pulled: {}", image.source));
                Ok(Some(image))
            }
            (Some(_), Isolation::Plain { .. }) => {
                self.log.info("Image pulled, and not used: a plain process has this machine's file system");
                Ok(None)
            }
            (None, _) => {
                self.log.info("Image pulled: this machine's own file system stands for it");
                Ok(None)
            }
        }
    }

    fn copy(&self, output: Output) {
        let log = Arc::clone(&self.log);
        self.runtime.tasks.spawn(async move {
            tokio::join!(log.copy(output.stdout), log.copy(output.stderr));
        });
    }

    async fn live(&mut self, mut process: Process) -> Option<String> {
        let began = Instant::now();
        let (name, site, port) = (&self.name, &self.spec.site, self.port.get());
        self.log.info(format_args!("Initiating warmup request to container {name} for site {site}"));
        let pings = warm_up(port, Duration::from_millis(self.runtime.platform().ping_interval_ms));
        let warm = tokio::select! {
            biased;
            end = ordered(&mut self.end) => return self.end(process, end).await,
            event = process.event() => {
                process.kill().await;
                let how = describe(event);
                return Some(format!("Container {name} for site {site} has exited ({how}), failing site start"));
            }
            warm = timeout(self.spec.start_limit, pings) => warm,
        };
        if warm.is_err() {
            process.kill().await;
            return Some(format!(
                "Container {name} didn't respond to HTTP pings on port: {port}, failing site start. \
                 See container logs for debugging."
            ));
        }
        self.log.info(format_args!(
            "Container {name} for site {site} initialized successfully and is ready to serve requests after {:.1} s.",
            began.elapsed().as_secs_f64()
        ));
        self.tell(Happening::Ready);
        tokio::select! {
            biased;
            end = ordered(&mut self.end) => self.end(process, end).await,
            event = process.event() => {
                process.kill().await;
                Some(format!("Container {name} for site {site} has exited ({})", describe(event)))
            }
        }
    }

    async fn end(&self, mut process: Process, end: End) -> Option<String> {
        let (name, site) = (&self.name, &self.spec.site);
        self.log.info(format_args!("Stopping container {name} for site {site}"));
        if end == End::Stop && process.signal(libc::SIGTERM).await.is_ok() {
            let grace = Duration::from_millis(self.runtime.platform().stop_grace_ms);
            let mut end = self.end.clone();
            tokio::select! {
                _ = process.event() => {}
                () = sleep(grace) => {}
                _ = end.wait_for(|end| matches!(end, Some(End::Kill | End::Crash))) => {}
            }
        }
        process.kill().await;
        (end == End::Crash).then(|| format!("Container {name} for site {site} has exited (signal 9)"))
    }
}

/// Waits for the order to end. A supervisor that is gone wants it gone too.
async fn ordered(end: &mut watch::Receiver<Option<End>>) -> End {
    match end.wait_for(Option::is_some).await {
        Ok(end) => end.unwrap_or(End::Kill),
        Err(_) => End::Kill,
    }
}

/// Asks until something answers, whatever it says.
async fn warm_up(port: u16, pause: Duration) {
    loop {
        let answer: Result<io::Result<_>, _> = timeout(PING_LIMIT, client::get(port, WARM_UP)).await;
        if let Ok(Ok(_)) = answer {
            return;
        }
        sleep(pause).await;
    }
}

fn describe(event: Option<InitEvent>) -> String {
    match event {
        Some(InitEvent::Exited { code: Some(code), .. }) => format!("exit code {code}"),
        Some(InitEvent::Exited { signal: Some(signal), .. }) => format!("signal {signal}"),
        _ => "its helper process ended".to_owned(),
    }
}
