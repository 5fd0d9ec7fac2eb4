"""docs/schema.md tells the truth."""

import re
from pathlib import Path
from typing import get_args

import pytest

from piienc import schema
from piienc.errors import ConfigError
from piienc.schema import Column, CsvDialect, Schema
from piienc.schema.finder import Checksum, OwnFinder, built_in
from piienc.schema.model import ColumnType, Format

PAGE = (Path(__file__).parents[2] / "docs" / "schema.md").read_text("utf-8")
EXAMPLES = re.findall(r"^```toml\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)


def test_docs_have_an_example_in_the_first_screen():
    """The page opens with a whole schema."""
    assert PAGE.index("```toml") < 800


@pytest.mark.parametrize("example", EXAMPLES)
def test_docs_example_loads(example, tmp_path):
    """Each TOML block of the page is a valid schema."""
    path = tmp_path / "schema.toml"
    path.write_text(example, "utf-8")
    schema.load(path)


@pytest.mark.parametrize("model", [Schema, CsvDialect, Column, OwnFinder])
def test_docs_list_the_fields_of_each_table_in_order(model):
    """Every field has its row, and no row is of a field that is gone."""
    heading = {
        Schema: "The top",
        CsvDialect: "`[csv]`",
        Column: "`[columns.NAME]`",
        OwnFinder: "`[finders.NAME]`",
    }[model]
    section = PAGE.partition(f"## {heading}\n")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE)
    tables = ("csv", "columns", "finders")
    assert rows == [name for name in model.__struct_fields__ if name not in tables]


def test_docs_show_the_mistakes_as_they_are_told(tmp_path, monkeypatch):
    """The page's sample of an error is a real one."""
    monkeypatch.chdir(tmp_path)
    Path("schema.toml").write_text(
        'name = "n"\n\n\n[columns.email]\ntype = "string"\nencrypted = "k"\n\n[columns.phone]\n',
        "utf-8",
    )
    with pytest.raises(ConfigError) as caught:
        schema.load(Path("schema.toml"))
    assert f"```text\n{caught.value}\n```" in PAGE


def test_docs_list_every_type_and_format():
    """What may be chosen is told in full."""
    for choice in (*get_args(ColumnType), *get_args(Format), *get_args(Checksum)):
        assert f"`{choice}`" in PAGE


def test_docs_list_every_built_in_finder_in_order():
    """Whoever allows something has to know the finder's name."""
    section = PAGE.partition("## Personal data in clear\n")[2].partition("\n## ")[0]
    assert re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE) == [*built_in()]
