"""docs/csv.md tells the truth: each row of its tables is read, and read alike by other programs."""

import json
import re
import tomllib
from pathlib import Path

import pytest
from csv_readers import READERS

from piienc.core import Dialect, FaultKind, Strings, Unreadable, Unwritable

PAGE = Path(__file__).parents[2] / "docs" / "csv.md"
FAULTS = {kind.name.lower().replace("_", " "): kind for kind in FaultKind}
NAMES = {"Arrow": "pyarrow"}


def tables(*heads):
    """Return the cells of each row of the tables with these heads."""
    found, inside = [], False
    for line in PAGE.read_text("utf-8").splitlines():
        cells = [cell.strip() for cell in line.split("|")[1:-1]]
        if cells == [*heads]:
            inside = True
        elif not line.startswith("| "):
            inside = False
        elif inside and not re.fullmatch("[- ]+", cells[0]):
            found.append(pytest.param(*cells, id=f"{cells[0]} {cells[1]}"))
    assert found
    return found


def code(cell):
    """The bytes of a cell in code."""
    if cell == "*empty*":
        return b""
    assert cell[:1] == cell[-1:] == "`"
    return cell[1:-1].replace("␊", "\n").replace("␍", "\r").encode()


def dialect_of(cell, data=b""):
    """The dialect of options, for a file whose first line tells how lines end."""
    options = tomllib.loads(f"options = {{{cell.replace('`', '')}}}")["options"]
    if "null" in options:
        options["nulls"] = tuple(null.encode() for null in options.pop("null"))
    if options.get("quote") == "none":
        options["quote"] = ""
    end = re.search(rb"\r\r\n|\r\n|\r|\n", re.sub(b'".*?"', b"", data, flags=re.DOTALL))
    options = {
        name: value.encode() if isinstance(value, str) else value for name, value in options.items()
    }
    return Dialect(line_end=end[0] if end else b"\n", **options)


def values(records):
    """The rows, as text."""
    columns = [records.column(number).to_list() for number in range(records.columns)]
    rows = zip(*columns, strict=True)
    return [[cell if cell is None else cell.decode() for cell in row] for row in rows]


@pytest.mark.parametrize(
    ("file", "options", "read", "readers"),
    tables("in the file", "options", "is read as", "also by"),
)
def test_file_is_read_as_the_page_says(engine, file, options, read, readers):
    """By the engine, and by each program that the row names."""
    data, readers = code(file), [name for name in readers.split(", ") if name]
    dialect = dialect_of(options, data)
    if read.startswith("refused: "):
        found = engine.find(data, dialect, 2, final=True)
        assert found.fault.kind is FAULTS[read.removeprefix("refused: ")]
        for name in readers:
            assert refuses(name, data, dialect)
        return
    if read == "not clear":
        with engine.find(data, dialect, 2, final=True) as found:
            assert (found.fault, found.spliced({}).data) == (None, data)
            with pytest.raises(Unreadable):
                found.column(1)
        return
    rows = [json.loads(row) for row in re.findall(r"\[.*?\](?= \[|`$)", read)]
    with engine.find(data, dialect, len(rows[0]), final=True) as found:
        assert found.fault is None
        assert values(found) == rows
        assert (found.size, found.spliced({}).data) == (len(data), data)
    for name in readers:
        known = rows if name != "csv" else [[cell or "" for cell in row] for row in rows]
        assert (name, READERS[NAMES.get(name, name)](data, dialect, len(rows[0]))) == (name, known)


def refuses(name, data, dialect):
    """Tell whether a program refuses a file, for another reason than a setting that it has not."""
    try:
        READERS[NAMES.get(name, name)](data, dialect, 2)
    except NotImplementedError:
        return False
    except Exception:  # noqa: BLE001  # each has its own
        return True
    return False


@pytest.mark.parametrize(
    ("value", "options", "first", "other"), tables("value", "options", "first field", "other field")
)
def test_field_is_written_as_the_page_says(engine, value, options, first, other):
    """At the beginning of a record, and behind another field."""
    dialect = dialect_of(options)
    comma = dialect.delimiter
    data = comma.join([b"x", b"y"]) + b"\n"
    new = Strings.of([code(value)])
    with engine.find(data, dialect, 2, final=True) as found:
        for column, field in enumerate([first, other]):
            if field == "refused":
                with pytest.raises(Unwritable) as caught:
                    found.spliced({column: new})
                assert (caught.value.row, caught.value.column) == (0, column)
            else:
                fields = [code(field), b"y"] if column == 0 else [b"x", code(field)]
                assert found.spliced({column: new}).data == comma.join(fields) + b"\n"
