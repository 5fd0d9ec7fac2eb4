"""A wrap that the house does not know: one file and one row, and it opens keys."""

from __future__ import annotations

import base64
import sys

import pytest

from piienc.base.secret import SecretBytes
from piienc.keys import Unlocker, dump, parse
from piienc.keys.wraps import WRAPS, Wrap

# --- what would be `keys/wraps/backwards.py` ----------------------------------------------------

MARK = "backwards "


def wrap(keyset, secret):
    text = base64.b64encode(dump(keyset).encode()).decode()
    return f"{MARK}{secret.reveal().decode()} {text[::-1]}"


def recognizes(document):
    return document.startswith(MARK)


def facts(document):
    return _opened(document).facts


def unwrap(document, secret):
    assert document.split()[1] == secret.reveal().decode()
    return _opened(document)


def _opened(document):
    return parse(base64.b64decode(document.split()[2][::-1]))


# ------------------------------------------------------------------------------------------------

DATA = "id,email,note\n1,e,n\n"
ENCRYPT = ("encrypt-file", "x.csv", "y.csv", "--schema", "schema.toml", "-q")
DECRYPT = ("decrypt-file", "y.csv", "z.csv", "--schema", "schema.toml", "-q")


@pytest.fixture
def locked(project, monkeypatch):
    """Give a project with a key that is kept backwards, and the row."""
    conftest = sys.modules[type(project).__module__]
    monkeypatch.setitem(WRAPS, "backwards", Wrap(recognizes, facts, Unlocker.require, unwrap))
    document = wrap(conftest.keysets()["look"], SecretBytes(b"sesame"))
    project.write("keys/aes/look.json", document)
    project.write("x.csv", DATA)
    return project


def test_key_in_a_new_wrap_encrypts_and_decrypts(locked):
    """Beside one in clear; the secret comes from where those of others come."""
    opened = {"PIIENC_PASSPHRASE": "sesame"}
    for command in (ENCRYPT, DECRYPT):
        assert locked.run(*command, env=opened).normal() == (0, "", "")
    assert locked.read("y.csv") != DATA.encode() == locked.read("z.csv")


def test_key_in_a_new_wrap_is_listed_by_it_and_locked_without_its_secret(locked):
    """As any other."""
    listed = locked.run("keys", "list", "--json").document["keys"]
    assert [key["wrap"] for key in listed] == ["backwards", None]
    assert "backwards" in locked.run("keys", "list").out
    ended = locked.run(*ENCRYPT, "--no-input")
    assert ended.code == 5
    assert "the key look is locked" in ended.err
