"""OpenPGP keys in a key folder: made, taken in, pinned, and refused where they are not right."""

import re
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from piienc.errors import KeyAccessError, PolicyError, UsageError
from piienc.keys import KeyFolder, Mode, generate
from piienc.keys.pgp import State, Use
from piienc.keys.pgp_folder import PgpFolder
from piienc.secret import SecretBytes

CURVE = ("EDDSA", "Curve: ed25519", "ECDH", "Curve: cv25519")
ALL_USES = (Use.ENCRYPT, Use.SIGN, Use.CERTIFY)


@pytest.fixture
def folder(temp, tmp_path):
    """Give the OpenPGP keys of a key folder that is not there yet."""
    return PgpFolder(tmp_path / "keys")


def _listing(folder):
    if not folder.path.exists():
        return {}
    files = (path for path in folder.path.rglob("*") if path.is_file())
    # What gpg keeps for itself is not ours to compare.
    return {path: path.read_bytes() for path in files if "trustdb" not in path.name}


def _make(folder, name="k", **more):
    return folder.generate(
        name, more.pop("email", "k@example.com"), **{"algorithm": "ed25519"} | more
    )


@pytest.mark.parametrize(
    ("algorithm", "names"),
    [
        ("rsa3072", ["RSA 3072", "RSA 3072"]),
        ("rsa4096", ["RSA 4096", "RSA 4096"]),
        ("ed25519", ["Ed25519", "Curve25519"]),
    ],
)
def test_generated_key_signs_and_has_a_subkey_that_is_encrypted_to(folder, algorithm, names):
    """The two are separate, last for two years, and have no passphrase unless one is given."""
    key = _make(folder, algorithm=algorithm)
    assert [part.algorithm for part in key.parts] == names
    assert [part.uses for part in key.parts] == [(Use.SIGN, Use.CERTIFY), (Use.ENCRYPT,)]
    assert key.secret
    assert key.uses == ALL_USES
    assert key.user_ids == ("k <k@example.com>",)
    for part in key.parts:
        assert part.state is State.VALID
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


@pytest.mark.parametrize("name", ["../x", "a/b", "", ".x", "a" * 65, "é", "a\n", "-x"])
def test_name_that_cannot_be_one_is_refused(folder, partner, name):
    """A name never leads out of the folder."""
    with pytest.raises(UsageError, match="cannot be a key's name"):
        _make(folder, name)
    with pytest.raises(UsageError, match="cannot be a key's name"):
        folder.take(name, partner.export("curve"))
    assert not folder.path.exists()


def test_aes_and_openpgp_keys_share_their_names(folder, partner):
    """One name stands for one key, whoever came first."""
    aes = KeyFolder(folder.path)
    aes.create("look", generate(Mode.SEARCHABLE), None)
    with pytest.raises(PolicyError, match="there is a key look already"):
        _make(folder, "look")
    with pytest.raises(PolicyError, match="there is a key look already"):
        folder.take("look", partner.export("curve"), overwrite=True)
    _make(folder, "k")
    for name in ("k",):
        with pytest.raises(PolicyError, match=f"there is a key {name} already"):
            aes.create(name, generate(Mode.SEALED), None)
        with pytest.raises(PolicyError, match=f"there is a key {name} already"):
            _make(folder, name)


def test_folders_and_files_are_their_owners_alone(folder, partner):
    """Also those that gpg makes."""
    _make(folder, "k")
    folder.take("curve", partner.export("curve"))
    folder.take("rsa", partner.export("rsa", secret=True), secret=True)
    for path in (folder.path, *folder.path.rglob("*")):
        expected = 0o700 if path.is_dir() else 0o600
        assert stat.S_IMODE(path.stat().st_mode) == expected, path
    kept = sorted(path.name for path in (folder.path / "recipients").iterdir())
    assert kept == sorted(f"{name}.{end}" for name in ("curve", "k", "rsa")
                          for end in ("asc", "fingerprint"))  # fmt: skip


@pytest.mark.parametrize(
    ("path", "mode", "cure"),
    [
        (".", 0o755, "chmod 0700"),
        ("recipients", 0o750, "chmod 0700"),
        ("recipients/curve.asc", 0o644, "chmod 0600"),
        ("recipients/curve.fingerprint", 0o660, "chmod 0600"),
    ],
)
def test_key_kept_carelessly_is_refused_with_the_cure(folder, partner, path, mode, cure):
    """Whoever can change a recipient's key can read what is sent."""
    folder.take("curve", partner.export("curve"))
    loose = folder.path / path
    loose.chmod(mode)
    for work in (folder.list, lambda: folder.load(["curve"]), lambda: folder.export("curve")):
        with pytest.raises(KeyAccessError, match=f"has mode {mode:04o}") as caught:
            work()
        assert caught.value.hint.startswith(cure)


