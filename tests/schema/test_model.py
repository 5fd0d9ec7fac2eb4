"""What may stand in schema.toml, and what is refused with which words."""

import json
from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Struct, structs
from msgspec.json import encode

from piienc import schema
from piienc.base.charsets import SUPPORTED
from piienc.errors import ConfigError
from piienc.schema import Column, CsvDialect, Schema
from piienc.schema.finder import OwnFinder, built_in
from piienc.tables import CsvFormat

HEAD = 'name = "n"\nversion = 1\n'
NO_MARK = "is not text of one to four bytes that may stand in a line"
UNSUPPORTED = f"is not one of the supported text encodings: {', '.join(SUPPORTED)}"


@pytest.fixture
def load(tmp_path):
    """Give a function that loads a text as schema.toml."""

    def load(text):
        path = tmp_path / "schema.toml"
        path.write_text(text, "utf-8")
        return schema.load(path)

    return load


@pytest.fixture
def mistakes(load, tmp_path):
    """Give a function that loads a faulty text and returns the lines of the refusal."""

    def mistakes(text):
        with pytest.raises(ConfigError) as caught:
            load(text)
        head, *lines = str(caught.value).split("\n  ")
        assert head.startswith(f"{tmp_path / 'schema.toml'}: {len(lines)} mistake")
        return lines

    return mistakes


def test_schema_with_bare_minimum_takes_defaults(load):
    """Name, version and one typed column are enough."""
    loaded = load(HEAD + '[columns.a]\ntype = "string"\n')
    assert loaded == Schema(name="n", version=1, columns={"a": Column(type="string")})
    assert loaded.csv == CsvDialect(delimiter=",", quote='"', encoding="utf-8")
    assert loaded.extra_columns == "error"


def test_schema_marked_gives_the_columns_with_a_key_in_order():
    """Only columns with `encrypt` are marked, in the order of the schema."""
    marked = Column(type="string", encrypt="k")
    loaded = Schema(
        name="n",
        version=1,
        columns={"z": marked, "plain": Column(type="string", mask="all"), "a": marked},
    )
    assert list(loaded.marked.items()) == [("z", marked), ("a", marked)]


@pytest.mark.parametrize(("given_context", "expected"), [(None, "a"), ("b", "b"), ("", "")])
def test_schema_context_of_column_is_its_name_unless_given(given_context, expected):
    """A context may be given, also an empty one; else it is the column's name."""
    column = Column(type="string", encrypt="k", context=given_context)
    assert Schema(name="n", version=1, columns={"a": column}).context_of("a") == expected


def test_schema_columns_sharing_key_and_context_are_accepted(load):
    """Two columns that shall be joined have one key and one context."""
    column = 'type = "string"\nencrypt = "k"\ncontext = "person"\n'
    loaded = load(f"{HEAD}[columns.a]\n{column}[columns.b]\n{column}")
    assert loaded.context_of("a") == loaded.context_of("b") == "person"


def test_schema_empty_file_tells_all_that_is_needed(mistakes):
    """Each missing field is told with an example."""
    assert mistakes("") == [
        'name: missing; add name = "user-profiles"',
        "version: missing; add version = 1",
        "columns: missing; add [columns.email]",
    ]


def test_schema_with_many_mistakes_lists_them_in_order_of_lines(mistakes):
    """A file full of mistakes is mended in one go."""
    assert mistakes(
        "version = '1'\n"
        "[csv]\n"
        "delimiter = ';;;;;'\n"
        "[columns.email]\n"
        "type = 'strng'\n"
        "encrypted = 'k'\n"
        "[columns.phone]\n"
    ) == [
        "line 1: version: '1' is not an integer of 1 or more; write version = 1",
        f"line 3: csv.delimiter: ';;;;;' {NO_MARK}",
        (
            "line 5: columns.email.type: 'strng' is not one of string, integer, float, boolean, "
            "date, timestamp, decimal, binary; did you mean 'string'?"
        ),
        "line 6: columns.email.encrypted: unknown; did you mean 'encrypt'?",
        'line 7: columns.phone.type: missing; add type = "string"',
        'name: missing; add name = "user-profiles"',
    ]


