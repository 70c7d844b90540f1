"""`memory`: a backend that remembers containers and runs nothing.

It is complete and small, to be read from top to bottom and to be copied. Here are the exports, in the order in which the
host calls them; beside them are what the backend remembers (handle.py), what it says of a create body (plan.py) and how it
understands a command (command.py). What each export is for, and what the host does with each error, is written in the
WIT package.

`wit_world` is made from the WIT package by componentize-py. A function that may fail raises `Err` with an `Error_…`; any other
exception is a trap, which costs this call and shows in the daemon's log.
"""

from typing import Optional

# They must be imported while the component is made: there are no files when it runs.
import handle
import plan
from command import FOREVER, lasts
from componentize_py_types import Err
from handle import State, timestamp
from wit_world import exports
from wit_world.exports.backend import ConfigKey, Descriptor, Finding
from wit_world.exports.lifecycle import (
    Disposition,
    Outcome,
    Recovered,
    Recovered_Absent,
    Recovered_Present,
    RunEnd_After,
    RunVerdict,
    Started,
)
from wit_world.exports.logs import Entry, Page, Query, Source
from wit_world.imports import agents, clock, config, log
from wit_world.imports.types import (
    Container,
    Error_Configuration,
    Error_NotSupported,
    Error_Other,
    Handle,
)

# A key of the configuration: an environment variable of the daemon, or a setting in its file.
GREETING = "SOCKERLESS_MEMORY_GREETING"
DEFAULT_GREETING = "hello"


class Backend(exports.Backend):
    def describe(self) -> Descriptor:
        """Called first, and before there is a configuration."""
        return Descriptor(
            name="memory",
            version="0.1.0-python",
            driver="memory",
            operating_system="memory, written in Python",
            cpus=1,
            memory=2**30,
            config=[
                ConfigKey(
                    name=GREETING,
                    required=False,
                    default_value=DEFAULT_GREETING,
                    secret=False,
                    help="The first words of every container's log, on one line.",
                )
            ],
            # It contacts nothing. A backend of a cloud names the cloud's hosts here, and the scopes of its tokens.
            hosts=[],
            scopes=[],
        )

    def check(self) -> None:
        """An error here refuses the component, so that a wrong setting shows at load and not at the first container."""
        if not greeting() or any(end in greeting() for end in "\r\n"):
            raise Err(Error_Configuration(
                f"{GREETING}, the first words of every log, must be one line that is not empty"))

    def plan(self, spec: str) -> list[Finding]:
        return plan.findings(spec)


class Lifecycle(exports.Lifecycle):
    def create(self, container: Container, key: str) -> Handle:
        """A backend of a cloud would make the container there, under a name that derives from its id, so that a repeated
        call finds what the first one made. The key is for clouds that recognise repetitions by one.
        """
        # What cannot be started is refused now.
        lasts(container.command)
        return State(created=handle.milliseconds(clock.now())).to_handle()

    def start(self, container: Container, run: str, key: str) -> Started:
        """Nothing is run and no agent reports, so the host is told how long to count the container as running."""
        before = State.of(container)
        state = State(before.created, before.starts + 1, handle.milliseconds(clock.now()))
        time = lasts(container.command)
        # Goes to the daemon's log, with the backend's name and the container added.
        fields = [("starts", str(state.starts)), ("milliseconds", str(time))]
        log.write(log.Level.INFO, "a container runs in memory only", fields)
        return Started(state.to_handle(), RunEnd_After(time))

    def finished(self, container: Container, run: str, outcome: Outcome) -> RunVerdict:
        """For those that start a command by an HTTP request."""
        raise Err(Error_NotSupported("memory sends no request, so none of them can have an outcome"))

    def stop(self, container: Container, timeout_seconds: Optional[int], key: str) -> Disposition:
        end_run(container)
        return Disposition.DONE

    def kill(self, container: Container, signal: str, key: str) -> Disposition:
        if signal not in ("SIGKILL", "SIGTERM", "SIGINT", "SIGQUIT", "SIGHUP"):
            raise Err(Error_NotSupported(f"memory runs no process that could take {signal}"))
        end_run(container)
        return Disposition.DONE

    def restart(self, container: Container, timeout_seconds: Optional[int], key: str) -> Disposition:
        """Ends the run, if there is one, and leaves it to the host to start the container again."""
        end_run(container)
        return Disposition.HOST_DEFAULT

    def remove(self, container: Container, force: bool, key: str) -> None:
        """There is nothing to delete but the handle, and that the host does. Deleting what is not there is success."""

    def recover(self, container: Container) -> Recovered:
        """Asked when the daemon starts, and before this version takes over from another one. What it cannot read it must
        not take over: the error keeps the version that can.
        """
        if container.handle is None:
            return Recovered_Absent()
        State.of(container)
        return Recovered_Present(None)


class Logs(exports.Logs):
    def read(self, container: Container, query: Query, cursor: Optional[str]) -> Page:
        """All there is on one page: the host picks what was asked for, and adds Docker's framing."""
        state = State.of(container)
        entries = [entry(state.created, Source.STDOUT, f"{greeting()} from {container.name}, made of {container.image}")]
        if state.starts > 0:
            entries.append(entry(state.started, Source.STDOUT, f"start {state.starts}: {' '.join(container.command)}"))
            until = "until it is stopped" if lasts(container.command) == FOREVER else "for its time"
            entries.append(entry(
                state.started, Source.STDERR, f"nothing is run: the container counts as running {until}"))
        return Page(entries, None)


def greeting() -> str:
    value = config.get(GREETING)
    return DEFAULT_GREETING if value is None else value


def end_run(container: Container) -> None:
    """Has the host end the run that is under way, if there is one. Docker shows 137 then."""
    try:
        agents.disconnect(container.id)
    except Err as error:
        raise Err(Error_Other(f"the run of container {container.name} could not be ended: {error.value}")) from error


def entry(time: int, source: Source, text: str) -> Entry:
    """One line of a log."""
    # A command may hold newlines, and an entry is one line.
    return Entry(timestamp(time), source, text.replace("\n", " ").encode(), False)
