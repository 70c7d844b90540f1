"""Files in and out of a container: archives that go between the Engine and the host."""

import base64
import json
from typing import Any
from urllib.parse import urlencode

import engine
from componentize_py_types import Err, Ok
from engine import Engine, failure
from handle import State
from wit_world import exports
from wit_world.exports.archive import Content, Extraction, PathStat
from wit_world.imports.http import Response
from wit_world.imports.streams import Download, Upload
from wit_world.imports.types import Container, Error_NotFound, Error_Unavailable

STAT = "x-docker-container-path-stat"


class Archive(exports.Archive):
    def stat(self, container: Container, path: str) -> PathStat:
        answer = Engine().ask("HEAD", of(container, path=path))
        if answer.status == 404:
            # There is no body that says so.
            raise Err(Error_NotFound(f"Could not find the file {shown(path)} in container {container.id}"))
        if answer.status != 200:
            raise failure(answer, f"{shown(path)} in {container.name} could not be looked at")
        return path_stat(answer.headers)

    def get(self, container: Container, path: str) -> Content:
        download = Engine().download(of(container, path=path), f"{shown(path)} could not be copied from {container.name}")
        return Content(path_stat(download.headers()), download)

    def put(self, container: Container, directory: str, extraction: Extraction) -> Upload:
        options = {
            "path": directory,
            "noOverwriteDirNonDir": int(extraction.no_overwrite_dir_non_dir),
            "copyUIDGID": int(extraction.copy_uid_gid),
        }
        return Engine().upload(of(container, **options), "application/x-tar")

    def extracted(self, container: Container, directory: str, answer: Any) -> None:
        if not isinstance(answer, Ok):
            raise engine.unanswered(answer.value)
        response: Response = answer.value
        if response.status != 200:
            raise failure(response, f"nothing, or only a part, was copied to {shown(directory)} in {container.name}")

    def file_system(self, container: Container) -> Download:
        path = f"/containers/{State.of(container).id}/export"
        return Engine().download(path, f"{container.name} could not be exported")


def shown(path: str) -> str:
    """As it may stand in an error, which goes to a terminal."""
    return path if path.isprintable() else repr(path)


def of(container: Container, **options: Any) -> str:
    return f"/containers/{State.of(container).id}/archive?{urlencode(options)}"


def path_stat(headers: list[tuple[str, str]]) -> PathStat:
    value = next((value for name, value in headers if name == STAT), "")
    try:
        found = json.loads(base64.b64decode(value, validate=True))
        size, mode = found["size"], found["mode"]
        texts = [found["name"], found["mtime"], found["linkTarget"]]
        if type(size) is not int or not -(2**63) <= size < 2**63 or type(mode) is not int or not 0 <= mode < 2**32:
            raise ValueError("a number is none")
        if not all(isinstance(text, str) for text in texts):
            raise ValueError("a text is none")
    except (ValueError, KeyError, TypeError) as error:
        raise Err(Error_Unavailable(f"the Docker Engine does not say what is at the path: {error!r}")) from error
    return PathStat(texts[0], size, mode, texts[1], texts[2])
