//! Drives the rows of a group: each command meets each fault, and is judged.

use serde_json::{Value, json};
use sockerless_tests::{Ran, Reply, World, WorldOptions, ask_daemon, eventually};

use super::row::{COMMANDS, Cell, Group, IMAGE, NOWHERE, Provoke, Row, Span};
use super::table::rows;

/// What a container runs that goes on until it is ended.
const WAITING: &str = "echo out; exec tail -f /dev/null";

/// For how long a start lasts, in seconds, where it comes to nothing all the same.
const SHORT_START: &str = "5";

/// Has every row of a group happen, one after another, in a world of their own.
pub(crate) fn drive(group: Group) {
    // Without its secret the daemon asks the machine.
    let without = if group == Group::Identity { vec!["AZURE_CLIENT_SECRET"] } else { Vec::new() };
    let settings = match group {
        Group::NotReady => vec![("SOCKERLESS_AZF_CALLBACK_TIMEOUT", SHORT_START.to_owned())],
        _ => Vec::new(),
    };
    let world = World::with(WorldOptions { without, settings, ..WorldOptions::default() });
    for image in [IMAGE, NOWHERE] {
        world.docker.ok(&["pull", "--quiet", image]);
    }
    let usual = world.azure.control("GET", "/config", None);
    for row in rows().into_iter().filter(|row| row.group == group) {
        // Shown when it fails.
        eprintln!("--- {}", row.name);
        let stage = Stage { world: &world, row: &row, usual: &usual };
        match row.span {
            Span::Command => stage.one_by_one(),
            Span::Life => stage.for_life(),
        }
        stage.sweep();
    }
}

/// What a client was answered: an HTTP status and a body, or an exit code and the output.
struct Answer {
    number: u16,
    succeeded: bool,
    text: String,
    output: String,
}

impl From<Reply> for Answer {
    fn from(reply: Reply) -> Self {
        let (number, text) = (reply.status, reply.text());
        Self { number, succeeded: (200..300).contains(&number), output: text.clone(), text }
    }
}

impl Answer {
    /// Of the CLI, when its usual code is this.
    fn of(ran: Ran, usual: i32) -> Self {
        let Ran { code, stdout, stderr, .. } = ran;
        Self { number: u16::try_from(code).unwrap(), succeeded: code == usual, text: stderr, output: stdout }
    }
}

/// A row, in its world. Its container is always called `w`.
struct Stage<'a> {
    world: &'a World,
    row: &'a Row,
    /// The emulator's configuration without a fault.
    usual: &'a Value,
}

