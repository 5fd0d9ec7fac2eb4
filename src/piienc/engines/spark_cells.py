"""Cells of sealed keys: the driver counts them before a worker encrypts them.

An action may run again, be retried, run twice at a time, or stop early (`show`, `take`): what came
of it, Spark tells afterwards, in part, or not at all. So a worker asks for each batch, and waits
for the answer. Both know a secret, which travels with the plan; it opens nothing but the count.
"""

from __future__ import annotations

import atexit
import hmac
import json
import secrets
import socket
import socketserver
import threading
from contextlib import suppress
from functools import cache
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from piienc import errors

if TYPE_CHECKING:
    from collections.abc import Mapping

    from piienc.keys import Key
    from piienc.state import CellCounter

_LONGEST = 1 << 12  # bytes of a line
_PATIENCE = 60.0  # seconds for one answer
_STRANGERS = 10.0  # seconds for who has not proved to know the secret


class Ticket(Struct, frozen=True):
    """What a worker needs to ask the driver.

    Attributes:
        host: the driver's.
        port: that of its `CellServer`.
        name: of what is encrypted.
        secret: known to the driver and to who works for it.
    """

    host: str
    port: int
    name: str
    secret: bytes

    def __repr__(self) -> str:
        """Return what it is, without the secret."""
        return f"Ticket({self.host!r}, {self.port}, {self.name!r})"

    def proof(self, challenge: str) -> str:
        """Return what only who knows the secret can answer."""
        return hmac.digest(self.secret, challenge.encode(), "sha256").hex()


class CellClient:
    """Asks the driver, over one connection, which is made when it is needed first."""

    def __init__(self, ticket: Ticket) -> None:
        self._ticket = ticket
        self._lines: _Documents | None = None

    def spend(self, key: Key, cells: int) -> None:
        """Have cells counted before they are encrypted.

        Raises:
            KeyAccessError: the key would encrypt more cells than is safe.
            ConnectError: the driver does not answer.
        """
        try:
            lines = self._lines or self._connected()
            lines.send({"key": key.fingerprint, "cells": cells})
            answer = lines.receive()
        except (OSError, ValueError) as error:
            self.close()
            ticket = self._ticket
            raise errors.ConnectError(
                f"cannot count sealed cells: the driver does not answer at {ticket.host} port "
                f"{ticket.port}: {type(error).__name__}",
                hint="let workers connect to the driver there; spark.piienc.port sets the port",
            ) from None
        if "class" in answer:
            raise error_of(answer)

    def close(self) -> None:
        """End the connection."""
        if self._lines is not None:
            self._lines.close()
            self._lines = None

    def _connected(self) -> _Documents:
        ticket = self._ticket
        connection = socket.create_connection((ticket.host, ticket.port), timeout=_PATIENCE)
        lines = self._lines = _Documents(connection)
        challenge = str(lines.receive()["challenge"])
        lines.send({"name": ticket.name, "proof": ticket.proof(challenge)})
        return lines


class CellServer(socketserver.ThreadingTCPServer):
    """Counts for the workers of this driver; see `counting`."""

    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 128

    def __init__(self, host: str, port: int) -> None:
        super().__init__((host, port), _Conversation)
        self.counts: dict[str, tuple[Ticket, CellCounter, Mapping[str, Key]]] = {}
        threading.Thread(target=self.serve_forever, name="piienc-cells", daemon=True).start()

    def handle_error(self, *_: object) -> None:
        """Say nothing: who asks has an error of its own."""


def counting(
    counter: CellCounter, keys: Mapping[str, Key], host: str, *, bind: str, port: int
) -> Ticket:
    """Count cells for workers from now on; what is reserved and not used is given back at exit.

    Args:
        counter: counts.
        keys: the keys that it counts for, by fingerprint.
        host: how workers call this machine.
        bind: the address to listen at.
        port: the port to listen at; 0 means any.

    Raises:
        ConfigError: cannot listen there.
    """
    try:
        server = _server(bind, port)
    except (OSError, OverflowError) as error:
        raise errors.ConfigError(
            f"cannot listen at {bind} port {port} for the workers' counts: {error}",
            hint="set spark.driver.bindAddress and spark.piienc.port for this driver",
        ) from None
    name = secrets.token_hex(8)
    ticket = Ticket(host, server.server_address[1], name, secrets.token_bytes(32))
    server.counts[name] = ticket, counter, keys
    atexit.register(counter.close)
    return ticket


def other_keys() -> errors.KeyAccessError:
    """Return the error of a worker that has other keys than its driver."""
    return errors.KeyAccessError(
        "a sealed key of the workers is none of the driver's, so nobody counts its cells",
        hint="give the workers the same keys: worker_keys=FOLDER",
    )


def facts_of(error: errors.PiiencError) -> dict[str, Any]:
    """Return an error of ours as a document of JSON."""
    return {"class": type(error).__name__, "message": str(error), "hint": error.hint}


def error_of(facts: Mapping[str, Any]) -> errors.PiiencError:
    """Return the error of ours that a document tells of.

    Raises:
        ValueError: it tells of none.
    """
    kind = getattr(errors, str(facts.get("class")), None)
    if not (isinstance(kind, type) and issubclass(kind, errors.PiiencError)):
        raise ValueError("no error of piienc")  # noqa: TRY004  # as of what is no JSON
    return kind(str(facts.get("message")), hint=facts.get("hint"))


@cache
def _server(bind: str, port: int) -> CellServer:
    return CellServer(bind, port)


class _Documents:
    """A connection on which each side sends documents of JSON, one a line."""

    def __init__(self, connection: socket.socket) -> None:
        self.connection, self._file = connection, connection.makefile("rb")

    def send(self, document: Mapping[str, Any]) -> None:
        self.connection.sendall(json.dumps(document).encode() + b"\n")

    def receive(self) -> dict[str, Any]:
        """Return the next document, or raise ValueError: there is none."""
        line = self._file.readline(_LONGEST)
        document = json.loads(line) if line.endswith(b"\n") else None
        if not isinstance(document, dict):
            raise ValueError("no document")  # noqa: TRY004  # as of what is no JSON
        return document

    def close(self) -> None:
        with suppress(OSError):
            self._file.close()
            self.connection.close()


class _Conversation(socketserver.BaseRequestHandler):
    """What the driver hears on one connection."""

    server: CellServer

    def handle(self) -> None:
        """Answer until the other side ends it."""
        lines, challenge = _Documents(self.request), secrets.token_hex(16)
        self.request.settimeout(_STRANGERS)
        with suppress(OSError, ValueError, KeyError, TypeError):
            lines.send({"challenge": challenge})
            first = lines.receive()
            ticket, counter, keys = self.server.counts[first["name"]]
            if not hmac.compare_digest(ticket.proof(challenge), first["proof"]):
                return
            self.request.settimeout(None)
            while True:
                asked = lines.receive()
                lines.send(_counted(counter, keys.get(asked["key"]), int(asked["cells"])))


def _counted(counter: CellCounter, key: Key | None, cells: int) -> dict[str, Any]:
    try:
        if key is None:
            raise other_keys()
        counter.spend(key, max(0, cells))
    except errors.PiiencError as error:
        return facts_of(error)
    return {}
