//! The engine and the model side by side.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use sockerless_engine::ErrorKind;

use crate::cloud::Cloud;
use crate::disk::Platter;
use crate::life::{Life, Seen, container, thing};
use crate::model::{Id, Model, Status};
use crate::operation::{Cloudy, Deed, Operation, Trouble};

/// How long what goes on in the background may take.
const SOON: Duration = Duration::from_secs(5);

pub(crate) struct World {
    cloud: Arc<Cloud>,
    platter: Platter,
    /// There is always one, but while one follows on another.
    life: Option<Life>,
    model: Model,
    /// A write has failed in this life: until it is made again a death would show what the disk has.
    behind: bool,
}

/// Names and values.
type Filters<'a> = &'a [(&'a str, &'a str)];

/// What went wrong.
type Checked = Result<(), String>;

impl World {
    pub(crate) fn new() -> Self {
        let (cloud, platter) = (Arc::<Cloud>::default(), Platter::default());
        let life = Some(Life::begin(&cloud, &platter));
        Self { cloud, platter, life, model: Model::default(), behind: false }
    }

    fn life(&mut self) -> &mut Life {
        self.life.as_mut().expect("a daemon")
    }

    /// Does an operation, and looks at everything.
    pub(crate) fn step(&mut self, operation: Operation) -> Checked {
        let Operation { deed, .. } = operation;
        let cloudy = if matches!(deed, Deed::Prune | Deed::Reopen) { Cloudy::Fair } else { operation.cloudy };
        let trouble = operation.trouble.filter(|(trouble, _)| self.may_meet(deed, *trouble));
        if deed == Deed::Reopen {
            self.life.take().expect("a daemon").stop();
            self.life = Some(Life::begin(&self.cloud, &self.platter));
            self.behind = false;
        }
        let exits = match deed {
            Deed::Wait(name, _) => self.model.id(name).map_or(0, |id| self.model.containers[&id].exits),
            _ => 0,
        };
        self.cloud.next(cloudy);
        self.life().disk.plan(trouble);
        let answer = self.life().perform(deed, exits);
        self.settle(deed, cloudy, answer)?;
        self.cloud.next(Cloudy::Fair);
        self.behind |= self.life().disk.met() == Some(Trouble::Full);
        self.life().disk.plan(None);
        self.look()
    }

    /// Where what is on the disk decides over more than the deed, or over nothing, there is no trouble.
    fn may_meet(&self, deed: Deed, trouble: Trouble) -> bool {
        let automatic = self.model.containers.values().any(|container| container.auto_remove);
        let unconcerned = matches!(deed, Deed::Prune | Deed::Reopen | Deed::Wait(..));
        let unclear = if trouble == Trouble::Full { automatic } else { self.behind };
        !unconcerned && !unclear
    }

    /// Waits until the engine shows what the model says, and takes that on.
    fn settle(&mut self, deed: Deed, cloudy: Cloudy, answer: Option<sockerless_engine::Result<Option<Id>>>) -> Checked {
        let before = self.model.clone();
        let begin = Instant::now();
        loop {
            let life = self.life.as_mut().expect("a daemon");
            life.breathe(if begin.elapsed() < Duration::from_millis(20) {
                Duration::ZERO
            } else {
                Duration::from_millis(2)
            });
            if life.is_dead() {
                return self.rise_again(&before, deed, cloudy);
            }
            let seen = life.see();
            let new = match &answer {
                Some(Ok(Some(id))) => id.clone(),
                _ => String::new(),
            };
            let mut after = before.clone();
            let (expected, events) = after.apply(deed, cloudy, &new);
            let troubled = life.disk.met().is_some();
            let answer = answer.as_ref().expect("an answer of one that lives");
            let kind = answer.as_ref().map(drop).map_err(|error| error.kind);
            if !troubled && shown(&after) == seen {
                if kind != expected {
                    return Err(format!("the answer is {answer:?}, not {expected:?}"));
                }
                let told = life.told();
                let wanted: Vec<(String, Id)> =
                    events.into_iter().map(|(action, id)| (action.to_owned(), id)).collect();
                // What a daemon does when it comes up may be done before anybody can listen.
                if deed != Deed::Reopen && told != wanted {
                    return Err(format!("events {told:?}, not {wanted:?}"));
                }
                self.model = after;
                return Ok(());
            }
            if troubled {
                let mut states = if kind.is_ok() { vec![] } else { before.between(deed) };
                // What ends a run ends it whatever the disk says.
                if kind.is_err() && !matches!((deed, cloudy), (Deed::Stop(_) | Deed::Kill(_), Cloudy::Does)) {
                    states.push(before.clone());
                }
                states.push(after);
                if kind.is_err_and(|kind| kind != ErrorKind::Internal) && kind != expected {
                    return Err(format!("with a full disk the answer is {answer:?}"));
                }
                if let Some(state) = states.into_iter().find(|state| shown(state) == seen) {
                    life.told();
                    self.model = state;
                    return Ok(());
                }
            }
            if begin.elapsed() > SOON {
                return Err(format!(
                    "answered {answer:?}, expected {expected:?}\nseen {seen:#?}\nexpected {:#?}",
                    shown(&self.model_after(deed, cloudy, &new))
                ));
            }
        }
    }

    fn model_after(&self, deed: Deed, cloudy: Cloudy, new: &Id) -> Model {
        let mut after = self.model.clone();
        let _ = after.apply(deed, cloudy, new);
        after
    }

