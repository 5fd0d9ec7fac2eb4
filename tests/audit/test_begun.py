"""A signing key remembers which log it has begun for which state folder."""

import hashlib
import json
import os
import threading
from concurrent.futures import ThreadPoolExecutor

from piienc.audit.keys import signing_key


def test_last_log_that_was_begun_is_kept_in_a_file_for_each_state_folder(tmp_path):
    """So that nobody can take a log away, or put another project's in its place."""
    key = signing_key(tmp_path / "keys", begin=True)
    state = tmp_path / os.fsdecode(b"state\xff")
    key.remember(state, "0011223344556677")
    key.remember(state, "8899aabbccddeeff")
    digest = hashlib.sha256(os.fsencode(state)).hexdigest()
    [kept] = (tmp_path / "keys" / "audit" / "logs").iterdir()
    assert kept.name == f"{digest[:16]}.json"
    told = {"state": f"{tmp_path}/state\ufffd", key.fingerprint: "8899aabbccddeeff"}
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
