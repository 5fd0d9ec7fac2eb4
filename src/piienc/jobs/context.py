"""Everything a job needs, made from the settings; each part is made on first use."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol

from msgspec import Struct
from msgspec.structs import replace

from piienc import receivers as profiles
from piienc import schema as schemas
from piienc.deliver.push import PushRequest, rules_of
from piienc.errors import ConfigError
from piienc.keys import KeyFolder
from piienc.keys.openpgp.folder import PgpFolder
from piienc.openpgp.encryptor import WrapRequest
from piienc.report.model import SchemaFacts
from piienc.state import Ledger
from piienc.transform.marks import chosen_treatments
from piienc.transform.treatments import TREATMENTS
from piienc.transform.treatments.omit import OMIT
from piienc.verification.available_keys import AvailableKeys

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from piienc.audit.facts import AnyReceipt
    from piienc.deliver.endpoint import Endpoint
    from piienc.keys import Keyset, Unlocker
    from piienc.receivers import Profile
    from piienc.remote.retry import OnRetry
    from piienc.schema import Schema
    from piienc.settings import Settings
    from piienc.settings.destination import Destination
    from piienc.settings.job import Job


class OnEvent(Protocol):
    """Called at each step."""

    def __call__(self, event: str, /, **facts: object) -> None:
        """Take an event by its name, with what belongs to it: names, counts, hashes."""


def ignore_event(_event: str, /, **_facts: object) -> None:
    """Take an event, and do nothing."""


class JobContext(Struct, frozen=True, dict=True):
    """A job, and everything it needs.

    Attributes:
        settings: the locations of keys and state.
        job: the job.
        destination: its destination.
        connect: makes the endpoint of the destination.
        unlocker: opens the keys that are locked.
        on_event: called at each step.
        on_retry: see `piienc.remote.retrying`.
        on_key: called with the name and the key ids of each AES key that is loaded.
        on_receipt: called with the receipt of each step, for the audit log.
        with_position: adds the position of the audit log to a document.
        again: also send sources that were already sent.
        dry_run: do everything but the upload, and keep nothing.
        threads: the number of units in parallel; 0 means one for each usable core.
    """

    settings: Settings
    job: Job
    destination: Destination
    connect: Callable[[], Endpoint]
    unlocker: Unlocker
    on_event: OnEvent = ignore_event
    on_retry: OnRetry | None = None
    on_key: Callable[[str, tuple[int, ...]], object] = lambda _name, _ids: None
    on_receipt: Callable[[AnyReceipt], object] = lambda _: None
    with_position: Callable[[dict[str, Any]], dict[str, Any]] = lambda document: document
    again: bool = False
    dry_run: bool = False
    threads: int = 0

    def prepare(self) -> None:
        """Make all parts, before the first step and before there are threads.

        Raises:
            PiiencError: the error of the first part that cannot be made.
        """
        _ = self.schema, self.facts, self.wrap_request, self.push_request
        _ = self.available_keys

    @property
    def label(self) -> str:
        """What the ledger and the lock call the job."""
        return self.job.name or f"{self.schema.name} to {self.endpoint.url}"

    @property
    def state(self) -> Path:
        """The state folder."""
        return self.settings.state_dir

    @property
    def spool(self) -> Path:
        """The folder of wrapped files that are waiting or were recently delivered.

        Its path is absolute, so the ledger of transfers recognises it from any working directory.
        """
        return (self.state / "spool").absolute()

    @cached_property
    def schema(self) -> Schema:
        """The schema of the sources.

        Raises:
            ConfigError: it cannot be read, has mistakes, or marks nothing.
        """
        schema = schemas.load(self.job.schema)
        if not schema.marked:
            raise ConfigError(
                f"the schema {schema.name!r} marks no column, so there is nothing to encrypt",
                hint='mark a column: encrypt = "KEY" under [columns.NAME]',
            )
        chosen_treatments(schema, self.job.treatments)
        return schema

    @cached_property
    def facts(self) -> SchemaFacts:
        """The schema's own facts, for reports."""
        return SchemaFacts.of(self.schema, self.job.schema)

    @cached_property
    def profile(self) -> Profile:
        """What the receiver demands.

        Raises:
            ConfigError: there is no such profile.
        """
        return profiles.load(self.destination.profile, self.settings.profiles)

    @cached_property
    def wrap_request(self) -> WrapRequest:
        """The recipients and the format of wrapped files.

        Raises:
            ConfigError: there are no recipients.
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
    def endpoint(self) -> Endpoint:
        """The destination, and how it is reached.

        Raises:
            PiiencError: see `piienc.deliver.endpoint.endpoint_of`.
        """
        return self.connect()

    @cached_property
    def push_request(self) -> PushRequest:
        """How files get to the destination.

        Raises:
            PiiencError: see `piienc.deliver.push.rules_of`; or a recipient's key is not there.
        """
        # A manifest tells of the columns that arrive.
        omitted = {name for name, each in self.job.treatments.items() if TREATMENTS[each] is OMIT}
        columns = {n: each for n, each in self.schema.columns.items() if n not in omitted}
        rules = rules_of(self.endpoint, self.profile, schema=replace(self.schema, columns=columns))
        recipients = {
            key.name: frozenset(part.key_id for part in key.parts)
            for key in self.pgp.load(self.wrap_request.recipients)
        }
        ledger = Ledger(self.state)
        return PushRequest(self.endpoint, self.profile, rules, recipients, ledger, self.on_retry)

    @cached_property
    def pgp(self) -> PgpFolder:
        """The OpenPGP keys."""
        return PgpFolder(self.settings.keys_dir, self.unlocker)

    @cached_property
    def aes(self) -> KeyFolder:
        """The AES keys."""
        return KeyFolder(self.settings.keys_dir, self.unlocker)

    @cached_property
    def available_keys(self) -> AvailableKeys:
        """The same, for the verification, which opens none."""
        return AvailableKeys(self.aes, used=False)

    def keyset(self, name: str) -> Keyset:
        """Return a keyset.

        Raises:
            KeyAccessError: it is missing, or locked.
        """
        keyset = self.aes.load(name)
        self.on_key(name, tuple(key.key_id for key in keyset.keys))
        return keyset
