"""Every key of a TOML document is found on its line."""

import json
import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from piienc.base import lines

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
    text, places = "", {}

    def put(place, statement):
        nonlocal text
        text += draw(FILLERS)
        places[place] = text.count("\n") + 1
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
    return text, places


@given(documents())
def test_locate_finds_the_line_of_every_key(drawn):
    """Whatever strings, comments and brackets stand between them, keys are found."""
    text, expected = drawn
    tomllib.loads(text)
    found = lines.locate(text)
    assert {place: found.get(place) for place in expected} == expected


def test_locate_inline_table_gives_keys_the_line_of_the_statement():
    """The inside of an inline table has no lines of its own."""
    assert lines.locate("\na = { b = 1, c = [\n1] }\nd = 1") == {
        ("a",): 2,
        ("a", "b"): 2,
        ("a", "c"): 2,
        ("d",): 4,
    }


@pytest.mark.parametrize(
    ("place", "line"),
    [(("a", "b"), 2), (("a", "b", 3), 2), (("a", "c"), 1), (("d",), None), ((), None)],
)
def test_line_of_place_without_a_line_is_that_of_what_it_stands_in(place, line):
    """What is missing, or is an item of a list, is looked for on the line of its table or key."""
    assert lines.line_of(place, {("a",): 1, ("a", "b"): 2}) == line


@pytest.mark.parametrize(
    ("place", "written"),
    [
        ((), "the file"),
        (("a", "b-c", "d_1"), "a.b-c.d_1"),
        (("columns", "e-mail (work)", "enum", 0), 'columns."e-mail (work)".enum[0]'),
        (("ö", '"', ""), '"ö"."\\"".""'),
        (("\x1b[2J",), '"\\u001b[2J"'),
    ],
)
def test_dotted_place_is_written_as_a_key_of_toml(place, written):
    """A place can be read, and pasted, as a key; no control character reaches the terminal."""
    assert lines.dotted(place) == written
