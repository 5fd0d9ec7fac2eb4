"""Nothing that is put into the log's place takes memory or time without a bound."""

import fcntl
import hashlib
import itertools
import json
import os
import time
import tracemalloc

import pytest

from piienc.audit import segments
from piienc.audit.entry import AuditEntry
from piienc.audit.show import LogFilter, shown
from piienc.base import document
from piienc.errors import IncompleteError, LockError

SPARSE = 300 << 20  # bytes of a file that holds nothing
PIECE = 1 << 20
TOO_LONG = "is longer than a line can be"


@pytest.fixture(autouse=True)
def _short(monkeypatch):
    """Have lines that are short, so that what is longer is soon made."""
    monkeypatch.setattr(segments, "LONGEST", PIECE)


def _grown(path):
    with path.open("ab") as file:
        file.truncate(SPARSE)
    path.chmod(0o600)


def _peak(step):
    """Return what a step gives, and how many bytes it took at the most."""
    tracemalloc.start()
    try:
        return step(), tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("signed", [True, False])
def test_segment_without_an_end_takes_no_memory(log, signed):
    """It is told as damage, and so does the next command."""
    log.append(2, signed=signed)
    path = log.path
    _grown(path)
    found, peak = _peak(log.check)
    assert [(damage.line, damage.kind) for damage in found.damages] == [(3, "altered")]
    assert found.damages[0].message.endswith(TOO_LONG)
    assert peak < 8 * PIECE
    excerpt, peak = _peak(lambda: shown(log.state, LogFilter()))
    assert (excerpt.unreadable, peak < 8 * PIECE) == (1, True)
    _, peak = _peak(lambda: log.append(signed=signed))
    assert peak < 8 * PIECE
    assert f"the last line {TOO_LONG}" in log.warnings[0]
    assert path.stat().st_size == SPARSE


def test_line_that_ends_and_is_too_long_is_damage(log):
    """For the check, and for the next command."""
    log.append(2)
    with log.path.open("ab") as file:
        file.write(b"x" * (PIECE + 1) + b"\n")
    assert log.damage() == (3, "altered")
    log.append()
    assert TOO_LONG in log.warnings[0]


def test_line_that_would_be_too_long_is_not_written(log, monkeypatch):
    """What is written can be checked."""
    log.append()
    size = len(log.lines[0])
    monkeypatch.setattr(segments, "LONGEST", size + 10)  # the first is longer than the others
    log.append()
    before = log.path.read_bytes()
    monkeypatch.setattr(segments, "LONGEST", size - 10)
    with pytest.raises(IncompleteError, match="the line of the audit log has") as caught:
        log.append()
    assert caught.value.hint == "take fewer files in one run"
    assert log.path.read_bytes() == before


def _locked(log):
    descriptor = os.open(log.state / "audit" / "lock", os.O_RDWR)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    return descriptor


@pytest.mark.parametrize("name", ["append", "check"])
def test_lock_that_is_never_given_back_is_told(log, monkeypatch, name):
    """After a minute, with its path: by commands and by the check."""
    log.append()
    step = getattr(log, name)
    seconds = itertools.count()
    monkeypatch.setattr(time, "monotonic", lambda: float(next(seconds)))
    monkeypatch.setattr(time, "sleep", lambda _: None)
    descriptor = _locked(log)
    with pytest.raises(LockError, match=f"{log.state}/audit/lock") as caught:
        step()
    assert "lslocks" in caught.value.hint
    assert 60 <= next(seconds) < 70
    os.close(descriptor)
    step()
    assert log.check().damages == ()


def test_lock_that_is_given_back_is_waited_for(log, monkeypatch):
    """Another command is at work."""
    log.append()
    descriptor = _locked(log)
    monkeypatch.setattr(time, "sleep", lambda _: os.close(descriptor))
    log.append()
    assert log.check().lines == 2


@pytest.mark.parametrize("name", ["0000001.jsonl", "000000.jsonl", "1.jsonl", "00012.jsonl"])
@pytest.mark.parametrize("signed", [True, False])
def test_segment_under_a_name_that_none_has_is_damage(log, name, signed):
    """It was renamed, or put there; commands do not look at it."""
    log.append(2, signed=signed)
    log.path.rename(log.path.with_name(name))
    found = [(damage.file, damage.kind, damage.message) for damage in log.check_all().damages]
    path = f"audit/{log.folder.name}/{name}"
    assert (path, "misplaced", "no segment has such a name") in found
    log.append(signed=signed)
    assert log.segment(1).exists() != signed  # the head tells that there was one


def test_name_beside_those_of_segments_is_nobodys_business(log):
    """A copy that somebody has made for himself."""
    log.append()
    (log.folder / "000001.jsonl.bak").write_bytes(b"x")
    (log.folder / "notes.jsonl").write_bytes(b"x")
    assert log.check().damages == ()


@pytest.mark.parametrize("digits", [7, 18, 19, 40])
def test_line_behind_a_planted_segment_is_seen(log, digits):
    """Whatever its number is, the next one has a name that counts."""
    log.append(2)
    (log.folder / f"{'9' * digits}.jsonl").write_bytes(b"x\n")
    log.append(2)
    assert (log.folder / f"1{'0' * digits}.jsonl").exists()
    assert len(shown(log.state, LogFilter()).lines) == 4
    assert log.check().lines == 4
    assert log.damage()
    assert len(log.warnings) == 1


def test_schema_is_hashed_as_far_as_a_schema_can_be_long(log, monkeypatch):
    """It is named before it was looked at: it may be anything, of any size."""
    monkeypatch.setattr(document, "MAX_BYTES", PIECE)
    log.state.mkdir(mode=0o700)
    told = {}
    for name, size in {"good": PIECE, "large": PIECE + 1, "sparse": SPARSE}.items():
        path = log.state / name
        _sized(path, size)
        entry = AuditEntry("test", state=log.state, keys=log.keys)
        _, peak = _peak(lambda path=path, entry=entry: entry.schema(path))
        assert peak < 4 * PIECE
        entry.begin()
        told[name] = json.loads(log.lines[-1])["schema"]
    assert told.pop("good")["sha256"] == hashlib.sha256(bytes(PIECE)).hexdigest()
    assert told == {name: {"name": str(log.state / name)} for name in ("large", "sparse")}


def _sized(path, size):
    with path.open("wb") as file:
        file.truncate(size)
