"""Manifests: files behind the data that tell a receiver what is in it.

`MANIFESTS` has every form of them, each in a package or a module of its own.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Literal, Protocol, cast

from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from piienc.base.document import Table
    from piienc.schema import Schema

MANIFESTS: Mapping[str, str] = {"manifest": "piienc.receivers.clevertap"}
"""By the trigger that asks for it in a profile, where a form is: see `ManifestForm`."""


class Problem(Struct, frozen=True):
    """A mistake in a manifest.

    Attributes:
        rule: the kind of mistake, for scripts.
        place: the field, or the line and the column.
        message: what is wrong, without any value of a cell and without any address.
        level: an error is refused or dropped by the receiver; a warning may be meant so.
    """

    rule: str
    place: str
    message: str
    level: Literal["error", "warning"] = "error"


class ManifestForm(Protocol):
    """What a form of manifests has.

    Attributes:
        ManifestTable: what may be said beside the schema, in `[destinations.NAME.manifest]`.
    """

    ManifestTable: type[Table]

    def build(
        self,
        facts: Any,  # noqa: ANN401  # each form has its own
        *,
        data_name: str,
        schema: Schema,
        header: Sequence[str] | None = None,
    ) -> bytes:
        """Make the manifest of a data file.

        Args:
            facts: a `ManifestTable`.
            data_name: the data file's name at the receiver.
            schema: the data file's.
            header: the columns of the data file, if they are known.

        Raises:
            ConfigError: the receiver would refuse or drop it.
        """

    def lint(
        self,
        manifest: bytes,
        *,
        data_name: str | None = None,
        header: Sequence[str] | None = None,
        schema: Schema | None = None,
        name: str | None = None,
    ) -> list[Problem]:
        """Find what is wrong with a manifest, which has this name at the receiver."""

    def name_for(self, data_name: str, unique: str) -> str:
        """Return a name for a data file's manifest that no other manifest has."""


def form_of(trigger: str) -> ManifestForm:
    """Return the form of the manifests that a trigger asks for."""
    return cast("ManifestForm", import_module(MANIFESTS[trigger]))
