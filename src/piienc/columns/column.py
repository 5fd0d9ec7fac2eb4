"""A marked column under all the keys of its keyset."""

from __future__ import annotations

import base64
import binascii
import re
from typing import TYPE_CHECKING

from msgspec import Struct

from piienc.columns.bad_cells import BadCells
from piienc.core import (
    FOREIGN,
    MALFORMED,
    PREFIX,
    CellDecryptor,
    ColumnKey,
    Strings,
    engine,
)
from piienc.errors import AuthenticationError, InputError, KeyAccessError, PolicyError
from piienc.keys import Mode, Status

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pyarrow as pa

    from piienc.keys import Key, Keyset

OVERHEAD = {Mode.SEARCHABLE: 16, Mode.SEALED: 12 + 16}
"""Bytes that a ciphertext has more than its value, but for a prefix: RFC 5297, NIST SP 800-38D."""

_TRIED = 16  # cells tried, where no prefix tells whether a column is encrypted already
_NOT_OPENED = re.compile(b"[%c-%c]" % (FOREIGN, MALFORMED), re.DOTALL)


class FaultyCells(Struct, frozen=True):
    """Cells of a batch that are not what they should be.

    Attributes:
        rule: plaintext, key, authentic or type.
        what: why, without the value.
        rows: from 0 within the batch, rising.
    """

    rule: str
    what: str
    rows: list[int]


class CheckedCells(Struct, frozen=True):
    """Cells of a marked column, decrypted as far as they are authentic.

    Attributes:
        cells: null where a cell is null, not authentic, or not the text that it should be.
        wrong: the faulty ones.
        authentic: how many are authentic.
    """

    cells: Strings
    wrong: list[FaultyCells]
    authentic: int


