"""Crashes, many processes, and folders that cannot be written to."""

import hashlib
import json
import os
import shutil
import signal
import stat
import subprocess
import sys
import time
from base64 import b64decode, b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from piienc.audit import log as log_module
from piienc.audit import segments
from piienc.audit.keys import public_key, signing_key
from piienc.audit.log import AuditLog
from piienc.base.files import new_file
from piienc.errors import ConfigError, IncompleteError, KeyAccessError, PolicyError

APPENDS = """
import pathlib, sys
from piienc.audit.keys import signing_key
from piienc.audit.log import AuditLog
state, keys, times = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]), int(sys.argv[3])
log = AuditLog(state, lambda: signing_key(keys))
for number in range(times):
    log.append({"command": "test", "process": sys.argv[4], "n": number})
    print(number, flush=True)
"""


def _start(log, times, name="p"):
    command = [sys.executable, "-c", APPENDS, str(log.state), str(log.keys), str(times), name]
    return subprocess.Popen(command, stdout=subprocess.PIPE)


def test_many_processes_lose_no_line_and_mix_none(log):
    """Each waits for the others; the key is made once."""
    runs = [_start(log, 50, str(name)) for name in range(8)]
    for run in runs:
        run.communicate(timeout=100)
    assert [run.returncode for run in runs] == [0] * 8
    found = log.check()
    assert (found.lines, found.signature, found.damages) == (400, "good", ())
    told = [(line["process"], line["n"]) for line in map(json.loads, log.lines)]
    assert sorted(told) == [(str(name), n) for name in range(8) for n in range(50)]


def test_log_is_good_while_others_append_to_it(log):
    """Who checks sees head and lines of one moment."""
    log.append()
    run = _start(log, 100_000)
    try:
        run.stdout.readline()
        for _ in range(30):
            assert log.check().damages == ()
    finally:
        run.kill()
        run.communicate(timeout=60)


def test_kill_in_the_middle_is_no_tampering_and_the_next_run_goes_on(log):
    """What was told to be there is there, and no break is told."""
    told = 0
    for attempt in range(6):
        run = _start(log, 100_000)
        run.stdout.readline()
        time.sleep(0.02 + attempt / 100)
        run.send_signal(signal.SIGKILL)
        out, _ = run.communicate(timeout=60)
        told += 1 + out.count(b"\n")
        found = log.check()
        assert found.damages == ()
        assert found.lines >= told
    log.append()
    assert (log.check().damages, log.warnings) == ((), [])


STEPS = {
    "no folder": lambda log: shutil.rmtree(log.folder),
    "no head": lambda log: [log.path.unlink(), log.head.unlink()],
    "no segment": lambda log: log.path.unlink(),
    "nothing in the segment": lambda log: log.path.write_bytes(b""),
    "half a line": lambda log: log.path.write_bytes(log.path.read_bytes()[:100]),
}


@pytest.mark.parametrize("step", STEPS)
def test_kill_at_any_step_of_the_first_line_is_no_tampering(log, monkeypatch, step):
    """Folder, head, the key folder's note, segment, line, head: in this order."""
    monkeypatch.setattr(log_module.heads, "write", _first_time_only(log_module.heads.write))
    with pytest.raises(SystemExit):
        log.append()
    STEPS[step](log)
    if step in {"no folder", "no head"}:
        shutil.rmtree(log.keys / "audit" / "logs")  # it comes behind the head
    monkeypatch.undo()
    assert log.check_all().damages == []
    log.append(2)
    found = log.check()
    assert (found.lines, found.damages, log.warnings) == (2, (), [])
    assert found.cut == (step == "half a line")


def _first_time_only(function):
    """Let a function do its work once, and end the process in its place then."""
    calls = []

    def limited(*arguments):
        calls.append(arguments)
        if len(calls) > 1:
            raise SystemExit
        return function(*arguments)

    return limited


