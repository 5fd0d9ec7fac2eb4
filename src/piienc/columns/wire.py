"""The encrypted cell as it is stored: Tink's wire format, as base64 text or as raw bytes.

    prefix (5 bytes or none) ‖ head (V or IV) ‖ encrypted cell ‖ tail (tag or none)

The prefix is `01 ‖ key id`, big endian: Tink's TINK output prefix. Text is base64 of
RFC 4648, section 4, with padding and without line breaks, and nothing else is accepted:
the unused bits of the last character must be zero, or a changed character could pass.
"""

from __future__ import annotations

import binascii
from typing import TYPE_CHECKING

import numpy as np
import pybase64
from msgspec import Struct

from piienc.base.cells import SPARE, Cells, windows
from piienc.columns.kernels.aes import BLOCK
from piienc.columns.kernels.gcm import IV
from piienc.columns.kernels.groups import rows_of
from piienc.keys import Mode

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from piienc.columns.kernels.aes import Blocks
    from piienc.columns.kernels.groups import CellGroup
    from piienc.keys import Key

_PADDING, _ZERO = ord("="), ord("A")  # "A" is base64 for six zero bits

_IS_BASE64 = np.zeros(256, np.bool_)
_IS_BASE64[list(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")] = True


class WireFormat(Struct, frozen=True):
    """Where the parts of a stored cell stand, and whether it is stored as text."""

    prefix: bytes
    head: int
    tail: int
    text: bool

    @classmethod
    def of(cls, mode: Mode, key: Key, *, text: bool) -> WireFormat:
        """Return the wire format of a mode and a key."""
        head, tail = (BLOCK, 0) if mode is Mode.SEARCHABLE else (IV, BLOCK)
        return cls(key.output_prefix, head, tail, text)

    @property
    def overhead(self) -> int:
        """Bytes that a ciphertext has more than its cell, before base64."""
        return len(self.prefix) + self.head + self.tail

    def store_one(self, sealed: bytes) -> bytes:
        """Return one sealed cell in its stored form."""
        message = self.prefix + sealed
        return pybase64.b64encode(message) if self.text else message

    def store(self, group: CellGroup, head: NDArray[np.void], tail: Blocks | None) -> Cells:
        """Return a sealed group's cells as they are stored, in rows of one width."""
        inner = len(self.prefix) + self.head
        room = inner + BLOCK * len(group.blocks) + self.tail
        if self.text:
            room = -(-room // 3) * 3
        flat = rows_of(self.prefix, [head, *group.blocks], room).view(np.uint8)
        lengths = group.lengths
        starts = room * np.arange(group.rows)
        if tail is not None:
            windows(flat, self.tail)[starts + (inner + lengths)] = tail
        sizes = lengths + self.overhead
        if not self.text:
            return Cells(flat, starts, sizes)
        # Three bytes are four characters, whatever stands behind them: all rows are encoded in
        # one call, and what lies behind a cell's end is left where it is.
        text = np.frombuffer(pybase64.b64encode(flat.data), np.uint8).copy()
        cells = Cells(text, starts // 3 * 4, (sizes + 2) // 3 * 4)
        _pad(cells, -sizes % 3, _PADDING)
        return cells


def from_text(cells: Cells) -> tuple[Cells, NDArray[np.int64], NDArray[np.bool_]]:
    """Decode base64 cells.

    Returns:
        The decoded cells sorted by length, the index of each in the input, and whether each
        was well-formed; what was not stands there with undefined bytes.
    """
    lengths, well_formed = _decoded_lengths(cells)
    characters = np.where(well_formed, cells.lengths, 0)
    order = Cells(cells.data, cells.starts, lengths).by_length()
    lengths, well_formed = lengths[order], well_formed[order]
    text = Cells(cells.data, cells.starts, characters).packed(order)
    missing = -lengths % 3
    _pad(text, missing, _ZERO)
    text.data[-SPARE:] = _ZERO
    data, bad = _decode(text.data)
    starts = text.starts // 4 * 3
    if len(bad):
        well_formed[np.searchsorted(text.starts, bad, side="right") - 1] = False
    ends = starts + lengths
    for place in (1, 2):
        short = np.flatnonzero(missing >= place)
        well_formed[short] &= data[ends[short] + (place - 1)] == 0
    return Cells(data, starts, lengths), order, well_formed


def ciphertexts_of(
    cells: Cells, *, text: bool
) -> tuple[Cells, NDArray[np.int64], NDArray[np.bool_]]:
    """Return what stored cells hold, by length: see `from_text`, if they are base64 text."""
    if text:
        return from_text(cells)
    order = cells.by_length()
    return cells.take(order), order, np.ones(len(order), np.bool_)


def _pad(cells: Cells, missing: NDArray[np.int64], character: int) -> None:
    """Overwrite the last one or two characters of cells whose last three bytes are not full."""
    ends = cells.starts + cells.lengths
    for place in (1, 2):
        cells.data[ends[missing >= place] - place] = character


def _decoded_lengths(cells: Cells) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """How many bytes each text decodes to; 0 for what cannot be base64."""
    well_formed = (cells.lengths % 4 == 0) & (cells.lengths > 0)
    last = np.where(well_formed, cells.starts + cells.lengths - 1, 0)
    one = cells.data[last] == _PADDING
    two = one & (cells.data[last - 1] == _PADDING)
    lengths = cells.lengths // 4 * 3 - one - two
    return np.where(well_formed, lengths, 0), well_formed


def _decode(text: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Decode, and name the places of characters that are not base64."""
    try:
        data, bad = pybase64.b64decode(text.data, validate=True), np.empty(0, np.int64)
    except binascii.Error:
        bad = np.flatnonzero(~_IS_BASE64[text])
        text[bad] = _ZERO
        data = pybase64.b64decode(text.data, validate=True)
    return np.frombuffer(data, np.uint8), bad
