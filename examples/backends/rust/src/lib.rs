//! `memory`: a backend that remembers containers and runs nothing.
//!
//! It is complete and small, to be read from top to bottom and to be copied. Here are the exports, in the order in which the
//! host calls them; beside them are what the backend [remembers](handle), what it says of a [create body](plan) and how
//! it understands a [command]. What each export is for, and what the host does with each error, is written in the
//! WIT package.

mod bindings;
pub mod command;
pub mod handle;
pub mod plan;

use bindings::backend::{self, ConfigKey, Descriptor, Finding};
use bindings::lifecycle::{self, Disposition, Outcome, Recovered, RunEnd, RunVerdict, Started};
use bindings::log::{self, Level};
use bindings::logs::{self, Entry, Page, Query, Source};
use bindings::types::{Container, Error, Handle};
use bindings::{agents, clock, config};

use command::{FOREVER, lasts};
use handle::{State, timestamp};

/// A key of the configuration: an environment variable of the daemon, or a setting in its file.
const GREETING: &str = "SOCKERLESS_MEMORY_GREETING";
const DEFAULT_GREETING: &str = "hello";

/// The component. It has no fields: each call comes to a fresh instance.
#[derive(Debug)]
pub struct Memory;

impl backend::Guest for Memory {
    /// Called first, and before there is a configuration.
    fn describe() -> Descriptor {
        Descriptor {
            name: "memory".into(),
            version: concat!(env!("CARGO_PKG_VERSION"), "-rust").into(),
            driver: "memory".into(),
            operating_system: "memory, written in Rust".into(),
            cpus: 1,
            memory: 1 << 30,
            config: vec![ConfigKey {
                name: GREETING.into(),
                required: false,
                default_value: Some(DEFAULT_GREETING.into()),
                secret: false,
                help: "The first words of every container's log, on one line.".into(),
            }],
            // It contacts nothing. A backend of a cloud names the cloud's hosts here, and the scopes of its tokens.
            hosts: vec![],
            scopes: vec![],
        }
    }

    /// An error here refuses the component, so that a wrong setting shows at load and not at the first container.
    fn check() -> Result<(), Error> {
        let greeting = greeting();
        if greeting.is_empty() || greeting.contains(['\n', '\r']) {
            return Err(Error::Configuration(format!(
                "{GREETING}, the first words of every log, must be one line that is not empty"
            )));
        }
        Ok(())
    }

    fn plan(spec: String) -> Result<Vec<Finding>, Error> {
        plan::findings(&spec)
    }
}

impl lifecycle::Guest for Memory {
    /// A backend of a cloud would make the container there, under a name that derives from its id, so that a repeated
    /// call finds what the first one made. The key is for clouds that recognise repetitions by one.
    fn create(container: Container, _key: String) -> Result<Handle, Error> {
        // What cannot be started is refused now.
        lasts(&container.command)?;
        State::new(clock::now()).to_handle()
    }

    /// Nothing is run and no agent reports, so the host is told how long to count the container as running.
    fn start(container: Container, _run: String, _key: String) -> Result<Started, Error> {
        let state = State::of(&container)?.started(clock::now());
        let lasts = lasts(&container.command)?;
        let fields = [("starts".into(), state.starts.to_string()), ("milliseconds".into(), lasts.to_string())];
        // Goes to the daemon's log, with the backend's name and the container added.
        log::write(Level::Info, "a container runs in memory only", &fields);
        Ok(Started { handle: Some(state.to_handle()?), end: RunEnd::After(lasts) })
    }

    /// For those that start a command by an HTTP request.
    fn finished(_container: Container, _run: String, _outcome: Outcome) -> Result<RunVerdict, Error> {
        Err(Error::NotSupported("memory sends no request, so none of them can have an outcome".into()))
    }

    fn stop(container: Container, _timeout_seconds: Option<i32>, _key: String) -> Result<Disposition, Error> {
        end_run(&container)?;
        Ok(Disposition::Done)
    }

    fn kill(container: Container, signal: String, _key: String) -> Result<Disposition, Error> {
        match signal.as_str() {
            "SIGKILL" | "SIGTERM" | "SIGINT" | "SIGQUIT" | "SIGHUP" => {
                end_run(&container)?;
                Ok(Disposition::Done)
            }
            _ => Err(Error::NotSupported(format!("memory runs no process that could take {signal}"))),
        }
    }

    /// Ends the run, if there is one, and leaves it to the host to start the container again.
    fn restart(container: Container, _timeout_seconds: Option<i32>, _key: String) -> Result<Disposition, Error> {
        end_run(&container)?;
        Ok(Disposition::HostDefault)
    }

    /// There is nothing to delete but the handle, and that the host does. Deleting what is not there is success.
    fn remove(_container: Container, _force: bool, _key: String) -> Result<(), Error> {
        Ok(())
    }

    /// Asked when the daemon starts, and before this version takes over from another one. What it cannot read it must not
    /// take over: the error keeps the version that can.
    fn recover(container: Container) -> Result<Recovered, Error> {
        if container.handle.is_none() {
            return Ok(Recovered::Absent);
        }
        State::of(&container)?;
        Ok(Recovered::Present(None))
    }
}

impl logs::Guest for Memory {
    /// All there is on one page: the host picks what was asked for, and adds Docker's framing.
    fn read(container: Container, _query: Query, _cursor: Option<String>) -> Result<Page, Error> {
        let state = State::of(&container)?;
        let Container { name, image, command, .. } = &container;
        let mut entries =
            vec![entry(state.created, Source::Stdout, format!("{} from {name}, made of {image}", greeting()))];
        if state.starts > 0 {
            let (starts, command) = (state.starts, command.join(" "));
            entries.push(entry(state.started, Source::Stdout, format!("start {starts}: {command}")));
            let until = if lasts(&container.command)? == FOREVER { "until it is stopped" } else { "for its time" };
            entries.push(entry(
                state.started,
                Source::Stderr,
                format!("nothing is run: the container counts as running {until}"),
            ));
        }
        Ok(Page { entries, next: None })
    }
}

fn greeting() -> String {
    config::get(GREETING).unwrap_or_else(|| DEFAULT_GREETING.into())
}

/// Has the host end the run that is under way, if there is one. Docker shows 137 then.
fn end_run(container: &Container) -> Result<(), Error> {
    agents::disconnect(&container.id)
        .map_err(|error| Error::Other(format!("the run of container {} could not be ended: {error:?}", container.name)))
}

/// One line of a log.
fn entry(time: u64, source: Source, text: String) -> Entry {
    // A command may hold newlines, and an entry is one line.
    Entry { time: timestamp(time), source, line: text.replace('\n', " ").into_bytes(), partial: false }
}
