//! Running a container's command: one POST to the function.

use super::command;
use super::handle::{AgentDoor, App};
use crate::arm::{Client, error_text, explain, send_error};
use crate::bindings::agents::AgentError;
use crate::bindings::lifecycle::{RunEnd, Started};
use crate::bindings::log::Level;
use crate::bindings::types::{Container, Error, Timestamp};
use crate::config::{Helpers, Settings};
use crate::world::{Request, Signer, World, agent_error_text};

/// The run that an invocation asks for: the agent's protocol.
const RUN_ID: &str = "x-sockerless-run-id";

/// The function's path in an image that was made for Azure Functions.
const FUNCTION_PATH: &str = "/api/function";

/// After so many milliseconds a command that nobody can observe counts as ended: the mapping's figure.
const AUTO_STOP: u32 = 500;

/// What is shown of the platform's log: its last lines, and of these the last characters.
const LOG_LINES: usize = 30;
const LOG_CHARACTERS: usize = 4_000;

/// What the front end answers while no container of the app takes requests. Nobody has got the invocation then, so it may be
/// sent again; of any other answer without the agent's header that is not known, and the command must not run twice.
const NOT_STARTED_YET: u16 = 503;

/// How long the platform's log may take: it only adds to an error.
const LOG_TIMEOUT_MS: u32 = 10_000;

/// Invokes the function, and waits for its agent if it has one.
pub(crate) fn start(world: &dyn World, container: &Container, run: &str, key: &str) -> Result<Started, Error> {
    let settings = Settings::read(world)?;
    let app = App::made(container)?;
    let only_waits = command::only_waits(&container.command);
    let Some(agent) = &app.agent else {
        invoke(world, &settings, container, &app, None, run)?;
        return Ok(ends(if only_waits { RunEnd::Response } else { RunEnd::After(AUTO_STOP) }));
    };
    let limit_ms = settings.callback_timeout_s.saturating_mul(1_000);
    let began = world.now();
    loop {
        // Before the invocation, so that no report can come too early.
        world.prepare(&container.id, run).map_err(|error| {
            Error::Other(format!("the function app {} could not be started: {}", app.name, agent_error_text(&error)))
        })?;
        invoke(world, &settings, container, &app, Some(agent), run)?;
        if settings.helpers == Helpers::AutoStop && !only_waits {
            return Ok(ends(RunEnd::After(AUTO_STOP)));
        }
        let left_ms = limit_ms.saturating_sub(elapsed_ms(began, world.now()));
        let Err(error) = world.await_connect(&container.id, run, left_ms) else {
            return Ok(ends(RunEnd::Agent));
        };
        let is_over = elapsed_ms(began, world.now()) >= limit_ms;
        if is_over || world.answered(&container.id, run) != Some(NOT_STARTED_YET) {
            return Err(not_accepted(world, &settings, &app, &error, key));
        }
        world.log(
            Level::Info,
            "no container of the app takes requests yet: it is invoked again",
            &[("app", &app.name)],
        );
    }
}

/// Milliseconds between two times.
fn elapsed_ms(from: Timestamp, to: Timestamp) -> u32 {
    let milliseconds =
        |time: Timestamp| time.seconds.saturating_mul(1_000).saturating_add((time.nanoseconds / 1_000_000).into());
    u32::try_from(milliseconds(to).saturating_sub(milliseconds(from)).max(0)).unwrap_or(u32::MAX)
}

fn ends(end: RunEnd) -> Started {
    Started { handle: None, end }
}

fn invoke(
    world: &dyn World,
    settings: &Settings,
    container: &Container,
    app: &App,
    agent: Option<&AgentDoor>,
    run: &str,
) -> Result<(), Error> {
    let path = agent.map_or(FUNCTION_PATH, |agent| agent.path.as_str());
    let signer = agent.map_or(Signer::None, |_| Signer::Agent(container.id.clone()));
    let request = Request::new("POST", format!("https://{}{path}", app.host))
        .header(RUN_ID, run)
        .signed(signer)
        .within(settings.timeout_s.saturating_mul(1_000));
    world
        .dispatch(&request, &container.id, run)
        .map_err(|error| send_error(&error, &format!("the function app {} could not be invoked", app.name)))
}

