"""gpg, run by python-gnupg in a home of its own for as long as one piece of work takes.

The user's own `~/.gnupg` is never read or changed. Three hazards are met here, once:

- gpg-agent's socket stands in the home, and its path may have 107 characters only. A session's
  home is therefore a short path: a temporary folder, or a link in one.
- an agent outlives the gpg that started it: a session ends its agent, and waits for its end.
- python-gnupg forgets the processes that it starts: a session ends them when it is left early.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import shutil
import socket
import subprocess
import tempfile
import time
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gnupg

from piienc.base.cleanup import cleaned_up
from piienc.base.files import NO_ROOM, sweep, translated
from piienc.base.locks import lock
from piienc.errors import PgpError
from piienc.keys.openpgp.home import PRIVATE_KEYS, give_to_owner, require_private_keys

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

_LEAST_VERSION = (2, 2)
_PIPE = 1 << 20
"""Bytes that a pipe to gpg holds: the most that Linux grants to everybody, see pipe(7)."""

_COPIED = 256 << 10  # bytes handed to gpg, or taken from it, at a time
_LONGEST_FOLDER = 60  # characters: a socket's path has 107, see unix(7)
_SESSION, _HOME = "piienc-gpg-", "home"
TEMPORARY = "the folder for temporary files"
AGENT_ENDS_WITHIN = 5.0  # seconds
_BEGUN_WITHIN = 60.0  # seconds
_STATUS = "[GNUPG:] "
_BAD_PASSPHRASE = 11  # libgpg-error's GPG_ERR_BAD_PASSPHRASE
_OTHER_BREAKS = re.compile("[\v\f\x1c-\x1e\x85\u2028\u2029]")  # of lines, besides LF

_KEPT_FROM_GPG = "PIIENC_PASSPHRASE"
_OPTIONS = [
    "--no-options",
    # A recipient is trusted because its fingerprint is pinned, not by a web of trust.
    "--trust-model", "always",
    "--no-auto-key-locate",
    "--no-auto-key-retrieve",
    "--no-auto-check-trustdb",
    # GnuPG 2.4 as Debian has it would otherwise take in a key that its owner has not signed.
    "--no-allow-non-selfsigned-uid",
    # Nobody sits at the agent: a passphrase comes from us, or not at all.
    "--pinentry-mode", "loopback",
    "--exit-on-status-write-error",
]  # fmt: skip  # an option and its value stand together


class GpgStatus(gnupg.Crypt):  # type: ignore[misc]  # python-gnupg ships no type information
    """What gpg told of an encryption or decryption, line by line: doc/DETAILS of GnuPG.

    Attributes:
        lines: keyword and arguments of each status line.
        returncode: gpg's exit code; None if it never came to one.
    """

    returncode: int | None = None

    def __init__(self, gpg: Gpg) -> None:
        super().__init__(gpg)
        self.lines: list[tuple[str, list[str]]] = []
        gpg.outcome = self

    def handle_status(self, key: str, value: str) -> None:
        """Keep a line."""
        self.lines.append((key, value.split()))

    def has(self, *keywords: str) -> bool:
        """Tell whether one of some keywords was told."""
        return any(key in keywords for key, _ in self.lines)

    def all(self, *keywords: str) -> list[list[str]]:
        """Return the arguments of the lines with one of some keywords."""
        return [arguments for key, arguments in self.lines if key in keywords]

    @property
    def errors(self) -> list[list[str]]:
        """The arguments of the errors that were told."""
        # GnuPG 2.4 tells of its exit code, too, which is an error of no kind of its own.
        return [fields for fields in self.all("FAILURE", "ERROR") if fields[:1] != ["gpg-exit"]]

    @property
    def refuses_passphrase(self) -> bool:
        """Whether a passphrase was not the key's own."""
        return _BAD_PASSPHRASE in self.codes

    @property
    def codes(self) -> set[int]:
        """The codes of the errors that were told, as libgpg-error numbers them."""
        numbers = (fields[1] for fields in self.errors if len(fields) > 1 and fields[1].isdigit())
        return {int(number) & 0xFFFF for number in numbers}


