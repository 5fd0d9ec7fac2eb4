"""Who knows the secrets of locked keys."""

from __future__ import annotations

from pathlib import Path

import pytest

from piienc.base.secret import SecretBytes
from piienc.errors import KeyAccessError
from piienc.keys import KeyFolder, Unlocker
from piienc.keys.openpgp.folder import PgpFolder

SECRET = SecretBytes(b"open sesame")


def test_each_passphrase_is_asked_for_once():
    """An SSH key's file is another key than the one of the same name."""
    asked = []

    def passphrase(key):
        asked.append(key)
        return SECRET

    unlocker = Unlocker(passphrase, asks=True)
    for key in ("k", Path("k"), "k", Path("k")):
        assert unlocker.passphrase(key) is SECRET
    assert asked == ["k", Path("k")]
    assert unlocker.asks
    assert unlocker.require("k") is SECRET


def test_without_secrets_nobody_is_asked_and_what_is_locked_stays_so():
    """As in a program without a terminal."""
    unlocker = Unlocker()
    assert not unlocker.asks
    assert unlocker.passphrase("k") is None
    with pytest.raises(
        KeyAccessError, match=r"^the key k is locked: it needs its passphrase$"
    ) as told:
        unlocker.require("k")
    assert told.value.hint == "give --passphrase-file, --passphrase-fd or PIIENC_PASSPHRASE"


@pytest.mark.parametrize("kind", [KeyFolder, PgpFolder])
def test_key_folders_share_an_unlocker_or_have_one_without_secrets(kind, tmp_path):
    """So all that a command opens is asked for once."""
    unlocker = Unlocker(lambda _: SECRET)
    assert kind(tmp_path, unlocker).unlocker is unlocker
    assert kind(tmp_path).unlocker.passphrase("k") is None
