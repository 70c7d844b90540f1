"""The Engine's log: frames, and in them lines with times."""

import json
import re
from typing import Iterator, Optional
from urllib.parse import urlencode

from wit_world.exports.logs import Entry, Query, Source
from wit_world.imports.types import Container, Timestamp

LINE = re.compile(rb"(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?Z (.*)", re.DOTALL)


def question(query: Query) -> str:
    asked = {"stdout": 1, "stderr": 1, "timestamps": 1}
    if query.since is not None:
        asked["since"] = written(query.since)
    if query.until is not None:
        asked["until"] = written(query.until)
    if query.tail is not None:
        asked["tail"] = query.tail
    return urlencode(asked)


def written(time: Timestamp) -> str:
    return f"{time.seconds}.{time.nanoseconds:09}"


def is_raw(container: Container) -> bool:
    """With a terminal there are no frames."""
    try:
        spec = json.loads(container.spec)
    except ValueError:
        return False
    return isinstance(spec, dict) and spec.get("Tty") is True


def entries(body: bytes, raw: bool) -> list[Entry]:
    parts = [(Source.STDOUT, body)] if raw else frames(body)
    found = []
    for source, part in parts:
        for line in part.splitlines(keepends=True):
            entry = parsed(source, line)
            if entry is not None:
                found.append(entry)
    return found


def frames(body: bytes) -> Iterator[tuple[Source, bytes]]:
    """Stream and content of each frame: a byte, three zeroes, the length."""
    at = 0
    while at + 8 <= len(body):
        length = int.from_bytes(body[at + 4 : at + 8], "big")
        yield Source.STDERR if body[at] == 2 else Source.STDOUT, body[at + 8 : at + 8 + length]
        at += 8 + length


def parsed(source: Source, line: bytes) -> Optional[Entry]:
    """One line; nothing if it has no time, as nothing of the Engine's."""
    found = LINE.fullmatch(line)
    if found is None:
        return None
    year, month, day, hour, minute, second = (int(part) for part in found.groups()[:6])
    if not (1 <= month <= 12 and year >= 1970):
        return None
    nanoseconds = int((found[7] or b"0").ljust(9, b"0"))
    seconds = ((days(year, month, day) * 24 + hour) * 60 + minute) * 60 + second
    text = found[8]
    return Entry(Timestamp(seconds, nanoseconds), source, text.rstrip(b"\r\n"), not text.endswith(b"\n"))


def days(year: int, month: int, day: int) -> int:
    """Since 1970-01-01, in the Gregorian calendar."""
    year -= month <= 2
    era = year // 400
    of_era = year - era * 400
    of_year = (153 * (month + (-3 if month > 2 else 9)) + 2) // 5 + day - 1
    return era * 146097 + of_era * 365 + of_era // 4 - of_era // 100 + of_year - 719468
