"""Whatever is done to the log is noticed, and stays so, whatever is written next.

Each kind of forgery is a row of a table: what is done, and what the check says of it. After each,
further lines are appended, and the check must still refuse the log.
"""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest
from audit_log import Log, rechained, unsigned
from hypothesis import given
from hypothesis import strategies as st

from piienc.audit import standing
from piienc.audit.check import noted
from piienc.audit.head import LogPosition
from piienc.audit.keys import public_key, signing_key
from piienc.errors import AuthenticationError, ConfigError

LINES = 9


@pytest.fixture
def scene(log, tmp_path, monkeypatch):
    """Give a log of three segments with three lines each, and all that a forger could have."""
    monkeypatch.setattr(standing, "LIMIT", 1)
    for number in range(LINES):
        if number == LINES - 3:
            shutil.copytree(log.folder, tmp_path / "old")
        # A segment counts as full when it has three lines.
        full = log.path.exists() and len(log.lines) == 3
        monkeypatch.setattr(standing, "LIMIT", 1 if full else 16 << 20)
        mark = log.append()
    monkeypatch.setattr(standing, "LIMIT", 16 << 20)
    other = Log(_made(tmp_path / "other"))
    shutil.copytree(log.keys, other.keys, dirs_exist_ok=True)
    other.append(LINES)
    forger = Log(_made(tmp_path / "forger"))
    forger.append(LINES)
    assert [len(log.segment(n).read_bytes().splitlines()) for n in (1, 2, 3)] == [3, 3, 3]
    assert log.check(mark).damages == ()
    return SimpleNamespace(
        log=log, folder=log.folder, old=tmp_path / "old", mark=mark, other=other, forger=forger
    )


def _made(folder):
    folder.mkdir()
    return folder


def _edit(scene, number, change):
    """Put other lines into a segment."""
    path = scene.log.segment(number)
    path.write_bytes(b"".join(change(path.read_bytes().splitlines(keepends=True))))


def _all(scene, change):
    """Put other lines, changed as a whole, into the segments."""
    paths = [scene.log.segment(number) for number in (1, 2, 3)]
    lines = change([line for path in paths for line in path.read_bytes().splitlines(keepends=True)])
    for number, path in enumerate(paths):
        path.write_bytes(b"".join(lines[3 * number : 3 * number + 3]))


def _one(line, old, new):
    assert old in line
    return line.replace(old, new, 1)


def _replaced(path, put):
    """Put something else where a file is."""
    path.rename(path.with_name("away"))
    put(path)


def _fake(line):
    return {**line, "command": "fake"}


def _forged(scene):
    """Return a line that follows the last, without a signature."""
    path = scene.log.segment(3)
    lines = [b"{}\n"] * 6 + path.read_bytes().splitlines(keepends=True)
    return unsigned([*lines, lines[-1]], begin=LINES)[-1]


def _put(scene, line):
    with scene.log.segment(3).open("ab") as file:
        file.write(line)


def _by_another_key(scene):
    line = json.loads(_forged(scene)) | {"signer": public_key(scene.forger.keys).fingerprint}
    lines = [*_signed_lines(scene), json.dumps(line).encode()]
    key = signing_key(scene.forger.keys)
    _put(scene, rechained(lines, lambda line: line, key, begin=LINES)[-1])


def _signed_lines(scene):
    return [
        line
        for n in (1, 2, 3)
        for line in scene.log.segment(n).read_bytes().splitlines(keepends=True)
    ]


def _swap(scene, one, other):
    paths = [scene.log.segment(one), scene.log.segment(other)]
    first, second = (path.read_bytes() for path in paths)
    paths[0].write_bytes(second)
    paths[1].write_bytes(first)


def _take(scene, folder):
    """Put another log into the place of this one."""
    shutil.rmtree(scene.folder)
    shutil.copytree(folder, scene.folder)


