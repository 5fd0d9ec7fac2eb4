"""DataFrames of Spark, encrypted and decrypted by its workers; Spark's own functions judge."""

from __future__ import annotations

import datetime as dt
import json
from decimal import Decimal

import pytest
from pyarrow import parquet as pq
from pyspark.sql import functions as F  # noqa: N812  # as all of Spark's users call it
from pyspark.sql import types as T  # noqa: N812  # likewise
from spark_desk import PASSPHRASE, secrets_of, told

import piienc
import piienc.spark
from piienc.errors import AuthenticationError, InputError, KeyAccessError, PolicyError, UsageError
from piienc.keys import KeyFolder, Mode, generate
from piienc.state.cells import CELL_LIMIT, CellCounter

pytestmark = [
    pytest.mark.spark,
    pytest.mark.filterwarnings("ignore:PySpark does not yet fully support pandas"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]
ROWS = 5000
CANARY = "CANARY-4711"


@pytest.fixture(scope="module")
def people(spark):
    return spark.range(ROWS).selectExpr(
        "id",
        "IF(id % 7 = 3, NULL, concat('a', id % 100, '@b.example')) email",
        f"concat('{CANARY}-', id) phone",
        "date_add(DATE'1970-01-01', cast(id as int)) born",
    )


@pytest.fixture
def where(project, tmp_path):
    return {
        "schema": project / "schema.toml",
        "keys": project / "keys",
        "passphrase_file": project / "passphrase",
        "state": tmp_path / "state",
    }


def counted(state) -> int:
    with CellCounter(state) as counter, counter.database() as database:
        return int(
            database.execute("SELECT coalesce(sum(cells), 0) FROM sealed_keys").fetchone()[0]
        )


def written(df, path):
    with piienc.spark.actions():
        df.write.parquet(str(path))
    return df.sparkSession.read.parquet(str(path))


def same(left, right) -> bool:
    return not left.exceptAll(right).count() and not right.exceptAll(left).count()


def test_parquet_comes_back_with_its_types_and_rows(spark, people, where, tmp_path):
    """What Spark keeps of a field tells its type, without a schema."""
    stored = written(piienc.spark.encrypt(people, **where), tmp_path / "x")
    assert [field.dataType for field in stored.schema] == [T.LongType(), *[T.StringType()] * 3]
    assert stored.filter(F.col("phone").contains(CANARY)).count() == 0
    where.pop("schema")
    back = piienc.spark.decrypt(stored, **where)
    assert [field.dataType for field in back.schema] == [field.dataType for field in people.schema]
    assert same(back, people)


def test_files_and_spark_make_the_same_cells(spark, people, where, tmp_path, project):
    """What Spark has encrypted, `decrypt_file` reads, and the other way round."""
    stored = written(piienc.spark.encrypt(people.coalesce(1), **where), tmp_path / "x")
    (file,) = (tmp_path / "x").glob("*.parquet")
    secret = {"passphrase": PASSPHRASE, "keys": where["keys"], "state": where["state"]}
    report = piienc.verify(file, schema=where["schema"], **secret)
    assert report.ok
    piienc.decrypt_file(file, tmp_path / "back.parquet", schema=where["schema"], **secret)
    assert pq.read_table(tmp_path / "back.parquet")["phone"][17].as_py() == f"{CANARY}-17"
    people.coalesce(1).write.parquet(str(tmp_path / "plain"))
    (plain,) = (tmp_path / "plain").glob("*.parquet")
    piienc.encrypt_file(plain, tmp_path / "own.parquet", schema=where["schema"], **secret)
    own = spark.read.parquet(str(tmp_path / "own.parquet"))
    assert same(own.select("id", "email"), stored.select("id", "email"))
    assert same(piienc.spark.decrypt(own, **where), people)


def test_every_type_of_spark_comes_back(spark, where, project, tmp_path):
    """Exactly, nulls and extremes too."""
    moment = dt.datetime(1999, 12, 31, 23, 59, 59, 999999)  # noqa: DTZ001  # as Spark gives it
    values = {
        "text": (T.StringType(), "ü\0\n"),
        "bytes": (T.BinaryType(), bytearray(b"\0\xff")),
        "small": (T.ByteType(), -128),
        "short": (T.ShortType(), 32767),
        "whole": (T.IntegerType(), -(2**31)),
        "long": (T.LongType(), 2**63 - 1),
        "single": (T.FloatType(), 0.1),
        "double": (T.DoubleType(), 1e300),
        "flag": (T.BooleanType(), True),
        "day": (T.DateType(), dt.date(1, 1, 1)),
        "moment": (T.TimestampType(), moment),
        "local": (T.TimestampNTZType(), moment),
        "money": (T.DecimalType(38, 10), Decimal("12345678901234567890.0123456789")),
    }
    fields = [
        T.StructField(name, kind, metadata={"of": name}) for name, (kind, _) in values.items()
    ]
    rows = [tuple(value for _, value in values.values()), (None,) * len(values)]
    df = spark.createDataFrame(rows, T.StructType(fields))
    columns = "".join(
        f'[columns.{name}]\ntype = "string"\nencrypt = "{"look" if n % 2 else "seal"}"\n'
        for n, name in enumerate(values)
    )
    schema = tmp_path / "types.toml"
    schema.write_text(f'name = "types"\nversion = 1\n{columns}')
    stored = written(piienc.spark.encrypt(df, **where | {"schema": schema}), tmp_path / "x")
    back = piienc.spark.decrypt(stored, **where | {"schema": schema})
    assert back.schema == df.schema
    assert back.collect() == df.collect()


def test_look_ups_and_joins_need_no_decryption(spark, people, where, tmp_path):
    """Equal values under one searchable key and context are equal cells."""
    stored = written(piienc.spark.encrypt(people, **where), tmp_path / "x")
    (cell,) = piienc.encrypt_values(
        ["a5@b.example"], key="look", context="email", keys=where["keys"], state=where["state"],
        passphrase=PASSPHRASE,
    )  # fmt: skip
    wanted = people.filter("email = 'a5@b.example'").count()
    assert stored.filter(F.col("email") == cell).count() == wanted > 0
    joined = stored.alias("a").join(stored.alias("b"), "email").count()
    assert joined == people.alias("a").join(people.alias("b"), "email").count()


def test_spark_reads_our_cells_and_we_read_its(spark, project, tmp_path):
    """`aes_decrypt` is the second implementation: GCM, with the context as associated data."""
    schema = tmp_path / "bare.toml"
    schema.write_text(
        'name = "bare"\nversion = 1\n[columns.id]\ntype = "integer"\n'
        '[columns.phone]\ntype = "string"\nencrypt = "bare"\ncontext = "tel"\n'
    )
    where = {"schema": schema, "keys": project / "bare", "state": tmp_path / "state"}
    df = spark.range(ROWS).selectExpr("id", "concat('+49', id) phone")
    from piienc.keys import KeyFolder

    key = KeyFolder(project / "bare").load("bare").primary.material.reveal()
    opened = F.aes_decrypt(
        F.unbase64("phone"), F.lit(key), F.lit("GCM"), F.lit("DEFAULT"), F.lit("tel")
    )
    ours = piienc.spark.encrypt(df, **where)
    assert same(ours.select("id", opened.cast("string").alias("phone")), df)
    how = [F.lit(each) for each in (key, "GCM", "DEFAULT", "", "tel")]
    sealed = F.base64(F.aes_encrypt(F.col("phone"), *how))
    theirs = df.select("id", sealed.alias("phone"))
    assert same(piienc.spark.decrypt(theirs, **where), df)


def test_spark_reads_cells_with_a_prefix_behind_it(spark, people, where, project, tmp_path):
    """Tink's prefix has five bytes."""
    from piienc.base.secret import SecretBytes
    from piienc.keys import KeyFolder

    keys = KeyFolder(where["keys"])
    keys.unlocker.passphrase = lambda _: SecretBytes(PASSPHRASE.encode())
    key = keys.load("seal").primary.material.reveal()
    cell = F.expr("substring(unbase64(phone), 6)")
    opened = F.aes_decrypt(cell, F.lit(key), F.lit("GCM"), F.lit("DEFAULT"), F.lit("phone"))
    ours = piienc.spark.encrypt(people, **where)
    assert same(
        ours.select("id", opened.cast("string").alias("phone")), people.select("id", "phone")
    )


@pytest.mark.parametrize("action", ["collect", "toPandas", "write", "count"])
def test_error_of_a_worker_comes_back_as_ours(spark, people, where, action, tmp_path):
    """With class, column and row in the partition; without a value."""
    stored = written(piienc.spark.encrypt(people.coalesce(1), **where), tmp_path / "x")
    wrong = stored.withColumn("phone", F.when(F.col("id") == 777, CANARY).otherwise(F.col("phone")))
    back = piienc.spark.decrypt(wrong, **where)
    actions = {
        "collect": back.collect,
        "toPandas": back.toPandas,
        "write": lambda: back.write.parquet(str(tmp_path / "y")),
        "count": lambda: back.filter("phone is not null").count(),
    }
    with (
        pytest.raises(AuthenticationError, match="partition: column 'phone', row 778:") as refused,
        piienc.spark.actions(),
    ):
        actions[action]()
    assert refused.value.exit_code == 6
    assert refused.value.hint
    assert CANARY not in str(refused.value)
    assert refused.value.__cause__ is None


def test_other_errors_of_spark_stay_what_they_are(spark):
    """Only ours are translated."""
    with pytest.raises(Exception, match="DIVIDE_BY_ZERO"), piienc.spark.actions():
        spark.sql("SELECT 1/0").collect()


def test_driver_refuses_before_anything_runs(spark, people, where, tmp_path):
    """Columns, keys and marks are checked as for a file."""
    with pytest.raises(InputError, match="'born'"):
        piienc.spark.encrypt(people.drop("born"), **where)
    with pytest.raises(KeyAccessError):
        piienc.spark.encrypt(people, **where | {"passphrase_file": None})
    encrypted = piienc.spark.encrypt(people, **where)
    with pytest.raises(PolicyError, match="encrypted already"):
        piienc.spark.encrypt(encrypted, **where)
    with pytest.raises(UsageError, match="does not record"):
        piienc.spark.decrypt(people, **{k: v for k, v in where.items() if k != "schema"})
    less = tmp_path / "less.toml"
    less.write_text(
        where["schema"].read_text().replace('type = "date"\nencrypt = "seal"', 'type = "date"')
    )
    with pytest.raises(PolicyError, match="is not marked any more"):
        piienc.spark.encrypt(people, **where | {"schema": less})


def test_each_cell_is_counted_before_it_is_sealed(spark, people, where, tmp_path):
    """However often an action runs; and what was reserved ahead is given back."""
    cells = 2 * ROWS
    with piienc.spark.actions():
        encrypted = piienc.spark.encrypt(people, **where)
        encrypted.write.parquet(str(tmp_path / "x"))
        assert counted(where["state"]) >= cells
        encrypted.write.parquet(str(tmp_path / "y"))
    assert counted(where["state"]) == 2 * cells
    lines = [(line["command"], line["outcome"]) for line in told(where["state"])]
    assert lines == [("spark-encrypt", "begun"), ("spark-encrypt", "done")]
    assert [key["name"] for key in told(where["state"])[-1]["keys"]] == ["look", "seal"]


def test_action_that_stops_early_counts_what_it_has_sealed(people, where):
    """Spark tells nothing of such tasks: their workers had to ask before."""
    with piienc.spark.actions():
        encrypted = piienc.spark.encrypt(people.coalesce(1), **where)
        for _ in range(10):
            encrypted.first()
    assert counted(where["state"]) >= 10 * 2 * 1000  # a batch each, of two sealed columns


def test_action_that_fails_counts_what_it_has_sealed(people, where):
    """The rows before the one that it refused, too."""
    again = piienc.encrypt_values(
        ["x"], key="seal", context="phone", keys=where["keys"], state=where["state"],
        passphrase=PASSPHRASE,
    )  # fmt: skip
    wrong = people.withColumn("phone", F.when(F.col("id") == 4000, again[0]).otherwise("x"))
    with pytest.raises(PolicyError, match="encrypted already"), piienc.spark.actions():
        piienc.spark.encrypt(wrong.coalesce(1), **where).collect()
    assert counted(where["state"]) >= 2 * 4000


def test_key_that_is_half_used_up_is_warned_of(people, where):
    """At the end of the actions, since only they encrypt."""
    piienc.spark.encrypt(people, **where).first()
    with CellCounter(where["state"]) as counter, counter.database() as database:
        database.execute("UPDATE sealed_keys SET cells = ?", (CELL_LIMIT // 2,))
    with pytest.warns(match="over half of what is safe"), piienc.spark.actions():
        piienc.spark.encrypt(people, **where).first()


def test_key_that_is_used_up_seals_no_more(people, where):
    """The worker's error is that of the counter in the driver."""
    encrypted = piienc.spark.encrypt(people, **where)
    encrypted.first()
    with CellCounter(where["state"]) as counter, counter.database() as database:
        database.execute("UPDATE sealed_keys SET cells = ?", (CELL_LIMIT,))
    encrypted = piienc.spark.encrypt(people, **where)
    with pytest.raises(KeyAccessError, match="safe for AES-GCM"), piienc.spark.actions():
        encrypted.collect()


def test_workers_with_other_keys_are_refused(people, where, project, tmp_path):
    """Nobody would count their cells."""
    KeyFolder(tmp_path / "other").create("look", generate(Mode.SEARCHABLE), None)
    KeyFolder(tmp_path / "other").create("seal", generate(Mode.SEALED), None)
    encrypted = piienc.spark.encrypt(people, **where, worker_keys=tmp_path / "other")
    with pytest.raises(KeyAccessError, match="none of the driver's"), piienc.spark.actions():
        encrypted.collect()


def test_no_secret_travels(spark, people, where, project, tmp_path):
    """Not in the event log, in what Spark writes, in the plan's text, or in what is pickled."""
    encrypted = piienc.spark.encrypt(people, **where)
    written(encrypted, tmp_path / "x")
    plan = encrypted._jdf.queryExecution().toString()
    files = [path for path in (project / "spark").rglob("*") if path.is_file()]
    assert any("events" in path.parts for path in files)
    for secret in secrets_of(project):
        assert secret not in plan.encode()
        for path in files:
            assert secret not in path.read_bytes(), path


def test_metadata_of_a_field_tells_what_it_was(people, where):
    """For people, and for `decrypt`."""
    field = piienc.spark.encrypt(people, **where).schema["born"]
    record = field.metadata["piienc"]
    assert (record["key"], record["mode"], record["context"]) == ("seal", "sealed", "born")
    assert json.loads(json.dumps(record["field"]))["type"] == "date"


def test_nulls_that_arise_after_encryption_are_null_after_decryption(spark, where, people):
    """An outer join makes some of what had none."""
    encrypted = piienc.spark.encrypt(people.limit(3).withColumn("phone", F.lit("x")), **where)
    joined = spark.range(5).withColumnRenamed("id", "k")
    joined = joined.join(encrypted, F.col("k") == F.col("id"), "left").drop("k")
    back = piienc.spark.decrypt(joined, **where)
    assert back.filter("phone is null").count() == 2
    assert len(back.collect()) == 5


def test_decrypted_column_has_the_name_of_today(spark, where, people):
    """The record is not authentic: one with another column's name must not swap the two."""
    encrypted = piienc.spark.encrypt(people, **where)
    for name, other in {"email": "phone", "phone": "email"}.items():
        metadata = json.loads(json.dumps(encrypted.schema[name].metadata))
        metadata["piienc"]["field"]["name"] = other
        encrypted = encrypted.withMetadata(name, metadata)
    back = piienc.spark.decrypt(encrypted, **where)
    assert back.columns == people.columns
    assert same(back, people)
