"""Records are found as Python's csv finds them, whole or in pieces, and written anew."""

import csv
import io
from itertools import dropwhile, pairwise

import pytest
from hypothesis import assume, example, given, reject
from hypothesis import strategies as st

from piienc.core import Dialect, Fault, FaultKind, PlainEngine, Strings, Unreadable, Unwritable
from piienc.core.plain.fields import FieldForm

ESCAPED = Dialect(escape=b"\\")
DIALECTS = {
    "comma": Dialect(),
    "semicolon": Dialect(delimiter=b";", quote=b"'", line_end=b"\r\n"),
    "cr": Dialect(line_end=b"\r"),
    "crcrlf": Dialect(line_end=b"\r\r\n"),
    "escape": ESCAPED,
    "lenient": Dialect(lenient=True),
    "lenient escape": Dialect(lenient=True, escape=b"\\"),
    "unquoted": Dialect(quote=b""),
    "mysql": Dialect(delimiter=b"\t", quote=b"", escape=b"\\", nulls=(b"\\N",)),
    "comment": Dialect(comment=b"#"),
    "long comment": Dialect(comment=b"//", nulls=(b"//", b"a")),
    "bars": Dialect(delimiter=b"||"),
    "broken bar": Dialect(delimiter="¦".encode(), quote=b"'", escape=b"\\"),
    "colons, unquoted": Dialect(delimiter=b"::", quote=b"", escape=b"\\"),
    "nulls": Dialect(nulls=(b"a", b"NULL")),
    "trailing": Dialect(trailing=True),
    "all": Dialect(b"::", b'"', b"\\", b"#", (b"\\N", b"#N"), b"\r", lenient=True, trailing=True),
}
OF_CSV = [name for name in DIALECTS if len(DIALECTS[name].delimiter) == 1 and "comment" not in name]

dialects = st.sampled_from([*DIALECTS.values()])
texts = st.text("ab,;\"'\n\r\\#/|:¦\t N", max_size=5).map(str.encode)
columns = st.integers(1, 4)


def garbage(dialect):
    """Bytes, most of which mean something."""
    pieces = [dialect.delimiter, dialect.quote, dialect.escape, dialect.comment, dialect.line_end]
    pieces += [
        *dialect.nulls,
        b"\n",
        b"\r\n",
        b"\r",
        b"a",
        b"b",
        b"\xc3",
        b'"',
        dialect.delimiter[:1],
    ]
    often = [dialect.delimiter, dialect.quote, dialect.line_end] * 2
    return st.lists(st.sampled_from(pieces + often), max_size=24).map(b"".join)


files = dialects.flatmap(lambda dialect: st.tuples(st.just(dialect), garbage(dialect)))


def rows_of(records):
    try:
        cells = [records.column(number).to_list() for number in range(records.columns)]
    except Unreadable:
        reject()
    return [list(row) for row in zip(*cells, strict=True)]


def reader_of(dialect, data):
    return csv.reader(
        io.StringIO(data.decode("latin-1"), newline=""),
        delimiter=dialect.delimiter.decode(),
        quotechar=dialect.quote.decode() or None,
        quoting=csv.QUOTE_MINIMAL if dialect.quote else csv.QUOTE_NONE,
        escapechar=dialect.escape.decode() or None,
        strict=not dialect.lenient,
    )


@given(
    name=st.sampled_from(OF_CSV),
    rows=columns.flatmap(lambda n: st.lists(st.lists(texts, min_size=n, max_size=n), min_size=1)),
    everywhere=st.booleans(),
    doubled=st.booleans(),
)
def test_what_python_writes_is_read_as_it_was_meant(engine, name, rows, everywhere, doubled):
    """In quotes where they are needed, or everywhere; quotes inside doubled or escaped."""
    dialect = DIALECTS[name]
    assume(
        dialect.quote or dialect.escape or not any(set(b"".join(row)) & {*b",\r\n"} for row in rows)
    )
    if not (everywhere and dialect.quote):  # Python writes what is no line end of its own bare
        bare = bytes({*b"\r\n"} - {*dialect.line_end})
        rows = [[cell.translate(None, bare) for cell in row] for row in rows]
    assume(dialect.quote or [b""] not in rows)  # Python refuses it
    file = io.StringIO(newline="")
    quoting = csv.QUOTE_ALL if everywhere else csv.QUOTE_MINIMAL
    csv.writer(
        file,
        delimiter=dialect.delimiter.decode(),
        quotechar=dialect.quote.decode() or None,
        quoting=quoting if dialect.quote else csv.QUOTE_NONE,
        escapechar=dialect.escape.decode() or None,
        doublequote=doubled or not dialect.escape,
        lineterminator=dialect.line_end.decode(),
    ).writerows([[cell.decode("latin-1") for cell in row] for row in rows])
    data = file.getvalue().encode("latin-1")
    with engine.find(data, dialect, len(rows[0]), final=True) as records:
        assert (records.fault, records.count, records.columns) == (None, len(rows), len(rows[0]))
        found = rows_of(records)
        assert [[cell or b"" for cell in row] for row in found] == [
            [b"" if is_bare_null(dialect, cell, everywhere) else cell for cell in row]
            for row in rows
        ]


