"""The options that name a moment."""

from __future__ import annotations

import contextlib
from datetime import UTC, datetime, timedelta

from piienc.errors import UsageError


def moment_of(value: str | None, option: str, *, behind: bool = False) -> str | None:
    """Return a moment in UTC, as ISO 8601: the beginning of a day, or of the day behind it.

    Raises:
        UsageError: it is no date.
    """
    if value is None:
        return None
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        raise UsageError(f"{option} {value!r} is no date", hint="write it as 2026-11-24") from None
    moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    if behind and len(value) <= len("2026-11-24"):
        with contextlib.suppress(OverflowError):  # the last day that there is
            moment += timedelta(days=1)
    return moment.isoformat(timespec="seconds").replace("+00:00", "Z")
