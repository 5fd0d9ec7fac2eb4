"""Schemas proposed by samples: they hold for the sample, and hold no value of it."""

import ast
import datetime as dt
import gzip
import math
import re
import tomllib
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import parquet as pq

import piienc
from piienc import schema as schemas
from piienc.errors import InputError
from piienc.schema.dialect import CsvDialect
from piienc.schema.propose import dump
from piienc.setup.infer.dialect import as_options
from piienc.setup.infer.infer import infer
from piienc.setup.infer.judge import KeyNames

CANARY = "Canary4711"


def _infer(path, **options):
    """Propose, and return the TOML and the schema that it holds."""
    text = dump(infer(path, **options).schema)
    file = path.with_name("schema.toml")
    file.write_text(text, "utf-8")
    return text, schemas.load(file)


def _csv(folder, *values, header="c", encoding="utf-8"):
    path = folder / "sample.csv"
    path.write_bytes("\n".join([header, *values, ""]).encode(encoding))
    return path


def _comment(text, line):
    (found,) = re.findall(rf"^{re.escape(line)}  # (.*)$", text, re.MULTILINE)
    return found


@pytest.mark.parametrize(
    ("values", "kind", "why"),
    [
        (["1", "-20", "0"], "integer", "3 of 3 values"),
        (["1", "2.5", "-3e4"], "float", "3 of 3 values"),
        (["true", "false"], "boolean", "2 of 2 values"),
        (["2024-02-29"], "date", "1 of 1 values"),
        (["2024-02-29T10:00:00", "2024-02-29 10:00"], "timestamp", "2 of 2 values"),
        (["2024-02-29T10:00:00.5Z", "2024-02-29T10:00+01:00"], "timestamp", "2 of 2 values"),
        (["00123", "10115"], "string", "1 of 2 values are digits with leading zeros, which no"),
        (["01/02/2024", "03/04/2024"], "string", "dates in a local form: which part is the day"),
        (["2023-02-29"], "string", "1 of 1 values are text of no other type"),
        (["yes", "no"], "string", "reads like yes and no; a boolean is true or false"),
        (["12345678901234567890"], "string", "digits that 64 bits may not hold"),
        (["+12025550117"], "string", "all values have a format of their own"),
        (["2024-01-01T10:00:00Z", "2024-01-01T10:00:00"], "string", "some timestamps with an"),
        (["1", "x"], "string", "2 of 2 values are text of no other type"),
        (["-0"], "float", "1 of 1 values"),
        (["NaN"], "string", "1 of 1 values are text of no other type"),
        ([",", ","], "string", "no value was seen: is it a string?"),
    ],
)
def test_infer_type_with_what_was_seen(tmp_path, values, kind, why):
    """A type holds for every value; where one would lose something, it is string and says so."""
    header = "c,d" if values[0] == "," else "c"
    text, schema = _infer(_csv(tmp_path, *values, header=header))
    assert schema.columns["c"].type == kind
    line = text[text.index("[columns.c]") :]
    found = re.search(rf'^type = "{kind}"  # (.*)$', line, re.MULTILINE)
    assert found
    assert found[1].startswith(why)


@pytest.mark.parametrize(
    ("values", "note"),
    [
        (["1.50", "2.25"], 'if it is money, type = "decimal" keeps every digit'),
        (["0", "1", "0"], "only 2 different values: is it a flag?"),
        (["1", "x"], "some values are numbers, and others are not"),
    ],
)
def test_infer_doubt_is_a_comment(tmp_path, values, note):
    """What cannot be known is asked, and nothing is chosen for it."""
    text, _ = _infer(_csv(tmp_path, *values))
    assert re.search(rf"^# .*{re.escape(note)}", text, re.MULTILINE)


def test_infer_null_is_counted_and_required_only_without_one(tmp_path):
    """Required is what was seen, and in how many rows."""
    text, schema = _infer(_csv(tmp_path, "1,a", "2,", header="x,y"))
    assert schema.columns["x"].required
    assert _comment(text, "required = true") == "no null in 2 of 2 rows"
    assert not schema.columns["y"].required
    assert "\n# 1 of 2 rows are null\n" in text


