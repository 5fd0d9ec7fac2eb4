"""What is wrong with a manifest: what the receiver would refuse, or drop without a word.

`lint` goes from the outside in: the file, its fields, each column, and the columns together.
The rules are those of docs/manifests.md.
"""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any

from piienc.base.document import closest, nearest, shown
from piienc.base.lines import dotted
from piienc.receivers.clevertap import words
from piienc.receivers.clevertap.data_types import check_types
from piienc.receivers.clevertap.together import together
from piienc.receivers.manifest import Problem
from piienc.remote.names import is_safe

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from piienc.schema import Schema

    Fields = Mapping[str, Any]

_FIELDS: dict[str, type] = {
    "fileName": str,
    "type": str,
    "columns": dict,
    "clientEmail": str,
    "keyId": str,
}
_REQUIRED = ("fileName", "type", "clientEmail")
_OF_COLUMN: dict[str, type] = {"ctName": str, "dataType": str, "dateFormat": str}
_BOM = "\ufeff"
_ENCRYPTED = ".asc"
_ENDINGS = (".csv", f".csv{_ENCRYPTED}")


def lint(
    manifest: bytes,
    *,
    data_name: str | None = None,
    header: Sequence[str] | None = None,
    schema: Schema | None = None,
    name: str | None = None,
) -> list[Problem]:
    """Find what is wrong with a manifest: see `ManifestForm`.

    Returns:
        The problems, from the outside in; none of them holds a value of a cell, nor the
        client's address. Without errors among them, there is no reason to drop it of which the
        receiver's pages tell.
    """
    value, problems = _parsed(manifest)
    results = [*(() if name is None else _own_name(name)), *problems]
    if isinstance(value, dict):
        fine = {key: each for key, each in value.items() if _is(each, _FIELDS.get(key))}
        results += _fields(value, _FIELDS, _REQUIRED)
        results += _file(fine, data_name)
        results += _key(fine, has_key="keyId" in value)
        results += _kind(fine)
        results += _client(fine)
        results += _columns(fine.get("columns", {}), schema)
        results += together(fine, header, schema)
    elif not problems:
        results.append(Problem("syntax", "the file", "not an object of fields"))
    return results


def _parsed(data: bytes) -> tuple[Any, list[Problem]]:
    """Read a document of JSON; what Python's reader takes and strict readers refuse is a mistake.

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
            parse_int=lambda _: 0,
            parse_float=lambda _: 0,
            parse_constant=constant,
        )
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}"
        return None, [*problems, Problem("syntax", place, f"not JSON: {error.msg.lower()}")]
    except RecursionError:
        return None, [*problems, Problem("syntax", "the file", "nested too deeply")]
    return value, problems


def _is(value: object, kind: type | None) -> bool:
    return kind is not None and isinstance(value, kind)


def _own_name(name: str) -> Iterator[Problem]:
    if not name.endswith(words.SUFFIX):
        message = f"the manifest's own name does not end in {words.SUFFIX}"
        yield Problem("manifest-name", "the file", message)
    if not is_safe(name):
        yield Problem("manifest-name", "the file", "the manifest's own name is no plain file name")


def _fields(
    value: Fields,
    fields: Mapping[str, type],
    required: Sequence[str] = (),
    above: str | None = None,
) -> Iterator[Problem]:
    """Hold an object's names against those that it may have, and the types of its values."""
    guessed = set()
    for name, inner in value.items():
        place = dotted((*(("columns", above) if above is not None else ()), name))
        if name not in fields:
            guessed.add(closest(name, fields))
            yield Problem("field", place, "unknown" + nearest(name, fields))
        elif not isinstance(inner, fields[name]):
            message = "not an object" if fields[name] is dict else "not a string"
            yield Problem("field", place, message)
    for name in required:
        if name not in value and name not in guessed:
            yield Problem("field", name, "missing")


def _file(fields: Fields, data_name: str | None) -> Iterator[Problem]:
    name = fields.get("fileName")
    if name is None:
        return
    if data_name is not None and name != data_name:
        yield Problem("file-name", "fileName", "not the data file's name")
    if not is_safe(name) or not name.endswith(_ENDINGS):
        message = f"not a plain file name that ends in {' or '.join(_ENDINGS)}"
        yield Problem("file-name", "fileName", message)
    if "keyId" in fields and not name.endswith(_ENCRYPTED):
        message = (
            f"there is a keyId, but the name does not end in {_ENCRYPTED}, as encrypted files do"
        )
        yield Problem("file-name", "fileName", message)


def _key(fields: Fields, *, has_key: bool) -> Iterator[Problem]:
    """Check the key that the data file is encrypted for."""
    key_id = fields.get("keyId")
    if key_id is not None and not words.is_key_id(key_id):
        yield Problem("key-id", "keyId", "not a UUID, as the receiver gives it")
    if not has_key and fields.get("fileName", "").endswith(_ENCRYPTED):
        message = f"missing: the data file is encrypted, for its name ends in {_ENCRYPTED}"
        yield Problem("key-id", "keyId", message)


def _kind(fields: Fields) -> Iterator[Problem]:
    kind = fields.get("type")
    if kind is None or kind in words.KINDS:
        return
    choices = " or ".join(words.KINDS)
    if kind.casefold() in words.KINDS:
        # One page of the receiver writes EVENT and PROFILE; all its samples are in lower case.
        message = f"write {kind.casefold()}, as the receiver's samples do"
        yield Problem("type", "type", message, "warning")
    else:
        yield Problem("type", "type", f"{shown(kind)} is not {choices}{nearest(kind, words.KINDS)}")


def _client(fields: Fields) -> Iterator[Problem]:
    address = fields.get("clientEmail")
    if address is not None and not words.is_email(address):
        yield Problem("client-email", "clientEmail", "not one plain e-mail address")


def _columns(columns: Fields, schema: Schema | None) -> Iterator[Problem]:
    for name, entry in columns.items():
        if not isinstance(entry, dict):
            yield Problem("field", dotted(("columns", name)), "not an object")
            continue
        yield from _fields(entry, _OF_COLUMN, above=name)
        fine = {key: each for key, each in entry.items() if _is(each, _OF_COLUMN.get(key))}
        yield from check_types(name, fine, schema.columns.get(name) if schema else None)
