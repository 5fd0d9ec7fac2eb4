"""How refused cells become an error of the tree."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from piienc.columns import BadCells
from piienc.errors import AuthenticationError, PolicyError

ROWS = st.sets(st.integers(0, 10**6), min_size=1, max_size=30).map(list)


def test_located_one_row_is_counted_from_the_batchs_first():
    """A single row stands in the singular, by its number in the file."""
    error = BadCells(PolicyError, "email", [4], "refused", hint="look").located(100)
    assert (type(error), str(error), error.hint) == (
        PolicyError,
        "email, row 104: refused",
        "look",
    )


def test_located_without_hint_has_that_of_its_class():
    """Where nothing better is known, the class tells what to do."""
    error = BadCells(AuthenticationError, "email", [0], "refused").located(1)
    assert error.hint == AuthenticationError.hint


@pytest.mark.parametrize(
    ("count", "listed"),
    [
        (2, "1, 2"),
        (10, "1, 2, 3, 4, 5, 6, 7, 8, 9, 10"),
        (11, "1, 2, 3, 4, 5, 6, 7, 8, 9, 10 and 1 more in the rows that follow"),
        (5000, "1, 2, 3, 4, 5, 6, 7, 8, 9, 10 and 4990 more in the rows that follow"),
    ],
)
def test_located_many_rows_names_ten(count, listed):
    """A file full of bad cells does not fill the screen."""
    error = BadCells(AuthenticationError, "email", range(count), "refused").located(1)
    assert str(error) == f"email, rows {listed}: refused"


@given(rows=ROWS, first=st.integers(1, 10**9))
def test_located_rows_in_any_order_are_sorted(rows, first):
    """The first ten rows of the file are named, however the batch was sorted."""
    message = str(BadCells(AuthenticationError, "email", rows, "refused").located(first))
    named = message.removeprefix("email, row").removeprefix("s").partition(" and ")[0]
    numbers = [int(number) for number in named.partition(":")[0].split(",")]
    assert numbers == sorted(first + row for row in rows)[:10]
