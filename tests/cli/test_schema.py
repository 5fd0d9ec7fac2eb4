"""`piienc schema check`, `show` and `mark`: whole outputs, exit codes, and what is left."""

import re

import pytest

DOUBTFUL = """\
name = "people"
version = 2
extra_columns = "keep"

[columns.email]
type = "string"
property = "Email"

[columns.gender]
type = "string"
property = "gender"
encrypt = "look"

[columns.active]
type = "boolean"
encrypt = "look"

[columns.mail2]
type = "string"
property = "Email"
encrypt = "nowhere"
"""
ENCRYPT = ["encrypt-file", "x.csv", "y.csv", "--schema", "schema.toml", "--force", "-q"]
DATA = "id,email,note\n1,CANARY,CANARY\n"
UNMARKED = '\n[columns.email]\ntype = "string"\nencrypt = "look"'


@pytest.fixture
def used(project):
    """Give a project that has encrypted a file."""
    project.write("x.csv", DATA)
    assert project.run(*ENCRYPT).code == 0
    return project


def _edit(project, old, new):
    text = project.read("schema.toml").decode()
    assert old in text
    project.write("schema.toml", text.replace(old, new))


def _lines(ended):
    return [
        line.rstrip() for line in re.sub(r"2\d{3}-[\d-]+T[\d:]+Z", "TIME", ended.out).split("\n")
    ]


def test_check_of_a_good_schema_says_so(project):
    """The default is schema.toml here; nothing is written, no state is made."""
    with project.unchanged():
        ended = project.run("schema", "check")
    assert ended.normal() == (0, "", "piienc: schema.toml: no mistakes; 3 columns, 2 marked\n")
    assert not (project.folder / ".piienc").exists()
    assert project.run("schema", "check", "--quiet").normal() == (0, "", "")


def test_check_warns_of_what_is_doubtful(project):
    """What is allowed is no error."""
    project.write("schema.toml", DOUBTFUL)
    told = "piienc: warning: schema.toml: "
    assert project.run("schema", "check").normal() == (
        0,
        "",
        (
            f'{told}with extra_columns = "keep", a new column with personal data would pass in '
            "clear beside the encrypted ones\n"
            f"{told}column 'email' carries Email and is not marked\n"
            f"{told}column 'gender' carries Gender, and its key is searchable: equal cells can be "
            "guessed\n"
            f"{told}column 'active' has few values, and its key is searchable: equal cells can be "
            "guessed\n"
            f"{told}2 columns carry the property 'Email'\n"
            f"{told}there is no key 'nowhere' in the key folder\n"
            "piienc: schema.toml: no mistakes; 4 columns, 3 marked\n"
        ),
    )


def test_check_without_a_key_folder_says_nothing_of_keys(project):
    """Who writes the schema may not have the keys."""
    ended = project.run("schema", "check", "--keys", "none")
    assert ended.normal() == (0, "", "piienc: schema.toml: no mistakes; 3 columns, 2 marked\n")


def test_check_of_a_schema_without_marks_warns(project):
    """It is valid, and good for nothing yet."""
    project.write("schema.toml", 'name = "n"\nversion = 1\n[columns.a]\ntype = "string"\n')
    said = "no column is marked, so no file can be encrypted with it"
    assert f"warning: schema.toml: {said}\n" in project.run("schema", "check").err


def test_check_of_several_tells_the_mistakes_of_all(project):
    """One run for a folder of schemas."""
    project.write("a.toml", "version = 1\nx = 1\n")
    ended = project.run("schema", "check", "a.toml", "schema.toml", "none.toml")
    assert ended.normal() == (
        3,
        "",
        (
            "piienc: schema.toml: no mistakes; 3 columns, 2 marked\n"
            "piienc: error: a.toml: 3 mistakes\n"
            "  line 2: x: unknown; known here: name, version, csv, extra_columns, columns, "
            "finders\n"
            '  name: missing; add name = "user-profiles"\n'
            "  columns: missing; add [columns.email]\n"
            "  cannot read none.toml: No such file or directory\n"
            "piienc: hint: mend the named lines and run again; docs/schema.md lists what may stand "
            "there\n"
        ),
    )


def test_check_refuses_a_schema_that_would_undo_a_mark(used):
    """As encrypt-file does, and before there is a file."""
    _edit(used, UNMARKED, UNMARKED.removesuffix('\nencrypt = "look"'))
    checked, encrypted = used.run("schema", "check"), used.run(*ENCRYPT)
    told = re.sub(r"2\d{3}-[\d-]+T[\d:]+Z", "TIME", checked.err)
    assert (checked.code, checked.out) == (12, "")
    assert told == (
        "piienc: error: the schema 'people' would undo what cannot be undone\n"
        "  column 'email', encrypted since TIME under 'look', is not marked any more\n"
        "piienc: hint: mark it as before; if these are other data, give the schema, or the column, "
        "a name of its own\n"
    )
    assert (encrypted.code, encrypted.err) == (12, checked.err)


