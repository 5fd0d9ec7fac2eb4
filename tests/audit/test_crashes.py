"""Crashes, many processes, and folders that cannot be written to."""

import hashlib
import json
import os
import signal
import stat
import subprocess
import sys
import time
from base64 import b64decode, b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from piienc.errors import ConfigError, IncompleteError, InputError, KeyAccessError
from piienc.files import new_file
from piienc.keys.audit import public_key, signing_key
from piienc.state.audit import head as heads
from piienc.state.audit.log import AuditLog

APPENDS = """
import pathlib, sys
from piienc.keys.audit import signing_key
from piienc.state.audit.log import AuditLog
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
    assert (found.lines, found.signed, found.signature, found.damage) == (400, 400, "good", None)
    told = [(line["process"], line["n"]) for line in map(json.loads, log.lines)]
    assert sorted(told) == [(str(name), n) for name in range(8) for n in range(50)]


def test_kill_in_the_middle_is_no_tampering_and_the_next_run_goes_on(log):
    """What was told to be there is there, and what is behind the head is signed next."""
    told = 0
    for attempt in range(6):
        run = _start(log, 100_000)
        run.stdout.readline()
        time.sleep(0.02 + attempt / 100)
        run.send_signal(signal.SIGKILL)
        out, _ = run.communicate(timeout=60)
        told += 1 + out.count(b"\n")
        found = log.check()
        assert found.damage is None
        assert found.lines >= told
        assert found.behind <= 1
    log.append()
    found = log.check()
    assert (found.behind, found.damage, found.signature) == (0, None, "good")


def test_kill_before_the_head_leaves_lines_behind_it_and_the_next_one_tells(log):
    """They are signed with the next line, which says that they were not before."""
    log.append(3)
    head = log.head.read_bytes()
    log.append(2)
    log.head.write_bytes(head)
    found = log.check()
    assert (found.lines, found.signed, found.behind, found.damage) == (5, 3, 2, None)
    log.append()
    found = log.check()
    assert (found.signed, found.behind, found.late, found.damage) == (6, 0, 2, None)
    assert json.loads(log.lines[-1])["behind"] == 2


@given(cut=st.integers(1, 200), times=st.integers(1, 3))
def test_torn_line_is_no_tampering_and_is_kept(tmp_path_factory, cut, times):
    """A write that was cut off stays as it is; the next line names its hash and goes on."""
    from audit_log import Log

    log = Log(tmp_path_factory.mktemp("torn"))
    log.append(2)
    for _ in range(times):
        head, before = log.head.read_bytes(), log.path.read_bytes()
        log.append()
        added = log.path.read_bytes()[len(before) :]
        torn = before + added[: min(cut, len(added) - 2)]
        log.path.write_bytes(torn)
        log.head.write_bytes(head)
        assert log.check().damage is None
    log.append()
    assert log.path.read_bytes().startswith(torn)
    found = log.check()
    assert (found.damage, found.signature, found.behind) == (None, "good", 0)
    assert found.torn >= 1
    assert found.lines == found.signed == 2 + found.torn + 1


def test_line_that_lacks_its_line_break_alone_is_whole(log):
    """Nothing of it is lost, so it counts."""
    log.append(2)
    head = log.head.read_bytes()
    log.append()
    log.path.write_bytes(log.path.read_bytes()[:-1])
    log.head.write_bytes(head)
    assert log.check().behind == 1
    log.append()
    found = log.check()
    assert (found.lines, found.torn, found.late, found.damage) == (4, 0, 1, None)


def test_torn_line_that_is_changed_later_is_noticed(log):
    """Its hash stands in the line behind it."""
    log.append(2)
    head = log.head.read_bytes()
    log.append()
    log.path.write_bytes(log.path.read_bytes()[:-9])
    log.head.write_bytes(head)
    log.append(2)
    lines = log.lines
    log.lines = [*lines[:2], lines[2].replace(b"line", b"lime"), *lines[3:]]
    assert log.damage() == (3, "altered")


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
    with pytest.raises(IncompleteError, match=r"audit\.jsonl"):
        log.append()
    assert log.path.read_bytes() == before


def test_files_are_private(log):
    """Names of files and keys are nobody else's business."""
    log.append()
    files = [log.path, log.head, *(log.keys / "audit").iterdir()]
    assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}
    assert stat.S_IMODE((log.keys / "audit").stat().st_mode) == 0o700