def is_bare_null(dialect, cell, everywhere):
    """Tell whether Python writes a cell so that it is a null text: not where it escapes it."""
    escaped = dialect.escape and dialect.escape in cell
    return cell in dialect.nulls and not escaped and not (dialect.quote and everywhere)


@given(name=st.sampled_from(OF_CSV), data=st.data())
def test_garbage_is_read_as_python_reads_it_up_to_the_first_fault(engine, name, data):
    """And there, Python finds the same, or what piienc alone refuses."""
    dialect = DIALECTS[name]
    text = data.draw(garbage(dialect))
    if dialect.escape:  # Python wants a line end somewhere behind one that is escaped
        text += b"\n"
        assume(not text.endswith(b"\\\n"))
    with engine.find(text, dialect, 0, final=True) as found:
        assume(dialect.line_end != b"\r\r\n" or found.columns > 1)  # Python takes it for two ends
        known = dropwhile(lambda row: not row, reader_of(dialect, text))
        known = (row for row in known if row or found.columns == 1)
        if dialect.trailing:
            known = ([*row[:-1], *row[-1:]][: found.columns] for row in known)
        for row in rows_of(found):
            expected = [cell.encode("latin-1") for cell in next(known)] or [b""]
            values = [
                text if cell is None else cell for text, cell in zip(expected, row, strict=True)
            ]
            assert values == expected
        fault = found.fault
    if fault is None:
        assert next(known, None) is None
    elif fault.kind is FaultKind.FIELDS:
        assert dialect.trailing or len(next(known) or [""]) == fault.fields
    elif fault.kind is FaultKind.AFTER_QUOTE or (
        fault.kind in (FaultKind.OPEN_QUOTE, FaultKind.OPEN_ESCAPE) and not dialect.lenient
    ):
        with pytest.raises(csv.Error):
            next(known)


@given(file=files, columns=st.integers(0, 4), cuts=st.lists(st.integers(0, 60), max_size=6))
@example(file=(Dialect(), b'a,"b"\n'), columns=0, cuts=[5])
@example(file=(Dialect(line_end=b"\r"), b"a\r\nb\r"), columns=0, cuts=[2, 5])
@example(file=(Dialect(line_end=b"\r\r\n"), b"a\r\r\n\r\r\n"), columns=2, cuts=[2, 3, 5, 6])
def test_data_in_pieces_is_read_as_in_one(engine, file, columns, cuts):
    """Whatever they are cut at: what is not whole is left, and given again with more behind it."""
    dialect, data = file
    with engine.find(data, dialect, columns, final=True) as whole:
        rows, size, lines, fault = rows_of(whole), whole.size, whole.lines, whole.fault
    found, begin, line, first = [], 0, 0, None
    for end in [*sorted(cut for cut in cuts if cut < len(data)), len(data)]:
        with engine.find(data[begin:end], dialect, columns, final=end == len(data)) as part:
            found += rows_of(part)
            if part.fault is not None:
                kind, place, before, fields = (
                    getattr(part.fault, name) for name in Fault.__struct_fields__
                )
                first = first or Fault(kind, begin + place, line + before, fields)
            begin, line, columns = begin + part.size, line + part.lines, part.columns
        if first:
            break
    assert (found, begin, line, first) == (rows, size, lines, fault)


@given(file=files, columns=st.integers(0, 4), final=st.booleans())
def test_nothing_changed_gives_back_the_very_bytes(engine, file, columns, final):
    """And the records begin where they do: behind line ends, empty lines and comments."""
    dialect, data = file
    with engine.find(data, dialect, columns, final=final) as found:
        assert found.spliced({}).data == data[: found.size]
        starts = [*found.starts(), found.size]
        for (begin, end), row in zip(pairwise(starts), rows_of(found), strict=True):
            with engine.find(data[begin:end], dialect, len(row), final=True) as alone:
                assert rows_of(alone)[:1] == [row]
        assert len(starts) == found.count + 1


