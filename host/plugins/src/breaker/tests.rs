//! The breaker under a clock of the test's own.

use super::*;

/// A breaker, and the time there.
struct Bench {
    breaker: Breaker,
    now: Instant,
    containers: u32,
}

impl Bench {
    fn new() -> Self {
        let rules = BreakerRules { failures: 3, ..BreakerRules::default() };
        Self { breaker: Breaker::new(rules), now: Instant::now(), containers: 0 }
    }

    fn pass(&mut self, seconds: u64) {
        self.now += Duration::from_secs(seconds);
    }

    /// Whether a call is let through.
    fn admits(&self, export: Export) -> bool {
        self.breaker.admit_at(self.now, export).is_ok()
    }

    /// A call for a new container. Answers what it changed, `None` also if it was refused.
    fn call(&mut self, export: Export, ending: Ending) -> Option<Option<Outage>> {
        self.containers += 1;
        let container = self.containers.to_string();
        let admitted = self.breaker.admit_at(self.now, export).ok()?;
        self.breaker.note_at(self.now, admitted, export, Some(&container), ending)
    }

    fn fails(&mut self, export: Export) -> Option<Option<Outage>> {
        self.call(export, Ending::Failed("trapped".to_owned()))
    }

    /// Until it is out of service. Answers for how long.
    fn fail_until_out(&mut self) -> u64 {
        let changes: Vec<_> = (0..3).map(|_| self.fails(Export::Create)).collect();
        assert_eq!(changes[..2], [None, None]);
        left(changes[2].clone())
    }
}

fn left(change: Option<Option<Outage>>) -> u64 {
    change.flatten().expect("an outage").left.as_secs()
}

#[test]
fn failures_in_a_row_take_it_out_of_service_for_growing_times() {
    let mut bench = Bench::new();
    let first = bench.fail_until_out();
    let mut pauses = vec![first];
    for _ in 0..7 {
        let pause = pauses[pauses.len() - 1];
        bench.pass(pause - 1);
        assert!(!bench.admits(Export::Create) && !bench.admits(Export::Plan));
        bench.pass(1);
        pauses.push(left(bench.fails(Export::Create)));
    }
    assert_eq!(pauses, [10, 20, 40, 80, 160, 300, 300, 300]);
    let told = bench.breaker.admit_at(bench.now, Export::Create).unwrap_err().to_string();
    let expected = "out of service for another 300 s, after 10 failed calls of lifecycle.create in a row; the last failure: trapped";
    assert_eq!(told, expected);
}

#[test]
fn one_call_decides_and_only_one_that_it_failed_at() {
    let mut bench = Bench::new();
    bench.fail_until_out();
    bench.pass(10);
    // A plan comes before each create, and says nothing about it.
    assert_eq!(bench.call(Export::Plan, Ending::Answered), None);
    let trial = bench.breaker.admit_at(bench.now, Export::Create).unwrap();
    assert!(!bench.admits(Export::Create), "one at a time");
    let back = bench.breaker.note_at(bench.now, trial, Export::Create, Some("x"), Ending::Answered);
    assert_eq!(back, Some(None));
    assert!(bench.admits(Export::Create));
    // Soon after that, it is out for longer than at first; long after, it is not.
    assert_eq!(bench.fail_until_out(), 20);
    bench.pass(20);
    assert_eq!(bench.call(Export::Create, Ending::Answered), Some(None));
    bench.pass(600);
    assert_eq!(bench.fail_until_out(), 10);
}

#[test]
fn a_trial_that_does_not_end_makes_way_for_the_next() {
    let mut bench = Bench::new();
    bench.fail_until_out();
    bench.pass(10);
    assert!(bench.admits(Export::Create));
    bench.pass(9);
    assert!(!bench.admits(Export::Create));
    bench.pass(1);
    assert_eq!(bench.call(Export::Create, Ending::Answered), Some(None));
}

#[test]
fn calls_that_were_under_way_make_it_neither_longer_nor_shorter() {
    let mut bench = Bench::new();
    let before = bench.breaker.admit_at(bench.now, Export::Create).unwrap();
    bench.fail_until_out();
    for ending in [Ending::Failed("late".to_owned()), Ending::Answered, Ending::Nothing] {
        assert_eq!(bench.breaker.note_at(bench.now, before, Export::Create, Some("early"), ending), None);
    }
    bench.pass(9);
    assert!(!bench.admits(Export::Create));
    bench.pass(1);
    assert!(bench.admits(Export::Create));
}

#[test]
fn what_is_answered_and_what_is_long_ago_is_no_row() {
    let mut bench = Bench::new();
    for _ in 0..10 {
        assert_eq!((bench.fails(Export::Create), bench.fails(Export::Create)), (None, None));
        // Of another export, and not called at all: neither is an answer of this one.
        assert_eq!(bench.call(Export::Plan, Ending::Answered), None);
        assert_eq!(bench.call(Export::Create, Ending::Answered), None);
    }
    for _ in 0..10 {
        assert_eq!(bench.fails(Export::Create), None);
        bench.pass(601);
    }
    assert_eq!((bench.fails(Export::Create), bench.fails(Export::Create)), (None, None));
    assert_eq!(bench.call(Export::Create, Ending::Nothing), None);
    assert_eq!(left(bench.fails(Export::Create)), 10);
}

#[test]
fn one_container_takes_nothing_away_from_the_others() {
    let bench = Bench::new();
    for _ in 0..100 {
        let admitted = bench.breaker.admit_at(bench.now, Export::Start).unwrap();
        let failed = Ending::Failed("trapped".to_owned());
        assert_eq!(bench.breaker.note_at(bench.now, admitted, Export::Start, Some("odd"), failed), None);
    }
}

#[test]
fn what_ends_something_is_never_refused_and_never_counted() {
    let mut bench = Bench::new();
    let exempt = [Export::Check, Export::Recover, Export::Finished, Export::Stop, Export::Kill, Export::Remove];
    for export in exempt.repeat(3) {
        assert_eq!(bench.fails(export), None);
    }
    bench.fail_until_out();
    assert!(exempt.into_iter().all(|export| bench.admits(export)));
    let refused = [Export::Plan, Export::Create, Export::Start, Export::Restart, Export::Logs, Export::Inventory];
    assert!(refused.into_iter().all(|export| !bench.admits(export)));
}

#[test]
fn it_can_be_turned_off() {
    let rules: BreakerRules = serde_json::from_str(r#"{"failures": 0}"#).unwrap();
    let mut bench = Bench { breaker: Breaker::new(rules), ..Bench::new() };
    for _ in 0..100 {
        assert_eq!(bench.fails(Export::Create), None);
    }
    assert!(serde_json::from_str::<BreakerRules>(r#"{"pauses": 1}"#).is_err());
}

#[test]
fn only_what_the_component_does_itself_counts() {
    let breaker = Breaker::new(BreakerRules { failures: 1, ..BreakerRules::default() });
    let note =
        |result: Result<(), BackendError>| breaker.note(Admitted { trial: false }, Export::Create, Some("c"), &result);
    for error in [
        BackendError::Unavailable("busy".into()),
        BackendError::Timeout("slow".into()),
        BackendError::Denied("no".into()),
        BackendError::Configuration("not set".into()),
        BackendError::Other("?".into()),
    ] {
        assert_eq!(note(Err(error)), None);
    }
    assert!(note(Err(BackendError::Fault("trapped".into()))).is_some());
}
