//! A client that does not give up, with daemons that die again and again: each life ends at its first transaction, or its second, and so on,
//! wherever in the session that is.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::thread;

use sockerless_tests::{World, WorldOptions, built, eventually};

use super::{TROUBLE, died, listed};

/// At which of its transactions a daemon dies.
const LIVES: [u64; 4] = [1, 2, 3, 4];

/// So many more transactions a life has whose predecessor has died at the same step: else a session would not end.
const LONGER: u64 = 1;

/// More deaths no step takes.
const MOST: u64 = 20;

/// Sessions at the same time.
const AT_ONCE: usize = 4;

/// A command, and errors by which it is seen that it was done by a daemon that died of it.
struct Step {
    words: &'static [&'static str],
    done: &'static [&'static str],
    then: Then,
}

/// What a client knows once it is told.
#[derive(Clone, Copy)]
enum Then {
    Nothing,
    /// There is a container of this name.
    There(&'static str),
    /// It has another name.
    Renamed(&'static str, &'static str),
    Gone(&'static str),
    Answer(&'static str),
}

const fn step(words: &'static [&'static str], done: &'static [&'static str], then: Then) -> Step {
    Step { words, done, then }
}

const WAITS: &str = "echo begun; while [ ! -e /tmp/end ]; do sleep 0.05; done; exit 5";

const STEPS: &[Step] = &[
    step(&["pull", "--quiet", "alpine"], &[], Then::Nothing),
    step(&["network", "create", "net"], &["already exists"], Then::Nothing),
    step(&["network", "create", "other"], &["already exists"], Then::Nothing),
    step(&["volume", "create", "data"], &[], Then::Nothing),
    step(
        &["create", "--name", "one", "-v", "data:/v", "--network", "net", "alpine", "sh", "-c", WAITS],
        &["is already in use"],
        Then::There("one"),
    ),
    step(&["network", "connect", "other", "one"], &["already exists"], Then::Nothing),
    step(&["start", "one"], &[], Then::Nothing),
    step(&["update", "--restart", "no", "one"], &[], Then::Nothing),
    step(&["network", "disconnect", "other", "one"], &["is not connected"], Then::Nothing),
    step(&["network", "rm", "other"], &["not found"], Then::Nothing),
    step(&["rename", "one", "uno"], &["No such container: one"], Then::Renamed("one", "uno")),
    step(&["pause", "uno"], &["already paused"], Then::Nothing),
    step(&["unpause", "uno"], &["is not paused"], Then::Nothing),
    step(&["create", "--name", "two", "alpine", "tail", "-f", "/dev/null"], &["is already in use"], Then::There("two")),
    step(&["start", "two"], &[], Then::Nothing),
    step(&["tag", "alpine", "mine:1"], &[], Then::Nothing),
    step(&["rmi", "mine:1"], &["No such image"], Then::Nothing),
    // No words: the backend is swapped.
    step(&[], &[], Then::Nothing),
    step(&["exec", "-d", "uno", "touch", "/tmp/end"], &["is not running"], Then::Nothing),
    step(&["wait", "uno"], &[], Then::Answer("5")),
    step(&["kill", "two"], &["is not running"], Then::Nothing),
    step(&["wait", "two"], &[], Then::Answer("137")),
    step(&["rm", "uno"], &["No such container"], Then::Gone("uno")),
    step(&["rm", "two"], &["No such container"], Then::Gone("two")),
    step(&["volume", "rm", "data"], &["no such volume"], Then::Nothing),
    step(&["network", "rm", "net"], &["not found"], Then::Nothing),
];

/// Plays the session on all sides, with all lengths of lives. Answers how often a daemon has died.
pub(crate) fn deaths() -> u64 {
    let sessions: Vec<(&'static str, u64)> =
        ["die-before", "die-after"].into_iter().flat_map(|side| LIVES.map(|life| (side, life))).collect();
    let (next, deaths) = (AtomicUsize::new(0), AtomicU64::new(0));
    thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                while let Some((side, life)) = sessions.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let died = Session::new(side, *life).play();
                    println!("{side}:{life}: {died} deaths");
                    assert!(died > 5, "{side}:{life}: nothing dies");
                    deaths.fetch_add(died, Ordering::Relaxed);
                }
            });
        }
    });
    deaths.into_inner()
}

