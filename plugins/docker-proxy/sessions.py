"""What clients do inside a container that the Engine does by itself: exec, and the streams of the container's own command."""

from urllib.parse import urlencode

import engine
import logs
from componentize_py_types import Err
from engine import Engine, failure
from handle import State
from wit_world import exports
from wit_world.exports.attach import Attached, StreamsWanted
from wit_world.exports.exec import Process, Started, State as Progress, State_Exited, State_Running
from wit_world.imports.streams import Framing, TerminalSize
from wit_world.imports.types import Container, Error_Unavailable

# The host looks for the keys that detach a client. The Engine would look for its own, which are the client's to type: it gets
# such as nobody types.
NO_KEYS = ",".join(["ctrl-_", "ctrl-@"] * 8)


class Exec(exports.Exec):
    def start(self, container: Container, process: Process) -> Started:
        docker = Engine()
        wanted = {
            "AttachStdin": process.stdin,
            "AttachStdout": True,
            "AttachStderr": True,
            "Tty": process.tty,
            "Cmd": process.command,
            "Env": process.environment,
            "WorkingDir": process.working_directory or "",
            "User": process.user or "",
            "Privileged": process.privileged,
            "DetachKeys": NO_KEYS,
        }
        begin = {"Detach": False, "Tty": process.tty}
        if process.size is not None:
            begin["ConsoleSize"] = [process.size.rows, process.size.columns]
        answer = docker.post(f"/containers/{State.of(container).id}/exec", wanted)
        if answer.status != 201:
            raise failure(answer, "the command could not be made")
        id = engine.text(answer, "Id")
        connection = docker.connect(f"/exec/{engine.quoted(id)}/start", begin, "the command could not be run")
        return Started(id, connection, Framing.RAW if process.tty else Framing.MULTIPLEXED)

    def inspect(self, container: Container, id: str) -> Progress:
        answer = Engine().ask("GET", f"/exec/{engine.quoted(id)}/json")
        found = engine.json_of(answer)
        if found.get("Running") is True:
            return State_Running()
        code = engine.number(answer, "ExitCode")
        if code is None:
            raise Err(Error_Unavailable("the Docker Engine does not say how the command has ended"))
        return State_Exited(code)

    def resize(self, container: Container, id: str, size: TerminalSize) -> None:
        resized(f"/exec/{engine.quoted(id)}", size)


class Attach(exports.Attach):
    def open(self, container: Container, wanted: StreamsWanted) -> Attached:
        asked = {
            "stream": int(wanted.follow),
            "logs": int(wanted.logs),
            "stdin": int(wanted.stdin),
            "stdout": int(wanted.stdout),
            "stderr": int(wanted.stderr),
            "detachKeys": NO_KEYS,
        }
        path = f"/containers/{State.of(container).id}/attach?{urlencode(asked)}"
        connection = Engine().connect(path, None, f"nobody can be attached to {container.name}")
        return Attached(connection, Framing.RAW if logs.is_raw(container) else Framing.MULTIPLEXED)

    def resize(self, container: Container, size: TerminalSize) -> None:
        resized(f"/containers/{State.of(container).id}", size)


def resized(what: str, size: TerminalSize) -> None:
    answer = Engine().post(f"{what}/resize?h={size.rows}&w={size.columns}")
    if answer.status not in (200, 201, 204):
        raise failure(answer, "the terminal's size could not be told")