def _rename(scene, *removed):
    """Remove segments, and number those that stay anew."""
    for number in removed:
        scene.log.segment(number).unlink()
    for number, path in enumerate(sorted(scene.folder.glob("*.jsonl")), 1):
        path.rename(scene.log.segment(number))


def _head(scene, **more):
    head = json.loads(scene.log.head.read_text())
    scene.log.head.write_text(json.dumps(head | more))


def _without_head(scene):
    _all(scene, unsigned)
    scene.log.head.unlink()


SIGNATURE = "it does not carry a good signature"

WITHOUT_THE_KEY = {
    "byte altered": (
        lambda s: _edit(s, 2, lambda x: [x[0], _one(x[1], b'"n":0', b'"n":1'), x[2]]),
        f"line 5 was altered or put in: {SIGNATURE}",
    ),
    "byte of the last line altered": (
        lambda s: _edit(s, 3, lambda x: [*x[:2], _one(x[2], b'"n":0', b'"n":1')]),
        f"line 9 was altered or put in: {SIGNATURE}",
    ),
    "signature altered": (
        lambda s: _edit(s, 2, lambda x: [x[0][:-9] + b"000000" + x[0][-3:], *x[1:]]),
        f"line 4 was altered or put in: {SIGNATURE}",
    ),
    "signer altered": (
        lambda s: _edit(s, 2, lambda x: [x[0], _one(x[1], b'"signer":"', b'"signer":"0'), x[2]]),
        "line 5 was altered or put in: it names another key",
    ),
    "line cut in the middle": (
        lambda s: _edit(s, 2, lambda x: [x[0], x[1][:60] + b"\n", x[2]]),
        "line 5 was altered or put in: it is not whole",
    ),
    "line break lost": (
        lambda s: _edit(s, 2, lambda x: [x[0][:-1], *x[1:]]),
        "line 4 was altered or put in: it is not whole",
    ),
    "line removed": (lambda s: _edit(s, 2, lambda x: [x[0], x[2]]), "line 5 was removed"),
    "lines removed": (lambda s: _edit(s, 2, lambda x: x[2:]), "line 4 to 5 were removed"),
    "line doubled": (
        lambda s: _edit(s, 2, lambda x: [x[0], x[0], *x[1:]]),
        "line 4 stands where line 5 should be",
    ),
    "lines swapped": (lambda s: _edit(s, 2, lambda x: [x[1], x[0], x[2]]), "line 4 was removed"),
    "line moved to the end": (
        lambda s: _edit(s, 3, lambda x: [x[0], x[2], x[1]]),
        "line 8 was removed",
    ),
    "line of another segment": (
        lambda s: _edit(s, 2, lambda x: [*x, s.log.segment(1).read_bytes()]),
        "line 7 is one of segment 1",
    ),
    "line inserted": (
        lambda s: _edit(s, 2, lambda x: [x[0], b'{"line":5}\n', *x[1:]]),
        "line 5 was altered or put in: it is not whole",
    ),
    "forged line inserted": (
        lambda s: _edit(s, 3, lambda x: [*x[:2], _forged(s), x[2]]),
        "line 9 was altered or put in: it is unsigned",
    ),
    "forged line appended": (
        lambda s: _put(s, _forged(s)),
        "line 10 was altered or put in: it is unsigned",
    ),
    "line appended that is signed by another key": (
        _by_another_key,
        "line 10 was altered or put in: it names another key",
    ),
    "rubbish appended": (
        lambda s: _put(s, b"rubbish\n"),
        "line 10 was altered or put in: it is not whole",
    ),
    "last line cut off": (
        lambda s: _edit(s, 3, lambda x: x[:2]),
        "the log was cut off behind line 8: its head tells of line 9",
    ),
    "last line cut in the middle": (
        lambda s: _edit(s, 3, lambda x: [*x[:2], x[2][:60]]),
        "the log was cut off behind line 8: its head tells of line 9",
    ),
    "last lines cut off": (
        lambda s: _edit(s, 3, lambda x: x[:1]),
        "the log was cut off behind line 7: its head tells of line 9",
    ),
    "all lines of the last segment cut off": (
        lambda s: _edit(s, 3, lambda _: []),
        "the log was cut off behind line 6: its head tells of line 9",
    ),
    "first segment removed": (lambda s: s.log.segment(1).unlink(), "the segment was removed"),
    "segment removed": (lambda s: s.log.segment(2).unlink(), "the segment was removed"),
    "last segment removed": (
        lambda s: s.log.segment(3).unlink(),
        "the log was cut off behind line 6: its head tells of line 9",
    ),
    "all old segments removed": (
        lambda s: [s.log.segment(1).unlink(), s.log.segment(2).unlink()],
        "the segment was removed",
    ),
    "segment removed, the next renamed": (
        lambda s: _rename(s, 2),
        "line 4 is one of segment 3",
    ),
    "segments swapped": (lambda s: _swap(s, 1, 2), "line 1 is one of segment 2"),
    "segment planted": (
        lambda s: s.log.segment(999999).write_bytes(s.log.segment(3).read_bytes()),
        "the segment was removed",
    ),
    "head removed": (lambda s: s.log.head.unlink(), "the head is gone"),
    "head altered": (
        lambda s: _head(s, lines=8),
        "the signature of the head is not good",
    ),
    "rubbish for a head": (
        lambda s: s.log.head.write_bytes(b"{}"),
        "the head is not as it was written",
    ),
    "head of another key": (
        lambda s: shutil.copy(s.forger.head, s.log.head),
        "the signature of the head is not good",
    ),
    "head of another log": (
        lambda s: shutil.copy(s.other.head, s.log.head),
        "it is not the log that the key has begun here",
    ),
    "old head put back": (
        lambda s: shutil.copy(s.old / "head.json", s.log.head),
        "the head is an old one: it tells of line 6, and line 9 is there",
    ),
    "all rewritten unsigned": (
        lambda s: _all(s, unsigned),
        "line 1 was altered or put in: it is unsigned",
    ),
    "all rewritten unsigned, head removed": (
        _without_head,
        "line 1 was altered or put in: it is unsigned",
    ),
    "all rewritten by another key": (
        lambda s: [
            _take(s, s.forger.folder),
        ],
        "line 1 was altered or put in: it names another key",
    ),
    "log removed": (
        lambda s: shutil.rmtree(s.folder),
        "the log that the key has begun here is gone",
    ),
    "all logs removed": (
        lambda s: shutil.rmtree(s.log.state),
        "the log that the key has begun here is gone",
    ),
    "log moved to what is unsigned": (
        lambda s: [_without_head(s), s.folder.rename(s.folder.with_name("unsigned"))],
        "the log that the key has begun here is gone",
    ),
    "log of another project put in": (
        lambda s: _take(s, s.other.folder),
        "it is not the log that the key has begun here",
    ),
    "segment of another project put in": (
        lambda s: shutil.copy(s.other.path, s.log.segment(1)),
        "line 10 is one of another log",
    ),
    "FIFO for a segment": (
        lambda s: _replaced(s.log.segment(2), os.mkfifo),
        "it cannot be read: it is not a regular file",
    ),
    "FIFO for the last segment": (
        lambda s: _replaced(s.log.segment(3), os.mkfifo),
        "it cannot be read: it is not a regular file",
    ),
    "FIFO for the head": (
        lambda s: _replaced(s.log.head, os.mkfifo),
        "the head cannot be read: it is not a regular file",
    ),
    "folder for the head": (
        lambda s: _replaced(s.log.head, Path.mkdir),
        "the head cannot be read: it is not a regular file",
    ),
    "link to another log": (
        lambda s: _replaced(s.log.segment(3), lambda path: path.symlink_to(s.other.path)),
        "it cannot be read: it is not a regular file",
    ),
    "link for the head": (
        lambda s: _replaced(s.log.head, lambda path: path.symlink_to(s.other.head)),
        "the head cannot be read: it is not a regular file",
    ),
}
"""What somebody can do who can write to the state folder, and has no key."""


