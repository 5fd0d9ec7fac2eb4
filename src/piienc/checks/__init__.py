"""Columns and rows held to their rules, and searched for personal data. Never a value of a cell.

rules.py      the checks of a column's rules
on_text.py    the rules on text, as CSV has all values
on_typed.py   the rules on typed values, as Parquet has them
read.py       text read as numbers, dates and moments
forms.py      how values of each type and format are written
text.py       bytes and regular expressions of whole arrays; which values are worth a look
compute.py    functions of Arrow, cheap to import
finders.py    personal data in clear, by schema/data/finders.toml
shapes.py     cells of one shape, as matrices
checksums.py  check digits of cards, accounts and national ids

All text is string or large_string inside; a dictionary's values are judged once each.
"""

from piienc.checks.finder import Finder
from piienc.checks.finders import finders_of, search
from piienc.checks.rules import Check, checks_of, type_fits

__all__ = ["Check", "Finder", "checks_of", "finders_of", "search", "type_fits"]
