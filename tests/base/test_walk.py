"""A path is walked as the system walks it, and what it led to stays what it was."""

from __future__ import annotations

import contextlib
import os
import stat
import subprocess
import sys
from io import BytesIO
from pathlib import Path

import pytest

from piienc.base.files import new_file
from piienc.base.folders import new_folder
from piienc.base.trust import require_private, require_trusted
from piienc.base.walk import walked
from piienc.errors import KeyAccessError, PolicyError
from piienc.remote.folder import FolderRemote


def test_walk_without_an_end_is_an_error_of_the_system(tmp_path):
    """Links that lead to each other are told as the system tells them."""
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    with pytest.raises(OSError, match="symbolic links"), walked(tmp_path / "a"):
        pass


def test_steps_are_those_of_the_system(tmp_path, monkeypatch):
    """A relative path counts from the current folder, and `..` from where a link has led."""
    (tmp_path / "d" / "e").mkdir(parents=True)
    (tmp_path / "d" / "f").write_text("x")
    (tmp_path / "l").symlink_to("d/e")
    (tmp_path / "whole").symlink_to(tmp_path / "l" / ".." / "f")
    monkeypatch.chdir(tmp_path)
    for path, names in (("l/../f", "l d d/e d d/f"), ("whole", "l d d/e d d/f")):
        with walked(Path(path)) as walk:
            met = [step.path for step in walk.steps]
            assert met[-5:] == [f"{tmp_path}/{name}" for name in names.split()[-5:]]
            assert met[0] == "/"
            last = walk.steps[-1]
            assert os.path.samestat(last.facts, (tmp_path / "d" / "f").stat())
            assert stat.S_ISDIR(last.folder.st_mode)
            assert walk.end.read_text() == "x"


@pytest.mark.parametrize("back", ["d/e/..", "d/e/../../d", "l/.."])
def test_walk_that_ends_by_going_back_ends_in_that_folder(tmp_path, back):
    """The last step is what it leads to, and links in it are relative to it."""
    (tmp_path / "d" / "e").mkdir(parents=True)
    (tmp_path / "l").symlink_to("d/e")
    with walked(tmp_path / back) as walk:
        assert walk.steps[-1].path == str(tmp_path / "d")
        assert os.path.samestat(walk.steps[-1].facts, (tmp_path / "d").stat())
        assert os.path.samestat(walk.steps[-1].folder, tmp_path.stat())
    (tmp_path / "d" / "link").symlink_to("out")
    with new_file(tmp_path / back / "link") as file:
        file.write(b"new")
    assert (tmp_path / "d" / "out").read_bytes() == b"new"


def test_private_folder_by_a_way_back_is_looked_at_itself(tmp_path):
    """Not the last folder that the way has met before."""
    (tmp_path / "keys" / "aes").mkdir(parents=True, mode=0o700)
    (tmp_path / "keys").chmod(0o755)
    (tmp_path / "keys" / "aes").chmod(0o700)
    with pytest.raises(KeyAccessError, match="0755"):
        require_private(tmp_path / "keys" / "aes" / "..")


@pytest.mark.parametrize("path", ["none", "file/x", "file/..", "none/../file", "dangling"])
def test_path_that_leads_nowhere_is_an_error_of_the_system(tmp_path, path):
    """The same one as without a walk."""
    (tmp_path / "file").touch()
    (tmp_path / "dangling").symlink_to("none")
    with pytest.raises(OSError) as expected:  # noqa: PT011  # whichever it is
        os.stat(f"{tmp_path}/{path}")  # noqa: PTH116  # a Path would take no `..`
    with pytest.raises(OSError) as told, walked(Path(f"{tmp_path}/{path}")):  # noqa: PT011
        pass
    assert told.value.errno == expected.value.errno


def test_what_is_behind_a_descriptor_is_walked_on(tmp_path):
    """A folder that the process holds open is a way like others."""
    (tmp_path / "f").write_text("x")
    descriptor = os.open(tmp_path, os.O_RDONLY)
    try:
        with walked(Path(f"/dev/fd/{descriptor}/f")) as walk:
            assert walk.end.read_text() == "x"
            assert not walk.steps[-1].is_link
    finally:
        os.close(descriptor)


def _upload(folder: Path) -> contextlib.AbstractContextManager[None]:
    @contextlib.contextmanager
    def opened():
        remote = FolderRemote(folder)
        yield
        remote.upload(".piienc-1.part", BytesIO(b"new"), size=3)
        remote.publish(".piienc-1.part", "out", replace=True)
        assert [entry.name for entry in remote.entries()] == ["file", "out"]

    return opened()


@contextlib.contextmanager
def _write(path: Path, **how):
    with new_file(path, **how) as file:
        file.write(b"new")
        yield


