"""What is to be verified."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from piienc.tables import UnitSize

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import pyarrow as pa

    from piienc.receivers import Profile
    from piienc.report.model import Expect, SchemaFacts
    from piienc.schema import Schema
    from piienc.storage import Source
    from piienc.storage.progress import OnProgress
    from piienc.verification.opening import VerifiedFile


class VerifyRequest(Struct, frozen=True, kw_only=True):
    """What is to be verified.

    Attributes:
        schema: the schema that the file must match.
        facts: the schema's facts, for the report.
        expect: whether the marked columns should be encrypted or plain.
        against: the original to compare with.
        key_column: the column that identifies rows, if the files are in different orders.
        round_trip: encrypt and decrypt a plain file in memory, and compare.
        recipients: also wrap and unwrap it in the round trip, for these keys.
        profile: the receiver whose rules on rows apply, if any.
        leave_out: columns that are not sent: they may hold personal data.
        most: the number of findings to keep of each column and rule.
        hold: called with the file's columns before any row is read, to refuse a schema that would
            undo a mark.
        threads: units checked in parallel; 0 means one for each core that may be used.
        units: how large they are.
        types: the original types of marked columns, where the file does not record them.
        progress: called with the rows done, the bytes read, and the share of the file done.
    """

    schema: Schema
    facts: SchemaFacts
    expect: Expect = "encrypted"
    against: Source | VerifiedFile | None = None
    key_column: str | None = None
    round_trip: bool = False
    recipients: tuple[str, ...] = ()
    profile: Profile | None = None
    leave_out: frozenset[str] = frozenset()
    most: int = 100
    hold: Callable[[Sequence[str]], None] | None = None
    threads: int = 0
    units: UnitSize = UnitSize()
    progress: OnProgress | None = None
    types: pa.Schema | None = None
