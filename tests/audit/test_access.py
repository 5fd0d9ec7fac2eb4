"""What the system refuses is no forgery: it is told as that, and no break is written for it."""

import errno
import os
import shutil

import pytest

from piienc.audit.show import LogFilter, shown
from piienc.errors import ConfigError, IncompleteError, KeyAccessError

FILES = {"head": "head.json", "segment": "000001.jsonl"}


def _content(folder):
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def _refusing(monkeypatch, name, number, *, flags=0):
    """Have the system refuse to open files of a name."""
    real = os.open

    def refuse(path, how, *more, **named):
        if os.fspath(path).endswith(name) and how & flags == flags:
            raise OSError(number, os.strerror(number), path)
        return real(path, how, *more, **named)

    monkeypatch.setattr(os, "open", refuse)


@pytest.mark.parametrize("number", [errno.EACCES, errno.EIO, errno.EMFILE, errno.ENFILE])
@pytest.mark.parametrize("kind", FILES)
def test_file_that_the_system_does_not_open_is_no_break(log, monkeypatch, kind, number):
    """Neither for a command nor for the check; and no line tells of it later."""
    log.append(2)
    before = _content(log.state)
    with monkeypatch.context() as patched:
        _refusing(patched, FILES[kind], number)
        for step in (log.append, log.check_all):
            with pytest.raises(ConfigError) as caught:
                step()
            path = next(log.state.rglob(FILES[kind]))
            assert f"{path}: {os.strerror(number)}" in str(caught.value)
            assert caught.value.hint
    after = {path: content for path, content in _content(log.state).items() if path in before}
    assert after == before
    log.append()
    assert (log.check().damages, log.warnings) == ((), [])


def test_disk_that_fails_within_a_file_is_no_break(log, monkeypatch):
    """EIO comes when it is read, not when it is opened."""
    log.append(2)
    before = _content(log.state)

    def fail(*_):
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(os, "pread", fail)
    with pytest.raises(ConfigError, match=r"000001\.jsonl: Input/output error"):
        log.append()
    assert _content(log.state) == before


@pytest.mark.parametrize("name", ["head.json", "000001.jsonl", "lock"])
def test_file_of_another_user_is_told_with_its_owner_and_the_remedy(log, monkeypatch, name):
    """Such as root's, who has run a command in a user's project."""
    log.append()
    _refusing(monkeypatch, name, errno.EACCES)
    path = next(log.state.rglob(name))
    owner = path.lstat().st_uid
    monkeypatch.setattr(os, "geteuid", lambda: owner + 12345)
    monkeypatch.setattr("piienc.audit.log.require_private", lambda _: None)
    monkeypatch.setattr("piienc.audit.keys.open_trusted", lambda path, **_: path.open("rb"))
    with pytest.raises(ConfigError) as caught:
        log.append()
    assert "it belongs to " in str(caught.value)
    assert caught.value.hint.endswith(f"sudo chown {owner + 12345} {path}")


def test_folder_that_may_not_be_entered_is_told_with_the_command_that_mends_it(
    log, monkeypatch, tmp_path
):
    """Its files cannot even be looked at."""
    log.append()
    real = os.lstat

    def closed(path, *more, **named):
        if log.folder in getattr(path, "parents", ()):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
        return real(path, *more, **named)

    folder = log.folder
    monkeypatch.setattr(type(tmp_path), "lstat", closed)
    _refusing(monkeypatch, "head.json", errno.EACCES)
    monkeypatch.setattr(type(log), "folder", folder)
    with pytest.raises(ConfigError, match=f"head.json: Permission denied; {folder} belongs") as it:
        log.append()
    assert it.value.hint == f"chmod u+rwx {folder}"


def test_line_is_not_shown_where_the_system_refuses_it(log, monkeypatch):
    """The error is that of the system, and not of the input."""
    log.append()
    _refusing(monkeypatch, "000001.jsonl", errno.EMFILE)
    with pytest.raises(ConfigError, match="Too many open files") as caught:
        shown(log.state, LogFilter())
    assert "ulimit -n" in caught.value.hint


def test_folder_that_others_may_enter_keeps_its_own_hint(log):
    """To name another folder would not be the remedy."""
    log.append()
    (log.state / "audit").chmod(0o755)
    with pytest.raises(KeyAccessError) as caught:
        log.append()
    assert caught.value.hint == f"chmod 0700 {log.state / 'audit'}"


def test_link_for_the_folder_of_logs_is_told_with_its_own_hint(log, tmp_path):
    """Whoever may write there has put it there."""
    log.append()
    shutil.move(log.state / "audit", tmp_path / "elsewhere")
    (log.state / "audit").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ConfigError, match=r"^[^:]*audit is a symbolic link$") as caught:
        log.append()
    assert "may be written to" not in caught.value.hint


@pytest.mark.parametrize("step", ["folder", "lock", "segment", "head"])
def test_full_disk_is_told_as_that_wherever_it_is_met(log, monkeypatch, step):
    """With the exit code of a full disk, also before the first line."""
    full = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def fail(*_, **__):
        raise full

    if step == "folder":
        monkeypatch.setattr(os, "mkdir", fail)
    else:
        name = {"lock": "lock", "segment": "000001.jsonl", "head": "head.json.new"}[step]
        _refusing(monkeypatch, name, errno.ENOSPC, flags=os.O_CREAT)
    with pytest.raises(IncompleteError, match="No space left on device") as caught:
        log.append()
    assert "make room" in caught.value.hint
    assert "nothing was left behind" not in str(caught.value)


def test_head_that_finds_no_room_is_told_with_the_line_that_is_there(log, monkeypatch):
    """The next command brings it up."""
    log.append()
    with monkeypatch.context() as patched:
        _refusing(patched, "head.json.new", errno.ENOSPC)
        with pytest.raises(IncompleteError) as caught:
            log.append()
    assert str(caught.value) == (
        f"cannot write {log.head}: No space left on device; line 2 is in the log, and the next "
        "command signs the head that tells of it"
    )
    assert len(log.lines) == 2
    log.append()
    assert (log.check().lines, log.check().damages, log.warnings) == (3, (), [])
