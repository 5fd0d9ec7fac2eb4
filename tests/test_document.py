"""TOML documents: every mistake in one message, each with its line and its mend."""

import json
import tomllib
from datetime import date
from typing import Annotated, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, field_validator

from piienc import document
from piienc.errors import ConfigError


class Table(BaseModel):
    """As strict as our own files."""

    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)


class Leaf(Table):
    """A table with a field of every kind."""

    kind: Literal["oak", "birch"] = Field(examples=["oak"])
    height: int | float | date | None = Field(default=None, examples=[2.5])
    alive: bool = Field(default=True, examples=[True])
    names: list[str | int] = Field(default=["x"], min_length=1, examples=[["a", "b"]])
    label: str = Field(default="", max_length=3)

    @field_validator("label")
    @classmethod
    def _polite(cls, value: str) -> str:
        if value == "bad":
            raise ValueError("not a kind word; choose another")
        return value


class Forest(Table):
    """A document with every kind of table."""

    name: str = Field(examples=["wood"])
    size: int = Field(default=1, gt=0)
    owner: Leaf | None = None
    copses: list[Leaf] = []
    trees: dict[Annotated[str, StringConstraints(min_length=1)], Leaf] = Field(
        default={}, examples=[{"old": {"kind": "oak"}}]
    )


@pytest.fixture
def mistakes(tmp_path):
    """Give a function that loads a text as a Forest and returns the lines of the refusal."""

    def load(text, model=Forest):
        path = tmp_path / "forest.toml"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        with pytest.raises(ConfigError) as caught:
            document.load(path, model)
        head, *lines = str(caught.value).split("\n  ")
        assert head == f"{path}: {len(lines)} mistake{'s' * (len(lines) != 1)}"
        return lines

    return load


def test_load_valid_document_gives_model(tmp_path):
    """A valid file becomes the model, in TOML's own types."""
    path = tmp_path / "forest.toml"
    path.write_text('name = "w"\n[trees.a]\nkind = "oak"\nheight = 2020-01-01\n', "utf-8")
    assert document.load(path, Forest) == Forest(
        name="w", trees={"a": Leaf(kind="oak", height=date(2020, 1, 1))}
    )


def test_load_byte_order_mark_and_crlf_are_accepted(tmp_path):
    """What editors on Windows write is read as well."""
    path = tmp_path / "forest.toml"
    path.write_bytes(b'\xef\xbb\xbfname = "w"\r\nsize = 2\r\n')
    assert document.load(path, Forest) == Forest(name="w", size=2)


def test_load_many_mistakes_lists_them_all_in_order_of_lines(mistakes):
    """Every mistake is told in one go, with its line, its place and its mend."""
    assert mistakes(
        'size = "1"\n'
        "[trees.a]\n"
        'kind = "oka"\n'
        "aliev = true\n"
        "height = false\n"
        "[trees.b]\n"
        'alive = "yes"\n'
        "[grees.c]\n"
    ) == [
        "line 1: size: '1' is not an integer",
        "line 3: trees.a.kind: 'oka' is not one of oak, birch; did you mean 'oak'?",
        "line 4: trees.a.aliev: unknown; did you mean 'alive'?",
        "line 5: trees.a.height: false is not an integer, a number or a date; write height = 2.5",
        'line 6: trees.b.kind: missing; add kind = "oak"',
        "line 7: trees.b.alive: 'yes' is not a boolean; write alive = true",
        "line 8: grees: unknown; did you mean 'trees'?",
        'name: missing; add name = "wood"',
    ]


@pytest.mark.parametrize(
    ("text", "mistake"),
    [
        ("trees = 1", "line 2: trees: 1 is not a table; write [trees.old]"),
        ("[trees]\na = 'x'", "line 3: trees.a: 'x' is not a table; write [trees.a]"),
        ("[[trees]]", "line 2: trees: a list is not a table; write [trees.old]"),
        ("[size]", "line 2: size: a table is not an integer"),
        ("owner = []", "line 2: owner: a list is not a table; write [owner]"),
        ("[owner]\nkind='oak'\nnmaes=[]", "line 4: owner.nmaes: unknown; did you mean 'names'?"),
        (
            "[owner]\nkind='oak'\nzz=0",
            "line 4: owner.zz: unknown; known here: kind, height, alive, names, label",
        ),
        (
            "[owner]\nkind='oak'\nnames=[\n'a',\n1.5]",
            "line 4: owner.names[1]: 1.5 is not a string or an integer",
        ),
        ("[owner]\nkind='oak'\nnames=[]", 'line 4: owner.names: empty; write names = ["a", "b"]'),
        ("[owner]\nkind='oak'\nheight=nan", "line 4: owner.height: nan should be a finite number"),
        ("size = 0", "line 2: size: 0 should be greater than 0"),
        (
            "owner = {kind='oak', label='long'}",
            "line 2: owner.label: 'long' should have at most 3 characters",
        ),
        (
            "owner.kind='oak'\nowner.label='bad'",
            "line 3: owner.label: not a kind word; choose another",
        ),
        ("owner.kind=7", "line 2: owner.kind: 7 is not one of oak, birch"),
        (
            "[[copses]]\nkind='oak'\n[[copses]]\nkind='OAK'",
            "line 5: copses[1].kind: 'OAK' is not one of oak, birch; did you mean 'oak'?",
        ),
        ('[trees.""]\nkind="oak"', "line 2: trees.\"\": '' should have at least 1 character"),
        (
            '[trees."a.b"]\nkind="oak"\n"ö x"=1',
            'line 4: trees."a.b"."ö x": unknown; known here: kind, height, alive, names, label',
        ),
        (
            '[trees."\\u001b[2J"]',
            'line 2: trees."\\u001b[2J".kind: missing; add kind = "oak"',
        ),
    ],
)
def test_load_mistake_is_put_in_plain_words(mistakes, text, mistake):
    """Each kind of mistake has its line, its place as TOML writes it, and plain words."""
    assert mistakes('name = "w"\n' + text) == [mistake]


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (f"'{'x' * 41}'", f"'{'x' * 40}…' is not a table; write [owner]"),
        ("0x" + "f" * 9999, "an integer of more than 64 bits is not a table; write [owner]"),
    ],
)
def test_load_long_value_is_cut(mistakes, value, shown):
    """A long value does not flood the terminal."""
    assert mistakes(f"name = 'w'\nowner = {value}") == [f"line 2: owner: {shown}"]


