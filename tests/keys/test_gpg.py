"""The sessions of gpg: short homes, no agent and no folder left, and nothing of them logged."""

import errno
import fcntl
import logging
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import gnupg
import pytest

from piienc.base.secret import SecretBytes
from piienc.errors import IncompleteError, KeyAccessError, PgpError, PiiencError
from piienc.keys.openpgp import gpg
from piienc.keys.openpgp.armor import dearmor
from piienc.keys.openpgp.folder import PgpFolder
from piienc.keys.openpgp.home import is_locked

CANARY = b"CANARY-4711"


@pytest.fixture
def folder(temp, tmp_path):
    """Give a key folder with a key pair."""
    made = PgpFolder(tmp_path / "keys")
    made.generate("me", "me@example.com", algorithm="ed25519")
    return made


def _certificate(folder, name="me"):
    return dearmor(folder.export(name).encode())


def _agents(home):
    told = []
    for path in Path("/proc").glob("[0-9]*"):
        try:
            data = (path / "cmdline").read_bytes()
        except OSError:
            continue
        if b"gpg-agent" in data and bytes(home) in data:
            told.append(int(path.name))
    return told


def test_session_signs_and_decrypts_and_leaves_no_agent_and_no_folder(folder, temp):
    """The agent lives as long as the session, in a home of its own."""
    with gpg.keyring(folder.home, [_certificate(folder)]) as session:
        made = session.encrypt(CANARY, [folder.load(["me"])[0].fingerprint], sign=True)
        back = session.decrypt(made.data)
        assert back.data == CANARY
        (home,) = temp.iterdir()
        assert home.stat().st_mode & 0o777 == 0o700
        (agent,) = _agents(home)
    assert list(temp.iterdir()) == []
    assert not Path(f"/proc/{agent}/cmdline").exists() or _agents(home) == []


def test_session_that_needs_no_secret_key_starts_no_agent(folder, temp):
    """To encrypt takes public keys alone."""
    with gpg.keyring(folder.home, [_certificate(folder)]) as session:
        made = session.encrypt(CANARY, [session.list_keys()[0]["fingerprint"]])
        assert made.has("END_ENCRYPTION")
        (home,) = temp.iterdir()
        assert _agents(home) == []


def test_session_that_is_left_by_an_error_leaves_nothing(folder, temp):
    """An error, also an interrupt, ends agent and gpg and takes the folder away."""
    message = _message(folder)

    def fail():
        with gpg.keyring(folder.home, [_certificate(folder)]) as session:
            session.decrypt(message)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    assert list(temp.iterdir()) == []


def _message(folder):
    with gpg.keyring(folder.home, [_certificate(folder)]) as session:
        return session.encrypt(CANARY, [folder.load(["me"])[0].fingerprint]).data


def test_session_with_a_key_folder_changes_nothing_in_it(folder):
    """To use the secret keys is to read them."""
    before = {path: path.stat().st_mtime_ns for path in folder.path.rglob("*")}
    with gpg.keyring(folder.home, [_certificate(folder)]) as session:
        session.decrypt(_message(folder))
    assert {path: path.stat().st_mtime_ns for path in folder.path.rglob("*")} == before


def test_long_folder_for_temporary_files_is_not_used(folder, tmp_path, monkeypatch):
    """A socket's path may have 107 characters only, wherever TMPDIR points to."""
    long = tmp_path / ("t" * 100)
    long.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(long))
    with gpg.keyring(folder.home, [_certificate(folder)]) as session:
        home = Path(session.gnupghome)
        assert len(str(home)) < 80
        assert session.decrypt(_message(folder)).data == CANARY
    assert not home.parent.exists()
    assert list(long.iterdir()) == []


def test_agent_of_a_killed_session_is_ended_by_the_next(folder, temp):
    """SIGKILL leaves folder and agent; the next session takes both away."""
    code = (
        "import os, sys\n"
        "from pathlib import Path\n"
        "from piienc.keys.openpgp import gpg\n"
        "with gpg.keyring(Path(sys.argv[1]), [sys.stdin.buffer.read()]) as session:\n"
        "    session.sign(b'x')\n"
        "    os.kill(os.getpid(), 9)\n"
    )
    command = [sys.executable, "-c", code, str(folder.home)]
    done = subprocess.run(command, input=_certificate(folder), check=False)
    assert done.returncode == -9
    (left,) = temp.iterdir()
    assert len(_agents(left)) == 1
    os.utime(left, (time.time() - 3600,) * 2)
    folder.list()
    assert list(temp.iterdir()) == []
    assert _agents(left) == []


