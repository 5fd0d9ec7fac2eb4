"""The hook that is run when a job has failed."""

from __future__ import annotations

import json
import os
import subprocess
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from piienc.settings.job import NotifyTable


_KEPT = "PIIENC_PASSPHRASE"  # a hook tells others, and its environment may be told with it


def notify(hook: NotifyTable, document: dict[str, Any]) -> str | None:
    """Run the hook with a receipt or an error, as JSON on its standard input; no shell takes part.

    Returns:
        What went wrong with it; None if nothing did. The job has ended as it has ended.
    """
    program = hook.command[0]
    try:
        process = subprocess.run(  # noqa: S603  # the user's own program, by a list and no shell
            hook.command,
            input=json.dumps(document).encode(),
            env={name: value for name, value in os.environ.items() if name != _KEPT},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=hook.timeout,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return f"the hook {program} took longer than {hook.timeout:g} s"
    except OSError as error:
        return f"the hook {program} cannot be run: {os.strerror(error.errno or 0)}"
    return f"the hook {program} ended with {process.returncode}" if process.returncode else None
