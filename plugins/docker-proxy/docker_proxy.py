"""`docker-proxy`: every container is a container of another Docker Engine.

The exports, in the order in which the host calls them; those for what clients do inside a container are in sessions.py and archive.py.
Beside them: requests to the Engine (engine.py), what is remembered of a container (handle.py), what becomes of a create body (body.py),
and the Engine's log (logs.py).
"""

from typing import Optional

# They must be imported while the component is made: there are no files when it runs.
import body
import engine
import logs
from archive import Archive as Archive
from componentize_py_types import Err
from engine import Engine, failure
from handle import State, name_of
from sessions import Attach as Attach
from sessions import Exec as Exec
from wit_world import exports
from wit_world.exports.backend import ConfigKey, Descriptor, Finding
from wit_world.exports.lifecycle import (
    Disposition,
    Outcome,
    Outcome_Response,
    Recovered,
    Recovered_Absent,
    Recovered_Present,
    RunEnd_Response,
    RunVerdict,
    RunVerdict_Exited,
    RunVerdict_Unknown,
    Started,
)
from wit_world.exports.logs import Page, Query
from wit_world.imports import agents
from wit_world.imports.types import Container, Error_NameTaken, Error_NotFound, Error_Other, Handle

# What the host may wait for when nothing says how a command has ended.
UNKNOWN = RunVerdict_Unknown(0)


class Backend(exports.Backend):
    def describe(self) -> Descriptor:
        return Descriptor(
            name="docker-proxy",
            version="0.1.0",
            driver="docker-proxy",
            operating_system="Docker Engine",
            cpus=1,
            memory=2**30,
            config=[
                ConfigKey(
                    name=engine.URL,
                    required=False,
                    default_value=engine.DEFAULT_URL,
                    secret=False,
                    help="Where the Docker Engine is: http://NAME, with a rule of the policy that says at which socket or address.",
                )
            ],
            hosts=[engine.host()],
            scopes=[],
        )

    def check(self) -> None:
        answer = Engine().ask("GET", "/_ping")
        if answer.status != 200 or answer.body != b"OK":
            raise failure(answer, "the Docker Engine does not answer to /_ping as one")

    def plan(self, spec: str) -> list[Finding]:
        return body.findings(spec)


class Lifecycle(exports.Lifecycle):
    def create(self, container: Container, key: str) -> Handle:
        docker = Engine()
        wanted = body.for_engine(container)
        name = name_of(container)
        answer = docker.post(f"/containers/create?name={name}", wanted)
        if answer.status == 404:
            docker.pull(container.image)
            answer = docker.post(f"/containers/create?name={name}", wanted)
        if answer.status == 409:
            # By an earlier attempt whose answer was lost, or by somebody else.
            known = ours(docker, name, container)
            if known is None:
                raise Err(Error_NameTaken(f"the Docker Engine has a container {name} that is somebody else's"))
            return State(known).to_handle()
        if answer.status != 201:
            raise failure(answer, f"the container {container.name} could not be made")
        return State(engine.text(answer, "Id")).to_handle()

    def start(self, container: Container, run: str, key: str) -> Started:
        state = State.of(container)
        docker = Engine()
        answer = docker.post(f"/containers/{state.id}/start")
        # 304: it runs already, by an attempt whose answer was lost.
        if answer.status not in (204, 304):
            raise failure(answer, f"the container {container.name} could not be started")
        docker.wait(container, state.id, run)
        return Started(State(state.id, run).to_handle(), RunEnd_Response())

    def finished(self, container: Container, run: str, outcome: Outcome) -> RunVerdict:
        state = State.of(container)
        if isinstance(outcome, Outcome_Response) and outcome.value.status == 200:
            code = engine.number(outcome.value, "StatusCode")
            if code is not None:
                return RunVerdict_Exited(code)
        # The connection broke, or something stands between: the Engine knows.
        try:
            answer = Engine().ask("GET", f"/containers/{state.id}/json")
        except Err:
            return UNKNOWN
        code = engine.exit_code(answer)
        return UNKNOWN if code is None else RunVerdict_Exited(code)

    def stop(self, container: Container, timeout_seconds: Optional[int], key: str) -> Disposition:
        seconds = "" if timeout_seconds is None else f"?t={timeout_seconds}"
        end(container, f"stop{seconds}", "stopped")
        return Disposition.DONE

    def kill(self, container: Container, signal: str, key: str) -> Disposition:
        end(container, f"kill?signal={engine.quoted(signal)}", "killed")
        return Disposition.DONE

    def restart(self, container: Container, timeout_seconds: Optional[int], key: str) -> Disposition:
        """Stops it, and leaves it to the host to start it again, as a run of its own."""
        self.stop(container, timeout_seconds, key)
        try:
            agents.disconnect(container.id)
        except Err as error:
            raise Err(Error_Other(f"the run of {container.name} could not be ended: {error.value}")) from error
        return Disposition.HOST_DEFAULT

    def remove(self, container: Container, force: bool, key: str) -> None:
        docker = Engine()
        known = State.of(container).id if container.handle else ours(docker, name_of(container), container)
        if known is None:
            return
        answer = docker.ask("DELETE", f"/containers/{known}?v=1&force={int(force)}")
        if answer.status not in (204, 404):
            raise failure(answer, f"the container {container.name} could not be removed")

    def recover(self, container: Container) -> Recovered:
        docker = Engine()
        if container.handle is None:
            return Recovered_Absent() if ours(docker, name_of(container), container) is None else Recovered_Present(None)
        answer = docker.ask("GET", f"/containers/{State.of(container).id}/json")
        if answer.status == 404:
            return Recovered_Absent()
        engine.text(answer, "Id")
        return Recovered_Present(None)


class Runs(exports.Runs):
    def resume(self, container: Container, run: str) -> None:
        docker = Engine()
        id = State.of(container).id
        answer = docker.ask("GET", f"/containers/{id}/json")
        if answer.status == 404:
            raise Err(Error_NotFound(f"the container {container.name} is not at the Docker Engine any more: somebody else has removed it"))
        engine.text(answer, "Id")
        # Answered at once if it has ended.
        docker.wait(container, id, run)


class Logs(exports.Logs):
    def read(self, container: Container, query: Query, cursor: Optional[str]) -> Page:
        state = State.of(container)
        answer = Engine().ask("GET", f"/containers/{state.id}/logs?{logs.question(query)}")
        if answer.status != 200:
            raise failure(answer, f"the log of {container.name} could not be read")
        return Page(logs.entries(answer.body, logs.is_raw(container)), None)


def ours(docker: Engine, name: str, container: Container) -> Optional[str]:
    """The Engine's id of the container of this name, if it is this container."""
    answer = docker.ask("GET", f"/containers/{name}/json")
    if answer.status == 404:
        return None
    return engine.text(answer, "Id") if body.label(engine.json_of(answer)) == container.id else None


def end(container: Container, how: str, done: str) -> None:
    """Ends a run, or passes a signal on. That it does not run is no error of a stop."""
    state = State.of(container)
    docker = Engine()
    answer = docker.post(f"/containers/{state.id}/{how}")
    if answer.status not in (204, 304):
        raise failure(answer, f"the container {container.name} could not be {done}")
    if state.run:
        # Who dispatched the first one may be a daemon that is no more.
        docker.wait(container, state.id, state.run)
