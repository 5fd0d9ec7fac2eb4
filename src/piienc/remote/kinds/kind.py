"""The interface of a kind of destination."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Callable
    from urllib.parse import SplitResult

    from piienc.remote.options import ConnectOptions
    from piienc.remote.remote import Remote
    from piienc.remote.url import RemoteUrl


class DestinationFeatures(Struct, frozen=True):
    """The features of all destinations of a kind.

    Attributes:
        rename: a file may grow under a hidden name, and then get its final name in one step.
        append: an interrupted file may be opened again and resumed.
        local: its folders are on this machine.
    """

    rename: bool = True
    append: bool = True
    local: bool = False


class DestinationKind(Struct, frozen=True):
    """A kind of destination.

    Attributes:
        form: how its URLs are written, for a hint.
        parse: makes a URL of its parts, or raises a `ValueError` that says what is wrong.
        places: see `piienc.remote.places_of`.
        connect: see `piienc.remote.open_remote`.
        features: what it can do.
    """

    form: str
    parse: Callable[[SplitResult], RemoteUrl]
    places: Callable[[RemoteUrl, ConnectOptions], tuple[str, ...]]
    connect: Callable[[RemoteUrl, ConnectOptions], Remote]
    features: DestinationFeatures = DestinationFeatures()
