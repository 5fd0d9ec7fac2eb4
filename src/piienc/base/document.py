"""A TOML file held to a model: every mistake at once, with its line and its mend.

The way of a file: bytes, text, TOML (`tomllib`), model (`msgspec`). msgspec stops at the first
mistake, so each table is walked field by field, and msgspec asked about each value; `locate`
finds the lines of what it refuses.
"""

from __future__ import annotations

import json
import math
import tomllib
from datetime import date, datetime, time
from operator import itemgetter
from types import NoneType, UnionType
from typing import (
    TYPE_CHECKING,
    Annotated,
    Any,
    ClassVar,
    Literal,
    TypeVar,
    Union,
    get_args,
    get_origin,
)

from msgspec import Meta, Struct, ValidationError, convert, structs

from piienc.base.files import reading
from piienc.base.lines import Place, dotted, line_of, locate
from piienc.base.trust import open_trusted
from piienc.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

M = TypeVar("M", bound="Table")
Mistake = tuple[Place, str]  # where, and what is wrong there

MAX_BYTES = 1 << 20
_MAX_SHOWN = 40
_MAX_BITS = 64

_NATIVE = (date, datetime, time)  # TOML has them, so a string is none of them
_WORDS = {
    str: "a string",
    int: "an integer",
    float: "a number",
    bool: "a boolean",
    date: "a date",
    datetime: "a timestamp",
    list: "a list",
}  # all else is a table
_LIMITS = {
    "ge": "{} or more",
    "le": "{} or less",
    "min_length": "length {} or more",
    "max_length": "length {} or less",
}

# tomllib's words that do not tell what to do
_TOML_SAYS = {"cannot overwrite a value": "a key that has a value already; remove one of the two"}


class Table(Struct, frozen=True, forbid_unknown_fields=True):
    """A table of a file. Its fields have immutable defaults; their first examples are mends.

    Attributes:
        removed: fields that earlier versions had, each with the reason and the mend.
    """

    removed: ClassVar[dict[str, str]] = {}

    @classmethod
    def check(cls, fields: Mapping[str, Any]) -> Iterable[Mistake]:  # noqa: ARG003  # to override
        """Find what is wrong with values of the right types.

        Args:
            fields: the values, or defaults, of the fields. One that was refused, or is missing,
                is not among them, so what depends on it is not judged.

        Returns:
            Places, counted from this table, and what is wrong there.
        """
        return ()


def load(path: Path, model: type[M], *, hint: str | None = None) -> M:
    """Read a TOML file and validate it.

    Args:
        path: a file in UTF-8, at most `MAX_BYTES` long.
        model: what may stand in it.
        hint: what to do about mistakes, if there is more to say than to mend them.

    Raises:
        ConfigError: the file cannot be read, or it has mistakes; the message lists them all.
        PolicyError: it belongs to somebody else, or others may change it: see `piienc.base.trust`.
    """
    with reading(path, kind=ConfigError), open_trusted(path) as file:
        content = file.read(MAX_BYTES + 1)
    return parse(content, path, model, hint=hint)


def parse(content: bytes, path: Path, model: type[M], *, hint: str | None = None) -> M:
    """Validate the content of a TOML file; see `load`.

    Raises:
        ConfigError: it has mistakes; the message lists them all.
    """
    text = _text(content, path)
    tables = _parse(text, path)
    if mistakes := list(mistakes_in(tables, model)):
        raise _refusal(path, _in_order(mistakes, text), hint)
    return convert(tables, model, builtin_types=_NATIVE)


def table_of(values: dict[str, Any], model: type[M], where: str) -> M:
    """Validate a table that a larger document held.

    Raises:
        ConfigError: it has mistakes; the message lists them all.
    """
    if mistakes := [f"{dotted(place)}: {fault}" for place, fault in mistakes_in(values, model)]:
        raise _refusal(where, mistakes)
    return convert(values, model, builtin_types=_NATIVE)


def _text(content: bytes, path: Path) -> str:
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


def _refusal(path: Path | str, mistakes: Sequence[str], hint: str | None = None) -> ConfigError:
    count = "1 mistake" if len(mistakes) == 1 else f"{len(mistakes)} mistakes"
    return ConfigError(f"{path}: {count}", details=mistakes, hint=hint)


def _in_order(mistakes: Iterable[Mistake], text: str) -> list[str]:
    """Write the mistakes with their lines, in the order of the file."""
    lines = locate(text)
    found = []
    for place, fault in mistakes:
        line = line_of(place, lines)
        where = f"line {line}: {dotted(place)}" if line else dotted(place)
        found.append((line or math.inf, f"{where}: {fault}"))
    return [mistake for _, mistake in sorted(found, key=itemgetter(0))]


