"""Key pairs that are made: their parts, expiry, user id and passphrase, and what is refused."""

from datetime import UTC, datetime, timedelta
from unittest.mock import Mock

import pytest

from piienc.base.secret import SecretBytes
from piienc.errors import KeyAccessError, PgpError, PiiencError, UsageError
from piienc.keys.openpgp import gpg, parameters
from piienc.keys.openpgp.folder import PgpFolder
from piienc.keys.openpgp.key import KeyState, KeyUse
from piienc.keys.openpgp.parameters import key_parameters

ALL_USES = (KeyUse.ENCRYPT, KeyUse.SIGN, KeyUse.CERTIFY)


@pytest.fixture
def folder(temp, tmp_path):
    """Give the OpenPGP keys of a key folder that is not there yet."""
    return PgpFolder(tmp_path / "keys")


def _make(folder, name="k", **more):
    return folder.generate(
        name, more.pop("email", "k@example.com"), **{"algorithm": "ed25519"} | more
    )


@pytest.mark.parametrize(
    ("chosen", "names"),
    [
        ({}, ["RSA 3072", "RSA 3072"]),
        ({"algorithm": "rsa4096"}, ["RSA 4096", "RSA 4096"]),
        ({"algorithm": "ed25519"}, ["Ed25519", "Curve25519"]),
    ],
)
def test_generated_key_signs_and_has_a_subkey_that_is_encrypted_to(folder, chosen, names):
    """The two are separate, last for two years, and have no passphrase unless one is given."""
    key = folder.generate("k", "k@example.com", **chosen)
    assert [part.algorithm for part in key.parts] == names
    assert [part.uses for part in key.parts] == [(KeyUse.SIGN, KeyUse.CERTIFY), (KeyUse.ENCRYPT,)]
    assert key.secret
    assert key.uses == ALL_USES
    assert key.user_ids == ("k <k@example.com>",)
    for part in key.parts:
        assert part.state is KeyState.VALID
        assert abs(part.expires - datetime.now(UTC) - timedelta(days=730)) < timedelta(days=2)


@pytest.mark.parametrize(
    ("expires", "days"), [("never", None), ("90d", 90), ("26w", 182), ("18m", 540), ("1y", 365)]
)
def test_expiry_is_as_asked(folder, expires, days):
    """Days, weeks, months and years, or no end at all."""
    key = _make(folder, expires=expires)
    if days is None:
        assert key.expires is None
    else:
        assert abs(key.expires - datetime.now(UTC) - timedelta(days=days)) < timedelta(days=12)


@pytest.mark.parametrize(("unit", "days"), [("d", 1), ("w", 7), ("m", 30), ("y", 365)])
def test_expiry_is_refused_where_keys_cannot_tell_the_date(folder, unit, days):
    """That is from 2100 on; a month counts for 30 days, and a year for 365."""
    now, end = datetime.now(UTC), datetime(2100, 1, 1, tzinfo=UTC)
    left, soon = (end - now).days, (end - now - timedelta(minutes=1)).days  # at midnight, one less
    with pytest.raises(UsageError, match="is no expiry"):
        _make(folder, expires=f"{left // days + 1}{unit}")
    assert _make(folder, expires=f"{soon // days}{unit}").expires


@pytest.mark.parametrize(("unit", "days"), [("d", 1), ("w", 7), ("m", 30), ("y", 365)])
def test_expiry_may_be_the_last_day_that_keys_can_tell(monkeypatch, unit, days):
    """And not the day after."""
    end = datetime(2100, 1, 1, tzinfo=UTC)

    def ask(left):
        clock = Mock(now=lambda _: end - timedelta(days=left))
        monkeypatch.setattr(parameters, "datetime", clock)
        return key_parameters("k", "k@example.com", "ed25519", f"10{unit}", None)

    assert f"Expire-Date: 10{unit}" in ask(10 * days)
    with pytest.raises(UsageError, match="is no expiry"):
        ask(10 * days - 1)


