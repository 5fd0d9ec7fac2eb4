"""What is nearly CSV gets the true word and a remedy: from all that read it, and with no value."""

import csv
import io
import re
import tomllib

import pyarrow as pa
import pytest
from pyarrow import csv as arrow_csv

from piienc.describe.inspect import inspect
from piienc.errors import InputError
from piienc.setup.infer.infer import infer
from piienc.storage import FileSource

C = "CANARY-4711"
ROWS = [["1", C, C], ["2", C, C]]
HEAD = "id,email,note\n"


def _lines(*lines, end="\n"):
    return "".join(line + end for line in lines)


def _rows(mark=",", end="\n"):
    return _lines(*(mark.join(row) for row in (HEAD.strip().split(","), *ROWS)), end=end)


ODD = {
    "header twice": (HEAD + _rows(), "line 2 is the header once more", "tail"),
    "NUL in the header": ("id,em\0ail,note\n", "NUL bytes in the first line", "file NAME"),
    "NUL at the end": (_rows() + "\0" * 40, "line 4: 1 field.*: NUL bytes", "written again"),
    "DOS end": (_rows() + "\x1a", "line 4: 1 field.*: the end-of-file mark of DOS", "tr -d"),
    "backslash and delimiter": (
        HEAD + f"1,{C}\\, {C},{C}\n",
        "line 2: 4 fields.*: a backslash before a delimiter",
        "quoted",
    ),
    "backslash and quote": (
        HEAD + f'1,"{C} \\"{C}\\" {C}",{C}\n',
        "line 2: a quote in the middle of a field: a backslash before a quote",
        r'escape = "',
    ),
    "space before a quote": (
        HEAD + f'1, "{C}", "{C}"\n',
        "line 2: a quote in the middle of a field: a space between",
        "no spaces",
    ),
    "footer": (_rows() + "(2 rows)\n", "line 4: 1 field, where the header has 3", "note"),
    "single quotes": (HEAD + f"1,'{C}, {C}',{C}\n", "line 2: 4 fields", 'quote = "\'"'),
    "title": (
        f"People of {C}\n\n" + _rows(),
        "line 3: 3 fields, where the header has 1|none of the columns",
        "title",
    ),
    "NEL": (_rows(end="\u0085"), r"first line holds U\+0085, which ends lines", "LF or CRLF"),
    "vertical tab": (_rows(end="\v"), r"first line holds U\+000B", "LF or CRLF"),
    "drawn": (
        f" id | email | note\n----+-------+------\n 1 | {C} | {C}\n",
        "a table drawn for people",
        "--csv",
    ),
    "drawn in a box": (
        f"+----+-------+\n| id | email |\n+----+-------+\n| {C} | {C} |\n",
        "a table drawn for people",
        "--batch",
    ),
    "lone CR in a row": (
        HEAD + f"1,{C},{C}\r\n2,{C},{C}\r3,{C},{C}\n",
        "line 3: a carriage return without a line feed",
        "LF or CRLF",
    ),
    "typographic quotes": (
        HEAD + f"1,“{C}, {C}”,{C}\n",
        "line 2: 4 fields.*: typographic quotes",
        'quoted by "',
    ),
    "formula": (HEAD + f'1,="{C}",{C}\n', "line 2: a quote.*: a field written as a formula", "="),
}
"""What is in the file, what is said, and the hint."""


def _readers(shop, name, schema):
    yield "encrypt-file", lambda: shop.encrypt(name, "y.csv", schema)
    yield "infer", lambda: infer(shop.folder / name)
    for how in (None, schema):
        yield (
            "inspect",
            lambda how=how: inspect(
                FileSource(shop.folder / name), known=dict, keys=dict, schema=how
            ),
        )


def _said(kind, read):
    with pytest.raises(InputError) as caught:
        read()
    assert C not in f"{caught.value} {caught.value.hint}", kind
    return str(caught.value), caught.value.hint


@pytest.mark.parametrize("kind", ODD)
def test_odd_file_gets_the_true_word_from_all_who_read_it(shop, kind):
    """And what to do about it; nothing of its content is shown."""
    data, word, remedy = ODD[kind]
    shop.write("x.csv", data)
    for who, read in _readers(shop, "x.csv", shop.schema()):
        said, hint = _said(f"{kind} {who}", read)
        assert re.search(word, said), who
        assert re.search(remedy, hint), who


