"""The create body: what of it goes on to the Engine, and what is the host's."""

import json
from typing import Any, Optional

from componentize_py_types import Err
from wit_world.exports.backend import Finding, Verdict
from wit_world.imports.types import Container, Error_Invalid

# By which a container at the Engine is known to be one of the host's.
LABEL = "sockerless.container-id"

# What has not the effect that Docker gives it. All else the Engine gives its effect.
ROWS = [
    ("Healthcheck", Verdict.IGNORED, "Health checks are the host's, and take an agent that the container has not."),
    ("HostConfig.RestartPolicy.Name", Verdict.CHANGED, "The host restarts the container, not the Engine behind it."),
    ("HostConfig.AutoRemove", Verdict.CHANGED, "The host removes the container, not the Engine behind it."),
]


def parsed(spec: str) -> dict:
    try:
        found = json.loads(spec)
    except ValueError as error:
        raise Err(Error_Invalid(f"the create body is not JSON: {error}")) from error
    if not isinstance(found, dict):
        raise Err(Error_Invalid("the create body is not a JSON object"))
    return found


def findings(spec: str) -> list[Finding]:
    body = parsed(spec)
    return [
        Finding(field, verdict, reason)
        for field, verdict, reason in ROWS
        if member(body, field) and not (field.endswith("RestartPolicy.Name") and member(body, field) == "no")
    ]


def member(body: Any, path: str) -> Any:
    for name in path.split("."):
        body = body.get(name) if isinstance(body, dict) else None
    return body


def for_engine(container: Container) -> dict:
    """What the Engine is asked to make."""
    body = parsed(container.spec)
    # Both are in the command, merged with the image's own.
    body["Entrypoint"], body["Cmd"] = [], container.command
    body["Env"] = container.environment
    body["Image"] = container.image
    body["Healthcheck"] = {"Test": ["NONE"]}
    labels = body.get("Labels")
    body["Labels"] = {**(labels if isinstance(labels, dict) else {}), LABEL: container.id}
    config = body.get("HostConfig")
    config = dict(config) if isinstance(config, dict) else {}
    # Networks of the host are not the Engine's, and what restarts and removes is the host.
    config.update(AutoRemove=False, RestartPolicy={"Name": "no"}, Runtime="")
    mode = config.get("NetworkMode")
    if mode not in ("none", "host"):
        config["NetworkMode"] = "default"
    body["HostConfig"] = config
    body.pop("NetworkingConfig", None)
    return body


def label(description: dict) -> Optional[str]:
    """The container that a container at the Engine says it is."""
    found = member(description, "Config.Labels")
    return found.get(LABEL) if isinstance(found, dict) else None
