"""The documentation tells the truth: its sessions run, its tables and numbers are the code's.

A page is run in a fresh folder that holds `examples/` and `keys.example/`, as a checkout does:

- A block below a paragraph that begins with "`NAME`" and ends with ":" becomes the file NAME.
- A `console` block is a session. Each command runs in the page's folder, and what it prints
  must be what the page shows, where `...` in a line stands for any text and a line of `...`
  for any lines. A command that fails must be followed by `$ echo $?`.
"""

from __future__ import annotations

import ast
import base64
import json
import math
import os
import re
import shutil
import subprocess
import sys
import tomllib
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, AESSIV

from piienc.columns import ColumnCipher, to_cells
from piienc.errors import PiiencError
from piienc.keys import Mode, parse
from piienc.tables.parquet.metadata import RECORD_KEY
from piienc.transform.metadata import EncryptedColumn, EncryptionMetadata

ROOT = Path(__file__).parents[1]
PAGES = sorted(
    str(path.relative_to(ROOT))
    for pattern in ("*.md", "docs/*.md", "examples/*/README.md", "keys.example/README.md")
    for path in ROOT.glob(pattern)
)
README = (ROOT / "README.md").read_text("utf-8")

_BLOCK = re.compile(
    r"(?:^`(?P<file>[\w./-]+)`[^\n]*:\n\n)?^```(?P<kind>\w*)\n(?P<text>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)


@dataclass
class Command:
    """A line of a session, and what it prints."""

    line: str
    output: list[str] = field(default_factory=list)


def commands(block: str) -> list[Command]:
    """Take a session apart; a command goes on in the next line behind a backslash."""
    found: list[Command] = []
    for line in block.splitlines():
        if found and not found[-1].output and found[-1].line.endswith("\\"):
            found[-1].line += "\n" + line
        elif line.startswith("$ "):
            found.append(Command(line[2:]))
        else:
            found[-1].output.append(line)
    return found


def pattern_of(output: list[str]) -> str:
    """Return the regular expression of what a page shows."""
    return "".join(
        r"(?:.*\n)*?" if line == "..." else re.escape(line).replace(r"\.\.\.", ".+?") + "\n"
        for line in output
    )


def shown_by_demo(command: Command) -> bool:
    """Tell whether a session's command prints sessions itself."""
    return command.line == "./demo.sh"


class Session:
    """A shell in the folder of one page."""

    def __init__(self, page: str, folder: Path) -> None:
        for name in ("examples", "keys.example"):
            shutil.copytree(ROOT / name, folder / name)
        self.folder = folder / Path(page).parent if page.startswith("examples/") else folder
        self.status = 0
        kept = {n: v for n, v in os.environ.items() if not n.startswith(("PIIENC_", "LC_"))}
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        self.environment = kept | {"PATH": path, "HOME": str(folder), "LC_ALL": "C.UTF-8"}

    def run(self, line: str) -> str:
        """Run a command and return what it prints."""
        ran = subprocess.run(
            ["bash", "-c", f"(exit {self.status})\n{line}"],
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
            timeout=120,
            check=False,
        )
        self.status = ran.returncode
        return ran.stdout


@pytest.mark.parametrize("page", PAGES)
def test_docs_session_prints_what_the_page_shows(page, tmp_path):
    """Every session of a page runs, in the page's order, with the output as shown."""
    session = Session(page, tmp_path)
    for block in _BLOCK.finditer((ROOT / page).read_text("utf-8")):
        if block["file"]:
            (session.folder / block["file"]).write_text(block["text"], "utf-8")
        if block["kind"] != "console":
            continue
        for command in session_of(block["text"]):
            asked = command.line == "echo $?"
            assert asked or session.status == 0, "a command before failed, and nobody looks"
            printed = session.run(command.line)
            assert re.fullmatch(pattern_of(command.output), printed), (
                f"{page}: $ {command.line}\n--- shown\n"
                + "\n".join(command.output)
                + f"\n--- printed\n{printed}"
            )
    assert session.status == 0


def session_of(block: str) -> list[Command]:
    """Return a block's commands; a block that begins with the demo is its output alone."""
    found = commands(block)
    if not shown_by_demo(found[0]):
        return found
    return [Command(found[0].line, block.splitlines()[1:])]


def test_docs_sessions_are_found():
    """The first page shows a session, and it is one that would be run."""
    blocks = [b for b in _BLOCK.finditer(README) if b["kind"] == "console"]
    lines = [command.line for block in blocks for command in commands(block["text"])]
    for verb in ("keys generate-aes", "encrypt-file", "decrypt-file"):
        assert any(line.startswith(f"piienc {verb}") for line in lines)


@pytest.mark.parametrize("page", PAGES)
def test_docs_blocks_of_commands_are_sessions(page):
    """No block shows a command with its prompt and escapes being run."""
    for block in _BLOCK.finditer((ROOT / page).read_text("utf-8")):
        if block["kind"] == "console":
            assert block["text"].startswith("$ ")
        else:
            assert not re.search(r"^\$ ", block["text"], re.MULTILINE)


@pytest.mark.parametrize(
    ("output", "printed", "fits"),
    [
        (["a ... c"], "a b c\n", True),
        (["a ... c"], "a  c\n", False),
        (["a", "...", "d"], "a\nb\nc\nd\n", True),
        (["a", "...", "d"], "a\nd\n", True),
        (["a"], "a\nb\n", False),
        (["a."], "ab\n", False),
        ([], "", True),
        ([], "a\n", False),
    ],
)
def test_docs_pattern_is_strict_but_for_its_wildcard(output, printed, fits):
    """What a page does not show must not be printed, and the other way round."""
    assert bool(re.fullmatch(pattern_of(output), printed)) is fits


@pytest.mark.parametrize("page", PAGES)
def test_docs_links_lead_somewhere(page):
    """Every relative link of a page leads to a file, and to a heading where it names one."""
    text = (ROOT / page).read_text("utf-8")
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"[a-z]+:", target):
            continue
        name, _, anchor = target.partition("#")
        path = (ROOT / page).parent / name if name else ROOT / page
        assert path.exists(), target
        if anchor:
            assert anchor in _anchors(path.read_text("utf-8")), target


