"""What a report may tell: no place for a value, and names that mean nothing wherever they are."""

import pytest
from msgspec.structs import replace
from reports_made import CLEAN, HOSTILE_NAMES

from piienc.report.formats import FORMATS
from piienc.report.model import ColumnReport, Finding, Report, SchemaFacts

_TEXTS = {
    Finding: {"column", "rule", "detail", "severity"},
    ColumnReport: {"type", "key", "mode", "context", "failures", "suspicious", "unchecked"},
    SchemaFacts: {"name", "file", "sha256"},
    Report: {
        *("step", "tool", "time", "file", "schema", "expect", "against", "profile"),
        *("round_trip", "columns", "findings", "counts", "missing_keys", "warnings"),
    },
}
"""The fields that can hold text. None of them is the value of a cell, whoever adds one: think."""


@pytest.mark.parametrize("kind", _TEXTS, ids=lambda kind: kind.__name__)
def test_no_field_is_for_a_value(kind):
    """All other fields are numbers and truth."""
    others = {name: told for name, told in kind.__annotations__.items() if name not in _TEXTS[kind]}
    plain = {"int", "bool", "float", "int | None", "tuple[int, ...]"}
    assert {*others.values()} <= plain


@pytest.mark.parametrize("form", ["html", "junit", "markdown"])
def test_no_tag_of_a_name_is_a_tag_of_the_report(form):
    """In forms that have tags, those of names are text, in every place."""
    text = FORMATS[form](HOSTILE_NAMES)
    for tag in ("<script", "<img", "<![CDATA["):
        assert tag not in text


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("field", ["tool", "profile", "missing_keys", "round_trip", "warnings"])
def test_every_text_is_made_harmless(form, field):
    """Not only names of columns: whatever comes from a file of somebody else's."""
    bad = "\x1b]0;x\x07\n<script>\u202e"
    value = (bad,) if isinstance(getattr(CLEAN, field), tuple) else bad
    report = replace(CLEAN, **{field: value})
    text = FORMATS[form](report)
    assert [one for one in text if not one.isprintable() and one != "\n"] == []
    if form in {"html", "junit", "markdown"}:
        assert "<script" not in text


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("field", ["name", "file"])
def test_the_schemas_own_words_are_made_harmless(form, field):
    """A schema may be somebody else's, too."""
    report = replace(CLEAN, schema=replace(CLEAN.schema, **{field: "\x1b[2J\n<script>"}))
    text = FORMATS[form](report)
    assert "\x1b" not in text
    if form in {"html", "junit", "markdown"}:
        assert "<script" not in text


@pytest.mark.parametrize("form", FORMATS)
def test_details_and_keys_of_columns_are_made_harmless(form):
    """In every column of every table."""
    bad = "\x1b[2J\n<script>\u202e"
    column = ColumnReport(
        bad, marked=True, key=bad, mode=bad, failures={"type": 1}, unchecked={"value": bad}
    )
    report = replace(
        CLEAN,
        columns={bad: column},
        findings=(Finding(1, bad, "type", bad),),
        counts={"type": 1},
        errors=1,
    )
    text = FORMATS[form](report)
    assert [one for one in text if not one.isprintable() and one != "\n"] == []
    if form in {"html", "junit", "markdown"}:
        assert "<script" not in text
