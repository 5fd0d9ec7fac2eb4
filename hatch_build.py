"""Build the compiled core into the package, where cargo is at hand; without it, a pure wheel.

`PIIENC_CORE=off` leaves it out; `PIIENC_CORE=required` fails where it cannot be built.
"""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

_LIBRARY = "libpiienc_core.dylib" if sys.platform == "darwin" else "libpiienc_core.so"
_BUILT = "src/piienc/core/_core.so"


class CoreBuildHook(BuildHookInterface):
    """Runs cargo, and gives the wheel the tag of this platform."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Build the core before the wheel is packed; `version` is "editable" or "standard"."""
        _ = version
        wish = os.environ.get("PIIENC_CORE", "")
        if wish == "off" or not self._build(Path(self.root), required=wish == "required"):
            return
        build_data["pure_python"] = False
        build_data["artifacts"].append(_BUILT)
        # Python may be of two machines at once on macOS; what cargo has built is of one.
        system = sysconfig.get_platform().replace("universal2", platform.machine())
        build_data["tag"] = f"py3-none-{re.sub('[-.]', '_', system)}"

    def _build(self, root: Path, *, required: bool) -> bool:
        built = root / _BUILT
        built.unlink(missing_ok=True)
        cargo = shutil.which("cargo")
        if cargo is None:
            if required:
                raise RuntimeError("cargo is missing: install Rust 1.63 or later")
            return False
        command = [cargo, "build", "--release", "--locked", "--offline"]
        done = subprocess.run(command, cwd=root / "src/core", check=required)  # noqa: S603  # by its path
        if done.returncode:
            self.app.display_warning(f"no compiled core: cargo failed on {platform.machine()}")
            return False
        # In two steps: a process that has loaded the former one keeps it.
        fresh = built.with_suffix(".new")
        shutil.copy(root / "src/core/target/release" / _LIBRARY, fresh)
        fresh.replace(built)
        return True
