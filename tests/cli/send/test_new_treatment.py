"""A treatment that is one file and one row: this file, and a row of `TREATMENTS`."""

import io
import json

import pyarrow as pa
import pytest
from desk import SCHEMA, rows
from pyarrow import parquet as pq

from piienc.core import Strings
from piienc.transform.treatments import TREATMENTS
from piienc.transform.treatments.treatment import Treatment, TreatmentKind


class Stars(Treatment):
    """Puts stars in place of every value of a column of text."""

    def __init__(self, place, _context):
        self._field = place.field

    @property
    def field(self):
        """The column's field."""
        return self._field

    def apply(self, array):
        """Return stars, and null where there was null."""
        return pa.array([value and "***" for value in array.to_pylist()], self.field.type)

    def apply_to_text(self, cells):
        """Return stars, and null where there was null."""
        return Strings.of([cell if cell is None else b"***" for cell in cells.to_list()])

    def is_text_right(self, before, after):
        """Tell whether these are stars."""
        return after in ("***", b"***") and before != after

    def is_value_right(self, before, after):
        """Tell whether these are stars."""
        return self.is_text_right(before.as_py(), after.as_py())


class WrongStars(Stars):
    """Gives the values themselves to be written."""

    def apply(self, array):
        """Return what there was."""
        return array

    def apply_to_text(self, cells):
        """Return what there was."""
        return cells


@pytest.fixture
def row(monkeypatch):
    """Put a row into the table."""
    return lambda kind: monkeypatch.setitem(TREATMENTS, "stars", kind)


def _job(desk, column="note", **job):
    table = f'[jobs.nightly.treatments]\n{column} = "stars"'
    desk.write(more=table, **job)


def test_treatment_of_one_row_works_in_a_job(desk, row):
    """The partner gets what it makes; all else of the file is as ever."""
    row(TreatmentKind(Stars, hides=True))
    _job(desk)
    desk.put("a.csv")
    ended = desk.send()
    assert ended.code == 0, ended.err
    header, *lines = rows("a.csv").splitlines()
    stars = [line.rpartition(b",")[0] + b",***" for line in lines]
    desk.project.write("open.toml", SCHEMA.replace('encrypt = "seal"', "required = true"))
    assert desk.read("a.csv.pgp", "open.toml").splitlines() == [header, *stars]


def test_treatment_of_one_row_works_on_parquet(desk, row):
    """Nulls stay null."""
    row(TreatmentKind(Stars, hides=True))
    _job(desk, source="in/*.parquet")
    table = pa.table({"id": [1, 2], "email": ["a@x", None], "note": ["n", None]})
    pq.write_table(table, desk.project.folder / "in" / "a.parquet")
    ended = desk.send()
    assert ended.code == 0, ended.err
    wrapped = (desk.folder / "a.parquet.pgp").read_bytes()
    made = pq.read_table(io.BytesIO(desk.partner.run("--decrypt", stdin=wrapped)))
    assert made["id"].to_pylist() == [1, 2]
    assert made["note"].to_pylist() == ["***", None]


def test_marked_column_keeps_its_encryption_where_another_treatment_would_not_hide(desk, row):
    """The job is refused, by its check, too, and nothing is sent."""
    row(TreatmentKind(Stars, hides=False))
    _job(desk, "email")
    desk.put("a.csv")
    for how in ([], ["--check"], ["--dry-run"]):
        ended = desk.send(*how)
        said = ended.err + ended.out
        assert (ended.code, "'stars' would leave it readable" in said) == (12, True), said
    assert not desk.there()


def test_treatment_that_makes_something_else_is_stopped_by_the_proof(desk, row):
    """A run proves what every treatment made."""
    row(TreatmentKind(WrongStars, hides=True))
    _job(desk)
    desk.put("a.csv")
    ended = desk.send()
    assert (ended.code, "does not read back" in ended.err) == (1, True), ended.err
    assert not desk.there()


@pytest.mark.parametrize("said", ["leave_out = ['email', 'note']", ""])
def test_null_that_would_be_an_empty_line_is_refused(desk, said):
    """Readers of CSV pass over empty lines: the partner would have lost a row."""
    table = "" if said else "[jobs.nightly.treatments]\nemail = 'omit'\nnote = 'omit'"
    desk.write(more=f"{said}\n{table}")
    desk.project.write("schema.toml", SCHEMA.replace(", required = true, unique = true", ""))
    desk.project.write("in/a.csv", "id,email,note\n1,a@x,\n,b@x,\n3,c@x,\n")
    ended = desk.send()
    assert (ended.code, "column 'id', row 2: null in the only column" in ended.err) == (4, True)
    assert not desk.there()
    desk.project.write("in/a.csv", "id,email,note\n1,a@x,\n3,c@x,\n")
    assert desk.send().code == 0


@pytest.mark.parametrize("treatment", ["stars", "encrypt", "decrypt"])
def test_treatment_that_a_job_cannot_choose_is_refused(desk, treatment):
    """Keys are a matter of the schema's marks."""
    desk.write(more=f"[jobs.nightly.treatments]\nnote = {json.dumps(treatment)}")
    desk.put("a.csv")
    ended = desk.send()
    assert (ended.code, "these are: omit" in ended.err) == (3, True), ended.err


def test_treatment_of_a_column_that_is_not_in_the_schema_is_refused(desk):
    """It would be forgotten in silence."""
    desk.write(more='[jobs.nightly.treatments]\nnoet = "omit"')
    desk.put("a.csv")
    ended = desk.send()
    assert (ended.code, "'noet', which the schema" in ended.err) == (3, True), ended.err


def test_column_that_is_omitted_by_its_treatment_does_not_arrive(desk):
    """As if `leave_out` had named it."""
    desk.write(more='[jobs.nightly.treatments]\nnote = "omit"')
    desk.project.write("lean.toml", SCHEMA.replace("note", "#"))
    desk.put("a.csv")
    assert desk.send().code == 0
    expected = b"".join(line.rpartition(b",")[0] + b"\n" for line in rows("a.csv").splitlines())
    assert desk.read("a.csv.pgp", "lean.toml") == expected


def test_manifest_tells_of_the_columns_that_arrive(desk):
    """An omitted column is not in it; without a column that tells who it is, nothing is sent."""
    manifest = """[destinations.partner.manifest]
type = "profile"
client_email = "imports@example.com"
key_id = "00000000-0000-4000-8000-000000000000"
[jobs.nightly.treatments]
"""
    named = SCHEMA.replace('{ type = "integer"', '{ property = "Identity", type = "string"')
    desk.project.write("schema.toml", named)
    desk.write(
        destination='profile = "clevertap"\nrecipients = ["rsa"]', more=manifest + 'note = "omit"'
    )
    desk.project.write("in/a.csv", "id,email,note\nc-1001,a@x.org,n\nc-1002,b@x.org,m\n")
    ended = desk.send()
    assert ended.code == 0, ended.err
    (told,) = (data for name, data in desk.there().items() if name.endswith(".manifest"))
    assert set(json.loads(told)["columns"]) == {"id", "email"}
    desk.write(
        destination='profile = "clevertap"\nrecipients = ["rsa"]',
        more=manifest + 'id = "omit"\nemail = "omit"',
    )
    ended = desk.send("--again")
    assert (ended.code, "identity" in ended.err) == (3, True), ended.err
