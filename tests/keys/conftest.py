"""What the tests of the keys share: keysets of every shape, as `st.from_type(Keyset)`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import strategies as st

from piienc.base.secret import SecretBytes
from piienc.keys import Key, Keyset, Mode, Prefix, Status

if TYPE_CHECKING:
    from collections.abc import Callable

SIZES = {Mode.SEARCHABLE: [64], Mode.SEALED: [32, 16]}


@st.composite
def keysets(draw: Callable) -> Keyset:
    mode = draw(st.sampled_from(Mode))
    ids = draw(st.lists(st.integers(1, 2**32 - 1), min_size=1, max_size=4, unique=True))
    primary = draw(st.sampled_from(ids))
    keys = []
    for key_id in ids:
        status = Status.ENABLED if key_id == primary else draw(st.sampled_from(Status))
        size = 0 if status is Status.DESTROYED else draw(st.sampled_from(SIZES[mode]))
        material = SecretBytes(draw(st.binary(min_size=size, max_size=size)))
        keys.append(Key(key_id, material, status, draw(st.sampled_from(Prefix))))
    return Keyset(mode, primary, tuple(keys))


st.register_type_strategy(Keyset, keysets())
