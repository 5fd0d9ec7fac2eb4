"""The AES keys that are available: what cannot be opened limits what can be verified."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct, field

from piienc.errors import KeyAccessError, UsageError
from piienc.keys import KeysetFacts
from piienc.transform.mark_policy import present_marks, refuse_undoing

if TYPE_CHECKING:
    from collections.abc import Sequence

    from piienc.keys import KeyFolder, Keyset
    from piienc.schema import Schema
    from piienc.state import Marks


class AvailableKeys(Struct):
    """The keys of a folder.

    Attributes:
        folder: the key folder; it need not exist.
        used: whether keys may be opened.
    """

    folder: KeyFolder
    used: bool = True
    _facts: dict[str, KeysetFacts | None] = field(default_factory=dict)

    def open(self, name: str) -> Keyset | None:
        """Return a keyset; None if keys are not to be used.

        Raises:
            KeyAccessError: it is not there, or cannot be opened.
        """
        return self.folder.load(name) if self.used else None

    def facts(self, name: str) -> KeysetFacts | None:
        """Return the facts of a keyset that are readable without opening it; None if missing."""
        if name not in self._facts:
            try:
                info = self.folder.info(name)
                self._facts[name] = KeysetFacts(info.mode, info.primary_id, info.keys)
            except (KeyAccessError, UsageError):  # a schema may name what cannot be a key's name
                self._facts[name] = None
        return self._facts[name]


def require_marks_kept(
    schema: Schema, keys: AvailableKeys, marks: Marks, columns: Sequence[str]
) -> None:
    """Refuse a schema that would undo a mark.

    A missing key counts as one of the recorded mode.

    Raises:
        PolicyError: a column is unmarked, or has a weaker mode or a different context.
        ConfigError: the state folder cannot be used.
    """
    recorded = marks.of(schema.name)

    def mode_of(column: str, key: str) -> str:
        facts = keys.facts(key)
        if facts:
            return facts.mode
        return recorded[column].mode if column in recorded else "unknown"

    refuse_undoing(schema, present_marks(schema, mode_of), recorded, columns)
