"""What is remembered of a container, and what it is called at the Engine."""

import json
from dataclasses import asdict, dataclass

from componentize_py_types import Err
from wit_world.imports.types import Container, Error_Conflict, Error_Invalid, Handle

# The version of the form below.
VERSION = 1


@dataclass(frozen=True)
class State:
    # The Engine's id.
    id: str
    # The run that was started last.
    run: str = ""

    @staticmethod
    def of(container: Container) -> "State":
        """What the host has kept of this container. An error if that is nothing, or nothing that this version can read."""
        handle = container.handle
        if handle is None:
            raise Err(Error_Conflict(f"the container {container.name} was never made at the Docker Engine"))
        if handle.version != VERSION:
            raise Err(Error_Invalid(f"the handle of container {container.name} has version {handle.version}, "
                                    f"and this backend reads version {VERSION}"))
        try:
            found = json.loads(handle.data)
            state = State(found["id"], found["run"])
        except (ValueError, KeyError, TypeError) as error:
            raise Err(Error_Invalid(f"the handle of container {container.name} cannot be read: {error!r}")) from error
        if not isinstance(state.run, str) or not isinstance(state.id, str) or not state.id.isalnum():
            raise Err(Error_Invalid(f"the handle of container {container.name} cannot be read: it holds no id"))
        return state

    def to_handle(self) -> Handle:
        return Handle(VERSION, json.dumps(asdict(self), separators=(",", ":")).encode())


def name_of(container: Container) -> str:
    """By which a call that is repeated finds what the first one made."""
    return f"sockerless-{container.id[:12]}"
