"""The packets of an OpenPGP file, read without gpg and without a key.

message.py     read_message: what the head of a file tells, without a key
facts.py       what it tells, as plain values
bodies.py      the bodies of packets, one function for each kind
packets.py     a file as packets, one after the other
inflate.py     compressed packets
algorithms.py  the names of OpenPGP's algorithms

All that is wrong with a file raises `PgpError`. Reading takes the standard library alone and
flat memory, and stops where the data begins, so a look at a file of any size is quick.
"""

from piienc.openpgp.packets.facts import HIDDEN, Container, PgpMessage
from piienc.openpgp.packets.message import HEAD, is_openpgp, read_message

__all__ = ["HEAD", "HIDDEN", "Container", "PgpMessage", "is_openpgp", "read_message"]