def test_infer_unique_is_suggested_and_never_chosen(tmp_path):
    """A sample cannot prove it."""
    text, schema = _infer(_csv(tmp_path, "a", "b"))
    assert "# unique = true  # all 2 values are different" in text
    assert not schema.columns["c"].unique
    assert "unique" not in _infer(_csv(tmp_path, "a", "a"))[0]


@pytest.mark.parametrize(
    ("value", "form"),
    [
        ("ada@example.com", "email"),
        ("+12025550117", "phone"),
        ("123e4567-e89b-12d3-a456-426614174000", "uuid"),
        ("https://example.com/a?b#c", "url"),
        ("192.0.2.17", "ipv4"),
        ("2001:db8::17", "ipv6"),
        ("GB", "country"),
        ("EUR", "currency"),
    ],
)
def test_infer_format_only_where_all_values_have_it(tmp_path, value, form):
    """One value without it makes a suggestion of it."""
    assert _infer(_csv(tmp_path, value, value))[1].columns["c"].format == form
    text, schema = _infer(_csv(tmp_path, value, value, "?"))
    assert schema.columns["c"].format is None
    assert f'# format = "{form}"  # 1 of 3 values are not: mend them, or leave it out' in text


@pytest.mark.parametrize(
    ("name", "values", "key", "carried"),
    [
        ("E-Mail", ["x"], "searchable", "Email"),
        ("customerEmail", ["x"], "searchable", "Email"),
        ("Telefonnummer", ["030 1"], "searchable", "Phone number"),
        ("user_id", ["17"], "searchable", "Identity"),
        ("nom", ["x"], "sealed", "Name"),
        ("Geschlecht", ["w"], "sealed", "Gender"),
        ("fecha_nacimiento", ["2000-01-01"], "sealed", "Date of birth"),
        ("lat", ["1.5"], "sealed", "Latitude"),
        ("lng", ["1.5"], "sealed", "Longitude"),
        ("City", ["x"], "sealed", "Location"),
        ("street", ["x"], "sealed", None),
        ("IBAN", ["x"], "sealed", None),
        ("ipAddr", ["x"], "sealed", None),
        ("anything", ["ada@example.com"], "searchable", "Email"),
        ("anything", ["+12025550117"], "searchable", "Phone number"),
        ("anything", ["192.0.2.17"], "sealed", None),
        ("anything", ["2001:db8::17"], "sealed", None),
        ("anything", ["GB82WEST12345698765432"], "sealed", None),
        ("anything", ["GB82 WEST 1234 5698 7654 32"], "sealed", None),
        ("anything", ["GB83WEST12345698765432"], None, None),
        ("anything", ["4111111111111111"], "sealed", None),
        ("anything", ["4111111111111112"], None, None),
        ("anything", ["078-05-1120"], "sealed", None),
        ("anything", ["write to ada@example.com"], None, None),
        ("product_name", ["x"], None, None),
        ("email_verified", ["true"], None, None),
        ("id", ["17"], None, None),
    ],
)
def test_infer_marks_personal_data_by_name_and_by_content(tmp_path, name, values, key, carried):
    """In several languages, with the property where there is one."""
    column = _infer(_csv(tmp_path, *values, header=name))[1].columns[name]
    assert (column.encrypt, column.property) == (key, carried)


def test_infer_reads_a_table_without_columns(tmp_path):
    """It proposes a schema without columns."""
    path = tmp_path / "x.parquet"
    pq.write_table(pa.table({}), path)
    assert not infer(path).schema.columns


def test_infer_gives_a_format_to_dates_that_parquet_has_as_text(tmp_path):
    """Text stays text in the file, and can yet be held to the form of a date."""
    path = tmp_path / "x.parquet"
    moments = ["2024-02-29T10:00Z", "2024-03-01T10:00"]
    pq.write_table(pa.table({"day": ["2024-02-29", None], "at": moments}), path)
    columns = _infer(path)[1].columns
    assert [column.type for column in columns.values()] == ["string", "string"]
    assert [column.format for column in columns.values()] == ["date", "datetime"]


def test_infer_finds_personal_numbers_of_parquet(tmp_path):
    """Integers are looked at as their digits."""
    path = tmp_path / "x.parquet"
    pq.write_table(pa.table({"n": [4111111111111111, 5500005555555559]}), path)
    text, schema = _infer(path)
    assert schema.columns["n"].encrypt == "sealed"
    assert "2 of 2 values look like a payment card number" in text


