//! A container in memory: what others may read, and how they ask its task for changes.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use sockerless_backend::types::Recovered;
use sockerless_telemetry::Context;
use tokio::sync::{mpsc, oneshot, watch};

use crate::attach::Attachments;
use crate::error::{Error, Result};
use crate::record::ContainerRecord;

/// What the container's task is asked to do. It does one after the other.
pub(crate) enum Command {
    Start(Reply),
    Stop {
        signal: Option<String>,
        timeout: Option<i32>,
        reply: Reply,
    },
    Restart {
        timeout: Option<i32>,
        reply: Reply,
    },
    Kill {
        signal: String,
        reply: Reply,
    },
    Pause(Reply),
    Unpause(Reply),
    Remove {
        force: bool,
        /// With the volumes that nobody named.
        volumes: bool,
        reply: Reply,
    },
    /// What a backend that takes over has found in the cloud.
    Recovered {
        found: Recovered,
        reply: Reply,
    },
    /// A change of the record that needs nobody else.
    Edit {
        edit: Edit,
        reply: Reply,
    },
}

/// A change of a container's record; an error leaves it as it was.
pub(crate) type Edit = Box<dyn FnOnce(&mut ContainerRecord) -> Result<()> + Send>;

/// A command, and in the course of which request it is given.
pub(crate) type Asked = (Context, Command);

/// Where the answer to a command goes. Nobody need wait for it.
pub(crate) type Reply = oneshot::Sender<Result<()>>;

/// One container. Its task holds the truth; this holds what the task published last.
pub(crate) struct Cell {
    pub(crate) id: String,
    record: watch::Sender<Arc<ContainerRecord>>,
    commands: mpsc::Sender<Asked>,
    attachments: Mutex<Attachments>,
}

impl Cell {
    pub(crate) fn new(record: Arc<ContainerRecord>, commands: mpsc::Sender<Asked>) -> Self {
        Self {
            id: record.id.clone(),
            record: watch::Sender::new(record),
            commands,
            attachments: Mutex::new(Attachments::default()),
        }
    }

    /// The record as it was published last.
    pub(crate) fn record(&self) -> Arc<ContainerRecord> {
        self.record.borrow().clone()
    }

    /// Follows the record from now on.
    pub(crate) fn watch(&self) -> watch::Receiver<Arc<ContainerRecord>> {
        self.record.subscribe()
    }

    /// For the container's task alone.
    pub(crate) fn publish(&self, record: Arc<ContainerRecord>) {
        self.record.send_replace(record);
    }

    /// Those who are attached to the container, or wait for it to start.
    pub(crate) fn attachments(&self) -> MutexGuard<'_, Attachments> {
        self.attachments.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Has the container's task do something, and waits until it is done. If the caller goes away it is done all the same.
    pub(crate) async fn ask(&self, command: impl FnOnce(Reply) -> Command) -> Result<()> {
        let (reply, answer) = oneshot::channel();
        let gone = || Error::no_such_container(&self.id);
        self.commands.send((Context::current(), command(reply))).await.map_err(|_| gone())?;
        answer.await.map_err(|_| gone())?
    }
}
