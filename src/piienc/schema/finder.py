"""What a schema says of finders: its own ones, and the names of all there are.

A finder finds personal data in columns that are not marked; `checks/finders.py` runs it.
"""

import tomllib
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal

from msgspec import Meta

from piienc.base.document import Mistake, Table, shown
from piienc.base.regex import found_in, mistake_in

Checksum = Literal[
    "card", "luhn", "iban", "dni", "nir", "codice_fiscale", "bsn", "pesel", "cpf", "verhoeff",
    "hetu", "personnummer", "fodselsnummer",
]  # fmt: skip
_DATA = Path(__file__).parent / "data" / "finders.toml"
Share = Annotated[float, Meta(ge=0, le=1)]


@cache
def built_in() -> dict[str, Any]:
    """Return the tables of the built-in finders, by name."""
    tables: dict[str, Any] = tomllib.loads(_DATA.read_text("utf-8"))["finders"]
    return tables


class OwnFinder(Table, frozen=True, kw_only=True):
    """A finder of the schema's own."""

    pattern: Annotated[
        str,
        Meta(
            min_length=1,
            description="A regular expression that is searched for in every cell.",
            examples=[r"\bEMP-[0-9]{6}\b"],
        ),
    ]
    description: Annotated[
        str,
        Meta(
            min_length=1,
            description="What it finds, with its article.",
            examples=["a personnel number"],
        ),
    ]
    checksum: Annotated[
        Checksum | None,
        Meta(
            description="The checksum that a match must have, over its letters and digits.",
            examples=["luhn"],
        ),
    ] = None
    share: Annotated[
        Share,
        Meta(
            description="The least share of a column's cells that must match; 0: a single one.",
            examples=[0.5],
        ),
    ] = 0.0

    @classmethod
    def check(cls, fields: Mapping[str, Any]) -> Iterator[Mistake]:
        """See to it that the pattern is one, and does not find the empty string everywhere."""
        if (pattern := fields.get("pattern")) is None:
            return
        if mistake := mistake_in(pattern):
            yield ("pattern",), mistake
        elif found_in("", pattern):
            yield ("pattern",), f"{shown(pattern)} matches the empty string, so every cell"