class Gpg(gnupg.GPG):  # type: ignore[misc]  # python-gnupg ships no type information
    """One session's gpg.

    Attributes:
        outcome: what the last encryption or decryption told.
        passed: descriptors that gpg inherits.
    """

    outcome: GpgStatus
    passed: tuple[int, ...] = ()

    def __init__(self, home: Path) -> None:
        self._running: list[subprocess.Popen[bytes]] = []
        # What passes through gpg, keys and data in clear, it would log at the level DEBUG.
        gnupg.logger.disabled = True
        # In English: of gpg's messages to people, the system's own reasons are looked for.
        environment = {n: v for n, v in os.environ.items() if n != _KEPT_FROM_GPG}
        environment |= {"LC_ALL": "C.UTF-8", "GNUPGHOME": str(home)}
        # What python-gnupg's own __init__ sets and is needed here. It also runs gpg, to ask for its
        # version: 15 ms of each session, to know no more of it than that it is 2.1 or later.
        self.gpgbinary, self.gnupghome, self.env = "gpg", str(home), environment
        self.verbose = self.check_fingerprint_collisions = False
        self.encoding = "utf-8"
        self.on_data: Callable[[bytes], bool] | None = None
        self.version = _LEAST_VERSION
        self.buffer_size = _COPIED
        self.result_map = {**gnupg.GPG.result_map, "crypt": GpgStatus}

    @cached_property
    def release(self) -> tuple[int, ...]:
        """The version of gpg."""
        output = subprocess.run(  # noqa: S603  # no shell, and no argument from outside
            [self.gpgbinary, "--version"],  # the one that python-gnupg runs
            check=False,
            capture_output=True,
            stdin=subprocess.DEVNULL,
            env=self.env,
        ).stdout
        match = re.search(rb"(\d+)\.(\d+)\.(\d+)", output)
        return tuple(map(int, match.groups())) if match else _LEAST_VERSION

    def make_args(self, args: list[str], passphrase: bool) -> list[str]:  # noqa: FBT001  # python-gnupg's own
        """Return gpg's command line."""
        # Not python-gnupg's: it has gpg log what its agent is told, if DEBUG_IPC is set.
        command = [self.gpgbinary, "--batch", "--no-tty", "--with-colons", "--status-fd", "2"]
        command += ["--homedir", self.gnupghome, *_OPTIONS]
        if passphrase:
            command += ["--passphrase-fd=0"]
        if "--import" in args:
            # To import an expired key, gpg opens its trust database; "always" lets it make none.
            command += ["--trust-model", "direct"]
        return [*command, *args]

    def _open_subprocess(self, args: list[str], passphrase: bool = False) -> Any:  # noqa: ANN401, FBT001, FBT002  # python-gnupg's own
        # As python-gnupg does it, but that gpg inherits what it is to read and write: nobody but we
        # ourselves may look at our own descriptors, see `cli/process.py`.
        process = subprocess.Popen(  # noqa: S603  # no shell, and arguments of our own
            self.make_args(args, passphrase),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=self.env,
            pass_fds=self.passed,
            umask=0o077,  # gpg lets all read public keys; nothing in the key folder is for all
        )
        self._running.append(process)
        for pipe in filter(None, (process.stdin, process.stdout)):
            with contextlib.suppress(OSError, AttributeError):  # a user's share may be used up
                fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, _PIPE)
        return process

    def _read_response(self, stream: Any, result: Any) -> None:  # noqa: ANN401  # python-gnupg's own
        # python-gnupg breaks lines where Unicode does, so that a name or a notation from outside
        # could pass for a line of gpg's, and it gives up at what is no UTF-8: a binary notation.
        lines = []
        for line in stream.stream:
            text = line.decode("utf-8", "replace").rstrip()
            lines.append(text)
            if text.startswith(_STATUS):
                keyword, _, value = text.removeprefix(_STATUS).partition(" ")
                result.handle_status(keyword, value)
        result.stderr = "\n".join(lines)

    def _decode_result(self, result: Any) -> Any:  # noqa: ANN401  # python-gnupg's own
        text = result.data.decode("utf-8", "replace")
        result.data = _OTHER_BREAKS.sub("\ufffd", text).encode()
        return super()._decode_result(result)

    def stop(self) -> None:
        """End what is still running: nobody waits for it any more."""
        for process in self._running:
            if process.poll() is None:
                process.kill()
                process.wait()


@contextlib.contextmanager
def keyring(secrets: Path, certificates: Iterable[bytes]) -> Iterator[Gpg]:
    """Run gpg on some certificates, and on the secret keys of a home that is only read.

    Args:
        secrets: the home whose secret keys may be used; it need not exist.
        certificates: transferable public keys, in binary: RFC 9580, 10.1.

    Raises:
        PgpError: gpg is missing or does not run.
    """
    with _folder() as folder:
        home = folder / _HOME
        with translated(TEMPORARY):
            home.mkdir(mode=0o700)
            if (secrets / PRIVATE_KEYS).is_dir():
                require_private_keys(secrets)
                (home / PRIVATE_KEYS).symlink_to((secrets / PRIVATE_KEYS).absolute())
        with _running(home) as gpg:
            # By an import, in which gpg believes nothing but signatures: a keyring could tell it
            # that they were checked. What stands there twice is merged, revocations included.
            if data := b"".join(certificates):
                # For public keys, too, gpg would start an agent, which may not be needed at all.
                imported = gpg.import_keys(data, extra_args=["--no-autostart"])
                require_room(imported.stderr, TEMPORARY)
            yield gpg