class ColumnCipher:
    """Encrypts and decrypts one column; safe to use from several threads.

    Attributes:
        used_key_ids: the keys of the set that have encrypted or decrypted cells so far.
    """

    def __init__(self, keyset: Keyset, context: str, *, text: bool, label: str) -> None:
        """Bind a keyset to a column.

        Args:
            keyset: encrypts under its primary, decrypts under all that are ENABLED.
            context: the associated data, as UTF-8.
            text: ciphertext as base64 text; else as raw bytes.
            label: what error messages call the column.
        """
        self._keyset, self._text, self._label = keyset, text, label
        self._engine = engine()
        bound = {
            key.key_id: ColumnKey(
                str(keyset.mode), key.material, context.encode(), key.output_prefix
            )
            for key in keyset.keys
            if key.status is not Status.DESTROYED
        }
        self._sealing = bound[keyset.primary_id]
        self._reading = [bound[key.key_id] for key in keyset.enabled]
        self._bare = [each for each in self._reading if not each.prefix]
        self._prefixed = {key.key_id: key for key in keyset.keys if key.output_prefix}
        prefixes = [key.output_prefix for key in self._prefixed.values()]
        # Six characters of base64 are 36 of a prefix's 40 bits.
        self._begins = (*prefixes, *(base64.b64encode(prefix)[:6] for prefix in prefixes))
        self._decryptor = CellDecryptor(self._bare)
        self._least = OVERHEAD[keyset.mode]
        self.used_key_ids: set[int] = set()

    def encrypt(self, array: pa.Array) -> pa.Array:
        """Encrypt a batch of the column under the primary key.

        Args:
            array: string or binary, large or not; nulls stay null.

        Returns:
            The same number of cells, as text or binary.

        Raises:
            KeyAccessError: the primary key is for reading only.
            BadCells: a cell is encrypted already.
        """
        from piienc.columns.arrays import array_of, is_large, strings_of  # noqa: PLC0415  # start-up

        sealed = self.seal(strings_of(array))
        return array_of(sealed, text=self._text, large=is_large(array.type))

    def decrypt(self, array: pa.Array, *, text: bool) -> pa.Array:
        """Decrypt a batch of the column; every cell is authenticated.

        Args:
            array: string or binary, large or not; nulls stay null.
            text: whether the cells are UTF-8 text or bytes.

        Raises:
            BadCells: a cell is not authentic under any key that may be used, is encrypted
                under one that may not, or is no text where text was asked for.
        """
        from piienc.columns.arrays import array_of, is_large, strings_of  # noqa: PLC0415  # start-up

        opened = self.open(strings_of(array), text=text)
        return array_of(opened, text=text, large=is_large(array.type))

    def seal(self, cells: Strings) -> Strings:
        """Return the ciphertexts of cells; null stays null.

        Raises:
            KeyAccessError: the primary key is for reading only.
            BadCells: a cell is encrypted already.
        """
        key = self._keyset.encryption_key
        self._refuse_encrypted(cells)
        if cells.null_count < cells.count:
            self.used_key_ids.add(key.key_id)
        return self._engine.seal(cells, self._sealing, text=self._text)

    def open(self, cells: Strings, *, text: bool) -> Strings:
        """Decrypt cells; every one is authenticated.

        Args:
            cells: in their stored form.
            text: whether they are UTF-8 text or bytes.

        Raises:
            BadCells: a cell is not authentic under any key that may be used, is encrypted
                under one that may not, or is no text where text was asked for.
        """
        opened, bad = self._opened(cells)
        if bad:
            raise self._refusal(cells, bad)
        if text and (garbled := self._engine.not_text(opened)):
            raise BadCells(
                InputError,
                self._label,
                garbled,
                "decrypted, but no UTF-8 text",
                hint='such a column holds bytes: type = "binary" in the schema, and Parquet',
            )
        return opened

    def judge(self, cells: Strings, *, text: bool) -> CheckedCells:
        """Decrypt cells as far as they are authentic, and say what is wrong with the others.

        Args:
            cells: in their stored form.
            text: whether the decrypted cells are UTF-8 text or bytes.
        """
        opened, bad = self._opened(cells)
        reasons: dict[tuple[str, str], list[int]] = {}
        for row in bad:
            reasons.setdefault(self._reason(cells.one(row)), []).append(row)
        wrong = [FaultyCells(*reason, rows) for reason, rows in sorted(reasons.items())]
        authentic = opened.count - opened.null_count
        if text and (garbled := self._engine.not_text(opened)):
            wrong.append(FaultyCells("type", "decrypted, but no UTF-8 text", garbled))
            opened = opened.without(garbled)
        return CheckedCells(opened, wrong, authentic)

    def _opened(self, cells: Strings) -> tuple[Strings, list[int]]:
        """Decrypt all cells that are authentic; return also the rows of others."""
        opened = self._engine.open(cells, self._reading, text=self._text)
        keys = enumerate(self._keyset.enabled)
        self.used_key_ids |= {key.key_id for number, key in keys if number in opened.verdicts}
        return opened.cells, [match.start() for match in _NOT_OPENED.finditer(opened.verdicts)]

    def _reason(self, cell: bytes) -> tuple[str, str]:
        """Say what a cell that was not opened is instead of an authentic ciphertext."""
        raw = self._raw(cell)
        key = self._key_of(raw)
        if key is not None and key.status is not Status.ENABLED:
            return "key", f"encrypted under key id {key.key_id}, which is {key.status}"
        if key is not None or (self._bare and len(raw) >= self._least):
            return "authentic", "tampered, or of another context"
        if (raw or cell).startswith(self._begins):
            return "authentic", "damaged: it begins like a ciphertext of this column"
        if raw[:1] == b"\x01" and len(raw) >= PREFIX + _SHORTEST:
            stranger = int.from_bytes(raw[1:PREFIX], "big")
            return "key", f"encrypted under key id {stranger}, which is not this column's"
        return "plaintext", "not encrypted"

    def _raw(self, cell: bytes) -> bytes:
        """Return the ciphertext of a stored cell; nothing if it is not in canonical base64."""
        if not self._text:
            return cell
        raw = _unarmored(cell)
        return raw if base64.b64encode(raw) == cell else b""

    def _refuse_encrypted(self, cells: Strings) -> None:
        """Refuse ciphertexts of this keyset, as text or as bytes, whichever is made here."""
        for row in self._suspects(cells):
            cell = cells.one(row)
            for raw in (cell, _unarmored(cell)):
                key = self._key_of(raw)
                if key is None and self._decryptor.decrypt(raw) is None:
                    continue
                under = f", under key id {key.key_id}" if key else ""
                raise BadCells(
                    PolicyError,
                    self._label,
                    [row],
                    f"encrypted already{under}",
                    hint="encrypt the original file; what this keyset has encrypted is refused",
                )

    def _suspects(self, cells: Strings) -> Sequence[int]:
        """The cells that are worth a closer look: those that begin like a prefix."""
        suspects = self._engine.beginning(cells, self._begins) if self._begins else []
        if self._bare:
            suspects = sorted({*suspects, *cells.first(_TRIED)})
        return suspects

    def _key_of(self, raw: bytes) -> Key | None:
        """The key whose prefix a ciphertext bears, whatever its status."""
        key = self._prefixed.get(int.from_bytes(raw[1:PREFIX], "big"))
        if key is None or raw[:1] != b"\x01" or len(raw) < PREFIX + self._least:
            return None
        return key

    def _refusal(self, cells: Strings, bad: list[int]) -> BadCells:
        """Say why cells could not be opened: why the first one, and which share its reason."""
        blocked = {row: self._blocked(cells.one(row)) for row in bad}
        why = next(iter(blocked.values()))
        rows = [row for row, key in blocked.items() if key is why]
        if why is None:
            what = "not an authentic ciphertext of this key and context"
            return BadCells(AuthenticationError, self._label, rows, what)
        return BadCells(
            KeyAccessError,
            self._label,
            rows,
            f"encrypted under key id {why.key_id}, which is {why.status}",
            hint="enable that key again, if it may still be used",
        )

    def _blocked(self, cell: bytes) -> Key | None:
        """The key whose prefix a ciphertext bears, if that key may not be used."""
        key = self._key_of(self._raw(cell))
        return key if key is not None and key.status is not Status.ENABLED else None


_SHORTEST = min(OVERHEAD.values())


def _unarmored(text: bytes) -> bytes:
    """The bytes of a base64 text, or none."""
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error:
        return b""
