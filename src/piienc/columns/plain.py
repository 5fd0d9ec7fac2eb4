"""Values in types that Arrow computes with: no views, and no extension types."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
from pyarrow import types

from piienc.columns.uuids import is_uuid, text_of_uuids

if TYPE_CHECKING:
    from collections.abc import Callable


def plain_type(kind: pa.DataType) -> pa.DataType:
    """Return the type that `plain_values` makes of a type."""
    return plain_values(pa.nulls(0, kind)).type


def plain_values(array: pa.Array) -> pa.Array:
    """Return values in a type that Arrow computes with.

    Views and extension types become what they stand for: a UUID its text. All else stays as it is.
    """
    kind = array.type
    if isinstance(kind, pa.BaseExtensionType):
        return text_of_uuids(array.storage) if is_uuid(kind) else plain_values(array.storage)
    if types.is_dictionary(kind) and plain_type(kind.value_type) != kind.value_type:
        return plain_values(array.dictionary_decode())
    plain = _without_views(kind)
    return array if plain == kind else array.cast(plain)


def _without_views(kind: pa.DataType) -> pa.DataType:
    """Return a type in which strings and bytes are no views, at whatever depth."""
    return next((make(kind) for fits, make in _FORMS if fits(kind)), kind)


def _element(kind: pa.DataType) -> pa.Field:
    return kind.value_field.with_type(_without_views(kind.value_type))


def _struct(kind: pa.DataType) -> pa.DataType:
    return pa.struct([each.with_type(_without_views(each.type)) for each in kind])


_FORMS: tuple[tuple[Callable[[pa.DataType], bool], Callable[[pa.DataType], pa.DataType]], ...] = (
    (types.is_string_view, lambda _: pa.large_string()),
    (types.is_binary_view, lambda _: pa.large_binary()),
    (lambda kind: isinstance(kind, pa.BaseExtensionType), lambda k: _without_views(k.storage_type)),
    (types.is_struct, _struct),
    (types.is_map, lambda k: pa.map_(_without_views(k.key_type), _without_views(k.item_type))),
    (types.is_fixed_size_list, lambda kind: pa.list_(_element(kind), kind.list_size)),
    (types.is_large_list, lambda kind: pa.large_list(_element(kind))),
    (types.is_list, lambda kind: pa.list_(_element(kind))),
)
"""For each kind of type: whether a type is one, and the plain one in its place."""