@given(file=files, columns=st.integers(0, 4), data=st.data())
def test_values_put_in_are_read_again(engine, file, columns, data):
    """In one column or several; the others, and nulls, stay as they stood."""
    dialect, text = file
    with engine.find(text, dialect, columns, final=True) as found:
        rows, width = rows_of(found), found.columns
        changed = data.draw(st.sets(st.integers(0, width - 1))) if width else set()
        cells = st.none() | texts | st.sampled_from([*dialect.nulls, dialect.comment + b"a"])
        drawn = st.lists(cells, min_size=len(rows), max_size=len(rows))
        new = {number: data.draw(drawn) for number in changed}
        expected = [
            [new[number][row] if number in new and new[number][row] is not None else cell
             for number, cell in enumerate(cells)]
            for row, cells in enumerate(rows)
        ]  # fmt: skip
        # Without quotes, an empty string alone on its line is no record to who does not know yet
        # that there is one column.
        assume(columns or width > 1 or b"" not in new.get(0, ()))
        strings = {number: Strings.of(cells) for number, cells in new.items()}
        written, refused = spliced(found, strings)
    if refused:
        assert unwritable(dialect, new[refused.column][refused.row])
        return
    with engine.find(written, dialect, columns, final=True) as again:
        assert again.fault is None
        assert (rows_of(again), again.size) == (expected, len(written))


def spliced(records, changes, dropped=()):
    """The records written anew, or the error that says why they cannot be."""
    try:
        return records.spliced(changes, dropped).data, None
    except Unwritable as error:
        return b"", error


def unwritable(dialect, value):
    """Tell whether a value may be one that a dialect cannot write."""
    special = {*dialect.delimiter[:1], *b"\r\n"}
    harmful = special & {*value} or (dialect.comment and value.startswith(dialect.comment))
    return not dialect.quote and (
        value in (*dialect.nulls, b"") or (harmful and not dialect.escape)
    )


@given(file=files, columns=st.integers(0, 4), data=st.data())
def test_dropped_columns_are_gone_and_the_others_are_read_as_before(engine, file, columns, data):
    """Each with one delimiter; what cannot stand without them is refused."""
    dialect, text = file
    with engine.find(text, dialect, columns, final=True) as found:
        rows, width = rows_of(found), found.columns
        assume(width > 1)
        gone = data.draw(st.sets(st.integers(0, width - 1), max_size=width - 1))
        kept = [number for number in range(width) if number not in gone]
        written, refused = spliced(found, {}, gone)
    if refused:
        assert refused.column == kept[0]
        assert len(kept) == 1 or dialect.comment
        return
    with engine.find(written, dialect, len(kept), final=True) as again:
        assert again.fault is None
        assert rows_of(again) == [[row[number] for number in kept] for row in rows]


@pytest.mark.parametrize(
    ("data", "row"), [(b"a,b\n,c\n", 1), (b"a,b\n\nc,d\n", 1), (b"\na,b\n", 0), (b"a,b\n\n", 1)]
)
def test_column_that_is_left_alone_has_no_empty_lines(engine, data, row):
    """Each would be a record to who reads it: a null on its line is not told from no record."""
    with engine.find(data, Dialect(), 2, final=True) as found:
        with pytest.raises(Unwritable) as caught:
            found.spliced({}, {1})
        assert (caught.value.row, caught.value.column) == (row, 0)
        assert found.spliced({}, ()).data == data


@pytest.mark.parametrize(
    ("data", "dialect", "dropped", "written"),
    [
        (b"a,b\n#\nc,d", Dialect(comment=b"#"), {1}, b"a\n#\nc"),
        (b'"",b\n', Dialect(), {1}, b'""\n'),
        (b",b,\n", Dialect(trailing=True), {1}, b",\n"),
        (b"a,b,#c\\-d\n", Dialect(quote=b"", escape=b"\\", comment=b"#"), {0}, b"b,#c\\-d\n"),
        (b"a::b:\n", Dialect(delimiter=b"::"), {0}, b"b:\n"),
    ],
)
def test_columns_are_dropped_and_all_else_stays(engine, data, dialect, dropped, written):
    """Comments, delimiters behind the last field, and how a field is written."""
    with engine.find(data, dialect, 0, final=True) as found:
        assert found.fault is None
        assert found.spliced({}, dropped).data == written


