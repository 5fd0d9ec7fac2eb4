"""Hold a file against its schema."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from piienc import receivers as profiles
from piienc import schema as schemas
from piienc.api.common import settled, unlocker_of
from piienc.audit.entry import recorded
from piienc.keys import KeyFolder
from piienc.keys.openpgp.folder import PgpFolder
from piienc.report.model import SchemaFacts
from piienc.state import Marks
from piienc.storage import FileSource
from piienc.verification.available_keys import AvailableKeys, hold_to_marks_at_hand
from piienc.verification.request import VerifyRequest
from piienc.verification.verify import verify as verify_by

if TYPE_CHECKING:
    from collections.abc import Sequence

    from piienc.api.common import Passphrase, PathLike
    from piienc.report.model import Expect, Report


def verify(
    file: PathLike,
    *,
    schema: PathLike,
    expect: Expect = "encrypted",
    against: PathLike | None = None,
    key_column: str | None = None,
    round_trip: bool = False,
    recipients: Sequence[str] = (),
    without_keys: bool = False,
    profile: str | None = None,
    max_findings: int = 100,
    passphrase: Passphrase = None,
    threads: int = 0,
    keys: PathLike | None = None,
    state: PathLike | None = None,
    config: PathLike | None = None,
) -> Report:
    """Hold a file to its schema; what is found is in the report, and raises nothing.

    Args:
        file: CSV or Parquet, in an OpenPGP message or not.
        schema: the schema file.
        expect: whether the marked columns are `encrypted` or `plain`.
        against: the original, to compare every cell with.
        key_column: the column that names the rows, where the files are in different orders.
        round_trip: encrypt and decrypt a plain file in memory.
        recipients: wrap and unwrap it in the round trip, too, for these keys.
        without_keys: look at the form of ciphertexts alone.
        profile: the name of the receiver's profile whose rules on rows hold, too.
        max_findings: so many are listed of each column and rule.
        passphrase: of the keys; None if they have none.
        threads: units looked at side by side; 0 means one for each core.
        keys: as for `encrypt_file`.
        state: likewise.
        config: likewise.

    Returns:
        The report: `ok`, `exit_code`, `findings`, and counts by column.

    Raises:
        piienc.errors.PiiencError: the file could not be looked at.
    """
    where, unlocker = settled(keys, state, config), unlocker_of(passphrase)
    files = [("verified", Path(file)), *([("original", Path(against))] if against else [])]
    with ExitStack() as stack:
        entry = stack.enter_context(recorded("verify", where, files, schema=Path(schema)))
        held = schemas.load(Path(schema))
        at_hand = AvailableKeys(KeyFolder(where.keys_dir, unlocker), used=not without_keys)
        marks = Marks(where.state_dir)
        report = verify_by(
            FileSource(Path(file)),
            VerifyRequest(
                schema=held,
                facts=SchemaFacts.of(held, Path(schema)),
                expect=expect,
                against=FileSource(Path(against)) if against else None,
                key_column=key_column,
                round_trip=round_trip,
                recipients=tuple(dict.fromkeys(recipients)),
                profile=profiles.load(profile, where.profiles) if profile else None,
                most=max_findings,
                hold=lambda columns: hold_to_marks_at_hand(held, at_hand, marks, columns),
                threads=threads,
            ),
            keys=at_hand,
            pgp=PgpFolder(where.keys_dir, unlocker),
        )
        entry.receipt(report)
    return report
