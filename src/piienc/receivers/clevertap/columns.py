"""What the schema says of a column's place in a manifest: its data type, and its property."""

from __future__ import annotations

from typing import TYPE_CHECKING

from piienc.receivers.clevertap.words import PROPERTIES

if TYPE_CHECKING:
    from piienc.schema import Column

_BITS = 31  # of an INTEGER, beside its sign


def data_types(column: Column) -> tuple[str, ...]:
    """Return the data types that a column may have at the receiver; the first is the best.

    STRING is there for every column, since it keeps what is written; but the receiver cannot
    compute with it, so it comes behind what fits better. Dates also stand in text and integers.
    """
    if column.encrypt is not None:
        return ("STRING",)  # the cells are base64
    if column.type == "integer":
        # LONG holds all that INTEGER does, and an integer of the schema has 64 bits. So only
        # rules that keep the column within 32 bits make it an INTEGER; without them, a value
        # that is too long would be cut or refused there, row by row.
        if is_bounded(column):
            return ("INTEGER", "LONG", "Date", "STRING")
        return ("LONG", *(() if _exceeds(column) else ("INTEGER",)), "Date", "STRING")
    return {
        "float": ("FLOAT", "STRING"),
        "decimal": ("FLOAT", "STRING"),
        "boolean": ("BOOLEAN", "STRING"),
        "date": ("Date", "STRING"),
        "timestamp": ("Date", "STRING"),
        "string": ("STRING", "Date"),
        "binary": ("STRING",),
    }[column.type]


def is_bounded(column: Column) -> bool:
    """Tell whether the rules keep an integer column within 32 bits."""
    return column.min is not None and column.max is not None and not _exceeds(column)


def _exceeds(column: Column) -> bool:
    """Tell whether the rules let values of more than 32 bits pass on purpose."""
    bounds = [bound for bound in (column.min, column.max) if bound is not None]
    return any(not -(1 << _BITS) <= bound < (1 << _BITS) for bound in bounds)


def property_of(name: str, column: Column) -> str:
    """Return the property that a column carries, as the receiver spells it; else its own name."""
    if column.property is None:
        return name
    return PROPERTIES.spelt(column.property)