def _anchors(text: str) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w -]", "", head.lower()).replace(" ", "-") for head in headings}


def test_readme_exit_codes_are_those_of_the_errors():
    """The table has a row for every class of errors, with its words."""
    section = README.partition("## Exit codes\n")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| (\d+) \| (.+) \|$", section, re.MULTILINE)
    kinds = [PiiencError, *PiiencError.__subclasses__()]
    assert rows == [("0", "done"), *((str(kind.exit_code), kind.meaning) for kind in kinds)]


def test_readme_is_short():
    """Who wants more follows a link."""
    assert len(README.splitlines()) <= 160


FORMAT = (ROOT / "docs" / "format.md").read_text("utf-8")
VECTORS = [
    (key, json.loads(context), json.loads(value), cell)
    for key, context, value, cell in re.findall(
        r'^\| `([\w-]+)` \| `(".*?")` \| `(".*?")` \| `(\S+)` \|$', FORMAT, re.MULTILINE
    )
]


def _sample(name: str) -> str:
    return (ROOT / "keys.example" / "aes" / f"{name}.json").read_text("utf-8")


def test_format_vectors_are_of_both_modes():
    """Each mode has the same cases, the empty value and the empty context among them."""
    cases = {name: [v[1:3] for v in VECTORS if v[0] == name] for name, *_ in VECTORS}
    assert set(cases) == {"sample-lookup", "sample-vault"}
    assert cases["sample-lookup"] == cases["sample-vault"]
    assert ("email", "") in cases["sample-vault"]
    assert ("", "ada@example.com") in cases["sample-vault"]


@pytest.mark.parametrize(("name", "context", "value", "cell"), VECTORS)
def test_format_vector_holds_in_piienc(name, context, value, cell):
    """A cell decrypts to its value, and a searchable value encrypts to its cell."""
    keyset = parse(_sample(name))
    cipher = ColumnCipher(keyset, context, text=True, label="vector")
    assert cipher.decrypt(pa.array([cell]), text=True).to_pylist() == [value]
    if keyset.mode is Mode.SEARCHABLE:
        assert cipher.encrypt(pa.array([value])).to_pylist() == [cell]


@pytest.mark.parametrize(("name", "context", "value", "cell"), VECTORS)
def test_format_vector_holds_by_the_page_alone(name, context, value, cell):
    """The page's words, followed with another library's AEADs, read the cell."""
    key = json.loads(_sample(name))["key"][0]
    material = base64.b64decode(key["keyData"]["value"])[2:]
    raw = base64.b64decode(cell, validate=True)
    assert raw[:5] == b"\x01" + key["keyId"].to_bytes(4, "big")
    if name == "sample-lookup":
        assert len(raw) == len(value.encode()) + 21
        plain = AESSIV(material).decrypt(raw[5:], [context.encode()])
    else:
        assert len(raw) == len(value.encode()) + 33
        plain = AESGCM(material).decrypt(raw[5:17], raw[17:], context.encode())
    assert plain.decode() == value


_NOON = datetime(2000, 2, 29, 12, 30, tzinfo=UTC)
TYPED = {
    "string": [pa.array(["Zoë Spécimen"])],
    "integer": [pa.array([-17])],
    "float": [pa.array([x]) for x in (0.1, 3.0, -0.0, 1e300, math.nan, math.inf)],
    "boolean": [pa.array([True])],
    "date": [pa.array([_NOON.date()])],
    "timestamp without zone": [pa.array([_NOON.replace(tzinfo=None)], pa.timestamp("us"))],
    "timestamp with zone": [pa.array([_NOON], pa.timestamp("ms", "Europe/Paris"))],
    "time of day": [pa.array([time(12, 30)], pa.time32("ms"))],
    "duration": [pa.array([timedelta(seconds=5)], pa.duration("ms"))],
    "decimal": [
        pa.array([Decimal("12.5")], pa.decimal128(10, 2)),
        pa.array([Decimal("1E-7")], pa.decimal128(20, 10)),
    ],
    "UUID": [pa.array([bytes.fromhex("00112233445566778899aabbccddeeff")], pa.uuid())],
    "JSON": [pa.array(['{"a": 1}'], pa.json_())],
    "binary, fixed-size binary": [pa.array([b"\xff\x00"], pa.binary(2))],
}


