//! A world that answers from a script and remembers what it was asked.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, VecDeque};

use serde_json::json;

use crate::bindings::agents::{AgentError, AgentSetup};
use crate::bindings::http::{HttpError, Response};
use crate::bindings::log::Level;
use crate::bindings::types::{Container, Handle, Timestamp};
use crate::config::{self, Settings};
use crate::world::{Request, SendError, World};

pub(crate) const ID: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
pub(crate) const DAEMON: &str = "88888888-8888-8888-8888-888888888888";
pub(crate) const RUN: &str = "00112233445566778899aabbccddeeff";
pub(crate) const HOST: &str = "skls-0123456789ab.azurewebsites.net";
pub(crate) const SITE_ID: &str = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/sockerless/providers/Microsoft.Web/sites/skls-0123456789ab";

/// 2026-11-23T19:25:28Z.
const START: i64 = 1_795_461_928;

/// The script.
#[derive(Default)]
pub(crate) struct Script {
    config: BTreeMap<&'static str, String>,
    answers: RefCell<VecDeque<Result<Response, SendError>>>,
    sent: RefCell<Vec<Request>>,
    dispatched: RefCell<Vec<Request>>,
    calls: RefCell<Vec<String>>,
    logged: RefCell<Vec<String>>,
    slept: RefCell<Vec<u64>>,
    /// Milliseconds since the start.
    clock: Cell<u64>,
    provision: Option<Result<AgentSetup, AgentError>>,
    awaiting: Option<AgentError>,
    /// The statuses of invocations before one that the agent accepts, and how long each of them takes.
    refusals: RefCell<VecDeque<u16>>,
    refusal_ms: u64,
    answered: Cell<Option<u16>>,
    undispatched: Option<SendError>,
    unreachable: Option<AgentError>,
    connected: bool,
}

impl Script {
    /// Without any configuration.
    pub(crate) fn bare() -> Self {
        Self::default()
    }

    /// With the keys that are required.
    pub(crate) fn new() -> Self {
        Self::bare()
            .with(config::SUBSCRIPTION_ID, "00000000-0000-0000-0000-000000000000")
            .with(config::RESOURCE_GROUP, "sockerless")
            .with(config::STORAGE_ACCOUNT, "sockerlessstorage")
            .with(config::APP_SERVICE_PLAN, "sockerless-plan")
    }

    pub(crate) fn with(mut self, key: &'static str, value: &str) -> Self {
        self.config.insert(key, value.to_owned());
        self
    }

    pub(crate) fn without(mut self, key: &str) -> Self {
        self.config.remove(key);
        self
    }

    pub(crate) fn settings(&self) -> Settings {
        Settings::read(self).unwrap()
    }

    /// The next request is answered like this.
    pub(crate) fn answer(self, status: u16, body: &str) -> Self {
        self.respond(response(status, &[], body))
    }

    pub(crate) fn respond(self, response: Response) -> Self {
        self.answers.borrow_mut().push_back(Ok(response));
        self
    }

    pub(crate) fn fail(self, error: HttpError) -> Self {
        self.refuse(SendError::Http(error))
    }

    pub(crate) fn refuse(self, error: SendError) -> Self {
        self.answers.borrow_mut().push_back(Err(error));
        self
    }

    pub(crate) fn with_agent(mut self, setup: AgentSetup) -> Self {
        self.provision = Some(Ok(setup));
        self
    }

    pub(crate) fn without_agent(mut self, error: AgentError) -> Self {
        self.provision = Some(Err(error));
        self
    }

    pub(crate) fn awaiting(mut self, error: AgentError) -> Self {
        self.awaiting = Some(error);
        self
    }

    /// The next invocations are answered with these statuses, each after so many milliseconds, and no agent takes them.
    pub(crate) fn refusing(mut self, statuses: &[u16], milliseconds: u64) -> Self {
        self.refusals = RefCell::new(statuses.iter().copied().collect());
        self.refusal_ms = milliseconds;
        self
    }

    pub(crate) fn undispatched(mut self, error: SendError) -> Self {
        self.undispatched = Some(error);
        self
    }

    pub(crate) fn unreachable(mut self, error: AgentError) -> Self {
        self.unreachable = Some(error);
        self
    }

    pub(crate) fn connected(mut self) -> Self {
        self.connected = true;
        self
    }

    pub(crate) fn sent(&self) -> Vec<Request> {
        self.sent.borrow().clone()
    }

    pub(crate) fn dispatched(&self) -> Vec<Request> {
        self.dispatched.borrow().clone()
    }

    /// Calls of `agents`, and dispatches, in their order.
    pub(crate) fn calls(&self) -> Vec<String> {
        self.calls.borrow().clone()
    }

    pub(crate) fn logged(&self) -> Vec<String> {
        self.logged.borrow().clone()
    }

    pub(crate) fn slept(&self) -> Vec<u64> {
        self.slept.borrow().clone()
    }

    fn called(&self, call: String) {
        self.calls.borrow_mut().push(call);
    }
}

