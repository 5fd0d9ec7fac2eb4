"""`piienc demo`: the whole way, shown without a configuration and without a server."""

from __future__ import annotations

import time
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated

from msgspec import to_builtins

from piienc.base.cleanup import cleaned_up
from piienc.cli import options, ui
from piienc.errors import PolicyError

if TYPE_CHECKING:
    from piienc.demo.tour import Scene


@options.command("demo", "piienc demo --keep tour")
def demo(
    keep: Annotated[
        Path | None, options.value("--keep", "DIR", "Work in this new folder, and keep it.")
    ] = None,
    *,
    common: options.CommonOptions,
) -> None:
    """Show all steps once: encrypt, deliver, fetch back, verify, tamper."""
    from piienc.demo.tour import scenes  # start-up

    started = time.monotonic()
    results = []
    with ExitStack() as stack:
        for scene in scenes(_folder(keep, stack)):
            results.append(scene)
            if not common.json and not common.quiet:
                _show(scene)
    if common.json:
        ui.result(scenes=[to_builtins(scene) for scene in results])
    note = f"all of it is in {keep}" if keep else "nothing was left behind"
    common.say(f"done in {time.monotonic() - started:.1f} s; {note}")


def _folder(keep: Path | None, stack: ExitStack) -> Path:
    from piienc.base.files import make_private_folder

    if keep is None:
        folder = TemporaryDirectory(prefix="piienc-demo-")
        stack.enter_context(cleaned_up(folder.cleanup))
        return Path(folder.name)
    if keep.exists():
        raise PolicyError(f"{keep} is there already", hint="name a folder that is not there yet")
    make_private_folder(keep)
    return keep


def _show(scene: Scene) -> None:
    for line in scene.lines:
        ui.say(line)
    if scene.head:
        ui.table(scene.title, scene.head, scene.rows)
