"""The schema file: the columns of one kind of file, and which of them are marked.

    dialect.py        what it may say of how CSV files are written
    model.py          what may stand in schema.toml; one is read with all its mistakes at once
    mark.py           mark columns in a file, and leave all else as it is
    personal.py       which personal data a column has, by its name: data/personal.toml
    propose.py        a proposed schema, written as TOML

`schema.schema.json` is the model for editors: python .ci/schema_json.py makes it.

docs/schema.md is the reference for users.
"""

from piienc.schema.dialect import CsvDialect
from piienc.schema.model import Column, Schema, load

__all__ = ["Column", "CsvDialect", "Schema", "load"]
