"""What may stand in a profile's table, and the profile that comes of it.

A table says only what differs: what it leaves out is its base's, or `Profile`'s default. So
the defaults are what holds for a receiver of whom nothing is known.
"""

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Annotated, Any, Literal

from msgspec import Meta, Struct, convert, structs

from piienc.base.document import Mistake, Table, nearest, shown
from piienc.base.regex import mistake_in
from piienc.errors import ConfigError
from piienc.receivers.manifest import MANIFESTS
from piienc.receivers.rows import RowRule, Text

Flag = Annotated[bool, Meta(examples=[True, False])]
Ending = Annotated[str, Meta(min_length=1, examples=[".pgp"])]
Size = Annotated[str, Meta(examples=["1 GB"])]
Bits = Annotated[int, Meta(ge=2048, examples=[3072])]  # RFC 9580, 12.4 forbids shorter ones

Cipher = Literal["AES256", "AES192", "AES128"]
Compression = Literal["auto", "none", "zip", "zlib"]
Signing = Literal["allowed", "refused", "required"]
Algorithm = Literal["rsa", "ecc"]
if TYPE_CHECKING:
    Trigger = str
else:  # a row of the table is a trigger
    Trigger = Literal[("none", *MANIFESTS, ".fin", ".DONE")]

_SIZES = ("size_limit", "plain_size_limit")
_WORDS = ("summary", "properties", "kinds", "notes")  # they demand nothing, and need no source
_SOURCED = (*_WORDS, "sources", "rows")  # each rule of rows has its own
_UNITS = {"TB": 10**12, "GB": 10**9, "MB": 10**6, "kB": 10**3, "B": 1}


class Profile(Struct, frozen=True, kw_only=True):
    """What one kind of receiver demands.

    Attributes:
        name: the profile's name.
        summary: the receiver, in a line.
        armor: whether the file must be ASCII-armored; None leaves it to the user.
        extension: what is appended to the data file's name.
        extensions: the only endings that the receiver takes; none means any.
        names: what the final file's whole name must match, if anything.
        cipher: the cipher to encrypt with.
        compression: OpenPGP's own, inside of the message; `auto` is where it helps.
        aead: whether the newer AEAD packet, tag 20, is allowed.
        signing: whether the message may, must or must not be signed.
        algorithms: the kinds of keys that may be encrypted to.
        min_rsa_bits: a shorter RSA key is refused.
        recommended_rsa_bits: a shorter RSA key is warned of.
        subkey_required: whether the key must have a subkey for encryption.
        double_compression: whether a file that is compressed already may be wrapped.
        size_limit: the most bytes of a wrapped file.
        plain_size_limit: the most bytes of a file that is sent as it is.
        trigger: the file that is uploaded behind the data, so that the receiver begins.
        trigger_swaps_ending: whether the trigger's ending takes the place of the data
            file's last one; else it is appended.
        rename: whether a file may grow under a temporary name; else it is written in place.
        never_overwrite: whether a name at the receiver may be used only once.
        properties: those that the receiver knows, as it spells them, each with other names for
            it; in them, capitals do not matter.
        kinds: kinds of rows, each with the properties of which one is in its files alone; with
            none, the kind of all other files.
        rows: what the rows must be like, as rules by name.
        notes: what the user has to know and piienc cannot see to.
        sources: for each demand, where it comes from; for a rule, by `rows.NAME`.
    """

    name: str
    summary: str = ""
    armor: bool | None = None
    extension: str = ".pgp"
    extensions: tuple[str, ...] = ()
    names: str | None = None
    cipher: Cipher = "AES256"
    compression: Compression = "auto"
    aead: bool = False
    signing: Signing = "allowed"
    algorithms: tuple[Algorithm, ...] = ("rsa", "ecc")
    min_rsa_bits: int = 2048
    recommended_rsa_bits: int = 3072
    subkey_required: bool = False
    double_compression: bool = True
    size_limit: int | None = None
    plain_size_limit: int | None = None
    trigger: Trigger = "none"
    trigger_swaps_ending: bool = False
    rename: bool = True
    never_overwrite: bool = False
    properties: dict[str, list[str]] = {}  # msgspec gives each profile its own
    kinds: dict[str, list[str]] = {}
    rows: dict[str, RowRule] = {}
    notes: tuple[str, ...] = ()
    sources: dict[str, str] = {}