def test_infer_does_not_take_a_few_lucky_numbers_for_cards(tmp_path):
    """One number in ten has the check digit of a card by chance."""
    numbers = [str(4000000000000000 + n * 7) for n in range(40)]
    text, _ = _infer(_csv(tmp_path, *numbers))
    assert "card" not in text


def test_infer_proposes_the_keys_that_are_named(tmp_path):
    """The names of the keys are the user's."""
    path = _csv(tmp_path, "a,b", header="email,gender")
    _, schema = _infer(path, keys=KeyNames("look", "seal"))
    assert [column.encrypt for column in schema.columns.values()] == ["look", "seal"]


def test_infer_seals_what_has_few_values_whatever_its_name(tmp_path):
    """Equal cells of few values could be guessed, and the reason says how many there are."""
    text, schema = _infer(_csv(tmp_path, *["a", "b"] * 60, header="user_id"))
    assert schema.columns["user_id"].encrypt == "sealed"
    why = "sealed: only 2 different values, which could be guessed"
    assert _comment(text, 'encrypt = "sealed"') == why


def test_infer_marks_nothing_for_a_name_that_the_type_contradicts(tmp_path):
    """A flag about an address is no address, and it is a question."""
    text, schema = _infer(_csv(tmp_path, "true", "false", header="email_ok"))
    assert schema.columns["email_ok"].encrypt is None
    assert '# encrypt = "searchable"' in text
    assert "its name tells of an e-mail address, its type does not" in text


def test_infer_suggests_a_mark_where_a_few_values_are_personal(tmp_path):
    """A note that somebody wrote an address into is for people to decide on."""
    text, schema = _infer(_csv(tmp_path, "x", "y", "ada@example.com", header="note"))
    assert schema.columns["note"].encrypt is None
    assert "1 of 3 values look like an email address" in text


def test_infer_gives_a_property_to_one_column_only(tmp_path):
    """Which of two addresses the receiver should know is not for us to say."""
    text, schema = _infer(_csv(tmp_path, "a,b", header="email,work_email"))
    assert all(column.encrypt and not column.property for column in schema.columns.values())
    assert text.count("several columns could carry it") == 2


@pytest.mark.parametrize("mark", [",", ";", "\t", "|"])
def test_infer_finds_the_delimiter(tmp_path, mark):
    """By the header, quoted ones apart."""
    text, schema = _infer(_csv(tmp_path, mark.join("123"), header=f'a{mark}"b,;|,;|"{mark}c'))
    assert schema.csv.delimiter == mark
    assert list(schema.columns) == ["a", "b,;|,;|", "c"]
    assert "stands 2 times in the header" in text


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-be", "utf-32"])
def test_infer_finds_the_encoding(tmp_path, encoding):
    """The sample can be encrypted with the schema as it is."""
    text, schema = _infer(_csv(tmp_path, "é", "ü", header="naïve", encoding=encoding))
    assert list(schema.columns) == ["naïve"]
    assert schema.csv.encoding == encoding.removesuffix("-sig")
    assert "reads all rows looked at" in text


def test_infer_reads_compressed_samples(tmp_path):
    """By the content, as all of piienc does; the suffixes are not in the schema's name."""
    for name in ("people.csv.gz", "people.csv"):
        (tmp_path / name).write_bytes(gzip.compress(b"a\n1\n"))
        assert _infer(tmp_path / name)[1].name == "people"


def test_infer_looks_at_no_more_rows_than_it_may(tmp_path):
    """What comes behind them is not seen, and the head says so."""
    path = _csv(tmp_path, "1", "2", "x")
    text, schema = _infer(path, rows=2)
    assert schema.columns["c"].type == "integer"
    assert "from the first 2 rows." in text
    assert "from 3 rows, the whole sample." in _infer(path, rows=3)[0]
    assert _infer(path, rows=0)[1].columns["c"].type == "string"


def test_infer_does_not_keep_more_different_values_than_it_may(tmp_path, monkeypatch):
    """Then nothing is said of how often they repeat."""
    path = _csv(tmp_path, "a", "b", "c")
    monkeypatch.setattr("piienc.setup.infer.profile.MOST_DIFFERENT", 2)
    assert "unique" not in _infer(path)[0]


