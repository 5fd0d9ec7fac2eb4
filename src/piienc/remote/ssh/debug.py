"""paramiko's logging: silent, unless somebody follows; and then without secrets."""

from __future__ import annotations

import contextlib
import logging
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from piienc.base.secret import SecretBytes

NAME = "paramiko.piienc"
"""The logger of our connections."""

_LONGEST = 300
# Keys, signatures and the like: nobody reads them, and some are secret.
_LONG_RUN = re.compile(r"[0-9A-Za-z+/=]{40,}")

# Without a handler, Python prints warnings and errors of any library to standard error.
logging.getLogger("paramiko").addHandler(logging.NullHandler())


class _Lines(logging.Handler):
    def __init__(self, on_line: Callable[[str], object], secret: SecretBytes | None) -> None:
        super().__init__()
        self._on_line = on_line
        self._secret = secret.reveal().decode("utf-8", "replace") if secret else ""

    def emit(self, record: logging.LogRecord) -> None:
        text = record.getMessage()
        if self._secret:
            text = text.replace(self._secret, "***")
        text = _LONG_RUN.sub("...", text)
        for line in text.splitlines():
            shown = "".join(letter if letter.isprintable() else "?" for letter in line)
            self._on_line(shown[:_LONGEST])


@contextlib.contextmanager
def following(
    on_line: Callable[[str], object] | None, secret: SecretBytes | None
) -> Iterator[None]:
    """Call `on_line`, if given, with each debug line of the connections."""
    logger = logging.getLogger("paramiko")
    own_logger = logging.getLogger(NAME)
    if on_line is None:
        if not logger.isEnabledFor(logging.DEBUG):
            own_logger.setLevel(logging.CRITICAL + 1)
        yield
        return
    handler = _Lines(on_line, secret)
    before = logger.level, own_logger.level
    logger.setLevel(logging.DEBUG)
    own_logger.setLevel(logging.DEBUG)
    logger.addHandler(handler)
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.setLevel(before[0])
        own_logger.setLevel(before[1])