def mistakes_in(values: dict[str, Any], model: type[Table], place: Place = ()) -> Iterator[Mistake]:
    """Find the mistakes of one table: its keys, each of its values, and all together."""
    fields = structs.fields(model)
    names = [field.name for field in fields]
    for name in values:
        if name in model.removed:
            yield (*place, name), model.removed[name]
        elif name not in names:
            near = nearest(name, names) or f"; known here: {', '.join(names)}"
            yield (*place, name), f"unknown{near}"
    fine = {}
    for field in fields:
        here = (*place, field.name)
        if field.name in values:
            value = values[field.name]
            mistakes = list(_in_value(value, field.type, here))
            yield from mistakes
            if not mistakes:
                fine[field.name] = value
        elif field.required:
            yield here, "missing" + _mend("add", field.type, here)
        else:
            fine[field.name] = field.default
    for inner, fault in model.check(fine):
        yield (*place, *inner), fault


def _in_value(value: object, kind: object, place: Place) -> Iterator[Mistake]:
    """Find the mistakes inside of a value; if there are none, ask msgspec about the whole."""
    mistakes = [mistake for part in _parts(kind) for mistake in _inside(value, part, place)]
    yield from mistakes
    if mistakes:
        return
    try:
        convert(value, kind, builtin_types=_NATIVE)
    except ValidationError:
        yield place, _refused(value, kind, place)
    else:
        if isinstance(value, float) and not math.isfinite(value):
            yield place, f"{shown(value)} is not a finite number"


def _inside(value: object, part: Any, place: Place) -> Iterator[Mistake]:  # noqa: ANN401  # a type
    if isinstance(value, dict) and _is_table(part):
        yield from mistakes_in(value, part, place)
    elif isinstance(value, dict) and get_origin(part) is dict:
        names, values = get_args(part)
        for name, inner in value.items():
            yield from _in_value(name, names, (*place, name))
            yield from _in_value(inner, values, (*place, name))
    elif isinstance(value, list) and get_origin(part) is list:
        (items,) = get_args(part)
        for index, item in enumerate(value):
            yield from _in_value(item, items, (*place, index))


def _is_table(part: object) -> bool:
    return isinstance(part, type) and issubclass(part, Table)


def _parts(kind: object) -> Iterator[Any]:
    """Take a type apart: what `Meta` says of it, and its alternatives; TOML has no None."""
    if get_origin(kind) is Annotated:
        inner, *metadata = get_args(kind)
        yield from metadata
        yield from _parts(inner)
    elif get_origin(kind) in (Union, UnionType):
        for arm in get_args(kind):
            yield from _parts(arm)
    elif kind is not NoneType:
        yield kind


def _refused(value: object, kind: object, place: Place) -> str:
    """Say in plain words why a value is not of a type, and the mend where there is one."""
    parts = list(_parts(kind))
    arms = [part for part in parts if not isinstance(part, Meta)]
    if any(get_origin(arm) is type(value) for arm in arms):  # the whole: its length is wrong
        return ("too long" if value else "empty") + _mend("write", kind, place)
    choices = [choice for arm in arms if get_origin(arm) is Literal for choice in get_args(arm)]
    if choices:
        return f"{shown(value)} is not one of {', '.join(choices)}{nearest(value, choices)}"
    *most, expected = [_WORDS.get(get_origin(arm) or arm, "a table") for arm in arms]
    if most:
        expected = f"{', '.join(most)} or {expected}"
    limits = [
        words.format(limit)
        for meta in parts
        for name, words in _LIMITS.items()
        if (limit := getattr(meta, name, None)) is not None
    ]
    if limits:
        expected += f" of {' and '.join(limits)}"
    return f"{shown(value)} is not {expected}{_mend('write', kind, place)}"


def _mend(verb: str, kind: object, place: Place) -> str:
    """Give the type's own example as what to write."""
    parts = list(_parts(kind))
    example = next((part.examples[0] for part in parts if getattr(part, "examples", None)), None)
    if isinstance(example, dict) and any(isinstance(part, dict) for part in example.values()):
        return f"; {verb} [{dotted((*place, *example))}]"
    if isinstance(example, dict):
        pairs = ", ".join(f"{dotted((name,))} = {json.dumps(example[name])}" for name in example)
        return f"; {verb} {place[-1]} = {{ {pairs} }}"
    if example is not None:
        return f"; {verb} {place[-1]} = {json.dumps(example)}"
    return f"; {verb} [{dotted(place)}]" if any(map(_is_table, parts)) else ""


def closest(name: object, candidates: Iterable[str]) -> str | None:
    """Return the known name that was probably meant, if there is one."""
    import difflib  # noqa: PLC0415  # only a file with mistakes waits for it

    by_lower = {each.lower(): each for each in candidates}
    near = difflib.get_close_matches(str(name).lower(), by_lower, n=1)
    return by_lower[near[0]] if near else None


def nearest(name: object, candidates: Iterable[str]) -> str:
    """Say which known name was probably meant: the end of a message, or nothing."""
    near = closest(name, candidates)
    return f"; did you mean {shown(near)}?" if near is not None else ""


def shown(value: object) -> str:
    """Write a value for a message: not long, and not what is in a list or a table."""
    if isinstance(value, dict | list):
        return "a table" if isinstance(value, dict) else "a list"
    if isinstance(value, str):
        return repr(value if len(value) <= _MAX_SHOWN else f"{value[:_MAX_SHOWN]}…")
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int) and value.bit_length() > _MAX_BITS:
        return "an integer of more than 64 bits"  # Python refuses to write very long ones
    return str(value)
