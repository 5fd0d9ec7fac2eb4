"""The API as others call it: `make lint` checks that these calls have the types they should."""

from __future__ import annotations

from pathlib import Path
from typing import Any, assert_type

import pyarrow as pa

import piienc
from piienc.jobs.outcome import SendReceipt
from piienc.report.model import Report
from piienc.report.receipt import (
    FolderReceipt,
    PullReceipt,
    PushReceipt,
    Receipt,
    UnwrapReceipt,
    WrapReceipt,
)


def the_steps() -> None:
    """Every step, with paths and with text."""
    made = piienc.encrypt_file("a.csv", Path("b.csv"), schema="schema.toml", keys="keys")
    assert_type(made, Receipt | FolderReceipt)
    assert_type(made.rows, int)
    assert_type(
        piienc.decrypt_file(Path("b.csv"), "c.csv", schema=Path("s.toml"), passphrase=b"x"),
        Receipt | FolderReceipt,
    )
    wrapped = piienc.wrap_file("b.csv", recipients=["partner"], passphrase="x")
    assert_type(wrapped, WrapReceipt)
    assert_type(piienc.unwrap_file("b.csv.pgp", "b.csv", signed_by="us"), UnwrapReceipt)
    assert_type(piienc.push(["b.csv.pgp", Path("c")], to="partner"), PushReceipt)
    assert_type(piienc.pull("*.csv", "in", source="partner"), PullReceipt)
    sent = piienc.send("nightly", passphrase="x", config=Path("piienc.toml"))
    assert_type(sent, SendReceipt)
    assert_type(sent.files[0].outcome, str)
    piienc.send(Path("a.csv"), schema="s.toml", to="partner", recipients=["partner"])
    report = piienc.verify("b.csv", schema="schema.toml", expect="encrypted", against="a.csv")
    assert_type(report, Report)
    assert_type(report.ok, bool)


def tables_in_memory(table: pa.Table, reader: pa.RecordBatchReader) -> None:
    """What goes in comes out."""
    assert_type(piienc.encrypt_table(table, schema="schema.toml"), pa.Table)
    assert_type(piienc.decrypt_table(reader, like=table.schema), pa.RecordBatchReader)
    assert_type(piienc.verify_table(table, schema=Path("s.toml"), against=table), Report)
    assert_type(piienc.encrypt_values(["a"], key="lookup", context="email"), list[Any])
    with piienc.Plan({"email": "lookup", "name": {"encrypt": "vault", "context": "n"}}) as plan:
        assert_type(plan.apply(table.to_batches()[0]), pa.RecordBatch)
