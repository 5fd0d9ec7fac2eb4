"""A signing key remembers which log it has begun for which state folder."""

import hashlib
import json
import os
import shutil
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from piienc.audit import begun
from piienc.audit.check import check
from piienc.audit.keys import public_key, signing_key


def test_last_log_that_was_begun_is_kept_in_a_file_for_each_state_folder(tmp_path):
    """So that nobody can take a log away, or put another project's in its place."""
    key = signing_key(tmp_path / "keys", begin=True)
    state = tmp_path / os.fsdecode(b"state\xff")
    key.remember(state, "0011223344556677")
    key.remember(state, "8899aabbccddeeff")
    digest = hashlib.sha256(os.fsencode(state)).hexdigest()
    [kept] = (tmp_path / "keys" / "audit" / "logs").iterdir()
    assert kept.name == f"{digest[:16]}.json"
    told = {"state": str(state), "folder": None, key.fingerprint: "8899aabbccddeeff"}
    assert json.loads(kept.read_bytes()) == told
    assert key.begun(state) == "8899aabbccddeeff"
    assert key.begun(tmp_path / "another") is None


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
        assert [key.new for key in keys].count(True) == 1


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
    if way == "link to the folder":
        (tmp_path / "link").symlink_to(log.state)
        return tmp_path / "link"
    if way == "link above it":
        (tmp_path / "link").symlink_to(tmp_path)
        return tmp_path / "link" / log.state.name
    return log.state.rename(tmp_path / "moved")


@pytest.mark.parametrize("way", ["link to the folder", "link above it", "moved"])
@pytest.mark.parametrize("removed", ["audit", "."])
def test_log_that_is_gone_is_missed_under_another_path_of_the_folder(log, tmp_path, way, removed):
    """By the folder itself; or, where it is gone as well, by where the path leads."""
    log.append()
    if way == "moved" and (removed == "." or not begun._identity(log.state)[2]):
        pytest.skip("nothing is left that tells which folder it was")
    state = _under(log, tmp_path, way)
    assert check(state, public_key(log.keys)).damages == []
    shutil.rmtree(state.resolve() / removed)
    assert [it.message for it in check(state, public_key(log.keys)).damages] == [GONE]


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


def test_note_of_the_older_form_counts_by_its_path_and_is_brought_up(log, tmp_path):
    """The next command remembers the folder, too."""
    log.append()
    [note] = (log.keys / "audit" / "logs").iterdir()
    told = json.loads(note.read_bytes())
    note.write_text(json.dumps({name: told[name] for name in told if name != "folder"}))
    key = signing_key(log.keys)
    assert key.begun(log.state) == told[key.fingerprint]
    log.append()
    assert json.loads(note.read_bytes()) == told
    assert log.warnings == []


def test_folder_that_has_moved_is_known_by_its_new_path_after_a_command(log, tmp_path):
    """So it is missed there also when it is gone as a whole."""
    log.append()
    log.state = log.state.rename(tmp_path / "moved")
    log.append()
    shutil.rmtree(log.state)
    assert [it.message for it in log.check_all().damages] == [GONE]
