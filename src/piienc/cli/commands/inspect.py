"""`piienc inspect`: what a file is, before anybody works with it."""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from piienc.cli import options, ui
from piienc.cli.places import source_of
from piienc.errors import KeyAccessError, PgpError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from piienc.describe.inspection import ColumnInspection, PgpInspection, TableInspection
    from piienc.keys import KeyInfo
    from piienc.openpgp.packets import Container, PgpMessage

    Rows = list[tuple[str, ...]]

_CONTAINERS = {
    "mdc": "protected by a hash inside (MDC)",
    "aead": "authenticated by AEAD (GnuPG's packet 20)",
    "seipd2": "authenticated by AEAD (RFC 9580)",
    "unprotected": "NOT protected against changes",
}


@options.command("inspect", "piienc inspect profiles.csv.pgp")
def inspect(
    file: Annotated[
        str, options.argument("FILE|-", "OpenPGP, CSV or Parquet; - is standard input.")
    ],
    schema: Annotated[Path | None, options.schema("Schema with the format of the CSV.")] = None,
    *,
    common: options.CommonOptions,
) -> None:
    """Show what a file is: OpenPGP packets and recipients, or columns and key ids."""
    from piienc.api.common import schema_of  # start-up
    from piienc.describe.inspect import inspect as inspected
    from piienc.describe.inspection import PgpInspection

    report = inspected(
        source_of(file),
        known=partial(_known_key_ids, common),
        keys=partial(_keys_by_id, common),
        schema=schema_of(schema),
    )
    if common.json:
        ui.document(report.document())
    elif isinstance(report, PgpInspection):
        _show_pgp(report)
    else:
        _show_table(report)


def _known_key_ids(common: options.CommonOptions) -> dict[str, str]:
    """Return the names of OpenPGP keys, by the ids of the keys and of their subkeys."""
    from piienc.keys.openpgp.folder import PgpFolder  # start-up

    if not os.path.lexists(common.settings.keys_dir):
        return {}
    try:
        pgp_keys = PgpFolder(common.settings.keys_dir).list()
    except (KeyAccessError, PgpError) as error:
        if not common.quiet:
            ui.warn(f"no key is named: {error}")
        return {}
    return {part.key_id: key.name for key in pgp_keys for part in key.parts}


def _keys_by_id(common: options.CommonOptions) -> dict[int, KeyInfo]:
    """Return the AES keysets of the key folder, if there is one, by the ids of their keys."""
    from piienc.keys import KeyFolder  # start-up

    if not os.path.lexists(common.settings.keys_dir):
        return {}
    try:
        keysets = KeyFolder(common.settings.keys_dir).list()
    except KeyAccessError as error:
        if not common.quiet:
            ui.warn(f"names of keys are not shown: {error}")
        return {}
    # Of two keysets with one id, the first by name counts.
    return {key.key_id: info for info in reversed(keysets) for key in info.keys}


def _show_pgp(report: PgpInspection) -> None:
    message = report.message
    form = "armored" if message.armored else "binary"
    if message.keys:
        what = "SECRET key" if message.has_secret_key else "public key"
        rows = _of_keys(report)
    else:
        what = "encrypted message" if message.container else "message in clear"
        what = "detached signature" if message.is_detached else what
        rows = _of_message(message, report.names)
    ui.table(f"{report.name}: OpenPGP, {what}, {form}", ("what", "details"), rows)


def _of_keys(report: PgpInspection) -> Rows:
    rows: Rows = []
    for key in report.message.keys:
        what = ("secret " if key.secret else "public ") + ("subkey" if key.subkey else "key")
        details = [_who(key.key_id, report.names), key.algorithm, f"fingerprint {key.fingerprint}"]
        rows.append((what, ", ".join(details)))
    rows.append(("user ids", str(report.message.user_ids)))
    if report.message.has_secret_key:
        rows.append(("warning", "a secret key is for its owner alone: send only the public key"))
    return rows


def _of_message(message: PgpMessage, names: Mapping[str, str]) -> Rows:
    rows: Rows = [
        ("recipient", f"{_who(recipient.key_id, names)}, {recipient.algorithm}")
        for recipient in message.recipients
    ]
    if message.passphrases:
        rows.append(("passphrases", str(message.passphrases)))
    if message.container:
        rows.append(("encryption", _encryption(message.container)))
    if message.compression:
        rows.append(("compression", message.compression))
    rows += [
        (
            "signature",
            f"by {_who(signature.key_id, names)}, {signature.algorithm}, {signature.hash}",
        )
        for signature in message.signatures
    ]
    if literal := message.literal:
        rows.append(("data", f"{literal.format}, in clear"))
        rows.append(("file name", literal.file_name or "-"))
        rows.append(("date", literal.date.isoformat() if literal.date else "-"))
    rows.append(("packets", ", ".join(message.packets)))
    return rows


def _encryption(container: Container) -> str:
    cipher = container.cipher or "cipher not shown"
    mode = f" {container.aead}" if container.aead else ""
    return f"{cipher}{mode}, {_CONTAINERS[container.kind]}"


def _who(key_id: str, names: Mapping[str, str]) -> str:
    from piienc.openpgp.packets import HIDDEN  # start-up

    if key_id == HIDDEN:
        return "hidden"
    return f"{key_id} ({names[key_id]})" if key_id in names else key_id


def _show_table(report: TableInspection) -> None:
    kind = "CSV" if report.kind == "csv" else "Parquet"
    kind += f", {report.compression}" if report.compression else ""
    rows = [
        (
            column.name,
            _verdict(column),
            ", ".join(map(str, column.key_ids)) or "-",
            column.key or "-",
            column.mode or "-",
            column.encoding or "-",
        )
        for column in report.columns
    ]
    ui.table(
        f"{report.name}: {kind}, judged by {report.rows_looked_at:,} rows",
        ("column", "encrypted", "key id", "key", "mode", "encoding"),
        rows,
    )


def _verdict(column: ColumnInspection) -> str:
    if 0 < column.encrypted_cells < column.cells:
        return f"{column.encrypted_cells:,} of {column.cells:,} cells"
    return {True: "yes", False: "no", None: "no cells"}[column.encrypted]