@pytest.mark.parametrize(
    ("text", "mistake"),
    [
        ("version = 0", "line 2: version: 0 is not an integer of 1 or more; write version = 1"),
        (
            "name = ''",
            "line 1: name: '' is not a string of length 1 or more; write name = \"user-profiles\"",
        ),
        ("[columns]", "line 3: columns: empty; write [columns.email]"),
        (
            "[columns.'']\ntype='string'\nencrypt='key'",
            'line 5: columns."".encrypt: no name binds its ciphertexts; add context = "TEXT"',
        ),
        (
            "extra_columns='kep'",
            "line 3: extra_columns: 'kep' is not one of error, keep; did you mean 'keep'?",
        ),
    ],
)
def test_schema_head_with_a_mistake_is_refused(mistakes, text, mistake):
    """Name, version, columns and extra_columns have their limits."""
    head = HEAD
    if "=" in text and (key := text.split(" =")[0]) in ("name", "version"):
        head = (
            "\n".join(text if line.startswith(key) else line for line in HEAD.splitlines()) + "\n"
        )
        text = ""
    columns = "" if "[columns" in text else "\n[columns.a]\ntype = 'string'"
    assert mistakes(head + text + columns) == [mistake]


@pytest.mark.parametrize(
    ("text", "mistake"),
    [
        (r"delimiter = '§§§'", f"delimiter: '§§§' {NO_MARK}"),
        ("delimiter = ''", f"delimiter: '' {NO_MARK}"),
        ("delimiter = ';x'", "delimiter: ';x' stands in encrypted cells, which are base64"),
        ("comment = '#####'", f"comment: '#####' {NO_MARK}"),
        ("comment = '//'", "comment: '//' stands in encrypted cells, which are base64"),
        (r'comment = "#\n"', rf"comment: '#\n' {NO_MARK}"),
        ("quote = '§'", "quote: '§' is not an ASCII character that may stand in a line"),
        ("quote = 'None'", "quote: 'None' is not an ASCII character that may stand in a line"),
        (
            r"escape = '\\'",
            r"escape: '\\\\' is not an ASCII character that may stand in a line",
        ),
        ("escape = '='", "escape: '=' stands in encrypted cells, which are base64"),
        ("null = 3", 'null: 3 is not a list; write null = ["\\\\N"]'),
        ("null = ['', 1]", "null[1]: 1 is not a string"),
        ("null = ['a,b']", "null[0]: 'a,b' holds the delimiter, so it is no bare field"),
        (r'null = ["", "a\n"]', r"null[1]: 'a\n' holds a line break, so it is no bare field"),
        ("null = ['\"']", "null[0]: '\"' holds a quote, so it is no bare field"),
        ("header = 'no'", "header: 'no' is not a boolean; write header = true"),
        ("skip_rows = -1", "skip_rows: -1 is not an integer of 0 or more; write skip_rows = 3"),
        ("lenient = 1", "lenient: 1 is not a boolean; write lenient = true"),
        (
            r'delimiter = "\n"',
            rf"delimiter: '\n' {NO_MARK}",
        ),
        ("quote = ''", "quote: '' is not an ASCII character that may stand in a line"),
        ("quote = 1", r'quote: 1 is not a string; write quote = "\""'),
        *(
            (
                f"{field} = '{mark}'",
                f"{field}: '{mark}' stands in encrypted cells, which are base64",
            )
            for field in ("delimiter", "quote")
            for mark in "aZ09+/="
        ),
        (r'quote = "\r"', r"quote: '\r' is not an ASCII character that may stand in a line"),
        ("encoding = 'utf-9'", f"encoding: 'utf-9' {UNSUPPORTED}"),
        ("encoding = 'base64'", f"encoding: 'base64' {UNSUPPORTED}"),
        ("encoding = 'idna'", f"encoding: 'idna' {UNSUPPORTED}"),
        ("encoding = 'utf-7'", f"encoding: 'utf-7' {UNSUPPORTED}"),
        (r'encoding = "a\u0000"', rf"encoding: 'a\x00' {UNSUPPORTED}"),
        ("escape = 1", 'escape: 1 is not a string; write escape = "\\\\"'),
        (
            "separator = ','",
            (
                "separator: unknown; known here: delimiter, quote, encoding, header, null, escape, "
                "comment, skip_rows, lenient"
            ),
        ),
    ],
)
def test_csv_dialect_with_a_mistake_is_refused(mistakes, text, mistake):
    """The dialect is one that a reader of CSV can follow."""
    assert mistakes(f"{HEAD}[csv]\n{text}\n[columns.a]\ntype='string'") == [
        f"line 4: csv.{mistake}"
    ]