    /// The daemon has died in the middle of a deed, and another one comes up.
    fn rise_again(&mut self, before: &Model, deed: Deed, cloudy: Cloudy) -> Checked {
        // With all of its tasks.
        self.life = None;
        self.cloud.next(Cloudy::Fair);
        self.life = Some(Life::begin(&self.cloud, &self.platter));
        let begin = Instant::now();
        loop {
            let life = self.life.as_mut().expect("a daemon");
            life.breathe(Duration::from_millis(1));
            let seen = life.see();
            // Nobody was told of a container that was being made; it may be there all the same.
            let new = seen.containers.keys().find(|id| !before.containers.contains_key(*id));
            let mut after = before.clone();
            let _ = after.apply(deed, cloudy, &new.cloned().unwrap_or_default());
            let mut states = before.between(deed);
            states.extend([before.clone(), after]);
            states.iter_mut().for_each(Model::reopen);
            if let Some(state) = states.iter().find(|state| shown(state) == seen) {
                life.told();
                self.model = state.clone();
                return Ok(());
            }
            if begin.elapsed() > SOON {
                let shown: Vec<_> = states.iter().map(shown).collect();
                return Err(format!("after its death\nseen {seen:#?}\nnone of {shown:#?}"));
            }
        }
    }

    /// Everything else that must hold.
    fn look(&mut self) -> Checked {
        self.look_at_lists()?;
        self.look_at_waiters()?;
        self.look_at_cloud()
    }

    fn look_at_lists(&mut self) -> Checked {
        let (model, life) = (&self.model, self.life.as_ref().expect("a daemon"));
        let of = |wanted: &dyn Fn(&crate::model::Container) -> bool| -> BTreeSet<Id> {
            model.containers.iter().filter(|(_, container)| wanted(container)).map(|(id, _)| id.clone()).collect()
        };
        let lists: [(Filters<'_>, BTreeSet<Id>); 6] = [
            (&[("running", "")], of(&|container| container.status.is_live())),
            (&[("status", "exited")], of(&|container| container.status == Status::Exited)),
            (
                &[("status", "created"), ("status", "paused")],
                of(&|container| matches!(container.status, Status::Created | Status::Paused)),
            ),
            (&[("exited", "137")], of(&|container| container.status == Status::Exited && container.code == 137)),
            (&[("name", "x1")], of(&|container| container.name == 1)),
            (&[("volume", "thing0")], of(&|container| container.volume == Some(0))),
        ];
        for (filters, expected) in lists {
            let listed = life.list(filters);
            if listed != expected {
                return Err(format!("{filters:?} lists {listed:?}, not {expected:?}"));
            }
        }
        Ok(())
    }

    /// Those who wait are answered when they should be, and not before.
    fn look_at_waiters(&mut self) -> Checked {
        let waiters = std::mem::take(&mut self.life().waiters);
        for mut waiter in waiters {
            let expected = self.model.waited(&waiter.id, waiter.condition, waiter.exits);
            let begin = Instant::now();
            let answer = loop {
                let life = self.life();
                life.breathe(Duration::ZERO);
                let answer = life.answered(&mut waiter);
                if answer.is_some() || expected.is_none() || begin.elapsed() > SOON {
                    break answer;
                }
            };
            let code = answer.as_ref().map(|answer| answer.status_code);
            if code != expected.map(i64::from) {
                return Err(format!("a wait for {:?} is answered {answer:?}, not {expected:?}", waiter.condition));
            }
            if answer.is_none() {
                self.life().waiters.push(waiter);
            }
        }
        Ok(())
    }

    /// No app is without a container, and no container without its app.
    fn look_at_cloud(&mut self) -> Checked {
        let begin = Instant::now();
        loop {
            let apps = self.cloud.apps();
            let lost: Vec<_> = apps.iter().filter(|id| !self.model.containers.contains_key(*id)).collect();
            let mut living = self.model.containers.iter().filter(|(_, container)| container.status != Status::Dead);
            if let Some((id, _)) = living.find(|(id, _)| !apps.contains(*id)) {
                return Err(format!("container {id} has no app"));
            }
            if lost.is_empty() {
                return Ok(());
            }
            if begin.elapsed() > SOON {
                return Err(format!("apps {lost:?} are nobody's"));
            }
            // What a create has left goes in the background.
            self.life().breathe(Duration::from_millis(5));
        }
    }

    /// Everything can be removed, and nothing is left.
    pub(crate) fn end(mut self) -> Checked {
        let names: Vec<_> = self.model.containers.values().map(|container| container.name).collect();
        let fair = |deed| Operation { deed, cloudy: Cloudy::Fair, trouble: None };
        for name in names {
            self.step(fair(Deed::Remove { name, force: true }))?;
        }
        for name in 0..crate::operation::NAMES {
            // No name is held by what is gone.
            self.step(fair(Deed::Create { name, network: None, volume: None, auto_remove: false }))?;
            self.step(fair(Deed::Remove { name, force: false }))?;
        }
        self.life.take().expect("a daemon").stop();
        Ok(())
    }
}

/// What clients see of it.
fn shown(model: &Model) -> Seen {
    let containers = model.containers.iter().map(|(id, of)| {
        let networks = of.networks.keys().copied().map(thing).collect();
        (id.clone(), (container(of.name), of.status.word().to_owned(), of.code.into(), networks))
    });
    Seen {
        containers: containers.collect(),
        networks: model.networks.keys().copied().map(thing).collect(),
        volumes: model.volumes.iter().copied().map(thing).collect(),
    }
}
