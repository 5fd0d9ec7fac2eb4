"""What of each receipt goes into the audit log; commands are held to it in tests/cli."""

import pytest

from piienc import state
from piienc.audit.entry import AuditEntry
from piienc.audit.facts import UsedKey, counts_of, files_of, keys_of
from piienc.base.printable import as_text
from piienc.report.model import ColumnReport, Finding, Report, SchemaFacts
from piienc.report.receipt import ErrorFacts, FileFacts, PushReceipt, SentFile

FILE = FileFacts("x.csv", 7, "ab" * 32)
CANARY = "CANARY-0815"


def _report(**more):
    columns = {
        "a": ColumnReport("string", marked=True, key="look", key_ids=(1, 2)),
        "b": ColumnReport("string", marked=True, key="look", key_ids=(3,)),
        "c": ColumnReport("string", marked=False),
    }
    said = {
        "step": "verify",
        "tool": "piienc",
        "time": "2026-11-24T00:00:00Z",
        "file": FILE,
        "schema": SchemaFacts("s", 1, "schema.toml", "cd" * 32),
        "expect": "encrypted",
        "against": None,
        "profile": None,
        "wrapped": False,
        "round_trip": (),
        "rows": 9,
        "columns": columns,
        "findings": (Finding(1, CANARY, "authentic", CANARY),),
        "counts": {"authentic": 1},
        "errors": 1,
        "missing_keys": (),
        "seconds": 1.0,
    }
    return Report(**{**said, **more})


def test_report_of_a_verification_tells_file_keys_and_counts():
    """No finding: a column's name and a detail stay in the report."""
    report = _report(against=FileFacts("y.csv", 8, "ef" * 32))
    assert files_of(report) == [
        {"role": "verified", "name": "x.csv", "bytes": 7, "sha256": "ab" * 32},
        {"role": "original", "name": "y.csv", "bytes": 8, "sha256": "ef" * 32},
    ]
    assert keys_of(report) == [UsedKey("look", frozenset({1, 2, 3}))]
    assert counts_of(report) == {"rows": 9, "errors": 1}


def test_report_that_is_not_good_ends_the_run_with_its_code(log):
    """A verification that has run to its end may still have failed."""
    entry = AuditEntry("verify", state=log.state, keys=log.keys)
    entry.receipt(_report())
    assert entry.code == 6
    entry.begin()
    assert CANARY.encode() not in log.path.read_bytes()


def test_receipt_of_a_push_tells_each_file_without_its_message(log):
    """A message stays in the receipt; code and kind are enough here."""
    error = ErrorFacts(9, "incomplete", CANARY, CANARY)
    sent = SentFile("in/x.csv", "x.csv", 7, "failed", None, CANARY, error=error)
    receipt = PushReceipt("push", "file:///there/", None, (sent,), 1.0)
    assert files_of(receipt) == [
        {
            "role": "sent",
            "name": "in/x.csv",
            "as": "x.csv",
            "to": "file:///there/",
            "bytes": 7,
            "outcome": "failed",
            "code": 9,
            "kind": "incomplete",
        }
    ]
    assert counts_of(receipt) == {"files": 1}


def test_several_receipts_of_one_run_add_up(log):
    """A job is one run of several steps."""
    entry = AuditEntry("send", state=log.state, keys=log.keys)
    entry.file("verified", "x.csv")
    entry.receipt(_report(errors=0, counts={}))
    entry.receipt(PushReceipt("push", "file:///there/", None, (), 1.0))
    entry.begin()
    line = log.lines[-1]
    assert line.count(b'"verified"') == 1
    assert b'"counts":{"rows":9,"errors":0,"files":0}' in line


@pytest.mark.parametrize("path", ["plain", "Zoë", "a\nb", "\udcff"])
def test_path_of_any_bytes_is_text_that_can_be_written(log, path):
    """A file may have any name, and the log stays valid."""
    assert as_text(path).encode("utf-8")
    entry = AuditEntry("test", state=log.state, keys=log.keys)
    entry.file("input", path)
    entry.begin()
    assert log.check().damages == ()


def test_state_has_no_other_names():
    """The names are imported when they are asked for, and a mistyped one is an error."""
    assert {getattr(state, name).__name__ for name in ("Ledger", "CellCounter", "held")}
    with pytest.raises(AttributeError, match="no attribute 'Legder'"):
        state.Legder  # noqa: B018  # reading it is the test