def test_infer_takes_types_from_parquet(tmp_path):
    """The file knows better than its values look."""
    path = tmp_path / "x.parquet"
    day = dt.date(2000, 1, 1)
    table = pa.table(
        {
            "s": ["1", None],
            "d": pa.array(["a", "a"]).dictionary_encode(),
            "n": pa.array([1, 1]).dictionary_encode(),
            "i": pa.array([1, 2], pa.uint8()),
            "f": [1.5, math.nan],
            "b": [True, None],
            "day": [day, day],
            "t": pa.array([0, 1], pa.timestamp("us", "UTC")),
            "dec": pa.array([1, 2], pa.decimal128(5, 2)),
            "bin": [b"\xff", b""],
            "l": [[1], [2]],
            "nothing": pa.nulls(2),
            "email": ["ada@example.com", "x"],
        }
    )
    pq.write_table(table, path)
    text, schema = _infer(path)
    types = [column.type for column in schema.columns.values()]
    known = ["integer", "integer", "float", "boolean", "date", "timestamp", "decimal", "binary"]
    assert types == ["string"] * 2 + known + ["string"] * 3
    assert "no type of a schema fits the file's" in text
    assert schema.marked.keys() == {"email"}


def test_infer_proposes_a_column_without_a_name(tmp_path):
    """As the index that pandas writes."""
    text, schema = _infer(_csv(tmp_path, "0,ada@example.com", "1,bob@example.com", header=",email"))
    assert '[columns.""]' in text
    assert [*schema.columns] == ["", "email"]
    assert (schema.columns[""].type, *schema.marked) == ("integer", "email")


@pytest.mark.parametrize("value", ["GB82WEST12345698765432", "078-05-1120", "+442071234567"])
def test_infer_refuses_a_header_of_personal_data_of_any_kind(tmp_path, value):
    """By the same finders that look at the values."""
    with pytest.raises(InputError, match="looks like a row of data"):
        infer(_csv(tmp_path, "x,y", header=f"{value},17"))


def test_infer_refuses_a_row_of_data_as_a_header(tmp_path):
    """Names of columns are written into the schema, and personal data must not be."""
    with pytest.raises(InputError, match="looks like a row of data") as caught:
        infer(_csv(tmp_path, "x,y", header="ada@example.com,17"))
    assert "ada" not in str(caught.value) + caught.value.hint


_FITS = {
    "integer": lambda value: -(2**63) <= int(value) < 2**63 and str(int(value)) == value,
    "float": lambda value: math.isfinite(float(value)),
    "boolean": lambda value: value in ("true", "false"),
    "date": dt.date.fromisoformat,
    "timestamp": dt.datetime.fromisoformat,
    "string": str,
}
_TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12)
_CELLS = st.one_of(
    st.none(),
    _TEXT,
    st.integers().map(str),
    st.floats().map(str),
    st.dates().map(str),
    st.datetimes(timezones=st.none() | st.just(dt.UTC)).map(lambda at: at.isoformat()),
    st.sampled_from(["true", "false", "007", "1e5", "1.0", "-0", "a@b.example", "+4930123456"]),
)
_COLUMN_NAMES = st.lists(
    _TEXT.filter(lambda name: name.strip() and "@" not in name and "\r" not in name),
    min_size=1,
    max_size=4,
    unique=True,
)


def _quoted(value):
    return "" if value is None else '"' + value.replace('"', '""') + '"'


@given(data=st.data(), names=_COLUMN_NAMES, mark=st.sampled_from(",;\t|"))
def test_infer_schema_of_any_table_loads_and_its_values_fit(tmp_path_factory, data, names, mark):
    """Whatever the file holds: its columns are the schema's, and its values of their types."""
    kind = data.draw(st.sampled_from([_CELLS, st.integers().map(str), st.dates().map(str)]))
    rows = data.draw(st.lists(st.tuples(*[kind | st.none()] * len(names)), max_size=8))
    path = tmp_path_factory.mktemp("any") / "x.csv"
    lines = [mark.join(map(_quoted, row)) for row in (names, *rows)]
    path.write_bytes("".join(line + "\n" for line in lines).encode())
    _, schema = _infer(path)
    assert list(schema.columns) == names
    if len(names) == 1:
        rows = [row for row in rows if row != (None,)]  # a blank line is no row
    for number, column in enumerate(schema.columns.values()):
        values = [row[number] for row in rows]
        assert not column.required or None not in values
        assert all(_FITS[column.type](value) is not False for value in values if value is not None)


