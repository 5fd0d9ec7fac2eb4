"""`piienc schema infer` with a dialect: the sample is read by it, and so are files later."""

import csv
import re
import shlex
import tomllib

import duckdb
import pandas as pd
import pytest

KEYS = ["--key-searchable", "look", "--key-sealed", "seal"]
WHOLE = """\
# Proposed by piienc schema infer from 2 rows, the whole sample.
# Look it through before a file is encrypted with it: marks cannot be undone.
# A line that is a comment is for you to decide.
name = "dump"
version = 1

[csv]
delimiter = "\\t"  # as given
quote = "none"  # as given
encoding = "utf-8"  # reads all rows looked at
header = false  # as given
null = ["\\\\N"]  # as given
escape = "\\\\"  # as given
comment = "#"  # as given
skip_rows = 1  # as given

[columns.column_1]
type = "integer"  # 2 of 2 values
required = true  # no null in 2 of 2 rows
# unique = true  # all 2 values are different

[columns.column_2]
# 1 of 2 rows are null
type = "string"  # all values have a format of their own
format = "email"  # 1 of 1 values
property = "Email"  # 1 of 1 values look like an email address
encrypt = "look"  # searchable: for look-ups and joins; shows which values are equal

[columns.column_3]
type = "string"  # 2 of 2 values are text of no other type
required = true  # no null in 2 of 2 rows
# unique = true  # all 2 values are different
"""


def _by_pandas(path, **settings):
    """Read a table of text by pandas."""
    settings = {"na_values": [""], **settings}
    return pd.read_csv(path, dtype=str, keep_default_na=False, **settings)


def _by_duckdb(path, **settings):
    """Read a table of text by DuckDB."""
    return duckdb.read_csv(str(path), all_varchar=True, allow_quoted_nulls=False, **settings).df()


DIALECTS = {
    "delimiter": (
        ["--delimiter", ";"],
        b"email;n,1,2;x\nada@CANARY.example;1,1;\nbob@CANARY.example;2,5;b\n",
        {"delimiter": ";"},
        lambda path: _by_pandas(path, sep=";"),
    ),
    "tab": (
        ["--delimiter", r"\t", "--quote", "none"],
        b'email\tx,"\nada@CANARY.example\t5"\n',
        {"delimiter": "\t", "quote": "none"},
        lambda path: _by_pandas(path, sep="\t", quoting=csv.QUOTE_NONE),
    ),
    "bytes": (
        ["--delimiter", "::"],
        b'email::n::x\n"ada::1@CANARY.example"::1::\n"bob ""b"""::2::"::"\n',
        {"delimiter": "::"},
        lambda path: _by_duckdb(path, sep="::", quotechar='"', header=True),
    ),
    "broken bar": (
        ["--delimiter", "¦", "--quote", "none"],
        'email¦x\nada@CANARY.example¦"\nbob@CANARY.example¦\n'.encode(),
        {"delimiter": "¦", "quote": "none"},
        lambda path: _by_pandas(path, sep="¦", engine="python", quoting=csv.QUOTE_NONE),
    ),
    "quote": (
        ["--quote", "'"],
        b"email,x\n'ada,''1@CANARY.example','\"'\nbob@CANARY.example,\n",
        {"quote": "'"},
        lambda path: _by_pandas(path, quotechar="'"),
    ),
    "encoding": (
        ["--encoding", "cp1252"],
        "email,name\nada@CANARY.example,Zoë\nbob@CANARY.example,\n".encode("cp1252"),
        {"encoding": "cp1252"},
        lambda path: _by_pandas(path, encoding="cp1252"),
    ),
    "header": (
        ["--no-header"],
        b"1,ada@CANARY.example,\n2,bob@CANARY.example,x\n",
        {"header": False},
        lambda path: _by_pandas(path, header=None),
    ),
    "null": (
        ["--null", r"\N", "--null", "NULL"],
        b'email,a,b,c\nada@CANARY.example,\\N,1,\nNULLS,NULL,"\\N",x\n\\N,2,NULL,y\n',
        {"null": [r"\N", "NULL"]},
        lambda path: _by_duckdb(path, header=True, na_values=[r"\N", "NULL"]),
    ),
    "escape": (
        ["--escape", "\\"],
        b'email,x\nada@CANARY.example,"\\"5, ""\\\\"\nbob@CANARY.example,\\,\n"\\\\",\n',
        {"escape": "\\"},
        lambda path: _by_pandas(path, escapechar="\\"),
    ),
    "comment": (
        ["--comment", "#"],
        b"# made, by us, CANARY\nemail,x\n#old,1\nada@CANARY.example,\nbob@CANARY.example,c\n",
        {"comment": "#"},
        lambda path: _by_pandas(path, comment="#"),
    ),
    "skip_rows": (
        ["--skip-rows", "2"],
        b'a "title"; of; ours\n\nemail,x\nada@CANARY.example,\nbob@CANARY.example,c\n',
        {"skip_rows": 2},
        lambda path: _by_pandas(path, skiprows=2),
    ),
    "lenient": (
        ["--lenient"],
        b'email,x\nada@CANARY.example,5"\nbob@CANARY.example,\n',
        {"lenient": True},
        _by_pandas,
    ),
}


