"""Where keys and state are: flag, then `PIIENC_*` variable, then `piienc.toml`, then default.

A relative path counts from where it was said: in `piienc.toml` from that file's folder, as a
flag or a variable from the current directory. The defaults stand beside `piienc.toml`, or in
the current directory where there is none.

The user's own profiles, the destinations and the jobs are in `piienc.toml` alone.
"""

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from msgspec import Meta, Struct, field
from msgspec.structs import replace

from piienc.base.home import expanded
from piienc.errors import PolicyError

if TYPE_CHECKING:
    from piienc.base.document import Mistake
    from piienc.receivers import Demands
    from piienc.settings.destination import Destination
    from piienc.settings.job import Job, NotifyTable

FILE = "piienc.toml"
_KEYS, _STATE = Path("keys"), Path(".piienc")


class Settings(Struct, frozen=True):
    """What holds for one run.

    Attributes:
        config_file: the `piienc.toml` that was read, if any.
        keys_dir: the key folder; it need not exist.
        state_dir: the state folder; it need not exist.
        keep_history: days for which it keeps what is over; None for ever.
        profiles: the user's own profiles by name, for `piienc.receivers`.
        destinations: by name.
        jobs: by name.
        notify: the hook that is run when a job has failed.
    """

    config_file: Path | None = None
    keys_dir: Path = _KEYS
    state_dir: Path = _STATE
    keep_history: float | None = None
    profiles: "Mapping[str, Demands]" = field(default_factory=dict)
    destinations: "Mapping[str, Destination]" = field(default_factory=dict)
    jobs: "Mapping[str, Job]" = field(default_factory=dict)
    notify: "NotifyTable | None" = None


def load(
    *,
    config: Path | None = None,
    keys: Path | None = None,
    state: Path | None = None,
    environ: Mapping[str, str] = os.environ,
    cwd: Path = Path(),
    begun: bool = True,
) -> Settings:
    """Return where things are.

    Args:
        config: the flag for `piienc.toml`; without it and its variable, the nearest upwards
            from `cwd` counts.
        keys: the flag for the key folder.
        state: the flag for the state folder.
        environ: the environment; an empty variable counts as none.
        cwd: the current directory. `Path()` keeps relative paths as they were given.
        begun: without it, `config` is of a project that is to be made: if the file is missing,
            the defaults hold in its folder.

    Raises:
        ConfigError: `piienc.toml` was named and is missing, or it has mistakes.
    """
    explicit = _said(config, "PIIENC_CONFIG", environ, cwd)
    file = explicit or _nearest(cwd)
    home = file.parent if file else cwd
    try:
        settings = _read(file) if file and (begun or _is_there(file)) else Settings(file)
    except PolicyError as error:
        if explicit is None:
            error.hint += f"; or, if it is not yours, begin with one of your own: touch {FILE}"
        raise

    def folder(flag: Path | None, variable: str, written: Path) -> Path:
        return _said(flag, variable, environ, cwd) or home / expanded(written)

    return replace(
        settings,
        keys_dir=folder(keys, "PIIENC_KEYS", settings.keys_dir),
        state_dir=folder(state, "PIIENC_STATE", settings.state_dir),
    )


def _said(flag: Path | None, variable: str, environ: Mapping[str, str], cwd: Path) -> Path | None:
    if flag is not None:
        return cwd / flag
    value = environ.get(variable)
    return cwd / expanded(value) if value else None


def _nearest(cwd: Path) -> Path | None:
    folders = (cwd, *cwd.absolute().parents)
    return next((file for folder in folders if _is_there(file := folder / FILE)), None)


def _is_there(file: Path) -> bool:
    try:
        return file.is_file()
    except OSError:  # a folder on the way up that this user may not search
        return False


def _read(file: Path) -> Settings:
    """Return what `piienc.toml` says, with its folders as they are written."""
    # Imported here, so that a run without the file starts faster.
    from piienc.base import document  # noqa: PLC0415  # see above
    from piienc.receivers import Demands, check_own  # noqa: PLC0415  # see above
    from piienc.settings.destination import (  # noqa: PLC0415  # see above
        DestinationTable,
        check_manifests,
        destination_of,
    )
    from piienc.settings.job import (  # noqa: PLC0415  # see above
        JobTable,
        NotifyTable,
        check_destinations,
        job_of,
        notify_of,
    )

    class Folder(document.Table, frozen=True):
        dir: Annotated[str, Meta(min_length=1, examples=["path/to/folder"])] | None = None

    class State(Folder, frozen=True):
        keep_history: Annotated[float, Meta(gt=0, le=36_500, examples=[730])] | None = None

    class File(document.Table, frozen=True):
        keys: Folder = Folder()
        state: State = State()
        profiles: dict[Annotated[str, Meta(min_length=1)], Demands] | None = None
        destinations: dict[Annotated[str, Meta(min_length=1)], DestinationTable] | None = None
        jobs: dict[Annotated[str, Meta(min_length=1)], JobTable] | None = None
        notify: NotifyTable | None = None

        @classmethod
        def check(cls, fields: Mapping[str, Any]) -> "Iterable[Mistake]":
            """See to it that bases of profiles and destinations of jobs lead to one each."""
            yield from check_destinations(fields)
            mistakes = list(check_own(fields.get("profiles") or {}))
            for place, mistake in mistakes:
                yield ("profiles", *place), mistake
            if not mistakes:
                yield from check_manifests(fields)

    def place(path: str) -> Path:
        return file.parent / expanded(path)

    read = document.load(file, File)
    destinations, jobs = read.destinations or {}, read.jobs or {}
    return Settings(
        file,
        Path(read.keys.dir or _KEYS),
        Path(read.state.dir or _STATE),
        read.state.keep_history,
        read.profiles or {},
        {name: destination_of(name, table, place) for name, table in destinations.items()},
        {name: job_of(name, table, place) for name, table in jobs.items()},
        notify_of(read.notify, place) if read.notify else None,
    )
