"""`piienc keys`: make, import and export AES keysets, and list all keys."""

from __future__ import annotations

from json import loads as parsed
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from msgspec import to_builtins

from piienc.base.files import new_file
from piienc.cli import options, ui
from piienc.cli.commands.keys import pgp as pgp_keys
from piienc.errors import PolicyError
from piienc.keys.keyset import Mode, Prefix, Status, generate

if TYPE_CHECKING:
    from piienc.audit.entry import AuditEntry
    from piienc.keys import KeyFacts, KeyInfo, Keyset

app = options.group("AES and OpenPGP keys: make, import, list, export.")

_FAMILIES = {Mode.SEARCHABLE: "AES-SIV", Mode.SEALED: "AES-GCM"}
_FULL_BITS = {Mode.SEARCHABLE: 512, Mode.SEALED: 256}

ModeOption = Annotated[
    Mode,
    typer.Option(
        "--mode", help="searchable: equal values look equal. sealed: every cell looks different."
    ),
]


def _prefix(value: str) -> Prefix:
    try:
        return Prefix(value.upper())
    except ValueError:
        raise typer.BadParameter("it is 'tink' or 'raw'") from None


PrefixOption = Annotated[
    Prefix,
    options.value(
        "--prefix",
        "tink|raw",
        "raw: cells without the key's id, for Spark's aes_decrypt.",
        parser=_prefix,
    ),
]


@options.command("generate-aes", "piienc keys generate-aes lookup --mode searchable", app)
def generate_aes(
    name: options.Name,
    mode: ModeOption,
    prefix: PrefixOption = Prefix.TINK,
    no_passphrase: options.NoPassphrase = False,
    *,
    common: options.KeyOptions,
) -> None:
    """Generate an AES key."""
    from piienc.keys import KeyFolder  # start-up

    with common.recorded("keys generate-aes", keys=[name], makes_keys=True) as entry:
        secret = common.passphrase.for_new(name, none=no_passphrase)
        keyset = generate(mode, prefix)
        path = KeyFolder(common.settings.keys_dir).create(name, keyset, secret)
        entry.key(name, (key.key_id for key in keyset.keys))
    _tell(name, keyset, path, entry, common)


@options.command("import-aes", "piienc keys import-aes vault vault.hex --mode sealed", app)
def import_aes(
    name: options.Name,
    file: Annotated[
        Path, options.argument("FILE|-", "Raw, hex or base64 bytes, or a Tink keyset.")
    ],
    mode: ModeOption,
    prefix: PrefixOption = Prefix.TINK,
    no_passphrase: options.NoPassphrase = False,
    *,
    common: options.KeyOptions,
) -> None:
    """Import an existing AES key."""
    from piienc.keys import KeyFolder, read_material  # start-up

    with common.recorded(
        "keys import-aes", [("input", file)], keys=[name], makes_keys=True
    ) as entry:
        keyset = read_material(pgp_keys.material(file), mode, prefix)
        secret = common.passphrase.for_new(name, none=no_passphrase)
        path = KeyFolder(common.settings.keys_dir).create(name, keyset, secret)
        entry.key(name, (key.key_id for key in keyset.keys))
    _tell(name, keyset, path, entry, common)


@options.command("list", "piienc keys list", app)
def list_keys(*, common: options.CommonOptions) -> None:
    """List the keys of the key folder; needs no passphrase."""
    from piienc.keys import KeyFolder  # start-up

    folder = KeyFolder(common.settings.keys_dir)
    keysets = folder.list()
    pgp = pgp_keys.folder_of(common).list()
    if common.json:
        listed = [to_builtins(info) | {"wrapped": info.wrap is not None} for info in keysets]
        ui.result(keys=listed, pgp_keys=[pgp_keys.facts_of(key) for key in pgp])
        return
    rows = [row for info in keysets for row in _rows_of(info)]
    rows += [pgp_keys.row_of(key) for key in pgp]
    ui.table(
        f"keys in {folder.path}",
        ("name", "mode", "key", "algorithm", "status", "expires", "can", "kept"),
        rows,
    )


@options.command("export", "piienc keys export partner -o partner.asc", app)
def export(
    name: options.Name,
    output: Annotated[Path | None, options.value("--output -o", "FILE", "Default: stdout.")] = None,
    reveal_secret: Annotated[
        bool, typer.Option("--reveal-secret", help="Write the AES key unencrypted.")
    ] = False,
    force: options.Force = False,
    *,
    common: options.KeyOptions,
) -> None:
    """Write an AES key in clear as a Tink keyset, or an OpenPGP public key."""
    from piienc.keys import KeyFolder, dump  # start-up
    from piienc.keys.openpgp.folder import PgpFolder

    files = [("output", output)] if output else []
    with common.recorded("keys export", files, keys=[name]) as entry:
        pgp = PgpFolder(common.settings.keys_dir)
        keyset: Keyset | None = None
        if name in pgp.names():
            entry.key(name, fingerprint=pgp.load([name])[0].fingerprint)
            content = pgp.export(name)
        elif reveal_secret:
            keyset = KeyFolder(common.settings.keys_dir, common.unlocker).load(name)
            entry.key(name, (key.key_id for key in keyset.keys))
            content = dump(keyset)
        else:
            raise PolicyError(
                f"exporting {name} would show the key in clear",
                hint="if you mean it, say --reveal-secret; 'piienc keys list' shows what is public",
            )
        if output is not None:
            with new_file(output, overwrite=force) as file:
                file.write(content.encode())
        elif common.json:
            facts = {"keyset": parsed(content)} if keyset else {"public_key": content}
            ui.result(**entry.with_position({"key": {"name": name, **facts}}))
        else:
            ui.text(content)
    if keyset and output:
        _tell(name, keyset, output, entry, common)


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


def _tell(
    name: str, keyset: Keyset, path: Path, entry: AuditEntry, common: options.CommonOptions
) -> None:
    if common.json:
        facts = to_builtins(keyset.facts) | {"name": name, "path": str(path)}
        ui.result(**entry.with_position({"key": facts}))
    common.say(
        f"{keyset.mode} key {name}, key id {keyset.primary_id}, is in {path}",
        "keep a copy in a safe place: without the key, its cells are lost",
    )


for verb, example, function in (
    ("generate-pgp", "piienc keys generate-pgp us --email us@example.com", pgp_keys.generate_pgp),
    ("import-pgp", "piienc keys import-pgp partner partner.asc", pgp_keys.import_pgp),
    ("fingerprint", "piienc keys fingerprint partner", pgp_keys.fingerprint),
):
    options.command(verb, example, app)(function)
