//! The world by script, as the host of backends sees it: a cloud, agents, a clock, and tokens.
//!
//! One call of the backend is under way at a time. Its time is the script's: it passes when the backend sleeps, and when it waits for
//! an answer that does not come. So a deadline of minutes is reached at once, and in the same way on every machine.

mod agents;
mod cloud;
mod time;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::Value;
use sockerless_backend::types::Outcome;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::scenario::{Rule, Scenario};

/// The response header by which the agents of this world tell exit codes.
pub(crate) const EXIT_CODE: &str = "x-sockerless-exit-code";
/// What is in the token of every agent of this world.
pub(crate) const AGENT_SECRET: &str = "agent-token-of-the-conformance-kit";
/// The token of the cloud.
pub(crate) const CLOUD_SECRET: &str = "cloud-token-of-the-conformance-kit";

/// 2026-01-01T00:00:00Z.
const BEGINNING: Duration = Duration::from_secs(1_767_225_600);

/// What is wrong with the cloud.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// It cannot be connected to.
    Unreachable,
    /// It takes requests and never answers.
    Silent,
    /// Its connections break.
    Broken,
    /// 403.
    Denying,
    /// 429, and an hour to wait.
    Throttling,
    /// 500.
    Failing,
    /// 503.
    Unavailable,
    /// 200, and something in HTML.
    Babbling,
}

impl Trouble {
    pub(crate) const ALL: [Self; 8] = [
        Self::Unreachable,
        Self::Silent,
        Self::Broken,
        Self::Denying,
        Self::Throttling,
        Self::Failing,
        Self::Unavailable,
        Self::Babbling,
    ];

    /// What the cloud does, behind "when the cloud".
    pub(crate) fn words(self) -> &'static str {
        match self {
            Self::Unreachable => "cannot be connected to",
            Self::Silent => "does not answer",
            Self::Broken => "breaks the connection",
            Self::Denying => "answers 403",
            Self::Throttling => "answers 429",
            Self::Failing => "answers 500",
            Self::Unavailable => "answers 503",
            Self::Babbling => "answers 200 with a page in HTML",
        }
    }
}

/// What the backend has done, in its order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Act {
    /// A request of a call.
    Sent {
        method: String,
        url: String,
    },
    /// A request that the host performs by itself.
    Dispatched {
        url: String,
    },
    /// Something came into being in the cloud.
    Made(String),
    /// Something in the cloud has gone.
    Removed(String),
    Provisioned,
    Prepared {
        run: String,
    },
    /// A request was signed for an agent.
    Keyed,
    Disconnected,
}

impl Act {
    /// What it changes, if it does.
    pub(crate) fn change(&self) -> Option<String> {
        match self {
            Self::Sent { method, url } if matches!(method.as_str(), "PUT" | "PATCH" | "DELETE") => {
                Some(format!("it sent {method} {url}"))
            }
            Self::Sent { .. } => None,
            Self::Dispatched { url } => Some(format!("it dispatched a request to {url}")),
            Self::Made(resource) => Some(format!("it made {resource} in the cloud")),
            Self::Removed(resource) => Some(format!("it removed {resource} from the cloud")),
            Self::Provisioned => Some("it called agents.provision, which makes the agent's token worthless".to_owned()),
            Self::Prepared { .. } => Some("it called agents.prepare".to_owned()),
            Self::Keyed => Some("it signed a request for the agent".to_owned()),
            Self::Disconnected => Some("it called agents.disconnect".to_owned()),
        }
    }
}

/// How the agents of this world are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Agents {
    /// They connect when they are awaited.
    Connect,
    /// They never connect.
    StayAway,
    /// The host has no callback URL.
    None,
}

#[derive(Debug)]
pub(crate) struct World {
    rules: Vec<Rule>,
    agents: Agents,
    state: Mutex<State>,
    /// A dispatched request has ended.
    ended: Notify,
}