def test_missing_gpg_is_told(folder, monkeypatch, tmp_path):
    """With what to install."""
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(PgpError, match="gpg does not run") as caught:
        folder.list()
    assert "gnupg" in caught.value.hint


class _Import:
    """What an import has told on standard error."""

    def __init__(self, stderr):
        self.stderr = f"gpg: error writing keyring: {stderr}"


def test_gpg_that_is_still_running_ends_with_its_session(folder):
    """It would wait for its input for ever."""
    with gpg.keyring(folder.home, []) as session:
        running = session._open_subprocess(["--decrypt"])
        ended = session._open_subprocess(["--version"])
        assert ended.wait() == 0
        assert running.poll() is None
    assert (running.returncode, ended.returncode) == (-9, 0)
    with running, ended:
        pass  # closes its pipes


def test_gpg_gives_up_when_nobody_hears_what_it_tells(folder):
    """It writes no message of which nobody would learn that it is a broken one."""
    with gpg.keyring(folder.home, [_certificate(folder)]) as session:
        fingerprint = session.list_keys()[0]["fingerprint"]
        arguments = session.make_args(["--encrypt", "--recipient", fingerprint], passphrase=False)
        read, write = os.pipe()
        os.close(read)
        ended = subprocess.run(
            arguments,
            input=CANARY,
            stdout=subprocess.PIPE,
            stderr=write,
            env=session.env,
            check=False,
            restore_signals=False,  # the signal of a broken pipe would end it, too
        )
        os.close(write)
        assert ended.stdout == b""


@pytest.mark.parametrize("name", [".", "private-keys-v1.d", "private-keys-v1.d/*.key"])
def test_secret_keys_that_others_may_get_at_are_not_used(folder, name):
    """By the home, by its folder of keys, or by a key's own file."""
    with gpg.keyring(folder.home, []):
        pass
    path = next(folder.home.glob(name)) if "*" in name else folder.home / name
    path.chmod(path.stat().st_mode | 0o040)
    with pytest.raises(KeyAccessError), gpg.keyring(folder.home, []):
        pass


def test_home_of_a_session_is_private_whatever_the_umask(folder):
    """Others could look in."""
    before = os.umask(0)
    try:
        with gpg.keyring(folder.home, []) as session:
            assert Path(session.gnupghome).stat().st_mode & 0o777 == 0o700
    finally:
        os.umask(before)


def test_session_that_changes_a_home_waits_for_the_one_before(folder):
    """Two would share an agent, and the first would end it."""
    entered = threading.Event()

    def enter():
        with gpg.home_of(folder.home):
            entered.set()

    lock = os.open(folder.home, os.O_RDONLY)
    fcntl.flock(lock, fcntl.LOCK_EX)
    second = threading.Thread(target=enter)
    second.start()
    assert not entered.wait(0.3)
    os.close(lock)
    second.join()
    assert entered.is_set()


def test_full_disk_is_told_of_the_folder_for_temporary_files(folder, monkeypatch):
    """Whether the folder cannot be made, or gpg has no room to take certificates in."""
    full = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    told = f"cannot write the folder for temporary files: {re.escape(full.strerror)}"
    monkeypatch.setattr(gpg.Gpg, "import_keys", lambda *_, **__: _Import(full.strerror))
    with pytest.raises(PiiencError, match=told), gpg.keyring(folder.home, [b"x"]):
        pass
    monkeypatch.setattr(tempfile, "mkdtemp", lambda **_: (_ for _ in ()).throw(full))
    with pytest.raises(PiiencError, match=told), gpg.keyring(folder.home, []):
        pass


@pytest.mark.parametrize(
    ("form", "locked"),
    [  # keyformat.txt of gpg-agent
        (b"(21:protected-private-key(3:ecc(9:protected25:openpgp-s2k3-ocb-aes-cbc", True),
        (b"(21:protected-private-key(3:ecc(1:d1:x)(10:protection4:none)))", False),
        (b"Key: (protected-private-key (ecc (d #78#)(protection none)))", False),
        (b"Key: (protected-private-key (ecc (d #78#)(protection\n  sha1)))", True),
        (b"(11:private-key(3:ecc(1:d1:x)))", False),
    ],
)
def test_secret_key_is_locked_if_its_file_says_so(tmp_path, form, locked):
    """In one form or the other."""
    (tmp_path / "private-keys-v1.d").mkdir()
    (tmp_path / "private-keys-v1.d" / "A1.key").write_bytes(form)
    assert is_locked(tmp_path, "A1") == locked


