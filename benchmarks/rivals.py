"""What piienc is measured against, each a whole program of its own.

    copy            SRC DST               read and write the CSV file by pyarrow: the floor
    copy-parquet    SRC DST               the same for Parquet
    csvloop-encrypt SRC DST --keys DIR    the csv module, and cryptography a cell at a time
    csvloop-decrypt SRC DST --keys DIR
    tinkloop-encrypt, tinkloop-decrypt    the csv module, and Tink a cell at a time
    clickhouse SRC DST --keys DIR         ClickHouse inside of Python, if chdb is installed

The loops write what piienc writes: the same columns, keys, contexts and cells, in base64. They
are what one would write in an afternoon, with nothing slow in them that could be left out.
ClickHouse has no AES-SIV, so it seals all four columns under the same key of AES-GCM.
The csv module cannot tell a null from an empty string, so the loops leave both as they are.
"""

# ruff: noqa: PLC0415  # each program loads what it needs, as if it stood in a file of its own

from __future__ import annotations

import argparse
import base64
import csv
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    Cell = Callable[[str], str]
    """What is done to a cell."""
    Maker = Callable[[str, bytes, bool], Cell]
    """Makes it, of a Tink JSON keyset, a context, and whether to encrypt."""

COLUMNS = {"identity": "lookup", "email": "lookup", "phone": "vault", "name": "vault"}
"""The personal columns, and their keys: as in generate.py, which takes pyarrow to import."""


def copy(source: Path, target: Path) -> None:
    """Copy a CSV file through Arrow, a block at a time, all columns as strings."""
    import pyarrow as pa
    from pyarrow import csv as arrow_csv

    with source.open("rb") as file:
        names = file.readline().decode().rstrip("\n").split(",")
    reader = arrow_csv.open_csv(
        source,
        parse_options=arrow_csv.ParseOptions(newlines_in_values=True),
        convert_options=arrow_csv.ConvertOptions(
            column_types=dict.fromkeys(names, pa.string()),
            null_values=[""],
            strings_can_be_null=True,
            quoted_strings_can_be_null=False,
        ),
    )
    options = arrow_csv.WriteOptions(quoting_style="needed")
    with reader, arrow_csv.CSVWriter(target, reader.schema, write_options=options) as writer:
        for batch in reader:
            writer.write_batch(batch)


def copy_parquet(source: Path, target: Path) -> None:
    """Copy a Parquet file through Arrow, a row group at a time."""
    from pyarrow import parquet as pq

    with (
        pq.ParquetFile(source) as reader,
        pq.ParquetWriter(target, reader.schema_arrow) as writer,
    ):
        for number in range(reader.num_row_groups):
            table = reader.read_row_group(number)
            writer.write_table(table, row_group_size=table.num_rows)


def loop(source: Path, target: Path, keys: Path, maker: Maker, *, encrypt: bool) -> None:
    """Read rows, change the cells of the personal columns, write rows."""
    with (
        source.open(newline="", encoding="utf-8") as lines,
        target.open("w", newline="", encoding="utf-8") as out,
    ):
        rows = csv.reader(lines)
        writer = csv.writer(out, lineterminator="\n")
        header = next(rows)
        writer.writerow(header)
        work = [
            (header.index(name), maker(_keyset(keys, key), name.encode(), encrypt))
            for name, key in COLUMNS.items()
        ]
        for row in rows:
            for number, change in work:
                cell = row[number]
                if cell:
                    row[number] = change(cell)
            writer.writerow(row)


def by_cryptography(keyset: str, context: bytes, encrypt: bool) -> Cell:  # noqa: FBT001  # a Maker
    """Change cells by `AESSIV` or `AESGCM` of the cryptography package."""
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM, AESSIV

    key = json.loads(keyset)["key"][0]
    material = base64.b64decode(key["keyData"]["value"])[2:]  # a tag and a length stand before
    prefix = b"\x01" + key["keyId"].to_bytes(4, "big")
    b64encode, b64decode, urandom = base64.b64encode, base64.b64decode, os.urandom

    if key["keyData"]["typeUrl"].endswith("AesSivKey"):
        siv, bound = AESSIV(material), [context]

        def seal(cell: str) -> str:
            return b64encode(prefix + siv.encrypt(cell.encode(), bound)).decode("ascii")

        def unseal(text: str) -> str:
            return siv.decrypt(_after(prefix, b64decode(text)), bound).decode()

    else:
        gcm = AESGCM(material)

        def seal(cell: str) -> str:
            iv = urandom(12)
            return b64encode(prefix + iv + gcm.encrypt(iv, cell.encode(), context)).decode("ascii")

        def unseal(text: str) -> str:
            raw = _after(prefix, b64decode(text))
            return gcm.decrypt(raw[:12], raw[12:], context).decode()

    return seal if encrypt else unseal


