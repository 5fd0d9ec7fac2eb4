"""Secret bytes show themselves to nobody by accident."""

import copy
import json
import logging
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from piienc.base.secret import SecretBytes

SECRET = SecretBytes(b"open sesame")


def test_secret_reveals_its_bytes_when_asked():
    """`reveal` is the one way to them."""
    assert SECRET.reveal() == b"open sesame"
    assert len(SECRET) == 11


@pytest.mark.parametrize("shown", [repr, str, ascii, "{}".format, "{!r:>99}".format])
def test_secret_shown_as_text_is_redacted(shown):
    """No way of formatting shows a byte of it."""
    assert "sesame" not in shown(SECRET)
    assert "redacted" in shown(SECRET)


def test_secret_in_a_container_or_a_log_is_redacted(caplog):
    """Nor does what holds it."""
    logging.getLogger("x").warning("%s %r", SECRET, [SECRET])
    assert "sesame" not in caplog.text + repr({"key": [SECRET]})


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_secret_pickled_raises(protocol):
    """It does not travel to other processes or into files."""
    with pytest.raises(TypeError, match="pickled"):
        pickle.dumps(SECRET, protocol)


@pytest.mark.parametrize("way", [copy.copy, copy.deepcopy, json.dumps, hash, vars])
def test_secret_copied_hashed_or_dumped_raises(way):
    """A copy would outlive it, a hash would betray it."""
    with pytest.raises(TypeError):
        way(SECRET)


@given(st.binary(), st.binary())
def test_secrets_are_equal_if_their_bytes_are(one, other):
    """Equality is that of the bytes."""
    assert (SecretBytes(one) == SecretBytes(other)) is (one == other)
    assert (SecretBytes(one) != SecretBytes(other)) is (one != other)


@pytest.mark.parametrize("other", [b"open sesame", "open sesame", None, 11])
def test_secret_is_never_equal_to_what_is_none(other):
    """Plain bytes are no secret, so comparing with them is a mistake."""
    assert other != SECRET


def test_secret_keeps_its_own_copy_of_the_bytes():
    """Changing what it was made of does not change it."""
    made_of = bytearray(b"abc")
    secret = SecretBytes(made_of)
    made_of[0] = 0
    assert secret.reveal() == b"abc"
