"""Secret bytes that do not show themselves by accident."""

from __future__ import annotations

import hmac
from typing import NoReturn


class SecretBytes:
    """Key material or a passphrase; `reveal()` is the only way to its bytes.

    Its repr and str are redacted, it cannot be pickled, and it compares in constant time.
    To find every place that handles a secret in clear, search for `reveal(`.
    """

    __slots__ = ("_value",)

    def __init__(self, value: bytes) -> None:
        self._value = bytes(value)

    def reveal(self) -> bytes:
        """Return the bytes in clear."""
        return self._value

    def __len__(self) -> int:
        return len(self._value)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, SecretBytes):
            return NotImplemented
        return hmac.compare_digest(self._value, other._value)

    __hash__ = None  # type: ignore[assignment]  # a hash of a secret would betray it

    def __repr__(self) -> str:
        return f"SecretBytes({len(self._value)} bytes, redacted)"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a secret cannot be pickled or copied")
