"""The packets of an OpenPGP file, read without gpg and without a key.

message.py     read_message: what the head of a file tells, without a key
facts.py       what it tells, as plain values
bodies.py      the bodies of packets, one function for each kind
packets.py     a file as packets, one after the other
armor.py       OpenPGP as text, decoded as it is read
inflate.py     compressed packets
algorithms.py  the names of OpenPGP's algorithms

All that is wrong with a file raises `PgpError`. Reading takes the standard library alone and
flat memory, and stops where the data begins, so a look at a file of any size is quick.
"""

from piienc.keys.openpgp.armor import dearmor, dearmored, is_armored, peeked
from piienc.openpgp.packets.facts import (
    HIDDEN,
    Container,
    KeyPacket,
    LiteralPacket,
    PgpMessage,
    Recipient,
    SignaturePacket,
)
from piienc.openpgp.packets.message import is_openpgp, read_message

__all__ = [
    "HIDDEN",
    "Container",
    "KeyPacket",
    "LiteralPacket",
    "PgpMessage",
    "Recipient",
    "SignaturePacket",
    "dearmor",
    "dearmored",
    "is_armored",
    "is_openpgp",
    "peeked",
    "read_message",
]
