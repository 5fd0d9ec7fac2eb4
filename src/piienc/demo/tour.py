"""The whole way once, by the public functions: from an export to a partner, and back.

All happens in one folder: our side, the partner's side, and the server between them, which is
`piienc.demo.server`. The data are made up.
"""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING, TypedDict

from msgspec import Struct

from piienc.api.delivery import pull
from piienc.api.jobs import send
from piienc.api.openpgp import unwrap_file
from piienc.api.tables import decrypt_file
from piienc.api.verification import verify
from piienc.base.files import make_private_folder
from piienc.demo.server import demo_server
from piienc.errors import AuthenticationError
from piienc.keys import KeyFolder
from piienc.keys.keyset import Mode, generate
from piienc.keys.openpgp.folder import PgpFolder

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

EXPORT = """\
id,name,email,country
17,Ada Example,ada@example.com,GB
18,Brian Example,brian@example.com,US
19,Ada Example,ada@example.com,GB
"""
SCHEMA = """\
name = "customers"
version = 1

[columns]
id      = { type = "integer" }
name    = { type = "string", encrypt = "sealed" }
email   = { type = "string", format = "email", encrypt = "searchable" }
country = { type = "string", format = "country" }
"""
_SETTINGS = """\
[destinations.partner]
url = "{url}"
identity_file = "user_key"
known_hosts = "known_hosts"
agent = false
recipients = ["partner"]

[jobs.customers]
source = "customers.csv"
schema = "schema.toml"
destination = "partner"
quiet_for = 0
"""
_SHOWN = 16  # characters of an encrypted cell


class Scene(Struct, frozen=True, rename={"lines": "told"}):
    """What there is to be seen at one point of the way.

    Attributes:
        lines: what was done, a line each; `told` in JSON.
        title: of the table.
        head: the names of its columns; without any, there is no table.
        rows: its rows.
    """

    lines: tuple[str, ...] = ()
    title: str = ""
    head: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()


def scenes(folder: Path) -> Iterator[Scene]:
    """Go the whole way in a folder that is there and empty, and show each part as it is done.

    Raises:
        piienc.errors.PiiencError: something that should work does not.
    """
    ours, theirs, server = (folder / name for name in ("ours", "partner", "server"))
    for each in (ours, theirs, server / "inbox"):
        make_private_folder(each)
    (ours / "customers.csv").write_text(EXPORT, "utf-8")
    (ours / "schema.toml").write_text(SCHEMA, "utf-8")
    yield _keys(ours, theirs)
    yield _table(ours / "customers.csv", "an export, in clear")
    with demo_server(server, ours) as running:
        settings = _SETTINGS.format(url=running.url)
        (ours / "piienc.toml").write_text(settings, "utf-8")
        yield _there(ours, running.url)
        yield from _back(ours, theirs)
    yield _tampered(ours, theirs / "customers.enc.csv")


class _Where(TypedDict):
    """What every step is given, so that it looks at nothing of the user's."""

    keys: Path
    state: Path
    config: Path


def _where(ours: Path, keys: Path | None = None) -> _Where:
    return {
        "keys": keys or ours / "keys",
        "state": ours / ".piienc",
        "config": ours / "piienc.toml",
    }


def _keys(ours: Path, theirs: Path) -> Scene:
    keys = KeyFolder(ours / "keys")
    for mode in (Mode.SEARCHABLE, Mode.SEALED):
        keys.create(str(mode), generate(mode), None)
    partner = PgpFolder(theirs / "keys")
    key = partner.generate("partner", "in@partner.example", algorithm="ed25519")
    PgpFolder(ours / "keys").take(
        "partner", partner.export("partner").encode(), fingerprint=key.fingerprint
    )
    return Scene(
        (
            "made two AES-256 keys: searchable (AES-SIV) and sealed (AES-GCM)",
            f"the partner made an OpenPGP key, and we pinned it: {key.fingerprint}",
        )
    )


def _there(ours: Path, url: str) -> Scene:
    where = _where(ours)
    (file,) = send("customers", **where).files
    if file.error:
        return Scene((file.error.message,))
    again = send("customers", **where).files
    return Scene(
        (
            f"verified, encrypted and wrapped {file.rows} rows, in one pass",
            f"{file.outcome} {', '.join(file.names)} to {url}",
            f"a second run sends {'it again' if again else 'nothing'}",
        )
    )


def _back(ours: Path, theirs: Path) -> Iterator[Scene]:
    where, schema = _where(ours), ours / "schema.toml"
    fetched, unwrapped = theirs / "customers.csv.pgp", theirs / "customers.enc.csv"
    pull("customers.*", theirs, source="partner", **where)
    unwrap_file(fetched, unwrapped, **_where(ours, theirs / "keys"))
    yield _table(
        unwrapped,
        "what the partner reads",
        lines=(
            f"pulled {fetched.name} back, and unwrapped it with the partner's key",
            "equal emails (searchable) have equal cells, and equal names (sealed) have not",
        ),
    )
    report = verify(unwrapped, schema=schema, against=ours / "customers.csv", **where)
    back = ours / "back.csv"
    decrypt_file(unwrapped, back, schema=schema, **where)
    equal = back.read_bytes() == (ours / "customers.csv").read_bytes()
    yield _table(
        back,
        "decrypted again",
        lines=(
            f"verified: {'as it should be' if report.ok else 'not as it should be'}",
            f"decrypted: {'equal to the export, byte for byte' if equal else 'not equal'}",
        ),
    )


def _tampered(ours: Path, source: Path) -> Scene:
    """Change one character of one cell, and show what notices."""
    changed = ours / "tampered.csv"
    rows = source.read_text("utf-8").splitlines(keepends=True)
    cells = rows[2].split(",")
    middle = len(cells[2]) // 2
    other = "A" if cells[2][middle] != "A" else "B"
    cells[2] = cells[2][:middle] + other + cells[2][middle + 1 :]
    changed.write_text("".join([*rows[:2], ",".join(cells), *rows[3:]]), "utf-8")
    lines = ["changed one character of one cell"]
    try:
        decrypt_file(changed, ours / "never.csv", schema=ours / "schema.toml", **_where(ours))
    except AuthenticationError as error:
        message = str(error).replace(f"{ours}/", "")
        lines += [f"decrypt-file then ends with exit code {error.exit_code}: {message}"]
    report = verify(changed, schema=ours / "schema.toml", **_where(ours))
    lines += [f"verify finds it, too, exit code {report.exit_code}"]
    lines += [f"  row {f.row}, column {f.column}: {f.detail}" for f in report.findings]
    return Scene(tuple(lines))


def _table(path: Path, title: str, lines: tuple[str, ...] = ()) -> Scene:
    with path.open(newline="", encoding="utf-8") as file:
        head, *rows = csv.reader(file)
    cells = tuple(tuple(_short(cell) for cell in row) for row in rows)
    return Scene(lines, title, tuple(head), cells)


def _short(cell: str) -> str:
    """Return the end of a long cell: its beginning tells the key, and is the same in all."""
    return cell if len(cell) <= _SHOWN + 2 else f"..{cell[-_SHOWN:]}"
