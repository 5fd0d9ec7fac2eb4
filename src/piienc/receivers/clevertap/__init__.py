"""Manifests for CleverTap: the JSON file behind a data file that tells what its columns are.

    build.py         make one, from the schema and what the schema does not tell
    lint.py          find what the receiver would refuse or drop; from the outside in:
    data_types.py      a column's property, data type and date format
    together.py        the columns together: whose rows, which properties
    words.py         what may be said in `piienc.toml`, and the words

Pure functions over values. What the receiver demands of rows is in its profile.
"""

from piienc.receivers.clevertap.build import build, name_for
from piienc.receivers.clevertap.lint import lint
from piienc.receivers.clevertap.words import ManifestTable

__all__ = ["ManifestTable", "build", "lint", "name_for"]