def test_secret_keys_kept_carelessly_are_not_added_to(folder, partner):
    """The home of the secret keys is looked at before it is changed."""
    _make(folder)
    folder.home.chmod(0o755)
    with pytest.raises(KeyAccessError, match="gnupg has mode 0755"):
        _make(folder, "other")
    with pytest.raises(KeyAccessError, match="gnupg has mode 0755"):
        folder.take("rsa", partner.export("rsa", secret=True), secret=True)


@pytest.mark.parametrize("armor", [True, False], ids=["armored", "binary"])
@pytest.mark.parametrize("name", ["curve", "rsa"])
def test_public_key_is_taken_in_and_pinned(folder, partner, name, armor):
    """What is kept is the certificate, armored, and its fingerprint beside it."""
    key = folder.take("acme", partner.export(name, armor=armor))
    assert (key.name, key.fingerprint) == ("acme", partner.fingerprint(name))
    assert key.user_ids == (f"{name} <{name}@example.com>",)
    assert key.uses == ALL_USES
    assert not key.secret
    pin = folder.path / "recipients" / "acme.fingerprint"
    assert pin.read_text() == f"{key.fingerprint}\n"
    assert folder.export("acme").startswith("-----BEGIN PGP PUBLIC KEY BLOCK-----\n")
    assert not folder.home.exists()


@pytest.mark.parametrize(
    ("name", "state", "uses"),
    [
        ("expired", State.EXPIRED, ()),
        ("revoked", State.REVOKED, ()),
        ("signonly", State.VALID, (Use.SIGN, Use.CERTIFY)),
        ("staleonly", State.VALID, (Use.SIGN, Use.CERTIFY)),
    ],
)
def test_key_that_has_ended_is_taken_in_and_shown_as_what_it_is(folder, partner, name, state, uses):
    """It may be wanted for old signatures; nothing is encrypted to it."""
    key = folder.take(name, partner.export(name))
    assert (key.state, key.uses) == (state, uses)
    with pytest.raises(KeyAccessError, match=name):
        key.require_encryption()


def test_other_key_of_the_same_name_is_refused_unless_it_is_meant(folder, partner):
    """A key that somebody has slipped in does not take the place of the partner's."""
    first = folder.take("acme", partner.export("curve")).fingerprint
    before = _listing(folder)
    with pytest.raises(PolicyError, match=f"another key acme already: {first}"):
        folder.take("acme", partner.export("third"))
    assert _listing(folder) == before
    assert folder.take("acme", partner.export("third"), overwrite=True).user_ids == (
        "third <third@example.com>",
    )
    assert len(folder.list()) == 1


def test_same_key_with_a_later_expiry_is_renewed(folder, new_gpg):
    """The owner has prolonged it: no question is asked."""
    new_gpg.generate("acme", CURVE, "30d")
    first = folder.take("acme", new_gpg.export("acme"))
    new_gpg.run("--quick-set-expire", first.fingerprint, "1y")
    new_gpg.run("--quick-set-expire", first.fingerprint, "1y", "*")
    renewed = folder.take("acme", new_gpg.export("acme"))
    assert renewed.fingerprint == first.fingerprint
    assert renewed.expires > first.expires + timedelta(days=300)
    assert folder.load(["acme"]) == [renewed]


def test_revocation_that_was_seen_once_stays(folder, new_gpg):
    """An old file of the key does not bring it back to life."""
    new_gpg.generate("acme", CURVE)
    old = new_gpg.export("acme")
    new_gpg.revoke("acme")
    folder.take("acme", old)
    assert folder.take("acme", new_gpg.export("acme")).state is State.REVOKED
    assert folder.take("acme", old).state is State.REVOKED
    assert folder.take("acme", old, overwrite=True).state is State.REVOKED