def require_room(messages: str, place: Path | str) -> None:
    """Tell a full disk, or a quota that is used up, from keys that are not there.

    Raises:
        IncompleteError: there was no room.
    """
    with translated(place, whole=place != TEMPORARY):
        for number in NO_ROOM:
            if os.strerror(number) in messages:
                raise OSError(number, os.strerror(number))


@contextlib.contextmanager
def home_of(path: Path) -> Iterator[Gpg]:
    """Run gpg on a home itself, to change it.

    Raises:
        PgpError: gpg is missing or does not run.
    """
    held = os.open(path, os.O_RDONLY)
    try:
        # Two sessions in one home would share an agent, and the first would end it.
        lock(held, path)
        with _folder() as folder:
            home = folder / _HOME
            home.symlink_to(path.absolute())
            with _running(home) as gpg:
                yield gpg
    finally:
        give_to_owner(path)
        os.close(held)


@contextlib.contextmanager
def _folder() -> Iterator[Path]:
    """Make a session's folder, and take away those that killed runs have left."""
    parent = next(
        (
            Path(path)
            for path in (tempfile.gettempdir(), "/tmp", "/dev/shm")  # noqa: S108  # mkdtemp's are private
            if len(path) <= _LONGEST_FOLDER and os.access(path, os.W_OK)
        ),
        Path(tempfile.gettempdir()),
    )
    _sweep(parent)
    with translated(TEMPORARY):
        path = Path(tempfile.mkdtemp(prefix=_SESSION, dir=parent))
    held = os.open(path, os.O_RDONLY)
    try:
        with cleaned_up(partial(shutil.rmtree, path, ignore_errors=True)):
            lock(held, path)
            yield path
    finally:
        os.close(held)


def _sweep(parent: Path) -> None:
    """Take away the sessions whose lock nobody holds any more."""
    sweep(parent, re.escape(_SESSION) + ".*", _sweep_one)


def _sweep_one(session: Path) -> None:
    facts = session.lstat()
    # A session that begins at this moment has not locked its folder yet; one of the future, by a
    # clock that was set back since, is over like others.
    if facts.st_uid != os.geteuid() or abs(time.time() - facts.st_mtime) < _BEGUN_WITHIN:
        return
    _end_agent(session / _HOME)
    shutil.rmtree(session)


@contextlib.contextmanager
def _running(home: Path) -> Iterator[Gpg]:
    if shutil.which("gpg") is None:
        raise PgpError(
            "gpg does not run", hint="install GnuPG 2.2 or later: the Debian package gnupg"
        )
    gpg = Gpg(home)
    with cleaned_up(partial(_end_agent, home)), cleaned_up(gpg.stop):
        yield gpg


def _end_agent(home: Path) -> None:
    """End the agent of a home, if one runs, and wait until it is gone."""
    sockets = _socket_folder(home)
    path = sockets / "S.gpg-agent"
    if not path.exists():
        return
    # Assuan's lines, as gpg-connect-agent would send them: starting it costs more than all else.
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as agent:
        agent.settimeout(AGENT_ENDS_WITHIN)
        agent.connect(str(path))
        agent.sendall(b"GETINFO pid\nKILLAGENT\n")
        with agent.makefile("rb") as answer:
            match = re.search(rb"^D (\d+)", answer.read(), re.MULTILINE)
        give_up = time.monotonic() + AGENT_ENDS_WITHIN
        while match and _lives(int(match[1])) and time.monotonic() < give_up:
            time.sleep(0.001)
    if sockets != home:
        _ask_gpgconf(home, "--remove-socketdir")


def _lives(process: int) -> bool:
    try:
        status = Path(f"/proc/{process}/stat").read_bytes()
    except OSError:
        return False
    # In a container whose first process takes no care of orphans, the dead stay listed.
    return status.rpartition(b")")[2].split()[:1] != [b"Z"]


def _socket_folder(home: Path) -> Path:
    """Return where gpg keeps a home's sockets: in it, or in the user's run-time folder."""
    if not Path(f"/run/user/{os.geteuid()}").is_dir():
        return home
    return Path(_ask_gpgconf(home, "--list-dirs", "socketdir") or home)


def _ask_gpgconf(home: Path, *arguments: str) -> str:
    with contextlib.suppress(OSError):
        return subprocess.run(  # noqa: S603  # no shell, and arguments of our own
            ["gpgconf", "--homedir", str(home), *arguments],  # noqa: S607  # as gpg is found
            check=False,
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
        ).stdout.strip()
    return ""
