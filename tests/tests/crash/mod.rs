//! The daemon dies between any two writes, or the disk fails it: nothing that a client was told of is lost, and nothing is left over.

#![allow(clippy::unwrap_used, reason = "a test's failure is a panic")]

mod disk;
mod stubborn;

use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use sockerless_tests::{Ran, World, WorldOptions, built, eventually};

/// What the daemon is told to go wrong with, in a build for tests.
const TROUBLE: &str = "SOCKERLESS_TEST_STORE";

/// Worlds at the same time.
const AT_ONCE: usize = 4;

/// A session has fewer transactions than this.
const MOST: u64 = 100;

/// What the client has been told.
#[derive(Debug, Default)]
struct Told {
    /// By the name it was made with.
    made: BTreeMap<&'static str, String>,
    started: BTreeSet<&'static str>,
    killed: BTreeSet<&'static str>,
    /// Asked for, whether or not it was told.
    removing: BTreeSet<&'static str>,
    removed: BTreeSet<&'static str>,
    renamed: bool,
    volume: bool,
    network: bool,
}

/// How a command went.
enum Answer {
    Done(String),
    /// The daemon is dead.
    Dead,
}

struct Session<'w> {
    world: &'w World,
    told: Told,
    /// Errors that the daemon may answer with and live; the command is then sent again.
    forgiven: &'static [&'static str],
}

impl Session<'_> {
    fn ask(&self, words: &[&str]) -> Answer {
        self.sent(|| self.world.docker.run(words))
    }

    fn sent(&self, send: impl Fn() -> Ran) -> Answer {
        for _ in 0..3 {
            let ran = send();
            if ran.code == 0 {
                return Answer::Done(ran.stdout.trim_end().to_owned());
            }
            if died(self.world) {
                return Answer::Dead;
            }
            assert!(self.forgiven.iter().any(|error| ran.stderr.contains(error)), "{ran:?}");
            if ran.stderr.contains("is not running") {
                return Answer::Done(String::new());
            }
        }
        panic!("it fails again and again")
    }

    /// Everything that writes, up to the end or the daemon's death. Answers whether it came to the end.
    fn play(&mut self) -> bool {
        self.steps().is_some()
    }

    fn steps(&mut self) -> Option<()> {
        let done = |answer| match answer {
            Answer::Done(text) => Some(text),
            Answer::Dead => None,
        };
        done(self.ask(&["pull", "--quiet", "alpine"]))?;
        done(self.ask(&["network", "create", "net"]))?;
        self.told.network = true;
        done(self.ask(&["volume", "create", "data"]))?;
        self.told.volume = true;
        let script = "echo begun; while [ ! -e /tmp/end ]; do sleep 0.05; done; exit 5";
        let id = done(self.ask(&[
            "create",
            "--name",
            "one",
            "-v",
            "data:/v",
            "--network",
            "net",
            "alpine",
            "sh",
            "-c",
            script,
        ]))?;
        self.told.made.insert("one", id);
        done(self.ask(&["start", "one"]))?;
        self.told.started.insert("one");
        done(self.ask(&["rename", "one", "uno"]))?;
        self.told.renamed = true;
        let id = done(self.ask(&["create", "--name", "two", "alpine", "tail", "-f", "/dev/null"]))?;
        self.told.made.insert("two", id);
        done(self.ask(&["start", "two"]))?;
        self.told.started.insert("two");
        let next = built("SOCKERLESS_TEST_NEXT_COMPONENT");
        done(self.sent(|| self.world.daemon.sockerless(&["plugin", "load", next.to_str().unwrap()])))?;
        done(self.ask(&["exec", "-d", "uno", "touch", "/tmp/end"]))?;
        assert_eq!(done(self.ask(&["wait", "uno"]))?, "5");
        done(self.ask(&["kill", "two"]))?;
        self.told.killed.insert("two");
        for (made, name) in [("one", "uno"), ("two", "two")] {
            self.told.removing.insert(made);
            done(self.ask(&["rm", name]))?;
            self.told.removed.insert(made);
        }
        self.told.volume = false;
        done(self.ask(&["volume", "rm", "data"]))?;
        self.told.network = false;
        done(self.ask(&["network", "rm", "net"]))?;
        Some(())
    }
}

/// Whether the daemon has gone. It may be about to.
fn died(world: &World) -> bool {
    (0..50).any(|_| {
        thread::sleep(Duration::from_millis(10));
        UnixStream::connect(world.daemon.own_socket()).is_err()
    })
}

/// The containers that the daemon knows, by id.
fn listed(world: &World) -> BTreeMap<String, String> {
    let list = world.docker.ok(&["ps", "--all", "--no-trunc", "--format", "{{.ID}} {{.Names}}"]);
    list.lines().filter_map(|line| line.split_once(' ')).map(|(id, name)| (id.to_owned(), name.to_owned())).collect()
}

