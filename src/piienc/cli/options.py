"""The options that several commands share, with their help."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from piienc import settings

if TYPE_CHECKING:
    from piienc.settings import Settings

EPILOG = "The exit codes are those of 'piienc --help'."

Keys = Annotated[
    Path | None,
    typer.Option("--keys", metavar="DIR", help="The key folder. Default: keys, or PIIENC_KEYS."),
]
Config = Annotated[
    Path | None,
    typer.Option("--config", metavar="FILE", help="Default: the nearest piienc.toml upwards."),
]
State = Annotated[
    Path | None,
    typer.Option("--state", metavar="DIR", help="The state folder. Default: .piienc."),
]
Json = Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Say nothing but errors.")]
NoInput = Annotated[bool, typer.Option("--no-input", help="Never ask.")]
Force = Annotated[bool, typer.Option("--force", help="Replace an existing output.")]
Threads = Annotated[
    int, typer.Option("--threads", min=0, max=256, metavar="N", help="0: one for each core.")
]
PassphraseFile = Annotated[
    Path | None,
    typer.Option("--passphrase-file", metavar="FILE", help="Holds the keys' passphrase."),
]
PassphraseFd = Annotated[
    int | None,
    typer.Option("--passphrase-fd", min=0, metavar="N", help="An open descriptor to read it from."),
]


def settled(config: Path | None, keys: Path | None, state: Path | None = None) -> Settings:
    """Return where things are for this run."""
    return settings.load(config=config, keys=keys, state=state, environ=os.environ, cwd=Path())
