"""OpenPGP keys in a key folder: their files, their pins, and refused where they are not right."""

import os
import re
import stat
from pathlib import Path

import pytest

from piienc.errors import KeyAccessError, PolicyError, UsageError
from piienc.keys import KeyFolder, Mode, generate
from piienc.keys.openpgp.folder import PgpFolder


@pytest.fixture
def folder(temp, tmp_path):
    """Give the OpenPGP keys of a key folder that is not there yet."""
    return PgpFolder(tmp_path / "keys")


def _make(folder, name="k", **more):
    return folder.generate(
        name, more.pop("email", "k@example.com"), **{"algorithm": "ed25519"} | more
    )


@pytest.mark.parametrize("name", ["../x", "a/b", "", ".x", "a" * 65, "é", "a\n", "-x"])
def test_name_that_cannot_be_one_is_refused(folder, partner, name):
    """A name never leads out of the folder."""
    with pytest.raises(UsageError, match="cannot be a key's name"):
        _make(folder, name)
    with pytest.raises(UsageError, match="cannot be a key's name"):
        folder.take(name, partner.export("curve"))
    with pytest.raises(UsageError, match="cannot be a key's name"):
        folder.load([name])
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


@pytest.mark.skipif(os.geteuid() != 0, reason="root alone can make files for another")
def test_keys_that_root_takes_into_the_folder_of_somebody_are_theirs(folder, partner, monkeypatch):
    """So that their next command can use them."""
    monkeypatch.setenv("PIIENC_TRUST", str(folder.path))
    folder.path.mkdir(mode=0o700)
    os.chown(folder.path, 12345, 12345)
    folder.take("curve", partner.export("curve"))
    folder.take("rsa", partner.export("rsa", secret=True), secret=True)
    _make(folder)
    assert {path.stat().st_uid for path in folder.path.rglob("*")} == {12345}


@pytest.mark.skipif(os.geteuid() != 0, reason="root alone can make files for another")
@pytest.mark.parametrize("link", [Path.symlink_to, Path.hardlink_to])
def test_file_of_root_that_is_linked_into_the_home_of_somebody_stays_as_it_is(
    folder, partner, monkeypatch, tmp_path, link
):
    """It may be any file of the system: they would get to read and change it."""
    monkeypatch.setenv("PIIENC_TRUST", str(folder.path))
    folder.home.mkdir(mode=0o700, parents=True)
    folder.path.chmod(0o700)
    for path in (folder.path, folder.home):
        os.chown(path, 12345, 12345)
    (tmp_path / "of-root").write_bytes(b"x")
    (tmp_path / "of-root").chmod(0o644)
    link(folder.home / "other.kbx", tmp_path / "of-root")
    folder.take("rsa", partner.export("rsa", secret=True), secret=True)
    facts = (tmp_path / "of-root").stat()
    assert (facts.st_uid, stat.S_IMODE(facts.st_mode)) == (0, 0o644)


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
    with pytest.raises(KeyAccessError, match="/gnupg has mode 0755"):
        _make(folder, "other")
    with pytest.raises(KeyAccessError, match="/gnupg has mode 0755"):
        folder.take("rsa", partner.export("rsa", secret=True), secret=True)


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


@pytest.mark.parametrize("pin", [None, "", "x", "é", "7" * 39])
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
        assert caught.value.hint.endswith(": piienc keys import-pgp acme FILE")
    with pytest.raises(PolicyError, match="another key acme already: without a pin"):
        folder.take("acme", partner.export("third"))
    assert folder.pinned_names() == ["curve"]
    assert folder.names_of({partner.fingerprint("third"), partner.fingerprint("curve")}) == [
        "curve"
    ]
    folder.take("acme", partner.export("third"), overwrite=True)
    assert folder.pinned_names() == ["acme", "curve"]


def test_pin_without_a_certificate_is_no_key(folder, partner):
    """As a run leaves it that is killed between the two."""
    folder.take("acme", partner.export("curve"))
    (folder.path / "recipients" / "acme.asc").unlink()
    assert folder.names() == []
    folder.take("acme", partner.export("curve"))
    assert folder.names() == ["acme"]


def test_file_whose_name_is_none_of_a_key_is_passed_over(folder, partner):
    """An editor's copy of a certificate, say."""
    folder.take("acme", partner.export("curve"))
    (folder.path / "recipients" / "acme (copy).asc").write_bytes(b"x")
    assert [key.name for key in folder.list()] == ["acme"]


def test_certificate_from_the_future_is_told_from_one_that_was_exchanged(folder, new_gpg):
    """The clock was set back since: nobody is to blame."""
    folder.path.mkdir(mode=0o700)
    stored = folder.path / "recipients"
    stored.mkdir(mode=0o700)
    new_gpg.run("--faked-system-time", "20990101T000000", "--quick-gen-key", "acme")
    listed = new_gpg.run("--list-keys", "--with-colons", "--ignore-time-conflict").decode()
    (fingerprint, _) = re.findall(r"^fpr:+([0-9A-F]{40}):", listed, re.MULTILINE)
    for end, data in (
        ("asc", new_gpg.run("--armor", "--export")),
        ("fingerprint", fingerprint.encode()),
    ):
        path = stored / f"acme.{end}"
        path.write_bytes(data)
        path.chmod(0o600)
    with pytest.raises(KeyAccessError, match="acme was created in the future"):
        folder.list()


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