@pytest.mark.parametrize("kind", ODD)
def test_odd_file_gets_the_true_word_from_verify(shop, check, kind):
    """A file that cannot be read is no finding."""
    data, word, remedy = ODD[kind]
    shop.write("x.csv", data)
    said, hint = _said(kind, lambda: check("x.csv", shop.schema()))
    assert re.search(word, said)
    assert re.search(remedy, hint)


@pytest.fixture
def check(shop):
    """Give a function that verifies a plain file."""
    from piienc.keys import KeyFolder
    from piienc.keys.openpgp.folder import PgpFolder
    from piienc.report.model import SchemaFacts
    from piienc.verification.available_keys import AvailableKeys
    from piienc.verification.request import VerifyRequest
    from piienc.verification.verify import verify

    def check(name, schema):
        facts = SchemaFacts("people", 1, "schema.toml", "0" * 64)
        wanted = VerifyRequest(schema=schema, facts=facts, expect="plain")
        at_hand = AvailableKeys(KeyFolder(shop.folder), used=False)
        return verify(
            FileSource(shop.folder / name), wanted, keys=at_hand, pgp=PgpFolder(shop.folder)
        )

    return check


@pytest.mark.parametrize("mark", [";", "\t", "|"])
@pytest.mark.parametrize("quoted", [False, True])
def test_other_delimiter_is_named_in_a_way_that_works(shop, check, mark, quoted):
    """The hint is put into the schema as it is, and the file is read."""
    out = io.StringIO()
    form = csv.QUOTE_ALL if quoted else csv.QUOTE_MINIMAL
    writer = csv.writer(out, delimiter=mark, quoting=form, lineterminator="\n")
    writer.writerows([HEAD.strip().split(","), *ROWS])
    shop.write("x.csv", out.getvalue())
    reads = (
        lambda: shop.encrypt("x.csv", "y.csv"),
        lambda: check("x.csv", shop.schema()),
        lambda: inspect(FileSource(shop.folder / "x.csv"), known=dict, keys=dict),
    )
    for read in reads:
        _, hint = _said(mark, read)
        told = tomllib.loads(re.search("delimiter = .*", hint)[0])
        assert told == {"delimiter": mark}
    assert infer(shop.folder / "x.csv").schema.csv[0].value == mark
    shop.encrypt("x.csv", "y.csv", shop.schema(csv={"delimiter": mark}))


@pytest.mark.parametrize(
    ("header", "word", "remedy"),
    [
        (",id,email,note", "column 1 has no name, as the index that pandas writes", "index=False"),
        ("id,email,note,", "line 2: 4 fields.*: data behind the delimiter", "name every column"),
        ("id,email,,note", "column 3 has no name", '[columns.""]'),
    ],
)
def test_column_without_a_name_is_told_with_why(shop, check, header, word, remedy):
    """By encrypt-file, verify and infer."""
    shop.write("x.csv", f"{header}\n1,2,3,4\n")
    reads = (
        lambda: shop.encrypt("x.csv", "y.csv"),
        lambda: check("x.csv", shop.schema()),
        lambda: infer(shop.folder / "x.csv"),
    )
    for read in reads[: 2 if "index" in word else 3]:  # infer proposes a column for an index
        said, hint = _said(header, read)
        assert re.search(word, said)
        assert remedy in hint or (read is reads[2] and "skip_rows" in hint)  # is it a title?


def test_column_without_a_name_is_kept_where_columns_may_be(shop):
    """As any other that the schema does not name."""
    shop.write("x.csv", f",id,email,note\n0,1,{C},{C}\n")
    shop.encrypt("x.csv", "y.csv", shop.schema(extra_columns="keep"))
    assert shop.read("y.csv").startswith(b",id,email,note\n0,1,")


@pytest.mark.parametrize(
    "header",
    ["ID,Email,Note", "id, email, note", "Id,EMAIL ,note\u00a0", "\u200bid,email,note"],
)
def test_names_that_differ_in_capitals_or_spaces_alone_are_told(shop, header):
    """Nobody sees a space in a list of names."""
    shop.write("x.csv", f"{header}\n1,{C},{C}\n")
    said, _ = _said(header, lambda: shop.encrypt("x.csv", "y.csv"))
    assert "names that differ from the schema's in capitals, spaces or invisible marks" in said


def test_separator_of_ascii_is_a_delimiter_like_any_other(shop):
    """Though other programs end lines at it."""
    form = {"csv": {"delimiter": "\x1e", "quote": "\x1f"}}
    shop.write("x.csv", (HEAD + f"1,{C},{C}\n").replace(",", "\x1e"))
    shop.encrypt("x.csv", "y.csv", shop.schema(**form))