@contextlib.contextmanager
def _fill(path: Path):
    with new_folder(path) as folder:
        yield
        (folder / "a=1").mkdir()
        with new_file(folder / "a=1" / "out") as file:
            file.write(b"new")


OUTPUTS = {
    "new file": lambda folder: _write(folder / "out"),
    "instead of another": lambda folder: _write(folder / "file", overwrite=True),
    "new folder": lambda folder: _fill(folder / "out"),
    "destination": _upload,
}


@pytest.mark.parametrize("nameless", [True, False])
@pytest.mark.parametrize("kind", OUTPUTS)
def test_output_goes_into_the_folder_that_was_looked_at(tmp_path, monkeypatch, kind, nameless):
    """Where the folder is exchanged for a link meanwhile, nothing appears behind that."""
    if not nameless:
        monkeypatch.delattr(os, "O_TMPFILE")
    folder, moved, victim = (tmp_path / name for name in ("folder", "moved", "victim"))
    for each in (folder, victim):
        each.mkdir()
        (each / "file").write_text("old")
    with OUTPUTS[kind](folder):
        folder.rename(moved)
        folder.symlink_to(victim)
    assert [(path.name, path.read_text()) for path in victim.iterdir()] == [("file", "old")]
    written = [path for path in moved.rglob("*") if path.is_file() and path.read_text() == "new"]
    assert [path.name for path in written] == ["file" if "instead" in kind else "out"]


def test_folder_of_another_process_is_the_one_that_it_sees(tmp_path):
    """Also where another thing has that name here, as in a container."""
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / "f").write_text("ours")
    script = (
        f"mount -t tmpfs none {tmp_path}/d && cd {tmp_path}/d && printf theirs > f && echo && cat"
    )
    command = ["unshare", "--mount", "--propagation", "private", "sh", "-c", script]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        if process.stdout.readline() != b"\n":
            pytest.skip("nothing can be mounted here")
        try:
            for way in (f"root{tmp_path}/d/f", "cwd/f"):
                with walked(Path(f"/proc/{process.pid}/{way}")) as walk:
                    assert walk.end.read_text() == "theirs"
                output = Path(f"/proc/{process.pid}/{way}").with_name("new")
                with new_file(output, overwrite=True) as file:
                    file.write(b"new")
                assert output.read_bytes() == b"new"
                assert not (tmp_path / "d" / "new").exists()
        finally:
            process.stdin.close()


@pytest.mark.parametrize("back", ["..", "../link", "e/../../link"])
def test_way_back_out_of_a_descriptor_is_not_walked(tmp_path, back):
    """What stands above a folder that is open, no text tells: so nothing there could be judged."""
    (tmp_path / "d" / "e").mkdir(parents=True)
    (tmp_path / "file").touch()
    (tmp_path / "link").symlink_to("file")
    descriptor = os.open(tmp_path / "d", os.O_RDONLY)
    try:
        with (
            pytest.raises(OSError, match="not supported"),
            walked(Path(f"/dev/fd/{descriptor}/{back}")),
        ):
            pass
        with walked(Path(f"/dev/fd/{descriptor}/e/..")) as walk:
            assert os.path.samestat(walk.steps[-1].facts, (tmp_path / "d").stat())
    finally:
        os.close(descriptor)


def test_folder_of_a_descriptor_is_judged(tmp_path):
    """Whoever may write to it can exchange what is in it."""
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / "file").touch()
    (tmp_path / "d").chmod(0o777)
    descriptor = os.open(tmp_path / "d", os.O_RDONLY)
    try:
        with pytest.raises(PolicyError, match="written to by everybody"):
            require_trusted(Path(f"/dev/fd/{descriptor}/file"))
    finally:
        os.close(descriptor)


def test_walk_from_here_needs_no_folder_above(tmp_path, monkeypatch):
    """`sudo -u` in a folder below one that the user may not search."""
    (tmp_path / "above" / "here").mkdir(parents=True)
    (tmp_path / "above" / "here" / "data").write_text("x")
    (tmp_path / "above" / "here" / "link").symlink_to("data")
    monkeypatch.chdir(tmp_path / "above" / "here")
    code = (
        "import os, sys; from pathlib import Path; from piienc.base.walk import walked\n"
        "os.setuid(65534)\n"
        "with walked(Path(sys.argv[1]), from_here=True) as walk: print(walk.end.read_text())"
    )
    if os.geteuid() != 0:
        pytest.skip("only root can be somebody else")
    (tmp_path / "above").chmod(0o700)
    for name in ("data", "link", "../here/data"):
        told = subprocess.run([sys.executable, "-c", code, name], capture_output=True, check=False)
        assert (told.stdout, name) == (b"x\n" if ".." not in name else b"", name), told.stderr
