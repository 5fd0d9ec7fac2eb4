"""What may stand in `[jobs.NAME]` and `[notify]` of `piienc.toml`."""

import string
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from msgspec import Meta, Struct
from msgspec.structs import asdict, replace

from piienc.base.document import Mistake, Table, nearest, shown

Said = Annotated[str, Meta(min_length=1)]
Seconds = Annotated[float, Meta(ge=0, le=86_400, examples=[5])]
Days = Annotated[float, Meta(ge=0, le=3650, examples=[7])]
After = Literal["keep", "move", "delete"]
OnFailure = Literal["stop", "quarantine"]

NAME_FIELDS = ("name", "stem", "suffix", "date", "time", "sequence")
"""What may stand in braces in a job's `name`."""


class JobTable(Table, frozen=True, kw_only=True):
    """A job, as it is written."""

    source: Annotated[str, Meta(min_length=1, examples=["exports/profiles-*.csv"])]
    schema: Annotated[str, Meta(min_length=1, examples=["schema.toml"])]
    destination: Annotated[str, Meta(min_length=1, examples=["partner"])]
    treatments: Annotated[dict[Said, Said], Meta(examples=[{"note": "omit"}])] | None = None
    leave_out: Annotated[list[Said], Meta(examples=[["note"]])] | None = None
    name: Said = "{name}"
    sign_with: Said | None = None
    after: After = "keep"
    move_to: Said | None = None
    keep_spool: Days = 7
    on_failed_verification: OnFailure = "stop"
    quarantine: Said | None = None
    quiet_for: Seconds = 5

    removed: ClassVar[dict[str, str]] = {
        "send_ahead": "nothing is sent any more before all of a file is verified and wrapped; "
        "remove the line"
    }

    @classmethod
    def check(cls, fields: Mapping[str, Any]) -> Iterator[Mistake]:
        """See to it that the name can be made, and that each folder that is needed is said."""
        if reason := _reason_against(fields.get("name", "{name}")):
            placeholders = ", ".join(f"{{{field}}}" for field in NAME_FIELDS)
            yield ("name",), f"{reason}; a name may have {placeholders}, and no slash"
        for name in fields.get("leave_out") or ():
            if (fields.get("treatments") or {}).get(name, "omit") != "omit":
                yield ("treatments", name), "leave_out names the column, too; say one of them"
        for field, value, folder in (
            ("after", "move", "move_to"),
            ("on_failed_verification", "quarantine", "quarantine"),
        ):
            if fields.get(field) == value and fields.get(folder) is None:
                yield (field,), f'"{value}" needs a folder; write {folder} = "FOLDER"'
            if fields.get(folder) is not None and fields.get(field) not in {value, None}:
                yield (folder,), f'it is for {field} = "{value}"; add that, or leave it out'


def _reason_against(name: str) -> str | None:
    """Say what is wrong with the pattern of a name; None if nothing is."""
    try:
        parts = [part for part in string.Formatter().parse(name) if part[1] is not None]
    except ValueError:
        return f"{shown(name)} has a brace without its like"
    for _, field, width, conversion in parts:
        if field not in NAME_FIELDS:
            return f"there is no {{{field}}}"
        if conversion or (width and not (field == "sequence" and width.isdecimal())):
            return f"{shown(name)} has a format that does not fit: only {{sequence:04}} has one"
    literal = "".join(text for text, *_ in string.Formatter().parse(name))
    return f"{shown(name)} has a slash" if "/" in literal else None


class NotifyTable(Table, frozen=True, kw_only=True):
    """The hook for what has failed.

    Attributes:
        command: a program and its arguments.
        timeout: seconds that it may take.
    """

    command: Annotated[list[Said], Meta(min_length=1, examples=[["bin/alert"]])]
    timeout: Annotated[float, Meta(gt=0, le=3600, examples=[30])] = 30


class Job(Struct, frozen=True):
    """A job, with all that is left out filled in.

    Attributes:
        name: in `piienc.toml`; None for one of the command line.
        source: a path whose last part, and whose folders, may be patterns.
        schema: the schema's file.
        destination: its name.
        treatments: what is done to columns beside encryption, or in its place, by column.
        naming: the pattern of the file's name at the destination.
        sign_with: the name of the OpenPGP key that signs.
        after: what becomes of a source that was delivered: keep, move or delete.
        move_to: the folder for `move`.
        keep_spool: days for which wrapped files are kept once they were delivered.
        on_failed_verification: stop, or quarantine and go on.
        quarantine: the folder for it.
        quiet_for: seconds for which a source must not have been written to.
    """

    name: str | None
    source: Path
    schema: Path
    destination: str
    treatments: Mapping[str, str] = {}
    naming: str = "{name}"
    sign_with: str | None = None
    after: str = "keep"
    move_to: Path | None = None
    keep_spool: float = 7
    on_failed_verification: str = "stop"
    quarantine: Path | None = None
    quiet_for: float = 5


_PATHS = ("source", "schema", "move_to", "quarantine")


def job_of(name: str, table: JobTable, place: Callable[[str], Path]) -> Job:
    """Make a job of its table; `place` makes a path of one that is written there."""
    fields = asdict(table)
    fields |= {field: place(path) for field in _PATHS if (path := fields[field]) is not None}
    omitted = dict.fromkeys(fields.pop("leave_out") or (), "omit")
    fields["treatments"] = omitted | (table.treatments or {})
    return Job(name=name, naming=fields.pop("name"), **fields)


def notify_of(table: NotifyTable, place: Callable[[str], Path]) -> NotifyTable:
    """Return the hook; a program with a slash counts from `piienc.toml`."""
    program, *arguments = table.command
    if "/" in program:  # a path of one part would be looked for on PATH
        program = str(place(program).absolute())
    return replace(table, command=[program, *arguments])


def check_destinations(fields: Mapping[str, Any]) -> Iterator[Mistake]:
    """Yield the jobs whose destination is not there; what has mistakes is not among the fields."""
    if "destinations" not in fields or "jobs" not in fields:
        return
    names = list(fields["destinations"] or ())
    for name, job in (fields["jobs"] or {}).items():
        target = job["destination"]
        if target not in names:
            mend = nearest(target, names) or f"; add [destinations.{target}]"
            yield ("jobs", name, "destination"), f"there is no destination {shown(target)}{mend}"
