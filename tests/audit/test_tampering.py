"""Whatever is changed in the log is noticed, and the first line that was is named."""

import json
import shutil
import tempfile
from pathlib import Path

import pytest
from audit_log import Log, rechained
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import asdict

from piienc.errors import AuthenticationError
from piienc.keys.audit import public_key
from piienc.state.audit.head import Mark

LINES = 7


@pytest.fixture(scope="module")
def whole():
    """Give a log that is never changed: each example works on its lines, and puts them back."""
    folder = Path(tempfile.mkdtemp(prefix="audit-"))
    made = Log(folder)
    made.append(LINES)
    yield made, made.lines
    shutil.rmtree(folder)


def test_log_that_nobody_touched_is_good(log):
    """All lines are covered by a good signature."""
    log.append(LINES)
    found = log.check()
    assert (found.lines, found.signed, found.signature) == (LINES, LINES, "good")
    assert (found.behind, found.late, found.torn, found.damage) == (0, 0, 0, None)


@given(data=st.data())
def test_changed_byte_anywhere_is_noticed_and_its_line_named(whole, data):
    """Any byte of any line, its line break included."""
    log, lines = whole
    number = data.draw(st.integers(0, LINES - 1))
    at = data.draw(st.integers(0, len(lines[number]) - 1))
    flip = data.draw(st.integers(1, 255))
    changed = bytearray(lines[number])
    changed[at] ^= flip
    log.lines = [*lines[:number], bytes(changed), *lines[number + 1 :]]
    assert log.damage() == (number + 1, "altered")


@pytest.mark.parametrize("byte", [b"", b" ", b"\x0b", b"\r"], ids=["none", "space", "VT", "CR"])
@pytest.mark.parametrize("number", range(LINES))
def test_lost_line_break_is_noticed_and_the_line_before_it_named(whole, number, byte):
    """Two lines become one, the last two as well."""
    log, lines = whole
    log.lines = [*lines[:number], lines[number][:-1] + byte, *lines[number + 1 :]]
    harmless = not byte and number == LINES - 1
    assert log.damage() == (None if harmless else (number + 1, "altered"))


@given(first=st.integers(0, LINES - 1), more=st.integers(0, LINES))
def test_removed_lines_are_noticed_and_named(whole, first, more):
    """In the middle they were removed, at the end the log was cut off."""
    log, lines = whole
    log.lines = lines[:first] + lines[first + 1 + more :]
    kind = "removed" if first + 1 + more < LINES else "cut-off"
    assert log.damage() == (first + 1, kind)


@given(data=st.data())
def test_doubled_line_is_noticed_and_named(whole, data):
    """A line put in a second time, wherever: the first place that is wrong is named."""
    log, lines = whole
    what = data.draw(st.integers(0, LINES - 1))
    where = data.draw(st.integers(0, LINES))
    log.lines = [*lines[:where], lines[what], *lines[where:]]
    # Put before itself, it is the second of the two that is too many.
    assert log.damage() == (where + 1 + (where == what), "inserted")


@given(data=st.data())
def test_swapped_lines_are_noticed_and_named(whole, data):
    """The first of the two places is wrong."""
    log, lines = whole
    one, other = sorted(
        data.draw(st.lists(st.integers(0, LINES - 1), min_size=2, max_size=2, unique=True))
    )
    swapped = list(lines)
    swapped[one], swapped[other] = lines[other], lines[one]
    log.lines = swapped
    assert log.damage() == (one + 1, "reordered")


@given(where=st.integers(0, LINES - 1))
def test_forged_line_that_follows_is_noticed_where_it_stands(whole, where):
    """Its number and hash are right, so the true line behind it tells."""
    log, lines = whole
    forged = rechained([*lines[:where], lines[where].replace(b"test", b"fake")])[-1]
    log.lines = [*lines[:where], forged, *lines[where:]]
    # Behind the last line there is no other: there, the head tells.
    assert log.damage() == (where + 1, "inserted" if where + 1 < LINES else "altered")


@given(cut=st.integers(1, 60))
def test_last_line_cut_in_its_middle_is_no_crash_when_it_was_signed(whole, cut):
    """A head is signed only when its line is on the disk."""
    log, lines = whole
    log.lines = [*lines[:-1], lines[-1][: -1 - cut]]
    assert log.damage() == (LINES, "altered")


