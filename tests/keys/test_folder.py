from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from piienc.base.secret import SecretBytes
from piienc.errors import KeyAccessError, PolicyError, UsageError
from piienc.keys import KeyFolder, Mode, Unlocker, dump, generate
from piienc.keys.wraps.passphrase import CHEAPEST_FOR_TESTS_ONLY, wrap

PASSPHRASE = SecretBytes(b"open sesame")
KEYSET = generate(Mode.SEARCHABLE)


@pytest.fixture
def folder(tmp_path):
    return KeyFolder(tmp_path / "keys")


@pytest.fixture
def file(folder):
    """Return the path of the key `email`, kept in clear."""
    return folder.create("email", KEYSET, None)


@pytest.fixture
def locked(folder, file):
    """Wrap the key `email` at little cost."""
    file.write_text(wrap(KEYSET, PASSPHRASE, CHEAPEST_FOR_TESTS_ONLY))
    return file


def _mode(path):
    return path.stat().st_mode & 0o7777


def test_create_in_clear_then_load_gives_the_keyset(folder):
    """A key without a passphrase is kept as Tink's JSON, and nobody is asked for one."""
    path = folder.create("email", KEYSET, None)
    assert path == folder.path / "aes" / "email.json"
    assert path.read_text() == dump(KEYSET)
    assert folder.load("email") == KEYSET


def test_create_wrapped_then_load_asks_for_the_keys_passphrase(folder):
    """By the key's name, and once: what is open stays open."""
    folder.create("email", KEYSET, PASSPHRASE)
    asked = []

    def answer(name):
        asked.append(name)
        return PASSPHRASE

    unlocker = Unlocker(answer)
    assert KeyFolder(folder.path, unlocker).load("email") == KEYSET
    assert KeyFolder(folder.path, unlocker).load("email") == KEYSET
    assert asked == ["email"]


def test_create_key_is_private(folder, file):
    """Folders are 0700 and files 0600, whatever the umask allows."""
    assert _mode(folder.path) == _mode(folder.path / "aes") == 0o700
    assert _mode(file) == 0o600


@pytest.mark.skipif(os.geteuid() != 0, reason="root alone can make files for another")
def test_key_that_root_makes_in_the_folder_of_somebody_is_theirs(folder, monkeypatch):
    """So that their next command can open it."""
    monkeypatch.setenv("PIIENC_TRUST", str(folder.path))
    folder.path.mkdir(mode=0o700)
    os.chown(folder.path, 12345, 12345)
    file = folder.create("email", KEYSET, None)
    assert {file.stat().st_uid, file.parent.stat().st_uid} == {12345}


@pytest.mark.parametrize("passphrase", [None, PASSPHRASE])
def test_create_existing_name_is_refused_and_keeps_the_key(folder, file, passphrase):
    """A key is never overwritten."""
    with pytest.raises(PolicyError, match="a key email already"):
        folder.create("email", generate(Mode.SEALED), passphrase)
    assert folder.load("email") == KEYSET


def test_create_over_a_dangling_link_is_refused(folder, file):
    """A name that leads nowhere is taken too."""
    link = file.with_name("link.json")
    link.symlink_to("nowhere")
    with pytest.raises(PolicyError):
        folder.create("link", KEYSET, None)


def test_create_empty_passphrase_makes_nothing(folder):
    """An empty passphrase never means a key in clear."""
    with pytest.raises(KeyAccessError, match="passphrase is empty"):
        folder.create("email", KEYSET, SecretBytes(b""))
    assert not folder.path.exists()


@pytest.mark.parametrize("loose", ["", "aes"])
def test_create_in_a_loose_folder_is_refused(folder, file, loose):
    """A key is not put where others may enter."""
    (folder.path / loose).chmod(0o750)
    with pytest.raises(KeyAccessError, match="0750"):
        folder.create("phone", KEYSET, None)


def test_load_clear_key_does_not_ask(folder, file):
    """The passphrase is asked for only where there is one."""
    unlocker = Unlocker(lambda _: pytest.fail("asked"))
    assert KeyFolder(folder.path, unlocker).load("email") == KEYSET


@pytest.mark.parametrize("unlocker", [None, Unlocker(), Unlocker(lambda _: None)])
def test_load_wrapped_without_passphrase_is_locked(folder, locked, unlocker):
    """Without a passphrase the error names the ways to give one."""
    with pytest.raises(KeyAccessError, match=f"locked: {locked} needs") as caught:
        KeyFolder(folder.path, unlocker).load("email")
    for way in ("--passphrase-file", "--passphrase-fd", "PIIENC_PASSPHRASE"):
        assert way in caught.value.hint