@pytest.mark.parametrize("armor", [True, False], ids=["armored", "binary"])
def test_secret_key_is_refused_unless_it_is_meant(folder, partner, armor):
    """A partner who sends a secret key has made a mistake, and must know."""
    with pytest.raises(PolicyError, match="holds a secret key"):
        folder.take("acme", partner.export("curve", armor=armor, secret=True))
    assert not folder.path.exists()
    key = folder.take("acme", partner.export("curve", armor=armor, secret=True), secret=True)
    assert key.secret
    assert folder.export("acme").startswith("-----BEGIN PGP PUBLIC KEY BLOCK-----\n")
    assert len(list((folder.home / "private-keys-v1.d").iterdir())) == 2


def test_secret_key_of_a_refused_name_is_not_kept(folder, partner):
    """What is refused leaves nothing behind, secret parts above all."""
    folder.take("acme", partner.export("rsa"))
    before = _listing(folder)
    with pytest.raises(PolicyError, match="another key acme"):
        folder.take("acme", partner.export("curve", secret=True), secret=True)
    assert _listing(folder) == before


@pytest.mark.parametrize("secret", [False, True])
@pytest.mark.parametrize("armor", [True, False], ids=["armored", "binary"])
def test_file_of_several_keys_is_refused(folder, partner, armor, secret):
    """Which of them is meant is not guessed, and none of them is kept."""
    data = partner.export("curve", "rsa", armor=armor, secret=secret)
    with pytest.raises(KeyAccessError, match="the file holds 2 keys"):
        folder.take("acme", data, secret=secret)
    assert not folder.path.exists()


@pytest.mark.parametrize("secret", [False, True])
def test_file_of_several_armors_is_refused(folder, partner, secret):
    """As `cat a.asc b.asc` makes it: the second key is not passed over, nor taken in unseen."""
    data = b"\n".join(partner.export(name, secret=secret) for name in ("curve", "rsa"))
    with pytest.raises(KeyAccessError, match="the file holds 2 keys"):
        folder.take("acme", data, secret=secret)
    assert not folder.path.exists()


def _broken(partner):
    whole = partner.export("curve", armor=False)
    return [whole[:100], whole[:60], whole[:100] + bytes([whole[100] ^ 1]) + whole[101:]]


@pytest.mark.parametrize("number", range(3))
def test_broken_key_is_refused_and_not_kept(folder, partner, number):
    """What gpg would not use is not pinned either."""
    with pytest.raises(KeyAccessError):
        folder.take("acme", _broken(partner)[number])
    assert folder.names() == []


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"hello",
        b"\x00" * 100,
        b"\x99" * 100,
        b"-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nAAAA\n-----END PGP PUBLIC KEY BLOCK-----\n",
        b"-----BEGIN PGP PUBLIC KEY BLOCK-----\n\n????",
        b"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI me@host\n",
        b"x" * (5 << 20),
    ],
)
def test_file_that_is_no_key_is_refused(folder, data):
    """Whatever it is, it is not kept."""
    with pytest.raises(KeyAccessError):
        folder.take("acme", data)
    assert not folder.path.exists()


def test_message_is_no_key(folder, partner):
    """A message for us is not a key of the sender."""
    message = partner.run("--armor", "-r", "curve@example.com", "--encrypt", stdin=b"x")
    with pytest.raises(KeyAccessError, match="no OpenPGP key"):
        folder.take("acme", message)


def test_fingerprint_that_was_told_is_held_against_the_file(folder, partner):
    """However it is spelt; another key is refused by name."""
    mine, other = partner.fingerprint("curve"), partner.fingerprint("rsa")
    spaced = " ".join(mine[at : at + 4] for at in range(0, 40, 4))
    for told in (mine, mine.lower(), f"0x{mine}", spaced, spaced.replace(" ", ":")):
        folder.take("acme", partner.export("curve"), fingerprint=told)
    with pytest.raises(KeyAccessError, match=f"the file holds the key {mine}, and not {other}"):
        folder.take("new", partner.export("curve"), fingerprint=other)
    assert folder.names() == ["acme"]


@pytest.mark.parametrize("told", ["", "0x", "x" * 40, "KEYID", "LONG"])
def test_fingerprint_that_is_none_is_refused(folder, partner, told):
    """A key id can be forged, so it does not do."""
    mine = partner.fingerprint("curve")
    told = {"KEYID": mine[-16:], "LONG": mine + "0"}.get(told, told)
    with pytest.raises(UsageError, match="no fingerprint"):
        folder.take("acme", partner.export("curve"), fingerprint=told)


