"""Read one encrypted column of a CSV file with Google Tink alone: `pip install tink`.

The keyset lies here in clear, because the sample keys are public. Keep a real one under your
KMS, and let Tink open it from there.
"""

from __future__ import annotations

import argparse
import base64
import csv
import json
from pathlib import Path
from typing import TYPE_CHECKING

import tink
from tink import aead, daead, json_proto_keyset_format, secret_key_access

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Decrypt = Callable[[bytes, bytes], bytes]


def decrypt_with(keyset: tink.KeysetHandle) -> Decrypt:
    """Return the function that decrypts a cell in its context, whatever the keyset's mode."""
    kinds = {key.type_url.rpartition(".")[2] for key in keyset.keyset_info().key_info}
    if kinds == {"AesSivKey"}:
        return keyset.primitive(daead.DeterministicAead).decrypt_deterministically
    return keyset.primitive(aead.Aead).decrypt


def read_column(file: Path, column: str, decrypt: Decrypt, context: str) -> Iterator[str | None]:
    """Yield the column's values in clear; an empty field is null."""
    with file.open(encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines):
            cell = row[column]
            # An empty string is encrypted too, so an empty field is a null and nothing else.
            yield decrypt(base64.b64decode(cell), context.encode()).decode() if cell else None


def main() -> None:
    """Print each value of the column as JSON, one on a line."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("file", type=Path, help="an encrypted CSV file")
    arguments.add_argument("column", help="the column to read")
    arguments.add_argument("keyset", type=Path, help="a Tink JSON keyset, in clear")
    arguments.add_argument("--context", help="the column's context; default: its name")
    given = arguments.parse_args()

    aead.register()
    daead.register()
    keyset = json_proto_keyset_format.parse(given.keyset.read_text(), secret_key_access.TOKEN)
    context = given.column if given.context is None else given.context
    for value in read_column(given.file, given.column, decrypt_with(keyset), context):
        print(json.dumps(value, ensure_ascii=False))


if __name__ == "__main__":
    main()
