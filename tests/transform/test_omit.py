"""Columns that are omitted: all else is as if they had never been there."""

from __future__ import annotations

import pyarrow as pa
import pytest
from pyarrow import parquet as pq

from piienc.errors import ConfigError


@pytest.mark.parametrize("omitted", [{"id"}, {"note"}, {"email"}, {"id", "email"}])
@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_encrypted_table_without_columns_has_the_cells_of_the_others(bench, omitted, ending):
    """Also where the column that is omitted is a marked one."""
    table = pa.table({"id": ["1", "2"], "email": ["a@x", None], "note": ["p", "q"]})
    source, target = bench.folder / f"plain.{ending}", bench.folder / f"made.{ending}"
    if ending == "csv":
        source.write_text("id,email,note\n1,a@x,p\n2,,q\n", "utf-8")
    else:
        pq.write_table(table, source)
    bench.encrypt(source.name, target.name, treatments=dict.fromkeys(omitted, "omit"))
    kept = [name for name in table.column_names if name not in omitted]
    if ending == "parquet":
        made = pq.read_table(target)
        assert made.column_names == kept
        found = {name: made[name].to_pylist() for name in kept}
    else:
        header, *lines = [line.split(",") for line in target.read_text("utf-8").splitlines()]
        assert header == kept
        found = {name: [line[n] or None for line in lines] for n, name in enumerate(kept)}
    for name in kept:
        plain = table[name].to_pylist()
        if name == "id":
            assert found[name] == plain
        else:
            assert [cell is None for cell in found[name]] == [cell is None for cell in plain]
            assert not {*filter(None, found[name])} & {*filter(None, plain)}


def test_table_of_which_all_columns_are_omitted_is_refused(bench):
    """It would be a file of nothing."""
    bench.write("plain.csv", b"id,email,note\n1,a@x,p\n")
    all_of_it = dict.fromkeys(["id", "email", "note"], "omit")
    with pytest.raises(ConfigError, match=r"plain\.csv: all columns are to be omitted"):
        bench.encrypt("plain.csv", "made.csv", treatments=all_of_it)


@pytest.mark.parametrize("column", ["id", "email"])
@pytest.mark.parametrize("treatment", ["encrypt", "decrypt", "", "x"])
def test_column_is_encrypted_by_its_mark_alone(bench, column, treatment):
    """What else can be done to it, is told."""
    bench.write("plain.csv", b"id,email,note\n1,a@x,p\n")
    told = f"treatments: '{treatment}', for column '{column}', is none that can be chosen"
    with pytest.raises(ConfigError) as caught:
        bench.encrypt("plain.csv", "made.csv", treatments={column: treatment})
    assert str(caught.value) == told
    assert caught.value.hint.startswith("these are: omit;")
