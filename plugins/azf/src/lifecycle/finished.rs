//! What the end of an invocation says about the run.

use super::handle::App;
use crate::bindings::http::{HttpError, Response};
use crate::bindings::lifecycle::{Outcome, RunVerdict};
use crate::bindings::types::{Container, Error};
use crate::config::agent_timeout_ms;
use crate::world::{World, header, http_error_text};

/// Judges the outcome of the request that `start` dispatched.
pub(crate) fn finished(
    world: &dyn World,
    container: &Container,
    _run: &str,
    outcome: &Outcome,
) -> Result<RunVerdict, Error> {
    let app = App::made(container)?;
    let limit = agent_timeout_ms(world)?;
    let verdict = match outcome {
        Outcome::Response(response) => answered(&app, response).unwrap_or(RunVerdict::Unknown(limit)),
        // The server never saw it.
        Outcome::Failed(error @ (HttpError::Denied(_) | HttpError::Invalid(_) | HttpError::Connect(_))) => {
            let error = http_error_text(error);
            RunVerdict::NotStarted(format!("the function app {} could not be invoked: {error}", app.name))
        }
        Outcome::Failed(_) => RunVerdict::Unknown(limit),
    };
    Ok(match verdict {
        // Where an agent is, something has started, whatever became of the request.
        RunVerdict::NotStarted(_) if world.connected(&container.id) => RunVerdict::Unknown(limit),
        verdict => verdict,
    })
}

/// What an answer says; nothing if that does not tell how the run is.
fn answered(app: &App, response: &Response) -> Option<RunVerdict> {
    let Some(agent) = &app.agent else {
        // The image's own function says that it did what it was to do.
        return (200..=299).contains(&response.status).then_some(RunVerdict::Exited(0));
    };
    let code = header(response, &agent.exit_code_header).and_then(|code| code.trim().parse().ok());
    match (code, response.status) {
        (Some(code), _) => Some(RunVerdict::Exited(code)),
        (None, 401) => Some(RunVerdict::NotStarted(format!(
            "the function app {} did not take the invocation: it was answered with status 401. Its agent has another key, or \
             authentication is switched on for the app",
            app.name
        ))),
        // 202 says that the command still runs. All else comes from the platform: what it cut off, or could not pass on, may
        // have run all the same.
        (None, _) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config;
    use crate::testing::{RUN, Script, container, response, with_handle};

    const UNKNOWN: RunVerdict = RunVerdict::Unknown(1_800_000);

    fn verdict(script: &Script, agent: bool, outcome: Outcome) -> RunVerdict {
        finished(script, &with_handle(container(&["x"]), agent), RUN, &outcome).unwrap()
    }

    fn answer(status: u16, headers: &[(&str, &str)]) -> RunVerdict {
        verdict(&Script::new(), true, Outcome::Response(response(status, headers, "")))
    }

    #[test]
    fn the_agents_header_is_the_exit_code() {
        assert_eq!(answer(200, &[("x-sockerless-exit-code", "0")]), RunVerdict::Exited(0));
        assert_eq!(answer(200, &[("x-sockerless-exit-code", " 137 ")]), RunVerdict::Exited(137));
        assert_eq!(answer(500, &[("x-sockerless-exit-code", "3")]), RunVerdict::Exited(3));
    }

    #[test]
    fn nothing_else_is_an_exit_code() {
        assert_eq!(answer(202, &[("x-sockerless-run-id", RUN)]), UNKNOWN);
        for status in [200, 204, 302, 403, 404, 500, 502, 503, 504] {
            assert_eq!(answer(status, &[]), UNKNOWN, "{status}");
        }
        assert_eq!(answer(200, &[("x-sockerless-exit-code", "one")]), UNKNOWN);
    }

    #[test]
    fn the_wait_for_the_agent_is_configurable() {
        let script = Script::new().with(config::AGENT_TIMEOUT, "3");
        let outcome = Outcome::Failed(HttpError::Interrupted(String::new()));
        assert_eq!(verdict(&script, true, outcome), RunVerdict::Unknown(3_000));
    }

    #[test]
    fn a_request_that_never_arrived_started_nothing() {
        for error in [HttpError::Denied("p".into()), HttpError::Invalid("p".into()), HttpError::Connect("p".into())] {
            let outcome = || Outcome::Failed(error.clone());
            assert!(
                matches!(verdict(&Script::new(), true, outcome()), RunVerdict::NotStarted(text) if text.contains('p'))
            );
            assert_eq!(verdict(&Script::new().connected(), true, outcome()), UNKNOWN);
        }
    }

    #[test]
    fn a_request_that_may_have_arrived_may_have_started_something() {
        for error in [
            HttpError::Timeout(String::new()),
            HttpError::Interrupted(String::new()),
            HttpError::TooLarge(1),
            HttpError::Exhausted(String::new()),
            HttpError::Other(String::new()),
        ] {
            assert_eq!(verdict(&Script::new(), true, Outcome::Failed(error)), UNKNOWN);
        }
    }

    #[test]
    fn an_agent_with_another_key_started_nothing() {
        let refused = || Outcome::Response(response(401, &[], "no"));
        assert!(
            matches!(verdict(&Script::new(), true, refused()), RunVerdict::NotStarted(text) if text.contains("401"))
        );
        assert_eq!(verdict(&Script::new().connected(), true, refused()), UNKNOWN);
    }

    #[test]
    fn without_an_agent_success_is_success_and_failure_unknown() {
        let outcome = |status| verdict(&Script::new(), false, Outcome::Response(response(status, &[], "")));
        assert_eq!(outcome(200), RunVerdict::Exited(0));
        assert_eq!(outcome(500), UNKNOWN);
    }
}
