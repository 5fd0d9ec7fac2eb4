"""The errors of piienc: one tree, each class with its exit code and its hint.

    PiiencError                 1   a bug in piienc
    ├── UsageError              2   the command line is wrong
    ├── ConfigError             3   the configuration or the schema is wrong
    ├── InputError              4   the input data is wrong
    ├── KeyAccessError          5   a key is missing, locked or not allowed
    ├── AuthenticationError     6   tampered, wrong key or wrong context
    ├── PgpError                7   OpenPGP failed
    ├── ConnectError            8   no connection: host key, login, network
    ├── IncompleteError         9   an output or a transfer could not be completed
    ├── VerificationError      10   verification found differences
    ├── LockError              11   another run holds the lock
    └── PolicyError            12   refused by policy
        └── NameTakenError     12   a name at the destination is taken

A message says what happened and where (file, line, row, column), a hint says what to do
next. Neither ever holds a value of a cell, key material or a passphrase.
"""

from __future__ import annotations

from typing import ClassVar


class PiiencError(Exception):
    """The root of all errors that piienc raises on purpose.

    Attributes:
        exit_code: the process's exit code when this error ends it.
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

    def __init__(self, message: str, *, hint: str | None = None, transient: bool = False) -> None:
        super().__init__(message)
        if hint is not None:
            self.hint = hint
        if transient:
            self.transient = True


class UsageError(PiiencError):
    """The command line asks for something that does not exist or does not fit together."""

    exit_code = 2
    kind = "usage"
    meaning = "wrong usage"
    hint = "see the command's --help"


class ConfigError(PiiencError):
    """`piienc.toml`, `schema.toml` or the state folder is missing, malformed or contradictory."""

    exit_code = 3
    kind = "config"
    meaning = "configuration or schema invalid"
    hint = "mend the named lines and run again"


class InputError(PiiencError):
    """The input data cannot be read as what the schema or the file's name says it is."""

    exit_code = 4
    kind = "input"
    meaning = "input data invalid"
    hint = "mend the file at the named place, or correct the schema, and run again"


class KeyAccessError(PiiencError):
    """A key is missing, locked, malformed, kept carelessly, or not meant for this use."""

    exit_code = 5
    kind = "key"
    meaning = "key missing, locked or not allowed"
    hint = "see 'piienc keys list' for the keys that are there"


class AuthenticationError(PiiencError):
    """A ciphertext does not authenticate: it was changed, or key or context are not its own."""

    exit_code = 6
    kind = "authentication"
    meaning = "authentication failed: tampered, wrong key or wrong context"
    hint = "check that key and context are those of the encryption; if they are, the data changed"


class PgpError(PiiencError):
    """An OpenPGP operation failed."""

    exit_code = 7
    kind = "pgp"
    meaning = "PGP failed"
    hint = "check the recipient's key"


class ConnectError(PiiencError):
    """No connection to the destination: network, host key or login."""

    exit_code = 8
    kind = "connect"
    meaning = "cannot connect: host key, login, network"
    hint = "check host, port, host key and login"


class IncompleteError(PiiencError):
    """An output or a transfer could not be completed; nothing half was left under its name."""

    exit_code = 9
    kind = "incomplete"
    meaning = "transfer failed or output incomplete (a full disk, say)"
    hint = "make room or mend the destination, and run the same command again"


class VerificationError(PiiencError):
    """Verification ran to its end and found differences."""

    exit_code = 10
    kind = "verification"
    meaning = "verification found differences"
    hint = "see the report for rows and columns"


class LockError(PiiencError):
    """Another run holds the lock."""

    exit_code = 11
    kind = "lock"
    meaning = "another run holds the lock"
    hint = "wait for the other run to end"


class PolicyError(PiiencError):
    """What was asked for is possible but refused, because it would lose or expose something."""

    exit_code = 12
    kind = "policy"
    meaning = "refused by policy (would overwrite, would undo a mark, already encrypted)"
    hint = "choose another output, or say that you mean it"


class NameTakenError(PolicyError):
    """A file of that name is at the destination already, and replacing it was not asked for."""

    hint = "choose another name, or say that you mean to replace the file"