def test_lines_that_are_quoted_as_a_whole_are_told(shop):
    """As a spreadsheet writes that has read CSV as text."""
    shop.write("x.csv", f'"id,email,note"\n"1,{C},{C}"\n')
    said, _ = _said("whole", lambda: shop.encrypt("x.csv", "y.csv"))
    assert "each line is quoted as a whole" in said


def test_row_of_data_in_the_place_of_the_header_is_no_column_without_a_name(shop):
    """A null in it is no name that is missing."""
    shop.write("x.csv", f"1,{C},\n2,{C},{C}\n")
    said, hint = _said("data", lambda: shop.encrypt("x.csv", "y.csv"))
    assert "none of the columns" in said
    assert "line 1 is the header" in hint


@pytest.mark.parametrize("rows", ['1\t"Ann\tx\n', '1\tAnn "A" Lee\tx\n', '1\t5" pipe\tx\n'])
def test_file_that_does_not_quote_is_read_by_the_remedy_that_is_named(shop, rows):
    """As `SELECT ... INTO OUTFILE` and many TSV exports write: quotes are data."""
    data = "id\temail\tnote\n" + rows
    shop.write("x.tsv", data)
    schema = shop.schema(csv={"delimiter": "\t"})
    _, hint = _said(rows, lambda: shop.encrypt("x.tsv", "y.tsv", schema))
    quote = tomllib.loads(re.search(r"quote = \"\S+\"", hint)[0])["quote"]
    shop.encrypt("x.tsv", "y.tsv", shop.schema(csv={"delimiter": "\t", "quote": quote}))
    shop.decrypt("y.tsv", "z.tsv", shop.schema(csv={"delimiter": "\t", "quote": quote}))
    assert shop.read("z.tsv") == data.encode()


TABLE = pa.table({"id": ["1", "2"], "email": ["a", None], "note": ['"x", y', "é\nz"]})


def _by_arrow():
    out = io.BytesIO()
    arrow_csv.write_csv(TABLE, out)
    return out.getvalue()


def _by_python(**form):
    out = io.StringIO()
    rows = zip(*TABLE.to_pydict().values(), strict=True)
    csv.writer(out, **form).writerows([TABLE.column_names, *rows])
    return out.getvalue()


@pytest.mark.parametrize(
    "data",
    [
        _by_arrow(),
        _by_python().encode(),
        _by_python(quoting=csv.QUOTE_ALL).encode("utf-8-sig"),  # Excel's "CSV UTF-8"
        _by_python(lineterminator="\n").encode(),
    ],
)
def test_what_common_writers_write_is_read(shop, data):
    """As it comes: Arrow, Python, Excel."""
    shop.write("x.csv", data)
    shop.encrypt("x.csv", "y.csv")
    shop.decrypt("y.csv", "z.csv", shop.schema())
    text = shop.read("z.csv").decode("utf-8-sig")
    assert list(csv.reader(io.StringIO(text, newline="")))[1:] == [
        ["1", "a", '"x", y'],
        ["2", "", "é\nz"],
    ]


def test_excels_unicode_text_is_read_by_the_remedies_that_are_named(shop):
    """UTF-16 with tabs: first the encoding is told, then the delimiter."""
    data = _rows("\t", "\r\n").encode("utf-16")
    shop.write("x.txt", data)
    _, hint = _said("Excel", lambda: shop.encrypt("x.txt", "y.txt"))
    told = tomllib.loads(re.search("encoding = .*", hint)[0])
    _, hint = _said("Excel", lambda: shop.encrypt("x.txt", "y.txt", shop.schema(csv=told)))
    told |= tomllib.loads(re.search("delimiter = .*", hint)[0])
    shop.encrypt("x.txt", "y.txt", shop.schema(csv=told))
    shop.decrypt("y.txt", "z.txt", shop.schema(csv=told))
    assert shop.read("z.txt") == data


def test_second_byte_of_a_letter_is_not_taken_for_a_backslash(shop):
    """So in Shift JIS, whose letters may end in its byte."""
    shop.write("x.csv", 'id,email,note\n1,2,\u30bd"x\n'.encode("cp932"))
    with pytest.raises(InputError, match="a quote in the middle of a field") as caught:
        shop.encrypt("x.csv", "y.csv", shop.schema(csv={"encoding": "cp932"}))
    assert "escape" not in caught.value.hint