def test_check_warns_of_an_encrypted_column_that_could_pass(used):
    """Without the file, it cannot be known whether the column is still in it."""
    _edit(used, UNMARKED, "")
    assert used.run("schema", "check").code == 0
    _edit(used, "version = 1", 'version = 2\nextra_columns = "keep"')
    said = "column 'email' was encrypted before; a file that still has it is refused"
    assert said in used.run("schema", "check").err
    assert used.run(*ENCRYPT).code == 12


def test_check_json_tells_all_in_one_document(used):
    """With the exit code of the worst."""
    used.write("bad.toml", "x = 1\n")
    _edit(used, UNMARKED, UNMARKED.removesuffix('\nencrypt = "look"'))
    ended = used.run("schema", "check", "schema.toml", "bad.toml", "--json")
    assert (ended.code, ended.err) == (3, "")
    good, bad = ended.document["schemas"]
    assert good["error"].pop("message").startswith("the schema 'people' would undo")
    assert good == {
        "file": "schema.toml",
        "ok": False,
        "name": "people",
        "version": 1,
        "columns": 3,
        "marked": ["note"],
        "warnings": [],
        "error": {"code": 12, "kind": "policy"},
    }
    assert (bad["file"], bad["name"], bad["error"]["code"]) == ("bad.toml", None, 3)
    assert ended.document["ok"] is False


def test_show_lists_columns_rules_and_marks(used):
    """With the mode of the keys that are there, and since when a column is encrypted."""
    _edit(used, '[columns.id]\ntype = "string"', RULED)
    ended = used.run("schema", "show")
    assert (ended.code, ended.err) == (0, "")
    assert _lines(ended) == SHOWN.split("\n")


RULED = """\
[columns.id]
type = "string"
required = true
unique = true
pattern = "[0-9]+"
max_length = 9
enum = ["1", "2"]
property = "Identity"
"""
SHOWN = """\
people, version 1

  column   type     rules                                                       key    mode         context   property   encrypted since
 ─────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────
  id       string   required, unique, pattern [0-9]+, max_length 9, enum of 2                                 Identity
  email    string                                                               look   searchable   email                TIME
  note     string                                                               seal   sealed       note                 TIME

"""  # noqa: E501  # as it is printed


def test_show_json_has_the_same_facts(project):
    """What is not known is null."""
    ended = project.run("schema", "show", "schema.toml", "--keys", "none", "--json")
    assert (ended.code, ended.err) == (0, "")
    plain = {"type": "string", "rules": [], "property": None, "since": None, "mode": None}
    assert ended.document == {
        "schema_version": 1,
        "ok": True,
        "name": "people",
        "version": 1,
        "extra_columns": "error",
        "columns": {
            "id": {**plain, "marked": False, "key": None, "context": None},
            "email": {**plain, "marked": True, "key": "look", "context": "email"},
            "note": {**plain, "marked": True, "key": "seal", "context": "note"},
        },
    }


def test_mark_marks_and_says_the_version(project):
    """Those that are marked so already are told apart."""
    ended = project.run("schema", "mark", "id", "email", "--key", "look")
    assert ended.normal() == (
        0,
        "",
        (
            "piienc: marked with look already: email\n"
            "piienc: marked with look: id; schema.toml is version 2\n"
        ),
    )
    text = project.read("schema.toml").decode()
    assert '[columns.id]\ntype = "string"\nencrypt = "look"\n' in text


def test_mark_json_tells_what_has_changed(project):
    """Also for another file, with a context, and with a key that is not there yet."""
    project.write("other.toml", project.read("schema.toml"))
    more = ("--schema", "other.toml", "--context", "c", "--json")
    ended = project.run("schema", "mark", "id", "--key", "later", *more)
    assert (ended.code, ended.err) == (0, "")
    assert ended.document == {
        "schema_version": 1,
        "ok": True,
        "file": "other.toml",
        "key": "later",
        "version": 2,
        "marked": ["id"],
        "marked_before": [],
        "warnings": ["there is no key 'later' yet"],
    }
    assert b'encrypt = "later"\ncontext = "c"\n' in project.read("other.toml")


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (
            ["id", "emial", "--key", "look"],
            2,
            (
                "piienc: error: schema.toml has no column 'emial'\n"
                "piienc: hint: did you mean 'email'?\n"
            ),
        ),
        (
            ["id", "email", "--key", "seal"],
            12,
            (
                "piienc: error: schema.toml: column 'email' is marked with the key 'look' already\n"
                "piienc: hint: marking cannot be undone; to change to another key of the same "
                "mode, or to a sealed one, edit the file\n"
            ),
        ),
        (
            ["id", "--key", "../x"],
            2,
            (
                "piienc: error: '../x' cannot be a key's name\n"
                "piienc: hint: use up to 64 letters, digits, '.', '_' and '-'; begin with a letter "
                "or digit\n"
            ),
        ),
    ],
)
def test_mark_that_is_refused_leaves_the_file_as_it_was(project, arguments, code, said):
    """All or none of the columns."""
    with project.unchanged():
        assert project.run("schema", "mark", *arguments).normal() == (code, "", said)