@pytest.mark.parametrize(
    ("text", "mistake"),
    [
        ("quote = 'none'\nlenient = true", "csv.lenient: the file has no quotes; leave it out"),
        ("escape = ','", "csv: delimiter and escape are both ','; change one of them"),
        ("escape = '\"'", "csv: quote and escape are both '\"'; change one of them"),
        ("comment = '#'\nescape='#'", "csv: escape and comment are both '#'; change one of them"),
        (
            "delimiter = '||'\nquote = '|'",
            "csv: delimiter '||' and quote '|' share a character; change one of them",
        ),
        (
            "delimiter = '||'\nnull = ['a|b']",
            "csv.null[0]: 'a|b' holds the delimiter's beginning, so it is no bare field",
        ),
    ],
)
def test_csv_dialect_that_contradicts_itself_is_refused(mistakes, text, mistake):
    """Nobody could tell a field's end from a field."""
    [found] = mistakes(f"{HEAD}[csv]\n{text}\n[columns.a]\ntype='string'")
    assert found.partition(": ")[2] == mistake


@pytest.mark.parametrize(
    "text",
    [
        "delimiter = '||'\nquote = \"'\"\nescape = '\\'\ncomment = '--'",
        "delimiter = '¦'\nquote = 'none'\nnull = ['\\N', '\"', '']\nheader = false\nskip_rows = 2",
        "null = []\nlenient = true",
    ],
)
def test_csv_dialects_of_many_programs_are_accepted(load, text):
    """And the core takes them, too."""
    csv = load(f"{HEAD}[csv]\n{text}\n[columns.a]\ntype='string'").csv
    form = CsvFormat(
        csv.delimiter,
        csv.quote if csv.quoted else "",
        nulls=tuple(csv.nulls),
        escape=csv.escape or "",
        comment=csv.comment or "",
    )
    assert form.dialect.delimiter == csv.delimiter.encode()


def test_csv_dialect_with_delimiter_as_quote_is_refused(mistakes):
    """Also where one of the two is a default."""
    text = HEAD + "[csv]\ndelimiter = '\"'\n[columns.a]\ntype='string'"
    assert mistakes(text) == ["line 3: csv: delimiter and quote are both '\"'; change one of them"]


@pytest.mark.parametrize("encoding", ["utf-8", "latin-1", "cp1252", "UTF-16", "shift_jis"])
def test_csv_dialect_with_text_encoding_is_accepted(load, encoding):
    """Python's text encodings are known by all their names."""
    text = f"{HEAD}[csv]\nencoding = '{encoding}'\n[columns.a]\ntype='string'"
    assert load(text).csv.encoding == encoding


NO_PATTERN = "not a regular expression of RE2: missing ]: ["
ONLY_MARKED = 'only for a marked column; add encrypt = "KEY" or leave it out'


@pytest.mark.parametrize(
    ("kind", "text", "mistake"),
    [
        (
            "string",
            "pattern = '['",
            f"pattern: {NO_PATTERN}",
        ),
        (
            "string",
            "pattern = 'a{99999999999}'",
            (
                "pattern: RE2 takes {99999999999} for text; write {0,9}, up to 1000, "
                r"or \{99999999999} for the text"
            ),
        ),
        (
            "integer",
            "pattern = 'a'",
            "pattern: a rule for type string; this column's type is integer",
        ),
        (
            "date",
            "max_length = 3",
            "max_length: a rule for type string; this column's type is date",
        ),
        (
            "binary",
            "format = 'uuid'",
            "format: a rule for type string; this column's type is binary",
        ),
        (
            "string",
            "max_length = 0",
            "max_length: 0 is not an integer of 1 or more; write max_length = 80",
        ),
        (
            "string",
            "max_length = true",
            "max_length: true is not an integer of 1 or more; write max_length = 80",
        ),
        ("string", "enum = []", 'enum: empty; write enum = ["gold", "silver"]'),
        ("string", "enum = ['a', 1]", "enum[1]: 1 is not a value of type string"),
        ("integer", "enum = [1, true]", "enum[1]: true is not a value of type integer"),
        ("string", "min = 1", "min: 1 is not a bound for type string"),
        ("integer", "min = 1.5", "min: 1.5 is not a bound for type integer"),
        ("integer", "max = 2020-01-01", "max: 2020-01-01 is not a bound for type integer"),
        (
            "date",
            "max = 2020-01-01T00:00:00",
            "max: 2020-01-01 00:00:00 is not a bound for type date",
        ),
        ("timestamp", "min = 2020-01-01", "min: 2020-01-01 is not a bound for type timestamp"),
        ("float", "min = nan", "min: nan is not a finite number"),
        (
            "integer",
            "min = 07:32:00",
            "min: 07:32:00 is not a bound for type integer",
        ),
        (
            "string",
            "encrypt = ''",
            "encrypt: '' is not a string of length 1 or more; write encrypt = \"searchable\"",
        ),
        (
            "string",
            "encrypt = true",
            'encrypt: true is not a string of length 1 or more; write encrypt = "searchable"',
        ),
        ("string", "context = 'x'", f"context: {ONLY_MARKED}"),
        ("string", "encoding = 'binary'", f"encoding: {ONLY_MARKED}"),
        (
            "string",
            "property = ''",
            "property: '' is not a string of length 1 or more; write property = \"Identity\"",
        ),
    ],
)
def test_column_with_a_mistake_is_refused(mistakes, kind, text, mistake):
    """A rule that cannot hold, or does not fit the column's type, is refused where it stands."""
    text = f"{HEAD}[columns.a]\ntype = '{kind}'\n{text}"
    assert mistakes(text) == [f"line 5: columns.a.{mistake}"]


