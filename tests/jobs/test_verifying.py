"""A file verified while it is encrypted is judged as it is alone."""

from __future__ import annotations

from contextlib import ExitStack
from types import SimpleNamespace

import pytest
from verify_desk import COLUMNS, FORMATS, Sheet, people

from piienc.columns import Fingerprinter
from piienc.jobs.spooling.verifying import SourceVerifier
from piienc.keys import Mode, Prefix, generate
from piienc.report.model import SchemaFacts
from piienc.state import CellCounter
from piienc.storage import FileSource, FileTarget
from piienc.transform import crypt


def _beside(desk, file, schema, leave_out=frozenset()):
    """Return the report of a verification beside the encryption."""
    context = SimpleNamespace(
        schema=schema,
        facts=SchemaFacts("people", 1, "schema.toml", "0" * 64),
        profile=SimpleNamespace(rows=None),
        job=SimpleNamespace(treatments=dict.fromkeys(leave_out, "omit")),
        available_keys=desk,
    )
    verifiers = []
    with CellCounter(desk.folder / "state") as counter, ExitStack() as stack:

        def observer(table):
            verifiers.append(stack.enter_context(SourceVerifier(table, context)))
            return verifiers[-1]

        crypt.encrypt_file(
            FileSource(desk.folder / file),
            FileTarget(desk.folder / f"made-{file}"),
            schema=schema,
            keys=desk.keys.__getitem__,
            counter=counter,
            options=crypt.CryptOptions(overwrite=True),
            observer=observer,
            treatments=dict.fromkeys(leave_out, "omit"),
        )
    (verifier,) = verifiers
    return verifier.result


def _told(report):
    """Return what a report tells but for when it was made, and how long that took."""
    return {
        name: told for name, told in report.document().items() if name not in {"time", "seconds"}
    }


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize("prefix", Prefix)
@pytest.mark.parametrize("encoding", ["base64", "binary"])
def test_report_beside_the_encryption_is_that_of_a_verification(desk, kind, prefix, encoding):
    """Also what a searchable column gives away, short cells, null and repeated ones included."""
    desk.keys["look"] = generate(Mode.SEARCHABLE, prefix)
    columns = COLUMNS | {"city": {"type": "string", "encrypt": "look"}}
    columns["zip"] = {"type": "string", "encrypt": "look", "encoding": encoding}
    schema = desk.schema(columns)
    people(1000, kind).save(desk.folder / f"a.{kind}")
    beside = _beside(desk, f"a.{kind}", schema)
    assert beside.columns["city"].distinct == 2
    assert beside.counts["leak"]
    assert _told(beside) == _told(desk.verify(f"a.{kind}", schema, expect="plain"))


@pytest.mark.parametrize("kind", FORMATS)
def test_column_that_is_left_out_is_counted_all_the_same(desk, kind):
    """It is verified, though nothing is encrypted of it."""
    schema, gone = desk.schema(), frozenset({"email"})
    people(200, kind).save(desk.folder / f"a.{kind}")
    alone = desk.verify(f"a.{kind}", schema, expect="plain", leave_out=gone)
    assert _told(_beside(desk, f"a.{kind}", schema, gone)) == _told(alone)


def test_searchable_cells_are_not_encrypted_twice(desk, monkeypatch):
    """The ciphertexts tell which of them are equal: that costs nothing."""
    monkeypatch.setattr(Fingerprinter, "of", lambda *_: pytest.fail("fingerprints were made"))
    schema = desk.schema({"name": {"type": "string", "encrypt": "look"}})
    Sheet({"name": ["a", "b", "a"]}).save(desk.folder / "a.csv")
    assert _beside(desk, "a.csv", schema).columns["name"].distinct == 2