def test_format_texts_of_types_are_those_of_the_code():
    """Every example of the table is what is encrypted."""
    table = FORMAT.partition("## Values\n")[2].partition("\n## ")[0]
    rows = dict(re.findall(r"^\| ([\w, -]+) \| .+ \| (`.+`) \|$", table, re.MULTILINE))
    assert rows.keys() == TYPED.keys()
    for name, arrays in TYPED.items():
        cells = [to_cells(array, "example")[0].as_py() for array in arrays]
        texts = [cell.hex(" ") if isinstance(cell, bytes) else cell for cell in cells]
        assert rows[name] == ", ".join(f"`{text}`" for text in texts)


def test_format_names_every_member_of_the_record():
    """The page describes the whole record of a Parquet file, and nothing that is not in it."""
    facts = EncryptedColumn("k", "sealed", "c", (1,), "string", "INT96", "categories")
    fields = pa.schema([("NAME", pa.string())])
    record = json.loads(EncryptionMetadata({"NAME": facts}, fields, {b"pandas": b"{}"}).dump())
    members = []
    for member, value in record.items():
        members.append(member)
        if member == "columns":
            members += [f"columns.NAME.{name}" for name in value["NAME"]]
    table = FORMAT.partition("## The record in a Parquet file\n")[2].partition("\n## ")[0]
    assert re.findall(r"^\| `([\w.]+)` \|", table, re.MULTILINE) == members
    assert f"| `version` | `{record['version']}` |" in table
    assert f"entry `{RECORD_KEY.decode()}`" in table


SOURCE = ROOT / "src" / "piienc"
RUST = ROOT / "src" / "core" / "src"
ROOTS = ("src/piienc/", "src/core/src/", "hatch_build.py")
MAP = (ROOT / "docs" / "architecture.md").read_text("utf-8")


def _defined_in(body: list[ast.stmt], above: str = "") -> set[str]:
    """Return the names of the functions and classes of a module, methods included."""
    names: set[str] = set()
    for node in body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            names.add(above + node.name)
            if isinstance(node, ast.ClassDef):
                names |= _defined_in(node.body, f"{node.name}.")
    return names


def test_architecture_names_files_that_are_there():
    """Every path on the map exists, and no folder or file of the package's top is missing."""
    paths = set(re.findall(r"`([\w/]+(?:\.py|/))`", MAP))
    assert {path for path in paths if not (SOURCE / path).exists()} <= {*ROOTS}
    assert all((ROOT / path).exists() for path in ROOTS)
    rust = set(re.findall(r"`([\w/]+\.rs)`", MAP))
    assert {path for path in rust if not (RUST / path).exists()} == set()
    for path in SOURCE.iterdir():
        if not path.name.startswith("_") and path.suffix in ("", ".py"):
            assert (path.name if path.is_file() else f"{path.name}/") in paths


@pytest.mark.parametrize(
    ("file", "name"), sorted(set(re.findall(r"`([\w/]+\.py)`\s+`([\w.]+)`", MAP)))
)
def test_architecture_names_functions_that_are_there(file, name):
    """Every function on the map stands in the file that it is said to."""
    assert name in _defined_in(ast.parse((SOURCE / file).read_text("utf-8")).body)


def test_architecture_numbers_are_those_of_the_code():
    """The sizes and bounds on the page are ours."""
    from piienc.tables import UnitSize
    from piienc.tables.csv import source as csv
    from piienc.tables.parquet.slices import SLICE_ROWS

    blocks = (RUST / "blocks.rs").read_text("utf-8")
    longest = re.findall(r"pub const LONGEST: usize = (\d+);", blocks)
    assert f"cells of over {longest[0]} bytes" in MAP
    cargo = tomllib.loads((ROOT / "src" / "core" / "Cargo.toml").read_text("utf-8"))
    assert f"Rust {cargo['package']['rust-version']} or later" in MAP
    assert f"A CSV unit is {csv._BLOCK >> 20} to {csv._LARGER * csv._BLOCK >> 20} MiB" in MAP
    assert f"up to {csv._WIDEST * csv._FIRST >> 20} MiB in tables of thousands" in MAP
    size = UnitSize()
    assert f"A record of at most {size.longest >> 20} MiB" in MAP
    assert f"at most {SLICE_ROWS:,} rows and about {size.parquet_bytes >> 20} MiB" in MAP
    assert f"grows over\n  {size.row_group >> 20} MiB" in MAP
    assert f"over {size.decoded >> 30} GiB" in MAP
