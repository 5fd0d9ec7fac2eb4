"""Make a file of user profiles: seeded, fast, and with all that makes CSV hard.

    python benchmarks/generate.py profiles.csv --rows 1000000
    python benchmarks/generate.py profiles.parquet --rows 1000000 --parquet --group-rows 131072

Ten columns, four of them personal. Some cells are null (bare), some are the empty string
(`""`), some hold commas, quotes or line breaks, and many are not ASCII. Only what needs quotes
has them, so decrypting an encrypted file must give back the same bytes. A row is about 118
bytes long. A smaller file of the same seed is the beginning of a larger one.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import parquet as pq

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

SEED = 7
KEYS = {"lookup": "searchable", "vault": "sealed"}
"""The keys that the schema names, and their modes."""

PERSONAL = {"identity": "lookup", "email": "lookup", "phone": "vault", "name": "vault"}
"""The marked columns, and their keys."""

_CHUNK = 100_000  # rows made at a time, so that memory does not grow with the file

_FIRST = "Anna José Zoë Łukasz Søren Chloé Mary Yusuf Priya Olga Liam Noah Emma Ivan Mei Björn"
_LAST = "Smith Müller García Nguyễn O'Brien Kowalski Ødegård Žižek Tanaka Rossi Silva Haddad"
_FIRST_SLUG = "anna jose zoe lukasz soren chloe mary yusuf priya olga liam noah emma ivan mei bjorn"
_LAST_SLUG = "smith mueller garcia nguyen obrien kowalski odegard zizek tanaka rossi silva haddad"
_DOMAINS = "example.com example.org mail.example.net post.example"
_CALLING = "+1 +31 +44 +49 +81 +358"
_CITIES = (
    "London",
    "Berlin",
    "München",
    "São Paulo",
    "Kraków",
    "Zürich",
    "Washington, D.C.",
    "東京",
    "Malmö",
    "Rotterdam",
    "İzmir",
    "Windhoek",
)
_COUNTRIES = "GB DE BR PL CH US JP SE NL TR NA"  # NA is Namibia, and not a null
_PLANS = "free free free free basic basic plus enterprise"
_NOTES = (
    "called back, no answer",
    'said "maybe" twice',
    "prefers e-mail",
    "first line\nsecond line",
    'he wrote:\n"ask again, later"\n… and hung up',
    "façade & naïveté",
    "VIP",
    "moved to 京都 in May",
    "wants the yearly invoice by post",
)

_SCHEMA = pa.schema(
    {
        "identity": pa.string(),
        "email": pa.string(),
        "phone": pa.string(),
        "name": pa.string(),
        "city": pa.string(),
        "country": pa.string(),
        "signup": pa.date32(),
        "plan": pa.string(),
        "balance": pa.float64(),
        "note": pa.string(),
    }
)
_TYPES = {"signup": "date", "balance": "float"}


def generate(path: Path, rows: int, seed: int = SEED) -> None:
    """Write the profiles as CSV."""
    with path.open("wb") as file:
        file.write(",".join(_SCHEMA.names).encode() + b"\n")
        for chunk in _chunks(rows, seed):
            file.write(_csv(chunk))


def generate_parquet(
    path: Path, rows: int, seed: int = SEED, group_rows: int | None = None
) -> None:
    """Write the same table as Parquet, with a date and a float among its columns.

    Args:
        path: where to.
        rows: how many.
        seed: as for the CSV file.
        group_rows: rows in a row group; None is pyarrow's own default, 1,048,576.
    """
    table = pa.Table.from_batches(_chunks(rows, seed)).cast(_SCHEMA)
    pq.write_table(table, path, row_group_size=group_rows)


def write_schema(path: Path) -> None:
    """Write the schema.toml of both files."""
    lines = ['name = "benchmark-profiles"', "version = 1"]
    for name in _SCHEMA.names:
        lines += ["", f"[columns.{name}]", f'type = "{_TYPES.get(name, "string")}"']
        if name in PERSONAL:
            lines.append(f'encrypt = "{PERSONAL[name]}"')
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _chunks(rows: int, seed: int) -> Iterator[pa.RecordBatch]:
    for number, first in enumerate(range(0, rows, _CHUNK)):
        random = np.random.default_rng([seed, number])
        yield _chunk(random, first).slice(0, rows - first)


def _chunk(random: np.random.Generator, first: int) -> pa.RecordBatch:
    """Make the rows from `first` on, all as strings."""
    given, family = random.integers(0, 16, _CHUNK), random.integers(0, 12, _CHUNK)
    columns = {
        "identity": _identities(first),
        "email": _spoilt(
            random,
            _joined(
                _pool(_FIRST_SLUG).take(given),
                ".",
                _pool(_LAST_SLUG).take(family),
                _numbers(random, 1, 9999),
                "@",
                _picked(random, _DOMAINS.split()),
            ),
            nulls=0.02,
            empty=0.003,
        ),
        "phone": _spoilt(
            random,
            _joined(_picked(random, _CALLING.split()), _numbers(random, 10**8, 10**10)),
            nulls=0.08,
            empty=0.01,
        ),
        "name": _spoilt(
            random,
            _names(random, _pool(_FIRST).take(given), _pool(_LAST).take(family)),
            nulls=0.01,
            empty=0.002,
        ),
        "city": _spoilt(random, _picked(random, _CITIES), nulls=0.03, empty=0.005),
        "country": _picked(random, _COUNTRIES.split()),
        "signup": pa.array(random.integers(16_000, 20_000, _CHUNK, np.int32))
        .cast(pa.date32())
        .cast(pa.string()),
        "plan": _spoilt(random, _picked(random, _PLANS.split()), nulls=0.02, empty=0),
        "balance": _joined(
            _numbers(random, 0, 5000), ".", pc.utf8_lpad(_numbers(random, 0, 100), 2, "0")
        ),
        "note": _spoilt(random, _picked(random, _NOTES), nulls=0.55, empty=0.02),
    }
    return pa.RecordBatch.from_pydict(columns)


def _identities(first: int) -> pa.Array:
    """Identities that look random, and of which no two are equal."""
    scattered = np.arange(first, first + _CHUNK) * 3**18 % 10**12
    return _joined("ID", pc.utf8_lpad(pa.array(scattered).cast(pa.string()), 12, "0"))


def _names(random: np.random.Generator, given: pa.Array, family: pa.Array) -> pa.Array:
    """Names; a few with a comma, fewer with a nickname in quotes."""
    kind = random.random(_CHUNK)
    names = _joined(given, " ", family)
    names = pc.if_else(kind < 0.02, _joined(family, ", ", given), names)
    return pc.if_else(kind > 0.99, _joined(given, ' "', given, '" ', family), names)


def _spoilt(
    random: np.random.Generator, column: pa.Array, *, nulls: float, empty: float
) -> pa.Array:
    """Make a share of the cells null, and another share the empty string."""
    kind = random.random(_CHUNK)
    column = pc.if_else(kind < nulls, pa.scalar(None, pa.string()), column)
    return pc.if_else(kind > 1 - empty, "", column)


def _pool(words: str) -> pa.Array:
    return pa.array(words.split())


def _picked(random: np.random.Generator, values: Sequence[str]) -> pa.Array:
    return pa.array(values).take(random.integers(0, len(values), _CHUNK))


def _numbers(random: np.random.Generator, low: int, high: int) -> pa.Array:
    return pa.array(random.integers(low, high, _CHUNK)).cast(pa.string())


def _joined(*parts: pa.Array | str) -> pa.Array:
    return pc.binary_join_element_wise(*parts, "")


def _csv(chunk: pa.RecordBatch) -> bytes:
    fields = [_field(column) for column in chunk.columns]
    ended = pc.binary_join_element_wise(fields[-1], "", "\n", null_handling="replace")
    records = pc.binary_join_element_wise(*fields[:-1], ended, ",", null_handling="replace")
    return "".join(records.to_pylist()).encode()


def _field(column: pa.Array) -> pa.Array:
    """Quote what needs it, and nothing else."""
    needs = pc.equal(column, "")
    for character in (",", '"', "\n"):
        needs = pc.or_(needs, pc.match_substring(column, character))
    return pc.if_else(needs, _joined('"', pc.replace_substring(column, '"', '""'), '"'), column)


def main() -> None:
    """Make one file, and a schema.toml beside it."""
    parser = argparse.ArgumentParser(description="Make a file of user profiles.")
    parser.add_argument("path", type=Path)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--parquet", action="store_true", help="Parquet instead of CSV")
    parser.add_argument("--group-rows", type=int, help="rows in a Parquet row group")
    said = parser.parse_args()
    if said.parquet:
        generate_parquet(said.path, said.rows, said.seed, said.group_rows)
    else:
        generate(said.path, said.rows, said.seed)
    write_schema(said.path.with_name("schema.toml"))


if __name__ == "__main__":
    main()