def test_nothing_that_passes_is_logged_or_printed(folder, capfd, partner, monkeypatch):
    """Keys, passphrases and data in clear would stand in a log of level DEBUG."""
    monkeypatch.setattr(gnupg.logger, "disabled", False)
    records = []

    class Keep(logging.Handler):
        def emit(self, record):
            records.append(record.getMessage())

    logger = logging.getLogger("gnupg")
    handler, level = Keep(), logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)
    try:
        folder.generate(
            "locked", "l@example.com", algorithm="ed25519", passphrase=SecretBytes(CANARY)
        )
        folder.take("curve", partner.export("curve", secret=True), secret=True)
        with gpg.keyring(folder.home, [_certificate(folder)]) as session:
            session.decrypt(_message(folder), passphrase=CANARY.decode())
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)
    assert records == []
    assert capfd.readouterr() == ("", "")


def test_environment_and_options_of_the_user_have_no_say(folder, temp, monkeypatch):
    """A gpg.conf in the home folder and GNUPGHOME are passed over."""
    own = Path.home() / ".gnupg"
    own.mkdir(mode=0o700)
    (own / "gpg.conf").write_text("no-such-option\n")
    monkeypatch.setenv("GNUPGHOME", str(own))
    assert [key.name for key in folder.list()] == ["me"]
    assert [path.name for path in own.iterdir()] == ["gpg.conf"]
    (folder.home / "gpg.conf").write_text("comment an option of the user\n")
    folder.generate("other", "other@example.com", algorithm="ed25519")
    assert "option" not in (folder.path / "recipients" / "other.asc").read_text()


def test_gpg_is_given_the_environment_but_for_what_is_not_its_own(folder, monkeypatch):
    """As the agent that it starts has it: no passphrase."""
    given = {"PIIENC_PASSPHRASE": CANARY.decode(), "A": "b", "LC_ALL": "de_DE"}
    for name, value in {**given, "GNUPGHOME": "/nowhere"}.items():
        monkeypatch.setenv(name, value)
    with gpg.keyring(folder.home, [_certificate(folder)]) as session:
        session.sign(CANARY)
        home = Path(session.gnupghome)
        (agent,) = _agents(home)
        data = Path(f"/proc/{agent}/environ").read_bytes()
    environment = dict(one.split(b"=", 1) for one in data.split(b"\0") if one)
    assert b"PIIENC_PASSPHRASE" not in environment
    assert environment[b"A"] == b"b"
    assert environment[b"LC_ALL"] == b"C.UTF-8"
    assert environment[b"GNUPGHOME"] == bytes(home)


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
@pytest.mark.parametrize("doing", ["session", "import", "generate"])
def test_full_disk_within_gpg_is_told_as_that(partner, tmp_path, monkeypatch, doing, number):
    """And not as a key that is missing or broken: gpg itself only says so to people."""
    secret = partner.export("curve", secret=True)
    (tmp_path / "bin").mkdir()
    script = (
        "#!/bin/sh\n"
        'case " $* " in *show-only*) ;; *" --import "*|*" --gen-key "*)\n'
        f"  echo 'gpg: error writing keyring: {os.strerror(number)}' >&2; exit 2 ;;\n"
        "esac\n"
        f'exec {shutil.which("gpg")} "$@"\n'
    )
    (tmp_path / "bin" / "gpg").write_text(script)
    (tmp_path / "bin" / "gpg").chmod(0o700)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    folder = PgpFolder(tmp_path / "keys")
    ways = {
        "session": lambda: gpg.keyring(tmp_path, [secret]).__enter__(),
        "import": lambda: folder.take("curve", secret, secret=True),
        "generate": lambda: folder.generate("me", "me@example.com", algorithm="ed25519"),
    }
    with pytest.raises(IncompleteError, match=os.strerror(number)):
        ways[doing]()


def test_gpg_tells_nothing_of_what_its_agent_is_told(folder, monkeypatch):
    """Though DEBUG_IPC is set, by which python-gnupg would have all of it told."""
    monkeypatch.setenv("DEBUG_IPC", "1")
    locked = {"algorithm": "ed25519", "passphrase": SecretBytes(CANARY)}
    key = folder.generate("locked", "l@example.com", **locked)
    with gpg.keyring(folder.home, [_certificate(folder, "locked")]) as session:
        signed = session.sign(b"x", keyid=key.fingerprint, passphrase=CANARY.decode())
    assert signed.status == "signature created"
    assert CANARY.decode() not in signed.stderr
