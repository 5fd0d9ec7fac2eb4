"""What a project lacks is made; what it has is left as it is."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from msgspec import Struct

from piienc.base.files import edited, new_file, together
from piienc.keys import KeyFolder
from piienc.keys.keyset import generate
from piienc.keys.openpgp.folder import PgpFolder

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from piienc.base.secret import SecretBytes
    from piienc.keys import Keyset
    from piienc.keys.openpgp.key import PgpKey
    from piienc.setup.project.plan import ProjectPlan


class CreatedProject(Struct, frozen=True):
    """What was made.

    Attributes:
        plan: what was missing.
        created: files and keys, in order.
        keysets: the new AES keysets, by name.
        pgp_keys: the OpenPGP keys that were imported or made.
    """

    plan: ProjectPlan
    created: tuple[str, ...]
    keysets: Mapping[str, Keyset]
    pgp_keys: tuple[PgpKey, ...]


def begin(planned: ProjectPlan, secret: SecretBytes | None) -> CreatedProject:
    """Make what is missing: partners' keys, then own keys, then the files that name them.

    Args:
        planned: what is missing.
        secret: the passphrase of all new keys; None leaves them in clear.

    Raises:
        PiiencError: something could not be made. `schema.toml` and `piienc.toml` appear both
            or not at all, and the next run makes what is missing.
    """
    request = planned.request
    pgp, aes = PgpFolder(request.keys_dir), KeyFolder(request.keys_dir)
    pgp_keys = [pgp.take(name, data) for name, data in planned.certificates.items()]
    keysets = {name: generate(mode) for name, mode in planned.new_keys.items()}
    for name, keyset in keysets.items():
        aes.create(name, keyset, secret)
    if planned.own_pgp:
        pgp_keys.append(pgp.generate(*planned.own_pgp, passphrase=secret))
    created = [f"key {name}" for name in (*keysets, *(key.name for key in pgp_keys))]
    if planned.ignored:
        # First, so that git never sees what follows it.
        _append(request.folder / ".gitignore", planned.ignored)
        created.append(str(request.folder / ".gitignore"))
    with together() as enter:
        for path, text in planned.files.items():
            enter(new_file(path), path).write(text.encode())
    created += map(str, planned.files)
    return CreatedProject(planned, tuple(created), keysets, tuple(pgp_keys))


def _append(path: Path, text: str) -> None:
    if not path.exists():
        with new_file(path) as file:
            file.write(text.encode())
            os.fchmod(file.fileno(), 0o644)  # others of the project read it
        return
    with edited(path) as write:
        write(path.read_bytes() + text.encode())
