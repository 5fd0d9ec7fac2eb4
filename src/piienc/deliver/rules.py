"""The rules of a delivery, and its results."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Callable

    from piienc.state import Transfer


class DeliveryRules(Struct, frozen=True):
    """How files are delivered.

    Attributes:
        if_exists: fail, skip or replace if the name is taken.
        again: also deliver what the ledger has as delivered.
        verify_content: read everything back, and compare.
        rename: let files grow under a temporary name; else write them in place, in one go.
        append: resume interrupted files; else write each in one go.
        job: the job's name, for the ledger.
        trigger: returns name and content of the trigger file, given the file's name and the
            transfer's id, or None.
    """

    if_exists: str = "fail"
    again: bool = False
    verify_content: bool = False
    rename: bool = True
    append: bool = True
    job: str | None = None
    trigger: Callable[[str, str], tuple[str, bytes] | None] = lambda _name, _id: None


class Skipped(Struct, frozen=True):
    """Why nothing was sent: `delivered already`, or `there already`."""

    why: str
    transfer: Transfer | None = None


class Delivered(Struct, frozen=True):
    """A finished transfer.

    Attributes:
        transfer: as the ledger has it.
        resumed_at: where sending went on, in bytes.
        warnings: what the user should know.
    """

    transfer: Transfer
    resumed_at: int
    warnings: tuple[str, ...] = ()
