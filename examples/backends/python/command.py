"""What a command means to a backend that runs none: how long the container runs."""

from componentize_py_types import Err
from wit_world.imports.types import Error_Invalid

# A run without an end: the longest that `run-end.after` can say, some 49 days.
FOREVER = 2**32 - 1


def lasts(command: list[str]) -> int:
    """How many milliseconds a container with this command runs.

    `sleep SECONDS` says so itself, `sleep infinity` and `tail -f …` run until they are stopped, and whatever else is
    over at once.
    """
    match command:
        case ["sleep", "infinity"] | ["tail", "-f", *_]:
            return FOREVER
        case ["sleep", seconds]:
            # `isdigit` alone takes the digits of every script.
            if len(seconds) <= 7 and seconds.isascii() and seconds.isdigit() and int(seconds) * 1000 <= FOREVER:
                return int(seconds) * 1000
            # The text goes to Docker's client as it is: what is wrong, and what to do about it.
            raise Err(Error_Invalid(
                f'memory cannot sleep for "{seconds}": write whole seconds, 4294967 at most, or infinity'))
        case _:
            return 0
