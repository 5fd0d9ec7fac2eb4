"""The trigger file, which follows the data and starts the receiver's import."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import structs

from piienc.base import document
from piienc.errors import ConfigError, PolicyError, UsageError
from piienc.receivers.manifest import MANIFESTS, form_of
from piienc.remote import safe_name

if TYPE_CHECKING:
    from collections.abc import Callable

    from piienc.receivers import Profile
    from piienc.schema import Schema
    from piienc.settings.destination import Destination

    Trigger = Callable[[str, str], tuple[str, bytes] | None]
    """Makes name and content, of the data file's name and the transfer's id."""


def trigger_of(destination: Destination, profile: Profile, schema: Schema | None) -> Trigger:
    """Return what makes the trigger file of each data file.

    Raises:
        UsageError: a manifest is demanded, and there is no schema.
        ConfigError: a manifest is demanded, and the destination has no table for it, or one
            with mistakes.
    """
    kind = destination.trigger or profile.trigger
    if kind == "none":
        return lambda _name, _id: None
    if kind not in MANIFESTS:
        swaps = profile.trigger_swaps_ending
        return lambda name, _id: (trigger_name(kind, name, swaps_ending=swaps), b"")
    form = form_of(kind)
    where = f"[destinations.{destination.name or 'NAME'}.manifest]"
    if destination.manifest is None:
        required = [field.name for field in structs.fields(form.ManifestTable) if field.required]
        raise ConfigError(
            f"{profile.name} waits for a manifest, and nothing is said of it",
            hint=f"add {where} with {' and '.join(required)} to piienc.toml",
        )
    if schema is None:
        raise UsageError(
            f"{profile.name} waits for a manifest, which is made of the schema",
            hint="name it: --schema FILE",
        )
    facts = document.table_of(destination.manifest, form.ManifestTable, where)
    return lambda name, unique: (
        form.name_for(name, unique),
        form.build(facts, data_name=name, schema=schema),
    )


def trigger_name(trigger: str, data_name: str, *, swaps_ending: bool) -> str:
    """Return the name of a data file's trigger.

    Args:
        trigger: its ending, `.fin` or `.DONE`.
        data_name: the data file's name at the receiver.
        swaps_ending: the profile's `trigger_swaps_ending`: whether the trigger's
            ending takes the place of the data file's last one, or is appended.

    Raises:
        PolicyError: the name of the data file or of the trigger is not plain, or they are the
            same.
    """
    stem, _, _ = safe_name(data_name).rpartition(".")
    # A name without an ending, or that begins with its only dot, has nothing to replace.
    base = stem if swaps_ending and stem else data_name
    name = safe_name(base + trigger)
    if name == data_name:
        raise PolicyError(
            f"the data file {name!r} has the name of its own trigger",
            hint=f"give it another ending than {trigger}",
        )
    return name