def test_load_wrong_passphrase_names_the_file(folder, locked):
    """The error names the file that stays shut, and not the passphrase."""
    with pytest.raises(KeyAccessError, match="passphrase does not open") as caught:
        KeyFolder(folder.path, Unlocker(lambda _: SecretBytes(b"hunter2"))).load("email")
    assert str(locked) in str(caught.value)
    assert "hunter2" not in f"{caught.value} {caught.value.hint}"


def test_load_missing_key_names_the_nearest(folder, file):
    """A mistyped name is answered with the probable one."""
    with pytest.raises(KeyAccessError, match="no key emial") as caught:
        folder.load("emial")
    assert caught.value.hint == "did you mean email?"
    assert str(file.with_name("emial.json")) in str(caught.value)
    folder.create("emil", KEYSET, None)
    with pytest.raises(KeyAccessError) as caught:
        folder.load("emial")
    assert caught.value.hint == "did you mean emil?"


def test_load_missing_key_unlike_any_points_to_the_list(folder, file):
    """A name like no other is answered with where the names are."""
    with pytest.raises(KeyAccessError) as caught:
        folder.load("qqq")
    assert "keys list" in caught.value.hint


@pytest.mark.parametrize("use", [KeyFolder.list, lambda folder: folder.load("email")])
def test_folder_missing_is_told_by_its_path(folder, use):
    """A missing folder is named, with how to get one."""
    with pytest.raises(KeyAccessError, match=f"no key folder {folder.path}") as caught:
        use(folder)
    assert "generate-aes" in caught.value.hint


def test_folder_that_is_a_file_is_refused(tmp_path):
    """A file is no key folder."""
    (tmp_path / "keys").touch()
    with pytest.raises(KeyAccessError, match="no key folder"):
        KeyFolder(tmp_path / "keys").list()


@pytest.mark.parametrize("use", [KeyFolder.list, lambda folder: folder.load("email")])
@pytest.mark.parametrize("loose", ["", "aes", "aes/email.json"])
@pytest.mark.parametrize("bit", [0o040, 0o004, 0o020, 0o001])
def test_folder_looser_than_private_is_refused(folder, file, use, loose, bit):
    """One bit for anybody else, on folder or file, and the key is not used."""
    path = folder.path / loose
    path.chmod(_mode(path) | bit)
    with pytest.raises(KeyAccessError, match="others than its owner") as caught:
        use(folder)
    assert str(path) in str(caught.value)
    assert "chmod" in caught.value.hint


def test_load_read_only_key_is_read(folder, file):
    """Tighter than demanded is fine."""
    file.chmod(0o400)
    (folder.path / "aes").chmod(0o500)
    assert folder.load("email") == KEYSET


def test_load_link_to_a_private_file_is_read(folder, file, tmp_path):
    """Secret stores link their files in."""
    target = file.rename(tmp_path / "secret")
    file.symlink_to(target)
    assert folder.load("email") == KEYSET
    assert [info.name for info in folder.list()] == ["email"]


def test_load_link_to_a_loose_file_is_refused(folder, file, tmp_path):
    """What counts is the file that the link leads to."""
    target = file.rename(tmp_path / "secret")
    target.chmod(0o644)
    file.symlink_to(target)
    with pytest.raises(KeyAccessError, match="0644"):
        folder.load("email")


@pytest.mark.parametrize("use", [KeyFolder.list, lambda folder: folder.load("email")])
@pytest.mark.parametrize("content", [b"", b"{}", b"\xff", b"hunter2", b'{"key": "hunter2"}'])
def test_folder_malformed_file_is_named_and_not_quoted(folder, file, use, content):
    """The error says where, never what stands there."""
    file.write_bytes(content)
    with pytest.raises(KeyAccessError) as caught:
        use(folder)
    assert str(file) in str(caught.value)
    assert "hunter2" not in f"{caught.value} {caught.value.hint}"


def test_load_huge_file_is_refused_unread(folder, file):
    """A gigabyte is not read into memory, nor an endless file."""
    with file.open("wb") as sparse:
        sparse.truncate(1 << 30)
    with pytest.raises(KeyAccessError, match=f"{file} is larger than 1048576 bytes"):
        folder.load("email")


