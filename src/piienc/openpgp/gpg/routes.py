"""The two routes of bytes through gpg: streams that pass through this process, and files.

A stream may come from anywhere and be observed as it passes. Between two files, gpg opens the input
itself and writes to a pipe with a large buffer.
"""

from __future__ import annotations

import contextlib
import fcntl
import io
import os
from typing import TYPE_CHECKING, Protocol

from msgspec import Struct

from piienc.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from piienc.keys.openpgp.gpg import Gpg, GpgStatus
    from piienc.storage.hashing import Readable

    GpgCall = Callable[[Readable, list[str]], object]
    """Runs gpg: on its standard input, and with more arguments."""


class GpgStreams(Struct, frozen=True):
    """A route through this process.

    python-gnupg takes gpg's output in a thread of its own, which must not fail: an error of the
    sink (a full disk) ends gpg, and is raised afterwards.
    """

    source: Readable
    sink: Callable[[bytes], object]

    def run(self, session: Gpg, call: GpgCall) -> GpgStatus:
        """Run gpg to its end, and return its status; whether it succeeded is not judged here.

        Raises:
            InputError: the source cannot be read.
            PiiencError, OSError: what the sink raised.
        """
        errors: list[Exception] = []

        def take(data: bytes) -> bool:
            if data and not errors:
                try:
                    self.sink(data)
                except Exception as error:  # noqa: BLE001  # raised again below
                    errors.append(error)
                    session.stop()
            return False  # so that python-gnupg does not collect it

        session.on_data = take
        try:
            call(self.source, [])
        except BrokenPipeError:
            pass  # gpg ended before it had taken all of the input: its outcome tells why
        except OSError as error:
            if not errors:
                raise InputError(
                    f"the input cannot be read: {error.strerror}",
                    hint="check the disk that it is on",
                ) from error
        finally:
            session.on_data = None
        if errors:
            raise errors[0]
        return session.outcome


class PipeSink(Protocol):
    """A pipe whose other end consumes what is written to it."""

    @property
    def descriptor(self) -> int:
        """The end that is written to."""

    def finish(self) -> object:
        """Take all that was written; raise what has failed."""


class GpgFiles(Struct, frozen=True):
    """From an open file to a pipe.

    Attributes:
        source: a descriptor that can be read.
        target: the pipe.
        steady: whether the source must stay as it is meanwhile; another pipe does not.
    """

    source: int
    target: PipeSink
    steady: bool = True

    def run(self, session: Gpg, call: GpgCall) -> GpgStatus:
        """Run gpg to its end, as `GpgStreams.run` does.

        Raises:
            InputError: the source changed meanwhile.
            OSError: the target cannot be written.
        """
        before = _stamp(self.source)
        # proc(5): by these names gpg opens the very files that we have open, whether they have
        # a name of their own or not. It inherits the descriptors under the same numbers.
        descriptors = "/proc/self/fd"
        with _passable(self.source) as source, _passable(self.target.descriptor) as target:
            session.passed = (source, target)
            # The name of the source would go into the message.
            options = ["--set-filename", "", "--yes", "--output", f"{descriptors}/{target}"]
            # A broken pipe: gpg ended before it had taken the passphrase; its outcome tells why.
            try:
                call(io.BytesIO(), [*options, f"{descriptors}/{source}"])
            except BrokenPipeError:
                pass
            finally:
                session.passed = ()
        self.target.finish()
        outcome = session.outcome
        if self.steady and _stamp(self.source) != before:
            raise InputError(
                "the input changed while it was read",
                hint="run the command again when nobody writes to the file",
            )
        return outcome


GpgRoute = GpgStreams | GpgFiles


@contextlib.contextmanager
def _passable(descriptor: int) -> Iterator[int]:
    """Give a number of an open file that means the same file in another program.

    There, those up to 2 are its own standard streams; here, one of them may be any file, if the
    process was started without that stream.
    """
    passable = fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, 3)
    try:
        yield passable
    finally:
        os.close(passable)


def _stamp(descriptor: int) -> tuple[int, int]:
    facts = os.fstat(descriptor)
    return facts.st_size, facts.st_mtime_ns
