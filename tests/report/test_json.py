"""The report as a JSON document."""

import json

from reports_made import FULL

from piienc.report.formats.as_json import json as as_json


def test_json_is_the_reports_document(report):
    """Read again, it is what the report says of itself."""
    assert json.loads(as_json(report)) == json.loads(json.dumps(report.document()))


def test_json_tells_the_verdict_and_each_finding():
    """As the design has it: rows, columns and rules, and null where there is none."""
    document = json.loads(as_json(FULL))
    assert (document["schema_version"], document["ok"], document["rows"]) == (1, False, 5_000)
    assert document["findings"][8] == {
        "row": 17,
        "column": "email",
        "rule": "authentic",
        "detail": "not authentic",
        "severity": "error",
    }
    assert document["findings"][0]["row"] is document["findings"][0]["column"] is None