def _messages(scene, *witnesses):
    return [damage.message for damage in scene.log.check_all(*witnesses).damages]


@pytest.mark.parametrize("kind", WITHOUT_THE_KEY)
def test_forgery_without_the_key_is_noticed_for_ever(scene, kind):
    """Before any further line, and after it."""
    forge, message = WITHOUT_THE_KEY[kind]
    forge(scene)
    assert message in _messages(scene)[:2]
    kept = scene.other.path.read_bytes(), scene.other.head.read_bytes()
    if kind == "folder for the head":
        with pytest.raises(Exception, match="head"):
            scene.log.append()
        assert message in _messages(scene)
        return
    scene.log.append(2)
    after = _messages(scene)
    assert after
    assert (scene.other.path.read_bytes(), scene.other.head.read_bytes()) == kept
    scene.log.append(2)
    assert _messages(scene) == after
    assert len(scene.log.warnings) <= 1


@pytest.mark.parametrize("kind", WITHOUT_THE_KEY)
def test_break_that_a_command_has_found_stays_when_the_lines_are_put_back(scene, kind):
    """The signed line that names it is part of the log."""
    if kind == "folder for the head":
        pytest.skip("no line can be written")
    kept = {path: path.read_bytes() for path in scene.folder.glob("*.jsonl")}
    WITHOUT_THE_KEY[kind][0](scene)
    scene.log.append()
    if scene.log.warnings:
        kept.pop(scene.log.path, None)
        for path, data in kept.items():
            path.unlink(missing_ok=True)
            path.write_bytes(data)
        assert any("found a break: " in message for message in _messages(scene))


