"""`piienc schema infer`: whole outputs, and that its proposal can be used as it is."""

import re

import pytest

SAMPLE = """\
user_id;e-mail;gender;code;note
1001;ada-CANARY@example.com;f-CANARY;00123;
1002;bob-CANARY@example.com;m-CANARY;10115;CANARY
"""
PROPOSED = """\
# Proposed by piienc schema infer from 2 rows, the whole sample.
# Look it through before a file is encrypted with it: marks cannot be undone.
# A line that is a comment is for you to decide.
name = "users"
version = 1

[csv]
delimiter = ";"  # a semicolon stands 4 times in the header
encoding = "utf-8"  # reads all rows looked at

[columns.user_id]
type = "integer"  # 2 of 2 values
required = true  # no null in 2 of 2 rows
# unique = true  # all 2 values are different
property = "Identity"  # an identity, by its name
encrypt = "look"  # searchable: for look-ups and joins; shows which values are equal

[columns.e-mail]
type = "string"  # all values have a format of their own
required = true  # no null in 2 of 2 rows
# unique = true  # all 2 values are different
format = "email"  # 2 of 2 values
property = "Email"  # an e-mail address, by its name; 2 of 2 values look like an email address
encrypt = "look"  # searchable: for look-ups and joins; shows which values are equal

[columns.gender]
type = "string"  # 2 of 2 values are text of no other type
required = true  # no null in 2 of 2 rows
# unique = true  # all 2 values are different
property = "Gender"  # a gender, by its name
encrypt = "seal"  # sealed: searchable cells that are equal could be counted and guessed

[columns.code]
type = "string"  # 1 of 2 values are digits with leading zeros, which no integer has
required = true  # no null in 2 of 2 rows
# unique = true  # all 2 values are different

[columns.note]
# 1 of 2 rows are null
type = "string"  # 1 of 1 values are text of no other type
"""
KEYS = ["--key-searchable", "look", "--key-sealed", "seal"]


@pytest.fixture
def sampled(project):
    """Give a project with a sample."""
    project.write("users.csv", SAMPLE)
    return project


def test_infer_writes_to_standard_output(sampled):
    """The whole proposal, a reason behind each line, and no value of the sample."""
    with sampled.unchanged():
        assert sampled.run("schema", "infer", "users.csv", *KEYS).normal() == (0, PROPOSED, "")
    assert "CANARY" not in PROPOSED


def test_infer_writes_a_file_that_can_be_checked_and_used(sampled):
    """From a sample to an encrypted file and back, without an edit."""
    ended = sampled.run("schema", "infer", "users.csv", "-o", "users.toml", *KEYS)
    said = "piienc: proposed by 2 rows: users.toml; marked: user_id, e-mail, gender\n"
    assert ended.normal() == (0, "", said)
    assert sampled.read("users.toml").decode() == PROPOSED
    checked = sampled.run("schema", "check", "users.toml")
    assert checked.normal() == (0, "", "piienc: users.toml: no mistakes; 5 columns, 3 marked\n")
    schema = ["--schema", "users.toml", "-q"]
    assert sampled.run("encrypt-file", "users.csv", "y.csv", *schema).normal() == (0, "", "")
    assert sampled.run("decrypt-file", "y.csv", "z.csv", *schema).normal() == (0, "", "")
    assert sampled.read("z.csv").decode() == SAMPLE


def test_infer_replaces_a_schema_only_by_force(sampled):
    """A schema is somebody's work."""
    with sampled.unchanged():
        assert sampled.run("schema", "infer", "users.csv", "-o", "schema.toml").code == 12
    more = ("-o", "schema.toml", "--force", "-q", *KEYS)
    assert sampled.run("schema", "infer", "users.csv", *more).normal() == (0, "", "")
    assert sampled.read("schema.toml").decode() == PROPOSED


def test_infer_json_holds_the_proposal_and_its_reasons(sampled):
    """Without an output, the TOML too."""
    options = ("--json", "--name", "people", "--rows", "1")
    document = sampled.run("schema", "infer", "users.csv", *options).document
    assert (document["ok"], document["name"], document["rows"]) == (True, "people", 1)
    assert (document["whole"], document["output"]) == (False, None)
    assert 'name = "people"\n' in document["toml"]
    email = document["columns"][1]
    assert email["name"] == "e-mail"
    assert email["lines"][-1] == {
        "name": "encrypt",
        "value": "searchable",
        "why": "searchable: for look-ups and joins; shows which values are equal",
        "sure": True,
    }
    assert "CANARY" not in str(document)
    document = sampled.run("schema", "infer", "users.csv", "-o", "s.toml", "--json").document
    assert (document["output"], document["toml"]) == ("s.toml", None)


@pytest.mark.parametrize(
    ("sample", "said"),
    [
        (b"a,b\n1\nCANARY\n", r"line 2: 1 field, where the header has 2"),
        (b"", r"is empty"),
        (b"ada@example.com,CANARY\nx,CANARY\n", r"the first line looks like a row of data"),
        (b'a,b\n1,"CANARY\n', r"a quoted field begins here and never ends"),
    ],
)
def test_infer_of_a_broken_sample_tells_the_line_and_no_value(project, sample, said):
    """It is input that is invalid; nothing is written."""
    project.write("x.csv", sample)
    with project.unchanged():
        ended = project.run("schema", "infer", "x.csv", "-o", "s.toml")
    assert (ended.code, ended.out) == (4, "")
    assert re.search(said, ended.err)
    assert "CANARY" not in ended.err
    assert "ada" not in ended.err
