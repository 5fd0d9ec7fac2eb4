"""A job made ready: of what the settings say to all that sending takes, each part by itself."""

from __future__ import annotations

import hashlib
from functools import cached_property
from typing import TYPE_CHECKING, Any

from msgspec import Struct
from msgspec.structs import replace

from piienc import receivers as profiles
from piienc import schema as schemas
from piienc.deliver.push import PushRequest, rules_of
from piienc.errors import ConfigError
from piienc.jobs.context import JobContext, ignore_event
from piienc.keys import KeyFolder
from piienc.keys.openpgp.folder import PgpFolder
from piienc.openpgp.request import WrapRequest
from piienc.report.model import SchemaFacts
from piienc.state import Ledger
from piienc.transform.marks import chosen_treatments
from piienc.verification.available_keys import AvailableKeys

if TYPE_CHECKING:
    from collections.abc import Callable

    from piienc.audit.entry import AuditEntry
    from piienc.audit.evidence import AnyReceipt
    from piienc.deliver.endpoint import Endpoint
    from piienc.jobs.context import OnEvent
    from piienc.keys import Keyset, Unlocker
    from piienc.receivers import Profile
    from piienc.remote.retry import OnRetry
    from piienc.schema import Schema
    from piienc.settings import Settings
    from piienc.settings.destination import Destination
    from piienc.settings.job import Job


class JobContextBuilder(Struct, frozen=True, dict=True):
    """What sending is made of; a part is made when it is first asked for.

    Attributes:
        settings: where things are.
        job: what is sent.
        destination: where to.
        connect: makes the way there.
        unlocker: opens the keys that are locked.
        told: of each step.
        on_retry: see `piienc.remote.retrying`.
        used: told of each AES key that is loaded: its name, and its key ids.
        evidence: takes the receipt of each step, for the audit log.
        attested: adds to a document the place that the audit log has come to.
        again: also sources that were sent already.
        dry_run: all but the upload.
        threads: units worked on side by side; 0 means one for each core that may be used.
    """

    settings: Settings
    job: Job
    destination: Destination
    connect: Callable[[], Endpoint]
    unlocker: Unlocker
    told: OnEvent = ignore_event
    on_retry: OnRetry | None = None
    used: Callable[[str, tuple[int, ...]], object] = lambda _name, _ids: None
    evidence: Callable[[AnyReceipt], object] = lambda _: None
    attested: Callable[[dict[str, Any]], dict[str, Any]] = lambda document: document
    again: bool = False
    dry_run: bool = False
    threads: int = 0

    @cached_property
    def schema(self) -> Schema:
        """The schema of the sources.

        Raises:
            ConfigError: it cannot be read, has mistakes, or marks nothing.
        """
        found = schemas.load(self.job.schema)
        if not found.marked:
            raise ConfigError(
                f"the schema {found.name!r} marks no column, so there is nothing to encrypt",
                hint='mark a column: encrypt = "KEY" under [columns.NAME]',
            )
        chosen_treatments(found, self.job.treatments)
        return found

    @cached_property
    def profile(self) -> Profile:
        """What the receiver demands.

        Raises:
            ConfigError: there is no such profile.
        """
        return profiles.load(self.destination.profile, self.settings.profiles)

    @cached_property
    def wrapping(self) -> WrapRequest:
        """For whom the files are wrapped, and how.

        Raises:
            ConfigError: for nobody.
        """
        recipients = self.destination.recipients
        if not recipients:
            raise ConfigError(
                "the destination has no recipients, and nothing is sent that is not wrapped",
                hint='add recipients = ["NAME"] to it in piienc.toml, or say --recipient NAME',
            )
        signer = self.job.sign_with
        return WrapRequest(self.profile, tuple(dict.fromkeys(recipients)), signer)

    @cached_property
    def way(self) -> Endpoint:
        """The destination, and how it is reached.

        Raises:
            PiiencError: see `piienc.deliver.endpoint.way_to`.
        """
        return self.connect()

    @cached_property
    def pgp(self) -> PgpFolder:
        """The OpenPGP keys."""
        return PgpFolder(self.settings.keys_dir, self.unlocker)

    @cached_property
    def aes(self) -> KeyFolder:
        """The AES keys."""
        return KeyFolder(self.settings.keys_dir, self.unlocker)

    def keyset(self, name: str) -> Keyset:
        """Return a keyset.

        Raises:
            KeyAccessError: it is missing, or locked.
        """
        keyset = self.aes.load(name)
        self.used(name, tuple(key.key_id for key in keyset.keys))
        return keyset

    def pushing(self) -> PushRequest:
        """Return how files get to the destination.

        Raises:
            PiiencError: see `piienc.deliver.push.rules_of`; or a recipient's key is not there.
        """
        rules = rules_of(self.way, self.profile, schema=self.schema)
        recipients = {
            key.name: frozenset(part.key_id for part in key.parts)
            for key in self.pgp.load(self.wrapping.recipients)
        }
        ledger = Ledger(self.settings.state_dir)
        return PushRequest(self.way, self.profile, rules, recipients, ledger, self.on_retry)

    def recorded_by(self, entry: AuditEntry) -> JobContextBuilder:
        """Return the same, told to an entry of the audit log."""
        return replace(self, used=entry.key, evidence=entry.receipt, attested=entry.attested)

    def sending(self) -> JobContext:
        """Return all of it.

        Raises:
            PiiencError: of the first part that cannot be made.
        """
        schema, job = self.schema, self.job
        content = hashlib.sha256(job.schema.read_bytes()).hexdigest()
        return JobContext(
            job=job,
            state=self.settings.state_dir,
            schema=schema,
            facts=SchemaFacts(schema.name, schema.version, str(job.schema), content),
            keys=self.keyset,
            at_hand=AvailableKeys(self.aes, used=False),
            wrapping=self.wrapping,
            pgp=self.pgp,
            pushing=self.pushing(),
            told=self.told,
            evidence=self.evidence,
            attested=self.attested,
            again=self.again,
            dry_run=self.dry_run,
            threads=self.threads,
        )
