"""The columns of a file are held against its schema, whatever its format: by name, in any order."""

from __future__ import annotations

import base64

import pyarrow as pa
import pytest
from pyarrow import csv
from pyarrow import parquet as pq

from piienc.errors import ConfigError, InputError, PolicyError, UsageError

C = "CANARY-4711"
each_format = pytest.mark.parametrize("ending", ["csv", "parquet"])


def _put(shop, name, *columns):
    """Write a table of one row and some columns."""
    table = pa.table({column: [C] for column in columns})
    write = csv.write_csv if name.endswith("csv") else pq.write_table
    write(table, shop.folder / name)


def _columns(shop, name):
    path = shop.folder / name
    return (csv.read_csv(path) if name.endswith("csv") else pq.read_table(path)).column_names


@each_format
def test_columns_may_stand_in_any_order(shop, ending):
    """They keep it."""
    _put(shop, f"x.{ending}", "note", "id", "email")
    shop.encrypt(f"x.{ending}", f"y.{ending}")
    assert _columns(shop, f"y.{ending}") == ["note", "id", "email"]


@each_format
def test_file_with_none_of_the_schema_s_columns_is_another_file(shop, ending):
    """What stands in its first line may be data: none of it is shown."""
    _put(shop, f"x.{ending}", C, "other")
    told = "none of the columns 'id', 'email', 'note' of the schema 'people' is in the file"
    with shop.refused(InputError, rf"x\.{ending}: {told}"):
        shop.encrypt(f"x.{ending}", f"y.{ending}")


@each_format
@pytest.mark.parametrize(
    ("columns", "told"),
    [
        (["id", "email"], "column 'note' of the schema 'people' not in the file$"),
        (
            ["id", "email", "nota"],
            "column 'note' of .* not in the file, which has column 'nota' instead$",
        ),
        (
            ["id", "a", "b"],
            "columns 'email', 'note' of .* not in the file, which has columns 'a', 'b' instead$",
        ),
    ],
)
def test_missing_columns_are_named_with_what_is_there_instead(shop, ending, columns, told):
    """A slip of the pen is seen at once."""
    _put(shop, f"x.{ending}", *columns)
    with shop.refused(InputError, told):
        shop.encrypt(f"x.{ending}", f"y.{ending}")


@each_format
def test_columns_that_the_schema_does_not_name_pass_only_where_it_lets_them(shop, ending):
    """In clear."""
    _put(shop, f"x.{ending}", "more", "id", "email", "note", "and")
    with shop.refused(InputError, "columns 'more', 'and' not in the schema 'people'"):
        shop.encrypt(f"x.{ending}", f"y.{ending}", shop.schema(extra_columns="error"))
    shop.encrypt(f"x.{ending}", f"y.{ending}", shop.schema(extra_columns="keep"))
    assert _columns(shop, f"y.{ending}") == ["more", "id", "email", "note", "and"]


@each_format
def test_columns_to_decrypt_are_among_the_encrypted_ones(shop, ending):
    """Others are named, with those that there are."""
    _put(shop, f"x.{ending}", "id", "email", "note")
    shop.encrypt(f"x.{ending}", f"y.{ending}")
    with pytest.raises(UsageError, match="columns 'id', 'x' not among") as caught:
        shop.decrypt(f"y.{ending}", f"z.{ending}", shop.schema(), columns=("id", "email", "x"))
    assert caught.value.hint == "these are: email, note"
    shop.decrypt(f"y.{ending}", f"z.{ending}", shop.schema(), columns=("note",))
    path = shop.folder / f"z.{ending}"
    table = csv.read_csv(path) if ending == "csv" else pq.read_table(path)
    assert table["note"].to_pylist() == [C]
    assert table["email"].to_pylist() != [C]


@each_format
def test_schema_that_marks_nothing_decrypts_nothing(shop, ending):
    """It is the wrong one, or there is nothing to do."""
    _put(shop, f"x.{ending}", "id")
    unmarked = shop.schema({"id": {"type": "string"}})
    with shop.refused(ConfigError, "no column is marked"):
        shop.decrypt(f"x.{ending}", f"y.{ending}", unmarked)
    with pytest.raises(UsageError) as caught:
        shop.decrypt(f"x.{ending}", f"y.{ending}", unmarked, columns=("id",))
    assert caught.value.hint == "these are: none"


