//! `docker stop`, `kill` and `restart`.

use super::handle::App;
use crate::bindings::lifecycle::Disposition;
use crate::bindings::types::{Container, Error};
use crate::config::stop_signals;
use crate::world::{World, agent_error_text};

/// Functions run to completion: nothing, unless the operator wants it otherwise.
pub(crate) fn stop(world: &dyn World, container: &Container) -> Result<Disposition, Error> {
    if !stop_signals(world) {
        return Ok(Disposition::Nothing);
    }
    match App::made(container)?.agent {
        Some(_) => Ok(Disposition::HostDefault),
        // There is nobody to pass a signal on.
        None => disconnect(world, container),
    }
}

/// The same. Where the operator wants it, the host stops and starts.
pub(crate) fn restart(world: &dyn World, container: &Container) -> Result<Disposition, Error> {
    if !stop_signals(world) {
        return Ok(Disposition::Nothing);
    }
    match App::made(container)?.agent {
        Some(_) => Ok(Disposition::HostDefault),
        None => Err(Error::NotSupported(
            "a container without an agent cannot be restarted: there is nobody to stop its command. Set \
             SOCKERLESS_CALLBACK_URL, and make the container again."
                .to_owned(),
        )),
    }
}

/// SIGKILL disconnects the agent, which ends the run. Other signals the agent passes on, if there is one; without one each
/// of them ends the run.
pub(crate) fn kill(world: &dyn World, container: &Container, signal: &str) -> Result<Disposition, Error> {
    let has_agent = App::made(container)?.agent.is_some();
    if has_agent && !matches!(signal, "SIGKILL" | "KILL" | "9") {
        return Ok(Disposition::HostDefault);
    }
    disconnect(world, container)
}

fn disconnect(world: &dyn World, container: &Container) -> Result<Disposition, Error> {
    world.disconnect(&container.id).map_err(|error| {
        Error::Other(format!(
            "the run of container {} could not be ended: {}",
            container.name,
            agent_error_text(&error)
        ))
    })?;
    Ok(Disposition::Done)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::STOP;
    use crate::testing::{ID, Script, container, with_handle};

    fn made(agent: bool) -> Container {
        with_handle(container(&["x"]), agent)
    }

    #[test]
    fn stop_and_restart_do_nothing() {
        // Not even a configuration is needed for that.
        let script = Script::bare();
        assert_eq!(stop(&script, &made(true)), Ok(Disposition::Nothing));
        assert_eq!(restart(&script, &made(true)), Ok(Disposition::Nothing));
        assert!(script.calls().is_empty() && script.sent().is_empty());
    }

    #[test]
    fn stop_and_restart_act_through_the_agent_when_the_operator_wants_it() {
        let script = Script::new().with(STOP, "signal");
        assert_eq!(stop(&script, &made(true)), Ok(Disposition::HostDefault));
        assert_eq!(restart(&script, &made(true)), Ok(Disposition::HostDefault));
        assert!(script.calls().is_empty());
        assert_eq!(stop(&script, &made(false)), Ok(Disposition::Done));
        assert_eq!(script.calls(), [format!("disconnect {ID}")]);
        assert!(matches!(restart(&script, &made(false)), Err(Error::NotSupported(_))));
    }

    #[test]
    fn sigkill_disconnects_the_agent() {
        let script = Script::new();
        assert_eq!(kill(&script, &made(true), "SIGKILL"), Ok(Disposition::Done));
        assert_eq!(script.calls(), [format!("disconnect {ID}")]);
    }

    #[test]
    fn other_signals_are_the_commands() {
        let script = Script::new();
        for signal in ["SIGTERM", "SIGUSR1", "SIGHUP", "SIGINT"] {
            assert_eq!(kill(&script, &made(true), signal), Ok(Disposition::HostDefault), "{signal}");
        }
        assert!(script.calls().is_empty());
        assert_eq!(kill(&script, &made(false), "SIGTERM"), Ok(Disposition::Done));
    }
}
