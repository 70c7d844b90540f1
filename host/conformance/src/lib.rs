//! Whether a component keeps the contract of backends, as `wit/` has it.
//!
//! [`run`] loads a component into the host that the daemon uses, and calls its exports in legal and in illegal orders. Around it is
//! a world by script, a [`Scenario`]: a cloud that answers by rules, agents, a clock, a configuration. Nothing leaves the process, and
//! no time passes but in the script: a backend that waits for minutes is judged at once.
//!
//! ```text
//! run ──► checks ──► bench ──► BackendHost ──► the component
//!    └──► report                   └──► world: Transport, AgentBroker, OutcomeSink, Clock, TokenSource
//! ```

#![forbid(unsafe_code)]

mod bench;
mod checks;
mod container;
mod report;
mod run;
mod scenario;
mod verdict;
mod world;

pub use report::{Checked, Component, Report, Summary};
pub use run::{CannotRun, Options, run};
pub use scenario::{Effect, InvalidScenario, Presence, Rule, Scenario, Template, UrlPattern};
pub use verdict::Verdict;
