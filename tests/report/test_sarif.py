"""The report as SARIF, valid by its schema and within what code scanning takes."""

import json

import jsonschema
import pytest
from msgspec.structs import replace
from reports_made import CLEAN, EMPTY, FULL, HOSTILE_NAMES, LARGE, LOCKED

from piienc.report.formats.as_sarif import MOST_RESULTS, sarif
from piienc.report.model import RULES, Finding


@pytest.fixture(scope="session")
def schema(packed):
    """Give the JSON Schema of SARIF 2.1.0."""
    text = packed("microsoft-jest-sarif", "lib/schemas/sarif-2.1.0-rtm.5.json")
    return jsonschema.Draft4Validator(json.loads(text), format_checker=jsonschema.FormatChecker())


def _run(report):
    return json.loads(sarif(report))["runs"][0]


def test_sarif_is_valid_by_its_schema(report, schema):
    """Whatever was found, and whatever columns are called."""
    schema.validate(json.loads(sarif(report)))


def test_sarif_schema_would_notice(schema):
    """The schema is one that refuses what is wrong."""
    document = json.loads(sarif(FULL))
    document["runs"][0]["results"][0]["level"] = "grave"
    with pytest.raises(jsonschema.ValidationError):
        schema.validate(document)


def test_sarif_has_every_rule_and_results_point_to_theirs():
    """A rule's place in the list is what a result names."""
    run = _run(FULL)
    rules = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
    assert rules == list(RULES)
    assert all(rules[one["ruleIndex"]] == one["ruleId"] for one in run["results"])


def test_sarif_result_tells_row_column_and_about_which_line():
    """The gravest first; the message has the row, for the line may not be exact."""
    run = _run(FULL)
    assert run["results"][0] == {
        "ruleId": "authentic",
        "ruleIndex": list(RULES).index("authentic"),
        "level": "error",
        "message": {"text": "column email, row 17: not authentic"},
        "locations": [
            {
                "physicalLocation": {
                    "artifactLocation": {"uri": "exports/people.enc.csv", "index": 0},
                    "region": {"startLine": 18},
                },
                "logicalLocations": [{"name": "email", "kind": "member"}],
            }
        ],
        "properties": {"row": 17},
    }
    assert {"level": "note", "message": {"text": _ABOUT_LINES}} in _notes(run)


_ABOUT_LINES = (
    "a line is the row's number plus one; line breaks within quotes move the lines below them"
)


def _notes(run):
    return run["invocations"][0]["toolExecutionNotifications"]


def test_sarif_of_a_wrapped_file_has_no_lines_and_says_what_was_not_checked():
    """A missing key is an error of the run."""
    run = _run(LOCKED)
    assert run["results"] == []
    assert run["invocations"][0]["executionSuccessful"] is False
    assert [one["message"]["text"] for one in _notes(run)] == [
        (
            "nothing was found in 5,000 rows and 3 columns; "
            "not all could be checked, for lack of the key vault"
        ),
        "key vault is not there",
        "column note, not checked: authentic: key vault is not there",
        "column note, not checked: value: key vault is not there",
    ]


def test_sarif_has_no_more_results_than_are_shown():
    """30,000 findings: the first 5,000, errors before warnings, and the rest is counted."""
    warnings = [Finding(row, "id", "personal", "x", "warning") for row in range(1, 25_001)]
    errors = [Finding(row, "id", "type", "x") for row in range(1, 5_001)]
    counts = {"personal": 25_000, "type": 5_000}
    many = replace(CLEAN, findings=(*warnings, *errors), counts=counts, errors=5_000)
    run = _run(many)
    assert len(run["results"]) == MOST_RESULTS == 5_000
    assert {one["level"] for one in run["results"]} == {"error"}
    assert any(
        one["message"]["text"] == "25,000 findings are counted and not listed"
        for one in _notes(run)
    )
    assert len(sarif(LARGE)) < 10_000_000


def test_sarif_messages_are_no_longer_than_what_is_shown():
    """A thousand characters."""
    run = _run(replace(HOSTILE_NAMES, warnings=("w" * 3_000,)))
    texts = [one["message"]["text"] for one in (*run["results"], *_notes(run))]
    assert max(map(len, texts)) == 1_000


def test_sarif_of_counts_alone_has_a_result_for_each():
    """With no finding listed, the numbers are still results."""
    run = _run(replace(FULL, findings=()))
    assert run["results"][0]["message"]["text"].startswith("column email, 3,015 findings: ")


@pytest.mark.parametrize(
    ("name", "uri"),
    [
        ("a b/ü%.csv", "a%20b/%C3%BC%25.csv"),
        ("a:b.csv", "a%3Ab.csv"),
        ("/x/y.csv", "file:///x/y.csv"),
        ("\udcff.csv", "%FF.csv"),
    ],
)
def test_sarif_paths_are_uris(name, uri):
    """Whatever bytes a file's name has."""
    run = _run(replace(EMPTY, file=replace(EMPTY.file, name=name)))
    assert run["artifacts"][0]["location"]["uri"] == uri
