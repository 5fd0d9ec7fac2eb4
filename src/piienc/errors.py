"""The errors of piienc: one tree, each class with its exit code and its hint.

    PiiencError                 1   a bug in piienc
    ├── UsageError              2   the command line is wrong
    ├── ConfigError             3   the configuration or the schema is wrong
    ├── InputError              4   the input data is wrong
    │   └── MovedError          4   it was written to while it was read
    ├── KeyAccessError          5   a key is missing, locked or not allowed
    ├── AuthenticationError     6   tampered, wrong key or wrong context
    ├── PgpError                7   OpenPGP failed
    ├── ConnectError            8   no connection: host key, login, network
    ├── IncompleteError         9   an output or a transfer could not be completed
    │   └── OutOfOrderError     9   a server takes a file only in one go
    ├── VerificationError      10   verification found differences
    ├── LockError              11   another run holds the lock
    └── PolicyError            12   refused by policy
        └── NameTakenError     12   a name at the destination is taken

A message says what happened and where (file, line, row, column), a hint says what to do
next. Neither ever holds a value of a cell, key material or a passphrase. The second paragraph of
each class says what to do at night. docs/errors.md is made of all this by `.ci/errors_page.py`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from collections.abc import Sequence


class PiiencError(Exception):
    """The root of all errors that piienc raises on purpose.

    As it is, it stands for what should not happen. No output has appeared under its name. Keep the
    message and the command line, without any data, and run again once: if it comes back, leave it
    for the morning, and report it.

    Attributes:
        exit_code: the process's exit code when this error ends it.
        summary: the message's first line, or all of it.
        details: the lines below it, if it lists several things.
        kind: the name of the class of errors in machine-readable output.
        meaning: the exit code's meaning, as `piienc --help` and the README print it.
        hint: what the reader can do next.
        transient: the cause may pass by itself (a lost connection, a busy server): trying the
            same again later may help.
    """

    exit_code: ClassVar[int] = 1
    kind: ClassVar[str] = "bug"
    meaning: ClassVar[str] = "a bug in piienc"
    hint: str = "this is a bug in piienc: please report it, without any personal data"
    transient: bool = False

    def __init__(
        self,
        message: str,
        *,
        details: Sequence[str] = (),
        hint: str | None = None,
        transient: bool = False,
    ) -> None:
        super().__init__("\n  ".join([message, *details]))
        self.summary, self.details = message, tuple(details)
        if hint is not None:
            self.hint = hint
        if transient:
            self.transient = True


class UsageError(PiiencError):
    """The command line asks for something that does not exist or does not fit together.

    Nothing was written. A job that ran before ends so after an update or an edit of its
    command line: compare it with the command's --help.
    """

    exit_code = 2
    kind = "usage"
    meaning = "wrong usage"
    hint = "see the command's --help"


class ConfigError(PiiencError):
    """`piienc.toml`, `schema.toml` or the state folder is missing, malformed or contradictory.

    The message lists each mistake with its line. If nobody has edited the file, look whether the
    disk with the state folder is full or read-only, and whether the job was started in another
    folder: the nearest `piienc.toml` upwards counts.
    """

    exit_code = 3
    kind = "config"
    meaning = "configuration or schema invalid"
    hint = "mend the named lines and run again"


class InputError(PiiencError):
    """The input data cannot be read as what the schema or the file's name says it is.

    No output has appeared. Most often the export is cut off, not finished yet, or has a new column.
    Make the export again, and then run again. Do not mend personal data by hand at night.
    """

    exit_code = 4
    kind = "input"
    meaning = "input data invalid"
    hint = "mend the file at the named place, or correct the schema, and run again"


class MovedError(InputError):
    """A source was written to, or went away, while it was read.

    Nothing of it was sent. Have the export written under another name and renamed when it is whole;
    the next run sends what is there then.
    """

    hint = "write it under another name, and rename it when it is whole"


class KeyAccessError(PiiencError):
    """A key is missing, locked, malformed, kept carelessly, or not meant for this use.

    No output has appeared. See that the key folder is mounted, that its modes are 0700 and 0600,
    and that the passphrase's file can be read. Never make a new key under the old name: what the
    lost one has encrypted stays closed to it.
    """

    exit_code = 5
    kind = "key"
    meaning = "key missing, locked or not allowed"
    hint = "see 'piienc keys list' for the keys that are there"


class AuthenticationError(PiiencError):
    """A ciphertext does not authenticate: it was changed, or key or context are not its own.

    Do not use the file, and do not delete it: it is evidence. Compare its hash with the receipt of
    the encryption. If they are equal, key or context are the wrong ones; if not, somebody or
    something has changed the file. To try again does not help.
    """

    exit_code = 6
    kind = "authentication"
    meaning = "authentication failed: tampered, wrong key or wrong context"
    hint = "check that key and context are those of the encryption; if they are, the data changed"


class PgpError(PiiencError):
    """An OpenPGP operation failed.

    No output has appeared. `piienc keys list` shows whether a key has expired or was revoked. A
    partner's new key is taken only after its fingerprint was compared by another way, which can
    wait for the morning. Never send in clear instead.
    """

    exit_code = 7
    kind = "pgp"
    meaning = "PGP failed"
    hint = "check the recipient's key"


class ConnectError(PiiencError):
    """No connection to the destination: network, host key or login.

    What may pass by itself was tried again already. Run the same command again, once the network or
    the server is back: nothing is delivered twice. A changed host key is no hiccup: have the
    server's owner confirm the fingerprint, and send nothing before that.
    """

    exit_code = 8
    kind = "connect"
    meaning = "cannot connect: host key, login, network"
    hint = "check host, port, host key and login"


class IncompleteError(PiiencError):
    """An output or a transfer could not be completed; nothing half was left under its name.

    Make room, here or at the destination as the message says, and run the same command again: a
    transfer goes on where it was, and what was delivered is not sent again.
    """

    exit_code = 9
    kind = "incomplete"
    meaning = "transfer failed or output incomplete (a full disk, say)"
    hint = "make room or mend the destination, and run the same command again"


class OutOfOrderError(IncompleteError):
    """A server refuses a file that was not written in one go, in order; it is begun anew.

    Nobody meets this error unless the second way has failed, too: see IncompleteError.
    """


class VerificationError(PiiencError):
    """Verification ran to its end and found differences.

    Nothing is broken; the data is not as it should be. Hold the file back. The report names rows,
    columns and rules, and holds no values, so it may be passed on.
    """

    report: object = None  # what was found, where it is at hand

    exit_code = 10
    kind = "verification"
    meaning = "verification found differences"
    hint = "see the report for rows and columns"


class LockError(PiiencError):
    """Another run holds the lock.

    The other run is alive: one that dies gives its lock back, so there is no lock file to remove.
    Wait for it. If it hangs, end that process, and run the same command again.
    """

    exit_code = 11
    kind = "lock"
    meaning = "another run holds the lock"
    hint = "wait for the other run to end"


class PolicyError(PiiencError):
    """What was asked for is possible but refused, because it would lose or expose something.

    Nothing was replaced, and the file was not sent. The hint names the option that says that it
    is meant, where there is one. A nightly job that ends so has most probably run already: look
    whether its output is there. A configuration or a key that belongs to somebody else may have
    been planted: find out who has put it there before you trust it.
    """

    exit_code = 12
    kind = "policy"
    meaning = "refused by policy (would overwrite, would undo a mark, already encrypted)"
    hint = "choose another output, or say that you mean it"


class NameTakenError(PolicyError):
    """A file of that name is at the destination already, and replacing it was not asked for.

    It is none that this run has sent. Look at the destination whose it is before you replace it:
    the receiver may be reading it.
    """

    hint = "choose another name, or say that you mean to replace the file"
