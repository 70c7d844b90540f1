//! Everything that is checked, one file for each export or pair of them.
//!
//! A check begins with an empty cloud and a container of its own, and ends at the first thing that is wrong. None needs another one to
//! have passed.

mod archive;
mod create;
mod end;
mod finished;
mod handle;
mod inventory;
mod logs;
mod plan;
mod recover;
mod remove;
mod runs;
mod sessions;
mod start;

use std::future::Future;
use std::pin::Pin;

use crate::bench::Bench;
use crate::verdict::{Outcome, Verdict, finding};
use crate::world::Trouble;

/// A check that takes a backend on the bench.
pub(crate) struct Check {
    /// The export, a dot, and what is looked at.
    pub(crate) name: &'static str,
    /// What the contract promises.
    pub(crate) promise: &'static str,
    pub(crate) run: for<'b> fn(&'b Bench) -> Pin<Box<dyn Future<Output = Outcome> + Send + 'b>>,
}

pub(crate) const LOADS: (&str, &str) =
    ("describe.loads", "the component can be loaded, and describes itself in the form of the contract");
pub(crate) const CHECK_ANSWERS: (&str, &str) = ("check.passes", "check finds nothing wrong with this world");
pub(crate) const CHANGES_NOTHING: (&str, &str) = ("check.changes-nothing", "describe and check change nothing");
pub(crate) const SAME_EACH_TIME: (&str, &str) = ("describe.same-each-time", "describe answers the same each time");

macro_rules! check {
    ($name:literal, $promise:literal, $run:path) => {
        Check { name: $name, promise: $promise, run: |bench| Box::pin($run(bench)) }
    };
}