@pytest.mark.parametrize("more", [-2, 0, 2], ids=["shorter", "as long", "longer"])
def test_whole_log_written_anew_without_the_key_is_noticed(log, more):
    """The chain can be made by anybody, the signature cannot."""
    log.append(LINES)
    lines = [line.replace(b"test", b"fake") for line in log.lines]
    log.lines = rechained([*lines, *lines][: LINES + more])
    assert log.damage() == ((LINES + more + 1, "cut-off") if more < 0 else (LINES, "altered"))


def test_log_and_head_written_anew_with_another_key_are_noticed(log, tmp_path):
    """The key of the key folder has signed nothing of it."""
    (tmp_path / "forger").mkdir()
    forger = Log(tmp_path / "forger")
    log.append(LINES)
    forger.append(LINES)
    shutil.copy(forger.path, log.path)
    shutil.copy(forger.head, log.head)
    assert log.damage() == (None, "head")
    text = json.loads(log.head.read_text())
    text["heads"][0]["key"] = public_key(log.keys).fingerprint
    log.head.write_text(json.dumps(text))
    assert log.damage() == (None, "head")


@pytest.mark.parametrize("field", ["lines", "end", "head", "time", "key", "signature"])
def test_changed_head_is_noticed(log, field):
    """Each of its fields is signed."""
    log.append(LINES)
    document = json.loads(log.head.read_text())
    value = document["heads"][0][field]
    document["heads"][0][field] = value - 1 if isinstance(value, int) else "00" + value[2:]
    log.head.write_text(json.dumps(document))
    assert log.damage() == (None, "head")


@pytest.mark.parametrize("content", [b"", b"{}", b"[]", b'{"heads": [{}]}', b"\xff"])
def test_head_that_is_no_head_is_noticed_and_nothing_is_appended(log, content):
    """A new head must not cover it up."""
    log.append()
    log.head.write_bytes(content)
    assert log.damage() == (None, "head")
    with pytest.raises(AuthenticationError):
        log.append()


def test_head_that_was_removed_is_noticed(log):
    """The lines tell that there was one."""
    log.append(LINES)
    log.head.unlink()
    assert log.damage() == (None, "head")
    with pytest.raises(AuthenticationError):
        log.append()


def test_log_that_was_removed_is_noticed(log):
    """With or without its head, the key folder knows of it."""
    log.append(LINES)
    log.path.unlink()
    assert log.damage() == (1, "cut-off")
    log.head.unlink()
    assert log.damage() == (None, "head")


def test_cut_off_tail_without_a_head_is_noticed_by_a_receipt(log):
    """Where nothing is signed, a receipt kept elsewhere is a witness."""
    mark = log.append(LINES, signed=False)
    log.lines = log.lines[:-2]
    assert log.damage() is None
    assert log.damage(mark) == (LINES - 1, "cut-off")


def test_log_rolled_back_with_its_head_is_noticed_by_a_receipt_alone(log):
    """An old log with its old head is a good one, unless somebody knows better."""
    log.append(3)
    old, head = log.lines, log.head.read_bytes()
    mark = log.append(4)
    log.lines = old
    log.head.write_bytes(head)
    assert log.damage() is None
    assert log.damage(mark) == (4, "cut-off")


def test_receipts_narrow_down_what_was_written_anew(log):
    """The first witness that disagrees names the line that it saw."""
    marks = [log.append() for _ in range(LINES)]
    lines = log.lines
    log.lines = rechained([*lines[:3], *(line.replace(b"test", b"fake") for line in lines[3:])])
    assert log.damage() == (LINES, "altered")
    assert log.damage(*marks) == (4, "altered")
    assert log.damage(Mark(2, "0" * 64)) == (2, "altered")
    assert asdict(marks[0]).keys() == {"lines", "head"}


def test_tampered_tail_is_not_covered_up_by_the_next_line(log):
    """Before a new head is signed, the lines are held against the old one."""
    log.append(LINES)
    lines = log.lines
    for changed in (
        lines[:-1],
        [*lines[:-1], lines[-1].replace(b"test", b"fake")],
        rechained([*lines[:-1], lines[-1].replace(b"test", b"fake"), lines[-1]]),
        [*lines, b"garbage\n", lines[-1]],
    ):
        log.lines = changed
        with pytest.raises(AuthenticationError) as caught:
            log.append()
        assert "audit verify" in caught.value.hint
        assert log.lines == changed