/// The agent has not said that it runs the command: what was waited for, what to look at, and what the platform says.
fn not_accepted(world: &dyn World, settings: &Settings, app: &App, error: &AgentError, key: &str) -> Error {
    let name = &app.name;
    let seconds = settings.callback_timeout_s;
    let what = match error {
        AgentError::Timeout(why) => {
            format!("the agent in the function app {name} did not call back within {seconds} s ({why})")
        }
        error => format!("the function app {name} did not take the command: {}", agent_error_text(error)),
    };
    let agent = match (&settings.agent_share, &settings.agent_command) {
        (Some(share), Some(command)) => {
            format!(
                "the share {} of {} has the agent, which is started as {command} (sockerless doctor)",
                share.share, share.account
            )
        }
        (_, command) => format!("the image has the program {}", command.as_deref().unwrap_or("sockerless-agent")),
    };
    let text = format!(
        "{what}. Check that {agent}, and that the daemon's callback URL \
         (SOCKERLESS_CALLBACK_URL) can be reached from Azure; or, with SOCKERLESS_AGENT_LINK=dial, the app from the daemon. {}",
        platform_log(world, settings, app, key)
    );
    match error {
        AgentError::Timeout(_) => Error::Timeout(text),
        AgentError::Failed(_) => Error::Unavailable(text),
        AgentError::UnknownContainer(_) | AgentError::NotPrepared(_) | AgentError::Other(_) => Error::Other(text),
    }
}

/// The end of what the platform wrote when it started the container.
fn platform_log(world: &dyn World, settings: &Settings, app: &App, key: &str) -> String {
    let client = Client::new(world, settings, key);
    let url = client.url(&format!("{}/containerlogs", app.resource_id));
    let response = match client.send_within(Request::new("POST", url).within(LOG_TIMEOUT_MS), 1) {
        Ok(response) => response,
        Err(failure) => {
            let error = explain(failure, "The platform's log could not be read");
            return error_text(&error).to_owned();
        }
    };
    let text = String::from_utf8_lossy(&response.body);
    let lines: Vec<&str> = text.lines().map(str::trim_end).filter(|line| !line.is_empty()).collect();
    if lines.is_empty() {
        return "The platform has no log of the app yet.".to_owned();
    }
    let tail = lines[lines.len().saturating_sub(LOG_LINES)..].join("\n");
    let skipped = tail.chars().count().saturating_sub(LOG_CHARACTERS);
    let tail: String = tail.chars().skip(skipped).collect();
    format!("The platform's log ends with:\n{}", disarmed(tail))
}

