"""What a project has and what it lacks, found out before anything is made."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct, field

from piienc import schema as schemas
from piienc.base.files import open_input
from piienc.base.printable import command
from piienc.errors import InputError, UsageError
from piienc.keys import KeyFolder
from piienc.keys.keyset import Mode
from piienc.keys.names import require_name
from piienc.keys.openpgp.folder import PgpFolder
from piienc.remote import parse_url
from piienc.schema.propose import dump
from piienc.setup.infer.dialect import as_options
from piienc.setup.infer.infer import infer
from piienc.setup.project.files import ignored, pattern_of, settings_text, stem_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_LARGEST = 4 << 20  # bytes of a key file
_MODES = {str(mode): mode for mode in Mode}
"""The keys that a proposed schema names are called by their modes."""


class ProjectRequest(Struct, frozen=True):
    """What a project shall be.

    Attributes:
        config: its `piienc.toml`, which need not exist; its folder is the project's.
        keys_dir: the key folder.
        state_dir: the state folder.
        sample: a file like those that will be encrypted; None where there is a schema already.
        name: of the schema and of the job; None takes the sample's.
        url: where files are delivered.
        recipients: files with partners' OpenPGP keys, by the keys' names.
        own_pgp: the name and the address of an OpenPGP key to make.
    """

    config: Path
    keys_dir: Path
    state_dir: Path
    sample: Path | None = None
    name: str | None = None
    url: str | None = None
    recipients: Mapping[str, Path] = field(default_factory=dict)
    own_pgp: tuple[str, str] | None = None

    @property
    def folder(self) -> Path:
        """The project's folder."""
        return self.config.parent

    @property
    def schema(self) -> Path:
        """The project's schema file."""
        return self.folder / "schema.toml"

    @property
    def job(self) -> str | None:
        """The name of the job, and of the schema; None without a sample."""
        return None if self.sample is None else self.name or stem_of(self.sample)

    @property
    def partners(self) -> Sequence[str]:
        """The names of the partners' keys; where none was said, of the one that is to come."""
        return [*self.recipients] or ["partner"]


class ProjectPlan(Struct, frozen=True):
    """What is missing, found out before anything is made.

    Attributes:
        request: what the project shall be.
        files: those to be written, with their text, in order.
        ignored: what is written behind `.gitignore`.
        marked: the marked columns, and the key of each.
        new_keys: the AES keys to be made, by mode.
        unknown_keys: those that a schema names and whose mode it does not tell.
        certificates: the partners' keys to be imported, by name.
        own_pgp: the OpenPGP key to be made.
        left: what is there already.
    """

    request: ProjectRequest
    files: Mapping[Path, str]
    ignored: str
    marked: Mapping[str, str]
    new_keys: Mapping[str, Mode]
    unknown_keys: Sequence[str]
    certificates: Mapping[str, bytes]
    own_pgp: tuple[str, str] | None
    left: Sequence[str]


def plan(request: ProjectRequest) -> ProjectPlan:
    """Find out what is missing; nothing is changed.

    Raises:
        UsageError: a name or the URL cannot be one, or there is neither sample nor schema.
        InputError: the sample or a key file cannot be read.
        ConfigError: the schema that is there has mistakes.
        KeyAccessError: others may enter the key folder.
    """
    if request.url is not None:
        parse_url(request.url, error=UsageError)
    files: dict[Path, str] = {}
    if request.schema.exists():
        marks = schemas.load(request.schema).marked
        marked = {name: str(column.encrypt) for name, column in marks.items()}
    else:
        files[request.schema], marked = _proposed(request)
    if not request.config.exists():
        files[request.config] = _settings(request)
    key_names = sorted({*marked.values()})
    keys, pgp = _names(KeyFolder(request.keys_dir)), PgpFolder(request.keys_dir).names()
    lacking = [name for name in key_names if name not in keys]
    recipients = {
        name: path for name, path in request.recipients.items() if name not in (*keys, *pgp)
    }
    for name in recipients:
        require_name(name)
    own_pgp = (
        request.own_pgp if request.own_pgp and request.own_pgp[0] not in (*keys, *pgp) else None
    )
    pgp_names = [*request.recipients, *([request.own_pgp[0]] if request.own_pgp else [])]
    existing = [str(path) for path in (request.schema, request.config) if path not in files]
    existing += [f"key {name}" for name in (*key_names, *pgp_names) if name in (*keys, *pgp)]
    ignore = ignored(_read(request.folder / ".gitignore"), _inside(request))
    return ProjectPlan(
        request,
        files,
        ignore,
        marked,
        {name: _MODES[name] for name in lacking if name in _MODES},
        [name for name in lacking if name not in _MODES],
        {name: _key_file(path) for name, path in recipients.items()},
        own_pgp,
        existing if ignore else [*existing, str(request.folder / ".gitignore")],
    )


def _proposed(request: ProjectRequest) -> tuple[str, dict[str, str]]:
    if request.sample is None:
        raise UsageError(
            f"there is no {request.schema} yet, and no sample to make it from",
            hint="name a file like those that you will encrypt: piienc init SAMPLE",
        )
    try:
        proposal = infer(request.sample, name=str(request.job)).schema
    except InputError as error:
        if "[csv]" in error.hint:
            made = command("piienc", "schema", "infer", request.sample, "-o", request.schema)
            error.hint = f"make the schema first, by {made}; {as_options(error.hint)}"
        raise
    marked = {column.name: key for column in proposal.columns if (key := column.value("encrypt"))}
    return dump(proposal), {name: str(key) for name, key in marked.items()}


def _settings(request: ProjectRequest) -> str:
    job = None
    if request.sample is not None:
        pattern = pattern_of(request.sample, request.folder)
        job = (str(request.job), pattern, request.schema.name)
    return settings_text(
        keys=_relative(request.keys_dir, request.folder),
        state=_relative(request.state_dir, request.folder),
        url=request.url,
        recipients=request.partners,
        job=job,
    )


def _relative(path: Path, folder: Path) -> str:
    """Return a path as it stands in a file of a folder."""
    if path.is_absolute():
        return str(path)
    return os.path.relpath(path, folder)


def _inside(request: ProjectRequest) -> list[str]:
    """Return the folders of the project that git must leave alone."""
    home = request.folder.absolute()
    folders = (Path(os.path.normpath(d.absolute())) for d in (request.keys_dir, request.state_dir))
    return [str(d.relative_to(home)) for d in folders if d != home and d.is_relative_to(home)]


def _names(folder: KeyFolder) -> list[str]:
    return folder.names() if folder.path.is_dir() else []


def _read(path: Path) -> str:
    if not path.exists():
        return ""
    with open_input(path) as file:
        return file.read().decode("utf-8", "surrogateescape")


def _key_file(path: Path) -> bytes:
    with open_input(path) as file:
        return file.read(_LARGEST + 1)
