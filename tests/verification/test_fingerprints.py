"""Which values of a column are equal, by their fingerprints."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from piienc.columns import Fingerprinter
from piienc.core import Strings
from piienc.verification.columns.fingerprints import Frequencies, folded


@given(st.lists(st.lists(st.binary(max_size=2), min_size=1), min_size=1))
def test_frequencies_are_those_of_the_cells(units):
    """However they are cut into units, and whatever stands in both halves of a fingerprint."""
    made = Fingerprinter()
    with Frequencies() as frequencies:
        for unit in units:
            frequencies.add_prints(folded(made.of(Strings.of(unit))))
        equal = frequencies.equal()
    counted = Counter(cell for unit in units for cell in unit)
    assert (equal.cells, equal.distinct) == (counted.total(), len(counted))
    assert equal.most_frequent == max(counted.values())