class Demands(Table, frozen=True, kw_only=True):
    """A profile's table: the fields of `Profile` that it says, all else None."""

    based_on: Text | None = None
    summary: Text | None = None
    armor: Flag | None = None
    extension: Ending | None = None
    extensions: Annotated[list[Ending], Meta(min_length=1, examples=[[".pgp", ".gpg"]])] | None = (
        None
    )
    names: Annotated[str, Meta(min_length=1, examples=[r"[a-z0-9_]+\.csv\.pgp"])] | None = None
    cipher: Cipher | None = None
    compression: Compression | None = None
    aead: Flag | None = None
    signing: Signing | None = None
    algorithms: Annotated[list[Algorithm], Meta(min_length=1, examples=[["rsa"]])] | None = None
    min_rsa_bits: Bits | None = None
    recommended_rsa_bits: Bits | None = None
    subkey_required: Flag | None = None
    double_compression: Flag | None = None
    size_limit: Size | None = None
    plain_size_limit: Size | None = None
    trigger: Trigger | None = None
    trigger_swaps_ending: Flag | None = None
    rename: Flag | None = None
    never_overwrite: Flag | None = None
    properties: dict[Text, list[Text]] | None = None
    kinds: dict[Text, list[Text]] | None = None
    rows: dict[Text, RowRule] | None = None
    notes: list[Text] | None = None
    sources: dict[str, Text] | None = None

    @classmethod
    def check(cls, fields: Mapping[str, Any]) -> Iterator[Mistake]:
        """See to it that endings, names and sizes can be what they are called."""
        for name in ("extension", "extensions"):
            endings = fields.get(name) or []
            for ending in [endings] if isinstance(endings, str) else endings:
                if not re.fullmatch(r"(\.[A-Za-z0-9]+)+", ending):
                    yield (name,), f'{shown(ending)} is not an ending of names; write ".pgp", say'
        if (names := fields.get("names")) and (mistake := mistake_in(names)):
            yield ("names",), mistake
        for name in _SIZES:
            if (size := fields.get(name)) is not None and bytes_of(size) is None:
                yield (name,), f'{shown(size)} is not a size; write {name} = "1 GB"'
        demands = {*Profile.__struct_fields__} - {"name", *_SOURCED}
        for name in fields.get("sources") or ():
            if name not in demands or fields.get(name, "refused") is None:
                yield ("sources", name), "the source of nothing that this profile demands"

    def over(self, base: Profile, name: str) -> Profile:
        """Return a profile that demands this, and otherwise what its base demands.

        Raises:
            ConfigError: the two do not fit together.
        """
        own = {
            field: value
            for field in self.__struct_fields__
            if field not in ("based_on", "sources") and (value := getattr(self, field)) is not None
        }
        base_sources = {field: source for field, source in base.sources.items() if field not in own}
        own_sources = dict.fromkeys((f for f in own if f not in _SOURCED), f"[profiles.{name}]")
        rules = self.rows or {}
        own_sources |= {
            f"rows.{rule}": table.source or f"[profiles.{name}.rows.{rule}]"
            for rule, table in rules.items()
        }
        own |= {field: bytes_of(own[field]) for field in _SIZES if field in own}
        own |= {
            "name": name,
            "rows": base.rows | rules,
            "sources": base_sources | own_sources | (self.sources or {}),
        }
        profile = convert(structs.asdict(base) | own, Profile)
        if profile.extensions and not profile.extension.endswith(profile.extensions):
            raise ConfigError(
                f"profile {name}: the extension {profile.extension} is not one of its extensions, "
                f"{', '.join(profile.extensions)}",
                hint=f"set both in [profiles.{name}]",
            )
        for rule, each in profile.rows.items():
            if each.type is not None and each.type not in profile.kinds:
                raise ConfigError(
                    f"profile {name}: rows.{rule}: {shown(each.type)} is not one of its kinds of "
                    f"rows{nearest(each.type, [*profile.kinds])}",
                    hint=f"name one of its kinds, or add it to [profiles.{name}.kinds]",
                )
        return profile


class BuiltInProfile(Demands, frozen=True, kw_only=True):
    """The table of a built-in profile: every demand has its source."""

    @classmethod
    def check(cls, fields: Mapping[str, Any]) -> Iterator[Mistake]:
        """See to it that nothing is demanded without a source."""
        yield from super().check(fields)
        if fields.get("summary") is None:
            yield ("summary",), "missing"
        for name, value in fields.items():
            sourced = name in (*_SOURCED, *(fields.get("sources") or ()))
            if value is not None and not sourced:
                yield (name,), "has no source; say in [sources] where it comes from"
        for rule, table in (fields.get("rows") or {}).items():
            if "source" not in table:
                yield ("rows", rule), "has no source; say in source where it comes from"


def size_text(size: int) -> str:
    """Write a size as a profile does: `1 GB`."""
    unit = next(unit for unit, factor in _UNITS.items() if size % factor == 0)
    return f"{size // _UNITS[unit]} {unit}"


def bytes_of(size: str) -> int | None:
    """Return the bytes of a size as a profile writes it; None if it is none."""
    match = re.fullmatch(r"([1-9][0-9]{0,11}) ?([kMGT]?B)", size)
    return int(match[1]) * _UNITS[match[2]] if match else None