/// What must be true when the daemon is back, whenever it died.
fn check(world: &World, told: &Told) {
    let known = listed(world);
    for (name, id) in &told.made {
        if !told.removing.contains(name) {
            assert!(known.contains_key(id), "{name} is lost: {told:?}, {known:?}");
        }
        if told.removed.contains(name) {
            assert!(!known.contains_key(id), "{name} is there again: {told:?}, {known:?}");
        }
    }
    let app = |id: &String| format!("skls-{}", &id[..12]);
    let apps = || -> BTreeSet<String> {
        world.azure.apps().iter().map(|app| app["name"].as_str().unwrap().to_owned()).collect()
    };
    // What a client was not told of is undone in the background; a removal that was under way is ended there.
    eventually("each app is a container's, and each container has its app", || {
        let expected: BTreeSet<String> = listed(world).keys().map(app).collect();
        (apps() == expected).then_some(())
    });
    let known = listed(world);
    if let Some(one) = told.made.get("one").filter(|id| known.contains_key(*id) && !told.removing.contains("one")) {
        assert!(!told.renamed || known[one] == "uno", "{known:?}");
        if !told.started.contains("one") {
            // Started, and not told, or not started: then it can be.
            world.docker.ok(&["start", one]);
        }
        let exec = || world.docker.run(&["exec", one, "touch", "/tmp/end"]).code == 0;
        // It may have ended already.
        let ended = || world.docker.inspect(one)["State"]["Status"] == "exited";
        eventually("exec works, or is not needed", || (exec() || ended()).then_some(()));
        assert_eq!(world.docker.ok(&["wait", one]), "5", "{told:?}");
    }
    if let Some(two) = told.made.get("two").filter(|id| known.contains_key(*id) && told.killed.contains("two")) {
        assert_eq!(world.docker.ok(&["wait", two]), "137", "{told:?}");
    }
    if told.volume {
        assert_eq!(world.docker.ok(&["volume", "ls", "--quiet"]), "data");
    }
    if told.network {
        world.docker.ok(&["network", "inspect", "net"]);
    }
    for id in known.keys() {
        world.docker.ok(&["rm", "-f", id]);
    }
    assert!(apps().is_empty(), "{:?}", apps());
    // No name is held by what is gone.
    world.pull();
    for name in ["one", "uno", "two"] {
        world.docker.ok(&["create", "--name", name, "alpine", "true"]);
    }
}

/// One life: it dies at a transaction, and another daemon takes over. Answers whether the session came to its end instead.
fn die(side: &str, number: u64) -> bool {
    let mut world = World::without_daemon(WorldOptions::default());
    world.daemon.set(TROUBLE, format!("{side}:{number}"));
    let mut told = Told::default();
    if world.daemon.start().is_ok() {
        let mut session = Session { world: &world, told: Told::default(), forgiven: &[] };
        if session.play() {
            return true;
        }
        told = session.told;
        world.daemon.kill();
    }
    world.daemon.set(TROUBLE, String::new());
    world.daemon.start().unwrap();
    check(&world, &told);
    false
}

/// Plays sessions until one answers that it has come to its end untroubled, each with the number of the next transaction. Answers how
/// many there were.
fn at_every_transaction(play: impl Fn(u64) -> bool + Sync) -> u64 {
    let (next, over) = (AtomicU64::new(1), AtomicBool::new(false));
    thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                while !over.load(Ordering::Relaxed) {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    assert!(number < MOST, "a session does not end");
                    if play(number) {
                        over.store(true, Ordering::Relaxed);
                    }
                }
            });
        }
    });
    next.into_inner()
}

/// Lets it die at every transaction of a session. Answers how often.
fn die_everywhere(side: &str) -> u64 {
    let points = at_every_transaction(|number| die(side, number));
    println!("{side}: some {points} points");
    assert!(points > 20, "a session has more transactions than that");
    points
}

#[test]
fn it_dies_before_and_after_any_write_and_again_and_again() {
    let points = die_everywhere("die-before") + die_everywhere("die-after") + stubborn::deaths();
    println!("{points} points in all");
    // Usually some 180; how many depends on which writes share a transaction.
    assert!(points >= 150, "there were more points once: {points}");
}

/// The disk is full for one transaction. Answers whether the session came to its end before.
fn fill(number: u64) -> bool {
    let mut world = World::without_daemon(WorldOptions::default());
    world.daemon.set(TROUBLE, format!("full:{number}"));
    if let Err(error) = world.daemon.start() {
        assert!(error.contains("disk is full"), "{error}");
        return false;
    }
    let forgiven = &["disk is full", "is not running"];
    let mut session = Session { world: &world, told: Told::default(), forgiven };
    assert!(session.play(), "the daemon died");
    let told = session.told;
    let untroubled = !world.daemon.log().contains("disk is full");
    // And it has written what it told, in the end.
    world.daemon.terminate();
    world.daemon.set(TROUBLE, String::new());
    world.daemon.start().unwrap();
    check(&world, &told);
    untroubled
}

#[test]
fn the_disk_is_full_at_any_write() {
    assert!(at_every_transaction(fill) > 20, "a session has more transactions than that");
}

#[test]
fn with_a_disk_that_stays_full_running_containers_go_on_and_nothing_is_made() {
    let mut world = World::start();
    world.docker.ok(&[
        "run",
        "-d",
        "--name",
        "w",
        "alpine",
        "sh",
        "-c",
        "while [ ! -e /tmp/end ]; do sleep 0.05; done; exit 4",
    ]);
    world.daemon.terminate();
    world.daemon.set(TROUBLE, "full-from:1".into());
    world.daemon.start().unwrap();
    let refused = world.docker.run(&["create", "--name", "x", "alpine", "true"]);
    assert!(refused.code != 0 && refused.stderr.contains("disk is full"), "{refused:?}");
    assert_eq!(world.azure.apps().len(), 1, "an app was made that nobody would know of");
    world.docker.ok(&["exec", "-d", "w", "touch", "/tmp/end"]);
    assert_eq!(world.docker.ok(&["wait", "w"]), "4");
    let removal = world.docker.run(&["rm", "w"]);
    assert!(removal.code != 0 && removal.stderr.contains("disk is full"), "{removal:?}");
    world.daemon.terminate();
    world.daemon.set(TROUBLE, String::new());
    world.daemon.start().unwrap();
    assert_eq!(world.docker.ok(&["wait", "w"]), "4");
    world.docker.ok(&["rm", "w"]);
    assert!(world.azure.apps().is_empty());
}
