"""A TOML file held to a pydantic model: every mistake at once, with its line and its mend.

The way of a file: bytes, text, TOML (`tomllib`), model (`pydantic`). Where the model refuses,
its complaints are put in plain words and `locate` finds the lines that they are about.
"""

from __future__ import annotations

import difflib
import json
import math
import re
import tomllib
from operator import itemgetter
from types import UnionType
from typing import TYPE_CHECKING, Any, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError

from piienc.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from pydantic_core import ErrorDetails

M = TypeVar("M", bound=BaseModel)
Place = tuple[str | int, ...]  # the keys, and the indices of lists, that lead to a value

MAX_BYTES = 1 << 20
_MAX_SHOWN = 40
_MAX_BITS = 64
_MAX_DEPTH = 64  # far deeper than any model; beyond it, lines are not looked for

# pydantic's kinds of a wrong type, and what was wanted instead
_WANTED = {
    "string_type": "a string",
    "int_type": "an integer",
    "float_type": "a number",
    "bool_type": "a boolean",
    "date_type": "a date",
    "datetime_type": "a timestamp",
    "list_type": "a list",
    "dict_type": "a table",
    "model_type": "a table",
}

# tomllib's words that do not tell what to do
_TOML_SAYS = {"cannot overwrite a value": "a key that has a value already; remove one of the two"}


def load(path: Path, model: type[M]) -> M:
    """Read a TOML file and validate it.

    Args:
        path: a file in UTF-8, at most `MAX_BYTES` long.
        model: what may stand in it. A field's first `examples` entry serves as the mend
            where the field is missing or of a wrong type.

    Raises:
        ConfigError: the file cannot be read, or it has mistakes; the message lists them all.
    """
    text = _read(path)
    tables = _parse(text, path)
    try:
        return model.model_validate(tables)
    except ValidationError as error:
        details = error.errors(include_url=False)
        raise _refusal(path, _mistakes(details, tables, text, model)) from None


def _read(path: Path) -> str:
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise ConfigError(
            f"cannot read {path}: {error.strerror}", hint="check the path and its permissions"
        ) from error
    if len(content) > MAX_BYTES:
        raise ConfigError(f"{path} is larger than 1 MiB", hint="check that it is the right file")
    try:
        return content.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise _refusal(path, [f"line {line}: not UTF-8"]) from None


def _parse(text: str, path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        what, _, where = str(error).removesuffix(")").rpartition(" (at ")
        what = f"{what[:1].lower()}{what[1:]}"
        mistake = f"{where}: {_TOML_SAYS.get(what, f'not TOML: {what}')}"
    except ValueError:
        mistake = "a number has too many digits"
    except RecursionError:
        mistake = "lists or tables are nested too deeply"
    raise _refusal(path, [mistake])


def _refusal(path: Path, mistakes: Sequence[str]) -> ConfigError:
    count = "1 mistake" if len(mistakes) == 1 else f"{len(mistakes)} mistakes"
    return ConfigError("\n  ".join([f"{path}: {count}", *mistakes]))


def _mistakes(
    details: Sequence[ErrorDetails], tables: dict[str, Any], text: str, model: type[BaseModel]
) -> list[str]:
    """One line for each place that pydantic complains of, in the order of the file."""
    complaints: dict[Place, list[ErrorDetails]] = {}
    for detail in details:
        complaints.setdefault(_place(detail, tables), []).append(detail)
    lines = locate(text)
    found = []
    for place, about in complaints.items():
        line = _line(lines, place)
        where = f"line {line}: {dotted(place)}" if line else dotted(place)
        found.append((line or math.inf, f"{where}: {_said(about, place, model)}"))
    return [mistake for _, mistake in sorted(found, key=itemgetter(0))]


def _place(detail: ErrorDetails, tables: dict[str, Any]) -> Place:
    """Where in the document; pydantic's location also names union members and `[key]`."""
    place: Place = ()
    value: Any = tables
    for part in detail["loc"]:
        if _holds(value, part):
            value = value[part]
            place = (*place, part)
    return (*place, detail["loc"][-1]) if detail["type"] == "missing" else place


def _holds(value: object, part: str | int) -> bool:
    if isinstance(value, dict):
        return part in value
    return isinstance(value, list) and isinstance(part, int)


def _line(lines: dict[Place, int], place: Place) -> int | None:
    """Find the line of a place, or else of what it stands in."""
    return next((lines[up] for n in range(len(place), 0, -1) if (up := place[:n]) in lines), None)


def dotted(place: Place) -> str:
    """Write a place as TOML writes a dotted key: `columns."e-mail (work)".enum[0]`."""
    parts = (f"[{part}]" if isinstance(part, int) else f".{_key(part)}" for part in place)
    return "".join(parts).removeprefix(".") or "the file"


def _key(name: str) -> str:
    if re.fullmatch(r"[A-Za-z0-9_-]+", name):
        return name
    return json.dumps(name, ensure_ascii=not name.isprintable())


def _said(details: list[ErrorDetails], place: Place, model: type[BaseModel]) -> str:
    """Say in plain words what is wrong at one place, and the mend where there is one."""
    owner = _owner(model, place[:-1])
    # A union complains once for each of its members; what is no matter of type tells more.
    detail = next((one for one in details if one["type"] not in _WANTED), details[0])
    value, context = _shown(detail["input"]), detail.get("ctx", {})
    match detail["type"]:
        case "missing":
            said = "missing" + _mend("add", owner, place)
        case "extra_forbidden":
            known = list(owner.model_fields) if owner else []
            said = "unknown" + (_nearest(place[-1], known) or f"; known here: {', '.join(known)}")
        case "literal_error" | "enum":
            known = re.findall(r"'([^']*)'", context["expected"])
            said = f"{value} is not one of {', '.join(known)}" + _nearest(detail["input"], known)
        case "value_error":
            said = str(context["error"])
        case "too_short":
            said = "empty" + _mend("write", owner, place)
        case kind if kind in _WANTED:
            wanted = [_WANTED[one["type"]] for one in details]
            said = f"{value} is not {_either(wanted)}" + _mend("write", owner, place, *wanted)
        case _:
            said = re.sub(r"^\w+(?= should )", lambda _: value, detail["msg"])
    return said


def _owner(kind: Any, place: Place) -> type[BaseModel] | None:  # noqa: ANN401  # any annotation
    """Walk from a model along a place to the model of the table that is there."""
    for part in place:
        kind = next(filter(None, (_member(arm, part) for arm in _arms(kind))), None)
    return next((arm for arm in _arms(kind) if _is_model(arm)), None)


def _member(kind: Any, part: str | int) -> object:  # noqa: ANN401  # any annotation
    if _is_model(kind):
        return kind.model_fields[part].annotation if part in kind.model_fields else None
    return get_args(kind)[-1] if get_origin(kind) in (dict, list) else None


def _arms(kind: object) -> tuple[Any, ...]:
    return get_args(kind) if get_origin(kind) in (Union, UnionType) else (kind,)


def _is_model(kind: object) -> bool:
    return isinstance(kind, type) and issubclass(kind, BaseModel)


def _shown(value: object) -> str:
    if isinstance(value, dict | list):
        return "a table" if isinstance(value, dict) else "a list"
    if isinstance(value, str):
        return repr(value if len(value) <= _MAX_SHOWN else f"{value[:_MAX_SHOWN]}…")
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int) and value.bit_length() > _MAX_BITS:
        return "an integer of more than 64 bits"  # Python refuses to write very long ones
    return str(value)