/// Those that take a backend on the bench, in the order of a container's life.
pub(crate) const ALL: &[Check] = &[
    check!("check.cloud-in-trouble", "check is an error when the cloud is out of order", cloud_in_trouble),
    check!("plan.same-each-time", "plan answers the same each time, and changes nothing", plan::same_each_time),
    check!("plan.findings", "each finding names a field, and gives a reason", plan::findings),
    check!("plan.no-json", "plan takes a create body that is no JSON without a trap", plan::no_json),
    check!("create.works", "create makes a container, and what it makes is in its handle", create::works),
    check!("create.repeated", "create under the same key once more makes nothing more", create::repeated),
    check!(
        "create.answer-lost",
        "a create whose answer from the cloud was lost leaves nothing that remove does not find",
        create::answer_lost
    ),
    check!(
        "create.cloud-in-trouble",
        "create is an error when the cloud is out of order, and remove finds what it left",
        create::cloud_in_trouble
    ),
    check!("create.without-agents", "create gets by in a host that has no callback URL", create::without_agents),
    check!(
        "handle.comes-back",
        "a handle is read by the same version once more: recover finds the container",
        handle::comes_back
    ),
    check!("handle.unknown-version", "a handle of an unknown version is refused with invalid", handle::unknown_version),
    check!("handle.unreadable", "a handle that cannot be read is no trap", handle::unreadable),
    check!("start.works", "start runs the command, and the host can learn of its end", start::works),
    check!(
        "start.prepares-first",
        "agents.prepare is called before the request that starts the command",
        start::prepares_first
    ),
    check!("start.not-made", "start of what was never made is an error", start::not_made),
    check!("start.in-trouble", "start ends when neither cloud nor agent answers", start::in_trouble),
    check!(
        "finished.invents-no-code",
        "finished takes nothing for an exit code that is none",
        finished::invents_no_code
    ),
    check!("finished.reads-the-code", "finished reads the exit code from the agent's header", finished::reads_the_code),
    check!(
        "finished.own-outcome",
        "finished judges the outcome of the request that start dispatched",
        finished::own_outcome
    ),
    check!("kill.ends-the-run", "kill that is done has ended the run", end::kill_ends_the_run),
    check!("kill.unknown-signal", "kill takes a signal that there is not without a trap", end::unknown_signal),
    check!("stop.any-order", "stop, kill and restart take containers in any state without a trap", end::any_order),
    check!("remove.leaves-nothing", "remove with force of what runs leaves nothing", remove::leaves_nothing),
    check!("remove.twice", "remove of what is gone succeeds, with its handle and without", remove::twice),
    check!("remove.never-made", "remove of what was never made succeeds, and touches nothing", remove::never_made),
    check!(
        "remove.cloud-in-trouble",
        "remove does not succeed when the cloud does not take it",
        remove::cloud_in_trouble
    ),
    check!("recover.changes-nothing", "recover changes nothing", recover::changes_nothing),
    check!("recover.never-made", "recover says absent of what was never made", recover::never_made),
    check!("recover.removed", "recover says absent of what was removed", recover::removed),
    check!(
        "recover.cloud-in-trouble",
        "recover does not say absent when the cloud is out of order",
        recover::cloud_in_trouble
    ),
    check!("logs.pages-end", "the pages of a log come to an end", logs::pages_end),
    check!("logs.lines", "an entry is one line, with a time", logs::lines),
    check!("logs.any-order", "a log is asked for in any state, and by any cursor, without a trap", logs::any_order),
    check!(
        "inventory.lists-what-is-there",
        "what was made is listed with the daemon's id, and its handle there is as good as create's",
        inventory::lists_what_is_there
    ),
    check!("inventory.changes-nothing", "list and agent-environment change nothing", inventory::changes_nothing),
    check!("inventory.gone", "agent-environment has nothing of what is gone", inventory::gone),
    check!(
        "inventory.cloud-in-trouble",
        "list is an error, and no list, when the cloud is out of order",
        inventory::cloud_in_trouble
    ),
    check!(
        "exec.runs",
        "exec.start runs a command, and inspect tells its code when the output has ended",
        sessions::exec_runs
    ),
    check!(
        "exec.cloud-in-trouble",
        "exec invents neither connection nor code when the cloud is out of order",
        sessions::exec_in_trouble
    ),
    check!(
        "exec.any-order",
        "exec takes containers in any state, and any id, without a trap",
        sessions::exec_any_order
    ),
    check!(
        "attach.opens",
        "attach.open gives a connection before the start and after, and changes nothing",
        sessions::attach_opens
    ),
    check!(
        "attach.any-order",
        "attach takes containers in any state, and a cloud in trouble, without a trap",
        sessions::attach_any_order
    ),
    check!("archive.gets", "stat and get say the same of a path, and change nothing", archive::gets),
    check!("archive.puts", "extracted is content when the cloud has taken the archive", archive::puts),
    check!(
        "archive.believes-no-failure",
        "extracted is an error when the cloud has not taken the archive",
        archive::believes_no_failure
    ),
    check!("archive.cloud-in-trouble", "stat and get are errors when the cloud is out of order", archive::in_trouble),
    check!(
        "archive.any-order",
        "archive takes containers in any state, and any path, without a trap",
        archive::any_order
    ),
    check!("runs.resumes", "resume dispatches a request from whose outcome finished learns of the end", runs::resumes),
    check!("runs.gone", "resume says not-found of a container that is gone", runs::gone),
    // The last one: it looks back at all of them.
    check!(
        "errors.for-people",
        "errors are texts for people, without secrets, and of a case that the call may answer",
        errors
    ),
];

async fn cloud_in_trouble(bench: &Bench) -> Outcome {
    for trouble in Trouble::ALL {
        bench.world.reset();
        bench.world.trouble(Some(trouble));
        if bench.check().await?.is_ok() {
            if !bench.world.was_asked() {
                return crate::verdict::not_checked(crate::verdict::ASKS_NOBODY);
            }
            return finding(format!("check passed when the cloud {}", trouble.words()));
        }
    }
    Ok(())
}

async fn errors(bench: &Bench) -> Outcome {
    match bench.bad_errors() {
        bad if bad.is_empty() => Ok(()),
        bad => Err(Verdict::Finding(bad.join("\n"))),
    }
}
