"""Requests to the Docker Engine, and what its answers say."""

import json
from typing import Any, Optional
from urllib.parse import quote, urlsplit

from componentize_py_types import Err
from wit_world.imports import config, http, streams
from wit_world.imports.http import (
    HttpError_Connect,
    HttpError_Denied,
    HttpError_Timeout,
    HttpError_TooLarge,
    Request,
    Response,
)
from wit_world.imports.streams import Connected_Switched, Connection, Download, Downloading_Begun, Upload
from wit_world.imports.types import (
    Container,
    Error_Configuration,
    Error_Conflict,
    Error_Denied,
    Error_Invalid,
    Error_NotFound,
    Error_Other,
    Error_Throttled,
    Error_Timeout,
    Error_Unavailable,
    Throttle,
)

URL = "SOCKERLESS_DOCKER_PROXY_URL"
# Not a name of the DNS: the operator's policy says at which socket it is.
DEFAULT_URL = "http://engine.docker"
# Of the Engine's API.
VERSION = "v1.41"

ORDINARY = 60_000
# A stop waits for the command's own end, and a pull for the image.
LONG = 280_000


def url() -> str:
    return (config.get(URL) or DEFAULT_URL).rstrip("/")


def host() -> str:
    """The host to ask for. What is no URL is said by `check`, since `describe` cannot fail."""
    try:
        return urlsplit(url()).hostname or "engine.docker"
    except ValueError:
        return "engine.docker"


def quoted(text: str) -> str:
    return quote(text, safe="")


class Engine:
    def __init__(self) -> None:
        self.url = url()
        try:
            parts = urlsplit(self.url)
            is_url = parts.scheme in ("http", "https") and bool(parts.hostname) and not parts.query
        except ValueError:
            is_url = False
        if not is_url:
            raise Err(Error_Configuration(f"{URL}, where the Docker Engine is, must be a URL such as {DEFAULT_URL}"))

    def request(self, method: str, path: str, content: Any, timeout: Optional[int]) -> Request:
        headers, sent = [], None
        if content is not None:
            headers, sent = [("content-type", "application/json")], json.dumps(content).encode()
        version = "" if path == "/_ping" else f"/{VERSION}"
        return Request(method, f"{self.url}{version}{path}", headers, sent, timeout, None)

    def ask(self, method: str, path: str, content: Any = None, timeout: int = ORDINARY) -> Response:
        try:
            return http.send(self.request(method, path, content, timeout))
        except Err as error:
            raise unanswered(error.value) from error

    def post(self, path: str, content: Any = None) -> Response:
        return self.ask("POST", path, content, LONG)

    def connect(self, path: str, content: Any, attempt: str) -> Connection:
        """A connection that the Engine takes over from HTTP, as for its streams."""
        try:
            answer = streams.connect(self.request("POST", path, content, ORDINARY), "tcp")
        except Err as error:
            raise unanswered(error.value) from error
        if isinstance(answer, Connected_Switched):
            return answer.value
        raise failure(answer.value, attempt)

    def download(self, path: str, attempt: str) -> Download:
        try:
            answer = streams.begin_download(self.request("GET", path, None, ORDINARY))
        except Err as error:
            raise unanswered(error.value) from error
        if isinstance(answer, Downloading_Begun):
            return answer.value
        raise failure(answer.value, attempt)

    def upload(self, path: str, kind: str) -> Upload:
        """A request whose body the host has."""
        request = self.request("PUT", path, None, None)
        request.headers = [("content-type", kind)]
        try:
            return streams.prepare_upload(request)
        except Err as error:
            raise unanswered(error.value) from error

    def pull(self, image: str) -> None:
        """Has the Engine pull an image that it has not."""
        last = image.rsplit("/", 1)[-1]
        if ":" not in last and "@" not in last:
            image += ":latest"
        answer = self.post(f"/images/create?fromImage={quoted(image)}")
        if answer.status != 200:
            raise failure(answer, f"the image {image} could not be pulled")
        # Progress, an object a line. An error that comes after the head of the answer is one of them.
        for line in answer.body.splitlines():
            try:
                said = json.loads(line)
            except ValueError:
                continue
            if isinstance(said, dict) and said.get("error"):
                raise Err(Error_NotFound(f"the image {image} could not be pulled: {said['error']}"))

    def wait(self, container: Container, id: str, run: str) -> None:
        """Has the host wait for the end of the command, however long that takes."""
        request = self.request("POST", f"/containers/{id}/wait?condition=not-running", None, None)
        try:
            http.dispatch(request, container.id, run)
        except Err as error:
            raise unanswered(error.value) from error


def unanswered(error: Any) -> Err:
    text = f"the Docker Engine at {url()} was asked, and there is no answer: {getattr(error, 'value', '')}"
    if isinstance(error, HttpError_Denied):
        return Err(Error_Denied(text))
    if isinstance(error, HttpError_Timeout):
        return Err(Error_Timeout(text))
    if isinstance(error, HttpError_Connect):
        return Err(Error_Unavailable(f"{text}; does it run?"))
    if isinstance(error, HttpError_TooLarge):
        return Err(Error_Other(f"the Docker Engine's answer has more than {error.value} bytes; ask for less, as with --tail"))
    return Err(Error_Unavailable(text))


def json_of(answer: Response) -> dict:
    """What a successful answer holds."""
    if answer.status >= 300:
        raise failure(answer, "the Docker Engine was asked")
    try:
        found = json.loads(answer.body)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise Err(Error_Unavailable(f"the Docker Engine's answer ({answer.status}) is none of the Docker API"))
    return found


def text(answer: Response, name: str) -> str:
    found = json_of(answer).get(name)
    if not isinstance(found, str) or not found:
        raise Err(Error_Unavailable(f"the Docker Engine's answer has no {name}"))
    return found


def number(answer: Response, name: str) -> Optional[int]:
    try:
        found = json_of(answer).get(name)
    except Err:
        return None
    return found if type(found) is int and -(2**31) <= found < 2**31 else None


def exit_code(answer: Response) -> Optional[int]:
    """Of a container that has ended, as its description has it."""
    try:
        state = json_of(answer).get("State")
    except Err:
        return None
    if not isinstance(state, dict) or state.get("Status") != "exited" or type(state.get("ExitCode")) is not int:
        return None
    return state["ExitCode"]


def failure(answer: Response, attempt: str) -> Err:
    """An answer that is none of those that were hoped for, in the Engine's words."""
    try:
        found = json.loads(answer.body)
        said = found.get("message") if isinstance(found, dict) else None
    except ValueError:
        said = None
    message = f"{attempt}: the Docker Engine answered {answer.status}" + (f", {said}" if isinstance(said, str) else "")
    status = answer.status
    if status == 400:
        return Err(Error_Invalid(message))
    if status in (401, 403):
        return Err(Error_Denied(message))
    if status == 404:
        return Err(Error_NotFound(message))
    if status == 409:
        return Err(Error_Conflict(message))
    if status == 429:
        return Err(Error_Throttled(Throttle(message, None)))
    return Err(Error_Unavailable(message)) if status in (200, 502, 503, 504) else Err(Error_Other(message))
