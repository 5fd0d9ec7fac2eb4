"""Verify a file against its schema."""

from __future__ import annotations

import contextlib
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, get_args

from piienc import receivers as profiles
from piienc import schema as schemas
from piienc.api.common import path_of, require_one_of, settings_of, source_of, unlocker_of
from piienc.audit.entry import recorded
from piienc.base.files import new_file, together
from piienc.errors import UsageError
from piienc.keys import KeyFolder
from piienc.keys.openpgp.folder import PgpFolder
from piienc.report.formats import FORMATS
from piienc.report.model import Expect, SchemaFacts
from piienc.settings.outputs import require_output
from piienc.state import Marks
from piienc.storage import FileSource
from piienc.verification.available_keys import AvailableKeys, require_marks_kept
from piienc.verification.request import VerifyRequest
from piienc.verification.verify import verify as verify_by

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from typing import BinaryIO

    from piienc.api.common import OnWarning, Passphrase, PathLike
    from piienc.report.model import Report
    from piienc.storage import Source
    from piienc.storage.progress import OnProgress


def verify(
    file: PathLike | Source,
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
    reports: Sequence[tuple[str, PathLike]] = (),
    overwrite: bool = False,
    passphrase: Passphrase = None,
    threads: int = 0,
    keys: PathLike | None = None,
    state: PathLike | None = None,
    config: PathLike | None = None,
    on_progress: OnProgress | None = None,
    on_warning: OnWarning = warnings.warn,
) -> Report:
    """Verify a file against its schema; findings are in the report and raise no error.

    Args:
        file: CSV or Parquet, in an OpenPGP message or not.
        schema: the schema file.
        expect: whether the marked columns are `encrypted` or `plain`.
        against: the original, to compare every cell with.
        key_column: the column that names the rows, where the files are in different orders.
        round_trip: encrypt and decrypt a plain file in memory.
        recipients: wrap and unwrap it in the round trip, too, for these keys.
        without_keys: check only the form of ciphertexts.
        profile: the name of a receiver's profile whose rules on rows apply, too.
        max_findings: the number of findings listed of each column and rule.
        reports: files to write the report to, each with its format: `[("html", "report.html")]`.
        overwrite: replace those that are there.
        passphrase: of the keys; None if they have none.
        threads: units checked in parallel; 0 means one for each core.
        keys: as for `encrypt_file`.
        state: likewise.
        config: likewise.
        on_progress: likewise.
        on_warning: likewise.

    Returns:
        The report: `ok`, `exit_code`, `findings`, and counts by column.

    Raises:
        piienc.errors.PiiencError: the file could not be checked.
    """
    require_one_of("expect", expect, get_args(Expect))
    for pair in reports:
        if isinstance(pair, str):
            raise UsageError("reports must be pairs", hint='say reports=[("html", "report.html")]')
        require_one_of("the format of a report", pair[0], FORMATS)
    settings, unlocker = settings_of(keys, state, config), unlocker_of(passphrase)
    read, original, described = source_of(file), path_of(against), Path(schema)
    files = [("verified", read.name), *([("original", str(original))] if original else [])]
    with recorded("verify", settings, files, schema=described, on_warning=on_warning) as entry:
        for _, path in reports:
            require_output(Path(path), settings, [Path(each) for _, each in files] + [described])
        loaded = schemas.load(described)
        available = AvailableKeys(KeyFolder(settings.keys_dir, unlocker), used=not without_keys)
        marks = Marks(settings.state_dir)
        request = VerifyRequest(
            schema=loaded,
            facts=SchemaFacts.of(loaded, described),
            expect=expect,
            against=FileSource(original) if original else None,
            key_column=key_column,
            round_trip=round_trip,
            recipients=tuple(dict.fromkeys(recipients)),
            profile=profiles.load(profile, settings.profiles) if profile else None,
            most=max_findings,
            hold=lambda columns: require_marks_kept(loaded, available, marks, columns),
            threads=threads,
            progress=on_progress,
        )
        with _appearing(reports, overwrite=overwrite) as outputs:
            report = verify_by(
                read, request, keys=available, pgp=PgpFolder(settings.keys_dir, unlocker)
            )
            for form, output in outputs:
                output.write(FORMATS[form](report).encode())
        entry.receipt(report)
    return report


@contextlib.contextmanager
def _appearing(
    reports: Iterable[tuple[str, PathLike]], *, overwrite: bool
) -> Iterator[list[tuple[str, BinaryIO]]]:
    """Begin reports, before a long run could end in vain; they appear at the end, all or none."""
    with together() as enter:
        paths = [(form, Path(path)) for form, path in reports]
        yield [(form, enter(new_file(path, overwrite=overwrite), path)) for form, path in paths]
