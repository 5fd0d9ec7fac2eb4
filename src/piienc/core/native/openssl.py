"""What the core calls back for: OpenSSL, through `cryptography`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, AESSIV

from piienc.core.native.library import CALL
from piienc.core.native.memory import read_only, writable

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from cryptography.hazmat.primitives.ciphers import CipherContext

    from piienc.core.interface import ColumnKey

    Aead = Callable[[bytes, bytes], bytes]
    """Takes a cell and its IV, which AES-SIV has none of."""

_HALVES, _OPEN = (0, 1), 3  # what the core calls for: see border.rs
_FAILED, _NOT_AUTHENTIC = 1, 2  # what it is told then


class OpenSslCalls:
    """What the core calls for AES; what goes wrong in it is raised when the core is back.

    Attributes:
        call: the function that it calls.
        failed: why that has failed, if it has.
    """

    def __init__(self, keys: Sequence[ColumnKey]) -> None:
        failed: list[BaseException] = []
        aes: dict[tuple[int, int], CipherContext] = {}
        aeads: dict[int, tuple[Aead, Aead]] = {}

        # The function does not know this object: a circle would keep keys alive.
        def work(
            number: int, what: int, given: memoryview, iv: memoryview, made: memoryview
        ) -> None:
            if what in _HALVES:
                if (number, what) not in aes:
                    aes[number, what] = _encryptor(keys[number], what)
                aes[number, what].update_into(given, made)
            else:
                if number not in aeads:
                    aeads[number] = aead_of(keys[number])
                made[:] = aeads[number][what == _OPEN](bytes(given), bytes(iv))

        def call(number: int, what: int, *memory: int) -> int:
            start, size, iv, iv_size, out, room = memory
            try:
                given, made = read_only(start, size), writable(out, room)
                work(number, what, given, read_only(iv, iv_size), made)
            except InvalidTag:
                return _NOT_AUTHENTIC
            except BaseException as error:  # noqa: BLE001  # it must not fly through the core
                failed.append(error)
                return _FAILED
            return 0

        self.call, self.failed = CALL(call), failed


def _encryptor(key: ColumnKey, half: int) -> CipherContext:
    """Return AES in bulk: not a mode to protect data with, but the primitive of those that do."""
    material = key.material.reveal()
    if key.mode == "searchable":  # RFC 5297, 2.2: the MAC's key, then the counters'
        material = material[32:] if half else material[:32]
    return Cipher(algorithms.AES(material), modes.ECB()).encryptor()  # noqa: S305  # see above


def aead_of(key: ColumnKey) -> tuple[Aead, Aead]:
    """Return what seals one cell under a key, and what opens it."""
    if key.mode == "searchable":
        siv, components = AESSIV(key.material.reveal()), [key.context]
        return (
            lambda cell, _: siv.encrypt(cell, components),
            lambda sealed, _: siv.decrypt(sealed, components),
        )
    gcm = AESGCM(key.material.reveal())
    return (
        lambda cell, iv: gcm.encrypt(iv, cell, key.context),
        lambda sealed, iv: gcm.decrypt(iv, sealed, key.context),
    )
