"""What an OpenPGP key can do, until when, and what is said of it: from how gpg lists it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from piienc.errors import KeyAccessError
from piienc.keys.openpgp.key import KeyState, KeyUse, PgpKey, PgpPart, keys_in

NOW = datetime(2030, 6, 15, 12, tzinfo=UTC)
FINGERPRINT = "0123456789ABCDEF0123456789ABCDEF01234567"


def _after(days):
    return None if days is None else NOW + timedelta(days=days)


def _part(
    key_id="A", uses=(KeyUse.SIGN, KeyUse.CERTIFY), expires=None, state=KeyState.VALID, **over
):
    facts = {"algorithm": "Ed25519", "is_rsa": False, "bits": 256} | over
    fingerprint = key_id.rjust(40, "0")
    return PgpPart(key_id, fingerprint, "", created=NOW, expires=_after(expires), state=state,
                   uses=uses, **facts)  # fmt: skip


def _key(*subkeys, primary=None, secrets=()):
    return PgpKey("acme", primary or _part(), subkeys, ("acme <a@example.com>",), secrets)


def _to(key_id="E", **over):
    """Make a subkey that is encrypted to."""
    return _part(key_id, (KeyUse.ENCRYPT,), **over)


def _listed(**over):
    """Make python-gnupg's listing of one key, as of `gpg --with-colons --list-keys`."""
    fields = {
        "algo": "22",
        "length": "256",
        "curve": "ed25519",
        "fingerprint": FINGERPRINT,
        "keygrip": "G" * 40,
        "date": "1577836800",
        "expires": "",
        "trust": "u",
        "cap": "scESC",
        "uids": ["acme <a@example.com>", "other"],
    }
    return fields | over


def test_part_is_read_from_the_fields_of_gpgs_listing():
    """Its key id is the end of its fingerprint; capital letters tell of the whole key."""
    part = PgpPart.of(_listed())
    assert part == PgpPart(
        "89ABCDEF01234567", FINGERPRINT, "G" * 40, "Ed25519", False, 256,  # noqa: FBT003
        datetime(2020, 1, 1, tzinfo=UTC), None, KeyState.VALID, (KeyUse.SIGN, KeyUse.CERTIFY),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("algo", "length", "curve", "name", "is_rsa"),
    [
        ("1", "3072", "", "RSA 3072", True),
        ("2", "2048", "", "RSA 2048", True),  # RFC 9580, 9.1: encrypts only
        ("3", "4096", "", "RSA 4096", True),  # signs only
        ("16", "2048", "", "ElGamal 2048", False),
        ("17", "1024", "", "DSA 1024", False),
        ("18", "256", "", "ECDH 256", False),
        ("19", "256", "", "ECDSA 256", False),
        ("22", "256", "", "EdDSA 256", False),
        ("18", "255", "cv25519", "Curve25519", False),
        ("22", "456", "ed448", "Ed448", False),
        ("18", "448", "cv448", "X448", False),
        ("19", "256", "nistp256", "nistp256", False),
        ("99", "", "", "algorithm 99 0", False),
        ("99", "", None, "algorithm 99 0", False),
    ],
)
def test_algorithm_is_called_as_people_call_it(algo, length, curve, name, is_rsa):
    """RSA by its size, a curve by its name, and what is unknown by its number."""
    part = PgpPart.of(_listed(algo=algo, length=length, curve=curve))
    assert (part.algorithm, part.is_rsa, part.bits) == (name, is_rsa, int(length or 0))


@pytest.mark.parametrize(
    ("trust", "state"),
    [
        ("r", KeyState.REVOKED),
        ("e", KeyState.EXPIRED),
        ("i", KeyState.INVALID),
        ("d", KeyState.INVALID),
        ("u", KeyState.VALID),
        ("-", KeyState.VALID),
        ("", KeyState.VALID),
    ],
)
def test_state_is_read_from_the_validity_that_gpg_tells(trust, state):
    """GnuPG's doc/DETAILS, field 2."""
    assert PgpPart.of(_listed(trust=trust)).state is state


def test_states_and_uses_are_called_as_people_read_them():
    """In the listing of the keys, as text and as JSON."""
    assert list(KeyState) == ["valid", "expired", "revoked", "invalid"]
    assert PgpPart.of(_listed(cap="esca")).uses == ("encrypt", "sign", "certify", "authenticate")


def test_part_without_dates_and_keygrip_has_none():
    """An unknown beginning is the beginning of time."""
    part = PgpPart.of(_listed(date="", expires="1893456000", keygrip=None, cap=""))
    assert part.created == datetime(1970, 1, 1, tzinfo=UTC)
    assert part.expires == datetime(2030, 1, 1, tzinfo=UTC)
    assert (part.keygrip, part.uses) == ("", ())


def test_listing_becomes_keys_with_their_subkeys_and_user_ids():
    """They have no names yet, and no secrets."""
    subkey = _listed(cap="e", algo="18", curve="cv25519")
    (key, other) = keys_in([_listed(subkey_info={"1": subkey}), _listed()])
    assert (key.name, key.secrets, key.secret) == ("", (), False)
    assert key.user_ids == ("acme <a@example.com>", "other")
    assert key.parts == (PgpPart.of(_listed()), PgpPart.of(subkey))
    assert key.fingerprint == FINGERPRINT
    assert other.subkeys == ()


def test_key_with_a_secret_part_is_one_of_our_own():
    """One part is enough."""
    assert _key(secrets=("A",)).secret
    assert not _key().secret