@pytest.mark.parametrize(
    ("kind", "least", "most", "mistake"),
    [
        ("integer", "2", "1", "1 is less than min, 2"),
        ("decimal", "0.5", "0", "0 is less than min, 0.5"),
        ("date", "2020-01-02", "2020-01-01", "2020-01-01 is less than min, 2020-01-02"),
        (
            "timestamp",
            "2020-01-01T00:00:00Z",
            "2021-01-01T00:00:00",
            "2021-01-01 00:00:00 cannot be compared with min, 2020-01-01 00:00:00+00:00",
        ),
    ],
)
def test_column_with_crossed_bounds_is_refused(mistakes, kind, least, most, mistake):
    """The least value is not above the greatest."""
    text = f"{HEAD}[columns.a]\ntype = '{kind}'\nmin = {least}\nmax = {most}"
    assert mistakes(text) == [f"line 6: columns.a.max: {mistake}"]


def test_column_with_faulty_type_tells_no_mistakes_that_follow_from_it(mistakes):
    """What depends on a refused field is not judged."""
    text = HEAD + "[columns.a]\ntype = 'text'\nmin = 1\npattern = 'a'\nencrypt = 1\ncontext = 'c'"
    assert [line.partition(":")[0] for line in mistakes(text)] == ["line 4", "line 7"]


def test_column_with_faulty_type_tells_the_mistakes_that_hold_for_any_type(mistakes):
    """What can be judged without the type is told in the same go."""
    text = HEAD + "[columns.a]\nmin = 07:32:00\nmax = 'x'\npattern = '['\n"
    assert mistakes(text + "[columns.b]\ntype = 'text'\nmin = 2\nmax = 1") == [
        'line 3: columns.a.type: missing; add type = "string"',
        "line 4: columns.a.min: 07:32:00 is not a bound",
        "line 5: columns.a.max: 'x' is not a bound",
        f"line 6: columns.a.pattern: {NO_PATTERN}",
        (
            "line 8: columns.b.type: 'text' is not one of string, integer, float, boolean, date, "
            "timestamp, decimal, binary"
        ),
        "line 10: columns.b.max: 1 is less than min, 2",
    ]


def test_column_with_many_mistakes_of_rules_lists_them_all(mistakes):
    """No check hides another; each value of an enum is judged."""
    text = HEAD + (
        "[columns.a]\ntype = 'integer'\npattern = '['\nmax_length = 3\nenum = ['a', 1, true]\n"
        "min = 1.5\nmax = 2020-01-01\ncontext = 'c'\nencoding = 'binary'\n"
    )
    assert mistakes(text) == [
        "line 5: columns.a.pattern: a rule for type string; this column's type is integer",
        f"line 5: columns.a.pattern: {NO_PATTERN}",
        "line 6: columns.a.max_length: a rule for type string; this column's type is integer",
        "line 7: columns.a.enum[0]: 'a' is not a value of type integer",
        "line 7: columns.a.enum[2]: true is not a value of type integer",
        "line 8: columns.a.min: 1.5 is not a bound for type integer",
        "line 9: columns.a.max: 2020-01-01 is not a bound for type integer",
        f"line 10: columns.a.context: {ONLY_MARKED}",
        f"line 11: columns.a.encoding: {ONLY_MARKED}",
    ]


