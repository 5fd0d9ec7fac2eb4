"""`piienc manifest`: show and check, word for word."""

import json

import pytest

SCHEMA = """\
name = "people"
version = 1

[columns.id]
type = "string"
property = "Identity"

[columns."e-mail"]
type = "string"
property = "Email"
encrypt = "look"

[columns.age]
type = "integer"
min = 0
max = 150

[columns.born]
type = "date"
"""
PLAIN = "id,e-mail,age,born\n1,ada@example.org,36,10/12/1815\n"
MANIFEST = {
    "fileName": "people.csv",
    "type": "profile",
    "columns": {
        "id": {"ctName": "identity", "dataType": "STRING"},
        "e-mail": {"ctName": "Email", "dataType": "STRING"},
        "age": {"dataType": "INTEGER"},
        "born": {"dataType": "Date", "dateFormat": "dd/MM/yyyy HH:mm:ss"},
    },
    "clientEmail": "ada@example.com",
}
SHOW = (
    "manifest",
    "show",
    "people.csv",
    "--schema",
    "schema.toml",
    "--type",
    "profile",
    "--client-email",
    "ada@example.com",
)
DATES = ("--date-format", "born=dd/MM/yyyy HH:mm:ss")
WARNING = "Email is encrypted, so it is useless to a receiver that has not the key"


@pytest.fixture
def people(project):
    """Give a project with a data file and its schema."""
    project.write("schema.toml", SCHEMA)
    project.write("people.csv", PLAIN)
    return project


def _lines(text):
    return [line.rstrip() for line in text.splitlines()]


def test_show_prints_the_manifest_and_warns_aside(people):
    """The manifest alone is on standard output, so that it can be kept; nothing is written."""
    with people.unchanged():
        ended = people.run(*SHOW, *DATES)
    assert ended.code == 0
    assert ended.out == json.dumps(MANIFEST, indent=2) + "\n"
    assert ended.err == f"piienc: warning: columns.e-mail: {WARNING}\n"
    assert people.run(*SHOW, *DATES, "--quiet").normal() == (0, ended.out, "")


def test_show_json_has_the_manifest_and_its_warnings(people):
    """One document."""
    ended = people.run(*SHOW, *DATES, "--json")
    assert (ended.code, ended.err) == (0, "")
    assert ended.document == {
        "schema_version": 1,
        "ok": True,
        "manifest": MANIFEST,
        "findings": [
            {
                "rule": "encrypted",
                "place": "columns.e-mail",
                "message": WARNING,
                "level": "warning",
            }
        ],
    }


def test_show_takes_what_the_schema_does_not_tell(people):
    """Mappings, columns that are left out, the key; an encrypted file is not opened."""
    key_id = "ec491319-9823-48cd-b6a1-6bb0bc666d75"
    arguments = [*SHOW, "--map", "age=Age in years", "--exclude", "born", "--key-id", key_id, "-q"]
    arguments[2] = "absent.csv.asc"
    ended = people.run(*arguments)
    assert ended.code == 0
    document = json.loads(ended.out)
    assert (document["fileName"], document["keyId"]) == ("absent.csv.asc", key_id)
    assert document["columns"]["age"] == {"ctName": "Age in years", "dataType": "INTEGER"}
    assert "born" not in document["columns"]


def test_show_refuses_what_the_receiver_would_drop(people):
    """An error of the configuration, which lists everything and shows no address."""
    arguments = [*SHOW]
    arguments[-1] = "ada@example"
    ended = people.run(*arguments, "--exclude", "borm")
    assert (ended.code, ended.out) == (3, "")
    assert ended.err == (
        "piienc: error: the manifest of 'people.csv': 3 mistakes\n"
        "  the schema has no column 'borm'; did you mean 'born'?\n"
        "  clientEmail: not one plain e-mail address\n"
        "  columns.born.dateFormat: missing, for the data type is Date; it is one of "
        "dd/MM/yyyy HH:mm:ss, MM/dd/yyyy HH:mm:ss, yyyy/dd/MM HH:mm:ss, yyyy/MM/dd HH:mm:ss, "
        "dd MMM yyyy HH:mm:ss, Unix\n"
        "piienc: hint: mend the schema or what is said for the manifest; see docs/manifests.md\n"
    )


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "cannot read people.csv: No such file or directory"),
        ("", "people.csv is empty: not even a header is there"),
        (
            "id,e-mail,age\n",
            "people.csv: column 'born' of the schema 'people' not in the file",
        ),
        ("1,ada@example.org,36,x\n", "people.csv: none of the columns"),
    ],
)
def test_show_holds_the_file_against_the_schema(people, content, message):
    """An error of the input, before the receiver finds it."""
    (people.folder / "people.csv").unlink()
    if content is not None:
        people.write("people.csv", content)
    ended = people.run(*SHOW, *DATES)
    assert (ended.code, ended.out) == (4, "")
    assert ended.err.startswith(f"piienc: error: {message}")
    assert "example.org" not in ended.err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--map", "age"), "--map 'age' is not of the form COLUMN=WORDS"),
        (("--date-format", "=x"), "--date-format '=x' is not of the form COLUMN=WORDS"),
    ],
)
def test_show_with_half_a_pair_is_wrong_usage(people, arguments, message):
    """What is mapped to what must be said."""
    ended = people.run(*SHOW, *arguments)
    assert (ended.code, ended.out) == (2, "")
    assert ended.err == f"piienc: error: {message}\npiienc: hint: see the command's --help\n"


