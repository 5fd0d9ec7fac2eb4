"""Cells sealed and opened one at a time, by OpenSSL's AEADs and the standard library's base64.

A ciphertext is prefix ‖ V ‖ encrypted cell for AES-SIV (RFC 5297, one component of associated
data), and prefix ‖ IV ‖ encrypted cell ‖ tag for AES-GCM (NIST SP 800-38D): Tink's wire format.
"""

from __future__ import annotations

import base64
import binascii
import os
from typing import TYPE_CHECKING

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, AESSIV

from piienc.core.interface import FOREIGN, MALFORMED, NULL, UNKNOWN, Opened, Strings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from piienc.core.interface import ColumnKey

_IV, _TAG = 12, 16  # bytes: NIST SP 800-38D, 8.2; the tag's length is also that of SIV's V


class _Siv:
    """AES-SIV with the context as its one component, also where that is empty."""

    overhead = _TAG

    def __init__(self, key: ColumnKey) -> None:
        self._cipher, self._components = AESSIV(key.material.reveal()), [key.context]

    def seal(self, cell: bytes) -> bytes:
        return self._cipher.encrypt(cell, self._components)

    def open(self, sealed: bytes) -> bytes:
        return self._cipher.decrypt(sealed, self._components)


class _Gcm:
    """AES-GCM with a random IV for each cell."""

    overhead = _IV + _TAG

    def __init__(self, key: ColumnKey) -> None:
        self._cipher, self._context = AESGCM(key.material.reveal()), key.context

    def seal(self, cell: bytes) -> bytes:
        iv = os.urandom(_IV)
        return iv + self._cipher.encrypt(iv, cell, self._context)

    def open(self, sealed: bytes) -> bytes:
        return self._cipher.decrypt(sealed[:_IV], sealed[_IV:], self._context)


def _cipher_of(key: ColumnKey) -> _Siv | _Gcm:
    return _Siv(key) if key.mode == "searchable" else _Gcm(key)


def seal_cells(cells: Strings, key: ColumnKey, *, text: bool) -> Strings:
    """Encrypt cells: see `Engine.seal`."""
    cipher = _cipher_of(key)

    def sealed(cell: bytes) -> bytes:
        whole = key.prefix + cipher.seal(cell)
        return base64.b64encode(whole) if text else whole

    return Strings.of([None if cell is None else sealed(cell) for cell in cells.to_list()])


def open_cells(cells: Strings, keys: Sequence[ColumnKey], *, text: bool) -> Opened:
    """Decrypt cells: see `Engine.open`."""
    opener = _Opener(keys)
    opened, verdicts = [], bytearray()
    for stored in cells.to_list():
        cell, verdict = None, NULL
        if stored is not None:
            sealed = _decoded(stored) if text else stored
            cell, verdict = (None, MALFORMED) if sealed is None else opener.open(sealed)
        opened.append(cell)
        verdicts.append(verdict)
    return Opened(Strings.of(opened), bytes(verdicts))


class _Opener:
    """Opens single ciphertexts under the first key that fits."""

    def __init__(self, keys: Sequence[ColumnKey]) -> None:
        self._keys = [(key.prefix, _cipher_of(key)) for key in keys]
        self._least = min(len(prefix) + cipher.overhead for prefix, cipher in self._keys)

    def open(self, sealed: bytes) -> tuple[bytes | None, int]:
        """Return the cell, or None, and the verdict."""
        verdict = UNKNOWN if len(sealed) >= self._least else MALFORMED
        for number, (prefix, cipher) in enumerate(self._keys):
            if len(sealed) < len(prefix) + cipher.overhead or not sealed.startswith(prefix):
                continue
            try:
                return cipher.open(sealed[len(prefix) :]), number
            except InvalidTag:
                verdict = FOREIGN if prefix else verdict
        return None, verdict


def decoded(cells: Strings) -> Strings:
    """Decode base64: see `Engine.decoded`."""
    return Strings.of([None if cell is None else _decoded(cell) for cell in cells.to_list()])


def beginning(cells: Strings, begins: Sequence[bytes]) -> list[int]:
    """Return the rows whose cells begin so: see `Engine.beginning`."""
    any_of = tuple(begins)
    return [row for row, cell in enumerate(cells.to_list()) if cell and cell.startswith(any_of)]


def not_text(strings: Strings) -> list[int]:
    """Return the rows that are not UTF-8."""
    return [row for row, cell in enumerate(strings.to_list()) if cell and not _is_text(cell)]


def _is_text(cell: bytes) -> bool:
    try:
        cell.decode()
    except UnicodeDecodeError:
        return False
    return True


def _decoded(text: bytes) -> bytes | None:
    """Return the bytes of base64; None if it is not the one canonical form of them."""
    try:
        data = base64.b64decode(text, validate=True)
    except binascii.Error:
        return None
    return data if base64.b64encode(data) == text else None


class CellDecryptor:
    """Decrypts single cells under the first key that fits."""

    def __init__(self, keys: Sequence[ColumnKey]) -> None:
        self._opener = _Opener(keys) if keys else None

    def decrypt(self, stored: bytes, *, text: bool = False) -> bytes | None:
        """Decrypt a cell; None if it is not authentic under any key.

        Args:
            stored: the cell as it stands in a file.
            text: it is base64, else raw bytes.
        """
        sealed = _decoded(stored) if text else stored
        if sealed is None or self._opener is None:
            return None
        return self._opener.open(sealed)[0]
