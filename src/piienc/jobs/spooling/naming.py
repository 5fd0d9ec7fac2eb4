"""The names of a job's files at the destination."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import PurePath
from typing import TYPE_CHECKING

from piienc.errors import ConfigError
from piienc.remote import safe_name
from piienc.storage.content import COMPRESSED
from piienc.tables import promised_format

if TYPE_CHECKING:
    from pathlib import Path


def name_for(source: Path, pattern: str, number: int) -> str:
    """Return a file's name before it is wrapped, by the job's pattern.

    Args:
        source: the file. `{stem}` is its name without its endings, `{suffix}` these.
        pattern: with fields in braces.
        number: of the file in its job: `{sequence}`.

    Raises:
        ConfigError: the name's suffix is of another format than the source's.
        PiiencError: it is not a valid file name.
    """
    now = datetime.now(UTC)
    suffix = source.suffix
    if suffix.lower() in COMPRESSED:
        suffix = PurePath(source.stem).suffix + suffix
    name = pattern.format(
        name=source.name,
        stem=source.name.removesuffix(suffix),
        suffix=suffix,
        date=f"{now:%Y-%m-%d}",
        time=f"{now:%H%M%S}",
        sequence=number,
    )
    # Where one of them promises nothing, the source's content tells, when it is encrypted.
    promised = promised_format(name), promised_format(source.name)
    if all(promised) and promised[0] != promised[1]:
        raise ConfigError(
            f"the job's name {pattern!r} makes {name} of {source.name}, which is another format",
            hint='end it as the source does: name = "{stem}-{date}{suffix}"',
        )
    return safe_name(name)
