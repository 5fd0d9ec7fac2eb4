"""Columns marked in a file: nothing else changes, all or none, and several at a time."""

import stat
import tomllib
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from piienc import schema as schemas
from piienc.errors import ConfigError, PolicyError, UsageError
from piienc.schema.mark import mark

TABLES = """\
# people, as the shop exports them

name = "people"   # not users
version = 3  # count up

[columns.email]  # the address
type   = "string"   # as it is
format = 'email'

# about the note
[columns."a note"]
type="string"
enum = [
  "x",  # one
]

# the end
"""
TABLES_MARKED = TABLES.replace("version = 3", "version = 4").replace(
    "format = 'email'\n", "format = 'email'\nencrypt = \"look\"\n"
)
INLINE = """\
name = "people"
version = 1
[columns]
email = { type = "string" }  # the address
note.type = "string"
"""


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "schema.toml"
    path.write_text(TABLES, "utf-8")
    return path


def test_mark_changes_the_column_and_the_version_and_nothing_else(file):
    """Comments, blank lines and quotes stay, and the mark stands in its column."""
    done = mark(file, ["email"], "look")
    assert file.read_text("utf-8") == TABLES_MARKED
    assert (done.marked, done.before, done.version) == (("email",), (), 4)


def test_mark_of_the_last_column_stands_before_the_comments_behind_it(file):
    """A list over several lines is passed, too."""
    mark(file, ["a note"], "seal", "c")
    expected = TABLES.replace("version = 3", "version = 4").replace(
        "]\n\n# the end\n", ']\nencrypt = "seal"\ncontext = "c"\n\n# the end\n'
    )
    assert file.read_text("utf-8") == expected


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("email", '{ type = "string" }', '{ type = "string", encrypt = "look" }'),
        ("note", 'note.type = "string"\n', 'note.type = "string"\nnote.encrypt = "look"\n'),
    ],
)
def test_mark_knows_the_other_ways_to_write_a_column(file, name, old, new):
    """Inline tables and dotted keys stay what they are."""
    file.write_text(INLINE, "utf-8")
    mark(file, [name], "look")
    expected = INLINE.replace("version = 1", "version = 2").replace(old, new)
    assert file.read_text("utf-8") == expected