def test_csv_dialect_with_many_mistakes_lists_them_all(mistakes):
    """Each field is judged, and the two characters against each other."""
    text = HEAD + "[csv]\ndelimiter = 'a'\nquote = 'a'\nencoding = 'x'\n[columns.a]\ntype='date'"
    assert mistakes(text) == [
        "line 3: csv: delimiter and quote are both 'a'; change one of them",
        "line 4: csv.delimiter: 'a' stands in encrypted cells, which are base64",
        "line 5: csv.quote: 'a' stands in encrypted cells, which are base64",
        f"line 6: csv.encoding: 'x' {UNSUPPORTED}",
    ]


ALLOWED = HEAD + "[columns.a]\ntype = 'string'\nallow = {}\n"
OWN = HEAD + "[columns.a]\ntype = 'string'\n[finders.own]\n{}\n"


def test_schema_with_finders_and_allowed_ones_is_accepted(load):
    """A finder of the schema's own may be silenced like a built-in one."""
    loaded = load(
        ALLOWED.format("{ email = 'our desks', own = 'only test numbers' }")
        + "[finders.own]\npattern = 'EMP-[0-9]+'\ndescription = 'a personnel number'\n"
    )
    assert loaded.columns["a"].allow == {"email": "our desks", "own": "only test numbers"}
    assert loaded.finders == {
        "own": OwnFinder(pattern="EMP-[0-9]+", description="a personnel number")
    }
    assert loaded.finders["own"].share == 0


@pytest.mark.parametrize(
    ("allow", "mistake"),
    [
        ("{ emial = 'x' }", "allow.emial: no finder has this name; did you mean 'email'?"),
        ("{ '?' = 'x' }", 'allow."?": no finder has this name; see docs/schema.md'),
        ("{ email = ' ' }", "allow.email: empty; say why this is no personal data"),
        ("{ email = '' }", "allow.email: '' is not a string of length 1 or more"),
        ("{ email = true }", "allow.email: true is not a string of length 1 or more"),
        (
            "'email'",
            (
                "allow: 'email' is not a table; write allow = "
                '{ email = "only addresses of our own desks" }'
            ),
        ),
    ],
)
def test_column_allowing_with_a_mistake_is_refused(mistakes, allow, mistake):
    """A finder is silenced by its name and with a reason."""
    assert mistakes(ALLOWED.format(allow)) == [f"line 5: columns.a.{mistake}"]


def test_column_that_is_marked_allows_nothing(mistakes):
    """Nothing is looked for in a marked column, so nothing can be silenced there."""
    assert mistakes(ALLOWED.format("{ email = 'x' }") + "encrypt = 'k'\n") == [
        "line 5: columns.a.allow: nothing is looked for in a marked column; leave it out"
    ]


@pytest.mark.parametrize(
    ("field", "mistake"),
    [
        ("pattern = '['", f"pattern: {NO_PATTERN}"),
        ("pattern = 'a*'", "pattern: 'a*' matches the empty string, so every cell"),
        (
            "pattern = ''",
            (
                "pattern: '' is not a string of length 1 or more; "
                r'write pattern = "\\bEMP-[0-9]{6}\\b"'
            ),
        ),
        (
            "pattern = 'a'\nshare = 1.5",
            "share: 1.5 is not a number of 0 or more and 1 or less; write share = 0.5",
        ),
        (
            "pattern = 'a'\nname = 'x'",
            "name: unknown; known here: pattern, description, checksum, share",
        ),
    ],
)
def test_finder_with_a_mistake_is_refused(mistakes, field, mistake):
    """A finder of the schema's own is checked like all else."""
    line = 7 + field.count("\n")
    assert mistakes(OWN.format("description = 'x'\n" + field)) == [
        f"line {line}: finders.own.{mistake}"
    ]


def test_finder_with_unknown_checksum_is_told_the_known_ones(mistakes):
    """The nearest checksum is offered."""
    text = OWN.format("description = 'x'\npattern = 'a'\nchecksum = 'lun'")
    (mistake,) = mistakes(text)
    assert mistake.startswith("line 8: finders.own.checksum: 'lun' is not one of card, luhn,")
    assert mistake.endswith("did you mean 'luhn'?")


def test_finder_named_like_a_built_in_one_is_refused(mistakes):
    """The built-in finders stay what they are."""
    own = "[finders.email]\ndescription = 'x'\npattern = 'a'\n"
    assert mistakes(HEAD + "[columns.a]\ntype = 'string'\n" + own) == [
        "line 5: finders.email: a built-in finder; take another name"
    ]


def test_schema_mistakes_point_to_the_page(load):
    """Whoever has to mend a schema is told where all fields are listed."""
    with pytest.raises(ConfigError) as caught:
        load("")
    assert "docs/schema.md" in caught.value.hint


