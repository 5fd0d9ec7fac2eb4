"""All that a job takes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from msgspec import Struct, field

from piienc.columns import Kernels

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from piienc.audit.evidence import AnyReceipt
    from piienc.deliver.push import PushRequest
    from piienc.keys import Keyset
    from piienc.keys.openpgp.folder import PgpFolder
    from piienc.openpgp.request import WrapRequest
    from piienc.receivers import Profile
    from piienc.report.model import SchemaFacts
    from piienc.schema import Schema
    from piienc.settings.job import Job
    from piienc.verification.plan import Keys


class OnEvent(Protocol):
    """Who is told of each step."""

    def __call__(self, event: str, /, **facts: object) -> None:
        """Take an event by its name, with what belongs to it: names, counts, hashes."""


def ignore_event(_event: str, /, **_facts: object) -> None:
    """Take an event, and tell nobody."""


class JobContext(Struct, frozen=True, kw_only=True):
    """A job, and all that it takes.

    Attributes:
        job: what the settings say.
        state: the state folder.
        schema: of the sources.
        facts: the schema's own, for reports.
        keys: finds an AES keyset by its name.
        at_hand: the same keys, for the verification.
        wrapping: for whom the files are wrapped, and how.
        pgp: the key folder's OpenPGP keys.
        pushing: the destination, and how files get there.
        told: of each step.
        evidence: takes the receipt of each step, for the audit log.
        attested: adds to a document the place that the audit log has come to.
        again: also sources that were sent already.
        dry_run: all but the upload; nothing is kept.
        threads: units worked on side by side; 0 means one for each core that may be used.
        kernels: made for the first file, and used for all of them.
    """

    job: Job
    state: Path
    schema: Schema
    facts: SchemaFacts
    keys: Callable[[str], Keyset]
    at_hand: Keys
    wrapping: WrapRequest
    pgp: PgpFolder
    pushing: PushRequest
    told: OnEvent
    evidence: Callable[[AnyReceipt], object]
    attested: Callable[[dict[str, Any]], dict[str, Any]]
    again: bool = False
    dry_run: bool = False
    threads: int = 0
    kernels: Kernels = field(default_factory=Kernels)

    @property
    def label(self) -> str:
        """What the ledger and the lock call the job."""
        if self.job.name is not None:
            return self.job.name
        return f"{self.schema.name} to {self.pushing.way.url}"

    @property
    def profile(self) -> Profile:
        """What the receiver demands."""
        return self.pushing.profile

    @property
    def spool(self) -> Path:
        """The folder of wrapped files that are to be delivered, or were lately.

        The ledger of transfers knows it, wherever a run is started.
        """
        return (self.state / "spool").absolute()
