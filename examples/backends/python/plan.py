"""What becomes of each field of a create body. Nothing is ignored in silence: the findings become warnings of
`docker create`, or its error.
"""

import json
from typing import Any

from componentize_py_types import Err
from wit_world.exports.backend import Finding, Verdict
from wit_world.imports.types import Error_Invalid

NO_FILES = "memory runs nothing that could see a file."

# Fields, by their path in the create body, that have not the effect that Docker gives them.
ROWS = [
    ("HostConfig.Privileged", Verdict.REFUSED, "memory runs nothing, so nothing of it can be privileged."),
    ("HostConfig.Binds", Verdict.IGNORED, NO_FILES),
    ("HostConfig.Mounts", Verdict.IGNORED, NO_FILES),
    ("HostConfig.PortBindings", Verdict.IGNORED, "memory runs nothing that could listen on a port."),
    ("Healthcheck", Verdict.IGNORED, "memory runs nothing that could be healthy."),
    ("StopSignal", Verdict.CHANGED, "memory ends a container at once, whatever the signal."),
]


def findings(spec: str) -> list[Finding]:
    """What is to be said about this create body."""
    try:
        body = json.loads(spec)
    except ValueError as error:
        raise Err(Error_Invalid(f"the create body is not JSON: {error}")) from error
    if not isinstance(body, dict):
        raise Err(Error_Invalid("the create body is not a JSON object"))
    # Docker's clients send every field; one that nobody has set is null, false, 0 or empty, all of which Python calls
    # false.
    return [Finding(field, verdict, reason) for field, verdict, reason in ROWS if member(body, field)]


def member(body: Any, path: str) -> Any:
    """The value at a path such as `HostConfig.Binds`."""
    for name in path.split("."):
        body = body.get(name) if isinstance(body, dict) else None
    return body