def _rewrite(scene, signer):
    """Write all anew, with the key; and the head."""
    shutil.rmtree(scene.folder)
    scene.log.append(LINES + 2)


WITH_THE_KEY = {
    "log removed and written anew": _rewrite,
    "log rolled back, and written on": lambda s, _: [_take(s, s.old), s.log.append(5)],
}
BOTH_ROLLED_BACK = lambda s, _: _take(s, s.old)  # noqa: E731  # a row like the others


@pytest.mark.parametrize("kind", ["rolled back", *WITH_THE_KEY])
@pytest.mark.parametrize("further", [0, 2])
def test_what_the_log_alone_cannot_tell_a_witness_tells(scene, kind, further):
    """A receipt, or a line of `audit head`, that was kept elsewhere."""
    forge = WITH_THE_KEY.get(kind, BOTH_ROLLED_BACK)
    forge(scene, signing_key(scene.log.keys))
    if further:
        scene.log.append(further)
    seen = _messages(scene)
    assert bool(seen) == (kind == "log removed and written anew")
    (message, *_) = _messages(scene, scene.mark)
    assert message


def test_chain_signed_anew_with_the_key_is_noticed_by_a_witness(scene):
    """Whoever has the key can make all lines anew."""
    key = signing_key(scene.log.keys)
    _all(scene, lambda lines: rechained(lines, _fake, key))
    head = json.loads(scene.log.head.read_text())
    from piienc.audit import head as heads
    from piienc.audit.line import hash_of

    size, last = scene.log.path.stat().st_size, scene.log.lines[-1]
    made = heads.SignedHead(**head | {"end": size, "head": hash_of(last[:-1]), "signature": ""})
    heads.write(scene.folder, made.signed(key))
    assert _messages(scene) == []
    assert _messages(scene, scene.mark) == ["line 9 is not the one that a witness tells of"]
    scene.log.append(2)
    assert _messages(scene, scene.mark) == ["line 9 is not the one that a witness tells of"]


