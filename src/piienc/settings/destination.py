"""What may stand in `[destinations.NAME]` of `piienc.toml`."""

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any, Literal

from msgspec import Meta, Struct, convert
from msgspec.structs import asdict, replace

from piienc.base.document import Mistake, Table, mistakes_in, shown
from piienc.errors import ConfigError
from piienc.receivers import Demands, load
from piienc.receivers.manifest import MANIFESTS, form_of
from piienc.receivers.model import Trigger, bytes_of

Said = Annotated[str, Meta(min_length=1)]
Seconds = Annotated[float, Meta(gt=0, le=86_400, examples=[30])]
_MODE = re.compile("0?[0-7]{3}")
IfExists = Literal["fail", "skip", "replace"]


class TimeoutsTable(Table, frozen=True, kw_only=True):
    """Seconds; what is left out is as `piienc.remote.Timeouts` has it."""

    connect: Seconds | None = None
    banner: Seconds | None = None
    login: Seconds | None = None
    stall: Seconds | None = None
    keepalive: Seconds | None = None


class DestinationTable(Table, frozen=True, kw_only=True):
    """A destination, as it is written."""

    url: Annotated[str, Meta(min_length=1, examples=["sftp://account@sftp.example.com/import/"])]
    identity_file: Said | None = None
    certificate_file: Said | None = None
    known_hosts: Said | None = None
    password_file: Said | None = None
    passphrase_file: Said | None = None
    agent: bool = True
    profile: Said = "generic"
    recipients: Annotated[list[Said], Meta(examples=[["partner"]])] | None = None
    retries: Annotated[int, Meta(ge=0, le=100, examples=[5])] = 5
    timeouts: TimeoutsTable = TimeoutsTable()
    bandwidth: Annotated[str, Meta(examples=["10 MB"])] | None = None
    connections: Annotated[int, Meta(ge=1, le=16, examples=[1])] = 1
    sessions: Annotated[int, Meta(ge=1, le=64, examples=[8])] = 8
    if_exists: IfExists = "fail"
    rename: bool = True
    file_mode: Annotated[str, Meta(examples=["0644"])] | None = None
    verify_content: bool = False
    trigger: Trigger | None = None
    manifest: dict[str, Any] | None = None

    @classmethod
    def check(cls, fields: Mapping[str, Any]) -> Iterator[Mistake]:
        """See to it that the limit is a size."""
        limit = fields.get("bandwidth")
        if limit is not None and bytes_of(limit) is None:
            mend = 'write bandwidth = "10 MB", per second'
            yield ("bandwidth",), f"{shown(limit)} is not a size; {mend}"
        mode = fields.get("file_mode")
        if mode is not None and not _MODE.fullmatch(mode):
            yield ("file_mode",), f'{shown(mode)} is no mode; write file_mode = "0644"'


class Destination(Struct, frozen=True):
    """A destination, with all that is left out filled in.

    Attributes:
        url: as it is written.
        name: in `piienc.toml`; None for one of the command line.
        identity_file: the private key to log in with.
        certificate_file: its OpenSSH certificate.
        known_hosts: the keys of hosts.
        password_file: holds a password, for servers that know no keys.
        passphrase_file: holds the passphrase of the private key.
        agent: keys of the ssh-agent may be used.
        profile: what the receiver demands: the profile's name.
        recipients: the names of the OpenPGP keys of which each file must be wrapped for one.
        retries: how often what may pass by itself is tried again.
        timeouts: seconds by name, those that were said.
        bandwidth: bytes in a second; None for no limit.
        connections: how many connections at the most.
        sessions: SFTP channels of each, at the most.
        if_exists: what is done where the name is taken: fail, skip or replace.
        rename: whether files grow under a temporary name.
        file_mode: the permissions of what arrives; None leaves them to the server.
        verify_content: read everything back.
        trigger: the trigger file, where it is not the profile's.
        manifest: what a manifest says beside the schema, as TOML gives it.
    """

    url: str
    name: str | None = None
    identity_file: Path | None = None
    certificate_file: Path | None = None
    known_hosts: Path | None = None
    password_file: Path | None = None
    passphrase_file: Path | None = None
    agent: bool = True
    profile: str = "generic"
    recipients: tuple[str, ...] = ()
    retries: int = 5
    timeouts: tuple[tuple[str, float], ...] = ()
    bandwidth: int | None = None
    connections: int = 1
    sessions: int = 8
    if_exists: str = "fail"
    rename: bool = True
    file_mode: int | None = None
    verify_content: bool = False
    trigger: str | None = None
    manifest: dict[str, Any] | None = None

    def with_said(self, **fields: Any) -> "Destination":  # noqa: ANN401  # of each field's type
        """Return the destination with other fields, where they are not None."""
        return replace(self, **{name: value for name, value in fields.items() if value is not None})


def check_manifests(fields: Mapping[str, Any]) -> Iterator[Mistake]:
    """Hold what is said for manifests against the forms that the receivers ask for.

    Where a receiver asks for none, its profile may be another one for a single delivery: then it
    must be right in one of the forms.
    """
    profiles = convert(fields.get("profiles") or {}, dict[str, Demands])
    for name, table in (fields.get("destinations") or {}).items():
        if "manifest" not in table:
            continue
        with suppress(ConfigError):  # a missing profile is reported where it is needed
            trigger = (
                table.get("trigger") or load(table.get("profile", "generic"), profiles).trigger
            )
            forms = [trigger] if trigger in MANIFESTS else [*MANIFESTS]
            mistakes = [[*mistakes_in(table["manifest"], form_of(f).ManifestTable)] for f in forms]
            for place, mistake in min(mistakes, key=len):
                yield ("destinations", name, "manifest", *place), mistake


_PATHS = ("identity_file", "certificate_file", "known_hosts", "password_file", "passphrase_file")


def destination_of(name: str, table: DestinationTable, place: Callable[[str], Path]) -> Destination:
    """Make a destination of its table; `place` makes a path of one that is written there."""
    values = asdict(table)
    values |= {field: place(value) for field in _PATHS if (value := values[field]) is not None}
    values["recipients"] = tuple(table.recipients or ())
    values["file_mode"] = int(table.file_mode, 8) if table.file_mode else None
    values["bandwidth"] = bytes_of(table.bandwidth) if table.bandwidth else None
    seconds = asdict(table.timeouts).items()
    values["timeouts"] = tuple((field, value) for field, value in seconds if value is not None)
    return Destination(name=name, **values)
