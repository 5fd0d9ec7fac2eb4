"""How a file is to be wrapped."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Sequence

    from piienc.receivers import Profile
    from piienc.schema import Schema


class WrapRequest(Struct, frozen=True):
    """How a file is to be wrapped.

    Attributes:
        profile: what the receiver demands.
        recipients: names of the keys that can read it.
        signer: the name of the key that signs it.
        armor: as text; None leaves it to the profile.
        overwrite: replace an existing output.
        schema: tells how a table that must be split is written; None means the usual way.
    """

    profile: Profile
    recipients: Sequence[str]
    signer: str | None = None
    armor: bool | None = None
    overwrite: bool = False
    schema: Schema | None = None

    @property
    def names(self) -> list[str]:
        """The names of all keys that take part."""
        return [*self.recipients, *([self.signer] if self.signer else [])]
