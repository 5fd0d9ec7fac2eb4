"""What a manifest may say: the receiver's words, and the table of `piienc.toml`.

The facts are those of its public pages "Imports via SFTP", "File Upload Encryption" and
"Upload User Profiles". What it demands of rows and manifests alike is in its profile.
"""

import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

from msgspec import Meta

from piienc.base.document import Mistake, Table
from piienc.receivers.rows import PropertyNames, Text

Kind = Literal["profile", "event"]
DataType = Literal["STRING", "INTEGER", "LONG", "FLOAT", "BOOLEAN", "Date"]
DateFormat = Literal[
    "dd/MM/yyyy HH:mm:ss",
    "MM/dd/yyyy HH:mm:ss",
    "yyyy/dd/MM HH:mm:ss",
    "yyyy/MM/dd HH:mm:ss",
    "dd MMM yyyy HH:mm:ss",
    "Unix",
]
KINDS: tuple[str, ...] = get_args(Kind)
DATA_TYPES: tuple[str, ...] = get_args(DataType)
DATE_FORMATS: tuple[str, ...] = get_args(DateFormat)

SUFFIX = ".manifest"

_DATA = Path(__file__).parents[1] / "data" / "clevertap.toml"
_PROFILE = tomllib.loads(_DATA.read_text("utf-8"))
_RULES = _PROFILE["rows"]
PROPERTIES = PropertyNames.of(_PROFILE["properties"])
IDENTITIES: list[str] = _RULES["owner"]["required_one_of"]
"""What tells whose row it is; the pages spell them with capitals and without."""
EVENT_NAME: str = _PROFILE["kinds"]["event"][0]
LONGEST_NAME: int = _RULES["names"]["max_name_bytes"]

_EMAIL = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@([A-Za-z0-9-]+\.)+[A-Za-z0-9-]{2,63}")
_UUID = re.compile(r"[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")
_LONGEST_EMAIL = 254  # RFC 5321, 4.5.3.1.3, without the angle brackets


def is_email(text: str) -> bool:
    """Tell whether a text is one plain e-mail address."""
    return len(text) <= _LONGEST_EMAIL and _EMAIL.fullmatch(text) is not None


def is_key_id(text: str) -> bool:
    """Tell whether a text is a UUID, as the receiver gives for a pair of keys."""
    return _UUID.fullmatch(text) is not None


class ManifestTable(Table, frozen=True, kw_only=True):
    """What a manifest says beside the schema.

    Attributes:
        type: what the rows are.
        client_email: where the receiver sends its notices to.
        key_id: which of its keys an encrypted file is for.
        columns: properties by column, where they are not those of the schema.
        exclude: columns that are left out, so that the receiver takes them as text.
        date_formats: by column, how its dates are written.
    """

    type: Annotated[Kind, Meta(examples=["profile"])]
    client_email: Annotated[str, Meta(min_length=1, examples=["imports@example.com"])]
    key_id: Annotated[str, Meta(examples=["00000000-0000-4000-8000-000000000000"])] | None = None
    columns: dict[Text, Text] | None = None
    exclude: list[Text] | None = None
    date_formats: dict[Text, DateFormat] | None = None

    @classmethod
    def check(cls, fields: Mapping[str, Any]) -> Iterator[Mistake]:
        """See to it that address and key can be what they are called; columns fit together."""
        if not is_email(fields.get("client_email", "nobody@example.com")):
            # The address is personal, so it is not shown.
            yield ("client_email",), "not one plain e-mail address"
        if (key_id := fields.get("key_id")) is not None and not is_key_id(key_id):
            yield ("key_id",), "not a UUID; write the key id that the receiver gave"
        owners: dict[str, str] = {}
        for column, name in (fields.get("columns") or {}).items():
            if len(name.encode(errors="replace")) > LONGEST_NAME:
                yield ("columns", column), f"longer than {LONGEST_NAME} bytes"
            if (first := owners.setdefault(PROPERTIES.spelt(name), column)) != column:
                yield ("columns", column), f"the property of column {first!r} already"
        for index, column in enumerate(fields.get("exclude") or ()):
            for name in ("columns", "date_formats"):
                if column in (fields.get(name) or {}):
                    yield ("exclude", index), f"also named in {name}; remove it from one of them"