def test_note_of_the_head_is_a_line_that_can_be_read_back(scene):
    """It names log, line and hash."""
    mark = noted(scene.log.state, public_key(scene.log.keys))
    assert mark == scene.mark
    assert LogPosition.of_note(mark.note()) == mark
    assert LogPosition.of_note(mark.note() + "0") is None
    assert _messages(scene, mark) == []
    scene.log.head.unlink()
    with pytest.raises(AuthenticationError, match="the head is gone"):
        noted(scene.log.state, public_key(scene.log.keys))


def test_witness_of_a_log_that_is_not_here_is_told(scene):
    """The state folder is another one, or the log was made anew."""
    mark = LogPosition(3, "0" * 64, "0123456789abcdef")
    assert _messages(scene, mark) == [
        "a witness tells of the log 0123456789abcdef, which is not here"
    ]


@pytest.mark.parametrize("name", ["audit", "audit/KEY"])
def test_link_in_the_place_of_a_folder_is_refused(scene, name):
    """It would lead to another log, and lines of this one would go there."""
    path = scene.log.state / name.replace("KEY", scene.folder.name)
    target = scene.other.state / "audit" / ("" if name == "audit" else scene.folder.name)
    before = scene.other.path.read_bytes()
    _replaced(path, lambda path: path.symlink_to(target))
    assert _messages(scene)
    with pytest.raises(ConfigError, match="is a symbolic link"):
        scene.log.append()
    assert scene.other.path.read_bytes() == before


@pytest.mark.parametrize("put", [os.mkfifo, Path.mkdir, lambda path: path.symlink_to("head.json")])
def test_odd_lock_is_refused(scene, put):
    """Nothing is waited for."""
    _replaced(scene.log.state / "audit" / "lock", put)
    with pytest.raises(ConfigError, match="lock is not a regular file"):
        scene.log.append()
    assert _messages(scene) == []


@given(data=st.data())
def test_changed_byte_anywhere_is_noticed(tmp_path_factory, data):
    """Any byte of any line, its line break included."""
    log = Log(tmp_path_factory.mktemp("byte"))
    log.append(3)
    lines = log.lines
    number = data.draw(st.integers(0, 2))
    at = data.draw(st.integers(0, len(lines[number]) - 1))
    changed = bytearray(lines[number])
    changed[at] ^= data.draw(st.integers(1, 255))
    log.lines = [*lines[:number], bytes(changed), *lines[number + 1 :]]
    line, kind = log.damage()
    assert kind in {"altered", "cut-off", "removed", "misplaced"}
    assert line == number + 1
    log.append()
    assert log.damage()


@pytest.mark.parametrize("content", [b"", b"{}", b"[]", b"\xff", b"[" * 100_000])
def test_head_that_is_no_head_is_noticed(log, content):
    """It names a break then."""
    log.append()
    log.head.write_bytes(content)
    assert log.damage() == (None, "head")
    log.append()
    assert log.damage() == (2, "broken")


@pytest.mark.parametrize(
    ("field", "value"),
    [("log", "0" * 16), ("segment", 2), ("lines", 8), ("end", 7), ("head", "0" * 64),
     ("time", "2020"), ("key", "0" * 64), ("signature", "00"), ("signature", "x")],
)  # fmt: skip
def test_each_field_of_the_head_is_signed(log, field, value):
    """So none can be changed."""
    log.append()
    log.head.write_text(json.dumps(json.loads(log.head.read_text()) | {field: value}))
    assert log.damage() == (None, "head")


def test_break_names_what_was_found(log):
    """The file, the last line that was believed, the reason, size and hash."""
    import hashlib

    log.append(3)
    log.lines = log.lines[:2]
    found = log.path.read_bytes()
    log.append()
    assert json.loads(log.lines[0])["broken"] == {
        "file": "000001.jsonl",
        "line": 3,
        "reason": "the log was cut off behind line 2: its head tells of line 3",
        "bytes": len(found),
        "sha256": hashlib.sha256(found).hexdigest(),
    }
    assert log.segment(1).read_bytes() == found
