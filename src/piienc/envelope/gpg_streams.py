"""Bytes through gpg: taken from a stream, and handed on as they come."""

from __future__ import annotations

from typing import TYPE_CHECKING

from piienc.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable

    from piienc.keys.gpg import Gpg, Outcome

Sink = "Callable[[bytes], object]"


def passed(session: Gpg, sink: Callable[[bytes], object], start: Callable[[], object]) -> Outcome:
    """Run an encryption or decryption, and hand on what comes out.

    python-gnupg takes gpg's output in a thread of its own, which must not fail: an error of the
    sink (a full disk) ends gpg, and is raised here.

    Args:
        session: whose gpg is run.
        sink: called with each piece of the output, in order.
        start: begins the work, and returns when gpg has ended.

    Returns:
        What gpg told; whether it succeeded is for the caller to see.
    """
    failed: list[Exception] = []

    def take(data: bytes) -> bool:
        if data and not failed:
            try:
                sink(data)
            except Exception as error:  # noqa: BLE001  # raised again below
                failed.append(error)
                session.stop()
        return False  # so that python-gnupg does not collect it

    session.on_data = take
    try:
        start()
    except BrokenPipeError:
        pass  # gpg ended before it had taken all of the input: its outcome tells why
    except OSError as error:
        if not failed:
            raise InputError(
                f"the input cannot be read: {error.strerror}", hint="check the disk that it is on"
            ) from error
    finally:
        session.on_data = None
    if failed:
        raise failed[0]
    return session.outcome
