"""The log of the format before this one: closed as it was found, and held to that."""

import hashlib
import json
import shutil

import pytest
from audit_log import Log

from piienc.audit.head import LogPosition
from piienc.audit.keys import public_key, signing_key

LINES = 5


def _write(log, *, heads=1, change=lambda lines: lines):
    """Write such a log, with heads that are signed up to the last line."""
    log.state.mkdir(mode=0o700, exist_ok=True)
    key = signing_key(log.keys)
    prev, end, lines = "0" * 64, -1, []
    for number in range(1, LINES + 1):
        signer = key.fingerprint if heads else None
        facts = {"line": number, "prev": prev, "signer": signer, "time": f"2026-01-0{number}"}
        line = json.dumps(facts | {"command": "test", "outcome": "done", "run": str(number)})
        lines.append(line.encode() + b"\n")
        prev, end = hashlib.sha256(line.encode()).hexdigest(), end + len(line) + 1
    (log.state / "audit.jsonl").write_bytes(b"".join(change(lines)))
    if heads:
        fields = [LINES, end, prev, "2026-01-06", key.fingerprint]
        message = "\n".join(["piienc audit head 1", *map(str, fields)]).encode()
        head = dict(zip(["lines", "end", "head", "time", "key"], fields, strict=True))
        head["signature"] = key.sign(message).hex()
        document = {"schema_version": 1, "heads": [head]}
        (log.state / "audit.head").write_text(json.dumps(document))
    return [hashlib.sha256(line[:-1]).hexdigest() for line in lines]


def _reasons(log, *witnesses):
    return [damage.message for damage in log.check_all(*witnesses).damages]


def test_log_that_is_good_is_closed_by_a_signed_line_that_tells_its_end(log):
    """Before that, it is checked by itself."""
    hashes = _write(log)
    (old,) = log.check_all().logs
    assert (old.lines, old.signature, old.damages) == (LINES, "good", ())
    before = {path: path.read_bytes() for path in log.state.glob("audit.*")}
    log.append(2)
    first, second = map(json.loads, log.lines)
    data = (log.state / "audit.jsonl").read_bytes()
    assert first["former"] == {
        "lines": LINES,
        "signed": LINES,
        "head": hashes[-1],
        "bytes": len(data),
        "sha256": hashlib.sha256(data).hexdigest(),
        "reason": None,
    }
    assert "former" not in second
    assert {path: path.read_bytes() for path in before} == before
    new, old = log.check_all().logs
    assert (new.lines, old.lines, old.signature, log.warnings) == (2, LINES, "good", [])
    assert _reasons(log, LogPosition(3, hashes[2])) == []
    assert _reasons(log, LogPosition(3, hashes[1])) == [
        "line 3 is not the one that a receipt tells of"
    ]
    lost = "it was cut off behind line 5: a receipt tells of 7"
    assert _reasons(log, LogPosition(7, hashes[1])) == [lost]


FORGERIES = {
    "byte altered": (
        lambda lines: [lines[0], lines[1].replace(b"test", b"fake"), *lines[2:]],
        "line 3 does not follow the one before it",
    ),
    "last line altered": (
        lambda lines: [*lines[:-1], lines[-1].replace(b"test", b"fake")],
        "line 5 is not the one that was signed",
    ),
    "line removed": (
        lambda lines: [*lines[:1], *lines[2:]],
        "line 2 does not follow the one before it",
    ),
    "line cut": (
        lambda lines: [lines[0], lines[1][:20] + b"\n", *lines[2:]],
        "line 3 does not follow the one before it",
    ),
    "cut off": (lambda lines: lines[:3], "it was cut off behind line 3: line 5 is known of"),
}


@pytest.mark.parametrize("kind", FORGERIES)
@pytest.mark.parametrize("later", [False, True])
def test_log_that_is_not_good_is_never_signed_over(log, kind, later):
    """What is wrong with it stands in the line that closes it; or it differs from that line."""
    change, reason = FORGERIES[kind]
    if later:
        _write(log)
        log.append()
        _write(log, change=change)
        expected = "it is not as it was when it was closed"
    else:
        _write(log, change=change)
        assert _reasons(log) == [reason]
        expected = reason
    log.append(2)
    assert _reasons(log) == [expected]


def test_log_that_was_rewritten_unsigned_is_not_good(log):
    """The key was there, and has not signed it."""
    _write(log, heads=0)
    expected = ["its head is gone, or the key has never signed it"]
    assert _reasons(log) == expected
    log.append(2)
    assert _reasons(log) == expected


def test_log_from_before_there_was_a_key_is_closed_as_unsigned(log, tmp_path):
    """Nothing of it could be signed."""
    (tmp_path / "old").mkdir()
    old = Log(tmp_path / "old")
    _write(old, heads=0)
    shutil.copytree(old.state, log.state)
    log.append()
    new, former = log.check_all().logs
    assert (new.damages, former.damages) == ((), ())
    assert (former.lines, former.signature) == (LINES, "none")
    assert public_key(log.keys)


def test_log_that_is_removed_is_missed(log):
    """The line that closed it tells of it."""
    _write(log)
    log.append()
    (log.state / "audit.jsonl").unlink()
    assert _reasons(log) == ["it was removed"]


def test_log_that_is_planted_beside_a_newer_one_is_told(log):
    """No line has closed it."""
    log.append()
    _write(log)
    assert _reasons(log) == ["no line of the newer log tells of it"]


@pytest.mark.parametrize("content", [b"", b"{}", b"\xff", None])
def test_head_that_is_no_head_is_noticed(log, content):
    """So the lines are not believed."""
    _write(log)
    if content is None:
        (log.state / "audit.head").unlink()
    else:
        (log.state / "audit.head").write_bytes(content)
    (reason,) = _reasons(log)
    log.append(2)
    assert _reasons(log) == [reason]