@pytest.mark.parametrize("name", ["audit.jsonl", "../keys/audit/signing.pem"])
def test_log_or_key_that_others_may_read_is_refused(log, name):
    """The hint says how to close it."""
    log.append()
    (log.state / name).chmod(0o644)
    with pytest.raises(KeyAccessError) as caught:
        log.append()
    assert caught.value.hint.startswith("chmod 0600 ")


def test_head_that_cannot_be_read_is_no_tampering(log):
    """It is an error of its own."""
    log.append()
    log.head.unlink()
    log.head.mkdir()
    with pytest.raises(InputError, match=r"cannot read .*audit\.head"):
        log.check()


def test_state_folder_that_cannot_be_made_is_told(tmp_path):
    """The hint names the ways to another folder."""
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match="cannot keep the audit log") as caught:
        AuditLog(tmp_path / "file" / ".piienc", lambda: None).append({})
    assert "--state DIR or PIIENC_STATE" in caught.value.hint


def test_key_folder_that_is_read_only_and_has_no_key_leaves_the_log_unsigned(log, monkeypatch):
    """The lines are written; that they are not signed is told."""
    monkeypatch.setattr(os, "access", lambda *_: False)  # root may write anywhere
    assert signing_key(log.keys) is None
    log.append(2)
    found = log.check()
    assert (found.lines, found.signature, found.behind, found.damage) == (2, "none", 2, None)
    monkeypatch.undo()
    log.append()
    found = log.check()
    assert (found.signed, found.signature, found.late, found.damage) == (3, "good", 2, None)


def test_key_folder_that_is_not_there_is_not_made(log):
    """Who has mistyped its name must not find one."""
    assert signing_key(log.keys / "other") is None
    assert not (log.keys / "other").exists()


def test_log_of_two_key_folders_has_a_head_of_each(log, tmp_path):
    """Each key's signature can be checked by itself."""
    second = tmp_path / "second"
    second.mkdir(mode=0o700)
    log.append(2)
    AuditLog(log.state, lambda: signing_key(second)).append({})
    assert (log.check().signed, log.check().behind) == (2, 1)
    first, log.keys = log.keys, second
    assert (log.check().signed, log.check().late, log.check().damage) == (3, 2, None)
    assert heads.read(log.state).keys() == {
        public_key(folder).fingerprint for folder in (first, second)
    }


def test_public_key_is_enough_to_verify(log):
    """An auditor elsewhere needs nothing that signs."""
    log.append()
    (log.keys / "audit" / "signing.pem").unlink()
    assert log.check().signature == "good"
    (log.keys / "audit" / "public.pem").unlink()
    found = log.check()
    assert (found.signature, found.damage) == ("unchecked", None)


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
    from piienc.keys import audit

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


def test_signature_is_of_what_the_page_says(log):
    """Anybody can check it with the public key and docs/audit.md."""
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    log.append(3)
    (head,) = json.loads(log.head.read_text())["heads"]
    fields = (head[name] for name in ("lines", "end", "head", "time", "key"))
    message = "\n".join(["piienc audit head 1", *map(str, fields)]).encode()
    key = load_pem_public_key((log.keys / "audit" / "public.pem").read_bytes())
    key.verify(bytes.fromhex(head["signature"]), message)
    assert head["key"] == hashlib.sha256(key.public_bytes_raw()).hexdigest()
    assert head["head"] == hashlib.sha256(log.lines[-1].removesuffix(b"\n")).hexdigest()
    assert head["end"] == log.path.stat().st_size - 1