impl Stage<'_> {
    /// The fault comes anew before each command, and has gone after it.
    fn one_by_one(&self) {
        if !self.meets("create", || self.create(self.row.script)) {
            // The name is free all the same.
            self.must(self.create(self.row.script));
        }
        if self.meets("start", || self.start()) {
            self.ends("start");
        } else {
            self.has_not_started("start");
            self.must(self.start());
            self.ends("start");
        }
        self.has_logs();
        self.meets("logs", || self.logs());
        if !self.meets("rm", || self.remove("")) {
            self.must(self.remove(""));
        }
        self.is_consistent("rm");
        self.meets("run", || self.run());
        self.sweep();
        self.must(self.create(WAITING));
        self.must(self.start());
        self.meets("exec", || self.exec());
        if self.state()["Status"] != "running" {
            self.must(self.start());
        }
        if self.meets("kill", || self.kill()) {
            let state = self.state();
            assert_eq!(
                (&state["Status"], &state["ExitCode"]),
                (&json!("exited"), &json!(137)),
                "{}",
                self.about("kill")
            );
        }
    }

    /// The fault is there as long as the container is.
    fn for_life(&self) {
        self.world.azure.forget();
        self.provoke();
        assert!(self.judge("create", &self.create(self.row.script)));
        let starts = self.judge("start", &self.start());
        if starts {
            self.ends("start");
        } else {
            self.has_not_started("start");
        }
        if matches!(self.cell("logs"), Cell::Works) {
            self.has_logs();
        } else if starts {
            eventually("the agent has sent the output", || {
                self.world.azure.requests().iter().any(|request| request["service"] == "ingestion").then_some(())
            });
        }
        self.judge("logs", &self.logs());
        if starts {
            self.must(self.remove(""));
            self.must(self.create(WAITING));
            self.must(self.start());
        }
        self.judge("exec", &self.exec());
        self.judge("kill", &self.kill());
        self.judge("rm", &self.remove(""));
        self.judge("run", &self.run());
        if let Some(status) = self.row.sign {
            let requests = self.world.azure.requests();
            let mut invocations = requests.iter().filter(|request| request["path"] == "/api/function");
            assert!(
                invocations.any(|request| request["status"] == status),
                "no invocation has met it: {}",
                self.row.name
            );
        }
        self.calm();
    }

    /// Has a command meet the fault, and judges it. Answers whether the command did what it shall.
    fn meets(&self, command: &str, act: impl FnOnce() -> Answer) -> bool {
        self.provoke();
        let (before, waiting) = (self.containers(), self.faults());
        let answer = act();
        let left = self.faults();
        self.calm();
        let about = format!("{}\nanswered {}: {}{}", self.about(command), answer.number, answer.text, answer.output);
        let is_met = left != waiting;
        let is_fault = self.row.provoke.iter().any(|provoke| matches!(provoke, Provoke::Fault(_)));
        match self.cell(command) {
            Cell::Unmet => assert!(!is_met, "it met the fault: {about}\n{left}"),
            _ => assert!(is_met || !is_fault, "it did not meet the fault: {about}"),
        }
        match command {
            _ if answer.succeeded => {}
            // It was not made, or not started: both are told by 125.
            "run" => {}
            // As the Engine shows what it could not remove.
            "rm" => assert_eq!(self.state()["Status"], "dead", "{about}"),
            _ => assert_eq!(self.containers(), before, "it changed something: {about}"),
        }
        self.judge(command, &answer)
    }

    /// Judges an answer by its cell. Answers whether the command did what it shall.
    fn judge(&self, command: &str, answer: &Answer) -> bool {
        let cell = self.cell(command);
        let about = format!("{}\nanswered {}: {}{}", self.about(command), answer.number, answer.text, answer.output);
        match cell {
            Cell::Unmet | Cell::Works => assert!(answer.succeeded, "{about}"),
            Cell::Silent => {
                assert!(answer.succeeded, "{about}");
                assert_eq!(answer.output, "", "{about}");
            }
            Cell::Stopped(code) => {
                assert_eq!(answer.number, *code, "{about}");
                let state = self.state();
                assert_eq!((&state["Status"], &state["ExitCode"]), (&json!("exited"), &json!(code)), "{about}");
            }
            Cell::Refused(number, says) => {
                assert_eq!(answer.number, *number, "{about}");
                assert!(answer.text.contains(says), "it does not say {says:?}: {about}");
            }
            Cell::Ended(says) => {
                assert_eq!(answer.number, 125, "{about}");
                assert!(answer.text.contains(says), "it does not say {says:?}: {about}");
                let state = self.state();
                assert_eq!((&state["Status"], &state["ExitCode"]), (&json!("exited"), &json!(137)), "{about}");
                assert!(state["Error"].as_str().unwrap().contains(says), "{about}\n{state}");
            }
        }
        if matches!(command, "logs" | "run") && answer.succeeded && !matches!(cell, Cell::Silent) {
            assert_eq!(answer.output, "out\n", "{about}");
        }
        self.is_consistent(command);
        answer.succeeded
    }

    fn cell(&self, command: &str) -> &Cell {
        &self.row.cells[COMMANDS.iter().position(|known| *known == command).unwrap()]
    }

    fn about(&self, command: &str) -> String {
        format!("{command}, while {}", self.row.name)
    }

    fn provoke(&self) {
        let azure = &self.world.azure;
        for provoke in &self.row.provoke {
            match provoke {
                Provoke::Fault(fault) => azure.fault(fault),
                Provoke::Configure(patch) => azure.configure(patch),
                Provoke::ExpireTokens => drop(azure.control("DELETE", "/tokens", None)),
                Provoke::Order(order) => self.replace(|app| {
                    let _ = azure.control("POST", &format!("/apps/{app}/{order}"), None);
                }),
                Provoke::Settings => self.replace(|app| self.change_settings(app)),
            }
        }
    }

    /// Changes a setting of an app by the resource manager, as its owner may at any time.
    fn change_settings(&self, app: &str) {
        let path = format!("/resourceGroups/sockerless/providers/Microsoft.Web/sites/{app}/config/appsettings");
        let azure = &self.world.azure;
        let mut settings = azure.arm("POST", &format!("{path}/list"), None).json()["properties"].clone();
        settings["OF_THE_OWNER"] = json!("1");
        let reply = azure.arm("PUT", &path, Some(&json!({ "properties": settings })));
        assert_eq!(reply.status, 200, "{}", reply.text());
    }

    /// Has something done to the app of `w`, if there is one, that starts another container; waits until the daemon and the
    /// platform know.
    fn replace(&self, act: impl FnOnce(&str)) {
        let Some((id, status)) = self.containers().pop() else { return };
        let name = format!("skls-{}", &id[..12]);
        let app = format!("/apps/{name}");
        // How often a container was started, when there is one that takes requests.
        let ready = || {
            let container = self.world.azure.control("GET", &app, None)["container"].clone();
            (container["phase"] == "ready").then(|| container["starts"].as_u64()).flatten()
        };
        let before = eventually("the container is ready", ready);
        act(&name);
        eventually("another container is ready", || ready().filter(|starts| *starts > before));
        if self.row.has_two() {
            let containers = self.world.azure.control("GET", &app, None)["container"]["containers"].clone();
            assert!(containers.as_array().unwrap().len() > 1, "{containers}");
        } else if status == "running" {
            eventually("the daemon knows", || (self.state()["Status"] == "exited").then_some(()));
        }
    }

    fn calm(&self) {
        let _ = self.world.azure.control("DELETE", "/faults", None);
        for provoke in &self.row.provoke {
            if let Provoke::Configure(patch) = provoke {
                self.world.azure.configure(&undone(patch, self.usual));
            }
        }
    }

    /// The faults that wait for a request.
    fn faults(&self) -> Value {
        self.world.azure.control("GET", "/faults", None)
    }

    /// Every container: name and status.
    fn containers(&self) -> Vec<(String, String)> {
        let all = ask_daemon(self.world, "GET /containers/json?all=1", &[], b"").json();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        all.as_array().unwrap().iter().map(|one| (text(&one["Id"]), text(&one["State"]))).collect()
    }

    /// Every container has its app, and every app its container. What could not be deleted at once is deleted later.
    fn is_consistent(&self, command: &str) {
        let mut wanted: Vec<_> = self.containers().iter().map(|(id, _)| format!("skls-{}", &id[..12])).collect();
        wanted.sort();
        let (left, gone) = ("could not be removed yet", "what a failed create left in the cloud is removed");
        let count = |text: &str| self.world.daemon.log().matches(text).count();
        eventually("what failed creates left is removed", || (count(left) == count(gone)).then_some(()));
        eventually(&format!("apps are those of the containers after {}", self.about(command)), || {
            let mut apps: Vec<_> =
                self.world.azure.apps().iter().map(|app| app["name"].as_str().unwrap().to_owned()).collect();
            apps.sort();
            (apps == wanted).then_some(())
        });
    }

    /// The command has not begun, and says so.
    fn has_not_started(&self, command: &str) {
        let state = self.state();
        assert_eq!((&state["Status"], &state["ExitCode"]), (&json!("created"), &json!(128)), "{}", self.about(command));
        assert_ne!(state["Error"], "", "{}", self.about(command));
    }

    /// The command has ended with its own code.
    fn ends(&self, command: &str) {
        let code = ask_daemon(self.world, "POST /containers/w/wait", &[], b"").json();
        assert_eq!(code["StatusCode"], 7, "{}", self.about(command));
        assert_eq!(self.state()["ExitCode"], 7, "{}", self.about(command));
    }

    /// Azure has the output by now.
    fn has_logs(&self) {
        eventually("Azure has the container's output", || (self.logs().output == "out\n").then_some(()));
    }

    #[track_caller]
    fn must(&self, answer: Answer) {
        assert!(
            answer.succeeded,
            "while nothing is wrong: {} {}\n(row: {})",
            answer.number, answer.text, self.row.name
        );
    }

    fn state(&self) -> Value {
        ask_daemon(self.world, "GET /containers/w/json", &[], b"").json()["State"].clone()
    }

    fn post(&self, line: &str, body: &Value) -> Answer {
        let headers = [("Content-Type", "application/json")];
        ask_daemon(self.world, &format!("POST {line}"), &headers, body.to_string().as_bytes()).into()
    }

    fn create(&self, script: &str) -> Answer {
        self.post("/containers/create?name=w", &json!({ "Image": self.row.image, "Cmd": ["sh", "-c", script] }))
    }

    fn start(&self) -> Answer {
        self.post("/containers/w/start", &Value::Null)
    }

    fn run(&self) -> Answer {
        let line = |script| ["run", "--name", "w", self.row.image, "sh", "-c", script];
        if !self.row.provoke.iter().any(|provoke| matches!(provoke, Provoke::Order(_) | Provoke::Settings)) {
            return Answer::of(self.world.docker.run(&line(self.row.script)), 7);
        }
        // It meets what is done to an app when it runs.
        let run = self.world.docker.spawn(&line(WAITING));
        eventually("it runs", || (self.state()["Status"] == "running").then_some(()));
        self.provoke();
        if self.row.has_two() {
            // It runs on, and ends when it is ended.
            assert_eq!(self.state()["Status"], "running", "{}", self.about("run"));
            self.must(self.kill());
        }
        let output = run.wait_with_output().unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let number = u16::try_from(output.status.code().unwrap()).unwrap();
        let succeeded = self.row.has_two() && number == 137;
        Answer { number, succeeded, text: text(&output.stderr), output: text(&output.stdout) }
    }

    fn exec(&self) -> Answer {
        Answer::of(self.world.docker.run(&["exec", "w", "sh", "-c", "exit 7"]), 7)
    }

    fn logs(&self) -> Answer {
        let reply = ask_daemon(self.world, "GET /containers/w/logs?stdout=1", &[], b"");
        let mut answer = Answer::from(reply);
        if answer.succeeded {
            // What stands before the one line is Docker's frame.
            answer.text.clear();
            answer.output = answer.output.chars().skip(8).collect();
        }
        answer
    }

    fn kill(&self) -> Answer {
        self.post("/containers/w/kill", &Value::Null)
    }

    fn remove(&self, query: &str) -> Answer {
        ask_daemon(self.world, &format!("DELETE /containers/w{query}"), &[], b"").into()
    }

    /// Removes what is left, with nothing in the way.
    fn sweep(&self) {
        if !self.containers().is_empty() {
            self.must(self.remove("?force=1"));
        }
        self.is_consistent("the end");
    }
}

/// The patch that sets what another one sets to what it was.
fn undone(patch: &Value, usual: &Value) -> Value {
    match patch {
        Value::Object(patch) => patch.iter().map(|(name, patch)| (name.clone(), undone(patch, &usual[name]))).collect(),
        _ => usual.clone(),
    }
}
