"""Batches of rows, and profiles with rules on them."""

import pyarrow as pa
from msgspec import convert

from piienc.receivers import Profile, RowRule
from piienc.receivers.row_checks import RowRules
from piienc.schema import Schema

CIPHER = "AUI6NccLbFWWqtkmW1DUBqbOfYL0FjjJi4hqJCtQfrDk1d4="


def schema(**columns):
    """Make a schema; a column is None, or the table of what it says besides its type."""
    tables = {name: {"type": "string", **(said or {})} for name, said in columns.items()}
    return convert({"name": "s", "version": 1, "columns": tables}, Schema)


def own(**rules):
    """Make a profile of rules as TOML says them, whose receiver knows two properties."""
    rows = {name: convert(rule, RowRule) for name, rule in rules.items()}
    return Profile(name="p", rows=rows, properties={"identity": [], "Email": []})


def batch(**columns):
    return pa.RecordBatch.from_pydict(
        {
            name: cells if isinstance(cells, pa.Array) else pa.array(cells, pa.string())
            for name, cells in columns.items()
        }
    )


def seen(violations):
    """Write violations so that they can be compared."""
    return [
        (violation.column, violation.rows.tolist(), violation.detail, violation.severity)
        for violation in violations
    ]


def failing(profile, plain, stored=None, said=None):
    columns = plain.schema.names
    rules = RowRules.of(profile, said or schema(**dict.fromkeys(columns)), columns)
    return seen(rules.failing(plain, stored))
