"""TOML documents: every mistake in one message, each with its line and its mend."""

from datetime import date, datetime
from typing import Annotated, Literal

import pytest
from msgspec import Meta

from piienc.base import document
from piienc.base.document import Table
from piienc.errors import ConfigError


class Leaf(Table, frozen=True, kw_only=True):
    """A table with a field of every kind."""

    kind: Annotated[Literal["oak", "birch"], Meta(examples=["oak"])]
    height: Annotated[int | float | date | None, Meta(examples=[2.5])] = None
    alive: Annotated[bool, Meta(examples=[True])] = True
    names: Annotated[
        Annotated[list[str | int], Meta(min_length=1, max_length=3)] | None,
        Meta(examples=[["a", "b"]]),
    ] = None
    label: Annotated[str, Meta(max_length=3)] = ""
    cut: datetime | None = None

    @classmethod
    def check(cls, fields):
        """Look at one field, and at two together."""
        if fields.get("label") == "bad":
            yield ("label",), "not a kind word; choose another"
        for index, name in enumerate(fields.get("names") or ()):
            if fields.get("alive") and name == "ghost":
                yield ("names", index), "a living tree is no ghost"


class Forest(Table, frozen=True, kw_only=True):
    """A document with every kind of table."""

    name: Annotated[str, Meta(examples=["wood"])]
    size: Annotated[int, Meta(ge=1, le=9)] = 1
    owner: Leaf | None = None
    copses: list[Leaf] | None = None
    trees: Annotated[
        dict[Annotated[str, Meta(min_length=1)], Leaf] | None,
        Meta(examples=[{"old": {"kind": "oak"}}]),
    ] = None


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
        "line 1: size: '1' is not an integer of 1 or more and 9 or less",
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
        ("[size]", "line 2: size: a table is not an integer of 1 or more and 9 or less"),
        ("owner = []", "line 2: owner: a list is not a table; write [owner]"),
        ("[owner]\nkind='oak'\nnmaes=[]", "line 4: owner.nmaes: unknown; did you mean 'names'?"),
        (
            "[owner]\nkind='oak'\nzz=0",
            "line 4: owner.zz: unknown; known here: kind, height, alive, names, label, cut",
        ),
        (
            "[owner]\nkind='oak'\nnames=[\n'a',\n1.5]",
            "line 4: owner.names[1]: 1.5 is not a string or an integer",
        ),
        ("[owner]\nkind='oak'\nnames=[]", 'line 4: owner.names: empty; write names = ["a", "b"]'),
        ("[owner]\nkind='oak'\nheight=nan", "line 4: owner.height: nan is not a finite number"),
        (
            "[owner]\nkind='oak'\nheight='2020-01-01'",
            (
                "line 4: owner.height: '2020-01-01' is not an integer, a number or a date; "
                "write height = 2.5"
            ),
        ),
        (
            "[owner]\nkind='oak'\ncut=2020-01-01",
            "line 4: owner.cut: 2020-01-01 is not a timestamp",
        ),
        (
            "[owner]\nkind='oak'\nnames=[1, 2, 3, 4]",
            'line 4: owner.names: too long; write names = ["a", "b"]',
        ),
        ("size = 0", "line 2: size: 0 is not an integer of 1 or more and 9 or less"),
        ("size = 1.0", "line 2: size: 1.0 is not an integer of 1 or more and 9 or less"),
        ("copses = 1", "line 2: copses: 1 is not a list"),
        (
            "owner = {kind='oak', label='long'}",
            "line 2: owner.label: 'long' is not a string of length 3 or less",
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
        ('[trees.""]\nkind="oak"', "line 2: trees.\"\": '' is not a string of length 1 or more"),
        (
            '[trees."a.b"]\nkind="oak"\n"ö"=1',
            'line 4: trees."a.b"."ö": unknown; known here: kind, height, alive, names, label, cut',
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


def test_load_mistakes_inside_of_tables_and_lists_are_all_told(mistakes):
    """One mistake does not hide the others beside it, nor those that a check finds."""
    assert mistakes(
        "name = 'w'\n[owner]\nkind = 'oka'\nlabel = 'bad'\nnames = ['ghost', 'x', 'ghost']\n"
        "[trees.a]\nkind = 'oak'\nnames = [true, 'ghost', []]\n[trees.'']\nlabel = 'bad'\n"
    ) == [
        "line 3: owner.kind: 'oka' is not one of oak, birch; did you mean 'oak'?",
        "line 4: owner.label: not a kind word; choose another",
        "line 5: owner.names[0]: a living tree is no ghost",
        "line 5: owner.names[2]: a living tree is no ghost",
        "line 8: trees.a.names[0]: true is not a string or an integer",
        "line 8: trees.a.names[2]: a list is not a string or an integer",
        "line 9: trees.\"\": '' is not a string of length 1 or more",
        'line 9: trees."".kind: missing; add kind = "oak"',
        'line 10: trees."".label: not a kind word; choose another',
    ]


def test_load_check_does_not_see_what_was_refused(mistakes):
    """What depends on a refused field is not judged."""
    (line,) = mistakes("name='w'\n[owner]\nkind='oak'\nalive=1\nnames=['ghost']")
    assert line == "line 4: owner.alive: 1 is not a boolean; write alive = true"


@pytest.mark.parametrize(("hint", "told"), [("see the page", "see the page"), (None, None)])
def test_load_mistakes_carry_the_hint(tmp_path, hint, told):
    """The hint is the caller's, who knows what the file is; else that of every ConfigError."""
    path = tmp_path / "forest.toml"
    path.touch()
    with pytest.raises(ConfigError) as caught:
        document.load(path, Forest, hint=hint)
    assert caught.value.hint == (told or ConfigError.hint)


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