def test_kill_before_the_head_leaves_one_line_behind_it_at_most(log):
    """The head is brought up to it before the next line is written."""
    log.append(3)
    head = log.head.read_bytes()
    log.append()
    log.head.write_bytes(head)
    assert (log.check().lines, log.check().damages) == (4, ())
    heads_of = []

    def recording(folder, head):
        heads_of.append(head.lines)

    log_module.heads.write, write = recording, log_module.heads.write
    try:
        log.append()
    finally:
        log_module.heads.write = write
    assert heads_of == [4, 5]
    assert log.warnings == []


@given(cut=st.integers(1, 500), times=st.integers(1, 3))
def test_torn_line_is_no_tampering_and_is_kept(tmp_path_factory, cut, times):
    """A write that was cut off stays as it is; the next segment names its hash and goes on."""
    from audit_log import Log

    log = Log(tmp_path_factory.mktemp("torn"))
    log.append(2)
    for _ in range(times):
        head, path, before = log.head.read_bytes(), log.path, log.path.read_bytes()
        log.append()
        assert log.path == path
        torn = path.read_bytes()[: len(before) + min(cut, len(log.lines[-1]) - 1)]
        path.write_bytes(torn)
        log.head.write_bytes(head)
        assert (log.check().cut, log.check().damages) == (1 + times_before(log), ())
        log.append()
        assert path.read_bytes() == torn
        named = json.loads(log.lines[0])["torn"]
        tail = torn[torn.rfind(b"\n") + 1 :]
        assert named == [{"bytes": len(tail), "sha256": hashlib.sha256(tail).hexdigest()}]
    found = log.check()
    assert (found.lines, found.cut, found.segments) == (2 + times, times, 1 + times)
    assert (found.damages, found.signature, log.warnings) == ((), "good", [])


def times_before(log):
    """Return how many torn ends are named already."""
    return len(list(log.folder.glob("*.jsonl"))) - 1


def test_torn_line_that_is_changed_later_is_noticed(log):
    """Its hash stands in the line behind it."""
    log.append(2)
    head = log.head.read_bytes()
    log.append()
    log.path.write_bytes(log.path.read_bytes()[:-9])
    log.head.write_bytes(head)
    log.append(2)
    first = log.segment(1)
    first.write_bytes(first.read_bytes()[:-9])
    assert log.damage() == (2, "altered")


def test_full_disk_leaves_no_half_line(log, monkeypatch):
    """The line is taken back, and the command fails."""
    log.append()
    before = log.path.read_bytes()
    write = os.write

    def little(descriptor, data):
        if len(data) < 20:
            raise OSError(28, "No space left on device")
        return write(descriptor, data[:10])

    monkeypatch.setattr(os, "write", little)
    with pytest.raises(IncompleteError, match=r"000001\.jsonl"):
        log.append()
    assert log.path.read_bytes() == before


def test_files_are_private(log):
    """Names of files and keys are nobody else's business."""
    log.append()
    made = [*log.state.rglob("*"), *(log.keys / "audit").rglob("*")]
    modes = {path.is_dir(): set() for path in made}
    for path in made:
        modes[path.is_dir()].add(stat.S_IMODE(path.stat().st_mode))
    assert modes == {True: {0o700}, False: {0o600}}


@pytest.mark.parametrize("name", ["log", "key"])
def test_log_or_key_that_others_may_read_is_refused(log, name):
    """The hint says how to close it."""
    log.append()
    path = log.path if name == "log" else log.keys / "audit" / "signing.pem"
    path.chmod(0o644)
    with pytest.raises(KeyAccessError) as caught:
        log.append()
    assert caught.value.hint.startswith("chmod 0600 ")


def test_state_folder_that_cannot_be_made_is_told(tmp_path):
    """The hint names the ways to another folder."""
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match="cannot keep the audit log") as caught:
        AuditLog(tmp_path / "file" / ".piienc", lambda: None).append({})
    assert "--state DIR or PIIENC_STATE" in caught.value.hint