@pytest.mark.parametrize("name", DIALECTS)
def test_infer_with_a_dialect_makes_a_schema_that_encrypts_and_decrypts(project, name):
    """Encrypted, verified and decrypted, the sample is the same, byte for byte."""
    options, sample, expected, _ = DIALECTS[name]
    project.write("x.csv", sample)
    made = ["schema", "infer", "x.csv", "-o", "x.toml", "-q", *options, *KEYS]
    assert project.run(*made).normal() == (0, "", "")
    text = project.read("x.toml").decode()
    found = tomllib.loads(text)
    assert found["csv"] == {"delimiter": ",", "encoding": "utf-8"} | expected
    assert re.findall(r"^(\w+) = .*  # as given$", text, re.MULTILINE) == [*expected]
    assert any("encrypt" in column for column in found["columns"].values())
    schema = ["--schema", "x.toml"]
    assert project.run("encrypt-file", "x.csv", "y.csv", *schema, "-q").normal() == (0, "", "")
    encrypted = project.read("y.csv").replace(b"made, by us, CANARY", b"")
    assert b"CANARY" not in encrypted
    verified = project.run("verify", "y.csv", *schema, "--against", "x.csv", "--json")
    assert (verified.code, verified.document["ok"]) == (0, True)
    assert project.run("decrypt-file", "y.csv", "z.csv", *schema, "-q").normal() == (0, "", "")
    assert project.read("z.csv") == sample


@pytest.mark.parametrize("name", DIALECTS)
def test_infer_with_a_dialect_sees_what_other_readers_see(project, name):
    """The same columns, rows and nulls as pandas or DuckDB with the same settings."""
    options, sample, expected, read = DIALECTS[name]
    project.write("x.csv", sample)
    document = project.run("schema", "infer", "x.csv", "--json", *options).document
    frame = read(project.folder / "x.csv")
    names = [f"column_{n + 1}" for n in frame] if "header" in expected else [*frame]
    assert [column["name"] for column in document["columns"]] == names
    assert document["rows"] == len(frame)
    for column, nulls in zip(document["columns"], frame.isna().sum(), strict=True):
        note = [f"{nulls} of {len(frame)} rows are null"] if nulls else []
        assert [each for each in column["notes"] if "null" in each] == note


def test_infer_writes_a_dialect_as_it_is_given(project):
    """All of the output, for a dump of MySQL or PostgreSQL without a header."""
    dump = b'a dump\n# 1\ta\tb\n1\tada@example.com\tsays \\"hi\\"\n2\t\\N\ta\\\tb\n'
    project.write("dump.tsv", dump)
    options = ["--delimiter", r"\t", "--quote", "none", "--no-header", "--null", r"\N"]
    options += ["--escape", "\\", "--comment", "#", "--skip-rows", "1", *KEYS]
    assert project.run("schema", "infer", "dump.tsv", *options).normal() == (0, WHOLE, "")
    assert project.run("schema", "infer", "dump.tsv", *options, "-o", "s.toml", "-q").code == 0
    for command in (["encrypt-file", "dump.tsv", "e.tsv"], ["decrypt-file", "e.tsv", "d.tsv"]):
        assert project.run(*command, "--schema", "s.toml", "-q").normal() == (0, "", "")
    assert project.read("d.tsv") == dump


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--delimiter", "a"], "--delimiter: 'a' stands in encrypted cells, which are base64"),
        (["--delimiter", ""], "--delimiter: '' is not text of one to four bytes"),
        (["--quote", "''"], "--quote: \"''\" is not an ASCII character"),
        (["--comment", ","], "--delimiter and comment are both ','; change one of them"),
        (["--encoding", "utf-7"], "--encoding: 'utf-7' is not one of the supported"),
        (["--null", "a", "--null", "b\n"], "--null: 'b\\n' holds a line break"),
        (["--lenient", "--quote", "none"], "--lenient: the file has no quotes; leave it out"),
        (["--delimiter", ";;", "--escape", ";"], "--delimiter ';;' and escape ';' share a"),
        (["--skip-rows", "-1"], "Invalid value for '--skip-rows'"),
    ],
)
def test_infer_refuses_a_dialect_by_the_rules_of_the_schema(project, options, said):
    """The error names the option, and nothing is written."""
    project.write("x.csv", "a,b\n1,2\n")
    with project.unchanged():
        ended = project.run("schema", "infer", "x.csv", "-o", "s.toml", *options)
    assert (ended.code, ended.out) == (2, "")
    assert said in ended.err


