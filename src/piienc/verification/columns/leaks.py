"""What a searchable column gives away: equal values have equal ciphertexts, which can be counted.

Frequency analysis recovers a column of few values from known frequencies (for deterministic
encryption see Bellare, Boldyreva and O'Neill, CRYPTO 2007).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from piienc.schema.personal import personal_by_name
from piienc.verification.findings import Violation

if TYPE_CHECKING:
    from piienc.schema import Column
    from piienc.verification.columns.fingerprints import EqualityFacts

_ENOUGH = 100  # cells, below which counting tells nothing
_REPEATS = 10  # times that each value appears, on the average
_FREQUENT = 20  # the most frequent value may be one cell of so many
_ADVICE = "seal it, unless it must be searched"


def leak_of(name: str, column: Column, equal: EqualityFacts) -> Violation | None:
    """Return the warning that a searchable column earns; None if it earns none."""
    frequency = ""
    if equal.cells >= _ENOUGH:
        share = 100 * equal.most_frequent / equal.cells
        counts = f"{equal.distinct:,} different values in {equal.cells:,} cells"
        if equal.distinct * _REPEATS <= equal.cells:
            frequency = f"only {counts}, the most frequent one in {share:.1f} % of them"
        elif equal.most_frequent * _FREQUENT >= equal.cells:
            frequency = f"one value stands in {share:.1f} % of {equal.cells:,} cells"
    nature = _nature(column)
    if not frequency and not nature:
        return None
    what = "; ".join(part for part in (nature and f"{nature} can be guessed", frequency) if part)
    return Violation(name, "leak", f"equal values show: {what}; {_ADVICE}", None, "warning")


def _nature(column: Column) -> str:
    """Describe a column that has few values by its nature."""
    carried = personal_by_name(column.property or "")
    if carried and carried.few:
        return carried.what
    if column.type == "boolean":
        return "true or false"
    if column.type == "date" or column.format == "date":
        return "a date"
    return "one of a few values that the schema lists" if column.enum else ""