struct Session {
    world: World,
    side: &'static str,
    life: u64,
    /// The containers that the client was told of, by name.
    told: BTreeMap<&'static str, String>,
    deaths: u64,
}

impl Session {
    fn new(side: &'static str, life: u64) -> Self {
        let world = World::without_daemon(WorldOptions::default());
        Self { world, side, life, told: BTreeMap::new(), deaths: 0 }
    }

    fn play(mut self) -> u64 {
        self.rise(0);
        for step in STEPS {
            let mut deaths = 0;
            while !self.ask(step) {
                assert!(deaths < MOST, "it dies too often: {}", self.world.daemon.log());
                self.deaths += 1;
                deaths += 1;
                self.world.daemon.kill();
                self.rise(deaths);
            }
        }
        self.world.daemon.kill();
        self.world.daemon.set(TROUBLE, String::new());
        self.world.daemon.start().unwrap();
        assert!(self.look(), "the daemon died");
        self.finish();
        self.deaths
    }

    /// Another daemon comes up, and dies later than those that have died at this step. It may die as it comes up.
    fn rise(&mut self, mut deaths: u64) {
        loop {
            self.world.daemon.set(TROUBLE, format!("{}:{}", self.side, self.life + LONGER * deaths));
            if self.world.daemon.start().is_ok() && self.look() {
                return;
            }
            assert!(deaths < MOST, "it dies too often: {}", self.world.daemon.log());
            self.deaths += 1;
            deaths += 1;
        }
    }

    /// Every container that the client was told of is there under its name. Not, if the daemon has died meanwhile.
    fn look(&mut self) -> bool {
        let ran = self.world.docker.run(&["ps", "--all", "--no-trunc", "--format", "{{.ID}} {{.Names}}"]);
        if ran.code != 0 {
            assert!(died(&self.world), "{ran:?}");
            self.world.daemon.kill();
            return false;
        }
        for (name, id) in &self.told {
            // It was asked to rename one, and may have done it.
            let names = [*name, if *name == "one" { "uno" } else { name }];
            let there = names.iter().any(|name| ran.stdout.lines().any(|line| line == format!("{id} {name}")));
            assert!(there, "{name} is lost: {}", ran.stdout);
        }
        true
    }

    /// Does a step. Not, if the daemon dies of it.
    fn ask(&mut self, step: &Step) -> bool {
        if let Then::Gone(name) = step.then {
            // It may go before the client is told.
            self.told.remove(name);
        }
        let ran = if step.words.is_empty() {
            let next = built("SOCKERLESS_TEST_NEXT_COMPONENT");
            self.world.daemon.sockerless(&["plugin", "load", next.to_str().unwrap()])
        } else {
            self.world.docker.run(step.words)
        };
        if ran.code != 0 && !step.done.iter().any(|error| ran.stderr.contains(error)) {
            assert!(died(&self.world), "{:?}: {ran:?}", step.words);
            return false;
        }
        match step.then {
            Then::There(name) => {
                let ran = self.world.docker.run(&["inspect", "--format", "{{.Id}}", name]);
                if ran.code != 0 {
                    assert!(died(&self.world), "{name} is lost: {ran:?}");
                    return false;
                }
                self.told.insert(name, ran.stdout.trim().to_owned());
            }
            Then::Renamed(old, new) => {
                let id = self.told.remove(old).unwrap();
                self.told.insert(new, id);
            }
            Then::Answer(expected) => assert_eq!(ran.stdout.trim(), expected, "{:?}", step.words),
            Then::Nothing | Then::Gone(_) => {}
        }
        true
    }

    /// Nothing is left, in Azure or here, and no name is held.
    fn finish(&self) {
        assert!(listed(&self.world).is_empty());
        eventually("no app is left", || self.world.azure.apps().is_empty().then_some(()));
        assert_eq!(self.world.docker.ok(&["volume", "ls", "--quiet"]), "");
        let version = self.world.daemon.sockerless(&["plugin", "ls"]).stdout;
        let before = concat!("azf ", env!("CARGO_PKG_VERSION"), " ");
        assert!(version.starts_with("azf ") && !version.starts_with(before), "{version}");
        for name in ["one", "uno", "two"] {
            self.world.docker.ok(&["create", "--name", name, "alpine", "true"]);
        }
    }
}
