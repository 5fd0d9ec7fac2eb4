"""What is installed: with cargo a wheel with the compiled core, without it a pure one."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LIBRARY = "piienc/core/_core.so"


@pytest.fixture
def checkout(tmp_path) -> Path:
    """Return a checkout in which nothing has been built."""
    copy = tmp_path / "checkout"
    built = shutil.ignore_patterns("target", "*.so", "__pycache__")
    shutil.copytree(ROOT / "src", copy / "src", ignore=built)
    for name in ("pyproject.toml", "hatch_build.py", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, copy)
    return copy


def build(checkout: Path, wish: str, path: str) -> subprocess.CompletedProcess[str]:
    """Build a wheel, with the programs of some folders at hand."""
    return subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "--target", "wheel"],
        cwd=checkout,
        # Under the tests' own HOME, rustup would find no toolchain.
        env=os.environ
        | {"PIIENC_CORE": wish, "PATH": path, "HOME": pwd.getpwuid(os.getuid()).pw_dir},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def wheel_of(checkout: Path) -> Path:
    (wheel,) = (checkout / "dist").iterdir()
    return wheel


def version_told(package: Path) -> str:
    """Return what `piienc --version` prints, of the package in a folder."""
    return subprocess.run(
        [sys.executable, "-m", "piienc", "--version"],
        env=os.environ | {"PYTHONPATH": str(package), "PIIENC_CORE": ""},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    ).stdout


@pytest.mark.parametrize("wish", ["", "off"])
def test_wheel_without_cargo_is_pure(checkout, wish, tmp_path):
    done = build(checkout, wish, os.environ["PATH"] if wish else str(tmp_path))
    assert done.returncode == 0, done.stderr
    wheel = wheel_of(checkout)
    assert wheel.name.endswith("-py3-none-any.whl")
    assert LIBRARY not in zipfile.ZipFile(wheel).namelist()


def test_wheel_that_must_have_the_core_is_not_built_without_cargo(checkout, tmp_path):
    done = build(checkout, "required", str(tmp_path))
    assert done.returncode != 0
    assert "cargo is missing: install Rust 1.63 or later" in done.stderr
    assert not [*checkout.glob("dist/*")]


def test_wheel_with_cargo_holds_a_core_that_works_and_names_its_platform(checkout, tmp_path):
    done = build(checkout, "required", os.environ["PATH"])
    assert done.returncode == 0, done.stderr
    wheel = wheel_of(checkout)
    platform = sysconfig.get_platform().replace("-", "_").replace(".", "_")
    assert wheel.name.endswith(f"-py3-none-{platform}.whl")
    zipfile.ZipFile(wheel).extractall(tmp_path / "installed")
    assert version_told(tmp_path / "installed").endswith(" (compiled core)\n")


def test_version_tells_of_a_core_that_cannot_be_loaded(checkout):
    """A library of another machine, say."""
    (checkout / "src" / LIBRARY).write_bytes(b"\x7fELF")
    assert version_told(checkout / "src").endswith(" (no compiled core)\n")
