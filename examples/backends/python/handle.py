"""What the backend remembers of a container.

Every call runs in a fresh instance, so nothing can be kept in a variable. The host stores the handle and gives it back
with every call, also to the version of this backend that replaces this one, so its form is a promise: a new form gets a
new number.
"""

import json
from dataclasses import asdict, dataclass

from componentize_py_types import Err
from wit_world.imports.types import Container, Error_Invalid, Error_NotFound, Handle, Timestamp

# The version of the form below.
VERSION = 1


@dataclass(frozen=True)
class State:
    """What is remembered, as JSON. Times are milliseconds since 1970."""

    # When the container was created.
    created: int
    # How often it was started.
    starts: int = 0
    # When it was started last; 0 before the first time.
    started: int = 0

    @staticmethod
    def of(container: Container) -> "State":
        """What the host has kept of this container. An error if that is nothing, or nothing that this version can read."""
        handle = container.handle
        if handle is None:
            raise Err(Error_NotFound(f"memory knows nothing of container {container.name}"))
        if handle.version != VERSION:
            raise Err(Error_Invalid(f"the handle of container {container.name} has version {handle.version}, "
                                    f"and this backend reads version {VERSION}"))
        try:
            found = json.loads(handle.data)
            state = State(found["created"], found["starts"], found["started"])
        except (ValueError, KeyError, TypeError) as error:
            raise unreadable(container, repr(error)) from error
        # `bool` is a kind of `int` to Python.
        if any(type(number) is not int or number < 0 for number in asdict(state).values()):
            raise unreadable(container, "it holds something else than numbers")
        return state

    def to_handle(self) -> Handle:
        """What the host is to keep."""
        return Handle(VERSION, json.dumps(asdict(self), separators=(",", ":")).encode())


def unreadable(container: Container, why: str) -> Err:
    return Err(Error_Invalid(f"the handle of container {container.name} cannot be read: {why}"))


def milliseconds(time: Timestamp) -> int:
    return time.seconds * 1000 + time.nanoseconds // 1_000_000


def timestamp(time: int) -> Timestamp:
    """A time that a `State` remembers."""
    return Timestamp(time // 1000, time % 1000 * 1_000_000)
