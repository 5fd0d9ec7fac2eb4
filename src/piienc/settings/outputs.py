"""Where no output may go: over what a run reads, and among the keys and the state."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from piienc.base.files import refuse_same
from piienc.errors import PolicyError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from piienc.settings.load import Settings

_KEYS = {"aes", "audit", "gnupg", "recipients"}
_STATE = {"audit", "locks", "receipts", "reports", "spool", "state.db", "state.db-wal"}
_STREAM = Path("-")
_INPUT = Path("/dev/stdin")


def require_output(target: Path, settings: Settings, reads: Iterable[Path | None]) -> None:
    """Refuse an output that would replace what the run needs, or what can never be made again.

    Args:
        target: where it would go; `-` may be anything.
        settings: where configuration, keys and state are.
        reads: what else the run reads; `-` is standard input.

    Raises:
        PolicyError: it is one of these files, or a place in the folder of the keys or the state.
    """
    if target == _STREAM:
        return
    for read in (settings.config_file, *reads):
        if read is not None:
            refuse_same(_INPUT if read == _STREAM else read, target)
    real = Path(os.path.realpath(target))
    for folder, names in ((settings.keys_dir, _KEYS), (settings.state_dir, _STATE)):
        around = Path(os.path.realpath(folder))
        if real.is_relative_to(around) and {*real.relative_to(around).parts[:1]} & names:
            raise PolicyError(
                f"the output {target} would be among the files that piienc keeps in {folder}",
                hint="write to another folder",
            )
