"""A signing key remembers which log it has begun for which state folder."""

import hashlib
import json
import os
import shutil
import subprocess
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from piienc.audit.check import check
from piienc.audit.keys import public_key, signing_key


def test_first_log_that_was_begun_is_kept_in_a_file_for_each_state_folder(tmp_path):
    """So that nobody can take a log away, or put another project's in its place."""
    key = signing_key(tmp_path / "keys", begin=True)
    state = tmp_path / os.fsdecode(b"state\xff")
    key.remember(state, "0011223344556677")
    [kept] = (tmp_path / "keys" / "audit" / "logs").iterdir()
    made = kept.stat()
    key.remember(state, "8899aabbccddeeff")
    digest = hashlib.sha256(os.fsencode(state)).hexdigest()
    assert (kept.stat().st_ino, kept.stat().st_mtime_ns) == (made.st_ino, made.st_mtime_ns)
    assert kept.name == f"{digest[:16]}.json"
    told = {"state": str(state), key.fingerprint: "0011223344556677"}
    assert json.loads(kept.read_bytes()) == told
    assert key.begun(state) == "0011223344556677"
    assert key.begun(tmp_path / "another") is None


@pytest.mark.skipif(os.geteuid() != 0, reason="root alone can make files for another")
def test_what_root_makes_in_the_key_folder_of_somebody_is_theirs(tmp_path, monkeypatch):
    """So that their next command can read it."""
    monkeypatch.setenv("PIIENC_TRUST", str(tmp_path))
    folder = tmp_path / "keys"
    folder.mkdir(mode=0o700)
    os.chown(folder, 12345, 12345)
    signing_key(folder, begin=True).remember(tmp_path / "state", "0011223344556677")
    made = {path.relative_to(folder).parts[:2]: path.stat().st_uid for path in folder.rglob("*")}
    assert made == dict.fromkeys(
        [("audit",), *(("audit", name) for name in ("signing.pem", "public.pem", "logs"))], 12345
    )


@pytest.mark.parametrize(("more", "known"), [(0, "0011223344556677"), (1, None)])
def test_note_has_64_kib_at_the_most(tmp_path, more, known):
    """Nobody reads what another one has put there into memory."""
    key = signing_key(tmp_path / "keys", begin=True)
    key.remember(tmp_path / "state", "0011223344556677")
    [kept] = (tmp_path / "keys" / "audit" / "logs").iterdir()
    kept.write_bytes(kept.read_bytes().strip().rjust((64 << 10) + more))
    assert key.begun(tmp_path / "state") == known


def test_of_several_who_make_the_key_at_once_one_has_made_it(tmp_path):
    """All sign with the same one."""
    for number in range(20):
        folder, together = tmp_path / str(number), threading.Barrier(4)

        def made(folder=folder, together=together):
            together.wait()
            return signing_key(folder, begin=True)

        with ThreadPoolExecutor(4) as pool:
            keys = [future.result() for future in [pool.submit(made) for _ in range(4)]]
        assert len({key.fingerprint for key in keys}) == 1


def test_link_in_the_place_of_a_state_folder_does_not_lead_to_another_log(tmp_path):
    """The key knows the log that was begun there."""
    key = signing_key(tmp_path / "keys", begin=True)
    state, other = tmp_path / "state", tmp_path / "other"
    key.remember(state, "0011223344556677")
    key.remember(other, "8899aabbccddeeff")
    other.mkdir()
    state.symlink_to(other)
    assert key.begun(state) == "0011223344556677"


GONE = "the log that the key has begun here is gone"


def _under(log, tmp_path, way):
    """Return another path of the state folder."""
    link = tmp_path / "link"
    if way == "bind mount":
        link.mkdir()
        if subprocess.run(["mount", "--bind", log.state, link], check=False).returncode:
            pytest.skip("nothing can be mounted here")
        return link
    if way == "link to the folder":
        link.symlink_to(log.state)
        return link
    link.symlink_to(tmp_path)
    return link / log.state.name


@pytest.mark.parametrize("way", ["link to the folder", "link above it", "bind mount"])
@pytest.mark.parametrize("removed", ["audit", "."])
def test_log_that_is_gone_is_missed_under_another_path_of_the_folder(log, tmp_path, way, removed):
    """By the folder itself; or, where it is gone as well, by where the path leads."""
    if (way, removed) == ("bind mount", "."):
        pytest.skip("it cannot be removed")
    log.append()
    state = _under(log, tmp_path, way)
    try:
        assert check(state, public_key(log.keys)).damages == []
        shutil.rmtree(state.resolve() / removed)
        assert [it.message for it in check(state, public_key(log.keys)).damages] == [GONE]
    finally:
        if way == "bind mount":
            subprocess.run(["umount", state], check=True)


def test_folder_that_gets_the_number_of_a_removed_one_is_another(log, tmp_path):
    """File systems give an inode's number again at once: no log is missed there."""
    log.append()
    shutil.rmtree(log.state)
    for number in range(20):
        fresh = tmp_path / f"fresh{number}"
        fresh.mkdir(mode=0o700)
        assert check(fresh, public_key(log.keys)).damages == []
        fresh.rmdir()


def test_copy_of_a_folder_is_another_one(log, tmp_path):
    """A witness alone tells what is missing there."""
    log.append()
    shutil.copytree(log.state, tmp_path / "copy")
    shutil.rmtree(tmp_path / "copy" / "audit")
    assert check(tmp_path / "copy", public_key(log.keys)).damages == []


@pytest.mark.parametrize("text", ["", "[]", "{", "{}", '{"state": 7}', "[" * 100_000])
@pytest.mark.parametrize("whose", ["its own", "another's"])
def test_note_that_tells_nothing_is_passed_over(log, tmp_path, text, whose):
    """It was cut off, or somebody has written there: then a witness tells."""
    log.append()
    [note] = (log.keys / "audit" / "logs").iterdir()
    (tmp_path / "link").symlink_to(log.state)
    if whose == "its own":
        note.write_text(text)
        assert public_key(log.keys).begun(log.state) is None
    else:
        (note.parent / "0.json").write_text(text)
        (note.parent / "0.json").chmod(0o600)
    log.append()
    assert log.warnings == []
    shutil.rmtree(log.state / "audit")
    for state in (log.state, tmp_path / "link"):
        assert [it.message for it in check(state, public_key(log.keys)).damages] == [GONE]


def test_note_of_an_older_form_counts_by_its_path_alone(log, tmp_path, monkeypatch):
    """It may tell a path from a folder that is not known, and more than is asked for."""
    log.append()
    [note] = (log.keys / "audit" / "logs").iterdir()
    told = json.loads(note.read_bytes())
    note.write_text(json.dumps({**told, "state": log.state.name, "folder": [1, 2, 3]}))
    monkeypatch.chdir(log.state.parent)
    (tmp_path / "link").symlink_to(log.state)
    key = signing_key(log.keys)
    assert key.begun(log.state) == told[key.fingerprint]
    assert key.begun(tmp_path / "link") is None


def test_folder_that_has_moved_is_known_by_its_new_path_after_a_command(log, tmp_path):
    """So it is missed there also when it is gone as a whole."""
    log.append()
    log.state = log.state.rename(tmp_path / "moved")
    log.append()
    shutil.rmtree(log.state)
    assert [it.message for it in log.check_all().damages] == [GONE]