@pytest.mark.parametrize(
    ("text", "mistake"),
    [
        ("a = 1\nb = \n", "line 2, column 5: not TOML: invalid value"),
        (
            "a = 1\na = 2\n",
            "line 2, column 6: a key that has a value already; remove one of the two",
        ),
        ("[a]\n[a]\n", "line 2, column 3: not TOML: cannot declare ('a',) twice"),
        ('a = """x', "end of document: not TOML: unterminated string"),
        (b"a = 1\nb = '\xff'\n", "line 2: not UTF-8"),
        ("a = " + "1" * 5000, "a number has too many digits"),
    ],
)
def test_load_broken_toml_tells_line_and_column(mistakes, text, mistake):
    """What is not TOML is refused at its line and column."""
    assert mistakes(text) == [mistake]


def test_load_deep_nesting_is_refused(mistakes):
    """Nesting beyond the interpreter's depth is a mistake of the file, not a crash."""
    (line,) = mistakes("a = " + "[" * 100_000)
    assert "nest" in line
    assert len(mistakes(".".join("a" * 5000) + " = 1")) == 2


@pytest.mark.parametrize(("name", "reason"), [("no.toml", "No such file"), (".", "Is a directory")])
def test_load_unreadable_path_is_named(tmp_path, name, reason):
    """A file that cannot be opened is named, with the system's reason."""
    with pytest.raises(ConfigError, match=reason) as caught:
        document.load(tmp_path / name, Forest)
    assert str(caught.value).startswith(f"cannot read {tmp_path / name}: ")


def test_load_oversized_file_is_refused_unparsed(tmp_path):
    """A file of the wrong kind is not read to its end."""
    path = tmp_path / "big.toml"
    path.write_bytes(b"#" * (document.MAX_BYTES + 1))
    with pytest.raises(ConfigError) as caught:
        document.load(path, Forest)
    assert str(caught.value) == f"{path} is larger than 1 MiB"


VALUES = (
    "1",
    "-0.5e3",
    "1979-05-27T07:32:00Z",
    '"# no [comment] \\" ="',
    "'C:\\'",
    '""',
    '"""\nfake = 1\n[fake]\n# ""\n"""',
    '"""one "" two"""""',
    "'''\n[[fake]]\nit's ''fake'' = '''''",
    '[\n  1, # ]\n  "]",\n\n  [2],\n]',
    "[]",
    "[{ x = '}' }]",
)
NAMES = st.one_of(
    st.sampled_from(["a", "b", "a.b", "", "1", "é", "#", "[x]", '"', "'", "="]),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=4),
)
FILLERS = st.sampled_from(["", "\n", "# [comment] = '''\n", "  \n\n", '# """\n'])


def quoted(name):
    """Write a key as TOML's basic string."""
    return json.dumps(name, ensure_ascii=False).replace("\x7f", "\\u007f")


@st.composite
def documents(draw):
    """Draw a document's text and the line of each of its keys and headers."""
    text, lines = "", {}

    def put(place, statement):
        nonlocal text
        text += draw(FILLERS)
        lines[place] = text.count("\n") + 1
        text += draw(st.sampled_from(["", "  "])) + statement + draw(st.sampled_from(["", " # ="]))
        text += "\n"

    def fill(table):
        for name in draw(st.lists(NAMES, max_size=4, unique=True)):
            place, key = (*table, name, "tail"), f"{quoted(name)} . tail"
            put(place, f"{key} = {draw(st.sampled_from(VALUES))}")

    fill(())
    for number, name in enumerate(draw(st.lists(NAMES, max_size=4))):
        place = (f"table-{number}", name)
        put(place, f"[ {place[0]} . {quoted(name)} ]")
        fill(place)
    for number, name in enumerate(draw(st.lists(st.just("list"), max_size=3))):
        put((name, number), f"[[{name}]]")
        fill((name, number))
        put((name, number, "list", "under"), f"[{name}.list.under]")
    return text, lines


@given(documents())
def test_locate_finds_the_line_of_every_key(drawn):
    """Whatever strings, comments and brackets stand between them, keys are found."""
    text, lines = drawn
    tomllib.loads(text)
    found = document.locate(text)
    assert {place: found.get(place) for place in lines} == lines


def test_locate_inline_table_gives_keys_the_line_of_the_statement():
    """The inside of an inline table has no lines of its own."""
    assert document.locate("\na = { b = 1, c = [\n1] }\nd = 1") == {
        ("a",): 2,
        ("a", "b"): 2,
        ("a", "c"): 2,
        ("d",): 4,
    }