@pytest.mark.parametrize(
    ("sample", "typed", "given"),
    [
        (b'email,n\nada,"a\\"b"\n', r"--escape '\'", []),
        (b"email,n\nada,a\\,b\n", r"--escape '\'", []),
        (b"email,n\nada,\\N\n", r"--null '\N'", ["--escape", "\\"]),
        (b'email\tn\nada\t5"\n', "--quote none", []),
        (b'email,n\nada,="1"\n', "--lenient", []),
        (b"email,n\n'a,b',1\n", '--quote "\'"', []),
        (b'"email";n\n"a";1\n', "--delimiter ';'", ["--delimiter", ","]),
        (b'"email"\tn\n"a"\t1\n', r"--delimiter '\t'", ["--delimiter", ","]),
        (b"# ours\nemail,n\nada,1\n", "--comment '#'", []),
        (b"# ours, too\nemail,n,x\nada,1,2\n", "--comment '#'", []),
        (b"a title\nemail,n\nada,1\n", "--skip-rows 1", []),
        (b"a title, ours\nemail,n,x\nada,1,2\n", "--skip-rows 1", []),
        (b"17,ada@example.com\n18,bob@example.com\n", "--no-header", []),
        (b"a,,c\nd,e,f\n", "--no-header", []),
        ("email,n\nada,1\n".encode("utf-16"), "--encoding utf-16", ["--encoding", "ascii"]),
    ],
)
def test_infer_names_the_option_that_reads_the_sample(project, sample, typed, given):
    """What the hint says works as it is typed, and edits no schema, which is not there yet."""
    project.write("x.csv", sample)
    ended = project.run("schema", "infer", "x.csv", *given)
    hint = ended.err.partition("hint: ")[2]
    assert ended.code == 4
    assert typed.removesuffix(" 1") in hint  # how many lines a title has, people know
    assert "schema" not in hint
    again = project.run("schema", "infer", "x.csv", "-q", *given, *shlex.split(typed))
    assert (again.code, again.err) == (0, "")


@pytest.mark.parametrize(
    ("sample", "asked", "typed"),
    [
        ("# id,email\n1,x\n", 'comment = "#"', "--comment '#'"),
        ("id,17\n1,x\n", "header = false", "--no-header"),
        ("2020-01-01,x\n1,x\n", "header = false", "--no-header"),
    ],
)
def test_infer_asks_about_a_header_that_may_be_none(project, sample, asked, typed):
    """It is a comment, and says how to read the sample once more."""
    project.write("x.csv", sample)
    ended = project.run("schema", "infer", "x.csv")
    assert re.search(
        rf"^# {re.escape(asked)}  # .*\? .* {re.escape(typed)}$", ended.out, re.MULTILINE
    )


def test_init_names_the_command_that_takes_a_dialect(project):
    """`init` has no such options, and goes on with the schema that the other command makes."""
    (project.folder / "schema.toml").unlink()
    project.write("x.csv", b'email,n\nada,"a\\"b"\n')
    ended = project.run("init", "x.csv", "--no-passphrase")
    assert ended.code == 4
    told = (
        r"make the schema first, by piienc schema infer x.csv -o schema.toml; say so: --escape '\'"
    )
    assert told in ended.err
    made = ["schema", "infer", "x.csv", "-o", "schema.toml", "--escape", "\\", "-q"]
    assert project.run(*made).code == 0
    assert project.run("init", "x.csv", "--no-passphrase", "-q").normal() == (0, "", "")


def test_infer_refuses_a_dialect_for_parquet(project):
    """Parquet tells all by itself, and an option without an effect would be a mistake unseen."""
    pd.DataFrame({"a": ["1"]}).to_parquet(project.folder / "x.parquet")
    assert project.run("schema", "infer", "x.parquet", "-q").code == 0
    ended = project.run("schema", "infer", "x.parquet", "--no-header", "--skip-rows", "1")
    assert ended.code == 2
    assert "x.parquet is Parquet, which needs no --skip-rows, --no-header" in ended.err
