"""Files appear whole or not at all, are private, and never replace by accident."""

# ruff: noqa: PT012  # what happens inside of a block is what is tested

import contextlib
import errno
import fcntl
import itertools
import os
import stat
import time
from pathlib import Path

import pytest

from piienc.base.files import (
    edited,
    make_private_folder,
    new_file,
    open_input,
    refuse_same,
    require_private,
    together,
    translated,
)
from piienc.base.folders import new_folder
from piienc.errors import (
    ConfigError,
    IncompleteError,
    InputError,
    KeyAccessError,
    LockError,
    PolicyError,
)
from piienc.keys.openpgp import gpg
from piienc.state.database import transaction
from piienc.state.locks import held, is_held


@pytest.fixture(params=["nameless", "named"])
def _way(request, monkeypatch):
    """Write on both ways: without a name until the end, and under a temporary one."""
    if request.param == "named":
        monkeypatch.delattr(os, "O_TMPFILE", raising=False)
    elif not hasattr(os, "O_TMPFILE"):
        pytest.skip("this system has no O_TMPFILE")


both_ways = pytest.mark.usefixtures("_way")


def _mode(path):
    return stat.S_IMODE(path.stat().st_mode)


def _names(folder):
    return sorted(path.name for path in folder.iterdir())


@both_ways
def test_new_file_appears_when_the_block_ends(tmp_path):
    """Before that nobody sees it under its name; then it is whole and private."""
    with new_file(tmp_path / "a") as file:
        file.write(b"whole")
        assert not (tmp_path / "a").exists()
    assert (tmp_path / "a").read_bytes() == b"whole"
    assert _mode(tmp_path / "a") == 0o600
    assert _names(tmp_path) == ["a"]


@both_ways
@pytest.mark.parametrize("mask", [0o000, 0o022, 0o077])
def test_new_file_is_private_whatever_the_umask(tmp_path, mask):
    """Others may never read it, however lenient the session is."""
    before = os.umask(mask)
    try:
        with new_file(tmp_path / "a") as file:
            assert stat.S_IMODE(os.fstat(file.fileno()).st_mode) == 0o600
    finally:
        os.umask(before)
    assert _mode(tmp_path / "a") == 0o600


@both_ways
@pytest.mark.parametrize("kind", [ValueError, KeyboardInterrupt, SystemExit, InputError])
@pytest.mark.parametrize("overwrite", [False, True])
def test_new_file_after_an_error_is_not_there(tmp_path, kind, overwrite):
    """An error of any kind leaves nothing, and passes."""
    with pytest.raises(kind), new_file(tmp_path / "a", overwrite=overwrite) as file:
        file.write(b"half")
        raise kind("x")
    assert _names(tmp_path) == []


@both_ways
def test_new_file_over_an_old_one_replaces_it_only_in_the_end(tmp_path):
    """With `overwrite` there is always one whole file under the name."""
    path = tmp_path / "a"
    path.write_bytes(b"old")
    path.chmod(0o644)
    with new_file(path, overwrite=True) as file:
        file.write(b"new")
        assert path.read_bytes() == b"old"
    assert (path.read_bytes(), _mode(path), _names(tmp_path)) == (b"new", 0o600, ["a"])


@both_ways
def test_new_file_over_an_old_one_leaves_it_after_an_error(tmp_path):
    """A failed attempt does not cost the old file."""
    (tmp_path / "a").write_bytes(b"old")
    with pytest.raises(ValueError, match="x"), new_file(tmp_path / "a", overwrite=True) as file:
        file.write(b"new")
        raise ValueError("x")
    assert ((tmp_path / "a").read_bytes(), _names(tmp_path)) == (b"old", ["a"])


@both_ways
def test_new_file_whose_name_is_taken_is_refused(tmp_path):
    """Without `overwrite` nothing is replaced."""
    (tmp_path / "a").write_bytes(b"old")
    with pytest.raises(PolicyError, match="there already"), new_file(tmp_path / "a"):
        pytest.fail("the block must not run")
    assert (tmp_path / "a").read_bytes() == b"old"


@both_ways
def test_new_file_whose_name_is_taken_meanwhile_is_refused(tmp_path):
    """Who came first stays, even if it came while we were writing."""
    with (
        pytest.raises(PolicyError, match="there already"),
        new_file(tmp_path / "a") as file,
    ):
        file.write(b"ours")
        (tmp_path / "a").write_bytes(b"theirs")
    assert ((tmp_path / "a").read_bytes(), _names(tmp_path)) == (b"theirs", ["a"])