def test_new_value_counts_where_a_field_comes_first(engine):
    """Not the one that stood there, though that would have begun a comment."""
    with engine.find(b"a,#b\n", Dialect(comment=b"#"), 2, final=True) as found:
        assert found.spliced({1: Strings.of([b"c"])}, {0}).data == b"c\n"


@pytest.mark.parametrize(
    ("data", "dialect", "value", "written"),
    [
        (b"a\nb", Dialect(nulls=()), b"", b'""\n""'),
        (b"a\nb", Dialect(), b"c", b"c\nc"),
        (b"a\nb\n", Dialect(quote=b"", nulls=()), b"", b"\n\n"),
        (b"a\nb", Dialect(quote=b"", nulls=()), b"", None),
    ],
)
def test_empty_string_alone_on_its_line_is_seen(engine, data, dialect, value, written):
    """Other programs skip empty lines, and behind the last line end there would be no record."""
    with engine.find(data, dialect, 1, final=True) as found:
        if written is None:
            with pytest.raises(Unwritable) as caught:
                found.spliced({0: Strings.of([value, value])})
            assert (caught.value.row, caught.value.column) == (1, 0)
        else:
            assert found.spliced({0: Strings.of([value, value])}).data == written


@pytest.mark.parametrize(
    ("dialect", "data", "expected"),
    [
        (Dialect(comment=b"#"), b"a,#b,c\n", b'"#b",c\n'),
        (Dialect(comment=b"#"), b'a,"#b",c\n', b'"#b",c\n'),
        (Dialect(quote=b"", escape=b"\\", comment=b"#"), b"a,#b\\,d,c\n", b"\\#b\\,d,c\n"),
        (Dialect(quote=b"", comment=b"#"), b"a,#b,c\n", None),
        (Dialect(comment=b"#", nulls=(b"#N",)), b"a,#N,c\n", None),
    ],
)
def test_field_that_comes_first_is_no_comment(engine, dialect, data, expected):
    """It did not begin its line before, and then it could begin like one."""
    with engine.find(data, dialect, 3, final=True) as found:
        if expected is None:
            with pytest.raises(Unwritable):
                found.spliced({}, {0})
        else:
            assert found.spliced({}, {0}).data == expected


@pytest.mark.parametrize(
    ("data", "dialect", "columns", "final", "fault"),
    [
        (b'a,b\n"x",y"z\n', Dialect(), 2, True, Fault(FaultKind.QUOTE_INSIDE, 9, 1)),
        (b'a,b\n"x\ny"z,\n', Dialect(), 2, True, Fault(FaultKind.AFTER_QUOTE, 8, 2)),
        (b'a,b\nc,"x\n\n', Dialect(), 2, True, Fault(FaultKind.OPEN_QUOTE, 6, 1)),
        (b"a,b\nc\rd,e\n", Dialect(), 2, True, Fault(FaultKind.LONE_CR, 5, 1)),
        (b"#a\rb\n", Dialect(comment=b"#"), 2, True, Fault(FaultKind.LONE_CR, 2, 0)),
        (b'#"a\rb"\n', Dialect(comment=b"#"), 2, True, Fault(FaultKind.LONE_CR, 3, 0)),
        (b'a,b\n#"c', Dialect(comment=b"#"), 2, True, None),
        (b"a,b\n\n1,2,3\n", Dialect(), 2, True, Fault(FaultKind.FIELDS, 5, 2, 3)),
        (b"a,b\r1\r", Dialect(line_end=b"\r"), 2, True, Fault(FaultKind.FIELDS, 4, 1, 1)),
        (b"a,b\n1,2\\", ESCAPED, 2, True, Fault(FaultKind.OPEN_ESCAPE, 7, 1)),
        (b'a,b\n1,2,"3', Dialect(), 2, True, Fault(FaultKind.OPEN_QUOTE, 8, 1)),
        (b'1,2,3"\n', Dialect(), 2, True, Fault(FaultKind.QUOTE_INSIDE, 5, 0)),
        (b'a,b\nc,d"', Dialect(), 2, False, Fault(FaultKind.QUOTE_INSIDE, 7, 1)),
        (b'a,b\nc,"d', Dialect(), 2, False, None),
        (b'a,b\nc,"d"', Dialect(), 2, False, None),
        (b'a:b\n"c":', Dialect(delimiter=b"::"), 1, False, None),
        (b'a:b\n"c":', Dialect(delimiter=b"::"), 1, True, Fault(FaultKind.AFTER_QUOTE, 6, 1)),
        (b"a,b\nc,d\r", Dialect(), 2, False, None),
        (b"a,b\nc,d\\", ESCAPED, 2, False, None),
    ],
)
def test_fault_is_the_first_from_left_to_right(engine, data, dialect, columns, final, fault):
    """With its place and line; what more data could make right is none, and no record yet."""
    with engine.find(data, dialect, columns, final=final) as found:
        assert found.fault == fault
        assert found.spliced({}).data == data[: found.size]
        assert found.size == max(found.size, *found.starts(), 0)


