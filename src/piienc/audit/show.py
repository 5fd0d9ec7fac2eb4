"""The lines that somebody asks for."""

from __future__ import annotations

import json
from collections import deque
from itertools import islice
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from piienc.audit import segments
from piienc.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    Line = dict[str, Any]


class LogFilter(Struct, frozen=True):
    """A selection of lines; None selects any.

    Attributes:
        since: only lines from this time on: UTC, as ISO 8601.
        until: only lines before this time.
        command: only lines of this command.
        file: only lines with a file of this path or name.
        key: only lines with a key of this name, id or fingerprint.
        outcome: done, refused, failed, or begun for a run without an end.
        most: the largest number of lines; the newest are selected.
    """

    since: str | None = None
    until: str | None = None
    command: str | None = None
    file: str | None = None
    key: str | None = None
    outcome: str | None = None
    most: int | None = None

    def takes(self, line: Line) -> bool:
        """Tell whether a line is asked for."""
        time = str(line.get("time"))
        return (
            (self.since is None or time >= self.since.removesuffix("Z"))
            and (self.until is None or time < self.until.removesuffix("Z"))
            and self.command in {None, line.get("command")}
            and self.outcome in {None, line.get("outcome")}
            and (self.file is None or any(map(self._is_file, line.get("files", ()))))
            and (self.key is None or any(map(self._is_key, line.get("keys", ()))))
        )

    def _is_file(self, file: Line) -> bool:
        path = str(file.get("name"))
        return self.file in {path, path.rpartition("/")[2], file.get("sha256")}

    def _is_key(self, key: Line) -> bool:
        ids = map(str, key.get("ids", ()))
        return self.key in {key.get("name"), key.get("fingerprint"), *ids}


class LogExcerpt(Struct, frozen=True):
    """What was found.

    Attributes:
        lines: newest first; of each run its end, or its beginning where it has no end.
        unreadable: how many lines of the log are not whole.
    """

    lines: list[Line]
    unreadable: int


def shown(state: Path, selection: LogFilter) -> LogExcerpt:
    """Return the lines of a state folder's logs that are asked for.

    Raises:
        InputError: something else is in the place of a log.
        ConfigError: the system does not let a log be read.
    """
    lines: list[Line] = []
    open_runs: dict[str, Line] = {}
    unreadable = 0
    # What is unsigned first: a run can begin before there is a key, and end when there is one.
    for folder in segments.folders(state):
        ended: deque[Line] = deque(maxlen=selection.most)
        for raw in _lines(folder):
            line = _parsed(raw)
            if line is None:
                unreadable += 1
            elif line.get("outcome") == "begun":
                open_runs[str(line.get("run"))] = line
            else:
                open_runs.pop(str(line.get("run")), None)
                if selection.takes(line):
                    ended.append(line)
        lines += ended
    lines += filter(selection.takes, open_runs.values())
    lines.sort(key=lambda line: (str(line.get("time")), int(line["line"])), reverse=True)
    return LogExcerpt(list(islice(lines, selection.most)), unreadable)


def _lines(folder: Path) -> Iterator[bytes]:
    """Yield the lines of a log, segment by segment."""
    for number in segments.numbers_of(folder):
        path = segments.path_of(folder, number)
        try:
            with segments.reading(path) as file:
                for raw in segments.lines_of(file):
                    if segments.is_too_long(raw):
                        yield b""  # unreadable; no command has written what is behind it
                        break
                    yield raw
        except segments.UNSOUND as error:
            raise InputError(
                f"cannot read {path}: {segments.reason_of(error)}", hint="see 'piienc audit verify'"
            ) from error


def _parsed(raw: bytes) -> Line | None:
    try:
        line = json.loads(raw)
        int(line["line"])
    except (ValueError, TypeError, KeyError, RecursionError):
        return None
    return line if isinstance(line, dict) else None
