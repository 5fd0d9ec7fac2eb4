"""Reports of verifications: what was found, and how it is written for each reader.

`FORMATS` has every way to write a `Report` as text. The functions are pure, and what is heavy is
imported by the one that needs it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from piienc.report.formats.as_github import github
from piienc.report.formats.as_html import html
from piienc.report.formats.as_json import json
from piienc.report.formats.as_junit import junit
from piienc.report.formats.as_markdown import markdown
from piienc.report.formats.as_sarif import sarif

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from piienc.report.model import Report

__all__ = ["FORMATS"]

FORMATS: Mapping[str, Callable[[Report], str]] = {
    "json": json,
    "junit": junit,
    "github": github,
    "markdown": markdown,
    "sarif": sarif,
    "html": html,
}
"""By name, what writes a report as text, which ends with a line break."""
