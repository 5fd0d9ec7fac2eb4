"""Have small files be sent while they are made, as large ones are: in tests, and in processes."""

from __future__ import annotations

import time

from piienc.flow import advance
from piienc.flow.send.delivering import Delivering
from piienc.tables import csv

_LEAST = 50_000  # bytes; what gpg writes before it has read anything is less
_UNIT = 100_000  # bytes


def small_files(replace=setattr) -> None:
    """Lower the sizes, and have the first file wait for the connection."""
    replace(advance, "LEAST", _LEAST)
    replace(advance, "_STEP", 1)
    replace(csv, "_BLOCK", _UNIT)
    begin = Delivering.begin

    def begun(delivering, *said, **more):
        begin(delivering, *said, **more)
        end = time.monotonic() + 20
        while not delivering._deliverer._crew.connected and time.monotonic() < end:
            time.sleep(0.01)

    replace(Delivering, "begin", begun)
