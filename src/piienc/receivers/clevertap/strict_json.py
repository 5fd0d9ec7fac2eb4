"""JSON as strict readers have it: what Python's reader takes and they refuse is a mistake, too."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

from piienc.base.document import shown
from piienc.receivers.manifest import Problem

_BOM = "\ufeff"


def parse(data: bytes) -> tuple[Any, list[Problem]]:
    """Read a document of JSON.

    Args:
        data: as the receiver would get it.

    Returns:
        The value, None where it cannot be read, and why strict readers refuse it. Of a name
        that is there twice, the last value; every number is 0, for none is asked for.
    """
    problems: list[Problem] = []

    def object_of(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        for name, count in Counter(name for name, _ in pairs).items():
            if count > 1:
                message = f"{shown(name)} is there twice; readers take one or the other"
                problems.append(Problem("duplicate", "the file", message))
        return dict(pairs)

    def constant(name: str) -> int:
        problems.append(Problem("syntax", "the file", f"{name} is not JSON"))
        return 0

    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        return None, [Problem("encoding", f"byte {error.start + 1}", "not UTF-8")]
    if text.startswith(_BOM):
        message = "a byte order mark; save the file as UTF-8 without one"
        problems.append(Problem("encoding", "line 1, column 1", message))
    try:
        value = json.loads(
            text.removeprefix(_BOM),
            object_pairs_hook=object_of,
            parse_int=_zero,
            parse_float=_zero,
            parse_constant=constant,
        )
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}"
        return None, [*problems, Problem("syntax", place, f"not JSON: {error.msg.lower()}")]
    except RecursionError:
        return None, [*problems, Problem("syntax", "the file", "nested too deeply")]
    return value, problems


def _zero(_digits: str) -> int:
    return 0