/// The Docker CLI searches errors for these words and then takes it that the command itself is not there (127) or cannot be run
/// (126). In the platform's log they speak of something else: a space in them becomes one that does not break.
fn disarmed(log: String) -> String {
    let telling = [
        "executable file not found",
        "no such file or directory",
        "system cannot find the file specified",
        "permission denied",
        "is a directory",
    ];
    telling.iter().fold(log, |log, words| log.replace(words, &words.replacen(' ', "\u{a0}", 1)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bindings::http::HttpError;
    use crate::config;
    use crate::testing::{HOST, ID, RUN, Script, container, with_handle};

    const TAIL: [&str; 3] = ["tail", "-f", "/dev/null"];

    fn started(script: &Script, command: &[&str], agent: bool) -> Result<Started, Error> {
        start(script, &with_handle(container(command), agent), RUN, "")
    }

    #[test]
    fn the_agent_is_prepared_then_the_function_invoked_then_the_agent_awaited() {
        for command in [&TAIL[..], &["echo", "x"]] {
            let script = Script::new();
            assert_eq!(started(&script, command, true), Ok(ends(RunEnd::Agent)));
            assert_eq!(
                script.calls(),
                [format!("prepare {ID} {RUN}"), format!("dispatch {ID} {RUN}"), format!("await {ID} {RUN} 60000"),]
            );
            let sent = script.dispatched();
            assert_eq!((sent[0].method, sent[0].url.as_str()), ("POST", &*format!("https://{HOST}/api/function")));
            assert_eq!(sent[0].signer, Signer::Agent(ID.to_owned()));
            assert_eq!(sent[0].headers, [(RUN_ID.to_owned(), RUN.to_owned())]);
        }
    }

    #[test]
    fn the_wait_is_configurable() {
        let script = Script::new().with(config::CALLBACK_TIMEOUT, "3");
        started(&script, &TAIL, true).unwrap();
        assert!(script.calls()[2].ends_with(" 3000"));
    }

    #[test]
    fn without_an_agent_a_helper_stops_by_itself_and_a_waiting_one_ends_with_its_response() {
        let script = Script::new();
        assert_eq!(started(&script, &["echo", "x"], false), Ok(ends(RunEnd::After(500))));
        assert_eq!(started(&script, &TAIL, false), Ok(ends(RunEnd::Response)));
        assert_eq!(script.calls(), [format!("dispatch {ID} {RUN}"), format!("dispatch {ID} {RUN}")]);
        assert_eq!(script.dispatched()[0].signer, Signer::None);
        assert_eq!(script.dispatched()[0].timeout_ms, Some(600_000));
    }

    #[test]
    fn auto_stop_is_the_literal_rule() {
        let script = Script::new().with(config::HELPERS, "auto-stop");
        assert_eq!(started(&script, &["echo", "x"], true), Ok(ends(RunEnd::After(500))));
        assert_eq!(started(&script, &TAIL, true), Ok(ends(RunEnd::Agent)));
    }

    #[test]
    fn an_agent_that_never_calls_is_told_with_the_platforms_log() {
        let log = "starting\nERROR - exec: \"sockerless-agent\": executable file not found in $PATH\n";
        let script = Script::new().awaiting(AgentError::Timeout("late".into())).answer(200, log);
        let Err(Error::Timeout(text)) = started(&script, &TAIL, true) else { panic!() };
        for part in ["did not call back within 60 s", "SOCKERLESS_CALLBACK_URL", "file not found in $PATH"] {
            assert!(text.contains(part), "{text}");
        }
        // By which the Docker CLI would take it that the user's command is not there.
        assert!(!text.contains("executable file not found"), "{text}");
        let sent = script.sent();
        assert_eq!(sent[0].method, "POST");
        assert!(sent[0].url.contains("/sites/skls-0123456789ab/containerlogs?api-version="), "{}", sent[0].url);
    }

    #[test]
    fn an_invocation_that_failed_is_told_in_its_own_words() {
        let failed = AgentError::Failed("the invocation was answered with status 503".into());
        let script = Script::new().awaiting(failed).answer(204, "");
        let Err(Error::Unavailable(text)) = started(&script, &TAIL, true) else { panic!() };
        assert!(text.contains("did not take the command") && text.contains("status 503"), "{text}");
        assert!(text.contains("no log of the app yet"), "{text}");
    }

    #[test]
    fn a_front_end_without_a_container_is_asked_again() {
        let script = Script::new().refusing(&[503, 503], 3_000);
        assert_eq!(started(&script, &TAIL, true), Ok(ends(RunEnd::Agent)));
        let round =
            |left| [format!("prepare {ID} {RUN}"), format!("dispatch {ID} {RUN}"), format!("await {ID} {RUN} {left}")];
        assert_eq!(script.calls(), [round(60_000), round(57_000), round(54_000)].concat());
        assert!(script.dispatched().windows(2).all(|two| two[0] == two[1]));
    }

    #[test]
    fn it_is_not_asked_for_longer_than_the_start_may_take() {
        let script = Script::new().with(config::CALLBACK_TIMEOUT, "7").refusing(&[503; 9], 3_000).answer(204, "");
        let Err(Error::Unavailable(text)) = started(&script, &TAIL, true) else { panic!() };
        assert!(text.contains("status 503"), "{text}");
        assert_eq!(script.dispatched().len(), 3);
    }

    #[test]
    fn an_invocation_that_may_have_arrived_is_not_sent_again() {
        for status in [401, 404, 409, 500, 502, 504] {
            let script = Script::new().refusing(&[status], 3_000).answer(204, "");
            let Err(Error::Unavailable(text)) = started(&script, &TAIL, true) else { panic!() };
            assert!(text.contains(&format!("status {status}")), "{text}");
            assert_eq!(script.dispatched().len(), 1);
        }
    }

    #[test]
    fn a_log_that_cannot_be_read_hides_nothing() {
        let script = Script::new().awaiting(AgentError::Timeout(String::new())).answer(403, "{}");
        let Err(Error::Timeout(text)) = started(&script, &TAIL, true) else { panic!() };
        assert!(text.contains("did not call back") && text.contains("log could not be read"), "{text}");
        assert_eq!(script.sent().len(), 1);
    }

    #[test]
    fn only_the_end_of_a_long_log_is_shown() {
        let log: String = (0..1_000).map(|n| format!("line {n} {}\n", "x".repeat(300))).collect();
        let script = Script::new().awaiting(AgentError::Timeout(String::new())).answer(200, &log);
        let Err(Error::Timeout(text)) = started(&script, &TAIL, true) else { panic!() };
        assert!(text.contains("line 999 ") && !text.contains("line 900 "));
        assert!(text.len() < 5_000, "{}", text.len());
    }

    #[test]
    fn a_request_that_may_not_leave_is_an_error() {
        let script = Script::new().undispatched(SendError::Http(HttpError::Denied("not granted".into())));
        assert!(matches!(started(&script, &TAIL, true), Err(Error::Denied(text)) if text.contains("not granted")));
        assert_eq!(script.calls().len(), 2);
    }

    #[test]
    fn a_container_without_an_app_cannot_start() {
        assert!(matches!(start(&Script::new(), &container(&TAIL), RUN, ""), Err(Error::Conflict(_))));
    }

    use crate::world::SendError;
}
