"""`piienc keys`: make, import and export AES keysets, and list all keys."""

from __future__ import annotations

import sys
from json import loads as parsed
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from msgspec import to_builtins

from piienc.base.files import new_file, open_input
from piienc.cli import options, ui
from piienc.cli.audited import audited
from piienc.cli.commands.keys import pgp as pgp_keys
from piienc.cli.passphrase import Passphrase
from piienc.errors import KeyAccessError, PolicyError
from piienc.keys.keyset import Mode, Prefix, Status, generate

if TYPE_CHECKING:
    from piienc.audit.entry import AuditEntry
    from piienc.keys import KeyFacts, KeyInfo, Keyset
    from piienc.keys.openpgp.folder import PgpFolder

app = typer.Typer(help="AES and OpenPGP keys: make, import, list, export.", no_args_is_help=True)

_LARGEST = 1 << 20  # bytes of key material that can be meant
_FAMILIES = {Mode.SEARCHABLE: "AES-SIV", Mode.SEALED: "AES-GCM"}
_FULL_BITS = {Mode.SEARCHABLE: 512, Mode.SEALED: 256}

Name = Annotated[str, typer.Argument(metavar="NAME", help="The key's name.")]
ModeOption = Annotated[
    Mode,
    typer.Option(
        "--mode", help="searchable: equal values look equal. sealed: every cell looks different."
    ),
]
NoPassphrase = Annotated[
    bool, typer.Option("--no-passphrase", help="Keep the key in clear, protected by mode 0600.")
]


def _prefix(value: str) -> Prefix:
    try:
        return Prefix(value.upper())
    except ValueError:
        raise typer.BadParameter("it is 'tink' or 'raw'") from None


PrefixOption = Annotated[
    Prefix,
    typer.Option(
        "--prefix",
        parser=_prefix,
        metavar="tink|raw",
        help="raw: cells without the key's id, for Spark's aes_decrypt.",
    ),
]


@app.command("generate-aes", epilog=options.EPILOG)
def generate_aes(
    name: Name,
    mode: ModeOption,
    prefix: PrefixOption = Prefix.TINK,
    no_passphrase: NoPassphrase = False,
    passphrase_file: options.PassphraseFile = None,
    passphrase_fd: options.PassphraseFd = None,
    keys: options.Keys = None,
    config: options.Config = None,
    state: options.State = None,
    json: options.Json = False,
    quiet: options.Quiet = False,
    no_input: options.NoInput = False,
) -> None:
    """Make a new AES key."""
    from piienc.keys import KeyFolder  # start-up

    passphrase = Passphrase(passphrase_file, passphrase_fd, no_input)
    settled = options.settled(config, keys, state)
    with audited("keys generate-aes", settled, keys=[name], makes_keys=True) as entry:
        secret = passphrase.for_new(name, none=no_passphrase)
        keyset = generate(mode, prefix)
        path = KeyFolder(settled.keys_dir).create(name, keyset, secret)
        entry.key(name, (key.key_id for key in keyset.keys))
    _tell(name, keyset, path, entry, as_json=json, quiet=quiet)


@app.command("import-aes", epilog=options.EPILOG)
def import_aes(
    name: Name,
    file: Annotated[
        Path, typer.Argument(metavar="FILE|-", help="Raw, hex or base64 bytes, or a Tink keyset.")
    ],
    mode: ModeOption,
    prefix: PrefixOption = Prefix.TINK,
    no_passphrase: NoPassphrase = False,
    passphrase_file: options.PassphraseFile = None,
    passphrase_fd: options.PassphraseFd = None,
    keys: options.Keys = None,
    config: options.Config = None,
    state: options.State = None,
    json: options.Json = False,
    quiet: options.Quiet = False,
    no_input: options.NoInput = False,
) -> None:
    """Take in an AES key that you have already."""
    from piienc.keys import KeyFolder, read_material  # start-up

    passphrase = Passphrase(passphrase_file, passphrase_fd, no_input)
    settled = options.settled(config, keys, state)
    with audited(
        "keys import-aes", settled, [("input", file)], keys=[name], makes_keys=True
    ) as entry:
        keyset = read_material(_material(file), mode, prefix)
        secret = passphrase.for_new(name, none=no_passphrase)
        path = KeyFolder(settled.keys_dir).create(name, keyset, secret)
        entry.key(name, (key.key_id for key in keyset.keys))
    _tell(name, keyset, path, entry, as_json=json, quiet=quiet)


@app.command("list", epilog=options.EPILOG)
def list_keys(
    keys: options.Keys = None,
    config: options.Config = None,
    json: options.Json = False,
    quiet: options.Quiet = False,  # noqa: ARG001  # every command takes it; this one says nothing
    no_input: options.NoInput = False,  # noqa: ARG001  # likewise; it never asks
) -> None:
    """Show the keys of the key folder; no passphrase is needed."""
    from piienc.keys import KeyFolder  # start-up

    folder = KeyFolder(options.settled(config, keys).keys_dir)
    found = folder.list()
    pgp = pgp_keys.folder_of(config, keys).list()
    if json:
        listed = [to_builtins(info) | {"wrapped": info.wrap is not None} for info in found]
        shown = [pgp_keys.facts_of(key) for key in pgp]
        ui.document(
            {"schema_version": ui.SCHEMA_VERSION, "ok": True, "keys": listed, "pgp_keys": shown}
        )
        return
    rows = [row for info in found for row in _rows_of(info)]
    rows += [pgp_keys.row_of(key) for key in pgp]
    ui.table(
        f"keys in {folder.path}",
        ("name", "mode", "key", "algorithm", "status", "expires", "can", "kept"),
        rows,
    )