def test_certificate_that_was_exchanged_is_refused(folder, partner):
    """The pin tells that it is another one; nothing of it is used or given out."""
    folder.take("acme", partner.export("curve"))
    (folder.path / "recipients" / "acme.asc").write_bytes(partner.export("third"))
    pinned = f"acme.asc does not hold the key that is pinned: {partner.fingerprint('curve')}"
    for work in (folder.list, lambda: folder.load(["acme"])):
        with pytest.raises(KeyAccessError, match=pinned):
            work()
    with pytest.raises(KeyAccessError, match="pinned"):
        folder.export("acme")


def test_certificate_that_another_was_put_beside_is_not_mixed_up_with_it(folder, partner):
    """Both are in the file, and only the pinned one counts."""
    folder.take("acme", partner.export("curve"))
    both = partner.export("curve", "third")
    (folder.path / "recipients" / "acme.asc").write_bytes(both)
    assert folder.load(["acme"])[0].fingerprint == partner.fingerprint("curve")


@pytest.mark.parametrize("pin", [None, "", "x", "7" * 39])
def test_certificate_that_was_put_there_by_hand_is_refused(folder, partner, pin):
    """Without a pin nobody has said whose it is."""
    folder.take("curve", partner.export("curve"))
    by_hand = folder.path / "recipients" / "acme.asc"
    by_hand.write_bytes(partner.export("third"))
    by_hand.chmod(0o600)
    if pin is not None:
        by_hand.with_suffix(".fingerprint").write_text(pin)
        by_hand.with_suffix(".fingerprint").chmod(0o600)
    for work in (folder.list, lambda: folder.load(["acme"]), lambda: folder.export("acme")):
        with pytest.raises(KeyAccessError, match="put there by hand") as caught:
            work()
        assert "keys import-pgp acme FILE" in caught.value.hint
    with pytest.raises(PolicyError):
        folder.take("acme", partner.export("third"))


@pytest.mark.parametrize("name", ["acm", "ACME", "x"])
def test_missing_key_is_refused_and_the_nearest_named(folder, partner, name):
    """A slip of the finger is noticed."""
    folder.take("acme", partner.export("curve"))
    with pytest.raises(KeyAccessError, match=f"there is no key {name}") as caught:
        folder.load([name])
    assert ("acme" in caught.value.hint) == (name == "acm")


def test_folder_that_is_not_there_holds_no_keys(folder):
    """To ask for them makes none."""
    assert (folder.names(), folder.list(), folder.load([])) == ([], [], [])
    assert not folder.path.exists()


def test_key_folder_nested_deeply_works(temp, tmp_path, partner):
    """The agent's socket has a short path of its own."""
    deep = tmp_path.joinpath(*["a-folder-with-a-long-name"] * 10, "keys")
    assert len(str(deep)) > 200
    folder = PgpFolder(deep)
    _make(folder)
    folder.take("rsa", partner.export("rsa", secret=True), secret=True)
    assert [(key.name, key.secret) for key in folder.list()] == [("k", True), ("rsa", True)]


def test_relative_key_folder_works(temp, tmp_path, monkeypatch, partner):
    """`--keys keys` is the usual way to say it."""
    monkeypatch.chdir(tmp_path)
    folder = PgpFolder(Path("keys"))
    _make(folder)
    folder.take("rsa", partner.export("rsa", secret=True), secret=True)
    assert all(key.secret for key in folder.list())


def test_users_own_gnupg_is_never_touched(folder, partner):
    """The home folder stays empty, whatever is done."""
    _make(folder)
    folder.take("rsa", partner.export("rsa", secret=True), secret=True)
    folder.take("curve", partner.export("curve"))
    folder.list()
    assert list(Path.home().iterdir()) == []


@pytest.mark.parametrize("sign", ["\u2028", "\u2029", "\x85"])
@pytest.mark.parametrize(
    "rest", ["pub", "", "sub", "fpr:::::::::7777777777777777777777777777777777777777:"]
)
def test_user_id_with_line_breaks_of_unicode_changes_nothing(folder, new_gpg, sign, rest):
    """A key's user id is from outside: it cannot pass for a line of gpg's listing."""
    new_gpg.run("--quick-gen-key", f"acme{sign}{rest}{sign}{rest} <acme@example.com>",
                "future-default", "default", "never")  # fmt: skip
    key = folder.take("acme", new_gpg.export("acme"))
    assert key.fingerprint == new_gpg.fingerprint("acme")
    assert key.uses == ALL_USES
    assert len(key.subkeys) == 1
    assert re.match("acme.", key.user_ids[0])
