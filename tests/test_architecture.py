"""How the modules hang together; the floors are import-linter's."""

from __future__ import annotations

import ast
import contextlib
import re
import tomllib
from collections import Counter
from functools import cache
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

import piienc

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(piienc.__file__).parent
TESTS = Path(__file__).parent


@cache
def modules() -> dict[str, ast.Module]:
    """Return the syntax of each module, by its name."""
    found = {}
    for path in ROOT.rglob("*.py"):
        parts = path.relative_to(ROOT.parent).with_suffix("").parts
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        found[name] = ast.parse(path.read_text("utf-8"))
    return found


def imports(module: ast.Module) -> set[str]:
    """Return the project's modules that one imports, those for type hints too."""
    known, found = modules(), set()
    for node in ast.walk(module):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            inner = {f"{node.module}.{alias.name}" for alias in node.names} & {*known}
            found |= inner or {node.module}
    return found & {*known}


def circles(graph: dict[str, set[str]]) -> list[set[str]]:
    """Return the modules that reach each other."""

    def reached(start: str) -> set[str]:
        seen, left = set(), [start]
        while left:
            new = graph[left.pop()] - seen
            seen |= new
            left += new
        return seen

    far = {name: reached(name) for name in graph}
    found = [{name} | {n for n in far[name] if name in far[n]} for name in far if name in far[name]]
    return [circle for n, circle in enumerate(found) if circle not in found[:n]]


def test_circles_are_found():
    """A check that finds nothing must be able to."""
    graph = {"a": {"b"}, "b": {"c"}, "c": {"b"}, "d": {"d"}, "e": {"a"}}
    assert circles(graph) == [{"b", "c"}, {"d"}]
    assert "piienc.errors" in imports(modules()["piienc.base.files"])


def test_no_modules_import_each_other_in_a_circle():
    """Not for type hints either: who reads one would have to read all."""
    graph = {name: imports(module) - {name} for name, module in modules().items()}
    assert circles(graph) == []


def test_no_two_classes_have_one_name():
    """A name that stands for two things has to be looked up each time."""
    names = Counter(
        node.name.lstrip("_")
        for module in modules().values()
        for node in ast.walk(module)
        if isinstance(node, ast.ClassDef)
    )
    assert [name for name, count in names.items() if count > 1] == []


def calls(module: ast.Module, name: str) -> list[ast.Call]:
    """Return the calls of a function, by its bare name."""
    return [
        node
        for node in ast.walk(module)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == name
    ]


def asked_of(module: ast.Module) -> set[str]:
    """Return the names of the classes that instances are held against."""
    kinds = [call.args[1] for call in calls(module, "isinstance")]
    return {
        node.attr if isinstance(node, ast.Attribute) else node.id
        for kind in kinds
        for node in ast.walk(kind)
        if isinstance(node, ast.Name | ast.Attribute)
    }


def outside(*rooms: str) -> dict[str, ast.Module]:
    """Return the modules of the other rooms."""
    return {
        name: module
        for name, module in modules().items()
        if name.split(".")[1:2] and name.split(".")[1] not in rooms
    }


def test_only_the_storage_asks_what_a_path_is():
    """All others are given a source or a target, which know."""
    asking = {name: asked_of(module) for name, module in outside("storage", "tables").items()}
    paths = {"Path", "PurePath", "BinaryIO", "FileSource", "StreamSource", "OpenedSource"}
    paths |= {"FileTarget", "StreamTarget"}
    assert {name: found for name in asking if (found := asking[name] & paths)} == {}
    assert "FileIO" in asked_of(modules()["piienc.storage.source"])


def test_only_the_tables_ask_of_which_format_one_is():
    """All others ask a table, or its row of the table of formats, what they want to know."""
    formats = {"CsvSource", "ParquetSource", "CsvSink", "ParquetSink", "Records", "Slice", "Block"}
    others = outside("storage", "tables")
    asking = {name: asked_of(module) & formats for name, module in others.items()}
    assert {name: found for name, found in asking.items() if found} == {}
    assert [name for name, module in others.items() if calls(module, "is_parquet")] == []
    assert calls(modules()["piienc.tables.streams"], "is_parquet")


def sizes() -> dict[Path, int]:
    """Return the lines of each file."""
    return {path: len(path.read_text("utf-8").splitlines()) for path in ROOT.rglob("*.py")}


def test_files_can_be_read_at_once():
    """None has over 400 lines, and half of them have 160 at most."""
    lines = sizes()
    assert {path: count for path, count in lines.items() if count > 400} == {}
    assert median(count for count in lines.values() if count > 1) <= 160


