//! What Docker would show.

use std::collections::{BTreeMap, BTreeSet};

use sockerless_engine::{ErrorKind, WaitCondition};

use crate::cloud::{BROKEN, STOPPED};
use crate::operation::{Cloudy, Deed, Name};

/// A container's id.
pub(crate) type Id = String;

/// The code of a container whose start has failed, and of one that was killed.
const NOT_STARTED: i32 = 128;
const KILLED: i32 = 137;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Status {
    Created,
    Running,
    Paused,
    Exited,
    Dead,
}

impl Status {
    pub(crate) fn is_live(self) -> bool {
        matches!(self, Self::Running | Self::Paused)
    }

    /// In Docker's word.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Running => "running",
            Self::Paused => "paused",
            Self::Exited => "exited",
            Self::Dead => "dead",
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Container {
    pub(crate) name: Name,
    pub(crate) status: Status,
    pub(crate) code: i32,
    /// How many of its runs have ended.
    pub(crate) exits: u64,
    /// The networks that it is on, and which of those that had this name.
    pub(crate) networks: BTreeMap<Name, u64>,
    pub(crate) volume: Option<Name>,
    pub(crate) auto_remove: bool,
    /// Counts those that were made.
    pub(crate) number: u64,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Model {
    pub(crate) containers: BTreeMap<Id, Container>,
    /// With which code those ended that are gone.
    pub(crate) gone: BTreeMap<Id, i32>,
    pub(crate) networks: BTreeMap<Name, u64>,
    pub(crate) volumes: BTreeSet<Name>,
    made: u64,
}

/// Actions of events, and of which container.
pub(crate) type Events = Vec<(&'static str, Id)>;

type Answer = Result<(), ErrorKind>;

impl Model {
    pub(crate) fn id(&self, name: Name) -> Option<Id> {
        self.containers.iter().find(|(_, container)| container.name == name).map(|(id, _)| id.clone())
    }

    fn find(&self, name: Name) -> Result<(Id, Container), ErrorKind> {
        let id = self.id(name).ok_or(ErrorKind::NotFound)?;
        let container = self.containers[&id].clone();
        Ok((id, container))
    }

    fn set(&mut self, id: &Id, change: impl FnOnce(&mut Container)) {
        change(self.containers.get_mut(id).expect("a container"));
    }

    /// Does a deed. `new`: the id of what a create makes.
    pub(crate) fn apply(&mut self, deed: Deed, cloudy: Cloudy, new: &Id) -> (Answer, Events) {
        let mut events = Vec::new();
        let answer = self.deed(deed, cloudy, new, &mut events);
        (answer, events)
    }

    fn deed(&mut self, deed: Deed, cloudy: Cloudy, new: &Id, events: &mut Events) -> Answer {
        match deed {
            Deed::Create { name, network, volume, auto_remove } => {
                let networks = match network {
                    Some(network) => {
                        [(network, *self.networks.get(&network).ok_or(ErrorKind::InvalidParameter)?)].into()
                    }
                    None => BTreeMap::new(),
                };
                if self.id(name).is_some() {
                    return Err(ErrorKind::Conflict);
                }
                self.volumes.extend(volume);
                match cloudy {
                    Cloudy::Refuses => return Err(ErrorKind::Unavailable),
                    Cloudy::DoesAndFails => return Err(ErrorKind::Internal),
                    _ => {}
                }
                self.made += 1;
                let container = Container {
                    name,
                    status: Status::Created,
                    code: 0,
                    exits: 0,
                    networks,
                    volume,
                    auto_remove,
                    number: self.made,
                };
                self.containers.insert(new.clone(), container);
                events.push(("create", new.clone()));
                Ok(())
            }
            Deed::Start(name) => {
                let (id, container) = self.find(name)?;
                self.start(&id, &container, cloudy, events)
            }
            Deed::Stop(name) => {
                let (id, container) = self.find(name)?;
                if !container.status.is_live() {
                    return Err(ErrorKind::NotModified);
                }
                match cloudy {
                    Cloudy::Refuses => Err(ErrorKind::Unavailable),
                    Cloudy::LeavesItToTheHost => Err(ErrorKind::Conflict),
                    Cloudy::Does => {
                        self.end(&id, STOPPED.into(), events);
                        events.push(("stop", id.clone()));
                        self.leave(&id, Cloudy::Fair, events);
                        Ok(())
                    }
                    _ => Ok(()),
                }
            }
            Deed::Kill(name) => {
                let (id, container) = self.find(name)?;
                if !container.status.is_live() {
                    return Err(ErrorKind::Conflict);
                }
                if cloudy == Cloudy::Refuses {
                    return Err(ErrorKind::Unavailable);
                }
                events.push(("kill", id.clone()));
                match cloudy {
                    Cloudy::LeavesItToTheHost => Err(ErrorKind::Conflict),
                    Cloudy::Does => {
                        self.end(&id, KILLED, events);
                        self.leave(&id, Cloudy::Fair, events);
                        Ok(())
                    }
                    _ => Ok(()),
                }
            }
            Deed::Restart(name) => {
                let (id, container) = self.find(name)?;
                match cloudy {
                    Cloudy::Refuses => return Err(ErrorKind::Unavailable),
                    Cloudy::LeavesItToTheHost if container.status.is_live() => return Err(ErrorKind::Conflict),
                    Cloudy::LeavesItToTheHost => self.start(&id, &container, Cloudy::Fair, events)?,
                    Cloudy::Does => {}
                    _ => return Ok(()),
                }
                events.push(("restart", id));
                Ok(())
            }
            Deed::Pause(name) => {
                let (id, container) = self.find(name)?;
                if container.status != Status::Running {
                    return Err(ErrorKind::Conflict);
                }
                self.set(&id, |container| container.status = Status::Paused);
                events.push(("pause", id));
                Ok(())
            }
            Deed::Unpause(name) => {
                let (id, container) = self.find(name)?;
                if container.status != Status::Paused {
                    return Err(ErrorKind::Internal);
                }
                self.set(&id, |container| container.status = Status::Running);
                events.push(("unpause", id));
                Ok(())
            }
            Deed::Rename(from, to) => {
                let (id, _) = self.find(from)?;
                if from == to {
                    return Err(ErrorKind::InvalidParameter);
                }
                if self.id(to).is_some() {
                    return Err(ErrorKind::Conflict);
                }
                self.set(&id, |container| container.name = to);
                events.push(("rename", id));
                Ok(())
            }
            Deed::Remove { name, force } => {
                let (id, container) = self.find(name)?;
                if container.status.is_live() {
                    if !force {
                        return Err(ErrorKind::Conflict);
                    }
                    events.push(("kill", id.clone()));
                    self.end(&id, KILLED, events);
                }
                self.delete(&id, cloudy, events)
            }
            Deed::Prune => {
                let mut idle: Vec<(u64, Id)> = self
                    .containers
                    .iter()
                    .filter(|(_, container)| !container.status.is_live())
                    .map(|(id, container)| (container.number, id.clone()))
                    .collect();
                idle.sort();
                for (_, id) in idle.into_iter().rev() {
                    self.delete(&id, Cloudy::Fair, events)?;
                }
                events.push(("prune", String::new()));
                Ok(())
            }
            Deed::End(name, code) => {
                if let Some((id, _)) = self.find(name).ok().filter(|(_, container)| container.status.is_live()) {
                    self.end(&id, code.map_or(BROKEN, i32::from), events);
                    self.leave(&id, cloudy, events);
                }
                Ok(())
            }
            Deed::Wait(name, _) => self.find(name).map(drop),
            Deed::CreateNetwork(network) => {
                if self.networks.contains_key(&network) {
                    return Err(ErrorKind::Conflict);
                }
                self.made += 1;
                self.networks.insert(network, self.made);
                Ok(())
            }
            Deed::RemoveNetwork(network) => {
                let which = *self.networks.get(&network).ok_or(ErrorKind::NotFound)?;
                let mut all = self.containers.values();
                if all.any(|container| container.status.is_live() && container.networks.get(&network) == Some(&which)) {
                    return Err(ErrorKind::Forbidden);
                }
                self.networks.remove(&network);
                Ok(())
            }
            Deed::Connect(network, name) => {
                let (id, container) = self.find(name)?;
                let which = *self.networks.get(&network).ok_or(ErrorKind::NotFound)?;
                if container.status.is_live() && container.networks.get(&network) == Some(&which) {
                    return Err(ErrorKind::Forbidden);
                }
                self.set(&id, |container| {
                    container.networks.insert(network, which);
                });
                Ok(())
            }
            Deed::Disconnect(network, name) => {
                let (id, container) = self.find(name)?;
                let which = *self.networks.get(&network).ok_or(ErrorKind::NotFound)?;
                if container.networks.get(&network) != Some(&which) {
                    return Err(ErrorKind::Internal);
                }
                self.set(&id, |container| {
                    container.networks.remove(&network);
                });
                Ok(())
            }
            Deed::CreateVolume(volume) => {
                self.volumes.insert(volume);
                Ok(())
            }
            Deed::RemoveVolume(volume) => {
                if !self.volumes.contains(&volume) {
                    return Err(ErrorKind::NotFound);
                }
                if self.containers.values().any(|container| container.volume == Some(volume)) {
                    return Err(ErrorKind::Conflict);
                }
                self.volumes.remove(&volume);
                Ok(())
            }
            Deed::Reopen => {
                self.reopen();
                Ok(())
            }
        }
    }

    fn start(&mut self, id: &Id, container: &Container, cloudy: Cloudy, events: &mut Events) -> Answer {
        match container.status {
            Status::Created | Status::Exited => {}
            Status::Running => return Err(ErrorKind::NotModified),
            Status::Paused | Status::Dead => return Err(ErrorKind::Conflict),
        }
        if matches!(cloudy, Cloudy::Refuses | Cloudy::DoesAndFails | Cloudy::NameTaken) {
            self.fail_start(id);
            if container.auto_remove {
                self.forget(id, events);
            }
            return Err(ErrorKind::Unavailable);
        }
        self.set(id, |container| (container.status, container.code) = (Status::Running, 0));
        events.push(("start", id.clone()));
        Ok(())
    }

    /// The start of a container has come to nothing.
    pub(crate) fn fail_start(&mut self, id: &Id) {
        self.set(id, |container| container.code = NOT_STARTED);
    }

    fn end(&mut self, id: &Id, code: i32, events: &mut Events) {
        self.set(id, |container| {
            (container.status, container.code) = (Status::Exited, code);
            container.exits += 1;
        });
        events.push(("die", id.clone()));
    }

    /// One that is to go after its exit goes.
    fn leave(&mut self, id: &Id, cloudy: Cloudy, events: &mut Events) {
        if self.containers[id].auto_remove {
            // Nobody is told that it could not be removed.
            let _ = self.delete(id, cloudy, events);
        }
    }

    fn delete(&mut self, id: &Id, cloudy: Cloudy, events: &mut Events) -> Answer {
        let error = match cloudy {
            Cloudy::Refuses => ErrorKind::Unavailable,
            Cloudy::DoesAndFails => ErrorKind::Internal,
            _ => {
                self.forget(id, events);
                return Ok(());
            }
        };
        self.set(id, |container| container.status = Status::Dead);
        Err(error)
    }

    fn forget(&mut self, id: &Id, events: &mut Events) {
        let container = self.containers.remove(id).expect("a container");
        self.gone.insert(id.clone(), container.code);
        events.push(("destroy", id.clone()));
    }

    /// A daemon comes up: it ends removals that have failed, and those that were to follow on an exit.
    pub(crate) fn reopen(&mut self) {
        let over = |container: &Container| {
            container.status == Status::Dead || container.status == Status::Exited && container.auto_remove
        };
        let gone = self.containers.extract_if(.., |_, container| over(container));
        self.gone.extend(gone.map(|(id, container)| (id, container.code)));
    }

    /// With what a wait is answered that began after so many exits, if it is.
    pub(crate) fn waited(&self, id: &Id, condition: WaitCondition, exits: u64) -> Option<i32> {
        let Some(container) = self.containers.get(id) else { return self.gone.get(id).copied() };
        let reached = match condition {
            WaitCondition::NotRunning => !container.status.is_live() || container.exits > exits,
            WaitCondition::NextExit => container.exits > exits,
            WaitCondition::Removed => false,
        };
        reached.then_some(container.code)
    }

    /// What there may be when a write of a deed has failed, or the daemon has died there: besides what there was before, and what there is
    /// when all goes well.
    pub(crate) fn between(&self, deed: Deed) -> Vec<Self> {
        let mut states = Vec::new();
        let mut also = |change: &dyn Fn(&mut Self)| {
            let mut state = self.clone();
            change(&mut state);
            states.push(state);
        };
        match deed {
            Deed::Create { volume: Some(volume), .. } => also(&|state| {
                state.volumes.insert(volume);
            }),
            Deed::Start(name) | Deed::Restart(name) => {
                if let Some(id) = self.id(name) {
                    also(&|state| state.fail_start(&id));
                    also(&|state| {
                        state.fail_start(&id);
                        if state.containers[&id].auto_remove {
                            state.forget(&id, &mut Vec::new());
                        }
                    });
                }
            }
            Deed::Remove { name, .. } => {
                let Some(id) = self.id(name) else { return states };
                let live = self.containers[&id].status.is_live();
                let killed = |state: &mut Self| {
                    if live {
                        state.end(&id, KILLED, &mut Vec::new());
                    }
                };
                also(&killed);
                also(&|state| {
                    killed(state);
                    state.set(&id, |container| container.status = Status::Dead);
                });
            }
            _ => {}
        }
        states
    }
}