BOUNDS = {
    "integer": st.integers(-(2**63), 2**63 - 1),
    "float": st.floats(allow_nan=False, allow_infinity=False),
    "decimal": st.integers(-9, 9) | st.floats(-9, 9),
    "date": st.dates(),
    "timestamp": st.datetimes(timezones=st.just(UTC) | st.just(timezone(timedelta(hours=-9.5)))),
}
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
NAMES = TEXT.filter(bool)
VALUES = {
    "string": TEXT,
    "integer": BOUNDS["integer"],
    "float": BOUNDS["float"] | BOUNDS["integer"],
    "boolean": st.booleans(),
    "decimal": TEXT | BOUNDS["decimal"],
}


@st.composite
def columns(draw):
    """Draw a valid column with any of its fields."""
    kind = draw(st.sampled_from([*VALUES, "date", "timestamp", "binary"]))
    fields = {
        "required": st.booleans(),
        "unique": st.booleans(),
        "enum": st.lists(VALUES.get(kind, TEXT), min_size=1, max_size=3),
        "property": NAMES,
        "mask": NAMES,
    }
    if kind == "string":
        fields |= {
            "pattern": st.sampled_from(["a+", r"\d{3}", "^['\"]\n$"]),
            "max_length": st.integers(1, 99),
            "format": st.sampled_from(["email", "phone", "uuid"]),
        }
    given_fields = draw(st.fixed_dictionaries({}, optional=fields))
    if kind in BOUNDS and draw(st.booleans()):
        bounds = sorted(draw(st.tuples(BOUNDS[kind], BOUNDS[kind])))
        given_fields |= dict(zip(["min", "max"], bounds, strict=True))
    if draw(st.booleans()):
        marks = {"context": TEXT, "encoding": st.sampled_from(["base64", "binary"])}
        given_fields |= draw(st.fixed_dictionaries({"encrypt": NAMES}, optional=marks))
    elif draw(st.booleans()):
        given_fields["allow"] = draw(
            st.dictionaries(st.sampled_from([*built_in()]), NAMES.filter(str.strip), max_size=2)
        )
    return Column(type=kind, **given_fields)


SCHEMAS = st.builds(
    Schema,
    name=NAMES,
    version=st.integers(1, 2**40),
    csv=st.builds(
        CsvDialect,
        delimiter=st.sampled_from([*",;\t|'", "||", "¦"]),
        quote=st.sampled_from([*'"`', "none"]),
        header=st.booleans(),
        null=st.none() | st.lists(st.sampled_from(["", "NULL", "\\N"]), max_size=3),
        escape=st.sampled_from([None, "\\"]),
        comment=st.sampled_from([None, "#", "--"]),
        skip_rows=st.integers(0, 9),
        encoding=st.sampled_from(["utf-8", "latin-1"]),
    ),
    extra_columns=st.sampled_from(["error", "keep"]),
    columns=st.dictionaries(NAMES, columns(), min_size=1, max_size=3),
    finders=st.none()
    | st.dictionaries(
        NAMES.filter(lambda name: name not in built_in()),
        st.builds(
            OwnFinder,
            pattern=st.sampled_from(["EMP-[0-9]{6}", r"\bx+"]),
            description=NAMES,
            checksum=st.none() | st.just("luhn"),
            share=st.floats(0, 1),
        ),
        max_size=2,
    ),
)


def dumped(value):
    """Write a value as TOML; a table as an inline one."""
    if isinstance(value, Struct):
        fields = structs.asdict(value)
        return dumped({key: fields[key] for key in fields if fields[key] is not None})
    if isinstance(value, dict):
        return "{" + ", ".join(f"{dumped(key)} = {dumped(value[key])}" for key in value) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(dumped, value)) + "]"
    if isinstance(value, date | datetime):
        return value.isoformat()
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


@given(SCHEMAS)
def test_schema_dumped_to_toml_loads_equal(tmp_path_factory, drawn):
    """The file says all that the model knows."""
    path = tmp_path_factory.mktemp("schema") / "schema.toml"
    fields = structs.asdict(drawn)
    said = [key for key in fields if fields[key] is not None]
    path.write_text("".join(f"{key} = {dumped(fields[key])}\n" for key in said), "utf-8")
    loaded = schema.load(path)
    assert loaded == drawn
    assert list(loaded.columns) == list(drawn.columns)
    assert encode(loaded) == encode(drawn)  # tells 1, 1.0 and true apart
