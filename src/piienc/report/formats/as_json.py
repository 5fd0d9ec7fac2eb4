"""A report as a JSON document, for scripts."""

from __future__ import annotations

from json import dumps
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from piienc.report.model import Report


def json(report: Report) -> str:
    """Write a report's document as `--json` shows it: two blanks a level, ASCII alone."""
    return dumps(report.document(), indent=2) + "\n"