def test_what_is_written_without_a_key_is_apart_and_told_as_unsigned(log, monkeypatch):
    """No key signs it later; the log of a key that is made then has signed lines alone."""
    monkeypatch.setattr(os, "access", lambda *_: False)  # root may write anywhere
    assert signing_key(log.keys) is None
    log.append(2)
    assert (log.check().lines, log.check().signature, log.check().damages) == (2, "none", ())
    monkeypatch.undo()
    log.append(3)
    log.append(signed=False)
    signed, unsigned = log.check_all().logs
    assert (signed.lines, signed.signature, signed.damages) == (3, "good", ())
    assert (unsigned.lines, unsigned.signature, unsigned.damages) == (3, "none", ())


def test_key_folder_that_takes_no_note_is_no_hindrance(log, monkeypatch):
    """It may be mounted read-only: a log that is gone is not missed then."""
    log.append()
    shutil.rmtree(log.folder)
    shutil.rmtree(log.keys / "audit" / "logs")
    access = os.access
    monkeypatch.setattr(os, "access", lambda path, mode: mode == os.F_OK and access(path, mode))
    log.append(2)
    assert not (log.keys / "audit" / "logs").exists()
    assert (log.check().lines, log.check().damages, log.warnings) == (2, (), [])


def test_key_folder_that_is_not_there_is_not_made(log):
    """Who has mistyped its name must not find one."""
    assert signing_key(log.keys / "other") is None
    assert not (log.keys / "other").exists()


def test_each_key_folder_has_a_log_of_its_own(log, tmp_path):
    """Each is checked by itself; that of another key as far as it goes."""
    second = tmp_path / "second"
    second.mkdir(mode=0o700)
    log.append(2)
    AuditLog(log.state, lambda: signing_key(second)).append({})
    own, other = log.check_all().logs
    assert (own.lines, own.signature) == (2, "good")
    assert (other.lines, other.signature, other.damages) == (1, "unchecked", ())
    first, log.keys = log.keys, second
    own, other = log.check_all().logs
    assert (own.lines, own.signature) == (1, "good")
    assert (other.lines, other.key) == (2, public_key(first).fingerprint[:16])


def test_segment_that_is_full_is_followed_by_the_next(log, monkeypatch):
    """The chain goes on; each line tells its segment."""
    monkeypatch.setattr("piienc.audit.standing.LIMIT", 1000)
    log.append(12)
    found = log.check()
    assert (found.lines, found.damages, found.segments > 2) == (12, (), True)
    sizes = [path.stat().st_size for path in sorted(log.folder.glob("*.jsonl"))]
    assert all(1000 <= size < 2000 for size in sizes[:-1])
    assert segments.LIMIT == 16 << 20


@pytest.mark.parametrize("step", ["empty", "behind", "torn"])
def test_kill_at_the_begin_of_a_segment_is_no_tampering(log, monkeypatch, step):
    """The last line is in the segment before."""
    log.append(3)
    head = log.head.read_bytes()
    monkeypatch.setattr("piienc.audit.standing.LIMIT", 1)
    log.append()
    log.head.write_bytes(head)
    line = log.path.read_bytes()
    log.path.write_bytes({"empty": b"", "behind": line, "torn": line[:50]}[step])
    assert log.check().damages == ()
    log.append(2)
    found = log.check()
    assert (found.lines, found.damages) == (5 + (step == "behind"), ())
    assert (found.cut, log.warnings) == (step == "torn", [])


def test_public_key_is_enough_to_verify(log):
    """An auditor elsewhere needs nothing that signs."""
    log.append()
    (log.keys / "audit" / "signing.pem").unlink()
    assert log.check().signature == "good"
    (log.keys / "audit" / "public.pem").unlink()
    (found,) = log.check_all().logs
    assert (found.signature, found.damages) == ("unchecked", ())


def test_public_key_may_be_read_by_others(log):
    """But not written to: it decides whom the check believes."""
    log.append()
    path = log.keys / "audit" / "public.pem"
    path.chmod(0o644)
    assert log.check().signature == "good"
    path.chmod(0o666)
    with pytest.raises(PolicyError):
        log.check()