@both_ways
def test_new_file_through_a_symbolic_link_replaces_what_it_points_to(tmp_path):
    """The link stays a link."""
    (tmp_path / "real").write_bytes(b"old")
    (tmp_path / "link").symlink_to("real")
    with pytest.raises(PolicyError), new_file(tmp_path / "link"):
        pass
    with new_file(tmp_path / "link", overwrite=True) as file:
        file.write(b"new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real").read_bytes() == b"new"


@both_ways
def test_new_file_through_a_dangling_link_appears_where_it_points(tmp_path):
    """Also where there is nothing yet."""
    (tmp_path / "link").symlink_to("real")
    with new_file(tmp_path / "link") as file:
        file.write(b"new")
    assert (tmp_path / "real").read_bytes() == b"new"


@both_ways
@pytest.mark.parametrize("overwrite", [False, True])
def test_new_file_over_a_folder_or_a_pipe_is_refused(tmp_path, overwrite):
    """Only a regular file may be replaced."""
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    for name in ("folder", "pipe"):
        with (
            pytest.raises(PolicyError, match="regular"),
            new_file(tmp_path / name, overwrite=overwrite),
        ):
            pytest.fail("the block must not run")


@both_ways
def test_new_file_in_a_folder_that_is_missing_is_refused_with_a_hint(tmp_path):
    """No folder is made on the way."""
    with pytest.raises(IncompleteError, match="No such file") as caught, new_file(tmp_path / "b/a"):
        pass
    assert "folder" in caught.value.hint
    assert _names(tmp_path) == []


@both_ways
@pytest.mark.parametrize("name", ["a" * 255, "ä" * 100, "😀" * 60, " ", "a b\nc", "-"])
def test_new_file_of_a_strange_name_is_made(tmp_path, name):
    """Whatever the file system allows is allowed, to the longest name."""
    with new_file(tmp_path / name, overwrite=True) as file:
        file.write(b"x")
    assert _names(tmp_path) == [name]


@both_ways
@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_new_file_on_a_full_disk_says_so(tmp_path, number):
    """No room is told apart from what else may fail, and nothing is left."""
    with (
        pytest.raises(IncompleteError, match="nothing was left") as caught,
        new_file(tmp_path / "a") as file,
    ):
        file.write(b"half")
        raise OSError(number, "x")
    assert "room" in caught.value.hint
    assert _names(tmp_path) == []


def test_new_file_named_while_written_is_locked_and_its_name_is_hidden(tmp_path, monkeypatch):
    """Without O_TMPFILE there is a temporary file, which tells other runs that it lives."""
    monkeypatch.delattr(os, "O_TMPFILE", raising=False)
    with new_file(tmp_path / "a"):
        (temporary,) = tmp_path.iterdir()
        assert temporary.name.startswith(".a.")
        assert _mode(temporary) == 0o600
        with temporary.open() as other, pytest.raises(BlockingIOError):
            fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _temporary_of(monkeypatch, folder, name):
    """Return the name of a temporary file for `name`, as a killed run leaves it."""
    with monkeypatch.context() as patch, pytest.raises(ValueError, match="stop"):
        patch.delattr(os, "O_TMPFILE", raising=False)
        with new_file(folder / name):
            (temporary,) = folder.iterdir()
            raise ValueError("stop")
    temporary.touch()
    return temporary


@both_ways
def test_temporary_file_of_a_killed_run_is_swept_by_the_next(tmp_path, monkeypatch):
    """Nobody holds its lock any more, so it goes."""
    stale = _temporary_of(monkeypatch, tmp_path, "a")
    stale.write_bytes(b"half")
    with new_file(tmp_path / "a"):
        assert not stale.exists()
    assert _names(tmp_path) == ["a"]