impl World for Script {
    fn send(&self, request: &Request) -> Result<Response, SendError> {
        self.sent.borrow_mut().push(request.clone());
        let answer = self.answers.borrow_mut().pop_front();
        answer.unwrap_or_else(|| panic!("no answer for {} {}", request.method, request.url))
    }

    fn dispatch(&self, request: &Request, container: &str, run: &str) -> Result<(), SendError> {
        self.called(format!("dispatch {container} {run}"));
        self.dispatched.borrow_mut().push(request.clone());
        self.undispatched.clone().map_or(Ok(()), Err)
    }

    fn provision(&self, _container: &str) -> Result<Option<AgentSetup>, AgentError> {
        self.provision.clone().transpose()
    }

    fn reachable_at(&self, container: &str, url: &str) -> Result<(), AgentError> {
        self.called(format!("reachable {container} {url}"));
        self.unreachable.clone().map_or(Ok(()), Err)
    }

    fn prepare(&self, container: &str, run: &str) -> Result<(), AgentError> {
        self.called(format!("prepare {container} {run}"));
        self.answered.set(None);
        Ok(())
    }

    fn await_connect(&self, container: &str, run: &str, timeout_ms: u32) -> Result<(), AgentError> {
        self.called(format!("await {container} {run} {timeout_ms}"));
        if let Some(status) = self.refusals.borrow_mut().pop_front() {
            self.clock.set(self.clock.get() + self.refusal_ms);
            self.answered.set(Some(status));
            return Err(AgentError::Failed(format!("the invocation was answered with status {status}")));
        }
        self.awaiting.clone().map_or(Ok(()), Err)
    }

    fn answered(&self, _container: &str, _run: &str) -> Option<u16> {
        self.answered.get()
    }

    fn connected(&self, _container: &str) -> bool {
        self.connected
    }

    fn disconnect(&self, container: &str) -> Result<(), AgentError> {
        self.called(format!("disconnect {container}"));
        Ok(())
    }

    fn now(&self) -> Timestamp {
        let clock = self.clock.get();
        Timestamp { seconds: START + i64::try_from(clock / 1_000).unwrap(), nanoseconds: 0 }
    }

    fn sleep(&self, milliseconds: u64) {
        self.slept.borrow_mut().push(milliseconds);
        self.clock.set(self.clock.get() + milliseconds);
    }

    fn log(&self, _level: Level, message: &str, fields: &[(&str, &str)]) {
        self.logged.borrow_mut().push(format!("{message} {fields:?}"));
    }

    fn config(&self, key: &str) -> Option<String> {
        self.config.get(key).cloned()
    }

    fn daemon(&self) -> String {
        DAEMON.to_owned()
    }
}

pub(crate) fn response(status: u16, headers: &[(&str, &str)], body: &str) -> Response {
    let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Response { status, headers, body: body.as_bytes().to_vec() }
}

/// A container without a function app.
pub(crate) fn container(command: &[&str]) -> Container {
    Container {
        id: ID.to_owned(),
        name: "w".to_owned(),
        image: "alpine".to_owned(),
        command: command.iter().map(|word| (*word).to_owned()).collect(),
        environment: Vec::new(),
        spec: "{}".to_owned(),
        handle: None,
    }
}

/// The same with one.
pub(crate) fn with_handle(mut container: Container, agent: bool) -> Container {
    let door = r#"{"path":"/api/function","exit-code-header":"x-sockerless-exit-code"}"#;
    let agent = if agent { door } else { "null" };
    let data = format!(r#"{{"name":"skls-0123456789ab","resource-id":"{SITE_ID}","host":"{HOST}","agent":{agent}}}"#);
    container.handle = Some(Handle { version: 1, data: data.into_bytes() });
    container
}

/// What that handle says.
pub(crate) fn app(agent: bool) -> crate::lifecycle::App {
    crate::lifecycle::App {
        name: "skls-0123456789ab".to_owned(),
        resource_id: SITE_ID.to_owned(),
        host: HOST.to_owned(),
        agent: agent.then(|| (&agent_setup()).into()),
    }
}

/// The resource manager's view of the site of a container.
pub(crate) fn site(container: &str) -> String {
    json!({
        "id": SITE_ID,
        "name": "skls-0123456789ab",
        "tags": { "sockerless-managed": "true", "sockerless-container-id": container },
        "properties": { "state": "Running", "defaultHostName": HOST },
    })
    .to_string()
}

pub(crate) fn agent_setup() -> AgentSetup {
    let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    AgentSetup {
        environment: vec![
            pair("SOCKERLESS_AGENT_TOKEN", "token"),
            pair("SOCKERLESS_CONTAINER_ID", ID),
            pair("SOCKERLESS_AGENT_CALLBACK_URL", "wss://host.example/"),
            pair("SOCKERLESS_AGENT_SPEC", "e30"),
        ],
        startup: ["sockerless-agent", "run", "--"].map(str::to_owned).to_vec(),
        invocation_path: "/api/function".to_owned(),
        exit_code_header: "X-Sockerless-Exit-Code".to_owned(),
    }
}