def test_file_and_schema_agree_on_what_is_encrypted_or_some_columns_are_named(shop):
    """What the record has not, or what the schema does not mark, is told by name."""
    _put(shop, "x.parquet", "id", "email", "note")
    shop.encrypt("x.parquet", "y.parquet")
    shop.decrypt("y.parquet", "part.parquet", shop.schema(), columns=("email",))
    with shop.refused(InputError, r"part\.parquet does not record column 'email' as encrypted"):
        shop.decrypt("part.parquet", "z.parquet", shop.schema())
    shop.decrypt("part.parquet", "z.parquet", shop.schema(), columns=("note",))
    assert pq.read_table(shop.folder / "z.parquet")["note"].to_pylist() == [C]
    less = shop.schema({"id": {"type": "string"}, "note": {"type": "string", "encrypt": "seal"},
                        "email": {"type": "string"}})  # fmt: skip
    with shop.refused(ConfigError, r"y\.parquet records column 'email' as encrypted"):
        shop.decrypt("y.parquet", "z2.parquet", less)
    with shop.refused(UsageError, r"x\.parquet does not record which of its columns"):
        shop.decrypt("x.parquet", "z2.parquet")


def test_file_with_other_columns_encrypted_is_encrypted_once_more(shop):
    """What is encrypted already stays; a column that is, is not encrypted again."""
    _put(shop, "x.parquet", "id", "email", "note")
    one = {"id": {"type": "string"}, "note": {"type": "string"}}
    shop.name = ""
    shop.encrypt(
        "x.parquet",
        "y.parquet",
        shop.schema(one | {"email": {"type": "string", "encrypt": "look"}}),
    )
    two = {name: {"type": "string"} for name in ("id", "email")}
    more = shop.schema(two | {"note": {"type": "string", "encrypt": "seal"}})
    shop.encrypt("y.parquet", "z.parquet", more)
    both = shop.schema(
        {name: {"type": "string", "encrypt": "look"} for name in ("email", "note")}
        | {"id": {"type": "string"}}
    )
    with shop.refused(PolicyError, r"y\.parquet: column 'email' encrypted already"):
        shop.encrypt("y.parquet", "z2.parquet", both)


def test_cell_that_decrypts_to_no_text_is_refused_in_csv(shop):
    """Another program may have encrypted any bytes: there is no place for them."""
    kinds = {"id": "string", "email": "binary", "note": "string"}
    binary = shop.schema({n: {"type": kind, "encrypt": "look"} for n, kind in kinds.items()})
    table = pa.table({"id": ["1"], "email": [b"\xff\xfe"], "note": [C]})
    pq.write_table(table, shop.folder / "x.parquet")
    shop.encrypt("x.parquet", "y.parquet", binary)
    cells = pq.read_table(shop.folder / "y.parquet").to_pylist()[0].values()
    texts = [base64.b64encode(c).decode() if isinstance(c, bytes) else c for c in cells]
    shop.write("y.csv", f"id,email,note\n{','.join(texts)}\n")
    marked = shop.schema({name: {"type": "string", "encrypt": "look"} for name in kinds})
    with shop.refused(InputError, r"/y\.csv: column 'email', row 1: decrypted, but no UTF-8 text"):
        shop.decrypt("y.csv", "z.csv", marked)


def test_csv_of_another_dialect_is_told_where_unnamed_columns_may_pass(shop):
    """What is missing is in the file, behind another delimiter."""
    shop.write("x.csv", f"id;email;note\n{C};{C};{C}\n")
    keep = shop.schema(extra_columns="keep")
    with shop.refused(InputError, "delimiter|semicolon|';'"):
        shop.encrypt("x.csv", "y.csv", keep)


def test_column_s_own_context_is_a_schema_s_to_tell(shop):
    """The file's record is not authenticated."""
    own = {"id": {"type": "string"}, "email": {"type": "string", "encrypt": "look",
           "context": "mail"}, "note": {"type": "string", "encrypt": "seal"}}  # fmt: skip
    _put(shop, "x.parquet", "id", "email", "note")
    shop.encrypt("x.parquet", "y.parquet", shop.schema(own))
    told = r"y\.parquet records a context of its own for column 'email', which"
    with shop.refused(UsageError, told):
        shop.decrypt("y.parquet", "z.parquet")
    shop.decrypt("y.parquet", "z.parquet", shop.schema(own))
    assert pq.read_table(shop.folder / "z.parquet")["email"].to_pylist() == [C]
