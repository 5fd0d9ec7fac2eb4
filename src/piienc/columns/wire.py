"""The encrypted cell as it is stored: Tink's wire format, as base64 text or as raw bytes.

    prefix (5 bytes or none) ‖ head (V or IV) ‖ encrypted cell ‖ tail (tag or none)

The prefix is `01 ‖ key id`, big endian: Tink's TINK output prefix. Text is base64 of
RFC 4648, section 4, with padding and without line breaks, and nothing else is accepted:
the unused bits of the last character must be zero, or a changed character could pass.
"""

from __future__ import annotations

import binascii
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pybase64

from piienc.cells import SPARE, Cells, runs_of, scatter
from piienc.columns.aes import BLOCK
from piienc.columns.gcm import IV
from piienc.columns.groups import joined
from piienc.keys import Mode

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from piienc.cells import Run
    from piienc.columns.aes import Blocks
    from piienc.columns.groups import Group
    from piienc.keys import Key

_PADDING, _ZERO = ord("="), ord("A")  # "A" is base64 for six zero bits
_SPARE = _ZERO.to_bytes() * (SPARE // 3 * 4 + 4)  # decodes to room behind the last cell

_IS_BASE64 = np.zeros(256, np.bool_)
_IS_BASE64[list(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")] = True


@dataclass(frozen=True, slots=True)
class Wire:
    """Where the parts of a stored cell stand, and whether it is stored as text."""

    prefix: bytes
    head: int
    tail: int
    text: bool

    @classmethod
    def of(cls, mode: Mode, key: Key, *, text: bool) -> Wire:
        """Return the wire format of a mode and a key."""
        head, tail = (BLOCK, 0) if mode is Mode.SEARCHABLE else (IV, BLOCK)
        return cls(key.output_prefix, head, tail, text)

    @property
    def overhead(self) -> int:
        """Bytes that a ciphertext has more than its cell, before base64."""
        return len(self.prefix) + self.head + self.tail

    def stored_lengths(self, lengths: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return how long cells of the given lengths become."""
        whole = lengths + self.overhead
        return (whole + 2) // 3 * 4 if self.text else whole

    def store_one(self, sealed: bytes) -> bytes:
        """Return one sealed cell in its stored form."""
        whole = self.prefix + sealed
        return pybase64.b64encode(whole) if self.text else whole

    def store(
        self,
        out: NDArray[np.uint8],
        starts: NDArray[np.int64],
        group: Group,
        head: NDArray[np.void],
        tail: Blocks | None,
    ) -> None:
        """Write a sealed group's cells into `out`, each at its own start."""
        if not self.text:
            for run in group.runs:
                where = slice(run.start, run.stop)
                scatter(
                    out, starts[where], joined(self._parts(group, run, head, tail), self.prefix)
                )
            return
        # Every run's rows, padded to a multiple of three, so that one call encodes them all.
        widths = [-(-(self.overhead + run.length) // 3) * 3 for run in group.runs]
        ends = np.cumsum(
            [width * (run.stop - run.start) for width, run in zip(widths, group.runs, strict=True)]
        ).tolist()
        flat = np.empty(ends[-1], np.uint8)
        for begin, end, width, run in zip([0, *ends], ends, widths, group.runs, strict=False):
            parts = self._parts(group, run, head, tail)
            joined(parts, self.prefix, width - self.overhead - run.length, flat[begin:end])
        encoded = np.frombuffer(pybase64.b64encode(flat.data), np.uint8)
        for begin, end, width, run in zip([0, *ends], ends, widths, group.runs, strict=False):
            chars, at = width // 3 * 4, starts[run.start : run.stop]
            scatter(out, at, encoded[begin // 3 * 4 : end // 3 * 4].view(f"V{chars}"))
            for place in range(1, width - self.overhead - run.length + 1):
                out[at + (chars - place)] = _PADDING

    def _parts(
        self, group: Group, run: Run, head: NDArray[np.void], tail: Blocks | None
    ) -> list[NDArray[np.void]]:
        """What the rows of a run are made of, behind the prefix."""
        where = slice(run.start, run.stop)
        parts = [head[where], *group.parts(run)]
        if tail is not None:
            parts.append(tail[where])
        return parts


def from_text(cells: Cells) -> tuple[Cells, NDArray[np.int64], NDArray[np.bool_]]:
    """Decode base64 cells.

    Returns:
        The decoded cells sorted by length, the index of each in the input, and whether each
        was well-formed; what was not stands there with undefined bytes.
    """
    lengths, well_formed = _decoded_lengths(cells)
    order = Cells(cells.data, cells.starts, lengths).by_length()
    lengths, well_formed, starts = lengths[order], well_formed[order], cells.starts[order]
    padded = (lengths + 2) // 3 * 3
    runs = runs_of(lengths)
    text = np.concatenate([*_text_rows(cells, starts, runs), np.frombuffer(_SPARE, np.uint8)])
    ends = np.cumsum(padded)
    begins = ends - padded
    data, bad = _decode(text)
    if len(bad):
        well_formed[np.searchsorted(ends, bad // 4 * 3, side="right")] = False
    for run in runs:
        for place in range(run.length, -(-run.length // 3) * 3):
            where = slice(run.start, run.stop)
            well_formed[where] &= data[begins[where] + place] == 0
    return Cells(data, begins, lengths), order, well_formed


def _decoded_lengths(cells: Cells) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """How many bytes each text decodes to; 0 for what cannot be base64."""
    well_formed = (cells.lengths % 4 == 0) & (cells.lengths > 0)
    last = np.where(well_formed, cells.starts + cells.lengths - 1, 0)
    one = cells.data[last] == _PADDING
    two = one & (cells.data[last - 1] == _PADDING)
    lengths = cells.lengths // 4 * 3 - one - two
    return np.where(well_formed, lengths, 0), well_formed


def _text_rows(cells: Cells, starts: NDArray[np.int64], runs: list[Run]) -> list[NDArray[np.uint8]]:
    """Gather each run's texts, with zero bits in the place of the padding."""
    made = []
    for run in runs:
        if run.length == 0:
            continue
        width = (run.length + 2) // 3 * 4
        rows = cells.windows(width)[starts[run.start : run.stop]].view(np.uint8)
        for place in range(-run.length % 3):
            rows[width - 1 - place :: width] = _ZERO
        made.append(rows)
    return made


def _decode(text: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Decode, and name the places of characters that are not base64."""
    try:
        return np.frombuffer(pybase64.b64decode(text.data, validate=True), np.uint8), _NOWHERE
    except binascii.Error:
        bad = np.flatnonzero(~_IS_BASE64[text])
        text[bad] = _ZERO
        return np.frombuffer(pybase64.b64decode(text.data, validate=True), np.uint8), bad


_NOWHERE = np.empty(0, np.int64)
