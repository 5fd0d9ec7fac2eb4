"""Which job is meant: one of `piienc.toml`, or a single file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from piienc.errors import ConfigError, InputError, UsageError
from piienc.settings.job import Job

if TYPE_CHECKING:
    from piienc.settings import Settings


def chosen(what: str, settings: Settings, *, schema: Path | None, to: str | None) -> Job:
    """Return the job that is meant.

    Args:
        what: its name; with a schema and a destination, a file.
        settings: knows the jobs.
        schema: of the file.
        to: the file's destination, by name or URL.

    Raises:
        UsageError: only one of schema and destination was said.
        InputError: the file is not there.
        ConfigError: there is no job of that name.
    """
    if (schema is None) != (to is None):
        raise UsageError("a file needs both: a schema and a destination", hint="--schema S --to D")
    if schema is not None and to is not None:
        if not Path(what).is_file():
            raise InputError(f"{what} is not there, or no regular file", hint="name a file")
        return Job(None, Path(what), schema, to, quiet_for=0)
    if what not in settings.jobs:
        known = ", ".join(sorted(settings.jobs)) or "none"
        raise ConfigError(
            f"there is no job {what}; those of piienc.toml are: {known}",
            hint="name one of them, add [jobs.NAME], or send a file: --schema S --to DESTINATION",
        )
    return settings.jobs[what]