def test_first_record_tells_how_many_fields_there_are(engine):
    """Behind empty lines and comments; a last delimiter counts not where it may stand."""
    for data, dialect, expected in (
        (b"\n#x,y\na,b,c\n", Dialect(comment=b"#"), 3),
        (b"a,b,\n", Dialect(), 3),
        (b"a,b,\n", Dialect(trailing=True), 2),
        (b"\n\na\n\n", Dialect(), 1),
        (b"\n\n", Dialect(), 0),
        (b"", Dialect(), 0),
    ):
        with engine.find(data, dialect, 0, final=True) as found:
            assert (found.columns, found.fault, found.size) == (expected, None, len(data))


@pytest.mark.parametrize(
    ("field", "clear"),
    [
        (b"b\\nc", False),
        (b"\\0", False),
        (b'"b\\tc"', False),
        (b"\\NN", False),
        (b"\\N", True),
        (b"b\\\\nc", True),
        (b"b\\-\\\xc3\xa9", True),
        (b'"b\\"\\\\"', True),
    ],
)
def test_escape_before_a_letter_is_read_by_nobody_but_stays(engine, field, clear):
    """Where it is no null text: programs read it in three ways. In other columns, it may stand."""
    dialect, data = Dialect(escape=b"\\", nulls=(b"\\N",)), b"a,b\nx," + field + b"\n"
    with engine.find(data, dialect, 2, final=True) as found:
        assert found.fault is None
        assert found.spliced({0: Strings.of([b"c", b"d"])}).data == b"c,b\nd," + field + b"\n"
        if clear:
            assert found.column(1).count == 2
            return
        with pytest.raises(Unreadable) as caught:
            found.column(1)
        assert (caught.value.row, caught.value.column) == (1, 1)


def test_lines_are_counted_as_the_file_ends_them(engine):
    """Those inside of quotes, too, and a CR where CRs end lines."""
    for data, end, lines in (
        (b"\na,b\n", b"\n", 2),
        (b"\ra,b\r", b"\r", 2),
        (b"\r\na,b\r\n", b"\r", 2),
        (b'a,"b\nc"\r\n\nd,e', b"\n", 3),
        (b'a,"b\rc"\n', b"\n", 1),
        (b'a,"b\rc"\rd,e\r\n', b"\r", 3),
        (b"a,b\r\r\nd,e\r\r\n", b"\r\r\n", 2),
    ):
        with engine.find(data, Dialect(line_end=end), 2, final=True) as found:
            assert (found.fault, found.lines) == (None, lines)


def test_data_may_stand_in_any_buffer(engine):
    """A view of a part of a larger one, say."""
    view = memoryview(bytearray(b"xxa,b\nyy"))[2:6]
    with engine.find(view, Dialect(), 2, final=True) as found:
        assert rows_of(found) == [[b"a", b"b"]]


def test_byte_that_means_nothing_is_written_bare():
    """All others are quoted: the delimiter, quotes and line ends."""
    form = FieldForm(Dialect())
    values = [bytes([number]) for number in range(256)]
    quoted = [v for v in values if form.field(v, first=False, alone=False) != v]
    assert quoted == [b"\n", b"\r", b'"', b","]


def test_field_that_would_become_a_comment_and_is_not_clear_cannot_stay(engine):
    """To quote it, one would have to know what it holds."""
    dialect = Dialect(escape=b"\\", comment=b"#")
    with engine.find(b"a,#\\nb\n", dialect, 2, final=True) as records:
        with pytest.raises(Unwritable) as caught:
            records.spliced({}, [0])
        assert (caught.value.row, caught.value.column) == (0, 1)


def test_records_of_the_plain_engine_are_gone_when_they_are_closed():
    with PlainEngine().find(b"a,b\n", Dialect(), 2, final=True) as records:
        assert records.starts() == [0]
    assert records.starts() == []
