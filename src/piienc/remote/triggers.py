"""The names of empty files behind the data that tell a receiver to begin."""

from __future__ import annotations

from piienc.errors import PolicyError
from piienc.remote.names import safe_name


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