@pytest.mark.parametrize(
    "expires", ["", "0", "2", "y", "-1y", "1 y", "2y\n", "2y\nPassphrase: x", "100y", "99999y", "é"]
)
def test_expiry_that_cannot_be_one_is_refused(folder, expires):
    """Nothing is guessed, nothing gets into gpg's parameters, and nothing is made."""
    with pytest.raises(UsageError, match="is no expiry"):
        _make(folder, expires=expires)
    assert not folder.path.exists()


@pytest.mark.parametrize(
    "email",
    [
        "",
        "k",
        "k@",
        "@k",
        "k@example.com\n",
        "k@example.com\n%no-protection",
        "k@example.com\nName-Real: x",
        "k@x\ry",
        "k@x\u2028y",
        "k@x\x85y",
        "<k@example.com>",
        "k b@example.com",
        "k@\udcff",
    ],
)
def test_address_that_cannot_be_one_is_refused(folder, email):
    """A line break would begin another parameter of gpg's."""
    with pytest.raises(UsageError, match="user id"):
        _make(folder, email=email)
    assert not folder.path.exists()


@pytest.mark.parametrize(
    "real_name",
    ["a\nPassphrase: x", "a\r", " ", " a", "a\x85b", "a\0b", "<a>", "\udcff", "a" * 129],
)
def test_real_name_that_cannot_be_one_is_refused(folder, real_name):
    """The same for the name in the user id."""
    with pytest.raises(UsageError, match="user id"):
        _make(folder, real_name=real_name)
    assert not folder.path.exists()


@pytest.mark.parametrize("real_name", ["Zoë Ünlü", "张三", "%no-protection", "2024 Exports: EU"])
def test_real_name_may_be_of_any_language(folder, real_name):
    """Percent signs and colons in it are no commands."""
    key = _make(folder, real_name=real_name)
    assert key.user_ids == (f"{real_name} <k@example.com>",)


def _locked(folder):
    kept = [path.read_bytes() for path in (folder.home / "private-keys-v1.d").iterdir()]
    assert len(kept) == 2
    return all(b"protected-private-key" in data for data in kept)


@pytest.mark.parametrize("passphrase", ["schön %commit".encode(), b"x" * 255])
def test_passphrase_protects_every_secret_part(folder, passphrase):
    """Without one, the keys are kept in clear; with one, none of them is."""
    _make(folder, passphrase=SecretBytes(passphrase))
    assert _locked(folder)
    _make(PgpFolder(folder.path / "open"))
    assert not _locked(PgpFolder(folder.path / "open"))


@pytest.mark.parametrize(
    "passphrase", [b"a\nb", b"a\n%no-protection", b"a\0b", b"\xff", b" a", b"a ", b"x" * 256]
)
def test_passphrase_that_gpg_cannot_take_is_refused_without_quoting_it(folder, passphrase):
    """Gpg would cut it off or read it as something else, and nobody would notice."""
    with pytest.raises(KeyAccessError, match="gpg cannot take this passphrase"):
        _make(folder, passphrase=SecretBytes(passphrase))
    assert not folder.path.exists()


class _Made:
    """What gpg says of a key that it has not made."""

    fingerprint = stderr = ""


def test_key_that_gpg_has_not_made_is_told(folder, monkeypatch):
    """And nothing is pinned."""
    monkeypatch.setattr(gpg.Gpg, "gen_key", lambda *_: _Made())
    with pytest.raises(PgpError, match="gpg made no key"):
        _make(folder)
    assert folder.names() == []


def test_certificate_that_comes_while_a_key_is_made_is_not_overwritten(folder, monkeypatch):
    """Another run has taken the name meanwhile."""
    make, path = gpg.Gpg.gen_key, folder.path / "recipients" / "k.asc"

    def gen_key(*arguments):
        path.write_bytes(b"x")
        return make(*arguments)

    monkeypatch.setattr(gpg.Gpg, "gen_key", gen_key)
    with pytest.raises(PiiencError, match=r"k\.asc"):
        _make(folder)
    assert path.read_bytes() == b"x"