def test_check_of_what_show_prints_is_fine(people):
    """The linter and the maker agree; a warning is no error."""
    people.write("people.csv.1.manifest", people.run(*SHOW, *DATES).out)
    check = ("manifest", "check", "people.csv.1.manifest", "--data", "people.csv")
    assert people.run(*check).normal() == (0, "", "piienc: people.csv.1.manifest: no errors\n")
    assert people.run(*check, "--quiet").normal() == (0, "", "")
    ended = people.run(*check, "--schema", "schema.toml")
    assert (ended.code, ended.err) == (0, "piienc: people.csv.1.manifest: no errors\n")
    assert _lines(ended.out) == [
        "people.csv.1.manifest",
        "",
        "  level     rule        place            message",
        f" {'─' * 112}",
        f"  warning   encrypted   columns.e-mail   {WARNING}",
        "",
    ]


def test_check_shows_every_mistake_and_fails(people):
    """A table of them, the number of errors, and the exit code of invalid input."""
    document = MANIFEST | {"clientEmail": "ada@example", "fileName": "x.csv"}
    document["columns"] = document["columns"] | {"[b]": {"dataType": "int"}}
    people.write("people.json", json.dumps(document))
    ended = people.run("manifest", "check", "people.json", "--data", "people.csv")
    assert ended.code == 4
    assert ended.err == (
        "piienc: error: people.json: 5 errors\n"
        "piienc: hint: mend them before it is sent: a receiver may drop it without a word\n"
    )
    assert [line.split(maxsplit=2) for line in _lines(ended.out)[4:-1]] == [
        [
            "error",
            "manifest-name",
            "the file                 the manifest's own name does not end in .manifest",
        ],
        ["error", "file-name", "fileName                 not the data file's name"],
        ["error", "client-email", "clientEmail              not one plain e-mail address"],
        [
            "error",
            "data-type",
            (
                'columns."[b]".dataType   '
                "'int' is not one of STRING, INTEGER, LONG, FLOAT, BOOLEAN, Date; "
                "did you mean 'INTEGER'?"
            ),
        ],
        ["error", "column", 'columns."[b]"            not in the data file\'s header'],
    ]


def test_check_json_has_every_finding_and_fails(people):
    """One document, and the exit code tells as well."""
    people.write("a.manifest", '{\n  "type": "profile" // why\n}')
    ended = people.run("manifest", "check", "a.manifest", "--json")
    assert (ended.code, ended.err) == (4, "")
    assert ended.document == {
        "schema_version": 1,
        "ok": False,
        "name": "a.manifest",
        "findings": [
            {
                "rule": "syntax",
                "place": "line 2, column 21",
                "message": "not JSON: expecting ',' delimiter",
                "level": "error",
            }
        ],
    }
    people.write("b.manifest", json.dumps(MANIFEST))
    ended = people.run("manifest", "check", "b.manifest", "--json")
    assert (ended.code, ended.document["ok"], ended.document["findings"]) == (0, True, [])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("absent.manifest",), "cannot read absent.manifest: No such file or directory"),
        (("big.manifest",), "big.manifest is larger than 1 MiB"),
        (("a.manifest", "--data", "absent.csv"), "cannot read absent.csv: No such file"),
    ],
)
def test_check_of_what_cannot_be_read_is_an_error_of_the_input(people, arguments, message):
    """Told before anything else."""
    people.write("a.manifest", json.dumps(MANIFEST))
    people.write("big.manifest", " " * ((1 << 20) + 1))
    ended = people.run("manifest", "check", *arguments)
    assert (ended.code, ended.out) == (4, "")
    assert ended.err.startswith(f"piienc: error: {message}")


def test_check_never_shows_a_cell(people):
    """Also where the data file has no header."""
    people.write("people.csv", PLAIN.partition("\n")[2])
    people.write("a.manifest", json.dumps(MANIFEST))
    ended = people.run("manifest", "check", "a.manifest", "--data", "people.csv")
    assert ended.code == 4
    assert "none of the columns is in the data file's header" in ended.out
    assert "example.org" not in ended.out + ended.err
