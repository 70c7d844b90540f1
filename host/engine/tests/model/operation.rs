//! What clients do, and what happens meanwhile.

use proptest::prelude::*;
use sockerless_engine::WaitCondition;

/// What the cloud does with the next call that it concerns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Cloudy {
    /// What it should. Of stop, kill and restart: nothing.
    #[default]
    Fair,
    /// Of stop, kill and restart: it does that.
    Does,
    /// Of these: the host is to do it.
    LeavesItToTheHost,
    /// It says no, and has done nothing.
    Refuses,
    /// It does what it should, and its answer is lost.
    DoesAndFails,
    /// The name is somebody else's.
    NameTaken,
}

/// What the disk does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// One write fails.
    Full,
    /// The daemon dies before a write.
    DeathBefore,
    /// It dies when it has been written, and nobody knows yet.
    DeathAfter,
}

/// Names are numbers: of containers below [`NAMES`], of networks and volumes below [`THINGS`].
pub(crate) type Name = usize;

pub(crate) const NAMES: usize = 4;
pub(crate) const THINGS: usize = 2;

/// What a client asks for, or a command does.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Deed {
    Create {
        name: Name,
        network: Option<Name>,
        volume: Option<Name>,
        auto_remove: bool,
    },
    Start(Name),
    Stop(Name),
    Kill(Name),
    Restart(Name),
    Pause(Name),
    Unpause(Name),
    Rename(Name, Name),
    Remove {
        name: Name,
        force: bool,
    },
    Prune,
    /// The command ends by itself; without a code the request breaks that was to tell of it.
    End(Name, Option<u8>),
    Wait(Name, WaitCondition),
    CreateNetwork(Name),
    RemoveNetwork(Name),
    Connect(Name, Name),
    Disconnect(Name, Name),
    CreateVolume(Name),
    RemoveVolume(Name),
    /// The daemon is stopped, and another one started.
    Reopen,
}

/// A deed, and what it meets.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Operation {
    pub(crate) deed: Deed,
    pub(crate) cloudy: Cloudy,
    /// And how many writes go well before.
    pub(crate) trouble: Option<(Trouble, u8)>,
}

fn deed() -> impl Strategy<Value = Deed> {
    let (name, thing) = (0..NAMES, 0..THINGS);
    let condition =
        prop_oneof![Just(WaitCondition::NotRunning), Just(WaitCondition::NextExit), Just(WaitCondition::Removed)];
    prop_oneof![
        6 => (name.clone(), prop::option::weighted(0.3, thing.clone()), prop::option::weighted(0.3, thing.clone()), prop::bool::weighted(0.2))
            .prop_map(|(name, network, volume, auto_remove)| Deed::Create { name, network, volume, auto_remove }),
        8 => name.clone().prop_map(Deed::Start),
        3 => name.clone().prop_map(Deed::Stop),
        3 => name.clone().prop_map(Deed::Kill),
        3 => name.clone().prop_map(Deed::Restart),
        2 => name.clone().prop_map(Deed::Pause),
        2 => name.clone().prop_map(Deed::Unpause),
        2 => (name.clone(), name.clone()).prop_map(|(from, to)| Deed::Rename(from, to)),
        4 => (name.clone(), any::<bool>()).prop_map(|(name, force)| Deed::Remove { name, force }),
        1 => Just(Deed::Prune),
        5 => (name.clone(), prop::option::weighted(0.9, any::<u8>())).prop_map(|(name, code)| Deed::End(name, code)),
        4 => (name.clone(), condition).prop_map(|(name, condition)| Deed::Wait(name, condition)),
        2 => thing.clone().prop_map(Deed::CreateNetwork),
        1 => thing.clone().prop_map(Deed::RemoveNetwork),
        2 => (thing.clone(), name.clone()).prop_map(|(network, name)| Deed::Connect(network, name)),
        1 => (thing.clone(), name).prop_map(|(network, name)| Deed::Disconnect(network, name)),
        1 => thing.clone().prop_map(Deed::CreateVolume),
        1 => thing.prop_map(Deed::RemoveVolume),
        2 => Just(Deed::Reopen),
    ]
}

/// Any operation; most meet no trouble.
pub(crate) fn operation() -> impl Strategy<Value = Operation> {
    let cloudy = prop_oneof![
        6 => Just(Cloudy::Fair),
        3 => Just(Cloudy::Does),
        1 => Just(Cloudy::LeavesItToTheHost),
        1 => Just(Cloudy::Refuses),
        1 => Just(Cloudy::DoesAndFails),
        1 => Just(Cloudy::NameTaken),
    ];
    let trouble = prop_oneof![Just(Trouble::Full), Just(Trouble::DeathBefore), Just(Trouble::DeathAfter)];
    let trouble = prop::option::weighted(0.15, (trouble, 0..3_u8));
    (deed(), cloudy, trouble).prop_map(|(deed, cloudy, trouble)| Operation { deed, cloudy, trouble })
}