@given(
    rows=st.lists(
        st.tuples(*[st.sampled_from(["{}", "{}@example.com", "+49301{}", "x {}", "{}.5"])] * 3),
        min_size=1,
        max_size=6,
    )
)
def test_infer_writes_no_value_of_the_sample(tmp_path_factory, rows):
    """Neither in a comment nor in a rule, whatever the values look like."""
    path = tmp_path_factory.mktemp("canary") / "x.csv"
    cells = [[shape.format(f"{CANARY}{n}47114711") for shape in row] for n, row in enumerate(rows)]
    path.write_text("\n".join(["email,note,code", *map(",".join, cells), ""]), "utf-8")
    found = infer(path)
    written = dump(found.schema) + repr(found)
    assert CANARY not in written
    assert "47114711" not in written
    assert tomllib.loads(dump(found.schema))["version"] == 1


CJK = {
    "shift_jis": ["住所", "東京都千代田区", "名前", "カタカナ", "ひらがな"],
    "euc_jp": ["住所", "東京都千代田区", "名前", "カタカナ", "ひらがな"],
    "gb18030": ["地址", "北京市海淀区中关村", "姓名", "张伟"],
    "big5": ["地址", "臺北市中正區", "姓名", "陳怡君"],
    "euc_kr": ["주소", "서울특별시", "이름", "김철수"],
    "cp1252": ["Straße", "Müllerstraße", "Größe", "naïve café"],
    "cp1251": ["Адрес", "Москва", "Имя"],
    "koi8-r": ["Адрес", "Москва", "Имя"],
}


@pytest.mark.parametrize("encoding", CJK)
def test_infer_proposes_no_encoding_that_it_cannot_know(tmp_path, encoding):
    """It is a comment, whose candidates all read the sample, and the right one is among them."""
    words = CJK[encoding] * 40
    path = _csv(tmp_path, *words, header="name", encoding=encoding)
    text, schema = _infer(path)
    assert schema.csv.encoding == "utf-8"  # the default, which refuses the file
    line = re.search(r"# encoding = \"(.*?)\"  # not UTF-8.*", text)
    assert line
    others = line[0].partition("can be read by ")[2].removesuffix(", too").split(", ")
    candidates = [line[1], *filter(None, others)]
    raw = path.read_bytes()
    assert raw in {raw.decode(each).encode(each) for each in candidates}
    for each in candidates:
        raw.decode(each)
    same = {"shift_jis": "cp932", "euc_kr": "cp949"}
    assert same.get(encoding, encoding) in candidates


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "iso2022_jp"])
def test_infer_proposes_what_the_bytes_prove_without_a_mark(tmp_path, encoding):
    """Zeros beside each letter, and the escapes of ISO-2022-JP."""
    _, schema = _infer(_csv(tmp_path, "東京,x", header="a,b", encoding=encoding))
    assert schema.csv.encoding == encoding


def test_infer_judges_the_encoding_by_the_rows_that_it_looks_at(tmp_path):
    """What comes far behind them is another thing."""
    rows = ["Ann"] * 200_000
    path = _csv(tmp_path, *rows, "é", encoding="latin-1")
    assert _infer(path, rows=10)[1].csv.encoding == "utf-8"
    assert "# encoding" in _infer(path, rows=0)[0]


