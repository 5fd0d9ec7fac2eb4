"""The costs of turning a passphrase into a key, and the bounds of what a file may ask for."""

from __future__ import annotations

from msgspec import Struct

from piienc.errors import KeyAccessError

SALT_SIZE = 16  # bytes; RFC 9106, section 4: 128 bits

MAX_ITERATIONS = 16
MAX_LANES = 16
MAX_MEMORY_KIB = 1 << 20  # 1 GiB: a hostile key file must not take the machine's memory


class Argon2Profile(Struct, frozen=True):
    """The parameters of Argon2id (RFC 9106), checked when made.

    Attributes:
        iterations: t, the passes over the memory.
        lanes: p, the degree of parallelism.
        memory_kib: m, the memory in KiB, at least 8 a lane.

    Raises:
        KeyAccessError: a parameter is not possible, or above its bound.
    """

    iterations: int
    lanes: int
    memory_kib: int

    def __post_init__(self) -> None:
        if not (
            1 <= self.iterations <= MAX_ITERATIONS
            and 1 <= self.lanes <= MAX_LANES
            and 8 * self.lanes <= self.memory_kib <= MAX_MEMORY_KIB
        ):
            raise KeyAccessError(
                "the cost of the passphrase's Argon2id is out of bounds",
                hint=f"iterations: 1 to {MAX_ITERATIONS}, lanes: 1 to {MAX_LANES}, "
                f"memory: 8 KiB a lane to {MAX_MEMORY_KIB} KiB",
            )


RFC_9106_LOW_MEMORY = Argon2Profile(iterations=3, lanes=4, memory_kib=64 * 1024)
"""RFC 9106, section 4, the second recommended option: t=3, p=4, m=64 MiB."""

CHEAPEST_FOR_TESTS_ONLY = Argon2Profile(iterations=1, lanes=1, memory_kib=8)
"""The least that Argon2id takes. It protects nothing: never use it outside of tests."""
