"""The batch function: one for files, tables in memory and Spark."""

from __future__ import annotations

import gc
from concurrent.futures import ThreadPoolExecutor

import pyarrow as pa
import pytest
from tables_made import audited, counted, people

import piienc
from piienc.errors import AuthenticationError, InputError, UsageError


def test_batches_are_encrypted_and_decrypted_one_by_one(project):
    """What one plan has encrypted, another decrypts, by what the batches record."""
    with piienc.Plan("schema.toml") as plan:
        encrypted = [plan.apply(batch) for batch in people(10).to_batches(max_chunksize=3)]
        assert plan.schema_of(people().schema).equals(encrypted[0].schema, check_metadata=True)
    whole = pa.Table.from_batches(encrypted)
    assert whole["email"].equals(piienc.encrypt_table(people(10), schema="schema.toml")["email"])
    with piienc.Plan(decrypt=True) as plan:
        assert pa.Table.from_batches([plan.apply(batch) for batch in encrypted]).equals(people(10))


def test_plan_of_a_dict_encrypts_by_the_names_of_keys(project):
    """All other columns stay as they are."""
    with piienc.Plan({"email": "look"}) as plan:
        batch = plan.apply(people().to_batches()[0])
    assert batch.column("born").equals(people()["born"].chunk(0))
    (cell,) = piienc.encrypt_values(["a0@b.example"], key="look", context="email")
    assert batch.column("email")[0].as_py() == cell


def test_plan_takes_batches_of_several_schemas_in_several_threads(project):
    """Counts add up, and no cell is another's."""
    one = people(400)
    two = one.select(["id", "born", "email"]).cast(
        pa.schema([("id", pa.int64()), ("born", pa.date32()), ("email", pa.large_string())])
    )
    batches = [batch for each in (one, two) for batch in each.to_batches(max_chunksize=7)]
    with piienc.Plan("schema.toml") as plan, ThreadPoolExecutor(4) as pool:
        made = [*pool.map(plan.apply, batches)]
    done = audited(project)[-1]
    assert done["counts"]["rows"] == 800
    assert counted(project) == 800
    with piienc.Plan("schema.toml", decrypt=True) as plan:
        for before, after in zip(batches, map(plan.apply, made), strict=True):
            assert after.equals(before)


def test_error_tells_the_row_of_the_batch(project):
    """The name is the caller's."""
    with piienc.Plan("schema.toml", name="part 7") as plan:
        batch = plan.apply(people().to_batches()[0])
    cells = batch.column("email").to_pylist()
    broken = batch.set_column(1, "email", pa.array([cells[0], cells[1], cells[2][:-4] + "AAA="]))
    with (
        piienc.Plan("schema.toml", decrypt=True, name="part 7") as plan,
        pytest.raises(
            AuthenticationError, match=r"^part 7: column 'email', row 3: not an authentic"
        ),
    ):
        plan.apply(broken)


def test_missing_column_is_told_before_any_row(project):
    """As of files."""
    with piienc.Plan("schema.toml") as plan, pytest.raises(InputError, match="'born'"):
        plan.schema_of(people().drop(["born"]).schema)


def test_plan_that_encrypts_needs_a_schema(project):
    """Nothing tells what is personal."""
    with pytest.raises(UsageError, match="needs a schema"):
        piienc.Plan()


def test_plan_that_is_dropped_is_closed(project):
    """What was reserved is given back, and the audit log has the end."""
    plan = piienc.Plan("schema.toml")
    plan.apply(people(5).to_batches()[0])
    assert counted(project) > 5
    del plan
    gc.collect()
    assert counted(project) == 5
    assert [line["outcome"] for line in audited(project)[-2:]] == ["begun", "done"]


def test_closing_twice_records_one_end(project):
    """The second time does nothing."""
    with piienc.Plan("schema.toml") as plan:
        plan.close()
    assert [line["outcome"] for line in audited(project)] == ["begun", "done"]


def test_closed_plan_is_refused(project):
    """Its run has ended in the log."""
    with piienc.Plan({"email": "look"}) as plan:
        plan.apply(people().to_batches()[0])
    with pytest.raises(UsageError, match="is closed"):
        plan.apply(people().to_batches()[0])
