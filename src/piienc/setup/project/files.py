"""The files that a new project begins with: `piienc.toml` and `.gitignore`, as text."""

from __future__ import annotations

import glob
import os
import re
from typing import TYPE_CHECKING

import tomlkit

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

_NUMBERS = re.compile(r"\d+(?:[-_.T]?\d+)*")
_URL = "sftp://account@sftp.example.com/import/"

_HEAD = """\
# What piienc knows of this project. Relative paths count from this file's folder.

[keys]
dir = {keys}  # AES and OpenPGP keys: keep a copy in a safe place, and none in git

[state]
dir = {state}  # counts of cells, marks, transfers, the audit log: keep it from run to run
"""
_DESTINATION = """\
[destinations.{name}]
url = {url}
recipients = {recipients}  # their OpenPGP keys: 'piienc keys import-pgp'
# identity_file = "~/.ssh/id_ed25519"  # the private key to log in with
# known_hosts = "~/.ssh/known_hosts"   # must hold the server's key
# profile = "generic"                  # what the receiver demands: 'piienc profiles list'
"""
_JOB = """\
[jobs.{name}]
source = {source}
schema = {schema}
destination = {destination}
"""


def stem_of(sample: Path) -> str:
    """Return what files like a sample are called, without suffixes and dates."""
    bare = _NUMBERS.sub("", sample.name.partition(".")[0]).strip("-_. ")
    return re.sub(r"[^\w-]+", "-", bare, flags=re.ASCII).strip("-") or "export"


def pattern_of(sample: Path, folder: Path) -> str:
    """Return the pattern of files like a sample, from a folder: dates and numbers may vary.

    They still end in a digit, so that `NAME-1.enc.csv` beside `NAME-1.csv` is no such file.
    """
    path = glob.escape(os.path.relpath(sample, folder))
    parent, name = os.path.split(path)
    return os.path.join(parent, _NUMBERS.sub("*[0-9]", name))  # noqa: PTH118  # a pattern is no path


def settings_text(
    *,
    keys: str,
    state: str,
    url: str | None,
    recipients: Sequence[str],
    job: tuple[str, str, str] | None,
) -> str:
    """Write `piienc.toml`.

    Args:
        keys: the key folder, as it is to stand there.
        state: the state folder, likewise.
        url: of the destination; without one, an example and the job stand there as comments.
        recipients: the names of the partners' OpenPGP keys, at least one.
        job: its name, the pattern of its files and the schema.
    """
    destination = recipients[0]
    tables = [
        _DESTINATION.format(
            name=_key(destination),
            url=_quoted(url or _URL),
            recipients=f"[{', '.join(map(_quoted, recipients))}]",
        )
    ]
    if job:
        name, source, schema = job
        tables.append(
            _JOB.format(
                name=_key(name),
                source=_quoted(source),
                schema=_quoted(schema),
                destination=_quoted(destination),
            )
        )
    head = _HEAD.format(keys=_quoted(keys), state=_quoted(state))
    return "\n".join([head, *(tables if url else map(_commented, tables))])


def ignored(before: str, folders: Sequence[str]) -> str:
    """Return what to write behind a `.gitignore`, so that git leaves some folders alone."""
    entries = {line.strip().strip("/") for line in before.splitlines()}
    missing = [folder for folder in folders if folder.strip("/") not in entries]
    if not missing:
        return ""
    gap = "" if not before or before.endswith("\n") else "\n"
    lines = ["# Keys and the state of piienc: secret, or of this machine alone."]
    return gap + "\n".join([*lines, *(f"/{folder.strip('/')}/" for folder in missing)]) + "\n"


def _commented(text: str) -> str:
    return "".join(
        line if line.startswith("#") else f"# {line}" for line in text.splitlines(keepends=True)
    )


def _quoted(text: str) -> str:
    return tomlkit.item(text).as_string()


def _key(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else _quoted(name)
