//! Running a target on its corpus and on mutations of it.

use std::cell::RefCell;
use std::fmt::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Once;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

use crate::memory::most_held;
use crate::mutate::Mutator;
use crate::targets::Target;

/// No input takes this long, on whatever machine.
const STUCK: Duration = Duration::from_secs(120);

/// The seed when none is given.
const SEED: u64 = 0x50c4_e71e;

thread_local! {
    /// What has panicked on this thread, also where somebody has caught it: a task of a runtime, for example.
    static PANICS: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
}

/// Where the inputs are from which those of a target are made.
#[must_use]
pub fn corpus_folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus").join(name)
}

/// How long a target is run, and on what.
#[derive(Debug, Clone)]
pub struct Campaign {
    /// Where the mutations begin.
    pub seed: u64,
    /// Go on for so long, instead of for the target's own number of inputs.
    pub time: Option<Duration>,
    /// Nothing but this input.
    pub only: Option<PathBuf>,
    /// Where an input that breaks something is written.
    pub findings: PathBuf,
}

impl Campaign {
    /// The short one, unless the environment asks for another: `SOCKERLESS_FUZZ_SEED`, `SOCKERLESS_FUZZ_SECONDS`,
    /// `SOCKERLESS_FUZZ_INPUT` (a file).
    #[must_use]
    pub fn from_environment(findings: PathBuf) -> Self {
        let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        let number = |name: &str| variable(name).map(|value| value.parse().expect("a number"));
        Self {
            seed: number("SOCKERLESS_FUZZ_SEED").unwrap_or(SEED),
            time: number("SOCKERLESS_FUZZ_SECONDS").map(Duration::from_secs),
            only: variable("SOCKERLESS_FUZZ_INPUT").map(PathBuf::from),
            findings,
        }
    }

    /// Runs a target. Answers on how many inputs.
    ///
    /// # Panics
    /// An input breaks what must hold. It has then been written to a file, and the text says how to run it again.
    pub fn run(&self, target: &Target) -> u64 {
        if let Some(file) = &self.only {
            self.check(target, &std::fs::read(file).expect("the input can be read"));
            return 1;
        }
        println!("{}: seed {}", target.name, self.seed);
        let mut corpus = read(&corpus_folder(target.name));
        assert!(!corpus.is_empty(), "{} has no corpus", target.name);
        corpus.push(Vec::new());
        let mut count = 0;
        for input in &corpus {
            self.check(target, input);
            count += 1;
        }
        let (mut mutator, begin) = (Mutator::new(self.seed), Instant::now());
        let mut left = target.inputs;
        loop {
            match self.time {
                Some(time) if begin.elapsed() >= time => break,
                None if left == 0 => break,
                _ => left = left.saturating_sub(1),
            }
            self.check(target, &mutator.next(&corpus));
            count += 1;
        }
        println!("{}: {count} inputs in {:.1?}", target.name, begin.elapsed());
        count
    }

    /// Runs one input, on this thread.
    fn check(&self, target: &Target, input: &[u8]) {
        listen();
        PANICS.with_borrow_mut(Vec::clear);
        let (done, finished) = channel::<()>();
        let result = thread::scope(|scope| {
            if self.time.is_some() || self.only.is_some() {
                // The short run has the time limit of whoever runs the tests.
                scope.spawn(move || {
                    if finished.recv_timeout(STUCK) == Err(RecvTimeoutError::Timeout) {
                        eprintln!("{}", self.report(target, input, "it does not come back"));
                        std::process::abort();
                    }
                });
            }
            let result = catch_unwind(AssertUnwindSafe(|| most_held(|| (target.run)(input))));
            drop(done);
            result
        });
        let panics = PANICS.with_borrow(|panics| panics.join("\n"));
        match result {
            Ok(held) if panics.is_empty() && held <= target.memory => {}
            Ok(held) if panics.is_empty() => {
                let reason = format!("it holds {held} bytes, and may hold {}", target.memory);
                panic!("{}", self.report(target, input, &reason));
            }
            _ => panic!("{}", self.report(target, input, &panics)),
        }
    }

    /// Writes the input down, and says how to run it again.
    fn report(&self, target: &Target, input: &[u8], reason: &str) -> String {
        let digest = ring::digest::digest(&ring::digest::SHA256, input);
        let file = self.findings.join(format!("{}-{}", target.name, hex::encode(&digest.as_ref()[..6])));
        let mut text = format!("{}: {reason}\n", target.name);
        match std::fs::write(&file, input) {
            Ok(()) => {
                let _ = writeln!(text, "again: cargo xtask fuzz {} --input {}", target.name, file.display());
            }
            Err(error) => {
                let _ = writeln!(text, "the input cannot be written to {}: {error}", file.display());
            }
        }
        let _ = write!(text, "its bytes: {}", input[..input.len().min(4096)].escape_ascii());
        text
    }
}

/// Has every panic noted for its thread.
fn listen() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            PANICS.with_borrow_mut(|panics| panics.push(panic.to_string()));
            before(panic);
        }));
    });
}

/// The files of a folder, in the order of their names.
fn read(folder: &Path) -> Vec<Vec<u8>> {
    let entries = std::fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.expect("a file").path()).collect();
    files.sort();
    files.iter().map(|file| std::fs::read(file).expect("a file that can be read")).collect()
}