#[derive(Debug)]
struct State {
    now: SystemTime,
    call: Option<Call>,
    trouble: Option<Trouble>,
    /// Requests take effect, and the answer to the first that does is lost.
    loses_answer: bool,
    agents: Agents,
    connected: bool,
    /// What is in the cloud, with the body of the request that made it.
    resources: BTreeMap<String, Value>,
    acts: Vec<Act>,
    /// Dispatched requests that have no outcome yet.
    under_way: usize,
    outcomes: Vec<Outcome>,
}

/// The call that is under way.
#[derive(Debug)]
struct Call {
    deadline: SystemTime,
    overdue: CancellationToken,
}

impl World {
    pub(crate) fn new(scenario: &Scenario) -> Self {
        let agents = if scenario.agents { Agents::Connect } else { Agents::None };
        let state = State {
            now: UNIX_EPOCH + BEGINNING,
            call: None,
            trouble: None,
            loses_answer: false,
            agents,
            connected: false,
            resources: BTreeMap::new(),
            acts: Vec::new(),
            under_way: 0,
            outcomes: Vec::new(),
        };
        Self { rules: scenario.http.clone(), agents, state: Mutex::new(state), ended: Notify::new() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// An empty cloud in which all is well. Time goes on.
    pub(crate) fn reset(&self) {
        let mut state = self.state();
        state.trouble = None;
        state.loses_answer = false;
        state.agents = self.agents;
        state.connected = false;
        state.resources.clear();
        state.acts.clear();
        state.outcomes.clear();
    }

    /// From now on this is wrong with the cloud, or nothing.
    pub(crate) fn trouble(&self, trouble: Option<Trouble>) {
        self.state().trouble = trouble;
    }

    /// The answer to the next request that changes something is lost.
    pub(crate) fn lose_an_answer(&self) {
        self.state().loses_answer = true;
    }

    /// Whether the answer that was to be lost still is to be.
    pub(crate) fn has_lost_no_answer(&self) -> bool {
        self.state().loses_answer
    }

    /// From now on agents are like this. Those of a host without a callback URL stay so.
    pub(crate) fn agents(&self, agents: Agents) {
        let mut state = self.state();
        if state.agents != Agents::None {
            state.agents = agents;
        }
    }

    /// What was done so far.
    pub(crate) fn acts(&self) -> Vec<Act> {
        self.state().acts.clone()
    }

    /// Forgets what was done so far. What has come of it stays.
    pub(crate) fn look_away(&self) {
        self.state().acts.clear();
    }

    /// Whether a request has left since the world was looked at.
    pub(crate) fn was_asked(&self) -> bool {
        self.acts().iter().any(|act| matches!(act, Act::Sent { .. } | Act::Dispatched { .. }))
    }

    /// What was changed since the world was looked at.
    pub(crate) fn changes(&self) -> Vec<String> {
        self.acts().iter().filter_map(Act::change).collect()
    }

    /// What is in the cloud.
    pub(crate) fn resources(&self) -> Vec<String> {
        self.state().resources.keys().cloned().collect()
    }

    /// A call begins that may take so long. Cancels the token if it takes longer.
    pub(crate) fn begin(&self, limit: Duration) -> CancellationToken {
        let mut state = self.state();
        let overdue = CancellationToken::new();
        state.call = Some(Call { deadline: state.now + limit, overdue: overdue.clone() });
        overdue
    }

    /// The call has ended.
    pub(crate) fn end(&self) {
        self.state().call = None;
    }

    fn act(&self, act: Act) {
        self.state().acts.push(act);
    }

    /// Returns when every dispatched request has its outcome.
    pub(crate) async fn settled(&self) {
        while self.state().under_way > 0 {
            self.ended.notified().await;
        }
    }

    /// The outcome of the last request that was dispatched.
    pub(crate) fn outcome(&self) -> Option<Outcome> {
        self.state().outcomes.last().cloned()
    }
}

/// The world as the host is given it.
#[derive(Debug, Clone)]
pub(crate) struct Shared(pub(crate) Arc<World>);