def test_folders_can_be_looked_over():
    """No more than 15 files stand beside each other, and no room is over an eighth of the house."""
    lines = sizes()
    beside = Counter(path.parent for path in lines)
    assert {folder: count for folder, count in beside.items() if count > 15} == {}
    rooms = Counter()
    for path, count in lines.items():
        rooms[path.relative_to(ROOT).parts[0]] += count
    whole = sum(lines.values())
    assert {room: share for room in rooms if (share := rooms[room] / whole) > 0.12} == {}


def test_words_of_one_receiver_stand_in_its_own_room():
    """So no other receiver is judged by them; the row of a table names the room."""
    home = ROOT / "receivers" / "clevertap"
    data = home.parent / "data" / "clevertap.toml"
    profile = tomllib.loads(data.read_text("utf-8"))
    plain = {"identity", "Name", "Email", "Phone", "Gender", "keyId"}  # words of others, too
    fields = set(re.findall(r'"([a-z]+[A-Z]\w+)"', (home / "lint.py").read_text("utf-8")))
    words = {"clevertap", "operation", "$D_", *profile["properties"], *fields} - plain
    assert {"evtName", "DOB", "MSG-sms", "ctName", "clientEmail", "dateFormat"} < words
    quoted = re.compile(rf"[\"'`.]({'|'.join(map(re.escape, words))})[\"'`. ]|CleverTap", re.ASCII)
    found = [
        (str(path.relative_to(ROOT)), line)
        for path in ROOT.rglob("*.*")
        if path.suffix in {".py", ".toml", ".json"} and home not in path.parents and path != data
        for line in path.read_text("utf-8").splitlines()
        if quoted.search(line)
    ]
    assert found == [
        (
            "receivers/manifest.py",
            'MANIFESTS: Mapping[str, str] = {"manifest": "piienc.receivers.clevertap"}',
        )
    ]


def test_tests_mirror_the_rooms():
    """What tests a room has the room's name; the folders of others are known."""
    folders = {path.parent.name for path in TESTS.glob("*/*")} - {"__pycache__"}
    rooms = {path.parent.name for path in ROOT.glob("*/__init__.py")}
    kits = {
        "differential",
        "interop",
        "mutants",
        "samples",
        "spark",
        "support",
        "typing",
        "vectors",
    }
    assert folders - rooms == kits
    assert rooms - folders == {"demo"}  # cli/test_demo.py


_PATCHES = re.compile(r"\b(?:(?:set|del)(?:attr|item)|patch(?:\.(?:object|dict|multiple))?)$")
_PRIVATE = re.compile(r"_(?!_)")
_PRIVATE_PLACE = re.compile(r"piienc\b[\w.:]*[.:]_(?!_)\w+")


def patched_private(module: ast.Module) -> Iterator[str]:
    """Yield the private names that something is put in place of, in programs that are run, too."""
    for node in ast.walk(module):
        if isinstance(node, ast.Call) and _PATCHES.search(ast.unparse(node.func)):
            values = [part.value for part in node.args[:2] if isinstance(part, ast.Constant)]
            names = [
                part.attr for part in ast.walk(node.args[0]) if isinstance(part, ast.Attribute)
            ]
            names += [name for value in values for name in str(value).split(".")]
            names += [str(keyword.arg) for keyword in node.keywords]
            yield from filter(_PRIVATE.match, names)
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store | ast.Del):
            own = isinstance(node.value, ast.Name) and node.value.id in {"self", "cls"}
            if _PRIVATE.match(node.attr) and not own:
                yield node.attr
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            if _PRIVATE_PLACE.fullmatch(node.value):
                yield node.value
            elif "._" in node.value:
                with contextlib.suppress(SyntaxError):  # it is no program
                    yield from patched_private(ast.parse(node.value))


def test_patches_of_private_names_are_found():
    """In all ways in which a test can put something in place of another."""
    ways = """
monkeypatch.setattr(room, "_a", 1)
monkeypatch.setattr("piienc.room._b", 1)
monkeypatch.setitem(room._c, "key", 1)
mock.patch("piienc.room._d", 1)
mock.patch.object(Room, "_e")
mock.patch.dict(room._f, key=1)
mock.patch.multiple(room, _g=1)
setattr(room, "_h", 1)
room._i = 1
del room._j
run("import room\\nroom._k = 1")
@pytest.mark.parametrize("where", ["piienc.room:Class._l"])
def test(where):
    monkeypatch.setattr(room, "__init__", 1)
    monkeypatch.setattr("piienc.room.public", room._private)
    self._own = 1
"""
    places = sorted({name[-2:] for name in patched_private(ast.parse(ways))})
    assert places == [f"_{letter}" for letter in "abcdefghijkl"]


def test_no_test_patches_a_private_name():
    """It would hold the code to how it is written: what a test needs is public, or provoked."""
    paths = [path for path in TESTS.rglob("*.py") if path != Path(__file__)]
    found = {path: [*patched_private(ast.parse(path.read_text("utf-8")))] for path in paths}
    assert {path: names for path, names in found.items() if names} == {}