@both_ways
def test_temporary_file_of_a_living_run_is_left_alone(tmp_path, monkeypatch):
    """Its lock is held, so it stays."""
    living = _temporary_of(monkeypatch, tmp_path, "a")
    with living.open("wb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with new_file(tmp_path / "a"):
            pass
        assert living.exists()


@both_ways
def test_temporary_file_for_another_name_is_left_alone(tmp_path, monkeypatch):
    """Each name sweeps its own, and what is no temporary file of ours stays anyway."""
    other = _temporary_of(monkeypatch, tmp_path, "b")
    for name in (other.name, ".a.notes", "a.piienc", ".a"):
        (tmp_path / name).touch()
    before = _names(tmp_path)
    with new_file(tmp_path / "a"):
        pass
    assert _names(tmp_path) == sorted([*before, "a"])


@both_ways
def test_two_runs_for_one_name_end_with_one_whole_file(tmp_path):
    """The first one to end has the name, the other one is refused."""
    with new_file(tmp_path / "a") as first:
        first.write(b"first")
        with new_file(tmp_path / "a") as second:
            second.write(b"second")
        with pytest.raises(PolicyError), new_file(tmp_path / "a"):
            pass
        (tmp_path / "a").rename(tmp_path / "b")
    assert (tmp_path / "a").read_bytes() == b"first"
    assert _names(tmp_path) == ["a", "b"]


def test_translated_error_keeps_place_and_cause(tmp_path):
    """The system's error is told in our words, with the path."""
    with (
        pytest.raises(IncompleteError, match="cannot write over-there: Permission") as caught,
        translated("over-there"),
    ):
        raise PermissionError(errno.EACCES, "x")
    assert isinstance(caught.value.__cause__, PermissionError)


def test_open_input_that_is_missing_or_a_folder_is_refused(tmp_path):
    """What cannot be read is input that is wrong."""
    with pytest.raises(InputError, match="No such file"):
        open_input(tmp_path / "none")
    with pytest.raises(InputError, match="Is a directory"):
        open_input(tmp_path)


@pytest.mark.parametrize("link", ["symlink_to", "hardlink_to"])
def test_refuse_same_finds_links_in_both_directions(tmp_path, link):
    """Two names of one file are one file."""
    one, other = tmp_path / "one", tmp_path / "other"
    one.touch()
    getattr(other, link)(one)
    for source, target in ((one, other), (other, one), (one, one)):
        with pytest.raises(PolicyError, match="is the input"):
            refuse_same(source, target)


def test_refuse_same_lets_different_and_missing_files_pass(tmp_path):
    """Two files of equal content are two files."""
    one, other = tmp_path / "one", tmp_path / "other"
    refuse_same(one, other)
    one.touch()
    refuse_same(one, other)
    other.touch()
    refuse_same(one, other)


def test_make_private_folder_makes_it_or_checks_it(tmp_path):
    """A new folder is 0700; one that is there must be."""
    folder = tmp_path / "new" / "folder"
    make_private_folder(folder)
    make_private_folder(folder)
    assert _mode(folder) == 0o700
    folder.chmod(0o750)
    with pytest.raises(KeyAccessError, match="0750"):
        make_private_folder(folder)


def test_make_private_folder_where_none_can_be_is_refused(tmp_path):
    """A file in the way is a matter of configuration."""
    (tmp_path / "file").touch()
    for path in (tmp_path / "file" / "folder", tmp_path / "file"):
        with pytest.raises(ConfigError, match="cannot make the folder"):
            make_private_folder(path)


@pytest.mark.parametrize("mode", [0o600, 0o400, 0o000, 0o700])
def test_require_private_lets_owners_only_pass(tmp_path, mode):
    """Stricter than needed is fine."""
    (tmp_path / "a").touch()
    (tmp_path / "a").chmod(mode)
    require_private(tmp_path / "a")


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o610, 0o602, 0o777])
def test_require_private_refuses_what_others_may_touch_with_the_cure(tmp_path, mode):
    """The hint is the command that mends it."""
    (tmp_path / "a").touch()
    (tmp_path / "a").chmod(mode)
    with pytest.raises(KeyAccessError, match=f"{mode:04o}") as caught:
        require_private(tmp_path / "a")
    assert caught.value.hint == f"chmod 0600 {tmp_path / 'a'}"
    (tmp_path / "b").mkdir(mode=0o755)
    with pytest.raises(KeyAccessError) as caught:
        require_private(tmp_path / "b")
    assert caught.value.hint == f"chmod 0700 {tmp_path / 'b'}"


@contextlib.contextmanager
def _found(folder):
    with held(folder, "it"):
        yield is_held(folder, "it")


