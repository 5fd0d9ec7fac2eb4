"""`piienc init`: a project, from a sample."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from piienc.base.printable import command
from piienc.cli import options, ui
from piienc.errors import UsageError
from piienc.settings import FILE, load

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from piienc.audit.entry import AuditEntry
    from piienc.setup.project import CreatedProject, ProjectRequest


@options.command("init", "piienc init profiles.csv --to sftp://you@sftp.example.com/in/")
def init(
    sample: Annotated[
        Path | None, options.argument("[SAMPLE]", "Sample: CSV (also compressed) or Parquet.")
    ] = None,
    to: Annotated[
        str | None, options.value("--to", "URL", "sftp://user@host:port/dir/ or file:///dir/.")
    ] = None,
    recipient: Annotated[
        list[str] | None,
        options.value("--recipient", "NAME=FILE", "A partner's OpenPGP public key."),
    ] = None,
    own_pgp: Annotated[
        str | None, options.value("--pgp", "NAME=EMAIL", "Also generate your own OpenPGP key.")
    ] = None,
    name: Annotated[
        str | None, options.value("--name", "NAME", "Schema and job name. Default: the sample's.")
    ] = None,
    no_passphrase: options.NoPassphrase = False,
    *,
    common: options.KeyOptions,
) -> None:
    """Create a project from a sample: keys, schema and settings; replace nothing.

    The settings go to piienc.toml in this folder, or to the file of --config.
    """
    from piienc.audit.entry import recorded  # start-up
    from piienc.setup.project import ProjectRequest, begin, plan

    config = common.config or Path(FILE)
    settings = load(config=config, keys=common.keys, state=common.state, begun=False)
    request = ProjectRequest(
        config,
        settings.keys_dir,
        settings.state_dir,
        sample,
        name,
        to,
        {who: Path(file) for who, file in map(_pair, recipient or [])},
        _pair(own_pgp) if own_pgp else None,
    )
    if not common.no_input and ui.has_terminal():
        request = _asked(request)
    planned = plan(request)
    new = [*planned.new_keys, *([planned.own_pgp[0]] if planned.own_pgp else [])]
    # Asked before anything is made, so that who gives up leaves nothing behind.
    secret = common.passphrase.for_new(*new, none=no_passphrase) if new else None
    files = [("output", path) for path in planned.files]
    files += [("sample", sample)] if sample else []
    with recorded(
        "init",
        settings,
        files,
        keys=[*new, *planned.certificates],
        makes_keys=True,
        on_warning=ui.warn,
    ) as entry:
        project = begin(planned, secret)
        for made, keyset in project.keysets.items():
            entry.key(made, (key.key_id for key in keyset.keys))
        for key in project.pgp_keys:
            entry.key(str(key.name), fingerprint=key.fingerprint)
    _tell(project, request, entry, common)


def _pair(text: str) -> tuple[str, str]:
    name, mark, value = text.partition("=")
    if not (name and mark and value):
        raise UsageError("two things with a = between them are needed", hint="say NAME=VALUE")
    return name, value


def _asked(request: ProjectRequest) -> ProjectRequest:
    """Ask for what was not said and is not there."""
    from msgspec.structs import replace

    if request.sample is None and not request.schema.exists():
        answer = ui.ask("a file like those that you will encrypt")
        request = replace(request, sample=Path(answer) if answer else None)
    if request.config.exists():
        return request
    if request.url is None:
        answer = ui.ask("where to deliver, sftp://user@host/dir/ (empty: later)")
        request = replace(request, url=answer or None)
    if not request.recipients:
        answer = ui.ask("the file with the partner's OpenPGP public key (empty: later)")
        request = replace(request, recipients={"partner": Path(answer)} if answer else {})
    return request


def _tell(
    project: CreatedProject,
    request: ProjectRequest,
    entry: AuditEntry,
    common: options.CommonOptions,
) -> None:
    steps = _next_steps(project, request)
    if common.json:
        facts = {
            "created": project.created,
            "left": project.plan.left,
            "marked": project.plan.marked,
        }
        ui.result(**entry.with_position({**facts, "next": steps}))
    marked = ", ".join(f"{name} ({key})" for name, key in project.plan.marked.items())
    common.say(
        *(f"made {made}" for made in project.created),
        *(f"left {left} as it was" for left in project.plan.left),
        f"marked: {marked or 'none'}",
        *(f"{number}. {step}" for number, step in enumerate(steps, 1)),
    )


def _next_steps(project: CreatedProject, request: ProjectRequest) -> Sequence[str]:
    """Return what is to be done next, in order."""
    steps = [f"review {request.schema}: marks cannot be undone"]
    if not project.plan.marked:
        steps = [
            f"mark the personal columns: piienc schema mark COLUMN --key NAME, in {request.schema}"
        ]
    steps += [
        f"make the key {name}: piienc keys generate-aes" for name in project.plan.unknown_keys
    ]
    if project.keysets:
        steps.append(f"keep a copy of {request.keys_dir}: without a key, its cells are lost")
    steps += [
        f"compare the fingerprint of {key.name} with its owner, by another way: {key.fingerprint}"
        for key in project.pgp_keys
        if not key.secrets
    ]
    return [*steps, *_ways_on(project, request)]


def _ways_on(project: CreatedProject, request: ProjectRequest) -> Iterator[str]:
    """Yield what leads to the first file that leaves: by the job, where there is one."""
    has_config = str(request.config) in project.created
    where: list[str | Path] = []
    if request.config != Path(FILE):
        where = ["--config", request.config]
    if has_config and request.url is None:
        yield f"set the destination in {request.config}"
    if request.sample is None:
        return
    if not (has_config and request.url):
        name = request.sample.name
        stem, dot, suffixes = name.partition(".")
        output = request.folder / f"{stem}.enc{dot}{suffixes}"
        files = (request.sample, output, "--schema", request.schema)
        yield command("piienc", "encrypt-file", *files, *where)
        return
    if not request.recipients:
        take = command("piienc", "keys", "import-pgp", request.partners[0], "FILE", *where)
        yield f"import the partner's OpenPGP key: {take}"
    job = command("piienc", "send", str(request.job), *where)
    yield f"check the job: {job} --check"
    yield job