@pytest.mark.parametrize(
    ("primary", "encrypting", "expires"),
    [
        (None, [], None),
        (None, [None], None),
        (10, [], 10),
        (10, [None], 10),
        (None, [5], 5),
        (None, [5, 9], 9),  # the last of those that are encrypted to
        (None, [5, None], None),
        (10, [5, 9], 9),
        (10, [5, 20], 10),
        (10, [5, None], 10),
    ],
)
def test_key_ends_with_its_primary_key_or_with_the_last_that_is_encrypted_to(
    primary, encrypting, expires
):
    """Whichever comes first."""
    subkeys = [_to(str(number), expires=days) for number, days in enumerate(encrypting)]
    assert _key(*subkeys, primary=_part(expires=primary)).expires == _after(expires)


def test_subkey_that_has_ended_does_not_count_for_the_end():
    """A revoked subkey says nothing of how long the key is of use."""
    subkeys = [_to(expires=5), _to("F", expires=500, state=KeyState.REVOKED)]
    assert _key(*subkeys).expires == _after(5)


def test_uses_are_those_of_the_valid_parts():
    """What is expired or revoked can do nothing, and without the primary key nothing can."""
    signs = _part("S", (KeyUse.SIGN,))
    assert _key(_to(), primary=_part(uses=(KeyUse.CERTIFY,))).uses == (
        KeyUse.ENCRYPT,
        KeyUse.CERTIFY,
    )
    assert _key(_to(), signs, primary=_part(uses=())).uses == (KeyUse.ENCRYPT, KeyUse.SIGN)
    assert _key(_to(state=KeyState.EXPIRED)).uses == (KeyUse.SIGN, KeyUse.CERTIFY)
    assert _key(_to(), primary=_part(state=KeyState.REVOKED)).uses == ()


def test_key_can_be_encrypted_to_by_its_valid_parts_alone():
    """Not by what signs, nor by what has ended, nor if the primary key has ended."""
    assert _key(_part("S"), _to(), _to("F", state=KeyState.EXPIRED)).encrypting == (_to(),)
    assert _key(_to(), primary=_part(state=KeyState.EXPIRED)).encrypting == ()
    _key(_to()).require_encryption()


@pytest.mark.parametrize(
    ("subkeys", "why"),
    [
        ([], "it has no encryption subkey that GnuPG can use"),
        ([_part("S")], "it has no encryption subkey that GnuPG can use"),
        ([_to(state=KeyState.EXPIRED), _part("S")], "its encryption subkey is expired"),
        (
            [_to(state=KeyState.EXPIRED), _to("F", state=KeyState.REVOKED)],
            "its encryption subkey is expired",
        ),
        ([_part("S"), _to(state=KeyState.REVOKED)], "its encryption subkey is revoked"),
    ],
)
def test_key_that_nothing_can_be_encrypted_to_is_refused_with_the_reason(subkeys, why):
    """And with what to do."""
    key = _key(*subkeys)
    with pytest.raises(KeyAccessError) as caught:
        key.require_encryption()
    told = f"nothing can be encrypted to acme: {why} (key {key.fingerprint})"
    assert str(caught.value) == told
    assert "keys import-pgp" in caught.value.hint


@pytest.mark.parametrize(
    ("state", "expires", "told"),
    [
        (KeyState.EXPIRED, -1, "the key acme is expired since 2030-06-14 (key "),
        (KeyState.EXPIRED, None, "the key acme is expired (key "),
        (KeyState.REVOKED, -1, "the key acme is revoked (key "),
        (KeyState.INVALID, None, "the key acme is invalid (key "),
    ],
)
@pytest.mark.parametrize("require", [PgpKey.require_encryption, PgpKey.require_signing])
def test_key_that_has_ended_is_refused_for_every_use(require, state, expires, told):
    """Since when it is expired, is told; it says nothing of a revocation."""
    key = _key(_to(), primary=_part(state=state, expires=expires), secrets=("A",))
    with pytest.raises(KeyAccessError) as caught:
        require(key)
    assert str(caught.value).startswith(told)


def test_key_signs_with_a_secret_part_that_can_sign():
    """The secret of a subkey for encryption does not do."""
    _key(_to(), secrets=("A",)).require_signing()
    _key(_part("S", (KeyUse.SIGN,)), primary=_part(uses=()), secrets=("S", "X")).require_signing()
    with pytest.raises(KeyAccessError, match="its secret key is not in the key folder"):
        _key(_to(), secrets=("E",)).require_signing()
    with pytest.raises(KeyAccessError, match="it has no key for it"):
        _key(_to(), primary=_part(uses=(KeyUse.CERTIFY,)), secrets=("A", "E")).require_signing()


@pytest.mark.parametrize(("days", "told"), [(29.99, True), (30, False), (None, False), (-1, True)])
def test_key_that_ends_within_30_days_is_told(days, told):
    """So that a new one can be asked for in time."""
    key = _key(primary=_part(expires=days))
    end = None if days is None else f"{_after(days):%Y-%m-%d}"
    warned = [f"the key acme expires on {end}: ask for a new one"]
    assert key.warnings(NOW, 3072) == (warned if told else [])


@pytest.mark.parametrize(
    ("bits", "is_rsa", "told"),
    [(2048, True, True), (3071, True, True), (3072, True, False), (256, False, False)],
)
def test_short_rsa_key_that_is_encrypted_to_is_told(bits, is_rsa, told):
    """With what is advised; curves are shorter."""
    key = _key(_to(bits=bits, is_rsa=is_rsa, algorithm=f"X {bits}"))
    warned = [f"the key acme is X {bits}: 3072 bits are advised"]
    assert key.warnings(NOW, 3072) == (warned if told else [])
    assert _key(primary=_part(bits=1024, is_rsa=True)).warnings(NOW, 3072) == []
