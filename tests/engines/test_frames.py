"""What counts as a table in memory, and what is made of it."""

from __future__ import annotations

import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from tables_made import people

from piienc.engines.frames import cells_of, frame_of, schema_of_frame
from piienc.errors import UsageError


class Capsules:
    """A table of a library that nobody knows, as it speaks Arrow's protocol."""

    def __init__(self, table: pa.Table) -> None:
        self._table = table

    def __arrow_c_stream__(self, requested_schema=None):
        return self._table.__arrow_c_stream__(requested_schema)


class ArrayCapsules:
    """A batch of such a library."""

    def __init__(self, batch: pa.RecordBatch) -> None:
        self._batch = batch

    def __arrow_c_array__(self, requested_schema=None):
        return self._batch.__arrow_c_array__(requested_schema)


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (people(), pa.Table),
        (people().to_batches()[0], pa.RecordBatch),
        (people().to_reader(), pa.RecordBatchReader),
        (people().to_pandas(), pd.DataFrame),
        (pl.DataFrame(people()), pl.DataFrame),
        (Capsules(people()), pa.Table),
        (ArrayCapsules(people().to_batches()[0]), pa.Table),
    ],
    ids=lambda value: type(value).__qualname__,
)
def test_table_of_each_kind_is_taken_and_given_back(value, kind):
    """Its batches make a table of that kind again; a reader is not read before it is asked for."""
    frame = frame_of(value, "people")
    assert frame.table.name == "people"
    assert frame.table.columns == ["id", "email", "born"]
    assert frame.streamed == (kind is pa.RecordBatchReader)
    made = frame.given_back(frame.table.schema, (unit.batch for unit in frame.table.units()))
    assert isinstance(made, kind)
    whole = made.read_all() if frame.streamed else pa.table(made)
    assert whole.to_pylist() == people().to_pylist()


@pytest.mark.parametrize("value", [[1], "people.csv", None, pl.LazyFrame()])
def test_what_is_no_table_is_refused(value):
    """The message tells its kind, and the hint what would be one."""
    with pytest.raises(UsageError, match="is no table in memory") as refused:
        frame_of(value, "people")
    assert "pyarrow" in str(refused.value.hint)


@pytest.mark.parametrize("value", [people(), people().schema, people().to_pandas()])
def test_schema_is_that_of_a_table_or_a_schema_itself(value):
    """Either tells the types."""
    assert schema_of_frame(value).names == ["id", "email", "born"]


def test_cells_have_the_type_of_their_values():
    """Nulls alone are text."""
    assert cells_of([1, None], "value").schema.types == [pa.int64()]
    assert cells_of([None], "value").schema.types == [pa.string()]
