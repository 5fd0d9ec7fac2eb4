"""Which engine does the work."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from piienc.core.interface import Engine

LIBRARY = Path(__file__).with_name("_core.so")
"""The compiled core, if it was built."""

_OFF = "off"


@cache
def engine() -> Engine:
    """Return the engine of this process: the native one, unless `PIIENC_CORE` is "off".

    Without a compiled core it is the plain one.
    """
    if os.environ.get("PIIENC_CORE") != _OFF:
        from piienc.core.native import NativeEngine  # noqa: PLC0415  # only what is needed

        if native := NativeEngine.load(LIBRARY):
            return native
    from piienc.core.plain import PlainEngine  # noqa: PLC0415  # only what is needed

    return PlainEngine()


def is_missing() -> bool:
    """Tell whether this process worked without a compiled core, and nobody wanted that."""
    used = bool(engine.cache_info().currsize)
    return used and engine().name == "plain" and os.environ.get("PIIENC_CORE") != _OFF