@app.command("export", epilog=options.EPILOG)
def export(
    name: Name,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="Default: stdout.")
    ] = None,
    reveal_secret: Annotated[
        bool, typer.Option("--reveal-secret", help="Yes, the key itself, in clear.")
    ] = False,
    passphrase_file: options.PassphraseFile = None,
    passphrase_fd: options.PassphraseFd = None,
    keys: options.Keys = None,
    config: options.Config = None,
    state: options.State = None,
    json: options.Json = False,
    quiet: options.Quiet = False,
    no_input: options.NoInput = False,
    force: options.Force = False,
) -> None:
    """Write an AES key in clear as a Tink keyset, or an OpenPGP public key."""
    from piienc.keys import KeyFolder, dump  # start-up
    from piienc.keys.openpgp.folder import PgpFolder

    settled = options.settled(config, keys, state)
    files = [("output", output)] if output else []
    with audited("keys export", settled, files, keys=[name]) as entry:
        pgp = PgpFolder(settled.keys_dir)
        if name in pgp.names():
            _export_pgp(pgp, name, output, entry, as_json=json, force=force)
            return
        if not reveal_secret:
            raise PolicyError(
                f"exporting {name} would show the key in clear",
                hint="if you mean it, say --reveal-secret; 'piienc keys list' shows what is public",
            )
        unlocker = Passphrase(passphrase_file, passphrase_fd, no_input).unlocker
        keyset = KeyFolder(settled.keys_dir, unlocker).load(name)
        entry.key(name, (key.key_id for key in keyset.keys))
        document = dump(keyset)
        if output is None and json:
            facts = {"name": name, "keyset": parsed(document)}
            shown = {"schema_version": ui.SCHEMA_VERSION, "ok": True, "key": facts}
            ui.document(entry.attested(shown))
            return
        if output is None:
            ui.text(document)
            return
        with new_file(output, overwrite=force) as file:
            file.write(document.encode())
    _tell(name, keyset, output, entry, as_json=json, quiet=quiet)


def _export_pgp(
    folder: PgpFolder,
    name: str,
    output: Path | None,
    entry: AuditEntry,
    *,
    as_json: bool,
    force: bool,
) -> None:
    entry.key(name, fingerprint=folder.load([name])[0].fingerprint)
    armored = folder.export(name)
    if output is not None:
        with new_file(output, overwrite=force) as file:
            file.write(armored.encode())
    elif as_json:
        facts = {"name": name, "public_key": armored}
        document = {"schema_version": ui.SCHEMA_VERSION, "ok": True, "key": facts}
        ui.document(entry.attested(document))
    else:
        ui.text(armored)


def _rows_of(info: KeyInfo) -> list[tuple[str, ...]]:
    return [
        (
            info.name,
            info.mode,
            f"{key.key_id}{' (primary)' if key.key_id == info.primary_id else ''}",
            f"{_FAMILIES[info.mode]}, {key.bits} bits{', raw' * (key.prefix is Prefix.RAW)}",
            key.status.lower(),
            "never",
            _uses_of(info, key),
            info.wrap or "in clear",
        )
        for key in info.keys
    ]


def _uses_of(info: KeyInfo, key: KeyFacts) -> str:
    if key.status is not Status.ENABLED:
        return "-"
    # Shorter keys are for reading what others have written.
    writes = key.key_id == info.primary_id and key.bits == _FULL_BITS[info.mode]
    return "encrypt decrypt" if writes else "decrypt"


def _material(file: Path) -> bytes:
    if str(file) == "-":
        material = sys.stdin.buffer.read(_LARGEST + 1)
    else:
        with open_input(file) as opened:
            material = opened.read(_LARGEST + 1)
    if len(material) > _LARGEST:
        raise KeyAccessError(f"{file} is over 1 MiB, which is no key")
    return material


def _tell(
    name: str, keyset: Keyset, path: Path, entry: AuditEntry, *, as_json: bool, quiet: bool
) -> None:
    if as_json:
        facts = to_builtins(keyset.facts) | {"name": name, "path": str(path)}
        document = {"schema_version": ui.SCHEMA_VERSION, "ok": True, "key": facts}
        ui.document(entry.attested(document))
    elif not quiet:
        ui.say(f"{keyset.mode} key {name}, key id {keyset.primary_id}, is in {path}")
        ui.say("keep a copy in a safe place: without the key, its cells are lost")


for name, command in (
    ("generate-pgp", pgp_keys.generate_pgp),
    ("import-pgp", pgp_keys.import_pgp),
    ("fingerprint", pgp_keys.fingerprint),
):
    app.command(name, epilog=options.EPILOG)(command)