def _either(options: Sequence[str]) -> str:
    *most, last = options
    return f"{', '.join(most)} or {last}" if most else last


def _nearest(name: object, known: Sequence[str]) -> str:
    near = difflib.get_close_matches(str(name).lower(), known, n=1)
    return f"; did you mean '{near[0]}'?" if near else ""


def _mend(verb: str, owner: type[BaseModel] | None, place: Place, *wanted: str) -> str:
    """Give the field's own example as what to write."""
    field = owner.model_fields.get(str(place[-1])) if owner else None
    match field.examples if field else None:
        case [dict() as tables, *_]:
            return f"; {verb} [{dotted((*place, *tables))}]"
        case [example, *_]:
            return f"; {verb} {place[-1]} = {json.dumps(example)}"
    return f"; {verb} [{dotted(place)}]" if "a table" in wanted else ""


def locate(text: str) -> dict[Place, int]:
    """Map the tables and keys of a valid TOML document to their lines, counted from 1.

    The keys of an inline table stand on the line where its statement begins; the items of a
    list, other than `[[tables]]`, have no line of their own.
    """
    lines: dict[Place, int] = {}
    arrays: dict[Place, int] = {}
    table: Place = ()
    for line, statement in _statements(text):
        places = list(_places(tomllib.loads(statement)))
        if not statement.startswith("["):
            for place in places:
                lines.setdefault(table + place, line)
            continue
        table = ()
        for names in places:
            lines.setdefault(table := (*table, names[-1]), line)
            if statement.startswith("[[") and names == places[-1]:
                arrays[table] = arrays.get(table, -1) + 1
            if table in arrays:
                table = (*table, arrays[table])
        lines[table] = line
    return lines


# What may hide a line's end (strings, comments, brackets), and the line's end itself.
_TOKEN = re.compile(
    r'''
      """ (?: \\. | [^\\] )*? "{3,5} | \'\'\' .*? '{3,5}
    | "   (?: \\. | [^"\\] )* "      | '      [^']* '
    | \# [^\n]*
    | [\[\]{}\n]
    ''',
    re.DOTALL | re.VERBOSE,
)


def _statements(text: str) -> Iterator[tuple[int, str]]:
    """Cut a valid document into its headers and assignments, each with its first line."""
    start, line, depth = 0, 1, 0
    for token in _TOKEN.finditer(text + "\n"):
        depth += {"[": 1, "{": 1, "]": -1, "}": -1}.get(token[0], 0)
        if token[0] != "\n" or depth:
            continue
        statement = text[start : token.start()].strip()
        if statement and not statement.startswith("#"):
            yield line, statement
        line += text.count("\n", start, token.start()) + 1
        start = token.end()


def _places(value: object, above: Place = ()) -> Iterator[Place]:
    """Go through the keys of nested tables, outer before inner."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield (*above, name)
            if len(above) < _MAX_DEPTH:
                yield from _places(inner, (*above, name))