@pytest.mark.parametrize(
    ("text", "given", "mark"),
    [
        ("a,b,c,\nd;e\n1;2\n", {"skip_rows": 1}, ";"),
        ("#,,,\nd;e\n1;2\n", {"comment": "#"}, ";"),
        ("\n\nd;e\n1;2\n", {}, ";"),
        ('"sep=;"\nd;"e,f,"\n1;2\n', {}, ";"),
        ("d\\,\\,;e\n1;2\n", {"escape": "\\"}, ";"),
        ("'d,,';e\n1;2\n", {"quote": "'"}, ";"),
        ('d";e;"\n1;2;3\n', {"quote": "none"}, ";"),
        ("d,e\r1;;;,2\r", {}, ","),
        ("d;e\n1;2\n", {"delimiter": ","}, ","),
    ],
)
def test_infer_looks_for_the_delimiter_in_the_header_alone(tmp_path, text, given, mark):
    """Not in lines that are skipped, nor in what is quoted or escaped by what is given."""
    path = tmp_path / "x.csv"
    path.write_bytes(text.encode())
    assert _infer(path, csv=given)[1].csv.delimiter == mark


@pytest.mark.parametrize(
    ("values", "kind", "nulls"),
    [
        (["1", "NULL"], "integer", ["", "NULL"]),
        (["2024-02-29", "NULL", ""], "date", ["", "NULL"]),
        (["2024-02-29T10:00Z", r"\N"], "timestamp", ["", r"\N"]),
        (["x", r"\N"], "string", ["", r"\N"]),
        (["1", "NULL", r"\N"], "integer", ["", "NULL", r"\N"]),
        (["1", '"NULL"'], "string", [""]),
        (["x", r'"\N"'], "string", [""]),
        (["Smith", "NULL"], "string", [""]),
        (["NULL", "NULL"], "string", [""]),
        (["1", "null"], "string", [""]),
        (["1", r"\N\N"], "string", [""]),
    ],
)
def test_infer_takes_what_databases_write_for_null_as_null(tmp_path, values, kind, nulls):
    r"""`\N` anywhere, `NULL` only beside values of a type alone, and neither in quotes."""
    text, schema = _infer(_csv(tmp_path, *(f"{value},x" for value in values), header="c,d"))
    assert schema.columns["c"].type == kind
    assert schema.csv.nulls == nulls
    if nulls != [""]:
        empty = sum(value in nulls for value in values)
        assert f"\n# {empty} of {len(values)} rows are null\n" in text
        assert "without quotes in 1 of 2 columns" in text


def test_infer_takes_null_far_above_the_other_values_as_null(tmp_path):
    """Several blocks of a file are one column."""
    path = _csv(tmp_path, "NULL", *map(str, range(600_000)))
    assert _infer(path, rows=0)[1].columns["c"].type == "integer"


def test_infer_guesses_no_null_where_it_is_given(tmp_path):
    """What else could be null is a value then."""
    path = _csv(tmp_path, "1", "NULL", "-")
    assert _infer(path, csv={"null": ["-"]})[1].csv.null == ["-"]


def test_infer_guesses_no_encoding_where_it_is_given(tmp_path):
    """It is sure, then, and no comment."""
    text, schema = _infer(_csv(tmp_path, "é", encoding="cp1252"), csv={"encoding": "cp1252"})
    assert schema.csv.encoding == "cp1252"
    assert 'encoding = "cp1252"  # as given' in text


def test_infer_numbers_the_columns_of_a_sample_without_a_header(tmp_path):
    """Equal rows are no header twice, and a row of another length is told as such."""
    columns = _infer(_csv(tmp_path, "1,,a", header="1,,a"), csv={"header": False})[1].columns
    assert list(columns) == ["column_1", "column_2", "column_3"]
    with pytest.raises(InputError, match="line 2: 2 fields, where the first record has 3"):
        infer(_csv(tmp_path, "1,a", header="1,,a"), csv={"header": False})


def test_infer_knows_an_option_for_each_field_that_a_hint_on_csv_names():
    """No hint of a reader of CSV sends people to a schema that is not there yet."""
    folder = Path(piienc.__file__).parent / "tables" / "csv"
    nodes = (node for path in folder.glob("*.py") for node in ast.walk(ast.parse(path.read_text())))
    texts = [node.value for node in nodes if isinstance(node, ast.Constant)]
    hints = [text for text in texts if isinstance(text, str) and "[csv]" in text]
    assert len(hints) > 5
    for hint in hints:
        said = as_options(hint)
        assert "[csv]" not in said
        assert " in the schema" not in said
        names = re.findall(r"(?<=--)[a-z-]+", said)
        fields = {"header" if name == "no-header" else name.replace("-", "_") for name in names}
        assert fields <= {*CsvDialect.__struct_fields__}