# What takes a lock, and which: on its first file, or on the one that it makes.
LOCKS = {
    "edit": lambda folder: edited(folder / "file"),
    "new file": lambda folder: new_file(folder / "new"),
    "new folder": lambda folder: new_folder(folder / "new"),
    "lock": lambda folder: held(folder, "it"),
    "look at a lock": _found,
    "gpg": lambda folder: gpg.keyring(folder, []),
    "change gpg's home": gpg.home_of,
    "state": lambda folder: transaction(folder, "look"),
}


@pytest.mark.parametrize("number", [errno.EIO, errno.ENOLCK])
@pytest.mark.parametrize("kind", LOCKS)
def test_lock_that_the_system_cannot_give_is_told_as_that(tmp_path, monkeypatch, kind, number):
    """Nobody else is said to be at work, and no bug is reported; nothing is left behind."""
    folder = tmp_path / "folder"
    folder.mkdir(mode=0o700)
    (folder / "file").touch()
    monkeypatch.delattr(os, "O_TMPFILE", raising=False)
    taken, late = [], kind == "look at a lock"

    def fail(*_):
        taken.append(1)
        if len(taken) > late:
            raise OSError(number, os.strerror(number))

    monkeypatch.setattr(fcntl, "flock", fail)
    with pytest.raises(ConfigError, match=os.strerror(number)), LOCKS[kind](folder):
        pass
    assert [name for name in _names(folder) if "new" in name] == []


def test_lock_that_a_stranger_holds_on_the_folder_hangs_nobody(tmp_path, monkeypatch):
    """Whoever may read a folder can lock it: after some seconds that is told."""
    (tmp_path / "file").write_text("old")
    seconds = itertools.count()
    monkeypatch.setattr(time, "monotonic", lambda: float(next(seconds)))
    monkeypatch.setattr(time, "sleep", lambda _: None)
    descriptor = os.open(tmp_path, os.O_RDONLY)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    with pytest.raises(LockError, match=str(tmp_path)), edited(tmp_path / "file"):
        pass
    os.close(descriptor)
    with edited(tmp_path / "file") as replace:
        replace(b"new")
    assert (tmp_path / "file").read_text() == "new"
    assert 10 <= next(seconds) < 20


def test_new_file_that_cannot_replace_leaves_nothing(tmp_path, monkeypatch):
    """Between the link and the rename there is a temporary name, which must go, too."""
    target = tmp_path / "out.csv"
    target.write_text("old")

    def fail(*_):
        raise PermissionError(13, "not yours")

    monkeypatch.setattr(Path, "replace", fail)
    with pytest.raises(IncompleteError), new_file(target, overwrite=True) as file:
        file.write(b"plaintext")
    assert [entry.name for entry in tmp_path.iterdir()] == ["out.csv"]
    assert target.read_text() == "old"


def test_sweep_spares_files_that_only_look_similar(tmp_path):
    """Only names that we make are swept."""
    mine = tmp_path / ".out.csv.my-notes.piienc"
    mine.write_text("mine")
    with new_file(tmp_path / "out.csv") as file:
        file.write(b"new")
    assert mine.read_text() == "mine"


def test_files_together_appear_in_order_at_the_end(tmp_path):
    """None of them is there before."""
    paths = [tmp_path / f"part-{number}" for number in range(3)]
    with together() as opened:
        for path in paths:
            opened(new_file(path), path).write(path.name.encode())
            assert list(tmp_path.iterdir()) == []
    assert [path.read_text() for path in paths] == ["part-0", "part-1", "part-2"]


def test_files_together_leave_nothing_if_one_cannot_appear(tmp_path):
    """Those that have appeared are taken away; what somebody else has put there stays."""
    paths = [tmp_path / f"part-{number}" for number in range(4)]
    with pytest.raises(PolicyError), together() as opened:
        for path in paths:
            opened(new_file(path), path)
        paths[2].write_text("not ours")
    assert list(tmp_path.iterdir()) == [paths[2]]
    assert paths[2].read_text() == "not ours"


def test_files_together_leave_nothing_after_an_error(tmp_path):
    """The error is the one that was raised."""
    with pytest.raises(ZeroDivisionError), together() as opened:
        opened(new_file(tmp_path / "x"), tmp_path / "x")
        raise ZeroDivisionError
    assert list(tmp_path.iterdir()) == []