def test_load_file_of_the_largest_size_is_read_and_one_byte_more_is_refused(folder, file):
    """White space behind the document does no harm."""
    text = dump(KEYSET)
    file.write_text(text + " " * (1048576 - len(text)))
    assert folder.load("email") == KEYSET
    file.write_text(text + " " * (1048577 - len(text)))
    with pytest.raises(KeyAccessError, match="is larger than 1048576 bytes"):
        KeyFolder(folder.path).load("email")


@pytest.mark.parametrize("make", [Path.mkdir, os.mkfifo])
def test_load_name_of_no_regular_file_is_missing(folder, file, make):
    """A folder or a pipe under a key's name is no key, and is not waited for."""
    file.unlink()
    make(file)
    with pytest.raises(KeyAccessError, match="no key email"):
        folder.load("email")
    assert folder.list() == []


def test_load_unreadable_file_tells_the_systems_reason(folder, file, monkeypatch):
    """The system's refusal becomes ours."""
    opens = os.open

    def refuse(name, *more, **named):
        if "/proc/self/fd/" in str(name):
            raise PermissionError(13, "Permission denied")
        return opens(name, *more, **named)

    monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(KeyAccessError, match=f"cannot read {file}: Permission denied"):
        folder.load("email")


def test_list_keys_are_sorted_and_need_no_passphrase(folder, locked):
    """The list shows mode, primary, keys, and which of them are locked."""
    sealed = generate(Mode.SEALED)
    folder.create("address", sealed, None)
    address, email = folder.list()
    assert (address.name, address.mode, address.wrap) == ("address", Mode.SEALED, None)
    assert (email.name, email.mode, email.wrap) == ("email", Mode.SEARCHABLE, "passphrase")
    assert (email.primary_id, email.keys) == (KEYSET.primary_id, KEYSET.facts.keys)
    assert (address.primary_id, address.keys) == (sealed.primary_id, sealed.facts.keys)


def test_list_other_files_are_passed_over(folder, file):
    """What is not a key's file name is not a key."""
    for name in (".email.json", "email.json~", "notes.txt", "my key.json", ".json"):
        (file.parent / name).touch(mode=0o600)
    assert [info.name for info in folder.list()] == folder.names() == ["email"]


def test_list_folder_without_aes_keys_is_empty(tmp_path):
    """A folder may hold PGP keys alone."""
    (tmp_path / "keys").mkdir(mode=0o700)
    assert KeyFolder(tmp_path / "keys").list() == []


@pytest.mark.parametrize("name", ["a", "0", "A.b_c-d", "a" * 64, "email.json", "a..b"])
def test_name_of_allowed_characters_is_kept(folder, name):
    """Letters, digits, dots, lines and dashes make a name."""
    folder.create(name, KEYSET, None)
    assert folder.names() == [name]
    assert folder.load(name) == KEYSET


BAD_NAMES = ["", ".", "..", "../x", "/etc/passwd", "a/b", "a\\b", "a\0b", "a\n", "-a", "_a"]
BAD_NAMES += [".a", "a b", "é", "a" * 65, "\u0661", "a\x1b[31m"]


@pytest.mark.parametrize("name", BAD_NAMES)
def test_name_not_allowed_is_refused(folder, name):
    """A name cannot lead out of the folder, nor speak to the terminal."""
    for use in (folder.load, lambda name: folder.create(name, KEYSET, None)):
        with pytest.raises(UsageError) as caught:
            use(name)
        assert "\x1b" not in str(caught.value)
    assert not folder.path.exists()


def test_name_that_is_too_long_is_told_by_its_beginning(folder):
    """Enough to know which one is meant, however long it is."""
    with pytest.raises(UsageError) as caught:
        folder.load("a" * 63 + "b" + "c" * 10_000)
    assert str(caught.value) == f"'{'a' * 63}b' cannot be a key's name"


@given(st.text())
@example("a/../../b")
def test_name_any_text_never_leaves_the_folder(name):
    """Whatever the name, it is refused or names a file in `aes/` itself."""
    folder = KeyFolder(Path("/base/keys"))
    try:
        path = folder._file(name)
    except UsageError:
        return
    assert os.path.normpath(path) == str(path)
    assert path.parent == Path("/base/keys/aes")


def test_info_of_one_key_needs_no_other_one_to_be_fine(folder, file):
    """A broken key is told of where it is used, and by the list."""
    broken = folder.create("other", KEYSET, None)
    broken.write_text("{")
    info = folder.info("email")
    assert (info.name, info.mode, info.primary_id) == ("email", KEYSET.mode, KEYSET.primary_id)
    for look in (lambda: folder.info("other"), folder.list, lambda: folder.info("none")):
        with pytest.raises(KeyAccessError):
            look()