def by_tink(keyset: str, context: bytes, encrypt: bool) -> Cell:  # noqa: FBT001  # a Maker
    """Change cells by Tink's primitive of the keyset."""
    from tink import aead, daead, json_proto_keyset_format, secret_key_access

    handle = json_proto_keyset_format.parse(keyset, secret_key_access.TOKEN)
    b64encode, b64decode = base64.b64encode, base64.b64decode

    if "AesSivKey" in keyset:
        daead.register()
        primitive = handle.primitive(daead.DeterministicAead)
        to_sealed = primitive.encrypt_deterministically
        to_clear = primitive.decrypt_deterministically
    else:
        aead.register()
        primitive = handle.primitive(aead.Aead)
        to_sealed, to_clear = primitive.encrypt, primitive.decrypt

    def seal(cell: str) -> str:
        return b64encode(to_sealed(cell.encode(), context)).decode("ascii")

    def unseal(text: str) -> str:
        return to_clear(b64decode(text), context).decode()

    return seal if encrypt else unseal


def clickhouse(source: Path, target: Path, keys: Path) -> None:
    """Encrypt a CSV file by one statement of ClickHouse, which works on all cores."""
    import chdb

    key = json.loads(_keyset(keys, "vault"))["key"][0]
    material = base64.b64decode(key["keyData"]["value"])[2:].hex()
    prefix = f"01{key['keyId']:08x}"
    with source.open(encoding="utf-8") as file:
        names = file.readline().rstrip("\n").split(",")
    columns = ", ".join(
        f"""base64Encode(concat(unhex('{prefix}'), iv_{name}, encrypt('aes-256-gcm', {name},
            unhex('{material}'), iv_{name}, '{name}'))) AS {name}"""
        if name in COLUMNS
        else name
        for name in names
    )
    ivs = ", ".join(f"randomString(12, '{name}') AS iv_{name}" for name in COLUMNS)
    types = ", ".join(f"{name} Nullable(String)" for name in names)
    chdb.query(f"""
        INSERT INTO FUNCTION file('{target}', 'CSVWithNames', '{types}')
        SELECT {columns} FROM (SELECT *, {ivs} FROM file('{source}', 'CSVWithNames', '{types}'))
        SETTINGS format_csv_null_representation = ''""")  # noqa: S608  # names of our own files


def _keyset(keys: Path, name: str) -> str:
    return (keys / "aes" / f"{name}.json").read_text(encoding="utf-8")


def _after(prefix: bytes, raw: bytes) -> bytes:
    if not raw.startswith(prefix):
        raise ValueError("a cell of another key")
    return raw[len(prefix) :]


def main() -> None:
    """Run one of the programs."""
    makers = {"csvloop": by_cryptography, "tinkloop": by_tink}
    loops = [f"{name}-{way}" for name in makers for way in ("encrypt", "decrypt")]
    parser = argparse.ArgumentParser(description="The programs that piienc is measured against.")
    parser.add_argument("program", choices=["copy", "copy-parquet", "clickhouse", *loops])
    parser.add_argument("source", type=Path)
    parser.add_argument("target", type=Path)
    parser.add_argument("--keys", type=Path, help="the key folder, of keys without a passphrase")
    said = parser.parse_args()
    if said.program == "copy":
        copy(said.source, said.target)
    elif said.program == "copy-parquet":
        copy_parquet(said.source, said.target)
    elif said.keys is None:
        parser.error(f"{said.program} needs --keys")
    elif said.program == "clickhouse":
        clickhouse(said.source, said.target, said.keys)
    else:
        name, way = said.program.split("-")
        loop(said.source, said.target, said.keys, makers[name], encrypt=way == "encrypt")


if __name__ == "__main__":
    main()