@pytest.mark.parametrize("half", ["signing.pem", "public.pem"])
def test_file_that_is_no_key_is_told(log, half):
    """Its content is not."""
    log.append()
    (log.keys / "audit" / half).write_text("PRIVATE CANARY")
    with pytest.raises(KeyAccessError, match="is no Ed25519 key") as caught:
        signing_key(log.keys) if half == "signing.pem" else public_key(log.keys)
    assert "CANARY" not in str(caught.value)


@pytest.mark.parametrize("half", ["signing.pem", "public.pem"])
def test_file_that_cannot_be_read_is_told_with_the_systems_reason(log, half):
    """A folder in its place, say."""
    log.append()
    path = log.keys / "audit" / half
    path.unlink()
    path.mkdir(mode=0o700)
    with pytest.raises(KeyAccessError, match=f"cannot read {path}: Is a directory"):
        signing_key(log.keys) if half == "signing.pem" else public_key(log.keys)


def test_key_that_another_run_has_made_meanwhile_is_taken(log, monkeypatch):
    """Two first runs at once sign with one key."""
    from piienc.audit import keys as audit

    taken = []

    def slow(path, **more):
        if not taken:
            taken.append(True)
            taken.append(signing_key(log.keys).fingerprint)
        return new_file(path, **more)

    monkeypatch.setattr(audit, "new_file", slow)
    assert signing_key(log.keys).fingerprint == taken[1] == public_key(log.keys).fingerprint


def test_private_key_is_read_as_the_library_reads_it(log):
    """The file is PKCS #8 as anybody else writes and reads it."""
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    log.append()
    path = log.keys / "audit" / "signing.pem"
    known = load_pem_private_key(path.read_bytes(), password=None)
    assert signing_key(log.keys).sign(b"x") == known.sign(b"x")


def _with_key(change):
    """Change the DER document in the PEM."""

    def changed(pem):
        head, body, foot = pem.strip().split(b"\n")
        return b"\n".join([head, b64encode(change(b64decode(body))), foot, b""])

    return changed


@pytest.mark.parametrize(
    "change",
    [
        lambda pem: pem.replace(b"BEGIN", b"BEGAN"),
        lambda pem: pem.replace(b"MC4C", b"MC4C!"),
        _with_key(lambda der: der[-32:]),  # the key without what says which kind it is
        _with_key(lambda der: der[:-1]),
        _with_key(lambda der: der + b"x"),
        lambda pem: pem.replace(b"MC4C", b"MC4D"),
        lambda pem: pem[:40] + pem[44:],
        lambda pem: pem.replace(b"\n", b"\nAAAA", 1),
        lambda pem: pem[:0],
    ],
)
def test_private_key_of_another_form_is_refused(log, change):
    """What is not exactly an Ed25519 key signs nothing."""
    log.append()
    path = log.keys / "audit" / "signing.pem"
    path.write_bytes(change(path.read_bytes()))
    with pytest.raises(KeyAccessError, match="is no Ed25519 key"):
        signing_key(log.keys)


def test_signatures_are_of_what_the_page_says(log):
    """Anybody can check them with the public key and docs/audit.md."""
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    log.append(3)
    key = load_pem_public_key((log.keys / "audit" / "public.pem").read_bytes())
    before = b"0" * 64
    for number, raw in enumerate(log.lines, 1):
        line = json.loads(raw)
        assert (line["line"], line["segment"], line["prev"].encode()) == (number, 1, before)
        assert line["signer"] == hashlib.sha256(key.public_bytes_raw()).hexdigest()
        body = raw.replace(b',"sig":"' + line["sig"].encode() + b'"', b"").removesuffix(b"\n")
        key.verify(bytes.fromhex(line["sig"]), b"piienc audit line 2\n" + body)
        before = hashlib.sha256(raw.removesuffix(b"\n")).hexdigest().encode()
    head = json.loads(log.head.read_text())
    names = ("log", "segment", "lines", "end", "head", "time", "key")
    message = "\n".join(["piienc audit head 2", *(str(head[name]) for name in names)]).encode()
    key.verify(bytes.fromhex(head["signature"]), message)
    assert (head["head"].encode(), head["end"]) == (before, log.path.stat().st_size)