@pytest.mark.parametrize("before", ["", "\ufeff"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("last", ["", "\n"])
def test_mark_keeps_line_ends_and_byte_order_mark(file, before, end, last):
    """Editors on other systems are not annoyed."""
    lines = ['name = "n"', "version = 1", "[columns.a]", 'type = "string"']
    file.write_bytes((before + end.join(lines) + last.replace("\n", end)).encode())
    mark(file, ["a"], "k")
    expected = [lines[0], "version = 2", *lines[2:], 'encrypt = "k"', ""]
    assert file.read_bytes() == (before + end.join(expected)).encode()


@pytest.mark.parametrize(
    "last",
    ["required = true", "min = 1", "min = 1.5", "min = 2000-01-01", "min = 2000-01-01T00:00:00Z"],
)
def test_mark_stands_behind_a_field_of_any_type(file, last):
    """Indented as that field is."""
    kind = {"required": "string", "min = 1": "integer", "min = 1.5": "float"}
    kind = kind.get(last) or kind.get(last.split()[0]) or ("timestamp" if "T" in last else "date")
    text = f'name = "n"\nversion = 1\n[columns.a]\n  type = "{kind}"\n  {last}  # why\n\n# end\n'
    file.write_text(text, "utf-8")
    mark(file, ["a"], "look")
    expected = text.replace("version = 1", "version = 2").replace(
        "# why", '# why\n  encrypt = "look"'
    )
    assert file.read_text("utf-8") == expected


def test_mark_of_several_columns_counts_the_version_once(file):
    """They are marked at once; those that are marked so already are told apart."""
    mark(file, ["email"], "look")
    done = mark(file, ["a note", "email", "a note"], "look")
    assert (done.marked, done.before, done.version) == (("a note",), ("email",), 5)
    assert set(schemas.load(file).marked) == {"email", "a note"}


def test_mark_of_what_is_marked_so_already_changes_nothing(file):
    """A second run is no change, and no new version."""
    mark(file, ["email"], "look")
    before = file.stat()
    assert mark(file, ["email"], "look").version == 4
    assert file.stat().st_ino == before.st_ino


@pytest.mark.parametrize(
    ("arguments", "kind", "said", "hint"),
    [
        ((["email", "emial"], "look"), UsageError, "no column 'emial'", "mean 'email'"),
        ((["email", "zzz"], "look"), UsageError, "no column 'zzz'", "it has email, a note"),
        ((["a note", "email"], "seal"), PolicyError, "with the key 'look' already", "undone"),
        ((["email"], "look", "other"), PolicyError, "in another context", "would not decrypt"),
        ((["email", "a note"], "look", "c"), UsageError, "for one column", "one by one"),
    ],
)
def test_mark_that_is_refused_changes_nothing(file, arguments, kind, said, hint):
    """All or none: the columns that could be marked are not, either."""
    mark(file, ["email"], "look")
    with pytest.raises(kind, match=said) as caught:
        mark(file, *arguments)
    assert hint in caught.value.hint
    assert file.read_text("utf-8") == TABLES_MARKED


def test_mark_in_a_file_with_mistakes_is_refused(file):
    """What cannot be loaded is not made worse, and a missing file is told as one."""
    file.write_text(TABLES + "x = 1\n", "utf-8")
    with pytest.raises(ConfigError, match="1 mistake"):
        mark(file, ["email"], "look")
    with pytest.raises(ConfigError, match="cannot read"):
        mark(file.parent / "none" / "schema.toml", ["email"], "look")


@pytest.mark.parametrize("mode", [0o600, 0o644, 0o664])
def test_mark_keeps_the_file_mode_and_a_link_to_it(file, mode):
    """A schema is no secret: who could read it still can."""
    file.chmod(mode)
    link = file.with_name("link.toml")
    link.symlink_to(file)
    mark(link, ["email"], "look")
    assert stat.S_IMODE(file.stat().st_mode) == mode
    assert link.is_symlink()
    assert sorted(file.parent.iterdir()) == [link, file]


def test_marks_at_the_same_time_are_all_there(tmp_path):
    """None reads what another is about to replace."""
    file = tmp_path / "schema.toml"
    names = [f"c{number}" for number in range(12)]
    columns = "".join(f'[columns.{name}]\ntype = "string"\n' for name in names)
    file.write_text(f'name = "n"\nversion = 1\n{columns}', "utf-8")
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda name: mark(file, [name], "look"), names))
    loaded = schemas.load(file)
    assert (set(loaded.marked), loaded.version) == (set(names), 13)


_NAMES = st.lists(st.text(st.characters(exclude_categories=["Cs"]), min_size=1), unique=True)


@given(names=_NAMES.filter(bool), context=st.none() | st.text(st.characters(codec="utf-8")))
def test_mark_of_a_column_of_any_name_is_what_the_schema_then_says(
    tmp_path_factory, names, context
):
    """Names with dots, quotes and control characters are names."""
    from piienc.schema.propose import ProposedColumn, ProposedField, ProposedSchema, dump

    file = tmp_path_factory.mktemp("any") / "schema.toml"
    columns = tuple(ProposedColumn(name, (ProposedField("type", "string"),)) for name in names)
    file.write_bytes(dump(ProposedSchema("n", columns)).encode())
    before = tomllib.loads(file.read_text("utf-8"))
    mark(file, names[:1], "k", context)
    before["version"] = 2
    before["columns"][names[0]] |= {"encrypt": "k"} | (
        {} if context is None else {"context": context}
    )
    with file.open("rb") as opened:
        assert tomllib.load(opened) == before


@pytest.mark.parametrize(
    ("name", "rules", "said"),
    [
        ("a", '\nallow = { email = "ours" }', "nothing is looked for in a marked column"),
        ("", "", "no name binds its ciphertexts"),
    ],
)
def test_mark_that_would_make_a_mistake_changes_nothing(tmp_path, name, rules, said):
    """What is written is held to the rules of a schema first."""
    path = tmp_path / "schema.toml"
    text = f'name = "x"\nversion = 1\n[columns."{name}"]\ntype = "string"{rules}\n'
    path.write_text(text)
    with pytest.raises(ConfigError, match=said):
        mark(path, [name], "look")
    assert path.read_text() == text


def test_mark_of_a_column_without_a_name_takes_a_context(tmp_path):
    path = tmp_path / "schema.toml"
    path.write_text('name = "x"\nversion = 1\n[columns.""]\ntype = "string"\n')
    mark(path, [""], "look", "people.index")
    assert schemas.load(path).context_of("") == "people.index"
